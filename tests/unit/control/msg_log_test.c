/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log.c: shape of a line, escaping, bounds, the limit. Lines are read back
 * through a pipe put in the place of standard error.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/wait.h>

#include "control/msg/log.h"

static char line[8192];

/* Runs the statement with standard error in a pipe; its bytes end in line. */
#define CAPTURE(statement)                                              \
	do {                                                            \
		int ends_[2], saved_ = dup(2);                          \
		assert_int_equal(pipe2(ends_, O_NONBLOCK), 0);          \
		dup2(ends_[1], 2);                                      \
		statement;                                              \
		dup2(saved_, 2);                                        \
		close(saved_);                                          \
		close(ends_[1]);                                        \
		ssize_t size_ = read(ends_[0], line, sizeof(line) - 1); \
		close(ends_[0]);                                        \
		line[size_ > 0 ? size_ : 0] = '\0';                     \
	} while (0)

static void assert_matches(const char *pattern)
{
	regex_t regex;

	assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	if (regexec(&regex, line, 0, NULL, 0))
		fail_msg("'%s' does not match %s", line, pattern);
	regfree(&regex);
}

#define TIME "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{3}Z "

static void test_a_line_has_time_program_object_and_sentence(void **state)
{
	(void)state;
	log_open("gw-test");
	CAPTURE(log_info("desk-1", "guest started pid=%d", 7));
	assert_matches(TIME "gw-test\\[desk-1\\] guest started pid=7\n$");
	CAPTURE(log_info(NULL, "ready"));
	assert_matches(TIME "gw-test ready\n$");
}

static void test_control_characters_are_escaped(void **state)
{
	(void)state;
	CAPTURE(log_info("a\nb", "x\r\n\x1b[31m\x7f\xc2\x9b y"));
	assert_matches(
	    "\\[a\\\\x0ab\\] x\\\\x0d\\\\x0a\\\\x1b\\[31m\\\\x7f\\\\xc2\\\\x9b "
	    "y\n$");
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void test_a_long_line_is_cut_and_ended(void **state)
{
	static char text[5000];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	CAPTURE(log_info(NULL, "%s", text));
	assert_true(strlen(line) <= 1026);
	assert_int_equal(line[strlen(line) - 1], '\n');
	memset(text, '\1', sizeof(text) - 1);
	CAPTURE(log_info(NULL, "%s", text));
	assert_true(strlen(line) <= 1026);
	assert_int_equal(line[strlen(line) - 1], '\n');
}

static void test_the_level_decides(void **state)
{
	(void)state;
	CAPTURE(log_debug(NULL, "unseen"));
	assert_string_equal(line, "");
	log_set_level(LOG_LEVEL_DEBUG);
	CAPTURE(log_debug(NULL, "seen"));
	assert_matches("seen\n$");
	log_set_level(LOG_LEVEL_ERROR);
	CAPTURE(log_warn(NULL, "unseen"));
	assert_string_equal(line, "");
	log_set_level(LOG_LEVEL_INFO);
}

static void test_the_limit_is_a_burst_of_20_then_10_a_second(void **state)
{
	struct log_limit limit = {0};
	struct timespec nap = {.tv_nsec = 350000000};
	int allowed = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		allowed += log_allow(&limit);
	assert_in_range(allowed, 20, 21);
	assert_int_equal(limit.suppressed, 1000 - allowed);
	nanosleep(&nap, NULL);
	allowed = 0;
	for (int i = 0; i < 1000; i++)
		allowed += log_allow(&limit);
	assert_in_range(allowed, 3, 8);
}

static void test_die_says_why_and_exits_1(void **state)
{
	int status = 0;

	(void)state;
	CAPTURE({
		pid_t pid = fork();
		if (pid == 0)
			die("no root: %s", "run as root");
		waitpid(pid, &status, 0);
	});
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	assert_matches(TIME "gw-test no root: run as root\n$");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_line_has_time_program_object_and_sentence),
	    cmocka_unit_test(test_control_characters_are_escaped),
	    cmocka_unit_test(test_a_long_line_is_cut_and_ended),
	    cmocka_unit_test(test_the_level_decides),
	    cmocka_unit_test(test_the_limit_is_a_burst_of_20_then_10_a_second),
	    cmocka_unit_test(test_die_says_why_and_exits_1),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
