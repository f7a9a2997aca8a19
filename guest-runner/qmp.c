/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QMP (qmp.h). Called by guest.c in gw-runner's one thread.
 *
 * Theory of operation. QEMU sends one JSON object a line. Until the dataplane
 * has finished its vhost-user handshake QEMU sends nothing: the greeting has a
 * limit of its own. Then:
 *
 *	GREETED? -> "qmp_capabilities" -> CAPABLE? -> RUNS
 *	RUNS -> stop(grace) -> "system_powerdown" -> POWERING, after grace:
 *	     -> "quit" -> QUITTING, after QMP_QUIT_LIMIT_MS: failed
 *
 * In RUNS events count and answers are dropped. A line longer than
 * QMP_LINE_MAX, or one that is no JSON object, fails the channel: the guest is
 * then reported as failed and never spoken to again. Commands are a few dozen
 * bytes on an own socket; one that does not fit its buffer fails it too.
 */
#include "guest-runner/qmp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <jansson.h>

enum state { AWAIT_GREETING, AWAIT_CAPABLE, RUNS, POWERING, QUITTING, OVER };

struct qmp {
	int fd;
	enum state state;
	uint32_t grace_ms; /* of a stop that came before RUNS */
	int stop_wanted;
	struct event *readable;
	struct event *timer;
	qmp_fn *fn;
	void *arg;
	size_t have;
	char buffer[QMP_LINE_MAX];
};

static void copy_text(char *to, size_t size, const json_t *from)
{
	const char *text = json_string_value(from);

	snprintf(to, size, "%s", text != NULL ? text : "");
}

void qmp_parse_line(const char *bytes, size_t size, struct qmp_line *line)
{
	json_t *data, *root;

	memset(line, 0, sizeof(*line));
	line->kind = QMP_BAD;
	root = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(root))
		goto out;
	data = json_object_get(root, "data");
	if (json_object_get(root, "QMP") != NULL) {
		line->kind = QMP_GREETING;
	} else if (json_object_get(root, "return") != NULL) {
		line->kind = QMP_RETURN;
	} else if (json_object_get(root, "error") != NULL) {
		line->kind = QMP_ERROR;
		copy_text(line->text, sizeof(line->text),
		    json_object_get(json_object_get(root, "error"), "desc"));
	} else if (json_is_string(json_object_get(root, "event"))) {
		line->kind = QMP_EVENT;
		copy_text(line->text, sizeof(line->text),
		    json_object_get(root, "event"));
		if (json_object_get(data, "reason") != NULL)
			copy_text(line->detail, sizeof(line->detail),
			    json_object_get(data, "reason"));
		else
			copy_text(line->detail, sizeof(line->detail),
			    json_object_get(data, "action"));
	} else {
		line->kind = QMP_OTHER;
	}
out:
	json_decref(root);
}

static void set_timer(struct qmp *qmp, uint32_t ms)
{
	struct timeval limit = {ms / 1000, ms % 1000 * 1000l};

	evtimer_add(qmp->timer, &limit);
}

/* The channel is of no use any more. */
static void end(struct qmp *qmp, enum qmp_event event, const char *detail)
{
	qmp->state = OVER;
	event_del(qmp->readable);
	event_del(qmp->timer);
	qmp->fn(qmp->arg, event, detail);
}

static void command(struct qmp *qmp, const char *name)
{
	char text[64];
	int size;

	size = snprintf(text, sizeof(text), "{\"execute\":\"%s\"}\n", name);
	if (send(qmp->fd, text, (size_t)size, MSG_NOSIGNAL) != size)
		end(qmp, QMP_FAILED, "QEMU takes no QMP commands");
}

static void quit(struct qmp *qmp)
{
	qmp->state = QUITTING;
	set_timer(qmp, QMP_QUIT_LIMIT_MS);
	command(qmp, "quit");
}

void qmp_stop(struct qmp *qmp, uint32_t grace_ms)
{
	switch (qmp->state) {
	case AWAIT_GREETING:
	case AWAIT_CAPABLE:
		qmp->stop_wanted = 1;
		qmp->grace_ms = grace_ms;
		break;
	case RUNS:
		if (grace_ms > 0) {
			qmp->state = POWERING;
			set_timer(qmp, grace_ms);
			command(qmp, "system_powerdown");
		} else {
			quit(qmp);
		}
		break;
	case POWERING:
		if (grace_ms == 0)
			quit(qmp);
		break;
	case QUITTING:
	case OVER:
		break;
	}
}

