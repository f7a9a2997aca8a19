/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The worker: memory of one packet thread and its loop body. worker_poll() is
 * called by the loop of gw-dataplane (worker thread), by the offline mode and
 * by tests; the interlock's rules are in worker.h.
 */
#include "dataplane/packet/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include <rte_graph_worker.h>
#include <rte_malloc.h>
#include <rte_mbuf_dyn.h>

#include "control/msg/msg.h"
#include "dataplane/packet/event.h"
#include "dataplane/packet/flow.h"
#include "dataplane/packet/packet.h"

#define SECOND_NS  1000000000ull
#define THREAD_ID  0 /* of the one worker, for qsbr */
#define MBUF_ROOM  2048
#define POOL_CACHE 256u

struct worker worker;

/* Nobody else may use the part of the mbuf where struct packet_meta lies. */
static int claim_meta(void)
{
	static const struct rte_mbuf_dynfield field = {.name = "gw_packet_meta",
	    .size = sizeof(struct packet_meta),
	    .align = 8};
	int offset =
	    rte_mbuf_dynfield_register_offset(&field, PACKET_META_OFFSET);

	return offset == PACKET_META_OFFSET ? 0 : -EBUSY;
}

static int make_qsbr(struct worker *w)
{
	w->qsbr = rte_zmalloc("worker_qsbr", rte_rcu_qsbr_get_memsize(1), 64);
	if (!w->qsbr)
		return -ENOMEM;
	return rte_rcu_qsbr_init(w->qsbr, 1) ? -EINVAL : 0;
}

int worker_init(struct worker *w, uint32_t mbufs)
{
	int error;

	if (mbufs == 0)
		mbufs = WORKER_DEFAULT_MBUFS;
	w->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (w->wake_fd < 0)
		return -errno;
	w->pool = rte_pktmbuf_pool_create("frames", mbufs,
	    RTE_MIN(mbufs / 2, POOL_CACHE), sizeof(struct packet_trace),
	    RTE_PKTMBUF_HEADROOM + (w->mbuf_room ? w->mbuf_room : MBUF_ROOM),
	    SOCKET_ID_ANY);
	w->flows = flow_create(w->flow_max ? w->flow_max : FLOW_DEFAULT_MAX);
	w->events = event_create();
	error = claim_meta();
	if (!error)
		error = make_qsbr(w);
	if (!w->pool || !w->flows || !w->events)
		error = -ENOMEM;
	for (int i = 0; i < PORT_MAX; i++)
		w->port[i].index = (uint8_t)i;
	if (error)
		worker_fini(w);
	return error;
}

void worker_fini(struct worker *w)
{
	if (w->wake_fd > 0)
		close(w->wake_fd);
	rte_mempool_free(w->pool);
	flow_destroy(w->flows);
	event_destroy(w->events);
	rte_free(w->qsbr);
	w->wake_fd = -1;
	w->pool = NULL;
	w->flows = NULL;
	w->events = NULL;
	w->qsbr = NULL;
}

void worker_attach(struct worker *w)
{
	rte_rcu_qsbr_thread_register(w->qsbr, THREAD_ID);
	rte_rcu_qsbr_thread_online(w->qsbr, THREAD_ID);
}

void worker_detach(struct worker *w)
{
	rte_rcu_qsbr_thread_offline(w->qsbr, THREAD_ID);
	rte_rcu_qsbr_thread_unregister(w->qsbr, THREAD_ID);
}

void worker_rest(struct worker *w)
{
	rte_rcu_qsbr_thread_offline(w->qsbr, THREAD_ID);
	atomic_store(&w->sleeping, true);
}

void worker_resume(struct worker *w)
{
	atomic_store(&w->sleeping, false);
	rte_rcu_qsbr_thread_online(w->qsbr, THREAD_ID);
}

bool worker_take(struct worker *w, struct worker_limit *limit, uint32_t per_s,
    uint32_t burst)
{
	uint64_t more = (w->now_ns - limit->stamp_ns) / (SECOND_NS / per_s);

	if (limit->stamp_ns == 0 || more >= burst) {
		limit->tokens = burst;
		limit->stamp_ns = w->now_ns;
	} else if (more) {
		limit->tokens = RTE_MIN(limit->tokens + (uint32_t)more, burst);
		limit->stamp_ns += more * (SECOND_NS / per_s);
	}
	if (limit->tokens == 0)
		return false;
	limit->tokens--;
	return true;
}

static uint64_t read_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

/* The loop was kept from running: nothing that waited may pass. */
static void go_stale(struct worker *w)
{
	for (int i = 0; i < PORT_MAX; i++)
		if (w->port[i].present)
			atomic_store(&w->port[i].stale, true);
	w->closed_beat_ns = atomic_load(&w->beat_deadline_ns);
	atomic_store(&w->interlock, INTERLOCK_STALE);
}

static void set_interlock(struct worker *w, uint64_t pause)
{
	uint64_t deadline = atomic_load(&w->beat_deadline_ns);
	uint32_t state = atomic_load(&w->interlock);

	if (w->beat_limit_ns && pause > w->beat_limit_ns) {
		go_stale(w);
		return;
	}
	if (state == INTERLOCK_STALE && deadline == w->closed_beat_ns)
		return; /* no heartbeat since the pause */
	if (atomic_load(&w->asked_state) == DP_OPEN && w->now_ns < deadline)
		state = INTERLOCK_OPEN;
	else
		state = INTERLOCK_CLOSED;
	atomic_store_explicit(&w->interlock, state, memory_order_relaxed);
}

uint32_t worker_poll(struct worker *w)
{
	struct rte_graph *graph =
	    atomic_load_explicit(&w->graph, memory_order_acquire);
	uint64_t before = w->now_ns, frames = w->frames;

	if (!w->offline) {
		w->now_ns = read_clock();
		set_interlock(w, before ? w->now_ns - before : 0);
	}
	w->tables = atomic_load_explicit(&w->live, memory_order_acquire);
	if (likely(graph))
		rte_graph_walk(graph);
	flow_age(w->flows, w->now_ns);
	w->tables = NULL;
	rte_rcu_qsbr_quiescent(w->qsbr, THREAD_ID);
	atomic_store_explicit(&w->loops,
	    atomic_load_explicit(&w->loops, memory_order_relaxed) + 1,
	    memory_order_relaxed);
	return (uint32_t)(w->frames - frames);
}

int64_t worker_balance(const struct worker *w)
{
	int64_t balance = (int64_t)(w->frames + w->rejects);

	for (int i = 0; i < PORT_MAX; i++) {
		balance -= (int64_t)w->port[i].counters.tx_packets;
		for (int j = 0; j < REASON_MAX; j++)
			balance -= (int64_t)w->drops[i][j];
	}
	return balance;
}
