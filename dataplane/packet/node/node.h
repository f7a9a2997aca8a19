/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The nodes' process functions and the names of their exits. An exit is an
 * index; where it leads is said by the table in pipeline.c alone. Included by
 * the nodes and by pipeline.c; worker thread.
 */
#pragma once

#include "dataplane/packet/worker.h"

#include <rte_graph_worker.h>

#include "dataplane/packet/packet.h"

/* Lives in rte_node's 16 bytes of context. */
struct node_context {
	struct worker *worker;
	uint8_t port; /* of per-port nodes */
	uint8_t node; /* enum pipeline_node */
};
_Static_assert(
    sizeof(struct node_context) <= RTE_NODE_CTX_SZ, "fits in a node");

static inline struct node_context *node_context(struct rte_node *node)
{
	return (struct node_context *)node->ctx;
}

enum port_rx_exit { PORT_RX_TO_SANITIZE, PORT_RX_TO_DROP };
enum sanitize_exit {
	SANITIZE_TO_FLOW_LOOKUP,
	SANITIZE_TO_ARP,
	SANITIZE_TO_DHCP,
	SANITIZE_TO_ECHO,
	SANITIZE_TO_REJECT,
	SANITIZE_TO_DROP,
};
enum flow_lookup_exit { FLOW_LOOKUP_TO_FORWARD, FLOW_LOOKUP_TO_ADMIT };
enum admit_exit { ADMIT_TO_FORWARD, ADMIT_TO_REJECT, ADMIT_TO_DROP };
/* Exit FORWARD_TO_PORT + n is port n's port_tx. */
enum forward_exit { FORWARD_TO_DROP, FORWARD_TO_PORT };
enum reject_exit { REJECT_TO_GUEST, REJECT_TO_DROP };
enum service_exit { SERVICE_TO_GUEST, SERVICE_TO_DROP };
enum port_tx_exit { PORT_TX_TO_DROP };

/* Process functions as rte_graph wants them: what each does stands in its
 * file. len: packets in objs; returns how many were handled. */
uint16_t port_rx_process(
    struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t len);
uint16_t sanitize_process(
    struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t len);
uint16_t flow_lookup_process(
    struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t len);
uint16_t admit_process(
    struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t len);
uint16_t forward_process(
    struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t len);
uint16_t reject_process(
    struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t len);
uint16_t arp_process(
    struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t len);
uint16_t dhcp_process(
    struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t len);
uint16_t echo_process(
    struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t len);
uint16_t port_tx_process(
    struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t len);
uint16_t drop_process(
    struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t len);

/*
 * Hands a burst on in runs of one exit: packets of a burst mostly go the same
 * way, and a whole burst is passed on by swapping two pointers.
 */
struct node_run {
	uint16_t first; /* packet that began the run */
	rte_edge_t exit;
};

/* Before packet i goes to `exit`: close the run if that is another one. */
static inline void node_run_next(struct node_run *run, struct rte_graph *graph,
    struct rte_node *node, void **objs, uint16_t i, rte_edge_t exit)
{
	if (likely(exit == run->exit))
		return;
	if (i > run->first)
		rte_node_enqueue(
		    graph, node, run->exit, objs + run->first, i - run->first);
	run->first = i;
	run->exit = exit;
}

/* After the last packet. */
static inline void node_run_end(struct node_run *run, struct rte_graph *graph,
    struct rte_node *node, void **objs, uint16_t len)
{
	if (likely(run->first == 0))
		rte_node_next_stream_move(graph, node, run->exit);
	else
		rte_node_enqueue(graph, node, run->exit, objs + run->first,
		    len - run->first);
}
