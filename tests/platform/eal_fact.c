/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How DPDK 22.11 starts: what dataplane/packet/eal.c and eal_small.c lean on.
 * Each trial is a process in a mount namespace whose /run and /tmp are empty,
 * so that whatever EAL leaves behind is seen. Run by tests/platform/run.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <rte_eal.h>

#include "tests/platform/fact.h"

enum outcome { STARTED_CLEAN, STARTED_DIRTY, REFUSED, NOT_TRIED };

static bool is_empty(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	bool empty = true;

	while (dir && (entry = readdir(dir)))
		empty &= entry->d_name[0] == '.';
	if (dir)
		closedir(dir);
	return empty;
}

static enum outcome start(char **argv, int argc, const char *directory)
{
	int null = open("/dev/null", O_WRONLY);

	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("fact", "/run", "tmpfs", 0, NULL) < 0 ||
	    mount("fact", "/tmp", "tmpfs", 0, NULL) < 0)
		return NOT_TRIED;
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	if (directory)
		setenv("RUNTIME_DIRECTORY", directory, 1);
	if (rte_eal_init(argc, argv) < 0)
		return REFUSED;
	return is_empty("/run") && is_empty("/tmp") ? STARTED_CLEAN
						    : STARTED_DIRTY;
}

static enum outcome try(const char *mode, const char *directory)
{
	char argument[][24] = {
	    "fact", "", "--no-huge", "-m", "16", "--no-pci", "--no-telemetry"};
	char *argv[8] = {0};
	int argc = 0, status;
	pid_t child;

	snprintf(argument[1], sizeof(argument[1]), "%s", mode);
	for (; argc < 7; argc++)
		argv[argc] = argument[argc];
	fflush(stdout);
	child = fork();
	if (child == 0)
		_exit(start(argv, argc, directory));
	if (child < 0 || waitpid(child, &status, 0) != child ||
	    !WIFEXITED(status))
		return NOT_TRIED;
	return WEXITSTATUS(status);
}

int main(void)
{
	if (geteuid() != 0 || try("--no-shconf", NULL) == NOT_TRIED)
		fact_skip("DPDK leaves nothing behind", "needs root");
	fact(try("--in-memory", NULL) == REFUSED,
	    "DPDK refuses --in-memory without hugepages");
	fact(try("--no-shconf", NULL) == STARTED_DIRTY,
	    "EAL makes a runtime folder even without shared configuration");
	fact(try("--no-shconf", "/dev/null") == STARTED_CLEAN,
	    "a RUNTIME_DIRECTORY that is no folder keeps EAL from making one");
	return 0;
}
