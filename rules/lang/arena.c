/* SPDX-License-Identifier: BSD-2-Clause */
/* All memory of one compilation (arena.h). */
#include "rules/lang/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE ((size_t)1 << 20)

struct arena_chunk {
	struct arena_chunk *next;
	size_t size; /* bytes of data */
	size_t used;
	_Alignas(16) unsigned char data[];
};

void arena_init(struct arena *arena, size_t limit)
{
	memset(arena, 0, sizeof(*arena));
	arena->limit = limit;
}

void arena_free(struct arena *arena)
{
	while (arena->chunk) {
		struct arena_chunk *next = arena->chunk->next;

		free(arena->chunk);
		arena->chunk = next;
	}
	arena->used = 0;
}

static void add_chunk(struct arena *arena, size_t size)
{
	size_t data = size > CHUNK_SIZE ? size : CHUNK_SIZE;
	struct arena_chunk *chunk = NULL;

	if (arena->used + data <= arena->limit)
		chunk = calloc(1, sizeof(*chunk) + data);
	if (!chunk)
		longjmp(arena->full, 1);
	chunk->size = data;
	chunk->next = arena->chunk;
	arena->chunk = chunk;
	arena->used += data;
}

void *arena_take(struct arena *arena, size_t size)
{
	struct arena_chunk *chunk = arena->chunk;
	void *piece;

	if (size > arena->limit)
		longjmp(arena->full, 1);
	size = (size + 15) & ~(size_t)15;
	if (!chunk || chunk->size - chunk->used < size) {
		add_chunk(arena, size);
		chunk = arena->chunk;
	}
	piece = chunk->data + chunk->used;
	chunk->used += size;
	return piece;
}

char *arena_copy(struct arena *arena, const void *text, size_t size)
{
	char *copy = arena_take(arena, size + 1);

	if (size)
		memcpy(copy, text, size);
	return copy;
}

char *arena_print(struct arena *arena, const char *format, ...)
{
	va_list list;
	char *text;
	int size;

	va_start(list, format);
	size = vsnprintf(NULL, 0, format, list);
	va_end(list);
	if (size < 0)
		size = 0;
	text = arena_take(arena, (size_t)size + 1);
	va_start(list, format);
	vsnprintf(text, (size_t)size + 1, format, list);
	va_end(list);
	return text;
}

void *arena_grow(struct arena *arena, void *array, size_t len, size_t size)
{
	void *larger;

	if (len & (len - 1))
		return array;
	if (len > SIZE_MAX / 2 / size)
		longjmp(arena->full, 1);
	larger = arena_take(arena, (len ? 2 * len : 1) * size);
	if (len)
		memcpy(larger, array, len * size);
	return larger;
}
