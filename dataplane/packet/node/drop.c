/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Node drop: counts a packet under its reason and the port it came from, and
 * frees it. The only place where packets end besides port_tx; worker thread.
 *
 * Uses: mbuf->port, reason, quiet, rule. Next: none.
 */
#include "dataplane/packet/node/node.h"

#include "dataplane/packet/node/denial.h"

uint16_t drop_process(
    struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t len)
{
	struct worker *w = node_context(node)->worker;

	for (uint16_t i = 0; i < len; i++)
		denial_count(w, objs[i]);
	rte_pktmbuf_free_bulk((struct rte_mbuf **)objs, len);
	return len;
}
