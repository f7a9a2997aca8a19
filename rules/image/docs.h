/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * docs/reasons.md and docs/addresses.md, written from the lists in the code.
 * Used by gw-image-docs and by the test that the files are current.
 */
#pragma once

#include <stdio.h>

/* A table of all reasons, by stage. */
void docs_print_reasons(FILE *out);
/* Tables of our addresses, MACs, and of the special prefixes. */
void docs_print_addresses(FILE *out);
