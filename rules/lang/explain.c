/* SPDX-License-Identifier: BSD-2-Clause */
/* One flow, stage by stage (explain.h). */
#include "rules/lang/explain.h"

#include "rules/lang/flow.h"
#include "rules/lang/parse.h"

#include <string.h>

#define STEPS_MAX 2000 /* rules shown that did not match */

struct explain {
	struct compile *compile;
	const char *guest_name;
	uint32_t guest; /* SECTION_GUEST index */
	struct judge_flow flow;
	struct judge_verdict verdict;
	struct out *out;
	bool json;
};

/* ---- what was asked ---- */

static bool find_guest(struct explain *explain, const struct value *value)
{
	struct compile *compile = explain->compile;

	explain->guest_name = value->text;
	explain->guest = policy_image_find_guest(&compile->view, value->text);
	if (explain->guest != POLICY_NONE)
		return true;
	return error_at(&compile->errors, &value->place,
	    "no guest is named `%.60s`%s", value->text,
	    error_near(&compile->errors, value->text,
		symbol_names(&compile->model->symbols, SYMBOL_GUEST)));
}

/* Exactly one flow must be meant. */
static bool settle(
    struct explain *explain, const struct node *node, const struct match *match)
{
	struct errors *errors = &explain->compile->errors;
	struct judge_flow *flow = &explain->flow;
	const struct ranges *remote = &match->remote.ranges;
	uint32_t network;

	if (match->protocol == PROTOCOL_ANY)
		return error_at(errors, &node->value->place,
		    "say which protocol: `tcp`, `udp` or `icmp`");
	if (match->remote.any || match->remote.has_countries ||
	    remote->len != 1 || remote->range[0].first != remote->range[0].last)
		return error_at(errors, &node->value->place,
		    "say one address, such as `%s 203.0.113.9`",
		    match->in ? "from" : "to");
	if (match->protocol != PROTOCOL_ICMP &&
	    (match->ports.len != 1 ||
		match->ports.range[0].first != match->ports.range[0].last))
		return error_at(errors, &node->value->place,
		    "say one port, such as `port 443`");
	flow->protocol = match->protocol;
	flow->remote = remote->range[0].first;
	flow->direction = match->in ? DIRECTION_IN : DIRECTION_OUT;
	if (match->ports.len)
		flow->port = (uint16_t)match->ports.range[0].first;
	if (match->protocol == PROTOCOL_ICMP)
		flow->icmp_type = match->icmp_type < 0
				      ? 8 /* echo request */
				      : (uint8_t)match->icmp_type;
	network = match->network
		      ? match->network->index
		      : judge_network_of(&explain->compile->view, flow->remote);
	flow->from_network = (uint16_t)(network == POLICY_NONE ? 0 : network);
	return true;
}

static bool read_flow(struct explain *explain, const char *text)
{
	struct compile *compile = explain->compile;
	struct errors *errors = &compile->errors;
	struct match match;
	const struct node *node;
	uint32_t index = errors->source_len;

	errors->source = arena_grow(
	    &compile->arena, errors->source, index, sizeof(*errors->source));
	errors->source[index] = (struct source) {.path = "flow",
	    .data = text,
	    .size = strlen(text),
	    .file = UINT32_MAX};
	errors->source_len++;
	node = parse_flow(errors, index);
	if (!node || !check_enforced(errors, node) ||
	    !find_guest(explain, node->value))
		return false;
	return check_match(compile->model, node, node->value->next, &match) &&
	       settle(explain, node, &match);
}

/* ---- why a rule does not match ---- */

static bool in_slice(const struct policy_image *view,
    const struct policy_slice *slice, uint16_t port)
{
	uint32_t i;

	for (i = 0; i < slice->len; i++) {
		const struct policy_port_range *range =
		    &view->port[slice->first + i];

		if (port >= range->first && port <= range->last)
			return true;
	}
	return !slice->len;
}

static const char *why_not(
    const struct explain *explain, const struct policy_rule *rule)
{
	const struct policy_image *view = &explain->compile->view;
	const struct judge_flow *flow = &explain->flow;

	if (rule->direction != flow->direction)
		return "other direction";
	if (rule->protocol && rule->protocol != flow->protocol)
		return "other protocol";
	if (rule->network != POLICY_ANY_NETWORK &&
	    rule->network != explain->verdict.network)
		return "other network";
	if (rule->icmp_type >= 0 && rule->icmp_type != flow->icmp_type)
		return "other ICMP type";
	if (!in_slice(view, &rule->ports, flow->port))
		return "other port";
	if (rule->country != POLICY_NONE && !rule->remote.len)
		return "other country";
	return "other address";
}

/* ---- stages ---- */

static const char *place_text(
    struct explain *explain, const struct policy_place *place)
{
	struct place here = flow_place(place);

	return error_place(&explain->compile->errors, &here);
}

