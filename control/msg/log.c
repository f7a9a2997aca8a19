/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Log lines, one write(2) each, so that lines of several processes that share
 * a file do not mix. Called by every process and any thread; a line longer
 * than LINE_SIZE is cut. Everything outside printable ASCII becomes \xNN: what
 * a guest can put into a line can't move a cursor or forge a second line.
 */
#include "control/msg/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE 1024
#define BURST	  20
#define TOKEN_NS  100000000ull /* one token each 100 ms */

static const char *program_name = "gw";
static _Atomic int level_most = LOG_LEVEL_INFO;

void log_open(const char *program)
{
	program_name = program;
}

void log_set_level(enum log_level level)
{
	level_most = (int)level;
}

static size_t escape(char *to, size_t size, const char *from)
{
	static const char digits[] = "0123456789abcdef";
	size_t len = 0;

	for (; *from; from++) {
		unsigned char c = (unsigned char)*from;
		if (c >= 0x20 && c < 0x7f) {
			if (len + 1 > size)
				break;
			to[len++] = (char)c;
			continue;
		}
		if (len + 4 > size)
			break;
		to[len++] = '\\';
		to[len++] = 'x';
		to[len++] = digits[c >> 4];
		to[len++] = digits[c & 15];
	}
	return len;
}

static size_t stamp(char *to, size_t size)
{
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	size_t len = strftime(to, size, "%Y-%m-%dT%H:%M:%S", &tm);
	int more =
	    snprintf(to + len, size - len, ".%03ldZ ", now.tv_nsec / 1000000);
	return len + (size_t)more;
}

static void print(const char *object, const char *format, va_list args)
{
	char text[LINE_SIZE], head[128], line[LINE_SIZE + 2];
	int saved = errno;

	if (object)
		snprintf(head, sizeof(head), "%s[%s] ", program_name, object);
	else
		snprintf(head, sizeof(head), "%s ", program_name);
	vsnprintf(text, sizeof(text), format, args);

	size_t len = stamp(line, LINE_SIZE);
	len += escape(line + len, LINE_SIZE - len, head);
	len += escape(line + len, LINE_SIZE - len, text);
	line[len++] = '\n';

	/* A log that can't be written must not stop the gateway. */
	ssize_t done = write(STDERR_FILENO, line, len);
	(void)done;
	errno = saved;
}

void log_line(enum log_level level, const char *object, const char *format, ...)
{
	va_list args;

	if ((int)level > level_most)
		return;
	va_start(args, format);
	print(object, format, args);
	va_end(args);
}

bool log_allow(struct log_limit *limit)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	uint64_t now_ns =
	    (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	if (limit->stamp_ns == 0) {
		limit->stamp_ns = now_ns;
		limit->tokens = BURST;
	}

	uint64_t fresh = (now_ns - limit->stamp_ns) / TOKEN_NS;
	limit->stamp_ns += fresh * TOKEN_NS;
	if (fresh > BURST)
		fresh = BURST;
	limit->tokens += (uint32_t)fresh;
	if (limit->tokens > BURST)
		limit->tokens = BURST;
	if (limit->tokens == 0) {
		limit->suppressed++;
		return false;
	}
	limit->tokens--;
	return true;
}

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print(NULL, format, args);
	va_end(args);
	exit(1);
}
