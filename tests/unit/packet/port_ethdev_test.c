/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ethdev port on DPDK's own devices: net_ring, which gives back what it is
 * given, and net_af_packet, whose other end is the kernel (needs root). The
 * test is control and worker thread.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "control/msg/log.h"
#include "dataplane/packet/eal_small.h"
#include "dataplane/packet/port.h"
#include "dataplane/packet/worker.h"
#include "tests/unit/packet/port_link.h"

#define RING   "net_ring0"
#define KERNEL "net_af_packet0,iface=lt0"
#define HEADER 10 /* struct virtio_net_hdr in front of each frame of a TAP */
#define BURST  32

static struct port *ring = &worker.port[1];

static unsigned int in_use(void)
{
	return rte_mempool_in_use_count(worker.pool);
}

static void fill(uint8_t *frame, size_t size, uint8_t salt)
{
	for (size_t i = 0; i < size; i++)
		frame[i] = (uint8_t)(i * 3 + salt);
	/* unicast destination, an ethertype that nobody answers */
	frame[0] = 2;
	frame[12] = 0x88;
	frame[13] = 0xb5;
}

static struct rte_mbuf *make(size_t size, uint8_t salt)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(worker.pool);

	assert_non_null(mbuf);
	fill((uint8_t *)rte_pktmbuf_append(mbuf, (uint16_t)size), size, salt);
	return mbuf;
}

static bool holds(const struct rte_mbuf *mbuf, size_t size, uint8_t salt)
{
	uint8_t frame[2048];

	fill(frame, size, salt);
	return mbuf->pkt_len == size && mbuf->data_len == size &&
	       memcmp(rte_pktmbuf_mtod(mbuf, void *), frame, size) == 0;
}

static uint16_t drain(struct port *port)
{
	struct rte_mbuf *mbufs[BURST];
	uint16_t len, sum = 0;

	while ((len = port->ops->rx(port, mbufs, BURST)) > 0) {
		rte_pktmbuf_free_bulk(mbufs, len);
		sum += len;
	}
	return sum;
}

static int begin(void **state)
{
	drain(ring);
	return in_use() == 0 ? 0 : -1;
}

static void frames_pass_unchanged_and_in_order(void **state)
{
	struct rte_mbuf *mbufs[BURST];

	for (uint8_t i = 0; i < BURST; i++)
		mbufs[i] = make(60u + i * 45u, i);
	assert_int_equal(ring->ops->tx(ring, mbufs, BURST), BURST);
	assert_int_equal(ring->ops->rx(ring, mbufs, 20), 20);
	assert_int_equal(
	    ring->ops->rx(ring, mbufs + 20, BURST - 20), BURST - 20);
	for (uint8_t i = 0; i < BURST; i++)
		assert_true(holds(mbufs[i], 60u + i * 45u, i));
	rte_pktmbuf_free_bulk(mbufs, BURST);
	assert_int_equal(ring->ops->rx(ring, mbufs, BURST), 0);
	assert_int_equal(in_use(), 0);
}

static void what_a_full_queue_does_not_take_stays_ours(void **state)
{
	struct rte_mbuf *mbuf;
	uint16_t sent = 0;

	for (;; sent++) {
		mbuf = make(60, 0);
		if (ring->ops->tx(ring, &mbuf, 1) == 0)
			break;
		assert_true(sent < 2000);
	}
	assert_int_equal(in_use(), sent + 1);
	rte_pktmbuf_free(mbuf);
	assert_true(sent > BURST);
	assert_int_equal(drain(ring), sent);
	assert_int_equal(in_use(), 0);
}

/* Nodes rely on one segment; what is cut off must not make it acceptable. */
static void a_chained_frame_is_cut_and_stays_too_long(void **state)
{
	struct rte_mbuf *mbuf = make(2000, 1), *seen;

	assert_int_equal(rte_pktmbuf_chain(mbuf, make(1000, 2)), 0);
	assert_int_equal(ring->ops->tx(ring, &mbuf, 1), 1);
	assert_int_equal(ring->ops->rx(ring, &seen, 1), 1);
	assert_int_equal(seen->nb_segs, 1);
	assert_null(seen->next);
	assert_true(holds(seen, 2000, 1));
	assert_int_equal(in_use(), 1);
	rte_pktmbuf_free(seen);
}

