/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Node sanitize: the one pass over headers that nobody vouches for. What
 * leaves it towards flow_lookup is a whole, unfragmented IPv4 packet without
 * options, with right lengths and header checksum, from and to addresses that
 * belong there, whose flow is named in its packet_meta. Every header field is
 * read here once. Worker thread.
 *
 * Uses: mbuf->port. Sets: packet_meta, frame length (padding cut off).
 * Next: flow_lookup, arp, dhcp, echo, reject, drop.
 */
#include "dataplane/packet/node/node.h"

#include "dataplane/packet/node/sanitize.h"
#include "dataplane/packet/node/sanitize_ip.h"
#include "dataplane/packet/node/sanitize_plain.h"

#define REFUSE(why)                          \
	do {                                 \
		meta->reason = REASON_##why; \
		return SANITIZE_TO_DROP;     \
	} while (0)

/* Frames that are not for us to route: group and foreign destinations. */
static rte_edge_t judge_destination_mac(struct packet_meta *meta,
    const struct rte_ether_hdr *ether, const struct port *port)
{
	if (likely(rte_is_same_ether_addr(&ether->dst_addr, &port->own_mac)))
		return SANITIZE_TO_FLOW_LOOKUP;
	if (ether->dst_addr.addr_bytes[0] & 1)
		REFUSE(MULTICAST);
	REFUSE(BAD_ADDRESS);
}

static rte_edge_t judge_ethertype(
    struct packet_meta *meta, rte_be16_t ether_type)
{
	switch (ether_type) {
	case RTE_BE16(RTE_ETHER_TYPE_ARP):
		if (meta->direction == DIRECTION_OUT)
			return SANITIZE_TO_ARP;
		REFUSE(BAD_ARP);
	case RTE_BE16(RTE_ETHER_TYPE_IPV6):
		REFUSE(IPV6);
	case RTE_BE16(RTE_ETHER_TYPE_VLAN):
	case RTE_BE16(RTE_ETHER_TYPE_QINQ):
	case RTE_BE16(RTE_ETHER_TYPE_QINQ1):
		REFUSE(VLAN);
	default:
		REFUSE(ETHERTYPE);
	}
}

/* 0.0.0.0/8, 127/8, 224/4 and above: neither end of a unicast packet. */
static bool is_no_host(uint32_t address)
{
	return address >> 24 == 0 || address >> 24 == 127 ||
	       address >= 0xe0000000;
}

/* Source and destination of a packet that came from the guest. */
static rte_edge_t judge_outbound(const struct worker *w,
    struct packet_meta *meta, struct sanitize_ends *ends,
    const struct rte_ipv4_hdr *ip, uint32_t source, uint32_t destination)
{
	ends->remote = destination;
	if (unlikely(destination == UINT32_MAX ||
		     (destination & 0xf0000000) == 0xe0000000)) {
		if (source != w->guest_address && source != 0)
			REFUSE(SPOOFED);
		if (destination == UINT32_MAX && sanitize_is_dhcp(ip))
			return SANITIZE_TO_DHCP;
		REFUSE(MULTICAST);
	}
	if (unlikely(source != w->guest_address))
		REFUSE(SPOOFED);
	if (unlikely(destination == w->gateway_address)) {
		if (sanitize_is_dhcp(ip))
			return SANITIZE_TO_DHCP;
		if (sanitize_is_echo_request(ip))
			return SANITIZE_TO_ECHO;
	}
	if (unlikely(
		is_no_host(destination) || destination == w->guest_address))
		REFUSE(BAD_ADDRESS);
	return SANITIZE_TO_FLOW_LOOKUP;
}

static rte_edge_t judge_inbound(const struct worker *w,
    struct packet_meta *meta, struct sanitize_ends *ends,
    const struct port *port, uint32_t source, uint32_t destination)
{
	uint32_t ours =
	    port->nat_address ? port->nat_address : w->guest_address;

	ends->remote = source;
	if (unlikely(destination != ours)) {
		if (destination == UINT32_MAX ||
		    (destination & 0xf0000000) == 0xe0000000)
			REFUSE(MULTICAST);
		REFUSE(FAR_DESTINATION);
	}
	if (unlikely(is_no_host(source) || source == w->guest_address))
		REFUSE(BAD_ADDRESS);
	return SANITIZE_TO_FLOW_LOOKUP;
}

