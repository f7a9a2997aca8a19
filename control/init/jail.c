/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One process in its jail. The parent part runs in gw-init's loop; everything
 * below enter() runs in the new process, as root at first, and ends in exec.
 *
 * Theory of operation. clone3() makes the process with new mount, PID, IPC,
 * UTS and network namespaces; the network one stays empty, its loopback down.
 * Then, in this order, as each step needs what a later one takes away:
 *	root	tmpfs on <run-dir>/root, cloned mounts moved into it, pivot_root
 *	fds	the given ones become 0..n, all others are closed
 *	limits	no core, files, processes, processor time
 *	uid	bounding set emptied, groups, gid, uid, capabilities
 *	death	PR_SET_PDEATHSIG (a uid change clears it), then a look whether
 *		gw-init lives: its pidfd, as getppid() is 0 across PID
 *namespaces A failing step is written to a close-on-exec pipe that the parent
 *reads; end of file there means that the program runs.
 */
#include "control/init/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "control/init/init.h"

#define START_LIMIT_MS 10000
#define HIGH_FD	       256 /* above every number that enter() assigns */

struct report {
	int error;
	char step[96];
};

static int report_fd; /* in the new process */

static void __attribute__((noreturn, format(printf, 1, 2)))
fail(const char *format, ...)
{
	struct report report = {.error = errno};
	va_list args;

	va_start(args, format);
	vsnprintf(report.step, sizeof(report.step), format, args);
	va_end(args);
	ssize_t done = write(report_fd, &report, sizeof(report));
	(void)done;
	_exit(127);
}

/* Folders on the way to a relative path, and the path itself as asked. */
static void make_place(const char *path, bool folder)
{
	char part[INIT_PATH_SIZE];

	snprintf(part, sizeof(part), "%s", path);
	for (char *at = strchr(part, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		if (mkdir(part, 0755) && errno != EEXIST)
			fail("folder %s in the root", part);
		*at = '/';
	}
	if (folder) {
		if (mkdir(part, 0755) && errno != EEXIST)
			fail("folder %s in the root", part);
		return;
	}
	int fd = open(part, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		fail("file %s in the root", part);
	close(fd);
}

static bool copy_link(const char *from, const char *to)
{
	char target[INIT_PATH_SIZE];
	ssize_t size = readlink(from, target, sizeof(target) - 1);

	if (size < 0)
		return false;
	target[size] = '\0';
	if (symlink(target, to))
		fail("symlink %s in the root", to);
	return true;
}

static void bind(
    const char *from, const char *to, enum jail_bind_kind kind, bool optional)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOSUID};
	struct stat st;

	if (kind == BIND_LIKE && copy_link(from, to))
		return;
	if (kind != BIND_DEVICE)
		attr.attr_set |= MOUNT_ATTR_NODEV;
	if (kind == BIND_RO || kind == BIND_LIKE)
		attr.attr_set |= MOUNT_ATTR_RDONLY;
	else
		attr.attr_set |= MOUNT_ATTR_NOEXEC;

	int tree = open_tree(AT_FDCWD, from, OPEN_TREE_CLONE | O_CLOEXEC);
	if (tree < 0 && optional && errno == ENOENT)
		return;
	if (tree < 0 || fstat(tree, &st))
		fail("%s on the host", from);
	if (mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)))
		fail("mount attributes of %s", from);
	make_place(to, S_ISDIR(st.st_mode));
	if (move_mount(tree, "", AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH))
		fail("binding %s", from);
	close(tree);
}

static void mount_proc(enum jail_proc proc)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	if (proc == PROC_NONE)
		return;
	make_place("proc", true);
	if (mount("proc", "proc", "proc",
		proc == PROC_FULL ? flags | MS_RDONLY : flags,
		proc == PROC_FULL ? "hidepid=2" : "hidepid=2,subset=pid"))
		fail("mounting /proc");
}

