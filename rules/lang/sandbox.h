/* SPDX-License-Identifier: BSD-2-Clause */
/* The compiler's confinement. Called by rulec.c before the first parse. */
#pragma once

#define SANDBOX_CPU_S 60 /* seconds of processor time for one compilation */

/*
 * From here on this process may only take memory, write to descriptors it
 * holds, and exit; anything else kills it. No new privileges, no dumps,
 * bounded time and memory. Returns 0 or -errno: then the caller must exit.
 */
int sandbox_close(void);
