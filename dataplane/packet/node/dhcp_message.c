/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading and writing DHCPv4 messages: see dhcp.h. Called by node dhcp; worker
 * thread.
 */
#include "dataplane/packet/node/dhcp.h"

#include "dataplane/packet/node/checksum.h"

#define LEASE_S	       86400
#define CLIENT_PORT    68
#define SERVER_PORT    67
#define COOKIE	       RTE_BE32(0x63825363)
#define FLAG_BROADCAST RTE_BE16(0x8000)
#define OPTION_ROOM    60 /* the options of an answer, padded: 300 bytes BOOTP */

enum dhcp_option {
	OPTION_PAD = 0,
	OPTION_MASK = 1,
	OPTION_ROUTER = 3,
	OPTION_DNS = 6,
	OPTION_MTU = 26,
	OPTION_REQUESTED = 50,
	OPTION_LEASE = 51,
	OPTION_TYPE = 53,
	OPTION_SERVER = 54,
	OPTION_END = 255,
};

struct bootp {
	uint8_t op, htype, hlen, hops;
	rte_be32_t xid;
	rte_be16_t secs, flags;
	rte_be32_t ciaddr, yiaddr, siaddr, giaddr;
	uint8_t chaddr[16];
	uint8_t sname[64];
	uint8_t file[128];
	rte_be32_t cookie;
	uint8_t option[];
} __attribute__((packed, aligned(2)));
_Static_assert(sizeof(struct bootp) == 240, "RFC 2131, figure 1, and cookie");

static struct bootp *bootp_of(struct rte_mbuf *mbuf)
{
	return (void *)((struct rte_udp_hdr *)packet_l4(mbuf) + 1);
}

static bool read_u32(uint32_t *value, const uint8_t *bytes, uint8_t size)
{
	uint32_t word;

	if (size != 4)
		return false;
	memcpy(&word, bytes, 4);
	*value = rte_be_to_cpu_32(word);
	return true;
}

/* option: `size` bytes of options. false: one runs over the end, or has a
 * wrong length. */
static bool parse_options(
    struct dhcp_question *question, const uint8_t *option, uint32_t size)
{
	uint32_t at = 0;

	while (at < size && option[at] != OPTION_END) {
		const uint8_t *value = option + at + 2;
		uint8_t len;

		if (option[at] == OPTION_PAD) {
			at++;
			continue;
		}
		if (size - at < 2 || option[at + 1] > size - at - 2)
			return false;
		len = option[at + 1];
		switch (option[at]) {
		case OPTION_TYPE:
			if (len != 1)
				return false;
			question->type = value[0];
			break;
		case OPTION_REQUESTED:
			if (!read_u32(&question->requested, value, len))
				return false;
			break;
		case OPTION_SERVER:
			if (!read_u32(&question->server, value, len))
				return false;
			break;
		}
		at += 2 + len;
	}
	return question->type != 0;
}

bool dhcp_parse(struct dhcp_question *question, struct rte_mbuf *mbuf,
    const struct rte_ether_addr *mac)
{
	const struct rte_udp_hdr *udp = packet_l4(mbuf);
	const struct bootp *bootp = bootp_of(mbuf);
	uint32_t size = mbuf->data_len - PACKET_L4_OFFSET;

	*question = (struct dhcp_question) {0};
	if (size < sizeof(*udp) + sizeof(*bootp) ||
	    rte_be_to_cpu_16(udp->dgram_len) != size)
		return false;
	if (udp->src_port != RTE_BE16(CLIENT_PORT) || bootp->op != 1 ||
	    bootp->htype != 1 || bootp->hlen != RTE_ETHER_ADDR_LEN ||
	    bootp->giaddr != 0 || bootp->cookie != COOKIE ||
	    memcmp(bootp->chaddr, mac, RTE_ETHER_ADDR_LEN) != 0)
		return false;
	question->client = rte_be_to_cpu_32(bootp->ciaddr);
	return parse_options(
	    question, bootp->option, size - sizeof(*udp) - sizeof(*bootp));
}

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
	    .dst_port = RTE_BE16(CLIENT_PORT),
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
	struct bootp *bootp = bootp_of(mbuf);
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
	    (!bootp->ciaddr && (bootp->flags & FLAG_BROADCAST)))
		destination = UINT32_MAX;
	write_options(w, bootp->option, question, type);
	write_headers(w, mbuf, destination);
	return true;
}
