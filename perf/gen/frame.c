/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The constant part of the generator's frames. Called before the first frame.
 */
#include "perf/gen/frame.h"

#include <arpa/inet.h>
#include <string.h>

#define ETHERTYPE_IPV4 0x0800
#define TTL	       64
#define PROTOCOL_UDP   17

void frame_prepare(struct frame_template *template, const uint8_t *source_mac,
    const uint8_t *destination_mac, uint32_t source_be)
{
	struct frame *frame = &template->frame;

	memset(template, 0, sizeof(*template));
	memcpy(frame->source_mac, source_mac, 6);
	memcpy(frame->destination_mac, destination_mac, 6);
	frame->type_be = htons(ETHERTYPE_IPV4);
	frame->ip.version_ihl = 0x45;
	frame->ip.ttl = TTL;
	frame->ip.protocol = PROTOCOL_UDP;
	frame->ip.source_be = source_be;
	frame->mark = FRAME_MARK;
}

uint16_t frame_checksum(
    uint16_t size, uint32_t source_be, uint32_t destination_be)
{
	uint32_t source = ntohl(source_be);
	uint32_t destination = ntohl(destination_be);
	uint32_t sum = 0x4500u + (size - 14u) + (TTL << 8 | PROTOCOL_UDP) +
		       (source >> 16) + (source & 0xffff) +
		       (destination >> 16) + (destination & 0xffff);

	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}
