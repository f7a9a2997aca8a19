/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The classifier against the linear walk of judge.c: random policies of every
 * shape, flows aimed at the edges of their addresses and ports. Every verdict,
 * and the rule behind it, must be the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "dataplane/packet/tables.h"

#define RULES	  3000
#define RANGES	  12000
#define PORTS	  6000
#define COUNTRIES 40
#define NETWORKS  4
#define BLOCKS	  4

/* A policy as validated views; filled anew by make_policy(). */
struct policy {
	struct policy_rule rule[RULES];
	struct policy_range range[RANGES];
	struct policy_port_range port[PORTS];
	struct policy_country_set country[COUNTRIES];
	struct policy_reach reach[64];
	struct policy_block block[BLOCKS];
	uint32_t guest_block[BLOCKS];
	struct policy_guest guest;
	struct policy_image image;
	uint32_t span; /* addresses lie in the first so many of the space */
};

static uint64_t state = 88172645463325252ull;
static uint16_t *country_top;

static uint32_t any(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return below ? (uint32_t)((state >> 20) % below) : 0;
}

static uint32_t any_address(const struct policy *p)
{
	if (any(20) == 0)
		return any(2) ? UINT32_MAX - any(3) : any(3);
	return 0x0a000000 + any(p->span);
}

/* Disjoint, ascending ranges at the end of the section. */
static struct policy_slice add_ranges(struct policy *p, uint32_t len)
{
	uint32_t *used = &p->image.len[SECTION_RANGE];
	struct policy_slice slice = {*used, 0};
	uint64_t at = any_address(p);

	for (uint32_t i = 0; i < len && *used < RANGES; i++) {
		uint64_t last = at + any(any(2) ? 3 : p->span / 4 + 1);

		if (last > UINT32_MAX)
			last = UINT32_MAX;
		p->range[(*used)++] =
		    (struct policy_range) {(uint32_t)at, (uint32_t)last};
		slice.len++;
		at = last + 2 + any(p->span / 8 + 1);
		if (at > UINT32_MAX)
			break;
	}
	return slice;
}

static struct policy_slice add_ports(struct policy *p, uint32_t len)
{
	uint32_t *used = &p->image.len[SECTION_PORT];
	struct policy_slice slice = {*used, 0};
	uint32_t at = any(4) ? any(2000) : any(65536);

	for (uint32_t i = 0; i < len && *used < PORTS && at < 65536; i++) {
		uint32_t last = at + (any(2) ? 0 : any(3000));

		if (last > 65535)
			last = 65535;
		p->port[(*used)++] =
		    (struct policy_port_range) {(uint16_t)at, (uint16_t)last};
		slice.len++;
		at = last + 2 + any(500);
	}
	return slice;
}

static void fill_rule(struct policy *p, struct policy_rule *rule, uint32_t i)
{
	static const uint8_t protocol[] = {PROTOCOL_ANY, PROTOCOL_ICMP,
	    PROTOCOL_TCP, PROTOCOL_TCP, PROTOCOL_UDP};

	*rule = (struct policy_rule) {.country = POLICY_NONE,
	    .network = POLICY_ANY_NETWORK,
	    .icmp_type = -1};
	rule->action = any(2) ? ACTION_ALLOW : ACTION_DENY;
	rule->direction = any(4) == 0 ? DIRECTION_IN : DIRECTION_OUT;
	rule->protocol = protocol[any(5)];
	if (any(3) == 0)
		rule->network = (uint16_t)any(NETWORKS);
	if (rule->protocol == PROTOCOL_ICMP && any(2))
		rule->icmp_type = any(2) ? 8 : (int16_t)any(20);
	if (rule->protocol == PROTOCOL_TCP || rule->protocol == PROTOCOL_UDP)
		if (any(4))
			rule->ports = add_ports(p, 1 + any(4));
	if (any(12) == 0)
		rule->flags |= RULE_ANY_REMOTE;
	if (any(5) == 0 && p->image.len[SECTION_COUNTRY])
		rule->country = any(p->image.len[SECTION_COUNTRY]);
	if (any(6) == 0 && i > 0)
		rule->remote = p->rule[any(i)].remote; /* a shared set */
	else if (any(8))
		rule->remote = add_ranges(p, 1 + any(any(4) ? 2 : 12));
}

static void fill_reach(struct policy *p)
{
	uint64_t at = 0;
	uint32_t len = 0;

	for (; len < 40 && at < UINT32_MAX; len++) {
		uint64_t step = len < 30 ? p->span / 16 + 1 : UINT32_MAX / 8;
		uint64_t first = len == 0 ? 0 : at, last = first + any(step);

		if (last > UINT32_MAX)
			last = UINT32_MAX;
		p->reach[len] = (struct policy_reach) {
		    (uint32_t)first, (uint32_t)last, any(NETWORKS)};
		at = last + 1 + any(p->span / 64 + 2);
		if (len == 0)
			at = 0x0a000000;
	}
	p->image.len[SECTION_REACH] = len;
}

