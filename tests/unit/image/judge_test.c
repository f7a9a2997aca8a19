/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The plain judge against verdicts worked out by hand from
 * docs/rule-semantics.md: network by destination alone, then first match.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "rules/image/judge.h"
#include "rules/image/special.h"
#include "tests/unit/image/builder.h"

/* Rules in the order they are added below. */
enum { MANAGE, EMBARGO, WEB, DNS, PING, HOLE, BLOCKED, REST };

static void *bytes;
static struct policy_image image;

static void add(struct builder *builder, const struct policy_rule *rule)
{
	builder_add(builder, SECTION_RULE, rule);
}

/*
 * always: manage allow in tcp 22 from 192.0.2.7
 *         embargo deny any to {unknown}
 * p:      web allow tcp {80 443} on far      dns allow udp 53 to 198.51.100.53
 *         ping allow icmp echo-request       hole allow tcp to 192.0.2.1-9, .20
 *         blocked deny tcp to 192.0.2.0/24   rest allow udp on near
 * networks: near 192.0.2.0/24, far 198.51.100.0/24 and 9.0.0.0/8
 * guest both has near and far, guest near only near; guest bare no rules.
 */
static int setup(void **state)
{
	struct policy_country_set unknown = {0};
	struct builder builder;
	struct policy_rule rule;
	uint32_t blocks[2];
	size_t size;
	char why[200];

	builder_init(&builder);
	memset(builder.country, 1, sizeof(builder.country));
	builder_network(&builder, "near");
	builder_network(&builder, "far");
	builder_reach(&builder, "9.0.0.0", "9.255.255.255", 1);
	builder_reach(&builder, "192.0.2.0", "192.0.2.255", 0);
	builder_reach(&builder, "198.51.100.0", "198.51.100.255", 1);
	unknown.bits[COUNTRY_UNKNOWN / 64] = 1ull << COUNTRY_UNKNOWN % 64;
	builder_add(&builder, SECTION_COUNTRY, &unknown);

	rule = builder_rule(&builder, "always.manage", ACTION_ALLOW);
	rule.direction = DIRECTION_IN;
	rule.protocol = PROTOCOL_TCP;
	rule.ports = builder_ports(&builder, 22, 22);
	rule.flags = 0;
	rule.remote = builder_range(&builder, "192.0.2.7", "192.0.2.7");
	add(&builder, &rule);
	rule = builder_rule(&builder, "always.embargo", ACTION_DENY);
	rule.flags = 0;
	rule.country = 0;
	add(&builder, &rule);
	blocks[0] = builder_block(&builder, "always", 0);

	rule = builder_rule(&builder, "p.web", ACTION_ALLOW);
	rule.protocol = PROTOCOL_TCP;
	rule.ports = builder_ports(&builder, 80, 80);
	builder_ports(&builder, 443, 443);
	rule.ports.len = 2;
	rule.network = 1;
	add(&builder, &rule);
	rule = builder_rule(&builder, "p.dns", ACTION_ALLOW);
	rule.protocol = PROTOCOL_UDP;
	rule.ports = builder_ports(&builder, 53, 53);
	rule.flags = 0;
	rule.remote = builder_range(&builder, "198.51.100.53", "198.51.100.53");
	add(&builder, &rule);
	rule = builder_rule(&builder, "p.ping", ACTION_ALLOW);
	rule.protocol = PROTOCOL_ICMP;
	rule.icmp_type = 8;
	add(&builder, &rule);
	rule = builder_rule(&builder, "p.hole", ACTION_ALLOW);
	rule.protocol = PROTOCOL_TCP;
	rule.flags = 0;
	rule.remote = builder_range(&builder, "192.0.2.1", "192.0.2.9");
	builder_range(&builder, "192.0.2.20", "192.0.2.20");
	rule.remote.len = 2;
	add(&builder, &rule);
	rule = builder_rule(&builder, "p.blocked", ACTION_DENY);
	rule.protocol = PROTOCOL_TCP;
	rule.flags = 0;
	rule.remote = builder_range(&builder, "192.0.2.0", "192.0.2.255");
	add(&builder, &rule);
	rule = builder_rule(&builder, "p.rest", ACTION_ALLOW);
	rule.protocol = PROTOCOL_UDP;
	rule.network = 0;
	add(&builder, &rule);
	blocks[1] = builder_block(&builder, "p", WEB);

	builder_guest(&builder, "both", 3, blocks, 2);
	builder_guest(&builder, "near", 1, blocks, 2);
	builder_guest(&builder, "bare", 3, blocks, 0);
	bytes = builder_finish(&builder, &size);
	builder_free(&builder);
	if (policy_image_validate(&image, bytes, size, why, sizeof(why)))
		fail_msg("%s", why);
	return 0;
}

