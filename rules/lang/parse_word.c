/* SPDX-License-Identifier: BSD-2-Clause */
/* The parser's vocabulary (parse.h): single operands and lists of them. */
#include "rules/lang/parse.h"

#include "rules/image/image.h"

#include <string.h>

const char *const parse_time_units[] = {"s", "min", "h", "days", "day", NULL};
const char *const parse_size_units[] = {"KiB", "MiB", "GiB", "TiB", NULL};

bool parse_at(const struct parse *parse, const char *word)
{
	return parse->token.kind == TOKEN_WORD &&
	       !strcmp(parse->token.text, word);
}

bool parse_expected(struct parse *parse, const char *what)
{
	if (parse->token.kind == TOKEN_BAD)
		return false;
	return error_at(parse->errors, &parse->token.place,
	    "expected %s, found %s", what,
	    lex_show(parse->errors, &parse->token));
}

struct value *parse_take(
    struct parse *parse, struct node *node, enum value_kind kind)
{
	struct value *value = arena_take(parse->errors->arena, sizeof(*value));

	value->text = parse->token.text ? parse->token.text : "";
	value->place = parse->token.place;
	value->kind = (uint8_t)kind;
	*node->value_last = value;
	node->value_last = &value->next;
	parse_advance(parse);
	return value;
}

bool parse_sign(struct parse *parse, enum token_kind kind, const char *what)
{
	if (parse->token.kind != kind)
		return parse_expected(parse, what);
	parse_advance(parse);
	return true;
}

bool parse_is_name(const char *text)
{
	static const char *const reserved[] = {"any", "not", "country",
	    "address", "name", "host", "public", "unknown", "none", "elsewhere",
	    "always", NULL};
	bool digits = true;
	size_t i;

	for (i = 0; text[i]; i++) {
		char c = text[i];

		if (c < '0' || c > '9')
			digits = false;
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			(c >= 'A' && c <= 'Z') || (i && strchr("-_", c))))
			return false;
	}
	if (!i || digits || i >= POLICY_NAME_SIZE)
		return false;
	for (i = 0; reserved[i]; i++)
		if (!strcmp(text, reserved[i]))
			return false;
	return true;
}

bool parse_declared(struct parse *parse, struct node *node)
{
	const char *what = arena_print(
	    parse->errors->arena, "a name for this %s", node->word->text);

	if (parse->token.kind != TOKEN_WORD)
		return parse_expected(parse, what);
	if (!parse_is_name(parse->token.text))
		return error_at(parse->errors, &parse->token.place,
		    "`%.60s` can't be a name: letters, digits, `-` and `_`, "
		    "not only digits, at most %d bytes, no reserved word",
		    parse->token.text, POLICY_NAME_SIZE - 1);
	node->name = parse->token.text;
	node->name_place = parse->token.place;
	parse_advance(parse);
	return true;
}

bool parse_word(struct parse *parse, struct node *node, const char *what)
{
	if (parse->token.kind != TOKEN_WORD)
		return parse_expected(parse, what);
	parse_take(parse, node, VALUE_WORD);
	return true;
}

bool parse_string(struct parse *parse, struct node *node, const char *what)
{
	if (parse->token.kind == TOKEN_WORD)
		return error_at(parse->errors, &parse->token.place,
		    "expected %s, found `%.60s`: what lives outside of this "
		    "file stands in \"quotes\"",
		    what, parse->token.text);
	if (parse->token.kind != TOKEN_STRING)
		return parse_expected(parse, what);
	parse_take(parse, node, VALUE_STRING);
	return true;
}

bool parse_words(struct parse *parse, struct node *node, const char *what)
{
	if (!parse_word(parse, node, what))
		return false;
	while (parse->token.kind == TOKEN_WORD && !parse_new_sentence(parse))
		parse_take(parse, node, VALUE_WORD);
	return true;
}

bool parse_strings(struct parse *parse, struct node *node, const char *what)
{
	if (!parse_string(parse, node, what))
		return false;
	while (parse->token.kind == TOKEN_STRING)
		parse_take(parse, node, VALUE_STRING);
	return true;
}

bool parse_choice(
    struct parse *parse, struct node *node, const char *const *choice)
{
	const char *list = "";
	size_t i;

	for (i = 0; choice[i]; i++) {
		if (parse_at(parse, choice[i])) {
			parse_take(parse, node, VALUE_KEYWORD);
			return true;
		}
		list = arena_print(parse->errors->arena, "%s%s`%s`", list,
		    !i		    ? ""
		    : choice[i + 1] ? ", "
				    : " or ",
		    choice[i]);
	}
	if (parse->token.kind != TOKEN_WORD)
		return parse_expected(parse, list);
	return error_at(parse->errors, &parse->token.place,
	    "expected %s, found `%.60s`%s", list, parse->token.text,
	    error_near(parse->errors, parse->token.text, choice));
}

