/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parts of the control thread: control.c (channel, ports, states),
 * control_load.c (generations), control_see.c (what people ask).
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "control/msg/msg.h"
#include "dataplane/packet/loop.h"
#include "dataplane/packet/tables.h"

/* One DP_LOAD. */
struct load {
	bool wanted;
	struct msg_dp_load message;
	int image_fd, country_fd; /* owned; country -1 = none came */
};

/*
 * The build thread's job. Building the look-ups of a large policy takes
 * seconds; heartbeats must be answered meanwhile.
 */
struct builder {
	pthread_t thread;
	bool running;
	struct load load;
	struct tables *tables; /* result */
	int error;
	uint32_t build_us;
	char why[MSG_TEXT_SIZE];
};

struct control {
	int channel;
	int epoll;
	bool hugepages;
	bool configured;
	struct loop loop;
	/* generations */
	int built_fd; /* eventfd: the build thread is done */
	struct builder builder;
	struct load next_load; /* came while one was being built */
	struct tables *ready;  /* built, waits for DP_SWAP */
	/* heartbeat that waits for the worker's next loop */
	bool beat_waits;
	uint64_t beat_serial;
	uint64_t beat_loops;
	/* an event that the channel had no room for */
	bool event_held;
	struct msg_dp_event event;
};

/* Send, waiting a second at most for room. Returns 0 or -errno: end. */
int control_send(struct control *c, enum msg_type type, const void *body);
uint64_t control_now_ns(void);

/* Each takes one message; 0 or -errno: end the process. */
int control_load(struct control *c, struct msg *msg);
int control_swap(struct control *c, const struct msg_dp_swap *swap);
/* built_fd is readable. */
int control_built(struct control *c);
/* Bind networks to ports again, live and ready generation. */
void control_bind(struct control *c);

/* Answer with the counters of every port; 0 or -errno: end. */
int control_send_stats(struct control *c, const struct msg_dp_get_stats *ask);
/* Answer with hits of the live generation's rules; 0 or -errno: end. */
int control_send_rules(struct control *c, const struct msg_dp_get_rules *ask);
/* Answer with a page of live flows; 0 or -errno: end. */
int control_send_flows(struct control *c, const struct msg_dp_get_flows *ask);
/* Forward what the worker reported; never waits. */
int control_send_events(struct control *c);
