/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starting DPDK's environment layer: see eal.h. Main thread of gw-dataplane,
 * in the small root that gw-init made (read-only /sys, own /proc) or on a
 * plain host.
 *
 * Theory of operation. `--in-memory` keeps hugepages anonymous and opens no
 * sockets; without hugepages, where DPDK 22.11 refuses it, `--no-shconf` is
 * enough. EAL still makes an empty folder below RUNTIME_DIRECTORY or
 * /var/run; a RUNTIME_DIRECTORY that can't hold a folder stops that, and
 * without shared configuration EAL goes on. rte_eal_init() can't be called a
 * second time, so whether hugepages work is tried beforehand by really mapping
 * as many as are needed. What DPDK writes while it starts is kept and shown
 * only when the start fails.
 */
#include "dataplane/packet/eal.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

#include "control/msg/log.h"
#include "dataplane/packet/flow.h"

#define MIB	     (1u << 20)
#define HUGEPAGE_MIB 2u
#define EAL_ARG_MAX  (16 + 2 * EAL_VDEV_MAX)
#define NO_DIRECTORY "/dev/null"
#define FRAME_SIZE   2560u /* an mbuf with its private area and data room */
#define FLOW_SIZE    112u  /* entry, bucket slots, free list */

/* ---- DPDK's log ---- */

static char start_text[8192]; /* what DPDK said while it started */
static size_t start_size;
static bool started;

/* rte_openlog_stream() writes one line at a time here. */
static ssize_t take_line(void *cookie, const char *text, size_t size)
{
	static struct log_limit limit;
	int level = rte_log_cur_msg_loglevel();
	int len = (int)size;

	if (!started) {
		size_t room = sizeof(start_text) - 1 - start_size;
		size_t take = size < room ? size : room;

		memcpy(start_text + start_size, text, take);
		start_size += take;
		return (ssize_t)size;
	}
	while (len > 0 && text[len - 1] == '\n')
		len--;
	if (len > 0 && log_allow(&limit))
		log_line(level > 0 && level <= (int)RTE_LOG_ERR
			     ? LOG_LEVEL_WARN
			     : LOG_LEVEL_DEBUG,
		    "dpdk", "%.*s", len, text);
	return (ssize_t)size;
}

static void open_log(void)
{
	static const cookie_io_functions_t functions = {.write = take_line};
	FILE *stream = fopencookie(NULL, "w", functions);

	if (!stream)
		return;
	setvbuf(stream, NULL, _IOLBF, 512);
	rte_openlog_stream(stream);
}

/* What it said is the only explanation there is. */
static void show_start_text(void)
{
	char *save = NULL;

	start_text[start_size] = '\0';
	for (char *line = strtok_r(start_text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		log_error("dpdk", "%s", line);
}

/* ---- hugepages ---- */

/* True when so many MiB of 2 MiB pages can be mapped and touched now. */
static bool try_hugepages(uint32_t mib)
{
	size_t size = (size_t)RTE_ALIGN_CEIL(mib, HUGEPAGE_MIB) * MIB;
	int fd =
	    memfd_create("gw-probe", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_2MB);
	void *map = MAP_FAILED;

	if (fd < 0)
		return false;
	if (ftruncate(fd, (off_t)size) == 0)
		map =
		    mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return false;
	munmap(map, size);
	return true;
}

uint32_t eal_memory_for(uint32_t flows, uint32_t mbufs)
{
	uint64_t size = (uint64_t)flows * FLOW_SIZE;

	size += (uint64_t)mbufs * FRAME_SIZE;
	return EAL_BASE_MIB + (uint32_t)(size / MIB);
}

/* ---- arguments ---- */

/* Every CPU we may run on as "0@(0,2,3)": one lcore that floats. */
static int list_cpus(char *text, size_t size)
{
	cpu_set_t set;
	size_t at;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return -errno;
	at = (size_t)snprintf(text, size, "0@(");
	for (int cpu = 0; cpu < CPU_SETSIZE && at + 8 < size; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		at += (size_t)snprintf(text + at, size - at, "%s%d",
		    text[at - 1] == '(' ? "" : ",", cpu);
	}
	snprintf(text + at, size - at, ")");
	return 0;
}

static int start(const struct eal_need *need, bool huge, uint32_t mib)
{
	static char cpus[1024], memory[16], name[] = "gw-dataplane";
	char *argv[EAL_ARG_MAX];
	int argc = 0;
	int error = list_cpus(cpus, sizeof(cpus));

	if (error)
		return error;
	argv[argc++] = name;
	argv[argc++] = (char *)(huge ? "--in-memory" : "--no-shconf");
	argv[argc++] = (char *)"--no-telemetry";
	argv[argc++] = (char *)"--no-pci";
	argv[argc++] = (char *)"--iova-mode=va";
	argv[argc++] = (char *)"--lcores";
	argv[argc++] = cpus;
	if (!huge) {
		snprintf(memory, sizeof(memory), "%u", mib);
		argv[argc++] = (char *)"--no-huge";
		argv[argc++] = (char *)"-m";
		argv[argc++] = memory;
	}
	for (uint32_t i = 0; i < need->vdev_len && i < EAL_VDEV_MAX; i++) {
		argv[argc++] = (char *)"--vdev";
		argv[argc++] = (char *)(uintptr_t)need->vdev[i];
	}
	argv[argc] = NULL;
	return rte_eal_init(argc, argv) < 0 ? -rte_errno : 0;
}

int eal_start(const struct eal_need *need, bool *hugepages)
{
	uint32_t mib = need->memory_mib ? need->memory_mib : EAL_BASE_MIB;
	bool huge = try_hugepages(mib);
	int error;

	setenv("RUNTIME_DIRECTORY", NO_DIRECTORY, 1);
	open_log();
	error = start(need, huge, mib);
	unsetenv("RUNTIME_DIRECTORY");
	if (error) {
		show_start_text();
		log_error(NULL, "DPDK could not start: %s", strerror(-error));
		return error;
	}
	started = true;
	if (huge)
		log_info(NULL, "runs on hugepages memory_mib=%u", mib);
	else
		log_info(NULL,
		    "runs without hugepages, slower: fewer than needed are "
		    "free memory_mib=%u",
		    mib);
	if (hugepages)
		*hugepages = huge;
	return 0;
}
