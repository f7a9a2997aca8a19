/* SPDX-License-Identifier: BSD-2-Clause */
/* Grammar of `guest` and `guests` (parse.h). */
#include "rules/lang/parse.h"

#include <string.h>

static bool parse_image(struct parse *parse, struct node *node)
{
	return parse_string(parse, node, "the master image, in quotes");
}

static bool parse_memory(struct parse *parse, struct node *node)
{
	return parse_quantity(parse, node, parse_size_units);
}

/* volume "NAME" | volume by user */
static bool parse_volume(struct parse *parse, struct node *node)
{
	if (parse_optional(parse, node, "by"))
		return parse_keyword(parse, node, "user");
	return parse_string(parse, node, "a volume, in quotes, or `by user`");
}

static bool parse_at_most(struct parse *parse, struct node *node)
{
	return parse_number(parse, node, 4096);
}

const struct word parse_guest_words[] = {
    {"image", WORD_IMAGE, true, parse_image},
    {"memory", WORD_MEMORY, true, parse_memory},
    {"volume", WORD_OTHER, false, parse_volume},
    {"at-most", WORD_OTHER, false, parse_at_most},
    {"rule", WORD_RULE, true, parse_rule},
    {"gate", WORD_OTHER, false, parse_gate},
    {0},
};

/* `:` PROFILE ... { } */
static bool parse_rest(struct parse *parse, struct node *node)
{
	node->colon = true;
	return parse_sign(parse, TOKEN_COLON, "`:` and the guest's profiles") &&
	       parse_words(parse, node, "a profile") &&
	       parse_block(parse, node, parse_guest_words);
}

/* guest NAME : PROFILE ... { } */
bool parse_guest(struct parse *parse, struct node *node)
{
	return parse_declared(parse, node) && parse_rest(parse, node);
}

/* guests PREFIX[FIRST..LAST] | PREFIX* : PROFILE ... { } */
bool parse_guests(struct parse *parse, struct node *node)
{
	if (parse->token.kind != TOKEN_WORD)
		return parse_expected(parse,
		    "a range such as `pupil-[001..600]` or a pattern such as "
		    "`agent-*`");
	node->name = parse->token.text;
	node->name_place = parse->token.place;
	parse_advance(parse);
	return parse_rest(parse, node);
}
