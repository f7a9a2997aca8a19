/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The short way through node sanitize. Inline, included by sanitize.c and by
 * the test that holds it to the long way; worker thread.
 *
 * Theory of operation. Nearly all packets are TCP or UDP to or from a host,
 * with nothing odd about them. sanitize_is_plain() says so by one conjunction
 * of cheap tests, the first of them comparing the first 16 bytes (both MACs,
 * ethertype, version and header length) at once. It never says why not: what it
 * does not take goes the long way, sanitize_judge(), which judges from the
 * start and must accept everything that is plain, with the same result.
 */
#pragma once

#include <emmintrin.h>

#include "dataplane/packet/flow.h"
#include "dataplane/packet/node/checksum.h"
#include "dataplane/packet/node/sanitize.h"

/* What a plain frame of one port looks like: made once per run of packets. */
struct sanitize_link {
	__m128i mask, want;   /* of the frame's first 16 bytes */
	rte_be32_t ours_be32; /* the guest's address as this link knows it */
	uint16_t port;
	uint8_t direction;
};

static inline void sanitize_describe_link(
    struct sanitize_link *link, const struct worker *w, uint16_t index)
{
	const struct port *port = &w->port[index];
	uint8_t mask[16] = {0}, want[16] = {0};
	bool out = index == PORT_GUEST;

	memset(mask, 0xff, out ? 15 : 6);
	memset(mask + 12, 0xff, 3);
	memcpy(want, &port->own_mac, 6);
	if (out)
		memcpy(want + 6, &port->peer_mac, 6);
	want[12] = RTE_ETHER_TYPE_IPV4 >> 8;
	want[14] = RTE_IPV4_VHL_DEF;
	link->mask = _mm_loadu_si128((const __m128i *)mask);
	link->want = _mm_loadu_si128((const __m128i *)want);
	link->port = index;
	link->direction = out ? DIRECTION_OUT : DIRECTION_IN;
	link->ours_be32 = rte_cpu_to_be_32(
	    !out && port->nat_address ? port->nat_address : w->guest_address);
}

/* 1.0.0.0 to 223.255.255.255 but for 127/8 and both ends of the guest's link.
 */
static inline bool sanitize_is_plain_remote(
    const struct worker *w, uint32_t remote)
{
	return remote - 0x01000000 < 0xdf000000 && remote >> 24 != 127 &&
	       remote != w->guest_address && remote != w->gateway_address;
}

/* TCP or UDP with right lengths; size: of what follows the IPv4 header. */
static inline bool sanitize_is_plain_l4(
    const void *l4, uint8_t protocol, uint32_t size, uint8_t *tcp_flags)
{
	const struct rte_udp_hdr *udp = l4;
	const struct rte_tcp_hdr *tcp = l4;

	if (!udp->src_port || !udp->dst_port)
		return false;
	if (protocol == IPPROTO_UDP)
		return rte_be_to_cpu_16(udp->dgram_len) == size;
	if (protocol != IPPROTO_TCP || size < sizeof(*tcp))
		return false;
	*tcp_flags = tcp->tcp_flags;
	return tcp->data_off >> 4 >= 5 && (tcp->data_off >> 4) * 4u <= size &&
	       sanitize_tcp_flags_valid(tcp->tcp_flags);
}

/* Fills ends and the byte fields of meta, cuts padding off. */
static inline bool sanitize_is_plain(const struct worker *w,
    const struct sanitize_link *link, struct packet_meta *meta,
    struct sanitize_ends *ends, struct rte_mbuf *mbuf)
{
	const struct rte_ether_hdr *ether = packet_ether(mbuf);
	const struct rte_ipv4_hdr *ip = (const void *)(ether + 1);
	const struct rte_udp_hdr *l4 = (const void *)(ip + 1);
	const uint32_t least = sizeof(*ip) + sizeof(*l4);
	bool out = link->direction == DIRECTION_OUT;
	uint32_t room = mbuf->data_len - sizeof(*ether);
	uint32_t total;
	uint8_t tcp_flags = 0;
	__m128i first;

	if (unlikely(
		mbuf->data_len < sizeof(*ether) + least || mbuf->nb_segs != 1))
		return false;
	first = _mm_loadu_si128((const __m128i *)ether);
	first = _mm_cmpeq_epi8(_mm_and_si128(first, link->mask), link->want);
	total = rte_be_to_cpu_16(ip->total_length);
	if (unlikely(_mm_movemask_epi8(first) != 0xffff || total < least ||
		     total > room || total > w->mtu ||
		     (ip->fragment_offset & RTE_BE16(0xbfff)) ||
		     ip->time_to_live == 0 || !checksum_ip_valid(ip)))
		return false;
	if (unlikely((out ? ip->src_addr : ip->dst_addr) != link->ours_be32))
		return false;
	ends->remote = rte_be_to_cpu_32(out ? ip->dst_addr : ip->src_addr);
	if (unlikely(!sanitize_is_plain_remote(w, ends->remote) ||
		     !sanitize_is_plain_l4(l4, ip->next_proto_id,
			 total - sizeof(*ip), &tcp_flags)))
		return false;
	ends->guest_port = rte_be_to_cpu_16(out ? l4->src_port : l4->dst_port);
	ends->remote_port = rte_be_to_cpu_16(out ? l4->dst_port : l4->src_port);
	meta->protocol = ip->next_proto_id;
	meta->tcp_flags = tcp_flags;
	meta->kind = PACKET_PLAIN;
	mbuf->data_len = (uint16_t)(sizeof(*ether) + total);
	mbuf->pkt_len = mbuf->data_len;
	return true;
}
