/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The generator's closed loop. Runs on the main thread of gw-gen, which is
 * pinned to one core; gen.c starts it and prints what it counted.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_mempool.h>

#include "perf/gen/flows.h"
#include "perf/gen/frame.h"

struct loop {
	/* set by the caller */
	uint16_t guest; /* ethdev number that plays the guest */
	uint16_t far;	/* ethdev number that plays the far end */
	struct rte_mempool *pool;
	struct gen_flows flows;
	struct frame_template template;
	uint32_t limit; /* frames under way at most */
	uint16_t burst;
	/* counted by loop_run() */
	uint64_t frames;  /* received at either end: forwarded once each */
	uint64_t sent;	  /* from the guest side */
	uint64_t lost;	  /* given up after LOST_MS of silence */
	uint64_t refused; /* the ring was full */
	uint64_t foreign; /* not ours, or not what was sent */
	uint64_t busy;	  /* TSC cycles of iterations that received something */
	uint64_t cycles;  /* TSC cycles altogether */
	/* between calls */
	uint32_t next; /* flow */
	uint32_t under_way;
};

/* Let frames go round for so many TSC cycles, and until `least` were sent.
 * Counters start from zero. Returns early when *stop becomes true. */
void loop_run(struct loop *loop, uint64_t cycles, uint64_t least,
    const volatile bool *stop);
