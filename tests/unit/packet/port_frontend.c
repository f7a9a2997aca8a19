/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vhost-user frontend for tests: see port_frontend.h. Linked into the tests
 * of ports and loop.
 *
 * Memory: a memfd with, per queue, descriptor table, available and used ring
 * in the first 16 KiB, and one frame buffer per descriptor behind them.
 * Addresses of the frontend are FRONT + offset, of the guest offset itself.
 */
#include "tests/unit/packet/port_frontend.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>
#include <linux/vhost_types.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#define FRONT	      0x100000000ull /* our addresses, as messages have them */
#define QUEUE_SIZE    8192u
#define AVAIL_OFFSET  2048u
#define USED_OFFSET   4096u
#define BUFFER_OFFSET (2 * QUEUE_SIZE)
#define MEMORY_SIZE   (BUFFER_OFFSET + 2 * FRONTEND_RING * FRONTEND_FRAME)
#define HEADER_SIZE   12 /* struct virtio_net_hdr_v1 */
#define FLAGS	      1u
#define FEATURES                                                        \
	(1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_RING_F_EVENT_IDX | \
	    1ull << 30)

struct region {
	uint64_t guest, size, front, offset;
};

static struct vring_desc *desc_of(struct frontend *f, int queue)
{
	return (struct vring_desc *)(f->memory + queue * QUEUE_SIZE);
}

static struct vring_avail *avail_of(struct frontend *f, int queue)
{
	return (struct vring_avail *)(f->memory + queue * QUEUE_SIZE +
				      AVAIL_OFFSET);
}

static struct vring_used *used_of(struct frontend *f, int queue)
{
	return (
	    struct vring_used *)(f->memory + queue * QUEUE_SIZE + USED_OFFSET);
}

static uint64_t buffer_of(int queue, uint16_t slot)
{
	return BUFFER_OFFSET +
	       (uint64_t)(queue * FRONTEND_RING + slot) * FRONTEND_FRAME;
}

static void name_socket(struct sockaddr_un *name, const char *path)
{
	memset(name, 0, sizeof(*name));
	name->sun_family = AF_UNIX;
	assert_true(strlen(path) < sizeof(name->sun_path));
	strcpy(name->sun_path, path);
}

int frontend_listen(const char *path)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un name;

	unlink(path);
	name_socket(&name, path);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (void *)&name, sizeof(name)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void make_eventfds(struct frontend *f)
{
	for (int i = 0; i < 2; i++) {
		f->kick[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		f->call[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		assert_true(f->kick[i] >= 0 && f->call[i] >= 0);
	}
}

bool frontend_accept(struct frontend *f, int listener)
{
	struct pollfd wait = {.fd = listener, .events = POLLIN};

	memset(f, 0, sizeof(*f));
	f->memory_fd = -1;
	if (poll(&wait, 1, 2000) != 1)
		return false;
	f->socket = accept(listener, NULL, NULL);
	assert_true(f->socket >= 0);
	make_eventfds(f);
	return true;
}

void frontend_connect(struct frontend *f, const char *path)
{
	struct sockaddr_un name;

	memset(f, 0, sizeof(*f));
	f->memory_fd = -1;
	f->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	name_socket(&name, path);
	assert_int_equal(connect(f->socket, (void *)&name, sizeof(name)), 0);
	make_eventfds(f);
}

void frontend_make_memory(struct frontend *f, int seals)
{
	f->memory_fd = memfd_create("guest", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_true(f->memory_fd >= 0);
	assert_int_equal(ftruncate(f->memory_fd, MEMORY_SIZE), 0);
	assert_int_equal(fcntl(f->memory_fd, F_ADD_SEALS, seals), 0);
	f->memory = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
	    f->memory_fd, 0);
	assert_true(f->memory != MAP_FAILED);
}

void frontend_close(struct frontend *f)
{
	close(f->socket);
	for (int i = 0; i < 2; i++) {
		close(f->kick[i]);
		close(f->call[i]);
	}
	if (f->memory_fd >= 0) {
		munmap(f->memory, MEMORY_SIZE);
		close(f->memory_fd);
	}
	f->memory_fd = -1;
}

void frontend_send(struct frontend *f, uint32_t request, uint32_t flags,
    const void *payload, uint32_t size, const int *fds, int fd_len)
{
	uint32_t head[3] = {request, flags, size};
	struct iovec iov[2] = {{head, sizeof(head)},
	    {(void *)(uintptr_t)payload, payload ? size : 0}};
	char control[CMSG_SPACE(sizeof(int) * 8)] = {0};
	struct msghdr message = {.msg_iov = iov, .msg_iovlen = 2};

	if (fd_len > 0) {
		struct cmsghdr *cmsg = (void *)control;

		message.msg_control = control;
		message.msg_controllen =
		    CMSG_SPACE(sizeof(int) * (size_t)fd_len);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)fd_len);
		memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * (size_t)fd_len);
	}
	/* it may have hung up meanwhile: frontend_is_refused() tells */
	ssize_t done = sendmsg(f->socket, &message, MSG_NOSIGNAL);
	(void)done;
}

