/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TAPs between gw-dataplane and a network's namespace. Called by network.c
 * while the thread is inside that namespace.
 */
#pragma once

#include <stdint.h>

/*
 * Make the TAP of a guest's slot in network `index`, with its route and
 * permanent neighbour, and let it through the guard. owner: the network's
 * place in network.c. fd: borrowed; the same one when it is there already.
 * Returns 0; -EINVAL a number out of bounds; else -errno, nothing left behind.
 */
int tap_add(
    uint32_t owner, uint32_t index, uint32_t slot, uint32_t mtu, int *fd);
/* Fine when there is none. */
int tap_delete(uint32_t owner, uint32_t slot);
void tap_delete_all(uint32_t owner);
