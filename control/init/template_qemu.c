/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QEMU's template: everything by descriptor but the vhost-user socket, for
 * which QEMU 7.2 takes a path only. Called by template.c.
 *
 * Descriptors (control/msg/msg.h, INIT_SPAWN): 4 kernel, 5 initrd, 6 disk, 7
 * overlay, 8 QMP, 9 serial console, 10 agent. Under TCG each virtio device has
 * vectors=0, as QEMU 7.2 crashes with vhost-user and MSI-X there.
 */
#include "control/init/template_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include "control/init/init.h"
#include "control/msg/log.h"

/* One option; value may be NULL. */
static void add(struct template *t, const char *option, const char *value)
{
	unsigned len = 0;

	while (t->jail.argv[len])
		len++;
	if (len + 3 > JAIL_ARG_MAX)
		die("a template outgrew its arguments: %s", option);
	t->jail.argv[len] = option;
	t->jail.argv[len + 1] = value;
}

/* One option whose value has numbers in it, kept in the template. */
static void __attribute__((format(printf, 3, 4)))
print(struct template *t, const char *option, const char *format, ...)
{
	char *at = t->text + t->text_size;
	size_t room = sizeof(t->text) - t->text_size;
	va_list args;

	va_start(args, format);
	int size = vsnprintf(at, room, format, args);
	va_end(args);
	if (size < 0 || (size_t)size >= room)
		die("a template outgrew its room: %s", format);
	t->text_size += (size_t)size + 1;
	add(t, option, at);
}

static void add_machine(struct template *t, const struct msg_init_spawn *s)
{
	print(t, "-name", "slot-%u", s->slot);
	add(t, "-nodefaults", NULL);
	add(t, "-no-user-config", NULL);
	add(t, "-no-reboot", NULL); /* a guest that reboots is refreshed */
	add(t, "-display", "none");
	add(t, "-sandbox",
	    "on,obsolete=deny,elevateprivileges=deny,spawn=deny,"
	    "resourcecontrol=deny");
	print(t, "-machine", "pc,accel=%s,memory-backend=mem",
	    s->kvm ? "kvm" : "tcg");
	add(t, "-cpu", s->kvm ? "host" : "qemu64");
	print(t, "-smp", "%u", s->cpus);
	print(t, "-m", "%u", s->memory_mib);
	print(t, "-object", "memory-backend-memfd,id=mem,size=%uM,share=on",
	    s->memory_mib);
	add(t, "-kernel", "/dev/fd/4");
	add(t, "-initrd", "/dev/fd/5");
	add(t, "-append", "console=ttyS0 quiet panic=-1 root=/dev/vda");
}

static void add_disk(struct template *t, const char *vectors)
{
	add(t, "-add-fd", "fd=6,set=1");
	add(t, "-blockdev",
	    "driver=file,node-name=master-file,filename=/dev/fdset/1,"
	    "read-only=on,auto-read-only=off,locking=off");
	add(t, "-blockdev",
	    "driver=raw,node-name=master,file=master-file,read-only=on");
	add(t, "-add-fd", "fd=7,set=2");
	add(t, "-blockdev",
	    "driver=file,node-name=overlay-file,filename=/dev/fdset/2,"
	    "locking=off");
	add(t, "-blockdev",
	    "driver=qcow2,node-name=overlay,file=overlay-file,backing=master");
	print(t, "-device", "virtio-blk-pci,drive=overlay%s", vectors);
}

static void add_network(
    struct template *t, const struct msg_init_spawn *s, const char *vectors)
{
	const uint8_t *m = s->mac;

	add(t, "-chardev",
	    "socket,id=vhost,path=/vhost/vhost.sock,server=on,wait=off");
	add(t, "-netdev", "vhost-user,id=net,chardev=vhost");
	print(t, "-device",
	    "virtio-net-pci,netdev=net,romfile=,"
	    "mac=%02x:%02x:%02x:%02x:%02x:%02x%s",
	    m[0], m[1], m[2], m[3], m[4], m[5], vectors);
}

static void add_channels(struct template *t, const char *vectors)
{
	add(t, "-chardev", "socket,id=qmp,fd=8");
	add(t, "-mon", "chardev=qmp,mode=control");
	add(t, "-chardev", "socket,id=serial,fd=9");
	add(t, "-device", "isa-serial,chardev=serial");
	add(t, "-chardev", "socket,id=agent,fd=10");
	print(t, "-device", "virtio-serial-pci,id=ports%s", vectors);
	add(t, "-device",
	    "virtserialport,bus=ports.0,chardev=agent,"
	    "name=org.guestgateway.agent");
}

static void add_identity(
    struct template *t, const struct msg_init_spawn *s, const char *vectors)
{
	const uint8_t *g = s->vmgenid;

	add(t, "-object", "rng-builtin,id=random");
	print(t, "-device", "virtio-rng-pci,rng=random%s", vectors);
	add(t, "-device", "pvpanic");
	print(t, "-device",
	    "vmgenid,guid=%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
	    "%02x%02x%02x%02x%02x%02x",
	    g[0], g[1], g[2], g[3], g[4], g[5], g[6], g[7], g[8], g[9], g[10],
	    g[11], g[12], g[13], g[14], g[15]);
}

void template_fill_qemu(struct template *t, const struct msg_init_spawn *s)
{
	const char *vectors = s->kvm ? "" : ",vectors=0";
	struct stat st;

	add_machine(t, s);
	add_disk(t, vectors);
	add_network(t, s, vectors);
	add_channels(t, vectors);
	add_identity(t, s, vectors);
	template_bind(t, "/usr/share/qemu", NULL, BIND_RO, false);
	template_bind(t, "/usr/share/seabios", NULL, BIND_RO, false);
	if (s->kvm) {
		template_bind(t, "/dev/kvm", NULL, BIND_DEVICE, false);
		if (!stat("/dev/kvm", &st) && !(st.st_mode & S_IWOTH))
			t->jail.extra_group = st.st_gid;
	}
	/* its group is the dataplane's, which alone may connect */
	t->jail.gid = init_uid(s->slot, ROLE_DATAPLANE);
	t->jail.umask = 0007;
}
