/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Networks of gw-init: a namespace gw-<name> each, with one way out named up0.
 * Requests come from gwd, which is trusted less than gw-init: everything is
 * judged here again.
 *
 * Theory of operation. Up: the record of what will be changed is written, the
 * namespace made silent, the guard loaded, and only then the uplink arrives,
 * gets its address and goes up; each step is read back. A step that fails
 * undoes all before it. Down, in reverse, also for records that a killed
 * gw-init left: a taken interface goes back under its name, with its
 * addresses and state; a macvlan and the TAPs are deleted; the name goes.
 * NETWORK_MAX networks.
 */
#include "control/init/network.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>

#include "control/init/netns.h"
#include "control/init/nft.h"
#include "control/init/record.h"
#include "control/init/rtnl.h"
#include "control/init/tap.h"
#include "control/msg/log.h"
#include "rules/image/address.h"

#define NETWORK_MAX   16
#define NAME_LEN_MOST 11
#define UPLINK	      "up0"

static struct network {
	bool used;
	struct msg_init_network settings; /* token 0 */
	struct record record;
	int ns;
} networks[NETWORK_MAX];

static int __attribute__((format(printf, 3, 4)))
refuse(char *text, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(text, MSG_TEXT_SIZE, format, args);
	va_end(args);
	return error;
}

static bool is_name(const char *name)
{
	size_t len = strlen(name);

	return len >= 1 && len <= NAME_LEN_MOST &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static bool is_interface(const char *name)
{
	size_t len = strlen(name);

	if (len < 1 || len >= IFNAMSIZ || !strcmp(name, ".") ||
	    !strcmp(name, ".."))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (name[i] <= ' ' || name[i] >= 0x7f || name[i] == '/' ||
		    name[i] == ':' || name[i] == '%')
			return false;
	}
	return true;
}

static struct network *find(const char *name)
{
	for (size_t i = 0; i < NETWORK_MAX; i++) {
		if (networks[i].used &&
		    !strcmp(networks[i].settings.name, name))
			return &networks[i];
	}
	return NULL;
}

static struct network *find_free(void)
{
	for (size_t i = 0; i < NETWORK_MAX; i++) {
		if (!networks[i].used)
			return &networks[i];
	}
	return NULL;
}

static int judge_address(const struct msg_init_network *r, char *text)
{
	if (!r->address) {
		if (r->take)
			return 0;
		return refuse(text, -EINVAL,
		    "network %s shares %s, so it needs an address of its own "
		    "on that link: give it one, or take the interface",
		    r->name, r->interface);
	}
	if (r->prefix < 1 || r->prefix > 32 || r->address >> 28 >= 14 ||
	    r->address >> 24 == 127 || r->address >> 24 == 0)
		return refuse(text, -EINVAL,
		    "network %s: its address is none that a host may have",
		    r->name);
	if (r->address >= ADDRESS_CLAIM_FIRST &&
	    r->address <= ADDRESS_CLAIM_LAST)
		return refuse(text, -EINVAL,
		    "network %s: 100.64.0.0/10 is the gateway's own, its "
		    "address must be another one",
		    r->name);
	if (r->gateway && r->prefix < 32 &&
	    (r->gateway ^ r->address) >> (32 - r->prefix))
		return refuse(text, -EINVAL,
		    "network %s: its gateway is not in the subnet of its "
		    "address",
		    r->name);
	return 0;
}

static int judge(const struct msg_init_network *r, char *text)
{
	if (!is_name(r->name))
		return refuse(text, -EINVAL,
		    "a network's name has 1 to 11 of a-z, 0-9 and -");
	if (r->op > NETWORK_DOWN || r->take > 1 || r->routed > 1 ||
	    r->index >= NETWORK_MAX)
		return refuse(text, -EINVAL,
		    "network %s: a number that means nothing", r->name);
	if (r->op == NETWORK_DOWN)
		return 0;
	if (!is_interface(r->interface))
		return refuse(text, -EINVAL,
		    "network %s: no interface can have such a name", r->name);
	return judge_address(r, text);
}

/* Look at the interface on the host, and say why it can't serve. */
static int judge_interface(
    const struct msg_init_network *r, struct rtnl_link *link, char *text)
{
	int error = rtnl_get_link(r->interface, link);

	if (error)
		return refuse(text, -ENODEV,
		    "network %s: there is no interface %s here; `ip link` "
		    "shows those there are",
		    r->name, r->interface);
	if (link->flags & IFF_LOOPBACK)
		return refuse(text, -EINVAL,
		    "network %s: %s is the loopback, no way out; name another "
		    "interface",
		    r->name, r->interface);
	if (!r->take && !(link->flags & IFF_UP))
		return refuse(text, -ENETDOWN,
		    "network %s: %s is down; `ip link set %s up` first",
		    r->name, r->interface, r->interface);
	if (!r->take)
		return 0;
	error = rtnl_has_default_route(link->index);
	if (error < 0)
		return refuse(text, error,
		    "network %s: the routes can't be read: %s", r->name,
		    strerror(-error));
	if (error)
		return refuse(text, -EBUSY,
		    "network %s: %s carries this machine's default route; "
		    "share it, or give the machine another route first",
		    r->name, r->interface);
	return 0;
}

