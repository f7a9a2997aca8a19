/* SPDX-License-Identifier: BSD-2-Clause */
/* Words about one flow (flow.h). */
#include "rules/lang/flow.h"

const char *flow_address(struct arena *arena, uint32_t address)
{
	return arena_print(arena, "%u.%u.%u.%u", address >> 24,
	    address >> 16 & 255, address >> 8 & 255, address & 255);
}

const char *flow_text(
    struct arena *arena, const char *guest, const struct judge_flow *flow)
{
	bool in = flow->direction == DIRECTION_IN;
	const char *what;

	if (flow->protocol == PROTOCOL_ICMP)
		what = arena_print(arena, "icmp type %u", flow->icmp_type);
	else
		what = arena_print(arena, "%s port %u",
		    flow->protocol == PROTOCOL_TCP ? "tcp" : "udp", flow->port);
	return arena_print(arena, "%s %s%s %s %s", guest, in ? "in " : "", what,
	    in ? "from" : "to", flow_address(arena, flow->remote));
}

const char *flow_verdict(
    struct compile *compile, const struct judge_verdict *verdict)
{
	const struct policy_image *view = &compile->view;

	if (verdict->rule != POLICY_NONE)
		return arena_print(&compile->arena, "%s by rule `%s`",
		    verdict->allow ? "allowed" : "denied",
		    policy_text(view, view->rule[verdict->rule].name));
	if (verdict->allow)
		return "allowed";
	return arena_print(&compile->arena, "denied: %s (%s, stage %s)",
	    reason_text(verdict->reason), reason_name(verdict->reason),
	    stage_name(reason_stage(verdict->reason)));
}

struct place flow_place(const struct policy_place *place)
{
	return (struct place) {.source = place->source,
	    .line = place->line,
	    .column = place->column,
	    .size = 1};
}
