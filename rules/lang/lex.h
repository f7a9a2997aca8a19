/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text -> tokens, one at a time. Called by parse.c.
 *
 *	; { } = ,     themselves
 *	:             after a word and not inside one (`office:`, `desk-1 :`)
 *	"..."         string, one line, UTF-8; \" and \\ are the escapes
 *	/.../i        pattern, one line; \/ is a slash
 *	other         word: letters, digits and ._:/-*[]+@%&?=~ (`=` and `?`
 *	              only inside); what it means is known by its place
 *	# ...         comment to the end of the line
 *
 * Refused with their place: NUL, control characters, marks of text direction,
 * bytes beyond ASCII outside of strings and comments, invalid UTF-8, lines
 * beyond LEX_LINE_MAX.
 */
#pragma once

#include "rules/lang/error.h"

#define LEX_LINE_MAX 65536 /* bytes */
#define LEX_WORD_MAX 4096  /* bytes of one word, string or pattern */

enum token_kind {
	TOKEN_END,
	TOKEN_WORD,
	TOKEN_STRING,
	TOKEN_PATTERN,
	TOKEN_SEMICOLON,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_EQUALS,
	TOKEN_COLON,
	TOKEN_COMMA,
	TOKEN_BAD, /* already reported; the file ends here */
};

struct comment {
	struct comment *next;
	const char *text; /* from its `#`, without trailing blanks */
	uint32_t line;
};

struct token {
	enum token_kind kind;
	bool first; /* first token of its line */
	const char
	    *text; /* word as written; string unescaped; pattern with / */
	struct place place;
};

struct lex {
	struct errors *errors;
	const char *data;
	size_t size, at;
	uint32_t source, line;
	size_t line_start;
	bool line_has_token;
	struct comment *comment; /* since the last token */
	struct comment **comment_last;
};

/* Start at the first byte of a source (its number in errors). */
void lex_open(struct lex *lex, struct errors *errors, uint32_t source);
/* The next token; after an error TOKEN_BAD, then TOKEN_END for ever. */
struct token lex_next(struct lex *lex);
/* "`word`", "end of file", ... for messages; in the arena. */
const char *lex_show(struct errors *errors, const struct token *token);
/*
 * Bytes of a well-formed UTF-8 sequence at text (at most size), or 0.
 * RFC 3629: no overlong forms, no surrogates, at most U+10FFFF.
 */
size_t lex_utf8(const char *text, size_t size);
