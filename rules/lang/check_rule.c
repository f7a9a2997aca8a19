/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules, and what they share with expects (model.h). */
#include "rules/lang/model.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	uint8_t type;
} icmp_types[] = {
    /* IANA ICMP type numbers, names as nft writes them */
    {"echo-reply", 0},
    {"destination-unreachable", 3},
    {"source-quench", 4},
    {"redirect", 5},
    {"echo-request", 8},
    {"router-advertisement", 9},
    {"router-solicitation", 10},
    {"time-exceeded", 11},
    {"parameter-problem", 12},
    {"timestamp-request", 13},
    {"timestamp-reply", 14},
};

static bool check_type(
    struct model *model, const struct node *clause, struct match *match)
{
	struct errors *errors = &model->compile->errors;
	const struct value *value = clause->value;
	const char *names[16] = {0};
	size_t i, size;

	if (match->protocol != PROTOCOL_ICMP)
		return error_at(errors, &clause->place,
		    "`type` of content is not enforced yet; for ICMP write "
		    "`icmp type ...`");
	if (value->next)
		return error_at(errors, &value->next->place,
		    "one ICMP type per rule: write a rule for each");
	for (i = 0; i < sizeof(icmp_types) / sizeof(*icmp_types); i++) {
		names[i] = icmp_types[i].name;
		if (!strcmp(value->text, names[i])) {
			match->icmp_type = icmp_types[i].type;
			return true;
		}
	}
	size = strspn(value->text, "0123456789");
	if (!size || value->text[size] || size > 3 || atoi(value->text) > 255)
		return error_at(errors, &value->place,
		    "`%.60s` is no ICMP type: a name such as `echo-request` "
		    "or 0 to 255%s",
		    value->text, error_near(errors, value->text, names));
	match->icmp_type = (int16_t)atoi(value->text);
	return true;
}

static bool check_port_clause(
    struct model *model, const struct node *clause, struct match *match)
{
	if (match->protocol != PROTOCOL_TCP && match->protocol != PROTOCOL_UDP)
		return error_at(&model->compile->errors, &clause->place,
		    "`port` needs `tcp` or `udp`");
	return check_ports(model, clause, &match->ports);
}

/* `to` is the far end of an outbound flow, `from` that of an inbound one. */
static bool check_end(
    struct model *model, const struct node *clause, struct match *match)
{
	bool from = clause->word->id == WORD_FROM;

	if (from && !match->in)
		return error_at(&model->compile->errors, &clause->place,
		    "`from` needs `in`: an outbound flow starts at the guest");
	if (!from && match->in)
		return error_at(&model->compile->errors, &clause->place,
		    "`to` stands with outbound flows: an inbound one goes to "
		    "the guest");
	match->remote.any = false;
	return check_remote(model, clause, match);
}

static bool check_clause(
    struct model *model, const struct node *clause, struct match *match)
{
	switch (clause->word->id) {
	case WORD_PORT:
		return check_port_clause(model, clause, match);
	case WORD_TYPE:
		return check_type(model, clause, match);
	case WORD_TO:
	case WORD_FROM:
		return check_end(model, clause, match);
	case WORD_ON:
		match->network = check_network_named(model, clause->value);
		return match->network != NULL;
	case WORD_QUIET:
		match->flags |= RULE_QUIET;
		return true;
	case WORD_LOG:
		match->flags |= RULE_LOG;
		return true;
	case WORD_ALERT:
		match->flags |= RULE_ALERT;
		return true;
	default: /* note and say tell people; the rest is refused already */
		return true;
	}
}

static bool check_once(struct errors *errors, const struct node *node)
{
	const struct node *a, *b;
	bool good = true;

	for (b = node->child; b; b = b->next)
		for (a = node->child; a != b; a = a->next)
			if (a->word == b->word) {
				good = error_at(errors, &b->place,
				    "`%s` is said a second time in this %s",
				    b->word->text, node->word->text);
				break;
			}
	return good;
}

static bool check_head(const struct value *head, struct match *match)
{
	if (model_is(head, "in")) {
		match->in = true;
		head = head->next;
	}
	if (model_is(head, "any"))
		match->protocol = PROTOCOL_ANY;
	else if (model_is(head, "tcp"))
		match->protocol = PROTOCOL_TCP;
	else if (model_is(head, "udp"))
		match->protocol = PROTOCOL_UDP;
	else if (model_is(head, "icmp"))
		match->protocol = PROTOCOL_ICMP;
	else
		return false; /* refused as not enforced */
	return true;
}

