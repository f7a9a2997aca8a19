/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One guest (guest.h): ties QMP, console and agent together and says what
 * state it is in. Called by main.c in gw-runner's one thread.
 *
 * Theory of operation. What happens, and the state it leads to; "-" keeps it:
 *
 *	             STOPPED  BOOTING  RUNNING  SILENT   PANICKED FAILED
 *	start        BOOTING  .        .        .        .        .
 *	hello        -        RUNNING  -        RUNNING  -        -
 *	silent       -        -        SILENT   -        -        -
 *	reset        -        -        BOOTING  BOOTING  BOOTING  -
 *	panic        -        PANICKED PANICKED PANICKED -        -
 *	QMP failed   -        FAILED   FAILED   FAILED   FAILED   -
 *	QEMU gone    -        STOPPED  STOPPED  STOPPED  -        -
 *
 * QEMU gone without a SHUTDOWN before is FAILED instead of STOPPED. A guest
 * can cause changes as fast as it likes; they are told at most STATE_BURST at
 * once and then one each STATE_MS, always ending with the true one. Heartbeats
 * are told with every BEATS_A_STATE-th of them.
 */
#include "guest-runner/guest.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "control/msg/log.h"
#include "guest-runner/agent_link.h"
#include "guest-runner/console.h"
#include "guest-runner/manifest.h"
#include "guest-runner/overlay.h"
#include "guest-runner/qmp.h"
#include "guest-runner/sealed.h"

#define STATE_MS      200l
#define STATE_BURST   8
#define BEATS_A_STATE 5 /* the state is told again, with their number */

_Static_assert(MANIFEST_TEXT_SIZE == MSG_TEXT_SIZE, "one sentence");
_Static_assert(MANIFEST_NAME_SIZE == MSG_NAME_SIZE, "one name");

enum end { END_QMP, END_SERIAL, END_AGENT, END_MAX };

struct guest {
	struct event_base *base;
	const char *object;
	const struct guest_calls *calls;
	void *arg;
	bool known; /* there is or was a guest */
	bool shut_down;
	char shut_down_why[MSG_TEXT_SIZE];
	uint32_t heartbeat_limit_ms;
	struct msg_run_state state;
	uint32_t burst; /* states that may be told at once */
	bool untold;	/* the last state waits for the timer */
	struct event *timer;
	struct log_limit limit;
	int end[END_MAX]; /* ours, from prepare to start; else -1 */
	struct qmp *qmp;
	struct console *console;
	struct agent_link *agent;
};

static const char *const state_names[] = {
    [GUEST_STOPPED] = "stopped",
    [GUEST_BOOTING] = "booting",
    [GUEST_RUNNING] = "running",
    [GUEST_SILENT] = "silent",
    [GUEST_PANICKED] = "panicked",
    [GUEST_FAILED] = "failed",
};
_Static_assert(sizeof(state_names) / sizeof(state_names[0]) == GUEST_STATE_MAX,
    "a name for every state");

/* ---- telling the state ---- */

static void tell(struct guest *guest)
{
	struct timeval wait = {0, STATE_MS * 1000};

	guest->untold = guest->burst == 0;
	if (!guest->untold) {
		struct msg_run_state state;

		guest->burst--;
		guest_get_state(guest, &state);
		guest->calls->state(guest->arg, &state);
	}
	if (!event_pending(guest->timer, EV_TIMEOUT, NULL))
		evtimer_add(guest->timer, &wait);
}

static void refill(evutil_socket_t fd, short what, void *arg)
{
	struct timeval wait = {0, STATE_MS * 1000};
	struct guest *guest = arg;

	if (guest->burst < STATE_BURST)
		guest->burst++;
	if (guest->untold)
		tell(guest);
	if (guest->burst < STATE_BURST)
		evtimer_add(guest->timer, &wait);
}

static void enter(
    struct guest *guest, enum msg_guest_state state, const char *text)
{
	guest->state.state = state;
	snprintf(guest->state.text, sizeof(guest->state.text), "%s", text);
	if (log_allow(&guest->limit))
		log_info(
		    guest->object, "guest is %s: %s", state_names[state], text);
	tell(guest);
}

int guest_get_state(const struct guest *guest, struct msg_run_state *state)
{
	*state = guest->state;
	if (guest->agent != NULL)
		state->beats = agent_link_beats(guest->agent);
	return guest->known;
}

/* ---- what QMP and the agent report ---- */

static bool is(const struct guest *guest, unsigned int states)
{
	return (1u << guest->state.state & states) != 0;
}

#define ALIVE (1u << GUEST_BOOTING | 1u << GUEST_RUNNING | 1u << GUEST_SILENT)

static void on_gone(struct guest *guest)
{
	agent_link_reset(guest->agent);
	if (!is(guest, ALIVE))
		return;
	if (guest->shut_down)
		enter(guest, GUEST_STOPPED, guest->shut_down_why);
	else
		enter(guest, GUEST_FAILED, "QEMU ended without saying why");
}

