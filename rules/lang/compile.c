/* SPDX-License-Identifier: BSD-2-Clause */
/* One compilation from bundle to image (compile.h). */
#include "rules/lang/compile.h"

#include "rules/lang/country_build.h"
#include "rules/lang/parse.h"

#include <stdlib.h>
#include <string.h>

void compile_init(struct compile *compile, const struct bundle *bundle)
{
	memset(compile, 0, sizeof(*compile));
	arena_init(&compile->arena, ARENA_LIMIT);
	errors_init(&compile->errors, &compile->arena);
	out_init(&compile->report, &compile->arena);
	compile->bundle = bundle;
}

void compile_free(struct compile *compile)
{
	free(compile->table);
	arena_free(&compile->arena);
}

static bool good(const struct compile *compile)
{
	return !compile->errors.error_len;
}

static void run(struct compile *compile, enum compile_depth depth)
{
	struct errors *errors = &compile->errors;
	const struct bundle_file *file = &compile->bundle->file[0];

	if (file->failed) {
		error_at(errors, NULL, "can't read %s: %.*s", file->path,
		    source_reason_size(file), file->data);
		return;
	}
	source_add(errors, compile->bundle, 0, NULL);
	parse_file(&compile->ast, errors,
	    depth == COMPILE_PARSE ? NULL : compile->bundle);
	if (depth == COMPILE_PARSE || !good(compile))
		return;
	if (!check_run(compile))
		return;
	warn_run(compile);
	if (!country_run(compile) || !emit_run(compile))
		return;
	if (depth == COMPILE_EXPECT)
		expect_run(compile);
}

bool compile_run(struct compile *compile, enum compile_depth depth)
{
	/*
	 * The report of the failure itself needs memory: what is held is given
	 * back first, and earlier diagnostics are lost with it.
	 */
	if (setjmp(compile->arena.full)) {
		arena_free(&compile->arena);
		errors_init(&compile->errors, &compile->arena);
		out_init(&compile->report, &compile->arena);
		if (setjmp(compile->arena.full))
			abort();
		error_at(&compile->errors, NULL,
		    "the policy needs more memory than the compiler may use");
		return false;
	}
	run(compile, depth);
	return good(compile);
}
