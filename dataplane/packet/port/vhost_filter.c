/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The filter of vhost-user messages: see vhost_filter.h. Message layouts are
 * those of the vhost-user specification (QEMU docs/interop/vhost-user.rst).
 */
#include "dataplane/packet/port/vhost_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <linux/vhost_types.h>

#define SECOND_NS 1000000000ull

/* Requests, by their numbers in the specification. */
enum request {
	GET_FEATURES = 1,
	SET_FEATURES = 2,
	SET_OWNER = 3,
	SET_MEM_TABLE = 5,
	SET_VRING_NUM = 8,
	SET_VRING_ADDR = 9,
	SET_VRING_BASE = 10,
	GET_VRING_BASE = 11,
	SET_VRING_KICK = 12,
	SET_VRING_CALL = 13,
	SET_VRING_ERR = 14,
	GET_PROTOCOL_FEATURES = 15,
	SET_PROTOCOL_FEATURES = 16,
	SET_VRING_ENABLE = 18,
	REQUEST_MAX,
};

#define FLAGS_PLAIN   1u /* version 1, no reply, no reply wanted */
#define FD_INDEX_MASK 0xffu
#define FD_NONE	      0x100u /* the message carries no descriptor */

struct memory_head {
	uint32_t len;
	uint32_t padding;
};

typedef const char *(*judge_function)(
    struct vhost_filter *filter, const struct vhost_message *message);

static const char *judge_nothing(
    struct vhost_filter *filter, const struct vhost_message *message)
{
	return NULL;
}

/* A region's numbers do not wrap, and its descriptor holds all of it, for
 * ever. */
static const char *judge_region(
    const struct vhost_filter *filter, const struct vhost_region *r, int fd)
{
	struct stat status;
	int seals;

	if (r->size == 0 || r->guest_address + r->size < r->size ||
	    r->frontend_address + r->size < r->size ||
	    r->offset + r->size < r->size)
		return "a memory region's numbers are impossible";
	if (fstat(fd, &status) < 0 || status.st_size < 0 ||
	    (uint64_t)status.st_size < r->offset + r->size)
		return "a memory region is larger than its descriptor";
	if (filter->any_memory)
		return NULL;
	seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || !(seals & F_SEAL_SHRINK))
		return "guest memory is not sealed against shrinking";
	return NULL;
}

static const char *judge_memory(
    struct vhost_filter *filter, const struct vhost_message *message)
{
	struct memory_head head;
	struct vhost_region region;

	for (int i = 0; i < VHOST_FILTER_QUEUE_MAX; i++)
		if (filter->queue[i].kick && !filter->any_memory)
			return "guest memory changed while a ring is in use";
	memcpy(&head, message->payload, sizeof(head));
	if (head.len == 0 || head.len > VHOST_FILTER_REGION_MAX)
		return "the number of memory regions is impossible";
	if (message->size != sizeof(head) + head.len * sizeof(region))
		return "a memory table of the wrong size";
	if (message->fd_len != (int)head.len)
		return "a memory table with the wrong number of descriptors";
	for (uint32_t i = 0; i < head.len; i++) {
		const char *why;

		memcpy(&region,
		    (const char *)message->payload + sizeof(head) +
			i * sizeof(region),
		    sizeof(region));
		why = judge_region(filter, &region, message->fds[i]);
		if (why)
			return why;
	}
	return NULL;
}

static const char *judge_num(
    struct vhost_filter *filter, const struct vhost_message *message)
{
	struct vhost_vring_state state;
	struct vhost_queue_state *queue;

	memcpy(&state, message->payload, sizeof(state));
	if (state.index >= VHOST_FILTER_QUEUE_MAX)
		return "a queue that does not exist";
	if (state.num == 0 || state.num > VHOST_FILTER_RING_MAX ||
	    (state.num & (state.num - 1)))
		return "a ring size that is not possible";
	queue = &filter->queue[state.index];
	if (queue->addr)
		return "a ring's size changed while it is in use";
	queue->num = true;
	return NULL;
}

static const char *judge_addr(
    struct vhost_filter *filter, const struct vhost_message *message)
{
	struct vhost_vring_addr addr;
	struct vhost_queue_state *queue;

	memcpy(&addr, message->payload, sizeof(addr));
	if (addr.index >= VHOST_FILTER_QUEUE_MAX)
		return "a queue that does not exist";
	if (addr.flags)
		return "logging of guest memory was not offered";
	queue = &filter->queue[addr.index];
	if (!queue->num)
		return "a ring without a size";
	if (queue->kick)
		return "a ring moved while it is in use";
	queue->addr = true;
	return NULL;
}

static const char *judge_base(
    struct vhost_filter *filter, const struct vhost_message *message)
{
	struct vhost_vring_state state;

	memcpy(&state, message->payload, sizeof(state));
	if (state.index >= VHOST_FILTER_QUEUE_MAX)
		return "a queue that does not exist";
	if (state.num > UINT16_MAX)
		return "a ring position that is not possible";
	if (filter->queue[state.index].kick)
		return "a ring's position changed while it is in use";
	return NULL;
}