bool parse_optional(struct parse *parse, struct node *node, const char *word)
{
	if (!parse_at(parse, word))
		return false;
	parse_take(parse, node, VALUE_KEYWORD);
	return true;
}

bool parse_keyword(struct parse *parse, struct node *node, const char *word)
{
	if (parse_optional(parse, node, word))
		return true;
	return parse_expected(
	    parse, arena_print(parse->errors->arena, "`%s`", word));
}

static bool is_number(const char *text, uint64_t most)
{
	uint64_t number = 0;

	if (!*text || (text[0] == '0' && text[1]))
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		number = number * 10 + (uint64_t)(*text - '0');
		if (number > most)
			return false;
	}
	return true;
}

bool parse_number(struct parse *parse, struct node *node, uint64_t most)
{
	if (parse->token.kind != TOKEN_WORD ||
	    !is_number(parse->token.text, most))
		return parse_expected(parse,
		    arena_print(parse->errors->arena, "a number up to %llu",
			(unsigned long long)most));
	parse_take(parse, node, VALUE_WORD);
	return true;
}

bool parse_quantity(
    struct parse *parse, struct node *node, const char *const *units)
{
	if (!parse_number(parse, node, UINT32_MAX))
		return false;
	if (parse_at(parse, "m"))
		return error_at(parse->errors, &parse->token.place,
		    "a bare `m` could be metres or minutes: write `metres` or "
		    "`min`");
	return parse_choice(parse, node, units);
}

bool parse_rate(struct parse *parse, struct node *node)
{
	static const char *const units[] = {"KB/day", "MB/day", "GB/day",
	    "KB/s", "MB/s", "KB/h", "MB/h", "GB/h", NULL};
	const char *slash;

	if (parse->token.kind != TOKEN_WORD)
		return parse_expected(parse, "a rate such as `50/s`");
	slash = strchr(parse->token.text, '/');
	if (!slash) {
		return parse_number(parse, node, UINT32_MAX) &&
		       parse_choice(parse, node, units);
	}
	if ((strcmp(slash, "/s") != 0 && strcmp(slash, "/min") != 0 &&
		strcmp(slash, "/h") != 0 && strcmp(slash, "/day") != 0) ||
	    !is_number(arena_copy(parse->errors->arena, parse->token.text,
			   (size_t)(slash - parse->token.text)),
		UINT32_MAX))
		return parse_expected(parse,
		    "a rate: a number with `/s`, `/min`, `/h` or `/day`");
	parse_take(parse, node, VALUE_WORD);
	return true;
}

bool parse_date(struct parse *parse, struct node *node)
{
	static const char shape[] = "dddd-dd-dd";
	const char *text = parse->token.text;
	size_t i;

	if (parse->token.kind != TOKEN_WORD)
		return parse_expected(parse, "a date such as `2027-03-31`");
	for (i = 0; shape[i]; i++) {
		bool digit = text[i] >= '0' && text[i] <= '9';

		if (shape[i] == 'd' ? !digit : text[i] != '-')
			break;
	}
	if (shape[i] || text[i])
		return parse_expected(parse, "a date such as `2027-03-31`");
	parse_take(parse, node, VALUE_WORD);
	return true;
}

bool parse_list(
    struct parse *parse, struct node *node, const char *what, bool strings)
{
	struct place open = parse->token.place;
	struct value *value = NULL;

	if (parse->token.kind != TOKEN_OPEN) {
		if (strings && parse->token.kind == TOKEN_STRING) {
			parse_take(parse, node, VALUE_STRING);
			return true;
		}
		return parse_word(parse, node, what);
	}
	parse_advance(parse);
	node->lists++;
	while (parse->token.kind != TOKEN_CLOSE) {
		if (parse->token.kind == TOKEN_WORD) {
			value = parse_take(parse, node, VALUE_WORD);
		} else if (strings && parse->token.kind == TOKEN_STRING) {
			value = parse_take(parse, node, VALUE_STRING);
		} else if (parse->token.kind == TOKEN_COMMA) {
			return error_at(parse->errors, &parse->token.place,
			    "no commas in a list: blanks separate");
		} else {
			parse_expected(parse, arena_print(parse->errors->arena,
						  "%s or `}`", what));
			error_note(
			    parse->errors, &open, "the list starts here");
			return false;
		}
		value->list = node->lists;
	}
	if (!value)
		return error_at(parse->errors, &open, "an empty list");
	parse_advance(parse);
	return true;
}