static void make_policy(struct policy *p, uint32_t rules)
{
	uint32_t first = 0;

	memset(&p->image, 0, sizeof(p->image));
	p->span = any(2) ? 4096 : 1u << (8 + any(16));
	p->image.rule = p->rule;
	p->image.range = p->range;
	p->image.port = p->port;
	p->image.country = p->country;
	p->image.reach = p->reach;
	p->image.block = p->block;
	p->image.guest_block = p->guest_block;
	p->image.guest = &p->guest;
	p->image.len[SECTION_COUNTRY] = any(COUNTRIES);
	for (uint32_t i = 0; i < p->image.len[SECTION_COUNTRY]; i++)
		for (int j = 0; j < COUNTRY_WORDS; j++)
			p->country[i].bits[j] =
			    any(2) ? 0 : (uint64_t)any(UINT32_MAX) << any(32);
	for (uint32_t i = 0; i < rules; i++)
		fill_rule(p, &p->rule[i], i);
	p->image.len[SECTION_RULE] = rules;
	fill_reach(p);
	/* Blocks in another order than the rules lie in the image. */
	for (uint32_t i = 0; i < BLOCKS; i++) {
		uint32_t end =
		    i == BLOCKS - 1 ? rules : first + any(rules - first + 1);

		p->block[i].rules = (struct policy_slice) {first, end - first};
		p->guest_block[BLOCKS - 1 - i] = i;
		first = end;
	}
	p->image.len[SECTION_BLOCK] = BLOCKS;
	p->image.len[SECTION_GUEST_BLOCK] = BLOCKS;
	p->image.len[SECTION_GUEST] = 1;
	p->guest = (struct policy_guest) {
	    .network_mask = any(4) ? (1u << NETWORKS) - 1 : any(1 << NETWORKS),
	    .blocks = {0, BLOCKS}};
}

/* At, just before, or just behind what some rule says, or anywhere. */
static struct judge_flow make_flow(const struct policy *p)
{
	static const uint8_t protocol[] = {
	    PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP};
	struct judge_flow flow = {.protocol = protocol[any(3)],
	    .direction = any(4) == 0 ? DIRECTION_IN : DIRECTION_OUT,
	    .remote = any_address(p)};

	if (any(4) && p->image.len[SECTION_RANGE]) {
		const struct policy_range *range =
		    &p->range[any(p->image.len[SECTION_RANGE])];

		flow.remote =
		    (any(2) ? range->first : range->last) + any(3) - 1;
	}
	if (flow.protocol == PROTOCOL_ICMP) {
		flow.icmp_type = any(2) ? 8 : (uint8_t)any(20);
	} else {
		flow.port = (uint16_t)any(65536);
		if (any(4) && p->image.len[SECTION_PORT]) {
			const struct policy_port_range *range =
			    &p->port[any(p->image.len[SECTION_PORT])];

			flow.port =
			    (uint16_t)((any(2) ? range->first : range->last) +
				       any(3) - 1);
		}
	}
	if (flow.direction == DIRECTION_IN)
		flow.from_network =
		    any(8) ? (uint16_t)judge_network_of(&p->image, flow.remote)
			   : (uint16_t)any(NETWORKS);
	return flow;
}

static void compare(const struct policy *p, const struct tables *tables,
    const struct judge_flow *flow)
{
	struct judge_verdict want =
	    judge_flow(&p->image, &tables->countries, 0, flow);
	struct judge_verdict got = tables_judge(tables, flow);

	if (want.allow != got.allow || want.reason != got.reason ||
	    want.network != got.network || want.rule != got.rule)
		fail_msg("remote %08x port %u protocol %u type %u direction "
			 "%u: rule %d reason %u, the linear walk says %d %u",
		    flow->remote, flow->port, flow->protocol, flow->icmp_type,
		    flow->direction, (int)got.rule, got.reason, (int)want.rule,
		    want.reason);
}

static void agrees_with_the_linear_walk(void **unused)
{
	struct policy *p = calloc(1, sizeof(*p));
	uint64_t compared = 0, decided = 0;

	for (int round = 0; round < 300; round++) {
		struct tables tables = {0};
		char why[200];

		make_policy(p, round < 200 ? 1 + any(40) : 1 + any(RULES));
		tables.image = p->image;
		tables.network_mask = p->guest.network_mask;
		tables.has_countries = true;
		tables.countries.top = country_top;
		tables.classifier =
		    classifier_build(&p->image, 0, why, sizeof(why));
		assert_non_null(tables.classifier);
		for (int i = 0; i < 500; i++) {
			struct judge_flow flow = make_flow(p);

			compare(p, &tables, &flow);
			compared++;
			decided +=
			    tables_judge(&tables, &flow).rule != POLICY_NONE;
		}
		classifier_free((struct classifier *)tables.classifier);
	}
	print_message(
	    "# %lu comparisons, %lu decided by a rule\n", compared, decided);
	assert_true(compared >= 100000);
	assert_true(decided >= compared / 10);
	free(p);
}

static void no_rules_means_no_rule(void **unused)
{
	struct policy *p = calloc(1, sizeof(*p));
	struct classifier *classifier;
	struct judge_flow flow = {.remote = 1, .protocol = PROTOCOL_TCP};

	make_policy(p, 0);
	classifier = classifier_build(&p->image, 0, NULL, 0);
	assert_non_null(classifier);
	assert_int_equal(
	    classifier_lookup(classifier, &flow, 0, 0), POLICY_NONE);
	assert_false(classifier_needs_country(classifier));
	classifier_free(classifier);
	free(p);
}

static int make_countries(void **unused)
{
	country_top = calloc(1u << 24, sizeof(*country_top));
	for (uint32_t i = 0; country_top && i < 1u << 16; i++)
		country_top[(0x0a000000 >> 8) + i] =
		    any(3) ? 0 : (uint16_t)(1 + any(COUNTRY_UNKNOWN));
	return country_top ? 0 : -1;
}

static int free_countries(void **unused)
{
	free(country_top);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(agrees_with_the_linear_walk),
	    cmocka_unit_test(no_rules_means_no_rule),
	};

	return cmocka_run_group_tests(tests, make_countries, free_countries);
}
