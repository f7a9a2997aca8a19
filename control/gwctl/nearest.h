/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The known word that was probably meant, for error messages.
 */
#pragma once

#include <stddef.h>

/* The one of `words` at most two slips (a letter wrong, missing, too many, or
 * two swapped) from `word`; the first of equals; NULL when none is so near. */
const char *nearest(const char *word, const char *const *words, size_t len);
