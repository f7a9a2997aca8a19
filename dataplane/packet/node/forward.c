/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Node forward: gives an allowed packet the Ethernet header of the link it
 * leaves on and, on a port with a NAT address, the address of that side.
 * Reached only from flow_lookup (live flow) and admit (allowed). Worker thread.
 *
 * Theory of operation. The guest is a leaf and the network's namespace routes,
 * so the TTL is left alone: the gateway can't be part of a loop. One gateway
 * serves one guest, so NAT changes the address only, never a port. In an ICMP
 * error the quoted header is changed too; its own checksum moves by the
 * opposite amount, so the ICMP checksum stays right.
 *
 * Uses: out_port. Sets: headers. Next: port_tx-N.
 */
#include "dataplane/packet/node/node.h"

#include "dataplane/packet/node/checksum.h"

/* The checksum over the pseudo-header follows an address. */
static void change_l4(
    struct rte_mbuf *mbuf, uint8_t protocol, rte_be32_t old, rte_be32_t new)
{
	struct rte_udp_hdr *udp = packet_l4(mbuf);
	struct rte_tcp_hdr *tcp = packet_l4(mbuf);

	if (protocol == IPPROTO_TCP)
		tcp->cksum = checksum_change(tcp->cksum, old, new);
	if (protocol == IPPROTO_UDP && udp->dgram_cksum) {
		udp->dgram_cksum = checksum_change(udp->dgram_cksum, old, new);
		if (udp->dgram_cksum == 0)
			udp->dgram_cksum = 0xffff;
	}
}

/* The source (else the destination) of a header becomes `new`; returns what it
 * was. */
static rte_be32_t change_address(
    struct rte_ipv4_hdr *ip, bool source, rte_be32_t new)
{
	rte_be32_t old = source ? ip->src_addr : ip->dst_addr;

	ip->hdr_checksum = checksum_change(ip->hdr_checksum, old, new);
	if (source)
		ip->src_addr = new;
	else
		ip->dst_addr = new;
	return old;
}

static void translate(struct rte_mbuf *mbuf, bool source, uint32_t address)
{
	struct rte_ipv4_hdr *ip = packet_ip(mbuf);
	rte_be32_t new = rte_cpu_to_be_32(address);
	rte_be32_t old = change_address(ip, source, new);

	change_l4(mbuf, ip->next_proto_id, old, new);
	if (packet_meta(mbuf)->kind == PACKET_ICMP_ERROR) {
		struct rte_icmp_hdr *icmp = packet_l4(mbuf);

		change_address((void *)(icmp + 1), !source, new);
	}
}

uint16_t forward_process(
    struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t len)
{
	struct worker *w = node_context(node)->worker;
	struct node_run run = {0, FORWARD_TO_PORT};

	for (uint16_t i = 0; i < len; i++) {
		struct rte_mbuf *mbuf = objs[i];
		uint8_t to = packet_meta(mbuf)->out_port;
		struct rte_ether_hdr *ether = packet_ether(mbuf);
		const struct port *out = &w->port[to];
		const struct port *in = &w->port[mbuf->port];

		ether->dst_addr = out->peer_mac;
		ether->src_addr = out->own_mac;
		if (unlikely(out->nat_address | in->nat_address))
			translate(mbuf, out->nat_address != 0,
			    out->nat_address ? out->nat_address
					     : w->guest_address);
		node_run_next(&run, graph, node, objs, i, FORWARD_TO_PORT + to);
	}
	node_run_end(&run, graph, node, objs, len);
	return len;
}
