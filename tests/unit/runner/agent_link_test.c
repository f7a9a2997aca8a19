/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * agent_link.c against an agent that this test plays, honest and hostile.
 */
#include <errno.h>
#include <fcntl.h>
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

#include "guest-runner/agent/frame.h"
#include "guest-runner/agent_link.h"

#define LIMIT_MS 60

struct stage {
	struct event_base *base;
	struct agent_link *link;
	struct frame_reader reader; /* of what the host sends */
	int guest;		    /* the agent's end */
	int hellos, silents, dones;
	char detail[256];
	uint32_t token;
	int error, exit_code;
	bool truncated;
};

static void on_event(void *arg, enum agent_event event, const char *detail)
{
	struct stage *s = arg;

	if (event == AGENT_HELLO)
		s->hellos++;
	else if (event == AGENT_SILENT)
		s->silents++;
	else
		return;
	snprintf(s->detail, sizeof(s->detail), "%s", detail);
}

static void on_done(
    void *arg, uint32_t token, int error, int exit_code, bool truncated)
{
	struct stage *s = arg;

	s->dones++;
	s->token = token;
	s->error = error;
	s->exit_code = exit_code;
	s->truncated = truncated;
}

static const struct agent_calls calls = {on_event, on_done};

static int set_up(void **state)
{
	struct stage *s = calloc(1, sizeof(*s));
	int pair[2];

	signal(SIGPIPE, SIG_IGN);
	s->base = event_base_new();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0)
		return -1;
	s->guest = pair[1];
	s->reader.from = FRAME_FROM_HOST;
	s->link = agent_link_create(s->base, pair[0], LIMIT_MS, &calls, s);
	*state = s;
	return s->link == NULL;
}

static int tear_down(void **state)
{
	struct stage *s = *state;

	agent_link_destroy(s->link);
	close(s->guest);
	event_base_free(s->base);
	free(s);
	return 0;
}

static void turn(struct stage *s)
{
	for (int i = 0; i < 4; i++)
		event_base_loop(s->base, EVLOOP_NONBLOCK);
}

static void pass_time(struct stage *s, int ms)
{
	struct timeval limit = {ms / 1000, ms % 1000 * 1000};

	event_base_loopexit(s->base, &limit);
	event_base_dispatch(s->base);
}

static void say(struct stage *s, enum frame_type type, uint16_t id,
    const void *body, size_t size)
{
	uint8_t out[FRAME_SIZE_MAX];

	size = frame_write(out, type, id, body, size);
	assert_int_equal(write(s->guest, out, size), size);
	turn(s);
}

static void say_hello(struct stage *s)
{
	say(s, FRAME_HELLO, 0,
	    "gwagent1"
	    "\1\2\3\4"
	    "6.1.0",
	    17);
}

static void say_exit(struct stage *s, uint16_t id, int error, int code)
{
	uint8_t body[8];

	frame_put_u32(body, (uint32_t)error);
	frame_put_u32(body + 4, (uint32_t)code);
	say(s, FRAME_EXIT, id, body, sizeof(body));
}

/* What the host sent, or type 0. */
static struct frame hear(struct stage *s)
{
	struct frame f = {0};
	size_t room;
	uint8_t *at = frame_room(&s->reader, &room);
	ssize_t n = read(s->guest, at, room);

	if (n > 0)
		frame_added(&s->reader, (size_t)n);
	if (frame_next(&s->reader, &f) != 1)
		f.type = 0;
	return f;
}

/* Begin a command; our end of its output, and its id. */
static int begin(
    struct stage *s, uint32_t token, uint32_t limit_ms, uint16_t *id)
{
	struct frame f;
	int ends[2];

	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	assert_int_equal(
	    agent_link_exec(s->link, token, limit_ms, "date", ends[1]), 0);
	f = hear(s);
	assert_int_equal(f.type, FRAME_EXEC);
	assert_int_equal(f.size, 8);
	assert_memory_equal(f.body + 4, "date", 4);
	*id = f.id;
	return ends[0];
}

static void expect_lost(struct stage *s)
{
	struct frame f;

	assert_int_equal(s->silents, 1);
	assert_non_null(strstr(s->detail, "no sense"));
	pass_time(s, AGENT_ASK_MS / 10 + 50);
	do
		f = hear(s);
	while (f.type != 0 && f.type != FRAME_HELLO);
	assert_int_equal(f.type, FRAME_HELLO);
	say_hello(s);
	assert_int_equal(s->hellos, 2);
}

