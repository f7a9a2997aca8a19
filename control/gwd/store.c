/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state folder: see store.h. Called by load.c and guest.c; what blocks runs
 * on the job thread.
 *
 * Theory of operation. policy/<serial>/ holds bundle, image, country and
 * meta.json of a generation and is never changed once written; policy/current
 * is a symbolic link, replaced by rename, so that a crash at any instant leaves
 * the old or the new generation, never a mixture. policy/history.jsonl is only
 * appended to, before the link is moved. The last STORE_KEEP generations are
 * kept for roll-back. Everything read back is checked again by
 * generation_check() after it was copied into sealed memory.
 */
#include "control/gwd/store.h"

#include "control/gwd/gwd.h"
#include "control/gwd/work.h"
#include "control/msg/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define STORE_KEEP	   8
#define STORE_JSON_MAX	   (1u << 20)
#define STORE_HISTORY_TAIL (128u << 10) /* bytes looked at */
#define HISTORY		   "policy/history.jsonl"

static int write_all(int fd, const void *bytes, size_t size)
{
	const char *next = bytes;

	while (size) {
		ssize_t part = write(fd, next, size);

		if (part < 0 && errno == EINTR)
			continue;
		if (part < 0)
			return -errno;
		next += part;
		size -= part;
	}
	return 0;
}

static int open_file(int dir, const char *name, int flags)
{
	int fd = openat(
	    dir, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

	return fd < 0 ? -errno : fd;
}

/* Make a folder's entries durable. */
static int sync_folder(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error;

	if (fd < 0)
		return -errno;
	error = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return error;
}

static int write_file(int dir, const char *name, const void *bytes, size_t size)
{
	int fd = open_file(dir, name, O_WRONLY | O_CREAT | O_TRUNC);
	int error;

	if (fd < 0)
		return fd;
	error = write_all(fd, bytes, size);
	if (!error && fsync(fd) < 0)
		error = -errno;
	close(fd);
	return error;
}

json_t *store_read(const char *name)
{
	int fd = open_file(gwd.state_fd, name, O_RDONLY);
	struct stat stat;
	char *text = NULL;
	json_t *content = NULL;
	ssize_t size;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) &&
	    stat.st_size <= STORE_JSON_MAX)
		text = malloc(stat.st_size + 1);
	size = text ? read(fd, text, stat.st_size) : -1;
	if (size > 0)
		content = json_loadb(text, size, 0, NULL);
	if (!content)
		log_error("store", "%s is damaged or unreadable", name);
	free(text);
	close(fd);
	return content;
}

struct small_write {
	char name[64];
	char *text;
	int error;
	void (*done)(void *arg, int error);
	void *arg;
};

static void write_small(void *arg)
{
	struct small_write *job = arg;
	char temporary[80];
	char folder[64];
	char *slash;

	snprintf(temporary, sizeof(temporary), "%s.new", job->name);
	job->error =
	    write_file(gwd.state_fd, temporary, job->text, strlen(job->text));
	if (job->error)
		return;
	if (renameat(gwd.state_fd, temporary, gwd.state_fd, job->name) < 0) {
		job->error = -errno;
		return;
	}
	snprintf(folder, sizeof(folder), "%s", job->name);
	slash = strrchr(folder, '/');
	if (slash)
		*slash = '\0';
	job->error = sync_folder(gwd.state_fd, slash ? folder : ".");
}

static void wrote_small(void *arg)
{
	struct small_write *job = arg;

	if (job->error)
		log_error("store", "%s can't be written: %s", job->name,
		    strerror(-job->error));
	if (job->done)
		job->done(job->arg, job->error);
	free(job->text);
	free(job);
}

int store_write(const char *name, json_t *content,
    void (*done)(void *arg, int error), void *arg)
{
	struct small_write *job = calloc(1, sizeof(*job));
	int error = -ENOMEM;

	if (!job)
		goto out;
	snprintf(job->name, sizeof(job->name), "%s", name);
	job->done = done;
	job->arg = arg;
	job->text = json_dumps(content, JSON_INDENT(1) | JSON_SORT_KEYS);
	if (job->text)
		error = work_queue(write_small, wrote_small, job);
	if (error)
		free(job->text);
	if (error)
		free(job);
out:
	json_decref(content);
	return error;
}

