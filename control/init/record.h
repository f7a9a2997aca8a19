/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a network changed on the host, kept in the run folder while it is up,
 * so that `gw-init --clean` can undo it after gw-init was killed.
 */
#pragma once

#include <stdint.h>

#include "control/init/rtnl.h"
#include "control/msg/msg.h"

#define RECORD_ADDRESS_MAX 16

struct record {
	uint32_t magic, size;
	char name[MSG_NAME_SIZE];
	char interface[MSG_IFNAME_SIZE];
	uint32_t take;
	uint32_t flags; /* IFF_ of the interface before it was taken */
	int32_t address_len;
	struct rtnl_address address[RECORD_ADDRESS_MAX];
};

/* Fills magic and size. 0 or -errno. */
int record_write(struct record *record);
void record_remove(const char *name);
/* Call visit for each whole record of the run folder. */
void record_each(void (*visit)(const struct record *record));