static void without_interrupts_it_is_polled(void **state)
{
	assert_string_equal(ring->ops->kind, "ethdev");
	assert_int_equal(ring->ops->fd(ring), -1);
	assert_true(ring->ops->arm(ring));
	ring->ops->disarm(ring);
	assert_true(ring->ops->link_up(ring));
	assert_false(ring->lazy);
}

static void devices_that_are_none_are_refused(void **state)
{
	struct port port = {.pool = worker.pool};
	char name[300];

	assert_true(port_open_ethdev(&port, "net_nothing0") < 0);
	assert_true(port_open_ethdev(&port, "") < 0);
	assert_true(
	    port_open_ethdev(&port, "net_af_packet9,iface=absent0") < 0);
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(port_open_ethdev(&port, name), -ENAMETOOLONG);
	assert_null(port.priv);
	assert_null(port.ops);
}

/* Its time stamps would be written over what nodes know about a packet. */
static void a_driver_that_wants_room_in_mbufs_is_refused(void **state)
{
	struct port port = {.pool = worker.pool};

	assert_true(port_open_ethdev(&port, "net_pcap0,tx_pcap=/dev/null") < 0);
	assert_null(port.ops);
}

static void a_closed_port_can_be_opened_again(void **state)
{
	struct rte_mbuf *mbuf = make(60, 7), *seen;

	ring->ops->close(ring);
	assert_null(ring->priv);
	assert_int_equal(port_open_ethdev(ring, RING), 0);
	assert_int_equal(ring->ops->tx(ring, &mbuf, 1), 1);
	assert_int_equal(ring->ops->rx(ring, &seen, 1), 1);
	assert_true(holds(seen, 60, 7));
	rte_pktmbuf_free(seen);
}

/* The next of ours among what the kernel has for the device. */
static struct rte_mbuf *await(struct port *port)
{
	struct rte_mbuf *mbuf;

	for (int i = 0; i < 2000; i++) {
		if (port->ops->rx(port, &mbuf, 1) == 1)
			return mbuf;
		usleep(1000);
	}
	return NULL;
}

static void frames_pass_to_and_from_the_kernel(void **state)
{
	struct port port = {.pool = worker.pool};
	uint8_t frame[HEADER + 2048], seen[2048];
	struct rte_mbuf *mbuf;
	int tap;

	if (!link_enter_namespace()) {
		print_message("# needs root\n");
		skip();
	}
	tap = link_make_tap("lt0");
	assert_int_equal(port_open_ethdev(&port, KERNEL), 0);
	for (size_t size = 60; size <= 1514; size += 727) {
		mbuf = make(size, (uint8_t)size);
		assert_int_equal(port.ops->tx(&port, &mbuf, 1), 1);
		assert_int_equal(
		    read(tap, frame, sizeof(frame)), HEADER + size);
		fill(seen, size, (uint8_t)size);
		assert_memory_equal(frame + HEADER, seen, size);
		memset(frame, 0, HEADER);
		fill(frame + HEADER, size, (uint8_t)(size + 1));
		assert_int_equal(
		    write(tap, frame, HEADER + size), HEADER + size);
		mbuf = await(&port);
		assert_non_null(mbuf);
		assert_true(holds(mbuf, size, (uint8_t)(size + 1)));
		rte_pktmbuf_free(mbuf);
	}
	port.ops->close(&port);
	close(tap);
	assert_int_equal(in_use(), 0);
}

static int set_up(void **state)
{
	log_open("test");
	if (eal_start_small() < 0 || worker_init(&worker, 4095) < 0)
		return -1;
	ring->pool = worker.pool;
	return port_open_ethdev(ring, RING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(frames_pass_unchanged_and_in_order, begin),
	    cmocka_unit_test_setup(
		what_a_full_queue_does_not_take_stays_ours, begin),
	    cmocka_unit_test_setup(
		a_chained_frame_is_cut_and_stays_too_long, begin),
	    cmocka_unit_test_setup(without_interrupts_it_is_polled, begin),
	    cmocka_unit_test(devices_that_are_none_are_refused),
	    cmocka_unit_test(a_driver_that_wants_room_in_mbufs_is_refused),
	    cmocka_unit_test_setup(a_closed_port_can_be_opened_again, begin),
	    cmocka_unit_test(frames_pass_to_and_from_the_kernel),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
