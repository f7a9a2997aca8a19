/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The checked policy: what the tree means. Made by check*.c, read by warn.c,
 * emit.c and expect.c. Everything is in the compilation's arena; `node`s are
 * the sentences it came from.
 */
#pragma once

#include "rules/lang/compile.h"
#include "rules/lang/range.h"
#include "rules/lang/symbol.h"

enum set_kind { SET_BROKEN, SET_ADDRESSES, SET_PORTS, SET_COUNTRIES };

struct set {
	struct set *next;
	const struct node *node;
	enum set_kind kind;
	struct ranges ranges; /* addresses or ports */
	struct policy_country_set countries;
	bool used;
};

struct network {
	const struct node *node;
	uint16_t index;
	struct policy_network record; /* name, interface unset */
	const char *interface;
	const struct node *uplink, *address, *reach, *routed;
	bool is_public; /* `reach public` */
	bool used;
};

/* The far end of a rule or an expect: addresses, countries, or all. */
struct remote {
	bool any;
	struct ranges ranges;
	struct policy_country_set countries;
	bool has_countries;
};

/* What a rule and an expect have in common. */
struct match {
	bool in;
	uint8_t protocol;    /* enum policy_protocol */
	struct ranges ports; /* empty: any */
	int16_t icmp_type;   /* -1: any */
	struct remote remote;
	const struct network *network; /* NULL: any */
	uint8_t flags;		       /* RULE_ */
	bool open_country; /* a country set without `unknown`, for warnings */
};

struct rule {
	struct rule *next;
	const struct node *node;
	bool allow;
	struct match match;
	uint32_t index; /* in the image */
};

/* `always`, a profile, or the own rules of a guest. */
struct block {
	struct block *next;
	const struct node *node;
	const char *name;
	struct rule *first, **last;
	uint32_t rule_len;
	uint32_t networks; /* mask; what `networks` says */
	const struct node *networks_node;
	uint32_t scope; /* of its rules' names; `always` has 0 */
	uint32_t index; /* in the image */
	bool used;
};

/* One `guest` or `guests` sentence: guests that differ in name only. */
struct guest_group {
	struct guest_group *next;
	const struct node *node;
	const char *image;
	uint32_t memory_mib;
	uint32_t networks; /* mask */
	struct block **block;
	size_t block_len;
	const char **name;
	size_t name_len;
};

struct expect {
	struct expect *next;
	const struct node *node;
	bool allow;
	const char *guest; /* name, `prefix*` or `*` */
	struct match match;
};

struct model {
	struct compile *compile;
	struct symbols symbols;
	const struct node **sentence; /* of all files, includes laid open */
	size_t sentence_len;
	struct set *set, **set_last;
	struct network network[POLICY_NETWORK_MAX];
	uint32_t network_len;
	struct policy_reach *reach;
	size_t reach_len;
	struct block always;
	struct block *block, **block_last; /* profiles and own rules */
	uint32_t scope_len;
	struct guest_group *group, **group_last;
	size_t guest_len;
	size_t rule_len;
	struct expect *expect, **expect_last;
	bool names_country;
};

/* Clause of a rule or sentence of a block, or NULL; `twice` is reported. */
const struct node *model_only(
    struct errors *errors, const struct node *node, enum word_id id);
/* Does the value stand there as this word of the grammar? */
bool model_is(const struct value *value, const char *keyword);

/* ---- passes inside check.c, in this order ---- */
bool check_enforced(struct errors *errors, const struct node *node);
void check_sets(struct model *model);
void check_networks(struct model *model);
void check_reach(struct model *model);
void check_rules(struct model *model);
void check_guests(struct model *model);
void check_expects(struct model *model);

/* The rules of a block's sentence, appended to it. */
void check_block_rules(
    struct model *model, const struct node *node, struct block *block);
/* A new, empty block. */
struct block *check_add_block(
    struct model *model, const struct node *node, const char *name);
/* Meaning of a rule's head (behind its action) and clauses. False: reported. */
bool check_match(struct model *model, const struct node *node,
    const struct value *head, struct match *match);
/* Operands from `value` on, as literals and sets of addresses and countries.
 * `not` in front is worked out. */
bool check_remote(
    struct model *model, const struct node *clause, struct match *match);
bool check_ports(
    struct model *model, const struct node *clause, struct ranges *ports);
/* Add the country codes of a list to a set. */
bool check_countries(struct model *model, const struct value *value,
    struct policy_country_set *set);
/* The network of that name, or NULL: reported. */
struct network *check_network_named(
    struct model *model, const struct value *value);
