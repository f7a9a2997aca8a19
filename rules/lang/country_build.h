/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Builder of the country table (rules/image/country.h) from lists. Called by
 * gw-rulec when a policy names countries; single thread. It reads only memory
 * and makes no system call but for more memory, so it runs confined.
 *
 * Inputs, told apart by content:
 *	text	lines `first,last,CC` or `prefix,CC`; addresses as numbers
 *		(tor-geoipdb) or dotted; `#` starts a comment. `??`, EU and AP
 *		mean: no country is known.
 *	.mmdb	a MaxMind database (libmaxminddb); country.iso_code of each
 *		record, never registered_country. Records without one leave
 *		what earlier inputs said.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct country_input {
	const char *path; /* for sentences only */
	const void *data; /* borrowed */
	size_t size;
};

/*
 * Later inputs lie over earlier ones. *table: the finished table, *size bytes,
 * belongs to the caller (free()); header.sha256 is filled in. Equal inputs
 * give equal bytes. Returns 0; -EBADMSG an input is malformed, -ENOSPC the
 * table can't hold it, -ENOMEM; then `why` has one sentence naming path and
 * place.
 */
int country_build(const struct country_input *inputs, size_t len, void **table,
    size_t *size, char *why, size_t why_size);
