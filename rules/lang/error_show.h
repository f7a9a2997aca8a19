/* SPDX-License-Identifier: BSD-2-Clause */
/* Writing diagnostics for people and for programs. Called by rulec.c. */
#pragma once

#include "rules/lang/error.h"
#include "rules/lang/out.h"

/*
 * `file:line:column: error: sentence`, the source line, and an underline; then
 * a line with the counts. Nothing when there is nothing to say.
 */
void error_show_text(struct errors *errors, struct out *out);
/*
 * One JSON object: {"schema": 1, "ok": bool, "errors": N, "warnings": N,
 * "diagnostics": [{"severity", "file", "line", "column", "size", "message",
 * "excerpt", "note": {"file", "line", "column", "message"}}]}. The last two
 * only where there are any. No line end.
 */
void error_show_json(struct errors *errors, struct out *out);
