/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TAP port on a real TAP; the test is the worker thread on one side and a
 * packet socket, so the kernel, on the other. Needs root.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "control/msg/log.h"
#include "dataplane/packet/eal_small.h"
#include "dataplane/packet/port.h"
#include "dataplane/packet/worker.h"
#include "tests/unit/packet/port_link.h"

static bool is_root;
static struct port *port = &worker.port[1];
static int outside; /* packet socket */

static void fill(uint8_t *frame, size_t size, uint8_t salt)
{
	for (size_t i = 0; i < size; i++)
		frame[i] = (uint8_t)(i * 3 + salt);
	/* unicast destination, an ethertype that nobody answers */
	frame[0] = 2;
	frame[12] = 0x88;
	frame[13] = 0xb5;
}

static struct rte_mbuf *make(const uint8_t *frame, size_t size)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(worker.pool);

	assert_non_null(mbuf);
	memcpy(rte_pktmbuf_append(mbuf, (uint16_t)size), frame, size);
	return mbuf;
}

static uint16_t take(struct rte_mbuf **mbufs)
{
	return port->ops->rx(port, mbufs, 32);
}

static void drain(void)
{
	struct rte_mbuf *mbufs[32];
	uint16_t len;

	port->ready = true;
	while ((len = take(mbufs)) > 0) {
		rte_pktmbuf_free_bulk(mbufs, len);
		port->ready = true;
	}
}

static int begin(void **state)
{
	if (is_root)
		drain();
	return 0;
}

#define NEED_ROOT()                                      \
	do {                                             \
		if (!is_root) {                          \
			print_message("# needs root\n"); \
			skip();                          \
		}                                        \
	} while (0)

static void frames_leave_unchanged(void **state)
{
	uint8_t frame[1514], seen[9000];
	unsigned int before;

	NEED_ROOT();
	before = rte_mempool_in_use_count(worker.pool); /* spare ones of rx */
	for (size_t size = 60; size <= sizeof(frame); size += 97) {
		struct rte_mbuf *mbuf;

		fill(frame, size, (uint8_t)size);
		mbuf = make(frame, size);
		/* stale bytes where the header will be */
		memset(rte_pktmbuf_mtod(mbuf, char *) - 64, 0xff, 64);
		assert_int_equal(port->ops->tx(port, &mbuf, 1), 1);
		assert_int_equal(
		    link_receive(outside, seen, sizeof(seen), 1000), size);
		assert_memory_equal(seen, frame, size);
	}
	assert_int_equal(rte_mempool_in_use_count(worker.pool), before);
}

static void frames_arrive_unchanged_and_in_order(void **state)
{
	uint8_t frame[1514];
	struct rte_mbuf *mbufs[32];
	uint16_t got = 0, len;

	NEED_ROOT();
	for (uint8_t i = 0; i < 100; i++) {
		fill(frame, 60 + i, i);
		assert_int_equal(send(outside, frame, 60u + i, 0), 60 + i);
	}
	port->ready = true;
	while ((len = take(mbufs)) > 0) {
		assert_true(len == 32 || got + len == 100);
		for (uint16_t i = 0; i < len; i++, got++) {
			fill(frame, 60u + got, (uint8_t)got);
			assert_int_equal(mbufs[i]->pkt_len, 60 + got);
			assert_int_equal(mbufs[i]->data_len, 60 + got);
			assert_memory_equal(rte_pktmbuf_mtod(mbufs[i], void *),
			    frame, 60u + got);
			rte_pktmbuf_free(mbufs[i]);
		}
	}
	assert_int_equal(got, 100);
	assert_false(port->ready);
}

static void a_frame_above_the_room_stays_too_long(void **state)
{
	static uint8_t frame[4000];
	struct rte_mbuf *mbufs[32];

	NEED_ROOT();
	fill(frame, sizeof(frame), 1);
	assert_int_equal(
	    send(outside, frame, sizeof(frame), 0), (int)sizeof(frame));
	port->ready = true;
	assert_int_equal(take(mbufs), 1);
	assert_true(mbufs[0]->pkt_len > 1514);
	assert_int_equal(mbufs[0]->pkt_len, mbufs[0]->data_len);
	rte_pktmbuf_free(mbufs[0]);
}

