/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Jobs on a second thread, one after the other: what reads, hashes or writes
 * much (policy images, the disk) and must not hold up the loop and its
 * heartbeats.
 */
#pragma once

#include <stdbool.h>

/*
 * Run `job(arg)` on the second thread, after those queued before, then
 * `done(arg)` in the loop. Until then arg belongs to the job: the loop must
 * not touch it. Returns 0 or -errno (-EBUSY: WORK_MAX are queued).
 */
int work_queue(void (*job)(void *arg), void (*done)(void *arg), void *arg);
