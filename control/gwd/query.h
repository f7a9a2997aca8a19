/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Questions to the dataplanes: counters, hits of rules, flows.
 */
#pragma once

#include "control/gwd/rpc.h"
#include "control/msg/msg.h"

struct guest;

#define QUERY_RULE_PAGE MSG_COUNT_MAX
#define QUERY_FLOW_MAX	4096 /* of one answer, over all guests */

/* guest: name, or NULL for all. Each answers the call when all dataplanes have
 * answered, ended, or let QUERY_LIMIT_MS pass. */
void query_stats(struct rpc_call *call, const char *guest);
void query_flows(struct rpc_call *call, const char *guest);
/* Hits of QUERY_RULE_PAGE rules from `first` on. */
void query_rules(struct rpc_call *call, const char *guest, uint32_t first);

/* What dataplane.c received. */
void query_take_stats(struct guest *guest, const struct msg_dp_stats *stats);
void query_take_rules(struct guest *guest, const struct msg_dp_rules *rules);
void query_take_flows(struct guest *guest, const struct msg_dp_flows *flows);
void query_guest_gone(struct guest *guest);
