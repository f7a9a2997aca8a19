/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The short way through sanitize against the long way: a million frames, most
 * of them broken at random places. What the short way takes, the long way must
 * accept with the same result.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dataplane/packet/node/sanitize_plain.h"
#include "rules/image/address.h"

#define FRAMES 1000000

static uint64_t state = 0x2545f4914f6cdd1dull;

static uint32_t any(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state >> 20) % below);
}

/* An mbuf of our own: no pool is needed to look at one. */
static struct {
	struct rte_mbuf mbuf;
	struct packet_trace trace;
	_Alignas(64) uint8_t room[2048 + 128];
} frame[2];

static uint8_t *data_of(int i)
{
	return frame[i].room + 128;
}

static void reset(int i, uint16_t size, uint16_t port)
{
	frame[i].mbuf = (struct rte_mbuf) {.buf_addr = frame[i].room,
	    .data_off = 128,
	    .data_len = size,
	    .pkt_len = size,
	    .buf_len = sizeof(frame[i].room),
	    .nb_segs = 1,
	    .port = port};
	packet_meta(&frame[i].mbuf)->direction =
	    port == PORT_GUEST ? DIRECTION_OUT : DIRECTION_IN;
}

static void set_be32(uint8_t *at, uint32_t value)
{
	rte_be32_t word = rte_cpu_to_be_32(value);

	memcpy(at, &word, 4);
}

static void fill_l4(uint8_t *l4, uint8_t protocol, uint16_t size)
{
	for (uint16_t i = 0; i < size; i++)
		l4[i] = (uint8_t)any(256);
	if (protocol == IPPROTO_UDP) {
		l4[4] = (uint8_t)(size >> 8);
		l4[5] = (uint8_t)size;
	} else if (protocol == IPPROTO_TCP) {
		l4[12] = (uint8_t)((5 + any(3)) << 4);
		l4[13] = any(4) ? RTE_TCP_ACK_FLAG : (uint8_t)any(256);
	}
}

static void fix_checksum(uint8_t *ip)
{
	uint16_t sum;

	ip[10] = ip[11] = 0;
	sum = checksum_bytes(ip, 20, 0);
	memcpy(ip + 10, &sum, 2);
}

/* A right frame from or to the guest; returns its size. */
static uint16_t fill(uint8_t *data, uint16_t port)
{
	static const uint8_t protocol[] = {
	    IPPROTO_UDP, IPPROTO_UDP, IPPROTO_TCP, IPPROTO_TCP, IPPROTO_ICMP};
	uint8_t *ip = data + 14;
	uint16_t size = (uint16_t)(28 + any(100));
	uint32_t remote = 0x01000000 + any(0xdf000000);

	memcpy(data, &worker.port[port].own_mac, 6);
	memcpy(data + 6, &worker.port[port].peer_mac, 6);
	data[12] = 8;
	data[13] = 0;
	memset(ip, 0, 20);
	ip[0] = 0x45;
	ip[2] = (uint8_t)(size >> 8);
	ip[3] = (uint8_t)size;
	ip[8] = 64;
	ip[9] = protocol[any(5)];
	set_be32(ip + (port == PORT_GUEST ? 12 : 16), worker.guest_address);
	set_be32(ip + (port == PORT_GUEST ? 16 : 12), remote);
	fill_l4(ip + 20, ip[9], size - 20);
	fix_checksum(ip);
	return (uint16_t)(14 + size + any(3) * any(30));
}

/* Break it at up to three places, mostly in the headers. */
static uint16_t damage(uint8_t *data, uint16_t size)
{
	for (uint32_t i = any(4); i > 0; i--)
		data[any(any(4) ? 48 : size)] =
		    any(2) ? (uint8_t)any(256) : (any(2) ? 0 : 255);
	if (any(2))
		fix_checksum(data + 14);
	if (any(8) == 0)
		set_be32(data + 14 + 12 + 4 * any(2),
		    any(2) ? worker.gateway_address : any(UINT32_MAX));
	if (any(10) == 0)
		fix_checksum(data + 14);
	return any(10) ? size : (uint16_t)any(size + 1u);
}

static bool same(const struct packet_meta *a, const struct packet_meta *b,
    const struct sanitize_ends *x, const struct sanitize_ends *y)
{
	return a->protocol == b->protocol && a->tcp_flags == b->tcp_flags &&
	       a->kind == b->kind && x->remote == y->remote &&
	       x->guest_port == y->guest_port &&
	       x->remote_port == y->remote_port &&
	       frame[0].mbuf.data_len == frame[1].mbuf.data_len &&
	       frame[0].mbuf.pkt_len == frame[1].mbuf.pkt_len;
}

static void short_way_takes_only_what_the_long_way_accepts(void **unused)
{
	uint32_t plain = 0, accepted = 0, missed = 0;

	for (uint32_t i = 0; i < FRAMES; i++) {
		uint16_t port = (uint16_t)any(2);
		uint16_t size = fill(data_of(0), port);
		struct packet_meta *a = packet_meta(&frame[0].mbuf);
		struct packet_meta *b = packet_meta(&frame[1].mbuf);
		struct sanitize_ends x, y;
		struct sanitize_link link;
		bool taken, right;

		size = damage(data_of(0), size);
		memcpy(data_of(1), data_of(0), 512);
		reset(0, size, port);
		reset(1, size, port);
		sanitize_describe_link(&link, &worker, port);
		taken =
		    sanitize_is_plain(&worker, &link, a, &x, &frame[0].mbuf);
		right = sanitize_judge(&worker, b, &y, &frame[1].mbuf) ==
			SANITIZE_TO_FLOW_LOOKUP;
		plain += taken;
		accepted += right;
		if (taken && (!right || !same(a, b, &x, &y)))
			fail_msg("frame %u: the short way took it, the long "
				 "way says reason %u",
			    i, b->reason);
		if (right && !taken && b->kind == PACKET_PLAIN &&
		    b->protocol != PROTOCOL_ICMP &&
		    y.remote != worker.gateway_address)
			missed++;
	}
	print_message("# %u of %u frames accepted, %u by the short way\n",
	    accepted, FRAMES, plain);
	assert_true(accepted < FRAMES / 2); /* the damage does damage */
	assert_true(plain > FRAMES / 10);
	assert_int_equal(
	    missed, 0); /* and nothing ordinary goes the long way */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(short_way_takes_only_what_the_long_way_accepts),
	};

	worker.guest_address = address_of_guest(0);
	worker.gateway_address = address_of_gateway(0);
	worker.mtu = 120;
	for (uint8_t i = 0; i < 2; i++) {
		address_make_mac(worker.port[i].own_mac.addr_bytes, 1, i);
		address_make_mac(worker.port[i].peer_mac.addr_bytes, 2, i);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
