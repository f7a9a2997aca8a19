/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one list of reasons why a packet is not carried, and of the stages that
 * say so (docs/rule-semantics.md, rule 1). Enum, counters, gwctl's texts and
 * docs/reasons.md are all made from GW_REASONS.
 *
 * Columns: enum suffix, name as users see it, stage, how the guest is answered
 * when the packet was outbound, sentence for people.
 */
#pragma once

#include <stdint.h>

/* Order is the order of judgement; STAGE_TEXT in reason.c follows it. */
enum gw_stage {
	STAGE_STATE,   /* no generation, stopped, quarantined, stale */
	STAGE_SANITY,  /* malformed or not supported */
	STAGE_SPOOF,   /* not the leased source */
	STAGE_NETWORK, /* choice by destination */
	STAGE_GATE,    /* never-both, place, one-way, encrypted */
	STAGE_RULES,   /* first match, or no match */
	STAGE_LIMIT,   /* tables, rates */
	STAGE_PORT,    /* the way out could not take it */
	STAGE_MAX,
};

/* What an outbound denial sends back to the guest. */
enum gw_answer {
	ANSWER_NONE,
	ANSWER_REJECT, /* TCP: RST; else ICMP admin prohibited, rate-limited */
};

/* clang-format off */
#define GW_REASONS(X) \
	X(NO_GENERATION,   "no-generation",   STAGE_STATE,   ANSWER_NONE,   "no policy is loaded") \
	X(CLOSED,          "closed",          STAGE_STATE,   ANSWER_NONE,   "the guest's link is closed: stopped, or the control plane is silent") \
	X(STALE,           "stale",           STAGE_STATE,   ANSWER_NONE,   "the frame waited while the dataplane was down or frozen") \
	X(TOO_SHORT,       "too-short",       STAGE_SANITY,  ANSWER_NONE,   "a header is cut off") \
	X(TOO_LONG,        "too-long",        STAGE_SANITY,  ANSWER_NONE,   "the frame is longer than the MTU") \
	X(ETHERTYPE,       "ethertype",       STAGE_SANITY,  ANSWER_NONE,   "neither IPv4 nor ARP") \
	X(VLAN,            "vlan",            STAGE_SANITY,  ANSWER_NONE,   "a VLAN tag") \
	X(IPV6,            "ipv6",            STAGE_SANITY,  ANSWER_NONE,   "IPv6 is not carried yet") \
	X(MULTICAST,       "multicast",       STAGE_SANITY,  ANSWER_NONE,   "a broadcast or multicast destination") \
	X(BAD_IP_HEADER,   "bad-ip-header",   STAGE_SANITY,  ANSWER_NONE,   "IP version, length or checksum is wrong") \
	X(IP_OPTIONS,      "ip-options",      STAGE_SANITY,  ANSWER_NONE,   "IP options") \
	X(FRAGMENT,        "fragment",        STAGE_SANITY,  ANSWER_NONE,   "fragments are not carried yet") \
	X(TTL,             "ttl",             STAGE_SANITY,  ANSWER_NONE,   "time to live is zero") \
	X(BAD_ADDRESS,     "bad-address",     STAGE_SANITY,  ANSWER_NONE,   "an address that can't be a source or destination") \
	X(BAD_L4_HEADER,   "bad-l4-header",   STAGE_SANITY,  ANSWER_NONE,   "TCP, UDP or ICMP header is malformed") \
	X(BAD_TCP_FLAGS,   "bad-tcp-flags",   STAGE_SANITY,  ANSWER_NONE,   "a combination of TCP flags that no stack sends") \
	X(PROTOCOL,        "protocol",        STAGE_SANITY,  ANSWER_REJECT, "neither TCP, UDP nor ICMP") \
	X(ICMP_TYPE,       "icmp-type",       STAGE_SANITY,  ANSWER_NONE,   "an ICMP message that belongs to no flow") \
	X(BAD_ARP,         "bad-arp",         STAGE_SANITY,  ANSWER_NONE,   "ARP that is malformed or not a question we answer") \
	X(BAD_DHCP,        "bad-dhcp",        STAGE_SANITY,  ANSWER_NONE,   "DHCP that is malformed or not a question we answer") \
	X(SPOOFED,         "spoofed",         STAGE_SPOOF,   ANSWER_NONE,   "the source is not the address leased to the guest") \
	X(FAR_SOURCE,      "far-source",      STAGE_SPOOF,   ANSWER_NONE,   "inbound from an address outside the network's reach") \
	X(FAR_DESTINATION, "far-destination", STAGE_SPOOF,   ANSWER_NONE,   "inbound, but not to the guest's address") \
	X(NO_NETWORK,      "no-network",      STAGE_NETWORK, ANSWER_REJECT, "no network of this guest reaches the destination") \
	X(NETWORK_CLOSED,  "network-closed",  STAGE_NETWORK, ANSWER_REJECT, "the network is down or closed") \
	X(NO_RULE,         "no-rule",         STAGE_RULES,   ANSWER_REJECT, "no rule allows it") \
	X(RULE,            "rule",            STAGE_RULES,   ANSWER_REJECT, "a rule denies it") \
	X(NO_FLOW,         "no-flow",         STAGE_RULES,   ANSWER_REJECT, "TCP that belongs to no connection known here") \
	X(FLOW_TABLE_FULL, "flow-table-full", STAGE_LIMIT,   ANSWER_REJECT, "the guest has as many flows as it may have") \
	X(SERVICE_RATE,    "service-rate",    STAGE_LIMIT,   ANSWER_NONE,   "too many questions to the gateway's own services") \
	X(NO_MBUF,         "no-mbuf",         STAGE_LIMIT,   ANSWER_NONE,   "packet memory is used up") \
	X(TX_FULL,         "tx-full",         STAGE_PORT,    ANSWER_NONE,   "the way out has no room") \
	X(TX_ERROR,        "tx-error",        STAGE_PORT,    ANSWER_NONE,   "the way out refused the frame") \
	X(LINK_DOWN,       "link-down",       STAGE_PORT,    ANSWER_NONE,   "the way out is not connected")
/* clang-format on */

enum gw_reason {
	REASON_OK, /* carried, or consumed by a service of the gateway */
#define X(name, ...) REASON_##name,
	GW_REASONS(X)
#undef X
	    REASON_MAX,
};

/*
 * Text of a reason for people and programs ("no-rule").
 * Out-of-range values (they may come from a hostile process) give "?".
 */
const char *reason_name(unsigned int reason);
/* One sentence without a full stop. */
const char *reason_text(unsigned int reason);
/* Stage that owns the reason; STAGE_MAX for an unknown reason. */
enum gw_stage reason_stage(unsigned int reason);
/* "state", "sanity", ...; "?" when out of range. */
const char *stage_name(unsigned int stage);
/* How an outbound packet denied for this reason is answered. */
enum gw_answer reason_answer(unsigned int reason);
