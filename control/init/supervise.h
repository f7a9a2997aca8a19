/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gwd's life as gw-init sees it, and the requests that come over the INIT
 * link. Called by main.c of gw-init.
 */
#pragma once

#include "control/init/jail.h"

/* Start gwd for the first time. listener: gwctl.sock, borrowed for ever.
 * Returns 0 or -errno, with a sentence in text. */
int supervise_start(int listener, char text[JAIL_TEXT_SIZE]);
/* SIGTERM to gwd, a moment for it to write what it must, then SIGKILL to
 * every child; returns when all were reaped. */
void supervise_stop(void);
