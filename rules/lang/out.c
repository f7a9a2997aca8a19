/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Growing text in an arena (out.h). stdio is not used after the sandbox is
 * closed: it asks the kernel about its descriptors.
 */
#include "rules/lang/out.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void out_init(struct out *out, struct arena *arena)
{
	memset(out, 0, sizeof(*out));
	out->arena = arena;
}

void out_add(struct out *out, const void *text, size_t size)
{
	if (!size)
		return;
	if (out->room - out->size < size) {
		size_t room = 2 * (out->size + size) + 256;
		char *larger = arena_take(out->arena, room);

		if (out->size)
			memcpy(larger, out->text, out->size);
		out->text = larger;
		out->room = room;
	}
	memcpy(out->text + out->size, text, size);
	out->size += size;
}

void out_text(struct out *out, const char *text)
{
	out_add(out, text, strlen(text));
}

void out_format(struct out *out, const char *format, ...)
{
	va_list list, again;
	char text[512];
	int size;

	va_start(list, format);
	va_copy(again, list);
	size = vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	if (size < 0)
		size = 0;
	if ((size_t)size < sizeof(text)) {
		out_add(out, text, (size_t)size);
	} else {
		char *large = arena_take(out->arena, (size_t)size + 1);

		vsnprintf(large, (size_t)size + 1, format, again);
		out_add(out, large, (size_t)size);
	}
	va_end(again);
}

const char *out_string(struct out *out)
{
	return arena_copy(out->arena, out->text, out->size);
}

void out_json(struct out *out, const char *text)
{
	out_text(out, "\"");
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			out_format(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			out_format(out, "\\u%04x", c);
		else
			out_add(out, text, 1);
	}
	out_text(out, "\"");
}

int out_write(const struct out *out, int fd)
{
	size_t done = 0;

	while (done < out->size) {
		ssize_t n = write(fd, out->text + done, out->size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}