static void on_shutdown(struct guest *guest, const char *detail)
{
	guest->shut_down = true;
	snprintf(guest->shut_down_why, sizeof(guest->shut_down_why),
	    "shut down: %s", detail);
}

static void on_qmp(void *arg, enum qmp_event event, const char *detail)
{
	struct guest *guest = arg;

	switch (event) {
	case QMP_READY:
		break; /* the agent's hello says more */
	case QMP_SHUTDOWN:
		on_shutdown(guest, detail);
		break;
	case QMP_RESET:
		agent_link_reset(guest->agent);
		if (is(guest, 1u << GUEST_RUNNING | 1u << GUEST_SILENT |
				  1u << GUEST_PANICKED))
			enter(guest, GUEST_BOOTING, "the guest was reset");
		break;
	case QMP_PANICKED:
		if (is(guest, ALIVE))
			enter(guest, GUEST_PANICKED,
			    "the guest's kernel panicked");
		break;
	case QMP_CLOSED:
		on_gone(guest);
		break;
	case QMP_FAILED:
		agent_link_reset(guest->agent);
		if (is(guest, ALIVE | 1u << GUEST_PANICKED))
			enter(guest, GUEST_FAILED, detail);
		break;
	case QMP_EVENT_MAX:
		break;
	}
}

static void on_agent(void *arg, enum agent_event event, const char *detail)
{
	struct guest *guest = arg;
	char text[MSG_TEXT_SIZE];

	if (event == AGENT_BEAT) {
		if (agent_link_beats(guest->agent) % BEATS_A_STATE == 0)
			tell(guest);
	} else if (event == AGENT_SILENT) {
		if (is(guest, 1u << GUEST_RUNNING))
			enter(guest, GUEST_SILENT, detail);
	} else if (is(guest, 1u << GUEST_BOOTING | 1u << GUEST_SILENT)) {
		if (detail[0] != '\0')
			snprintf(text, sizeof(text), "kernel %s", detail);
		else
			snprintf(text, sizeof(text), "the agent beats again");
		enter(guest, GUEST_RUNNING, text);
	}
}

static void on_done(
    void *arg, uint32_t token, int error, int exit_code, bool truncated)
{
	struct guest *guest = arg;
	struct msg_run_exec_done done = {.token = token,
	    .error = error,
	    .exit_code = exit_code,
	    .truncated = truncated};

	guest->calls->exec_done(guest->arg, &done);
}

static const struct agent_calls agent_calls = {on_agent, on_done};

/* ---- preparing ---- */

static void forget(struct guest *guest)
{
	for (int i = 0; i < END_MAX; i++) {
		if (guest->end[i] >= 0)
			close(guest->end[i]);
		guest->end[i] = -1;
	}
	if (guest->agent != NULL)
		agent_link_reset(guest->agent);
	agent_link_destroy(guest->agent);
	console_destroy(guest->console);
	qmp_destroy(guest->qmp);
	guest->agent = NULL;
	guest->console = NULL;
	guest->qmp = NULL;
	guest->known = false;
	guest->shut_down = false;
	memset(&guest->state, 0, sizeof(guest->state));
}

static int read_small(int fd, char *bytes, size_t room)
{
	ssize_t n = pread(fd, bytes, room, 0);

	return n < 0 ? -errno : (int)n;
}

static int load_manifest(const struct msg_run_image *image, const int *in,
    struct manifest *manifest, char *why)
{
	char key[MANIFEST_KEY_SIZE_MAX + 1], text[MANIFEST_SIZE_MAX + 1];
	int key_size, size, error;

	key_size = read_small(in[GUEST_IN_KEY], key, sizeof(key));
	size = read_small(in[GUEST_IN_MANIFEST], text, sizeof(text));
	if (key_size < 0 || size < 0) {
		snprintf(why, MSG_TEXT_SIZE, "cannot read the %s: %s",
		    key_size < 0 ? "trusted key" : "manifest",
		    strerror(key_size < 0 ? -key_size : -size));
		return key_size < 0 ? key_size : size;
	}
	error = manifest_verify(
	    text, (size_t)size, key, (size_t)key_size, manifest, why);
	if (error == 0)
		error = manifest_demand(
		    manifest, image->name, image->least_version, why);
	return error;
}

