/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text -> syntax tree. parse_file() is called by compile.c; the other
 * functions are the vocabulary in which the parse_<construct>.c files say what
 * a sentence looks like. Each of them reports what it expected and returns
 * false; parse.c then skips to the next `;` or `}` and goes on.
 */
#pragma once

#include "rules/lang/ast.h"

struct bundle;

struct parse {
	struct errors *errors;
	struct lex lex;
	struct token token;			 /* the one to be looked at */
	struct place last;			 /* of the token before it */
	struct comment *comment, **comment_last; /* not yet given to a node */
	const struct bundle *bundle;
	unsigned int depth; /* of includes */
	bool resync; /* the error is behind a missing `;`: go on right here */
};

/* The sentences of source 0 and, with a bundle, what it includes; without one
 * (NULL) an `include` stays a sentence. Errors are in `errors`. */
void parse_file(
    struct ast *ast, struct errors *errors, const struct bundle *bundle);
/* The flow of an `explain`: `GUEST FLOW`, all of a source, as the node of an
 * expect; NULL when it was refused. */
struct node *parse_flow(struct errors *errors, uint32_t source);

/* ---- vocabulary ---- */

/* Is the token this word? */
bool parse_at(const struct parse *parse, const char *word);
/* Does the token look like the next sentence: first of its line, and a word
 * that starts one? Then a `;` is missing before it. */
bool parse_new_sentence(const struct parse *parse);
void parse_advance(struct parse *parse);
/* Report "expected <what>, found <token>". Returns false. */
bool parse_expected(struct parse *parse, const char *what);
/* The token as a value of the node; goes on to the next. */
struct value *parse_take(
    struct parse *parse, struct node *node, enum value_kind kind);

/* A sign that is not kept: `=`, `:`, `{`. */
bool parse_sign(struct parse *parse, enum token_kind kind, const char *what);
/* A name that this sentence declares. */
bool parse_declared(struct parse *parse, struct node *node);
/* Is this text a possible name (letters, digits, `-`, `_`, < 48 bytes, not a
 * number, no reserved word)? */
bool parse_is_name(const char *text);
bool parse_word(struct parse *parse, struct node *node, const char *what);
bool parse_string(struct parse *parse, struct node *node, const char *what);
/* One or more. */
bool parse_words(struct parse *parse, struct node *node, const char *what);
bool parse_strings(struct parse *parse, struct node *node, const char *what);
/* One of the words of a NULL-terminated list; kept as a keyword. */
bool parse_choice(
    struct parse *parse, struct node *node, const char *const *choice);
/* The keyword if it is there; returns whether it was. */
bool parse_optional(struct parse *parse, struct node *node, const char *word);
bool parse_keyword(struct parse *parse, struct node *node, const char *word);
/* Digits only, at most `most`. */
bool parse_number(struct parse *parse, struct node *node, uint64_t most);
/* A number and one of the units. */
bool parse_quantity(
    struct parse *parse, struct node *node, const char *const *units);
/* `50/s`, `2 GB/day`. */
bool parse_rate(struct parse *parse, struct node *node);
/* `2027-03-31` */
bool parse_date(struct parse *parse, struct node *node);
/* WORD or { WORD ... }; strings too when `strings`. */
bool parse_list(
    struct parse *parse, struct node *node, const char *what, bool strings);
/* { sentences of the table } */
bool parse_block(
    struct parse *parse, struct node *node, const struct word *table);
/* Clauses of the table up to the `;`, as children without braces. */
bool parse_clauses(
    struct parse *parse, struct node *node, const struct word *table);
/* A child whose keyword is the token; goes on to the next token. */
struct node *parse_child(
    struct parse *parse, struct node *node, const struct word *word);
/* "expected one of `a`, `b`", as text in the arena. */
const char *parse_list_words(struct parse *parse, const struct word *table);

extern const char *const parse_time_units[];
extern const char *const parse_size_units[];

/* ---- tables ---- */
extern const struct word parse_file_words[];
extern const struct word parse_network_words[];
extern const struct word parse_profile_words[];
extern const struct word parse_always_words[];
extern const struct word parse_guest_words[];

/* ---- constructs ---- */
bool parse_set(struct parse *parse, struct node *node);
bool parse_category(struct parse *parse, struct node *node);
bool parse_group(struct parse *parse, struct node *node);
bool parse_time(struct parse *parse, struct node *node);
bool parse_switch(struct parse *parse, struct node *node);
bool parse_place(struct parse *parse, struct node *node);
bool parse_label(struct parse *parse, struct node *node);
bool parse_network(struct parse *parse, struct node *node);
bool parse_profile(struct parse *parse, struct node *node);
bool parse_always(struct parse *parse, struct node *node);
bool parse_guest(struct parse *parse, struct node *node);
bool parse_guests(struct parse *parse, struct node *node);
bool parse_rule(struct parse *parse, struct node *node);
bool parse_expect(struct parse *parse, struct node *node);
bool parse_gate(struct parse *parse, struct node *node);
bool parse_secret(struct parse *parse, struct node *node);
bool parse_refresh(struct parse *parse, struct node *node);
bool parse_include(struct parse *parse, struct node *node);