rte_edge_t sanitize_judge(const struct worker *w, struct packet_meta *meta,
    struct sanitize_ends *ends, struct rte_mbuf *mbuf)
{
	const struct port *port = &w->port[mbuf->port];
	const struct rte_ether_hdr *ether = packet_ether(mbuf);
	const struct rte_ipv4_hdr *ip = (const void *)(ether + 1);
	rte_edge_t exit, to_mac;
	uint32_t source, destination;

	*ends = (struct sanitize_ends) {0};
	if (unlikely(mbuf->data_len < sizeof(*ether) || mbuf->nb_segs != 1))
		REFUSE(TOO_SHORT);
	if (meta->direction == DIRECTION_OUT &&
	    unlikely(
		!rte_is_same_ether_addr(&ether->src_addr, &port->peer_mac)))
		REFUSE(SPOOFED);
	if (unlikely(ether->ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV4)))
		return judge_ethertype(meta, ether->ether_type);
	if (unlikely(mbuf->data_len < sizeof(*ether) + sizeof(*ip)))
		REFUSE(TOO_SHORT);
	exit = sanitize_ip(w, meta, mbuf, ip);
	if (unlikely(exit != SANITIZE_TO_FLOW_LOOKUP))
		return exit;
	source = rte_be_to_cpu_32(ip->src_addr);
	destination = rte_be_to_cpu_32(ip->dst_addr);
	exit = meta->direction == DIRECTION_OUT
		   ? judge_outbound(w, meta, ends, ip, source, destination)
		   : judge_inbound(w, meta, ends, port, source, destination);
	if (unlikely(exit == SANITIZE_TO_DROP || exit == SANITIZE_TO_DHCP))
		return exit;
	to_mac = judge_destination_mac(meta, ether, port);
	if (unlikely(to_mac != SANITIZE_TO_FLOW_LOOKUP))
		return to_mac;
	if (unlikely(exit != SANITIZE_TO_FLOW_LOOKUP))
		return exit;
	return sanitize_l4(w, meta, ends, mbuf, ip);
}

static void clear(struct packet_meta *meta, uint8_t direction)
{
	meta->direction = direction;
	meta->reason = REASON_OK;
	meta->quiet = 0;
	meta->tcp_flags = 0;
	meta->rule = POLICY_NONE;
	meta->network = POLICY_ANY_NETWORK;
	meta->country = COUNTRY_NONE;
}

uint16_t sanitize_process(
    struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t len)
{
	struct worker *w = node_context(node)->worker;
	const struct flow_table *flows = w->flows;
	struct node_run run = {0, SANITIZE_TO_FLOW_LOOKUP};
	struct sanitize_link link = {.port = UINT16_MAX};

	for (uint16_t i = 0; i < len; i++) {
		struct rte_mbuf *mbuf = objs[i];
		struct packet_meta *meta = packet_meta(mbuf);
		struct sanitize_ends ends;
		rte_edge_t exit = SANITIZE_TO_FLOW_LOOKUP;

		if (unlikely(mbuf->port != link.port))
			sanitize_describe_link(&link, w, mbuf->port);
		clear(meta, link.direction);
		if (unlikely(!sanitize_is_plain(w, &link, meta, &ends, mbuf)))
			exit = sanitize_judge(w, meta, &ends, mbuf);
		if (likely(exit == SANITIZE_TO_FLOW_LOOKUP)) {
			meta->key = packet_key(
			    ends.remote, ends.guest_port, ends.remote_port);
			meta->hash =
			    flow_hash(flows, meta->key, meta->protocol);
			rte_prefetch0(flow_bucket(flows, meta->hash));
		}
		node_run_next(&run, graph, node, objs, i, exit);
	}
	node_run_end(&run, graph, node, objs, len);
	return len;
}
