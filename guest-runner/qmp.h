/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gw-runner's side of QMP, the control protocol of QEMU (QEMU
 * docs/interop/qmp-spec.txt), over a stream socketpair. Called by guest.c in
 * gw-runner's one thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct event_base;

/* A longer line is refused: QEMU is no more trusted than its guest. */
#define QMP_LINE_MAX	  65536
#define QMP_GREETING_MS	  30000
#define QMP_QUIT_LIMIT_MS 3000 /* from "quit" to the end of the channel */

enum qmp_line_kind {
	QMP_GREETING,
	QMP_RETURN,
	QMP_ERROR, /* text: description */
	QMP_EVENT, /* text: name; detail: its reason or action, if any */
	QMP_OTHER, /* JSON, but nothing we know */
	QMP_BAD,   /* no JSON object */
};

struct qmp_line {
	enum qmp_line_kind kind;
	char text[64];
	char detail[64];
};

/* Understand one line (without its newline). Never fails: see QMP_BAD. */
void qmp_parse_line(const char *bytes, size_t size, struct qmp_line *line);

enum qmp_event {
	QMP_READY,    /* greeting and capabilities done: the guest runs */
	QMP_SHUTDOWN, /* detail: guest-shutdown, host-qmp-quit, ... */
	QMP_RESET,
	QMP_PANICKED,
	QMP_CLOSED, /* the channel ended: QEMU has gone */
	QMP_FAILED, /* detail: a sentence; nothing more will come */
	QMP_EVENT_MAX,
};

/* Called from the event loop; must not destroy the qmp. detail: borrowed. */
typedef void qmp_fn(void *arg, enum qmp_event event, const char *detail);

struct qmp;

/*
 * Take over fd (non-blocking; belongs to the qmp from now on, also on failure)
 * and read the greeting, at most QMP_GREETING_MS away. NULL: no memory.
 */
struct qmp *qmp_create(struct event_base *base, int fd, qmp_fn *fn, void *arg);

/*
 * End the guest: power button first and quit after grace_ms, or at once when
 * that is 0. QMP_FAILED when QEMU does not obey.
 */
void qmp_stop(struct qmp *qmp, uint32_t grace_ms);

/* NULL is fine. */
void qmp_destroy(struct qmp *qmp);
