/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The offline mode of gw-dataplane: captures through the same graph, with a
 * verdict per flow. Needs neither root nor gwd. Called by main().
 */
#pragma once

#include <stdbool.h>

/* Do these arguments ask for the offline mode (--pcap, --graph)? */
bool offline_wanted(int argc, char **argv);

/*
 * gw-dataplane --pcap IN OUT [--pcap IN OUT]... --policy FILE [--guest NAME]
 *	[--guest-ip ADDRESS] [--json] [--flows N]
 * gw-dataplane --graph dot|svg
 * Returns the exit code: 0; 1 when a capture can't be read or in = out + drops
 * does not hold; 2 usage; 3 the policy was refused.
 */
int offline_main(int argc, char **argv);
