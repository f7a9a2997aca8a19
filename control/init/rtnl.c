/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rtnetlink by libmnl for gw-init; see rtnl.h. Each request opens its own
 * socket, as a socket stays in the namespace that it was made in. Answers come
 * from the kernel and are trusted.
 */
#include "control/init/rtnl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#define REQUEST_SIZE 1024

struct request {
	_Alignas(8) char bytes[REQUEST_SIZE];
	struct nlmsghdr *header;
};

/* Begin a request; returns its family header of `size` bytes, zeroed. */
static void *begin(
    struct request *request, uint16_t type, uint16_t flags, size_t size)
{
	memset(request->bytes, 0, sizeof(request->bytes));
	request->header = mnl_nlmsg_put_header(request->bytes);
	request->header->nlmsg_type = type;
	request->header->nlmsg_flags = NLM_F_REQUEST | flags;
	return mnl_nlmsg_put_extra_header(request->header, size);
}

/* Send and run `call` over each answer. */
static int talk(struct request *request, mnl_cb_t call, void *data)
{
	_Alignas(8) char answer[32768];
	struct mnl_socket *socket =
	    mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int error = 0;

	if (!socket)
		return -errno;
	request->header->nlmsg_seq = (uint32_t)time(NULL);
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(
		socket, request->header, request->header->nlmsg_len) < 0)
		error = -errno;
	while (!error) {
		ssize_t size =
		    mnl_socket_recvfrom(socket, answer, sizeof(answer));
		int state =
		    size < 0 ? -1
			     : mnl_cb_run(answer, (size_t)size,
				   request->header->nlmsg_seq,
				   mnl_socket_get_portid(socket), call, data);
		if (state < 0)
			error = -errno;
		else if (state == MNL_CB_STOP)
			break;
	}
	mnl_socket_close(socket);
	return error;
}

static int ask(struct request *request)
{
	request->header->nlmsg_flags |= NLM_F_ACK;
	return talk(request, NULL, NULL);
}

static struct ifinfomsg *begin_link(
    struct request *request, uint16_t type, uint16_t flags, int index)
{
	struct ifinfomsg *info = begin(request, type, flags, sizeof(*info));

	info->ifi_index = index;
	return info;
}

static int take_link(const struct nlmsghdr *header, void *data)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(header);
	struct rtnl_link *link = data;
	struct nlattr *attr;

	link->index = info->ifi_index;
	link->flags = info->ifi_flags;
	mnl_attr_for_each(attr, header, sizeof(*info))
	{
		if (mnl_attr_get_type(attr) == IFLA_MTU)
			link->mtu = mnl_attr_get_u32(attr);
		if (mnl_attr_get_type(attr) == IFLA_ADDRESS &&
		    mnl_attr_get_payload_len(attr) == 6)
			memcpy(link->mac, mnl_attr_get_payload(attr), 6);
	}
	return MNL_CB_OK;
}

int rtnl_get_link(const char *name, struct rtnl_link *link)
{
	struct request request;

	memset(link, 0, sizeof(*link));
	begin_link(&request, RTM_GETLINK, NLM_F_ACK, 0);
	mnl_attr_put_strz(request.header, IFLA_IFNAME, name);
	return talk(&request, take_link, link);
}

int rtnl_add_macvlan(int parent, int ns_fd, const char *name)
{
	struct request request;

	begin_link(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	mnl_attr_put_strz(request.header, IFLA_IFNAME, name);
	mnl_attr_put_u32(request.header, IFLA_LINK, (uint32_t)parent);
	mnl_attr_put_u32(request.header, IFLA_NET_NS_FD, (uint32_t)ns_fd);

	struct nlattr *info =
	    mnl_attr_nest_start(request.header, IFLA_LINKINFO);
	mnl_attr_put_str(request.header, IFLA_INFO_KIND, "macvlan");
	struct nlattr *data =
	    mnl_attr_nest_start(request.header, IFLA_INFO_DATA);
	mnl_attr_put_u32(
	    request.header, IFLA_MACVLAN_MODE, MACVLAN_MODE_BRIDGE);
	mnl_attr_nest_end(request.header, data);
	mnl_attr_nest_end(request.header, info);
	return ask(&request);
}

int rtnl_move_link(int index, int ns_fd, const char *name)
{
	struct request request;

	begin_link(&request, RTM_NEWLINK, 0, index);
	mnl_attr_put_u32(request.header, IFLA_NET_NS_FD, (uint32_t)ns_fd);
	mnl_attr_put_strz(request.header, IFLA_IFNAME, name);
	return ask(&request);
}

int rtnl_set_flags(int index, uint32_t flags, uint32_t mask)
{
	struct request request;
	struct ifinfomsg *info = begin_link(&request, RTM_NEWLINK, 0, index);

	info->ifi_flags = flags;
	info->ifi_change = mask;
	return ask(&request);
}

int rtnl_set_mac(int index, const uint8_t mac[6])
{
	struct request request;

	begin_link(&request, RTM_NEWLINK, 0, index);
	mnl_attr_put(request.header, IFLA_ADDRESS, 6, mac);
	return ask(&request);
}

int rtnl_set_mtu(int index, uint32_t mtu)
{
	struct request request;

	begin_link(&request, RTM_NEWLINK, 0, index);
	mnl_attr_put_u32(request.header, IFLA_MTU, mtu);
	return ask(&request);
}

int rtnl_delete_link(int index)
{
	struct request request;

	begin_link(&request, RTM_DELLINK, 0, index);
	return ask(&request);
}

static size_t address_size(uint8_t family)
{
	return family == AF_INET ? 4 : 16;
}

int rtnl_add_address(int index, const struct rtnl_address *address)
{
	struct request request;
	struct ifaddrmsg *info = begin(
	    &request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*info));
	uint32_t broadcast;

	info->ifa_family = address->family;
	info->ifa_prefixlen = address->prefix;
	info->ifa_scope = address->scope;
	info->ifa_index = (uint32_t)index;
	mnl_attr_put(request.header, IFA_LOCAL, address_size(address->family),
	    address->local);
	mnl_attr_put(request.header, IFA_ADDRESS, address_size(address->family),
	    address->local);
	if (address->family == AF_INET && address->prefix < 31) {
		memcpy(&broadcast, address->local, 4);
		broadcast |= htonl(0xffffffffu >> address->prefix);
		mnl_attr_put_u32(request.header, IFA_BROADCAST, broadcast);
	}
	return ask(&request);
}

