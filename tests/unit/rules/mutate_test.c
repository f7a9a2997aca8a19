/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mutated policies through the whole compiler, in this process, so that the
 * sanitizers see every pass. Whatever parses must print to a text that parses
 * and prints to itself; whatever compiles must compile again to equal bytes.
 * GW_MUTATIONS sets how many (default 3000).
 */
#include "rules/lang/compile.h"
#include "rules/lang/error_show.h"
#include "rules/lang/print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define TEXT_MAX 16384

/* Texts here have a size and no terminator, as in a bundle. */
/* NOLINTBEGIN(bugprone-not-null-terminated-result) */

/* Every enforced sentence, and some that are not. */
static const char seed_text[] =
    "language 1; timezone \"UTC\"; # comment\n"
    "set a = { 10.0.0.0/8 192.0.2.1-192.0.2.9 };\nset b = { 80 443 };\n"
    "network n { uplink interface \"e0\" share; address 198.51.100.2/24 "
    "gateway 198.51.100.1; reach 10.1.0.0/16 10.1.2.0/24; }\n"
    "network m { uplink interface \"e1\" take; routed; reach public; }\n"
    "always { rule x deny any to not a alert low; }\n"
    "profile p { networks n m; # here\n"
    "  rule r1 allow tcp port { b 8000-8010 } to { a 203.0.113.7 } on n log;\n"
    "  rule r2 deny udp port not 53 quiet note \"x \\\" y\";\n"
    "  rule r3 allow icmp type echo-request;\n"
    "  rule r4 allow in tcp port 22 from 10.0.0.0/8 on m; }\n"
    "profile q { rule r1 deny any say \"no\"; }\n"
    "guest g : p q { image \"demo\"; memory 64 MiB; rule o deny tcp; }\n"
    "guests h-[01..20] : q { image \"demo\"; memory 1 GiB; }\n"
    "expect deny g tcp to 10.1.2.3; expect deny h-* tcp;\n";

static const char later_text[] =
    "time t = mon-fri 08:00-16:00, sat 10:00-12:00 except \"h.ics\";\n"
    "label l = pattern /a\\/b/i or scan \"c\" hold 8 MiB;\n"
    "place o = circle 59.3 18.0 300 metres; switch s;\n"
    "profile p { gate place { o: n m; unknown: none; } gate one-way n send;\n"
    "  gate never-both n m { hold 30 s; change by user; }\n"
    "  secret \"k\" { env K; to https://x.example/ in header \"h\"; }\n"
    "  refresh on crash, no-heartbeat 10 s; limit sent 2 GB/day; life 2 h;\n"
    "  rule a ask https to { .x.example } path \"/a\" for 30 min;\n"
    "  rule b deny web send label l alert high until 2027-03-31 limit 1/s; }";

static const char *const words[] = {"{", "}", ";", "=", ":", ",", "\"", "#",
    "\n", "not", "any", "rule", "to", "country", "0", "4294967296", "10.0.0.0",
    "/", "[01..9]", "\\", "public", "set", "guest", "expect", "*", "::"};

static size_t mutate(char *text, size_t size)
{
	size_t at = (size_t)rand() % (size + 1);
	const char *word =
	    words[(size_t)rand() % (sizeof(words) / sizeof(*words))];
	size_t len = strlen(word), from, cut;
	char copy[64];

	switch (rand() % 5) {
	case 0: /* a byte changes */
		if (at < size)
			text[at] = (char)rand();
		return size;
	case 1: /* something is cut out */
		cut = (size_t)rand() % 20;
		if (at + cut > size)
			cut = size - at;
		memmove(text + at, text + at + cut, size - at - cut);
		return size - cut;
	case 2: /* a piece is repeated elsewhere */
		from = (size_t)rand() % (size + 1);
		len = (size_t)rand() % 60;
		if (from + len > size)
			len = size - from;
		word = text + from;
		break;
	default: /* a word of the grammar goes in */
		break;
	}
	if (size + len >= TEXT_MAX)
		return size;
	/* a piece of the text itself may move: it is kept aside */
	memmove(copy, word, len);
	memmove(text + at + len, text + at, size - at);
	memmove(text + at, copy, len);
	return size + len;
}

