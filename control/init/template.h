/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The compiled-in templates: what each role's process sees, may and is called
 * with. Called by child.c and supervise.c of gw-init.
 */
#pragma once

#include "control/init/jail.h"
#include "control/msg/msg.h"

/* A filled template; the argument strings live in it. */
struct template
{
	struct jail jail;
	char program[600];
	char paths[2][600]; /* host side of binds that depend on options */
	char text[4096];    /* argument strings with numbers */
	size_t text_size;
};

/*
 * Fill the template of a role. spawn: numbers from gwd, not yet trusted.
 * Descriptors are the caller's to add. text: why not, for people.
 * Returns 0; -EINVAL for numbers out of bounds; -ENOENT when the program is
 * not installed; -EOPNOTSUPP for KVM where it is not offered.
 */
int template_fill(struct template *template, const struct msg_init_spawn *spawn,
    char text[JAIL_TEXT_SIZE]);

/* Descriptors that a spawn of the role must carry. */
unsigned template_fd_len(uint32_t role);
/* "gw-dataplane"; NULL for a role that is not started here. */
const char *template_name(uint32_t role);
/* Whether the process gets a channel to gwd through its CHILD link. */
bool template_has_channel(uint32_t role);
/* Find every program; logs the missing ones. -ENOENT when gwd is missing. */
int template_check_programs(void);