static void a_command_runs_and_ends(void **state)
{
	struct stage *s = *state;
	char text[16] = "";
	uint16_t id;
	int fd;

	say_hello(s);
	assert_int_equal(s->hellos, 1);
	assert_string_equal(s->detail, "6.1.0");
	fd = begin(s, 42, 0, &id);
	say(s, FRAME_OUTPUT, id, "now\n", 4);
	assert_int_equal(read(fd, text, sizeof(text)), 4);
	assert_string_equal(text, "now\n");
	assert_int_equal(s->dones, 0);
	say_exit(s, id, 0, 3);
	assert_int_equal(s->dones, 1);
	assert_int_equal(s->token, 42);
	assert_int_equal(s->error, 0);
	assert_int_equal(s->exit_code, 3);
	assert_false(s->truncated);
	assert_int_equal(read(fd, text, sizeof(text)), 0);
	close(fd);
}

static void output_of_two_commands_is_kept_apart(void **state)
{
	struct stage *s = *state;
	uint16_t id[2];
	char text[16] = "";
	int fd[2];

	say_hello(s);
	fd[0] = begin(s, 1, 0, &id[0]);
	fd[1] = begin(s, 2, 0, &id[1]);
	assert_int_not_equal(id[0], id[1]);
	say(s, FRAME_OUTPUT, id[1], "two", 3);
	say(s, FRAME_OUTPUT, id[0], "one", 3);
	assert_int_equal(read(fd[0], text, sizeof(text)), 3);
	assert_string_equal(text, "one");
	assert_int_equal(read(fd[1], text, sizeof(text)), 3);
	assert_string_equal(text, "two");
	close(fd[0]);
	close(fd[1]);
}

static void no_more_than_eight_at_once(void **state)
{
	int fd[FRAME_EXEC_MAX], ends[2];
	struct stage *s = *state;
	uint16_t id;

	say_hello(s);
	for (int i = 0; i < FRAME_EXEC_MAX; i++)
		fd[i] = begin(s, (uint32_t)i, 0, &id);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(
	    agent_link_exec(s->link, 9, 0, "date", ends[1]), -EBUSY);
	close(ends[0]);
	say_exit(s, id, 0, 0);
	close(begin(s, 10, 0, &id));
	for (int i = 0; i < FRAME_EXEC_MAX; i++)
		close(fd[i]);
}

static void nothing_runs_without_an_agent_or_a_command(void **state)
{
	struct stage *s = *state;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(
	    agent_link_exec(s->link, 1, 0, "date", ends[1]), -ENOTCONN);
	close(ends[0]);
	say_hello(s);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(agent_link_exec(s->link, 1, 0, "", ends[1]), -EINVAL);
	close(ends[0]);
}

static void a_command_past_its_limit_is_killed(void **state)
{
	struct stage *s = *state;
	struct frame f;
	uint16_t id;
	int fd;

	say_hello(s);
	fd = begin(s, 1, 30, &id);
	pass_time(s, 80);
	f = hear(s);
	assert_int_equal(f.type, FRAME_KILL);
	assert_int_equal(f.id, id);
	say_exit(s, id, 0, 137);
	assert_int_equal(s->error, -ETIMEDOUT);
	assert_int_equal(s->exit_code, 137);
	close(fd);
}

static void a_kill_without_answer_is_given_up(void **state)
{
	struct stage *s = *state;
	uint16_t id;
	int fd;

	say_hello(s);
	fd = begin(s, 1, 30, &id);
	pass_time(s, 30 + AGENT_ANSWER_MS + 100);
	assert_int_equal(s->dones, 1);
	assert_int_equal(s->error, -ETIMEDOUT);
	/* What it still says of that command is skipped. */
	s->silents = 0;
	say(s, FRAME_OUTPUT, id, "late", 4);
	say_exit(s, id, 0, 0);
	assert_int_equal(s->silents, 0);
	assert_int_equal(s->dones, 1);
	close(fd);
}

static void a_reader_that_goes_away_kills_its_command(void **state)
{
	struct stage *s = *state;
	struct frame f;
	uint16_t id;

	say_hello(s);
	close(begin(s, 1, 0, &id)); /* never wrote a byte */
	turn(s);
	f = hear(s);
	assert_int_equal(f.type, FRAME_KILL);
	assert_int_equal(f.id, id);
	say_exit(s, id, 0, 137);
	assert_int_equal(s->dones, 1);
	assert_true(s->truncated);
}

