/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vhost-user port against a frontend that is sometimes hostile. The port
 * is a client, as in production; the test is QEMU and guest on one side and
 * the worker thread on the other.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/msg/log.h"
#include "dataplane/packet/eal_small.h"
#include "dataplane/packet/port.h"
#include "dataplane/packet/worker.h"
#include "tests/unit/packet/port_frontend.h"

#define QEMU_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW)
#define PLAIN	   1u
#define NEED_REPLY 8u

static char path[64];
static int listener;
static struct port *port = &worker.port[PORT_GUEST];
static struct frontend guest;

/* The worker's view: online only while it looks. */
static uint16_t take(struct rte_mbuf **mbufs)
{
	uint16_t len;

	worker_resume(&worker);
	len = port->ops->rx(port, mbufs, 32);
	worker_rest(&worker);
	return len;
}

static bool is_up(int timeout_ms)
{
	for (int i = 0; i < timeout_ms; i++) {
		if (port->ops->link_up(port))
			return true;
		usleep(1000);
	}
	return false;
}

static void begin(int seals)
{
	assert_true(frontend_accept(&guest, listener));
	frontend_make_memory(&guest, seals);
}

static void start_guest(void)
{
	begin(QEMU_SEALS);
	frontend_start(&guest);
	assert_true(is_up(1000));
	atomic_store(&port->stale, false);
}

/* Whatever came before: the port serves the next honest guest. */
static void end(void)
{
	frontend_close(&guest);
	for (int i = 0; i < 1000 && port->ops->link_up(port); i++)
		usleep(1000);
	assert_false(port->ops->link_up(port));
}

static void a_guest_with_sealed_memory_is_served(void **state)
{
	begin(QEMU_SEALS);
	atomic_store(&port->stale, false);
	frontend_start(&guest);
	assert_true(is_up(1000));
	/* what waited in its ring is old */
	assert_true(atomic_load(&port->stale));
	/* no offload, no multiqueue, no packed ring, no IOMMU, no log */
	assert_int_equal(
	    guest.features & ~(1ull << 32 | 1ull << 15 | 1ull << 28 |
				 1ull << 29 | 1ull << 30),
	    0);
	end();
}

static void frames_pass_unchanged_both_ways(void **state)
{
	uint8_t frame[1514], back[FRONTEND_FRAME];
	struct rte_mbuf *mbufs[32];

	for (size_t i = 0; i < sizeof(frame); i++)
		frame[i] = (uint8_t)(i * 7);
	start_guest();
	frontend_offer(&guest);
	for (int round = 0; round < 200; round++) {
		size_t size = 60 + (size_t)round * 7;

		frame[20] = (uint8_t)round;
		frontend_transmit(&guest, frame, size);
		assert_int_equal(take(mbufs), 1);
		assert_int_equal(mbufs[0]->pkt_len, size);
		assert_memory_equal(
		    rte_pktmbuf_mtod(mbufs[0], void *), frame, size);
		worker_resume(&worker);
		assert_int_equal(port->ops->tx(port, mbufs, 1), 1);
		worker_rest(&worker);
		assert_int_equal(
		    frontend_receive(&guest, back, sizeof(back), 100), size);
		assert_memory_equal(back, frame, size);
	}
	assert_int_equal(rte_mempool_in_use_count(worker.pool), 0);
	end();
}

static void a_frame_too_long_for_an_mbuf_stays_too_long(void **state)
{
	static uint8_t frame[4000];
	struct rte_mbuf *mbufs[32];

	start_guest();
	frontend_transmit(&guest, frame, sizeof(frame));
	assert_int_equal(take(mbufs), 1);
	assert_int_equal(mbufs[0]->nb_segs, 1);
	assert_null(mbufs[0]->next);
	assert_int_equal(mbufs[0]->pkt_len, mbufs[0]->data_len);
	assert_true(mbufs[0]->pkt_len > 1514);
	rte_pktmbuf_free(mbufs[0]);
	assert_int_equal(rte_mempool_in_use_count(worker.pool), 0);
	end();
}

static bool is_readable(void)
{
	struct pollfd wait = {.fd = port->ops->fd(port), .events = POLLIN};

	return poll(&wait, 1, 200) == 1;
}

