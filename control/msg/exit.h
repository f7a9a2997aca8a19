/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one list of gwctl's exit codes (docs/rule-semantics.md, gwctl.8). gwd
 * names one in every JSON-RPC error, gwctl ends with it and prints the list.
 */
#pragma once

/* clang-format off */
#define GW_EXITS(X) \
	X(DONE,          0, "done; for policy explain: allow") \
	X(FAILED,        1, "it was tried and failed") \
	X(USAGE,         2, "the command line or request is wrong; nothing was tried") \
	X(REFUSED,       3, "the policy was refused; the old one stays in force") \
	X(DENY,          4, "the verdict asked for is deny") \
	X(NOT_PERMITTED, 5, "the caller may not do this") \
	X(NO_GWD,        6, "gwd is not running, or does not answer") \
	X(CHANGED,       7, "somebody else changed it first") \
	X(NOT_CONFIRMED, 8, "not confirmed, and so rolled back")
/* clang-format on */

enum gw_exit {
#define X(name, code, text) GW_EXIT_##name = code,
	GW_EXITS(X)
#undef X
};