/* The whole of `from`, any position, into file `name` of `dir`. */
static int copy_out(int from, int dir, const char *name)
{
	int fd = open_file(dir, name, O_WRONLY | O_CREAT | O_TRUNC);
	char *bytes = NULL;
	int error = 0;
	off_t offset = 0;

	if (fd < 0)
		return fd;
	bytes = malloc(1 << 20);
	if (!bytes)
		error = -ENOMEM;
	while (!error) {
		ssize_t size = pread(from, bytes, 1 << 20, offset);

		if (size < 0)
			error = -errno;
		if (size <= 0)
			break;
		error = write_all(fd, bytes, size);
		offset += size;
	}
	if (!error && fsync(fd) < 0)
		error = -errno;
	free(bytes);
	close(fd);
	return error;
}

static json_t *describe(const struct generation *generation)
{
	char hash[65];

	generation_hash(generation, hash);
	return json_pack("{s:i, s:I, s:I, s:I, s:s, s:s, s:s, s:I}", "schema",
	    1, "generation", (json_int_t)generation->serial, "time",
	    (json_int_t)generation->time_s, "uid", (json_int_t)generation->uid,
	    "note", generation->note, "path", generation->path, "sha256", hash,
	    "again", (json_int_t)generation->again);
}

static int write_meta(const struct generation *generation, int dir)
{
	json_t *meta = describe(generation);
	char *text = json_dumps(meta, JSON_COMPACT);
	int fd, error = -ENOMEM;

	json_decref(meta);
	if (!text)
		return -ENOMEM;
	error = write_file(dir, "meta.json", text, strlen(text));
	if (error)
		goto out;
	fd = open_file(gwd.state_fd, HISTORY, O_WRONLY | O_CREAT | O_APPEND);
	error = fd < 0 ? fd : 0;
	if (error)
		goto out;
	error = write_all(fd, text, strlen(text));
	if (!error)
		error = write_all(fd, "\n", 1);
	if (!error && fsync(fd) < 0)
		error = -errno;
	close(fd);
out:
	free(text);
	return error;
}

static bool same_countries(
    const struct generation *a, const struct generation *b)
{
	return b && b->country_fd >= 0 &&
	       !memcmp(a->image.header->country, b->image.header->country,
		   POLICY_SHA256_SIZE);
}

static int save_country(const struct generation *generation,
    const struct generation *before, int dir)
{
	char path[64];

	if (generation->country_fd < 0)
		return 0;
	if (same_countries(generation, before)) {
		snprintf(path, sizeof(path), "policy/%" PRIu64 "/country",
		    before->serial);
		if (linkat(gwd.state_fd, path, dir, "country", 0) == 0)
			return 0;
	}
	return copy_out(generation->country_fd, dir, "country");
}

static void remove_generation(uint64_t serial)
{
	static const char *const files[] = {
	    "bundle", "image", "country", "meta.json"};
	char path[96];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "policy/%" PRIu64 "/%s", serial,
		    files[i]);
		unlinkat(gwd.state_fd, path, 0);
	}
	snprintf(path, sizeof(path), "policy/%" PRIu64, serial);
	unlinkat(gwd.state_fd, path, AT_REMOVEDIR);
}

static int point_current(uint64_t serial)
{
	char name[32];

	snprintf(name, sizeof(name), "%" PRIu64, serial);
	unlinkat(gwd.state_fd, "policy/current.new", 0);
	if (symlinkat(name, gwd.state_fd, "policy/current.new") < 0)
		return -errno;
	if (renameat(gwd.state_fd, "policy/current.new", gwd.state_fd,
		"policy/current") < 0)
		return -errno;
	return sync_folder(gwd.state_fd, "policy");
}