static void arming_sees_what_is_there_and_what_comes(void **state)
{
	static const uint8_t frame[60];
	struct rte_mbuf *mbufs[32];
	uint8_t kicks = 0;

	start_guest();
	for (int i = 0; i < 100; i++) {
		/* there before: do not sleep */
		frontend_transmit(&guest, frame, sizeof(frame));
		assert_false(port->ops->arm(port));
		port->ops->disarm(port);
		assert_int_equal(take(mbufs), 1);
		rte_pktmbuf_free(mbufs[0]);
		/* comes after: wakes */
		assert_true(port->ops->arm(port));
		frontend_transmit(&guest, frame, sizeof(frame));
		kicks += is_readable();
		port->ops->disarm(port);
		assert_int_equal(take(mbufs), 1);
		rte_pktmbuf_free(mbufs[0]);
		/* and the wake-up is gone afterwards */
	}
	assert_int_equal(kicks, 100);
	assert_true(port->ops->arm(port));
	assert_false(is_readable());
	port->ops->disarm(port);
	end();
}

static void a_guest_that_comes_back_finds_the_port(void **state)
{
	int fd = port->ops->fd(port);

	for (int i = 0; i < 5; i++) {
		start_guest();
		end();
		assert_int_equal(port->ops->fd(port), fd);
	}
}

/* ---- refusals ---- */

static void expect_refusal(void)
{
	assert_true(frontend_is_refused(&guest));
	assert_false(port->ops->link_up(port));
	end();
}

static void memory_that_can_shrink_is_refused(void **state)
{
	begin(0);
	frontend_start(&guest);
	expect_refusal();
	begin(F_SEAL_GROW);
	frontend_start(&guest);
	expect_refusal();
}

static void memory_shorter_than_claimed_is_refused(void **state)
{
	begin(QEMU_SEALS);
	frontend_send_memory(&guest, 64u << 20);
	expect_refusal();
}

static void memory_that_is_no_memfd_is_refused(void **state)
{
	begin(QEMU_SEALS);
	close(guest.memory_fd);
	guest.memory_fd = open("/proc/self/exe", O_RDONLY);
	assert_true(guest.memory_fd >= 0);
	frontend_send_memory(&guest, 4096);
	expect_refusal();
}

static void unknown_requests_are_refused(void **state)
{
	static const uint32_t requests[] = {0, 4, 6, 7, 17, 19, 20, 21, 22, 24,
	    25, 26, 28, 30, 31, 32, 39, 40, 41, 1000, UINT32_MAX};
	static const uint8_t payload[8];

	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		begin(QEMU_SEALS);
		frontend_send(&guest, requests[i], PLAIN, payload, 8, NULL, 0);
		expect_refusal();
	}
}

static void a_refusal_is_never_answered_instead(void **state)
{
	uint64_t features = UINT64_MAX;

	begin(QEMU_SEALS);
	frontend_send(&guest, FRONTEND_SET_FEATURES, PLAIN | NEED_REPLY,
	    &features, sizeof(features), NULL, 0);
	expect_refusal();
}

static void a_ring_in_use_can_not_change(void **state)
{
	for (int change = 0; change < 4; change++) {
		start_guest();
		if (change == 0)
			frontend_send_state(
			    &guest, FRONTEND_SET_VRING_NUM, 1, 1024);
		if (change == 1)
			frontend_send_addr(&guest, 1);
		if (change == 2)
			frontend_send_state(
			    &guest, FRONTEND_SET_VRING_BASE, 1, 5);
		if (change == 3)
			frontend_send_memory(&guest, 65536);
		assert_true(frontend_is_refused(&guest));
		end();
	}
}

/* A header that claims one size, followed by another number of bytes. */
static void send_raw(uint32_t claimed, size_t size)
{
	static uint8_t bytes[12 + 700];
	const uint32_t head[3] = {FRONTEND_SET_VRING_NUM, PLAIN, claimed};

	memcpy(bytes, head, sizeof(head));
	assert_int_equal(
	    write(guest.socket, bytes, 12 + size), (ssize_t)(12 + size));
}

static void short_and_long_messages_end_the_connection(void **state)
{
	static const uint32_t sizes[] = {0, 4, 7, 9, 16, 264, 632, 633, 700};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		begin(QEMU_SEALS);
		send_raw(sizes[i], sizes[i]);
		expect_refusal();
	}
	begin(QEMU_SEALS);
	send_raw(UINT32_MAX, 700);
	expect_refusal();
	/* less than claimed: read short, or waited for until the end */
	begin(QEMU_SEALS);
	send_raw(8, 4);
	end();
	begin(QEMU_SEALS);
	send_raw(8, 0);
	end();
	start_guest();
	end();
}

