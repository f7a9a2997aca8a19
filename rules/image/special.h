/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPv4 addresses with a special meaning: the IANA special-purpose registry
 * (RFC 6890 and its updates), multicast, the reserved block and the metadata
 * addresses of clouds. They have no country. `reach public` leaves them out,
 * except documentation and benchmark prefixes: those lead nowhere in the world,
 * and tests and demos live in them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct special_range {
	uint32_t first; /* host order, bounds included */
	uint32_t last;
	bool in_public; /* `reach public` holds it all the same */
	const char *what;
};

/* Ascending and disjoint; special_len elements. */
extern const struct special_range special_range[];
extern const size_t special_len;

/* The range that holds an address (host order), or NULL: an ordinary one. */
const struct special_range *special_find(uint32_t address);
