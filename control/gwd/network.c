/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Networks and TAPs. Called by load.c (a new policy), guest.c (start and end of
 * a guest) and main.c (once a second), in gwd's loop.
 *
 * Theory of operation. A network has a key, 0..15, that it keeps over reloads:
 * gw-init, the dataplanes and the MAC addresses of TAPs know it by that key. A
 * new policy is prepared by network_sync(), which only adds or replaces, and
 * finished by network_prune(), which only removes; so the networks of the old
 * policy work on until the new one is in force. A network whose description
 * changed is replaced at once: its old flows end with it. gw-init works through
 * requests in order. The old and the new policy together may have 16 networks.
 * Names and keys are kept in networks.json: networks outlive gwd, and the next
 * one must call them by the same keys, or remove them.
 *
 *	NET_FREE -> NET_RISING -> NET_UP -> NET_FALLING -> NET_FREE
 *	NET_LEFT (by the last gwd) -> NET_RISING or NET_FALLING
 *	                      \-> NET_FAILED (tried again every 5 s when the
 *	                                      live policy names it)
 */
#include "control/gwd/network.h"

#include "control/gwd/dataplane.h"
#include "control/gwd/guest.h"
#include "control/gwd/gwd.h"
#include "control/gwd/init_link.h"
#include "control/gwd/store.h"
#include "control/msg/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RETRY_S 5

#define NETWORKS "networks.json"

enum net_state {
	NET_FREE,
	NET_LEFT,
	NET_RISING,
	NET_UP,
	NET_FALLING,
	NET_FAILED,
	NET_MAX
};
static const char *const net_state_text[] = {
    "removed", "left", "rising", "up", "falling", "failed"};
_Static_assert(
    sizeof(net_state_text) / sizeof(net_state_text[0]) == NET_MAX, "states");

static struct network {
	enum net_state state;
	struct msg_init_network what; /* as gw-init was asked */
	unsigned int answers;	      /* requests not yet answered */
	char text[MSG_TEXT_SIZE];     /* why it failed */
} networks[POLICY_NETWORK_MAX];

static struct {
	bool busy;
	const struct generation *generation;
	network_done *done;
	void *arg;
	unsigned int waiting;
	int error;
	char text[MSG_TEXT_SIZE];
} sync_run;

static struct network *find(const char *name)
{
	for (size_t i = 0; i < POLICY_NETWORK_MAX; i++) {
		if (networks[i].state != NET_FREE &&
		    !strcmp(networks[i].what.name, name))
			return &networks[i];
	}
	return NULL;
}

const char *network_name(uint32_t key)
{
	return networks[key].what.name;
}

bool network_busy(void)
{
	return sync_run.busy;
}

static void fail_sync(int error, const char *text)
{
	if (sync_run.error)
		return;
	sync_run.error = error;
	snprintf(sync_run.text, sizeof(sync_run.text), "%s", text);
}

/* ---- TAPs ---- */

static void delete_tap(struct network_tap *tap)
{
	struct msg_init_tap body = {
	    .op = TAP_DELETE,
	    .slot = tap->guest->slot,
	    .index = tap->key,
	    .mtu = GWD_MTU,
	};

	snprintf(body.name, sizeof(body.name), "%s", network_name(tap->key));
	if (tap->state == TAP_READY) {
		dataplane_delete_port(tap->guest, tap->key);
		close(tap->fd);
	}
	tap->state = TAP_NONE;
	init_link_ask(MSG_INIT_TAP, &body, NULL, 0, init_link_ignore, NULL);
}

static void drop_tap(struct network_tap *tap)
{
	if (tap->state == TAP_ASKED)
		tap->state = TAP_UNWANTED;
	else if (tap->state == TAP_READY)
		delete_tap(tap);
}

static void finish_sync(void);

static void tap_made(void *arg, const struct msg_init_done *done, int fd)
{
	struct network_tap *tap = arg;
	bool wanted = tap->state == TAP_ASKED;

	tap->state = TAP_NONE;
	if (done->error || fd < 0) {
		log_error(tap->guest->name, "no TAP in network %s: %s",
		    network_name(tap->key), done->text);
		fail_sync(done->error ? done->error : -EBADMSG, done->text);
	} else if (wanted) {
		tap->fd = fd;
		tap->state = TAP_READY;
		fd = -1;
		dataplane_add_port(tap->guest, tap->key);
	} else {
		delete_tap(tap);
	}
	if (fd >= 0)
		close(fd);
	if (sync_run.busy)
		finish_sync();
}

