/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rpc.c of gwd: no client holds the loop. Requests are stood in for: each line
 * is noted with its client, and answered with as much as the test wants.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "control/gwd/discard.h"
#include "control/gwd/gwd.h"
#include "control/gwd/rpc_priv.h"

#define LINES 200

struct gwd gwd;
static char served[2 * LINES + 1];
static size_t len;
static json_t *answer;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static socklen_t address_size = sizeof(sa_family_t);

void rpc_request(struct rpc_client *client, const char *line, size_t size)
{
	assert_int_equal(size, 1);
	served[len++] = line[0];
	if (answer)
		rpc_send(client, answer);
}

/* Each line takes a second. */
uint64_t gwd_now_ns(void)
{
	static uint64_t now;

	return now += 1000000000u;
}

void rpc_orphan_calls(struct rpc_client *client)
{
}

static void turn(void)
{
	event_base_loop(gwd.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static int join(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(
	    connect(fd, (struct sockaddr *)&address, address_size), 0);
	turn();
	return fd;
}

static void say(int fd, const char *line, size_t times)
{
	for (size_t i = 0; i < times; i++)
		assert_int_equal(write(fd, line, 2), 2);
}

static void test_clients_take_turns_one_line_each(void **state)
{
	int a = join(), b = join();

	len = 0;
	say(a, "a\n", 4);
	say(b, "b\n", 2);
	for (size_t before = 0; len < 6; before = len) {
		turn();
		assert_true(len <= before + 1);
	}
	served[len] = '\0';
	assert_string_equal(served, "ababaa");
	close(a);
	close(b);
	turn();
}

static void test_who_does_not_read_is_not_served(void **state)
{
	static char text[64 << 10], bytes[1 << 20];
	int a = join();
	size_t stuck, got = 0;

	memset(text, 'x', sizeof(text) - 1);
	answer = json_pack("[s]", text);
	len = 0;
	say(a, "a\n", LINES);
	for (int i = 0; i < 3 * LINES; i++)
		turn();
	stuck = len;
	/* 1 MiB, one answer more, and what the socket took */
	assert_in_range(stuck, 16, 32);

	shutdown(a, SHUT_WR); /* what was sent before counts nevertheless */
	fcntl(a, F_SETFL, O_NONBLOCK);
	for (ssize_t size = -1; size != 0; turn()) {
		size = read(a, bytes, sizeof(bytes));
		got += size > 0 ? (size_t)size : 0;
	}
	assert_int_equal(len, LINES);
	assert_int_equal(got, LINES * (sizeof(text) - 1 + strlen("[\"\"]\n")));
	close(a);
	json_decref(answer);
	answer = NULL;
}

static int set_up(void **state)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	gwd.base = event_base_new();
	/* autobind: an abstract name that nobody has */
	if (!gwd.base || bind(fd, (struct sockaddr *)&address, address_size) ||
	    listen(fd, 8))
		return -1;
	address_size = sizeof(address);
	if (getsockname(fd, (struct sockaddr *)&address, &address_size))
		return -1;
	return discard_open() || rpc_listen(fd) ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_clients_take_turns_one_line_each),
	    cmocka_unit_test(test_who_does_not_read_is_not_served),
	};

	return cmocka_run_group_tests_name("rpc", tests, set_up, NULL);
}
