/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The texts of one policy and places in them. Used by every pass.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SOURCE_MAX 1024 /* files of one policy */

/* One text; memory is the bundle's. */
struct source {
	const char *path; /* as shown to the user */
	const char *data; /* size bytes, not terminated */
	size_t size;
	uint32_t file; /* its number in the bundle */
};

/* A piece of a source: `size` bytes from `offset`. */
struct place {
	uint32_t source; /* index */
	uint32_t offset; /* bytes from its start */
	uint32_t line;	 /* from 1 */
	uint32_t column; /* from 1, bytes */
	uint32_t size;	 /* bytes to underline */
};