static void ask_tap(struct network_tap *tap)
{
	struct msg_init_tap body = {
	    .op = TAP_ADD,
	    .slot = tap->guest->slot,
	    .index = tap->key,
	    .mtu = GWD_MTU,
	};

	if (tap->state == TAP_UNWANTED)
		tap->state = TAP_ASKED;
	if (tap->state != TAP_NONE)
		return;
	snprintf(body.name, sizeof(body.name), "%s", network_name(tap->key));
	if (init_link_ask(MSG_INIT_TAP, &body, NULL, 0, tap_made, tap) < 0) {
		fail_sync(-EBUSY, "gw-init has too many requests waiting");
		return;
	}
	tap->state = TAP_ASKED;
	if (sync_run.busy)
		sync_run.waiting++;
}

/* Which keys a guest has by a generation: a bit per key that is up. */
static uint32_t keys_of(
    const struct generation *generation, const struct guest *guest)
{
	const struct policy_image *image;
	uint32_t index, mask, keys = 0;

	if (!generation)
		return 0;
	image = &generation->image;
	index = policy_image_find_guest(image, guest->name);
	if (index == POLICY_NONE)
		return 0;
	mask = image->guest[index].network_mask;
	for (uint32_t i = 0; i < image->len[SECTION_NETWORK]; i++) {
		const struct network *network;

		if (!(mask & (1u << i)))
			continue;
		network = find(policy_text(image, image->network[i].name));
		if (network && network->state == NET_UP)
			keys |= 1u << (network - networks);
	}
	return keys;
}

static void add_taps(const struct generation *generation, struct guest *guest)
{
	uint32_t keys = keys_of(generation, guest);

	for (uint32_t key = 0; key < POLICY_NETWORK_MAX; key++) {
		if (keys & (1u << key))
			ask_tap(&guest->tap[key]);
	}
}

void network_tap_guest(struct guest *guest)
{
	add_taps(generation_live(), guest);
}

void network_untap_guest(struct guest *guest)
{
	for (uint32_t key = 0; key < POLICY_NETWORK_MAX; key++)
		drop_tap(&guest->tap[key]);
}

static void drop_taps_in(uint32_t key)
{
	struct guest *guest;

	GUEST_FOREACH(guest)
	drop_tap(&guest->tap[key]);
}

/* ---- networks ---- */

static void finish_sync(void)
{
	struct guest *guest;

	if (--sync_run.waiting)
		return;
	if (sync_run.generation && !sync_run.error) {
		const struct generation *generation = sync_run.generation;

		/* Once more, now for the TAPs. */
		sync_run.generation = NULL;
		sync_run.waiting = 1;
		GUEST_FOREACH(guest)
		{
			if (guest_is_active(guest))
				add_taps(generation, guest);
		}
		finish_sync();
		return;
	}
	sync_run.busy = false;
	sync_run.done(sync_run.arg, sync_run.error, sync_run.text);
}

/* Write names and keys of those that may exist. */
static void keep(void)
{
	json_t *all = json_object();

	for (uint32_t key = 0; key < POLICY_NETWORK_MAX; key++) {
		if (networks[key].state != NET_FREE)
			json_object_set_new(
			    all, networks[key].what.name, json_integer(key));
	}
	store_write(NETWORKS,
	    json_pack("{s:i, s:o}", "schema", 1, "networks", all), NULL, NULL);
}

void network_open(void)
{
	json_t *kept = store_read(NETWORKS), *value;
	const char *name;

	json_object_foreach (json_object_get(kept, "networks"), name, value) {
		json_int_t key = json_integer_value(value);
		struct network *network;

		if (!json_is_integer(value) || key < 0 ||
		    key >= POLICY_NETWORK_MAX)
			continue;
		network = &networks[key];
		network->state = NET_LEFT;
		network->what.index = key;
		snprintf(
		    network->what.name, sizeof(network->what.name), "%s", name);
	}
	json_decref(kept);
}

static void network_answered(
    void *arg, const struct msg_init_done *done, int fd)
{
	struct network *network = arg;

	if (fd >= 0)
		close(fd);
	network->answers--;
	if (done->error && network->state == NET_RISING) {
		snprintf(
		    network->text, sizeof(network->text), "%s", done->text);
		fail_sync(done->error, done->text);
	}
	if (!network->answers) {
		if (network->state == NET_FALLING)
			network->state = NET_FREE;
		else
			network->state = network->text[0] ? NET_FAILED : NET_UP;
		log_info("network", "%s is %s", network->what.name,
		    net_state_text[network->state]);
		keep();
	}
	if (sync_run.busy)
		finish_sync();
}

static int ask(struct network *network, enum msg_network_op op)
{
	struct msg_init_network body = network->what;
	int error;

	body.op = op;
	error = init_link_ask(
	    MSG_INIT_NETWORK, &body, NULL, 0, network_answered, network);
	if (error) {
		fail_sync(error, "gw-init has too many requests waiting");
		return error;
	}
	network->answers++;
	if (sync_run.busy)
		sync_run.waiting++;
	return 0;
}

static void raise_network(struct network *network)
{
	network->text[0] = '\0';
	network->state = ask(network, NETWORK_UP) ? NET_FAILED : NET_RISING;
}

