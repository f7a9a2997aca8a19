/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sets of addresses and ports as disjoint ascending ranges, both bounds
 * included, never touching. Called by check*.c, warn.c, expect.c.
 */
#pragma once

#include "rules/image/image.h"
#include "rules/lang/arena.h"

#include <stdbool.h>

struct ranges {
	struct policy_range *range;
	size_t len;
};

/* Append; call ranges_sort() when all are there. */
void ranges_add(
    struct arena *arena, struct ranges *set, uint32_t first, uint32_t last);
void ranges_sort(struct ranges *set);
/* All numbers from 0 to most that are not in the set. */
struct ranges ranges_invert(
    struct arena *arena, const struct ranges *set, uint32_t most);
struct ranges ranges_join(
    struct arena *arena, const struct ranges *a, const struct ranges *b);
struct ranges ranges_common(
    struct arena *arena, const struct ranges *a, const struct ranges *b);
bool ranges_has(const struct ranges *set, uint32_t number);
/* Is all of `inner` in `outer`? */
bool ranges_contain(const struct ranges *outer, const struct ranges *inner);