static void a_lazy_port_is_read_when_ready_or_stale(void **state)
{
	uint8_t frame[60];
	struct rte_mbuf *mbufs[32];
	struct pollfd wait = {.fd = -1, .events = POLLIN};

	NEED_ROOT();
	assert_true(port->lazy);
	fill(frame, sizeof(frame), 1);
	port->ready = false;
	send(outside, frame, sizeof(frame), 0);
	wait.fd = port->ops->fd(port);
	assert_int_equal(poll(&wait, 1, 1000), 1);
	assert_int_equal(take(mbufs), 0);
	atomic_store(&port->stale, true);
	assert_int_equal(take(mbufs), 1);
	rte_pktmbuf_free(mbufs[0]);
	atomic_store(&port->stale, false);
}

static void mbufs_not_filled_are_kept_not_lost(void **state)
{
	struct rte_mbuf *mbufs[32];
	unsigned int before;

	NEED_ROOT();
	port->ready = true;
	take(mbufs);
	before = rte_mempool_in_use_count(worker.pool);
	for (int i = 0; i < 1000; i++) {
		port->ready = true;
		assert_int_equal(take(mbufs), 0);
	}
	assert_int_equal(rte_mempool_in_use_count(worker.pool), before);
}

static void other_descriptors_are_refused(void **state)
{
	struct port other = {.pool = worker.pool};
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int fd = open("/dev/null", O_RDWR);

	assert_true(port_open_tap(&other, fd, 1500) < 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1); /* taken, so closed */
	NEED_ROOT();
	fd = open("/dev/net/tun", O_RDWR);
	strcpy(request.ifr_name, "other0");
	assert_int_equal(ioctl(fd, TUNSETIFF, &request), 0);
	assert_true(port_open_tap(&other, fd, 1500) < 0);
}

/* Last: the interface is gone afterwards. */
static void a_deleted_interface_is_a_link_that_is_down(void **state)
{
	struct rte_mbuf *mbufs[32];
	uint8_t frame[60];
	int fd;

	NEED_ROOT();
	fd = port->ops->fd(port);
	assert_true(port->ops->link_up(port));
	assert_int_equal(system("ip link delete lt0"), 0);
	port->ready = true;
	assert_int_equal(take(mbufs), 0);
	assert_false(port->ops->link_up(port));
	fill(frame, sizeof(frame), 1);
	mbufs[0] = make(frame, sizeof(frame));
	assert_int_equal(port->ops->tx(port, mbufs, 1), 0);
	rte_pktmbuf_free(mbufs[0]);
	assert_true(fd >= 0 && port->ops->fd(port) < 0);
	port->ops->close(port);
	assert_int_equal(rte_mempool_in_use_count(worker.pool), 0);
}

static int set_up(void **state)
{
	int fd;

	log_open("test");
	is_root = link_enter_namespace();
	if (eal_start_small() < 0 || worker_init(&worker, 1023) < 0)
		return -1;
	port->pool = worker.pool;
	if (!is_root)
		return 0;
	fd = link_make_tap("lt0");
	outside = link_open_socket("lt0");
	return port_open_tap(port, fd, 1500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(frames_leave_unchanged, begin),
	    cmocka_unit_test_setup(frames_arrive_unchanged_and_in_order, begin),
	    cmocka_unit_test_setup(
		a_frame_above_the_room_stays_too_long, begin),
	    cmocka_unit_test_setup(
		a_lazy_port_is_read_when_ready_or_stale, begin),
	    cmocka_unit_test_setup(mbufs_not_filled_are_kept_not_lost, begin),
	    cmocka_unit_test(other_descriptors_are_refused),
	    cmocka_unit_test(a_deleted_interface_is_a_link_that_is_down),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
