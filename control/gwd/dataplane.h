/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One guest's gw-dataplane as gwd sees it: start, ports, generations,
 * heartbeats, and the answers to questions.
 */
#pragma once

#include "control/gwd/generation.h"
#include "control/msg/msg.h"

struct guest;

enum dataplane_state {
	DATAPLANE_NONE,
	DATAPLANE_ASKED,    /* gw-init was asked to spawn it */
	DATAPLANE_STARTING, /* configured; its generation is not in force yet */
	DATAPLANE_LIVE,	    /* judges by the live generation, link open */
	DATAPLANE_DYING,    /* killed; its end is awaited */
	DATAPLANE_STATE_MAX,
};

/* Part of struct guest. */
struct dataplane {
	enum dataplane_state state;
	bool wanted;  /* start it anew when it ends */
	bool awaited; /* a load waits for its answer */
	int fd;
	struct event *event, *restart;
	uint32_t pid;
	uint64_t loading; /* serial of the DP_LOAD sent, 0 none */
	uint64_t live;	  /* serial in force there */
	uint64_t spawned_ns;
	uint64_t beat;		/* serial of the last DP_BEAT */
	uint64_t answered;	/* serial of the last DP_ALIVE */
	uint64_t unanswered_ns; /* when the oldest open beat was sent; 0 none */
	unsigned int restarts;	/* ends while wanted */
	unsigned int in_a_row;	/* of them, without 10 s of life between */
	struct msg_dp_alive alive; /* the last one */
};

/* Have one running from now on, started anew whenever it ends. */
void dataplane_start(struct guest *guest);
/* Close its link at once and end it. */
void dataplane_stop(struct guest *guest);
/* gw-init reports its end. */
void dataplane_ended(struct guest *guest, int status);
/* Something wrong with it: kill it; a new one follows if wanted. */
void dataplane_kill(struct guest *guest, const char *why);

/* The TAP of that key is there, or goes. */
void dataplane_add_port(struct guest *guest, uint32_t key);
void dataplane_delete_port(struct guest *guest, uint32_t key);

/* DP_LOAD and DP_SWAP. Return false when it was not sent. */
bool dataplane_load(struct guest *guest, const struct generation *generation);
bool dataplane_swap(struct guest *guest, uint64_t serial);

/* Send a question (DP_GET_*). Returns 0 or -errno. */
int dataplane_ask(struct guest *guest, enum msg_type type, const void *body);

/* Four times a second: heartbeats and their limits, for all guests. */
void dataplane_tick(void);
const char *dataplane_state_name(enum dataplane_state state);
