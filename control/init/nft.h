/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guard of a network's namespace: one nftables table with a constant text.
 * Each function acts in the namespace that the thread is in.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Load the guard and read it back. routed: no masquerade, and the far side may
 * start flows (the dataplane judges them). 0 or -errno. */
int nft_guard(bool routed);
/* Let a guest's TAP through, for its own address only. 0 or -errno. */
int nft_add_guest(uint32_t slot);
int nft_delete_guest(uint32_t slot);
