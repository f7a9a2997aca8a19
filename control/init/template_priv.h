/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between template.c and template_qemu.c.
 */
#pragma once

#include "control/init/template.h"

#define TEMPLATE_QEMU "/usr/bin/qemu-system-x86_64"

/* One more bind of the root; the strings must live as long as the template. */
void template_bind(struct template *template, const char *from, const char *to,
    enum jail_bind_kind kind, bool optional);

/* QEMU's arguments, binds and groups. spawn: judged already. */
void template_fill_qemu(
    struct template *template, const struct msg_init_spawn *spawn);
