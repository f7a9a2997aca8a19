/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pipeline's table as pipeline.c (which holds it) and pipeline_svg.c see
 * it. Control thread.
 */
#pragma once

#include "dataplane/packet/node/node.h"
#include "dataplane/packet/pipeline.h"

#define PIPELINE_EXIT_MAX 6

struct pipeline_entry {
	const char *name;
	rte_node_process_t process;
	uint8_t column, lane; /* where the picture shows it */
	bool source;
	bool per_port; /* one clone per port: name-N */
	/* An exit to port_tx stands for all ports and is the last one; else
	 * it means the guest's port. */
	bool any_port;
	const char *text;		 /* what it does, for the picture */
	uint8_t exit[PIPELINE_EXIT_MAX]; /* where its exits lead */
};

extern const struct pipeline_entry PIPELINE[NODE_MAX];

/* How many exits an entry has. */
unsigned int pipeline_exits(const struct pipeline_entry *entry);
