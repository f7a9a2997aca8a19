/* SPDX-License-Identifier: BSD-2-Clause */
/* The compiler's parts that have an answer of their own: ranges, literals,
 * near words, memory's limit. */
#include "rules/lang/compile.h"
#include "rules/lang/prefix.h"
#include "rules/lang/range.h"
#include "rules/lang/symbol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- ranges, against a bit per number ---- */

#define SPACE 64u

static uint64_t bits_of(const struct ranges *set)
{
	uint64_t bits = 0;
	size_t i;
	uint32_t n;

	for (i = 0; i < set->len; i++) {
		assert_true(set->range[i].first <= set->range[i].last);
		if (i)
			assert_true(
			    set->range[i - 1].last + 1 < set->range[i].first);
		for (n = set->range[i].first; n <= set->range[i].last; n++)
			bits |= (uint64_t)1 << n;
	}
	return bits;
}

static struct ranges random_set(struct arena *arena, uint64_t *bits)
{
	struct ranges set = {0};
	uint32_t i, len = (uint32_t)rand() % 6;

	*bits = 0;
	for (i = 0; i < len; i++) {
		uint32_t first = (uint32_t)rand() % SPACE, n;
		uint32_t last = first + (uint32_t)rand() % (SPACE - first);

		ranges_add(arena, &set, first, last);
		for (n = first; n <= last; n++)
			*bits |= (uint64_t)1 << n;
	}
	ranges_sort(&set);
	return set;
}

static void ranges_behave_like_sets_of_bits(void **state)
{
	struct arena arena;
	int round;

	srand(1); /* NOLINT(cert-msc32-c,cert-msc51-cpp): repeatable */
	arena_init(&arena, 1 << 28);
	assert_int_equal(setjmp(arena.full), 0);
	for (round = 0; round < 20000; round++) {
		uint64_t x, y;
		struct ranges a = random_set(&arena, &x);
		struct ranges b = random_set(&arena, &y);
		struct ranges join = ranges_join(&arena, &a, &b);
		struct ranges common = ranges_common(&arena, &a, &b);
		struct ranges other = ranges_invert(&arena, &a, SPACE - 1);
		uint32_t n = (uint32_t)rand() % SPACE;

		assert_true(bits_of(&a) == x);
		assert_true(bits_of(&join) == (x | y));
		assert_true(bits_of(&common) == (x & y));
		assert_true(bits_of(&other) == ~x);
		assert_int_equal(ranges_contain(&a, &b), !(y & ~x));
		assert_int_equal(ranges_has(&a, n), x >> n & 1);
	}
	arena_free(&arena);
}

static void ranges_reach_the_last_number(void **state)
{
	struct arena arena;
	struct ranges set = {0}, other;

	arena_init(&arena, 1 << 22);
	assert_int_equal(setjmp(arena.full), 0);
	ranges_add(&arena, &set, 0xfffffff0, UINT32_MAX);
	ranges_add(&arena, &set, UINT32_MAX, UINT32_MAX);
	ranges_sort(&set);
	assert_int_equal(set.len, 1);
	other = ranges_invert(&arena, &set, UINT32_MAX);
	assert_int_equal(other.len, 1);
	assert_int_equal(other.range[0].last, 0xffffffef);
	other = ranges_invert(&arena, &other, UINT32_MAX);
	assert_int_equal(other.range[0].first, 0xfffffff0);
	assert_int_equal(other.range[0].last, UINT32_MAX);
	arena_free(&arena);
}

/* ---- literals ---- */

static void literals_are_read_strictly(void **state)
{
	static const struct {
		const char *text;
		enum prefix_kind kind;
		uint32_t first, last;
	} cases[] = {
	    {"10.0.0.0/8", PREFIX_V4, 0x0a000000, 0x0affffff},
	    {"0.0.0.0/0", PREFIX_V4, 0, 0xffffffff},
	    {"255.255.255.255", PREFIX_V4, 0xffffffff, 0xffffffff},
	    {"192.0.2.1/32", PREFIX_V4, 0xc0000201, 0xc0000201},
	    {"10.0.0.1-10.0.1.0", PREFIX_V4, 0x0a000001, 0x0a000100},
	    {"10.0.0.1/31", PREFIX_BAD, 0, 0},
	    {"10.0.0.0/33", PREFIX_BAD, 0, 0},
	    {"10.0.0.0/", PREFIX_BAD, 0, 0},
	    {"10.0.0.0/-1", PREFIX_BAD, 0, 0},
	    {"10.0.0.0x", PREFIX_BAD, 0, 0},
	    {"010.0.0.0", PREFIX_BAD, 0, 0},
	    {"1.2.3", PREFIX_BAD, 0, 0},
	    {"256.1.1.1", PREFIX_BAD, 0, 0},
	    {"1.2.3.4.", PREFIX_BAD, 0, 0},
	    {"", PREFIX_NONE, 0, 0},
	    {"admins", PREFIX_NONE, 0, 0},
	    {"10", PREFIX_NONE, 0, 0},
	    {"::", PREFIX_V6, 0, 0},
	    {"fd20::/16", PREFIX_V6, 0, 0},
	    {"::ffff:192.0.2.1", PREFIX_V6, 0, 0},
	    {"fd20::/129", PREFIX_BAD, 0, 0},
	    {"::1::", PREFIX_BAD, 0, 0},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct prefix prefix;

		if (prefix_parse(cases[i].text, false, &prefix) !=
		    cases[i].kind)
			fail_msg("%s", cases[i].text);
		if (cases[i].kind != PREFIX_V4)
			continue;
		assert_int_equal(prefix.first, cases[i].first);
		assert_int_equal(prefix.last, cases[i].last);
	}
}

