/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Node admit: the slow path of judgement. A packet of no known flow is judged
 * by network choice and rules and opens a flow or is denied; a flow of an
 * older generation is judged again, by its own direction; an ICMP error passes
 * when the flow that it quotes lives. Worker thread.
 *
 * Theory of operation. Packets of one burst come here together, so each looks
 * its flow up again: the one before it may have opened or removed it. Only TCP
 * with SYN alone and ICMP echo requests open flows.
 *
 * Uses: packet_meta of sanitize. Sets: out_port, rule, network, country,
 * reason, quiet. Next: forward, reject, drop.
 */
#include "dataplane/packet/node/node.h"

#include "dataplane/packet/flow.h"
#include "dataplane/packet/node/denial.h"
#include "dataplane/packet/tables.h"

#define TCP_OPENERS                                               \
	(RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG | RTE_TCP_RST_FLAG | \
	    RTE_TCP_FIN_FLAG)

static rte_edge_t deny(
    const struct worker *w, struct packet_meta *meta, enum gw_reason reason)
{
	meta->reason = (uint8_t)reason;
	if (meta->rule != POLICY_NONE)
		meta->quiet =
		    w->tables->image.rule[meta->rule].flags & RULE_QUIET;
	if (meta->direction == DIRECTION_OUT &&
	    reason_answer(reason) == ANSWER_REJECT)
		return ADMIT_TO_REJECT;
	return ADMIT_TO_DROP;
}

/* Judge the packet's flow as one that `direction` opened over that port. */
static struct judge_verdict judge(const struct worker *w,
    struct packet_meta *meta, uint8_t direction, uint8_t port)
{
	struct judge_flow flow = {
	    .remote = packet_remote(meta),
	    .protocol = meta->protocol,
	    .direction = direction,
	    .from_network = w->tables->network_of[port],
	};
	struct judge_verdict verdict;

	if (meta->protocol == PROTOCOL_ICMP)
		flow.icmp_type = RTE_IP_ICMP_ECHO_REQUEST;
	else
		flow.port = direction == DIRECTION_OUT
				? packet_remote_port(meta)
				: packet_guest_port(meta);
	verdict = tables_judge(w->tables, &flow);
	meta->rule = verdict.rule;
	meta->network = verdict.network;
	meta->country = verdict.country;
	return verdict;
}

static void count_rule(const struct worker *w, const struct packet_meta *meta)
{
	if (meta->rule != POLICY_NONE)
		w->tables->hits[meta->rule]++;
}

/* A flow of an older generation: brought up to this one, or removed for the
 * reason returned. */
static enum gw_reason renew(
    struct worker *w, struct flow *flow, struct packet_meta *meta)
{
	struct judge_verdict verdict =
	    judge(w, meta, flow->direction, flow->port);
	enum gw_reason reason = verdict.reason;

	if (verdict.allow &&
	    w->tables->port_of[verdict.network] == flow->port) {
		flow->generation = w->tables->generation;
		flow->rule = verdict.rule;
		return REASON_OK;
	}
	if (verdict.allow)
		reason = REASON_NETWORK_CLOSED;
	count_rule(w, meta);
	flow_remove(w->flows, flow);
	return reason;
}

/* A packet whose flow is in the table. */
static rte_edge_t go_on(struct worker *w, struct flow *flow,
    struct packet_meta *meta, const struct rte_mbuf *mbuf)
{
	if (mbuf->port != PORT_GUEST && mbuf->port != flow->port)
		return deny(w, meta, REASON_FAR_SOURCE);
	if (flow->generation != w->tables->generation) {
		enum gw_reason reason = renew(w, flow, meta);

		if (reason != REASON_OK)
			return deny(w, meta, reason);
	}
	meta->rule = flow->rule;
	meta->network = w->tables->network_of[flow->port];
	meta->out_port =
	    meta->direction == DIRECTION_OUT ? flow->port : PORT_GUEST;
	if (meta->kind == PACKET_ICMP_ERROR) {
		/* It answers a packet of the other direction; it keeps no flow
		 * alive. */
		if (!flow->packets[!meta->direction])
			return deny(w, meta, REASON_ICMP_TYPE);
		flow->packets[meta->direction]++;
		flow->bytes[meta->direction] += mbuf->pkt_len;
		return ADMIT_TO_FORWARD;
	}
	if (!flow_touch(flow, meta, mbuf->pkt_len, w->now_ns)) {
		meta->rule = POLICY_NONE;
		return deny(w, meta, REASON_NO_FLOW);
	}
	return ADMIT_TO_FORWARD;
}

