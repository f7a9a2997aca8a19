/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies of files in sealed memory: what was hashed is what is used. Called by
 * gw-runner; gw-image uses the hashing alone. One thread.
 */
#pragma once

#include <stdint.h>

#include "guest-runner/manifest.h"

/*
 * Copy a file from its beginning into a new memfd while hashing, and seal it
 * against every change. from: readable, seekable, borrowed. At most limit
 * bytes are read: a longer file is -EFBIG. Stores the bytes and their SHA-256
 * in file. Returns the memfd (the caller's) or -errno.
 */
int sealed_copy(
    int from, const char *name, uint64_t limit, struct manifest_file *file);

/* Only hash; the same arguments and errors, 0 when done. */
int sealed_hash(int from, uint64_t limit, struct manifest_file *file);

/*
 * The same memfd opened for reading alone, when /proc can be reached: QEMU
 * hands a descriptor of an fdset to a read-only user only when it was opened
 * so. fd is taken; returns the new descriptor, or fd itself where the process
 * has no /proc (the seals forbid writing either way).
 */
int sealed_read_only(int fd);
