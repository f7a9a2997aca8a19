/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Node flow_lookup: packets of a live flow of this generation are counted and
 * go on at once; everything else is judged by admit. Worker thread.
 *
 * Theory of operation. Two passes over at most LOOKUP_BATCH packets: the first
 * reads the buckets (prefetched by sanitize) and prefetches the entries, the
 * second compares and counts. A flow in its second bucket is found by admit's
 * flow_find(): rare, and the same code then lets it pass.
 *
 * Uses: packet_meta of sanitize. Sets: out_port. Next: forward, admit.
 */
#include "dataplane/packet/node/node.h"

#include "dataplane/packet/flow.h"
#include "dataplane/packet/tables.h"

#define LOOKUP_BATCH 64

static bool pass(const struct worker *w, struct flow *flow,
    struct packet_meta *meta, const struct rte_mbuf *mbuf)
{
	if (unlikely(!flow || flow->key != meta->key ||
		     flow->protocol != meta->protocol ||
		     flow->generation != w->tables->generation ||
		     meta->kind != PACKET_PLAIN))
		return false;
	if (unlikely(mbuf->port != PORT_GUEST && mbuf->port != flow->port))
		return false;
	if (unlikely(!flow_touch(flow, meta, mbuf->pkt_len, w->now_ns)))
		return false;
	meta->out_port =
	    meta->direction == DIRECTION_OUT ? flow->port : PORT_GUEST;
	return true;
}

uint16_t flow_lookup_process(
    struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t len)
{
	struct worker *w = node_context(node)->worker;
	struct node_run run = {0, FLOW_LOOKUP_TO_FORWARD};
	struct flow *guess[LOOKUP_BATCH];

	for (uint16_t base = 0; base < len; base += LOOKUP_BATCH) {
		uint16_t end = RTE_MIN((uint16_t)(base + LOOKUP_BATCH), len);

		for (uint16_t i = base; i < end; i++) {
			guess[i - base] =
			    flow_guess(w->flows, packet_meta(objs[i])->hash);
			rte_prefetch0(guess[i - base]);
		}
		for (uint16_t i = base; i < end; i++) {
			bool hit = pass(
			    w, guess[i - base], packet_meta(objs[i]), objs[i]);

			node_run_next(&run, graph, node, objs, i,
			    hit ? FLOW_LOOKUP_TO_FORWARD
				: FLOW_LOOKUP_TO_ADMIT);
		}
	}
	node_run_end(&run, graph, node, objs, len);
	return len;
}