/* Payload of an answer; false when the backend hung up. */
static bool receive_u64(struct frontend *f, uint64_t *value)
{
	struct {
		uint32_t request, flags, size;
		uint64_t value;
	} __attribute__((packed)) answer;

	if (recv(f->socket, &answer, sizeof(answer), MSG_WAITALL) !=
	    sizeof(answer))
		return false;
	*value = answer.value;
	return true;
}

void frontend_send_memory(struct frontend *f, uint64_t size)
{
	struct {
		uint32_t len, padding;
		struct region region;
	} table = {.len = 1, .region = {0, size, FRONT, 0}};

	frontend_send(f, FRONTEND_SET_MEM_TABLE, FLAGS, &table, sizeof(table),
	    &f->memory_fd, 1);
}

void frontend_send_state(
    struct frontend *f, uint32_t request, uint32_t queue, uint32_t value)
{
	struct vhost_vring_state state = {queue, value};

	frontend_send(f, request, FLAGS, &state, sizeof(state), NULL, 0);
}

void frontend_send_addr(struct frontend *f, uint32_t queue)
{
	uint64_t base = FRONT + queue * QUEUE_SIZE;
	struct vhost_vring_addr addr = {
	    .index = queue,
	    .desc_user_addr = base,
	    .avail_user_addr = base + AVAIL_OFFSET,
	    .used_user_addr = base + USED_OFFSET,
	};

	frontend_send(
	    f, FRONTEND_SET_VRING_ADDR, FLAGS, &addr, sizeof(addr), NULL, 0);
}

void frontend_send_fd(struct frontend *f, uint32_t request, uint32_t queue)
{
	uint64_t value = queue;

	frontend_send(f, request, FLAGS, &value, sizeof(value),
	    request == FRONTEND_SET_VRING_KICK ? &f->kick[queue]
					       : &f->call[queue],
	    1);
}

void frontend_prepare(struct frontend *f)
{
	uint64_t features = FEATURES;

	frontend_send(f, FRONTEND_GET_FEATURES, FLAGS, NULL, 0, NULL, 0);
	if (!receive_u64(f, &f->features))
		return;
	frontend_send(f, FRONTEND_SET_OWNER, FLAGS, NULL, 0, NULL, 0);
	frontend_send(f, FRONTEND_SET_FEATURES, FLAGS, &features,
	    sizeof(features), NULL, 0);
	frontend_send_memory(f, MEMORY_SIZE);
	for (uint32_t i = 0; i < 2; i++) {
		frontend_send_state(
		    f, FRONTEND_SET_VRING_NUM, i, FRONTEND_RING);
		frontend_send_state(f, FRONTEND_SET_VRING_BASE, i, 0);
		frontend_send_addr(f, i);
		frontend_send_fd(f, FRONTEND_SET_VRING_CALL, i);
		frontend_send_state(f, FRONTEND_SET_VRING_ENABLE, i, 1);
	}
}

