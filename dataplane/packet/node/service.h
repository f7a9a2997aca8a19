/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the gateway's own services (arp, dhcp, echo) share: a limit of answers
 * and the way to refuse. Worker thread.
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
