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
 * or why nothing may pass. worker_poll() alone writes it: open only while gwd
 * asked for open and its last heartbeat is younger than the limit. When the
 * loop itself paused for longer than the limit (frozen, starved), every port
 * is marked stale: what waits there is dropped as such, and the link stays
 * closed until a heartbeat that came later.
 *
 * Before it sleeps the worker thread calls worker_rest(), afterwards
 * worker_resume(); it never sleeps longer than beat_limit_ns / 4, so that a
 * longer pause always means that it was kept from running. `tables` is `live`
 * as read at the start of a walk: one packet, one generation.
 *
 * in = out + drops: worker_balance() below says it in numbers.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <rte_config.h>
/* The fast walk counts for itself: graph statistics cost 6 cycles a packet. */
#undef RTE_LIBRTE_GRAPH_STATS
#include <rte_graph.h>
#include <rte_mempool.h>
#include <rte_rcu_qsbr.h>

#include "dataplane/packet/port.h"
#include "rules/image/reason.h"

struct tables;	   /* tables.h: look-ups of one generation */
struct flow_table; /* flow.h */
struct event_ring; /* event.h */

enum interlock {
	INTERLOCK_CLOSED, /* default: gwd has not opened, or is silent */
	INTERLOCK_STALE,  /* closed since the loop paused for too long */
	INTERLOCK_OPEN,
};

/* Token bucket of the worker: refilled from now_ns. */
struct worker_limit {
	uint64_t stamp_ns;
	uint32_t tokens;
};

struct worker {
	/* hot: read per burst */
	_Atomic(const struct tables *) live;
	const struct tables *tables; /* `live` of this walk */
	struct flow_table *flows;
	uint64_t now_ns;	    /* CLOCK_MONOTONIC or the capture's */
	_Atomic uint32_t interlock; /* enum interlock */
	uint32_t guest_address;	    /* host order */
	uint32_t gateway_address;
	uint16_t mtu; /* of IP packets */
	uint8_t prefix;
	bool offline;
	_Atomic(struct rte_graph *) graph;
	struct rte_mempool *pool;
	struct event_ring *events;
	struct port port[PORT_MAX];
	uint64_t drops[PORT_MAX][REASON_MAX];
	uint64_t rejects; /* answers made out of packets counted as dropped */
	uint64_t frames;  /* taken from all ports */
	struct worker_limit service_limit; /* answers to the guest */
	struct worker_limit reject_limit;
	uint64_t closed_beat_ns; /* beat_deadline_ns when the loop paused */
	uint32_t flow_max;	 /* --flows */
	uint16_t mbuf_room;	 /* bytes of the longest frame, 0 = 2048 */
	/* shared with the control thread */
	_Atomic uint64_t loops;
	_Atomic uint64_t beat_deadline_ns; /* closed when now_ns is past it */
	_Atomic uint32_t asked_state;	   /* enum msg_dp_state_value */
	_Atomic bool sleeping;
	_Atomic bool quit;
	struct rte_rcu_qsbr *qsbr;
	uint64_t beat_limit_ns; /* 0 = the pause is not watched */
	int wake_fd; /* eventfd: the control thread wakes a sleeping worker */
};

/* The one worker of this process; nodes reach it through node->ctx. */
extern struct worker worker;

#define WORKER_DEFAULT_MBUFS 4096

/*
 * Take the worker's memory: mbuf pool (with room for struct packet_trace), flow
 * table of w->flow_max (0 = default), events, qsbr, eventfd. Once, after EAL.
 * mbufs: 0 = WORKER_DEFAULT_MBUFS. Returns 0 or -errno; worker_fini() undoes
 * also a half-done one.
 */
int worker_init(struct worker *w, uint32_t mbufs);
void worker_fini(struct worker *w);

/* The worker thread, before its first and after its last worker_poll(). */
void worker_attach(struct worker *w);
void worker_detach(struct worker *w);
/* The worker thread around a sleep: it holds no table meanwhile. */
void worker_rest(struct worker *w);
void worker_resume(struct worker *w);

/*
 * One walk of the graph: time (unless offline: the caller set now_ns),
 * interlock, all ports once, ageing. Returns how many frames the ports gave.
 */
uint32_t worker_poll(struct worker *w);

/* Frames in (and answers made) minus frames out and drops: 0 between walks. */
int64_t worker_balance(const struct worker *w);

/* One token of at most `burst`, refilled with per_s a second; false = none. */
bool worker_take(struct worker *w, struct worker_limit *limit, uint32_t per_s,
    uint32_t burst);
