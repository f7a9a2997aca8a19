/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Node echo: answers the guest's pings of its gateway (RFC 792). The node
 * sanitize has checked addresses and that the ICMP header is whole. Worker
 * thread.
 *
 * Uses: frame of the guest. Sets: the frame becomes the answer. Next: port_tx
 * of the guest, drop.
 */
#include "dataplane/packet/node/node.h"

#include "dataplane/packet/node/checksum.h"
#include "dataplane/packet/node/service.h"

static rte_edge_t answer(struct worker *w, struct rte_mbuf *mbuf)
{
	const struct port *guest = &w->port[PORT_GUEST];
	struct rte_ether_hdr *ether = packet_ether(mbuf);
	struct rte_ipv4_hdr *ip = packet_ip(mbuf);
	struct rte_icmp_hdr *icmp = packet_l4(mbuf);
	rte_be32_t source = ip->src_addr;

	if (icmp->icmp_code != 0)
		return service_refuse(mbuf, REASON_ICMP_TYPE);
	if (!service_allow(w))
		return service_refuse(mbuf, REASON_SERVICE_RATE);
	ip->src_addr = ip->dst_addr;
	ip->dst_addr = source;
	icmp->icmp_type = RTE_IP_ICMP_ECHO_REPLY;
	icmp->icmp_cksum = checksum_change(
	    icmp->icmp_cksum, RTE_BE32(RTE_IP_ICMP_ECHO_REQUEST << 24), 0);
	ether->dst_addr = guest->peer_mac;
	ether->src_addr = guest->own_mac;
	return SERVICE_TO_GUEST;
}

uint16_t echo_process(
    struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t len)
{
	return service_process(graph, node, objs, len, answer);
}
