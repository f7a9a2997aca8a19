/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The classifier: which rule of one guest decides about a new flow. Built by
 * the control thread from the policy image, looked up by the worker (node
 * admit). It answers exactly what judge_flow()'s linear walk would.
 *
 * Theory of operation. Every rule lies in one group {direction, protocol or
 * any, network or any}; a flow asks at most four groups and the lowest rule
 * wins. Within a group three kinds of rules are kept apart:
 *	- rules for every address: one port table;
 *	- rules by address: the addresses that rules name cut the address space
 *	  into intervals, the leaves of a segment tree; a rule's range hangs at
 *	  O(log n) nodes of it, and a look-up walks one leaf-to-root path;
 *	- rules by country: one port table per distinct country set.
 * A port table maps a port (for ICMP: the type) to the lowest rule by binary
 * search. Each table knows its lowest rule, so most of a path is skipped once
 * something better was found. Rules with the same addresses share their tree
 * entries, nodes with the same rules share their port table; size is bounded
 * by CLASSIFIER_ENTRY_MAX, beyond which building is refused.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/image/image.h"
#include "rules/image/judge.h"

/* Tree entries plus port-table cells of one classifier: 8 bytes each. */
#define CLASSIFIER_ENTRY_MAX (32u << 20)

struct classifier;

/*
 * image: validated, borrowed only for the call. guest: SECTION_GUEST index.
 * Returns the classifier, or NULL with one sentence in why (may be NULL).
 */
struct classifier *classifier_build(const struct policy_image *image,
    uint32_t guest, char *why, size_t why_size);
void classifier_free(struct classifier *classifier);

/* Does any rule ask for a country? Else country_of() can be spared. */
bool classifier_needs_country(const struct classifier *classifier);

/*
 * First rule that matches: SECTION_RULE index, or POLICY_NONE.
 * network: chosen network's index; country: of flow->remote.
 */
uint32_t classifier_lookup(const struct classifier *classifier,
    const struct judge_flow *flow, uint16_t network, uint16_t country);

/* Bytes it takes, for logs and benches. */
size_t classifier_size(const struct classifier *classifier);
