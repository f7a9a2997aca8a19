/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The filter of vhost-user messages: which requests of a frontend (QEMU, which
 * a guest may have taken over) reach DPDK's vhost library, in which order and
 * with what in them. Called by vhost.c before the library handles a message;
 * vhost library's thread, one filter per port.
 *
 * Theory of operation. What our few features need passes, everything else ends
 * the connection. A queue is set up in one order and not changed while it may
 * be in use:
 *
 *	NUM -> ADDR -> KICK, and back to nothing by GET_VRING_BASE
 *
 * because the library checks a ring's addresses once against the size it has
 * at that time, and takes the memory that NUM allocated for granted. For the
 * same reason the memory table stays while a ring is in use: when a new one is
 * wrong, the library has already unmapped the old one below the rings. Guest
 * memory must be sealed against shrinking and as large as the message says:
 * touching a page that is no longer there would kill the process. No message
 * may ask for an acknowledgement, which was not offered: with one the library
 * goes on after an error, without one it ends the connection.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VHOST_FILTER_REGION_MAX 8
#define VHOST_FILTER_QUEUE_MAX	2
#define VHOST_FILTER_RING_MAX	1024 /* descriptors of one queue */

/* Messages of a frontend: a reboot of the guest takes about 40. */
#define VHOST_FILTER_BURST 1000
#define VHOST_FILTER_PER_S 100

struct vhost_queue_state {
	bool num, addr, kick; /* done since the last GET_VRING_BASE */
};

struct vhost_filter {
	/* Set by the owner, survives reset: a frontend that is trusted (bench)
	 * may have memory without seals and change it at any time. */
	bool any_memory;
	struct vhost_queue_state queue[VHOST_FILTER_QUEUE_MAX];
	uint64_t stamp_ns;
	uint32_t tokens;
};

/* One region of guest memory, as in VHOST_USER_SET_MEM_TABLE. */
struct vhost_region {
	uint64_t guest_address;
	uint64_t size;
	uint64_t frontend_address;
	uint64_t offset; /* into the descriptor */
};

/* A message as received, before anything was done about it. */
struct vhost_message {
	uint32_t request;
	uint32_t flags;
	uint32_t size;	     /* of the payload, as received */
	const void *payload; /* at least 8 + 8 * 32 readable bytes */
	const int *fds;	     /* borrowed */
	int fd_len;
};

/* A new connection. */
void vhost_filter_reset(struct vhost_filter *filter, uint64_t now_ns);

/*
 * May the library see this message? NULL = yes, and the filter has taken note
 * of it; else the reason, a literal: the connection must end.
 */
const char *vhost_filter_judge(struct vhost_filter *filter,
    const struct vhost_message *message, uint64_t now_ns);
