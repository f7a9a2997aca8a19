/* SPDX-License-Identifier: BSD-2-Clause */
/* Grammar of `profile` and `always`, with gates, secrets, limits (parse.h). */
#include "rules/lang/parse.h"

#include <string.h>

static bool parse_networks(struct parse *parse, struct node *node)
{
	return parse_words(parse, node, "a network");
}

/* ---- gates ---- */

static bool parse_hold(struct parse *parse, struct node *node)
{
	return parse_quantity(parse, node, parse_time_units);
}

static bool parse_change(struct parse *parse, struct node *node)
{
	static const char *const who[] = {"user", "operator", "guest", NULL};

	return parse_keyword(parse, node, "by") &&
	       parse_choice(parse, node, who);
}

static bool parse_between(struct parse *parse, struct node *node)
{
	return parse_keyword(parse, node, "between");
}

static bool parse_gate_volume(struct parse *parse, struct node *node)
{
	static const char *const how[] = {"per-network", "shared", NULL};

	return parse_choice(parse, node, how);
}

static const struct word never_both_words[] = {
    {"hold", WORD_OTHER, false, parse_hold},
    {"change", WORD_OTHER, false, parse_change},
    {"refresh", WORD_OTHER, false, parse_between},
    {"volume", WORD_OTHER, false, parse_gate_volume},
    {0},
};

/* PLACE: NETWORK ... | none; one line of `gate place`. */
static bool parse_place_line(struct parse *parse, struct node *gate)
{
	static const struct word word = {"place", WORD_OTHER, false, NULL};
	struct comment *before = parse->comment;
	struct node *node;
	const char *name = parse->token.text;

	if (parse->token.kind != TOKEN_WORD)
		return parse_expected(parse, "a place and `:`, or `}`");
	parse->comment = NULL;
	parse->comment_last = &parse->comment;
	node = parse_child(parse, gate, &word);
	node->before = before;
	node->label = true;
	node->name = name;
	node->name_place = node->place;
	if (!parse_sign(parse, TOKEN_COLON, "`:`") ||
	    !parse_words(parse, node, "a network or `none`") ||
	    !parse_sign(parse, TOKEN_SEMICOLON, "`;`"))
		return false;
	node->end = parse->last;
	return true;
}

static bool parse_place_block(struct parse *parse, struct node *node)
{
	if (!parse_sign(parse, TOKEN_OPEN, "`{`"))
		return false;
	node->block = true;
	while (parse->token.kind != TOKEN_CLOSE)
		if (!parse_place_line(parse, node))
			return false;
	node->inside = parse->comment;
	parse->comment = NULL;
	parse->comment_last = &parse->comment;
	parse_advance(parse);
	return true;
}

/* gate never-both N N ... { } | place { } | one-way N receive|send |
 * encrypted N ... */
bool parse_gate(struct parse *parse, struct node *node)
{
	static const char *const kinds[] = {
	    "never-both", "place", "one-way", "encrypted", NULL};
	static const char *const ways[] = {"receive", "send", NULL};
	const char *kind = parse->token.text;

	if (!parse_choice(parse, node, kinds))
		return false;
	if (!strcmp(kind, "place"))
		return parse_place_block(parse, node);
	if (!strcmp(kind, "one-way"))
		return parse_word(parse, node, "a network") &&
		       parse_choice(parse, node, ways);
	if (!parse_words(parse, node, "a network"))
		return false;
	if (parse->token.kind == TOKEN_OPEN && !strcmp(kind, "never-both"))
		return parse_block(parse, node, never_both_words);
	return true;
}

/* ---- secrets ---- */

/* URL [ in header|form|query|json|basic "FIELD" ] */
static bool parse_binding(struct parse *parse, struct node *node)
{
	static const char *const surfaces[] = {"header", "form", "query",
	    "json", "basic", "multipart", "websocket", NULL};

	if (!parse_word(parse, node, "a URL"))
		return false;
	if (!parse_optional(parse, node, "in"))
		return true;
	return parse_choice(parse, node, surfaces) &&
	       parse_string(parse, node, "the field, in quotes");
}

static bool parse_harmless(struct parse *parse, struct node *node)
{
	return parse_keyword(parse, node, "to") &&
	       parse_words(parse, node, "a URL");
}

static bool parse_elsewhere(struct parse *parse, struct node *node)
{
	if (!parse_keyword(parse, node, "deny"))
		return false;
	if (parse_optional(parse, node, "alert"))
		parse_optional(parse, node, "high");
	return true;
}

static bool parse_env(struct parse *parse, struct node *node)
{
	return parse_word(parse, node, "a variable of the environment");
}

static const struct word secret_words[] = {
    {"to", WORD_OTHER, false, parse_binding},
    {"harmless", WORD_OTHER, false, parse_harmless},
    {"elsewhere", WORD_OTHER, false, parse_elsewhere},
    {"env", WORD_OTHER, false, parse_env},
    {0},
};

bool parse_secret(struct parse *parse, struct node *node)
{
	return parse_string(parse, node, "the secret's name, in quotes") &&
	       parse_block(parse, node, secret_words);
}

/* ---- life of the guest ---- */

/* refresh on EVENT [, EVENT ...] */
bool parse_refresh(struct parse *parse, struct node *node)
{
	static const char *const events[] = {"crash", "no-heartbeat", "alert",
	    "session-end", "panic", "memory", "schedule", NULL};

	if (!parse_keyword(parse, node, "on"))
		return false;
	for (;;) {
		if (parse_at(parse, "no-heartbeat")) {
			parse_take(parse, node, VALUE_KEYWORD);
			if (!parse_quantity(parse, node, parse_time_units))
				return false;
		} else if (parse_at(parse, "alert")) {
			parse_take(parse, node, VALUE_KEYWORD);
			if (!parse_keyword(parse, node, "high"))
				return false;
		} else if (!parse_choice(parse, node, events)) {
			return false;
		}
		if (parse->token.kind != TOKEN_COMMA)
			return true;
		parse_take(parse, node, VALUE_COMMA);
	}
}

static bool parse_keep(struct parse *parse, struct node *node)
{
	return parse_keyword(parse, node, "evidence") &&
	       parse_hold(parse, node);
}

static bool parse_limit(struct parse *parse, struct node *node)
{
	static const char *const what[] = {
	    "new-flows", "sent", "received", NULL};

	return parse_choice(parse, node, what) && parse_rate(parse, node);
}

/* ---- blocks ---- */

const struct word parse_profile_words[] = {
    {"networks", WORD_NETWORKS, true, parse_networks},
    {"rule", WORD_RULE, true, parse_rule},
    {"gate", WORD_OTHER, false, parse_gate},
    {"secret", WORD_OTHER, false, parse_secret},
    {"refresh", WORD_OTHER, false, parse_refresh},
    {"keep", WORD_OTHER, false, parse_keep},
    {"limit", WORD_OTHER, false, parse_limit},
    {"life", WORD_OTHER, false, parse_hold},
    {0},
};

const struct word parse_always_words[] = {
    {"rule", WORD_RULE, true, parse_rule},
    {"gate", WORD_OTHER, false, parse_gate},
    {0},
};

bool parse_profile(struct parse *parse, struct node *node)
{
	return parse_declared(parse, node) &&
	       parse_block(parse, node, parse_profile_words);
}

bool parse_always(struct parse *parse, struct node *node)
{
	return parse_block(parse, node, parse_always_words);
}
