/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The linear first-match walk over a policy image. Called by gw-rulec (expect,
 * explain), gwd and tests; reads only borrowed, validated memory, any thread.
 */
#include "rules/image/judge.h"

uint32_t judge_network_of(const struct policy_image *image, uint32_t address)
{
	uint32_t low = 0, high = image->len[SECTION_REACH];

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (image->reach[middle].last < address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == image->len[SECTION_REACH] ||
	    image->reach[low].first > address)
		return POLICY_NONE;
	return image->reach[low].network;
}

static bool range_holds(const struct policy_image *image,
    const struct policy_slice *slice, uint32_t address)
{
	uint32_t low = slice->first, high = slice->first + slice->len;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (image->range[middle].last < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < slice->first + slice->len &&
	       image->range[low].first <= address;
}

static bool port_holds(const struct policy_image *image,
    const struct policy_slice *slice, uint16_t port)
{
	for (uint32_t i = 0; i < slice->len; i++) {
		const struct policy_port_range *range =
		    &image->port[slice->first + i];

		if (port >= range->first && port <= range->last)
			return true;
	}
	return slice->len == 0;
}

static bool remote_holds(const struct policy_image *image,
    const struct policy_rule *rule, uint32_t remote, uint16_t country)
{
	if (rule->flags & RULE_ANY_REMOTE)
		return true;
	if (range_holds(image, &rule->remote, remote))
		return true;
	if (rule->country == POLICY_NONE || country >= COUNTRY_MAX)
		return false;
	return image->country[rule->country].bits[country / 64] >>
		   (country % 64) &
	       1;
}

bool judge_rule_matches(const struct policy_image *image,
    const struct policy_rule *rule, const struct judge_flow *flow,
    uint16_t network, uint16_t country)
{
	if (rule->direction != flow->direction)
		return false;
	if (rule->protocol != PROTOCOL_ANY && rule->protocol != flow->protocol)
		return false;
	if (rule->network != POLICY_ANY_NETWORK && rule->network != network)
		return false;
	if (rule->icmp_type >= 0 && rule->icmp_type != flow->icmp_type)
		return false;
	return port_holds(image, &rule->ports, flow->port) &&
	       remote_holds(image, rule, flow->remote, country);
}

/* First rule of the guest's blocks that matches, or POLICY_NONE. */
static uint32_t walk(const struct policy_image *image,
    const struct policy_guest *guest, const struct judge_flow *flow,
    uint16_t network, uint16_t country)
{
	for (uint32_t i = 0; i < guest->blocks.len; i++) {
		uint32_t index = image->guest_block[guest->blocks.first + i];
		const struct policy_slice *rules = &image->block[index].rules;

		for (uint32_t k = rules->first; k < rules->first + rules->len;
		     k++)
			if (judge_rule_matches(
				image, &image->rule[k], flow, network, country))
				return k;
	}
	return POLICY_NONE;
}

struct judge_verdict judge_flow(const struct policy_image *image,
    const struct country_table *countries, uint32_t guest,
    const struct judge_flow *flow)
{
	struct judge_verdict verdict = {
	    .reason = REASON_NO_NETWORK,
	    .network = POLICY_ANY_NETWORK,
	    .country = country_of(countries, flow->remote),
	    .rule = POLICY_NONE,
	};
	uint32_t network = judge_network_of(image, flow->remote);

	if (flow->direction == DIRECTION_IN &&
	    (network == POLICY_NONE || network != flow->from_network)) {
		verdict.reason = REASON_FAR_SOURCE;
		return verdict;
	}
	if (network == POLICY_NONE || guest >= image->len[SECTION_GUEST] ||
	    !(image->guest[guest].network_mask >> network & 1))
		return verdict;

	verdict.network = (uint16_t)network;
	verdict.rule = walk(image, &image->guest[guest], flow, verdict.network,
	    verdict.country);
	if (verdict.rule == POLICY_NONE) {
		verdict.reason = REASON_NO_RULE;
	} else if (image->rule[verdict.rule].action == ACTION_ALLOW) {
		verdict.allow = 1;
		verdict.reason = REASON_OK;
	} else {
		verdict.reason = REASON_RULE;
	}
	return verdict;
}
