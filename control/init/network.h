/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Networks of gw-init: namespace, uplink, guard, TAPs. Called by supervise.c
 * with requests of gwd, which are judged here.
 */
#pragma once

#include "control/msg/msg.h"

/*
 * Bring a network up or take it down. Up again with equal settings is done
 * already (a restarted gwd asks so). text: the sentence with the cure.
 * Returns 0; -EINVAL a request that can't be; -EEXIST up with other settings,
 * or the namespace is somebody else's; -ENODEV no such interface; else -errno.
 */
int network_apply(
    const struct msg_init_network *request, char text[MSG_TEXT_SIZE]);

/*
 * Add or delete a guest's TAP. fd: borrowed, stays open here so that the link
 * outlives a dataplane; a second TAP_ADD gives the same one.
 * Returns as network_apply(); -ENOENT when the network is not up.
 */
int network_tap(
    const struct msg_init_tap *request, int *fd, char text[MSG_TEXT_SIZE]);

/* Take every network down, returning what was taken. */
void network_remove_all(void);

/* Remove what a killed gw-init left, by its records in the run folder. */
void network_clean(void);
