/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SHA-256 of a run of bytes that holds its own digest: those 32 bytes count as
 * zero. Used by whoever makes or checks a policy image or a country table.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* hole: offset of the 32 bytes, hole + 32 <= size. digest: 32 bytes, written.
 * base is borrowed. */
void digest_with_hole(
    const void *base, size_t size, size_t hole, uint8_t digest[32]);
