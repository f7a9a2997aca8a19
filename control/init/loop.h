/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one epoll loop of gw-init. An object that waits for a descriptor embeds
 * a struct watch. One event is taken per round, so a callback may free any
 * other watch.
 */
#pragma once

#include <stdbool.h>

struct watch {
	int fd; /* borrowed */
	void (*ready)(struct watch *watch);
};

/* Both exit on failure: without its loop gw-init can guard nothing. */
void loop_open(void);
void loop_add(struct watch *watch);
void loop_remove(struct watch *watch);

/* Wait at most wait_ms (-1: no limit) for one event and serve it; false when
 * the time passed without one. */
bool loop_turn(int wait_ms);
