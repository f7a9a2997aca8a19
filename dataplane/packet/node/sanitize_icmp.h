/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ICMP part of node sanitize: echo and errors. Inline, included by
 * sanitize.h alone; worker thread.
 */
#pragma once

#include "dataplane/packet/node/node.h"

/*
 * An ICMP error names its flow by the packet that it quotes: one that came to
 * the end that sends the error, so quoted source and destination are this
 * packet's turned round (from the far side any router may send it).
 */
static inline rte_edge_t sanitize_icmp_error(const struct worker *w,
    struct packet_meta *meta, struct sanitize_ends *ends,
    const struct rte_mbuf *mbuf, const struct rte_icmp_hdr *icmp, uint32_t size)
{
	const struct rte_ipv4_hdr *quoted = (const void *)(icmp + 1);
	const struct port *port = &w->port[mbuf->port];
	uint32_t ours =
	    port->nat_address ? port->nat_address : w->guest_address;
	const rte_be16_t *l4 = (const void *)(quoted + 1);
	uint32_t source, destination;

	if (size < sizeof(*icmp) + sizeof(*quoted) + 8)
		return sanitize_refuse(meta, REASON_BAD_L4_HEADER);
	source = rte_be_to_cpu_32(quoted->src_addr);
	destination = rte_be_to_cpu_32(quoted->dst_addr);
	if (quoted->version_ihl != RTE_IPV4_VHL_DEF ||
	    (quoted->fragment_offset & RTE_BE16(0x1fff)))
		return sanitize_refuse(meta, REASON_ICMP_TYPE);
	if (meta->direction == DIRECTION_IN
		? source != ours
		: (destination != w->guest_address || source != ends->remote))
		return sanitize_refuse(meta, REASON_ICMP_TYPE);
	meta->kind = PACKET_ICMP_ERROR;
	ends->remote = meta->direction == DIRECTION_IN ? destination : source;
	meta->protocol = quoted->next_proto_id;
	if (meta->protocol == IPPROTO_ICMP) {
		const struct rte_icmp_hdr *echo = (const void *)l4;
		bool request = echo->icmp_type == RTE_IP_ICMP_ECHO_REQUEST;
		bool by_guest = request == (meta->direction == DIRECTION_IN);

		if (!request && echo->icmp_type != RTE_IP_ICMP_ECHO_REPLY)
			return sanitize_refuse(meta, REASON_ICMP_TYPE);
		ends->guest_port = rte_be_to_cpu_16(echo->icmp_ident);
		ends->remote_port =
		    by_guest ? PACKET_ECHO_BY_GUEST : PACKET_ECHO_BY_REMOTE;
		return SANITIZE_TO_FLOW_LOOKUP;
	}
	if (meta->protocol != IPPROTO_TCP && meta->protocol != IPPROTO_UDP)
		return sanitize_refuse(meta, REASON_ICMP_TYPE);
	/* The quoted packet went the other way. */
	sanitize_set_ports(meta, ends, l4[1], l4[0]);
	return SANITIZE_TO_FLOW_LOOKUP;
}

static inline rte_edge_t sanitize_icmp(const struct worker *w,
    struct packet_meta *meta, struct sanitize_ends *ends,
    const struct rte_mbuf *mbuf, const struct rte_icmp_hdr *icmp, uint32_t size)
{
	if (unlikely(size < sizeof(*icmp)))
		return sanitize_refuse(meta, REASON_BAD_L4_HEADER);
	meta->icmp_type = icmp->icmp_type;
	switch (icmp->icmp_type) {
	case RTE_IP_ICMP_ECHO_REQUEST:
	case RTE_IP_ICMP_ECHO_REPLY: {
		bool request = icmp->icmp_type == RTE_IP_ICMP_ECHO_REQUEST;
		bool by_guest = request == (meta->direction == DIRECTION_OUT);

		if (unlikely(icmp->icmp_code != 0))
			return sanitize_refuse(meta, REASON_ICMP_TYPE);
		ends->guest_port = rte_be_to_cpu_16(icmp->icmp_ident);
		ends->remote_port =
		    by_guest ? PACKET_ECHO_BY_GUEST : PACKET_ECHO_BY_REMOTE;
		return SANITIZE_TO_FLOW_LOOKUP;
	}
	case 3:	 /* destination unreachable, with it the path's MTU */
	case 11: /* time exceeded */
	case 12: /* parameter problem */
		return sanitize_icmp_error(w, meta, ends, mbuf, icmp, size);
	default:
		return sanitize_refuse(meta, REASON_ICMP_TYPE);
	}
}
