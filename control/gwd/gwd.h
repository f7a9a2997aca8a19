/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all of gwd shares: the event loop, what gw-init said at start, and the
 * state folder. gwd is one process with one thread that owns all of this;
 * work.c has a second one, for disk and hashing, discard.c a third, for
 * close().
 */
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#define GWD_MTU 1500 /* of every guest link and network TAP */

struct gwd {
	struct event_base *base;
	int state_fd; /* the state folder, opened at start */
	uint32_t uid_base;
	bool kvm;	    /* gw-init offers /dev/kvm to QEMU */
	uint64_t started_s; /* CLOCK_REALTIME */
};

extern struct gwd gwd;

/* The last good generation is restored: serve gwctl from now on. Requests that
 * came before wait in the listener's queue. */
void gwd_serve(void);
/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t gwd_now_ns(void);
/* CLOCK_REALTIME in seconds. */
uint64_t gwd_time_s(void);
