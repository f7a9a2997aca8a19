/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Declared names -> what they are. Called by check*.c.
 *
 * Theory of operation. An open hash table in the arena, doubled when half
 * full. A name belongs to a kind and a scope (rules: their block), so a set
 * and a network may share a name. The hash is FNV-1a: names come from the
 * administrator, and a compilation's time is bounded by RLIMIT_CPU.
 */
#pragma once

#include "rules/lang/arena.h"

#include <stdint.h>

enum symbol_kind {
	SYMBOL_SET,
	SYMBOL_NETWORK,
	SYMBOL_PROFILE,
	SYMBOL_GUEST,
	SYMBOL_RULE,
};

struct symbol {
	enum symbol_kind kind;
	uint32_t scope;
	const char *name; /* NULL: free */
	void *object;
};

struct symbols {
	struct arena *arena;
	struct symbol *symbol;
	size_t len, room;
};

/* An empty table; its memory is the arena's, borrowed. */
void symbols_init(struct symbols *symbols, struct arena *arena);
/* The object of that name, or NULL. */
void *symbol_find(const struct symbols *symbols, enum symbol_kind kind,
    uint32_t scope, const char *name);
/* Declare; the caller has seen that the name is free. */
void symbol_add(struct symbols *symbols, enum symbol_kind kind, uint32_t scope,
    const char *name, void *object);
/* All names of a kind (scope 0), NULL-terminated, for error_near(). */
const char *const *symbol_names(
    const struct symbols *symbols, enum symbol_kind kind);