static int teardown(void **state)
{
	free(bytes);
	return 0;
}

enum { BOTH, NEAR, BARE, NOBODY };
#define NO    POLICY_NONE
#define NONET POLICY_ANY_NETWORK
static const struct {
	const char *claim;
	uint32_t guest;
	const char *remote;
	uint16_t port;
	uint8_t protocol, icmp_type, direction;
	uint16_t from, network;
	enum gw_reason reason; /* REASON_OK = allow */
	uint32_t rule;
} CASE[] = {
    {"web on far is allowed", BOTH, "198.51.100.1", 443, 6, 0, 0, 0, 1,
	REASON_OK, WEB},
    {"both ports of a set match", BOTH, "198.51.100.1", 80, 6, 0, 0, 0, 1,
	REASON_OK, WEB},
    {"a port between them does not", BOTH, "198.51.100.1", 81, 6, 0, 0, 0, 1,
	REASON_NO_RULE, NO},
    {"a rule on far is silent on near", BOTH, "192.0.2.30", 80, 6, 0, 0, 0, 0,
	REASON_RULE, BLOCKED},
    {"a guest without the network is told so", NEAR, "198.51.100.1", 443, 6, 0,
	0, 0, NONET, REASON_NO_NETWORK, NO},
    {"an address of no network", BOTH, "203.0.113.1", 443, 6, 0, 0, 0, NONET,
	REASON_NO_NETWORK, NO},
    {"the address below a reach", BOTH, "192.0.1.255", 80, 6, 0, 0, 0, NONET,
	REASON_NO_NETWORK, NO},
    {"the address above a reach", BOTH, "192.0.3.0", 80, 6, 0, 0, 0, NONET,
	REASON_NO_NETWORK, NO},
    {"the first address of a range", BOTH, "192.0.2.1", 9, 6, 0, 0, 0, 0,
	REASON_OK, HOLE},
    {"the last address of a range", BOTH, "192.0.2.9", 9, 6, 0, 0, 0, 0,
	REASON_OK, HOLE},
    {"between two ranges the next rule decides", BOTH, "192.0.2.10", 9, 6, 0, 0,
	0, 0, REASON_RULE, BLOCKED},
    {"the second range of a rule", BOTH, "192.0.2.20", 9, 6, 0, 0, 0, 0,
	REASON_OK, HOLE},
    {"udp is not tcp", BOTH, "192.0.2.10", 9, 17, 0, 0, 0, 0, REASON_OK, REST},
    {"an exact host and port", BOTH, "198.51.100.53", 53, 17, 0, 0, 0, 1,
	REASON_OK, DNS},
    {"the host beside it", BOTH, "198.51.100.54", 53, 17, 0, 0, 0, 1,
	REASON_NO_RULE, NO},
    {"echo-request", BOTH, "192.0.2.1", 0, 1, 8, 0, 0, 0, REASON_OK, PING},
    {"another icmp type", BOTH, "192.0.2.1", 0, 1, 13, 0, 0, 0, REASON_NO_RULE,
	NO},
    {"a public address without a country is unknown, always comes first", BOTH,
	"9.9.9.9", 443, 6, 0, 0, 0, 1, REASON_RULE, EMBARGO},
    {"inbound from the one host", BOTH, "192.0.2.7", 22, 6, 0, 1, 0, 0,
	REASON_OK, MANAGE},
    {"inbound from another", BOTH, "192.0.2.8", 22, 6, 0, 1, 0, 0,
	REASON_NO_RULE, NO},
    {"outbound rules do not admit inbound", BOTH, "198.51.100.1", 443, 6, 0, 1,
	1, 1, REASON_NO_RULE, NO},
    {"inbound rules do not admit outbound", BOTH, "192.0.2.7", 22, 6, 0, 0, 0,
	0, REASON_OK, HOLE},
    {"inbound with a source of another network", BOTH, "192.0.2.7", 22, 6, 0, 1,
	1, NONET, REASON_FAR_SOURCE, NO},
    {"inbound with a source of no network", BOTH, "203.0.113.7", 22, 6, 0, 1, 0,
	NONET, REASON_FAR_SOURCE, NO},
    {"inbound on a network the guest has not", NEAR, "198.51.100.1", 22, 6, 0,
	1, 1, NONET, REASON_NO_NETWORK, NO},
    {"a guest without rules is denied", BARE, "192.0.2.1", 80, 6, 0, 0, 0, 0,
	REASON_NO_RULE, NO},
    {"a guest that is not there is denied", NOBODY, "192.0.2.1", 80, 6, 0, 0, 0,
	NONET, REASON_NO_NETWORK, NO},
};

