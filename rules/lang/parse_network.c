/* SPDX-License-Identifier: BSD-2-Clause */
/* Grammar of `network` (parse.h). */
#include "rules/lang/parse.h"

#include <string.h>

/* interface "X" share|take | wireguard "FILE" | proxy "URL" | port "ARGS" */
static bool parse_uplink(struct parse *parse, struct node *node)
{
	static const char *const kinds[] = {
	    "interface", "wireguard", "proxy", "port", NULL};
	static const char *const ways[] = {"share", "take", NULL};

	if (!parse_choice(parse, node, kinds))
		return false;
	if (strcmp(node->value->text, "interface") != 0)
		return parse_string(parse, node, "its source, in quotes");
	return parse_string(parse, node, "the interface, in quotes") &&
	       parse_choice(parse, node, ways);
}

static bool parse_reach(struct parse *parse, struct node *node)
{
	return parse_words(parse, node, "a prefix or `public`");
}

/* address ADDRESS/LENGTH ... [ gateway ADDRESS ] */
static bool parse_address(struct parse *parse, struct node *node)
{
	if (!parse_word(parse, node,
		"an address with its prefix length, "
		"such as `198.51.100.2/24`"))
		return false;
	if (!parse_optional(parse, node, "gateway"))
		return true;
	return parse_word(parse, node, "the gateway's address");
}

static bool parse_names(struct parse *parse, struct node *node)
{
	return parse_words(parse, node, "a domain name");
}

static bool parse_dns(struct parse *parse, struct node *node)
{
	return parse_words(parse, node, "a resolver's address");
}

const struct word parse_network_words[] = {
    {"uplink", WORD_UPLINK, true, parse_uplink},
    {"address", WORD_ADDRESS, true, parse_address},
    {"routed", WORD_ROUTED, true, NULL},
    {"reach", WORD_REACH, true, parse_reach},
    {"names", WORD_OTHER, false, parse_names},
    {"dns", WORD_OTHER, false, parse_dns},
    {0},
};

bool parse_network(struct parse *parse, struct node *node)
{
	return parse_declared(parse, node) &&
	       parse_block(parse, node, parse_network_words);
}
