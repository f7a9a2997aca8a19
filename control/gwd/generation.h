/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A generation: one compiled policy as gwd holds it, and how one becomes the
 * live one (load.c).
 */
#pragma once

#include "control/gwd/rpc.h"
#include "rules/image/image.h"

#include <stddef.h>
#include <stdint.h>

#define GENERATION_NOTE_SIZE 256
#define GENERATION_PATH_SIZE 1024

struct guest;

struct generation {
	uint64_t serial; /* gwd's number; grows for ever */
	uint64_t time_s; /* when it was loaded */
	uint32_t uid;	 /* who loaded it */
	uint64_t again;	 /* the serial whose inputs a roll-back took; 0 */
	char note[GENERATION_NOTE_SIZE];
	char path[GENERATION_PATH_SIZE]; /* of the file, as gwctl found it */
	int bundle_fd, image_fd, country_fd; /* sealed; -1 none */
	const void *base;		     /* image_fd mapped */
	size_t size;
	struct policy_image image; /* views of `base` */
};

/* All descriptors -1. NULL: no memory. */
struct generation *generation_new(void);
/* Seal what is not sealed, map and validate everything. Reads much: a job.
 * Returns 0 or -errno with a sentence in why. */
int generation_check(struct generation *generation, char *why, size_t size);
/* NULL is fine. */
void generation_free(struct generation *generation);
/* 64 characters and a terminator: the image's SHA-256. */
void generation_hash(const struct generation *generation, char text[65]);

/* The generation in force; NULL before the first. */
const struct generation *generation_live(void);
/* The live one or the one before it, by serial; NULL: no longer known. */
const struct generation *generation_by_serial(uint64_t serial);
/* Make `next` (taken) the live one; the one before the last is freed. */
void generation_set_live(struct generation *next);

/* ---- load.c: how one becomes live ---- */

/* Load the last good generation of the state folder, then take up guests
 * that outlived the last gwd. */
void generation_restore(void);
/* Answer to policy.load and policy.rollback. bundle_fd: taken. */
void generation_load(struct rpc_call *call, int bundle_fd);
void generation_rollback(struct rpc_call *call, uint64_t serial);
/* What the load under way waits for: "compiling", ...; NULL: none is. */
const char *generation_loading(void);

/* A dataplane that the load under way waits for (guest_load_all(),
 * guest_swap_all()) answered, or ended. refusal: why it could not get ready,
 * or NULL. */
void generation_dataplane_answered(
    const struct guest *guest, const char *refusal);

/* ---- compile.c: gw-rulec ---- */

/*
 * error: 0, -EINVAL the policy is refused (see diagnostics), else why gw-rulec
 * could not be run, with `text`. The descriptors and diagnostics (may be NULL)
 * belong to the callee.
 */
typedef void generation_compiled(int error, const char *text, int image_fd,
    int country_fd, json_t *diagnostics);
/* Compile a sealed bundle (borrowed). Returns 0 or -errno. */
int generation_compile(int bundle_fd, generation_compiled *done);
/* gw-init reports the end of gw-rulec; status as by waitpid(). */
void generation_rulec_ended(int status);