static void countries_have_the_bits_of_the_image(void **state)
{
	/* image.h: (c1 - 'A') * 26 + (c2 - 'A') */
	assert_int_equal(prefix_parse_country("AA"), 0);
	assert_int_equal(prefix_parse_country("SE"), 18 * 26 + 4);
	assert_int_equal(prefix_parse_country("ZZ"), 675);
	assert_int_equal(prefix_parse_country("unknown"), COUNTRY_UNKNOWN);
	assert_int_equal(prefix_parse_country("none"), COUNTRY_NONE);
	assert_int_equal(prefix_parse_country("se"), -1);
	assert_int_equal(prefix_parse_country("S"), -1);
	assert_int_equal(prefix_parse_country("SWE"), -1);
	assert_true(prefix_is_country("SE"));
	assert_true(prefix_is_country("ZW"));
	assert_false(prefix_is_country("UK"));
}

/* ---- words ---- */

static void edits_are_counted(void **state)
{
	assert_int_equal(error_distance("abc", "abc", 3), 0);
	assert_int_equal(error_distance("abc", "abd", 3), 1);
	assert_int_equal(error_distance("abc", "acb", 3), 1); /* a swap */
	assert_int_equal(error_distance("abc", "ab", 3), 1);
	assert_int_equal(error_distance("", "abc", 3), 3);
	assert_int_equal(error_distance("kitten", "sitting", 3), 3);
	assert_int_equal(error_distance("abc", "xyz", 2), 3); /* most + 1 */
}

static void symbols_are_found_after_growing(void **state)
{
	struct symbols symbols;
	struct arena arena;
	unsigned int i;

	arena_init(&arena, 1 << 26);
	assert_int_equal(setjmp(arena.full), 0);
	symbols_init(&symbols, &arena);
	for (i = 1; i <= 10000; i++)
		symbol_add(&symbols, SYMBOL_RULE, i % 7,
		    arena_print(&arena, "r%u", i), (void *)(uintptr_t)i);
	for (i = 1; i <= 10000; i++) {
		char name[16];

		snprintf(name, sizeof(name), "r%u", i);
		assert_ptr_equal(
		    symbol_find(&symbols, SYMBOL_RULE, i % 7, name),
		    (void *)(uintptr_t)i);
		assert_null(
		    symbol_find(&symbols, SYMBOL_RULE, i % 7 + 1, name));
		assert_null(symbol_find(&symbols, SYMBOL_SET, i % 7, name));
	}
	arena_free(&arena);
}

/* ---- memory ---- */

static void a_policy_beyond_its_memory_is_an_error(void **state)
{
	static const char head[] = "language 1; timezone \"UTC\";\n";
	static const char line[] = "set a%06u = { 80 81 82 83 };\n";
	struct bundle_file file = {.kind = BUNDLE_MAIN, .path = "x.gw"};
	struct bundle bundle = {&file, 1};
	struct compile compile;
	size_t size = 0, room = 4 << 20;
	char *text = malloc(room);
	unsigned int i;

	size = (size_t)sprintf(text, "%s", head);
	for (i = 0; i < 100000; i++)
		size += (size_t)sprintf(text + size, line, i);
	file.data = text;
	file.size = size;
	compile_init(&compile, &bundle);
	compile.arena.limit = 8 << 20;
	assert_false(compile_run(&compile, COMPILE_IMAGE));
	assert_int_equal(compile.errors.error_len, 1);
	assert_string_equal(compile.errors.first->message,
	    "the policy needs more memory than the compiler may use");
	compile_free(&compile);
	compile_init(&compile, &bundle);
	assert_true(compile_run(&compile, COMPILE_IMAGE));
	compile_free(&compile);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ranges_behave_like_sets_of_bits),
	    cmocka_unit_test(ranges_reach_the_last_number),
	    cmocka_unit_test(literals_are_read_strictly),
	    cmocka_unit_test(countries_have_the_bits_of_the_image),
	    cmocka_unit_test(edits_are_counted),
	    cmocka_unit_test(symbols_are_found_after_growing),
	    cmocka_unit_test(a_policy_beyond_its_memory_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
