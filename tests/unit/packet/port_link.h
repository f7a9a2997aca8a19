/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TAP in a network namespace of the test's own, and a packet socket on the
 * kernel's side of it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Enter a namespace of our own; false when that is not allowed here. */
bool link_enter_namespace(void);
/* A TAP with the name, up, MTU 9000, IFF_VNET_HDR; its descriptor. */
int link_make_tap(const char *name);
/* Packet socket on the interface, both directions. */
int link_open_socket(const char *name);
/* Next frame that came out of the TAP, 0 after timeout_ms. */
size_t link_receive(int socket, void *frame, size_t size, int timeout_ms);
