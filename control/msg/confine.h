/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last stage of confinement, done by each process on itself after its own
 * initialisation and before it reads a byte it does not trust.
 */
#pragma once

/*
 * root: chroot there (needs CAP_SYS_CHROOT, which is then dropped), or NULL.
 * Drops every capability from every set, sets no-new-privileges, undumpable,
 * RLIMIT_CORE 0. Returns 0 or -errno; the caller must exit on failure.
 */
int confine_self(const char *root);
