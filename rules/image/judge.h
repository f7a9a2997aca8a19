/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verdict on a new flow, read straight off a policy image by a linear
 * first-match walk: the plain form of stages network and rules. gw-rulec uses
 * it for `expect` and `explain`; tests hold the dataplane's classifier to it.
 */
#pragma once

#include "rules/image/country.h"
#include "rules/image/image.h"
#include "rules/image/reason.h"

struct judge_flow {
	uint32_t remote;       /* far address, host order */
	uint16_t port;	       /* destination port, host order; 0 for ICMP */
	uint8_t protocol;      /* IANA number */
	uint8_t icmp_type;     /* for ICMP */
	uint8_t direction;     /* enum policy_direction */
	uint16_t from_network; /* inbound: network it arrived on */
};

struct judge_verdict {
	uint8_t allow;
	uint8_t reason;	  /* enum gw_reason, REASON_OK when allowed */
	uint16_t network; /* chosen network index, POLICY_ANY_NETWORK if none */
	uint16_t country; /* of remote */
	uint32_t rule;	  /* SECTION_RULE index that decided, or POLICY_NONE */
};

/* Network that owns an address: index or POLICY_NONE. Binary search. */
uint32_t judge_network_of(const struct policy_image *image, uint32_t address);

/* Does one rule match? Shared by judge and the dataplane's builder tests. */
bool judge_rule_matches(const struct policy_image *image,
    const struct policy_rule *rule, const struct judge_flow *flow,
    uint16_t network, uint16_t country);

/* guest: SECTION_GUEST index. Never fails: what can't be judged is denied. */
struct judge_verdict judge_flow(const struct policy_image *image,
    const struct country_table *countries, uint32_t guest,
    const struct judge_flow *flow);
