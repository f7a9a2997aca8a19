/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The overlay of a guest: an empty qcow2 image in a memfd, thrown away with
 * the guest. Called by gw-runner; one thread.
 */
#pragma once

#include <stdint.h>

/*
 * Make an empty qcow2 version 3 image of `size` bytes (a multiple of 512, as
 * its backing disk) in a new memfd; the backing file is named by QEMU's
 * command line, not in the image. The memfd stays writable and grows by what
 * the guest writes, at most about `size` and its tables. Returns the memfd
 * (the caller's) or -errno; -EINVAL for a size that is none.
 */
int overlay_create(uint64_t size);
