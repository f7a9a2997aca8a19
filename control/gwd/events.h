/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last denials (and matches of `log` rules), with what the generation of
 * the time says about them.
 */
#pragma once

#include "control/msg/msg.h"

#include <jansson.h>
#include <stdint.h>

struct guest;

/* A dataplane reports one; followers of `events` get it. */
void events_add(const struct guest *guest, const struct msg_dp_event *event);
/* The last `limit` of one guest (NULL: all), oldest first: a new array. */
json_t *events_list(size_t limit, const char *guest);
/* Event `id`, or with 0 the last denial (of one guest, if not NULL), and what
 * would allow it: a new object, or NULL when there is none. IPv6 and multicast,
 * which every guest sends by itself, count only when there is nothing else. */
json_t *events_why(uint64_t id, const char *guest);
/* How many came since gwd started, and how many dataplanes held back. */
uint64_t events_seen(void);
uint64_t events_suppressed(void);
