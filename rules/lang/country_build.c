/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The country table in the making: painting, and the finished bytes. Called by
 * gw-rulec, single thread.
 *
 * Theory of operation. The canvas has the table's own shape: one entry per /24
 * and groups of 256 for those with more than one country. A /24 that is laid
 * over as a whole gives its group back. At the end groups are renumbered in
 * the order of their /24s and those with one value only are dissolved, so the
 * bytes depend on what the inputs mean, not on how they were cut.
 */
#include "rules/lang/country_build.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/image/country.h"
#include "rules/image/digest.h"
#include "rules/image/image.h"
#include "rules/lang/country_priv.h"

int country_refuse(
    struct country_canvas *canvas, int rc, const char *format, ...)
{
	va_list args;

	if (canvas->why && canvas->why_size) {
		va_start(args, format);
		vsnprintf(canvas->why, canvas->why_size, format, args);
		va_end(args);
	}
	return rc;
}

int country_value(const char *code, size_t len)
{
	if (len != 2)
		return -EBADMSG;
	if (!memcmp(code, "??", 2) || !memcmp(code, "EU", 2) ||
	    !memcmp(code, "AP", 2))
		return 0;
	if (code[0] < 'A' || code[0] > 'Z' || code[1] < 'A' || code[1] > 'Z')
		return -EBADMSG;
	return (code[0] - 'A') * 26 + (code[1] - 'A') + 1;
}

/* Group of a /24, made when it has none yet; NULL = no group is left. */
static uint16_t *deepen(struct country_canvas *canvas, uint32_t net)
{
	uint16_t entry = canvas->top[net];
	uint32_t group;

	if (entry & COUNTRY_DEEP)
		return canvas->deep[entry & ~COUNTRY_DEEP];
	if (canvas->spare_len)
		group = canvas->spare[--canvas->spare_len];
	else if (canvas->deep_len < COUNTRY_DEEP_MAX)
		group = canvas->deep_len++;
	else
		return NULL;
	for (int i = 0; i < 256; i++)
		canvas->deep[group][i] = entry;
	canvas->top[net] = (uint16_t)(COUNTRY_DEEP | group);
	return canvas->deep[group];
}

/* Part of one /24: bytes first..last of it. */
static int paint_part(struct country_canvas *canvas, uint32_t net,
    uint32_t first, uint32_t last, uint16_t value)
{
	uint16_t *group;

	if (canvas->top[net] == value)
		return 0;
	group = deepen(canvas, net);
	if (!group)
		return -ENOSPC;
	for (uint32_t i = first; i <= last; i++)
		group[i] = value;
	return 0;
}

static void paint_whole(
    struct country_canvas *canvas, uint32_t net, uint16_t value)
{
	uint16_t entry = canvas->top[net];

	if (entry & COUNTRY_DEEP)
		canvas->spare[canvas->spare_len++] = entry & ~COUNTRY_DEEP;
	canvas->top[net] = value;
}

int country_paint(struct country_canvas *canvas, uint32_t first, uint32_t last,
    uint16_t value)
{
	uint32_t net = first >> 8, end = last >> 8;
	int rc = 0;

	if (net == end && (first & 0xff || (last & 0xff) != 0xff))
		return paint_part(
		    canvas, net, first & 0xff, last & 0xff, value);
	if (first & 0xff)
		rc = paint_part(canvas, net++, first & 0xff, 0xff, value);
	if (!rc && (last & 0xff) != 0xff)
		rc = paint_part(canvas, end--, 0, last & 0xff, value);
	/* end may have wrapped below net: 64 bits hold the comparison. */
	for (uint64_t i = net; !rc && i < (uint64_t)(int32_t)end + 1; i++)
		paint_whole(canvas, (uint32_t)i, value);
	return rc;
}

static bool is_uniform(const uint16_t *group)
{
	return !memcmp(group, group + 1, 255 * sizeof(*group));
}

/* Give each surviving group its final number; returns how many survive. */
static uint32_t renumber(struct country_canvas *canvas, uint16_t *order)
{
	uint32_t len = 0;

	for (uint32_t net = 0; net < COUNTRY_TOP_LEN; net++) {
		uint16_t group;

		if (!(canvas->top[net] & COUNTRY_DEEP))
			continue;
		group = canvas->top[net] & ~COUNTRY_DEEP;
		if (is_uniform(canvas->deep[group])) {
			canvas->top[net] = canvas->deep[group][0];
			continue;
		}
		order[len] = group;
		canvas->top[net] = (uint16_t)(COUNTRY_DEEP | len++);
	}
	return len;
}

/* Finish `header`, whose `top` is already painted. */
static size_t finish(
    struct country_canvas *canvas, struct country_header *header)
{
	uint16_t *order = canvas->spare; /* as long as there can be groups */
	uint16_t *deep = canvas->top + COUNTRY_TOP_LEN;
	size_t size;

	memcpy(header->magic, COUNTRY_TABLE_MAGIC, sizeof(header->magic));
	header->format = COUNTRY_TABLE_FORMAT;
	header->deep_len = renumber(canvas, order);
	for (uint32_t i = 0; i < header->deep_len; i++)
		memcpy(deep + (size_t)i * 256, canvas->deep[order[i]],
		    sizeof(canvas->deep[0]));
	size = country_table_size(header->deep_len);
	digest_with_hole(header, size, offsetof(struct country_header, sha256),
	    header->sha256);
	return size;
}

int country_build(const struct country_input *inputs, size_t len, void **table,
    size_t *size, char *why, size_t why_size)
{
	struct country_canvas canvas = {.why = why, .why_size = why_size};
	struct country_header *header;
	int rc = 0;

	/* Untouched pages of these stay unallocated. */
	header = calloc(1, country_table_size(COUNTRY_DEEP_MAX));
	canvas.deep = calloc(COUNTRY_DEEP_MAX, sizeof(canvas.deep[0]));
	canvas.spare = calloc(COUNTRY_DEEP_MAX, sizeof(canvas.spare[0]));
	if (!header || !canvas.deep || !canvas.spare) {
		rc = country_refuse(
		    &canvas, -ENOMEM, "no memory for the country table");
		goto out;
	}
	canvas.top = (uint16_t *)(header + 1);
	for (size_t i = 0; !rc && i < len; i++)
		rc = country_is_mmdb(&inputs[i])
			 ? country_read_mmdb(&canvas, &inputs[i])
			 : country_read_text(&canvas, &inputs[i]);
	if (rc)
		goto out;
	*size = finish(&canvas, header);
	*table = header;
	header = NULL;
out:
	free(canvas.spare);
	free(canvas.deep);
	free(header);
	return rc;
}
