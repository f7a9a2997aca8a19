/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The compiled-in templates of the processes that gw-init starts. Nothing of
 * them comes from a file or from gwd but the numbers of struct msg_init_spawn.
 *
 * Programs are found below --libexec, in the installed layout (all in one
 * folder) or in that of the build folder; without --libexec, beside gw-init.
 */
#include "control/init/template.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include "control/init/init.h"
#include "control/init/template_priv.h"
#include "control/msg/log.h"

#define MEMORY_LEAST_MIB 64
#define MEMORY_MOST_MIB	 (256u << 10)
#define CPUS_MOST	 32

struct role {
	const char *name;
	const char *built; /* path in the build folder */
	unsigned fd_len;
	bool channel;
	uint32_t files, processes, cpu_s;
	uint64_t memory, file_size; /* bytes */
	enum jail_proc proc;
	bool sys, keep_chroot;
};

/* The limits of gw-rulec are for hostile policies; its output goes to memfds,
 * which RLIMIT_FSIZE bounds too. */
static const struct role roles[ROLE_MAX] = {
    [ROLE_GWD] = {.name = "gwd",
	.built = "control/gwd/gwd",
	.files = 4096,
	.processes = 64,
	.proc = PROC_OWN},
    [ROLE_RULEC] = {.name = "gw-rulec",
	.built = "rules/lang/gw-rulec",
	.fd_len = 4,
	.files = 64,
	.processes = 16,
	.cpu_s = 60,
	.memory = 5ull << 30,
	.file_size = 1ull << 30,
	.proc = PROC_OWN},
    [ROLE_DATAPLANE] = {.name = "gw-dataplane",
	.built = "dataplane/packet/gw-dataplane",
	.channel = true,
	.files = 1024,
	.processes = 64,
	.proc = PROC_FULL,
	.sys = true,
	.keep_chroot = true},
    [ROLE_RUNNER] = {.name = "gw-runner",
	.built = "guest-runner/gw-runner",
	.channel = true,
	.files = 256,
	.processes = 16,
	.proc = PROC_OWN},
    [ROLE_QEMU] = {.name = "qemu-system-x86_64",
	.fd_len = 7,
	.files = 1024,
	.processes = 256,
	.proc = PROC_OWN},
};

static const struct jail_bind common_binds[] = {
    {"/usr/lib", NULL, BIND_RO, false},
    {"/usr/lib64", NULL, BIND_RO, true},
    {"/lib", NULL, BIND_LIKE, false},
    {"/lib64", NULL, BIND_LIKE, true},
    {"/etc/ld.so.cache", NULL, BIND_RO, true},
    {"/dev/null", NULL, BIND_DEVICE, false},
    {"/dev/zero", NULL, BIND_DEVICE, false},
    {"/dev/urandom", NULL, BIND_DEVICE, false},
};

const char *template_name(uint32_t role)
{
	return role < ROLE_MAX ? roles[role].name : NULL;
}

unsigned template_fd_len(uint32_t role)
{
	return role < ROLE_MAX ? roles[role].fd_len : 0;
}

bool template_has_channel(uint32_t role)
{
	return role < ROLE_MAX && roles[role].channel;
}

static bool is_program(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode) &&
	       (st.st_mode & S_IXOTH);
}

/* The folder that gw-init's own file is in. */
static void find_self(char *folder, size_t size)
{
	ssize_t len = readlink("/proc/self/exe", folder, size - 1);

	folder[len > 0 ? len : 0] = '\0';
	char *slash = strrchr(folder, '/');
	if (slash)
		*slash = '\0';
}

static bool find_program(uint32_t role, char *path, size_t size)
{
	const struct role *r = &roles[role];
	char folder[INIT_PATH_SIZE];

	if (!r->built) {
		snprintf(path, size, "%s", TEMPLATE_QEMU);
		return is_program(path);
	}
	if (init.libexec[0]) {
		snprintf(path, size, "%s/%s", init.libexec, r->name);
		if (is_program(path))
			return true;
		snprintf(path, size, "%s/%s", init.libexec, r->built);
		return is_program(path);
	}
	find_self(folder, sizeof(folder));
	snprintf(path, size, "%s/../../%s", folder, r->built);
	if (is_program(path))
		return true;
	snprintf(path, size, "%s/%s", folder, r->name);
	return is_program(path);
}

int template_check_programs(void)
{
	char path[600];
	int error = 0;

	for (uint32_t role = 0; role < ROLE_MAX; role++) {
		if (!roles[role].name || find_program(role, path, sizeof(path)))
			continue;
		log_warn(
		    NULL, "%s is not there, or not executable by all", path);
		if (role == ROLE_GWD)
			error = -ENOENT;
	}
	return error;
}

