/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guard of a network's namespace, by libnftables; see nft.h.
 *
 * Theory of operation. Everything is dropped but what the texts below accept:
 * forwarding between up0 and a TAP of `guests`, each with its guest's own
 * address, in both directions. With masquerade a packet that connection
 * tracking can't place would leave with the guest's address, so it is dropped
 * before, and once more after NAT by source. The namespace itself says
 * nothing but ICMP errors about flows that exist, and hears nothing. IPv6
 * meets the drop policies alone (and is switched off).
 */
#include "control/init/nft.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <nftables/libnftables.h>

#include "control/msg/log.h"
#include "rules/image/address.h"

/* What both kinds share; the forward chain of its kind follows. */
static const char common[] =
    "table inet gw {\n"
    "	set guests {\n"
    "		type ifname . ipv4_addr\n"
    "	}\n"
    "	chain input {\n"
    "		type filter hook input priority filter; policy drop;\n"
    "		counter\n"
    "	}\n"
    "	chain output {\n"
    "		type filter hook output priority filter; policy drop;\n"
    "		meta l4proto icmp ct state related icmp type {\n"
    "			destination-unreachable, time-exceeded,\n"
    "			parameter-problem } counter accept\n"
    "		counter\n"
    "	}\n"
    "}\n";

static const char masqueraded[] =
    "table inet gw {\n"
    "	chain forward {\n"
    "		type filter hook forward priority filter; policy drop;\n"
    "		ct state invalid counter drop\n"
    "		oifname \"up0\" iifname . ip saddr @guests counter accept\n"
    "		iifname \"up0\" oifname . ip daddr @guests\n"
    "			ct state established,related counter accept\n"
    "		counter\n"
    "	}\n"
    "	chain nat {\n"
    "		type nat hook postrouting priority srcnat; policy accept;\n"
    "		oifname \"up0\" ip saddr 100.64.0.0/10 counter masquerade\n"
    "	}\n"
    "	chain last {\n"
    "		type filter hook postrouting priority 110; policy accept;\n"
    "		oifname \"up0\" ip saddr 100.64.0.0/10 counter drop\n"
    "	}\n"
    "}\n";

static const char routed_only[] =
    "table inet gw {\n"
    "	chain forward {\n"
    "		type filter hook forward priority filter; policy drop;\n"
    "		oifname \"up0\" iifname . ip saddr @guests counter accept\n"
    "		iifname \"up0\" oifname . ip daddr @guests counter accept\n"
    "		counter\n"
    "	}\n"
    "}\n";

/* What the kernel must show afterwards, as nft prints it. */
static const char *const wanted_common[] = {
    "hook input priority filter; policy drop;",
    "hook output priority filter; policy drop;",
    "hook forward priority filter; policy drop;",
    "oifname \"up0\" iifname . ip saddr @guests",
    "iifname \"up0\" oifname . ip daddr @guests",
};
static const char *const wanted_masquerade[] = {
    "ct state invalid",
    "ip saddr 100.64.0.0/10 counter packets 0 bytes 0 masquerade",
    "ip saddr 100.64.0.0/10 counter packets 0 bytes 0 drop",
    "ct state established,related",
};

/* Run one text. *output: what it printed, freed by the caller; may be NULL. */
static int run(const char *text, char **output)
{
	struct nft_ctx *context = nft_ctx_new(NFT_CTX_DEFAULT);
	int error = 0;

	if (!context)
		return -ENOMEM;
	nft_ctx_buffer_output(context);
	nft_ctx_buffer_error(context);
	if (nft_run_cmd_from_buffer(context, text)) {
		log_error("nft", "%s", nft_ctx_get_error_buffer(context));
		error = -EIO;
	}
	if (output && !error) {
		*output = strdup(nft_ctx_get_output_buffer(context));
		if (!*output)
			error = -ENOMEM;
	}
	nft_ctx_free(context);
	return error;
}

static bool has_all(const char *text, const char *const *wanted, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!strstr(text, wanted[i])) {
			log_error("nft", "the guard lacks '%s'", wanted[i]);
			return false;
		}
	}
	return true;
}

static int verify(bool routed)
{
	char *text = NULL;
	int error = run("list table inet gw", &text);

	if (error)
		return error;
	if (!has_all(text, wanted_common,
		sizeof(wanted_common) / sizeof(*wanted_common)) ||
	    (!routed &&
		!has_all(text, wanted_masquerade,
		    sizeof(wanted_masquerade) / sizeof(*wanted_masquerade))))
		error = -EIO;
	free(text);
	return error;
}

int nft_guard(bool routed)
{
	char text[sizeof(common) + sizeof(masqueraded)];

	/* one transaction: there is no moment with half a guard */
	snprintf(text, sizeof(text), "%s%s", common,
	    routed ? routed_only : masqueraded);
	int error = run(text, NULL);
	return error ? error : verify(routed);
}

static int change_guest(const char *verb, uint32_t slot)
{
	uint32_t a = address_of_guest(slot);
	char text[128];

	snprintf(text, sizeof(text),
	    "%s element inet gw guests { \"gw-t%u\" . %u.%u.%u.%u }", verb,
	    slot, a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
	return run(text, NULL);
}

int nft_add_guest(uint32_t slot)
{
	return change_guest("add", slot);
}

int nft_delete_guest(uint32_t slot)
{
	return change_guest("delete", slot);
}