bool check_match(struct model *model, const struct node *node,
    const struct value *head, struct match *match)
{
	const struct node *clause;
	bool good;

	memset(match, 0, sizeof(*match));
	match->icmp_type = -1;
	match->remote.any = true;
	good = check_head(head, match);
	if (!check_once(&model->compile->errors, node))
		return false;
	for (clause = node->child; good && clause; clause = clause->next)
		if (!check_clause(model, clause, match))
			good = false;
	if (good && (match->flags & RULE_QUIET) &&
	    (match->flags & (RULE_LOG | RULE_ALERT)))
		return error_at(&model->compile->errors, &node->place,
		    "`quiet` means no log: it can't stand with `log` or "
		    "`alert`");
	return good;
}

static bool check_words(
    struct errors *errors, const struct node *node, const struct rule *rule)
{
	const struct node *clause;

	for (clause = node->child; clause; clause = clause->next)
		if (rule->allow && (clause->word->id == WORD_QUIET ||
				       clause->word->id == WORD_SAY))
			return error_at(errors, &clause->place,
			    "`%s` is about a denial: it can't stand with "
			    "`allow`",
			    clause->word->text);
	return true;
}

void check_block_rules(
    struct model *model, const struct node *node, struct block *block)
{
	struct errors *errors = &model->compile->errors;
	const struct node *child;

	for (child = node->child; child; child = child->next) {
		struct rule *rule;

		if (child->word->id != WORD_RULE)
			continue;
		rule = symbol_find(
		    &model->symbols, SYMBOL_RULE, block->scope, child->name);
		if (rule) {
			error_at(errors, &child->name_place,
			    "a second rule named `%s` in `%s`", child->name,
			    block->name);
			error_note(errors, &rule->node->name_place,
			    "the first one is here");
			continue;
		}
		rule = arena_take(&model->compile->arena, sizeof(*rule));
		rule->node = child;
		rule->allow = model_is(child->value, "allow");
		symbol_add(&model->symbols, SYMBOL_RULE, block->scope,
		    child->name, rule);
		*block->last = rule;
		block->last = &rule->next;
		block->rule_len++;
		if (++model->rule_len == POLICY_RULE_MAX + 1)
			error_at(errors, &child->place, "more than %u rules",
			    POLICY_RULE_MAX);
		if (check_match(model, child, child->value->next, &rule->match))
			check_words(errors, child, rule);
	}
}

static void check_networks_of(struct model *model, struct block *block)
{
	struct errors *errors = &model->compile->errors;
	const struct value *value;

	block->networks_node = model_only(errors, block->node, WORD_NETWORKS);
	if (!block->networks_node)
		return;
	for (value = block->networks_node->value; value; value = value->next) {
		struct network *network = check_network_named(model, value);
		uint32_t bit;

		if (!network)
			continue;
		bit = 1u << network->index;
		if (block->networks & bit)
			error_at(errors, &value->place, "`%s` is named twice",
			    value->text);
		block->networks |= bit;
	}
}

/* A rule on a network that its own profile does not open can't be meant. */
static void check_on(struct model *model, const struct block *block)
{
	const struct rule *rule;

	if (!block->networks_node || model->compile->errors.error_len)
		return;
	for (rule = block->first; rule; rule = rule->next) {
		const struct network *network = rule->match.network;

		if (!network || block->networks & 1u << network->index)
			continue;
		error_at(&model->compile->errors, &rule->node->place,
		    "rule `%s` is on network `%s`, which the `networks` of "
		    "profile `%s` do not name",
		    rule->node->name, network->node->name, block->name);
		error_note(&model->compile->errors,
		    &block->networks_node->place, "they are here");
	}
}

struct block *check_add_block(
    struct model *model, const struct node *node, const char *name)
{
	struct block *block =
	    arena_take(&model->compile->arena, sizeof(*block));

	block->node = node;
	block->name = name;
	block->last = &block->first;
	block->scope = ++model->scope_len;
	*model->block_last = block;
	model->block_last = &block->next;
	return block;
}

static void add_profile(struct model *model, const struct node *node)
{
	struct errors *errors = &model->compile->errors;
	struct block *block =
	    symbol_find(&model->symbols, SYMBOL_PROFILE, 0, node->name);

	if (block) {
		error_at(errors, &node->name_place,
		    "a second profile named `%s`", node->name);
		error_note(
		    errors, &block->node->name_place, "the first one is here");
		return;
	}
	block = check_add_block(model, node, node->name);
	symbol_add(&model->symbols, SYMBOL_PROFILE, 0, node->name, block);
	check_networks_of(model, block);
	check_block_rules(model, node, block);
	check_on(model, block);
}

void check_rules(struct model *model)
{
	size_t i;

	for (i = 0; i < model->sentence_len; i++) {
		const struct node *node = model->sentence[i];

		if (node->word->id == WORD_ALWAYS)
			check_block_rules(model, node, &model->always);
		else if (node->word->id == WORD_PROFILE)
			add_profile(model, node);
	}
}
