/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `gw-init --clean`, for `gw down --force`: ends the gateway that holds the
 * run folder's lock, kills processes of it that are left, removes the networks
 * that its records name, mounts and files. Everything is known from the run
 * folder, so another gateway is never touched.
 */
#include "control/init/clean.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/stat.h>

#include "control/init/init.h"
#include "control/init/network.h"
#include "control/init/run.h"
#include "control/msg/exit.h"
#include "control/msg/log.h"

#define TERM_LIMIT_MS 15000
#define KILL_LIMIT_MS 5000

static void nap(void)
{
	struct timespec time = {.tv_nsec = 50000000};

	nanosleep(&time, NULL);
}

/* Try for the lock; signal whoever has it. Returns it or -errno. */
static int win_lock(int number, int limit_ms)
{
	pid_t owner;
	int lock = run_lock(&owner);

	if (lock == -EWOULDBLOCK && owner > 1) {
		log_info(
		    NULL, "ending the gateway pid=%d signal=%d", owner, number);
		kill(owner, number);
	}
	for (int ms = 0; lock == -EWOULDBLOCK && ms < limit_ms; ms += 50) {
		nap();
		lock = run_lock(&owner);
	}
	return lock;
}

/* Whether the process was started by a gateway of this run folder. */
static bool is_ours(const char *pid)
{
	char path[320], text[8192], wanted[INIT_PATH_SIZE + 16];

	snprintf(path, sizeof(path), "/proc/%s/environ", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	if (size <= 0)
		return false;
	text[size] = '\0';
	snprintf(wanted, sizeof(wanted), "GW_CHILD_OF=%s", init.run_dir);
	for (char *at = text; at < text + size; at += strlen(at) + 1) {
		if (!strcmp(at, wanted))
			return true;
	}
	return false;
}

/* Children die with gw-init; this is for one whose kernel state hung. */
static unsigned kill_left(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	char path[320];
	struct stat st;
	unsigned len = 0;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/task", entry->d_name);
		if (stat(path, &st) || !is_ours(entry->d_name) ||
		    atoi(entry->d_name) == getpid())
			continue;
		log_info(
		    NULL, "killing a process left over pid=%s", entry->d_name);
		kill(atoi(entry->d_name), SIGKILL);
		len++;
	}
	if (dir)
		closedir(dir);
	return len;
}

int clean_run(void)
{
	struct stat st;

	if (lstat(init.run_dir, &st)) {
		if (errno == ENOENT)
			return GW_EXIT_DONE; /* nothing ever ran here */
		die("%s: %s", init.run_dir, strerror(errno));
	}
	int lock = win_lock(SIGTERM, TERM_LIMIT_MS);
	if (lock == -EWOULDBLOCK)
		lock = win_lock(SIGKILL, KILL_LIMIT_MS);
	if (lock < 0)
		die("%s can't be locked: %s", init.run_dir, strerror(-lock));
	for (int i = 0; i < 40 && kill_left() > 0; i++)
		nap();
	network_clean();
	run_remove();
	close(lock);
	return GW_EXIT_DONE;
}
