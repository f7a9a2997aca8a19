/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Port tables of the classifier: a list of rules flattened into disjoint
 * intervals of ports, each with the first rule that covers it. Called by
 * classifier_build.c; gw-dataplane, control thread.
 */
#include "dataplane/packet/classifier_priv.h"

#include <stdlib.h>

#define PORT_END 65536u /* one past the last port */

void *vector_add(struct vector *vector, size_t size)
{
	if (vector->len == vector->capacity) {
		size_t capacity = vector->capacity ? 2 * vector->capacity : 64;
		void *data = realloc(vector->data, capacity * size);

		if (!data)
			return NULL;
		vector->data = data;
		vector->capacity = capacity;
	}
	return (char *)vector->data + size * vector->len++;
}

struct interval {
	uint32_t first;
	uint32_t end; /* one past the last */
	uint32_t rule;
};

static bool add_interval(
    struct vector *list, uint32_t first, uint32_t end, uint32_t rule)
{
	struct interval *interval = vector_add(list, sizeof(*interval));

	if (!interval)
		return false;
	*interval = (struct interval) {first, end, rule};
	return true;
}

/* The intervals of one rule; false when memory ran out. */
static bool add_rule(struct vector *list, const struct policy_image *image,
    const struct item *item, bool icmp)
{
	const struct policy_rule *rule = item->rule;

	if (icmp) {
		uint32_t type = (uint32_t)rule->icmp_type;

		if (rule->icmp_type < 0)
			return add_interval(list, 0, PORT_END, item->ordinal);
		return add_interval(list, type, type + 1, item->ordinal);
	}
	if (rule->ports.len == 0)
		return add_interval(list, 0, PORT_END, item->ordinal);
	for (uint32_t i = 0; i < rule->ports.len; i++) {
		const struct policy_port_range *range =
		    &image->port[rule->ports.first + i];

		if (!add_interval(
			list, range->first, range->last + 1u, item->ordinal))
			return false;
	}
	return true;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Sorted, distinct starts of the intervals' pieces, 0 included. */
static uint32_t cut(const struct interval *list, size_t len, uint32_t *bound)
{
	uint32_t n = 0, kept = 1;

	bound[n++] = 0;
	for (size_t i = 0; i < len; i++) {
		bound[n++] = list[i].first;
		if (list[i].end < PORT_END)
			bound[n++] = list[i].end;
	}
	qsort(bound, n, sizeof(*bound), by_number);
	for (uint32_t i = 1; i < n; i++)
		if (bound[i] != bound[kept - 1])
			bound[kept++] = bound[i];
	return kept;
}

static uint32_t position(const uint32_t *bound, uint32_t len, uint32_t value)
{
	const uint32_t *found =
	    bsearch(&value, bound, len, sizeof(*bound), by_number);

	return found ? (uint32_t)(found - bound) : len;
}

/* First piece at or after i that has no rule yet; paths are shortened. */
static uint32_t next_free(uint32_t *next, uint32_t i)
{
	while (next[i] != i) {
		next[i] = next[next[i]];
		i = next[i];
	}
	return i;
}

/* Earlier rules win: each paints only what is still bare. */
static void paint(const struct interval *list, size_t len,
    const uint32_t *bound, uint32_t pieces, uint32_t *next, uint32_t *rule)
{
	for (uint32_t i = 0; i <= pieces; i++)
		next[i] = i;
	for (uint32_t i = 0; i < pieces; i++)
		rule[i] = CLASSIFIER_NONE;
	for (size_t i = 0; i < len; i++) {
		uint32_t at = position(bound, pieces, list[i].first);
		uint32_t end = position(bound, pieces, list[i].end);

		for (at = next_free(next, at); at < end;
		     at = next_free(next, at)) {
			rule[at] = list[i].rule;
			next[at] = at + 1;
		}
	}
}

static bool add_cells(struct classifier *classifier, struct port_table *table,
    const uint32_t *bound, const uint32_t *rule, uint32_t pieces)
{
	for (uint32_t i = 0; i < pieces; i++) {
		struct cell *cell;

		if (i > 0 && rule[i] == rule[i - 1])
			continue;
		if (++classifier->entry_len > CLASSIFIER_ENTRY_MAX)
			return false;
		cell = vector_add(&classifier->cell, sizeof(*cell));
		if (!cell)
			return false;
		*cell = (struct cell) {bound[i], rule[i]};
		table->len++;
		if (rule[i] < table->lowest)
			table->lowest = rule[i];
	}
	return true;
}

static bool fill_table(struct classifier *classifier, struct port_table *table,
    const struct interval *list, size_t len)
{
	size_t most = 2 * len + 2;
	uint32_t *memory = malloc(3 * most * sizeof(uint32_t));
	uint32_t *bound = memory, *next, *rule, pieces;
	bool done;

	if (!memory)
		return false;
	next = bound + most;
	rule = next + most;
	pieces = cut(list, len, bound);
	paint(list, len, bound, pieces, next, rule);
	done = add_cells(classifier, table, bound, rule, pieces);
	free(memory);
	return done;
}

uint32_t port_table_build(struct classifier *classifier,
    const struct policy_image *image, const struct item *item, size_t len,
    bool icmp)
{
	struct vector list = {0};
	struct port_table *table;
	uint32_t index = CLASSIFIER_NONE;

	for (size_t i = 0; i < len; i++) {
		struct interval *last;

		if (!add_rule(&list, image, &item[i], icmp))
			goto out;
		if (list.len == 0)
			continue;
		last = (struct interval *)list.data + list.len - 1;
		if (last->first == 0 && last->end == PORT_END)
			break; /* whatever follows is never reached */
	}
	table = vector_add(&classifier->table, sizeof(*table));
	if (!table)
		goto out;
	*table = (struct port_table) {
	    .cell = (uint32_t)classifier->cell.len, .lowest = CLASSIFIER_NONE};
	if (fill_table(classifier, table, list.data, list.len))
		index = (uint32_t)classifier->table.len - 1;
out:
	free(list.data);
	return index;
}
