/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event ring: see event.h. Worker thread puts, control thread gets;
 * gw-dataplane.
 */
#include "dataplane/packet/event.h"

#include <stdlib.h>
#include <time.h>

#define SECOND_NS 1000000000ull

struct event_ring *event_create(void)
{
	struct event_ring *ring = calloc(1, sizeof(*ring));

	if (!ring)
		return NULL;
	for (int i = 0; i < REASON_MAX; i++)
		ring->limit[i].tokens = EVENT_BURST;
	return ring;
}

void event_destroy(struct event_ring *ring)
{
	free(ring);
}

bool event_allow(struct event_ring *ring, unsigned int reason, uint64_t now_ns)
{
	struct event_limit *limit = &ring->limit[reason];
	uint64_t passed = now_ns - limit->stamp_ns;

	if (ring->unlimited)
		return true;
	if (passed >= SECOND_NS / EVENT_PER_S) {
		uint64_t more = passed / (SECOND_NS / EVENT_PER_S);

		limit->stamp_ns = now_ns;
		if (more > EVENT_BURST - limit->tokens)
			limit->tokens = EVENT_BURST;
		else
			limit->tokens += (uint32_t)more;
	}
	if (limit->tokens == 0) {
		ring->suppressed++;
		return false;
	}
	limit->tokens--;
	return true;
}

void event_put(struct event_ring *ring, const struct msg_dp_event *event)
{
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
	struct msg_dp_event *slot = &ring->slot[head % EVENT_RING_LEN];

	if (head - tail == EVENT_RING_LEN) {
		ring->suppressed++;
		return;
	}
	*slot = *event;
	slot->serial = ++ring->serial;
	slot->suppressed = ring->suppressed;
	ring->suppressed = 0;
	atomic_store_explicit(&ring->head, head + 1, memory_order_release);
}

static uint64_t read_clock(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

bool event_get(struct event_ring *ring, struct msg_dp_event *event)
{
	uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

	if (tail == atomic_load_explicit(&ring->head, memory_order_acquire))
		return false;
	*event = ring->slot[tail % EVENT_RING_LEN];
	atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
	if (!ring->unlimited)
		event->time_ns = read_clock(CLOCK_REALTIME) -
				 (read_clock(CLOCK_MONOTONIC) - event->time_ns);
	return true;
}
