/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which guest has which slot: its number in uids, addresses and folders.
 */
#pragma once

#include "control/gwd/guest.h"

/* Read names, slots and MAC addresses that are kept. At start. */
void slot_open(void);
/* The guest of a slot, or NULL. */
struct guest *slot_guest(uint32_t slot);
/* A new guest in a free slot; NULL: none is free, no memory, bad name. */
struct guest *slot_make(const char *name);
/* Write slots.json: after a slot or a MAC address changed. */
void slot_keep(void);
