/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The generator's frame: Ethernet, IPv4, UDP without checksum, then a mark by
 * which the guest side knows its own frame again.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "perf/gen/flows.h"

#define FRAME_MIN  64u /* as dpdk-testpmd sends them */
#define FRAME_MARK 0x67656e21u

struct frame {
	uint8_t destination_mac[6];
	uint8_t source_mac[6];
	uint16_t type_be;
	struct {
		uint8_t version_ihl;
		uint8_t tos;
		uint16_t length_be;
		uint16_t id_be;
		uint16_t fragment_be;
		uint8_t ttl;
		uint8_t protocol;
		uint16_t checksum_be;
		uint32_t source_be;
		uint32_t destination_be;
	} ip;
	struct {
		uint16_t source_be;
		uint16_t destination_be;
		uint16_t length_be;
		uint16_t checksum_be;
	} udp;
	uint32_t mark;
	uint32_t flow; /* index */
} __attribute__((packed));
_Static_assert(sizeof(struct frame) <= FRAME_MIN, "it fits the least frame");

/* What all frames from the guest side share. */
struct frame_template {
	struct frame frame;
};

/* Guest-side constants; macs of 6 bytes, source in network order. */
void frame_prepare(struct frame_template *template, const uint8_t *source_mac,
    const uint8_t *destination_mac, uint32_t source_be);

/* IP header checksum (network order) of a frame of `size` bytes. RFC 1071. */
uint16_t frame_checksum(
    uint16_t size, uint32_t source_be, uint32_t destination_be);

/* Write the headers of flow `index` to the start of `frame`. */
static inline void frame_write(struct frame *frame,
    const struct frame_template *template, const struct gen_flow *flow,
    uint32_t index)
{
	uint16_t size = flow->size;

	*frame = template->frame;
	frame->ip.length_be = __builtin_bswap16((uint16_t)(size - 14));
	frame->ip.checksum_be = flow->checksum_be;
	frame->ip.destination_be = flow->remote_be;
	frame->udp.source_be = flow->source_port_be;
	frame->udp.destination_be = flow->destination_port_be;
	frame->udp.length_be = __builtin_bswap16((uint16_t)(size - 34));
	frame->flow = index;
}

/* Turn a frame round, as the far end's answer. No checksum changes by it. */
static inline void frame_reflect(struct frame *frame)
{
	uint8_t mac[6];
	uint32_t address = frame->ip.source_be;
	uint16_t port = frame->udp.source_be;

	__builtin_memcpy(mac, frame->source_mac, 6);
	__builtin_memcpy(frame->source_mac, frame->destination_mac, 6);
	__builtin_memcpy(frame->destination_mac, mac, 6);
	frame->ip.source_be = frame->ip.destination_be;
	frame->ip.destination_be = address;
	frame->udp.source_be = frame->udp.destination_be;
	frame->udp.destination_be = port;
}
