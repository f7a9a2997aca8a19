/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TAPs between gw-dataplane and a network's namespace; see tap.h.
 *
 * Theory of operation. The device is opened inside the namespace and its
 * descriptor is kept here beside the dataplane's copy, so device, route and
 * counters outlive a dataplane. Both ends' MAC addresses follow from slot and
 * network index (address.h): the neighbour entry is permanent and ARP is off,
 * so nothing can be learnt or claimed over this link. TAP_MAX of them; then
 * -ENOSPC.
 */
#include "control/init/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <linux/if.h>
#include <linux/if_tun.h>

#include "control/init/nft.h"
#include "control/init/rtnl.h"
#include "control/msg/log.h"
#include "rules/image/address.h"

#define TAP_MAX	  4096
#define MTU_LEAST 576
#define MTU_MOST  9216

static struct tap {
	bool used;
	uint32_t owner, slot;
	int fd;
} taps[TAP_MAX];

static struct tap *find(uint32_t owner, uint32_t slot)
{
	for (size_t i = 0; i < TAP_MAX; i++) {
		if (taps[i].used && taps[i].owner == owner &&
		    taps[i].slot == slot)
			return &taps[i];
	}
	return NULL;
}

static struct tap *find_free(void)
{
	for (size_t i = 0; i < TAP_MAX; i++) {
		if (!taps[i].used)
			return &taps[i];
	}
	return NULL;
}

static int open_device(const char *name)
{
	struct ifreq request = {
	    .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR,
	};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &request)) {
		int error = errno;
		close(fd);
		return -error;
	}
	return fd;
}

static int configure(
    const char *name, uint32_t index, uint32_t slot, uint32_t mtu)
{
	const uint32_t address = address_of_guest(slot);
	uint8_t own[6], far[6];
	struct rtnl_link link;
	int error = rtnl_get_link(name, &link);

	address_make_mac(own, (uint8_t)(MAC_KIND_NETWORK + index), slot);
	address_make_mac(far, MAC_KIND_FAR, slot);
	if (!error)
		error = rtnl_set_mac(link.index, own);
	if (!error)
		error = rtnl_set_mtu(link.index, mtu);
	if (!error)
		error = rtnl_set_flags(link.index, IFF_UP | IFF_NOARP,
		    IFF_UP | IFF_NOARP | IFF_MULTICAST);
	if (!error)
		error = rtnl_set_neighbour(link.index, address, far);
	if (!error)
		error = rtnl_add_route(address, 32, 0, link.index);
	if (!error)
		error = nft_add_guest(slot);
	if (!error)
		error = rtnl_get_link(name, &link);
	if (error)
		return error;

	const uint32_t on = IFF_UP | IFF_NOARP;
	return (link.flags & (on | IFF_MULTICAST)) == on && link.mtu == mtu &&
		       !memcmp(link.mac, own, 6)
		   ? 0
		   : -EIO;
}

int tap_add(
    uint32_t owner, uint32_t index, uint32_t slot, uint32_t mtu, int *fd)
{
	struct tap *tap = find(owner, slot);
	char name[IFNAMSIZ];
	int error;

	if (slot >= ADDRESS_SLOT_MAX || mtu < MTU_LEAST || mtu > MTU_MOST)
		return -EINVAL;
	snprintf(name, sizeof(name), "gw-t%u", slot);
	if (tap) {
		/* settings again, as the MTU may be another one now */
		*fd = tap->fd;
		return configure(name, index, slot, mtu);
	}
	tap = find_free();
	if (!tap)
		return -ENOSPC;
	int device = open_device(name);
	if (device < 0)
		return device;
	error = configure(name, index, slot, mtu);
	if (error) {
		close(device);
		return error;
	}
	*tap = (struct tap) {true, owner, slot, device};
	*fd = device;
	return 0;
}

static void remove_device(struct tap *tap)
{
	struct rtnl_link link;
	char name[IFNAMSIZ];

	/* by name too: a dataplane may still hold its copy */
	snprintf(name, sizeof(name), "gw-t%u", tap->slot);
	nft_delete_guest(tap->slot);
	if (!rtnl_get_link(name, &link))
		rtnl_delete_link(link.index);
	close(tap->fd);
	memset(tap, 0, sizeof(*tap));
}

int tap_delete(uint32_t owner, uint32_t slot)
{
	struct tap *tap = find(owner, slot);

	if (tap)
		remove_device(tap);
	return 0;
}

void tap_delete_all(uint32_t owner)
{
	for (size_t i = 0; i < TAP_MAX; i++) {
		if (taps[i].used && taps[i].owner == owner)
			remove_device(&taps[i]);
	}
}