static void make_root(const struct jail *jail)
{
	char staging[INIT_PATH_SIZE + 8];
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};

	snprintf(staging, sizeof(staging), "%s/" JAIL_ROOT_DIR, init.run_dir);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		fail("making mounts private");
	if (mount("gw-root", staging, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		"size=256k,nr_inodes=256,mode=0755"))
		fail("mounting a root on %s", staging);
	if (chdir(staging))
		fail("entering %s", staging);

	for (unsigned i = 0; i < jail->bind_len; i++) {
		const struct jail_bind *b = &jail->bind[i];
		bind(
		    b->from, b->to ? b->to : b->from + 1, b->kind, b->optional);
	}
	bind(jail->program, jail->at, BIND_RO, false);
	mount_proc(jail->proc);
	if (jail->proc != PROC_NONE && symlink("/proc/self/fd", "dev/fd"))
		fail("/dev/fd");
	if (jail->sys) {
		make_place("sys", true);
		if (mount("sysfs", "sys", "sysfs",
			MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, NULL))
			fail("mounting /sys");
	}
	if (syscall(SYS_pivot_root, ".", "."))
		fail("pivot_root");
	if (umount2(".", MNT_DETACH) || chdir("/"))
		fail("leaving the host's root");
	if (mount_setattr(AT_FDCWD, "/", 0, &attr, sizeof(attr)))
		fail("making the root read-only");
}

/* fds become 0..n-1; the report stays at n, closed by exec. */
static void place_fds(const struct jail *jail, int parent)
{
	int high[JAIL_FD_MAX];

	report_fd = fcntl(report_fd, F_DUPFD_CLOEXEC, HIGH_FD);
	if (report_fd < 0)
		_exit(127);
	for (unsigned i = 0; i < jail->fd_len; i++) {
		high[i] = fcntl(jail->fd[i], F_DUPFD_CLOEXEC, HIGH_FD);
		if (high[i] < 0)
			fail("descriptor %u", i);
	}
	parent = fcntl(parent, F_DUPFD_CLOEXEC, HIGH_FD);
	if (parent < 0)
		fail("gw-init's pidfd");
	for (unsigned i = 0; i < jail->fd_len; i++) {
		if (dup2(high[i], (int)i) < 0)
			fail("descriptor %u", i);
	}

	int base = (int)jail->fd_len;
	if (dup3(report_fd, base, O_CLOEXEC) < 0)
		fail("report descriptor");
	report_fd = base;
	if (dup3(parent, base + 1, O_CLOEXEC) < 0)
		fail("pidfd descriptor");
	if (close_range((unsigned)base + 2, ~0u, 0))
		fail("closing what is not its own");
}

static void limit(int resource, rlim_t value, const char *name)
{
	struct rlimit both = {value, value};

	if (setrlimit(resource, &both))
		fail("limit on %s", name);
}

static void set_limits(const struct jail *jail)
{
	/* 1, not 0: a core_pattern that is a pipe heeds only this value */
	limit(RLIMIT_CORE, 1, "core files");
	limit(RLIMIT_NOFILE, jail->files, "files");
	limit(RLIMIT_NPROC, jail->processes, "processes");
	if (jail->cpu_s)
		limit(RLIMIT_CPU, jail->cpu_s, "processor time");
	if (jail->file_size)
		limit(RLIMIT_FSIZE, jail->file_size, "file size");
#ifndef __SANITIZE_ADDRESS__ /* whose shadow needs 20 TB of addresses */
	if (jail->memory)
		limit(RLIMIT_AS, jail->memory, "memory");
#endif
}

/* Has to come before the bounding set is emptied, which bounds it. */
static void make_inheritable(void)
{
	struct __user_cap_header_struct header = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};

	if (syscall(SYS_capget, &header, data))
		fail("reading capabilities");
	data[0].inheritable = 1u << CAP_SYS_CHROOT;
	data[1].inheritable = 0;
	if (syscall(SYS_capset, &header, data))
		fail("making the right to chroot inheritable");
}

static void set_caps(bool keep_chroot)
{
	struct __user_cap_header_struct header = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};

	if (keep_chroot)
		data[0].effective = data[0].permitted = data[0].inheritable =
		    1u << CAP_SYS_CHROOT;
	if (syscall(SYS_capset, &header, data))
		fail("dropping capabilities");
	if (keep_chroot &&
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_CHROOT, 0, 0))
		fail("keeping the right to chroot");
}

