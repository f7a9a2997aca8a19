/* SPDX-License-Identifier: BSD-2-Clause */
/* One flow, stage by stage. Called by work.c. */
#pragma once

#include "rules/lang/compile.h"

/*
 * flow: `GUEST FLOW`, for example `desk-1 tcp port 443 to 203.0.113.9`. Judged
 * on the compiled image; out gets a line per stage and per rule considered, or
 * one JSON object. Returns 1 allow, 0 deny, -1 when the flow can't be judged
 * (reported in errors).
 */
int explain_flow(
    struct compile *compile, const char *flow, bool json, struct out *out);
