/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The run folder and the state folder of gw-init: made, locked, removed.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/*
 * Make the run folder and lock it. Returns the lock's descriptor, which must
 * stay open; -EWOULDBLOCK when another gateway holds it, *owner is then its
 * pid or 0; else -errno.
 */
int run_lock(pid_t *owner);
/* Write init.pid, make log/, root/ and the state folder. 0 or -errno. */
int run_make(void);
/* The listening socket gwctl.sock: mode 0666, as gwd judges each caller by its
 * peer credentials. Returns its descriptor or -errno. */
int run_listen(void);
/* The vhost folder of a slot, a small tmpfs that qemu may write and the
 * dataplane may enter; made once. 0 or -errno. */
int run_make_slot(uint32_t slot);
/* Remove all but lock/ and log/; mounts too. Also for what was left by a
 * killed gw-init. */
void run_remove(void);
