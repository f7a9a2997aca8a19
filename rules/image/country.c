/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading the country table: check once, then two loads a look-up. Called by
 * gw-rulec, gwd, gw-dataplane (control thread validates, worker looks up).
 */
#include "rules/image/country.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "rules/image/digest.h"
#include "rules/image/image.h"
#include "rules/image/special.h"

static_assert(sizeof(struct country_header) == 64, "top is 64-aligned");
static_assert(COUNTRY_UNKNOWN == 26 * 26, "two letters, then the others");

#define GROUP_LEN 256u

static int refuse(char *why, size_t why_size, const char *sentence)
{
	if (why)
		snprintf(why, why_size, "%s", sentence);
	return -EBADMSG;
}

/* A value is 0 or the code of two letters, plus one. */
static bool all_values_known(const uint16_t *value, size_t len)
{
	uint16_t highest = 0;

	for (size_t i = 0; i < len; i++)
		highest = value[i] > highest ? value[i] : highest;
	return highest <= COUNTRY_UNKNOWN;
}

static bool top_is_sound(const uint16_t *top, uint32_t deep_len)
{
	for (size_t i = 0; i < COUNTRY_TOP_LEN; i++) {
		uint16_t entry = top[i];

		if (entry & COUNTRY_DEEP ? (entry & ~COUNTRY_DEEP) >= deep_len
					 : entry > COUNTRY_UNKNOWN)
			return false;
	}
	return true;
}

int country_table_validate(struct country_table *table, const void *base,
    size_t size, const uint8_t *sha256, char *why, size_t why_size)
{
	const struct country_header *header = base;
	const uint16_t *top, *deep;
	uint8_t digest[32];

	if (size < sizeof(*header) ||
	    memcmp(header->magic, COUNTRY_TABLE_MAGIC, 8))
		return refuse(why, why_size, "this is not a country table");
	if (header->format != COUNTRY_TABLE_FORMAT)
		return refuse(why, why_size,
		    "the country table has a format of another version");
	if (header->deep_len > COUNTRY_DEEP_MAX ||
	    size != country_table_size(header->deep_len))
		return refuse(
		    why, why_size, "the country table has the wrong size");
	if (sha256) {
		digest_with_hole(base, size,
		    offsetof(struct country_header, sha256), digest);
		if (memcmp(digest, header->sha256, sizeof(digest)))
			return refuse(why, why_size,
			    "the country table's SHA-256 is wrong");
		if (memcmp(digest, sha256, sizeof(digest)))
			return refuse(why, why_size,
			    "this is not the country table that the policy "
			    "image names");
	}

	top = (const uint16_t *)(header + 1);
	deep = top + COUNTRY_TOP_LEN;
	if (!top_is_sound(top, header->deep_len) ||
	    !all_values_known(deep, (size_t)header->deep_len * GROUP_LEN))
		return refuse(why, why_size,
		    "the country table holds a value out of range");

	*table = (struct country_table) {header, top, deep};
	return 0;
}

uint16_t country_of(const struct country_table *table, uint32_t address)
{
	uint16_t value = 0;

	if (table) {
		value = table->top[address >> 8];
		if (value & COUNTRY_DEEP)
			value =
			    table->deep[(value & ~COUNTRY_DEEP) * GROUP_LEN +
					(address & 0xff)];
	}
	if (value)
		return value - 1;
	return special_find(address) ? COUNTRY_NONE : COUNTRY_UNKNOWN;
}

void country_name(uint16_t code, char text[8])
{
	if (code < COUNTRY_UNKNOWN)
		snprintf(text, 8, "%c%c", 'A' + code / 26, 'A' + code % 26);
	else
		snprintf(text, 8, "%s",
		    code == COUNTRY_UNKNOWN ? "unknown"
		    : code == COUNTRY_NONE  ? "none"
					    : "?");
}
