/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guests: what state each is in and what it does next.
 */
#pragma once

#include "control/gwd/dataplane.h"
#include "control/gwd/network.h"
#include "control/gwd/runner.h"

#include <event2/event.h>
#include <sys/queue.h>

enum guest_phase {
	PHASE_STOPPED,
	PHASE_STARTING,
	PHASE_RUNNING,
	PHASE_STOPPING,
	PHASE_REFRESHING,
	PHASE_FAILED,
	PHASE_MAX,
};

#define GUEST_WAITER_MAX 8

/* Made when a guest is first started, never freed: pointers stay good. */
struct guest {
	SLIST_ENTRY(guest) link;
	char name[MSG_NAME_SIZE];
	char image[MSG_NAME_SIZE];
	uint32_t slot;
	enum guest_phase phase;
	uint64_t since_s;	  /* of the phase */
	char text[MSG_TEXT_SIZE]; /* why it failed; empty */
	uint8_t mac[6];
	uint64_t starts; /* since gwd started: a guest's generation */
	struct dataplane dp;
	struct runner runner;
	struct network_tap tap[POLICY_NETWORK_MAX];
	uint32_t grace_ms; /* of the halt under way: power button first */
	struct event *deadline;
	struct {
		struct rpc_call *call;
		bool stop;	    /* waits for the guest to be stopped */
	} waiter[GUEST_WAITER_MAX]; /* calls that wait until it rests */
};

SLIST_HEAD(guest_list, guest);
extern struct guest_list guests;
#define GUEST_FOREACH(guest) SLIST_FOREACH(guest, &guests, link)

/* A guest that was ever started, or NULL. */
struct guest *guest_find(const char *name);
/* struct event's callback: a start or an end takes too long. */
void guest_deadline(evutil_socket_t fd, short what, void *arg);
const char *guest_phase_name(enum guest_phase phase);
/* Starting or running: has, or is to have, ports. */
bool guest_is_active(const struct guest *guest);
bool guest_is_starting(const struct guest *guest);

/* The three commands. Each answers the call, at once or when it is done. */
void guest_start(struct rpc_call *call, const char *name, bool wait);
void guest_stop(struct rpc_call *call, const char *name, uint32_t grace_ms);
void guest_refresh(struct rpc_call *call, const char *name, bool wait);

/* Reports of its parts. */
void guest_part_ready(struct guest *guest); /* image or dataplane */
void guest_said(struct guest *guest);	    /* a RUN_STATE */
void guest_broken(struct guest *guest, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Reports of gw-init: a child of a slot ended; one outlived the last gwd. */
void guest_part_ended(uint32_t role, uint32_t slot, int status);
void guest_adopt(uint32_t role, uint32_t slot, int fd); /* fd: taken */
/* The policy is restored: go on with adopted guests, or end them. */
void guest_take_up(void);

/* For load.c: send DP_LOAD, DP_SWAP to every live dataplane of a guest that
 * the generation knows. Return how many will answer. */
unsigned int guest_load_all(const struct generation *generation);
unsigned int guest_swap_all(const struct generation *generation);
/* Those that have not answered are killed; the load is over for all. */
void guest_kill_unanswered(void);
void guest_end_load(void);
/* The live generation is a new one: end guests it does not know. */
void guest_policy_changed(void);
