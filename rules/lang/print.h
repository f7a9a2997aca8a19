/* SPDX-License-Identifier: BSD-2-Clause */
/* Syntax tree -> canonical text. Called by rulec.c (`--print`) and emit.c. */
#pragma once

#include "rules/lang/ast.h"
#include "rules/lang/out.h"

/*
 * The main file in canonical form: one sentence a line, four blanks of indent,
 * comments kept, included text not repeated. Parsing it gives the same tree.
 */
void print_file(struct out *out, const struct ast *ast);
/* One sentence on one line, without comments and `;`. */
void print_sentence(struct out *out, const struct node *node);
