/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether children die with gw-init: the parent death signal across PID
 * namespaces, uid changes, exec and ambient capabilities. Each case is a
 * process M that makes a child C and is then killed; C counts as dead when the
 * pipe that it alone holds reports end of file.
 */
#include "tests/platform/fact.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum kind { PLAIN, SIGNAL_BEFORE_UID, AMBIENT_AND_EXEC, KINDS };

static const char *const claims[KINDS] = {
    [PLAIN] = "SIGKILL of the parent kills the first process of another PID "
	      "namespace, with another uid",
    [SIGNAL_BEFORE_UID] = "a parent death signal set before the uid change is "
			  "lost, so it must be set after",
    [AMBIENT_AND_EXEC] = "it survives the execution of a program with an "
			 "ambient capability and no new privileges",
};

static void become(bool keep)
{
	struct __user_cap_header_struct header = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};

	data[0].permitted = data[0].effective = data[0].inheritable =
	    1u << CAP_SYS_CHROOT;
	prctl(PR_SET_KEEPCAPS, keep, 0, 0, 0);
	if (setgroups(0, NULL) || setresgid(65534, 65534, 65534) ||
	    setresuid(65534, 65534, 65534))
		_exit(1);
	if (keep && (syscall(SYS_capset, &header, data) ||
			prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE,
			    CAP_SYS_CHROOT, 0, 0)))
		_exit(1);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static void be_child(enum kind kind, int fd)
{
	if (kind == SIGNAL_BEFORE_UID)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	become(kind == AMBIENT_AND_EXEC);
	if (kind != SIGNAL_BEFORE_UID)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (write(fd, "r", 1) != 1)
		_exit(1);
	if (kind == AMBIENT_AND_EXEC) {
		fcntl(fd, F_SETFD, 0);
		execl("/bin/sleep", "sleep", "20", NULL);
		_exit(1);
	}
	sleep(20);
	_exit(0);
}

/* Whether the child was dead within a second after its parent. */
static bool dies(enum kind kind, bool *parent_is_zero)
{
	int ends[2], parents[2];
	char byte;

	if (pipe(ends) || pipe(parents))
		return false;
	pid_t middle = fork();
	if (middle == 0) {
		struct clone_args args = {
		    .flags = CLONE_NEWPID, .exit_signal = SIGCHLD};
		close(ends[0]);
		if (syscall(SYS_clone3, &args, sizeof(args)) == 0) {
			byte = getppid() == 0 ? 'z' : 'n';
			if (write(parents[1], &byte, 1) != 1)
				_exit(1);
			be_child(kind, ends[1]);
		}
		close(ends[1]);
		for (;;)
			pause();
	}
	close(ends[1]);
	*parent_is_zero = read(parents[0], &byte, 1) == 1 && byte == 'z';
	close(parents[0]);
	close(parents[1]);
	bool ready = read(ends[0], &byte, 1) == 1;
	usleep(100000); /* for the exec */
	kill(middle, SIGKILL);
	waitpid(middle, NULL, 0);

	struct pollfd wait = {ends[0], POLLIN, 0};
	bool dead =
	    ready && poll(&wait, 1, 1000) == 1 && read(ends[0], &byte, 1) == 0;
	close(ends[0]);
	return dead;
}

int main(void)
{
	bool zero = false;

	if (geteuid() != 0)
		fact_skip("parent death across PID namespaces", "needs root");
	fact(dies(PLAIN, &zero), claims[PLAIN]);
	fact(zero, "getppid() is 0 across PID namespaces: no way to see that "
		   "the parent has died");
	fact(!dies(SIGNAL_BEFORE_UID, &zero), claims[SIGNAL_BEFORE_UID]);
	fact(dies(AMBIENT_AND_EXEC, &zero), claims[AMBIENT_AND_EXEC]);
	return 0;
}
