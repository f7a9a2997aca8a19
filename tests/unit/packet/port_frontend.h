/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vhost-user frontend for tests, written from the vhost-user and virtio
 * specifications: what QEMU and the guest's driver are in production, honest
 * or not. One thread; every function fails the cmocka test on an error of its
 * own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRONTEND_RING  64 /* descriptors of each queue */
#define FRONTEND_FRAME 4096
#define FRONTEND_RX    0 /* queues by the guest's view */
#define FRONTEND_TX    1

enum frontend_request {
	FRONTEND_GET_FEATURES = 1,
	FRONTEND_SET_FEATURES = 2,
	FRONTEND_SET_OWNER = 3,
	FRONTEND_SET_MEM_TABLE = 5,
	FRONTEND_SET_VRING_NUM = 8,
	FRONTEND_SET_VRING_ADDR = 9,
	FRONTEND_SET_VRING_BASE = 10,
	FRONTEND_GET_VRING_BASE = 11,
	FRONTEND_SET_VRING_KICK = 12,
	FRONTEND_SET_VRING_CALL = 13,
	FRONTEND_SET_VRING_ENABLE = 18,
};

struct frontend {
	int socket;
	int memory_fd;
	uint8_t *memory;
	int kick[2], call[2];
	uint16_t avail[2]; /* our next available index */
	uint16_t used[2];  /* used entries seen */
	uint64_t features; /* offered by the backend */
};

/* Listen as QEMU does; path is unlinked first. The listening socket. */
int frontend_listen(const char *path);
/* Wait for the backend on a listening socket; false after two seconds. */
bool frontend_accept(struct frontend *f, int listener);
/* Connect to a backend that listens. */
void frontend_connect(struct frontend *f, const char *path);
/* New memory with the given seals (F_SEAL_), zeroed rings. Before start. */
void frontend_make_memory(struct frontend *f, int seals);
/* Hang up and free everything. */
void frontend_close(struct frontend *f);

/* One message as it is; payload may be NULL when size is 0. */
void frontend_send(struct frontend *f, uint32_t request, uint32_t flags,
    const void *payload, uint32_t size, const int *fds, int fd_len);
/* The memory table of our memory, claiming `size` bytes of it. */
void frontend_send_memory(struct frontend *f, uint64_t size);
/* {index, value}: NUM, BASE, ENABLE. */
void frontend_send_state(
    struct frontend *f, uint32_t request, uint32_t queue, uint32_t value);
void frontend_send_addr(struct frontend *f, uint32_t queue);
/* KICK or CALL with its eventfd. */
void frontend_send_fd(struct frontend *f, uint32_t request, uint32_t queue);
/* Everything a guest's start brings, in QEMU's order. */
void frontend_start(struct frontend *f);
/* ... up to but without KICK. */
void frontend_prepare(struct frontend *f);

/* Whether the backend hung up within a second. */
bool frontend_is_refused(struct frontend *f);

/* Put a frame into the guest's transmit ring; kicks as a driver with EVENT_IDX
 * would. */
void frontend_transmit(struct frontend *f, const void *frame, size_t size);
/* Offer all receive buffers. Once, before or after start. */
void frontend_offer(struct frontend *f);
/* Next received frame; its size, or 0 after timeout_ms. */
size_t frontend_receive(
    struct frontend *f, void *frame, size_t size, int timeout_ms);
