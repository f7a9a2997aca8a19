/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flow table: found what was put in, counted refusal when full, time-outs
 * and TCP states of RFC 9293 as far as they are kept.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dataplane/packet/eal_small.h"
#include "dataplane/packet/flow.h"

#define SECOND_NS 1000000000ull
#define SYN	  RTE_TCP_SYN_FLAG
#define ACK	  RTE_TCP_ACK_FLAG
#define FIN	  RTE_TCP_FIN_FLAG
#define RST	  RTE_TCP_RST_FLAG

static struct flow *put(
    struct flow_table *table, uint64_t key, uint8_t protocol)
{
	return flow_insert(
	    table, flow_hash(table, key, protocol), key, protocol);
}

static struct flow *find(
    struct flow_table *table, uint64_t key, uint8_t protocol)
{
	return flow_find(table, flow_hash(table, key, protocol), key, protocol);
}

static void holds_every_flow_up_to_its_limit(void **unused)
{
	struct flow_table *table = flow_create(65536);
	uint32_t refused = 0;

	assert_non_null(table);
	for (uint64_t i = 0; i < 65536; i++)
		refused += !put(table, i * 977, PROTOCOL_UDP);
	print_message("# %u of 65536 refused by full buckets\n", refused);
	assert_true(refused < 200);
	for (uint64_t i = 0; i < 65536; i++) {
		struct flow *flow = find(table, i * 977, PROTOCOL_UDP);

		if (!flow)
			refused--;
		else
			assert_int_equal(flow->key, i * 977);
		assert_null(find(table, i * 977, PROTOCOL_TCP));
		assert_null(find(table, i * 977 + 1, PROTOCOL_UDP));
	}
	assert_int_equal(refused, 0);
	flow_destroy(table);
}

/* The usual patterns: keys that differ in one field, one after another. */
static void neighbouring_keys_spread_whatever_the_random_key(void **unused)
{
	static const struct {
		const char *what;
		int shift;
	} field[] = {{"remote ports", 0}, {"guest ports", 16},
	    {"remote hosts", 32}, {"remote networks", 40}, {"remote /16s", 48}};

	for (size_t f = 0; f < sizeof(field) / sizeof(field[0]); f++) {
		uint32_t refused = 0;

		for (int round = 0; round < 2000; round++) {
			struct flow_table *table = flow_create(64);

			for (uint64_t i = 0; i < 60; i++)
				refused += !put(table,
				    0x0a00000103e80035ull +
					(i << field[f].shift),
				    PROTOCOL_UDP);
			flow_destroy(table);
		}
		print_message(
		    "# %s: %u of 120000 refused\n", field[f].what, refused);
		assert_true(refused < 12);
	}
}

static void refuses_when_full_and_takes_again_after_a_removal(void **unused)
{
	struct flow_table *table = flow_create(16);
	uint32_t len = 0;

	for (uint64_t i = 0; i < 100; i++)
		len += put(table, i, PROTOCOL_TCP) != NULL;
	assert_true(len <= 16);
	assert_int_equal(table->len, len);
	for (uint64_t i = 0; i < 100; i++)
		if (find(table, i, PROTOCOL_TCP))
			flow_remove(table, find(table, i, PROTOCOL_TCP));
	assert_int_equal(table->len, 0);
	assert_non_null(put(table, 7, PROTOCOL_TCP));
	assert_null(find(table, 8, PROTOCOL_TCP));
	flow_destroy(table);
}

static void survives_random_use_against_a_plain_array(void **unused)
{
	enum { KEYS = 3000 };
	struct flow_table *table = flow_create(2048);
	bool there[KEYS] = {false};
	uint32_t len = 0;

	srand(42);
	for (int i = 0; i < 400000; i++) {
		uint64_t key = (uint64_t)(rand() % KEYS);
		uint64_t wide = key * 0x100000001ull;
		struct flow *flow = find(table, wide, PROTOCOL_UDP);

		assert_int_equal(flow != NULL, there[key]);
		if (flow) {
			flow_remove(table, flow);
			there[key] = false;
			len--;
		} else if (put(table, wide, PROTOCOL_UDP)) {
			there[key] = true;
			len++;
		}
		assert_int_equal(table->len, len);
	}
	flow_destroy(table);
}

