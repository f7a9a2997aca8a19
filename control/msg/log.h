/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One event a line on stderr: `<time> <program>[<object>] sentence key=value`.
 * Used by every process; control characters are escaped, lines are bounded.
 */
#pragma once

#include <stdint.h>
#include <stdbool.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

/* program: literal, kept. No level is read from the environment. */
void log_open(const char *program);
void log_set_level(enum log_level level);
/* A line; a guest-caused one must pass log_allow() first. */
void log_line(enum log_level level, const char *object, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(object, ...) log_line(LOG_LEVEL_ERROR, object, __VA_ARGS__)
#define log_warn(object, ...)  log_line(LOG_LEVEL_WARN, object, __VA_ARGS__)
#define log_info(object, ...)  log_line(LOG_LEVEL_INFO, object, __VA_ARGS__)
#define log_debug(object, ...) log_line(LOG_LEVEL_DEBUG, object, __VA_ARGS__)

/* Token bucket for lines a guest can cause; 10 a second, burst 20. */
struct log_limit {
	uint64_t stamp_ns;
	uint32_t tokens;
	uint32_t suppressed;
};
/* Whether one more line may be written now; counts those that may not. */
bool log_allow(struct log_limit *limit);

/* Log at error level and exit(1). Only before the sandbox closes. */
void die(const char *format, ...)
    __attribute__((format(printf, 1, 2), noreturn));
