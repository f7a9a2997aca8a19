/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DHCPv4 messages as node dhcp reads and writes them: RFC 2131 section 2 for
 * the fixed part, RFC 2132 for options. Worker thread.
 */
#pragma once

#include "dataplane/packet/node/node.h"

enum dhcp_type {
	DHCP_DISCOVER = 1,
	DHCP_OFFER = 2,
	DHCP_REQUEST = 3,
	DHCP_ACK = 5,
	DHCP_NAK = 6,
	DHCP_INFORM = 8,
};

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
