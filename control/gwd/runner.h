/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One guest's gw-runner and QEMU as gwd sees them: verify and prepare the
 * image, start QEMU with what was prepared, commands, console, end.
 */
#pragma once

#include "control/gwd/rpc.h"
#include "control/msg/msg.h"

struct guest;

#define RUNNER_PREPARED_FDS 7

enum part_state {
	PART_NONE,
	PART_ASKED, /* gw-init was asked to spawn it */
	PART_ALIVE,
	PART_DYING, /* killed; its end is awaited */
};

/* Part of struct guest. */
struct runner {
	enum part_state state, qemu;
	int fd;
	struct event *event;
	uint32_t pid, qemu_pid;
	bool preparing; /* RUN_IMAGE was sent, its answer is awaited */
	bool prepared;	/* fds are there and its version is on disk */
	int fds[RUNNER_PREPARED_FDS];
	uint64_t version;	   /* of the image */
	struct msg_run_state said; /* the last one */
};

/* Spawn the runner and have it prepare the guest's image. */
void runner_start(struct guest *guest, const char *image);
/* Image prepared and dataplane live: start QEMU. */
void runner_start_qemu(struct guest *guest, uint32_t memory_mib);
/* End QEMU through the runner; grace_ms > 0: power button first. */
void runner_stop(struct guest *guest, uint32_t grace_ms);
/* Kill what is left of both. */
void runner_kill(struct guest *guest);
/* Ends reported by gw-init. */
void runner_ended(struct guest *guest);
void runner_qemu_ended(struct guest *guest);
/* A runner that outlived the last gwd; fd: taken. */
void runner_adopt(struct guest *guest, int fd);

/* Run a command; answers the call when it has ended. fd: taken. */
void runner_exec(struct guest *guest, struct rpc_call *call, int fd,
    const char *command, uint32_t limit_ms);
/* Join fd (taken) to the console. Returns 0 or -errno. */
int runner_console(struct guest *guest, int fd);
