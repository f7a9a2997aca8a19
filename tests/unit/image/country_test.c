/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The country table says what its inputs say: against an array painted address
 * by address, and by sentences about bad inputs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "rules/image/country.h"
#include "rules/image/image.h"
#include "rules/lang/country_build.h"
#include "tests/unit/image/builder.h"

static int build(const char *text, void **table, size_t *size, char why[200])
{
	struct country_input input = {"test.csv", text, strlen(text)};

	return country_build(&input, 1, table, size, why, 200);
}

static void view(struct country_table *table, const void *bytes, size_t size)
{
	char why[200] = "";

	if (country_table_validate(table, bytes, size,
		((const struct country_header *)bytes)->sha256, why,
		sizeof(why)))
		fail_msg("%s", why);
}

static const char *name_of(
    const struct country_table *table, const char *address)
{
	static char text[8];

	country_name(country_of(table, builder_address(address)), text);
	return text;
}

static void lines_of_each_form_are_read(void **state)
{
	struct country_table table;
	void *bytes;
	size_t size;
	char why[200] = "";
	int rc = build("# comment\n"
		       "16777216,16777471,AU\n"
		       "9.0.0.0,9.0.0.9,SE\r\n"
		       "\n"
		       " 198.51.100.0/24 , KP # documentation\n"
		       "8.8.8.8/32,US\n"
		       "2.0.0.0/8,EU\n"
		       "3.0.0.0/8,??\n"
		       "255.255.255.255/32,ZZ",
	    &bytes, &size, why);

	if (rc)
		fail_msg("%s", why);
	view(&table, bytes, size);
	assert_string_equal(name_of(&table, "1.0.0.0"), "AU");
	assert_string_equal(name_of(&table, "1.0.0.255"), "AU");
	assert_string_equal(name_of(&table, "1.0.1.0"), "unknown");
	assert_string_equal(name_of(&table, "9.0.0.9"), "SE");
	assert_string_equal(name_of(&table, "9.0.0.10"), "unknown");
	assert_string_equal(name_of(&table, "198.51.100.77"), "KP");
	assert_string_equal(name_of(&table, "198.51.101.77"), "unknown");
	assert_string_equal(name_of(&table, "203.0.113.1"), "none");
	assert_string_equal(name_of(&table, "8.8.8.8"), "US");
	assert_string_equal(name_of(&table, "8.8.8.9"), "unknown");
	assert_string_equal(name_of(&table, "2.1.1.1"), "unknown");
	assert_string_equal(name_of(&table, "3.1.1.1"), "unknown");
	assert_string_equal(name_of(&table, "255.255.255.255"), "ZZ");
	free(bytes);
}

