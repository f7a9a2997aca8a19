/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The classifier's look-up: theory in classifier.h. Called by node admit
 * through tables_judge(); gw-dataplane, worker thread.
 */
#include "dataplane/packet/classifier_priv.h"

#include <stdlib.h>

/* Lowest rule of a port table at that port. */
static uint32_t look_up(
    const struct classifier *classifier, uint32_t index, uint32_t port)
{
	const struct port_table *table = port_table_at(classifier, index);
	const struct cell *cell =
	    (const struct cell *)classifier->cell.data + table->cell;
	uint32_t len = table->len;

	while (len > 1) {
		uint32_t half = len / 2;

		cell += cell[half].first <= port ? half : 0;
		len -= half;
	}
	return cell->rule;
}

static uint32_t lower(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t walk_tree(const struct classifier *classifier,
    const struct group *group, uint32_t address, uint32_t port, uint32_t best)
{
	const uint32_t *bound = group->bound;
	uint32_t len = group->leaf_len;

	while (len > 1) {
		uint32_t half = len / 2;

		bound += bound[half] <= address ? half : 0;
		len -= half;
	}
	for (uint32_t i = (uint32_t)(bound - group->bound) + group->leaf_len;
	     i > 0; i >>= 1)
		if (group->node[i].lowest < best)
			best = lower(best,
			    look_up(classifier, group->node[i].table, port));
	return best;
}

static uint32_t ask_group(const struct classifier *classifier,
    const struct group *group, const struct judge_flow *flow, uint32_t port,
    uint16_t country, uint32_t best)
{
	if (group->lowest >= best)
		return best;
	if (group->every != CLASSIFIER_NONE)
		best = lower(best, look_up(classifier, group->every, port));
	if (group->leaf_len)
		best = walk_tree(classifier, group, flow->remote, port, best);
	for (uint32_t i = 0; i < group->country_len; i++) {
		const struct country_rules *rules = &group->country[i];

		if (rules->lowest >= best)
			break;
		if (rules->set.bits[country / 64] >> (country % 64) & 1)
			best = lower(
			    best, look_up(classifier, rules->table, port));
	}
	return best;
}

uint32_t classifier_lookup(const struct classifier *classifier,
    const struct judge_flow *flow, uint16_t network, uint16_t country)
{
	uint32_t class = protocol_class(flow->protocol);
	uint32_t port =
	    flow->protocol == PROTOCOL_ICMP ? flow->icmp_type : flow->port;
	uint32_t best = CLASSIFIER_NONE;

	for (uint32_t c = class;; c = 0) {
		const struct group *group = &classifier->group[group_index(
		    flow->direction, c, GROUP_NETWORKS - 1)];

		best = ask_group(classifier, group, flow, port, country, best);
		if (network < POLICY_NETWORK_MAX) {
			group = &classifier->group[group_index(
			    flow->direction, c, network)];
			best = ask_group(
			    classifier, group, flow, port, country, best);
		}
		if (c == 0)
			break;
	}
	return best == CLASSIFIER_NONE ? POLICY_NONE : classifier->rule[best];
}

bool classifier_needs_country(const struct classifier *classifier)
{
	return classifier->needs_country;
}

void classifier_free(struct classifier *classifier)
{
	if (!classifier)
		return;
	for (uint32_t i = 0; i < GROUP_MAX; i++) {
		free(classifier->group[i].bound);
		free(classifier->group[i].node);
		free(classifier->group[i].country);
	}
	free(classifier->table.data);
	free(classifier->cell.data);
	free(classifier->rule);
	free(classifier);
}

size_t classifier_size(const struct classifier *classifier)
{
	size_t size = sizeof(*classifier) +
		      classifier->table.capacity * sizeof(struct port_table) +
		      classifier->cell.capacity * sizeof(struct cell) +
		      classifier->rule_len * sizeof(uint32_t);

	for (uint32_t i = 0; i < GROUP_MAX; i++) {
		const struct group *group = &classifier->group[i];

		size += group->leaf_len *
			(sizeof(uint32_t) + 2 * sizeof(struct tree_node));
		size += group->country_len * sizeof(struct country_rules);
	}
	return size;
}
