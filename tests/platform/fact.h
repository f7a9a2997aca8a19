/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a program of tests/platform states what it tried: one TAP line without
 * a number, which tests/platform/run adds. Header only, for these small
 * programs of one thread.
 */
#pragma once

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The claim is the name; on failure errno is shown, as it may say why. */
static inline void fact(bool holds, const char *claim)
{
	int error = errno;

	printf("%s - %s\n", holds ? "ok" : "not ok", claim);
	if (!holds)
		printf("# errno: %s\n", strerror(error));
	fflush(stdout);
}

/* What could not be tried here, and why; ends the program. */
static inline void __attribute__((noreturn))
fact_skip(const char *claim, const char *reason)
{
	printf("ok - %s # SKIP %s\n", claim, reason);
	exit(0);
}
