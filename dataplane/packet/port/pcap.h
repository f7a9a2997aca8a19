/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port whose frames come from memory and go to a function: the ends of the
 * graph in the offline mode and in tests/packets.
 */
#pragma once

#include "dataplane/packet/port.h"

/* Gets every frame that leaves through the port; the frame is borrowed. */
typedef void (*pcap_sink)(const struct port *port, struct rte_mbuf *mbuf);

/* port: zeroed but for name, MACs and index; pool: where frames come from.
 * Returns 0 or -ENOMEM. */
int port_open_pcap(struct port *port, struct rte_mempool *pool, pcap_sink sink);

/*
 * Queue one frame for the port's next burst. serial: kept in packet_trace for
 * observers. Returns 0, -ENOBUFS (queue or pool empty), -EMSGSIZE.
 */
int pcap_port_give(
    struct port *port, const void *frame, uint32_t size, uint64_t serial);

/* Tests: the next tx takes at most so many frames; the link goes up, down. */
void pcap_port_set_room(struct port *port, uint16_t room);
void pcap_port_set_link(struct port *port, bool up);
