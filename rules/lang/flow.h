/* SPDX-License-Identifier: BSD-2-Clause */
/* Words about one flow. Called by expect.c and explain.c. */
#pragma once

#include "rules/image/judge.h"
#include "rules/lang/model.h"

/* `desk-1 tcp port 443 to 203.0.113.9`, in the arena. */
const char *flow_text(
    struct arena *arena, const char *guest, const struct judge_flow *flow);
/* `203.0.113.9`, in the arena; host order. */
const char *flow_address(struct arena *arena, uint32_t address);
/* `allowed by rule x`, `denied by rule x`, `denied: no rule allows it
 * (no-rule, stage rules)`. */
const char *flow_verdict(
    struct compile *compile, const struct judge_verdict *verdict);
/* Place of an image's rule as a place of the sources. */
struct place flow_place(const struct policy_place *place);
