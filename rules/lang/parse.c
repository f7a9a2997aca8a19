/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parser's frame (parse.h): files, blocks, sentences, recovery.
 *
 * Theory of operation. Recursive descent with one token of look-ahead, driven
 * by the tables of words. Depth is bounded by the grammar (a block holds only
 * sentences of its own table) and by PARSE_INCLUDE_DEPTH; skipping after an
 * error counts braces instead of recursing. Comments wait in parse->comment
 * until a sentence takes those above it, or those on the line where it ends.
 */
#include "rules/lang/parse.h"

#include "rules/lang/compile.h"

#include <string.h>

static void keep_comments(struct parse *parse)
{
	if (!parse->lex.comment)
		return;
	*parse->comment_last = parse->lex.comment;
	parse->comment_last = parse->lex.comment_last;
}

void parse_advance(struct parse *parse)
{
	parse->last = parse->token.place;
	parse->token = lex_next(&parse->lex);
	keep_comments(parse);
}

static struct comment *take_comments(struct parse *parse)
{
	struct comment *comment = parse->comment;

	parse->comment = NULL;
	parse->comment_last = &parse->comment;
	return comment;
}

/* The comment behind the end of a sentence belongs to it. */
static struct comment *take_comment_of(struct parse *parse, uint32_t line)
{
	struct comment *comment = parse->comment;

	if (!comment || comment->line != line)
		return NULL;
	parse->comment = comment->next;
	if (!parse->comment)
		parse->comment_last = &parse->comment;
	comment->next = NULL;
	return comment;
}

/* Go on behind the `;` or the block of a sentence that was refused; a `}` that
 * belongs to the block around it is left. */
static void skip_sentence(struct parse *parse)
{
	size_t depth = 0;

	while (
	    parse->token.kind != TOKEN_END && parse->token.kind != TOKEN_BAD) {
		enum token_kind kind = parse->token.kind;

		if (kind == TOKEN_CLOSE && !depth)
			return;
		parse_advance(parse);
		if (kind == TOKEN_OPEN)
			depth++;
		else if (kind == TOKEN_CLOSE && !--depth)
			return;
		else if (kind == TOKEN_SEMICOLON && !depth)
			return;
	}
}

static const struct word *find_word(
    const struct word *table, const struct token *token)
{
	if (token->kind != TOKEN_WORD)
		return NULL;
	for (; table->text; table++)
		if (!strcmp(table->text, token->text))
			return table;
	return NULL;
}

bool parse_new_sentence(const struct parse *parse)
{
	return parse->token.first &&
	       (find_word(parse_file_words, &parse->token) ||
		   find_word(parse_network_words, &parse->token) ||
		   find_word(parse_profile_words, &parse->token) ||
		   find_word(parse_guest_words, &parse->token));
}

const char *parse_list_words(struct parse *parse, const struct word *table)
{
	const char *list =
	    arena_print(parse->errors->arena, "`%s`", table->text);

	for (table++; table->text; table++)
		list = arena_print(
		    parse->errors->arena, "%s, `%s`", list, table->text);
	return list;
}

static const char *near_word(struct parse *parse, const struct word *table)
{
	const char *text[64];
	size_t len = 0;

	if (parse->token.kind != TOKEN_WORD)
		return "";
	for (; table->text && len < 63; table++)
		text[len++] = table->text;
	text[len] = NULL;
	return error_near(parse->errors, parse->token.text, text);
}

static bool refuse_word(
    struct parse *parse, const struct word *table, const char *where)
{
	const char *near = near_word(parse, table);

	if (parse->token.kind == TOKEN_BAD)
		return false;
	return error_at(parse->errors, &parse->token.place,
	    "unknown sentence %s %s%s; expected one of %s",
	    lex_show(parse->errors, &parse->token), where, near,
	    parse_list_words(parse, table));
}

struct node *parse_child(
    struct parse *parse, struct node *node, const struct word *word)
{
	struct node *child = arena_take(parse->errors->arena, sizeof(*child));

	child->word = word;
	child->place = child->end = parse->token.place;
	child->value_last = &child->value;
	child->child_last = &child->child;
	*node->child_last = child;
	node->child_last = &child->next;
	parse_advance(parse);
	return child;
}

/* A sentence that lacks its `;` is most often followed by a good one. */
static bool end_sentence(struct parse *parse)
{
	if (parse->token.kind == TOKEN_SEMICOLON) {
		parse_advance(parse);
		return true;
	}
	if (parse->token.kind == TOKEN_BAD)
		return false;
	if (parse->token.first || parse->token.kind == TOKEN_CLOSE) {
		struct place place = parse->last;

		parse->resync = true;
		place.offset += place.size;
		place.column += place.size;
		place.size = 1;
		return error_at(parse->errors, &place,
		    "expected `;` at the end of this sentence");
	}
	return parse_expected(parse, "`;`");
}

