/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Node port_tx-N: gives a burst to port N; what the port does not take is
 * dropped. One clone per port; worker thread.
 *
 * Uses: port->ops. Sets: reason. Next: drop.
 */
#include "dataplane/packet/node/node.h"

static void blame(void **objs, uint16_t len, enum gw_reason reason)
{
	for (uint16_t i = 0; i < len; i++) {
		struct packet_meta *meta = packet_meta(objs[i]);

		meta->reason = (uint8_t)reason;
	}
}

uint16_t port_tx_process(
    struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t len)
{
	struct node_context *context = node_context(node);
	struct port *port = &context->worker->port[context->port];
	struct rte_mbuf **mbufs = (struct rte_mbuf **)objs;
	uint64_t size = 0;
	uint16_t sent;

	if (unlikely(!port->present || !port->ops->link_up(port))) {
		blame(objs, len, REASON_LINK_DOWN);
		rte_node_next_stream_move(graph, node, PORT_TX_TO_DROP);
		return len;
	}
	for (uint16_t i = 0; i < len; i++)
		size += mbufs[i]->pkt_len;
	sent = port->ops->tx(port, mbufs, len);
	for (uint16_t i = sent; i < len; i++)
		size -= mbufs[i]->pkt_len;
	port->counters.tx_packets += sent;
	port->counters.tx_bytes += size;
	if (unlikely(sent < len)) {
		blame(objs + sent, len - sent, REASON_TX_FULL);
		rte_node_enqueue(
		    graph, node, PORT_TX_TO_DROP, objs + sent, len - sent);
	}
	return len;
}