static void verdicts_are_those_worked_out_by_hand(void **state)
{
	for (size_t i = 0; i < sizeof(CASE) / sizeof(CASE[0]); i++) {
		struct judge_flow flow = {
		    .remote = builder_address(CASE[i].remote),
		    .port = CASE[i].port,
		    .protocol = CASE[i].protocol,
		    .icmp_type = CASE[i].icmp_type,
		    .direction = CASE[i].direction,
		    .from_network = CASE[i].from,
		};
		struct judge_verdict verdict =
		    judge_flow(&image, NULL, CASE[i].guest, &flow);

		if (verdict.allow != (CASE[i].reason == REASON_OK) ||
		    verdict.reason != CASE[i].reason ||
		    verdict.network != CASE[i].network ||
		    verdict.rule != CASE[i].rule)
			fail_msg("%s: allow %u, %s, network %u, rule %d",
			    CASE[i].claim, verdict.allow,
			    reason_name(verdict.reason), verdict.network,
			    (int)verdict.rule);
	}
}

/* RFC 6890 and RFC 1112, by hand. */
static void special_addresses_have_no_country(void **state)
{
	static const char *const special[] = {"0.0.0.0", "10.0.0.1",
	    "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1",
	    "169.254.169.254", "172.16.0.0", "172.31.255.255", "192.0.0.8",
	    "192.0.2.1", "192.168.1.1", "198.18.0.0", "198.19.255.255",
	    "198.51.100.1", "203.0.113.255", "224.0.0.1", "239.255.255.255",
	    "240.0.0.0", "255.255.255.255"};
	static const char *const public[] = {"1.1.1.1", "9.255.255.255",
	    "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
	    "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255",
	    "172.32.0.0", "192.0.1.0", "192.167.255.255", "192.169.0.0",
	    "198.17.255.255", "198.20.0.0", "223.255.255.255"};

	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		assert_int_equal(country_of(NULL, builder_address(special[i])),
		    COUNTRY_NONE);
	for (size_t i = 0; i < sizeof(public) / sizeof(public[0]); i++)
		assert_int_equal(country_of(NULL, builder_address(public[i])),
		    COUNTRY_UNKNOWN);
	for (size_t i = 1; i < special_len; i++)
		assert_true(special_range[i].first > special_range[i - 1].last);
}

static void reasons_out_of_range_are_a_question_mark(void **state)
{
	assert_string_equal(reason_name(REASON_MAX), "?");
	assert_string_equal(reason_text(UINT32_MAX), "?");
	assert_string_equal(stage_name(STAGE_MAX), "?");
	assert_int_equal(reason_answer(REASON_MAX), ANSWER_NONE);
	assert_int_equal(reason_stage(1000), STAGE_MAX);
	assert_string_equal(reason_name(REASON_NO_RULE), "no-rule");
	assert_string_equal(stage_name(reason_stage(REASON_SPOOFED)), "spoof");
	assert_int_equal(reason_answer(REASON_RULE), ANSWER_REJECT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(verdicts_are_those_worked_out_by_hand),
	    cmocka_unit_test(special_addresses_have_no_country),
	    cmocka_unit_test(reasons_out_of_range_are_a_question_mark),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
