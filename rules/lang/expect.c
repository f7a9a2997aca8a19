/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `expect` sentences, judged on the finished image. Called by compile.c.
 *
 * Theory of operation. An expect speaks of many flows: every address of a
 * prefix, every port where none is named. Between two neighbouring bounds of
 * the reach, of the guest's rules and of the expect itself, nothing but the
 * country can tell two addresses apart; so one address per stretch and country
 * stands for all. Ports and ICMP types likewise. All combinations of those
 * are judged one by one, within a budget; an expect beyond it is refused,
 * never half checked.
 */
#include "rules/image/special.h"
#include "rules/lang/flow.h"
#include "rules/lang/print.h"

#include <stdlib.h>
#include <string.h>

#define BUDGET 300000000u /* rules looked at, all expects together */

struct numbers {
	uint32_t *number;
	size_t len;
};

struct trial {
	struct compile *compile;
	struct model *model;
	const struct expect *expect;
	const struct guest_group *group;
	uint32_t guest; /* SECTION_GUEST index */
	const char *guest_name;
	size_t rule_len; /* of this guest */
	uint64_t *budget;
	struct numbers address, tcp, udp, icmp;
	bool countries; /* matter for this guest or expect */
	bool tried;
};

static void add_number(
    struct trial *trial, struct numbers *set, uint32_t number)
{
	set->number = arena_grow(&trial->compile->arena, set->number, set->len,
	    sizeof(*set->number));
	set->number[set->len++] = number;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void sort(struct numbers *set)
{
	size_t i, len = 0;

	qsort(set->number, set->len, sizeof(*set->number), compare);
	for (i = 0; i < set->len; i++)
		if (!i || set->number[i] != set->number[len - 1])
			set->number[len++] = set->number[i];
	set->len = len;
}

/* Where something may change: the start of each range and behind its end. */
static void add_bounds(struct trial *trial, struct numbers *set,
    const struct policy_range *range, size_t len, uint32_t most)
{
	size_t i;

	for (i = 0; i < len; i++) {
		add_number(trial, set, range[i].first);
		if (range[i].last < most)
			add_number(trial, set, range[i].last + 1);
	}
}

static void add_match(struct trial *trial, const struct match *match)
{
	uint8_t protocol = match->protocol;
	const struct ranges *ports = &match->ports;

	add_bounds(trial, &trial->address, match->remote.ranges.range,
	    match->remote.ranges.len, UINT32_MAX);
	if (match->remote.has_countries)
		trial->countries = true;
	if (protocol == PROTOCOL_TCP || protocol == PROTOCOL_ANY)
		add_bounds(trial, &trial->tcp, ports->range, ports->len, 65535);
	if (protocol == PROTOCOL_UDP || protocol == PROTOCOL_ANY)
		add_bounds(trial, &trial->udp, ports->range, ports->len, 65535);
	if (match->icmp_type >= 0) {
		add_number(trial, &trial->icmp, (uint32_t)match->icmp_type);
		if (match->icmp_type < 255)
			add_number(trial, &trial->icmp,
			    (uint32_t)match->icmp_type + 1);
	}
}

static void add_rules(struct trial *trial, const struct block *block)
{
	const struct rule *rule;

	for (rule = block->first; rule; rule = rule->next)
		if (rule->match.in == trial->expect->match.in)
			add_match(trial, &rule->match);
	trial->rule_len += block->rule_len;
}

/* Addresses of [first, last] with a country not met before in it. */
static void add_by_country(
    struct trial *trial, struct numbers *set, uint32_t first, uint32_t last)
{
	const struct country_table *table = &trial->compile->countries;
	uint64_t seen[COUNTRY_WORDS] = {0};
	uint64_t at = first;

