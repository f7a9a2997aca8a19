/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Aligned columns and a little colour: see table.h. Called by show_*.c.
 */
#include "control/gwctl/table.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct table {
	size_t columns;
	size_t len, room; /* cells */
	char **cell;
};

static void keep(struct table *table, const char *text, size_t size)
{
	char *cell = malloc(size + 1);

	if (table->len == table->room) {
		table->room = table->room ? 2 * table->room : 64;
		table->cell =
		    realloc(table->cell, table->room * sizeof(*table->cell));
	}
	if (!cell || !table->cell)
		abort(); /* a command-line tool without memory */
	for (size_t i = 0; i < size; i++)
		cell[i] = (unsigned char)text[i] < 32 || text[i] == 127
			      ? '?'
			      : text[i];
	cell[size] = '\0';
	table->cell[table->len++] = cell;
}

struct table *table_new(const char *heading)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		abort();
	while (1) {
		size_t size = strcspn(heading, "|");

		keep(table, heading, size);
		table->columns++;
		if (!heading[size])
			return table;
		heading += size + 1;
	}
}

void table_add(struct table *table, const char *format, ...)
{
	char *text;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		abort();
	va_end(args);
	keep(table, text, strlen(text));
	free(text);
}

/* Characters, not bytes, of UTF-8 text. */
static int width(const char *text)
{
	int len = 0;

	for (; *text; text++)
		len += (*text & 0xc0) != 0x80;
	return len;
}

void table_end(struct table *table)
{
	int widest[TABLE_COLUMN_MAX] = {0};

	for (size_t i = 0; i < table->len; i++) {
		int *w = &widest[i % table->columns];

		if (width(table->cell[i]) > *w)
			*w = width(table->cell[i]);
	}
	for (size_t i = 0; i < table->len; i++) {
		size_t column = i % table->columns;
		bool last = column + 1 == table->columns;

		printf("%s%s%s", i == 0 ? tint(TINT_BOLD) : "", table->cell[i],
		    i + 1 == table->columns ? tint(TINT_OFF) : "");
		if (last)
			printf("\n");
		else
			printf("%*s",
			    widest[column] - width(table->cell[i]) + 2, "");
		free(table->cell[i]);
	}
	free(table->cell);
	free(table);
}

const char *tint(const char *colour)
{
	static int terminal = -1;

	if (terminal < 0)
		terminal = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	return terminal ? colour : "";
}

const char *plural(long long count)
{
	return count == 1 ? "" : "s";
}

const char *age_text(long seconds, char text[AGE_SIZE])
{
	if (seconds < 0)
		seconds = 0;
	if (seconds < 120)
		snprintf(text, AGE_SIZE, "%ld s", seconds);
	else if (seconds < 2 * 3600L)
		snprintf(text, AGE_SIZE, "%ld min", seconds / 60);
	else if (seconds < 2 * 86400L)
		snprintf(text, AGE_SIZE, "%ld h", seconds / 3600);
	else
		snprintf(text, AGE_SIZE, "%ld days", seconds / 86400);
	return text;
}

const char *time_text(double seconds, char text[24])
{
	time_t time = seconds;
	struct tm tm;

	localtime_r(&time, &tm);
	strftime(text, 24, "%Y-%m-%d %H:%M:%S", &tm);
	return text;
}
