/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * template.c and template_qemu.c: what gw-init would start, without starting
 * it. Expected arguments are written here from DESIGN's list for QEMU.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include "control/init/init.h"
#include "control/init/template.h"

struct init init = {
    .run_dir = "/run/test",
    .state_dir = "/var/test",
    .uid_base = 1000000,
    .kvm = false,
};

static struct template t;
static char text[JAIL_TEXT_SIZE];

static struct msg_init_spawn qemu_spawn(void)
{
	return (struct msg_init_spawn) {
	    .role = ROLE_QEMU,
	    .slot = 9,
	    .memory_mib = 512,
	    .cpus = 2,
	    .mac = {2, 0x67, 0x77, 0xfe, 0, 9},
	    .vmgenid = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
	};
}

/* Whether `option value` stand beside each other. */
static int has(const char *option, const char *value)
{
	for (unsigned i = 0; t.jail.argv[i]; i++) {
		if (strcmp(t.jail.argv[i], option))
			continue;
		if (!value ||
		    (t.jail.argv[i + 1] && !strcmp(t.jail.argv[i + 1], value)))
			return 1;
	}
	return 0;
}

static const char *bind_of(const char *to)
{
	for (unsigned i = 0; i < t.jail.bind_len; i++) {
		if (t.jail.bind[i].to && !strcmp(t.jail.bind[i].to, to))
			return t.jail.bind[i].from;
	}
	return "";
}

static int has_qemu(void)
{
	return !access("/usr/bin/qemu-system-x86_64", X_OK);
}

static void test_qemu_gets_everything_by_descriptor_but_one_path(void **state)
{
	struct msg_init_spawn spawn = qemu_spawn();

	(void)state;
	if (!has_qemu())
		skip();
	assert_int_equal(template_fill(&t, &spawn, text), 0);
	assert_true(has("-nodefaults", NULL));
	assert_true(has("-no-user-config", NULL));
	assert_true(has("-display", "none"));
	assert_true(has("-sandbox",
	    "on,obsolete=deny,elevateprivileges=deny,spawn=deny,"
	    "resourcecontrol=deny"));
	assert_true(has("-machine", "pc,accel=tcg,memory-backend=mem"));
	assert_true(
	    has("-object", "memory-backend-memfd,id=mem,size=512M,share=on"));
	assert_true(has("-kernel", "/dev/fd/4"));
	assert_true(has("-initrd", "/dev/fd/5"));
	assert_true(has("-add-fd", "fd=6,set=1"));
	assert_true(has("-add-fd", "fd=7,set=2"));
	assert_true(has("-chardev", "socket,id=qmp,fd=8"));
	assert_true(has("-chardev", "socket,id=serial,fd=9"));
	assert_true(has("-chardev", "socket,id=agent,fd=10"));
	assert_true(
	    has("-append", "console=ttyS0 quiet panic=-1 root=/dev/vda"));
	assert_true(has("-device",
	    "virtio-net-pci,netdev=net,romfile=,mac=02:67:77:fe:00:09,"
	    "vectors=0"));
	assert_true(has(
	    "-device", "vmgenid,guid=00010203-0405-0607-0809-0a0b0c0d0e0f"));

	unsigned paths = 0;
	for (unsigned i = 1; t.jail.argv[i]; i++) {
		if (strchr(t.jail.argv[i], '/') &&
		    !strstr(t.jail.argv[i], "/dev/fd") &&
		    !strstr(t.jail.argv[i], "root=/dev/vda"))
			paths++;
	}
	assert_int_equal(paths, 1); /* /vhost/vhost.sock */
	assert_string_equal(bind_of("vhost"), "/run/test/slot-9/vhost");
}

