/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON-RPC methods that only look: version, status, networks, flows, counters,
 * events. Called by method.c in gwd's loop.
 */
#include "control/gwd/method.h"

#include "control/gwd/events.h"
#include "control/gwd/guest.h"
#include "control/gwd/gwd.h"
#include "control/gwd/network.h"
#include "control/gwd/query.h"
#include "rules/image/reason.h"

#include <string.h>

#define EVENTS_MAX 1000

void method_version(struct rpc_call *call)
{
	rpc_reply(call, json_pack("{s:s}", "version", GW_VERSION));
}

void method_status(struct rpc_call *call)
{
	const struct generation *live = generation_live();
	const char *loading = generation_loading();
	json_t *phases = json_object();
	const struct guest *guest;

	GUEST_FOREACH(guest)
	{
		const char *phase = guest_phase_name(guest->phase);
		json_t *count = json_object_get(phases, phase);

		json_object_set_new(
		    phases, phase, json_integer(json_integer_value(count) + 1));
	}
	rpc_reply(
	    call, json_pack("{s:s, s:I, s:I, s:I, s:I, s:s, s:b, s:o, s:o, "
			    "s:I, s:I}",
		      "version", GW_VERSION, "uptime",
		      (json_int_t)(gwd_time_s() - gwd.started_s), "generation",
		      live ? (json_int_t)live->serial : (json_int_t)0, "loaded",
		      live ? (json_int_t)live->time_s : (json_int_t)0,
		      "policy_guests",
		      live ? (json_int_t)live->image.len[SECTION_GUEST]
			   : (json_int_t)0,
		      "loading", loading ? loading : "", "kvm", (int)gwd.kvm,
		      "guests", phases, "networks", network_describe(),
		      "events", (json_int_t)events_seen(), "suppressed",
		      (json_int_t)events_suppressed()));
}

void method_network_list(struct rpc_call *call)
{
	rpc_reply(call, json_pack("{s:o}", "networks", network_describe()));
}

void method_reasons(struct rpc_call *call)
{
	json_t *list = json_array();

	for (unsigned int i = 1; i < REASON_MAX; i++)
		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:s, s:b}", "reason", reason_name(i),
			"stage", stage_name(reason_stage(i)), "text",
			reason_text(i), "answered",
			(int)(reason_answer(i) == ANSWER_REJECT)));
	rpc_reply(call, json_pack("{s:o}", "reasons", list));
}

/* Whether the name, if given, is a guest's; else the call has failed. */
static bool check_guest(struct rpc_call *call)
{
	const struct generation *live = generation_live();
	const char *name = rpc_text(call, "guest");

	if (!name || guest_find(name) ||
	    (live &&
		policy_image_find_guest(&live->image, name) != POLICY_NONE))
		return true;
	rpc_fail(call, GW_EXIT_FAILED,
	    "no guest is named \"%.47s\": see `gwctl guest list`", name);
	return false;
}

void method_flow_list(struct rpc_call *call)
{
	if (check_guest(call))
		query_flows(call, rpc_text(call, "guest"));
}

void method_stats(struct rpc_call *call)
{
	if (check_guest(call))
		query_stats(call, rpc_text(call, "guest"));
}

void method_events(struct rpc_call *call)
{
	json_int_t limit = rpc_number(call, "limit", 20);

	if (!check_guest(call))
		return;
	if (limit < 0 || limit > EVENTS_MAX) {
		rpc_fail(call, GW_EXIT_USAGE,
		    "\"limit\" must be between 0 and %d", EVENTS_MAX);
		return;
	}
	if (rpc_flag(call, "follow"))
		rpc_follow(call);
	rpc_reply(call, json_pack("{s:o}", "events",
			    events_list(limit, rpc_text(call, "guest"))));
}

void method_why(struct rpc_call *call)
{
	const char *guest = rpc_text(call, "guest");
	json_int_t id = rpc_number(call, "event", 0);
	json_t *why;

	if (!check_guest(call))
		return;
	why = events_why(id < 0 ? 0 : id, guest);
	if (why)
		rpc_reply(call, why);
	else if (id > 0)
		rpc_fail(call, GW_EXIT_FAILED,
		    "event %lld is not known: the last %d are kept",
		    (long long)id, EVENTS_MAX);
	else
		rpc_fail(call, GW_EXIT_FAILED, "nothing was denied%s%s yet",
		    guest ? " to " : "", guest ? guest : "");
}
