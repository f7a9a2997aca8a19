/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's serial line: keeps the last of its output, joins consoles to it.
 * Called by guest.c in gw-runner's one thread.
 */
#pragma once

struct event_base;

#define CONSOLE_RING_SIZE  65536 /* bytes of output kept; a power of two */
#define CONSOLE_VIEWER_MAX 4

struct console;

/*
 * Take over fd, QEMU's serial line (non-blocking; belongs to the console from
 * now on, also on failure). NULL: no memory.
 */
struct console *console_create(struct event_base *base, int fd);

/*
 * Join a viewer: what is kept is sent to fd, then both ways until it closes.
 * fd: taken in any case. Returns 0, -EBUSY (CONSOLE_VIEWER_MAX are there; fd
 * got a sentence) or -ENOMEM.
 */
int console_join(struct console *console, int fd);

/* Closes all its descriptors. NULL is fine. */
void console_destroy(struct console *console);
