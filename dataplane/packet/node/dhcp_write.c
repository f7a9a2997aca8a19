/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing DHCPv4 answers: see dhcp.h. Called by node dhcp; worker thread.
 */
#include "dataplane/packet/node/checksum.h"
#include "dataplane/packet/node/dhcp.h"

#define LEASE_S	    86400
#define SERVER_PORT 67
#define OPTION_ROOM 60 /* options, padded: a BOOTP message of 300 bytes */

static uint8_t *put(
    uint8_t *at, uint8_t option, const void *value, uint8_t size)
{
	at[0] = option;
	at[1] = size;
	memcpy(at + 2, value, size);
	return at + 2 + size;
}

static uint8_t *put_u32(uint8_t *at, uint8_t option, uint32_t value)
{
	rte_be32_t word = rte_cpu_to_be_32(value);

	return put(at, option, &word, sizeof(word));
}

static void write_options(const struct worker *w, uint8_t *at,
    const struct dhcp_question *question, uint8_t type)
{
	rte_be16_t mtu = rte_cpu_to_be_16(w->mtu);

	memset(at, 0, OPTION_ROOM);
	at = put(at, OPTION_TYPE, &type, 1);
	at = put_u32(at, OPTION_SERVER, w->gateway_address);
	if (type != DHCP_NAK) {
		if (question->type != DHCP_INFORM)
			at = put_u32(at, OPTION_LEASE, LEASE_S);
		at = put_u32(
		    at, OPTION_MASK, (uint32_t)(~0ull << (32 - w->prefix)));
		at = put_u32(at, OPTION_ROUTER, w->gateway_address);
		at = put_u32(at, OPTION_DNS, w->gateway_address);
		at = put(at, OPTION_MTU, &mtu, sizeof(mtu));
	}
	*at = OPTION_END;
}

static void write_headers(
    const struct worker *w, struct rte_mbuf *mbuf, rte_be32_t destination)
{
	const struct port *guest = &w->port[PORT_GUEST];
	struct rte_ether_hdr *ether = packet_ether(mbuf);
	struct rte_ipv4_hdr *ip = packet_ip(mbuf);
	struct rte_udp_hdr *udp = packet_l4(mbuf);
	uint16_t size = mbuf->data_len - PACKET_L4_OFFSET;

	ether->dst_addr = guest->peer_mac;
	if (destination == UINT32_MAX)
		memset(&ether->dst_addr, 0xff, sizeof(ether->dst_addr));
	ether->src_addr = guest->own_mac;
	*ip = (struct rte_ipv4_hdr) {
	    .version_ihl = RTE_IPV4_VHL_DEF,
	    .total_length = rte_cpu_to_be_16(sizeof(*ip) + size),
	    .time_to_live = 64,
	    .next_proto_id = IPPROTO_UDP,
	    .src_addr = rte_cpu_to_be_32(w->gateway_address),
	    .dst_addr = destination,
	};
	ip->hdr_checksum = checksum_bytes(ip, sizeof(*ip), 0);
	*udp = (struct rte_udp_hdr) {
	    .src_port = RTE_BE16(SERVER_PORT),
	    .dst_port = RTE_BE16(DHCP_CLIENT_PORT),
	    .dgram_len = rte_cpu_to_be_16(size),
	};
	udp->dgram_cksum = checksum_bytes(udp, size,
	    checksum_pseudo(ip->src_addr, destination, IPPROTO_UDP, size));
	if (udp->dgram_cksum == 0)
		udp->dgram_cksum = 0xffff;
}

bool dhcp_write(const struct worker *w, struct rte_mbuf *mbuf,
    const struct dhcp_question *question, uint8_t type)
{
	const uint16_t size = PACKET_L4_OFFSET + sizeof(struct rte_udp_hdr) +
			      sizeof(struct bootp) + OPTION_ROOM;
	struct bootp *bootp = dhcp_bootp(mbuf);
	rte_be32_t destination = rte_cpu_to_be_32(w->guest_address);

	if (mbuf->buf_len - mbuf->data_off < size)
		return false;
	mbuf->data_len = size;
	mbuf->pkt_len = size;
	bootp->op = 2;
	bootp->hops = 0;
	bootp->secs = 0;
	bootp->yiaddr = destination;
	bootp->siaddr = 0;
	memset(bootp->sname, 0, sizeof(bootp->sname));
	memset(bootp->file, 0, sizeof(bootp->file));
	if (question->type == DHCP_INFORM || type == DHCP_NAK)
		bootp->yiaddr = 0;
	if (type == DHCP_NAK)
		bootp->ciaddr = 0;
	/* RFC 2131, 4.1: to the client's own address, else as it asked. */
	if (type == DHCP_NAK ||
	    (!bootp->ciaddr && (bootp->flags & DHCP_FLAG_BROADCAST)))
		destination = UINT32_MAX;
	write_options(w, bootp->option, question, type);
	write_headers(w, mbuf, destination);
	return true;
}
