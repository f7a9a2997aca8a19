/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Growing text in an arena: what the compiler prints, before it is written.
 * Used by print.c, error_show.c, explain.c and rulec.c.
 */
#pragma once

#include "rules/lang/arena.h"

struct out {
	struct arena *arena;
	char *text;
	size_t size; /* bytes */
	size_t room; /* bytes allocated */
};

/* Empty; arena is borrowed. */
void out_init(struct out *out, struct arena *arena);
/* Append size bytes. */
void out_add(struct out *out, const void *text, size_t size);
/* Append a terminated text. */
void out_text(struct out *out, const char *text);
/* Append formatted text. */
void out_format(struct out *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The text as a terminated string of the arena. */
const char *out_string(struct out *out);
/* A JSON string literal with its quotes; text is valid UTF-8, terminated. */
void out_json(struct out *out, const char *text);
/* Write all of it to fd. Returns 0 or -errno. */
int out_write(const struct out *out, int fd);
