/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Aligned columns and a little colour for people. Called by show_*.c.
 */
#pragma once

#include <stddef.h>

#define TABLE_COLUMN_MAX 8
#define AGE_SIZE	 32

/*
 * A table is collected row by row and printed at the end, columns as wide as
 * their widest cell, two spaces between. Cells are made printable: they may
 * come from a guest's side.
 */
struct table;

/* heading: "GUEST|STATE|..." */
struct table *table_new(const char *heading);
/* The next cell of the row under way; after the last column a new row begins.
 */
void table_add(struct table *table, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Print and free. */
void table_end(struct table *table);

/* colour on a terminal (and NO_COLOR is not set), else "". */
const char *tint(const char *colour);
#define TINT_RED   "\033[31m"
#define TINT_GREEN "\033[32m"
#define TINT_BOLD  "\033[1m"
#define TINT_OFF   "\033[0m"

/* "s" unless it is one. */
const char *plural(long long count);
/* "12 s", "3 min", "2 h", "5 days" into text. */
const char *age_text(long seconds, char text[AGE_SIZE]);
/* "2026-11-21 12:00:05" local time into text[24]. */
const char *time_text(double seconds, char text[24]);
