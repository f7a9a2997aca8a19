/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Texts of reasons and stages, all made from GW_REASONS. Called by every
 * process that shows a verdict to somebody; any thread.
 */
#include "rules/image/reason.h"

#include <assert.h>
#include <stddef.h>

static const struct {
	const char *name;
	const char *text;
	uint8_t stage;
	uint8_t answer;
} table[REASON_MAX] = {[REASON_OK] = {"ok", "carried", STAGE_MAX, ANSWER_NONE},
#define X(id, id_name, id_stage, id_answer, id_text) \
	[REASON_##id] = {id_name, id_text, id_stage, id_answer},
    GW_REASONS(X)
#undef X
};

static const char *const STAGE_TEXT[] = {
    [STAGE_STATE] = "state",
    [STAGE_SANITY] = "sanity",
    [STAGE_SPOOF] = "spoof",
    [STAGE_NETWORK] = "network",
    [STAGE_GATE] = "gate",
    [STAGE_RULES] = "rules",
    [STAGE_LIMIT] = "limit",
    [STAGE_PORT] = "port",
};
static_assert(sizeof(STAGE_TEXT) / sizeof(STAGE_TEXT[0]) == STAGE_MAX,
    "every stage has a name");

const char *reason_name(unsigned int reason)
{
	return reason < REASON_MAX ? table[reason].name : "?";
}

const char *reason_text(unsigned int reason)
{
	return reason < REASON_MAX ? table[reason].text : "?";
}

enum gw_stage reason_stage(unsigned int reason)
{
	return reason < REASON_MAX ? (enum gw_stage)table[reason].stage
				   : STAGE_MAX;
}

const char *stage_name(unsigned int stage)
{
	return stage < STAGE_MAX ? STAGE_TEXT[stage] : "?";
}

enum gw_answer reason_answer(unsigned int reason)
{
	return reason < REASON_MAX ? (enum gw_answer)table[reason].answer
				   : ANSWER_NONE;
}
