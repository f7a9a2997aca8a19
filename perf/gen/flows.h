/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The generator's table of flows: what each frame that leaves the guest side
 * says. Made once, before the first frame.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLOWS_MAX 4000000u

/* All numbers in network order, ready to be stored into a frame. */
struct gen_flow {
	uint32_t remote_be;
	uint16_t source_port_be;
	uint16_t destination_port_be;
	uint16_t checksum_be; /* of the IP header */
	uint16_t size;	      /* of the frame, host order, without FCS */
	uint32_t pad;
};

enum gen_sizes { SIZES_64, SIZES_IMIX };

struct gen_flows {
	struct gen_flow *flow;
	uint32_t len;
};

/*
 * Fill the table: from `path` (text, lines `address destination-port
 * source-port`), else `len` flows over 198.18.0.0/15. source: the guest's
 * address, host order. Returns 0 or -errno; -EBADMSG the file is malformed.
 */
int flows_make(struct gen_flows *flows, uint32_t len, const char *path,
    enum gen_sizes sizes, uint32_t source);