	while (at <= last) {
		uint16_t entry = table->top[at >> 8];
		uint16_t country = country_of(table, (uint32_t)at);

		if (!(seen[country / 64] >> (country % 64) & 1)) {
			seen[country / 64] |= (uint64_t)1 << (country % 64);
			add_number(trial, set, (uint32_t)at);
		}
		if (entry & COUNTRY_DEEP) {
			at++;
			continue;
		}
		do
			at = (at | 255) + 1;
		while (at <= last && table->top[at >> 8] == entry);
	}
}

/* Bounds of addresses -> one address per stretch and country. */
static void choose_addresses(struct trial *trial)
{
	const struct remote *remote = &trial->expect->match.remote;
	struct numbers bounds = trial->address, chosen = {0};
	size_t i;

	for (i = 0; i < special_len && trial->countries; i++)
		add_bounds(trial, &bounds,
		    &(struct policy_range) {
			special_range[i].first, special_range[i].last},
		    1, UINT32_MAX);
	add_number(trial, &bounds, 0);
	sort(&bounds);
	for (i = 0; i < bounds.len; i++) {
		uint32_t first = bounds.number[i];
		uint32_t last =
		    i + 1 < bounds.len ? bounds.number[i + 1] - 1 : UINT32_MAX;

		if (!remote->any && !remote->has_countries &&
		    !ranges_has(&remote->ranges, first))
			continue;
		if (trial->countries && trial->compile->table)
			add_by_country(trial, &chosen, first, last);
		else
			add_number(trial, &chosen, first);
	}
	trial->address = chosen;
}

static void prepare(struct trial *trial)
{
	const struct model *model = trial->model;
	size_t i;

	for (i = 0; i < model->reach_len; i++)
		add_bounds(trial, &trial->address,
		    &(struct policy_range) {
			model->reach[i].first, model->reach[i].last},
		    1, UINT32_MAX);
	add_match(trial, &trial->expect->match);
	add_rules(trial, &model->always);
	for (i = 0; i < trial->group->block_len; i++)
		add_rules(trial, trial->group->block[i]);
	add_number(trial, &trial->tcp, 0);
	add_number(trial, &trial->udp, 0);
	add_number(trial, &trial->icmp, 0);
	sort(&trial->tcp);
	sort(&trial->udp);
	sort(&trial->icmp);
	choose_addresses(trial);
}

static bool fail(struct trial *trial, const struct judge_flow *flow,
    const struct judge_verdict *verdict)
{
	struct compile *compile = trial->compile;
	const struct expect *expect = trial->expect;

	error_at(&compile->errors, &expect->node->place,
	    "expected %s, but %s is %s", expect->allow ? "allow" : "deny",
	    flow_text(&compile->arena, trial->guest_name, flow),
	    flow_verdict(compile, verdict));
	if (verdict->rule != POLICY_NONE) {
		const struct policy_rule *rule =
		    &compile->view.rule[verdict->rule];
		struct place place = flow_place(&rule->place);

		error_note(&compile->errors, &place, "%s",
		    policy_text(&compile->view, rule->text));
	}
	return false;
}

static bool judge(struct trial *trial, struct judge_flow *flow)
{
	uint64_t cost = trial->rule_len + 1;
	struct judge_verdict verdict;

	if (*trial->budget < cost) {
		*trial->budget = 0;
		return error_at(&trial->compile->errors,
		    &trial->expect->node->place,
		    "this expect speaks of more flows than can be tried: "
		    "name fewer addresses or ports");
	}
	*trial->budget -= cost;
	trial->tried = true;
	verdict = judge_flow(&trial->compile->view,
	    trial->compile->table ? &trial->compile->countries : NULL,
	    trial->guest, flow);
	if (verdict.allow == trial->expect->allow)
		return true;
	return fail(trial, flow, &verdict);
}

static bool judge_ports(struct trial *trial, struct judge_flow *flow,
    enum policy_protocol protocol, const struct numbers *ports)
{
	const struct match *match = &trial->expect->match;
	size_t i;