static void test_kvm_only_where_it_is_offered(void **state)
{
	struct msg_init_spawn spawn = qemu_spawn();

	(void)state;
	if (!has_qemu())
		skip();
	spawn.kvm = 1;
	assert_int_equal(template_fill(&t, &spawn, text), -EOPNOTSUPP);
	init.kvm = true;
	assert_int_equal(template_fill(&t, &spawn, text), 0);
	init.kvm = false;
	assert_true(has("-machine", "pc,accel=kvm,memory-backend=mem"));
	assert_true(has("-cpu", "host"));
	assert_true(has("-device",
	    "virtio-net-pci,netdev=net,romfile=,mac=02:67:77:fe:00:09"));
}

static void test_uids_are_base_plus_16_times_slot_plus_role(void **state)
{
	struct msg_init_spawn spawn = qemu_spawn();

	(void)state;
	assert_int_equal(init_uid(9, ROLE_QEMU), 1000000 + 144 + 5);
	assert_int_equal(
	    init_uid(MSG_HOST_SLOT, ROLE_GWD), 1000000 + 65520 + 1);
	if (!has_qemu())
		skip();
	assert_int_equal(template_fill(&t, &spawn, text), 0);
	assert_int_equal(t.jail.uid, 1000149);
	assert_int_equal(t.jail.gid, 1000147); /* the dataplane's */
	assert_int_equal(t.jail.umask, 0007);
	assert_false(t.jail.keep_chroot);
}

static void test_numbers_out_of_bounds_are_refused(void **state)
{
	struct msg_init_spawn good = qemu_spawn();
	struct msg_init_spawn bad[8];

	(void)state;
	for (int i = 0; i < 8; i++)
		bad[i] = good;
	bad[0].memory_mib = 63;
	bad[1].memory_mib = UINT32_MAX;
	bad[2].cpus = 0;
	bad[3].cpus = 33;
	bad[4].slot = MSG_HOST_SLOT;
	bad[5].slot = UINT32_MAX;
	bad[6].role = ROLE_VAULT;
	bad[7].kvm = 2;
	for (int i = 0; i < 8; i++) {
		assert_int_equal(template_fill(&t, &bad[i], text), -EINVAL);
		assert_true(strlen(text) > 5);
	}
}

static void test_programs_are_found_in_both_layouts(void **state)
{
	char folder[] = "/tmp/init_template_test.XXXXXX", path[200], in[100];
	struct msg_init_spawn spawn = {.role = ROLE_RUNNER, .slot = 1};

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(init.libexec, sizeof(init.libexec), "%s", folder);
	assert_int_equal(template_fill(&t, &spawn, text), -ENOENT);

	snprintf(in, sizeof(in), "%s/guest-runner", folder);
	mkdir(in, 0755);
	snprintf(path, sizeof(path), "%s/gw-runner", in);
	fclose(fopen(path, "w"));
	assert_int_equal(template_fill(&t, &spawn, text), -ENOENT);
	chmod(path, 0755); /* executable by all, as it runs under its own uid */
	assert_int_equal(template_fill(&t, &spawn, text), 0);
	assert_string_equal(t.program, path);
	unlink(path);
	rmdir(in);

	snprintf(path, sizeof(path), "%s/gw-runner", folder);
	fclose(fopen(path, "w"));
	chmod(path, 0755);
	assert_int_equal(template_fill(&t, &spawn, text), 0);
	assert_string_equal(t.program, path);
	assert_string_equal(t.jail.argv[0], "gw-runner");
	assert_null(t.jail.argv[1]);
	unlink(path);
	rmdir(folder);
	init.libexec[0] = '\0';
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		test_qemu_gets_everything_by_descriptor_but_one_path),
	    cmocka_unit_test(test_kvm_only_where_it_is_offered),
	    cmocka_unit_test(test_uids_are_base_plus_16_times_slot_plus_role),
	    cmocka_unit_test(test_numbers_out_of_bounds_are_refused),
	    cmocka_unit_test(test_programs_are_found_in_both_layouts),
	};

	return cmocka_run_group_tests_name("init_template", tests, NULL, NULL);
}
