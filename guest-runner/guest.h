/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One guest from its verified image to its end. Called by main.c in
 * gw-runner's one thread.
 */
#pragma once

#include <stdint.h>

#include "control/msg/msg.h"

struct event_base;

enum { GUEST_IN_KEY, GUEST_IN_MANIFEST, GUEST_IN_PARTS, GUEST_IN_MAX = 5 };
enum { GUEST_OUT_MAX = 7 }; /* as RUN_PREPARED lists them */

/* Called from the event loop; must not destroy the guest. */
struct guest_calls {
	void (*state)(void *arg, const struct msg_run_state *state);
	void (*exec_done)(void *arg, const struct msg_run_exec_done *done);
};

struct guest;

/* calls: borrowed. object: prefix of log lines, borrowed. NULL: no memory. */
struct guest *guest_create(struct event_base *base, const char *object,
    const struct guest_calls *calls, void *arg);

/*
 * Verify an image and make all that QEMU needs; forgets an earlier guest. in:
 * GUEST_IN_MAX descriptors as RUN_IMAGE carries them, borrowed. On success
 * answer->error is 0 and out holds GUEST_OUT_MAX descriptors of the caller;
 * else answer says which file, and what differs.
 */
void guest_prepare(struct guest *guest, const struct msg_run_image *image,
    const int *in, struct msg_run_prepared *answer, int *out);

/* QEMU was spawned with what guest_prepare() made. */
void guest_start(struct guest *guest);
void guest_stop(struct guest *guest, uint32_t grace_ms);

/* fd: taken. When it can't run, exec_done is called at once. */
void guest_exec(struct guest *guest, const struct msg_run_exec *exec, int fd);
/* fd: taken; closed when there is no guest. */
void guest_join_console(struct guest *guest, int fd);

/* The one who asked for commands has gone: kill them, tell nobody. */
void guest_abandon(struct guest *guest);

/* The state as it is now; true when there is, or was, a guest to speak of. */
int guest_get_state(const struct guest *guest, struct msg_run_state *state);
