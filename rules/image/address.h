/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The gateway's own addresses: the one table of them (docs/addresses.md shows
 * it). All values are host-order numbers. A `reach` that overlaps CLAIM is
 * refused by the compiler.
 *
 *	100.64.0.0/10                 claimed, belongs to no network
 *	100.64.0.0/18   + 4 * slot    guest link of that guest slot, a /30:
 *	                +1 the gateway, +2 the guest
 *	100.64.64.0/18                reserved: stream side, front
 *	100.64.128.0/18               reserved: stream side, back per network
 *
 * MAC addresses are locally administered: 02:67:77:KK:SS:SS with KK the kind
 * below and SS:SS the slot (network TAPs: KK = 0x40 + network index).
 */
#pragma once

#include <stdint.h>
#include <stdbool.h>

#define ADDRESS_CLAIM_FIRST 0x64400000u /* 100.64.0.0 */
#define ADDRESS_CLAIM_LAST  0x647fffffu /* 100.127.255.255 */
#define ADDRESS_GUEST_LINK  0x64400000u
#define ADDRESS_FRONT	    0x64404000u /* 100.64.64.0, reserved */
#define ADDRESS_BACK	    0x64408000u /* 100.64.128.0, reserved */
#define ADDRESS_SLOT_MAX    4096u /* /18 of /30s; also the limit of guests */
#define ADDRESS_LINK_PREFIX 30

enum address_mac_kind {
	MAC_KIND_GATEWAY = 0x01, /* what the guest sees as its gateway */
	MAC_KIND_FAR = 0x03,	 /* dataplane's end on a network TAP */
	MAC_KIND_NETWORK = 0x40, /* kernel's end of the TAP, + network index */
};

static inline uint32_t address_of_gateway(uint32_t slot)
{
	return ADDRESS_GUEST_LINK + 4 * slot + 1;
}

static inline uint32_t address_of_guest(uint32_t slot)
{
	return ADDRESS_GUEST_LINK + 4 * slot + 2;
}

/* mac: 6 bytes, written. */
static inline void address_make_mac(uint8_t mac[6], uint8_t kind, uint32_t slot)
{
	mac[0] = 0x02;
	mac[1] = 0x67;
	mac[2] = 0x77;
	mac[3] = kind;
	mac[4] = (uint8_t)(slot >> 8);
	mac[5] = (uint8_t)slot;
}
