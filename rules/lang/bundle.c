/* SPDX-License-Identifier: BSD-2-Clause */
/* Taking a bundle apart (bundle.h). Bytes may be hostile. */
#include "rules/lang/bundle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int refuse(char *why, size_t why_size, const char *what)
{
	if (why_size)
		snprintf(why, why_size, "the bundle is broken: %s", what);
	return -EBADMSG;
}

/* What is still unread. */
struct rest {
	const uint8_t *at;
	size_t size;
};

static const void *take(struct rest *rest, uint64_t size)
{
	const void *at = rest->at;

	if (size > rest->size)
		return NULL;
	rest->at += size;
	rest->size -= (size_t)size;
	return at;
}

static const char *take_file(
    struct rest *rest, struct bundle_file *file, size_t index)
{
	struct bundle_record record;
	const void *bytes = take(rest, sizeof(record));
	size_t used;

	if (!bytes)
		return "a record is cut off";
	memcpy(&record, bytes, sizeof(record));
	if (record.kind < BUNDLE_MAIN || record.kind >= BUNDLE_KIND_END ||
	    (record.kind == BUNDLE_MAIN) != (index == 0) || record.failed > 1)
		return "a record has an unknown kind";
	if (index ? record.parent >= index : record.parent)
		return "a record belongs to a later one";
	if (record.path_size >= BUNDLE_PATH_MAX ||
	    record.size > BUNDLE_FILE_MAX)
		return "a record is too large";
	file->path = take(rest, record.path_size + 1);
	file->data = take(rest, record.size);
	if (!file->path || !file->data)
		return "a file is cut off";
	if (memchr(file->path, 0, record.path_size + 1) !=
	    file->path + record.path_size)
		return "a path holds a NUL";
	used = record.path_size + 1 + record.size;
	if (!take(rest, -used & 7))
		return "its padding is cut off";
	file->kind = record.kind;
	file->parent = record.parent;
	file->failed = record.failed;
	file->size = record.size;
	return NULL;
}

int bundle_parse(struct bundle *bundle, const void *data, size_t size,
    char *why, size_t why_size)
{
	struct rest rest = {data, size};
	const void *bytes = take(&rest, sizeof(struct bundle_header));
	struct bundle_header header;
	size_t i;

	memset(bundle, 0, sizeof(*bundle));
	if (!bytes)
		return refuse(why, why_size, "it is cut off");
	memcpy(&header, bytes, sizeof(header));
	if (memcmp(header.magic, BUNDLE_MAGIC, 8) != 0 ||
	    header.format != BUNDLE_FORMAT)
		return refuse(why, why_size, "it is none, or a foreign format");
	if (header.size != size || size > BUNDLE_MAX)
		return refuse(why, why_size, "its size is not what it says");
	if (!header.len || header.len > BUNDLE_FILES)
		return refuse(why, why_size, "it has too many or no files");
	bundle->file = calloc(header.len, sizeof(*bundle->file));
	if (!bundle->file)
		return -ENOMEM;
	for (i = 0; i < header.len; i++) {
		const char *wrong = take_file(&rest, &bundle->file[i], i);

		if (wrong) {
			bundle_free(bundle);
			return refuse(why, why_size, wrong);
		}
	}
	bundle->len = header.len;
	if (rest.size) {
		bundle_free(bundle);
		return refuse(why, why_size, "there are bytes behind its end");
	}
	return 0;
}

void bundle_free(struct bundle *bundle)
{
	free(bundle->file);
	memset(bundle, 0, sizeof(*bundle));
}
