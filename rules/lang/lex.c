/* SPDX-License-Identifier: BSD-2-Clause */
/* Text -> tokens (lex.h). */
#include "rules/lang/lex.h"

#include <string.h>

void lex_open(struct lex *lex, struct errors *errors, uint32_t source)
{
	memset(lex, 0, sizeof(*lex));
	lex->errors = errors;
	lex->source = source;
	lex->data = errors->source[source].data;
	lex->size = errors->source[source].size;
	lex->line = 1;
	lex->comment_last = &lex->comment;
	/* a byte order mark of UTF-8 is no error, only useless */
	if (lex->size >= 3 && !memcmp(lex->data, "\xef\xbb\xbf", 3))
		lex->at = lex->line_start = 3;
}

size_t lex_utf8(const char *text, size_t size)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t i, len;
	uint32_t c;

	if (s[0] < 0x80)
		return 1;
	len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (s[0] < 0xc2 || s[0] > 0xf4 || len > size)
		return 0;
	c = s[0] & (0x7fu >> len);
	for (i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if ((len == 3 && c < 0x800) || (len == 4 && c < 0x10000) ||
	    c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	return len;
}

static struct place place_here(const struct lex *lex, size_t size)
{
	return (struct place) {
	    .source = lex->source,
	    .offset = (uint32_t)lex->at,
	    .line = lex->line,
	    .column = (uint32_t)(lex->at - lex->line_start + 1),
	    .size = (uint32_t)size,
	};
}

/* One error ends the file: behind a NUL or a broken string nothing can be
 * trusted to be meant as it reads. */
static struct token refuse(
    struct lex *lex, const struct place *place, const char *what)
{
	error_at(lex->errors, place, "%s", what);
	lex->at = lex->size;
	return (struct token) {.kind = TOKEN_BAD, .place = *place};
}

/*
 * Characters that show a reader something else than what is there: C1 controls
 * (U+0080 to U+009F) and the marks that turn the direction of text (U+202A to
 * U+202E, U+2066 to U+2069).
 */
static bool deceives(const char *text, size_t size)
{
	const unsigned char *s = (const unsigned char *)text;

	if (size >= 2 && s[0] == 0xc2 && s[1] < 0xa0)
		return true;
	return size >= 3 && s[0] == 0xe2 &&
	       ((s[1] == 0x80 && s[2] >= 0xaa && s[2] <= 0xae) ||
		   (s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9));
}

static const char *bad_byte(const struct lex *lex)
{
	unsigned char c = (unsigned char)lex->data[lex->at];

	if (!c)
		return "a NUL byte: this is not a text file";
	if (c == '\r')
		return "a carriage return inside a line";
	if (c < 0x20 || c == 0x7f)
		return "a control character";
	if (!lex_utf8(lex->data + lex->at, lex->size - lex->at))
		return "invalid UTF-8";
	if (deceives(lex->data + lex->at, lex->size - lex->at))
		return "a character that is not seen and changes how the text "
		       "looks";
	return NULL;
}

static void take_comment(struct lex *lex, size_t start, size_t end)
{
	struct comment *comment;

	while (end > start && strchr(" \t", lex->data[end - 1]))
		end--;
	comment = arena_take(lex->errors->arena, sizeof(*comment));
	comment->text =
	    arena_copy(lex->errors->arena, lex->data + start, end - start);
	comment->line = lex->line;
	*lex->comment_last = comment;
	lex->comment_last = &comment->next;
}

/* Returns NULL, or what is wrong at lex->at. */
static const char *skip_comment(struct lex *lex)
{
	size_t start = lex->at;

	while (lex->at < lex->size && lex->data[lex->at] != '\n') {
		const char *bad = NULL;

		if (lex->data[lex->at] == '\r' && lex->at + 1 < lex->size &&
		    lex->data[lex->at + 1] == '\n')
			break;
		if (lex->data[lex->at] != '\t')
			bad = bad_byte(lex);
		if (bad)
			return bad;
		lex->at += lex_utf8(lex->data + lex->at, lex->size - lex->at);
	}
	take_comment(lex, start, lex->at);
	return NULL;
}

/* Blanks, line ends, comments. Returns NULL, or what is wrong at lex->at. */
static const char *skip_blank(struct lex *lex)
{
	while (lex->at < lex->size) {
		char c = lex->data[lex->at];
		const char *bad;

		if (c == '#') {
			bad = skip_comment(lex);
			if (bad)
				return bad;
		} else if (c == '\n') {
			lex->at++;
			lex->line++;
			lex->line_start = lex->at;
			lex->line_has_token = false;
		} else if (c == ' ' || c == '\t' ||
			   (c == '\r' && lex->at + 1 < lex->size &&
			       lex->data[lex->at + 1] == '\n')) {
			lex->at++;
		} else {
			break;
		}
	}
	return NULL;
}

/* `"..."`; lex->at is on the opening quote. */
static struct token take_string(struct lex *lex)
{
	char text[LEX_WORD_MAX];
	struct place place = place_here(lex, 1);
	size_t len = 0;

	for (lex->at++; lex->at < lex->size; lex->at++) {
		char c = lex->data[lex->at];
		struct place here = place_here(lex, 1);
		size_t n;

		place.size = (uint32_t)(lex->at - place.offset + 1);
		if (c == '"') {
			lex->at++;
			return (struct token) {.kind = TOKEN_STRING,
			    .text = arena_copy(lex->errors->arena, text, len),
			    .place = place};
		}
		if (c == '\n' || len + 4 >= sizeof(text))
			break;
		if (bad_byte(lex))
			return refuse(lex, &here, bad_byte(lex));
		if (c == '\\') {
			lex->at++;
			if (lex->at >= lex->size ||
			    !strchr("\"\\", lex->data[lex->at]))
				return refuse(lex, &here,
				    "unknown escape: only \\\" and \\\\ are "
				    "known in a string");
		}
		n = lex_utf8(lex->data + lex->at, lex->size - lex->at);
		memcpy(text + len, lex->data + lex->at, n);
		len += n;
		lex->at += n - 1;
	}
	place.size = 1;
	return refuse(lex, &place,
	    len + 4 >= sizeof(text) ? "string longer than 4096 bytes"
				    : "the string that starts here is not "
				      "closed on its line");
}

/* `/.../flags`; kept as written. */
static struct token take_pattern(struct lex *lex)
{
	struct place place = place_here(lex, 1);
	size_t start = lex->at;

	for (lex->at++; lex->at < lex->size; lex->at++) {
		char c = lex->data[lex->at];
		struct place here = place_here(lex, 1);

		if (c == '\n' || lex->at - start > LEX_WORD_MAX)
			break;
		if (bad_byte(lex))
			return refuse(lex, &here, bad_byte(lex));
		if (c == '\\' && lex->at + 1 < lex->size &&
		    lex->data[lex->at + 1] != '\n') {
			lex->at++;
			continue;
		}
		if (c != '/')
			continue;
		for (lex->at++; lex->at < lex->size &&
				lex->data[lex->at] >= 'a' &&
				lex->data[lex->at] <= 'z';)
			lex->at++;
		place.size = (uint32_t)(lex->at - start);
		return (struct token) {.kind = TOKEN_PATTERN,
		    .text = arena_copy(
			lex->errors->arena, lex->data + start, lex->at - start),
		    .place = place};
	}
	return refuse(lex, &place,
	    "the pattern that starts here is not closed on its line");
}

static bool word_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c && strchr("._:/-*[]+@%&~", c));
}

