/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes the table of flows. Called once by gen.c, main thread.
 *
 * Without a file flow i goes to host i / 64 of 198.18.0.0/15, port 80, from
 * source port 1024 + i % 64 * 61: all of 5-tuple that may differ does, so that
 * a look-up that hashes only a part of it would show.
 */
#include "perf/gen/flows.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "perf/gen/frame.h"

#define FIRST_REMOTE 0xc6120001u /* 198.18.0.1 */
#define PORTS_PER    64u
#define IMIX_CYCLE   12u

/* Simple IMIX by frame length with FCS: 7 x 64, 4 x 594, 1 x 1518. */
static uint16_t size_of(enum gen_sizes sizes, uint32_t i)
{
	if (sizes == SIZES_64 || i % IMIX_CYCLE < 7)
		return FRAME_MIN;
	return i % IMIX_CYCLE < 11 ? 590 : 1514;
}

static void set(struct gen_flow *flow, uint32_t source, uint32_t remote,
    uint16_t source_port, uint16_t destination_port, uint16_t size)
{
	flow->remote_be = htonl(remote);
	flow->source_port_be = htons(source_port);
	flow->destination_port_be = htons(destination_port);
	flow->size = size;
	flow->checksum_be =
	    frame_checksum(size, htonl(source), flow->remote_be);
}

static int read_flows(
    struct gen_flows *flows, FILE *file, enum gen_sizes sizes, uint32_t source)
{
	char address[16];
	unsigned int destination_port, source_port;
	struct in_addr remote;
	uint32_t i = 0;
	int fields;

	while ((fields = fscanf(file, "%15s %u %u", address, &destination_port,
		    &source_port)) == 3) {
		if (i == flows->len)
			return 0;
		if (inet_pton(AF_INET, address, &remote) != 1 ||
		    destination_port > UINT16_MAX || source_port > UINT16_MAX)
			return -EBADMSG;
		set(&flows->flow[i], source, ntohl(remote.s_addr),
		    (uint16_t)source_port, (uint16_t)destination_port,
		    size_of(sizes, i));
		i++;
	}
	flows->len = i;
	return fields == EOF && i ? 0 : -EBADMSG;
}

int flows_make(struct gen_flows *flows, uint32_t len, const char *path,
    enum gen_sizes sizes, uint32_t source)
{
	FILE *file;
	int rc;

	flows->flow = calloc(len, sizeof(*flows->flow));
	flows->len = len;
	if (!flows->flow)
		return -ENOMEM;
	if (path) {
		file = fopen(path, "r");
		if (!file)
			return -errno;
		rc = read_flows(flows, file, sizes, source);
		fclose(file);
		return rc;
	}
	for (uint32_t i = 0; i < len; i++)
		set(&flows->flow[i], source, FIRST_REMOTE + i / PORTS_PER,
		    (uint16_t)(1024 + i % PORTS_PER * 61), 80,
		    size_of(sizes, i));
	return 0;
}
