/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Logs of children; called in gw-init's loop.
 *
 * Theory of operation. A child may be taken over by its guest, so what it
 * writes is bounded: BURST bytes at once and RATE a second; what is beyond is
 * read and thrown away (a child never blocks on its log) and said once when
 * the budget is back. A file that reaches FILE_MOST becomes <name>.log.1,
 * replacing the older one. Bytes are copied as they are: log.h escapes lines
 * where they are made, and a viewer must not trust them.
 */
#include "control/init/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/stat.h>

#include "control/init/init.h"
#include "control/init/loop.h"
#include "control/msg/log.h"

#define FILE_MOST (4u << 20)
#define BURST	  (1u << 20)
#define RATE	  (64u << 10) /* bytes a second */

struct journal {
	struct watch watch; /* first: the callback casts back */
	int file;
	uint64_t size;	 /* of the file */
	uint64_t lost;	 /* bytes thrown away since the last line about it */
	uint64_t budget; /* bytes */
	time_t filled_s;
	char path[INIT_PATH_SIZE + 64];
};

static time_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void open_file(struct journal *journal)
{
	struct stat st;

	journal->file = open(journal->path,
	    O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
	journal->size = 0;
	if (journal->file < 0)
		log_warn(NULL, "%s can't be written: %s", journal->path,
		    strerror(errno));
	else if (!fstat(journal->file, &st))
		journal->size = (uint64_t)st.st_size;
}

static void rotate(struct journal *journal)
{
	char old[sizeof(journal->path) + 2];

	snprintf(old, sizeof(old), "%s.1", journal->path);
	close(journal->file);
	rename(journal->path, old);
	open_file(journal);
}

static void append(struct journal *journal, const char *bytes, size_t size)
{
	if (journal->file < 0)
		return;
	ssize_t done = write(journal->file, bytes, size);
	if (done > 0)
		journal->size += (uint64_t)done;
	if (journal->size >= FILE_MOST)
		rotate(journal);
}

static void refill(struct journal *journal)
{
	char line[80];
	time_t now = now_s();
	uint64_t fresh = (uint64_t)(now - journal->filled_s) * RATE;

	journal->filled_s = now;
	journal->budget += fresh;
	if (journal->budget > BURST)
		journal->budget = BURST;
	if (journal->lost > 0 && journal->budget > 0) {
		int size = snprintf(line, sizeof(line),
		    "gw-init: %llu bytes of log thrown away\n",
		    (unsigned long long)journal->lost);
		journal->lost = 0;
		append(journal, line, (size_t)size);
	}
}

static void copy(struct watch *watch)
{
	struct journal *journal = (struct journal *)watch;
	char bytes[16384];
	ssize_t size = read(watch->fd, bytes, sizeof(bytes));

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (size <= 0) {
		loop_remove(watch);
		close(watch->fd);
		if (journal->file >= 0)
			close(journal->file);
		free(journal);
		return;
	}
	refill(journal);

	size_t most = (size_t)size;
	if (most > journal->budget)
		most = journal->budget;
	journal->budget -= most;
	journal->lost += (size_t)size - most;
	if (most > 0)
		append(journal, bytes, most);
}

int journal_open(const char *name)
{
	struct journal *journal = calloc(1, sizeof(*journal));
	int ends[2];

	if (!journal)
		return -ENOMEM;
	if (pipe2(ends, O_CLOEXEC)) {
		int error = errno;
		free(journal);
		return -error;
	}
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	snprintf(journal->path, sizeof(journal->path), "%s/log/%s.log",
	    init.run_dir, name);
	journal->budget = BURST;
	journal->filled_s = now_s();
	open_file(journal);
	journal->watch = (struct watch) {ends[0], copy};
	loop_add(&journal->watch);
	return ends[1];
}