void frontend_start(struct frontend *f)
{
	frontend_prepare(f);
	for (uint32_t i = 0; i < 2; i++)
		frontend_send_fd(f, FRONTEND_SET_VRING_KICK, i);
}

bool frontend_is_refused(struct frontend *f)
{
	struct pollfd wait = {.fd = f->socket, .events = POLLRDHUP};

	return poll(&wait, 1, 1000) == 1 &&
	       wait.revents & (POLLRDHUP | POLLHUP | POLLERR);
}

/* ---- rings ---- */

/* Make descriptor `slot` available and kick if the backend asked for it. */
static void publish(struct frontend *f, int queue, uint16_t slot)
{
	struct vring_avail *avail = avail_of(f, queue);
	struct vring_used *used = used_of(f, queue);
	volatile uint16_t *event =
	    (volatile uint16_t *)&used->ring[FRONTEND_RING];
	uint16_t old = f->avail[queue];
	uint64_t one = 1;

	avail->ring[old % FRONTEND_RING] = slot;
	atomic_thread_fence(memory_order_release);
	f->avail[queue] = (uint16_t)(old + 1);
	*(volatile uint16_t *)&avail->idx = f->avail[queue];
	atomic_thread_fence(memory_order_seq_cst);
	if (vring_need_event(*event, f->avail[queue], old) &&
	    write(f->kick[queue], &one, sizeof(one)) < 0)
		assert_int_equal(errno, EAGAIN);
}

void frontend_transmit(struct frontend *f, const void *frame, size_t size)
{
	uint16_t slot = f->avail[FRONTEND_TX] % FRONTEND_RING;
	struct vring_desc *desc = &desc_of(f, FRONTEND_TX)[slot];
	uint64_t at = buffer_of(FRONTEND_TX, slot);

	assert_true(size + HEADER_SIZE <= FRONTEND_FRAME);
	/* room: the backend has used what was there a round ago */
	assert_true(
	    (uint16_t)(f->avail[FRONTEND_TX] -
		       *(volatile uint16_t *)&used_of(f, FRONTEND_TX)->idx) <
	    FRONTEND_RING);
	memset(f->memory + at, 0, HEADER_SIZE);
	memcpy(f->memory + at + HEADER_SIZE, frame, size);
	*desc = (struct vring_desc) {
	    .addr = at, .len = (uint32_t)(size + HEADER_SIZE)};
	publish(f, FRONTEND_TX, slot);
}

void frontend_offer(struct frontend *f)
{
	for (uint16_t i = 0; i < FRONTEND_RING; i++) {
		desc_of(f, FRONTEND_RX)[i] = (struct vring_desc) {
		    .addr = buffer_of(FRONTEND_RX, i),
		    .len = FRONTEND_FRAME,
		    .flags = VRING_DESC_F_WRITE,
		};
		publish(f, FRONTEND_RX, i);
	}
}

size_t frontend_receive(
    struct frontend *f, void *frame, size_t size, int timeout_ms)
{
	struct vring_used *used = used_of(f, FRONTEND_RX);
	struct vring_used_elem elem;
	size_t len;

	for (int i = 0;
	     *(volatile uint16_t *)&used->idx == f->used[FRONTEND_RX]; i++) {
		if (i >= timeout_ms * 10)
			return 0;
		usleep(100);
	}
	atomic_thread_fence(memory_order_acquire);
	elem = used->ring[f->used[FRONTEND_RX]++ % FRONTEND_RING];
	assert_true(elem.len > HEADER_SIZE && elem.len <= FRONTEND_FRAME);
	len = elem.len - HEADER_SIZE;
	assert_true(len <= size);
	memcpy(frame,
	    f->memory + buffer_of(FRONTEND_RX, (uint16_t)elem.id) + HEADER_SIZE,
	    len);
	publish(f, FRONTEND_RX, (uint16_t)elem.id);
	return len;
}
