/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vhost-user port on DPDK's vhost library (rte_vhost.h): the guest's side
 * in production (client of QEMU's socket), both sides in benches (server for
 * virtio_user). rx, tx, arm and disarm run in the worker thread, the callbacks
 * in the vhost library's thread, open and close in the control thread.
 *
 * Theory of operation. `vid` is the library's handle of the running device, -1
 * while there is none; only the vhost thread writes it. The worker reads it
 * once per call and may use it until its next quiescent state: when a device
 * goes, the vhost thread takes the handle away and waits for that state before
 * the library may free anything. Each new device marks the port stale, since
 * frames may have waited in its ring while nobody judged them, and wakes the
 * worker to drain them.
 *
 * The port's descriptor is an epoll set of its own that holds a copy of the
 * kick eventfd, edge-triggered: so it stays the same when a guest reconnects,
 * and neither thread needs to read the eventfd.
 *
 * Messages are filtered before the library sees them (vhost_filter.h); a
 * refusal closes the connection, and lib/vhost in client mode connects again,
 * at most every RETRY_MS.
 */
#include "dataplane/packet/port.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <rte_vhost.h>

#include "control/msg/log.h"
#include "dataplane/packet/port/vhost_filter.h"
#include "dataplane/packet/worker.h"

/* Seen from the guest: queue 0 receives, queue 1 transmits. */
#define QUEUE_TO_GUEST	 0
#define QUEUE_FROM_GUEST 1

#define LIBRARY_BURST 32 /* what the library does in one call */
#define RETRY_MS      100
#define REGION_FDS    8
#define NEED_REPLY    0x8u /* flag of a message: acknowledge it */

/*
 * The only features a guest is offered (MAC and STATUS are QEMU's to offer).
 * The list never changes under a running QEMU: it keeps what it negotiated
 * over our restarts.
 */
#define FEATURES                                                       \
	(1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_NET_F_MRG_RXBUF | \
	    1ull << VIRTIO_RING_F_EVENT_IDX |                          \
	    1ull << VIRTIO_RING_F_INDIRECT_DESC |                      \
	    1ull << VHOST_USER_F_PROTOCOL_FEATURES)
#define PROTOCOL_FEATURES 0ull

struct vhost {
	_Atomic int vid;
	struct port *port;
	int epoll;
	/* vhost thread */
	int kick; /* our copy, in `epoll`, or -1 */
	bool connected;
	bool refused; /* the last connection was */
	struct vhost_filter filter;
	struct log_limit log;
	char path[108];
};

/* Callbacks know only the library's handle: port by socket path. */
static struct vhost *ports[PORT_MAX];

static struct vhost *find(int vid)
{
	char path[108];

	if (rte_vhost_get_ifname(vid, path, sizeof(path)) < 0)
		return NULL;
	for (int i = 0; i < PORT_MAX; i++)
		if (ports[i] && strcmp(ports[i]->path, path) == 0)
			return ports[i];
	return NULL;
}

static uint64_t read_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- worker thread ---- */

/* A frame that did not fit into one mbuf is longer than any MTU: what is kept
 * of it is, too, so sanitize counts it as too-long. */
static void cut(struct rte_mbuf *mbuf)
{
	rte_pktmbuf_free(mbuf->next);
	mbuf->next = NULL;
	mbuf->nb_segs = 1;
	mbuf->pkt_len = mbuf->data_len;
}

static uint16_t rx(struct port *port, struct rte_mbuf **mbufs, uint16_t len)
{
	struct vhost *v = port->priv;
	int vid = atomic_load_explicit(&v->vid, memory_order_acquire);

	if (unlikely(vid < 0))
		return 0;
	len = rte_vhost_dequeue_burst(
	    vid, QUEUE_FROM_GUEST, port->pool, mbufs, len);
	for (uint16_t i = 0; i < len; i++)
		if (unlikely(mbufs[i]->nb_segs != 1))
			cut(mbufs[i]);
	return len;
}

static uint16_t tx(struct port *port, struct rte_mbuf **mbufs, uint16_t len)
{
	struct vhost *v = port->priv;
	int vid = atomic_load_explicit(&v->vid, memory_order_acquire);
	uint16_t sent = 0;

	if (unlikely(vid < 0))
		return 0;
	while (sent < len) {
		uint16_t want = RTE_MIN(len - sent, LIBRARY_BURST);
		uint16_t done = rte_vhost_enqueue_burst(
		    vid, QUEUE_TO_GUEST, mbufs + sent, want);

		sent += done;
		if (done < want)
			break;
	}
	rte_pktmbuf_free_bulk(mbufs, sent);
	return sent;
}

