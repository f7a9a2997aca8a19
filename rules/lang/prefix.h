/* SPDX-License-Identifier: BSD-2-Clause */
/* Literals: addresses, prefixes, ports, countries. Called by check*.c. */
#pragma once

#include "rules/image/image.h"

#include <stdbool.h>

enum prefix_kind {
	PREFIX_NONE, /* not an address at all: perhaps a name */
	PREFIX_BAD,  /* looks like one and is wrong: `why` says how */
	PREFIX_V4,
	PREFIX_V6,
};

struct prefix {
	uint32_t first, last; /* IPv4, host order */
	uint32_t address;     /* as written, host bits included */
	uint8_t length;	      /* 32 for a lone address */
	bool has_length;
	bool range; /* FIRST-LAST */
	char why[120];
};

/*
 * `10.0.0.1`, `10.0.0.0/8`, `10.0.0.1-10.0.0.9`, `fd20::/64`. host_bits: an
 * address inside its prefix is allowed (uplink addresses).
 */
enum prefix_kind prefix_parse(
    const char *text, bool host_bits, struct prefix *prefix);
/* `80`, `8000-8010`; 0 is no port. */
bool prefix_parse_port(const char *text, struct policy_port_range *range);
/* `KP`, `unknown`, `none`: the bit number of image.h, or -1. */
int prefix_parse_country(const char *text);
/* Is it a code of ISO 3166-1 (or XK)? */
bool prefix_is_country(const char *text);
