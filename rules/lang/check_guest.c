/* SPDX-License-Identifier: BSD-2-Clause */
/* Guests, ranges of guests, and expects (model.h). */
#include "rules/lang/model.h"
#include "rules/lang/parse.h"

#include <stdlib.h>
#include <string.h>

#define MEMORY_LEAST 16u /* MiB; less boots no kernel */
#define MEMORY_MOST  (1u << 20)

/* ---- names ---- */

/* `pupil-[001..600]` taken apart. */
struct span {
	size_t head; /* bytes before `[` */
	unsigned int first, last;
	int digits; /* width; numbers are filled with zeros */
};

static bool read_number(const char **text, unsigned int *number, int *digits)
{
	*number = 0;
	for (*digits = 0; **text >= '0' && **text <= '9' && *digits < 6;
	     (*text)++, (*digits)++)
		*number = *number * 10 + (unsigned int)(**text - '0');
	return *digits > 0;
}

static bool read_span(const char *text, struct span *span)
{
	const char *at = strchr(text, '[');
	int digits;

	if (!at)
		return false;
	span->head = (size_t)(at - text);
	at++;
	if (!read_number(&at, &span->first, &span->digits) ||
	    strncmp(at, "..", 2) != 0)
		return false;
	at += 2;
	return read_number(&at, &span->last, &digits) &&
	       digits == span->digits && !strcmp(at, "]");
}

static void add_name(
    struct model *model, struct guest_group *group, const char *name)
{
	struct errors *errors = &model->compile->errors;
	const struct guest_group *other =
	    symbol_find(&model->symbols, SYMBOL_GUEST, 0, name);

	if (other) {
		error_at(errors, &group->node->name_place,
		    "a second guest named `%s`", name);
		error_note(
		    errors, &other->node->name_place, "the first one is here");
		return;
	}
	if (model->guest_len == POLICY_GUEST_MAX) {
		error_at(errors, &group->node->name_place,
		    "more than %u guests", POLICY_GUEST_MAX);
		return;
	}
	symbol_add(&model->symbols, SYMBOL_GUEST, 0, name, group);
	group->name = arena_grow(&model->compile->arena, group->name,
	    group->name_len, sizeof(*group->name));
	group->name[group->name_len++] = name;
	model->guest_len++;
}

static void add_range(struct model *model, struct guest_group *group)
{
	struct errors *errors = &model->compile->errors;
	const struct node *node = group->node;
	struct span span;
	unsigned int i;

	if (strchr(node->name, '*')) {
		error_at(errors, &node->name_place,
		    "guests by pattern are not enforced yet: write a range "
		    "such as `pupil-[001..600]`");
		return;
	}
	if (!read_span(node->name, &span) || !span.head ||
	    !parse_is_name(arena_print(
		errors->arena, "%.*s0", (int)span.head, node->name))) {
		error_at(errors, &node->name_place,
		    "`%.60s` is no range of names such as `pupil-[001..600]`",
		    node->name);
		return;
	}
	if (span.first > span.last ||
	    span.last - span.first >= POLICY_GUEST_MAX) {
		error_at(errors, &node->name_place,
		    "a range of names ascends, by at most %u",
		    POLICY_GUEST_MAX);
		return;
	}
	for (i = span.first; i <= span.last; i++) {
		const char *name = arena_print(errors->arena, "%.*s%0*u",
		    (int)span.head, node->name, span.digits, i);

		if (!parse_is_name(name)) {
			error_at(errors, &node->name_place,
			    "`%.60s` can't be a name", name);
			return;
		}
		add_name(model, group, name);
		if (errors->error_len)
			return;
	}
}

/* ---- what a guest is ---- */

static void check_image(struct model *model, struct guest_group *group)
{
	struct errors *errors = &model->compile->errors;
	const struct node *node = model_only(errors, group->node, WORD_IMAGE);

	if (!node) {
		error_at(errors, &group->node->name_place,
		    "guest `%s` has no `image`", group->node->name);
		return;
	}
	group->image = node->value->text;
	if (!parse_is_name(group->image))
		error_at(errors, &node->value->place,
		    "\"%.60s\" can't be the name of an image: letters, "
		    "digits, `-` and `_`",
		    group->image);
}

static void check_memory(struct model *model, struct guest_group *group)
{
	struct errors *errors = &model->compile->errors;
	const struct node *node = model_only(errors, group->node, WORD_MEMORY);
	unsigned long long number;

	if (!node) {
		error_at(errors, &group->node->name_place,
		    "guest `%s` has no `memory`", group->node->name);
		return;
	}
	number = strtoull(node->value->text, NULL, 10);
	if (model_is(node->value->next, "GiB"))
		number <<= 10;
	else if (model_is(node->value->next, "TiB"))
		number <<= 20;
	else if (model_is(node->value->next, "KiB"))
		number = number % 1024 ? 0 : number >> 10;
	if (number < MEMORY_LEAST || number > MEMORY_MOST)
		error_at(errors, &node->value->place,
		    "memory is %u MiB to 1 TiB, in whole MiB", MEMORY_LEAST);
	group->memory_mib = (uint32_t)number;
}

