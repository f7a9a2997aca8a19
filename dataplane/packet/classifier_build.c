/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Builds the classifier's groups and trees from a policy image (theory in
 * classifier.h). Called by tables_build(); gw-dataplane, control thread.
 */
#include "dataplane/packet/classifier_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct builder {
	const struct policy_image *image;
	struct classifier *classifier;
	struct vector item[GROUP_MAX]; /* struct item, ascending */
};

/* ---- rules into groups ---- */

static bool ports_hold_zero(
    const struct policy_image *image, const struct policy_rule *rule)
{
	if (rule->ports.len == 0)
		return true;
	return image->port[rule->ports.first].first == 0;
}

static bool add_to_group(
    struct builder *builder, const struct item *item, uint32_t class)
{
	const struct policy_rule *rule = item->rule;
	uint32_t network = rule->network == POLICY_ANY_NETWORK
			       ? GROUP_NETWORKS - 1
			       : rule->network;
	struct item *place;

	/* A flow of ICMP has port 0, one of TCP or UDP no ICMP type. */
	if (class == protocol_class(PROTOCOL_ICMP)) {
		if (!ports_hold_zero(builder->image, rule))
			return true;
	} else if (rule->icmp_type >= 0) {
		return true;
	}
	place = vector_add(
	    &builder->item[group_index(rule->direction, class, network)],
	    sizeof(*place));
	if (!place)
		return false;
	*place = *item;
	return true;
}

static bool add_rule(struct builder *builder, const struct item *item)
{
	const struct policy_rule *rule = item->rule;

	if (rule->country != POLICY_NONE && !(rule->flags & RULE_ANY_REMOTE))
		builder->classifier->needs_country = true;
	if (rule->protocol != PROTOCOL_ANY ||
	    (rule->ports.len == 0 && rule->icmp_type < 0))
		return add_to_group(
		    builder, item, protocol_class(rule->protocol));
	/* Any protocol, yet not all ports or types: apart for each. */
	for (uint32_t class = 1; class < GROUP_PROTOCOLS; class ++)
		if (!add_to_group(builder, item, class))
			return false;
	return true;
}

static bool add_rules(struct builder *builder, uint32_t guest)
{
	const struct policy_image *image = builder->image;
	const struct policy_slice blocks = image->guest[guest].blocks;
	struct classifier *classifier = builder->classifier;
	uint32_t ordinal = 0;

	for (uint32_t i = 0; i < blocks.len; i++)
		classifier->rule_len +=
		    image->block[image->guest_block[blocks.first + i]]
			.rules.len;
	classifier->rule =
	    calloc(classifier->rule_len + 1, sizeof(*classifier->rule));
	if (!classifier->rule)
		return false;
	for (uint32_t i = 0; i < blocks.len; i++) {
		const struct policy_slice rules =
		    image->block[image->guest_block[blocks.first + i]].rules;

		for (uint32_t j = 0; j < rules.len; j++, ordinal++) {
			struct item item = {
			    ordinal, &image->rule[rules.first + j]};

			classifier->rule[ordinal] = rules.first + j;
			if (!add_rule(builder, &item))
				return false;
		}
	}
	return true;
}

/* ---- one group ---- */

static bool is_every(const struct policy_rule *rule)
{
	return rule->flags & RULE_ANY_REMOTE;
}

static bool has_remote(const struct policy_rule *rule)
{
	return !is_every(rule) && rule->remote.len > 0;
}

static bool has_country(const struct policy_rule *rule)
{
	return !is_every(rule) && rule->country != POLICY_NONE;
}

/* The group's rules of one kind, in a fresh array; NULL when memory ran out. */
static struct item *select_items(const struct vector *from,
    bool (*kind)(const struct policy_rule *), size_t *len)
{
	const struct item *item = from->data;
	struct item *list = calloc(from->len + 1, sizeof(*list));

	*len = 0;
	for (size_t i = 0; list && i < from->len; i++)
		if (kind(item[i].rule))
			list[(*len)++] = item[i];
	return list;
}

static int compare(uint32_t a, uint32_t b)
{
	return a < b ? -1 : a > b;
}

