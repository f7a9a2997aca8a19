/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every file of gw-init may know: its options and the few descriptors
 * that live as long as it does. Written by main.c before the loop starts.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define INIT_RUN_DIR	 "/run/guest-gateway"
#define INIT_STATE_DIR	 "/var/lib/guest-gateway"
#define INIT_LIBEXEC	 "/usr/libexec/guest-gateway"
#define INIT_UID_BASE	 1900000000u
#define INIT_PATH_SIZE	 512
#define INIT_ROLE_STRIDE 16 /* uids per slot */

struct init {
	char run_dir[INIT_PATH_SIZE];
	char state_dir[INIT_PATH_SIZE];
	char libexec[INIT_PATH_SIZE]; /* "" = look beside gw-init */
	uint32_t uid_base;
	bool kvm; /* offered to QEMU */
	bool foreground;
	int self_pidfd; /* readable when gw-init has died */
};

extern struct init init;

/* uid and gid of a role in a slot (MSG_HOST_SLOT: the host's own). */
static inline uid_t init_uid(uint32_t slot, uint32_t role)
{
	return init.uid_base + INIT_ROLE_STRIDE * slot + role;
}
