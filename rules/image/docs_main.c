/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gw-image-docs reasons|addresses: prints a page of docs/. For developers; not
 * installed.
 */
#include <string.h>

#include "rules/image/docs.h"

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "reasons")) {
		docs_print_reasons(stdout);
	} else if (argc == 2 && !strcmp(argv[1], "addresses")) {
		docs_print_addresses(stdout);
	} else {
		fputs("usage: gw-image-docs reasons|addresses\n", stderr);
		return 2;
	}
	return 0;
}
