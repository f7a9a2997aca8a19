/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Generations as objects: seal, map, check, free; and which one is in force.
 * Called by load.c in gwd's loop; generation_check() on the job thread.
 */
#include "control/gwd/generation.h"

#include "rules/image/country.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static struct generation *live, *previous;

struct generation *generation_new(void)
{
	struct generation *generation = calloc(1, sizeof(*generation));

	if (!generation)
		return NULL;
	generation->bundle_fd = -1;
	generation->image_fd = -1;
	generation->country_fd = -1;
	return generation;
}

void generation_free(struct generation *generation)
{
	if (!generation)
		return;
	if (generation->base)
		munmap((void *)generation->base, generation->size);
	if (generation->bundle_fd >= 0)
		close(generation->bundle_fd);
	if (generation->image_fd >= 0)
		close(generation->image_fd);
	if (generation->country_fd >= 0)
		close(generation->country_fd);
	free(generation);
}

/* Map a sealed memfd of 1..max bytes read-only. Returns NULL on failure. */
static const void *map_sealed(int fd, size_t max, size_t *size)
{
	struct stat stat;
	void *base;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0)
		return NULL;
	if ((seals & SEALS) != SEALS && fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		return NULL;
	if (fstat(fd, &stat) < 0 || stat.st_size <= 0 ||
	    (size_t)stat.st_size > max)
		return NULL;
	*size = stat.st_size;
	base = mmap(NULL, *size, PROT_READ, MAP_SHARED, fd, 0);
	return base == MAP_FAILED ? NULL : base;
}

static int check_country(
    const struct generation *generation, char *why, size_t why_size)
{
	static const uint8_t unused[POLICY_SHA256_SIZE];
	const uint8_t *hash = generation->image.header->country;
	struct country_table table;
	const void *base;
	size_t size;
	int error;

	if (!memcmp(hash, unused, sizeof(unused)))
		return 0;
	if (generation->country_fd < 0) {
		snprintf(why, why_size, "its country table is missing");
		return -EBADMSG;
	}
	base = map_sealed(generation->country_fd, POLICY_IMAGE_MAX, &size);
	if (!base) {
		snprintf(why, why_size, "its country table can't be mapped");
		return -EBADMSG;
	}
	error = country_table_validate(&table, base, size, hash, why, why_size);
	munmap((void *)base, size);
	return error;
}

int generation_check(struct generation *generation, char *why, size_t size)
{
	int error;

	generation->base = map_sealed(
	    generation->image_fd, POLICY_IMAGE_MAX, &generation->size);
	if (!generation->base) {
		snprintf(why, size,
		    "the policy image can't be sealed and "
		    "mapped");
		return -EBADMSG;
	}
	error = policy_image_validate(
	    &generation->image, generation->base, generation->size, why, size);
	if (error)
		return error;
	return check_country(generation, why, size);
}

void generation_hash(const struct generation *generation, char text[65])
{
	const uint8_t *hash = generation->image.header->sha256;

	for (size_t i = 0; i < POLICY_SHA256_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", hash[i]);
}

const struct generation *generation_live(void)
{
	return live;
}

const struct generation *generation_by_serial(uint64_t serial)
{
	if (live && live->serial == serial)
		return live;
	if (previous && previous->serial == serial)
		return previous;
	return NULL;
}

void generation_set_live(struct generation *next)
{
	generation_free(previous);
	previous = live;
	live = next;
}
