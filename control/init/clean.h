/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `gw-init --clean`: what is left of a gateway of this run folder, removed.
 */
#pragma once

/* Idempotent. Returns the exit code. */
int clean_run(void);