static void describe_wanted(
    const struct policy_image *image, uint32_t i, struct msg_init_network *what)
{
	const struct policy_network *network = &image->network[i];

	memset(what, 0, sizeof(*what));
	what->op = NETWORK_UP;
	what->take = network->uplink == UPLINK_INTERFACE_TAKE;
	what->routed = network->routed;
	what->address = network->address;
	what->prefix = network->prefix;
	what->gateway = network->gateway;
	snprintf(what->name, sizeof(what->name), "%s",
	    policy_text(image, network->name));
	snprintf(what->interface, sizeof(what->interface), "%s",
	    policy_text(image, network->interface));
}

static struct network *make_room(void)
{
	for (uint32_t key = 0; key < POLICY_NETWORK_MAX; key++) {
		if (networks[key].state == NET_FREE)
			return &networks[key];
	}
	return NULL;
}

static void sync_one(const struct policy_image *image, uint32_t i)
{
	struct msg_init_network what;
	struct network *network;

	describe_wanted(image, i, &what);
	network = find(what.name);
	if (network) {
		what.index = network - networks;
		if (network->state == NET_UP &&
		    !memcmp(&what, &network->what, sizeof(what)))
			return;
		drop_taps_in(what.index);
		if (network->state != NET_LEFT)
			ask(network, NETWORK_DOWN);
	} else {
		network = make_room();
		if (!network) {
			fail_sync(-ENOSPC, "the old and the new policy "
					   "together have more than 16 "
					   "networks: load one without them "
					   "first");
			return;
		}
		what.index = network - networks;
	}
	network->what = what;
	raise_network(network);
	keep();
}

void network_sync(
    const struct generation *generation, network_done *done, void *arg)
{
	memset(&sync_run, 0, sizeof(sync_run));
	sync_run.busy = true;
	sync_run.generation = generation;
	sync_run.done = done;
	sync_run.arg = arg;
	sync_run.waiting = 1;
	if (generation) {
		const struct policy_image *image = &generation->image;

		for (uint32_t i = 0; i < image->len[SECTION_NETWORK]; i++)
			sync_one(image, i);
	}
	finish_sync();
}

static bool is_named(const struct generation *generation, const char *name)
{
	const struct policy_image *image;

	if (!generation)
		return false;
	image = &generation->image;
	for (uint32_t i = 0; i < image->len[SECTION_NETWORK]; i++) {
		if (!strcmp(policy_text(image, image->network[i].name), name))
			return true;
	}
	return false;
}

void network_prune(const struct generation *generation)
{
	struct guest *guest;

	for (uint32_t key = 0; key < POLICY_NETWORK_MAX; key++) {
		struct network *network = &networks[key];

		if (network->state == NET_FREE ||
		    network->state == NET_FALLING ||
		    is_named(generation, network->what.name))
			continue;
		drop_taps_in(key);
		if (ask(network, NETWORK_DOWN) == 0)
			network->state = NET_FALLING;
	}
	GUEST_FOREACH(guest)
	{
		uint32_t keys = keys_of(generation, guest);

		for (uint32_t key = 0; key < POLICY_NETWORK_MAX; key++) {
			if (!(keys & (1u << key)))
				drop_tap(&guest->tap[key]);
		}
	}
}

static void retried(void *unused, int error, const char *text)
{
	if (!error)
		log_info("network", "all networks of the policy are up");
}

void network_tick(void)
{
	static unsigned int seconds;
	bool failed = false;

	if (sync_run.busy || generation_loading() || !generation_live())
		return;
	for (uint32_t key = 0; key < POLICY_NETWORK_MAX; key++)
		failed |= networks[key].state == NET_FAILED;
	if (failed && ++seconds % RETRY_S == 0)
		network_sync(generation_live(), retried, NULL);
}

static json_t *describe(const struct network *network)
{
	struct in_addr address = {htonl(network->what.address)};
	json_t *all = json_array();
	struct guest *guest;
	char text[INET_ADDRSTRLEN];

	GUEST_FOREACH(guest)
	{
		if (guest->tap[network - networks].state == TAP_READY)
			json_array_append_new(all, json_string(guest->name));
	}
	inet_ntop(AF_INET, &address, text, sizeof(text));
	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:s, s:i, s:s, s:o}",
	    "name", network->what.name, "state", net_state_text[network->state],
	    "interface", network->what.interface, "uplink",
	    network->what.take ? "take" : "share", "routed",
	    (int)network->what.routed, "address",
	    network->what.address ? text : "", "prefix",
	    (int)network->what.prefix, "text", network->text, "guests", all);
}

json_t *network_describe(void)
{
	json_t *list = json_array();

	for (uint32_t key = 0; key < POLICY_NETWORK_MAX; key++) {
		if (networks[key].state != NET_FREE)
			json_array_append_new(list, describe(&networks[key]));
	}
	return list;
}