/* Time-outs: RFC 5382 REQ-5 (2 h 4 min), RFC 4787 REQ-5 (2 min), RFC 5508
 * REQ-2 (60 s). */
static void silent_flows_end_at_the_time_of_their_kind(void **unused)
{
	static const struct {
		uint8_t protocol, state;
		uint64_t alive_s, gone_s;
	} kind[] = {
	    {PROTOCOL_TCP, FLOW_ESTABLISHED, 2 * 3600 + 4 * 60 - 1, 9000},
	    {PROTOCOL_UDP, FLOW_ESTABLISHED, 120, 600},
	    {PROTOCOL_ICMP, FLOW_NEW, 59, 120},
	    {PROTOCOL_TCP, FLOW_NEW, 5, 240},
	    {PROTOCOL_TCP, FLOW_CLOSED, 1, 120},
	};

	for (size_t i = 0; i < sizeof(kind) / sizeof(kind[0]); i++) {
		struct flow_table *table = flow_create(64);
		struct flow *flow = put(table, 1, kind[i].protocol);
		uint64_t start = 100 * SECOND_NS;

		flow->state = kind[i].state;
		flow->last_ns = start;
		flow_age(table, start + kind[i].alive_s * SECOND_NS);
		assert_non_null(find(table, 1, kind[i].protocol));
		flow_age(table, start + kind[i].gone_s * SECOND_NS);
		assert_null(find(table, 1, kind[i].protocol));
		flow_destroy(table);
	}
}

static void ageing_reaches_every_flow_in_a_bounded_number_of_steps(
    void **unused)
{
	struct flow_table *table = flow_create(65536);
	uint64_t now = 1000 * SECOND_NS;
	int steps = 0;

	for (uint64_t i = 0; i < 60000; i++) {
		struct flow *flow = put(table, i, PROTOCOL_UDP);

		if (flow)
			flow->last_ns = SECOND_NS;
	}
	while (table->len && steps < 3000) {
		flow_age(table, now);
		now += SECOND_NS / 1000;
		steps++;
	}
	print_message("# empty after %d ms\n", steps);
	assert_int_equal(table->len, 0);
	flow_destroy(table);
}

static void tcp_states_follow_both_ends(void **unused)
{
	struct flow flow = {.protocol = PROTOCOL_TCP, .state = FLOW_NEW};

	assert_true(flow_track(&flow, SYN, true));
	assert_false(flow_track(&flow, SYN, false)); /* simultaneous open */
	assert_false(flow_track(&flow, SYN | ACK, true));
	assert_int_equal(flow.state, FLOW_NEW);
	assert_true(flow_track(&flow, SYN | ACK, false));
	assert_int_equal(flow.state, FLOW_ESTABLISHED);
	assert_true(flow_track(&flow, FIN | ACK, true));
	assert_int_equal(flow.state, FLOW_HALF_CLOSED);
	assert_true(flow_track(&flow, FIN | ACK, false));
	assert_int_equal(flow.state, FLOW_CLOSED);
	assert_false(flow_track(&flow, SYN, true)); /* a new connection */
	flow.state = FLOW_ESTABLISHED;
	assert_true(flow_track(&flow, RST, false));
	assert_int_equal(flow.state, FLOW_CLOSED);
}

static int start_eal(void **unused)
{
	return eal_start_small();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(holds_every_flow_up_to_its_limit),
	    cmocka_unit_test(neighbouring_keys_spread_whatever_the_random_key),
	    cmocka_unit_test(refuses_when_full_and_takes_again_after_a_removal),
	    cmocka_unit_test(survives_random_use_against_a_plain_array),
	    cmocka_unit_test(silent_flows_end_at_the_time_of_their_kind),
	    cmocka_unit_test(
		ageing_reaches_every_flow_in_a_bounded_number_of_steps),
	    cmocka_unit_test(tcp_states_follow_both_ends),
	};

	return cmocka_run_group_tests(tests, start_eal, NULL);
}
