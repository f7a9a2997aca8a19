/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of gw-init's children other than gwd. Called by supervise.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "control/init/jail.h"
#include "control/msg/msg.h"

typedef void child_ended(uint32_t role, uint32_t slot, pid_t pid, int status);
/* ended: called from now on for each child that ended, after it was reaped. */
void child_on_end(child_ended *ended);

/*
 * Start a child. fds: borrowed, exactly as many as its template says.
 * channel: gwd's end of a new channel, the caller's, or -1 for a role without
 * one. Returns the pid; -EEXIST when the role runs in that slot already; else
 * -errno, with the reason in text.
 */
pid_t child_spawn(const struct msg_init_spawn *spawn, const int *fds,
    uint32_t fd_len, int *channel, char text[JAIL_TEXT_SIZE]);

/* SIGKILL. -ESRCH when there is none. */
int child_kill(uint32_t role, uint32_t slot);
/* SIGKILL to all with the role; ROLE_MAX: to all. */
void child_kill_all(uint32_t role);
/* How many have the role (ROLE_MAX: any), those being killed included. */
unsigned child_count(uint32_t role);

typedef void child_visit(uint32_t role, uint32_t slot, pid_t pid, int channel);
/*
 * For each child that lives on: give it a fresh channel when its role has
 * one, and call visit with gwd's end (the callee's) or -1. One that can't be
 * given a channel is visited with -1 and killed.
 */
void child_rejoin(child_visit *visit);
/* How many child_rejoin() would visit. */
unsigned child_survivors(void);
