/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Node arp: answers the guest's question for the gateway's address (RFC 826);
 * every other ARP ends here. Worker thread.
 *
 * Uses: frame of the guest. Sets: the frame becomes the answer. Next: port_tx
 * of the guest, drop.
 */
#include "dataplane/packet/node/node.h"

#include <rte_arp.h>

#include "dataplane/packet/node/service.h"

/* REASON_OK when it is the one question that is answered. */
static enum gw_reason judge(const struct worker *w, const struct rte_mbuf *mbuf,
    const struct rte_ether_hdr *ether, const struct rte_arp_hdr *arp)
{
	rte_be32_t sender;

	if (mbuf->data_len < sizeof(*ether) + sizeof(*arp))
		return REASON_TOO_SHORT;
	if (arp->arp_hardware != RTE_BE16(RTE_ARP_HRD_ETHER) ||
	    arp->arp_protocol != RTE_BE16(RTE_ETHER_TYPE_IPV4) ||
	    arp->arp_hlen != RTE_ETHER_ADDR_LEN || arp->arp_plen != 4)
		return REASON_BAD_ARP;
	sender = arp->arp_data.arp_sip;
	if (!rte_is_same_ether_addr(
		&arp->arp_data.arp_sha, &w->port[PORT_GUEST].peer_mac) ||
	    (sender != 0 && sender != rte_cpu_to_be_32(w->guest_address)))
		return REASON_SPOOFED;
	if (arp->arp_opcode != RTE_BE16(RTE_ARP_OP_REQUEST) ||
	    arp->arp_data.arp_tip != rte_cpu_to_be_32(w->gateway_address))
		return REASON_BAD_ARP;
	return REASON_OK;
}

static rte_edge_t answer(struct worker *w, struct rte_mbuf *mbuf)
{
	const struct port *guest = &w->port[PORT_GUEST];
	struct rte_ether_hdr *ether = packet_ether(mbuf);
	struct rte_arp_hdr *arp = (void *)(ether + 1);
	enum gw_reason reason = judge(w, mbuf, ether, arp);

	if (reason == REASON_OK && !service_allow(w))
		reason = REASON_SERVICE_RATE;
	if (reason != REASON_OK)
		return service_refuse(mbuf, reason);
	arp->arp_opcode = RTE_BE16(RTE_ARP_OP_REPLY);
	arp->arp_data.arp_tha = guest->peer_mac;
	arp->arp_data.arp_tip = arp->arp_data.arp_sip;
	arp->arp_data.arp_sha = guest->own_mac;
	arp->arp_data.arp_sip = rte_cpu_to_be_32(w->gateway_address);
	ether->dst_addr = guest->peer_mac;
	ether->src_addr = guest->own_mac;
	mbuf->data_len = sizeof(*ether) + sizeof(*arp);
	mbuf->pkt_len = mbuf->data_len;
	return SERVICE_TO_GUEST;
}

uint16_t arp_process(
    struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t len)
{
	return service_process(graph, node, objs, len, answer);
}
