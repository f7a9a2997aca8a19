/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a generation becomes the live one: policy.load, policy.rollback, and the
 * last good one at start. Called by method_policy.c, init_link.c, dataplane.c
 * and the loop.
 *
 * Theory of operation. One load at a time walks through the steps of enum step,
 * each of which waits for something and then calls the next:
 *
 *	COMPILING  gw-rulec turns the bundle into an image (load only)
 *	CHECKING   the job thread seals, maps and validates it
 *	NETWORKS   its networks and the guests' TAPs in them are made
 *	READYING   every dataplane builds its look-ups (DP_LOAD, DP_READY)
 *	STORING    the job thread writes it to the state folder
 *	SWAPPING   every dataplane takes it into force (DP_SWAP, DP_LIVE)
 *
 * A failure before SWAPPING leaves the old generation in force everywhere: what
 * was made for the new one is undone. From SWAPPING on there is no way back: a
 * dataplane that does not follow is killed, and its successor loads the live
 * generation before it is opened. So a packet is judged by the old or the new
 * one, never by none, and a power cut finds either on disk, whole.
 */
#include "control/gwd/dataplane.h"
#include "control/gwd/events.h"
#include "control/gwd/generation.h"
#include "control/gwd/guest.h"
#include "control/gwd/gwd.h"
#include "control/gwd/network.h"
#include "control/gwd/store.h"
#include "control/gwd/work.h"
#include "control/msg/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUNDLE_MAX    (256u << 20) /* bytes */
#define READY_LIMIT_S 60
#define LIVE_LIMIT_S  5

enum step {
	STEP_IDLE,
	STEP_COMPILING,
	STEP_CHECKING,
	STEP_NETWORKS,
	STEP_READYING,
	STEP_STORING,
	STEP_SWAPPING,
	STEP_MAX,
};

static const char *const step_text[] = {
    [STEP_IDLE] = NULL,
    [STEP_COMPILING] = "compiling",
    [STEP_CHECKING] = "checking the image",
    [STEP_NETWORKS] = "making networks",
    [STEP_READYING] = "waiting for dataplanes to be ready",
    [STEP_STORING] = "writing it to the state folder",
    [STEP_SWAPPING] = "waiting for dataplanes to swap",
};
_Static_assert(sizeof(step_text) / sizeof(step_text[0]) == STEP_MAX, "steps");

static struct {
	enum step step;
	struct rpc_call *call; /* NULL: the restore at start */
	bool dry_run;
	bool from_store; /* roll-back or restore */
	uint64_t wanted; /* from_store: serial, 0 = current */
	struct generation *next;
	json_t *diagnostics;
	unsigned int waiting; /* dataplanes that have not answered */
	struct event *limit;
	uint64_t last_serial;
	int error; /* of the job */
	char why[MSG_TEXT_SIZE];
} load;

const char *generation_loading(void)
{
	return step_text[load.step];
}

static void reset(void)
{
	generation_free(load.next);
	json_decref(load.diagnostics);
	if (load.limit)
		event_free(load.limit);
	memset(&load, 0, sizeof(load));
}

/* The restore ended, well or not: gwd may now look after its guests. */
static void restored(void)
{
	guest_take_up();
	network_prune(generation_live());
	gwd_serve();
}

static void undone(void *unused, int error, const char *text)
{
	if (error)
		log_error("policy",
		    "a network of the old policy could not "
		    "be restored: %s",
		    text);
	network_prune(generation_live());
}

/* Refuse the load; the old generation stays. */
static void refuse(enum gw_exit code, const char *why)
{
	struct rpc_call *call = load.call;
	json_t *diagnostics = load.diagnostics;
	bool networks = load.step >= STEP_NETWORKS;
	char text[MSG_TEXT_SIZE]; /* `why` may be load.why */

	snprintf(text, sizeof(text), "%s", why);
	load.diagnostics = NULL;
	guest_end_load();
	reset();
	if (networks)
		network_sync(generation_live(), undone, NULL);
	log_warn("policy", "not loaded: %s", text);
	if (call)
		rpc_fail_data(call, code,
		    diagnostics ? json_pack("{s:o}", "diagnostics", diagnostics)
				: NULL,
		    "%s; the policy in force has not changed", text);
	else
		restored();
}

