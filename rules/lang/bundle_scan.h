/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which files does a policy text name? Called by bundle_build.c, before any
 * sandbox: it only looks for three words and the strings behind them.
 */
#pragma once

#include "rules/lang/bundle.h"

/* Called per file named; path is terminated. Returns 0 to go on. */
typedef int bundle_found(
    void *context, enum bundle_kind kind, const char *path);

/*
 * Sets *country when the word `country` or `country-table` stands outside of
 * strings and comments. What is no valid text is skipped, the compiler will
 * say so. Returns 0, or what `found` returned.
 */
int bundle_scan(const char *data, size_t size, bool *country,
    bundle_found *found, void *context);
