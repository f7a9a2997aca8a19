/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a policy may say but probably does not mean (the warnings that
 * docs/rule-semantics.md promises). Called by compile.c on a checked model.
 */
#include "rules/lang/model.h"

#include <string.h>

/* Comparisons of the shadow check; beyond, it stops aloud. */
#define SHADOW_MAX 20000000u

static bool countries_contain(const struct policy_country_set *outer,
    const struct policy_country_set *inner)
{
	size_t i;

	for (i = 0; i < COUNTRY_WORDS; i++)
		if (inner->bits[i] & ~outer->bits[i])
			return false;
	return true;
}

static bool remote_contains(
    const struct remote *outer, const struct remote *inner)
{
	if (outer->any)
		return true;
	if (inner->any || !ranges_contain(&outer->ranges, &inner->ranges))
		return false;
	return !inner->has_countries ||
	       (outer->has_countries &&
		   countries_contain(&outer->countries, &inner->countries));
}

/* Does everything that `inner` matches meet `outer`? Simple containment: a
 * true answer is always right, a false one may be wrong. */
static bool match_contains(const struct match *outer, const struct match *inner)
{
	if (outer->in != inner->in)
		return false;
	if (outer->protocol != PROTOCOL_ANY &&
	    outer->protocol != inner->protocol)
		return false;
	if (outer->icmp_type >= 0 && outer->icmp_type != inner->icmp_type)
		return false;
	if (outer->network && outer->network != inner->network)
		return false;
	if (outer->ports.len &&
	    (!inner->ports.len ||
		!ranges_contain(&outer->ports, &inner->ports)))
		return false;
	return remote_contains(&outer->remote, &inner->remote);
}

/* Rules of `block` that `earlier` (all of it, or up to the rule) takes. */
static bool shadow(struct model *model, const struct block *earlier,
    const struct block *block, uint32_t *budget)
{
	struct errors *errors = &model->compile->errors;
	const struct rule *inner, *outer;

	for (inner = block->first; inner; inner = inner->next)
		for (outer = earlier->first; outer && outer != inner;
		     outer = outer->next) {
			if (!(*budget)--) {
				*budget = 0;
				return false;
			}
			if (!match_contains(&outer->match, &inner->match))
				continue;
			warn_at(errors, &inner->node->name_place,
			    "rule `%s.%s` is never reached: `%s.%s` takes all "
			    "that it would match",
			    block->name, inner->node->name, earlier->name,
			    outer->node->name);
			error_note(errors, &outer->node->name_place,
			    "`%s` is here", outer->node->name);
			break;
		}
	return true;
}

static void warn_shadows(struct model *model)
{
	uint32_t budget = SHADOW_MAX;
	const struct block *block;
	bool done = shadow(model, &model->always, &model->always, &budget);

	for (block = model->block; done && block; block = block->next)
		done = shadow(model, &model->always, block, &budget) &&
		       shadow(model, block, block, &budget);
	if (!done)
		warn_at(&model->compile->errors, NULL,
		    "too many rules to look for all that are never reached");
}

static void warn_rule(struct model *model, const struct rule *rule)
{
	struct errors *errors = &model->compile->errors;
	const struct network *network = rule->match.network;
	bool routed = false;
	uint32_t i;

	if (!rule->allow && rule->match.open_country)
		warn_at(errors, &rule->node->place,
		    "rule `%s` denies countries without `unknown`: a public "
		    "address that the table does not know passes it",
		    rule->node->name);
	if (!rule->match.in || !rule->allow)
		return;
	for (i = 0; i < model->network_len; i++)
		if (!network || network->index == i)
			routed |= model->network[i].record.routed;
	if (!routed)
		warn_at(errors, &rule->node->place,
		    "rule `%s` lets flows in, but no network of it is "
		    "`routed`: behind NAT nothing arrives without `publish`, "
		    "which is not enforced yet",
		    rule->node->name);
}

static void warn_block(struct model *model, const struct block *block)
{
	const struct rule *rule;

	for (rule = block->first; rule; rule = rule->next)
		warn_rule(model, rule);
}

static bool has_block(
    const struct guest_group *group, const struct block *block)
{
	size_t i;

	for (i = 0; i < group->block_len; i++)
		if (group->block[i] == block)
			return true;
	return false;
}

/* A rule `on` a network that no guest with that rule has. */
static void warn_lacking(struct model *model, const struct block *block)
{
	bool always = block == &model->always;
	const struct guest_group *group;
	const struct rule *rule;

	for (rule = block->first; rule; rule = rule->next) {
		const struct network *network = rule->match.network;
		bool used = false, has = false;

		if (!network)
			continue;
		for (group = model->group; group; group = group->next) {
			if (!always && !has_block(group, block))
				continue;
			used = true;
			has |= group->networks >> network->index & 1;
		}
		if (used && !has)
			warn_at(&model->compile->errors, &rule->node->place,
			    "rule `%s` is on network `%s`, which no guest "
			    "with this rule has",
			    rule->node->name, network->node->name);
	}
}

static void warn_unused(struct model *model)
{
	struct errors *errors = &model->compile->errors;
	const struct guest_group *group;
	const struct block *block;
	const struct set *set;
	uint32_t i;
	size_t k;

	for (set = model->set; set; set = set->next)
		if (!set->used)
			warn_at(errors, &set->node->name_place,
			    "set `%s` is not used", set->node->name);
	for (i = 0; i < model->network_len; i++)
		if (!model->network[i].used)
			warn_at(errors, &model->network[i].node->name_place,
			    "network `%s` is not used by any profile or rule",
			    model->network[i].node->name);
	for (block = model->block; block; block = block->next)
		if (!block->used)
			warn_at(errors, &block->node->name_place,
			    "profile `%s` is used by no guest", block->name);
	for (group = model->group; group; group = group->next)
		if (!group->networks)
			warn_at(errors, &group->node->name_place,
			    "no profile of guest `%s` says `networks`: it "
			    "reaches nothing",
			    group->node->name);
	for (k = 0; k < model->sentence_len && !model->names_country; k++)
		if (model->sentence[k]->word->id == WORD_COUNTRY_TABLE)
			warn_at(errors, &model->sentence[k]->place,
			    "the country table is not used: nothing here "
			    "names a country");
}

void warn_run(struct compile *compile)
{
	struct model *model = compile->model;
	const struct block *block;

	warn_unused(model);
	warn_block(model, &model->always);
	warn_lacking(model, &model->always);
	for (block = model->block; block; block = block->next) {
		warn_block(model, block);
		warn_lacking(model, block);
	}
	warn_shadows(model);
}
