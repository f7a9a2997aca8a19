/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DHCPv4 messages as node dhcp reads and writes them: RFC 2131 section 2 for
 * the fixed part, RFC 2132 for options. Worker thread.
 */
#pragma once

#include "dataplane/packet/node/node.h"

#define DHCP_CLIENT_PORT    68
#define DHCP_COOKIE	    RTE_BE32(0x63825363)
#define DHCP_FLAG_BROADCAST RTE_BE16(0x8000)

enum dhcp_type {
	DHCP_DISCOVER = 1,
	DHCP_OFFER = 2,
	DHCP_REQUEST = 3,
	DHCP_ACK = 5,
	DHCP_NAK = 6,
	DHCP_INFORM = 8,
};

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

/* The message in a frame that sanitize found to be UDP to the DHCP port. */
static inline struct bootp *dhcp_bootp(struct rte_mbuf *mbuf)
{
	return (void *)((struct rte_udp_hdr *)packet_l4(mbuf) + 1);
}

/* What matters of a question; addresses in host order, 0 = not said. */
struct dhcp_question {
	uint8_t type;
	uint32_t client;    /* ciaddr */
	uint32_t requested; /* option 50 */
	uint32_t server;    /* option 54 */
};

/*
 * Read a question in a frame whose IPv4 header and UDP port are checked.
 * false: malformed, not a request, or not from that MAC address.
 */
bool dhcp_parse(struct dhcp_question *question, struct rte_mbuf *mbuf,
    const struct rte_ether_addr *mac);

/* Turn the question's frame into the answer. false: no room in the mbuf. */
bool dhcp_write(const struct worker *w, struct rte_mbuf *mbuf,
    const struct dhcp_question *question, uint8_t type);
