/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON-RPC methods guest.*. Called by method.c in gwd's loop.
 */
#include "control/gwd/method.h"

#include "control/gwd/guest.h"
#include "rules/image/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define GRACE_MAX_MS 600000

static const char *const agent_text[] = {
    "none", "booting", "running", "silent", "panicked", "failed"};
_Static_assert(sizeof(agent_text) / sizeof(agent_text[0]) == GUEST_STATE_MAX,
    "guest states");

static const char *agent_name(const struct guest *guest)
{
	uint32_t state = guest->runner.said.state;

	if (guest->runner.state != PART_ALIVE)
		return agent_text[0]; /* what it said last holds no more */
	return state < GUEST_STATE_MAX ? agent_text[state] : "?";
}

static void add_live_facts(json_t *entry, const struct guest *guest)
{
	struct in_addr address = {htonl(address_of_guest(guest->slot))};
	char text[INET_ADDRSTRLEN], mac[18];

	inet_ntop(AF_INET, &address, text, sizeof(text));
	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x",
	    guest->mac[0], guest->mac[1], guest->mac[2], guest->mac[3],
	    guest->mac[4], guest->mac[5]);
	json_object_update_new(entry,
	    json_pack("{s:s, s:s, s:I, s:i, s:s, s:s, s:s, s:I, s:I, s:I}",
		"state", guest_phase_name(guest->phase), "text", guest->text,
		"since", (json_int_t)guest->since_s, "slot", (int)guest->slot,
		"address", text, "mac", mac, "agent", agent_name(guest),
		"heartbeats", (json_int_t)guest->runner.said.beats,
		"image_version", (json_int_t)guest->runner.version, "starts",
		(json_int_t)guest->starts));
	json_object_set_new(entry, "dataplane",
	    json_pack("{s:s, s:i, s:i, s:I, s:b, s:b, s:b, s:i, s:i}", "state",
		dataplane_state_name(guest->dp.state), "pid",
		(int)guest->dp.pid, "restarts", (int)guest->dp.restarts,
		"generation", (json_int_t)guest->dp.live, "link_up",
		(int)guest->dp.alive.link_up, "hugepages",
		(int)guest->dp.alive.hugepages, "sleeping",
		(int)guest->dp.alive.sleeping, "flows",
		(int)guest->dp.alive.flows, "qemu_pid",
		(int)guest->runner.qemu_pid));
}

static json_t *describe(const struct policy_image *image, uint32_t index)
{
	const struct policy_guest *policy = &image->guest[index];
	const char *name = policy_text(image, policy->name);
	const struct guest *guest = guest_find(name);
	json_t *entry, *networks = json_array(), *profiles = json_array();

	for (uint32_t i = 0; i < image->len[SECTION_NETWORK]; i++) {
		if (policy->network_mask & (1u << i))
			json_array_append_new(networks,
			    json_string(
				policy_text(image, image->network[i].name)));
	}
	for (uint32_t i = 0; i < policy->blocks.len; i++) {
		uint32_t block = image->guest_block[policy->blocks.first + i];

		json_array_append_new(profiles,
		    json_string(policy_text(image, image->block[block].name)));
	}
	entry = json_pack("{s:s, s:s, s:s, s:i, s:o, s:o}", "guest", name,
	    "state", "stopped", "image", policy_text(image, policy->image),
	    "memory_mib", (int)policy->memory_mib, "networks", networks,
	    "blocks", profiles);
	if (guest)
		add_live_facts(entry, guest);
	return entry;
}

void method_guest_list(struct rpc_call *call)
{
	const struct generation *live = generation_live();
	json_t *list = json_array();

	for (uint32_t i = 0; live && i < live->image.len[SECTION_GUEST]; i++)
		json_array_append_new(list, describe(&live->image, i));
	rpc_reply(call, json_pack("{s:o, s:I}", "guests", list, "generation",
			    live ? (json_int_t)live->serial : (json_int_t)0));
}

static bool is_in_force(const char *name)
{
	const struct generation *live = generation_live();

	return live &&
	       policy_image_find_guest(&live->image, name) != POLICY_NONE;
}

static void no_guest(struct rpc_call *call, const char *name)
{
	rpc_fail(call, GW_EXIT_FAILED,
	    "the policy in force has no guest \"%.47s\": see `gwctl guest "
	    "list`",
	    name);
}

void method_guest_show(struct rpc_call *call)
{
	const struct generation *live = generation_live();
	const char *name = rpc_text(call, "guest");

	if (!is_in_force(name))
		no_guest(call, name);
	else
		rpc_reply(
		    call, describe(&live->image,
			      policy_image_find_guest(&live->image, name)));
}

void method_guest_start(struct rpc_call *call)
{
	guest_start(call, rpc_text(call, "guest"), rpc_flag(call, "wait"));
}

void method_guest_stop(struct rpc_call *call)
{
	json_int_t grace_ms = rpc_number(call, "grace_ms", 0);

	if (grace_ms < 0 || grace_ms > GRACE_MAX_MS)
		rpc_fail(call, GW_EXIT_USAGE,
		    "\"grace_ms\" must be between 0 and %d", GRACE_MAX_MS);
	else
		guest_stop(call, rpc_text(call, "guest"), grace_ms);
}

void method_guest_refresh(struct rpc_call *call)
{
	guest_refresh(call, rpc_text(call, "guest"), rpc_flag(call, "wait"));
}

/* A running guest by the call's name, or NULL and the call has failed. */
static struct guest *find_running(struct rpc_call *call)
{
	const char *name = rpc_text(call, "guest");
	struct guest *guest = guest_find(name);

	if (guest && guest->runner.state == PART_ALIVE)
		return guest;
	if (!guest && !is_in_force(name)) {
		no_guest(call, name);
		return NULL;
	}
	rpc_fail(call, GW_EXIT_FAILED,
	    "%.47s is not running: start it with `gwctl guest start %.47s`",
	    name, name);
	return NULL;
}

void method_guest_exec(struct rpc_call *call)
{
	const char *command = rpc_text(call, "command");
	json_int_t limit_ms = rpc_number(call, "limit_ms", 0);
	struct guest *guest;
	int fd = rpc_take_fd(call);

	if (fd < 0 || limit_ms < 0 || limit_ms > UINT32_MAX ||
	    strlen(command) >= sizeof(((struct msg_run_exec *)0)->command)) {
		rpc_fail(call, GW_EXIT_USAGE,
		    "guest.exec needs a command of "
		    "less than 4096 bytes, a limit below 2^32 ms, and a "
		    "descriptor for the output");
		if (fd >= 0)
			close(fd);
		return;
	}
	guest = find_running(call);
	if (guest)
		runner_exec(guest, call, fd, command, limit_ms);
	else
		close(fd);
}

void method_guest_console(struct rpc_call *call)
{
	int fd = rpc_take_fd(call);
	struct guest *guest;
	int error;

	if (fd < 0) {
		rpc_fail(call, GW_EXIT_USAGE,
		    "guest.console needs a stream as a descriptor");
		return;
	}
	guest = find_running(call);
	if (!guest) {
		close(fd);
		return;
	}
	error = runner_console(guest, fd);
	if (error)
		rpc_fail(call, GW_EXIT_FAILED,
		    "the runner of %s can't join the console: %s", guest->name,
		    strerror(-error));
	else
		rpc_reply(call, json_pack("{s:s}", "guest", guest->name));
}
