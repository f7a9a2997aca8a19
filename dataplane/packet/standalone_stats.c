/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a standalone run counted, as JSON for benches and tests. Main thread,
 * after the worker has stopped or, roughly, while it runs. Names in it are
 * those of ports (checked words of the policy) and of reasons, so nothing needs
 * escaping.
 */
#include "dataplane/packet/standalone_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <rte_cycles.h>

#include "control/msg/exit.h"
#include "dataplane/packet/flow.h"

/* {"reason":n,...} of one port, or of all when port is PORT_MAX. */
static void write_drops(FILE *file, int port)
{
	const char *comma = "";

	fprintf(file, "{");
	for (unsigned int r = 0; r < REASON_MAX; r++) {
		uint64_t sum = 0;

		for (int p = 0; p < PORT_MAX; p++)
			if (port == PORT_MAX || port == p)
				sum += worker.drops[p][r];
		if (sum == 0)
			continue;
		fprintf(file, "%s\"%s\":%" PRIu64, comma, reason_name(r), sum);
		comma = ",";
	}
	fprintf(file, "}");
}

static void write_port(FILE *file, const struct port *port)
{
	const struct port_counters *n = &port->counters;

	fprintf(file,
	    "\"%s\":{\"kind\":\"%s\",\"rx_packets\":%" PRIu64
	    ",\"rx_bytes\":%" PRIu64 ",\"tx_packets\":%" PRIu64
	    ",\"tx_bytes\":%" PRIu64 ",\"drops\":",
	    port->name, port->ops->kind, n->rx_packets, n->rx_bytes,
	    n->tx_packets, n->tx_bytes);
	write_drops(file, port->index);
	fprintf(file, "}");
}

int standalone_write_stats(
    const char *path, const struct loop *loop, bool hugepages)
{
	char whole[PATH_MAX];
	FILE *file = stdout;
	const char *comma = "";

	/* A reader sees the whole file or none. */
	if (path) {
		snprintf(whole, sizeof(whole), "%s.new", path);
		file = fopen(whole, "we");
	}
	if (!file) {
		fprintf(
		    stderr, "gw-dataplane: %s: %s\n", path, strerror(errno));
		return GW_EXIT_FAILED;
	}
	fprintf(file,
	    "{\"busy_cycles\":%" PRIu64 ",\"packets\":%" PRIu64
	    ",\"idle_loops\":%" PRIu64 ",\"sleeps\":%" PRIu64
	    ",\"tsc_hz\":%" PRIu64 ",\"hugepages\":%s,\"flows\":%u"
	    ",\"balance\":%" PRId64 ",\"drops\":",
	    loop->busy_cycles, loop->packets, loop->idle_loops, loop->sleeps,
	    rte_get_tsc_hz(), hugepages ? "true" : "false", worker.flows->len,
	    worker_balance(&worker));
	write_drops(file, PORT_MAX);
	fprintf(file, ",\"ports\":{");
	for (int i = 0; i < PORT_MAX; i++) {
		if (!worker.port[i].present)
			continue;
		fprintf(file, "%s", comma);
		write_port(file, &worker.port[i]);
		comma = ",";
	}
	fprintf(file, "}}\n");
	if (file == stdout)
		return fflush(file) ? GW_EXIT_FAILED : GW_EXIT_DONE;
	if (fclose(file) != 0 || rename(whole, path) != 0)
		return GW_EXIT_FAILED;
	return GW_EXIT_DONE;
}
