/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gwd's end of the link to gw-init: asks for processes, networks and TAPs,
 * and hands on what gw-init reports.
 */
#pragma once

#include "control/msg/msg.h"

/*
 * The answer to a request. done: borrowed; fd: the channel or TAP, or -1;
 * belongs to the callee. Called exactly once, from the loop.
 */
typedef void init_link_done(
    void *arg, const struct msg_init_done *done, int fd);

/* Take over the link's descriptor. Returns 0 or -errno. */
int init_link_open(int fd);

/*
 * Send INIT_SPAWN, INIT_NETWORK or INIT_TAP. body: its struct; the token (the
 * first field of each) is written here. fds: borrowed.
 * Returns 0 or -errno; then `done` is not called.
 */
int init_link_ask(enum msg_type type, void *body, const int *fds, size_t fd_len,
    init_link_done *done, void *arg);

/* Ask for SIGKILL to a child; its end comes as INIT_EXITED. */
void init_link_kill(enum msg_role role, uint32_t slot);

/* An init_link_done that wants no answer: logs a failure, closes the fd. */
void init_link_ignore(void *unused, const struct msg_init_done *done, int fd);
