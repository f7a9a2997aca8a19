/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The worker: everything one packet thread owns, handed to every node through
 * the graph's context. Two threads: the worker walks the graph; the control
 * thread talks to gwd (control.c), builds look-ups, and publishes them.
 *
 * Theory of operation. `live` is the generation in force, NULL = deny all. The
 * control thread builds a new struct tables, stores the pointer, waits for a
 * quiescent state of the worker (rte_rcu_qsbr) and frees the old one. Time is
 * `now_ns`, read once a loop (offline: the capture's time); no node asks a
 * clock. `interlock` is one word, one load per packet burst: INTERLOCK_OPEN
 * or why nothing may pass.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <rte_graph.h>
#include <rte_mempool.h>
#include <rte_rcu_qsbr.h>

#include "dataplane/packet/port.h"
#include "rules/image/reason.h"

struct tables;     /* tables.h: look-ups of one generation */
struct flow_table; /* flow.h */
struct event_ring; /* event.h */

enum interlock {
	INTERLOCK_CLOSED, /* default: gwd has not opened, or is silent */
	INTERLOCK_STALE,  /* what waits in ports is older than the last pause */
	INTERLOCK_OPEN,
};

struct worker {
	/* hot: read per burst */
	_Atomic(const struct tables *) live;
	struct flow_table *flows;
	uint64_t now_ns;            /* CLOCK_MONOTONIC or the capture's */
	_Atomic uint32_t interlock; /* enum interlock */
	uint32_t guest_address;     /* host order */
	uint32_t gateway_address;
	uint16_t mtu; /* of IP packets */
	uint8_t prefix;
	bool offline;
	struct rte_graph *graph;
	struct rte_mempool *pool;
	struct event_ring *events;
	struct port port[PORT_MAX];
	uint64_t drops[PORT_MAX][REASON_MAX];
	uint64_t service_tokens; /* rate limit of answers to the guest */
	uint64_t service_stamp_ns;
	/* shared with the control thread */
	_Atomic uint64_t loops;
	_Atomic uint64_t beat_deadline_ns; /* closed when now_ns is past it */
	_Atomic uint32_t asked_state;      /* enum msg_dp_state_value */
	_Atomic bool sleeping;
	_Atomic bool quit;
	struct rte_rcu_qsbr *qsbr;
	uint64_t beat_limit_ns;
	int wake_fd; /* eventfd: the control thread wakes a sleeping worker */
};

/* The one worker of this process; nodes reach it through node->ctx. */
extern struct worker worker;