struct result {
	bool good;
	char *text; /* printed, or the image */
	size_t size;
};

static struct result run(
    const char *text, size_t size, enum compile_depth depth)
{
	/* exactly the bytes, so that reading beyond is seen */
	char *exact = malloc(size ? size : 1);
	struct bundle_file file = {
	    .kind = BUNDLE_MAIN, .path = "x.gw", .data = exact, .size = size};
	struct bundle bundle = {&file, 1};
	struct compile compile;
	struct result result = {0};
	struct out out;

	memcpy(exact, text, size);
	compile_init(&compile, &bundle);
	result.good = compile_run(&compile, depth);
	assert_int_equal(setjmp(compile.arena.full), 0);
	out_init(&out, &compile.arena);
	error_show_text(&compile.errors, &out);
	error_show_json(&compile.errors, &out);
	assert_true(out.size < 100000);
	if (result.good) {
		out.size = 0;
		if (depth == COMPILE_PARSE)
			print_file(&out, &compile.ast);
		else
			out_add(&out, compile.image, compile.image_size);
		result.size = out.size;
		result.text = malloc(out.size + 1);
		memcpy(result.text, out.text ? out.text : "", out.size);
	}
	compile_free(&compile);
	free(exact);
	return result;
}

static void check_print(const char *text, size_t size, unsigned int *parsed)
{
	struct result once = run(text, size, COMPILE_PARSE), twice;

	if (!once.good)
		return;
	(*parsed)++;
	twice = run(once.text, once.size, COMPILE_PARSE);
	if (!twice.good || twice.size != once.size ||
	    memcmp(twice.text, once.text, once.size) != 0)
		fail_msg("printed differently:\n%.*s", (int)size, text);
	free(once.text);
	free(twice.text);
}

static void check_image(const char *text, size_t size, unsigned int *compiled)
{
	struct result once = run(text, size, COMPILE_EXPECT), twice;

	if (!once.good)
		return;
	(*compiled)++;
	twice = run(text, size, COMPILE_EXPECT);
	if (!twice.good || twice.size != once.size ||
	    memcmp(twice.text, once.text, once.size) != 0)
		fail_msg("compiled differently:\n%.*s", (int)size, text);
	free(once.text);
	free(twice.text);
}

static void mutated_policies_are_refused_or_right(void **state)
{
	const char *wanted = getenv("GW_MUTATIONS");
	int i, k, len = wanted ? atoi(wanted) : 3000;
	unsigned int parsed = 0, compiled = 0;
	char text[TEXT_MAX];

	srand(wanted ? (unsigned int)len : 7);
	for (i = 0; i < len; i++) {
		const char *seed = i % 3 ? seed_text : later_text;
		size_t size = strlen(seed);

		memmove(text, seed, size);
		for (k = rand() % 4; k >= 0; k--)
			size = mutate(text, size);
		check_print(text, size, &parsed);
		check_image(text, size, &compiled);
	}
	print_message(
	    "%d mutations: %u parsed, %u compiled\n", len, parsed, compiled);
	assert_true(parsed > (unsigned int)len / 40);
	assert_true(compiled > (unsigned int)len / 200);
}

static void the_seeds_are_good(void **state)
{
	struct result result =
	    run(seed_text, strlen(seed_text), COMPILE_EXPECT);

	assert_true(result.good);
	free(result.text);
	result = run(later_text, strlen(later_text), COMPILE_PARSE);
	assert_true(result.good);
	free(result.text);
}

/* NOLINTEND(bugprone-not-null-terminated-result) */

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_seeds_are_good),
	    cmocka_unit_test(mutated_policies_are_refused_or_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