static int get_fd(struct port *port)
{
	const struct vhost *v = port->priv;

	return v->epoll;
}

static bool arm(struct port *port)
{
	struct vhost *v = port->priv;
	int vid = atomic_load_explicit(&v->vid, memory_order_acquire);

	if (vid < 0)
		return true;
	if (rte_vhost_enable_guest_notification(vid, QUEUE_FROM_GUEST, 1) < 0)
		return true; /* no ring to look at: its return is a message */
	/* The guest must see the wish before we look again, or both wait. */
	atomic_thread_fence(memory_order_seq_cst);
	return rte_vhost_rx_queue_count(vid, QUEUE_FROM_GUEST) == 0;
}

static void disarm(struct port *port)
{
	struct vhost *v = port->priv;
	int vid = atomic_load_explicit(&v->vid, memory_order_acquire);
	struct epoll_event event;

	epoll_wait(v->epoll, &event, 1, 0); /* takes the edge away */
	if (vid >= 0)
		rte_vhost_enable_guest_notification(vid, QUEUE_FROM_GUEST, 0);
}

static bool link_up(struct port *port)
{
	struct vhost *v = port->priv;

	return atomic_load_explicit(&v->vid, memory_order_relaxed) >= 0;
}

/* ---- vhost library's thread ---- */

/*
 * What the library hands to a pre-message handler: struct vhu_msg_context of
 * DPDK 22.11, which is not in a header. tests/unit/packet/port_vhost_test.c
 * holds it to the installed library.
 */
struct context {
	uint32_t request, flags, size;
	uint8_t payload[632];
	int fds[REGION_FDS];
	int fd_len;
} __attribute__((packed));

static void wake_worker(void)
{
	uint64_t one = 1;
	ssize_t done = write(worker.wake_fd, &one, sizeof(one));

	(void)done; /* full: it is awake */
}

/* The library closes none of them when a handler refuses. */
static void close_fds(int *fds, int len)
{
	for (int i = 0; i < len; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

static enum rte_vhost_msg_result refuse(
    struct vhost *v, struct context *context, const char *why)
{
	if (log_allow(&v->log))
		log_warn(v->port->name,
		    "vhost-user message refused: %s request=%u", why,
		    context->request);
	if (context->fd_len >= 0 && context->fd_len <= REGION_FDS) {
		int fds[REGION_FDS];

		memcpy(fds, context->fds, sizeof(fds));
		close_fds(fds, context->fd_len);
		memcpy(context->fds, fds, sizeof(fds));
	}
	/* or the library would answer instead of ending the connection */
	context->flags &= ~(uint32_t)NEED_REPLY;
	v->refused = true;
	return RTE_VHOST_MSG_RESULT_ERR;
}

static enum rte_vhost_msg_result filter(int vid, void *data)
{
	struct context *context = data;
	struct vhost *v = find(vid);
	struct vhost_message message;
	int fds[REGION_FDS];
	const char *why;

	if (!v)
		return RTE_VHOST_MSG_RESULT_ERR;
	if (context->fd_len < 0 || context->fd_len > REGION_FDS)
		return refuse(v, context, "more descriptors than possible");
	memcpy(fds, context->fds, sizeof(fds));
	message = (struct vhost_message) {
	    .request = context->request,
	    .flags = context->flags,
	    .size = context->size,
	    .payload = context->payload,
	    .fds = fds,
	    .fd_len = context->fd_len,
	};
	why = vhost_filter_judge(&v->filter, &message, read_clock());
	if (why)
		return refuse(v, context, why);
	return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
}

static int new_connection(int vid)
{
	static const struct rte_vhost_user_extern_ops extern_ops = {
	    .pre_msg_handle = filter,
	};
	struct vhost *v = find(vid);

	if (!v || v->connected)
		return -1; /* a server's second client */
	if (v->refused) {
		struct timespec pause = {.tv_nsec = RETRY_MS * 1000000l};

		nanosleep(&pause, NULL);
		v->refused = false;
	}
	vhost_filter_reset(&v->filter, read_clock());
	v->connected = true;
	return rte_vhost_extern_callback_register(vid, &extern_ops, NULL);
}

static void destroy_connection(int vid)
{
	struct vhost *v = find(vid);

	if (v)
		v->connected = false;
}

static void forget_kick(struct vhost *v)
{
	if (v->kick < 0)
		return;
	epoll_ctl(v->epoll, EPOLL_CTL_DEL, v->kick, NULL);
	close(v->kick);
	v->kick = -1;
}

static int take_kick(struct vhost *v, int vid)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET};
	struct rte_vhost_vring ring;

	forget_kick(v);
	if (rte_vhost_get_vhost_vring(vid, QUEUE_FROM_GUEST, &ring) < 0)
		return -EINVAL;
	v->kick = fcntl(ring.kickfd, F_DUPFD_CLOEXEC, 0);
	if (v->kick < 0)
		return -errno;
	if (epoll_ctl(v->epoll, EPOLL_CTL_ADD, v->kick, &event) < 0) {
		int error = -errno;

		close(v->kick);
		v->kick = -1;
		return error;
	}
	return 0;
}