/* In the host's namespace. Undoes what the record says; ns: its descriptor. */
static void give_back(const struct record *record, int ns)
{
	struct rtnl_link link;
	int error;

	if (netns_enter(ns))
		return;
	error = rtnl_get_link(UPLINK, &link);
	if (!error && !record->take)
		rtnl_delete_link(link.index);
	if (!error && record->take)
		error =
		    rtnl_move_link(link.index, netns_home(), record->interface);
	netns_leave();
	if (!record->take)
		return;
	/* it may be home already, when the step that moves it had failed */
	if (rtnl_get_link(record->interface, &link)) {
		log_error(record->name, "%s could not be returned: %s",
		    record->interface, strerror(-error));
		return;
	}
	for (int i = 0; i < record->address_len; i++)
		rtnl_add_address(link.index, &record->address[i]);
	error =
	    rtnl_set_flags(link.index, record->flags, IFF_UP | IFF_MULTICAST);
	log_info(record->name, "%s returned up=%d addresses=%d",
	    record->interface, (record->flags & IFF_UP) != 0,
	    record->address_len);
}

static int remember(struct network *n, const struct rtnl_link *link)
{
	struct record *record = &n->record;

	memset(record, 0, sizeof(*record));
	memcpy(record->name, n->settings.name, sizeof(record->name));
	memcpy(record->interface, n->settings.interface,
	    sizeof(record->interface));
	record->take = n->settings.take;
	record->flags = link->flags;
	if (record->take) {
		record->address_len = rtnl_list_addresses(
		    link->index, record->address, RECORD_ADDRESS_MAX);
		if (record->address_len < 0)
			return record->address_len;
	}
	return record_write(record);
}

static int set_addresses(const struct network *n, int index)
{
	const struct msg_init_network *s = &n->settings;
	struct rtnl_address address = {
	    .family = AF_INET, .prefix = (uint8_t)s->prefix};
	uint32_t local_be32 = htonl(s->address);
	int error = 0;

	if (s->address) {
		memcpy(address.local, &local_be32, 4);
		return rtnl_add_address(index, &address);
	}
	for (int i = 0; i < n->record.address_len && !error; i++) {
		if (n->record.address[i].family == AF_INET)
			error = rtnl_add_address(index, &n->record.address[i]);
	}
	return error;
}

/* Inside the namespace, the uplink has just arrived and is down. */
static int configure_uplink(const struct network *n)
{
	struct rtnl_link link;
	int error = rtnl_get_link(UPLINK, &link);

	if (!error)
		error = netns_set("ipv6/conf/" UPLINK "/disable_ipv6", "1");
	if (error == -ENOENT) /* a kernel without IPv6 */
		error = 0;
	if (!error)
		error = rtnl_set_flags(link.index, 0, IFF_MULTICAST);
	if (!error)
		error = set_addresses(n, link.index);
	if (!error)
		error = rtnl_set_flags(link.index, IFF_UP, IFF_UP);
	if (!error && n->settings.gateway)
		error = rtnl_add_route(0, 0, n->settings.gateway, link.index);
	if (!error)
		error = rtnl_get_link(UPLINK, &link);
	if (error)
		return error;
	return (link.flags & (IFF_UP | IFF_MULTICAST)) == IFF_UP ? 0 : -EIO;
}

static int make_uplink(
    struct network *n, const struct rtnl_link *link, char *text)
{
	const struct msg_init_network *s = &n->settings;
	int error;

	error = s->take ? rtnl_move_link(link->index, n->ns, UPLINK)
			: rtnl_add_macvlan(link->index, n->ns, UPLINK);
	if (error)
		return refuse(text, error, "network %s: %s can't be %s: %s",
		    s->name, s->interface, s->take ? "taken" : "shared",
		    strerror(-error));
	error = netns_enter(n->ns);
	if (error)
		return error;
	error = configure_uplink(n);
	netns_leave();
	if (error)
		return refuse(text, error,
		    "network %s: %s can't be set up in it: %s", s->name,
		    s->interface, strerror(-error));
	return 0;
}

static int guard(struct network *n, char *text)
{
	int error = netns_enter(n->ns);

	if (!error) {
		error = nft_guard(n->settings.routed);
		netns_leave();
	}
	if (error)
		return refuse(text, error,
		    "network %s: its guard can't be loaded, nftables is "
		    "needed (`gw doctor`): %s",
		    n->settings.name, strerror(-error));
	return 0;
}

