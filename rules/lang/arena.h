/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All memory of one compilation: taken piece by piece, given back at once.
 * Used by every pass of the compiler; one thread.
 *
 * Theory of operation. Pieces are cut from chunks of malloc(). The sum of the
 * chunks is bounded by `limit`. When it is used up, or malloc() fails, the
 * compilation can't go on: arena_take() leaves by longjmp to `full`, which the
 * owner has set, so no pass has an out-of-memory path of its own. What a pass
 * holds is in the arena only, so nothing is lost by the jump.
 */
#pragma once

#include <setjmp.h>
#include <stddef.h>

#define ARENA_LIMIT ((size_t)3 << 30) /* bytes; one compilation */

struct arena_chunk;

struct arena {
	struct arena_chunk *chunk;
	size_t used;  /* bytes of all chunks */
	size_t limit; /* bytes */
	jmp_buf full;
};

/* limit: bytes. The caller then does `if (setjmp(arena->full)) ...`. */
void arena_init(struct arena *arena, size_t limit);
/* Give everything back. */
void arena_free(struct arena *arena);
/* size zero bytes, 16-aligned. Never NULL; leaves by arena->full when full. */
void *arena_take(struct arena *arena, size_t size);
/* A terminated copy of size bytes. */
char *arena_copy(struct arena *arena, const void *text, size_t size);
/* Formatted text in the arena. */
char *arena_print(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3), nonnull(2)));
/*
 * Room for one more record in an array of `len` records of `size` bytes that
 * only grows by this function (it doubles at powers of two). Returns where the
 * array is now.
 */
void *arena_grow(struct arena *arena, void *array, size_t len, size_t size);
