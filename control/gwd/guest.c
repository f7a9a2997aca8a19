/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest does next. Called by method_guest.c (commands), dataplane.c,
 * runner.c and slot.c (reports), load.c (policies), in gwd's loop.
 *
 * Theory of operation. A guest is in one phase; a command or a report is an
 * event; the table below says for each phase and event what is done and which
 * phase follows. Starting: TAPs, dataplane and runner are asked for at once;
 * when the dataplane is live (QEMU needs its other end) and the image is
 * prepared QEMU is started; when the agent says hello the guest runs. Ending:
 * the link is closed first, then QEMU, runner, dataplane and TAPs go; the event
 * GONE comes when gw-init has reported the end of all. A refresh is both, with
 * a fresh overlay, MAC address and vmgenid.
 */
#include "control/gwd/guest.h"

#include "control/gwd/gwd.h"
#include "control/gwd/slot.h"
#include "control/msg/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define START_LIMIT_S 180 /* image, dataplane, boot; TCG is slow */
#define STOP_LIMIT_S  5	  /* beyond the grace; then SIGKILL */

enum happening {
	HAPPEN_START,	/* command */
	HAPPEN_STOP,	/* command */
	HAPPEN_REFRESH, /* command */
	HAPPEN_READY,	/* image prepared, or dataplane live */
	HAPPEN_HELLO,	/* the agent is there */
	HAPPEN_BROKEN,	/* a part failed or ended by itself */
	HAPPEN_GONE,	/* the last part has ended */
	HAPPEN_MAX,
};

static const char *const phase_text[] = {
    "stopped", "starting", "running", "stopping", "refreshing", "failed"};
_Static_assert(
    sizeof(phase_text) / sizeof(phase_text[0]) == PHASE_MAX, "phases");

/* What a cell of the table does. */
typedef void guest_act(struct guest *guest);
static guest_act begin, advance, halt, nothing;

struct cell {
	guest_act *act; /* NULL: the command is refused in this phase */
	enum guest_phase next;
};

/* clang-format off */
static const struct cell table[PHASE_MAX][HAPPEN_MAX] = {
	[PHASE_STOPPED] = {
		[HAPPEN_START]   = {begin, PHASE_STARTING},
		[HAPPEN_STOP]    = {nothing, PHASE_STOPPED}, /* it is */
		[HAPPEN_REFRESH] = {NULL, PHASE_STOPPED}, /* start does that */
		[HAPPEN_READY]   = {nothing, PHASE_STOPPED}, /* late */
		[HAPPEN_HELLO]   = {nothing, PHASE_STOPPED}, /* late */
		[HAPPEN_BROKEN]  = {nothing, PHASE_STOPPED}, /* late */
		[HAPPEN_GONE]    = {nothing, PHASE_STOPPED},
	},
	[PHASE_STARTING] = {
		[HAPPEN_START]   = {nothing, PHASE_STARTING}, /* joins it */
		[HAPPEN_STOP]    = {halt, PHASE_STOPPING},
		[HAPPEN_REFRESH] = {nothing, PHASE_STARTING}, /* it is fresh */
		[HAPPEN_READY]   = {advance, PHASE_STARTING},
		[HAPPEN_HELLO]   = {nothing, PHASE_RUNNING},
		[HAPPEN_BROKEN]  = {halt, PHASE_FAILED},
		[HAPPEN_GONE]    = {nothing, PHASE_FAILED}, /* all at once */
	},
	[PHASE_RUNNING] = {
		[HAPPEN_START]   = {nothing, PHASE_RUNNING}, /* it is */
		[HAPPEN_STOP]    = {halt, PHASE_STOPPING},
		[HAPPEN_REFRESH] = {halt, PHASE_REFRESHING},
		[HAPPEN_READY]   = {nothing, PHASE_RUNNING}, /* new dataplane */
		[HAPPEN_HELLO]   = {nothing, PHASE_RUNNING}, /* guest rebooted */
		[HAPPEN_BROKEN]  = {halt, PHASE_FAILED},
		[HAPPEN_GONE]    = {nothing, PHASE_FAILED},
	},
	[PHASE_STOPPING] = {
		[HAPPEN_START]   = {NULL, PHASE_STOPPING}, /* wait for the end */
		[HAPPEN_STOP]    = {nothing, PHASE_STOPPING}, /* joins it */
		[HAPPEN_REFRESH] = {NULL, PHASE_STOPPING},
		[HAPPEN_READY]   = {nothing, PHASE_STOPPING}, /* too late */
		[HAPPEN_HELLO]   = {nothing, PHASE_STOPPING}, /* too late */
		[HAPPEN_BROKEN]  = {nothing, PHASE_STOPPING}, /* as wanted */
		[HAPPEN_GONE]    = {nothing, PHASE_STOPPED},
	},
	[PHASE_REFRESHING] = {
		[HAPPEN_START]   = {nothing, PHASE_REFRESHING}, /* joins it */
		[HAPPEN_STOP]    = {nothing, PHASE_STOPPING}, /* is halted */
		[HAPPEN_REFRESH] = {nothing, PHASE_REFRESHING}, /* joins it */
		[HAPPEN_READY]   = {nothing, PHASE_REFRESHING}, /* the old one */
		[HAPPEN_HELLO]   = {nothing, PHASE_REFRESHING}, /* the old one */
		[HAPPEN_BROKEN]  = {nothing, PHASE_REFRESHING}, /* as wanted */
		[HAPPEN_GONE]    = {begin, PHASE_STARTING},
	},
	[PHASE_FAILED] = {
		[HAPPEN_START]   = {halt, PHASE_REFRESHING}, /* clear, start */
		[HAPPEN_STOP]    = {halt, PHASE_STOPPING}, /* clear */
		[HAPPEN_REFRESH] = {halt, PHASE_REFRESHING},
		[HAPPEN_READY]   = {nothing, PHASE_FAILED}, /* late */
		[HAPPEN_HELLO]   = {nothing, PHASE_FAILED}, /* late */
		[HAPPEN_BROKEN]  = {nothing, PHASE_FAILED}, /* first one counts */
		[HAPPEN_GONE]    = {nothing, PHASE_FAILED},
	},
};
/* clang-format on */

