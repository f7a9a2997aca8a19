/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control thread of gw-dataplane under gwd: from the channel that gw-init
 * hands over to the end of the process. Called by main().
 */
#pragma once

#include <stdbool.h>

/*
 * Wait on `link` (MSG_LINK_FD) for the channel to gwd; nothing of it is read
 * yet. Returns the descriptor, or -errno.
 */
int control_receive_channel(int link);

/*
 * Serve gwd until the channel or the link ends, or a message does not belong
 * there; then the guest's link is closed. link, channel: borrowed. The worker
 * must have been initialised and the process confined.
 * Returns the exit code of the process.
 */
int control_serve(int link, int channel, bool hugepages);