static void a_bad_line_is_named(void **state)
{
	static const char *const bad[] = {"x", "1.2.3.4,SE", "1.2.3.0/33,SE",
	    "1.2.3.4/24,SE", "2.0.0.0,1.0.0.0,SE", "1.0.0.0,2.0.0.0,se",
	    "1.0.0.0,2.0.0.0,SWE", "1.0.0.0,2.0.0.0,", "1,2,SE,4",
	    "1.0.0,2.0.0.0,SE", "4294967296,4294967297,SE", "2001:db8::/32,SE",
	    "1.0.0.0/,SE", "/8,SE", ",,,,,", "-1,5,SE"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[100], why[200] = "";
		void *bytes;
		size_t size;

		snprintf(text, sizeof(text), "8.0.0.0/8,US\n%s\n", bad[i]);
		if (!build(text, &bytes, &size, why))
			fail_msg("accepted: %s", bad[i]);
		assert_non_null(strstr(why, "test.csv:2: expected"));
	}
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

#define AREA_START 0x08000000u
#define AREA	   65536u

/* 8 rounds of 400 overlapping ranges over 8.0.0.0/16. */
static void the_last_layer_wins_at_every_address(void **state)
{
	static uint16_t naive[AREA];
	static char text[400 * 40];
	uint64_t seed = 20240229;

	for (int round = 0; round < 8; round++) {
		struct country_table table;
		size_t used = 0, size;
		char why[200] = "";
		void *bytes;

		for (uint32_t i = 0; i < AREA; i++)
			naive[i] = COUNTRY_UNKNOWN;
		for (int line = 0; line < 400; line++) {
			uint32_t first = next_random(&seed) % AREA;
			uint32_t len = 1u << next_random(&seed) % 13;
			uint16_t code = next_random(&seed) % 4;
			uint32_t last;

			if (next_random(&seed) % 2) /* whole /24s, too */
				first &= ~0xffu;
			last =
			    first + len - 1 < AREA ? first + len - 1 : AREA - 1;
			for (uint32_t i = first; i <= last; i++)
				naive[i] = code;
			used += (size_t)sprintf(text + used, "%u,%u,A%c\n",
			    AREA_START + first, AREA_START + last, 'A' + code);
		}
		if (build(text, &bytes, &size, why))
			fail_msg("%s", why);
		view(&table, bytes, size);
		for (uint32_t i = 0; i < AREA; i++)
			if (country_of(&table, AREA_START + i) != naive[i])
				fail_msg("round %d address +%u", round, i);
		assert_int_equal(
		    country_of(&table, AREA_START - 1), COUNTRY_UNKNOWN);
		assert_int_equal(
		    country_of(&table, AREA_START + AREA), COUNTRY_UNKNOWN);
		free(bytes);
	}
}

static void one_meaning_cut_differently_gives_the_same_bytes(void **state)
{
	void *one, *other;
	size_t one_size, other_size;
	char why[200];

	assert_int_equal(build("8.0.0.0/8,US\n9.0.0.0/25,SE\n5.0.0.0/30,DE\n"
			       "7.0.0.0/24,NO\n",
			     &one, &one_size, why),
	    0);
	assert_int_equal(build("5.0.0.0/30,FR\n8.0.0.128/25,SE\n8.0.0.0/9,US\n"
			       "8.128.0.0,8.255.255.255,US\n9.0.0.0/26,SE\n"
			       "9.0.0.64/26,SE\n5.0.0.0/31,DE\n5.0.0.2/31,DE\n"
			       "7.0.0.128/25,NO\n7.0.0.0/25,NO\n",
			     &other, &other_size, why),
	    0);
	assert_int_equal(one_size, other_size);
	assert_memory_equal(one, other, one_size);
	free(one);
	free(other);
}

static void later_inputs_lie_over_earlier_ones(void **state)
{
	struct country_input inputs[2] = {
	    {"base.csv", "198.51.100.0/24,US\n", 19},
	    {"extra.csv", "198.51.100.128/25,KP\n", 21}};
	struct country_table table;
	void *bytes;
	size_t size;
	char why[200];

	assert_int_equal(country_build(inputs, 2, &bytes, &size, why, 200), 0);
	view(&table, bytes, size);
	assert_string_equal(name_of(&table, "198.51.100.127"), "US");
	assert_string_equal(name_of(&table, "198.51.100.128"), "KP");
	free(bytes);
}

static void too_many_split_networks_are_refused_not_cut(void **state)
{
	size_t lines = COUNTRY_DEEP_MAX + 1, used = 0;
	char *text = malloc(lines * 32), why[200] = "";
	void *bytes;
	size_t size;

	for (size_t i = 0; i < lines; i++)
		used += (size_t)sprintf(text + used, "%zu,%zu,SE\n",
		    (1 << 24) + i * 256, (1 << 24) + i * 256);
	assert_int_not_equal(build(text, &bytes, &size, why), 0);
	assert_non_null(strstr(why, "too many"));
	free(text);
}

static void a_split_network_laid_over_gives_its_room_back(void **state)
{
	size_t lines = COUNTRY_DEEP_MAX + 1, used = 0;
	char *text = malloc(lines * 40), why[200] = "";
	struct country_table table;
	void *bytes;
	size_t size;

	for (size_t i = 0; i < lines; i++)
		used += (size_t)sprintf(
		    text + used, "9.0.0.0/25,SE\n9.0.0.0/24,NO\n");
	if (build(text, &bytes, &size, why))
		fail_msg("%s", why);
	view(&table, bytes, size);
	assert_int_equal(table.header->deep_len, 0);
	assert_string_equal(name_of(&table, "9.0.0.1"), "NO");
	free(bytes);
	free(text);
}

static void a_changed_table_is_refused(void **state)
{
	struct country_table table;
	struct country_header *header;
	uint8_t named[32], *raw;
	void *bytes;
	size_t size;
	char why[200];

	assert_int_equal(build("9.0.0.0/25,SE\n", &bytes, &size, why), 0);
	header = bytes;
	raw = bytes;
	memcpy(named, header->sha256, sizeof(named));
	for (size_t at = 0; at < size; at += at < 128 ? 1 : size / 7) {
		raw[at] ^= 1;
		assert_int_not_equal(country_table_validate(&table, bytes, size,
					 named, why, sizeof(why)),
		    0);
		raw[at] ^= 1;
	}
	assert_int_not_equal(country_table_validate(&table, bytes, size - 1,
				 named, why, sizeof(why)),
	    0);
	assert_int_not_equal(
	    country_table_validate(&table, bytes, 63, NULL, why, sizeof(why)),
	    0);
	named[0] ^= 1;
	assert_int_not_equal(country_table_validate(
				 &table, bytes, size, named, why, sizeof(why)),
	    0);
	assert_non_null(strstr(why, "not the country table"));

	/* Right bytes by SHA-256, wrong ones by meaning. */
	((uint16_t *)(header + 1))[5] = COUNTRY_DEEP | 1;
	assert_int_not_equal(
	    country_table_validate(&table, bytes, size, NULL, why, sizeof(why)),
	    0);
	((uint16_t *)(header + 1))[5] = COUNTRY_UNKNOWN + 1;
	assert_int_not_equal(
	    country_table_validate(&table, bytes, size, NULL, why, sizeof(why)),
	    0);
	((uint16_t *)(header + 1))[5] = COUNTRY_UNKNOWN;
	assert_int_equal(
	    country_table_validate(&table, bytes, size, NULL, why, sizeof(why)),
	    0);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_of_each_form_are_read),
	    cmocka_unit_test(a_bad_line_is_named),
	    cmocka_unit_test(the_last_layer_wins_at_every_address),
	    cmocka_unit_test(one_meaning_cut_differently_gives_the_same_bytes),
	    cmocka_unit_test(later_inputs_lie_over_earlier_ones),
	    cmocka_unit_test(too_many_split_networks_are_refused_not_cut),
	    cmocka_unit_test(a_split_network_laid_over_gives_its_room_back),
	    cmocka_unit_test(a_changed_table_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
