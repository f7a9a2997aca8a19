/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The country table of a policy that names countries, from the files of its
 * bundle: the built-in list first, `country-table` files laid over it. Called
 * by compile.c.
 */
#include "rules/lang/model.h"

#include "rules/lang/country_build.h"

#include <string.h>

/* Where a `country-table` file was named, or NULL. */
static const struct value *value_of(
    const struct model *model, const struct bundle_file *file)
{
	const struct errors *errors = &model->compile->errors;
	size_t i;

	for (i = 0; i < model->sentence_len; i++) {
		const struct node *node = model->sentence[i];
		const struct value *value;

		if (node->word->id != WORD_COUNTRY_TABLE ||
		    errors->source[node->place.source].file != file->parent)
			continue;
		for (value = node->value; value; value = value->next)
			if (!strcmp(value->text, file->path))
				return value;
	}
	return NULL;
}

/* Where the file was named that a sentence of country_build() is about: it
 * starts with the path. NULL: the built-in list. */
static const struct place *place_of(
    const struct model *model, const char *sentence)
{
	const struct bundle *bundle = model->compile->bundle;
	size_t i;

	for (i = 0; i < bundle->len; i++) {
		const struct bundle_file *file = &bundle->file[i];
		size_t size = strlen(file->path);
		const struct value *value;

		if (file->kind != BUNDLE_COUNTRY ||
		    strncmp(sentence, file->path, size) != 0 ||
		    sentence[size] != ':')
			continue;
		value = value_of(model, file);
		return value ? &value->place : NULL;
	}
	return NULL;
}

static bool add_files(struct compile *compile, enum bundle_kind kind,
    struct country_input *input, size_t *len)
{
	const struct bundle *bundle = compile->bundle;
	size_t i;

	for (i = 0; i < bundle->len; i++) {
		const struct bundle_file *file = &bundle->file[i];
		const struct value *value;

		if (file->kind != kind)
			continue;
		if (file->failed) {
			value = value_of(compile->model, file);
			return error_at(&compile->errors,
			    value ? &value->place : NULL,
			    "can't read the country table \"%s\": %.*s%s",
			    file->path, source_reason_size(file), file->data,
			    value ? "" : " (Debian package tor-geoipdb)");
		}
		input[(*len)++] =
		    (struct country_input) {file->path, file->data, file->size};
	}
	return true;
}

bool country_run(struct compile *compile)
{
	struct country_input *input;
	char why[300] = "";
	size_t len = 0;
	int error;

	if (!compile->model->names_country)
		return true;
	input =
	    arena_take(&compile->arena, compile->bundle->len * sizeof(*input));
	if (!add_files(compile, BUNDLE_COUNTRY_BASE, input, &len))
		return false;
	if (!len)
		return error_at(&compile->errors, NULL,
		    "the policy names countries, but its bundle holds no "
		    "country table");
	if (!add_files(compile, BUNDLE_COUNTRY, input, &len))
		return false;
	error = country_build(input, len, &compile->table, &compile->table_size,
	    why, sizeof(why));
	if (error)
		return error_at(&compile->errors, place_of(compile->model, why),
		    "the country table can't be made: %s", why);
	error = country_table_validate(&compile->countries, compile->table,
	    compile->table_size, NULL, why, sizeof(why));
	if (error)
		return error_at(&compile->errors, NULL,
		    "the country table can't be made: %s", why);
	return true;
}
