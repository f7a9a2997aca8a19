/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transport half of node sanitize: TCP, UDP and ICMP headers. Inline,
 * included by sanitize.c alone; worker thread.
 */
#pragma once

#include "dataplane/packet/node/node.h"

#define DHCP_SERVER_PORT 67

/* The parts of the flow's key while they are found; host order. */
struct sanitize_ends {
	uint32_t remote;
	uint16_t guest_port;
	uint16_t remote_port;
};

/* Both ask about a valid IPv4 header whose total length lies in the frame. */
static inline bool sanitize_is_dhcp(const struct rte_ipv4_hdr *ip)
{
	const struct rte_udp_hdr *udp = (const void *)(ip + 1);

	return ip->next_proto_id == IPPROTO_UDP &&
	       rte_be_to_cpu_16(ip->total_length) >=
		   sizeof(*ip) + sizeof(*udp) &&
	       udp->dst_port == RTE_BE16(DHCP_SERVER_PORT);
}

static inline bool sanitize_is_echo_request(const struct rte_ipv4_hdr *ip)
{
	const struct rte_icmp_hdr *icmp = (const void *)(ip + 1);

	return ip->next_proto_id == IPPROTO_ICMP &&
	       rte_be_to_cpu_16(ip->total_length) >=
		   sizeof(*ip) + sizeof(*icmp) &&
	       icmp->icmp_type == RTE_IP_ICMP_ECHO_REQUEST;
}

static inline void sanitize_set_ports(const struct packet_meta *meta,
    struct sanitize_ends *ends, rte_be16_t source_be16,
    rte_be16_t destination_be16)
{
	uint16_t source = rte_be_to_cpu_16(source_be16);
	uint16_t destination = rte_be_to_cpu_16(destination_be16);
	bool out = meta->direction == DIRECTION_OUT;

	ends->guest_port = out ? source : destination;
	ends->remote_port = out ? destination : source;
}

#define TCP_BITS_SYN RTE_TCP_SYN_FLAG
#define TCP_BITS_ACK RTE_TCP_ACK_FLAG
#define TCP_BITS_FIN RTE_TCP_FIN_FLAG
#define TCP_BITS_RST RTE_TCP_RST_FLAG

/* RFC 9293: exactly one of SYN, FIN, RST at most, FIN never without ACK, and
 * nothing without any of the four. */
static inline bool sanitize_tcp_flags_valid(uint8_t flags)
{
	const uint32_t valid = 1u << TCP_BITS_ACK | 1u << TCP_BITS_SYN |
			       1u << (TCP_BITS_SYN | TCP_BITS_ACK) |
			       1u << (TCP_BITS_FIN | TCP_BITS_ACK) |
			       1u << TCP_BITS_RST |
			       1u << (TCP_BITS_RST | TCP_BITS_ACK);

	return valid >> (flags & (TCP_BITS_SYN | TCP_BITS_ACK | TCP_BITS_FIN |
				     TCP_BITS_RST)) &
	       1;
}

/*
 * The long way: judge a frame from the start. meta->direction and mbuf->port
 * are set; fills ends and meta. Returns the exit; reason in meta.
 */
rte_edge_t sanitize_judge(const struct worker *w, struct packet_meta *meta,
    struct sanitize_ends *ends, struct rte_mbuf *mbuf);

static inline rte_edge_t sanitize_refuse(
    struct packet_meta *meta, enum gw_reason reason)
{
	meta->reason = (uint8_t)reason;
	return SANITIZE_TO_DROP;
}

static inline rte_edge_t sanitize_tcp(struct packet_meta *meta,
    struct sanitize_ends *ends, const struct rte_tcp_hdr *tcp, uint32_t size)
{
	uint32_t header;

	if (unlikely(size < sizeof(*tcp)))
		return sanitize_refuse(meta, REASON_BAD_L4_HEADER);
	header = (tcp->data_off >> 4) * 4u;
	if (unlikely(header < sizeof(*tcp) || header > size || !tcp->src_port ||
		     !tcp->dst_port))
		return sanitize_refuse(meta, REASON_BAD_L4_HEADER);
	meta->tcp_flags = tcp->tcp_flags;
	if (unlikely(!sanitize_tcp_flags_valid(meta->tcp_flags)))
		return sanitize_refuse(meta, REASON_BAD_TCP_FLAGS);
	sanitize_set_ports(meta, ends, tcp->src_port, tcp->dst_port);
	return SANITIZE_TO_FLOW_LOOKUP;
}

static inline rte_edge_t sanitize_udp(struct packet_meta *meta,
    struct sanitize_ends *ends, const struct rte_udp_hdr *udp, uint32_t size)
{
	if (unlikely(size < sizeof(*udp) ||
		     rte_be_to_cpu_16(udp->dgram_len) != size ||
		     !udp->src_port || !udp->dst_port))
		return sanitize_refuse(meta, REASON_BAD_L4_HEADER);
	sanitize_set_ports(meta, ends, udp->src_port, udp->dst_port);
	return SANITIZE_TO_FLOW_LOOKUP;
}

/* Uses the helpers above. */
#include "dataplane/packet/node/sanitize_icmp.h"

/* Fills ports, flags, kind and protocol of meta. */
static inline rte_edge_t sanitize_l4(const struct worker *w,
    struct packet_meta *meta, struct sanitize_ends *ends,
    const struct rte_mbuf *mbuf, const struct rte_ipv4_hdr *ip)
{
	uint32_t size = mbuf->data_len - PACKET_L4_OFFSET;
	const void *l4 = ip + 1;

	meta->kind = PACKET_PLAIN;
	meta->protocol = ip->next_proto_id;
	switch (meta->protocol) {
	case IPPROTO_TCP:
		return sanitize_tcp(meta, ends, l4, size);
	case IPPROTO_UDP:
		return sanitize_udp(meta, ends, l4, size);
	case IPPROTO_ICMP:
		return sanitize_icmp(w, meta, ends, mbuf, l4, size);
	default:
		meta->reason = REASON_PROTOCOL;
		return meta->direction == DIRECTION_OUT ? SANITIZE_TO_REJECT
							: SANITIZE_TO_DROP;
	}
}
