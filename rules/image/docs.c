/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages of docs/ that are lists in the code. Called at build time only, by
 * docs_main.c and a unit test.
 */
#include "rules/image/docs.h"

#include <inttypes.h>

#include "rules/image/address.h"
#include "rules/image/reason.h"
#include "rules/image/special.h"

static const char *answer_text(enum gw_answer answer)
{
	return answer == ANSWER_REJECT ? "RST, ICMP prohibited" : "silence";
}

void docs_print_reasons(FILE *out)
{
	fputs(
	    "# Reasons\n\n"
	    "Why a packet is not carried. Made from `GW_REASONS` in\n"
	    "rules/image/reason.h by `gw-image-docs reasons`; a test holds\n"
	    "this page to it. Stages are in the order of judgement. *Answer*\n"
	    "is what the guest gets for an outbound packet; a rule with\n"
	    "`quiet` never answers, and inbound packets are never answered.\n"
	    "\n"
	    "| stage | reason | answer | meaning |\n"
	    "|---|---|---|---|\n",
	    out);
	for (unsigned int stage = 0; stage < STAGE_MAX; stage++)
		for (unsigned int i = REASON_OK + 1; i < REASON_MAX; i++)
			if (reason_stage(i) == stage)
				fprintf(out, "| %s | `%s` | %s | %s |\n",
				    stage_name(stage), reason_name(i),
				    answer_text(reason_answer(i)),
				    reason_text(i));
}

static void print_address(FILE *out, uint32_t address)
{
	fprintf(out, "%" PRIu32 ".%" PRIu32 ".%" PRIu32 ".%" PRIu32,
	    address >> 24, address >> 16 & 0xff, address >> 8 & 0xff,
	    address & 0xff);
}

static void print_range(FILE *out, uint32_t first, uint32_t last)
{
	fputs("| ", out);
	print_address(out, first);
	fputs(" - ", out);
	print_address(out, last);
	fputs(" | ", out);
}

static void print_mac(FILE *out, uint8_t kind, const char *what)
{
	uint8_t mac[6];

	address_make_mac(mac, kind, 0);
	fprintf(out, "| %02x:%02x:%02x:%02x:SS:SS | %s |\n", mac[0], mac[1],
	    mac[2], mac[3], what);
}

void docs_print_addresses(FILE *out)
{
	const uint32_t links = 4 * ADDRESS_SLOT_MAX;

	fputs("# The gateway's own addresses\n\n"
	      "Made from rules/image/address.h and special.c by\n"
	      "`gw-image-docs addresses`; a test holds this page to it. A\n"
	      "`reach` that overlaps the claim is refused.\n\n"
	      "| IPv4 | use |\n|---|---|\n",
	    out);
	print_range(out, ADDRESS_CLAIM_FIRST, ADDRESS_CLAIM_LAST);
	fputs("claimed: belongs to no network |\n", out);
	print_range(out, ADDRESS_GUEST_LINK, ADDRESS_GUEST_LINK + links - 1);
	fprintf(out, "guest links, a /%d per slot |\n", ADDRESS_LINK_PREFIX);
	print_range(out, ADDRESS_FRONT, ADDRESS_FRONT + links - 1);
	fputs("reserved: stream side, front |\n", out);
	print_range(out, ADDRESS_BACK, ADDRESS_BACK + links - 1);
	fputs("reserved: stream side, back |\n\n", out);
	fputs("The link of guest slot 0: gateway ", out);
	print_address(out, address_of_gateway(0));
	fputs(", guest ", out);
	print_address(out, address_of_guest(0));
	fputs("; of slot 1: gateway ", out);
	print_address(out, address_of_gateway(1));
	fputs(", guest ", out);
	print_address(out, address_of_guest(1));
	fputs(".\n\n| MAC (SS:SS = slot) | whose |\n|---|---|\n", out);
	print_mac(out, MAC_KIND_GATEWAY, "the guest's gateway");
	print_mac(out, MAC_KIND_FAR, "the dataplane on a network's TAP");
	print_mac(out, MAC_KIND_NETWORK,
	    "the kernel on a network's TAP, + network index");
	fputs("\n## Special addresses\n\n"
	      "They have no country, unless a list of the user's gives them\n"
	      "one. `reach public` leaves out those without *public*.\n\n"
	      "| IPv4 | public | what |\n|---|---|---|\n",
	    out);
	for (size_t i = 0; i < special_len; i++) {
		const struct special_range *range = &special_range[i];

		print_range(out, range->first, range->last);
		fprintf(out, "%s | %s |\n", range->in_public ? "public" : "",
		    range->what);
	}
}
