/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Generations of the policy: DP_LOAD, DP_READY, DP_SWAP, DP_LIVE. Control
 * thread of gw-dataplane, and one build thread at a time.
 *
 * Theory of operation. DP_LOAD starts a build thread, which maps and validates
 * image and country table and builds the look-ups; an eventfd tells the
 * control thread, which answers DP_READY and keeps the result until DP_SWAP
 * names its generation. A DP_LOAD that comes while one is being built waits;
 * of several that wait the newest is built, as gwd gave the others up.
 */
#include "dataplane/packet/control_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "control/msg/log.h"

static void close_load(struct load *load)
{
	if (!load->wanted)
		return;
	close(load->image_fd);
	if (load->country_fd >= 0)
		close(load->country_fd);
	load->wanted = false;
}

/* The build thread; touches only its job and the eventfd. */
static void *build(void *arg)
{
	struct control *c = arg;
	struct builder *b = &c->builder;
	uint64_t start = control_now_ns(), one = 1;
	ssize_t done;

	b->error = tables_map(&b->tables, b->load.image_fd, b->load.country_fd,
	    b->load.message.guest, b->load.message.generation, b->why,
	    sizeof(b->why));
	b->build_us = (uint32_t)((control_now_ns() - start) / 1000);
	done = write(c->built_fd, &one, sizeof(one));
	(void)done; /* an eventfd of ours that is 0 takes a 1 */
	return NULL;
}

static int start_build(struct control *c)
{
	struct builder *b = &c->builder;
	int error;

	b->load = c->next_load;
	c->next_load.wanted = false;
	b->tables = NULL;
	b->why[0] = '\0';
	error = -pthread_create(&b->thread, NULL, build, c);
	if (error)
		return error;
	b->running = true;
	return 0;
}

int control_load(struct control *c, struct msg *msg)
{
	close_load(&c->next_load);
	memcpy(&c->next_load.message, msg->body, sizeof(c->next_load.message));
	c->next_load.image_fd = msg_take_fd(msg, 0);
	c->next_load.country_fd = msg_take_fd(msg, 1);
	c->next_load.wanted = true;
	return c->builder.running ? 0 : start_build(c);
}

static int answer(struct control *c)
{
	struct builder *b = &c->builder;
	struct msg_dp_ready ready = {
	    .generation = b->load.message.generation,
	    .error = b->error,
	    .build_us = b->build_us,
	};

	snprintf(ready.text, sizeof(ready.text), "%s", b->why);
	if (b->error) {
		log_warn(NULL, "generation refused generation=%" PRIu64 ": %s",
		    ready.generation, b->why);
	} else {
		tables_free(c->ready);
		c->ready = b->tables;
		tables_bind(c->ready, worker.port);
		log_info(NULL,
		    "generation ready generation=%" PRIu64 " build_us=%u",
		    ready.generation, b->build_us);
	}
	return control_send(c, MSG_DP_READY, &ready);
}

int control_built(struct control *c)
{
	uint64_t count;
	int error;

	if (read(c->built_fd, &count, sizeof(count)) < 0)
		return errno == EAGAIN ? 0 : -errno;
	pthread_join(c->builder.thread, NULL);
	c->builder.running = false;
	error = answer(c);
	close_load(&c->builder.load);
	if (!error && c->next_load.wanted)
		error = start_build(c);
	return error;
}

int control_swap(struct control *c, const struct msg_dp_swap *swap)
{
	struct msg_dp_live live = {.generation = swap->generation};

	if (!c->ready || c->ready->generation != swap->generation) {
		log_error(NULL,
		    "told to swap to a generation that is not ready"
		    " generation=%" PRIu64,
		    swap->generation);
		return -EPROTO;
	}
	tables_swap(&worker, c->ready);
	c->ready = NULL;
	log_info(NULL, "generation live generation=%" PRIu64, live.generation);
	return control_send(c, MSG_DP_LIVE, &live);
}

void control_bind(struct control *c)
{
	struct tables *live = (struct tables *)atomic_load(&worker.live);

	if (live)
		tables_bind(live, worker.port);
	if (c->ready)
		tables_bind(c->ready, worker.port);
}
