/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Diagnostics: what is wrong with a policy, where, what was expected and which
 * known word is near. Filled by every pass, shown by rulec.c.
 *
 * Theory of operation. A pass reports and goes on where it can. Beyond
 * ERROR_MAX errors (WARNING_MAX warnings) the rest is only counted, so a
 * hostile text can't fill memory or a terminal; text of the user's in messages
 * and excerpts has its control characters replaced.
 */
#pragma once

#include "rules/lang/arena.h"
#include "rules/lang/source.h"

#include <stdarg.h>
#include <stdbool.h>

#define ERROR_MAX   20
#define WARNING_MAX 50

enum severity { SEVERITY_ERROR, SEVERITY_WARNING };

struct diagnostic {
	struct diagnostic *next;
	enum severity severity;
	struct place place; /* line 0: about the policy as a whole */
	const char *message;
	const char *note; /* second sentence with its own place, or NULL */
	struct place note_place;
};

/* Everything the passes share: texts, memory, diagnostics. */
struct errors {
	struct arena *arena;
	struct source *source;
	uint32_t source_len;
	struct diagnostic *first, **last;
	uint32_t error_len, warning_len; /* also those not kept */
};

/* No texts, nothing reported; arena is borrowed. */
void errors_init(struct errors *errors, struct arena *arena);

/* Report an error at place (NULL: the policy as a whole). Returns false, so
 * that a check can end with it. */
bool error_at(struct errors *errors, const struct place *place,
    const char *format, ...) __attribute__((format(printf, 3, 4)));
void warn_at(struct errors *errors, const struct place *place,
    const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Add a second sentence, with a place, to the last diagnostic reported. */
void error_note(struct errors *errors, const struct place *place,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * "; did you mean `x`?" when one of the candidates is near `word`, else "".
 * candidates: NULL-terminated, may be NULL. The text is in the arena.
 */
const char *error_near(
    struct errors *errors, const char *word, const char *const *candidates);
/* Edits (insert, delete, replace, swap) from a to b, at most `most` + 1. */
unsigned int error_distance(const char *a, const char *b, unsigned int most);

/* `path:line:column` of a place, in the arena. */
const char *error_place(struct errors *errors, const struct place *place);
