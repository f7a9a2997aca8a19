/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending and receiving the records of msg.h. Called by every process, from
 * whichever thread owns the channel; keeps no state.
 *
 * A record is judged in this order, and nothing of its body is looked at
 * before all have passed: whole (not truncated), header present, header.size
 * equal to the bytes received, type known, link and way right, size equal to
 * the struct's, number of descriptors within the type's limits, character
 * arrays terminated.
 */
#include "control/msg/msg.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/uio.h>

struct msg_kind {
	const char *name; /* "DP_LOAD" */
	uint32_t size;	  /* of the body */
	uint8_t link, way;
	uint8_t fd_least, fd_most;
};

static const struct msg_kind kinds[MSG_TYPE_MAX] = {
#define X(type, body, link, way, least, most) \
	[MSG_##type] = {                      \
	    #type, sizeof(struct msg_##body), link, way, least, most},
    MSG_LIST(X)
#undef X
};

#define X(type, body, link, way, least, most)                                 \
	static_assert(sizeof(struct msg_##body) <=                            \
			  MSG_SIZE_MAX - sizeof(struct msg_header),           \
	    "body too large: " #type);                                        \
	static_assert(_Alignof(struct msg_##body) <= 8, "alignment: " #type); \
	static_assert(                                                        \
	    (least) <= (most) && (most) <= MSG_FD_MAX, "descriptors: " #type);
MSG_LIST(X)
#undef X

/* Every character array of the list, so that a reader may use it as text. */
#define MSG_TEXT(X)                              \
	X(INIT_NETWORK, init_network, name)      \
	X(INIT_NETWORK, init_network, interface) \
	X(INIT_TAP, init_tap, name)              \
	X(INIT_DONE, init_done, text)            \
	X(DP_PORT, dp_port, name)                \
	X(DP_READY, dp_ready, text)              \
	X(DP_STATS, dp_stats, stats.name)        \
	X(RUN_IMAGE, run_image, name)            \
	X(RUN_PREPARED, run_prepared, text)      \
	X(RUN_STATE, run_state, text)            \
	X(RUN_EXEC, run_exec, command)

static const struct {
	uint32_t type, offset, size;
} texts[] = {
#define X(type, body, field)                             \
	{MSG_##type, offsetof(struct msg_##body, field), \
	    sizeof(((struct msg_##body *)0)->field)},
    MSG_TEXT(X)
#undef X
};

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * MSG_FD_MAX)];
};

static bool check_texts(uint32_t type, const uint8_t *body)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i].type != type)
			continue;
		if (!memchr(body + texts[i].offset, 0, texts[i].size))
			return false;
	}
	return true;
}

/* See msg.h: what a process says that hostile bytes reach is shown to people,
 * in logs, JSON and on terminals. */
static void clean_texts(uint32_t type, uint8_t *body)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i].type != type)
			continue;
		for (uint8_t *c = body + texts[i].offset; *c; c++) {
			if (*c < 0x20 || *c >= 0x7f)
				*c = '?';
		}
	}
}

int msg_send(
    int fd, enum msg_type type, const void *body, const int *fds, size_t fd_len)
{
	if (type <= MSG_NONE || type >= MSG_TYPE_MAX)
		return -EINVAL;

	const struct msg_kind *kind = &kinds[type];
	if (fd_len < kind->fd_least || fd_len > kind->fd_most)
		return -EINVAL;
	if (!check_texts(type, body))
		return -EINVAL;

	struct msg_header header = {
	    .type = type,
	    .size = (uint32_t)sizeof(header) + kind->size,
	};
	struct iovec iov[2] = {
	    {.iov_base = &header, .iov_len = sizeof(header)},
	    {.iov_base = (void *)(uintptr_t)body, .iov_len = kind->size},
	};
	union control control;
	struct msghdr record = {.msg_iov = iov, .msg_iovlen = 2};

	if (fd_len > 0) {
		memset(&control, 0, sizeof(control));
		record.msg_control = control.bytes;
		record.msg_controllen = CMSG_SPACE(sizeof(int) * fd_len);
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&record);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * fd_len);
		memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * fd_len);
	}
	for (;;) {
		ssize_t size = sendmsg(fd, &record, MSG_NOSIGNAL);
		if (size >= 0)
			return (size_t)size == header.size ? 0 : -EIO;
		if (errno != EINTR)
			return errno == ECONNRESET ? -EPIPE : -errno;
	}
}

/* Move every descriptor of the record into msg, which owns them from then on,
 * whatever else is wrong with the record. */
static void collect_fds(struct msghdr *record, struct msg *msg)
{
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(record); cmsg;
	     cmsg = CMSG_NXTHDR(record, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		size_t len = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < len; i++) {
			int fd;
			memcpy(
			    &fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(fd));
			if (msg->fd_len < MSG_FD_MAX)
				msg->fd[msg->fd_len++] = fd;
			else
				close(fd);
		}
	}
}

static bool judge(const struct msg_header *header, size_t size,
    enum msg_link link, enum msg_way way, const struct msg *msg)
{
	if (size < sizeof(*header) || header->size != size)
		return false;
	if (header->type <= MSG_NONE || header->type >= MSG_TYPE_MAX)
		return false;

	const struct msg_kind *kind = &kinds[header->type];
	return kind->link == link && kind->way == way &&
	       size - sizeof(*header) == kind->size &&
	       msg->fd_len >= kind->fd_least && msg->fd_len <= kind->fd_most &&
	       check_texts(header->type, msg->body);
}

int msg_recv(int fd, enum msg_link link, enum msg_way way, struct msg *msg)
{
	struct msg_header header = {0};
	struct iovec iov[2] = {
	    {.iov_base = &header, .iov_len = sizeof(header)},
	    {.iov_base = msg->body,
		.iov_len = sizeof(msg->body) - sizeof(header)},
	};
	union control control;
	struct msghdr record = {
	    .msg_iov = iov,
	    .msg_iovlen = 2,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof(control.bytes),
	};
	ssize_t size;

	msg->type = MSG_NONE;
	msg->fd_len = 0;
	do
		size = recvmsg(fd, &record, MSG_CMSG_CLOEXEC);
	while (size < 0 && errno == EINTR);
	if (size < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;

	collect_fds(&record, msg);
	if (size == 0) {
		/* End of file; an empty record looks the same and is refused
		 * the same way. */
		msg_close_fds(msg);
		return -EPIPE;
	}
	if ((record.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
	    !judge(&header, (size_t)size, link, way, msg)) {
		msg_close_fds(msg);
		return -EBADMSG;
	}
	if (way == WAY_UP)
		clean_texts(header.type, msg->body);
	msg->type = header.type;
	return 0;
}

int msg_take_fd(struct msg *msg, size_t i)
{
	if (i >= msg->fd_len)
		return -1;

	int fd = msg->fd[i];
	msg->fd[i] = -1;
	return fd;
}

void msg_close_fds(struct msg *msg)
{
	for (uint32_t i = 0; i < msg->fd_len; i++) {
		if (msg->fd[i] >= 0)
			close(msg->fd[i]);
	}
	msg->fd_len = 0;
}

/* Spelling of the names for people: lower case, hyphens. */
const char *msg_name(uint32_t type)
{
	static _Thread_local char name[32];
	size_t i;

	if (type <= MSG_NONE || type >= MSG_TYPE_MAX)
		return "?";

	const char *from = kinds[type].name;
	for (i = 0; from[i] && i < sizeof(name) - 1; i++) {
		if (from[i] == '_')
			name[i] = '-';
		else
			name[i] = (char)(from[i] | 0x20);
	}
	name[i] = '\0';
	return name;
}
