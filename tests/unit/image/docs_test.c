/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * docs/reasons.md and docs/addresses.md say what the code says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "rules/image/docs.h"

static void compare(
    const char *path, void (*print)(FILE *out), const char *cure)
{
	char *wanted = NULL, *found = calloc(1, 1 << 20);
	size_t size = 0, read;
	FILE *out = open_memstream(&wanted, &size), *page = fopen(path, "r");

	if (!page)
		fail_msg("%s is missing: %s", path, cure);
	print(out);
	fclose(out);
	read = fread(found, 1, (1 << 20) - 1, page);
	fclose(page);
	if (read != size || memcmp(wanted, found, size))
		fail_msg("%s is not current: %s", path, cure);
	free(wanted);
	free(found);
}

static void reasons_page_is_current(void **state)
{
	compare(SOURCE_ROOT "/docs/reasons.md", docs_print_reasons,
	    "build/rules/image/gw-image-docs reasons > docs/reasons.md");
}

static void addresses_page_is_current(void **state)
{
	compare(SOURCE_ROOT "/docs/addresses.md", docs_print_addresses,
	    "build/rules/image/gw-image-docs addresses > docs/addresses.md");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reasons_page_is_current),
	    cmocka_unit_test(addresses_page_is_current),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
