/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pipeline as one table, and the code that turns it into an rte_graph or
 * into a picture. gw-dataplane, control thread; nothing here runs per packet
 * but watch(), and that only offline and in tests.
 *
 * Theory of operation. Nodes are registered from the table once a process;
 * port_rx and port_tx are cloned for every port there could be. A graph holds
 * the port_rx of the ports that are present, so an absent port costs nothing;
 * when ports come or go a new graph is made, published, and the old one
 * destroyed after the worker has left it: between walks a graph holds no
 * packet. Every node's stream is sized beforehand, so a walk never allocates.
 */
#include "dataplane/packet/pipeline_priv.h"

#include <errno.h>
#include <stdlib.h>

#include "dataplane/packet/node/node.h"

/* clang-format off */
const struct pipeline_entry PIPELINE[NODE_MAX] = {
[NODE_PORT_RX] = { "port_rx", port_rx_process, .column = 0, .lane = 0, .source = true, .per_port = true,
	.text = "link open? generation?", .exit = {
	[PORT_RX_TO_SANITIZE]     = NODE_SANITIZE,
	[PORT_RX_TO_DROP]         = NODE_DROP }},
[NODE_SANITIZE] = { "sanitize", sanitize_process, .column = 1, .lane = 0,
	.text = "headers, leased source", .exit = {
	[SANITIZE_TO_FLOW_LOOKUP] = NODE_FLOW_LOOKUP,
	[SANITIZE_TO_ARP]         = NODE_ARP,
	[SANITIZE_TO_DHCP]        = NODE_DHCP,
	[SANITIZE_TO_ECHO]        = NODE_ECHO,
	[SANITIZE_TO_REJECT]      = NODE_REJECT,
	[SANITIZE_TO_DROP]        = NODE_DROP }},
[NODE_FLOW_LOOKUP] = { "flow_lookup", flow_lookup_process, .column = 2, .lane = 0,
	.text = "live flow of this generation?", .exit = {
	[FLOW_LOOKUP_TO_FORWARD]  = NODE_FORWARD,
	[FLOW_LOOKUP_TO_ADMIT]    = NODE_ADMIT }},
[NODE_ADMIT] = { "admit", admit_process, .column = 3, .lane = 1,
	.text = "network choice, rules", .exit = {
	[ADMIT_TO_FORWARD]        = NODE_FORWARD,
	[ADMIT_TO_REJECT]         = NODE_REJECT,
	[ADMIT_TO_DROP]           = NODE_DROP }},
[NODE_FORWARD] = { "forward", forward_process, .column = 4, .lane = 0, .any_port = true,
	.text = "link header, NAT", .exit = {
	[FORWARD_TO_DROP]         = NODE_DROP,
	[FORWARD_TO_PORT]         = NODE_PORT_TX }},
[NODE_REJECT] = { "reject", reject_process, .column = 4, .lane = 2,
	.text = "RST, ICMP prohibited", .exit = {
	[REJECT_TO_GUEST]         = NODE_PORT_TX,
	[REJECT_TO_DROP]          = NODE_DROP }},
[NODE_ARP] = { "arp", arp_process, .column = 3, .lane = 3,
	.text = "the gateway's MAC", .exit = {
	[SERVICE_TO_GUEST]        = NODE_PORT_TX,
	[SERVICE_TO_DROP]         = NODE_DROP }},
[NODE_DHCP] = { "dhcp", dhcp_process, .column = 3, .lane = 4,
	.text = "the guest's one lease", .exit = {
	[SERVICE_TO_GUEST]        = NODE_PORT_TX,
	[SERVICE_TO_DROP]         = NODE_DROP }},
[NODE_ECHO] = { "echo", echo_process, .column = 3, .lane = 5,
	.text = "ping of the gateway", .exit = {
	[SERVICE_TO_GUEST]        = NODE_PORT_TX,
	[SERVICE_TO_DROP]         = NODE_DROP }},
[NODE_PORT_TX] = { "port_tx", port_tx_process, .column = 5, .lane = 0, .per_port = true,
	.text = "the way out", .exit = {
	[PORT_TX_TO_DROP]         = NODE_DROP }},
[NODE_DROP] = { "drop", drop_process, .column = 5, .lane = 6,
	.text = "count by reason" },
};
/* clang-format on */

static pipeline_observer observer;
static rte_node_t port_rx_id[PORT_MAX];
static bool registered;
static unsigned int serial; /* graphs need names of their own */

const char *pipeline_node_name(unsigned int node)
{
	if (node == NODE_NONE || node >= NODE_MAX)
		return "?";
	return PIPELINE[node].name;
}

void pipeline_observe(pipeline_observer function)
{
	observer = function;
}

/* Stands before every node but the sources when somebody watches. */
static uint16_t watch(
    struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t len)
{
	const struct node_context *context = node_context(node);

	for (uint16_t i = 0; i < len; i++) {
		struct packet_trace *trace = packet_trace(objs[i]);

		trace->path = trace->path << 4 | context->node;
	}
	observer(context->node, context->port, (struct rte_mbuf **)objs, len);
	return PIPELINE[context->node].process(graph, node, objs, len);
}

/* "port_tx-3" -> NODE_PORT_TX and 3. */
static int fill_context(const struct rte_graph *graph, struct rte_node *node)
{
	struct node_context *context = node_context(node);
	const char *dash = strchr(node->name, '-');
	size_t size = dash ? (size_t)(dash - node->name) : strlen(node->name);

	*context = (struct node_context) {
	    .worker = &worker, .port = dash ? (uint8_t)atoi(dash + 1) : 0};
	for (int i = NODE_NONE + 1; i < NODE_MAX; i++)
		if (strlen(PIPELINE[i].name) == size &&
		    strncmp(PIPELINE[i].name, node->name, size) == 0)
			context->node = (uint8_t)i;
	return context->node ? 0 : -EINVAL;
}