static void add_block(
    struct model *model, struct guest_group *group, struct block *block)
{
	group->block = arena_grow(&model->compile->arena, group->block,
	    group->block_len, sizeof(*group->block));
	group->block[group->block_len++] = block;
	block->used = true;
}

static void check_profiles(struct model *model, struct guest_group *group)
{
	struct errors *errors = &model->compile->errors;
	const struct block *said = NULL;
	const struct value *value;
	size_t i;

	for (value = group->node->value; value; value = value->next) {
		struct block *block = symbol_find(
		    &model->symbols, SYMBOL_PROFILE, 0, value->text);

		if (!block) {
			error_at(errors, &value->place,
			    "no profile is named `%.60s`%s", value->text,
			    error_near(errors, value->text,
				symbol_names(&model->symbols, SYMBOL_PROFILE)));
			continue;
		}
		for (i = 0; i < group->block_len; i++)
			if (group->block[i] == block)
				error_at(errors, &value->place,
				    "profile `%s` is named twice", value->text);
		if (block->networks_node && said) {
			error_at(errors, &value->place,
			    "`networks` is said by two profiles of this "
			    "guest: `%s` and `%s`",
			    said->name, block->name);
			error_note(errors, &said->networks_node->place,
			    "`%s` says it here", said->name);
		}
		if (block->networks_node)
			said = block;
		group->networks |= block->networks;
		add_block(model, group, block);
	}
}

static bool has_rules(const struct node *node)
{
	const struct node *child;

	for (child = node->child; child; child = child->next)
		if (child->word->id == WORD_RULE)
			return true;
	return false;
}

/* Rules that stand with the guest come before those of its profiles. */
static void check_own_rules(struct model *model, struct guest_group *group)
{
	const struct node *node = group->node;
	struct block *block;

	if (!has_rules(node))
		return;
	if (symbol_find(&model->symbols, SYMBOL_PROFILE, 0, node->name)) {
		error_at(&model->compile->errors, &node->name_place,
		    "guest `%s` has rules of its own and the name of a "
		    "profile: `%s.rule` would mean two things",
		    node->name, node->name);
		return;
	}
	block = check_add_block(model, node, node->name);
	check_block_rules(model, node, block);
	add_block(model, group, block);
}

void check_guests(struct model *model)
{
	size_t i;

	for (i = 0; i < model->sentence_len; i++) {
		const struct node *node = model->sentence[i];
		struct guest_group *group;

		if (node->word->id != WORD_GUEST &&
		    node->word->id != WORD_GUESTS)
			continue;
		group = arena_take(&model->compile->arena, sizeof(*group));
		group->node = node;
		*model->group_last = group;
		model->group_last = &group->next;
		if (node->word->id == WORD_GUEST)
			add_name(model, group, node->name);
		else
			add_range(model, group);
		check_image(model, group);
		check_memory(model, group);
		check_own_rules(model, group);
		check_profiles(model, group);
	}
}

/* ---- expects ---- */

static bool known_guest(struct model *model, const struct value *value)
{
	size_t size = strlen(value->text);
	const struct guest_group *group;
	size_t i;

	if (!strcmp(value->text, "*"))
		return true;
	if (value->text[size - 1] != '*') {
		if (symbol_find(&model->symbols, SYMBOL_GUEST, 0, value->text))
			return true;
		return error_at(&model->compile->errors, &value->place,
		    "no guest is named `%.60s`%s", value->text,
		    error_near(&model->compile->errors, value->text,
			symbol_names(&model->symbols, SYMBOL_GUEST)));
	}
	for (group = model->group; group; group = group->next)
		for (i = 0; i < group->name_len; i++)
			if (!strncmp(group->name[i], value->text, size - 1))
				return true;
	return error_at(&model->compile->errors, &value->place,
	    "no guest's name starts with `%.*s`",
	    (int)(size - 1 < 60 ? size - 1 : 60), value->text);
}

static bool check_clauses(struct errors *errors, const struct node *node)
{
	const struct node *clause;

	for (clause = node->child; clause; clause = clause->next)
		switch (clause->word->id) {
		case WORD_PORT:
		case WORD_TYPE:
		case WORD_TO:
		case WORD_FROM:
		case WORD_ON:
			break;
		default:
			return error_at(errors, &clause->place,
			    "`%s` says nothing about a flow: it stands in a "
			    "rule",
			    clause->word->text);
		}
	return true;
}

void check_expects(struct model *model)
{
	struct errors *errors = &model->compile->errors;
	size_t i;

	for (i = 0; i < model->sentence_len; i++) {
		const struct node *node = model->sentence[i];
		const struct value *guest;
		struct expect *expect;

		if (node->word->id != WORD_EXPECT)
			continue;
		guest = node->value->next;
		expect = arena_take(&model->compile->arena, sizeof(*expect));
		expect->node = node;
		expect->allow = model_is(node->value, "allow");
		expect->guest = guest->text;
		if (!known_guest(model, guest) ||
		    !check_clauses(errors, node) ||
		    !check_match(model, node, guest->next, &expect->match))
			continue;
		*model->expect_last = expect;
		model->expect_last = &expect->next;
	}
}