static void take_event(struct qmp *qmp, const struct qmp_line *line)
{
	static const struct {
		const char *name;
		enum qmp_event event;
	} known[] = {
	    {"SHUTDOWN", QMP_SHUTDOWN},
	    {"RESET", QMP_RESET},
	    {"GUEST_PANICKED", QMP_PANICKED},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(line->text, known[i].name) == 0)
			qmp->fn(qmp->arg, known[i].event, line->detail);
}

static void take_line(struct qmp *qmp, const char *bytes, size_t size)
{
	struct qmp_line line;

	qmp_parse_line(bytes, size, &line);
	if (line.kind == QMP_BAD) {
		end(qmp, QMP_FAILED, "QEMU sent what is no QMP message");
		return;
	}
	switch (qmp->state) {
	case AWAIT_GREETING:
		if (line.kind != QMP_GREETING) {
			end(qmp, QMP_FAILED, "QEMU sent no QMP greeting");
			return;
		}
		qmp->state = AWAIT_CAPABLE;
		command(qmp, "qmp_capabilities");
		break;
	case AWAIT_CAPABLE:
		if (line.kind == QMP_ERROR) {
			end(qmp, QMP_FAILED, "QEMU refused the QMP handshake");
		} else if (line.kind == QMP_RETURN) {
			event_del(qmp->timer);
			qmp->state = RUNS;
			qmp->fn(qmp->arg, QMP_READY, "");
			if (qmp->stop_wanted)
				qmp_stop(qmp, qmp->grace_ms);
		}
		break;
	case RUNS:
	case POWERING:
	case QUITTING:
		if (line.kind == QMP_EVENT)
			take_event(qmp, &line);
		break;
	case OVER:
		break;
	}
}

/* Take every whole line of the buffer, keep the rest. */
static void take_lines(struct qmp *qmp)
{
	char *at = qmp->buffer, *limit = qmp->buffer + qmp->have;
	char *newline;

	while (qmp->state != OVER &&
	       (newline = memchr(at, '\n', (size_t)(limit - at))) != NULL) {
		size_t size = (size_t)(newline - at);

		if (size > 0 && at[size - 1] == '\r')
			size--;
		if (size > 0)
			take_line(qmp, at, size);
		at = newline + 1;
	}
	qmp->have = (size_t)(limit - at);
	memmove(qmp->buffer, at, qmp->have);
	if (qmp->state != OVER && qmp->have == sizeof(qmp->buffer))
		end(qmp, QMP_FAILED, "QEMU sent a QMP line without end");
}

static void readable(evutil_socket_t fd, short what, void *arg)
{
	struct qmp *qmp = arg;
	ssize_t n = recv(
	    fd, qmp->buffer + qmp->have, sizeof(qmp->buffer) - qmp->have, 0);

	if (n > 0) {
		qmp->have += (size_t)n;
		take_lines(qmp);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		end(qmp, QMP_CLOSED, "");
	}
}

static void late(evutil_socket_t fd, short what, void *arg)
{
	struct qmp *qmp = arg;

	switch (qmp->state) {
	case AWAIT_GREETING:
	case AWAIT_CAPABLE:
		end(qmp, QMP_FAILED,
		    "QEMU gave no QMP greeting in time: is the guest's "
		    "gw-dataplane running?");
		break;
	case POWERING:
		quit(qmp);
		break;
	case QUITTING:
		end(qmp, QMP_FAILED, "QEMU does not obey \"quit\"");
		break;
	case RUNS:
	case OVER:
		break;
	}
}

struct qmp *qmp_create(struct event_base *base, int fd, qmp_fn *fn, void *arg)
{
	struct qmp *qmp = calloc(1, sizeof(*qmp));

	if (qmp == NULL) {
		close(fd);
		return NULL;
	}
	qmp->fd = fd;
	qmp->fn = fn;
	qmp->arg = arg;
	qmp->readable =
	    event_new(base, fd, EV_READ | EV_PERSIST, readable, qmp);
	qmp->timer = evtimer_new(base, late, qmp);
	if (qmp->readable == NULL || qmp->timer == NULL ||
	    event_add(qmp->readable, NULL) != 0) {
		qmp_destroy(qmp);
		return NULL;
	}
	set_timer(qmp, QMP_GREETING_MS);
	return qmp;
}

void qmp_destroy(struct qmp *qmp)
{
	if (qmp == NULL)
		return;
	if (qmp->readable != NULL)
		event_free(qmp->readable);
	if (qmp->timer != NULL)
		event_free(qmp->timer);
	close(qmp->fd);
	free(qmp);
}
