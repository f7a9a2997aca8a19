/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port: one place where frames come from and go to. vhost, TAP, ethdev and
 * pcap implement the same few operations (port/), the graph knows only these.
 * Called by the worker thread, except where said.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <rte_ether.h>
#include <rte_mbuf.h>

#define PORT_MAX       17 /* guest, then POLICY_NETWORK_MAX networks */
#define PORT_GUEST     0
#define PORT_NAME_SIZE 48
#define PORT_STALE_MAX 128 /* bursts: more than any ring or TAP queue holds */

struct port;

struct port_ops {
	const char *kind; /* "vhost", "tap", "ethdev", "pcap" */
	/* Up to `len` frames into `mbufs` (then the caller's); never blocks.
	 * An mbuf holds one frame from the Ethernet header on, contiguous. */
	uint16_t (*rx)(
	    struct port *port, struct rte_mbuf **mbufs, uint16_t len);
	/* Send; returns how many were taken. The first so many mbufs are the
	 * port's (it frees them), the rest stay the caller's. */
	uint16_t (*tx)(
	    struct port *port, struct rte_mbuf **mbufs, uint16_t len);
	/* Descriptor that becomes readable when rx has something, or -1. May
	 * change when a guest reconnects. */
	int (*fd)(struct port *port);
	/* Ask for a wake-up through fd. Returns false when frames are there
	 * already: do not sleep. */
	bool (*arm)(struct port *port);
	/* Wake-up no longer wanted: polling again. */
	void (*disarm)(struct port *port);
	bool (*link_up)(struct port *port);
	/* Control thread, worker no longer uses the port. NULL is fine. */
	void (*close)(struct port *port);
};

struct port_counters {
	uint64_t rx_packets, rx_bytes;
	uint64_t tx_packets, tx_bytes;
};

struct port {
	/* hot */
	const struct port_ops *ops;
	void *priv;
	struct rte_mempool *pool;
	uint8_t index; /* in worker->port[] */
	bool is_guest; /* else a network */
	bool present;
	bool lazy; /* poll only when its fd is ready (TAP) */
	/* Of a lazy port: there may be something in it. Set by the loop when
	 * the fd is readable, cleared by the port when it gave all. */
	bool ready;
	/* What waits in it is old: dropped as stale until the port gave less
	 * than a burst. Set by the port whenever it (re)connects, by the worker
	 * after a pause; cleared by node port_rx. */
	_Atomic bool stale;
	uint8_t stale_bursts; /* dropped so far, bounded by PORT_STALE_MAX */
	uint32_t nat_address; /* host order; 0 = no address translation here */
	struct rte_ether_addr own_mac;	/* ours on this link */
	struct rte_ether_addr peer_mac; /* the one at the other end */
	struct port_counters counters;
	/* slow */
	char name[PORT_NAME_SIZE]; /* "guest" or the network's name */
};

/* Constructors in port/: fill ops and priv of a zeroed port. 0 or -errno. */

/* vhost-user client (or server) on a socket path; see port/vhost.c.
 * any_memory: accept guest RAM that can still be shrunk (bench only). */
int port_open_vhost(
    struct port *port, const char *path, bool server, bool any_memory);
/* fd: taken. A TAP opened with IFF_TAP | IFF_NO_PI | IFF_VNET_HDR. */
int port_open_tap(struct port *port, int fd, uint32_t mtu);
/* pool must be set. devargs of an ethdev ("net_null0", "0000:03:00.0",
 * "net_af_xdp0,iface=..").
 */
int port_open_ethdev(struct port *port, const char *devargs);
