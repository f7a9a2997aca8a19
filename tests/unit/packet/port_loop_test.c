/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The worker's loop with the real graph between two vhost-user ports: guest
 * and far side are frontends of the test, which is also the control thread.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "control/msg/log.h"
#include "control/msg/msg.h"
#include "dataplane/packet/eal_small.h"
#include "dataplane/packet/flow.h"
#include "dataplane/packet/loop.h"
#include "dataplane/packet/pipeline.h"
#include "dataplane/packet/tables.h"
#include "tests/unit/image/builder.h"
#include "tests/unit/packet/port_frontend.h"

#define QEMU_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW)
#define MS	   1000000ull

static char path[2][64];
static int listener[2];
static struct frontend end[2]; /* 0 guest, 1 far side */
static struct loop loop;
static void *image;
static const struct rte_ether_addr guest_mac = {{2, 0, 0, 0, 0, 1}},
				   gateway_mac = {{2, 0, 0, 0, 0, 2}},
				   own_mac = {{2, 0, 0, 0, 0, 3}},
				   far_mac = {{2, 0, 0, 0, 0, 4}};

/* UDP from the guest (100.64.0.2) to 198.18.0.1; number: in the payload. */
static size_t make_frame(uint8_t *frame, uint32_t number)
{
	struct rte_ether_hdr *ether = (void *)frame;
	struct rte_ipv4_hdr *ip = (void *)(ether + 1);
	struct rte_udp_hdr *udp = (void *)(ip + 1);

	memset(frame, 0, 64);
	ether->src_addr = guest_mac;
	ether->dst_addr = gateway_mac;
	ether->ether_type = htons(RTE_ETHER_TYPE_IPV4);
	ip->version_ihl = 0x45;
	ip->total_length = htons(50);
	ip->time_to_live = 64;
	ip->next_proto_id = IPPROTO_UDP;
	ip->src_addr = inet_addr("100.64.0.2");
	ip->dst_addr = inet_addr("198.18.0.1");
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	udp->src_port = htons(1000);
	udp->dst_port = htons(2000);
	udp->dgram_len = htons(30);
	memcpy(udp + 1, &number, sizeof(number));
	return 64;
}

/* Number of the frame that came, UINT32_MAX when none did. */
static uint32_t await_frame(int timeout_ms)
{
	uint8_t frame[FRONTEND_FRAME];
	uint32_t number;

	if (!frontend_receive(&end[1], frame, sizeof(frame), timeout_ms))
		return UINT32_MAX;
	memcpy(&number, frame + 42, sizeof(number));
	return number;
}

static bool await(const _Atomic bool *flag, bool value, int timeout_ms)
{
	for (int i = 0; i < timeout_ms; i++) {
		if (atomic_load(flag) == value)
			return true;
		usleep(1000);
	}
	return false;
}

static void start_side(int side)
{
	assert_true(frontend_accept(&end[side], listener[side]));
	frontend_make_memory(&end[side], QEMU_SEALS);
	if (side == 1)
		frontend_offer(&end[side]);
	frontend_start(&end[side]);
	for (int i = 0; i < 1000; i++) {
		struct port *port = &worker.port[side];

		if (port->ops->link_up(port) && !atomic_load(&port->stale))
			return;
		usleep(1000);
	}
	fail_msg("the link of side %d does not come up", side);
}

