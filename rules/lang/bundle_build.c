/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a policy and what it names into a bundle (bundle.h), with the rights
 * of whoever runs gwctl or gw-rulec.
 */
#include "rules/lang/bundle_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is remembered of a file besides its record. */
struct known {
	char *path; /* where it was opened */
	dev_t device;
	ino_t inode;
	uint32_t parent;
	size_t data; /* offset of its content in the bundle */
	size_t size;
	enum bundle_kind kind;
	bool failed;
};

struct build {
	uint8_t *data;
	size_t size, room;
	struct known known[BUNDLE_FILES];
	uint32_t len;
	uint32_t current; /* the file that is being scanned */
	bool country;
	const char *limit; /* which limit was passed */
};

static int reserve(struct build *build, size_t size)
{
	size_t room = build->room ? build->room : 65536;
	uint8_t *larger;

	if (size > BUNDLE_MAX - build->size) {
		build->limit = "all its files together are larger than "
			       "256 MiB";
		return -EFBIG;
	}
	while (room < build->size + size)
		room *= 2;
	if (room == build->room)
		return 0;
	larger = realloc(build->data, room);
	if (!larger)
		return -ENOMEM;
	build->data = larger;
	build->room = room;
	return 0;
}

static int append(struct build *build, const void *data, size_t size)
{
	int error = reserve(build, size);

	if (!error && size)
		memcpy(build->data + build->size, data, size);
	if (!error)
		build->size += size;
	return error;
}

/* NULL, or why this file can't be used. */
static const char *open_file(struct build *build, struct known *known, int *fd)
{
	struct stat status;
	uint32_t i;

	*fd = open(known->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (*fd < 0)
		return strerror(errno);
	if (fstat(*fd, &status))
		return strerror(errno);
	if (S_ISDIR(status.st_mode))
		return "it is a folder";
	if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode))
		return "it is no regular file";
	fcntl(*fd, F_SETFL, 0); /* a pipe may wait for its writer */
	known->device = status.st_dev;
	known->inode = status.st_ino;
	if (known->kind != BUNDLE_INCLUDE)
		return NULL;
	for (i = known->parent;; i = build->known[i].parent) {
		if (build->known[i].device == known->device &&
		    build->known[i].inode == known->inode)
			return "it includes itself";
		if (!i)
			return NULL;
	}
}

/* Content to the end of the bundle. Returns 0 or -errno. */
static int read_all(struct build *build, struct known *known, int fd)
{
	for (;;) {
		size_t want = 65536;
		ssize_t n;
		int error = reserve(build, want);

		if (error)
			return error;
		n = read(fd, build->data + build->size, want);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return 0;
		build->size += (size_t)n;
		known->size += (size_t)n;
		if (known->size > BUNDLE_FILE_MAX)
			return -EFBIG;
	}
}

static int write_content(
    struct build *build, struct known *known, const char *wrong, int fd)
{
	int error = 0;

	known->data = build->size;
	if (!wrong) {
		error = read_all(build, known, fd);
		if (!error)
			return 0;
		if (error == -ENOMEM || build->limit)
			return error;
		wrong = error == -EFBIG ? "it is larger than 128 MiB"
					: strerror(-error);
		build->size = known->data;
	}
	known->failed = true;
	known->size = strlen(wrong);
	return append(build, wrong, known->size);
}

/* Add one file as a record. path: as written. Returns 0 or -errno. */
static int add_file(
    struct build *build, enum bundle_kind kind, const char *path, char *opened)
{
	struct bundle_record record = {.kind = kind,
	    .parent = build->len ? build->current : 0,
	    .path_size = (uint32_t)strlen(path)};
	struct known *known = &build->known[build->len];
	size_t start = build->size;
	const char *wrong;
	int error, fd = -1;

