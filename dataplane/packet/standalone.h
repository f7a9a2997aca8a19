/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gw-dataplane without gwd: for benches and tests. Nothing is confined, the
 * link is open from the start and no heartbeat is needed. Called by main().
 */
#pragma once

/*
 * gw-dataplane --standalone ...: see STANDALONE_USAGE. Runs until SIGTERM,
 * SIGINT or --seconds, then writes counters as JSON; SIGUSR1 writes them in
 * between. Returns the exit code: 0; 1 failed; 2 usage; 3 the policy was
 * refused.
 */
int standalone_main(int argc, char **argv);

extern const char STANDALONE_USAGE[];