int store_save_generation(
    const struct generation *generation, const struct generation *before)
{
	char path[64];
	int dir, error;

	if (mkdirat(gwd.state_fd, "policy", 0700) < 0 && errno != EEXIST)
		return -errno;
	remove_generation(generation->serial);
	snprintf(path, sizeof(path), "policy/%" PRIu64, generation->serial);
	if (mkdirat(gwd.state_fd, path, 0700) < 0)
		return -errno;
	dir = openat(gwd.state_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	error = copy_out(generation->bundle_fd, dir, "bundle");
	if (!error)
		error = copy_out(generation->image_fd, dir, "image");
	if (!error)
		error = save_country(generation, before, dir);
	if (!error)
		error = write_meta(generation, dir);
	if (!error && fsync(dir) < 0)
		error = -errno;
	close(dir);
	if (!error)
		error = point_current(generation->serial);
	if (error)
		remove_generation(generation->serial);
	else if (generation->serial > STORE_KEEP)
		remove_generation(generation->serial - STORE_KEEP);
	return error;
}

/* A file's content in a new memfd; -errno. */
static int copy_in(int dir, const char *name)
{
	int from = open_file(dir, name, O_RDONLY);
	struct stat stat;
	off_t offset = 0;
	int fd;

	if (from < 0)
		return from;
	fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || fstat(from, &stat) < 0)
		goto fail;
	errno = EFBIG;
	if (!S_ISREG(stat.st_mode) || stat.st_size > POLICY_IMAGE_MAX)
		goto fail;
	while (offset < stat.st_size) {
		ssize_t size =
		    sendfile(fd, from, &offset, stat.st_size - offset);

		if (size <= 0)
			goto fail;
	}
	close(from);
	return fd;
fail:
	close(from);
	if (fd >= 0)
		close(fd);
	return errno ? -errno : -EIO;
}

static void read_meta(struct generation *generation, const char *folder)
{
	char path[64];
	json_t *meta;
	const char *note = "", *file = "";
	json_int_t serial = 0, time = 0, uid = 0, again = 0;

	snprintf(path, sizeof(path), "%s/meta.json", folder);
	meta = store_read(path);
	json_unpack(meta, "{s:I, s:I, s:I, s:s, s:s, s?I}", "generation",
	    &serial, "time", &time, "uid", &uid, "note", &note, "path", &file,
	    "again", &again);
	generation->serial = serial;
	generation->time_s = time;
	generation->uid = uid;
	generation->again = again;
	snprintf(generation->note, sizeof(generation->note), "%s", note);
	snprintf(generation->path, sizeof(generation->path), "%s", file);
	json_decref(meta);
}

int store_load_generation(struct generation *generation, uint64_t serial)
{
	char folder[40] = "policy/current";
	int dir;

	if (serial)
		snprintf(folder, sizeof(folder), "policy/%" PRIu64, serial);
	dir = openat(gwd.state_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	read_meta(generation, folder);
	generation->bundle_fd = copy_in(dir, "bundle");
	generation->image_fd = copy_in(dir, "image");
	generation->country_fd = copy_in(dir, "country");
	close(dir);
	if (!generation->serial)
		return -EBADMSG;
	if (generation->bundle_fd < 0)
		return generation->bundle_fd;
	return generation->image_fd < 0 ? generation->image_fd : 0;
}

json_t *store_history(size_t len)
{
	json_t *list = json_array();
	int fd = open_file(gwd.state_fd, HISTORY, O_RDONLY);
	char *text = malloc(STORE_HISTORY_TAIL + 1), *next, *line;
	off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	ssize_t part = 0;

	if (fd >= 0 && text)
		part = pread(fd, text, STORE_HISTORY_TAIL,
		    size > STORE_HISTORY_TAIL ? size - STORE_HISTORY_TAIL : 0);
	if (fd >= 0)
		close(fd);
	if (text)
		text[part > 0 ? part : 0] = '\0';
	next = text;
	while ((line = strsep(&next, "\n"))) {
		json_t *entry = json_loads(line, 0, NULL);

		if (entry) /* the first of the tail may be cut off */
			json_array_append_new(list, entry);
		if (json_array_size(list) > len)
			json_array_remove(list, 0);
	}
	free(text);
	return list;
}

uint64_t store_last_serial(void)
{
	json_t *list = store_history(1);
	json_t *entry = json_array_get(list, 0);
	uint64_t serial =
	    json_integer_value(json_object_get(entry, "generation"));

	json_decref(list);
	return serial;
}