static void a_slow_reader_gets_all_and_grants_follow_it(void **state)
{
	static char bytes[FRAME_WINDOW * 4];
	struct stage *s = *state;
	size_t left = FRAME_WINDOW, seen = 0, granted = 0;
	struct frame f;
	uint16_t id;
	int fd;

	say_hello(s);
	fd = begin(s, 1, 0, &id);
	for (; left > 0; left -= FRAME_OUTPUT_MAX)
		say(s, FRAME_OUTPUT, id, bytes, FRAME_OUTPUT_MAX);
	/* 64 KiB wait in the pipe. They are granted anew, then wait here. */
	while ((f = hear(s)).type == FRAME_GRANT)
		granted += frame_get_u32(f.body);
	assert_int_equal(granted, FRAME_WINDOW);
	for (left = granted; left > 0; left -= FRAME_OUTPUT_MAX)
		say(s, FRAME_OUTPUT, id, bytes, FRAME_OUTPUT_MAX);
	assert_int_equal(hear(s).type, 0);
	say_exit(s, id, 0, 0);
	assert_int_equal(s->dones, 0);
	for (int i = 0; i < 64; i++) {
		ssize_t n = read(fd, bytes, sizeof(bytes));

		seen += n > 0 ? (size_t)n : 0;
		turn(s);
	}
	assert_int_equal(seen, 2 * FRAME_WINDOW);
	assert_int_equal(s->dones, 1);
	assert_false(s->truncated);
	close(fd);
}

static void more_than_was_granted_makes_no_sense(void **state)
{
	static uint8_t bytes[FRAME_OUTPUT_MAX];
	struct stage *s = *state;
	uint16_t id;
	int fd;

	say_hello(s);
	fd = begin(s, 1, 0, &id);
	assert_int_equal(fcntl(fd, F_SETPIPE_SZ, 4096), 4096);
	for (int i = 0; i < 40 && s->silents == 0; i++)
		say(s, FRAME_OUTPUT, id, bytes, sizeof(bytes));
	assert_int_equal(s->dones, 1);
	assert_int_equal(s->error, -ECONNRESET);
	assert_true(s->truncated);
	expect_lost(s);
	close(fd);
}

static void an_exit_twice_or_of_odd_error_is_harmless(void **state)
{
	struct stage *s = *state;
	uint16_t id;
	int fd;

	say_hello(s);
	fd = begin(s, 1, 0, &id);
	say_exit(s, id, 0, 0);
	say_exit(s, id, 0, 0); /* of no command: skipped */
	assert_int_equal(s->silents, 0);
	close(fd);
	fd = begin(s, 2, 0, &id);
	say_exit(s, id, 17, 0);
	assert_int_equal(s->error, -ECONNRESET);
	expect_lost(s);
	close(fd);
}

static void malformed_bytes_lose_the_agent_until_it_says_hello(void **state)
{
	struct stage *s = *state;
	uint16_t id;
	int fd;

	say_hello(s);
	fd = begin(s, 1, 0, &id);
	assert_int_equal(
	    write(s->guest, "\xff\xff\xff\xff\xff\xff\xff\xff", 8), 8);
	turn(s);
	assert_int_equal(s->dones, 1);
	assert_int_equal(s->error, -ECONNRESET);
	expect_lost(s);
	close(fd);
	fd = begin(s, 2, 0, &id);
	say_exit(s, id, 0, 0);
	assert_int_equal(s->error, 0);
	close(fd);
}

static void anything_before_hello_makes_no_sense(void **state)
{
	struct stage *s = *state;

	say(s, FRAME_BEAT, 0, "12345678", 8);
	assert_int_equal(s->silents, 1);
	assert_int_equal(agent_link_beats(s->link), 0);
}

static void silence_is_told_once_and_a_beat_ends_it(void **state)
{
	struct stage *s = *state;

	say_hello(s);
	for (int i = 0; i < 4; i++) {
		pass_time(s, LIMIT_MS / 2);
		say(s, FRAME_BEAT, 0, "12345678", 8);
	}
	assert_int_equal(s->silents, 0);
	assert_int_equal(agent_link_beats(s->link), 4);
	pass_time(s, LIMIT_MS * 3);
	assert_int_equal(s->silents, 1);
	say(s, FRAME_BEAT, 0, "12345678", 8);
	assert_int_equal(s->hellos, 2);
}

static void a_new_agent_ends_the_commands_of_the_old_one(void **state)
{
	struct stage *s = *state;
	uint16_t id;
	int fd;

	say_hello(s);
	fd = begin(s, 1, 0, &id);
	say_hello(s); /* the same agent again: nothing happens */
	assert_int_equal(s->dones, 0);
	say(s, FRAME_HELLO, 0,
	    "gwagent1"
	    "\7\7\7\7"
	    "6.1.0",
	    17);
	assert_int_equal(s->dones, 1);
	assert_int_equal(s->error, -ECONNRESET);
	close(fd);
}

