/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Closing descriptors that somebody less trusted can make wait. Called by
 * rpc.c in gwd's loop.
 */
#pragma once

/* Start the thread. Returns 0 or -errno. */
int discard_open(void);
/* Close fd (taken) without waiting for it. */
void discard(int fd);
/* How many are not closed yet. */
unsigned int discard_waiting(void);
