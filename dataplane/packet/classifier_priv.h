/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of the classifier (theory in classifier.h): its arrays, shared by
 * classifier.c (look-up), classifier_build.c (groups and trees) and
 * classifier_ports.c (port tables). Control thread builds, worker reads.
 */
#pragma once

#include "dataplane/packet/classifier.h"

#define CLASSIFIER_NONE UINT32_MAX
#define GROUP_PROTOCOLS 4			 /* any, ICMP, TCP, UDP */
#define GROUP_NETWORKS	(POLICY_NETWORK_MAX + 1) /* the last one: any */
#define GROUP_MAX	(2 * GROUP_PROTOCOLS * GROUP_NETWORKS)

/* A growing array on the control thread's heap. */
struct vector {
	void *data;
	size_t len;
	size_t capacity;
};

/* Room for one more element of `size` bytes; its address, or NULL. */
void *vector_add(struct vector *vector, size_t size);

/* From port `first` up to the next cell: this rule, as an ordinal in judging
 * order, or CLASSIFIER_NONE. */
struct cell {
	uint32_t first;
	uint32_t rule;
};

struct port_table {
	uint32_t cell; /* index of the first cell */
	uint32_t len;
	uint32_t lowest; /* lowest rule in it */
};

struct tree_node {
	uint32_t table; /* port table, CLASSIFIER_NONE = nothing hangs here */
	uint32_t lowest;
};

struct country_rules {
	struct policy_country_set set;
	uint32_t table;
	uint32_t lowest;
};

struct group {
	uint32_t lowest; /* CLASSIFIER_NONE = no rules at all */
	uint32_t every;	 /* port table of rules for every address */
	uint32_t leaf_len;
	uint32_t country_len;
	uint32_t *bound;	/* first address of each leaf, [0] = 0 */
	struct tree_node *node; /* 2 * leaf_len, children of i: 2i, 2i + 1 */
	struct country_rules *country; /* lowest rule first */
};

struct classifier {
	struct group group[GROUP_MAX];
	struct vector table; /* struct port_table */
	struct vector cell;  /* struct cell */
	uint32_t *rule;	     /* ordinal -> SECTION_RULE index */
	uint32_t rule_len;
	bool needs_country;
	size_t entry_len; /* what counts against CLASSIFIER_ENTRY_MAX */
};

/* One rule on its way into a group. */
struct item {
	uint32_t ordinal;
	const struct policy_rule *rule;
};

static inline uint32_t group_index(
    uint8_t direction, uint32_t protocol_class, uint32_t network)
{
	return (direction * GROUP_PROTOCOLS + protocol_class) * GROUP_NETWORKS +
	       network;
}

/* 0 = any, see GROUP_PROTOCOLS. */
static inline uint32_t protocol_class(uint8_t protocol)
{
	switch (protocol) {
	case PROTOCOL_ICMP:
		return 1;
	case PROTOCOL_TCP:
		return 2;
	case PROTOCOL_UDP:
		return 3;
	default:
		return 0;
	}
}

/*
 * Make the port table of rules that are ascending by ordinal. icmp: the
 * dimension is the ICMP type. Returns its index, or CLASSIFIER_NONE when
 * memory or CLASSIFIER_ENTRY_MAX ran out.
 */
uint32_t port_table_build(struct classifier *classifier,
    const struct policy_image *image, const struct item *item, size_t len,
    bool icmp);

static inline const struct port_table *port_table_at(
    const struct classifier *classifier, uint32_t index)
{
	return (const struct port_table *)classifier->table.data + index;
}
