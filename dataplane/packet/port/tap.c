/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TAP port: frames to and from a network's namespace through a descriptor
 * that gw-init opened there. Worker thread; open and close control thread.
 *
 * Theory of operation. One read or write per frame, each with a virtio_net_hdr
 * in front that lies in the mbuf's headroom, so that nothing is copied or
 * scattered. No offloads: the kernel is told so at open, and what claims one
 * nevertheless is handed on with no bytes, which sanitize counts as too-short.
 * rx keeps the mbufs it did not fill for the next time. The port is lazy: an
 * idle TAP costs a test of one flag, the loop sets it when the descriptor is
 * readable; a stale port is drained at once, whatever the flag says.
 */
#include "dataplane/packet/port.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <sys/ioctl.h>

#define BATCH	    32
#define HEADER_SIZE 10 /* struct virtio_net_hdr, no mergeable buffers */

_Static_assert(sizeof(struct virtio_net_hdr) == HEADER_SIZE, "header");
_Static_assert(RTE_PKTMBUF_HEADROOM >= HEADER_SIZE, "headroom");

struct tap {
	int fd;
	bool gone; /* the interface was deleted */
	uint16_t spare_len;
	struct rte_mbuf *spare[BATCH];
};

static bool refill(struct tap *tap, struct rte_mempool *pool)
{
	if (tap->spare_len > 0)
		return true;
	if (rte_pktmbuf_alloc_bulk(pool, tap->spare, BATCH) < 0)
		return false;
	tap->spare_len = BATCH;
	return true;
}

/* Bytes of the frame, or -errno. */
static int read_frame(struct tap *tap, struct rte_mbuf *mbuf)
{
	char *frame = rte_pktmbuf_mtod(mbuf, char *);
	struct virtio_net_hdr header;
	ssize_t size;

	size = read(tap->fd, frame - HEADER_SIZE,
	    HEADER_SIZE + rte_pktmbuf_tailroom(mbuf));
	if (size < 0)
		return -errno;
	if (size < HEADER_SIZE)
		return 0;
	memcpy(&header, frame - HEADER_SIZE, HEADER_SIZE);
	if (header.gso_type != VIRTIO_NET_HDR_GSO_NONE ||
	    header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		return 0;
	return (int)size - HEADER_SIZE;
}

static uint16_t rx(struct port *port, struct rte_mbuf **mbufs, uint16_t len)
{
	struct tap *tap = port->priv;
	uint16_t done = 0;

	if (port->lazy && !port->ready &&
	    !atomic_load_explicit(&port->stale, memory_order_relaxed))
		return 0;
	while (done < len && refill(tap, port->pool)) {
		struct rte_mbuf *mbuf = tap->spare[tap->spare_len - 1];
		int size = read_frame(tap, mbuf);

		if (size < 0) {
			tap->gone |= size == -EBADFD;
			port->ready = false;
			break;
		}
		tap->spare_len--;
		mbuf->data_len = (uint16_t)size;
		mbuf->pkt_len = (uint32_t)size;
		mbufs[done++] = mbuf;
	}
	return done;
}

static uint16_t tx(struct port *port, struct rte_mbuf **mbufs, uint16_t len)
{
	struct tap *tap = port->priv;
	uint16_t sent;

	for (sent = 0; sent < len; sent++) {
		struct rte_mbuf *mbuf = mbufs[sent];
		char *frame = rte_pktmbuf_mtod(mbuf, char *);
		ssize_t size;

		if (rte_pktmbuf_headroom(mbuf) < HEADER_SIZE)
			break;
		memset(frame - HEADER_SIZE, 0, HEADER_SIZE);
		size = write(
		    tap->fd, frame - HEADER_SIZE, HEADER_SIZE + mbuf->data_len);
		if (size < 0) {
			tap->gone |= errno == EBADFD;
			break;
		}
	}
	rte_pktmbuf_free_bulk(mbufs, sent);
	return sent;
}

static int get_fd(struct port *port)
{
	const struct tap *tap = port->priv;

	return tap->gone ? -1 : tap->fd;
}

/* Its descriptor is readable as long as there is something. */
static bool arm(struct port *port)
{
	return true;
}

static void disarm(struct port *port)
{
}

static bool link_up(struct port *port)
{
	const struct tap *tap = port->priv;

	return !tap->gone;
}

static void close_port(struct port *port)
{
	struct tap *tap = port->priv;

	if (!tap)
		return;
	rte_pktmbuf_free_bulk(tap->spare, tap->spare_len);
	close(tap->fd);
	free(tap);
	port->priv = NULL;
}

static const struct port_ops ops = {
    .kind = "tap",
    .rx = rx,
    .tx = tx,
    .fd = get_fd,
    .arm = arm,
    .disarm = disarm,
    .link_up = link_up,
    .close = close_port,
};

/* A TAP with frames and header as we need them, and no offloads. */
static int set_up(int fd)
{
	struct ifreq request = {0};
	int size = HEADER_SIZE, flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	if (ioctl(fd, TUNGETIFF, &request) < 0)
		return -errno;
	if (!(request.ifr_flags & IFF_TAP) ||
	    !(request.ifr_flags & IFF_NO_PI) ||
	    !(request.ifr_flags & IFF_VNET_HDR))
		return -EINVAL;
	if (ioctl(fd, TUNSETVNETHDRSZ, &size) < 0 ||
	    ioctl(fd, TUNSETOFFLOAD, 0) < 0)
		return -errno;
	return 0;
}

int port_open_tap(struct port *port, int fd, uint32_t mtu)
{
	struct tap *tap;
	int error = set_up(fd);

	if (error)
		goto fail;
	error = -ENOMEM;
	tap = calloc(1, sizeof(*tap));
	if (!tap)
		goto fail;
	tap->fd = fd;
	port->ops = &ops;
	port->priv = tap;
	port->lazy = true;
	port->ready = true;
	return 0;
fail:
	close(fd);
	return error;
}