void template_bind(struct template *template, const char *from, const char *to,
    enum jail_bind_kind kind, bool optional)
{
	struct jail *jail = &template->jail;

	if (jail->bind_len == JAIL_BIND_MAX)
		die("a template outgrew its binds: %s", from);
	jail->bind[jail->bind_len++] =
	    (struct jail_bind) {from, to, kind, optional};
}

static void fill_gwd(struct template *t)
{
	snprintf(t->paths[0], sizeof(t->paths[0]), "%s", init.state_dir);
	snprintf(t->paths[1], sizeof(t->paths[1]), "%s", init.run_dir);
	template_bind(t, t->paths[0], "state", BIND_RW, false);
	template_bind(t, t->paths[1], "run", BIND_RO, false);
	template_bind(t, "/usr/share/zoneinfo", NULL, BIND_RO, true);
	/* names of the users who asked, for the history */
	template_bind(t, "/etc/passwd", NULL, BIND_RO, true);
	template_bind(t, "/etc/group", NULL, BIND_RO, true);
	template_bind(t, "/etc/nsswitch.conf", NULL, BIND_RO, true);
}

static int judge(const struct msg_init_spawn *s, char *text)
{
	const char *wrong = NULL;
	bool host = s->role == ROLE_GWD || s->role == ROLE_RULEC;

	if (s->role >= ROLE_MAX || !roles[s->role].name)
		wrong = "no such role";
	else if (host ? s->slot != MSG_HOST_SLOT : s->slot >= MSG_HOST_SLOT)
		wrong = "a slot that this role can't have";
	else if (s->role == ROLE_QEMU && (s->memory_mib < MEMORY_LEAST_MIB ||
					     s->memory_mib > MEMORY_MOST_MIB))
		wrong = "memory out of bounds: 64 MiB to 256 GiB";
	else if (s->role == ROLE_QEMU && (s->cpus < 1 || s->cpus > CPUS_MOST))
		wrong = "processors out of bounds: 1 to 32";
	else if (s->role == ROLE_QEMU && s->kvm > 1)
		wrong = "no such accelerator";
	if (wrong) {
		snprintf(text, JAIL_TEXT_SIZE, "%s", wrong);
		return -EINVAL;
	}
	if (s->role == ROLE_QEMU && s->kvm && !init.kvm) {
		snprintf(text, JAIL_TEXT_SIZE,
		    "KVM is not offered here: `gw doctor` says why");
		return -EOPNOTSUPP;
	}
	return 0;
}

static void fill_common(struct template *t, const struct role *r)
{
	struct jail *jail = &t->jail;

	for (size_t i = 0; i < sizeof(common_binds) / sizeof(*common_binds);
	     i++)
		jail->bind[jail->bind_len++] = common_binds[i];
	jail->argv[0] = r->name;
	jail->program = t->program;
	jail->at = t->program + 1;
	jail->files = r->files;
	jail->processes = r->processes;
	jail->cpu_s = r->cpu_s;
	jail->memory = r->memory;
	jail->file_size = r->file_size;
	jail->proc = r->proc;
	jail->sys = r->sys;
	jail->keep_chroot = r->keep_chroot;
	jail->umask = 0077;
}

int template_fill(struct template *t, const struct msg_init_spawn *s,
    char text[JAIL_TEXT_SIZE])
{
	int error = judge(s, text);

	if (error)
		return error;
	memset(t, 0, sizeof(*t));
	const struct role *r = &roles[s->role];
	if (!find_program(s->role, t->program, sizeof(t->program))) {
		snprintf(text, JAIL_TEXT_SIZE,
		    "%s is not installed: `gw deps` and `gw build` do that",
		    r->name);
		return -ENOENT;
	}
	fill_common(t, r);
	/* QEMU finds its firmware from where it is; ours needs no folder */
	t->jail.at = r->built ? r->name : &TEMPLATE_QEMU[1];
	t->jail.uid = t->jail.gid = init_uid(s->slot, s->role);
	if (s->role == ROLE_QEMU)
		template_fill_qemu(t, s);
	if (s->role == ROLE_GWD)
		fill_gwd(t);
	if (s->role == ROLE_RULEC) {
		t->jail.argv[1] = "--fds";
		template_bind(t, "/usr/share/zoneinfo", NULL, BIND_RO, true);
	}
	if (s->role == ROLE_DATAPLANE || s->role == ROLE_QEMU) {
		snprintf(t->paths[0], sizeof(t->paths[0]), "%s/slot-%u/vhost",
		    init.run_dir, s->slot);
		template_bind(t, t->paths[0], "vhost",
		    s->role == ROLE_QEMU ? BIND_RW : BIND_RO, false);
	}
	return 0;
}