/* lex->at is on a byte that can start a word. */
static struct token take_word(struct lex *lex)
{
	struct place place = place_here(lex, 1);
	size_t start = lex->at, len;

	/* `=` and `?` belong to a word only inside a URL */
	while (lex->at < lex->size &&
	       (word_byte(lex->data[lex->at]) ||
		   (strchr("?=", lex->data[lex->at]) && lex->data[lex->at] &&
		       memchr(lex->data + start, '/', lex->at - start))))
		lex->at++;
	len = lex->at - start;
	/* `office:` is a word and a colon; `fd20::` is an address */
	if (len > 1 && lex->data[start + len - 1] == ':' &&
	    lex->data[start + len - 2] != ':')
		len--;
	lex->at = start + len;
	place.size = (uint32_t)len;
	if (len >= LEX_WORD_MAX)
		return refuse(lex, &place, "word longer than 4096 bytes");
	return (struct token) {.kind = TOKEN_WORD,
	    .text = arena_copy(lex->errors->arena, lex->data + start, len),
	    .place = place};
}

static enum token_kind sign_of(char c)
{
	switch (c) {
	case ';':
		return TOKEN_SEMICOLON;
	case '{':
		return TOKEN_OPEN;
	case '}':
		return TOKEN_CLOSE;
	case '=':
		return TOKEN_EQUALS;
	case ',':
		return TOKEN_COMMA;
	case ':':
		return TOKEN_COLON;
	default:
		return TOKEN_END;
	}
}

