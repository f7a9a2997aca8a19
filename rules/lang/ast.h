/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The syntax tree: what was written, before anything is known about its
 * meaning. Made by parse.c, printed by print.c, read by check.c.
 *
 * A sentence and a clause of a sentence are both a node: a keyword of the
 * grammar, the declared name if it has one, operands, and children. Children
 * are either a block in braces or (rule, expect) clauses on the same line, or
 * (include) the sentences of the included text, which are not printed.
 */
#pragma once

#include "rules/lang/lex.h"

/* Every keyword that starts a sentence or a clause. */
enum word_id {
	/* of the file */
	WORD_LANGUAGE,
	WORD_TIMEZONE,
	WORD_INCLUDE,
	WORD_COUNTRY_TABLE,
	WORD_SET,
	WORD_NETWORK,
	WORD_ALWAYS,
	WORD_PROFILE,
	WORD_GUEST,
	WORD_GUESTS,
	WORD_EXPECT,
	/* of a network */
	WORD_UPLINK,
	WORD_ROUTED,
	WORD_REACH,
	WORD_ADDRESS,
	/* of a profile or guest */
	WORD_NETWORKS,
	WORD_RULE,
	WORD_IMAGE,
	WORD_MEMORY,
	/* clauses of a rule */
	WORD_PORT,
	WORD_TYPE,
	WORD_TO,
	WORD_FROM,
	WORD_ON,
	WORD_QUIET,
	WORD_LOG,
	WORD_ALERT,
	WORD_NOTE,
	WORD_SAY,
	/* parsed, not enforced yet: its text in the table tells which */
	WORD_OTHER,
	WORD_MAX,
};

enum value_kind {
	VALUE_WORD,    /* a literal, or the name of something declared */
	VALUE_KEYWORD, /* a word of the grammar: `share`, `not`, `label` */
	VALUE_STRING,
	VALUE_PATTERN,
	VALUE_COMMA,
};

struct value {
	struct value *next;
	const char *text;
	struct place place;
	uint8_t kind;  /* enum value_kind */
	uint16_t list; /* braced lists of a node count from 1; 0 = not in one */
};

struct parse;
struct node;

/* One keyword of the grammar. Tables of them, one per context, end with a NULL
 * text. */
struct word {
	const char *text;
	enum word_id id;
	bool enforced;
	/* Read the operands, and the block if the sentence has one. Returns
	 * false when it reported an error. NULL: no operands. */
	bool (*parse)(struct parse *parse, struct node *node);
};

struct node {
	struct node *next;
	const struct word *word;
	struct place place; /* of the keyword */
	struct place end;   /* of the last token of the sentence */
	const char *name;   /* declared by this sentence, or NULL */
	struct place name_place;
	struct value *value, **value_last;
	struct node *child, **child_last;
	bool block;		/* children stand in braces */
	bool equals;		/* `=` after the name */
	bool colon;		/* `:` after the name */
	bool label;		/* `word:` without keyword, in `gate place` */
	uint16_t lists;		/* braced lists so far */
	struct comment *before; /* on lines of their own, above */
	struct comment *after;	/* on the line where it ends */
	struct comment *inside; /* before its closing brace */
};

/* The whole policy: sentences of the main file. */
struct ast {
	struct node *first, **last;
	struct comment *end; /* below the last sentence */
};
