/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's end of the channel to the agent in a guest: heartbeats and
 * commands (agent/frame.h). Called by guest.c in gw-runner's one thread.
 * Everything read here is hostile.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct event_base;

#define AGENT_ANSWER_MS 1000 /* from KILL to EXIT, then given up */
#define AGENT_ASK_MS	1000 /* between two requests to say hello again */

enum agent_event {
	AGENT_HELLO,  /* detail: kernel release, printable */
	AGENT_SILENT, /* detail: a sentence; until the next AGENT_HELLO */
	AGENT_BEAT,   /* one more of agent_link_beats() */
};

/* Both are called from the event loop and must not destroy the link. */
struct agent_calls {
	void (*event)(void *arg, enum agent_event event, const char *detail);
	/* error: 0, or -ETIMEDOUT, -ECONNRESET (agent lost), -ECANCELED, or
	 * what the agent said. */
	void (*done)(void *arg, uint32_t token, int error, int exit_code,
	    bool truncated);
};

struct agent_link;

/*
 * Take over fd (non-blocking; belongs to the link from now on, also on
 * failure). limit_ms: silence after which the agent counts as silent; 0 does
 * not watch. calls: borrowed, outlives the link. NULL: no memory.
 */
struct agent_link *agent_link_create(struct event_base *base, int fd,
    uint32_t limit_ms, const struct agent_calls *calls, void *arg);

/*
 * Run a command, its output to `output` (a pipe or stream socket, taken in any
 * case, closed at the end). limit_ms: killed then, 0 = never. Returns 0, and
 * `done` follows; or -ENOTCONN (no agent), -EBUSY (FRAME_EXEC_MAX run, or the
 * guest does not read), -EINVAL (empty command), and `done` does not follow.
 */
int agent_link_exec(struct agent_link *link, uint32_t token, uint32_t limit_ms,
    const char *command, int output);

/* Kill all commands; `done` follows for none of them. */
void agent_link_abandon(struct agent_link *link);

/* The guest starts over: forget the agent and its commands. */
void agent_link_reset(struct agent_link *link);

/* Heartbeats since the link was made. */
uint64_t agent_link_beats(const struct agent_link *link);

/* Without any call. NULL is fine. */
void agent_link_destroy(struct agent_link *link);
