/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables: everything one generation of the policy means for this guest. Built
 * and freed by the control thread, read by the worker through worker->tables.
 *
 * Theory of operation. A generation is immutable once built, but for three
 * things: `hits`, which the worker alone counts; `port_of`, which the control
 * thread rewrites when ports come and go (one byte each); `base`, the hits of
 * earlier generations, which only the control thread touches. tables_swap()
 * publishes a generation, waits until the worker has left the old one, and
 * carries the counts over by rule name.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/packet/classifier.h"
#include "dataplane/packet/port.h"
#include "rules/image/judge.h"

#define TABLES_NO_PORT 0xff

struct worker;

struct tables {
	/* hot */
	uint64_t generation;
	const struct classifier *classifier;
	uint32_t network_mask;			     /* of the guest */
	uint32_t guest;				     /* SECTION_GUEST index */
	_Atomic uint8_t port_of[POLICY_NETWORK_MAX]; /* port, TABLES_NO_PORT */
	_Atomic uint8_t network_of[PORT_MAX];	     /* inverse, 0xff = none */
	uint64_t *hits; /* per SECTION_RULE index */
	struct policy_image image;
	struct country_table countries;
	bool has_countries;
	/* slow */
	uint64_t *base;
	void *map[2]; /* owned mappings: image, country table; or NULL */
	size_t map_size[2];
};

/*
 * Validate image and country table and build the look-ups of one generation.
 * image: `size` bytes, 8-aligned; country: csize bytes, or NULL when the image
 * names none; both borrowed until tables_free(). guest: SECTION_GUEST index.
 * why: one sentence on refusal.
 * Returns 0, -EBADMSG (image or table refused, no such guest), -ENOMEM.
 */
int tables_build(struct tables **tables, const void *image, size_t size,
    const void *country, size_t csize, uint32_t guest, uint64_t generation,
    char *why, size_t why_size);

/*
 * The same from descriptors, mapped read-only; they must be sealed against
 * writing and shrinking. country_fd: -1 when the image names none. Both stay
 * the caller's. Returns also -EPERM (not sealed) or -errno of mmap.
 */
int tables_map(struct tables **tables, int image_fd, int country_fd,
    uint32_t guest, uint64_t generation, char *why, size_t why_size);
/* Also unmaps what tables_map() mapped. NULL is fine. */
void tables_free(struct tables *tables);

/* Bind the image's networks to the ports of the same name; call again when a
 * port was added or deleted. ports: worker.port, PORT_MAX of them. */
void tables_bind(struct tables *tables, const struct port *ports);

/* The port of a network (image's index), or NULL: none, or its link is down.
 * ports: worker.port. */
const struct port *tables_open_port(
    const struct tables *tables, struct port *ports, uint16_t network);

/*
 * Make `tables` (NULL: deny all) the live generation of the worker; returns
 * when the worker has left the old one, which is freed. Never from the worker's
 * own thread, unless it rests (worker_rest()).
 */
void tables_swap(struct worker *worker, struct tables *tables);

/* Flows that rule number `rule` decided since the process started. */
uint64_t tables_hits(const struct tables *tables, uint32_t rule);

/* Verdict on a new flow, as judge_flow() but by the classifier. */
struct judge_verdict tables_judge(
    const struct tables *tables, const struct judge_flow *flow);
