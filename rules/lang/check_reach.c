/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which network owns which address (model.h).
 *
 * Theory of operation. Explicit prefixes nest or are disjoint. Sorted by first
 * address and then by length, a sweep with a stack of open prefixes gives the
 * innermost one for each stretch: the longest prefix. `public` is the least
 * specific reach of all: what is public and not covered by any prefix.
 */
#include "rules/image/address.h"
#include "rules/image/special.h"
#include "rules/lang/model.h"
#include "rules/lang/prefix.h"

#include <stdlib.h>
#include <string.h>

/* One explicit prefix. */
struct claim {
	uint32_t first, last;
	uint8_t length;
	struct network *network;
	const struct value *value;
};

struct claims {
	struct claim *claim;
	size_t len;
};

static bool never_reached(const struct prefix *prefix)
{
	return prefix->last <= 0x00ffffff || prefix->first >= 0xe0000000 ||
	       (prefix->first >= 0x7f000000 && prefix->last <= 0x7fffffff);
}

static void add_claim(struct model *model, struct claims *claims,
    struct network *network, const struct value *value)
{
	struct errors *errors = &model->compile->errors;
	struct prefix prefix;

	switch (prefix_parse(value->text, false, &prefix)) {
	case PREFIX_V4:
		break;
	case PREFIX_V6:
		error_at(errors, &value->place,
		    "IPv6 is not enforced yet: every IPv6 packet is denied");
		return;
	case PREFIX_BAD:
		error_at(errors, &value->place, "%s", prefix.why);
		return;
	default:
		error_at(errors, &value->place,
		    "`%.60s` is no prefix; expected one, or `public`",
		    value->text);
		return;
	}
	if (prefix.range) {
		error_at(errors, &value->place,
		    "a reach is made of prefixes, not of ranges");
		return;
	}
	if (prefix.first <= ADDRESS_CLAIM_LAST &&
	    prefix.last >= ADDRESS_CLAIM_FIRST) {
		error_at(errors, &value->place,
		    "this reach overlaps 100.64.0.0/10, which belongs to the "
		    "gateway itself%s",
		    prefix.length ? "" : "; `public` was perhaps meant");
		return;
	}
	if (never_reached(&prefix)) {
		error_at(errors, &value->place,
		    "no packet is ever carried to these addresses");
		return;
	}
	claims->claim = arena_grow(&model->compile->arena, claims->claim,
	    claims->len, sizeof(*claims->claim));
	claims->claim[claims->len++] = (struct claim) {
	    prefix.first, prefix.last, prefix.length, network, value};
}

static int compare(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	if (x->length != y->length)
		return x->length < y->length ? -1 : 1;
	if (x->value->place.source != y->value->place.source)
		return x->value->place.source < y->value->place.source ? -1 : 1;
	return x->value->place.offset < y->value->place.offset ? -1 : 1;
}

static void check_equal(struct model *model, const struct claims *claims)
{
	struct errors *errors = &model->compile->errors;
	size_t i;

	for (i = 1; i < claims->len; i++) {
		const struct claim *a = &claims->claim[i - 1];
		const struct claim *b = &claims->claim[i];

		if (a->first != b->first || a->length != b->length)
			continue;
		error_at(errors, &b->value->place,
		    a->network == b->network
			? "`%s` is named twice"
			: "`%s` is the reach of two networks: none of them "
			  "could be chosen",
		    b->value->text);
		error_note(errors, &a->value->place, "also here");
	}
}

static void add_reach(struct model *model, uint32_t first, uint32_t last,
    const struct network *network)
{
	struct policy_reach *before =
	    model->reach_len ? &model->reach[model->reach_len - 1] : NULL;

	if (before && before->network == network->index &&
	    before->last + 1 == first) {
		before->last = last;
		return;
	}
	model->reach = arena_grow(&model->compile->arena, model->reach,
	    model->reach_len, sizeof(*model->reach));
	model->reach[model->reach_len++] =
	    (struct policy_reach) {first, last, network->index};
}

/* Longest prefix for every stretch that any explicit prefix covers. */
static void sweep(struct model *model, const struct claims *claims)
{
	const struct claim *open[33]; /* nesting: one per length */
	size_t depth = 0, i;
	uint64_t next = 0; /* first address not yet given */

	for (i = 0; i <= claims->len; i++) {
		const struct claim *claim =
		    i < claims->len ? &claims->claim[i] : NULL;

		while (
		    depth && (!claim || open[depth - 1]->last < claim->first)) {
			const struct claim *top = open[--depth];

			if (next <= top->last)
				add_reach(model, (uint32_t)next, top->last,
				    top->network);
			next = (uint64_t)top->last + 1;
		}
		if (!claim)
			break;
		if (depth && next < claim->first)
			add_reach(model, (uint32_t)next, claim->first - 1,
			    open[depth - 1]->network);
		open[depth++] = claim;
		next = claim->first;
	}
}

static int compare_reach(const void *a, const void *b)
{
	const struct policy_reach *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

/* Lay `public` under what the prefixes have taken. */
static void add_public(struct model *model, const struct network *network)
{
	struct arena *arena = &model->compile->arena;
	struct ranges free = {0}, taken = {0};
	size_t i;

	for (i = 0; i < special_len; i++)
		if (!special_range[i].in_public)
			ranges_add(arena, &taken, special_range[i].first,
			    special_range[i].last);
	for (i = 0; i < model->reach_len; i++)
		ranges_add(
		    arena, &taken, model->reach[i].first, model->reach[i].last);
	ranges_sort(&taken);
	free = ranges_invert(arena, &taken, UINT32_MAX);
	for (i = 0; i < free.len; i++)
		add_reach(
		    model, free.range[i].first, free.range[i].last, network);
	qsort(model->reach, model->reach_len, sizeof(*model->reach),
	    compare_reach);
}

static void collect(struct model *model, struct claims *claims,
    struct network *network, struct network **everywhere)
{
	struct errors *errors = &model->compile->errors;
	const struct node *child;
	const struct value *value;

	for (child = network->node->child; child; child = child->next) {
		if (child->word->id != WORD_REACH)
			continue;
		network->reach = child;
		for (value = child->value; value; value = value->next) {
			if (strcmp(value->text, "public") != 0) {
				add_claim(model, claims, network, value);
				continue;
			}
			if (*everywhere)
				error_at(errors, &value->place,
				    "`public` is the reach of two networks, "
				    "`%s` too",
				    (*everywhere)->node->name);
			*everywhere = network;
			network->is_public = true;
		}
	}
	if (!network->reach)
		error_at(errors, &network->node->name_place,
		    "network `%s` has no `reach`: no address would belong to "
		    "it",
		    network->node->name);
}

void check_reach(struct model *model)
{
	struct network *everywhere = NULL;
	struct claims claims = {0};
	uint32_t i;

	for (i = 0; i < model->network_len; i++)
		collect(model, &claims, &model->network[i], &everywhere);
	if (claims.len)
		qsort(claims.claim, claims.len, sizeof(*claims.claim), compare);
	check_equal(model, &claims);
	if (model->compile->errors.error_len)
		return;
	sweep(model, &claims);
	if (everywhere)
		add_public(model, everywhere);
}
