/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The serial line of console.c: what viewers see of it, and what one of them
 * cannot do to the others or to the guest.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "guest-runner/console.h"

struct stage {
	struct event_base *base;
	struct console *console;
	int guest; /* QEMU's end of the line */
};

static int pair_of(int pair[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair);
}

static int set_up(void **state)
{
	struct stage *s = calloc(1, sizeof(*s));
	int pair[2];

	signal(SIGPIPE, SIG_IGN);
	s->base = event_base_new();
	if (pair_of(pair) != 0)
		return -1;
	s->guest = pair[1];
	s->console = console_create(s->base, pair[0]);
	*state = s;
	return s->console == NULL;
}

static int tear_down(void **state)
{
	struct stage *s = *state;

	console_destroy(s->console);
	if (s->guest >= 0)
		close(s->guest);
	event_base_free(s->base);
	free(s);
	return 0;
}

static void turn(struct stage *s)
{
	event_base_loop(s->base, EVLOOP_NONBLOCK);
}

static int join(struct stage *s, int *error)
{
	int pair[2];

	assert_int_equal(pair_of(pair), 0);
	*error = console_join(s->console, pair[1]);
	return pair[0];
}

static void print(struct stage *s, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t n = write(s->guest, bytes, size);

		if (n > 0) {
			bytes += n;
			size -= (size_t)n;
		}
		turn(s);
	}
	turn(s);
}

static void expect(int fd, const char *text)
{
	char seen[256] = "";

	assert_int_equal(read(fd, seen, sizeof(seen) - 1), strlen(text));
	assert_string_equal(seen, text);
}

static void a_viewer_sees_what_was_and_what_comes(void **state)
{
	struct stage *s = *state;
	int error, viewer;

	print(s, "before ", 7);
	viewer = join(s, &error);
	assert_int_equal(error, 0);
	print(s, "after", 5);
	expect(viewer, "before after");
	close(viewer);
}

static void what_a_viewer_types_reaches_the_guest(void **state)
{
	struct stage *s = *state;
	int error, viewer = join(s, &error);

	assert_int_equal(write(viewer, "ls\n", 3), 3);
	turn(s);
	expect(s->guest, "ls\n");
	close(viewer);
}

static void only_the_last_64_kib_are_kept(void **state)
{
	static char all[CONSOLE_RING_SIZE * 3], seen[CONSOLE_RING_SIZE * 3];
	struct stage *s = *state;
	size_t size = 0;
	int error, viewer;

	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (char)('a' + i % 23);
	print(s, all, sizeof(all));
	viewer = join(s, &error);
	for (int i = 0; i < 50; i++) {
		ssize_t n = read(viewer, seen + size, sizeof(seen) - size);

		if (n > 0)
			size += (size_t)n;
		turn(s);
	}
	assert_int_equal(size, CONSOLE_RING_SIZE);
	assert_memory_equal(seen, all + sizeof(all) - size, size);
	close(viewer);
}

static void a_slow_viewer_holds_up_nobody(void **state)
{
	static char noise[CONSOLE_RING_SIZE];
	struct stage *s = *state;
	int error, slow = join(s, &error), quick = join(s, &error);
	char end[16384];
	ssize_t n, last = 0;
	size_t after = 0;
	int lost = 0;

	memset(noise, 'x', sizeof(noise));
	for (int i = 0; i < 40; i++) {
		print(s, noise, sizeof(noise));
		while (read(quick, end, sizeof(end)) > 0)
			turn(s);
	}
	print(s, "END", 3);
	while ((n = read(quick, end, sizeof(end))) > 0)
		last = n;
	assert_true(last >= 3);
	assert_memory_equal(end + last - 3, "END", 3);
	/* The slow one goes on where the ring begins, and is told so. */
	for (int i = 0; i < 200; i++) {
		n = read(slow, end, sizeof(end));
		if (n > 0)
			last = n;
		lost += n > 0 && memmem(end, (size_t)n, "[output lost", 12);
		after += lost > 0 && n > 0 ? (size_t)n : 0;
		turn(s);
	}
	assert_int_equal(lost, 1);
	assert_true(after >= CONSOLE_RING_SIZE);
	assert_memory_equal(end + last - 3, "END", 3);
	close(slow);
	close(quick);
}

static void a_fifth_viewer_is_told_so(void **state)
{
	struct stage *s = *state;
	int error, viewer[CONSOLE_VIEWER_MAX], more;
	char text[128] = "";

	for (int i = 0; i < CONSOLE_VIEWER_MAX; i++) {
		viewer[i] = join(s, &error);
		assert_int_equal(error, 0);
	}
	more = join(s, &error);
	assert_int_equal(error, -EBUSY);
	assert_true(read(more, text, sizeof(text) - 1) > 0);
	assert_non_null(strstr(text, "too many consoles"));
	close(more);
	close(viewer[0]);
	turn(s);
	more = join(s, &error);
	assert_int_equal(error, 0);
	close(more);
	for (int i = 1; i < CONSOLE_VIEWER_MAX; i++)
		close(viewer[i]);
	turn(s);
	print(s, "still there", 11);
}

static void input_the_guest_does_not_read_is_bounded(void **state)
{
	static char noise[8192];
	struct stage *s = *state;
	int error, viewer = join(s, &error), stuck = 0;

	memset(noise, 'x', sizeof(noise));
	for (int i = 0; i < 1000 && stuck < 50; i++) {
		stuck = write(viewer, noise, sizeof(noise)) < 0 ? stuck + 1 : 0;
		turn(s);
	}
	assert_int_equal(stuck, 50);
	print(s, "out", 3);
	expect(viewer, "out");
	while (read(s->guest, noise, sizeof(noise)) > 0)
		turn(s);
	assert_true(write(viewer, "y", 1) == 1);
	close(viewer);
}

static void consoles_end_with_qemu(void **state)
{
	struct stage *s = *state;
	int error, viewer = join(s, &error);
	char none;

	close(s->guest);
	s->guest = -1;
	turn(s);
	assert_int_equal(read(viewer, &none, 1), 0);
	close(viewer);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_viewer_sees_what_was_and_what_comes),
	    CASE(what_a_viewer_types_reaches_the_guest),
	    CASE(only_the_last_64_kib_are_kept),
	    CASE(a_slow_viewer_holds_up_nobody),
	    CASE(a_fifth_viewer_is_told_so),
	    CASE(input_the_guest_does_not_read_is_bounded),
	    CASE(consoles_end_with_qemu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
