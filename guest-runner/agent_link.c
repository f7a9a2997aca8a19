/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's end of the agent channel (agent_link.h). Called by guest.c in
 * gw-runner's one thread.
 *
 * Theory of operation.
 *
 * Agent: unknown until its first HELLO, then present; silent when limit_ms
 * pass without a frame, or when a frame makes no sense. The latter loses the
 * place in the stream: commands end with -ECONNRESET, the host asks for a new
 * HELLO once in AGENT_ASK_MS and skips everything before it. Any BEAT brings a
 * merely slow agent back.
 *
 * Commands: a job is free, running, or over. Output waits in the job's ring
 * of FRAME_WINDOW bytes and goes to its reader as fast as that takes it; the
 * agent may send only what was granted, so that a slow reader slows its own
 * command and nothing else. More than was granted makes no sense. A reader
 * that goes away has its command killed. A job is over at EXIT and done when
 * its ring is empty too.
 *
 *	running -> KILL sent (limit, reader gone, abandoned): AGENT_ANSWER_MS
 *	to EXIT, else the job is given up; what the agent still says of its id
 *	is skipped.
 *
 * Frames to the guest wait in `out`; a guest that lets it fill up is silent.
 */
#include "guest-runner/agent_link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "guest-runner/agent/frame.h"

#define OUT_SIZE    65536
#define OUT_RESERVE 8192 /* kept free of EXEC for GRANT and KILL */
#define GRANT_LEAST (FRAME_WINDOW / 2)

struct job {
	struct agent_link *link;
	bool used;
	bool over;	/* EXIT was seen */
	bool killed;	/* KILL was sent */
	bool quiet;	/* nobody waits for `done` */
	bool truncated; /* output was thrown away */
	uint16_t id;
	int reader; /* -1: gone */
	uint32_t token;
	int error, exit_code;
	size_t start, size; /* of the ring */
	uint32_t window;    /* what the agent may still send */
	uint32_t freed;	    /* to be granted */
	struct event *writable, *hangup, *timer;
	uint8_t ring[FRAME_WINDOW];
};

struct agent_link {
	struct event_base *base;
	int fd;
	uint32_t limit_ms;
	const struct agent_calls *calls;
	void *arg;
	bool present, silent;
	uint64_t beats;
	uint32_t instance; /* of the present agent */
	uint16_t next_id;
	struct event *readable, *writable, *watch, *ask;
	struct frame_reader reader;
	size_t out_size;
	uint8_t out[OUT_SIZE];
	struct job job[FRAME_EXEC_MAX];
};

static void set_timer(struct event *timer, uint32_t ms)
{
	struct timeval limit = {ms / 1000, ms % 1000 * 1000l};

	evtimer_add(timer, &limit);
}

static bool would_block(void)
{
	return errno == EAGAIN || errno == EINTR;
}

/* ---- frames to the guest ---- */

static void flush(struct agent_link *link)
{
	ssize_t n;

	if (link->out_size == 0)
		return;
	n = send(link->fd, link->out, link->out_size, MSG_NOSIGNAL);
	if (n < 0) {
		if (!would_block())
			link->out_size = 0; /* QEMU has gone */
	} else {
		link->out_size -= (size_t)n;
		memmove(link->out, link->out + n, link->out_size);
	}
	if (link->out_size > 0)
		event_add(link->writable, NULL);
}

static void writable(evutil_socket_t fd, short what, void *arg)
{
	flush(arg);
}

/* False when the guest has not read for so long that nothing more fits. */
static bool put(struct agent_link *link, enum frame_type type, uint16_t id,
    const void *body, size_t size, size_t reserve)
{
	if (sizeof(link->out) - link->out_size <
	    FRAME_HEADER_SIZE + size + reserve)
		return false;
	link->out_size +=
	    frame_write(link->out + link->out_size, type, id, body, size);
	flush(link);
	return true;
}

/* ---- jobs ---- */

static void free_job(struct job *job)
{
	if (job->writable != NULL)
		event_free(job->writable);
	if (job->hangup != NULL)
		event_free(job->hangup);
	if (job->timer != NULL)
		event_free(job->timer);
	if (job->reader >= 0)
		close(job->reader);
	job->used = false;
}