static json_t *describe(const struct generation *generation)
{
	const uint32_t *len = generation->image.len;
	char hash[65];

	generation_hash(generation, hash);
	return json_pack("{s:I, s:s, s:i, s:i, s:i, s:b, s:O?}", "generation",
	    (json_int_t)generation->serial, "sha256", hash, "guests",
	    (int)len[SECTION_GUEST], "networks", (int)len[SECTION_NETWORK],
	    "rules", (int)len[SECTION_RULE], "dry_run", load.dry_run,
	    "diagnostics", load.diagnostics);
}

static void succeed(void)
{
	struct rpc_call *call = load.call;
	const struct generation *live = generation_live();
	json_t *result = describe(load.dry_run ? load.next : live);

	guest_end_load();
	reset();
	if (call)
		rpc_reply(call, result);
	else
		json_decref(result);
	if (!call)
		restored();
}

static void complete(void)
{
	log_info("policy", "generation %" PRIu64 " is live",
	    generation_live()->serial);
	guest_policy_changed();
	network_prune(generation_live());
	succeed();
}

static void limit_passed(evutil_socket_t fd, short what, void *unused)
{
	/* Their ends come as generation_dp_ended(). */
	if (load.step == STEP_READYING)
		snprintf(load.why, sizeof(load.why),
		    "a dataplane did not get "
		    "ready within %d s",
		    READY_LIMIT_S);
	guest_kill_unanswered();
}

static void set_limit(int seconds)
{
	struct timeval limit = {.tv_sec = seconds};

	if (!load.limit)
		load.limit = evtimer_new(gwd.base, limit_passed, NULL);
	if (load.limit)
		event_add(load.limit, &limit);
}

static void swap(void)
{
	struct generation *next = load.next;

	load.step = STEP_SWAPPING;
	load.next = NULL;
	generation_set_live(next);
	set_limit(LIVE_LIMIT_S);
	load.waiting = guest_swap_all(next);
	if (!load.waiting)
		complete();
}

static void save(void *unused)
{
	load.error = store_save_generation(load.next, generation_live());
}

static void saved(void *unused)
{
	if (load.error) {
		snprintf(load.why, sizeof(load.why),
		    "the state folder can't be written: %s",
		    strerror(-load.error));
		refuse(GW_EXIT_FAILED, load.why);
		return;
	}
	swap();
}

static void keep(void)
{
	load.step = STEP_STORING;
	if (!load.call) { /* the restore: it is there already */
		swap();
		return;
	}
	if (work_queue(save, saved, NULL) < 0)
		refuse(GW_EXIT_FAILED, "too many files wait to be written");
}

static void all_answered(void)
{
	if (load.step == STEP_SWAPPING)
		complete();
	else if (load.why[0])
		refuse(GW_EXIT_FAILED, load.why);
	else
		keep();
}

static void ready_dataplanes(void *unused, int error, const char *text)
{
	/* At start a network may be away: closed, the rest works. */
	if (error && load.call) {
		snprintf(load.why, sizeof(load.why), "%s", text);
		refuse(GW_EXIT_FAILED, load.why);
		return;
	}
	load.step = STEP_READYING;
	set_limit(READY_LIMIT_S);
	load.waiting = guest_load_all(load.next);
	if (!load.waiting)
		all_answered();
}

static void make_networks(void)
{
	load.step = STEP_NETWORKS;
	network_sync(load.next, ready_dataplanes, NULL);
}

static void check(void *unused)
{
	load.error = 0;
	load.last_serial = store_last_serial();
	if (load.from_store)
		load.error = store_load_generation(load.next, load.wanted);
	if (!load.error)
		load.error =
		    generation_check(load.next, load.why, sizeof(load.why));
	else if (load.error == -ENOENT)
		snprintf(load.why, sizeof(load.why),
		    "no such generation is kept: see gwctl policy history");
	else
		snprintf(load.why, sizeof(load.why),
		    "the stored generation is damaged: %s",
		    strerror(-load.error));
}

/* Give it a serial above every earlier one. */
static void number(struct generation *next)
{
	uint64_t last = load.last_serial;

	if (generation_live() && generation_live()->serial > last)
		last = generation_live()->serial;
	if (!load.call)
		return; /* restored under its own */
	if (load.from_store) {
		const char *note = rpc_text(load.call, "note");

		next->again = next->serial;
		next->uid = rpc_uid(load.call);
		snprintf(next->note, sizeof(next->note), "%s",
		    note ? note : "roll-back");
	}
	next->serial = last + 1;
	next->time_s = gwd_time_s();
}

