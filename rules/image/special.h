/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPv4 addresses that are not public: the IANA special-purpose registry
 * (RFC 6890 and its updates), multicast and the reserved block. `reach public`
 * leaves them out, and they have no country. The guest gateway's own claim
 * (address.h) is the shared address space of RFC 6598, and so among them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct special_range {
	uint32_t first; /* host order, bounds included */
	uint32_t last;
	const char *what;
};

/* Ascending and disjoint; special_len elements. */
extern const struct special_range special_range[];
extern const size_t special_len;

/* The range that holds an address (host order), or NULL: it is public. */
const struct special_range *special_find(uint32_t address);
