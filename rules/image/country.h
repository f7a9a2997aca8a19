/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The country table: IPv4 address -> country code number (image.h), as one
 * pointer-free sealed memfd that all processes map read-only. gw-rulec builds
 * it from CSV (tor-geoipdb) and .mmdb files; judge.c and gw-dataplane read it.
 *
 * Theory of operation. DIR-24-8: `top` has one 16-bit entry per /24; an entry
 * with COUNTRY_DEEP set is the number of a group of 256 entries in `deep`.
 * A value is code + 1, 0 = not in the table. Untouched pages of the memfd stay
 * unallocated.
 */
#pragma once

#include <stdint.h>
#include <stddef.h>

#define COUNTRY_TABLE_MAGIC  "GWCOUNTR"
#define COUNTRY_TABLE_FORMAT 1u
#define COUNTRY_DEEP	     0x8000u
#define COUNTRY_DEEP_MAX     0x7fffu /* groups */
#define COUNTRY_TOP_LEN	     (1u << 24)

struct country_header {
	uint8_t magic[8];
	uint32_t format;
	uint32_t deep_len;    /* groups of 256 */
	uint8_t sha256[32];   /* of the table, this field zero */
	uint8_t reserved[16]; /* `top` starts 64-aligned */
	/* uint16_t top[1 << 24]; uint16_t deep[deep_len][256]; */
};

/* Bytes of a table with so many groups. */
static inline size_t country_table_size(uint32_t deep_len)
{
	return sizeof(struct country_header) +
	       sizeof(uint16_t) *
		   ((size_t)COUNTRY_TOP_LEN + (size_t)deep_len * 256);
}

struct country_table {
	const struct country_header *header;
	const uint16_t *top;
	const uint16_t *deep;
};

/*
 * Check size, format and every deep index; sha256: 32 bytes that the policy
 * image names, or NULL to skip hashing (the caller made the table itself).
 * Memory is borrowed. Returns 0 or -EBADMSG with one sentence in why.
 */
int country_table_validate(struct country_table *table, const void *base,
    size_t size, const uint8_t *sha256, char *why, size_t why_size);

/* address: host order. Returns a code below COUNTRY_MAX: what the table says,
 * else COUNTRY_NONE for private and special addresses, else COUNTRY_UNKNOWN.
 * table may be NULL (then nothing is in it). */
uint16_t country_of(const struct country_table *table, uint32_t address);

/* "SE", "unknown", "none" into text[8]. */
void country_name(uint16_t code, char text[8]);
