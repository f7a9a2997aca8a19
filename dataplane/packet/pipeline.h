/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pipeline: which nodes a packet can pass and in which order. pipeline.c
 * holds the one table; here is how it is brought to life and shown. Control
 * thread (creation), tests, offline mode.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "dataplane/packet/worker.h"

struct rte_mbuf;

/* Below 16: a packet's path is kept as 4 bits per node. */
enum pipeline_node {
	NODE_NONE,
	NODE_PORT_RX,
	NODE_SANITIZE,
	NODE_FLOW_LOOKUP,
	NODE_ADMIT,
	NODE_FORWARD,
	NODE_REJECT,
	NODE_ARP,
	NODE_DHCP,
	NODE_ECHO,
	NODE_PORT_TX,
	NODE_DROP,
	NODE_MAX,
};

/* "port_rx", ...; "?" when out of range. */
const char *pipeline_node_name(unsigned int node);

/*
 * Called for each burst that enters a node, after the packets' path was
 * extended; port: of per-port nodes. The packets are the node's.
 */
typedef void (*pipeline_observer)(enum pipeline_node node, uint8_t port,
    struct rte_mbuf **mbufs, uint16_t len);

/*
 * Watch every node of graphs created from now on (offline mode and tests);
 * without it no walk pays for the possibility. Before the first
 * pipeline_create().
 */
void pipeline_observe(pipeline_observer observer);

/*
 * Make the graph for the ports that are present now and let the worker walk
 * it; an older one is destroyed when the worker has left it. Call again after
 * each change of worker->port[].present. Returns 0 or -errno (then the old
 * graph, if any, stays).
 */
int pipeline_create(struct worker *w);
/* The worker must have stopped. */
void pipeline_destroy(struct worker *w);

/* Write the table as graphviz text / as the picture docs/pipeline.svg. Needs
 * no EAL. */
void pipeline_write_dot(FILE *file);
void pipeline_write_svg(FILE *file);