static void finish(struct job *job)
{
	struct agent_link *link = job->link;

	free_job(job);
	if (!job->quiet)
		link->calls->done(link->arg, job->token, job->error,
		    job->exit_code, job->truncated);
}

static void lose_reader(struct job *job);

static void grant(struct job *job)
{
	uint8_t body[4];

	if (job->over || job->freed < GRANT_LEAST)
		return;
	frame_put_u32(body, job->freed);
	if (put(job->link, FRAME_GRANT, job->id, body, sizeof(body), 0)) {
		job->window += job->freed;
		job->freed = 0;
	}
}

/* Pass output on; done with an empty ring after EXIT. */
static void pass(struct job *job)
{
	while (job->size > 0 && job->reader >= 0) {
		size_t size = job->size;
		ssize_t n;

		if (size > FRAME_WINDOW - job->start)
			size = FRAME_WINDOW - job->start;
		n = write(job->reader, job->ring + job->start, size);
		if (n < 0 && would_block()) {
			event_add(job->writable, NULL);
			break;
		}
		if (n < 0) {
			lose_reader(job);
			break;
		}
		job->start = (job->start + (size_t)n) % FRAME_WINDOW;
		job->size -= (size_t)n;
		job->freed += (uint32_t)n;
	}
	if (job->over && job->size == 0)
		finish(job);
	else
		grant(job);
}

static void job_writable(evutil_socket_t fd, short what, void *arg)
{
	pass(arg);
}

static void kill_job(struct job *job)
{
	if (job->over || job->killed)
		return;
	job->killed = true;
	put(job->link, FRAME_KILL, job->id, NULL, 0, 0);
	set_timer(job->timer, AGENT_ANSWER_MS);
}

static void lose_reader(struct job *job)
{
	event_del(job->writable);
	event_del(job->hangup);
	close(job->reader);
	job->reader = -1;
	job->truncated = true;
	job->freed += (uint32_t)job->size;
	job->size = 0;
	kill_job(job);
}

/* A reader that has gone ends its command, even one that says nothing. */
static void job_hangup(evutil_socket_t fd, short what, void *arg)
{
	struct pollfd p = {.fd = fd, .events = 0};
	struct job *job = arg;
	char unwanted[512];

	if (poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR)) != 0) {
		lose_reader(job);
		pass(job);
	} else if (read(fd, unwanted, sizeof(unwanted)) == 0) {
		event_del(job->hangup); /* it only ended its own sending */
	}
}

static void job_late(evutil_socket_t fd, short what, void *arg)
{
	struct job *job = arg;

	if (job->error == 0)
		job->error = -ETIMEDOUT;
	if (!job->killed && !job->over) {
		kill_job(job);
		return;
	}
	/* No EXIT after KILL, or a reader that does not read. */
	job->truncated = job->truncated || job->size > 0;
	finish(job);
}

static struct job *find(struct agent_link *link, uint16_t id)
{
	for (int i = 0; i < FRAME_EXEC_MAX; i++)
		if (link->job[i].used && link->job[i].id == id)
			return &link->job[i];
	return NULL;
}

static void end_jobs(struct agent_link *link, int error)
{
	for (int i = 0; i < FRAME_EXEC_MAX; i++) {
		if (!link->job[i].used)
			continue;
		if (!link->job[i].over)
			link->job[i].error = error;
		link->job[i].truncated |= link->job[i].size > 0;
		finish(&link->job[i]);
	}
}

/* ---- the agent's state ---- */

static void fall_silent(struct agent_link *link, const char *why)
{
	if (link->silent)
		return;
	link->silent = true;
	link->calls->event(link->arg, AGENT_SILENT, why);
}

static void watch_late(evutil_socket_t fd, short what, void *arg)
{
	fall_silent(arg, "the agent has not beaten for the heartbeat limit");
}

static void ask_again(evutil_socket_t fd, short what, void *arg)
{
	struct agent_link *link = arg;

	if (!link->reader.lost)
		return;
	put(link, FRAME_HELLO, 0, NULL, 0, 0);
	set_timer(link->ask, AGENT_ASK_MS);
}

