/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starts EAL small and quiet: see eal_small.h. Called by the offline mode and
 * by tests, main thread.
 */
#include "dataplane/packet/eal_small.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <rte_eal.h>
#include <rte_errno.h>

/* A CPU this process may run on; EAL refuses others. */
static int find_cpu(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 0;
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set))
			return i;
	return 0;
}

int eal_start_small(void)
{
	/* EAL wants to write into argv. DPDK 22.11 refuses --in-memory together
	 * with --no-huge: without hugepages --no-shconf leaves no files. */
	static char argument[][20] = {"gw-dataplane", "--no-huge",
	    "--no-shconf", "--no-pci", "--no-telemetry", "-m", "128",
	    "--log-level=3", ""};
	enum { LEN = sizeof(argument) / sizeof(argument[0]) };
	static char *argv[LEN + 1];
	int error;

	snprintf(argument[LEN - 1], sizeof(argument[0]), "--lcores=0@%d",
	    find_cpu());
	for (int i = 0; i < LEN; i++)
		argv[i] = argument[i];
	/* EAL makes a folder even so; where none can be made it goes on. */
	setenv("RUNTIME_DIRECTORY", "/dev/null", 1);
	error = rte_eal_init(LEN, argv) < 0 ? -rte_errno : 0;
	unsetenv("RUNTIME_DIRECTORY");
	return error;
}
