/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts of a bundle as numbered sources (compile.h). */
#include "rules/lang/compile.h"

#include <stdio.h>
#include <string.h>

/* A path as shown: joined to its parent's folder, safe for a terminal and as
 * JSON. */
static const char *shown_path(
    struct errors *errors, const char *parent, const char *path)
{
	const char *slash = parent ? strrchr(parent, '/') : NULL;
	char *text;
	size_t i, size, n;

	if (slash && *path != '/')
		text = arena_print(errors->arena, "%.*s/%s",
		    (int)(slash - parent), parent, path);
	else
		text = arena_print(errors->arena, "%s", path);
	size = strlen(text);
	for (i = 0; i < size; i += n) {
		n = lex_utf8(text + i, size - i);
		if (!n || (unsigned char)text[i] < 0x20 || text[i] == 0x7f) {
			text[i] = '?';
			n = 1;
		}
	}
	return text;
}

uint32_t source_add(struct errors *errors, const struct bundle *bundle,
    uint32_t file, const char *parent)
{
	uint32_t index = errors->source_len;
	struct source *source;

	errors->source = arena_grow(
	    errors->arena, errors->source, index, sizeof(*errors->source));
	source = &errors->source[index];
	source->path = shown_path(errors, parent, bundle->file[file].path);
	source->data = bundle->file[file].data;
	source->size = bundle->file[file].size;
	source->file = file;
	errors->source_len++;
	return index;
}

uint32_t source_include(struct errors *errors, const struct bundle *bundle,
    const struct place *place, const char *path)
{
	uint32_t parent = errors->source[place->source].file;
	uint32_t i, k;

	for (i = 1; bundle && i < bundle->len; i++)
		if (bundle->file[i].kind == BUNDLE_INCLUDE &&
		    bundle->file[i].parent == parent &&
		    !strcmp(bundle->file[i].path, path))
			break;
	if (!bundle || i == bundle->len) {
		error_at(errors, place, "\"%s\" is not in the bundle", path);
		return UINT32_MAX;
	}
	if (bundle->file[i].failed) {
		error_at(errors, place, "can't read \"%s\": %.*s", path,
		    source_reason_size(&bundle->file[i]), bundle->file[i].data);
		return UINT32_MAX;
	}
	for (k = 0; k < errors->source_len; k++)
		if (errors->source[k].file == i) {
			error_at(errors, place,
			    "\"%s\" is included a second time", path);
			return UINT32_MAX;
		}
	return source_add(
	    errors, bundle, i, errors->source[place->source].path);
}
