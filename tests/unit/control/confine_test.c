/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * confine.c: each case forks, confines the child and looks at it from
 * outside, through /proc/PID/status and /proc/PID/root, as a stranger would.
 * Cases that need root are skipped without it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "control/msg/confine.h"

static char text[8192];

static void read_file(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[size > 0 ? size : 0] = '\0';
}

static void assert_line(const char *path, const char *line)
{
	read_file(path);
	if (!strstr(text, line))
		fail_msg("%s has no line '%s':\n%s", path, line, text);
}

/* uid 65534 with nothing but CAP_SYS_CHROOT, as gw-init starts a dataplane. */
static int become_dataplane(void)
{
	struct __user_cap_header_struct header = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};

	data[0].effective = data[0].permitted = data[0].inheritable =
	    1u << CAP_SYS_CHROOT;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) || setgroups(0, NULL) ||
	    setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534) ||
	    syscall(SYS_capset, &header, data))
		return -errno;
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_CHROOT, 0, 0)
		   ? -errno
		   : 0;
}

static void *sleep_for_ever(void *argument)
{
	for (;;)
		pause();
	return argument;
}

/* A child that does what and then waits; *error: what confine_self said. */
static pid_t start(
    const char *root, int threads, int (*become)(void), int *error)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		pthread_t thread;
		int result = become ? become() : 0;
		for (int i = 0; i < threads; i++)
			pthread_create(&thread, NULL, sleep_for_ever, NULL);
		if (!result)
			result = confine_self(root);
		ssize_t done = write(ends[1], &result, sizeof(result));
		(void)done;
		for (;;)
			pause();
	}
	assert_int_equal(read(ends[0], error, sizeof(*error)), sizeof(*error));
	close(ends[0]);
	close(ends[1]);
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void assert_nothing_left(pid_t pid, const char *task)
{
	static const char *const lines[] = {
	    "\nCapInh:\t0000000000000000\n",
	    "\nCapPrm:\t0000000000000000\n",
	    "\nCapEff:\t0000000000000000\n",
	    "\nCapAmb:\t0000000000000000\n",
	    "\nNoNewPrivs:\t1\n",
	};
	char path[80];

	snprintf(path, sizeof(path), "/proc/%d/task/%s/status", pid, task);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		assert_line(path, lines[i]);
}

static void test_root_ends_with_no_capability_not_even_to_regain(void **state)
{
	char path[64], task[16];
	int error;

	(void)state;
	if (geteuid() != 0)
		skip();
	pid_t pid = start(NULL, 0, NULL, &error);
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	snprintf(task, sizeof(task), "%d", pid);
	assert_int_equal(error, 0);
	assert_nothing_left(pid, task);
	assert_line(path, "\nCapBnd:\t0000000000000000\n");
	snprintf(path, sizeof(path), "/proc/%d/limits", pid);
	assert_line(path, "Max core file size        0                    0");
	stop(pid);
}

static void test_threads_made_before_lose_theirs_too(void **state)
{
	char path[64];
	int error, len = 0;

	(void)state;
	if (geteuid() != 0)
		skip();
	pid_t pid = start("/proc", 8, become_dataplane, &error);
	assert_int_equal(error, 0);
	/* tids are not sure to follow each other: ask for each possible */
	for (int tid = pid; tid < pid + 4000 && len < 9; tid++) {
		char task[16];

		snprintf(task, sizeof(task), "%d", tid);
		snprintf(path, sizeof(path), "/proc/%d/task/%d", pid, tid);
		if (access(path, F_OK))
			continue;
		assert_nothing_left(pid, task);
		len++;
	}
	assert_int_equal(len, 9);
	stop(pid);
}

static void test_the_root_is_the_folder_and_the_process_undumpable(void **state)
{
	char folder[] = "/tmp/confine_test.XXXXXX", path[64], to[256] = "";
	struct stat st;
	int error;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_non_null(mkdtemp(folder));
	chmod(folder, 0755);
	pid_t pid = start(folder, 1, become_dataplane, &error);
	assert_int_equal(error, 0);
	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	assert_true(readlink(path, to, sizeof(to) - 1) > 0);
	assert_string_equal(to, folder);
	snprintf(path, sizeof(path), "/proc/%d/cwd", pid);
	memset(to, 0, sizeof(to));
	assert_true(readlink(path, to, sizeof(to) - 1) > 0);
	assert_string_equal(to, folder);
	/* an undumpable process' /proc files belong to root, not its uid */
	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, 0);
	stop(pid);
	rmdir(folder);
}

static int become_nobody(void)
{
	return setgroups(0, NULL) || setresgid(65534, 65534, 65534) ||
		       setresuid(65534, 65534, 65534)
		   ? -errno
		   : 0;
}

static void test_without_privileges_a_chroot_fails_and_says_so(void **state)
{
	int error;

	(void)state;
	if (geteuid() != 0)
		skip();
	pid_t pid = start("/tmp", 0, become_nobody, &error);
	assert_int_equal(error, -EPERM);
	stop(pid);
}

static void test_without_privileges_the_rest_still_holds(void **state)
{
	char task[16];
	int error;

	(void)state;
	pid_t pid =
	    start(NULL, 2, geteuid() == 0 ? become_nobody : NULL, &error);
	snprintf(task, sizeof(task), "%d", pid);
	assert_int_equal(error, 0);
	assert_nothing_left(pid, task);
	stop(pid);
}

static void test_a_missing_root_is_refused(void **state)
{
	int error;

	(void)state;
	if (geteuid() != 0)
		skip();
	pid_t pid = start("/nonexistent", 0, NULL, &error);
	assert_int_equal(error, -ENOENT);
	stop(pid);
}

static int become_rootless_of_proc(void)
{
	return chroot("/tmp") || chdir("/") ? -errno : 0;
}

static void test_capabilities_without_proc_to_check_are_refused(void **state)
{
	int error;

	(void)state;
	if (geteuid() != 0)
		skip();
	pid_t pid = start(NULL, 0, become_rootless_of_proc, &error);
	assert_int_equal(error, -ENOENT);
	stop(pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		test_root_ends_with_no_capability_not_even_to_regain),
	    cmocka_unit_test(test_threads_made_before_lose_theirs_too),
	    cmocka_unit_test(
		test_the_root_is_the_folder_and_the_process_undumpable),
	    cmocka_unit_test(
		test_without_privileges_a_chroot_fails_and_says_so),
	    cmocka_unit_test(test_without_privileges_the_rest_still_holds),
	    cmocka_unit_test(test_a_missing_root_is_refused),
	    cmocka_unit_test(
		test_capabilities_without_proc_to_check_are_refused),
	};

	return cmocka_run_group_tests_name("confine", tests, NULL, NULL);
}
