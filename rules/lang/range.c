/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets of numbers as ranges (range.h). */
#include "rules/lang/range.h"

#include <stdlib.h>
#include <string.h>

void ranges_add(
    struct arena *arena, struct ranges *set, uint32_t first, uint32_t last)
{
	set->range =
	    arena_grow(arena, set->range, set->len, sizeof(*set->range));
	set->range[set->len++] = (struct policy_range) {first, last};
}

static int compare(const void *a, const void *b)
{
	const struct policy_range *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return x->last < y->last ? -1 : x->last > y->last;
}

void ranges_sort(struct ranges *set)
{
	size_t i, len = 0;

	if (!set->len)
		return;
	qsort(set->range, set->len, sizeof(*set->range), compare);
	for (i = 1; i < set->len; i++) {
		struct policy_range *last = &set->range[len];
		struct policy_range *next = &set->range[i];

		if (last->last == UINT32_MAX || next->first <= last->last + 1) {
			if (next->last > last->last)
				last->last = next->last;
		} else {
			set->range[++len] = *next;
		}
	}
	set->len = len + 1;
}

struct ranges ranges_invert(
    struct arena *arena, const struct ranges *set, uint32_t most)
{
	struct ranges out = {0};
	uint64_t next = 0;
	size_t i;

	for (i = 0; i < set->len; i++) {
		if (set->range[i].first > next)
			ranges_add(arena, &out, (uint32_t)next,
			    set->range[i].first - 1);
		next = (uint64_t)set->range[i].last + 1;
	}
	if (next <= most)
		ranges_add(arena, &out, (uint32_t)next, most);
	return out;
}

struct ranges ranges_join(
    struct arena *arena, const struct ranges *a, const struct ranges *b)
{
	struct ranges out = {0};
	size_t i;

	for (i = 0; i < a->len; i++)
		ranges_add(arena, &out, a->range[i].first, a->range[i].last);
	for (i = 0; i < b->len; i++)
		ranges_add(arena, &out, b->range[i].first, b->range[i].last);
	ranges_sort(&out);
	return out;
}

struct ranges ranges_common(
    struct arena *arena, const struct ranges *a, const struct ranges *b)
{
	struct ranges out = {0};
	size_t i = 0, k = 0;

	while (i < a->len && k < b->len) {
		const struct policy_range *x = &a->range[i], *y = &b->range[k];
		uint32_t first = x->first > y->first ? x->first : y->first;
		uint32_t last = x->last < y->last ? x->last : y->last;

		if (first <= last)
			ranges_add(arena, &out, first, last);
		if (x->last < y->last)
			i++;
		else
			k++;
	}
	return out;
}

/* The first range that ends at or behind number, or len. */
static size_t find(const struct ranges *set, uint32_t number)
{
	size_t low = 0, high = set->len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (set->range[middle].last < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool ranges_has(const struct ranges *set, uint32_t number)
{
	size_t at = find(set, number);

	return at < set->len && set->range[at].first <= number;
}

bool ranges_contain(const struct ranges *outer, const struct ranges *inner)
{
	size_t i;

	for (i = 0; i < inner->len; i++) {
		size_t at = find(outer, inner->range[i].last);

		if (at == outer->len ||
		    outer->range[at].first > inner->range[i].first)
			return false;
	}
	return true;
}