/* Copy and compare the parts; out: PART_MAX descriptors. */
static int load_parts(
    const struct manifest *manifest, const int *in, int *out, char *why)
{
	for (int i = 0; i < PART_MAX; i++) {
		const char *name = manifest_part_name(i);
		struct manifest_file file = {0};
		/* One byte more shows that a file is too long. */
		int fd = sealed_copy(in[GUEST_IN_PARTS + i], name,
		    manifest->part[i].size + 1, &file);

		if (fd == -EFBIG) {
			snprintf(why, MSG_TEXT_SIZE,
			    "%s is longer than the manifest says: it was "
			    "altered or is of another build",
			    name);
			return -EBADMSG;
		}
		if (fd < 0) {
			snprintf(why, MSG_TEXT_SIZE, "cannot copy %s: %s", name,
			    strerror(-fd));
			return fd;
		}
		out[i] = fd;
		if (!manifest_part_matches(manifest, i, &file, why))
			return -EBADMSG;
	}
	out[PART_DISK] = sealed_read_only(out[PART_DISK]);
	return 0;
}

/* The overlay and both ends of the three channels. */
static int make_channels(
    struct guest *guest, uint64_t disk_size, int *out, char *why)
{
	int error = overlay_create(disk_size);

	if (error >= 0) {
		out[PART_MAX] = error;
		error = 0;
	}
	for (int i = 0; i < END_MAX && error == 0; i++) {
		int pair[2];

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) !=
		    0) {
			error = -errno;
			break;
		}
		guest->end[i] = pair[0];
		out[PART_MAX + 1 + i] = pair[1];
		evutil_make_socket_nonblocking(pair[0]);
	}
	if (error != 0)
		snprintf(why, MSG_TEXT_SIZE,
		    "cannot make the overlay of a disk of %llu bytes: %s",
		    (unsigned long long)disk_size, strerror(-error));
	return error;
}

void guest_prepare(struct guest *guest, const struct msg_run_image *image,
    const int *in, struct msg_run_prepared *answer, int *out)
{
	struct manifest manifest;

	memset(answer, 0, sizeof(*answer));
	for (int i = 0; i < GUEST_OUT_MAX; i++)
		out[i] = -1;
	forget(guest);
	guest->heartbeat_limit_ms = image->heartbeat_limit_ms;
	answer->error = load_manifest(image, in, &manifest, answer->text);
	if (answer->error == 0)
		answer->error = load_parts(&manifest, in, out, answer->text);
	if (answer->error == 0)
		answer->error = make_channels(
		    guest, manifest.part[PART_DISK].size, out, answer->text);
	if (answer->error == 0) {
		answer->version = manifest.version;
		log_info(guest->object, "image %s verified version=%llu",
		    manifest.name, (unsigned long long)manifest.version);
		return;
	}
	for (int i = 0; i < GUEST_OUT_MAX; i++)
		if (out[i] >= 0)
			close(out[i]);
	forget(guest);
	log_error(
	    guest->object, "image %s refused: %s", image->name, answer->text);
}

/* ---- orders ---- */

void guest_start(struct guest *guest)
{
	if (guest->end[END_QMP] < 0)
		return; /* not prepared, or started already */
	guest->known = true;
	guest->agent = agent_link_create(guest->base, guest->end[END_AGENT],
	    guest->heartbeat_limit_ms, &agent_calls, guest);
	guest->console = console_create(guest->base, guest->end[END_SERIAL]);
	guest->qmp =
	    qmp_create(guest->base, guest->end[END_QMP], on_qmp, guest);
	for (int i = 0; i < END_MAX; i++)
		guest->end[i] = -1;
	if (guest->agent == NULL || guest->console == NULL ||
	    guest->qmp == NULL) {
		forget(guest);
		guest->known = true;
		enter(guest, GUEST_FAILED, "gw-runner has no memory");
		return;
	}
	enter(guest, GUEST_BOOTING, "QEMU was started");
}

void guest_stop(struct guest *guest, uint32_t grace_ms)
{
	if (guest->qmp != NULL)
		qmp_stop(guest->qmp, grace_ms);
}

void guest_exec(struct guest *guest, const struct msg_run_exec *exec, int fd)
{
	int error = -ENOTCONN;

	if (guest->agent != NULL)
		error = agent_link_exec(guest->agent, exec->token,
		    exec->limit_ms, exec->command, fd);
	else
		close(fd);
	if (error != 0)
		on_done(guest, exec->token, error, 0, false);
}

void guest_join_console(struct guest *guest, int fd)
{
	if (guest->console != NULL)
		console_join(guest->console, fd);
	else
		close(fd);
}

void guest_abandon(struct guest *guest)
{
	if (guest->agent != NULL)
		agent_link_abandon(guest->agent);
}

struct guest *guest_create(struct event_base *base, const char *object,
    const struct guest_calls *calls, void *arg)
{
	struct guest *guest = calloc(1, sizeof(*guest));

	if (guest == NULL)
		return NULL;
	guest->base = base;
	guest->object = object;
	guest->calls = calls;
	guest->arg = arg;
	guest->burst = STATE_BURST;
	guest->timer = evtimer_new(base, refill, guest);
	for (int i = 0; i < END_MAX; i++)
		guest->end[i] = -1;
	if (guest->timer == NULL) {
		free(guest);
		return NULL;
	}
	return guest;
}