struct address_list {
	struct rtnl_address *addresses;
	int index, len, most;
};

static int take_address(const struct nlmsghdr *header, void *data)
{
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(header);
	struct address_list *list = data;
	struct rtnl_address *to;
	struct nlattr *attr;
	bool local = false;

	if ((int)info->ifa_index != list->index || list->len >= list->most ||
	    info->ifa_scope == RT_SCOPE_LINK ||
	    (info->ifa_family != AF_INET && info->ifa_family != AF_INET6) ||
	    (info->ifa_family == AF_INET6 &&
		!(info->ifa_flags & IFA_F_PERMANENT)))
		return MNL_CB_OK;

	to = &list->addresses[list->len];
	*to = (struct rtnl_address) {.family = info->ifa_family,
	    .prefix = info->ifa_prefixlen,
	    .scope = info->ifa_scope};
	mnl_attr_for_each(attr, header, sizeof(*info))
	{
		uint16_t type = mnl_attr_get_type(attr);
		if (type != IFA_LOCAL && (type != IFA_ADDRESS || local))
			continue;
		if (mnl_attr_get_payload_len(attr) !=
		    address_size(info->ifa_family))
			continue;
		local = type == IFA_LOCAL;
		memcpy(to->local, mnl_attr_get_payload(attr),
		    address_size(info->ifa_family));
	}
	list->len++;
	return MNL_CB_OK;
}

int rtnl_list_addresses(int index, struct rtnl_address *addresses, int most)
{
	struct request request;
	struct address_list list = {addresses, index, 0, most};

	begin(&request, RTM_GETADDR, NLM_F_DUMP, sizeof(struct ifaddrmsg));
	int error = talk(&request, take_address, &list);
	return error ? error : list.len;
}

int rtnl_add_route(
    uint32_t destination, uint32_t prefix, uint32_t gateway, int index)
{
	struct request request;
	struct rtmsg *info = begin(&request, RTM_NEWROUTE,
	    NLM_F_CREATE | NLM_F_REPLACE, sizeof(*info));

	info->rtm_family = AF_INET;
	info->rtm_dst_len = (uint8_t)prefix;
	info->rtm_table = RT_TABLE_MAIN;
	info->rtm_protocol = RTPROT_STATIC;
	info->rtm_scope = gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	info->rtm_type = RTN_UNICAST;
	if (prefix > 0)
		mnl_attr_put_u32(request.header, RTA_DST, htonl(destination));
	if (gateway)
		mnl_attr_put_u32(request.header, RTA_GATEWAY, htonl(gateway));
	mnl_attr_put_u32(request.header, RTA_OIF, (uint32_t)index);
	return ask(&request);
}

struct route_search {
	int index;
	bool found;
};

static int take_route(const struct nlmsghdr *header, void *data)
{
	const struct rtmsg *info = mnl_nlmsg_get_payload(header);
	struct route_search *search = data;
	struct nlattr *attr;

	if (info->rtm_dst_len != 0 || info->rtm_type != RTN_UNICAST)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, header, sizeof(*info))
	{
		uint16_t type = mnl_attr_get_type(attr);
		if (type == RTA_OIF &&
		    (int)mnl_attr_get_u32(attr) == search->index)
			search->found = true;
		if (type != RTA_MULTIPATH)
			continue;
		const struct rtnexthop *hop = mnl_attr_get_payload(attr);
		int left = (int)mnl_attr_get_payload_len(attr);
		for (; RTNH_OK(hop, left);
		     left -= RTNH_ALIGN(hop->rtnh_len), hop = RTNH_NEXT(hop))
			search->found |= hop->rtnh_ifindex == search->index;
	}
	return MNL_CB_OK;
}

int rtnl_has_default_route(int index)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	struct route_search search = {index, false};
	struct request request;

	for (int i = 0; i < 2; i++) {
		struct rtmsg *info =
		    begin(&request, RTM_GETROUTE, NLM_F_DUMP, sizeof(*info));
		info->rtm_family = families[i];
		int error = talk(&request, take_route, &search);
		if (error)
			return error;
	}
	return search.found;
}

int rtnl_set_neighbour(int index, uint32_t address, const uint8_t mac[6])
{
	struct request request;
	struct ndmsg *info = begin(&request, RTM_NEWNEIGH,
	    NLM_F_CREATE | NLM_F_REPLACE, sizeof(*info));

	info->ndm_family = AF_INET;
	info->ndm_ifindex = index;
	info->ndm_state = NUD_PERMANENT;
	mnl_attr_put_u32(request.header, NDA_DST, htonl(address));
	mnl_attr_put(request.header, NDA_LLADDR, 6, mac);
	return ask(&request);
}
