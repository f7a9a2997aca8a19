/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The IPv4 part of node sanitize. Inline, included by sanitize.c alone; worker
 * thread.
 */
#pragma once

#include "dataplane/packet/node/checksum.h"
#include "dataplane/packet/node/sanitize.h"

/* The IPv4 header alone: version, lengths, checksum, fragments, TTL. */
static inline rte_edge_t sanitize_ip(const struct worker *w,
    struct packet_meta *meta, struct rte_mbuf *mbuf,
    const struct rte_ipv4_hdr *ip)
{
	uint32_t room = mbuf->data_len - sizeof(struct rte_ether_hdr);
	uint32_t total = rte_be_to_cpu_16(ip->total_length);

	if (unlikely(ip->version_ihl != RTE_IPV4_VHL_DEF)) {
		if (ip->version_ihl >> 4 != 4 || (ip->version_ihl & 15) < 5)
			return sanitize_refuse(meta, REASON_BAD_IP_HEADER);
		if ((ip->version_ihl & 15u) * 4 > room)
			return sanitize_refuse(meta, REASON_TOO_SHORT);
		return sanitize_refuse(meta, REASON_IP_OPTIONS);
	}
	if (unlikely(total < sizeof(*ip) || total > room))
		return sanitize_refuse(meta, REASON_BAD_IP_HEADER);
	if (unlikely(total > w->mtu))
		return sanitize_refuse(meta, REASON_TOO_LONG);
	if (unlikely(!checksum_ip_valid(ip)))
		return sanitize_refuse(meta, REASON_BAD_IP_HEADER);
	if (unlikely(ip->fragment_offset & RTE_BE16(0xbfff))) {
		if (ip->fragment_offset & RTE_BE16(0x8000))
			return sanitize_refuse(meta, REASON_BAD_IP_HEADER);
		return sanitize_refuse(meta, REASON_FRAGMENT);
	}
	if (unlikely(ip->time_to_live == 0))
		return sanitize_refuse(meta, REASON_TTL);
	mbuf->data_len = (uint16_t)(sizeof(struct rte_ether_hdr) + total);
	mbuf->pkt_len = mbuf->data_len;
	return SANITIZE_TO_FLOW_LOOKUP;
}
