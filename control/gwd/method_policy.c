/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON-RPC methods policy.* and rule.*. Called by method.c in gwd's loop.
 */
#include "control/gwd/method.h"

#include "control/gwd/generation.h"
#include "control/gwd/query.h"
#include "control/gwd/store.h"

#include <stdio.h>
#include <string.h>

#define HISTORY_MAX   100
#define SHOW_RULE_MAX 10000 /* of one answer */

/* The live generation, or NULL and the call has failed. */
static const struct generation *need_live(struct rpc_call *call)
{
	const struct generation *live = generation_live();

	if (!live)
		rpc_fail(call, GW_EXIT_FAILED,
		    "no policy is in force: load one with `gwctl policy load "
		    "FILE`");
	return live;
}

void method_policy_load(struct rpc_call *call)
{
	generation_load(call, rpc_take_fd(call));
}

void method_policy_rollback(struct rpc_call *call)
{
	const struct generation *live = need_live(call);
	json_int_t serial;

	if (!live)
		return;
	serial = rpc_number(call, "generation", (json_int_t)live->serial - 1);
	if (live->serial == 1)
		rpc_fail(call, GW_EXIT_FAILED,
		    "generation 1 is the first: there is none to go back to");
	else if (serial < 1 || (uint64_t)serial >= live->serial)
		rpc_fail(call, GW_EXIT_USAGE,
		    "roll-back needs a generation before %llu that is kept: "
		    "see `gwctl policy history`",
		    (unsigned long long)live->serial);
	else
		generation_rollback(call, serial);
}

static json_t *list_sources(const struct policy_image *image)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < image->len[SECTION_SOURCE]; i++) {
		const struct policy_source *source = &image->source[i];
		char hash[2 * POLICY_SHA256_SIZE + 1];

		for (size_t j = 0; j < POLICY_SHA256_SIZE; j++)
			snprintf(hash + 2 * j, 3, "%02x", source->sha256[j]);
		json_array_append_new(list,
		    json_pack("{s:s, s:s}", "path",
			policy_text(image, source->path), "sha256", hash));
	}
	return list;
}

void method_policy_status(struct rpc_call *call)
{
	const struct generation *live = need_live(call);
	const char *loading = generation_loading();
	char hash[65];

	if (!live)
		return;
	generation_hash(live, hash);
	rpc_reply(call,
	    json_pack("{s:I, s:I, s:I, s:s, s:s, s:s, s:o, s:s}", "generation",
		(json_int_t)live->serial, "time", (json_int_t)live->time_s,
		"uid", (json_int_t)live->uid, "note", live->note, "path",
		live->path, "sha256", hash, "sources",
		list_sources(&live->image), "loading", loading ? loading : ""));
}

void method_policy_history(struct rpc_call *call)
{
	const struct generation *live = generation_live();

	rpc_reply(
	    call, json_pack("{s:o, s:I}", "history", store_history(HISTORY_MAX),
		      "live", live ? (json_int_t)live->serial : (json_int_t)0));
}

static json_t *show_rules(
    const struct policy_image *image, struct policy_slice rules, uint32_t *room)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < rules.len && *room; i++, (*room)--) {
		const struct policy_rule *rule = &image->rule[rules.first + i];

		json_array_append_new(
		    list, json_pack("{s:s, s:s, s:s, s:i}", "rule",
			      policy_text(image, rule->name), "text",
			      policy_text(image, rule->text), "file",
			      policy_text(image,
				  image->source[rule->place.source].path),
			      "line", (int)rule->place.line));
	}
	return list;
}

void method_policy_show(struct rpc_call *call)
{
	const struct generation *live = need_live(call);
	const struct policy_image *image;
	json_t *blocks = json_array();
	uint32_t room = SHOW_RULE_MAX;

	if (!live) {
		json_decref(blocks);
		return;
	}
	image = &live->image;
	for (uint32_t i = 0; i < image->len[SECTION_BLOCK]; i++)
		json_array_append_new(blocks,
		    json_pack("{s:s, s:o}", "name",
			policy_text(image, image->block[i].name), "rules",
			show_rules(image, image->block[i].rules, &room)));
	rpc_reply(call,
	    json_pack("{s:I, s:o, s:b}", "generation", (json_int_t)live->serial,
		"blocks", blocks, "truncated", (int)(room == 0)));
}

void method_rule_list(struct rpc_call *call)
{
	const struct generation *live = need_live(call);
	const char *guest = rpc_text(call, "guest");
	json_int_t first = rpc_number(call, "first", 0);

	if (!live)
		return;
	if (guest &&
	    policy_image_find_guest(&live->image, guest) == POLICY_NONE)
		rpc_fail(call, GW_EXIT_FAILED,
		    "the policy in force has no guest \"%.47s\": see `gwctl "
		    "guest list`",
		    guest);
	else if (first < 0 || first > live->image.len[SECTION_RULE])
		rpc_fail(call, GW_EXIT_USAGE, "\"first\" is no rule's index");
	else
		query_rules(call, guest, first);
}
