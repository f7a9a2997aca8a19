/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The run folder (docs/architecture.md). Root makes it, nobody else may write
 * to it, so its paths may be trusted; only slot-<N>/vhost is written by a
 * child, and is therefore a tmpfs of its own: bounded, and unmounted rather
 * than walked.
 */
#include "control/init/run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "control/init/init.h"
#include "control/init/jail.h"
#include "control/msg/log.h"
#include "control/msg/msg.h"

#define PATH_SIZE    (INIT_PATH_SIZE + 64)
#define LISTEN_QUEUE 64

static void name_path(char path[PATH_SIZE], const char *name)
{
	snprintf(path, PATH_SIZE, "%s/%s", init.run_dir, name);
}

/* The folder and those above it. */
static int make_folders(const char *path, mode_t mode)
{
	char part[PATH_SIZE];

	snprintf(part, sizeof(part), "%s", path);
	for (char *at = strchr(part + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		if (mkdir(part, 0755) && errno != EEXIST)
			return -errno;
		*at = '/';
	}
	if (mkdir(part, mode) && errno != EEXIST)
		return -errno;
	return 0;
}

/* A folder that must be root's own before anything in it is believed. */
static int claim_folder(const char *path, uid_t uid, mode_t mode)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (fchown(fd, uid, uid) || fchmod(fd, mode))
		error = -errno;
	close(fd);
	return error;
}

int run_lock(pid_t *owner)
{
	char path[PATH_SIZE], text[32] = "";
	int error = make_folders(init.run_dir, 0711);

	*owner = 0;
	if (!error)
		error = claim_folder(init.run_dir, 0, 0711);
	if (error)
		return error;
	name_path(path, "lock");
	int lock = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (lock < 0)
		return -errno;
	if (!flock(lock, LOCK_EX | LOCK_NB))
		return lock;
	error = -errno;
	close(lock);

	name_path(path, "init.pid");
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0) {
		ssize_t size = read(fd, text, sizeof(text) - 1);
		text[size > 0 ? size : 0] = '\0';
		close(fd);
	}
	*owner = (pid_t)strtol(text, NULL, 10);
	return error;
}

static int write_pid(void)
{
	char path[PATH_SIZE];

	name_path(path, "init.pid");
	int fd = open(
	    path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	int size = dprintf(fd, "%d\n", getpid());
	close(fd);
	return size > 0 ? 0 : -EIO;
}

int run_make(void)
{
	static const char *const folders[] = {"log", JAIL_ROOT_DIR};
	char path[PATH_SIZE];
	int error = write_pid();

	for (size_t i = 0; !error && i < 2; i++) {
		name_path(path, folders[i]);
		if (mkdir(path, 0750) && errno != EEXIST)
			error = -errno;
	}
	if (!error)
		error = make_folders(init.state_dir, 0750);
	if (!error)
		error = claim_folder(
		    init.state_dir, init_uid(MSG_HOST_SLOT, ROLE_GWD), 0750);
	return error;
}

int run_listen(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char path[PATH_SIZE];

	name_path(path, "gwctl.sock");
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	unlink(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    chmod(path, 0666) || listen(fd, LISTEN_QUEUE)) {
		int error = errno;
		close(fd);
		return -error;
	}
	return fd;
}

int run_make_slot(uint32_t slot)
{
	char path[PATH_SIZE], options[128];
	struct stat st, above;

	snprintf(path, sizeof(path), "%s/slot-%u", init.run_dir, slot);
	if (mkdir(path, 0711) && errno != EEXIST)
		return -errno;
	if (stat(path, &above))
		return -errno;
	snprintf(path, sizeof(path), "%s/slot-%u/vhost", init.run_dir, slot);
	if (mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	if (stat(path, &st))
		return -errno;
	if (st.st_dev != above.st_dev)
		return 0; /* mounted already */
	snprintf(options, sizeof(options),
	    "size=64k,nr_inodes=16,mode=0750,uid=%u,gid=%u",
	    init_uid(slot, ROLE_QEMU), init_uid(slot, ROLE_DATAPLANE));
	return mount("gw-vhost", path, "tmpfs",
		   MS_NOSUID | MS_NODEV | MS_NOEXEC, options)
		   ? -errno
		   : 0;
}

static void remove_slot(const char *name)
{
	char path[PATH_SIZE + 300];

	snprintf(path, sizeof(path), "%s/%s/vhost", init.run_dir, name);
	while (!umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW))
		;
	rmdir(path);
	snprintf(path, sizeof(path), "%s/%s", init.run_dir, name);
	if (rmdir(path) && errno != ENOENT)
		log_warn(
		    NULL, "%s can't be removed: %s", path, strerror(errno));
}

void run_remove(void)
{
	char path[PATH_SIZE];
	DIR *dir = opendir(init.run_dir);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (!strncmp(entry->d_name, "slot-", 5))
			remove_slot(entry->d_name);
	}
	if (dir)
		closedir(dir);
	name_path(path, "gwctl.sock");
	unlink(path);
	name_path(path, "init.pid");
	unlink(path);
	name_path(path, JAIL_ROOT_DIR);
	rmdir(path);
}
