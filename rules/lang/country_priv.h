/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between country_build.c and its two readers. Not for others.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/lang/country_build.h"

/* A table in the making; country_build.c has its theory. */
struct country_canvas {
	uint16_t *top;
	uint16_t (*deep)[256];
	uint32_t deep_len;
	uint16_t *spare; /* groups that a whole /24 was laid over */
	uint32_t spare_len;
	char *why;
	size_t why_size;
};

/* One sentence into canvas->why; returns rc, so a caller can return it. */
int country_refuse(struct country_canvas *canvas, int rc, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

/* Lay `value` (code + 1, or 0) over addresses first..last, host order, bounds
 * included. Returns 0 or -ENOSPC. */
int country_paint(struct country_canvas *canvas, uint32_t first, uint32_t last,
    uint16_t value);

/* Value of a country code of two bytes, not terminated: code + 1; 0 for `??`,
 * EU and AP; -EBADMSG when it is none. */
int country_value(const char *code, size_t len);

/* The readers: paint one input. 0, or what country_refuse() returned. */
int country_read_text(
    struct country_canvas *canvas, const struct country_input *input);
bool country_is_mmdb(const struct country_input *input);
int country_read_mmdb(
    struct country_canvas *canvas, const struct country_input *input);