static uint64_t seed = 88172645463325252ull; /* xorshift64 */

static uint32_t draw(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 33) % below;
}

/* A valid guest with a few messages in between that are not. */
static void storm(void)
{
	static const uint8_t sizes[] = {0, 8, 8, 8, 40, 40, 72, 12};
	uint8_t payload[72];

	for (int i = 0; i < 8; i++) {
		int fd = guest.kick[0];

		for (size_t j = 0; j < sizeof(payload); j++)
			payload[j] =
			    draw(4) ? (uint8_t)draw(2) : (uint8_t)draw(256);
		frontend_send(&guest, 1 + draw(20), draw(8) ? PLAIN : draw(16),
		    payload, sizes[draw(8)], &fd, draw(2));
	}
}

static void no_sequence_of_messages_harms_the_port(void **state)
{
	for (int i = 0; i < 30; i++) {
		struct rte_mbuf *mbufs[32];
		uint16_t len;

		begin(draw(4) ? QEMU_SEALS : 0);
		if (draw(2))
			frontend_start(&guest);
		storm();
		is_up(20);
		len = take(mbufs);
		rte_pktmbuf_free_bulk(mbufs, len);
		end();
	}
	assert_int_equal(rte_mempool_in_use_count(worker.pool), 0);
	frames_pass_unchanged_both_ways(state);
}

/* Descriptors of every shape in the transmit ring: addresses outside memory,
 * loops, absurd lengths. */
static void no_descriptor_harms_the_port(void **state)
{
	start_guest();
	for (int i = 0; i < 3000; i++) {
		struct rte_mbuf *mbufs[32];
		uint16_t len;

		for (size_t j = 0; j < 1024; j += 16) {
			uint64_t word =
			    (uint64_t)draw(UINT32_MAX) << 32 | draw(UINT32_MAX);
			uint8_t *desc = guest.memory + 8192 + j;

			memcpy(desc, &word, 8);
			if (draw(2))
				memset(desc + 3, 0, 5);
			word = draw(2) ? draw(70000) : draw(UINT32_MAX);
			memcpy(desc + 8, &word, 4);
			desc[12] = (uint8_t)draw(8);
			desc[13] = 0;
			desc[14] = (uint8_t)draw(80);
			desc[15] = 0;
		}
		*(uint16_t *)(guest.memory + 8192 + 2048 + 2) =
		    (uint16_t)draw(65536);
		len = take(mbufs);
		rte_pktmbuf_free_bulk(mbufs, len);
	}
	end();
	assert_int_equal(rte_mempool_in_use_count(worker.pool), 0);
	frames_pass_unchanged_both_ways(state);
}

static int set_up(void **state)
{
	log_open("test");
	log_set_level(LOG_LEVEL_ERROR);
	signal(SIGPIPE, SIG_IGN);
	snprintf(path, sizeof(path), "/tmp/port_vhost_test.%d", getpid());
	listener = frontend_listen(path);
	if (eal_start_small() < 0 || worker_init(&worker, 1023) < 0)
		return -1;
	worker_attach(&worker);
	worker_rest(&worker);
	port->pool = worker.pool;
	strcpy(port->name, "guest");
	return port_open_vhost(port, path, false, false);
}

static int tear_down(void **state)
{
	unlink(path);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_guest_with_sealed_memory_is_served),
	    cmocka_unit_test(frames_pass_unchanged_both_ways),
	    cmocka_unit_test(a_frame_too_long_for_an_mbuf_stays_too_long),
	    cmocka_unit_test(arming_sees_what_is_there_and_what_comes),
	    cmocka_unit_test(a_guest_that_comes_back_finds_the_port),
	    cmocka_unit_test(memory_that_can_shrink_is_refused),
	    cmocka_unit_test(memory_shorter_than_claimed_is_refused),
	    cmocka_unit_test(memory_that_is_no_memfd_is_refused),
	    cmocka_unit_test(unknown_requests_are_refused),
	    cmocka_unit_test(a_refusal_is_never_answered_instead),
	    cmocka_unit_test(a_ring_in_use_can_not_change),
	    cmocka_unit_test(short_and_long_messages_end_the_connection),
	    cmocka_unit_test(no_sequence_of_messages_harms_the_port),
	    cmocka_unit_test(no_descriptor_harms_the_port),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
