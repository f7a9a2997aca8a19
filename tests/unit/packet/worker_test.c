/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The worker's interlock against the real clock (closed without a heartbeat,
 * stale after a pause), a port's first frames, generations swapped under it,
 * and the picture of the pipeline in docs.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "control/msg/msg.h"
#include "dataplane/packet/eal_small.h"
#include "dataplane/packet/packet.h"
#include "dataplane/packet/pipeline.h"
#include "dataplane/packet/port/pcap.h"
#include "dataplane/packet/tables.h"
#include "tests/unit/image/builder.h"

#define LIMIT_NS 500000000ull /* beat limit of these tests */

static uint64_t sent;
static struct tables *tables;
static void *image;

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void pause_ms(long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

static void count_sent(const struct port *port, struct rte_mbuf *mbuf)
{
	sent++;
}

static void beat(void)
{
	atomic_store(&worker.beat_deadline_ns, clock_ns() + LIMIT_NS);
}

/* A frame too short to pass: what counts is the reason it is dropped for. */
static uint64_t drops_of(enum gw_reason reason)
{
	static const uint8_t frame[10];
	uint64_t before = worker.drops[PORT_GUEST][reason];

	assert_int_equal(
	    pcap_port_give(&worker.port[PORT_GUEST], frame, sizeof(frame), 1),
	    0);
	worker_poll(&worker);
	assert_int_equal(worker_balance(&worker), 0);
	return worker.drops[PORT_GUEST][reason] - before;
}

static void closed_until_asked_and_beating(void **unused)
{
	worker_poll(&worker);
	assert_int_equal(drops_of(REASON_CLOSED), 1);
	beat();
	assert_int_equal(drops_of(REASON_CLOSED), 1);
	atomic_store(&worker.asked_state, DP_OPEN);
	assert_int_equal(drops_of(REASON_TOO_SHORT), 1);
	atomic_store(&worker.asked_state, DP_CLOSED);
	assert_int_equal(drops_of(REASON_CLOSED), 1);
	atomic_store(&worker.asked_state, DP_OPEN);
	assert_int_equal(drops_of(REASON_TOO_SHORT), 1);
}

static void closed_when_the_heartbeat_is_late(void **unused)
{
	beat();
	assert_int_equal(drops_of(REASON_TOO_SHORT), 1);
	for (int i = 0; i < 12; i++) { /* the loop itself runs all the time */
		pause_ms(50);
		worker_poll(&worker);
	}
	assert_int_equal(drops_of(REASON_CLOSED), 1);
	beat();
	assert_int_equal(drops_of(REASON_TOO_SHORT), 1);
}

static void stale_after_a_pause_until_a_later_heartbeat(void **unused)
{
	beat();
	assert_int_equal(drops_of(REASON_TOO_SHORT), 1);
	/* A heartbeat that is good for long does not help: it came before. */
	atomic_store(&worker.beat_deadline_ns, UINT64_MAX - 1);
	worker_poll(&worker);
	pause_ms(600);
	assert_int_equal(drops_of(REASON_STALE), 1);
	assert_int_equal(drops_of(REASON_CLOSED), 1);
	assert_int_equal(drops_of(REASON_CLOSED), 1);
	beat();
	assert_int_equal(drops_of(REASON_TOO_SHORT), 1);
}

static void reconnected_port_is_stale_first(void **unused)
{
	beat();
	atomic_store(&worker.port[PORT_GUEST].stale, true);
	assert_int_equal(drops_of(REASON_STALE), 1);
	assert_int_equal(drops_of(REASON_TOO_SHORT), 1);
}

static void hits_follow_the_rules_name_to_the_next_generation(void **unused)
{
	struct tables *next;
	size_t size = ((const struct policy_header *)image)->size;

	tables->hits[0] = 5;
	assert_int_equal(
	    tables_build(&next, image, size, NULL, 0, 0, 2, NULL, 0), 0);
	worker_rest(&worker);
	tables_swap(&worker, next);
	worker_resume(&worker);
	tables = next;
	assert_int_equal(tables_hits(tables, 0), 5);
	assert_int_equal(tables_hits(tables, 1), 0);
}

static void a_corrupt_image_is_refused(void **unused)
{
	size_t size = ((const struct policy_header *)image)->size;
	uint8_t *copy = malloc(size);
	struct tables *next = NULL;
	char why[200] = "";

	memcpy(copy, image, size);
	copy[size - 1] ^= 1;
	assert_int_equal(
	    tables_build(&next, copy, size, NULL, 0, 0, 3, why, sizeof(why)),
	    -EBADMSG);
	assert_string_not_equal(why, "");
	assert_int_equal(
	    tables_build(&next, image, size, NULL, 0, 7, 3, why, sizeof(why)),
	    -EBADMSG);
	free(copy);
}

static void the_picture_in_docs_is_of_this_pipeline(void **unused)
{
	static char drawn[65536], shown[65536];
	FILE *memory = fmemopen(drawn, sizeof(drawn), "w");
	FILE *file = fopen(SOURCE_ROOT "/docs/pipeline.svg", "r");

	assert_non_null(memory);
	assert_non_null(file);
	pipeline_write_svg(memory);
	fclose(memory);
	shown[fread(shown, 1, sizeof(shown) - 1, file)] = '\0';
	fclose(file);
	assert_string_equal(shown, drawn);
}

static void make_image(void)
{
	struct builder builder;
	struct policy_rule rule;
	uint32_t block;
	size_t size;

	builder_init(&builder);
	builder_network(&builder, "external");
	builder_reach(&builder, "192.0.2.0", "192.0.2.255", 0);
	rule = builder_rule(&builder, "lab.one", ACTION_ALLOW);
	builder_add(&builder, SECTION_RULE, &rule);
	rule = builder_rule(&builder, "lab.two", ACTION_DENY);
	builder_add(&builder, SECTION_RULE, &rule);
	block = builder_block(&builder, "lab", 0);
	builder_guest(&builder, "desk-1", 1, &block, 1);
	image = builder_finish(&builder, &size);
	builder_free(&builder);
	assert_int_equal(
	    tables_build(&tables, image, size, NULL, 0, 0, 1, NULL, 0), 0);
}

static int start(void **unused)
{
	if (eal_start_small() < 0 || worker_init(&worker, 255) < 0)
		return -1;
	make_image();
	worker.mtu = 1500;
	worker.beat_limit_ns = LIMIT_NS;
	snprintf(worker.port[0].name, PORT_NAME_SIZE, "guest");
	if (port_open_pcap(&worker.port[0], worker.pool, count_sent) < 0)
		return -1;
	tables_bind(tables, worker.port);
	tables_swap(&worker, tables);
	if (pipeline_create(&worker) < 0)
		return -1;
	worker_attach(&worker);
	return 0;
}

static int stop(void **unused)
{
	worker_detach(&worker);
	tables_swap(&worker, NULL);
	pipeline_destroy(&worker);
	worker.port[0].ops->close(&worker.port[0]);
	worker_fini(&worker);
	free(image);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(closed_until_asked_and_beating),
	    cmocka_unit_test(closed_when_the_heartbeat_is_late),
	    cmocka_unit_test(stale_after_a_pause_until_a_later_heartbeat),
	    cmocka_unit_test(reconnected_port_is_stale_first),
	    cmocka_unit_test(hits_follow_the_rules_name_to_the_next_generation),
	    cmocka_unit_test(a_corrupt_image_is_refused),
	    cmocka_unit_test(the_picture_in_docs_is_of_this_pipeline),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