const char *guest_phase_name(enum guest_phase phase)
{
	return phase_text[phase];
}

bool guest_is_active(const struct guest *guest)
{
	return guest->phase == PHASE_STARTING || guest->phase == PHASE_RUNNING;
}

bool guest_is_starting(const struct guest *guest)
{
	return guest->phase == PHASE_STARTING;
}

static bool is_gone(const struct guest *guest)
{
	return guest->dp.state == DATAPLANE_NONE &&
	       guest->runner.state == PART_NONE &&
	       guest->runner.qemu == PART_NONE;
}

/* ---- calls that wait ---- */

static bool is_resting(enum guest_phase phase)
{
	return phase == PHASE_STOPPED || phase == PHASE_RUNNING ||
	       phase == PHASE_FAILED;
}

static void answer_call(struct guest *guest, struct rpc_call *call, bool stop)
{
	if (guest->phase == PHASE_FAILED)
		rpc_fail(call, GW_EXIT_FAILED, "%s failed: %s", guest->name,
		    guest->text);
	else if (is_resting(guest->phase) &&
		 stop != (guest->phase == PHASE_STOPPED))
		rpc_fail(call, GW_EXIT_CHANGED,
		    "%s was %s by somebody else meanwhile", guest->name,
		    stop ? "started" : "stopped");
	else
		rpc_reply(call, json_pack("{s:s, s:s}", "guest", guest->name,
				    "state", phase_text[guest->phase]));
}

static void answer_waiters(struct guest *guest)
{
	for (size_t i = 0; i < GUEST_WAITER_MAX; i++) {
		struct rpc_call *call = guest->waiter[i].call;

		guest->waiter[i].call = NULL;
		if (call)
			answer_call(guest, call, guest->waiter[i].stop);
	}
}

/* Answer now when the guest rests, the caller won't wait, or too many do. */
static void answer_or_wait(
    struct guest *guest, struct rpc_call *call, bool wait, bool stop)
{
	for (size_t i = 0; wait && i < GUEST_WAITER_MAX; i++) {
		if (is_resting(guest->phase))
			break;
		if (guest->waiter[i].call)
			continue;
		guest->waiter[i].call = call;
		guest->waiter[i].stop = stop;
		return;
	}
	answer_call(guest, call, stop);
}

/* ---- the machine ---- */

static void set_deadline(struct guest *guest, int seconds)
{
	struct timeval limit = {.tv_sec = seconds};

	if (seconds)
		event_add(guest->deadline, &limit);
	else
		event_del(guest->deadline);
}

/* Returns false when the table refuses it. */
static bool happen(struct guest *guest, enum happening what)
{
	enum guest_phase before = guest->phase;
	const struct cell *cell = &table[before][what];

	if (!cell->act)
		return false;
	guest->phase = cell->next;
	if (before != cell->next) {
		guest->since_s = gwd_time_s();
		log_info(guest->name, "guest is %s", phase_text[cell->next]);
		if (is_resting(cell->next))
			set_deadline(guest, 0);
		if (cell->next == PHASE_STARTING)
			set_deadline(guest, START_LIMIT_S);
	}
	cell->act(guest);
	if (guest->phase != before && is_resting(guest->phase))
		answer_waiters(guest);
	return true;
}

