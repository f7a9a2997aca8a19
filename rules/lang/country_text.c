/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Country lists as text (country_build.h has the format). Called by
 * country_build.c; the bytes are not trusted.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "rules/lang/country_priv.h"

#define FIELD_MAX 3

struct field {
	const char *text;
	size_t len;
};

/* Cut a line at commas; returns how many fields, FIELD_MAX + 1 = too many. */
static size_t split(const char *line, const char *end, struct field *fields)
{
	size_t len = 0;

	while (len < FIELD_MAX) {
		const char *comma = memchr(line, ',', (size_t)(end - line));
		const char *stop = comma ? comma : end;

		while (line < stop && *line == ' ')
			line++;
		while (stop > line && stop[-1] == ' ')
			stop--;
		fields[len++] = (struct field) {line, (size_t)(stop - line)};
		if (!comma)
			return len;
		line = comma + 1;
	}
	return len + 1;
}

static bool parse_number(
    const char *text, size_t len, uint64_t most, uint32_t *number)
{
	uint64_t value = 0;

	if (!len || len > 10)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(text[i] - '0');
	}
	*number = (uint32_t)value;
	return value <= most;
}

static bool parse_address(const char *text, size_t len, uint32_t *address)
{
	char copy[INET_ADDRSTRLEN];
	struct in_addr parsed;

	if (parse_number(text, len, UINT32_MAX, address))
		return true;
	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (inet_pton(AF_INET, copy, &parsed) != 1)
		return false;
	*address = ntohl(parsed.s_addr);
	return true;
}

/* "198.51.100.0/24", without bits behind the prefix. */
static bool parse_prefix(
    const struct field *field, uint32_t *first, uint32_t *last)
{
	const char *slash = memchr(field->text, '/', field->len);
	size_t head = slash ? (size_t)(slash - field->text) : 0;
	uint32_t bits, host;

	if (!slash || !parse_address(field->text, head, first) ||
	    !parse_number(slash + 1, field->len - head - 1, 32, &bits))
		return false;
	host = bits ? (uint32_t)(UINT64_C(0xffffffff) >> bits) : UINT32_MAX;
	*last = *first | host;
	return !(*first & host);
}

static int read_line(
    struct country_canvas *canvas, const char *line, const char *end)
{
	struct field field[FIELD_MAX];
	size_t len = split(line, end, field);
	uint32_t first, last;
	int value;

	if (len == 2) {
		if (!parse_prefix(&field[0], &first, &last))
			return -EBADMSG;
	} else if (len != 3 ||
		   !parse_address(field[0].text, field[0].len, &first) ||
		   !parse_address(field[1].text, field[1].len, &last) ||
		   first > last) {
		return -EBADMSG;
	}
	value = country_value(field[len - 1].text, field[len - 1].len);
	if (value < 0)
		return value;
	return country_paint(canvas, first, last, (uint16_t)value);
}

int country_read_text(
    struct country_canvas *canvas, const struct country_input *input)
{
	const char *line = input->data, *stop = line + input->size;
	size_t number = 1;

	for (; line < stop; number++) {
		const char *next = memchr(line, '\n', (size_t)(stop - line));
		const char *end = next ? next : stop;
		const char *hash = memchr(line, '#', (size_t)(end - line));
		int rc = 0;

		next = next ? next + 1 : stop;
		if (hash)
			end = hash;
		while (end > line && strchr(" \t\r", end[-1]) && end[-1])
			end--;
		if (end > line)
			rc = read_line(canvas, line, end);
		if (rc == -ENOSPC)
			return country_refuse(canvas, rc,
			    "%s:%zu: too many /24s with more than one country",
			    input->path, number);
		if (rc)
			return country_refuse(canvas, rc,
			    "%s:%zu: expected `first,last,CC` or `prefix,CC` "
			    "with IPv4 addresses",
			    input->path, number);
		line = next;
	}
	return 0;
}
