/* SPDX-License-Identifier: BSD-2-Clause */
/* Parts of the standalone mode: standalone.c and standalone_stats.c. */
#pragma once

#include <stdbool.h>

#include "dataplane/packet/loop.h"

/*
 * Write the counters of the worker as one JSON object; path: NULL =
 * standard output. Returns an exit code.
 */
int standalone_write_stats(
    const char *path, const struct loop *loop, bool hugepages);
