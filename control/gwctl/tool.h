/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding and running the programs beside gwctl.
 */
#pragma once

#include <stddef.h>

/*
 * The path of a program: where the build has it (`built`, absolute or relative
 * to gwctl's own folder), else in the libexec folder. Returns 0, or -errno.
 */
int tool_find(const char *name, const char *built, char *path, size_t size)
    __attribute__((nonnull));
/* Become it: argv ends with NULL. Returns only an exit code, after an error
 * message. */
int tool_become(const char *name, const char *built, const char *const argv[]);
/* Run it and wait. Returns its exit code, or one of ours after a message. */
int tool_run(const char *name, const char *built, const char *const argv[]);
