/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Node port_rx-N: takes a burst from port N and turns it away while nothing
 * may pass: what is stale, while the link is closed, without a generation.
 * First node of every walk, one clone per port; worker thread.
 *
 * Uses: port->ops. Sets: mbuf->port. Next: sanitize, drop.
 */
#include "dataplane/packet/node/node.h"

/* Why this port's frames may not pass now; REASON_OK when they may. */
static enum gw_reason judge_state(
    const struct worker *w, const struct port *port)
{
	if (unlikely(atomic_load_explicit(&port->stale, memory_order_relaxed)))
		return REASON_STALE;
	if (unlikely(atomic_load_explicit(&w->interlock,
			 memory_order_relaxed) != INTERLOCK_OPEN))
		return REASON_CLOSED;
	if (unlikely(!w->tables))
		return REASON_NO_GENERATION;
	return REASON_OK;
}

/* What waited is gone once the port gave less than a burst. */
static void settle(struct port *port, uint16_t len)
{
	if (len == PACKET_BURST && port->stale_bursts < PORT_STALE_MAX) {
		port->stale_bursts++;
		return;
	}
	port->stale_bursts = 0;
	atomic_store_explicit(&port->stale, false, memory_order_relaxed);
}

uint16_t port_rx_process(
    struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t len)
{
	struct node_context *context = node_context(node);
	struct worker *w = context->worker;
	struct port *port = &w->port[context->port];
	enum gw_reason reason = judge_state(w, port);
	struct rte_mbuf **mbufs = (struct rte_mbuf **)objs;
	uint64_t size = 0;

	len = port->ops->rx(port, mbufs, PACKET_BURST);
	if (unlikely(reason == REASON_STALE))
		settle(port, len);
	if (len == 0)
		return 0;
	for (uint16_t i = 0; i < len; i++) {
		mbufs[i]->port = context->port;
		size += mbufs[i]->pkt_len;
	}
	port->counters.rx_packets += len;
	port->counters.rx_bytes += size;
	w->frames += len;
	node->idx = len;
	if (likely(reason == REASON_OK)) {
		rte_node_next_stream_move(graph, node, PORT_RX_TO_SANITIZE);
		return len;
	}
	for (uint16_t i = 0; i < len; i++) {
		struct packet_meta *meta = packet_meta(mbufs[i]);

		meta->reason = (uint8_t)reason;
		meta->quiet = 0;
		meta->rule = POLICY_NONE;
	}
	rte_node_next_stream_move(graph, node, PORT_RX_TO_DROP);
	return len;
}
