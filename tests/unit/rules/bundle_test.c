/* SPDX-License-Identifier: BSD-2-Clause */
/* Bundles: what is built can be taken apart, what is broken is refused. */
#include "rules/lang/bundle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[] = "/tmp/gw-bundle-XXXXXX";

static void write_file(const char *name, const char *text)
{
	char path[200];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void *build(const char *name, size_t *size)
{
	char path[200], why[300];
	void *data = NULL;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(bundle_build(path, &data, size, why, sizeof(why)), 0);
	return data;
}

static int make_folder(void **state)
{
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	static const char *const names[] = {"main.gw", "a.gw", "b.gw"};
	char path[200];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

static void included_files_follow_their_parents(void **state)
{
	struct bundle bundle;
	size_t size;
	char why[200];
	void *data;

	write_file("main.gw", "include \"a.gw\"; # include \"no.gw\";\n"
			      "rule x note \"include \\\"no.gw\\\";\";");
	write_file("a.gw", "include \"b.gw\";include \"absent.gw\";");
	write_file("b.gw", "set a = { 80 };");
	data = build("main.gw", &size);
	assert_int_equal(
	    bundle_parse(&bundle, data, size, why, sizeof(why)), 0);
	assert_int_equal(bundle.len, 4);
	assert_int_equal(bundle.file[0].kind, BUNDLE_MAIN);
	assert_string_equal(bundle.file[1].path, "a.gw");
	assert_int_equal(bundle.file[1].parent, 0);
	assert_string_equal(bundle.file[2].path, "b.gw");
	assert_int_equal(bundle.file[2].parent, 1);
	assert_int_equal(bundle.file[2].size, strlen("set a = { 80 };"));
	assert_memory_equal(bundle.file[2].data, "set a = { 80 };", 15);
	assert_true(bundle.file[3].failed);
	assert_memory_equal(
	    bundle.file[3].data, "No such file", strlen("No such file"));
	bundle_free(&bundle);
	free(data);
}

static void the_country_list_comes_only_when_countries_are_named(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} cases[] = {
	    {"set a = { 80 }; # country", 1},
	    {"rule a deny any note \"country\";", 1},
	    {"label a = pattern / country /;", 1},
	    {"rule my-country deny any;", 1},
	    {"set a = country { KP };", 2},
	    {"rule a deny any to not country{ KP };", 2},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct bundle bundle;
		size_t size;
		void *data;

		write_file("main.gw", cases[i].text);
		data = build("main.gw", &size);
		assert_int_equal(bundle_parse(&bundle, data, size, NULL, 0), 0);
		assert_int_equal(bundle.len, cases[i].len);
		bundle_free(&bundle);
		free(data);
	}
}

static void a_missing_main_file_is_no_bundle(void **state)
{
	char why[300] = "";
	void *data = NULL;
	size_t size;

	assert_true(bundle_build("/nonexistent/x.gw", &data, &size, why,
			sizeof(why)) < 0);
	assert_null(data);
	assert_string_equal(
	    why, "/nonexistent/x.gw: No such file or directory");
}

/* Each byte of a small bundle, changed in each bit: never a crash, and what is
 * accepted lies within the bytes given (the sanitizers watch). */
static void changed_bytes_never_lead_outside(void **state)
{
	size_t size, at;
	unsigned int bit, refused = 0;
	uint8_t *data, *exact;

	write_file("main.gw", "include \"a.gw\";");
	write_file("a.gw", "x");
	data = build("main.gw", &size);
	exact = malloc(size);
	for (at = 0; at < size; at++)
		for (bit = 0; bit < 8; bit++) {
			struct bundle bundle;
			size_t i, sum = 0;

			memcpy(exact, data, size);
			exact[at] ^= (uint8_t)(1u << bit);
			if (bundle_parse(&bundle, exact, size, NULL, 0)) {
				refused++;
				continue;
			}
			for (i = 0; i < bundle.len; i++) {
				const struct bundle_file *file =
				    &bundle.file[i];

				sum += strlen(file->path);
				if (file->size)
					sum +=
					    (uint8_t)file->data[file->size - 1];
			}
			assert_true(sum < 100000);
			bundle_free(&bundle);
		}
	assert_true(refused > 200);
	free(exact);
	free(data);
}

static void cut_and_lengthened_bundles_are_refused(void **state)
{
	struct bundle bundle;
	size_t size, cut;
	uint8_t *data;

	write_file("main.gw", "set a = { 80 };");
	data = build("main.gw", &size);
	for (cut = 0; cut < size; cut++) {
		uint8_t *exact = malloc(cut + 1);

		memcpy(exact, data, cut);
		assert_int_not_equal(
		    bundle_parse(&bundle, exact, cut, NULL, 0), 0);
		free(exact);
	}
	data = realloc(data, size + 8);
	memset(data + size, 0, 8);
	assert_int_not_equal(bundle_parse(&bundle, data, size + 8, NULL, 0), 0);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(included_files_follow_their_parents),
	    cmocka_unit_test(
		the_country_list_comes_only_when_countries_are_named),
	    cmocka_unit_test(a_missing_main_file_is_no_bundle),
	    cmocka_unit_test(changed_bytes_never_lead_outside),
	    cmocka_unit_test(cut_and_lengthened_bundles_are_refused),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