static rte_edge_t open_flow(struct worker *w, struct packet_meta *meta,
    struct rte_mbuf *mbuf, const struct judge_verdict *verdict, uint8_t port)
{
	struct flow *flow =
	    flow_insert(w->flows, meta->hash, meta->key, meta->protocol);

	if (!flow)
		return deny(w, meta, REASON_FLOW_TABLE_FULL);
	flow->direction = meta->direction;
	flow->port = port;
	flow->rule = verdict->rule;
	flow->generation = w->tables->generation;
	flow_touch(flow, meta, mbuf->pkt_len, w->now_ns);
	meta->out_port = meta->direction == DIRECTION_OUT ? port : PORT_GUEST;
	if (w->tables->image.rule[verdict->rule].flags & RULE_LOG)
		denial_report(w, mbuf, REASON_OK);
	return ADMIT_TO_FORWARD;
}

/* A packet of no flow: may it open one? */
static rte_edge_t admit(
    struct worker *w, struct packet_meta *meta, struct rte_mbuf *mbuf)
{
	uint8_t index = (uint8_t)mbuf->port;
	struct judge_verdict verdict;

	if (meta->kind == PACKET_ICMP_ERROR ||
	    (meta->protocol == PROTOCOL_ICMP &&
		meta->icmp_type != RTE_IP_ICMP_ECHO_REQUEST))
		return deny(w, meta, REASON_ICMP_TYPE);
	if (meta->protocol == PROTOCOL_TCP &&
	    (meta->tcp_flags & TCP_OPENERS) != RTE_TCP_SYN_FLAG)
		return deny(w, meta, REASON_NO_FLOW);
	verdict = judge(w, meta, meta->direction, index);
	if (meta->direction == DIRECTION_OUT &&
	    verdict.network != POLICY_ANY_NETWORK) {
		const struct port *port =
		    tables_open_port(w->tables, w->port, verdict.network);

		if (!port) {
			meta->rule = POLICY_NONE;
			return deny(w, meta, REASON_NETWORK_CLOSED);
		}
		index = port->index;
	}
	count_rule(w, meta);
	if (!verdict.allow)
		return deny(w, meta, verdict.reason);
	return open_flow(w, meta, mbuf, &verdict, index);
}

uint16_t admit_process(
    struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t len)
{
	struct worker *w = node_context(node)->worker;
	struct node_run run = {0, ADMIT_TO_FORWARD};

	for (uint16_t i = 0; i < len; i++) {
		struct rte_mbuf *mbuf = objs[i];
		struct packet_meta *meta = packet_meta(mbuf);
		struct flow *flow =
		    flow_find(w->flows, meta->hash, meta->key, meta->protocol);
		rte_edge_t exit;

		if (flow && flow->state == FLOW_CLOSED &&
		    (meta->tcp_flags & TCP_OPENERS) == RTE_TCP_SYN_FLAG) {
			flow_remove(w->flows, flow); /* ports used anew */
			flow = NULL;
		}
		exit = flow ? go_on(w, flow, meta, mbuf) : admit(w, meta, mbuf);
		node_run_next(&run, graph, node, objs, i, exit);
	}
	node_run_end(&run, graph, node, objs, len);
	return len;
}