/* The line may be hostile: measured once, when its first token is met. */
static bool line_too_long(const struct lex *lex)
{
	size_t rest = lex->size - lex->line_start;
	const char *end = memchr(lex->data + lex->line_start, '\n',
	    rest < LEX_LINE_MAX + 1 ? rest : LEX_LINE_MAX + 1);

	return !end && rest > LEX_LINE_MAX;
}

static struct token take_token(struct lex *lex)
{
	char c = lex->data[lex->at];
	struct token token = {.place = place_here(lex, 1)};

	if (!lex->line_has_token && line_too_long(lex))
		return refuse(
		    lex, &token.place, "a line longer than 65536 bytes");
	token.kind = sign_of(c);
	/* `::1` and `::/0` are words */
	if (token.kind == TOKEN_COLON && lex->at + 1 < lex->size &&
	    lex->data[lex->at + 1] == ':')
		token.kind = TOKEN_END;
	if (token.kind != TOKEN_END) {
		lex->at++;
		return token;
	}
	if (c == '"')
		return take_string(lex);
	if (c == '/')
		return take_pattern(lex);
	if (word_byte(c))
		return take_word(lex);
	if (bad_byte(lex))
		return refuse(lex, &token.place, bad_byte(lex));
	if (c & 0x80)
		return refuse(lex, &token.place,
		    "letters beyond ASCII stand only in \"strings\" and "
		    "comments");
	return refuse(lex, &token.place, "this character has no meaning here");
}

struct token lex_next(struct lex *lex)
{
	const char *bad;
	struct token token;
	bool first;

	lex->comment = NULL;
	lex->comment_last = &lex->comment;
	bad = skip_blank(lex);
	if (bad) {
		struct place place = place_here(lex, 1);

		return refuse(lex, &place, bad);
	}
	if (lex->at >= lex->size)
		return (struct token) {.kind = TOKEN_END,
		    .first = true,
		    .place = place_here(lex, 1)};
	first = !lex->line_has_token;
	token = take_token(lex);
	token.first = first;
	lex->line_has_token = true;
	return token;
}

const char *lex_show(struct errors *errors, const struct token *token)
{
	static const char *const sign[] = {
	    [TOKEN_SEMICOLON] = "`;`",
	    [TOKEN_OPEN] = "`{`",
	    [TOKEN_CLOSE] = "`}`",
	    [TOKEN_EQUALS] = "`=`",
	    [TOKEN_COLON] = "`:`",
	    [TOKEN_COMMA] = "`,`",
	};

	switch (token->kind) {
	case TOKEN_WORD:
		return arena_print(errors->arena, "`%.60s`", token->text);
	case TOKEN_STRING:
		return "a string";
	case TOKEN_PATTERN:
		return "a pattern";
	case TOKEN_END:
		return "the end of the file";
	case TOKEN_BAD:
		return "this";
	default:
		return sign[token->kind];
	}
}
