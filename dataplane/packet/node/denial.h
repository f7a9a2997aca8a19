/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every denied packet leaves behind: a count and, sampled, an event.
 * Included by the nodes drop, reject and admit; worker thread.
 */
#pragma once

#include "dataplane/packet/event.h"
#include "dataplane/packet/node/node.h"
#include "dataplane/packet/tables.h"

/* Addresses and ports as the frame carries them, as far as it does. */
static inline void denial_describe(
    struct msg_dp_event *event, struct rte_mbuf *mbuf)
{
	const struct rte_ipv4_hdr *ip = packet_ip(mbuf);
	const struct rte_udp_hdr *l4 = packet_l4(mbuf);

	if (mbuf->data_len < PACKET_L4_OFFSET ||
	    packet_ether(mbuf)->ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV4))
		return;
	event->source_address = rte_be_to_cpu_32(ip->src_addr);
	event->destination_address = rte_be_to_cpu_32(ip->dst_addr);
	event->protocol = ip->next_proto_id;
	if (mbuf->data_len < PACKET_L4_OFFSET + 4 ||
	    ip->version_ihl != RTE_IPV4_VHL_DEF)
		return;
	if (ip->next_proto_id == IPPROTO_TCP ||
	    ip->next_proto_id == IPPROTO_UDP) {
		event->source_port = rte_be_to_cpu_16(l4->src_port);
		event->destination_port = rte_be_to_cpu_16(l4->dst_port);
	} else if (ip->next_proto_id == IPPROTO_ICMP) {
		event->icmp_type = *(const uint8_t *)packet_l4(mbuf);
	}
}

/* reason: enum gw_reason, REASON_OK for a matched `log` rule. */
static inline void denial_report(
    struct worker *w, struct rte_mbuf *mbuf, uint8_t reason)
{
	const struct packet_meta *meta = packet_meta(mbuf);
	struct msg_dp_event event = {
	    .generation = w->tables ? w->tables->generation : 0,
	    .time_ns = w->now_ns,
	    .rule = meta->rule,
	    .country = COUNTRY_NONE,
	    .network = UINT16_MAX,
	    .direction =
		mbuf->port == PORT_GUEST ? DIRECTION_OUT : DIRECTION_IN,
	    .reason = reason,
	    .port = mbuf->port,
	};

	if (!event_allow(w->events, reason, w->now_ns))
		return;
	if (reason_stage(reason) >= STAGE_NETWORK || reason == REASON_OK) {
		event.network = meta->network;
		event.country = meta->country;
	}
	denial_describe(&event, mbuf);
	event_put(w->events, &event);
}

static inline void denial_count(struct worker *w, struct rte_mbuf *mbuf)
{
	const struct packet_meta *meta = packet_meta(mbuf);

	w->drops[mbuf->port][meta->reason]++;
	if (!meta->quiet)
		denial_report(w, mbuf, meta->reason);
}
