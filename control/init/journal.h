/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A child's log: gw-init reads a pipe that is the child's descriptors 1 and 2
 * and appends to a file, so that no child can fill the disk.
 */
#pragma once

/*
 * Open the log of a program. name: "gw-dataplane-3"; the file is
 * <run-dir>/log/<name>.log. Returns the writing end of the pipe, which is the
 * caller's, or -errno. The journal frees itself when the last writer is gone.
 */
int journal_open(const char *name);
