/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DPDK's environment in its smallest form: no hugepages, no devices, no files,
 * no root. For the offline mode and for tests; the gateway itself starts by
 * eal.h.
 */
#pragma once

/* Once a process, before worker_init(). Returns 0 or -errno. */
int eal_start_small(void);
