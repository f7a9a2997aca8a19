/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the gateway's own services (arp, dhcp, echo) share: a limit of answers,
 * the way to refuse, and the loop over a burst. Worker thread.
 */
#pragma once

#include "dataplane/packet/node/node.h"

#define SERVICE_PER_S 1000
#define SERVICE_BURST 1000

static inline bool service_allow(struct worker *w)
{
	return worker_take(w, &w->service_limit, SERVICE_PER_S, SERVICE_BURST);
}

static inline rte_edge_t service_refuse(
    struct rte_mbuf *mbuf, enum gw_reason reason)
{
	packet_meta(mbuf)->reason = (uint8_t)reason;
	return SERVICE_TO_DROP;
}

/* Answer one question in place; exit of the packet. */
typedef rte_edge_t (*service_answer)(struct worker *w, struct rte_mbuf *mbuf);

/* The body that all service nodes share; `answer` is inlined. */
static __rte_always_inline uint16_t service_process(struct rte_graph *graph,
    struct rte_node *node, void **objs, uint16_t len, service_answer answer)
{
	struct worker *w = node_context(node)->worker;
	struct node_run run = {0, SERVICE_TO_GUEST};

	for (uint16_t i = 0; i < len; i++)
		node_run_next(&run, graph, node, objs, i, answer(w, objs[i]));
	node_run_end(&run, graph, node, objs, len);
	return len;
}