static void show_step(struct explain *explain, const struct policy_rule *rule,
    const char *why, bool first)
{
	const struct policy_image *view = &explain->compile->view;
	struct out *out = explain->out;

	if (!explain->json) {
		out_format(out, "%-9s%s  %s  %s: %s\n", first ? "rules" : "",
		    place_text(explain, &rule->place),
		    policy_text(view, rule->name),
		    policy_text(view, rule->text), why);
		return;
	}
	out_text(out, first ? "" : ", ");
	out_text(out, "{\"rule\": ");
	out_json(out, policy_text(view, rule->name));
	out_text(out, ", \"place\": ");
	out_json(out, place_text(explain, &rule->place));
	out_text(out, ", \"result\": ");
	out_json(out, why);
	out_text(out, "}");
}

/* Every rule that was looked at, in order, up to the one that decided. */
static void show_rules(struct explain *explain)
{
	const struct policy_image *view = &explain->compile->view;
	const struct policy_guest *guest = &view->guest[explain->guest];
	uint32_t b, r, shown = 0;

	for (b = 0; b < guest->blocks.len; b++) {
		const struct policy_block *block =
		    &view->block[view->guest_block[guest->blocks.first + b]];

		for (r = 0; r < block->rules.len; r++) {
			uint32_t index = block->rules.first + r;
			const struct policy_rule *rule = &view->rule[index];
			bool decided = index == explain->verdict.rule;

			if (decided)
				show_step(explain, rule,
				    rule->action == ACTION_ALLOW
					? "matches: allow"
					: "matches: deny",
				    !shown);
			else if (shown < STEPS_MAX)
				show_step(explain, rule, why_not(explain, rule),
				    !shown);
			shown++;
			if (decided)
				return;
		}
	}
	if (!shown && !explain->json)
		out_text(explain->out, "rules    none\n");
}

static const char *network_text(struct explain *explain)
{
	const struct compile *compile = explain->compile;
	uint32_t index = judge_network_of(&compile->view, explain->flow.remote);

	if (index == POLICY_NONE)
		return NULL;
	return policy_text(&compile->view, compile->view.network[index].name);
}

static void show_text(struct explain *explain)
{
	struct compile *compile = explain->compile;
	const struct judge_verdict *verdict = &explain->verdict;
	const char *network = network_text(explain);
	const char *address =
	    flow_address(&compile->arena, explain->flow.remote);
	struct out *out = explain->out;
	char country[8];

	country_name(verdict->country, country);
	out_format(out, "flow     %s\n",
	    flow_text(&compile->arena, explain->guest_name, &explain->flow));
	out_text(out, "state    taken as open: a generation is loaded, the "
		      "guest runs\n"
		      "sanity   taken as well-formed, from the guest's own "
		      "address\n");
	if (network)
		out_format(out, "network  %s: its reach holds %s%s%s\n",
		    network, address, compile->table ? ", country " : "",
		    compile->table ? country : "");
	else
		out_format(out, "network  none: no reach holds %s\n", address);
	out_text(out, "gates    none\n");
	if (verdict->allow || reason_stage(verdict->reason) == STAGE_RULES)
		show_rules(explain);
	out_format(out, "verdict  %s\n", flow_verdict(compile, verdict));
}

static void show_json(struct explain *explain)
{
	struct compile *compile = explain->compile;
	const struct policy_image *view = &compile->view;
	const struct judge_verdict *verdict = &explain->verdict;
	const char *network = network_text(explain);
	struct out *out = explain->out;
	char country[8];

	country_name(verdict->country, country);
	out_text(out, "{\"schema\": 1, \"flow\": ");
	out_json(out,
	    flow_text(&compile->arena, explain->guest_name, &explain->flow));
	out_text(out, ", \"guest\": ");
	out_json(out, explain->guest_name);
	out_text(out, ", \"network\": ");
	if (network)
		out_json(out, network);
	else
		out_text(out, "null");
	if (compile->table) {
		out_text(out, ", \"country\": ");
		out_json(out, country);
	}
	out_text(out, ", \"steps\": [");
	if (verdict->allow || reason_stage(verdict->reason) == STAGE_RULES)
		show_rules(explain);
	out_format(out,
	    "], \"verdict\": \"%s\", \"reason\": \"%s\", \"stage\": \"%s\"",
	    verdict->allow ? "allow" : "deny",
	    verdict->allow ? "ok" : reason_name(verdict->reason),
	    verdict->allow ? "rules"
			   : stage_name(reason_stage(verdict->reason)));
	if (verdict->rule != POLICY_NONE) {
		const struct policy_rule *rule = &view->rule[verdict->rule];

		out_text(out, ", \"rule\": ");
		out_json(out, policy_text(view, rule->name));
		out_text(out, ", \"file\": ");
		out_json(out, compile->errors.source[rule->place.source].path);
		out_format(out, ", \"line\": %u", rule->place.line);
	}
	out_text(out, "}\n");
}

int explain_flow(
    struct compile *compile, const char *flow, bool json, struct out *out)
{
	struct explain explain = {.compile = compile, .out = out, .json = json};

	if (!read_flow(&explain, flow))
		return -1;
	explain.verdict = judge_flow(&compile->view,
	    compile->table ? &compile->countries : NULL, explain.guest,
	    &explain.flow);
	if (json)
		show_json(&explain);
	else
		show_text(&explain);
	return explain.verdict.allow;
}