/* The stream makes no sense any more. */
static void lose_agent(struct agent_link *link)
{
	frame_lose(&link->reader);
	link->present = false;
	end_jobs(link, -ECONNRESET);
	event_del(link->watch);
	fall_silent(link, "the agent sent bytes that make no sense");
	if (!event_pending(link->ask, EV_TIMEOUT, NULL))
		set_timer(link->ask, AGENT_ASK_MS / 10);
}

static void take_hello(struct agent_link *link, const struct frame *f)
{
	char release[FRAME_RELEASE_MAX + 1];
	size_t size = f->size - FRAME_HELLO_FIXED;
	uint32_t instance = frame_get_u32(f->body + FRAME_MAGIC_SIZE);

	for (size_t i = 0; i < size; i++) {
		uint8_t c = f->body[FRAME_HELLO_FIXED + i];

		release[i] = c > ' ' && c < 0x7f ? (char)c : '?';
	}
	release[size] = '\0';
	if (link->present && instance != link->instance)
		end_jobs(link, -ECONNRESET); /* the agent was started again */
	link->instance = instance;
	link->present = true;
	link->silent = false;
	link->calls->event(link->arg, AGENT_HELLO, release);
}

static bool take_output(struct agent_link *link, const struct frame *f)
{
	struct job *job = find(link, f->id);

	if (job == NULL) /* one that was given up */
		return true;
	if (job->over || f->size > job->window)
		return false;
	job->window -= f->size;
	if (job->reader < 0) {
		job->truncated = true;
		job->freed += f->size;
		return true;
	}
	for (uint32_t i = 0; i < f->size; i++)
		job->ring[(job->start + job->size + i) % FRAME_WINDOW] =
		    f->body[i];
	job->size += f->size;
	pass(job);
	return true;
}

static bool take_exit(struct agent_link *link, const struct frame *f)
{
	struct job *job = find(link, f->id);
	int error = (int)frame_get_u32(f->body);

	if (job == NULL)
		return true;
	if (job->over || error > 0 || error < -4095)
		return false;
	job->over = true;
	if (job->error == 0)
		job->error = error;
	job->exit_code = (int)(frame_get_u32(f->body + 4) & 0xff);
	pass(job);
	return true;
}

static bool take(struct agent_link *link, const struct frame *f)
{
	if (!link->present && f->type != FRAME_HELLO)
		return false;
	if (link->limit_ms > 0)
		set_timer(link->watch, link->limit_ms);
	switch (f->type) {
	case FRAME_HELLO:
		take_hello(link, f);
		return true;
	case FRAME_BEAT:
		link->beats++;
		if (link->silent) {
			link->silent = false;
			link->calls->event(link->arg, AGENT_HELLO, "");
		}
		link->calls->event(link->arg, AGENT_BEAT, "");
		return true;
	case FRAME_OUTPUT:
		return take_output(link, f);
	case FRAME_EXIT:
		return take_exit(link, f);
	default:
		return false;
	}
}

static void readable(evutil_socket_t fd, short what, void *arg)
{
	struct agent_link *link = arg;
	struct frame f;
	size_t room;
	uint8_t *bytes = frame_room(&link->reader, &room);
	ssize_t n = recv(fd, bytes, room, 0);
	int more;

	if (n <= 0) {
		if (n == 0 || !would_block())
			event_del(link->readable); /* QMP tells why */
		return;
	}
	frame_added(&link->reader, (size_t)n);
	while ((more = frame_next(&link->reader, &f)) != 0)
		if (more < 0 || !take(link, &f))
			lose_agent(link);
}

/* ---- the contract ---- */

