/* SPDX-License-Identifier: BSD-2-Clause */
/* A TAP for tests: see port_link.h. */
#include "tests/unit/packet/port_link.h"

#include <stdarg.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

bool link_enter_namespace(void)
{
	int fd;

	if (unshare(CLONE_NEWNET) < 0)
		return false;
	/* the kernel's own chatter would be in the way */
	fd = open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY);
	if (fd >= 0) {
		ssize_t done = write(fd, "1", 1);

		(void)done;
		close(fd);
	}
	return true;
}

int link_make_tap(const char *name)
{
	struct ifreq request = {
	    .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0 && control >= 0);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	assert_int_equal(ioctl(fd, TUNSETIFF, &request), 0);
	request.ifr_mtu = 9000;
	assert_int_equal(ioctl(control, SIOCSIFMTU, &request), 0);
	request.ifr_flags = IFF_UP | IFF_NOARP;
	assert_int_equal(ioctl(control, SIOCSIFFLAGS, &request), 0);
	close(control);
	return fd;
}

int link_open_socket(const char *name)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	struct ifreq request = {0};
	struct sockaddr_ll address = {
	    .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};

	assert_true(fd >= 0);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	assert_int_equal(ioctl(fd, SIOCGIFINDEX, &request), 0);
	address.sll_ifindex = request.ifr_ifindex;
	assert_int_equal(bind(fd, (void *)&address, sizeof(address)), 0);
	return fd;
}

size_t link_receive(int socket, void *frame, size_t size, int timeout_ms)
{
	struct pollfd wait = {.fd = socket, .events = POLLIN};
	struct sockaddr_ll from;

	while (poll(&wait, 1, timeout_ms) == 1) {
		socklen_t len = sizeof(from);
		ssize_t got =
		    recvfrom(socket, frame, size, 0, (void *)&from, &len);

		if (got > 0 && from.sll_pkttype != PACKET_OUTGOING)
			return (size_t)got;
	}
	return 0;
}