static void parse_sentence(
    struct parse *parse, struct node *parent, const struct word *word)
{
	struct comment *before = take_comments(parse);
	struct node *node = parse_child(parse, parent, word);
	bool good;

	node->before = before;
	good = !word->parse || word->parse(parse, node);
	if (good && !node->block)
		good = end_sentence(parse);
	if (!good && !parse->resync)
		skip_sentence(parse);
	parse->resync = false;
	node->end = parse->last;
	node->after = take_comment_of(parse, parse->last.line);
}

bool parse_block(
    struct parse *parse, struct node *node, const struct word *table)
{
	struct place open = parse->token.place;

	if (!parse_sign(parse, TOKEN_OPEN, "`{`"))
		return false;
	node->block = true;
	while (parse->token.kind != TOKEN_CLOSE) {
		const struct word *word = find_word(table, &parse->token);

		if (parse->token.kind == TOKEN_BAD)
			return false;
		if (parse->token.kind == TOKEN_END) {
			error_at(parse->errors, &parse->token.place,
			    "expected `}`, found the end of the file");
			error_note(parse->errors, &open,
			    "the block that is not closed starts here");
			return false;
		}
		if (word) {
			parse_sentence(parse, node, word);
		} else {
			refuse_word(parse, table,
			    arena_print(parse->errors->arena, "in `%s`",
				node->word->text));
			skip_sentence(parse);
		}
	}
	node->inside = take_comments(parse);
	parse_advance(parse);
	return true;
}

bool parse_clauses(
    struct parse *parse, struct node *node, const struct word *table)
{
	while (parse->token.kind != TOKEN_SEMICOLON) {
		const struct word *word = find_word(table, &parse->token);
		struct node *child;

		if (!word)
			break;
		child = parse_child(parse, node, word);
		if (word->parse && !word->parse(parse, child))
			return false;
		child->end = parse->last;
	}
	if (parse->token.kind == TOKEN_WORD && !parse->token.first)
		return error_at(parse->errors, &parse->token.place,
		    "expected a clause of the %s or `;`, found %s%s",
		    node->word->text, lex_show(parse->errors, &parse->token),
		    near_word(parse, table));
	return true;
}

static void start(struct parse *parse, struct errors *errors, uint32_t source)
{
	parse->errors = errors;
	lex_open(&parse->lex, errors, source);
	parse->comment_last = &parse->comment;
	parse_advance(parse);
}

static void parse_sentences(struct parse *parse, struct node *top)
{
	while (
	    parse->token.kind != TOKEN_END && parse->token.kind != TOKEN_BAD) {
		const struct word *word =
		    find_word(parse_file_words, &parse->token);

		if (word) {
			parse_sentence(parse, top, word);
		} else if (parse->token.kind == TOKEN_CLOSE) {
			error_at(parse->errors, &parse->token.place,
			    "this `}` closes nothing");
			parse_advance(parse);
		} else {
			refuse_word(parse, parse_file_words, "");
			skip_sentence(parse);
		}
	}
}

void parse_file(
    struct ast *ast, struct errors *errors, const struct bundle *bundle)
{
	struct parse parse = {.bundle = bundle};
	struct node top = {.child_last = &top.child};

	start(&parse, errors, 0);
	parse_sentences(&parse, &top);
	ast->first = top.child;
	ast->end = parse.comment;
}

/*
 * The sentences of the included text become children of the sentence. Which
 * file it is was settled when the bundle was made: the one whose parent is
 * this source and whose path is written the same.
 */
bool parse_include(struct parse *parse, struct node *node)
{
	struct errors *errors = parse->errors;
	struct parse inner = {
	    .bundle = parse->bundle, .depth = parse->depth + 1};
	uint32_t source;

	if (!parse_string(parse, node, "the file to include, in quotes"))
		return false;
	if (!parse->bundle)
		return true; /* only this file is to be printed */
	if (parse->depth >= BUNDLE_DEPTH_MAX)
		return error_at(errors, &node->value->place,
		    "includes are nested deeper than %u", BUNDLE_DEPTH_MAX);
	source = source_include(
	    errors, parse->bundle, &node->value->place, node->value->text);
	if (source == UINT32_MAX)
		return false;
	start(&inner, errors, source);
	parse_sentences(&inner, node);
	return true;
}

struct node *parse_flow(struct errors *errors, uint32_t source)
{
	static const struct word word = {
	    .text = "flow", .id = WORD_MAX, .enforced = true};
	struct parse parse = {0};
	struct node *node = arena_take(errors->arena, sizeof(*node));

	node->word = &word;
	node->value_last = &node->value;
	node->child_last = &node->child;
	start(&parse, errors, source);
	if (!parse_expect(&parse, node))
		return NULL;
	if (parse.token.kind == TOKEN_SEMICOLON)
		parse_advance(&parse);
	if (parse.token.kind != TOKEN_END) {
		parse_expected(&parse, "the end of the flow");
		return NULL;
	}
	return node;
}
