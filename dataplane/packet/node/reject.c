/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Node reject: tells the guest at once that its packet was denied, so that it
 * does not wait: RST for TCP, ICMP prohibited for the rest. Answers go to the
 * guest only, are limited in rate, and are made in the denied packet's own
 * mbuf. Reached only by outbound packets; worker thread.
 *
 * Uses: reason, quiet, tcp_flags. Sets: the whole frame. Next: port_tx of the
 * guest, drop (no answer: quiet, a RST or ICMP error itself, rate).
 */
#include "dataplane/packet/node/node.h"

#include "dataplane/packet/node/checksum.h"
#include "dataplane/packet/node/denial.h"

#define REJECT_PER_S 1000
#define REJECT_BURST 1000

/* RFC 1812: an error carries at most so much of the packet it is about. */
#define QUOTE_MAX \
	(576 - sizeof(struct rte_ipv4_hdr) - sizeof(struct rte_icmp_hdr))

static void fill_ether(const struct worker *w, struct rte_mbuf *mbuf)
{
	const struct port *guest = &w->port[PORT_GUEST];
	struct rte_ether_hdr *ether = packet_ether(mbuf);

	ether->dst_addr = guest->peer_mac;
	ether->src_addr = guest->own_mac;
	ether->ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4);
}

/* source, destination: network order. */
static void fill_ip(struct rte_mbuf *mbuf, rte_be32_t source,
    rte_be32_t destination, uint8_t protocol)
{
	struct rte_ipv4_hdr *ip = packet_ip(mbuf);

	*ip = (struct rte_ipv4_hdr) {
	    .version_ihl = RTE_IPV4_VHL_DEF,
	    .total_length =
		rte_cpu_to_be_16(mbuf->data_len - sizeof(struct rte_ether_hdr)),
	    .fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG),
	    .time_to_live = 64,
	    .next_proto_id = protocol,
	    .src_addr = source,
	    .dst_addr = destination,
	};
	ip->hdr_checksum = checksum_bytes(ip, sizeof(*ip), 0);
}

/* RFC 9293, 3.10.7.1: the reset that a closed port would send. */
static bool answer_tcp(const struct worker *w, struct rte_mbuf *mbuf)
{
	const struct rte_ipv4_hdr *ip = packet_ip(mbuf);
	struct rte_tcp_hdr *tcp = packet_l4(mbuf);
	struct rte_tcp_hdr old = *tcp;
	rte_be32_t source = ip->dst_addr, destination = ip->src_addr;
	uint32_t len = mbuf->data_len - PACKET_L4_OFFSET -
		       (size_t)(old.data_off >> 4) * 4 +
		       !!(old.tcp_flags & RTE_TCP_SYN_FLAG) +
		       !!(old.tcp_flags & RTE_TCP_FIN_FLAG);

	if (old.tcp_flags & RTE_TCP_RST_FLAG)
		return false;
	mbuf->data_len = PACKET_L4_OFFSET + sizeof(*tcp);
	mbuf->pkt_len = mbuf->data_len;
	*tcp = (struct rte_tcp_hdr) {
	    .src_port = old.dst_port,
	    .dst_port = old.src_port,
	    .data_off = sizeof(*tcp) / 4 << 4,
	};
	if (old.tcp_flags & RTE_TCP_ACK_FLAG) {
		tcp->sent_seq = old.recv_ack;
		tcp->tcp_flags = RTE_TCP_RST_FLAG;
	} else {
		tcp->recv_ack =
		    rte_cpu_to_be_32(rte_be_to_cpu_32(old.sent_seq) + len);
		tcp->tcp_flags = RTE_TCP_RST_FLAG | RTE_TCP_ACK_FLAG;
	}
	tcp->cksum = checksum_bytes(tcp, sizeof(*tcp),
	    checksum_pseudo(source, destination, IPPROTO_TCP, sizeof(*tcp)));
	fill_ip(mbuf, source, destination, IPPROTO_TCP);
	fill_ether(w, mbuf);
	return true;
}

/* RFC 1812, 5.2.7.1: 9 network prohibited, 13 prohibited by filtering. */
static uint8_t icmp_code(uint8_t reason)
{
	return reason_stage(reason) == STAGE_NETWORK ? 9 : 13;
}

static bool answer_icmp(const struct worker *w, struct rte_mbuf *mbuf)
{
	const uint16_t more =
	    sizeof(struct rte_ipv4_hdr) + sizeof(struct rte_icmp_hdr);
	uint16_t quote = mbuf->data_len - sizeof(struct rte_ether_hdr);
	rte_be32_t destination = packet_ip(mbuf)->src_addr;
	struct rte_icmp_hdr *icmp;

	if (quote > QUOTE_MAX)
		quote = QUOTE_MAX;
	if (!rte_pktmbuf_prepend(mbuf, more))
		return false;
	mbuf->data_len = sizeof(struct rte_ether_hdr) + more + quote;
	mbuf->pkt_len = mbuf->data_len;
	icmp = packet_l4(mbuf);
	*icmp = (struct rte_icmp_hdr) {
	    .icmp_type = 3,
	    .icmp_code = icmp_code(packet_meta(mbuf)->reason),
	};
	icmp->icmp_cksum = checksum_bytes(icmp, sizeof(*icmp) + quote, 0);
	fill_ip(mbuf, rte_cpu_to_be_32(w->gateway_address), destination,
	    IPPROTO_ICMP);
	fill_ether(w, mbuf);
	return true;
}

/* An ICMP error is never answered by another (RFC 1122, 3.2.2). */
static bool may_answer(const struct packet_meta *meta)
{
	return !meta->quiet && meta->direction == DIRECTION_OUT &&
	       !(meta->tcp_flags & RTE_TCP_RST_FLAG) &&
	       meta->kind != PACKET_ICMP_ERROR;
}

static rte_edge_t reject(struct worker *w, struct rte_mbuf *mbuf)
{
	struct packet_meta *meta = packet_meta(mbuf);
	bool tcp = meta->protocol == IPPROTO_TCP;

	if (!may_answer(meta) ||
	    !worker_take(w, &w->reject_limit, REJECT_PER_S, REJECT_BURST))
		return REJECT_TO_DROP;
	if (!tcp && rte_pktmbuf_headroom(mbuf) < 64)
		return REJECT_TO_DROP;
	denial_count(w, mbuf); /* before its bytes become the answer's */
	if (tcp)
		answer_tcp(w, mbuf);
	else
		answer_icmp(w, mbuf);
	w->rejects++;
	meta->quiet = 1; /* should the answer itself get lost */
	return REJECT_TO_GUEST;
}

uint16_t reject_process(
    struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t len)
{
	struct worker *w = node_context(node)->worker;
	struct node_run run = {0, REJECT_TO_GUEST};

	for (uint16_t i = 0; i < len; i++)
		node_run_next(&run, graph, node, objs, i, reject(w, objs[i]));
	node_run_end(&run, graph, node, objs, len);
	return len;
}
