/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network namespaces of gw-init; see netns.h. Runs in its one thread.
 *
 * /run/netns is treated as iproute2 does: a shared mount, so that a name made
 * here is also seen by mount namespaces that follow the host's. That mount is
 * left in place, as others may have put names there meanwhile.
 */
#include "control/init/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <linux/magic.h>

#include "control/msg/log.h"

#define PATH_SIZE 128

static int home_fd = -1;

int netns_home(void)
{
	if (home_fd < 0)
		home_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home_fd < 0)
		die("own network namespace: %s", strerror(errno));
	return home_fd;
}

int netns_enter(int fd)
{
	netns_home();
	return setns(fd, CLONE_NEWNET) ? -errno : 0;
}

void netns_leave(void)
{
	if (setns(netns_home(), CLONE_NEWNET))
		die("can't return to the host's namespace: %s",
		    strerror(errno));
}

int netns_set(const char *path, const char *value)
{
	char full[PATH_SIZE], text[32] = "";

	snprintf(full, sizeof(full), "/proc/sys/net/%s", path);
	int fd = open(full, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t size = write(fd, value, strlen(value));
	int error = size < 0 ? -errno : 0;
	if (!error && pread(fd, text, sizeof(text) - 1, 0) <= 0)
		error = -EIO;
	close(fd);
	text[strcspn(text, "\n")] = '\0';
	if (!error && strcmp(text, value) != 0)
		error = -EIO;
	return error;
}

/* What makes a fresh namespace silent and a strict router. `all` and
 * `default` both: a device takes `default` when it arrives. */
static int quieten(void)
{
	static const struct {
		const char *path, *value;
		bool optional; /* a kernel without IPv6 has none of it */
	} settings[] = {
	    {"ipv6/conf/all/disable_ipv6", "1", true},
	    {"ipv6/conf/default/disable_ipv6", "1", true},
	    {"ipv6/conf/all/accept_ra", "0", true},
	    {"ipv6/conf/default/accept_ra", "0", true},
	    {"ipv6/conf/default/autoconf", "0", true},
	    {"ipv4/ip_forward", "1", false},
	    {"ipv4/conf/all/rp_filter", "1", false},
	    {"ipv4/conf/default/rp_filter", "1", false},
	    {"ipv4/conf/all/arp_ignore", "1", false},
	    {"ipv4/conf/default/arp_ignore", "1", false},
	    {"ipv4/conf/all/arp_announce", "2", false},
	    {"ipv4/conf/all/arp_notify", "0", false},
	    {"ipv4/conf/default/arp_notify", "0", false},
	    {"ipv4/conf/all/accept_redirects", "0", false},
	    {"ipv4/conf/default/accept_redirects", "0", false},
	    {"ipv4/conf/all/send_redirects", "0", false},
	    {"ipv4/conf/default/send_redirects", "0", false},
	    {"ipv4/conf/all/accept_source_route", "0", false},
	    {"ipv4/conf/default/accept_source_route", "0", false},
	    {"ipv4/icmp_echo_ignore_broadcasts", "1", false},
	};

	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		int error = netns_set(settings[i].path, settings[i].value);
		if (error == -ENOENT && settings[i].optional)
			continue;
		if (error) {
			log_error(NULL, "net/%s can't be %s: %s",
			    settings[i].path, settings[i].value,
			    strerror(-error));
			return error;
		}
	}
	return 0;
}

static int make_folder(void)
{
	if (mkdir(NETNS_DIR, 0755) && errno != EEXIST)
		return -errno;
	if (!mount("", NETNS_DIR, "none", MS_SHARED | MS_REC, NULL))
		return 0;
	if (errno != EINVAL)
		return -errno;
	if (mount(NETNS_DIR, NETNS_DIR, "none", MS_BIND | MS_REC, NULL) ||
	    mount("", NETNS_DIR, "none", MS_SHARED | MS_REC, NULL))
		return -errno;
	return 0;
}

static void name_path(char path[PATH_SIZE], const char *name)
{
	snprintf(path, PATH_SIZE, NETNS_DIR "/%s", name);
}

int netns_make(const char *name)
{
	char path[PATH_SIZE];
	int error = make_folder();

	if (error)
		return error;
	name_path(path, name);
	int file = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);
	if (file < 0)
		return -errno;
	close(file);

	netns_home();
	if (unshare(CLONE_NEWNET)) {
		error = -errno;
		unlink(path);
		return error;
	}
	if (mount("/proc/self/ns/net", path, "none", MS_BIND, NULL))
		error = -errno;
	if (!error)
		error = quieten();
	netns_leave();
	int fd = error ? -1 : netns_open(name);
	if (!error && fd < 0)
		error = fd;
	if (error) {
		netns_remove(name);
		return error;
	}
	return fd;
}

int netns_open(const char *name)
{
	char path[PATH_SIZE];
	struct statfs st;

	name_path(path, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	if (fstatfs(fd, &st) || st.f_type != NSFS_MAGIC) {
		close(fd);
		return -EINVAL;
	}
	return fd;
}

void netns_remove(const char *name)
{
	char path[PATH_SIZE];

	name_path(path, name);
	while (!umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW))
		;
	if (unlink(path) && errno != ENOENT)
		log_warn(
		    NULL, "%s can't be removed: %s", path, strerror(errno));
}