static int by_ordinal(const void *a, const void *b)
{
	return compare(((const struct item *)a)->ordinal,
	    ((const struct item *)b)->ordinal);
}

static int by_country(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int order = compare(x->rule->country, y->rule->country);

	return order ? order : compare(x->ordinal, y->ordinal);
}

static int by_remote(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int order = compare(x->rule->remote.first, y->rule->remote.first);

	if (!order)
		order = compare(x->rule->remote.len, y->rule->remote.len);
	return order ? order : compare(x->ordinal, y->ordinal);
}

static int by_lowest(const void *a, const void *b)
{
	return compare(((const struct country_rules *)a)->lowest,
	    ((const struct country_rules *)b)->lowest);
}

static bool build_every(struct builder *builder, struct group *group,
    const struct vector *rules, bool icmp)
{
	size_t len;
	struct item *list = select_items(rules, is_every, &len);

	if (!list)
		return false;
	group->every = CLASSIFIER_NONE;
	if (len)
		group->every = port_table_build(
		    builder->classifier, builder->image, list, len, icmp);
	free(list);
	return len == 0 || group->every != CLASSIFIER_NONE;
}

static bool build_countries(struct builder *builder, struct group *group,
    const struct vector *rules, bool icmp)
{
	size_t len;
	struct item *list = select_items(rules, has_country, &len);
	bool done = false;

	if (!list)
		return false;
	qsort(list, len, sizeof(*list), by_country);
	group->country = calloc(len + 1, sizeof(*group->country));
	if (!group->country)
		goto out;
	for (size_t i = 0, j; i < len; i = j) {
		struct country_rules *rule =
		    &group->country[group->country_len];

		for (j = i;
		     j < len && list[j].rule->country == list[i].rule->country;
		     j++)
			;
		rule->set = builder->image->country[list[i].rule->country];
		rule->table = port_table_build(
		    builder->classifier, builder->image, list + i, j - i, icmp);
		if (rule->table == CLASSIFIER_NONE)
			goto out;
		rule->lowest =
		    port_table_at(builder->classifier, rule->table)->lowest;
		group->country_len++;
	}
	qsort(group->country, group->country_len, sizeof(*group->country),
	    by_lowest);
	done = true;
out:
	free(list);
	return done;
}

/* ---- the tree of one group ---- */

/* Rules with the same slice of addresses. */
struct address_class {
	const struct item *item;
	size_t len;
};

struct tree {
	struct builder *builder;
	struct group *group;
	bool icmp;
	struct item *item; /* sorted by class */
	size_t item_len;
	struct vector class; /* struct address_class */
	struct vector hang;  /* uint64_t: node << 32 | class */
};

static int by_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int by_u32(const void *a, const void *b)
{
	return compare(*(const uint32_t *)a, *(const uint32_t *)b);
}

static bool find_classes(struct tree *tree)
{
	qsort(tree->item, tree->item_len, sizeof(*tree->item), by_remote);
	for (size_t i = 0, j; i < tree->item_len; i = j) {
		const struct policy_slice slice = tree->item[i].rule->remote;
		struct address_class *class =
		    vector_add(&tree->class, sizeof(*class));

		if (!class)
			return false;
		for (j = i; j < tree->item_len &&
			    tree->item[j].rule->remote.first == slice.first &&
			    tree->item[j].rule->remote.len == slice.len;
		     j++)
			;
		*class = (struct address_class) {tree->item + i, j - i};
	}
	return true;
}

static struct policy_slice slice_of(const struct tree *tree, size_t class)
{
	const struct address_class *all = tree->class.data;

	return all[class].item[0].rule->remote;
}