static const char *judge_get_base(
    struct vhost_filter *filter, const struct vhost_message *message)
{
	struct vhost_vring_state state;

	memcpy(&state, message->payload, sizeof(state));
	if (state.index >= VHOST_FILTER_QUEUE_MAX)
		return "a queue that does not exist";
	memset(&filter->queue[state.index], 0, sizeof(filter->queue[0]));
	return NULL;
}

static const char *judge_enable(
    struct vhost_filter *filter, const struct vhost_message *message)
{
	struct vhost_vring_state state;

	memcpy(&state, message->payload, sizeof(state));
	if (state.index >= VHOST_FILTER_QUEUE_MAX)
		return "a queue that does not exist";
	return NULL;
}

/*
 * A write to the call descriptor must not hold the worker, so it is made
 * non-blocking: for an eventfd of QEMU or DPDK nothing changes.
 */
static const char *judge_fd(
    struct vhost_filter *filter, const struct vhost_message *message)
{
	uint64_t value;
	int flags;

	memcpy(&value, message->payload, sizeof(value));
	if ((value & ~(uint64_t)FD_NONE) >= VHOST_FILTER_QUEUE_MAX)
		return "a queue that does not exist";
	if (message->fd_len != (value & FD_NONE ? 0 : 1))
		return "the wrong number of descriptors";
	if (message->fd_len == 0)
		return NULL;
	flags = fcntl(message->fds[0], F_GETFL);
	if (flags < 0 ||
	    fcntl(message->fds[0], F_SETFL, flags | O_NONBLOCK) < 0)
		return "a descriptor that can't be made non-blocking";
	return NULL;
}

static const char *judge_kick(
    struct vhost_filter *filter, const struct vhost_message *message)
{
	const char *why = judge_fd(filter, message);
	uint64_t value;
	struct vhost_queue_state *queue;

	if (why)
		return why;
	memcpy(&value, message->payload, sizeof(value));
	if (value & FD_NONE)
		return "a queue without a kick descriptor";
	queue = &filter->queue[value & FD_INDEX_MASK];
	if (!queue->num || !queue->addr)
		return "a ring started before it was described";
	if (queue->kick)
		return "a ring started twice";
	queue->kick = true;
	return NULL;
}

#define SIZE_ANY UINT32_MAX /* the judge looks for itself */

static const struct {
	judge_function judge; /* NULL: the request is refused */
	uint32_t size;
	bool fds; /* may carry descriptors */
} TABLE[REQUEST_MAX] = {
    [GET_FEATURES] = {judge_nothing, 0, false},
    [SET_FEATURES] = {judge_nothing, 8, false},
    [SET_OWNER] = {judge_nothing, 0, false},
    [SET_MEM_TABLE] = {judge_memory, SIZE_ANY, true},
    [SET_VRING_NUM] = {judge_num, sizeof(struct vhost_vring_state), false},
    [SET_VRING_ADDR] = {judge_addr, sizeof(struct vhost_vring_addr), false},
    [SET_VRING_BASE] = {judge_base, sizeof(struct vhost_vring_state), false},
    [GET_VRING_BASE] = {judge_get_base, sizeof(struct vhost_vring_state),
	false},
    [SET_VRING_KICK] = {judge_kick, 8, true},
    [SET_VRING_CALL] = {judge_fd, 8, true},
    [SET_VRING_ERR] = {judge_fd, 8, true},
    [GET_PROTOCOL_FEATURES] = {judge_nothing, 0, false},
    [SET_PROTOCOL_FEATURES] = {judge_nothing, 8, false},
    [SET_VRING_ENABLE] = {judge_enable, sizeof(struct vhost_vring_state),
	false},
};

void vhost_filter_reset(struct vhost_filter *filter, uint64_t now_ns)
{
	memset(filter->queue, 0, sizeof(filter->queue));
	filter->stamp_ns = now_ns;
	filter->tokens = VHOST_FILTER_BURST;
}

static bool take_token(struct vhost_filter *filter, uint64_t now_ns)
{
	uint64_t each_ns = SECOND_NS / VHOST_FILTER_PER_S;
	uint64_t fresh = (now_ns - filter->stamp_ns) / each_ns;

	filter->stamp_ns += fresh * each_ns;
	if (fresh > VHOST_FILTER_BURST - filter->tokens)
		filter->tokens = VHOST_FILTER_BURST;
	else
		filter->tokens += (uint32_t)fresh;
	if (filter->tokens == 0)
		return false;
	filter->tokens--;
	return true;
}

const char *vhost_filter_judge(struct vhost_filter *filter,
    const struct vhost_message *message, uint64_t now_ns)
{
	uint32_t request = message->request;

	if (!take_token(filter, now_ns))
		return "too many messages";
	if (request >= REQUEST_MAX || !TABLE[request].judge)
		return "a request that is not needed";
	if (message->flags != FLAGS_PLAIN)
		return "flags that were not offered";
	if (TABLE[request].size != SIZE_ANY &&
	    message->size != TABLE[request].size)
		return "a message of the wrong size";
	if (!TABLE[request].fds && message->fd_len != 0)
		return "descriptors where none belong";
	return TABLE[request].judge(filter, message);
}