	if (match->protocol != PROTOCOL_ANY && match->protocol != protocol)
		return true;
	flow->protocol = (uint8_t)protocol;
	for (i = 0; i < ports->len; i++) {
		uint32_t number = ports->number[i];

		if (protocol == PROTOCOL_ICMP) {
			if (match->icmp_type >= 0 &&
			    match->icmp_type != (int)number)
				continue;
			flow->port = 0;
			flow->icmp_type = (uint8_t)number;
		} else {
			if (match->ports.len &&
			    !ranges_has(&match->ports, number))
				continue;
			flow->port = (uint16_t)number;
			flow->icmp_type = 0;
		}
		if (!judge(trial, flow))
			return false;
	}
	return true;
}

static bool speaks_of(
    const struct trial *trial, uint32_t address, uint32_t network)
{
	const struct match *match = &trial->expect->match;
	const struct remote *remote = &match->remote;
	uint16_t country;

	if (match->network && match->network->index != network)
		return false;
	if (remote->any || ranges_has(&remote->ranges, address))
		return true;
	if (!remote->has_countries)
		return false;
	country = country_of(&trial->compile->countries, address);
	return remote->countries.bits[country / 64] >> (country % 64) & 1;
}

static bool try_all(struct trial *trial)
{
	bool in = trial->expect->match.in;
	size_t i;

	for (i = 0; i < trial->address.len; i++) {
		uint32_t address = trial->address.number[i];
		uint32_t network =
		    judge_network_of(&trial->compile->view, address);
		struct judge_flow flow = {.remote = address,
		    .direction = in ? DIRECTION_IN : DIRECTION_OUT};

		if (!speaks_of(trial, address, network))
			continue;
		flow.from_network =
		    (uint16_t)(network == POLICY_NONE ? 0 : network);
		if (!judge_ports(trial, &flow, PROTOCOL_TCP, &trial->tcp) ||
		    !judge_ports(trial, &flow, PROTOCOL_UDP, &trial->udp) ||
		    !judge_ports(trial, &flow, PROTOCOL_ICMP, &trial->icmp))
			return false;
	}
	if (trial->tried)
		return true;
	return error_at(&trial->compile->errors, &trial->expect->node->place,
	    "this expect speaks of no flow at all");
}

/* The first guest of the sentence that the expect names, or NULL. Others of
 * the sentence differ in name only. */
static const char *named(const struct expect *expect,
    const struct guest_group *group, uint32_t *index)
{
	size_t size = strlen(expect->guest), i;

	for (i = 0; i < group->name_len; i++) {
		*index = (uint32_t)i;
		if (expect->guest[size - 1] == '*'
			? !strncmp(group->name[i], expect->guest, size - 1)
			: !strcmp(group->name[i], expect->guest))
			return group->name[i];
	}
	return NULL;
}

static bool run_one(
    struct compile *compile, const struct expect *expect, uint64_t *budget)
{
	const struct guest_group *group;
	uint32_t first = 0, index;

	for (group = compile->model->group; group; group = group->next) {
		struct trial trial = {.compile = compile,
		    .model = compile->model,
		    .expect = expect,
		    .group = group,
		    .budget = budget};

		trial.guest_name = named(expect, group, &index);
		trial.guest = first + index;
		first += (uint32_t)group->name_len;
		if (!trial.guest_name)
			continue;
		prepare(&trial);
		if (!try_all(&trial))
			return false;
	}
	return true;
}

bool expect_run(struct compile *compile)
{
	const struct expect *expect;
	uint64_t budget = BUDGET;
	unsigned int number = 0;
	bool good = true;

	if (!compile->model->expect)
		return true;
	for (expect = compile->model->expect; expect; expect = expect->next) {
		bool holds = run_one(compile, expect, &budget);

		good &= holds;
		out_format(&compile->report,
		    "%s %u - %s: ", holds ? "ok" : "not ok", ++number,
		    error_place(&compile->errors, &expect->node->place));
		print_sentence(&compile->report, expect->node);
		out_text(&compile->report, "\n");
	}
	out_format(&compile->report, "1..%u\n", number);
	return good;
}
