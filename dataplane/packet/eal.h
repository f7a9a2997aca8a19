/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starting DPDK's environment layer the one way we use it: in memory, without
 * files, sockets, PCI or telemetry. Called once by every mode of gw-dataplane,
 * main thread, before confinement.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define EAL_BASE_MIB 64 /* what DPDK and the default tables take */
#define EAL_VDEV_MAX 8

struct eal_need {
	uint32_t memory_mib;	 /* 0 = EAL_BASE_MIB */
	const char *const *vdev; /* devargs of virtual devices, borrowed */
	uint32_t vdev_len;	 /* at most EAL_VDEV_MAX */
};

/*
 * Start EAL with hugepages when enough of them are free, else without.
 * hugepages: written, which it was; may be NULL. DPDK's log lines go to ours
 * from then on, rate-limited because a guest can cause them.
 * Returns 0 or -errno; the reason is in the log.
 */
int eal_start(const struct eal_need *need, bool *hugepages);

/* MiB that so many flows and frames need, for eal_need. */
uint32_t eal_memory_for(uint32_t flows, uint32_t mbufs);