	known->path = opened;
	known->kind = kind;
	known->parent = record.parent;
	if (!opened)
		return -ENOMEM;
	build->len++;
	wrong = open_file(build, known, &fd);
	error = append(build, &record, sizeof(record));
	if (!error)
		error = append(build, path, record.path_size + 1);
	if (!error)
		error = write_content(build, known, wrong, fd);
	if (fd >= 0)
		close(fd);
	if (error)
		return error;
	record.size = known->size;
	record.failed = known->failed;
	memcpy(build->data + start, &record, sizeof(record));
	return append(build, "\0\0\0\0\0\0\0", -build->size & 7);
}

/* Where a path written in `parent` points. */
static char *resolve(const struct known *parent, const char *path)
{
	const char *slash = strrchr(parent->path, '/');
	char *joined;

	if (*path == '/' || !slash)
		return strdup(path);
	if (asprintf(&joined, "%.*s/%s", (int)(slash - parent->path),
		parent->path, path) < 0)
		return NULL;
	return joined;
}

static int add_named(void *context, enum bundle_kind kind, const char *path)
{
	struct build *build = context;
	struct known *parent = &build->known[build->current];
	uint32_t i, depth = 0;

	for (i = build->current; i; i = build->known[i].parent)
		depth++;
	if (depth >= BUNDLE_DEPTH_MAX)
		return 0; /* the compiler says so, at the place */
	if (build->len == BUNDLE_FILES) {
		build->limit = "it names more than 1024 files";
		return -E2BIG;
	}
	return add_file(build, kind, path, resolve(parent, path));
}

/* A copy, because the bundle moves while it grows. */
static int scan_file(struct build *build, uint32_t index)
{
	struct known *known = &build->known[index];
	char *copy;
	int error;

	if (known->failed ||
	    (known->kind != BUNDLE_MAIN && known->kind != BUNDLE_INCLUDE))
		return 0;
	copy = malloc(known->size + 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, build->data + known->data, known->size);
	build->current = index;
	error =
	    bundle_scan(copy, known->size, &build->country, add_named, build);
	free(copy);
	return error;
}

static int fill(struct build *build, const char *path)
{
	struct bundle_header header = {.format = BUNDLE_FORMAT};
	uint32_t i;
	int error;

	memcpy(header.magic, BUNDLE_MAGIC, 8);
	error = append(build, &header, sizeof(header));
	if (!error)
		error = add_file(build, BUNDLE_MAIN, path, strdup(path));
	for (i = 0; !error && i < build->len; i++)
		error = scan_file(build, i);
	build->current = 0;
	if (!error && build->country && build->len < BUNDLE_FILES)
		error = add_file(build, BUNDLE_COUNTRY_BASE,
		    BUNDLE_COUNTRY_DEFAULT, strdup(BUNDLE_COUNTRY_DEFAULT));
	if (error)
		return error;
	header.len = build->len;
	header.size = build->size;
	memcpy(build->data, &header, sizeof(header));
	return 0;
}

/* The sentence for a main file that can't be used. */
static void say_why(const struct build *build, const char *path, int error,
    char *why, size_t why_size)
{
	if (!why_size)
		return;
	if (build->limit || error == -ENOMEM)
		snprintf(why, why_size, "%s: %s", path,
		    build->limit ? build->limit : "not enough memory");
	else if (build->len && build->known[0].failed)
		snprintf(why, why_size, "%s: %.*s", path,
		    (int)build->known[0].size,
		    (const char *)build->data + build->known[0].data);
	else
		snprintf(why, why_size, "%s: %s", path, strerror(-error));
}

int bundle_build(
    const char *path, void **data, size_t *size, char *why, size_t why_size)
{
	struct build *build = calloc(1, sizeof(*build));
	int error = -ENOMEM;
	uint32_t i;

	if (!build)
		return error;
	error =
	    strlen(path) < BUNDLE_PATH_MAX ? fill(build, path) : -ENAMETOOLONG;
	if (!error && build->known[0].failed)
		error = -ENOENT;
	if (error) {
		say_why(build, path, error, why, why_size);
		free(build->data);
	} else {
		*data = build->data;
		*size = build->size;
	}
	for (i = 0; i < build->len; i++)
		free(build->known[i].path);
	free(build);
	return error;
}
