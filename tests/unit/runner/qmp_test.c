/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QMP against a QEMU that this test plays, polite and hostile. The lines are
 * those of QEMU's docs/interop/qmp-spec.txt and of a QEMU 7.2.
 */
#include <fcntl.h>
#include <setjmp.h>
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

#include "guest-runner/qmp.h"

#define GREETING                                                            \
	"{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, " \
	"\"major\": 7}, \"package\": \"Debian\"}, \"capabilities\": "       \
	"[\"oob\"]}}\r\n"
#define RETURN "{\"return\": {}}\r\n"

struct stage {
	struct event_base *base;
	struct qmp *qmp;
	int qemu; /* QEMU's end */
	int seen[QMP_EVENT_MAX];
	char detail[256];
};

static void on_event(void *arg, enum qmp_event event, const char *detail)
{
	struct stage *s = arg;

	s->seen[event]++;
	snprintf(s->detail, sizeof(s->detail), "%s", detail);
}

static int set_up(void **state)
{
	struct stage *s = calloc(1, sizeof(*s));
	int pair[2];

	s->base = event_base_new();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0)
		return -1;
	s->qemu = pair[1];
	s->qmp = qmp_create(s->base, pair[0], on_event, s);
	*state = s;
	return s->qmp == NULL;
}

static int tear_down(void **state)
{
	struct stage *s = *state;

	qmp_destroy(s->qmp);
	if (s->qemu >= 0)
		close(s->qemu);
	event_base_free(s->base);
	free(s);
	return 0;
}

/* QEMU says something, qmp.c hears it. */
static void say(struct stage *s, const char *text, size_t size)
{
	while (size > 0) {
		ssize_t n = write(s->qemu, text, size);

		if (n > 0) {
			text += n;
			size -= (size_t)n;
		}
		event_base_loop(s->base, EVLOOP_NONBLOCK);
		if (n <= 0 && (s->seen[QMP_FAILED] || s->seen[QMP_CLOSED]))
			return;
	}
	event_base_loop(s->base, EVLOOP_NONBLOCK);
}

static void say_text(struct stage *s, const char *text)
{
	say(s, text, strlen(text));
}

static void expect_command(struct stage *s, const char *name)
{
	char text[256] = "", want[64];

	assert_true(read(s->qemu, text, sizeof(text) - 1) > 0);
	snprintf(want, sizeof(want), "\"%s\"", name);
	assert_non_null(strstr(text, want));
}

static void shake_hands(struct stage *s)
{
	say_text(s, GREETING);
	expect_command(s, "qmp_capabilities");
	say_text(s, RETURN);
	assert_int_equal(s->seen[QMP_READY], 1);
}

static void events_of_qemu_are_told(void **state)
{
	struct stage *s = *state;

	shake_hands(s);
	say_text(s,
	    "{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, "
	    "\"event\": \"RESET\", \"data\": {\"guest\": true, \"reason\": "
	    "\"guest-reset\"}}\r\n");
	assert_int_equal(s->seen[QMP_RESET], 1);
	assert_string_equal(s->detail, "guest-reset");
	say_text(s, "{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, "
		    "\"event\": \"GUEST_PANICKED\", \"data\": {\"action\": "
		    "\"pause\"}}\r\n{\"timestamp\": {\"seconds\": 1, "
		    "\"microseconds\": 2}, \"event\": \"SHUTDOWN\", \"data\": "
		    "{\"guest\": true, \"reason\": \"guest-shutdown\"}}\r\n");
	assert_int_equal(s->seen[QMP_PANICKED], 1);
	assert_int_equal(s->seen[QMP_SHUTDOWN], 1);
	assert_string_equal(s->detail, "guest-shutdown");
	close(s->qemu);
	s->qemu = -1;
	event_base_loop(s->base, EVLOOP_NONBLOCK);
	assert_int_equal(s->seen[QMP_CLOSED], 1);
	assert_int_equal(s->seen[QMP_FAILED], 0);
}

static void a_message_in_single_bytes_is_one_message(void **state)
{
	const char text[] = GREETING;
	struct stage *s = *state;

	for (size_t i = 0; i < strlen(text); i++)
		say(s, text + i, 1);
	expect_command(s, "qmp_capabilities");
}