struct agent_link *agent_link_create(struct event_base *base, int fd,
    uint32_t limit_ms, const struct agent_calls *calls, void *arg)
{
	struct agent_link *link = calloc(1, sizeof(*link));

	if (link == NULL) {
		close(fd);
		return NULL;
	}
	link->base = base;
	link->fd = fd;
	link->limit_ms = limit_ms;
	link->calls = calls;
	link->arg = arg;
	link->reader.from = FRAME_FROM_AGENT;
	link->readable =
	    event_new(base, fd, EV_READ | EV_PERSIST, readable, link);
	link->writable = event_new(base, fd, EV_WRITE, writable, link);
	link->watch = evtimer_new(base, watch_late, link);
	link->ask = evtimer_new(base, ask_again, link);
	if (link->readable == NULL || link->writable == NULL ||
	    link->watch == NULL || link->ask == NULL ||
	    event_add(link->readable, NULL) != 0) {
		agent_link_destroy(link);
		return NULL;
	}
	return link;
}

static struct job *new_job(struct agent_link *link, int output)
{
	struct job *job = NULL;

	for (int i = 0; i < FRAME_EXEC_MAX && job == NULL; i++)
		if (!link->job[i].used)
			job = &link->job[i];
	if (job == NULL)
		return NULL;
	do
		link->next_id++;
	while (find(link, link->next_id) != NULL);
	memset(job, 0, offsetof(struct job, ring));
	job->link = link;
	job->id = link->next_id;
	job->reader = output;
	job->window = FRAME_WINDOW;
	job->writable =
	    event_new(link->base, output, EV_WRITE, job_writable, job);
	job->hangup = event_new(
	    link->base, output, EV_READ | EV_PERSIST, job_hangup, job);
	job->timer = evtimer_new(link->base, job_late, job);
	if (job->writable == NULL || job->hangup == NULL ||
	    job->timer == NULL || event_add(job->hangup, NULL) != 0) {
		job->reader = -1; /* still the caller's */
		free_job(job);
		return NULL;
	}
	return job;
}

int agent_link_exec(struct agent_link *link, uint32_t token, uint32_t limit_ms,
    const char *command, int output)
{
	size_t size = strnlen(command, FRAME_COMMAND_MAX);
	uint8_t body[4 + FRAME_COMMAND_MAX];
	int error = 0, flags = fcntl(output, F_GETFL);
	struct job *job = NULL;

	if (size == 0)
		error = -EINVAL;
	else if (!link->present)
		error = -ENOTCONN;
	else if (flags < 0 || fcntl(output, F_SETFL, flags | O_NONBLOCK) != 0)
		error = -errno;
	else if ((job = new_job(link, output)) == NULL)
		error = -EBUSY;
	if (error != 0) {
		close(output);
		return error;
	}
	job->used = true;
	job->token = token;
	frame_put_u32(body, FRAME_WINDOW);
	memcpy(body + 4, command, size);
	if (!put(link, FRAME_EXEC, job->id, body, 4 + size, OUT_RESERVE)) {
		free_job(job);
		return -EBUSY;
	}
	if (limit_ms > 0)
		set_timer(job->timer, limit_ms);
	return 0;
}

void agent_link_abandon(struct agent_link *link)
{
	for (int i = 0; i < FRAME_EXEC_MAX; i++) {
		struct job *job = &link->job[i];

		if (!job->used)
			continue;
		job->quiet = true;
		if (job->over)
			finish(job);
		else if (job->reader >= 0)
			lose_reader(job);
	}
}

void agent_link_reset(struct agent_link *link)
{
	link->present = false;
	link->silent = false;
	link->reader.start = link->reader.end = 0;
	link->reader.lost = true; /* the old agent's last bytes may follow */
	link->out_size = 0;
	event_del(link->watch);
	end_jobs(link, -ECONNRESET);
}

uint64_t agent_link_beats(const struct agent_link *link)
{
	return link->beats;
}

void agent_link_destroy(struct agent_link *link)
{
	if (link == NULL)
		return;
	for (int i = 0; i < FRAME_EXEC_MAX; i++)
		if (link->job[i].used)
			free_job(&link->job[i]);
	if (link->readable != NULL)
		event_free(link->readable);
	if (link->writable != NULL)
		event_free(link->writable);
	if (link->watch != NULL)
		event_free(link->watch);
	if (link->ask != NULL)
		event_free(link->ask);
	close(link->fd);
	free(link);
}
