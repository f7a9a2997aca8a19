/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records of networks, <run-dir>/net-<name>: one struct record each, written
 * and read by gw-init of the same build only (magic and size say so).
 */
#include "control/init/record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "control/init/init.h"
#include "control/msg/log.h"

#define MAGIC	  0x31574e47u /* "GNW1" */
#define PATH_SIZE (INIT_PATH_SIZE + 300)

int record_write(struct record *record)
{
	char path[PATH_SIZE];
	int error = 0;

	record->magic = MAGIC;
	record->size = sizeof(*record);
	snprintf(path, sizeof(path), "%s/net-%s", init.run_dir, record->name);
	int fd = open(
	    path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	ssize_t size = write(fd, record, sizeof(*record));
	if (size != (ssize_t)sizeof(*record))
		error = size < 0 ? -errno : -ENOSPC;
	close(fd);
	if (error)
		unlink(path);
	return error;
}

void record_remove(const char *name)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%s/net-%s", init.run_dir, name);
	unlink(path);
}

static bool read_one(const char *file, struct record *record)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%s/%s", init.run_dir, file);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, record, sizeof(*record));
	if (fd >= 0)
		close(fd);
	/* cut by a kill while it was written: nothing was changed yet */
	if (size != (ssize_t)sizeof(*record) || record->magic != MAGIC ||
	    record->size != sizeof(*record) || record->address_len < 0 ||
	    record->address_len > RECORD_ADDRESS_MAX) {
		log_warn(NULL, "%s is no record of this build, removed", path);
		unlink(path);
		return false;
	}
	record->name[sizeof(record->name) - 1] = '\0';
	record->interface[sizeof(record->interface) - 1] = '\0';
	return true;
}

void record_each(void (*visit)(const struct record *record))
{
	DIR *dir = opendir(init.run_dir);
	struct dirent *entry;
	struct record record;

	while (dir && (entry = readdir(dir))) {
		if (!strncmp(entry->d_name, "net-", 4) &&
		    read_one(entry->d_name, &record))
			visit(&record);
	}
	if (dir)
		closedir(dir);
}