static void take_down(struct network *n)
{
	char name[MSG_NAME_SIZE + 4];

	snprintf(name, sizeof(name), "gw-%s", n->settings.name);
	if (!netns_enter(n->ns)) {
		tap_delete_all((uint32_t)(n - networks));
		netns_leave();
	}
	give_back(&n->record, n->ns);
	close(n->ns);
	netns_remove(name);
	record_remove(n->settings.name);
	memset(n, 0, sizeof(*n));
}

/* A namespace of that name is somebody's: only a record makes it ours. */
static int judge_free(const char *network, const char *name, char *text)
{
	int ns = netns_open(name);

	if (ns == -ENOENT)
		return 0;
	if (ns >= 0)
		close(ns);
	return refuse(text, -EEXIST,
	    "network %s: a namespace %s is there already; `gw down --force` "
	    "removes what a killed gateway left, `ip netns delete %s` what "
	    "another made",
	    network, name, name);
}

static int bring_up(const struct msg_init_network *request, char *text)
{
	struct network *n = find_free();
	struct rtnl_link link;
	char name[MSG_NAME_SIZE + 4];
	int error = judge_interface(request, &link, text);

	if (error)
		return error;
	if (!n)
		return refuse(
		    text, -ENOSPC, "at most %d networks", NETWORK_MAX);
	snprintf(name, sizeof(name), "gw-%s", request->name);
	error = judge_free(request->name, name, text);
	if (error)
		return error;
	n->settings = *request;
	n->settings.token = 0;
	error = remember(n, &link);
	if (error)
		return refuse(text, error,
		    "network %s: no record can be kept: %s", request->name,
		    strerror(-error));
	n->ns = netns_make(name);
	if (n->ns < 0) {
		record_remove(request->name);
		return refuse(text, n->ns,
		    "network %s: its namespace can't be made: %s",
		    request->name, strerror(-n->ns));
	}
	n->used = true;
	error = guard(n, text);
	if (!error)
		error = make_uplink(n, &link, text);
	if (error) {
		take_down(n);
		return error;
	}
	log_info(request->name, "up interface=%s %s %s", request->interface,
	    request->take ? "taken" : "shared",
	    request->routed ? "routed" : "masqueraded");
	return 0;
}

int network_apply(
    const struct msg_init_network *request, char text[MSG_TEXT_SIZE])
{
	struct msg_init_network same = *request;
	int error = judge(request, text);

	if (error)
		return error;
	struct network *n = find(request->name);
	if (request->op == NETWORK_DOWN) {
		if (n) {
			take_down(n);
			log_info(request->name, "down");
		}
		return 0;
	}
	if (!n)
		return bring_up(request, text);

	same.token = 0;
	const struct msg_init_network *s = &n->settings;
	if (s->take != same.take || s->routed != same.routed ||
	    s->address != same.address || s->prefix != same.prefix ||
	    s->gateway != same.gateway || s->index != same.index ||
	    strcmp(s->interface, same.interface) != 0)
		return refuse(text, -EEXIST,
		    "network %s is up with other settings: take it down first",
		    request->name);
	return 0;
}

int network_tap(
    const struct msg_init_tap *request, int *fd, char text[MSG_TEXT_SIZE])
{
	struct network *n = find(request->name);
	int error;

	if (request->op > TAP_DELETE || request->index >= NETWORK_MAX)
		return refuse(text, -EINVAL,
		    "a TAP request with a number that means nothing");
	if (!n && request->op == TAP_DELETE)
		return 0; /* it went with its network */
	if (!n)
		return refuse(text, -ENOENT,
		    "network %s is not up, so no guest can join it",
		    request->name);
	if (request->op == TAP_ADD && request->index != n->settings.index)
		return refuse(text, -EINVAL, "network %s has another index",
		    request->name);
	error = netns_enter(n->ns);
	if (error)
		return error;
	if (request->op == TAP_ADD)
		error = tap_add((uint32_t)(n - networks), n->settings.index,
		    request->slot, request->mtu, fd);
	else
		error = tap_delete((uint32_t)(n - networks), request->slot);
	netns_leave();
	if (error)
		return refuse(text, error, "network %s: TAP of slot %u: %s",
		    request->name, request->slot, strerror(-error));
	return 0;
}

void network_remove_all(void)
{
	for (size_t i = 0; i < NETWORK_MAX; i++) {
		if (networks[i].used)
			take_down(&networks[i]);
	}
}

static void clean_one(const struct record *record)
{
	char name[MSG_NAME_SIZE + 4];

	if (!is_name(record->name) || !is_interface(record->interface))
		return;
	snprintf(name, sizeof(name), "gw-%s", record->name);
	int ns = netns_open(name);
	if (ns >= 0) {
		give_back(record, ns);
		close(ns);
	}
	netns_remove(name);
	record_remove(record->name);
	log_info(record->name, "network left over was removed");
}

void network_clean(void)
{
	record_each(clean_one);
}
