/* SPDX-License-Identifier: BSD-2-Clause */
/* Collecting diagnostics (error.h); error_show.c writes them out. */
#include "rules/lang/error.h"

#include "rules/lang/lex.h"

#include <stdio.h>
#include <string.h>

#define NEAR_SIZE 64 /* longer words are not compared */

void errors_init(struct errors *errors, struct arena *arena)
{
	memset(errors, 0, sizeof(*errors));
	errors->arena = arena;
	errors->last = &errors->first;
}

/* The user's words are in messages, perhaps cut in the middle of a character:
 * nothing of them may steer a terminal or break JSON. */
static void clean(char *text)
{
	size_t left = strlen(text), size;

	for (; left; text += size, left -= size) {
		unsigned char c = (unsigned char)*text;

		size = lex_utf8(text, left);
		if (!size || c < 0x20 || c == 0x7f) {
			*text = '?';
			size = 1;
		}
	}
}

static char *format_text(
    struct errors *errors, const char *format, va_list list)
{
	char text[1024];

	vsnprintf(text, sizeof(text), format, list);
	clean(text);
	return arena_copy(errors->arena, text, strlen(text));
}

static void report(struct errors *errors, enum severity severity,
    const struct place *place, const char *format, va_list list)
{
	bool error = severity == SEVERITY_ERROR;
	uint32_t *len = error ? &errors->error_len : &errors->warning_len;
	struct diagnostic *one;

	if ((*len)++ >= (error ? ERROR_MAX : WARNING_MAX))
		return;
	one = arena_take(errors->arena, sizeof(*one));
	one->severity = severity;
	if (place)
		one->place = *place;
	one->message = format_text(errors, format, list);
	*errors->last = one;
	errors->last = &one->next;
}

bool error_at(
    struct errors *errors, const struct place *place, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	report(errors, SEVERITY_ERROR, place, format, list);
	va_end(list);
	return false;
}

void warn_at(
    struct errors *errors, const struct place *place, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	report(errors, SEVERITY_WARNING, place, format, list);
	va_end(list);
}

void error_note(
    struct errors *errors, const struct place *place, const char *format, ...)
{
	struct diagnostic *one = errors->first;
	va_list list;

	if (!one || errors->error_len > ERROR_MAX ||
	    errors->warning_len > WARNING_MAX)
		return;
	while (one->next)
		one = one->next;
	va_start(list, format);
	one->note = format_text(errors, format, list);
	va_end(list);
	if (place)
		one->note_place = *place;
}

/* Optimal string alignment over three rows; words are short. */
unsigned int error_distance(const char *a, const char *b, unsigned int most)
{
	unsigned int row[3][NEAR_SIZE + 1];
	size_t i, j, m = strlen(a), n = strlen(b);

	if (m > NEAR_SIZE || n > NEAR_SIZE)
		return most + 1;
	for (j = 0; j <= n; j++)
		row[0][j] = (unsigned int)j;
	for (i = 1; i <= m; i++) {
		unsigned int *now = row[i % 3], *up = row[(i - 1) % 3];

		now[0] = (unsigned int)i;
		for (j = 1; j <= n; j++) {
			unsigned int best = up[j - 1] + (a[i - 1] != b[j - 1]);

			if (up[j] + 1 < best)
				best = up[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] &&
			    row[(i - 2) % 3][j - 2] + 1 < best)
				best = row[(i - 2) % 3][j - 2] + 1;
			now[j] = best;
		}
	}
	return row[m % 3][n] > most ? most + 1 : row[m % 3][n];
}

const char *error_near(
    struct errors *errors, const char *word, const char *const *candidates)
{
	unsigned int most = strlen(word) > 5 ? 2 : 1;
	unsigned int best = most + 1;
	const char *near = NULL;

	for (; candidates && *candidates; candidates++) {
		unsigned int far = error_distance(word, *candidates, most);

		if (far < best && far < strlen(*candidates)) {
			best = far;
			near = *candidates;
		}
	}
	if (!near || !best)
		return "";
	return arena_print(errors->arena, "; did you mean `%s`?", near);
}

const char *error_place(struct errors *errors, const struct place *place)
{
	if (!place->line || place->source >= errors->source_len)
		return "policy";
	return arena_print(errors->arena, "%s:%u:%u",
	    errors->source[place->source].path, place->line, place->column);
}