static void become(const struct jail *jail)
{
	if (jail->keep_chroot)
		make_inheritable();
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap))
			fail("emptying the bounding set");
	}
	if (setgroups(jail->extra_group ? 1 : 0, &jail->extra_group))
		fail("groups");
	if (setresgid(jail->gid, jail->gid, jail->gid))
		fail("gid %u", jail->gid);
	if (prctl(PR_SET_KEEPCAPS, jail->keep_chroot, 0, 0, 0))
		fail("keeping capabilities over the uid change");
	if (setresuid(jail->uid, jail->uid, jail->uid))
		fail("uid %u", jail->uid);
	set_caps(jail->keep_chroot);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		fail("no new privileges");
}

/* Die with gw-init, also when it died just before this. */
static void tie_to_parent(int parent)
{
	struct pollfd poll_parent = {.fd = parent, .events = POLLIN};

	if (prctl(PR_SET_PDEATHSIG, SIGKILL))
		fail("parent death signal");
	if (poll(&poll_parent, 1, 0) != 0)
		_exit(127);
}

static void make_environment(const char *env[5])
{
	static char run_dir[INIT_PATH_SIZE + 16];
	unsigned len = 0;

	snprintf(run_dir, sizeof(run_dir), "GW_CHILD_OF=%s", init.run_dir);
	env[len++] = run_dir; /* --clean knows a gateway's processes by it */
	env[len++] = "PATH=/usr/bin:/bin";
	env[len++] = "LANG=C.UTF-8";
#ifdef __SANITIZE_ADDRESS__
	/* leak checking needs ptrace, which an undumpable process refuses */
	env[len++] = "ASAN_OPTIONS=detect_leaks=0";
#endif
	env[len] = NULL;
}

static void __attribute__((noreturn)) enter(const struct jail *jail)
{
	char path[INIT_PATH_SIZE];
	const char *env[5];
	sigset_t none;

	make_environment(env);
	snprintf(path, sizeof(path), "/%s", jail->at);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setsid();
	if (sethostname("gateway", 7))
		fail("host name");
	umask(022);
	make_root(jail);
	place_fds(jail, init.self_pidfd);
	set_limits(jail);
	become(jail);
	umask(jail->umask);
	tie_to_parent((int)jail->fd_len + 1);
	execve(path, (char *const *)(uintptr_t)jail->argv,
	    (char *const *)(uintptr_t)env);
	fail("executing %s", jail->program);
}

static int await(int fd, struct report *report)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	int len;

	do
		len = poll(&wait, 1, START_LIMIT_MS);
	while (len < 0 && errno == EINTR);
	if (len <= 0) {
		snprintf(
		    report->step, sizeof(report->step), "starting in time");
		return -ETIMEDOUT;
	}
	ssize_t size = read(fd, report, sizeof(*report));
	if (size == 0)
		return 0;
	if (size != (ssize_t)sizeof(*report) || report->error <= 0)
		return -EIO;
	return -report->error;
}

pid_t jail_start(const struct jail *jail, int *pidfd, char text[JAIL_TEXT_SIZE])
{
	struct report report = {0};
	int ends[2];

	*pidfd = -1;
	if (pipe2(ends, O_CLOEXEC))
		return -errno;

	struct clone_args args = {
	    .flags = CLONE_PIDFD | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC |
		     CLONE_NEWUTS | CLONE_NEWNET,
	    .pidfd = (uintptr_t)pidfd,
	    .exit_signal = SIGCHLD,
	};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0) {
		report_fd = ends[1];
		close(ends[0]);
		enter(jail);
	}
	int error = pid < 0 ? -errno : 0;
	close(ends[1]);
	if (error)
		snprintf(report.step, sizeof(report.step), "new namespaces");
	else
		error = await(ends[0], &report);
	close(ends[0]);
	if (!error)
		return pid;
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		close(*pidfd);
		*pidfd = -1;
	}
	report.step[sizeof(report.step) - 1] = '\0';
	snprintf(text, JAIL_TEXT_SIZE, "%s could not be started: %s: %s",
	    jail->argv[0], report.step, strerror(-error));
	return error;
}