static void an_abandoned_command_is_killed_and_told_to_nobody(void **state)
{
	struct stage *s = *state;
	uint16_t id;
	int fd;

	say_hello(s);
	fd = begin(s, 1, 0, &id);
	agent_link_abandon(s->link);
	assert_int_equal(hear(s).type, FRAME_KILL);
	say_exit(s, id, 0, 137);
	assert_int_equal(s->dones, 0);
	close(fd);
}

/* Run `true` padded to the longest command, which the agent ends at once
 * without ever reading it; ids count up from the first. */
static int run_unread(struct stage *s, uint16_t id)
{
	char command[FRAME_COMMAND_MAX + 1];
	int ends[2], error;

	memset(command, ' ', sizeof(command) - 1);
	memcpy(command, "true", 4);
	command[sizeof(command) - 1] = '\0';
	assert_int_equal(pipe(ends), 0);
	error = agent_link_exec(s->link, 1, 0, command, ends[1]);
	close(ends[0]);
	if (error == 0)
		say_exit(s, id, 0, 0);
	return error;
}

static void a_guest_that_never_reads_is_bounded(void **state)
{
	struct stage *s = *state;
	uint8_t bytes[65536];
	uint16_t id = 0;
	int error = 0;

	say_hello(s);
	while (error == 0 && id < 4000)
		error = run_unread(s, ++id);
	assert_int_equal(error, -EBUSY);
	assert_int_equal(s->silents, 0);
	for (int i = 0; i < 100; i++) {
		while (read(s->guest, bytes, sizeof(bytes)) > 0)
			;
		turn(s);
	}
	assert_int_equal(run_unread(s, ++id), 0);
}

static void odd_letters_of_the_release_are_hidden(void **state)
{
	struct stage *s = *state;

	say(s, FRAME_HELLO, 0,
	    "gwagent1"
	    "\1\2\3\4"
	    "a\x1b[2J\n\xff",
	    19);
	assert_string_equal(s->detail, "a?[2J??");
}

static void random_frames_never_break_it(void **state)
{
	struct stage *s = *state;
	uint32_t seed = 88675123u;
	uint8_t bytes[64];
	uint16_t id;

	for (int i = 0; i < 20000; i++) {
		for (size_t j = 0; j < sizeof(bytes); j++) {
			seed = seed * 1664525u + 1013904223u;
			bytes[j] = seed >> 24 & 0x80 ? 0 : seed >> 24 & 0xf;
		}
		if (i % 50 == 0) {
			say_hello(s);
			say_hello(s);
		}
		if (i % 50 == 1 && s->silents < s->hellos) {
			int ends[2];

			assert_int_equal(pipe(ends), 0);
			agent_link_exec(s->link, 1, 0, "x", ends[1]);
			close(ends[0]);
		}
		assert_true(write(s->guest, bytes, seed >> 16 & 63) >= 0);
		turn(s);
		while (read(s->guest, bytes, sizeof(bytes)) > 0)
			;
	}
	/* It still works. */
	memset(&s->reader, 0, sizeof(s->reader));
	agent_link_reset(s->link);
	say_hello(s);
	close(begin(s, 7, 0, &id));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_command_runs_and_ends),
	    CASE(output_of_two_commands_is_kept_apart),
	    CASE(no_more_than_eight_at_once),
	    CASE(nothing_runs_without_an_agent_or_a_command),
	    CASE(a_command_past_its_limit_is_killed),
	    CASE(a_kill_without_answer_is_given_up),
	    CASE(a_reader_that_goes_away_kills_its_command),
	    CASE(a_slow_reader_gets_all_and_grants_follow_it),
	    CASE(more_than_was_granted_makes_no_sense),
	    CASE(an_exit_twice_or_of_odd_error_is_harmless),
	    CASE(malformed_bytes_lose_the_agent_until_it_says_hello),
	    CASE(anything_before_hello_makes_no_sense),
	    CASE(silence_is_told_once_and_a_beat_ends_it),
	    CASE(a_new_agent_ends_the_commands_of_the_old_one),
	    CASE(an_abandoned_command_is_killed_and_told_to_nobody),
	    CASE(a_guest_that_never_reads_is_bounded),
	    CASE(odd_letters_of_the_release_are_hidden),
	    CASE(random_frames_never_break_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
