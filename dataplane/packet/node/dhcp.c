/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Node dhcp: leases the guest its one address (RFC 2131, 2132). It answers
 * DISCOVER, REQUEST and INFORM of the guest's own MAC address; all else ends
 * here. The answer is written over the question. Worker thread.
 *
 * Uses: frame of the guest. Sets: the frame becomes the answer. Next: port_tx
 * of the guest, drop.
 */
#include "dataplane/packet/node/node.h"

#include "dataplane/packet/node/dhcp.h"
#include "dataplane/packet/node/service.h"

/* What is said to a question; 0 = nothing. */
static uint8_t choose(const struct worker *w, const struct dhcp_question *q)
{
	switch (q->type) {
	case DHCP_DISCOVER:
		return DHCP_OFFER;
	case DHCP_INFORM:
		return DHCP_ACK;
	case DHCP_REQUEST: {
		uint32_t wanted = q->requested ? q->requested : q->client;

		if (q->server && q->server != w->gateway_address)
			return 0; /* it chose another server */
		return wanted == w->guest_address ? DHCP_ACK : DHCP_NAK;
	}
	default:
		return 0;
	}
}

static rte_edge_t answer(struct worker *w, struct rte_mbuf *mbuf)
{
	struct dhcp_question question;
	uint8_t type;

	if (!dhcp_parse(&question, mbuf, &w->port[PORT_GUEST].peer_mac))
		return service_refuse(mbuf, REASON_BAD_DHCP);
	type = choose(w, &question);
	if (!type)
		return service_refuse(mbuf, REASON_BAD_DHCP);
	if (!service_allow(w))
		return service_refuse(mbuf, REASON_SERVICE_RATE);
	if (!dhcp_write(w, mbuf, &question, type))
		return service_refuse(mbuf, REASON_NO_MBUF);
	return SERVICE_TO_GUEST;
}

uint16_t dhcp_process(
    struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t len)
{
	return service_process(graph, node, objs, len, answer);
}
