/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What network TAPs lean on: a TAP made inside a namespace works through its
 * descriptor from anywhere, keeps its link while one copy is open, passes
 * frames with a virtio header, and carries another frame size than 1514 bytes
 * when that header asks for it. Acts in a namespace of its own.
 */
#include "tests/platform/fact.h"

#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <arpa/inet.h>
#include <sys/socket.h>

#define HEADER 10 /* struct virtio_net_hdr */

static int open_tap(void)
{
	struct ifreq request = {
	    .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	strcpy(request.ifr_name, "factt0");
	if (fd >= 0 && ioctl(fd, TUNSETIFF, &request)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Up, and a socket that sees its frames; both in the namespace entered. */
static int watch_tap(void)
{
	struct ifreq request = {.ifr_name = "factt0"};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));

	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request))
		return -1;
	request.ifr_flags |= IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &request))
		return -1;
	struct sockaddr_ll address = {.sll_family = AF_PACKET,
	    .sll_protocol = htons(ETH_P_ALL),
	    .sll_ifindex = (int)if_nametoindex("factt0")};
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return -1;
	return fd;
}

static bool carries(int tap, int socket)
{
	char frame[HEADER + 64] = {0}, seen[256];
	struct pollfd wait = {socket, POLLIN, 0};

	memset(frame + HEADER, 0xff, 6);
	frame[HEADER + 12] = 0x12;
	frame[HEADER + 13] = 0x34;
	if (write(tap, frame, sizeof(frame)) != sizeof(frame))
		return false;
	while (poll(&wait, 1, 500) == 1) {
		ssize_t size = recv(socket, seen, sizeof(seen), 0);
		if (size == 64 && seen[12] == 0x12 && seen[13] == 0x34)
			return true;
	}
	return false;
}

static bool running(int socket)
{
	struct ifreq request = {.ifr_name = "factt0"};

	return !ioctl(socket, SIOCGIFFLAGS, &request) &&
	       (request.ifr_flags & IFF_RUNNING);
}

int main(void)
{
	const char *claim = "TAPs in a namespace";

	if (geteuid() != 0)
		fact_skip(claim, "needs root");
	if (access("/dev/net/tun", F_OK))
		fact_skip(claim, "no /dev/net/tun");
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (unshare(CLONE_NEWNET))
		fact_skip(claim, "no network namespaces");

	int tap = open_tap();
	int socket = watch_tap();
	fact(tap >= 0 && socket >= 0, "a TAP can be made inside a namespace");
	if (tap < 0 || socket < 0 || setns(home, CLONE_NEWNET))
		return 1;
	fact(if_nametoindex("factt0") == 0, "it is not seen outside");
	fact(carries(tap, socket),
	    "its descriptor carries frames from outside, behind 10 bytes of "
	    "virtio header");
	int copy = dup(tap);
	close(tap);
	fact(running(socket) && carries(copy, socket),
	    "the link lives on while one copy of the descriptor is open");
	close(copy);
	fact(!running(socket), "and goes with the last");
	return 0;
}