static void nothing(struct guest *guest)
{
}

/* Everything is gone when this is called: start it fresh. */
static void begin(struct guest *guest)
{
	const struct generation *live = generation_live();
	const struct policy_image *image;
	uint32_t index = POLICY_NONE;

	guest->text[0] = '\0';
	if (live) {
		image = &live->image;
		index = policy_image_find_guest(image, guest->name);
	}
	if (index == POLICY_NONE) {
		guest_broken(guest, "the policy in force does not name it");
		return;
	}
	if (getrandom(guest->mac, sizeof(guest->mac), 0) !=
	    sizeof(guest->mac)) {
		guest_broken(guest, "no random bytes");
		return;
	}
	guest->mac[0] = 0x02; /* locally administered, unicast */
	guest->starts++;
	slot_keep();
	network_tap_guest(guest);
	dataplane_start(guest);
	if (guest->phase == PHASE_STARTING)
		runner_start(
		    guest, policy_text(image, image->guest[index].image));
}

static void advance(struct guest *guest)
{
	const struct generation *live = generation_live();
	uint32_t index;

	if (guest->dp.state != DATAPLANE_LIVE || !guest->runner.prepared ||
	    guest->runner.qemu != PART_NONE || !live)
		return;
	index = policy_image_find_guest(&live->image, guest->name);
	if (index != POLICY_NONE)
		runner_start_qemu(guest, live->image.guest[index].memory_mib);
}

static void check_gone(struct guest *guest);

/* Close the link, end all parts. */
static void halt(struct guest *guest)
{
	dataplane_stop(guest);
	network_untap_guest(guest);
	if (guest->phase == PHASE_FAILED)
		runner_kill(guest);
	else
		runner_stop(guest, guest->grace_ms);
	set_deadline(guest, STOP_LIMIT_S + (guest->grace_ms + 999) / 1000);
	check_gone(guest);
}

static void check_gone(struct guest *guest)
{
	if (is_gone(guest) && !guest_is_active(guest))
		happen(guest, HAPPEN_GONE);
}

void guest_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct guest *guest = arg;

	if (guest->phase == PHASE_STARTING) {
		guest_broken(guest, "it did not start within %d s: %s",
		    START_LIMIT_S,
		    guest->runner.qemu == PART_ALIVE
			? "its agent is silent, see `gwctl guest console`"
			: "a part of it did not get ready, see the logs");
		return;
	}
	runner_kill(guest);
	set_deadline(guest, STOP_LIMIT_S);
}

void guest_broken(struct guest *guest, const char *format, ...)
{
	va_list args;

	if (guest_is_active(guest)) {
		va_start(args, format);
		vsnprintf(guest->text, sizeof(guest->text), format, args);
		va_end(args);
		log_error(guest->name, "%s", guest->text);
	}
	happen(guest, HAPPEN_BROKEN);
	check_gone(guest);
}

void guest_part_ready(struct guest *guest)
{
	happen(guest, HAPPEN_READY);
}

void guest_said(struct guest *guest)
{
	const struct msg_run_state *said = &guest->runner.said;

	switch (said->state) {
	case GUEST_RUNNING:
		happen(guest, HAPPEN_HELLO);
		break;
	case GUEST_FAILED:
		guest_broken(guest, "%s", said->text);
		break;
	case GUEST_STOPPED:
		guest_broken(guest, "the guest powered itself off");
		break;
	}
}

void guest_part_ended(uint32_t role, uint32_t slot, int status)
{
	struct guest *guest = slot_guest(slot);

	if (!guest) {
		log_warn(NULL, "a child of no guest ended role=%u slot=%u",
		    role, slot);
		return;
	}
	switch (role) {
	case ROLE_DATAPLANE:
		dataplane_ended(guest, status);
		break;
	case ROLE_RUNNER:
		runner_ended(guest);
		guest_broken(guest, "its runner ended");
		break;
	case ROLE_QEMU:
		runner_qemu_ended(guest);
		guest_broken(guest, "QEMU ended");
		/* The runner has nothing left to do. */
		if (!guest_is_active(guest))
			runner_kill(guest);
		break;
	}
	check_gone(guest);
}

/* ---- commands ---- */

static struct guest *make(struct rpc_call *call, const char *name)
{
	struct guest *guest = guest_find(name);
	const struct generation *live = generation_live();

