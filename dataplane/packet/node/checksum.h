/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Internet checksums of RFC 1071 and their incremental change by RFC 1624,
 * equation 3. All words as they lie in the packet. Used by the nodes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t checksum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* Is the checksum of a 20-byte IPv4 header right? */
static inline bool checksum_ip_valid(const void *header)
{
	const uint8_t *at = header;
	uint64_t low, high;
	uint32_t last;

	memcpy(&low, at, 8);
	memcpy(&high, at + 8, 8);
	memcpy(&last, at + 16, 4);
	return checksum_fold((low >> 32) + (uint32_t)low + (high >> 32) +
			     (uint32_t)high + last) == 0xffff;
}

/* A checksum field after the 32-bit word `old` became `new` (network order
 * both). */
static inline uint16_t checksum_change(
    uint16_t checksum, uint32_t old, uint32_t new)
{
	uint64_t sum = (uint16_t)~checksum;

	sum += (uint32_t)~old;
	sum += new;
	return (uint16_t)~checksum_fold(sum);
}

/* Of `size` bytes; sum: of what comes before (pseudo-header), not folded. */
static inline uint16_t checksum_bytes(
    const void *bytes, uint32_t size, uint64_t sum)
{
	const uint8_t *at = bytes;
	uint16_t word;

	for (; size >= 2; size -= 2, at += 2) {
		memcpy(&word, at, 2);
		sum += word;
	}
	if (size) {
		word = 0;
		memcpy(&word, at, 1);
		sum += word;
	}
	return (uint16_t)~checksum_fold(sum);
}

/* Sum of the pseudo-header of RFC 9293 / RFC 768. Addresses in network order,
 * l4_size in host order. */
static inline uint64_t checksum_pseudo(
    uint32_t source, uint32_t destination, uint8_t protocol, uint16_t l4_size)
{
	return (uint64_t)source + destination + ((uint32_t)protocol << 8) +
	       (uint16_t)(l4_size << 8 | l4_size >> 8);
}