/* Leaves: every address at which some rule begins or has just ended. */
static bool cut_leaves(struct tree *tree)
{
	const struct policy_range *range = tree->builder->image->range;
	struct group *group = tree->group;
	size_t most = 1;
	uint32_t len = 0, kept = 1;

	for (size_t i = 0; i < tree->class.len; i++)
		most += 2 * (size_t)slice_of(tree, i).len;
	if (most > CLASSIFIER_ENTRY_MAX)
		return false;
	group->bound = malloc(most * sizeof(*group->bound));
	if (!group->bound)
		return false;
	group->bound[len++] = 0;
	for (size_t i = 0; i < tree->class.len; i++) {
		const struct policy_slice slice = slice_of(tree, i);

		for (uint32_t j = 0; j < slice.len; j++) {
			group->bound[len++] = range[slice.first + j].first;
			if (range[slice.first + j].last != UINT32_MAX)
				group->bound[len++] =
				    range[slice.first + j].last + 1;
		}
	}
	qsort(group->bound, len, sizeof(*group->bound), by_u32);
	for (uint32_t i = 1; i < len; i++)
		if (group->bound[i] != group->bound[kept - 1])
			group->bound[kept++] = group->bound[i];
	group->leaf_len = kept;
	return true;
}

static uint32_t leaf_of(const struct group *group, uint32_t address)
{
	const uint32_t *found = bsearch(&address, group->bound, group->leaf_len,
	    sizeof(*group->bound), by_u32);

	return (uint32_t)(found - group->bound);
}

static bool hang(struct tree *tree, uint32_t node, size_t class)
{
	uint64_t *place;

	if (++tree->builder->classifier->entry_len > CLASSIFIER_ENTRY_MAX)
		return false;
	place = vector_add(&tree->hang, sizeof(*place));
	if (place)
		*place = (uint64_t)node << 32 | class;
	return place;
}

/* A range as the fewest nodes that cover exactly its leaves. */
static bool hang_range(
    struct tree *tree, const struct policy_range *range, size_t class)
{
	const struct group *group = tree->group;
	uint32_t low = leaf_of(group, range->first) + group->leaf_len;
	uint32_t high = group->leaf_len;

	if (range->last == UINT32_MAX)
		high += group->leaf_len;
	else
		high += leaf_of(group, range->last + 1);
	for (; low < high; low >>= 1, high >>= 1) {
		if ((low & 1) && !hang(tree, low++, class))
			return false;
		if ((high & 1) && !hang(tree, --high, class))
			return false;
	}
	return true;
}

static bool hang_classes(struct tree *tree)
{
	for (size_t i = 0; i < tree->class.len; i++) {
		const struct policy_slice slice = slice_of(tree, i);

		for (uint32_t j = 0; j < slice.len; j++)
			if (!hang_range(tree,
				&tree->builder->image->range[slice.first + j],
				i))
				return false;
	}
	qsort(tree->hang.data, tree->hang.len, sizeof(uint64_t), by_u64);
	return true;
}

/* Port table of all rules of the classes that hang at one node. */
static uint32_t build_node(struct tree *tree, const uint64_t *hung, size_t len)
{
	const struct address_class *class = tree->class.data;
	struct vector list = {0};
	uint32_t table = CLASSIFIER_NONE;

	if (len == 1) {
		class += (uint32_t)hung[0];
		return port_table_build(tree->builder->classifier,
		    tree->builder->image, class->item, class->len, tree->icmp);
	}
	for (size_t i = 0; i < len; i++) {
		const struct address_class *one = &class[(uint32_t)hung[i]];

		for (size_t j = 0; j < one->len; j++) {
			struct item *item = vector_add(&list, sizeof(*item));

			if (!item)
				goto out;
			*item = one->item[j];
		}
	}
	qsort(list.data, list.len, sizeof(struct item), by_ordinal);
	table = port_table_build(tree->builder->classifier,
	    tree->builder->image, list.data, list.len, tree->icmp);
out:
	free(list.data);
	return table;
}

/* Nodes with the same classes share a table: remembered by the list's hash. */
struct memory {
	const uint64_t **hung;
	size_t *len;
	uint32_t *table;
	size_t mask;
};

static uint32_t node_table(
    struct tree *tree, struct memory *memory, const uint64_t *hung, size_t len)
{
	uint64_t hash = len;
	size_t slot;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (uint32_t)hung[i]) * 0x9e3779b97f4a7c15ull;
	for (slot = hash >> 32 & memory->mask; memory->hung[slot];
	     slot = (slot + 1) & memory->mask) {
		size_t same = 0;

		if (memory->len[slot] != len)
			continue;
		while (same < len && (uint32_t)memory->hung[slot][same] ==
					 (uint32_t)hung[same])
			same++;
		if (same == len)
			return memory->table[slot];
	}
	memory->hung[slot] = hung;
	memory->len[slot] = len;
	memory->table[slot] = build_node(tree, hung, len);
	return memory->table[slot];
}