	if (!live) {
		rpc_fail(call, GW_EXIT_FAILED,
		    "no policy is in force: load one with `gwctl policy "
		    "load FILE`");
		return NULL;
	}
	if (policy_image_find_guest(&live->image, name) == POLICY_NONE) {
		rpc_fail(call, GW_EXIT_FAILED,
		    "the policy in force has no guest \"%.47s\": see `gwctl "
		    "guest list`",
		    name);
		return NULL;
	}
	if (!guest)
		guest = slot_make(name);
	if (!guest)
		rpc_fail(call, GW_EXIT_FAILED, "no slot is free for %s", name);
	return guest;
}

static void refused(struct guest *guest, struct rpc_call *call)
{
	rpc_fail(call, GW_EXIT_CHANGED, "%s is %s%s", guest->name,
	    phase_text[guest->phase],
	    guest->phase == PHASE_STOPPED ? ": start it instead" : "");
}

void guest_start(struct rpc_call *call, const char *name, bool wait)
{
	struct guest *guest = make(call, name);

	if (!guest)
		return;
	guest->grace_ms = 0;
	if (happen(guest, HAPPEN_START))
		answer_or_wait(guest, call, wait, false);
	else
		refused(guest, call);
}

void guest_refresh(struct rpc_call *call, const char *name, bool wait)
{
	struct guest *guest = make(call, name);

	if (!guest)
		return;
	guest->grace_ms = 0;
	if (happen(guest, HAPPEN_REFRESH))
		answer_or_wait(guest, call, wait, false);
	else
		refused(guest, call);
}

void guest_stop(struct rpc_call *call, const char *name, uint32_t grace_ms)
{
	struct guest *guest = guest_find(name);

	if (!guest)
		guest = make(call, name);
	if (!guest)
		return;
	guest->grace_ms = grace_ms;
	if (happen(guest, HAPPEN_STOP)) {
		if (guest->phase != PHASE_FAILED)
			guest->text[0] = '\0'; /* of an earlier failure */
		answer_or_wait(guest, call, true, true);
	} else
		refused(guest, call);
}

/* ---- policies ---- */

unsigned int guest_load_all(const struct generation *generation)
{
	unsigned int waiting = 0;
	struct guest *guest;

	GUEST_FOREACH(guest)
	{
		if (guest->dp.state != DATAPLANE_LIVE)
			continue;
		guest->dp.awaited = dataplane_load(guest, generation);
		waiting += guest->dp.awaited;
	}
	return waiting;
}

unsigned int guest_swap_all(const struct generation *generation)
{
	unsigned int waiting = 0;
	struct guest *guest;

	GUEST_FOREACH(guest)
	{
		if (guest->dp.state != DATAPLANE_LIVE ||
		    guest->dp.loading != generation->serial)
			continue;
		guest->dp.awaited = dataplane_swap(guest, generation->serial);
		waiting += guest->dp.awaited;
	}
	return waiting;
}

void guest_kill_unanswered(void)
{
	struct guest *guest;

	GUEST_FOREACH(guest)
	{
		if (guest->dp.awaited)
			dataplane_kill(guest, "it does not answer a load");
	}
}

void guest_end_load(void)
{
	struct guest *guest;

	GUEST_FOREACH(guest)
	guest->dp.awaited = false;
}

void guest_policy_changed(void)
{
	const struct generation *live = generation_live();
	struct guest *guest;

	GUEST_FOREACH(guest)
	{
		uint32_t index =
		    policy_image_find_guest(&live->image, guest->name);

		if (index == POLICY_NONE && guest_is_active(guest))
			guest_broken(guest, "the policy in force no longer "
					    "names it");
		else if (guest->dp.state == DATAPLANE_LIVE &&
			 guest->dp.live != live->serial)
			dataplane_kill(guest, "it did not follow the swap");
	}
}

void guest_take_up(void)
{
	struct guest *guest;

	GUEST_FOREACH(guest)
	{
		struct runner *runner = &guest->runner;

		if (is_gone(guest))
			continue;
		if (!generation_live() || runner->state != PART_ALIVE ||
		    runner->qemu != PART_ALIVE ||
		    policy_image_find_guest(&generation_live()->image,
			guest->name) == POLICY_NONE) {
			guest->phase = PHASE_STOPPING;
			halt(guest);
			continue;
		}
		log_info(guest->name, "guest outlived gwd, taken up again");
		guest->phase = PHASE_RUNNING;
		guest->since_s = gwd_time_s();
		network_tap_guest(guest);
		dataplane_start(guest);
	}
}