static void a_line_without_end_fails_and_is_bounded(void **state)
{
	static char noise[QMP_LINE_MAX * 2];
	struct stage *s = *state;

	shake_hands(s);
	memset(noise, ' ', sizeof(noise));
	say(s, noise, sizeof(noise));
	assert_int_equal(s->seen[QMP_FAILED], 1);
	assert_non_null(strstr(s->detail, "without end"));
}

static void nesting_without_end_fails(void **state)
{
	static char deep[60000];
	struct stage *s = *state;

	shake_hands(s);
	memset(deep, '[', sizeof(deep));
	say(s, "{\"a\":", 5);
	say(s, deep, sizeof(deep));
	say(s, "\n", 1);
	assert_int_equal(s->seen[QMP_FAILED], 1);
}

static void what_is_no_message_fails(void **state)
{
	static const char *const bad[] = {"x\n", "[]\n", "{\n", "\"QMP\"\n",
	    "{\"a\":1,\"a\":2}\n", "{\"event\":\"\xff\"}\n",
	    "{\"event\":\"a\\u0000b\"}\n"};
	struct qmp_line line;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		qmp_parse_line(bad[i], strlen(bad[i]) - 1, &line);
		assert_int_equal(line.kind, QMP_BAD);
	}
}

static void long_texts_are_cut(void **state)
{
	char text[400] = "{\"error\": {\"desc\": \"";
	struct qmp_line line;

	memset(text + strlen(text), 'x', 300);
	strcat(text, "\"}}");
	qmp_parse_line(text, strlen(text), &line);
	assert_int_equal(line.kind, QMP_ERROR);
	assert_int_equal(strlen(line.text), sizeof(line.text) - 1);
}

static void no_greeting_first_fails(void **state)
{
	struct stage *s = *state;

	say_text(s, RETURN);
	assert_int_equal(s->seen[QMP_FAILED], 1);
}

static void events_of_odd_types_are_harmless(void **state)
{
	struct stage *s = *state;

	shake_hands(s);
	say_text(s, "{\"event\": 7}\r\n");
	say_text(s, "{\"event\": \"SHUTDOWN\", \"data\": [1]}\r\n");
	say_text(s, "{\"event\": \"RESET\", \"data\": {\"reason\": {}}}\r\n");
	say_text(s, "{\"event\": \"NEVER_HEARD_OF\"}\r\n");
	assert_int_equal(s->seen[QMP_SHUTDOWN], 1);
	assert_int_equal(s->seen[QMP_RESET], 1);
	assert_int_equal(s->seen[QMP_FAILED], 0);
}

static void stop_presses_the_button_then_quits(void **state)
{
	struct timeval limit = {0, 60000};
	struct stage *s = *state;

	shake_hands(s);
	qmp_stop(s->qmp, 20);
	expect_command(s, "system_powerdown");
	event_base_loopexit(s->base, &limit);
	event_base_dispatch(s->base);
	expect_command(s, "quit");
}

static void stop_without_grace_quits_at_once(void **state)
{
	struct stage *s = *state;

	shake_hands(s);
	qmp_stop(s->qmp, 0);
	expect_command(s, "quit");
}

static void stop_before_the_greeting_is_kept(void **state)
{
	char none[16];
	struct stage *s = *state;

	qmp_stop(s->qmp, 0);
	assert_int_equal(read(s->qemu, none, sizeof(none)), -1);
	say_text(s, GREETING);
	expect_command(s, "qmp_capabilities");
	say_text(s, RETURN);
	expect_command(s, "quit");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(events_of_qemu_are_told),
	    CASE(a_message_in_single_bytes_is_one_message),
	    CASE(a_line_without_end_fails_and_is_bounded),
	    CASE(nesting_without_end_fails),
	    CASE(no_greeting_first_fails),
	    CASE(events_of_odd_types_are_harmless),
	    CASE(stop_presses_the_button_then_quits),
	    CASE(stop_without_grace_quits_at_once),
	    CASE(stop_before_the_greeting_is_kept),
	    cmocka_unit_test(what_is_no_message_fails),
	    cmocka_unit_test(long_texts_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