static void checked(void *unused)
{
	char why[MSG_TEXT_SIZE];

	if (load.error == -ENOENT && !load.call) {
		log_info("policy", "no policy was ever loaded");
		reset();
		restored();
		return;
	}
	if (load.error) {
		snprintf(why, sizeof(why), "%s", load.why);
		refuse(GW_EXIT_FAILED, why);
		return;
	}
	load.why[0] = '\0';
	number(load.next);
	if (load.dry_run)
		succeed();
	else
		make_networks();
}

static void start_check(void)
{
	load.step = STEP_CHECKING;
	if (work_queue(check, checked, NULL) < 0)
		refuse(GW_EXIT_FAILED, "too many files wait to be written");
}

static void compiled(int error, const char *text, int image_fd, int country_fd,
    json_t *diagnostics)
{
	char why[MSG_TEXT_SIZE];

	load.next->image_fd = image_fd;
	load.next->country_fd = country_fd;
	load.diagnostics = diagnostics;
	snprintf(why, sizeof(why), "%s", text);
	if (error)
		refuse(
		    error == -EINVAL ? GW_EXIT_REFUSED : GW_EXIT_FAILED, why);
	else
		start_check();
}

/* Room for a load? Else the call has failed. */
static bool begin(struct rpc_call *call)
{
	if (network_busy() || load.step != STEP_IDLE) {
		rpc_fail(call, GW_EXIT_CHANGED,
		    "another policy is being loaded (%s): try again when it "
		    "is done",
		    load.step ? step_text[load.step] : "making networks");
		return false;
	}
	memset(&load, 0, sizeof(load));
	load.next = generation_new();
	if (!load.next) {
		rpc_fail(call, GW_EXIT_FAILED, "gwd is out of memory");
		return false;
	}
	load.call = call;
	load.next->uid = rpc_uid(call);
	return true;
}

static void copy_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

/* NULL when it is a bundle as gwctl makes them; else what is wrong. */
static const char *object_to_bundle(int fd)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	struct stat stat;

	if (fd < 0)
		return "policy.load needs a bundle as a descriptor";
	if (fstat(fd, &stat) < 0 || stat.st_size <= 0 ||
	    stat.st_size > BUNDLE_MAX)
		return "a bundle is between 1 byte and 256 MiB";
	if ((fcntl(fd, F_GET_SEALS) & seals) != seals ||
	    fcntl(fd, F_GET_SEALS) < 0)
		return "a bundle must be a memfd sealed against change";
	return NULL;
}

void generation_load(struct rpc_call *call, int bundle_fd)
{
	const char *objection = object_to_bundle(bundle_fd);
	struct generation *next;
	int error;

	if (objection || !begin(call)) {
		if (bundle_fd >= 0)
			close(bundle_fd);
		if (objection)
			rpc_fail(call, GW_EXIT_USAGE, "%s", objection);
		return;
	}
	next = load.next;
	next->bundle_fd = bundle_fd;
	load.dry_run = rpc_flag(call, "dry_run");
	copy_text(next->note, sizeof(next->note), rpc_text(call, "note"));
	copy_text(next->path, sizeof(next->path), rpc_text(call, "path"));
	load.step = STEP_COMPILING;
	error = generation_compile(bundle_fd, compiled);
	if (error)
		refuse(GW_EXIT_FAILED, "gw-rulec can't be started");
}

void generation_rollback(struct rpc_call *call, uint64_t serial)
{
	if (!begin(call))
		return;
	load.from_store = true;
	load.wanted = serial;
	start_check();
}

void generation_restore(void)
{
	load.from_store = true;
	load.next = generation_new();
	if (load.next)
		start_check();
	else
		restored();
}

void generation_dataplane_answered(
    const struct guest *guest, const char *refusal)
{
	if (refusal)
		snprintf(load.why, sizeof(load.why),
		    "the dataplane of %s refused it: %.120s", guest->name,
		    refusal);
	if (load.waiting && !--load.waiting)
		all_answered();
}
