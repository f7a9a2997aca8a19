/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last stage of confinement. Called once by each process on itself, from
 * its main thread, after its initialisation and before hostile bytes.
 *
 * Theory of operation. Capabilities and no-new-privileges belong to a thread,
 * and libraries (DPDK's EAL) may have made threads already. So every thread is
 * told by a signal to drop its own; then /proc/self/task is read back until
 * each thread's status shows nothing left, for WAIT_MS at most. The task
 * folder is opened before the chroot and closed before the return. Without
 * /proc the call succeeds only when the caller has no capability to begin
 * with: gw-init gave none then, so no thread can have one.
 *
 * The bounding set can only be emptied with CAP_SETPCAP; without it, it stays
 * and means nothing, as no-new-privileges forbids to gain by exec.
 */
#include "control/msg/confine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define WAIT_MS	 2000
#define CAP_MOST 63 /* the kernel's words hold no more */

static int get_caps(struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct header = {
	    .version = _LINUX_CAPABILITY_VERSION_3};

	return syscall(SYS_capget, &header, data) ? -errno : 0;
}

static bool has_caps(const struct __user_cap_data_struct data[2])
{
	return (data[0].effective | data[0].permitted | data[0].inheritable |
		   data[1].effective | data[1].permitted |
		   data[1].inheritable) != 0;
}

/* This thread only. System calls alone, as it also runs in a handler. */
static int drop_thread(void)
{
	struct __user_cap_header_struct header = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	for (int cap = 0; cap <= CAP_MOST; cap++) {
		if (prctl(PR_CAPBSET_READ, cap) < 0)
			break;
		/* EPERM without CAP_SETPCAP, see above */
		prctl(PR_CAPBSET_DROP, cap);
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
		return -errno;
	if (syscall(SYS_capset, &header, none))
		return -errno;
	return 0;
}

static void on_signal(int number)
{
	int saved = errno;

	(void)number;
	drop_thread(); /* judged by reading /proc back */
	errno = saved;
}

/* Whether the thread's status shows no capability and no-new-privileges;
 * -errno when unreadable, -ENOENT and -ESRCH when it has ended. */
static int check_status(int tasks, const char *tid)
{
	static const char *const zero[] = {
	    "\nCapInh:\t", "\nCapPrm:\t", "\nCapEff:\t", "\nCapAmb:\t"};
	char path[64], text[4096];

	snprintf(path, sizeof(path), "%.20s/status", tid);
	int fd = openat(tasks, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t size = read(fd, text, sizeof(text) - 1);
	int error = errno;
	close(fd);
	if (size < 0)
		return -error;
	text[size] = '\0';

	for (size_t i = 0; i < sizeof(zero) / sizeof(zero[0]); i++) {
		const char *at = strstr(text, zero[i]);
		if (!at || strtoull(at + strlen(zero[i]), NULL, 16) != 0)
			return 0;
	}
	return strstr(text, "\nNoNewPrivs:\t1") != NULL;
}

/* One look at all threads, signalling those that still hold something.
 * Returns how many, or -errno. */
static int sweep(int tasks)
{
	int copy = openat(tasks, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	int left = 0;

	if (!dir) {
		int error = errno;
		if (copy >= 0)
			close(copy);
		return -error;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		int clean = check_status(tasks, entry->d_name);
		if (clean == -ENOENT || clean == -ESRCH || clean == 1)
			continue;
		if (clean < 0) {
			left = clean;
			break;
		}
		left++;
		syscall(SYS_tgkill, getpid(), atoi(entry->d_name), SIGRTMAX);
	}
	closedir(dir);
	return left;
}

static int drop_threads(int tasks)
{
	struct sigaction action = {
	    .sa_handler = on_signal, .sa_flags = SA_RESTART};
	struct sigaction before;
	struct timespec nap = {.tv_nsec = 1000000};
	int left;

	sigemptyset(&action.sa_mask);
	if (sigaction(SIGRTMAX, &action, &before))
		return -errno;
	left = sweep(tasks);
	for (int i = 0; left > 0 && i < WAIT_MS; i++) {
		nanosleep(&nap, NULL);
		left = sweep(tasks);
	}
	/* A second signal may still be on its way to a clean thread: it must
	 * not kill, so the number stays ignored. */
	before.sa_handler = SIG_IGN;
	before.sa_flags = 0;
	sigaction(SIGRTMAX, &before, NULL);
	if (left < 0)
		return left;
	return left == 0 ? 0 : -ETIMEDOUT;
}

static int check_self(void)
{
	struct __user_cap_data_struct data[2];
	struct rlimit limit;
	int error = get_caps(data);

	if (error)
		return error;
	if (has_caps(data))
		return -EPERM;
	for (int cap = 0; cap <= CAP_MOST; cap++) {
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) > 0)
			return -EPERM;
	}
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 ||
	    prctl(PR_GET_DUMPABLE) != 0)
		return -EPERM;
	if (getrlimit(RLIMIT_CORE, &limit))
		return -errno;
	return limit.rlim_cur == 0 && limit.rlim_max == 0 ? 0 : -EPERM;
}

int confine_self(const char *root)
{
	struct __user_cap_data_struct data[2];
	struct rlimit none = {0, 0};
	int error = get_caps(data);

	if (error)
		return error;

	int tasks = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tasks < 0 && has_caps(data))
		return -errno;
	if (root && (chroot(root) || chdir("/")))
		error = -errno;
	if (!error && setrlimit(RLIMIT_CORE, &none))
		error = -errno;
	if (!error && prctl(PR_SET_DUMPABLE, 0))
		error = -errno;
	if (!error)
		error = drop_thread();
	if (!error && tasks >= 0)
		error = drop_threads(tasks);
	if (tasks >= 0)
		close(tasks);
	return error ? error : check_self();
}