static uint64_t thread_cpu_ns(void)
{
	struct timespec t;
	clockid_t clock;

	assert_int_equal(pthread_getcpuclockid(loop.thread, &clock), 0);
	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void every_frame_wakes_the_sleeping_worker(void **state)
{
	uint8_t frame[64];

	for (uint32_t i = 0; i < 100; i++) {
		/* at every phase of falling asleep */
		if (i % 2)
			assert_true(await(&worker.sleeping, true, 2000));
		else
			usleep(i * 5);
		frontend_transmit(&end[0], frame, make_frame(frame, i));
		/* its timed wake-up alone would take up to 250 ms */
		assert_int_equal(await_frame(100), i);
	}
}

static void a_quiet_worker_uses_less_than_one_percent(void **state)
{
	uint64_t before;

	assert_true(await(&worker.sleeping, true, 2000));
	before = thread_cpu_ns();
	usleep(1000000);
	assert_true(thread_cpu_ns() - before < 10 * MS);
}

static void a_burst_of_frames_passes_complete(void **state)
{
	uint8_t frame[64];
	uint32_t next = 0;

	for (uint32_t round = 0; round < 50; round++) {
		for (uint32_t i = 0; i < 20; i++)
			frontend_transmit(
			    &end[0], frame, make_frame(frame, round * 20 + i));
		for (uint32_t i = 0; i < 20; i++)
			assert_int_equal(await_frame(1000), next++);
	}
}

static void what_waited_in_the_ring_is_dropped_as_stale(void **state)
{
	uint64_t before, dropped;
	uint8_t frame[64];

	frontend_close(&end[0]);
	assert_true(frontend_accept(&end[0], listener[0]));
	frontend_make_memory(&end[0], QEMU_SEALS);
	before = worker.drops[0][REASON_STALE];
	for (uint32_t i = 0; i < 50; i++)
		frontend_transmit(&end[0], frame, make_frame(frame, 7000 + i));
	frontend_start(&end[0]);
	for (int i = 0; i < 1000; i++) {
		dropped = worker.drops[0][REASON_STALE] - before;
		if (dropped == 50 && !atomic_load(&worker.port[0].stale))
			break;
		usleep(1000);
	}
	assert_int_equal(dropped, 50);
	frontend_transmit(&end[0], frame, make_frame(frame, 8000));
	assert_int_equal(await_frame(1000), 8000);
}

static void without_heartbeats_nothing_passes(void **state)
{
	uint8_t frame[64];

	worker.beat_limit_ns = 1000 * MS;
	atomic_store(&worker.beat_deadline_ns, 1);
	loop_wake(&loop);
	usleep(300000);
	frontend_transmit(&end[0], frame, make_frame(frame, 1));
	assert_int_equal(await_frame(300), UINT32_MAX);
	atomic_store(&worker.beat_deadline_ns, UINT64_MAX);
	loop_wake(&loop);
	usleep(10000);
	frontend_transmit(&end[0], frame, make_frame(frame, 2));
	assert_int_equal(await_frame(1000), 2);
	worker.beat_limit_ns = 0;
}

static void a_forgotten_port_takes_its_flows_along(void **state)
{
	uint8_t frame[64];

	frontend_transmit(&end[0], frame, make_frame(frame, 1));
	assert_int_equal(await_frame(1000), 1);
	assert_int_equal(worker.flows->len, 1);
	assert_int_equal(loop_forget_port(&loop, 2), 0);
	assert_int_equal(worker.flows->len, 1);
	assert_int_equal(loop_forget_port(&loop, 1), 0);
	assert_int_equal(worker.flows->len, 0);
}

static void frames_in_are_frames_out_and_drops(void **state)
{
	loop_stop(&loop);
	assert_true(loop.packets > 1000);
	assert_int_equal(worker_balance(&worker), 0);
}

/* ---- the gateway under test ---- */

static void load_policy(void)
{
	struct tables *tables;
	struct builder builder;
	uint32_t network, block, rule;
	struct policy_rule all;
	char why[200];
	size_t size;

	builder_init(&builder);
	network = builder_network(&builder, "far");
	builder_reach(&builder, "198.18.0.0", "198.19.255.255", network);
	all = builder_rule(&builder, "p.all", ACTION_ALLOW);
	rule = builder_add(&builder, SECTION_RULE, &all);
	block = builder_block(&builder, "p", rule);
	builder_guest(&builder, "g", 1u << network, &block, 1);
	image = builder_finish(&builder, &size);
	builder_free(&builder);
	assert_int_equal(
	    tables_build(&tables, image, size, NULL, 0, 0, 1, why, sizeof(why)),
	    0);
	tables_bind(tables, worker.port);
	atomic_store(&worker.live, tables);
}

static int open_side(int side)
{
	struct port *port = &worker.port[side];

	snprintf(path[side], sizeof(path[side]), "/tmp/port_loop_test.%d.%d",
	    getpid(), side);
	listener[side] = frontend_listen(path[side]);
	port->pool = worker.pool;
	port->is_guest = side == 0;
	strcpy(port->name, side == 0 ? "guest" : "far");
	port->own_mac = side == 0 ? gateway_mac : own_mac;
	port->peer_mac = side == 0 ? guest_mac : far_mac;
	if (port_open_vhost(port, path[side], false, false) < 0)
		return -1;
	port->present = true;
	return 0;
}

static int set_up(void **state)
{
	log_open("test");
	log_set_level(LOG_LEVEL_ERROR);
	signal(SIGPIPE, SIG_IGN);
	if (eal_start_small() < 0 || worker_init(&worker, 1023) < 0)
		return -1;
	worker.guest_address = ntohl(inet_addr("100.64.0.2"));
	worker.gateway_address = ntohl(inet_addr("100.64.0.1"));
	worker.prefix = 30;
	worker.mtu = 1500;
	atomic_store(&worker.asked_state, DP_OPEN);
	atomic_store(&worker.beat_deadline_ns, UINT64_MAX);
	if (open_side(0) < 0 || open_side(1) < 0)
		return -1;
	load_policy();
	if (pipeline_create(&worker) < 0 || loop_start(&loop, &worker, -1) < 0)
		return -1;
	start_side(0);
	start_side(1);
	return 0;
}

static int tear_down(void **state)
{
	unlink(path[0]);
	unlink(path[1]);
	free(image);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_frame_wakes_the_sleeping_worker),
	    cmocka_unit_test(a_quiet_worker_uses_less_than_one_percent),
	    cmocka_unit_test(a_burst_of_frames_passes_complete),
	    cmocka_unit_test(what_waited_in_the_ring_is_dropped_as_stale),
	    cmocka_unit_test(without_heartbeats_nothing_passes),
	    cmocka_unit_test(a_forgotten_port_takes_its_flows_along),
	    cmocka_unit_test(frames_in_are_frames_out_and_drops),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
