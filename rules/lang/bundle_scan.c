/* SPDX-License-Identifier: BSD-2-Clause */
/* Which files does a policy text name (bundle_scan.h). */
#include "rules/lang/bundle_scan.h"

#include <string.h>

struct scan {
	const char *at, *end;
	bundle_found *found;
	void *context;
	enum bundle_kind kind; /* of the strings of this sentence, or 0 */
	bool start;	       /* a sentence starts here */
	bool country;
};

static void skip_line(struct scan *scan)
{
	while (scan->at < scan->end && *scan->at != '\n')
		scan->at++;
}

/* at is behind the opening sign; stops behind the closing one. */
static size_t skip_quoted(
    struct scan *scan, char sign, char *text, size_t text_size)
{
	size_t size = 0;

	while (scan->at < scan->end && *scan->at != '\n') {
		char c = *scan->at++;

		if (c == sign)
			return size;
		if (c == '\\' && scan->at < scan->end && *scan->at != '\n')
			c = *scan->at++;
		if (size + 1 < text_size)
			text[size] = c;
		size++;
	}
	return 0; /* not closed: names nothing */
}

static int take_string(struct scan *scan)
{
	char path[BUNDLE_PATH_MAX];
	size_t size = skip_quoted(scan, '"', path, sizeof(path));

	if (!scan->kind || !size || size >= sizeof(path) ||
	    memchr(path, 0, size))
		return 0;
	path[size] = 0;
	return scan->found(scan->context, scan->kind, path);
}

static bool ends_word(char c)
{
	return strchr(" \t\r\n;{}\"#,=", c) != NULL;
}

static bool is_word(const char *word, size_t size, const char *text)
{
	return strlen(text) == size && !memcmp(word, text, size);
}

static void take_word(struct scan *scan)
{
	const char *word = scan->at;
	size_t size;

	while (scan->at < scan->end && !ends_word(*scan->at))
		scan->at++;
	size = (size_t)(scan->at - word);
	if (is_word(word, size, "country"))
		scan->country = true;
	if (!scan->start)
		return;
	scan->start = false;
	scan->kind = 0;
	if (is_word(word, size, "include"))
		scan->kind = BUNDLE_INCLUDE;
	if (is_word(word, size, "country-table")) {
		scan->kind = BUNDLE_COUNTRY;
		scan->country = true;
	}
}

int bundle_scan(const char *data, size_t size, bool *country,
    bundle_found *found, void *context)
{
	struct scan scan = {.at = data,
	    .end = data + size,
	    .found = found,
	    .context = context,
	    .start = true};
	int error = 0;

	while (!error && scan.at < scan.end) {
		char c = *scan.at;

		if (c == '#') {
			skip_line(&scan);
		} else if (c == '"') {
			scan.at++;
			error = take_string(&scan);
		} else if (c == '/') {
			char unused;

			scan.at++;
			skip_quoted(&scan, '/', &unused, 0);
		} else if (c == ';' || c == '{' || c == '}') {
			scan.at++;
			scan.start = true;
			scan.kind = 0;
		} else if (ends_word(c)) {
			scan.at++;
		} else {
			take_word(&scan);
		}
	}
	*country |= scan.country;
	return error;
}
