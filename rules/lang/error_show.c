/* SPDX-License-Identifier: BSD-2-Clause */
/* Diagnostics as text and as JSON (error_show.h). */
#include "rules/lang/error_show.h"

#include "rules/lang/lex.h"

#include <string.h>

#define EXCERPT_BEFORE 60 /* bytes shown left of the place */
#define EXCERPT_SIZE   110

/* A part of the source line around a place. */
struct excerpt {
	const char *text; /* safe for a terminal, valid UTF-8 */
	uint32_t column;  /* characters left of the place */
	uint32_t size;	  /* characters to underline, at least 1 */
};

static size_t start_of(const struct source *source, const struct place *place)
{
	size_t start = place->offset - (place->column - 1);

	if (place->column - 1 > EXCERPT_BEFORE) {
		start = place->offset - EXCERPT_BEFORE;
		while (start < place->offset &&
		       (source->data[start] & 0xc0) == 0x80)
			start++;
	}
	return start;
}

static struct excerpt cut(struct errors *errors, const struct place *place)
{
	const struct source *source = &errors->source[place->source];
	struct excerpt excerpt = {.size = 0};
	size_t at = start_of(source, place), shown = 0;
	struct out out;

	out_init(&out, errors->arena);
	while (at < source->size && source->data[at] != '\n' &&
	       shown < EXCERPT_SIZE) {
		size_t n = lex_utf8(source->data + at, source->size - at);
		unsigned char c = (unsigned char)source->data[at];

		if (at < place->offset)
			excerpt.column++;
		else if (at < (size_t)place->offset + place->size)
			excerpt.size++;
		if (c == '\r') {
			at++;
			continue;
		}
		if (!n || c < 0x20 || c == 0x7f)
			out_text(&out, c == '\t' ? " " : "?");
		else
			out_add(&out, source->data + at, n);
		at += n ? n : 1;
		shown++;
	}
	if (!excerpt.size)
		excerpt.size = 1;
	excerpt.text = out_string(&out);
	return excerpt;
}

static void show_excerpt(
    struct errors *errors, const struct place *place, struct out *out)
{
	struct excerpt excerpt = cut(errors, place);
	uint32_t i;

	out_format(out, "%6u | %s\n       | ", place->line, excerpt.text);
	for (i = 0; i < excerpt.column; i++)
		out_text(out, " ");
	out_text(out, "^");
	for (i = 1; i < excerpt.size; i++)
		out_text(out, "~");
	out_text(out, "\n");
}

void error_show_text(struct errors *errors, struct out *out)
{
	const struct diagnostic *one;

	for (one = errors->first; one; one = one->next) {
		out_format(out, "%s: %s: %s\n",
		    error_place(errors, &one->place),
		    one->severity == SEVERITY_ERROR ? "error" : "warning",
		    one->message);
		if (one->place.line)
			show_excerpt(errors, &one->place, out);
		if (one->note)
			out_format(out, "%s: note: %s\n",
			    error_place(errors, &one->note_place), one->note);
	}
	if (errors->error_len > ERROR_MAX)
		out_format(out, "... and %u more errors\n",
		    errors->error_len - ERROR_MAX);
	if (errors->warning_len > WARNING_MAX)
		out_format(out, "... and %u more warnings\n",
		    errors->warning_len - WARNING_MAX);
}

static void show_place(
    struct errors *errors, const struct place *place, struct out *out)
{
	if (!place->line || place->source >= errors->source_len)
		return;
	out_text(out, "\"file\": ");
	out_json(out, errors->source[place->source].path);
	out_format(out, ", \"line\": %u, \"column\": %u, \"size\": %u, ",
	    place->line, place->column, place->size);
}

static void show_one(
    struct errors *errors, const struct diagnostic *one, struct out *out)
{
	out_format(out, "{\"severity\": \"%s\", ",
	    one->severity == SEVERITY_ERROR ? "error" : "warning");
	show_place(errors, &one->place, out);
	out_text(out, "\"message\": ");
	out_json(out, one->message);
	if (one->place.line) {
		out_text(out, ", \"excerpt\": ");
		out_json(out, cut(errors, &one->place).text);
	}
	if (one->note) {
		out_text(out, ", \"note\": {");
		show_place(errors, &one->note_place, out);
		out_text(out, "\"message\": ");
		out_json(out, one->note);
		out_text(out, "}");
	}
	out_text(out, "}");
}

void error_show_json(struct errors *errors, struct out *out)
{
	const struct diagnostic *one;

	out_format(out,
	    "{\"schema\": 1, \"ok\": %s, \"errors\": %u, \"warnings\": %u, "
	    "\"diagnostics\": [",
	    errors->error_len ? "false" : "true", errors->error_len,
	    errors->warning_len);
	for (one = errors->first; one; one = one->next) {
		show_one(errors, one, out);
		if (one->next)
			out_text(out, ", ");
	}
	out_text(out, "]}");
}