static bool build_nodes(struct tree *tree)
{
	struct group *group = tree->group;
	const uint64_t *hung = tree->hang.data;
	size_t slots = 64;
	struct memory memory;
	bool done = false;

	while (slots < 2 * tree->hang.len + 2)
		slots *= 2;
	memory.mask = slots - 1;
	memory.hung = calloc(slots, sizeof(*memory.hung));
	memory.len = calloc(slots, sizeof(*memory.len));
	memory.table = calloc(slots, sizeof(*memory.table));
	group->node =
	    malloc(2 * (size_t)group->leaf_len * sizeof(*group->node));
	if (!memory.hung || !memory.len || !memory.table || !group->node)
		goto out;
	for (uint32_t i = 0; i < 2 * group->leaf_len; i++)
		group->node[i] =
		    (struct tree_node) {CLASSIFIER_NONE, CLASSIFIER_NONE};
	for (size_t i = 0, j; i < tree->hang.len; i = j) {
		struct tree_node *node = &group->node[hung[i] >> 32];

		for (j = i;
		     j < tree->hang.len && hung[j] >> 32 == hung[i] >> 32; j++)
			;
		node->table = node_table(tree, &memory, hung + i, j - i);
		if (node->table == CLASSIFIER_NONE)
			goto out;
		node->lowest =
		    port_table_at(tree->builder->classifier, node->table)
			->lowest;
	}
	done = true;
out:
	free(memory.hung);
	free(memory.len);
	free(memory.table);
	return done;
}

static bool build_tree(struct builder *builder, struct group *group,
    const struct vector *rules, bool icmp)
{
	struct tree tree = {.builder = builder, .group = group, .icmp = icmp};
	bool done = false;

	tree.item = select_items(rules, has_remote, &tree.item_len);
	if (!tree.item)
		return false;
	if (tree.item_len == 0 ||
	    (find_classes(&tree) && cut_leaves(&tree) && hang_classes(&tree) &&
		build_nodes(&tree)))
		done = true;
	free(tree.item);
	free(tree.class.data);
	free(tree.hang.data);
	return done;
}

/* ---- all of it ---- */

static bool build_groups(struct builder *builder)
{
	for (uint32_t i = 0; i < GROUP_MAX; i++) {
		struct group *group = &builder->classifier->group[i];
		const struct vector *rules = &builder->item[i];
		bool icmp = i / GROUP_NETWORKS % GROUP_PROTOCOLS ==
			    protocol_class(PROTOCOL_ICMP);

		group->lowest = CLASSIFIER_NONE;
		group->every = CLASSIFIER_NONE;
		if (rules->len == 0)
			continue;
		group->lowest = ((const struct item *)rules->data)->ordinal;
		if (!build_every(builder, group, rules, icmp) ||
		    !build_countries(builder, group, rules, icmp) ||
		    !build_tree(builder, group, rules, icmp))
			return false;
	}
	return true;
}

struct classifier *classifier_build(const struct policy_image *image,
    uint32_t guest, char *why, size_t why_size)
{
	struct builder *builder = calloc(1, sizeof(*builder));
	struct classifier *classifier = calloc(1, sizeof(*classifier));
	bool done = false;

	if (builder && classifier) {
		builder->image = image;
		builder->classifier = classifier;
		done = add_rules(builder, guest) && build_groups(builder);
	}
	for (uint32_t i = 0; builder && i < GROUP_MAX; i++)
		free(builder->item[i].data);
	free(builder);
	if (done)
		return classifier;
	if (why)
		snprintf(why, why_size,
		    classifier && classifier->entry_len > CLASSIFIER_ENTRY_MAX
			? "the rules of this guest need too large a classifier"
			: "no memory for the classifier");
	classifier_free(classifier);
	return NULL;
}
