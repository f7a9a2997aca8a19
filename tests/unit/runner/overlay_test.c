/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The overlay of overlay.c as QEMU's own tools see it: qemu-img and qemu-io
 * are the reference.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "guest-runner/overlay.h"

#define MIB (UINT64_C(1) << 20)

static char output[8192];

/* Run a command that sees the overlay as descriptor 9; its exit status. */
static int run(int fd, const char *command)
{
	size_t size = 0, n;
	FILE *pipe;
	int status;

	assert_int_equal(dup2(fd, 9), 9);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	while (
	    (n = fread(output + size, 1, sizeof(output) - 1 - size, pipe)) > 0)
		size += n;
	output[size] = '\0';
	status = pclose(pipe);
	close(9);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void need_qemu_img(void)
{
	if (system("command -v qemu-img qemu-io > /dev/null") != 0) {
		print_message("# SKIP qemu-utils is not installed\n");
		skip();
	}
}

static void qemu_finds_no_fault_at_any_size(void **state)
{
	static const uint64_t sizes[] = {512, 65536, 46 * MIB, 512 * MIB,
	    512 * MIB + 512, 4096 * MIB, 1024 * 1024 * MIB};

	need_qemu_img();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char expected[64];
		int fd = overlay_create(sizes[i]);

		assert_true(fd >= 0);
		assert_int_equal(
		    run(fd, "qemu-img check -f qcow2 /proc/self/fd/9 2>&1"), 0);
		assert_non_null(strstr(output, "No errors were found"));
		assert_int_equal(run(fd, "qemu-img info --output=json -f qcow2 "
					 "/proc/self/fd/9 2>&1"),
		    0);
		snprintf(expected, sizeof(expected), "\"virtual-size\": %llu,",
		    (unsigned long long)sizes[i]);
		assert_non_null(strstr(output, expected));
		assert_non_null(strstr(output, "\"compat\": \"1.1\""));
		assert_non_null(strstr(output, "\"corrupt\": false"));
		assert_null(strstr(output, "backing"));
		close(fd);
	}
}

static void what_is_written_is_read_and_the_rest_is_zero(void **state)
{
	int fd = overlay_create(1024 * MIB);

	need_qemu_img();
	assert_true(fd >= 0);
	assert_int_equal(run(fd, "qemu-io -f qcow2 -c 'write -P 0x5a 0 64k'"
				 " -c 'write -P 0xa5 1023M 1M'"
				 " /proc/self/fd/9 2>&1"),
	    0);
	assert_int_equal(run(fd, "qemu-io -f qcow2 -c 'read -P 0x5a 0 64k'"
				 " -c 'read -P 0 64k 1022M'"
				 " -c 'read -P 0xa5 1023M 1M'"
				 " /proc/self/fd/9 2>&1"),
	    0);
	assert_null(strstr(output, "verification failed"));
	assert_int_equal(
	    run(fd, "qemu-img check -f qcow2 /proc/self/fd/9 2>&1"), 0);
	close(fd);
}

static void an_empty_overlay_is_small(void **state)
{
	int fd = overlay_create(4096 * MIB);
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 4 * 65536);
	close(fd);
}

static void a_size_that_is_none_is_refused(void **state)
{
	assert_int_equal(overlay_create(0), -EINVAL);
	assert_int_equal(overlay_create(511), -EINVAL);
	assert_int_equal(overlay_create(513), -EINVAL);
	assert_int_equal(overlay_create(UINT64_MAX - 511), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(qemu_finds_no_fault_at_any_size),
	    cmocka_unit_test(what_is_written_is_read_and_the_rest_is_zero),
	    cmocka_unit_test(an_empty_overlay_is_small),
	    cmocka_unit_test(a_size_that_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
