/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What control/msg leans on: records of SOCK_SEQPACKET socketpairs keep their
 * bounds, say when they were cut, carry descriptors, and tell a closed peer
 * from silence.
 */
#include "tests/platform/fact.h"

#include <fcntl.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/uio.h>

int main(void)
{
	char bytes[64], big[16384] = {0};
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {bytes, 4};
	struct msghdr record = {.msg_iov = &iov, .msg_iovlen = 1};
	int ends[2];

	fact(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends),
	    "there are SOCK_SEQPACKET socketpairs");
	fact(send(ends[0], "one", 3, 0) == 3 &&
		 send(ends[0], "second", 6, 0) == 6 &&
		 recv(ends[1], bytes, sizeof(bytes), 0) == 3,
	    "a record arrives alone");
	fact(
	    recvmsg(ends[1], &record, 0) == 4 && (record.msg_flags & MSG_TRUNC),
	    "a record larger than the buffer is flagged as cut");
	fact(recv(ends[1], bytes, sizeof(bytes), 0) < 0 && errno == EAGAIN,
	    "and the rest of it is gone, the next read finds none");
	fact(send(ends[0], big, sizeof(big), 0) == sizeof(big) &&
		 recv(ends[1], big, sizeof(big), 0) == sizeof(big),
	    "a record of 16 KiB passes whole");

	struct iovec one = {bytes, 1};
	struct msghdr with = {.msg_iov = &one,
	    .msg_iovlen = 1,
	    .msg_control = control.space,
	    .msg_controllen = sizeof(control.space)};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&with);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &ends[0], sizeof(int));
	bool sent = sendmsg(ends[0], &with, 0) == 1;
	bool got = recvmsg(ends[1], &with, MSG_CMSG_CLOEXEC) == 1;
	int fd = -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&with)), sizeof(int));
	fact(sent && got && (fcntl(fd, F_GETFD) & FD_CLOEXEC),
	    "a descriptor travels with it and is close-on-exec from birth");
	close(fd);

	bool sent_last = send(ends[0], "last", 4, 0) == 4;
	close(ends[0]);
	fact(sent_last && recv(ends[1], bytes, sizeof(bytes), 0) == 4 &&
		 recv(ends[1], bytes, sizeof(bytes), 0) == 0,
	    "after the peer closed, what it sent is read first, then the end");
	fact(send(ends[1], "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE,
	    "and sending to it fails");
	return 0;
}
