/* SPDX-License-Identifier: BSD-2-Clause */
/* What gw-rulec does with a bundle, inside the sandbox. Called by rulec.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum work_mode {
	WORK_COMPILE, /* image and country table */
	WORK_CHECK,   /* diagnostics and a line that says it is good */
	WORK_PRINT,   /* canonical text */
	WORK_EXPLAIN, /* a flow, stage by stage */
	WORK_TEST,    /* a line per expect */
};

struct work {
	enum work_mode mode;
	bool json;
	const char *flow; /* WORK_EXPLAIN: `GUEST FLOW` */
	int image_fd;	  /* -1: not wanted */
	int table_fd;	  /* -1: not wanted */
	int out_fd;	  /* results for people or programs */
	int error_fd;	  /* diagnostics as text */
	int json_fd;	  /* diagnostics as JSON, or -1 */
};

/* Exit codes: control/msg/exit.h says the same to gwctl's users. */
#define WORK_OK	     0
#define WORK_FAILED  1
#define WORK_USAGE   2
#define WORK_REFUSED 3
#define WORK_DENY    4

/* data: the bundle's bytes, borrowed. Returns the exit code. */
int work_run(const struct work *work, const void *data, size_t size);
