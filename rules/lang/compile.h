/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One compilation: bundle -> tree -> model -> policy image, with diagnostics.
 * Called by rulec.c and by the unit tests. The passes in order:
 *
 *	source.c   texts of the bundle
 *	lex.c      text -> tokens
 *	parse*.c   tokens -> tree (ast.h)
 *	check*.c   tree -> model (model.h): names, kinds, meaning
 *	warn.c     what is allowed but probably not meant
 *	emit.c     model -> policy image (rules/image/image.h)
 *	expect.c   the policy's own `expect` sentences, judged on the image
 */
#pragma once

#include "rules/image/country.h"
#include "rules/image/image.h"
#include "rules/lang/ast.h"
#include "rules/lang/bundle.h"
#include "rules/lang/out.h"

struct model;

struct compile {
	struct arena arena;
	struct errors errors;
	const struct bundle *bundle; /* borrowed */
	struct ast ast;
	struct model *model;
	/* results: valid when errors.error_len == 0 */
	void *image; /* arena's, image_size bytes */
	size_t image_size;
	struct policy_image view;
	void *table; /* country table, malloc()ed, or NULL */
	size_t table_size;
	struct country_table countries;
	struct out report; /* `--test`: a line per expect */
};

enum compile_depth {
	COMPILE_PARSE,	/* tree only, for `--print` */
	COMPILE_IMAGE,	/* image and country table */
	COMPILE_EXPECT, /* and every `expect` holds */
};

/* bundle is borrowed until compile_free(). */
void compile_init(struct compile *compile, const struct bundle *bundle);
/*
 * Run the passes. Returns true when there was no error; diagnostics are in
 * compile->errors either way. Too little memory is an error like others.
 */
bool compile_run(struct compile *compile, enum compile_depth depth);
void compile_free(struct compile *compile);

/* ---- sources (source.c) ---- */

/* Add file `file` of the bundle; parent: shown path of the file in which its
 * path is written, or NULL. Returns its number. */
uint32_t source_add(struct errors *errors, const struct bundle *bundle,
    uint32_t file, const char *parent);
/* The file that `include "path"` at `place` names, added as a source. Returns
 * its number; UINT32_MAX when it was refused and reported. */
uint32_t source_include(struct errors *errors, const struct bundle *bundle,
    const struct place *place, const char *path);

/* Bytes to show of a failed file's reason. */
static inline int source_reason_size(const struct bundle_file *file)
{
	return file->size < 200 ? (int)file->size : 200;
}

/* ---- later passes ---- */

/* Tree -> model. Returns false when anything was refused. */
bool check_run(struct compile *compile);
void warn_run(struct compile *compile);
/* The country table from the bundle's country files. False: reported. */
bool country_run(struct compile *compile);
bool emit_run(struct compile *compile);
/* Judge every `expect`; failures are errors. */
bool expect_run(struct compile *compile);
