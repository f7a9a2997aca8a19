/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state folder: generations of the policy and small JSON files, each
 * replaced whole (temporary file, fsync, rename) or not at all.
 */
#pragma once

#include "control/gwd/generation.h"

#include <jansson.h>

/* Read a small JSON file of the state folder: a new reference, or NULL when it
 * is not there or damaged. Blocks: at start only. */
json_t *store_read(const char *name);
/*
 * Replace a small JSON file on the job thread. content: taken. done may be
 * NULL; called in the loop with 0 or -errno. Returns 0 or -errno.
 */
int store_write(const char *name, json_t *content,
    void (*done)(void *arg, int error), void *arg);

/* The following block, and are called on the job thread. */

/*
 * Write a generation to policy/<serial>/, note it in the history, and make it
 * the current one. before: the live one or NULL; an equal country table is
 * shared with it. Returns 0 or -errno; then the current one is what it was.
 */
int store_save_generation(
    const struct generation *generation, const struct generation *before);
/*
 * Read generation `serial` (0: the current one) into sealed memory, unchecked.
 * Returns 0; -ENOENT when there is none; -errno.
 */
int store_load_generation(struct generation *generation, uint64_t serial);
/* The highest serial that was ever given; 0: none. */
uint64_t store_last_serial(void);

/* The last `len` entries of the history, oldest first: a new array. */
json_t *store_history(size_t len);
