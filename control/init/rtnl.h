/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The few rtnetlink requests that gw-init needs, each one in the network
 * namespace that the thread is in (netns_enter()). All return 0 or -errno.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rtnl_address {
	uint8_t family; /* AF_INET, AF_INET6 */
	uint8_t prefix;
	uint8_t scope;
	uint8_t pad;
	uint8_t local[16]; /* network order, 4 or 16 bytes */
};

struct rtnl_link {
	int index;
	uint32_t flags; /* IFF_ */
	uint32_t mtu;
	uint8_t mac[6];
};

/* -ENODEV when there is none. */
int rtnl_get_link(const char *name, struct rtnl_link *link);
/* A macvlan in bridge mode on parent (of this namespace), created straight
 * inside the namespace ns_fd. */
int rtnl_add_macvlan(int parent, int ns_fd, const char *name);
/* Move a link and rename it on the way. */
int rtnl_move_link(int index, int ns_fd, const char *name);
/* Flags (IFF_UP, IFF_MULTICAST, ...) in mask become those in flags. */
int rtnl_set_flags(int index, uint32_t flags, uint32_t mask);
int rtnl_set_mac(int index, const uint8_t mac[6]);
int rtnl_set_mtu(int index, uint32_t mtu);
int rtnl_delete_link(int index);

/* Adds or replaces; IPv4 gets the broadcast address of its subnet. */
int rtnl_add_address(int index, const struct rtnl_address *address);
/* Global addresses of a link that were set by hand. Returns how many (at most
 * `most`), or -errno. */
int rtnl_list_addresses(int index, struct rtnl_address *addresses, int most);

/* IPv4, host order; gateway 0: on link; prefix 0: the default route. */
int rtnl_add_route(
    uint32_t destination, uint32_t prefix, uint32_t gateway, int index);
/* 1: the link carries a default route (IPv4 or IPv6); 0: no; else -errno. */
int rtnl_has_default_route(int index);
/* Permanent neighbour, IPv4 in host order; replaces. */
int rtnl_set_neighbour(int index, uint32_t address, const uint8_t mac[6]);
