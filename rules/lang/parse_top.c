/* SPDX-License-Identifier: BSD-2-Clause */
/* Grammar of the sentences of a file that hold no block (parse.h). */
#include "rules/lang/parse.h"

#include <string.h>

static bool parse_language(struct parse *parse, struct node *node)
{
	return parse_number(parse, node, 999);
}

static bool parse_timezone(struct parse *parse, struct node *node)
{
	return parse_string(
	    parse, node, "a time zone such as \"Europe/Stockholm\"");
}

static bool parse_country_table(struct parse *parse, struct node *node)
{
	return parse_strings(parse, node, "a file name, in quotes");
}

/* NAME `=` */
static bool parse_definition(struct parse *parse, struct node *node)
{
	node->equals = true;
	return parse_declared(parse, node) &&
	       parse_sign(parse, TOKEN_EQUALS, "`=`");
}

static bool must_be_braced(struct parse *parse)
{
	return parse->token.kind == TOKEN_OPEN ||
	       parse_expected(parse, "`{` and the elements of the set");
}

/*
 * set NAME = { ELEMENT ... } | country { CC ... } | name { DOMAIN ... } |
 *            address dynamic size N
 */
bool parse_set(struct parse *parse, struct node *node)
{
	if (!parse_definition(parse, node))
		return false;
	if (parse_optional(parse, node, "address"))
		return parse_keyword(parse, node, "dynamic") &&
		       parse_keyword(parse, node, "size") &&
		       parse_number(parse, node, 10000000);
	if (!parse_optional(parse, node, "country"))
		parse_optional(parse, node, "name");
	return must_be_braced(parse) &&
	       parse_list(parse, node, "an element of the set", false);
}

/* category NAME = "LIST" ... [ except { DOMAIN ... } ] */
bool parse_category(struct parse *parse, struct node *node)
{
	if (!parse_definition(parse, node) ||
	    !parse_strings(parse, node, "a list, in quotes"))
		return false;
	if (!parse_optional(parse, node, "except"))
		return true;
	return parse_list(parse, node, "a domain name", false);
}

/* group NAME = "SOURCE" ... */
bool parse_group(struct parse *parse, struct node *node)
{
	return parse_definition(parse, node) &&
	       parse_strings(parse, node, "where its users are, in quotes");
}

static bool is_day(const char *text, size_t size)
{
	static const char days[] = "mon tue wed thu fri sat sun ";
	char day[5] = "";

	if (size != 3)
		return false;
	memcpy(day, text, 3);
	day[3] = ' ';
	return strstr(days, day) != NULL;
}

/* `mon`, `mon-fri` */
static bool is_days(const char *text)
{
	size_t size = strlen(text);

	return is_day(text, size) ||
	       (size == 7 && text[3] == '-' && is_day(text, 3) &&
		   is_day(text + 4, 3));
}

static bool is_clock(const char *t)
{
	return t[0] >= '0' && t[0] <= '2' && t[1] >= '0' && t[1] <= '9' &&
	       (t[0] < '2' || t[1] <= '4') && t[2] == ':' && t[3] >= '0' &&
	       t[3] <= '5' && t[4] >= '0' && t[4] <= '9';
}

/* `08:00-16:00` */
static bool is_window(const char *text)
{
	return strlen(text) == 11 && is_clock(text) && text[5] == '-' &&
	       is_clock(text + 6);
}

/* time NAME = [DAYS] WINDOW [, ...] [ except "FILE" ... ] */
bool parse_time(struct parse *parse, struct node *node)
{
	if (!parse_definition(parse, node))
		return false;
	for (;;) {
		if (parse->token.kind == TOKEN_WORD &&
		    is_days(parse->token.text))
			parse_take(parse, node, VALUE_WORD);
		if (parse->token.kind != TOKEN_WORD ||
		    !is_window(parse->token.text))
			return parse_expected(parse,
			    "days and hours such as `mon-fri 08:00-16:00`");
		parse_take(parse, node, VALUE_WORD);
		if (parse->token.kind != TOKEN_COMMA)
			break;
		parse_take(parse, node, VALUE_COMMA);
	}
	if (!parse_optional(parse, node, "except"))
		return true;
	return parse_strings(parse, node, "a calendar file, in quotes");
}

/* switch NAME */
bool parse_switch(struct parse *parse, struct node *node)
{
	return parse_declared(parse, node);
}

static bool parse_degrees(
    struct parse *parse, struct node *node, const char *what)
{
	const char *text = parse->token.text;

	if (parse->token.kind != TOKEN_WORD ||
	    strspn(text, "-.0123456789") != strlen(text))
		return parse_expected(parse, what);
	return parse_word(parse, node, what);
}

/* place NAME = circle LATITUDE LONGITUDE RADIUS metres */
bool parse_place(struct parse *parse, struct node *node)
{
	static const char *const units[] = {"metres", "km", NULL};

	return parse_definition(parse, node) &&
	       parse_keyword(parse, node, "circle") &&
	       parse_degrees(parse, node, "a latitude in degrees") &&
	       parse_degrees(parse, node, "a longitude in degrees") &&
	       parse_quantity(parse, node, units);
}

static bool parse_label_source(struct parse *parse, struct node *node)
{
	static const char *const kinds[] = {
	    "pattern", "document", "scan", "marking", NULL};

	if (!parse_choice(parse, node, kinds))
		return false;
	if (parse->last.size != strlen("pattern") ||
	    parse->token.kind != TOKEN_PATTERN)
		return parse_string(parse, node, "its source, in quotes");
	parse_take(parse, node, VALUE_PATTERN);
	return true;
}

/* label NAME = SOURCE [ or SOURCE ] [ hold SIZE ] */
bool parse_label(struct parse *parse, struct node *node)
{
	if (!parse_definition(parse, node))
		return false;
	do {
		if (!parse_label_source(parse, node))
			return false;
	} while (parse_optional(parse, node, "or"));
	if (!parse_optional(parse, node, "hold"))
		return true;
	return parse_quantity(parse, node, parse_size_units);
}

const struct word parse_file_words[] = {
    {"language", WORD_LANGUAGE, true, parse_language},
    {"timezone", WORD_TIMEZONE, true, parse_timezone},
    {"include", WORD_INCLUDE, true, parse_include},
    {"country-table", WORD_COUNTRY_TABLE, true, parse_country_table},
    {"set", WORD_SET, true, parse_set},
    {"category", WORD_OTHER, false, parse_category},
    {"group", WORD_OTHER, false, parse_group},
    {"time", WORD_OTHER, false, parse_time},
    {"switch", WORD_OTHER, false, parse_switch},
    {"place", WORD_OTHER, false, parse_place},
    {"label", WORD_OTHER, false, parse_label},
    {"network", WORD_NETWORK, true, parse_network},
    {"always", WORD_ALWAYS, true, parse_always},
    {"profile", WORD_PROFILE, true, parse_profile},
    {"guest", WORD_GUEST, true, parse_guest},
    {"guests", WORD_GUESTS, true, parse_guests},
    {"expect", WORD_EXPECT, true, parse_expect},
    {0},
};
