/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tree -> model (model.h): order of the checks, and what concerns the file as
 * a whole. Called by compile.c.
 */
#include "rules/lang/model.h"

#include <string.h>

bool model_is(const struct value *value, const char *keyword)
{
	return value && value->kind == VALUE_KEYWORD &&
	       !strcmp(value->text, keyword);
}

const struct node *model_only(
    struct errors *errors, const struct node *node, enum word_id id)
{
	const struct node *child, *found = NULL;

	for (child = node->child; child; child = child->next) {
		if (child->word->id != id)
			continue;
		if (found) {
			error_at(errors, &child->place,
			    "`%s` is said a second time", child->word->text);
			error_note(
			    errors, &found->place, "it was said here first");
		} else {
			found = child;
		}
	}
	return found;
}

/* Words that are values in the grammar and mean something not enforced. */
static bool check_values(struct errors *errors, const struct node *node)
{
	static const char *const later[] = {"ask", "splice", "web", "http",
	    "https", "dns", "quic", "never", "wireguard", "proxy", "dynamic",
	    "name", "high", NULL};
	const struct value *value;
	size_t i;

	for (value = node->value; value; value = value->next) {
		if (value->kind != VALUE_KEYWORD)
			continue;
		for (i = 0; later[i]; i++)
			if (!strcmp(value->text, later[i]))
				return error_at(errors, &value->place,
				    "`%s` is not enforced yet", value->text);
		if (node->word->id == WORD_UPLINK &&
		    !strcmp(value->text, "port"))
			return error_at(errors, &value->place,
			    "`uplink port` is not enforced yet");
	}
	return true;
}

/* Bounded recursion: file, include (BUNDLE_DEPTH_MAX), block, rule, clause. */
bool check_enforced(struct errors *errors, const struct node *node)
{
	const struct node *child;
	bool good = true;

	if (!node->word->enforced && node->word->id == WORD_OTHER)
		return error_at(errors, &node->place,
		    "`%s` is not enforced yet", node->word->text);
	if (!check_values(errors, node))
		good = false;
	for (child = node->child; child; child = child->next)
		if (!check_enforced(errors, child))
			good = false;
	return good;
}

static void lay_open(struct model *model, const struct node *node)
{
	for (; node; node = node->next) {
		model->sentence =
		    arena_grow(&model->compile->arena, model->sentence,
			model->sentence_len, sizeof(*model->sentence));
		model->sentence[model->sentence_len++] = node;
		if (node->word->id == WORD_INCLUDE)
			lay_open(model, node->child);
	}
}

/* Where the main file starts: for what it lacks. */
static struct place start_of(const struct model *model)
{
	const struct node *first = model->compile->ast.first;

	if (first)
		return first->place;
	return (struct place) {.line = 1, .column = 1, .size = 1};
}

static const struct node *first_of(const struct model *model, enum word_id id)
{
	size_t i;

	for (i = 0; i < model->sentence_len; i++)
		if (model->sentence[i]->word->id == id)
			return model->sentence[i];
	return NULL;
}

static void check_language(struct model *model)
{
	struct errors *errors = &model->compile->errors;
	const struct node *first = model->compile->ast.first;
	size_t i;

	if (!first || first->word->id != WORD_LANGUAGE) {
		struct place place = start_of(model);

		error_at(errors, &place, "a policy starts with `language 1;`");
		return;
	}
	for (i = 0; i < model->sentence_len; i++) {
		const struct node *node = model->sentence[i];

		if (node->word->id == WORD_LANGUAGE &&
		    strcmp(node->value->text, "1") != 0)
			error_at(errors, &node->value->place,
			    "this compiler knows `language 1` only");
		else if (node->word->id == WORD_LANGUAGE && node != first &&
			 node->place.source == first->place.source)
			error_at(errors, &node->place,
			    "`language` is said a second time");
	}
}

/* Region/City, or UTC: whether it exists matters when times are enforced. */
static bool is_timezone(const char *text)
{
	size_t size = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "abcdefghijklmnopqrstuvwxyz"
				   "0123456789_+-/");

	return size && size < 64 && !text[size] && *text != '/' &&
	       !strstr(text, "//") && text[size - 1] != '/';
}

static void check_timezone(struct model *model)
{
	struct errors *errors = &model->compile->errors;
	const struct node *first = first_of(model, WORD_TIMEZONE);
	size_t i;

	if (!first) {
		struct place place = start_of(model);

		error_at(errors, &place,
		    "a policy says its time zone: "
		    "`timezone \"Europe/Stockholm\";`");
		return;
	}
	if (!is_timezone(first->value->text))
		error_at(errors, &first->value->place,
		    "this is no time zone such as \"Europe/Stockholm\"");
	for (i = 0; i < model->sentence_len; i++)
		if (model->sentence[i]->word->id == WORD_TIMEZONE &&
		    model->sentence[i] != first) {
			error_at(errors, &model->sentence[i]->place,
			    "`timezone` is said a second time");
			error_note(
			    errors, &first->place, "it was said here first");
		}
}

static struct model *make_model(struct compile *compile)
{
	struct model *model = arena_take(&compile->arena, sizeof(*model));

	model->compile = compile;
	symbols_init(&model->symbols, &compile->arena);
	model->set_last = &model->set;
	model->block_last = &model->block;
	model->group_last = &model->group;
	model->expect_last = &model->expect;
	model->always.name = "always";
	model->always.last = &model->always.first;
	return model;
}

bool check_run(struct compile *compile)
{
	struct model *model = make_model(compile);
	const struct node *node;

	compile->model = model;
	for (node = compile->ast.first; node; node = node->next)
		check_enforced(&compile->errors, node);
	lay_open(model, compile->ast.first);
	check_language(model);
	check_timezone(model);
	check_sets(model);
	check_networks(model);
	check_reach(model);
	check_rules(model);
	check_guests(model);
	check_expects(model);
	return !compile->errors.error_len;
}
