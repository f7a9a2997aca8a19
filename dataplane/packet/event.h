/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events: sampled denials and matches of `log` rules on their way from the
 * worker to the control thread, which sends them to gwd as DP_EVENT.
 *
 * Theory of operation. A ring with one producer (worker) and one consumer
 * (control thread), no lock. What is put in is limited per reason, so that a
 * flood of one kind hides no other; what is left out, for the rate or because
 * the ring is full, is counted and told with the next event.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "control/msg/msg.h"
#include "rules/image/reason.h"

#define EVENT_RING_LEN 256 /* power of two */
#define EVENT_PER_S    10  /* per reason */
#define EVENT_BURST    20

struct event_limit {
	uint64_t stamp_ns;
	uint32_t tokens;
};

struct event_ring {
	_Atomic uint32_t head; /* worker writes */
	_Atomic uint32_t tail; /* control thread writes */
	uint64_t serial;
	uint32_t suppressed;
	bool unlimited; /* offline */
	struct event_limit limit[REASON_MAX];
	struct msg_dp_event slot[EVENT_RING_LEN];
};

/* An empty ring, or NULL without memory. */
struct event_ring *event_create(void);
/* NULL is fine. */
void event_destroy(struct event_ring *ring);

/*
 * May an event of that reason be made now? Counts it as suppressed if not.
 * Worker; now_ns: worker->now_ns.
 */
bool event_allow(struct event_ring *ring, unsigned int reason, uint64_t now_ns);
/* Worker. time_ns of the event is worker->now_ns; serial and suppressed are
 * filled here. */
void event_put(struct event_ring *ring, const struct msg_dp_event *event);
/* Control thread. time_ns becomes CLOCK_REALTIME. false = nothing there. */
bool event_get(struct event_ring *ring, struct msg_dp_event *event);
