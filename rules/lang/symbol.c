/* SPDX-License-Identifier: BSD-2-Clause */
/* Declared names -> what they are (symbol.h). */
#include "rules/lang/symbol.h"

#include <string.h>

#define SYMBOLS_FIRST 256

void symbols_init(struct symbols *symbols, struct arena *arena)
{
	symbols->arena = arena;
	symbols->len = 0;
	symbols->room = SYMBOLS_FIRST;
	symbols->symbol =
	    arena_take(arena, SYMBOLS_FIRST * sizeof(*symbols->symbol));
}

static struct symbol *slot_of(const struct symbols *symbols,
    enum symbol_kind kind, uint32_t scope, const char *name)
{
	uint64_t hash = 14695981039346656037u ^ ((uint64_t)kind << 32) ^ scope;
	size_t at;
	const char *c;

	hash *= 1099511628211u;
	for (c = name; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 1099511628211u;
	hash ^= hash >> 32;
	for (at = hash & (symbols->room - 1);;
	     at = (at + 1) & (symbols->room - 1)) {
		struct symbol *symbol = &symbols->symbol[at];

		if (!symbol->name ||
		    (symbol->kind == kind && symbol->scope == scope &&
			!strcmp(symbol->name, name)))
			return symbol;
	}
}

void *symbol_find(const struct symbols *symbols, enum symbol_kind kind,
    uint32_t scope, const char *name)
{
	const struct symbol *symbol = slot_of(symbols, kind, scope, name);

	return symbol->name ? symbol->object : NULL;
}

static void grow(struct symbols *symbols)
{
	struct symbol *old = symbols->symbol;
	size_t i, room = symbols->room;

	symbols->room = 2 * room;
	symbols->symbol =
	    arena_take(symbols->arena, symbols->room * sizeof(*old));
	for (i = 0; i < room; i++)
		if (old[i].name)
			*slot_of(symbols, old[i].kind, old[i].scope,
			    old[i].name) = old[i];
}

void symbol_add(struct symbols *symbols, enum symbol_kind kind, uint32_t scope,
    const char *name, void *object)
{
	if (2 * symbols->len >= symbols->room)
		grow(symbols);
	*slot_of(symbols, kind, scope, name) =
	    (struct symbol) {kind, scope, name, object};
	symbols->len++;
}

const char *const *symbol_names(
    const struct symbols *symbols, enum symbol_kind kind)
{
	const char **name =
	    arena_take(symbols->arena, (symbols->len + 1) * sizeof(*name));
	size_t i, len = 0;

	for (i = 0; i < symbols->room; i++)
		if (symbols->symbol[i].name && symbols->symbol[i].kind == kind)
			name[len++] = symbols->symbol[i].name;
	name[len] = NULL;
	return name;
}