static int new_device(int vid)
{
	struct vhost *v = find(vid);
	int error;

	if (!v)
		return -1;
	error = take_kick(v, vid);
	if (error) {
		if (log_allow(&v->log))
			log_warn(v->port->name,
			    "the guest's kick descriptor can't be watched: %s",
			    strerror(-error));
		return -1;
	}
	rte_vhost_enable_guest_notification(vid, QUEUE_TO_GUEST, 0);
	rte_vhost_enable_guest_notification(vid, QUEUE_FROM_GUEST, 0);
	atomic_store(&v->port->stale, true);
	atomic_store(&v->vid, vid);
	wake_worker();
	if (log_allow(&v->log))
		log_info(v->port->name, "link is up");
	return 0;
}

/* After the return the library frees the device. */
static void destroy_device(int vid)
{
	struct vhost *v = find(vid);

	if (!v)
		return;
	atomic_store(&v->vid, -1);
	if (worker.qsbr)
		rte_rcu_qsbr_synchronize(worker.qsbr, RTE_QSBR_THRID_INVALID);
	forget_kick(v);
	if (log_allow(&v->log))
		log_info(v->port->name, "link is down");
}

static const struct rte_vhost_device_ops device_ops = {
    .new_device = new_device,
    .destroy_device = destroy_device,
    .new_connection = new_connection,
    .destroy_connection = destroy_connection,
};

/* ---- control thread ---- */

static void close_port(struct port *port)
{
	struct vhost *v = port->priv;

	if (!v)
		return;
	rte_vhost_driver_unregister(v->path); /* calls destroy_device() */
	for (int i = 0; i < PORT_MAX; i++)
		if (ports[i] == v)
			ports[i] = NULL;
	forget_kick(v);
	close(v->epoll);
	free(v);
	port->priv = NULL;
}

static const struct port_ops ops = {
    .kind = "vhost",
    .rx = rx,
    .tx = tx,
    .fd = get_fd,
    .arm = arm,
    .disarm = disarm,
    .link_up = link_up,
    .close = close_port,
};

static int start(const char *path, bool server)
{
	uint64_t flags = RTE_VHOST_USER_NET_COMPLIANT_OL_FLAGS, all;

	if (!server)
		flags |= RTE_VHOST_USER_CLIENT;
	if (rte_vhost_driver_register(path, flags) < 0)
		return -EEXIST;
	/* set_features() would turn the library's own net backend off */
	if (rte_vhost_driver_get_features(path, &all) < 0 ||
	    rte_vhost_driver_disable_features(path, all & ~FEATURES) < 0 ||
	    rte_vhost_driver_set_protocol_features(path, PROTOCOL_FEATURES) ||
	    rte_vhost_driver_callback_register(path, &device_ops) < 0 ||
	    rte_vhost_driver_start(path) < 0) {
		rte_vhost_driver_unregister(path);
		return -EADDRINUSE;
	}
	return 0;
}

int port_open_vhost(
    struct port *port, const char *path, bool server, bool any_memory)
{
	struct vhost *v = calloc(1, sizeof(*v));
	int slot = 0, error;

	if (!v)
		return -ENOMEM;
	error = -ENAMETOOLONG;
	if (strlen(path) >= sizeof(v->path))
		goto fail;
	strcpy(v->path, path);
	v->port = port;
	v->kick = -1;
	v->filter.any_memory = any_memory;
	atomic_store(&v->vid, -1);
	v->epoll = epoll_create1(EPOLL_CLOEXEC);
	error = -errno;
	if (v->epoll < 0)
		goto fail;
	error = -ENOSPC;
	while (slot < PORT_MAX && ports[slot])
		slot++;
	if (slot == PORT_MAX)
		goto fail_epoll;
	port->ops = &ops;
	port->priv = v;
	ports[slot] = v;
	error = start(path, server);
	if (!error)
		return 0;
	ports[slot] = NULL;
	port->priv = NULL;
fail_epoll:
	close(v->epoll);
fail:
	free(v);
	return error;
}
