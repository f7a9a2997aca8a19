/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network namespaces of gw-init: made, named below /run/netns so that
 * `ip netns` knows them, entered for a moment. Single thread, so a namespace
 * entered is left again before the loop turns.
 */
#pragma once

#define NETNS_DIR "/run/netns"

/*
 * Make namespace `name` (validated by the caller). Inside it nothing can speak
 * by itself: IPv6 is off and multicast and redirects are quiet before the
 * first interface arrives. Returns its descriptor; -EEXIST when the name is
 * taken; else -errno.
 */
int netns_make(const char *name);
/* Open an existing one by name: descriptor, or -errno (-ENOENT, -EINVAL for a
 * file that is no namespace). */
int netns_open(const char *name);
/* Forget the name; the namespace goes with its last descriptor and process. */
void netns_remove(const char *name);

/* Enter; 0 or -errno. */
int netns_enter(int fd);
/* Back to where gw-init was started; exits when that fails, as everything
 * after would be done in the wrong place. */
void netns_leave(void);
/* Descriptor of where gw-init was started, opened at first use; borrowed. */
int netns_home(void);

/* Write a value below /proc/sys/net of the namespace that is entered and read
 * it back. 0 or -errno. */
int netns_set(const char *path, const char *value);
