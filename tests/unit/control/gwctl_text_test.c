/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gwctl's words and tables for people.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/gwctl/nearest.h"
#include "control/gwctl/table.h"

static const char *const verbs[] = {
    "check", "fmt", "explain", "test", "load", "show", "history", "rollback"};
#define VERB_LEN (sizeof(verbs) / sizeof(verbs[0]))

static void a_slip_finds_the_word(void **state)
{
	assert_string_equal(nearest("chekc", verbs, VERB_LEN), "check");
	assert_string_equal(nearest("chck", verbs, VERB_LEN), "check");
	assert_string_equal(nearest("loads", verbs, VERB_LEN), "load");
	assert_string_equal(nearest("rolback", verbs, VERB_LEN), "rollback");
}

static void what_is_far_finds_nothing(void **state)
{
	char long_word[200];

	assert_null(nearest("delete", verbs, VERB_LEN));
	assert_null(nearest("", verbs, VERB_LEN));
	assert_null(nearest("xyz", verbs, VERB_LEN)); /* all of fmt differs */
	memset(long_word, 'c', sizeof(long_word) - 1);
	long_word[sizeof(long_word) - 1] = '\0';
	assert_null(nearest(long_word, verbs, VERB_LEN));
}

/* What print() writes to stdout, in text. */
static void capture(void (*print)(void), char *text, size_t size)
{
	int ends[2], saved = dup(STDOUT_FILENO);
	ssize_t len;

	assert_int_equal(pipe(ends), 0);
	fflush(stdout);
	dup2(ends[1], STDOUT_FILENO);
	print();
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(ends[1]);
	len = read(ends[0], text, size - 1);
	text[len > 0 ? len : 0] = '\0';
	close(ends[0]);
	close(saved);
}

static void print_two_rows(void)
{
	struct table *table = table_new("A|LONG|C");

	table_add(table, "%s", "caf\xc3\xa9");
	table_add(table, "%d", 7);
	table_add(table, "%s", "x");
	table_add(table, "%s", "b");
	table_add(table, "%s", "\033[2J");
	table_add(table, "%s", "y");
	table_end(table);
}

static void columns_align_and_control_characters_do_not_pass(void **state)
{
	char text[512];

	capture(print_two_rows, text, sizeof(text));
	assert_string_equal(text, "A     LONG  C\n"
				  "caf\xc3\xa9  7     x\n"
				  "b     ?[2J  y\n");
}

static void ages_read_well(void **state)
{
	char text[AGE_SIZE];

	assert_string_equal(age_text(-5, text), "0 s");
	assert_string_equal(age_text(119, text), "119 s");
	assert_string_equal(age_text(120, text), "2 min");
	assert_string_equal(age_text(7200, text), "2 h");
	assert_string_equal(age_text(3 * 86400L, text), "3 days");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_slip_finds_the_word),
	    cmocka_unit_test(what_is_far_finds_nothing),
	    cmocka_unit_test(columns_align_and_control_characters_do_not_pass),
	    cmocka_unit_test(ages_read_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