unsigned int pipeline_exits(const struct pipeline_entry *entry)
{
	unsigned int len = 0;

	while (len < PIPELINE_EXIT_MAX && entry->exit[len] != NODE_NONE)
		len++;
	return len;
}

/* Names of a node's exits; per-port targets: the guest's port, or all. */
static unsigned int name_exits(
    const struct pipeline_entry *entry, char name[][RTE_NODE_NAMESIZE])
{
	unsigned int len = 0;

	for (unsigned int i = 0; i < pipeline_exits(entry); i++) {
		const struct pipeline_entry *to = &PIPELINE[entry->exit[i]];
		int ports = to->per_port && entry->any_port ? PORT_MAX : 1;

		for (int p = 0; p < ports; p++)
			snprintf(name[len++], RTE_NODE_NAMESIZE,
			    to->per_port ? "%s-%d" : "%s", to->name, p);
	}
	return len;
}

static rte_node_t register_node(const struct pipeline_entry *entry)
{
	char name[PIPELINE_EXIT_MAX + PORT_MAX][RTE_NODE_NAMESIZE];
	unsigned int len = name_exits(entry, name);
	struct rte_node_register *node =
	    calloc(1, sizeof(*node) + len * sizeof(char *));
	rte_node_t id;

	if (!node)
		return RTE_NODE_ID_INVALID;
	snprintf(node->name, sizeof(node->name), "%s", entry->name);
	node->flags = entry->source ? RTE_NODE_SOURCE_F : 0;
	node->process = observer && !entry->source ? watch : entry->process;
	node->init = fill_context;
	node->parent_id = RTE_NODE_ID_INVALID;
	node->nb_edges = (rte_edge_t)len;
	for (unsigned int i = 0; i < len; i++)
		node->next_nodes[i] = name[i];
	id = __rte_node_register(node);
	free(node);
	return id;
}

static int register_nodes(void)
{
	for (int i = NODE_NONE + 1; i < NODE_MAX; i++) {
		rte_node_t id = register_node(&PIPELINE[i]);

		if (rte_node_is_invalid(id))
			return -ENOMEM;
		for (int p = 0; PIPELINE[i].per_port && p < PORT_MAX; p++) {
			char suffix[8];
			rte_node_t clone;

			snprintf(suffix, sizeof(suffix), "%d", p);
			clone = rte_node_clone(id, suffix);
			if (rte_node_is_invalid(clone))
				return -ENOMEM;
			if (PIPELINE[i].source)
				port_rx_id[p] = clone;
		}
	}
	registered = true;
	return 0;
}

/* Room for every frame of a walk in every node: no allocation later. */
static void size_streams(struct rte_graph *graph)
{
	rte_graph_off_t offset;
	struct rte_node *node;
	rte_node_t count;

	rte_graph_foreach_node(count, offset, graph, node)
	    __rte_node_stream_alloc_size(graph, node, PACKET_WALK_MAX);
}

static struct rte_graph *make_graph(const struct worker *w)
{
	const char *pattern[PORT_MAX];
	struct rte_graph_param param = {
	    .socket_id = SOCKET_ID_ANY, .node_patterns = pattern};
	char name[RTE_GRAPH_NAMESIZE];
	struct rte_graph *graph = NULL;

	for (int i = 0; i < PORT_MAX; i++)
		if (w->port[i].present)
			pattern[param.nb_node_patterns++] =
			    rte_node_id_to_name(port_rx_id[i]);
	snprintf(name, sizeof(name), "walk%u", ++serial);
	if (rte_graph_create(name, &param) != RTE_GRAPH_ID_INVALID)
		graph = rte_graph_lookup(name);
	if (graph)
		size_streams(graph);
	return graph;
}

static bool any_present(const struct worker *w)
{
	for (int i = 0; i < PORT_MAX; i++)
		if (w->port[i].present)
			return true;
	return false;
}

int pipeline_create(struct worker *w)
{
	struct rte_graph *graph = NULL, *old;

	if (!registered && register_nodes() < 0)
		return -ENOMEM;
	if (any_present(w)) {
		graph = make_graph(w);
		if (!graph)
			return -ENOMEM;
	}
	old = atomic_exchange(&w->graph, graph);
	if (!old)
		return 0;
	if (w->qsbr)
		rte_rcu_qsbr_synchronize(w->qsbr, RTE_QSBR_THRID_INVALID);
	rte_graph_destroy(old->id);
	return 0;
}

void pipeline_destroy(struct worker *w)
{
	struct rte_graph *old = atomic_exchange(&w->graph, NULL);

	if (old)
		rte_graph_destroy(old->id);
}

/* ---- the picture ---- */

void pipeline_write_dot(FILE *file)
{
	fprintf(file, "digraph pipeline {\n\trankdir=LR;\n");
	for (int i = NODE_NONE + 1; i < NODE_MAX; i++)
		fprintf(file, "\t%s [label=\"%s%s\\n%s\"];\n", PIPELINE[i].name,
		    PIPELINE[i].name, PIPELINE[i].per_port ? "-N" : "",
		    PIPELINE[i].text);
	for (int i = NODE_NONE + 1; i < NODE_MAX; i++)
		for (unsigned int j = 0; j < pipeline_exits(&PIPELINE[i]); j++)
			fprintf(file, "\t%s -> %s;\n", PIPELINE[i].name,
			    PIPELINE[PIPELINE[i].exit[j]].name);
	fprintf(file, "}\n");
}
