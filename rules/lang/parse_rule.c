/* SPDX-License-Identifier: BSD-2-Clause */
/* Grammar of `rule` and `expect`: a head and clauses (parse.h). */
#include "rules/lang/parse.h"

#include <string.h>

static const char *const protocol_words[] = {
    "any", "tcp", "udp", "icmp", "web", "http", "https", "dns", "quic", NULL};

/* [not] [country|address|name] OPERAND | { OPERAND ... } */
static bool parse_operand(
    struct parse *parse, struct node *node, const char *what)
{
	parse_optional(parse, node, "not");
	if (!parse_optional(parse, node, "country") &&
	    !parse_optional(parse, node, "address"))
		parse_optional(parse, node, "name");
	return parse_list(parse, node, what, false);
}

static bool parse_port(struct parse *parse, struct node *node)
{
	parse_optional(parse, node, "not");
	return parse_list(
	    parse, node, "a port, a range such as `8000-8010` or a set", false);
}

static bool parse_type(struct parse *parse, struct node *node)
{
	return parse_list(parse, node, "an ICMP or content type", true);
}

static bool parse_remote(struct parse *parse, struct node *node)
{
	return parse_operand(
	    parse, node, "an address, a prefix, a name or a set");
}

static bool parse_on(struct parse *parse, struct node *node)
{
	return parse_word(parse, node, "a network");
}

static bool parse_alert(struct parse *parse, struct node *node)
{
	if (!parse_optional(parse, node, "high"))
		parse_optional(parse, node, "low");
	return true;
}

static bool parse_note(struct parse *parse, struct node *node)
{
	return parse_string(parse, node, "a sentence, in quotes");
}

static bool parse_method(struct parse *parse, struct node *node)
{
	return parse_list(parse, node, "a method such as `GET`", false);
}

static bool parse_path(struct parse *parse, struct node *node)
{
	return parse_list(parse, node, "a path, in quotes", true);
}

/* send label NAME, receive label NAME */
static bool parse_labelled(struct parse *parse, struct node *node)
{
	if (!parse_keyword(parse, node, "label"))
		return false;
	parse_optional(parse, node, "not");
	return parse_list(parse, node, "a label", false);
}

static bool parse_set_header(struct parse *parse, struct node *node)
{
	return parse_string(parse, node, "a header's name, in quotes") &&
	       parse_string(parse, node, "its value, in quotes");
}

static bool parse_condition(struct parse *parse, struct node *node)
{
	parse_optional(parse, node, "not");
	return parse_list(parse, node, "a name", false);
}

static bool parse_for(struct parse *parse, struct node *node)
{
	return parse_quantity(parse, node, parse_time_units);
}

static bool parse_unlockable(struct parse *parse, struct node *node)
{
	return parse_keyword(parse, node, "by") &&
	       parse_list(parse, node, "a group", false);
}

static bool parse_publish(struct parse *parse, struct node *node)
{
	return parse_word(
	    parse, node, "an address and port such as `127.0.0.1:8080`");
}

static const struct word clause_words[] = {
    {"port", WORD_PORT, true, parse_port},
    {"type", WORD_TYPE, true, parse_type},
    {"to", WORD_TO, true, parse_remote},
    {"from", WORD_FROM, true, parse_remote},
    {"on", WORD_ON, true, parse_on},
    {"quiet", WORD_QUIET, true, NULL},
    {"log", WORD_LOG, true, NULL},
    {"alert", WORD_ALERT, true, parse_alert},
    {"note", WORD_NOTE, true, parse_note},
    {"say", WORD_SAY, true, parse_note},
    {"method", WORD_OTHER, false, parse_method},
    {"path", WORD_OTHER, false, parse_path},
    {"send", WORD_OTHER, false, parse_labelled},
    {"receive", WORD_OTHER, false, parse_labelled},
    {"set-header", WORD_OTHER, false, parse_set_header},
    {"inspect", WORD_OTHER, false, NULL},
    {"safesearch", WORD_OTHER, false, NULL},
    {"during", WORD_OTHER, false, parse_condition},
    {"at", WORD_OTHER, false, parse_condition},
    {"by", WORD_OTHER, false, parse_condition},
    {"for", WORD_OTHER, false, parse_for},
    {"until", WORD_OTHER, false, parse_date},
    {"trial", WORD_OTHER, false, NULL},
    {"limit", WORD_OTHER, false, parse_rate},
    {"unlockable", WORD_OTHER, false, parse_unlockable},
    {"publish", WORD_OTHER, false, parse_publish},
    {0},
};

/* [in] PROTOCOL clause ... */
static bool parse_flow_part(struct parse *parse, struct node *node)
{
	parse_optional(parse, node, "in");
	return parse_choice(parse, node, protocol_words) &&
	       parse_clauses(parse, node, clause_words);
}

/* rule NAME ACTION [in] PROTOCOL clause ... */
bool parse_rule(struct parse *parse, struct node *node)
{
	static const char *const actions[] = {
	    "allow", "deny", "ask", "splice", NULL};

	return parse_declared(parse, node) &&
	       parse_choice(parse, node, actions) &&
	       parse_flow_part(parse, node);
}

/* Which guest: a name, `agent-*`, or `*`. */
static bool parse_guest_operand(struct parse *parse, struct node *node)
{
	return parse_word(parse, node, "a guest or `*`");
}

/* expect allow|deny|never GUEST|* FLOW; as a flow to explain: GUEST FLOW */
bool parse_expect(struct parse *parse, struct node *node)
{
	static const char *const verdicts[] = {"allow", "deny", "never", NULL};

	if (node->word->id == WORD_EXPECT &&
	    !parse_choice(parse, node, verdicts))
		return false;
	return parse_guest_operand(parse, node) && parse_flow_part(parse, node);
}
