/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starting one process in its jail: own namespaces, a small root made of
 * read-only binds, its own uid, no privileges. Called by child.c with what
 * template.c filled in.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define JAIL_BIND_MAX  16
#define JAIL_FD_MAX    20
#define JAIL_ARG_MAX   96
#define JAIL_TEXT_SIZE 200

enum jail_bind_kind {
	BIND_RO,     /* file or folder, read-only, nosuid, nodev */
	BIND_RW,     /* folder, nosuid, nodev, noexec */
	BIND_DEVICE, /* a device node */
	BIND_LIKE,   /* as on the host: a symlink stays one, else BIND_RO */
};

struct jail_bind {
	const char *from; /* path on the host */
	const char *to;	  /* path in the root, relative; NULL: as from */
	enum jail_bind_kind kind;
	bool optional; /* absent on the host: left out */
};

enum jail_proc {
	PROC_NONE,
	PROC_OWN,  /* own processes only, nothing of the machine */
	PROC_FULL, /* also /proc/meminfo and the like; read-only */
};

struct jail {
	const char *program; /* host path of the file, bound into the root */
	const char *at;	     /* where in the root, relative */
	const char *argv[JAIL_ARG_MAX];
	struct jail_bind bind[JAIL_BIND_MAX];
	unsigned bind_len;
	enum jail_proc proc;
	bool sys;	  /* a fresh read-only /sys */
	bool keep_chroot; /* CAP_SYS_CHROOT as ambient, nothing else */
	uid_t uid;
	gid_t gid;
	gid_t extra_group; /* 0 = none */
	mode_t umask;
	uint32_t files, processes; /* RLIMIT_NOFILE, RLIMIT_NPROC */
	uint32_t cpu_s;		   /* RLIMIT_CPU, 0 = none */
	uint64_t memory;	   /* RLIMIT_AS, bytes, 0 = none */
	uint64_t file_size;	   /* RLIMIT_FSIZE, bytes, 0 = none */
	int fd[JAIL_FD_MAX];	   /* borrowed; become 0, 1, 2, ... */
	unsigned fd_len;
};

/* The empty folder that each child mounts its root on; below the run folder,
 * used in the children's mount namespaces only. */
#define JAIL_ROOT_DIR "root"

/*
 * Start it. pidfd: the caller's on success. text: the step that failed, for
 * people. Returns the pid or -errno; then nothing was left behind. Waits until
 * the program was executed, at most 10 s.
 */
pid_t jail_start(
    const struct jail *jail, int *pidfd, char text[JAIL_TEXT_SIZE]);
