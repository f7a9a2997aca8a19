/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The port of captures: see pcap.h. Worker thread and main thread are one here.
 */
#include "dataplane/packet/port/pcap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/packet/packet.h"
#include "dataplane/packet/pipeline.h"

#define QUEUE_LEN 256

struct pcap_port {
	struct rte_mempool *pool;
	pcap_sink sink;
	uint16_t len;
	uint16_t room;
	bool up;
	struct rte_mbuf *queue[QUEUE_LEN];
};

static uint16_t rx(struct port *port, struct rte_mbuf **mbufs, uint16_t len)
{
	struct pcap_port *pcap = port->priv;

	if (len > pcap->len)
		len = pcap->len;
	memcpy(mbufs, pcap->queue, len * sizeof(*mbufs));
	pcap->len -= len;
	memmove(pcap->queue, pcap->queue + len, pcap->len * sizeof(*mbufs));
	return len;
}

static uint16_t tx(struct port *port, struct rte_mbuf **mbufs, uint16_t len)
{
	struct pcap_port *pcap = port->priv;

	if (len > pcap->room)
		len = pcap->room;
	for (uint16_t i = 0; i < len; i++) {
		pcap->sink(port, mbufs[i]);
		rte_pktmbuf_free(mbufs[i]);
	}
	return len;
}

static int fd(struct port *port)
{
	return -1;
}

static bool arm(struct port *port)
{
	const struct pcap_port *pcap = port->priv;

	return pcap->len == 0;
}

static void disarm(struct port *port)
{
}

static bool link_up(struct port *port)
{
	const struct pcap_port *pcap = port->priv;

	return pcap->up;
}

static void close_port(struct port *port)
{
	struct pcap_port *pcap = port->priv;

	rte_pktmbuf_free_bulk(pcap->queue, pcap->len);
	free(pcap);
	port->priv = NULL;
	port->present = false;
}

int port_open_pcap(struct port *port, struct rte_mempool *pool, pcap_sink sink)
{
	static const struct port_ops ops = {
	    .kind = "pcap",
	    .rx = rx,
	    .tx = tx,
	    .fd = fd,
	    .arm = arm,
	    .disarm = disarm,
	    .link_up = link_up,
	    .close = close_port,
	};
	struct pcap_port *pcap = calloc(1, sizeof(*pcap));

	if (!pcap)
		return -ENOMEM;
	*pcap = (struct pcap_port) {
	    .pool = pool, .sink = sink, .room = UINT16_MAX, .up = true};
	port->ops = &ops;
	port->priv = pcap;
	port->pool = pool;
	port->present = true;
	return 0;
}

int pcap_port_give(
    struct port *port, const void *frame, uint32_t size, uint64_t serial)
{
	struct pcap_port *pcap = port->priv;
	struct rte_mbuf *mbuf;
	void *place;

	if (pcap->len == QUEUE_LEN)
		return -ENOBUFS;
	mbuf = rte_pktmbuf_alloc(pcap->pool);
	if (!mbuf)
		return -ENOBUFS;
	place = size <= UINT16_MAX ? rte_pktmbuf_append(mbuf, (uint16_t)size)
				   : NULL;
	if (!place) {
		rte_pktmbuf_free(mbuf);
		return -EMSGSIZE;
	}
	memcpy(place, frame, size);
	*packet_trace(mbuf) =
	    (struct packet_trace) {.serial = serial, .path = NODE_PORT_RX};
	pcap->queue[pcap->len++] = mbuf;
	return 0;
}

void pcap_port_set_room(struct port *port, uint16_t room)
{
	struct pcap_port *pcap = port->priv;

	pcap->room = room;
}

void pcap_port_set_link(struct port *port, bool up)
{
	struct pcap_port *pcap = port->priv;

	pcap->up = up;
}
