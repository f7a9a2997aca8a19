/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ethdev port: any DPDK device, one queue each way, for uplinks that are
 * DPDK ports and for benches (net_null, net_af_packet, ...). Worker thread;
 * open and close control thread.
 *
 * Theory of operation. Where the driver has receive interrupts the port sleeps
 * on the queue's eventfd; else its descriptor is -1 and the loop never sleeps
 * longer than a millisecond. A driver that wants a dynamic field in mbufs for
 * itself (net_pcap: a time stamp) is refused: packet_meta lies there.
 */
#include "dataplane/packet/port.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <rte_dev.h>
#include <rte_ethdev.h>

#include "control/msg/log.h"

#define RING_LEN 1024

/* Asking a driver for its link costs more than a burst of packets. */
#define LINK_EVERY 4096

struct ethdev {
	uint16_t id;
	bool made;	    /* the device is there because of us */
	bool up;	    /* as last asked */
	uint32_t questions; /* about the link since then */
	int fd;		    /* of rx interrupts, or -1 */
	struct rte_mempool *pool;
};

static uint16_t rx(struct port *port, struct rte_mbuf **mbufs, uint16_t len)
{
	const struct ethdev *dev = port->priv;
	uint16_t done = rte_eth_rx_burst(dev->id, 0, mbufs, len);

	for (uint16_t i = 0; i < done; i++) {
		struct rte_mbuf *mbuf = mbufs[i];

		if (likely(mbuf->nb_segs == 1))
			continue;
		/* too long for any MTU: what is kept is, too (vhost.c) */
		rte_pktmbuf_free(mbuf->next);
		mbuf->next = NULL;
		mbuf->nb_segs = 1;
		mbuf->pkt_len = mbuf->data_len;
	}
	return done;
}

static uint16_t tx(struct port *port, struct rte_mbuf **mbufs, uint16_t len)
{
	const struct ethdev *dev = port->priv;

	return rte_eth_tx_burst(dev->id, 0, mbufs, len);
}

static int get_fd(struct port *port)
{
	const struct ethdev *dev = port->priv;

	return dev->fd;
}

static void ask_link(struct ethdev *dev)
{
	struct rte_eth_link link;

	dev->questions = 0;
	dev->up = rte_eth_link_get_nowait(dev->id, &link) == 0 &&
		  link.link_status == RTE_ETH_LINK_UP;
}

static bool arm(struct port *port)
{
	struct ethdev *dev = port->priv;

	ask_link(dev);
	if (dev->fd >= 0)
		rte_eth_dev_rx_intr_enable(dev->id, 0);
	return rte_eth_rx_queue_count(dev->id, 0) <= 0;
}

static void disarm(struct port *port)
{
	const struct ethdev *dev = port->priv;
	uint64_t count;

	if (dev->fd < 0)
		return;
	rte_eth_dev_rx_intr_disable(dev->id, 0);
	if (read(dev->fd, &count, sizeof(count)) < 0)
		return; /* nothing was signalled */
}

static bool link_up(struct port *port)
{
	struct ethdev *dev = port->priv;

	if (++dev->questions >= LINK_EVERY)
		ask_link(dev);
	return dev->up;
}

/* A device that we made goes, so that its name can be opened again. */
static void release(struct ethdev *dev)
{
	struct rte_eth_dev_info info;

	rte_eth_dev_stop(dev->id);
	if (!dev->made || rte_eth_dev_info_get(dev->id, &info) < 0 ||
	    rte_dev_remove(info.device) < 0)
		rte_eth_dev_close(dev->id);
	free(dev);
}

static void close_port(struct port *port)
{
	struct ethdev *dev = port->priv;

	if (!dev)
		return;
	release(dev);
	port->priv = NULL;
}

static const struct port_ops ops = {
    .kind = "ethdev",
    .rx = rx,
    .tx = tx,
    .fd = get_fd,
    .arm = arm,
    .disarm = disarm,
    .link_up = link_up,
    .close = close_port,
};

/* Device that devargs name; it is made unless it is there already. */
static int find(struct ethdev *dev, const char *devargs)
{
	struct rte_dev_iterator iterator;
	char name[RTE_ETH_NAME_MAX_LEN];
	size_t size = strcspn(devargs, ",");
	int error;

	if (size >= sizeof(name))
		return -ENAMETOOLONG;
	memcpy(name, devargs, size);
	name[size] = '\0';
	if (rte_eth_dev_get_port_by_name(name, &dev->id) == 0)
		return 0;
	error = rte_dev_probe(devargs);
	if (error < 0)
		return error;
	RTE_ETH_FOREACH_MATCHING_DEV(dev->id, devargs, &iterator)
	{
		dev->made = true;
		rte_eth_iterator_cleanup(&iterator);
		return 0;
	}
	return -ENODEV;
}

static int start(struct ethdev *dev, bool interrupt)
{
	struct rte_eth_conf conf = {.intr_conf.rxq = interrupt};
	uint16_t rx_len = RING_LEN, tx_len = RING_LEN;
	int socket = rte_eth_dev_socket_id(dev->id), error;

	error = rte_eth_dev_configure(dev->id, 1, 1, &conf);
	if (!error)
		error =
		    rte_eth_dev_adjust_nb_rx_tx_desc(dev->id, &rx_len, &tx_len);
	if (!error)
		error = rte_eth_rx_queue_setup(
		    dev->id, 0, rx_len, (unsigned int)socket, NULL, dev->pool);
	if (!error)
		error = rte_eth_tx_queue_setup(
		    dev->id, 0, tx_len, (unsigned int)socket, NULL);
	if (!error)
		error = rte_eth_dev_start(dev->id);
	return error;
}

int port_open_ethdev(struct port *port, const char *devargs)
{
	struct ethdev *dev = calloc(1, sizeof(*dev));
	int error = -ENOMEM;

	if (!dev)
		return error;
	dev->pool = port->pool;
	dev->fd = -1;
	error = find(dev, devargs);
	if (error) {
		free(dev);
		return error;
	}
	error = start(dev, true);
	if (!error)
		dev->fd = rte_eth_dev_rx_intr_ctl_q_get_fd(dev->id, 0);
	else
		error = start(dev, false);
	if (error) {
		release(dev);
		return error;
	}
	rte_eth_promiscuous_enable(dev->id);
	ask_link(dev);
	port->ops = &ops;
	port->priv = dev;
	return 0;
}
