/* SPDX-License-Identifier: BSD-2-Clause */
/* The compiler's confinement (sandbox.h). */
#include "rules/lang/sandbox.h"

#include <errno.h>
#include <malloc.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define MEMORY_MAX ((rlim_t)5 << 30) /* bytes of address space */

static int limit(int what, rlim_t most)
{
	struct rlimit old, value;

	if (getrlimit((__rlimit_resource_t)what, &old))
		return -errno;
	value.rlim_max = old.rlim_max < most ? old.rlim_max : most;
	value.rlim_cur =
	    old.rlim_cur < value.rlim_max ? old.rlim_cur : value.rlim_max;
	return setrlimit((__rlimit_resource_t)what, &value) ? -errno : 0;
}

static int set_limits(void)
{
	int error = limit(RLIMIT_CORE, 0);

	if (!error)
		error = limit(RLIMIT_CPU, SANDBOX_CPU_S);
#ifndef __SANITIZE_ADDRESS__ /* it reserves terabytes */
	if (!error)
		error = limit(RLIMIT_AS, MEMORY_MAX);
#endif
	return error;
}

static int allow(scmp_filter_ctx filter)
{
	static const int calls[] = {
	    SCMP_SYS(write),	  /* results and diagnostics */
	    SCMP_SYS(exit_group), /* the end */
	    SCMP_SYS(brk),	  /* malloc() */
	    SCMP_SYS(munmap),
	    SCMP_SYS(madvise),
	    SCMP_SYS(mremap),
	    SCMP_SYS(sysinfo), /* qsort() asks how much memory is there */
	    SCMP_SYS(rt_sigreturn),
#ifdef __SANITIZE_ADDRESS__
	    SCMP_SYS(sigaltstack),
	    SCMP_SYS(futex),
	    SCMP_SYS(gettid),
	    SCMP_SYS(getpid),
	    SCMP_SYS(sched_yield),
	    SCMP_SYS(rt_sigprocmask),
	    SCMP_SYS(rt_sigaction),
	    SCMP_SYS(openat),
	    SCMP_SYS(read),
	    SCMP_SYS(close),
	    SCMP_SYS(readlink),
	    SCMP_SYS(getrandom),
#endif
	};
	unsigned int i;
	int error = 0;

	for (i = 0; !error && i < sizeof(calls) / sizeof(*calls); i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
	/* memory of no file, never executable */
	if (!error)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap),
		    2, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
		    SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS));
	return error;
}

int sandbox_close(void)
{
	scmp_filter_ctx filter;
	int error;

	/* one arena: a second one would look at the processors in /sys */
	mallopt(M_ARENA_MAX, 1);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return -errno;
	error = set_limits();
	if (error)
		return error;
	filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (!filter)
		return -ENOMEM;
	error = allow(filter);
	if (!error)
		error = seccomp_load(filter);
	seccomp_release(filter);
	return error;
}
