/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Networks of the policy and the guests' TAPs in them, as gwd asks gw-init
 * for them.
 */
#pragma once

#include "control/gwd/generation.h"
#include "control/msg/msg.h"

#include <jansson.h>

struct guest;

/* One guest's TAP in the network of one key; part of struct guest. */
struct network_tap {
	struct guest *guest; /* owner */
	uint32_t key;
	enum { TAP_NONE, TAP_ASKED, TAP_UNWANTED, TAP_READY } state;
	int fd; /* when TAP_READY */
};

/* Read what the last gwd left. At start. */
void network_open(void);

/* error 0: all are up; else the first that failed and why. */
typedef void network_done(void *arg, int error, const char *text);

/*
 * Make every network of a generation (NULL: none) that is missing, failed or
 * different, and the TAPs of all active guests in them; remove nothing else.
 * done is called when gw-init has answered all, also at once. Not while
 * network_busy().
 */
void network_sync(
    const struct generation *generation, network_done *done, void *arg);
bool network_busy(void);
/* Remove networks and TAPs that a generation (NULL: none) does not name. */
void network_prune(const struct generation *generation);
/* Try failed networks again; called once a second. */
void network_tick(void);

/* The TAPs a guest has by the live generation; they come when they come. */
void network_tap_guest(struct guest *guest);
/* Close and remove all TAPs of a guest. */
void network_untap_guest(struct guest *guest);

/* Name of a key in use. */
const char *network_name(uint32_t key);
/* [{name, state, uplink, ...}] of all known networks: a new array. */
json_t *network_describe(void);
