/* SPDX-License-Identifier: BSD-2-Clause */
/* The compiler's sandbox: each forbidden thing kills, what is needed works. */
#include "rules/lang/sandbox.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* What is tried is a system call itself: libc must not stand in the way. */
#ifndef __SANITIZE_ADDRESS__ /* its own reports need these */
static void try_open(void)
{
	syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static void try_read(void)
{
	char byte;

	syscall(SYS_read, 0, &byte, 1);
}
#endif

static void try_socket(void)
{
	syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
}

static void try_fork(void)
{
	syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static void try_exec(void)
{
	syscall(SYS_execve, "/bin/true", NULL, NULL);
}

static void try_kill(void)
{
	syscall(SYS_kill, 1, 0);
}

static void try_ptrace(void)
{
	syscall(SYS_ptrace, 0, 1, 0, 0);
}

static void try_mmap_exec(void)
{
	syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void try_mmap_file(void)
{
	syscall(SYS_mmap, NULL, 4096, PROT_READ, MAP_PRIVATE, 0, 0);
}

static void try_mprotect(void)
{
	syscall(SYS_mprotect, 0, 4096, PROT_READ | PROT_EXEC);
}

static void try_prctl(void)
{
	syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static int run(void (*what)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (sandbox_close())
			_exit(99);
		what();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void forbidden_calls_kill(void **state)
{
	static const struct {
		const char *name;
		void (*what)(void);
	} cases[] = {
#ifndef __SANITIZE_ADDRESS__
	    {"open", try_open},
	    {"read", try_read},
#endif
	    {"socket", try_socket},
	    {"fork", try_fork},
	    {"exec", try_exec},
	    {"kill", try_kill},
	    {"ptrace", try_ptrace},
	    {"mmap of a file", try_mmap_file},
	    {"executable memory", try_mmap_exec},
	    {"mprotect", try_mprotect},
	    {"prctl", try_prctl},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int status = run(cases[i].what);

		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("%s was not stopped", cases[i].name);
	}
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, 1);
}

/* What the compiler does: take and give memory, sort, write. */
static void use_memory(void)
{
	size_t size;

	for (size = 1; size < 64 << 20; size *= 2) {
		char *block = malloc(size);

		memset(block, (int)size, size);
		block = realloc(block, 2 * size);
		if (size < 1 << 16)
			qsort(block, size, 1, compare);
		free(block);
	}
	if (write(1, "", 0))
		abort();
}

static void memory_and_output_work(void **state)
{
	int status = run(use_memory);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(forbidden_calls_kill),
	    cmocka_unit_test(memory_and_output_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
