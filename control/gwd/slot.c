/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slots of guests, kept in slots.json so that a guest keeps its address, its
 * uids and its process over restarts of gwd. Called by guest.c and init_link.c
 * in gwd's loop.
 *
 * Theory of operation. A guest gets a slot at its first start and keeps it.
 * When all ADDRESS_SLOT_MAX - 1 are used (the last one is the host's) the slot
 * of a stopped guest that the live policy does not name is given to another.
 */
#include "control/gwd/slot.h"

#include "control/gwd/gwd.h"
#include "control/gwd/init_link.h"
#include "control/gwd/store.h"
#include "control/msg/log.h"
#include "rules/image/address.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOTS	 "slots.json"
#define SLOT_MAX (ADDRESS_SLOT_MAX - 1) /* MSG_HOST_SLOT is not a guest's */

_Static_assert(SLOT_MAX <= MSG_HOST_SLOT, "slots");

struct guest_list guests = SLIST_HEAD_INITIALIZER(guests);
static struct guest *by_slot[SLOT_MAX];

struct guest *guest_find(const char *name)
{
	struct guest *guest;

	GUEST_FOREACH(guest)
	{
		if (!strcmp(guest->name, name))
			return guest;
	}
	return NULL;
}

struct guest *slot_guest(uint32_t slot)
{
	return slot < SLOT_MAX ? by_slot[slot] : NULL;
}

static struct guest *create(const char *name, uint32_t slot)
{
	struct guest *guest = calloc(1, sizeof(*guest));

	if (!guest)
		return NULL;
	guest->deadline = evtimer_new(gwd.base, guest_deadline, guest);
	if (!guest->deadline) {
		free(guest);
		return NULL;
	}
	snprintf(guest->name, sizeof(guest->name), "%s", name);
	guest->slot = slot;
	guest->since_s = gwd_time_s();
	guest->dp.fd = -1;
	guest->runner.fd = -1;
	for (size_t i = 0; i < RUNNER_PREPARED_FDS; i++)
		guest->runner.fds[i] = -1;
	for (uint32_t key = 0; key < POLICY_NETWORK_MAX; key++) {
		guest->tap[key].guest = guest;
		guest->tap[key].key = key;
		guest->tap[key].fd = -1;
	}
	by_slot[slot] = guest;
	SLIST_INSERT_HEAD(&guests, guest, link);
	return guest;
}

static struct guest *reuse(const char *name)
{
	const struct generation *live = generation_live();
	struct guest *guest;

	GUEST_FOREACH(guest)
	{
		if (guest->phase != PHASE_STOPPED || !live ||
		    policy_image_find_guest(&live->image, guest->name) !=
			POLICY_NONE)
			continue;
		snprintf(guest->name, sizeof(guest->name), "%s", name);
		return guest;
	}
	return NULL;
}

struct guest *slot_make(const char *name)
{
	if (!*name || strlen(name) >= MSG_NAME_SIZE)
		return NULL;
	for (uint32_t slot = 0; slot < SLOT_MAX; slot++) {
		if (!by_slot[slot])
			return create(name, slot);
	}
	return reuse(name);
}

static json_t *describe(const struct guest *guest)
{
	char mac[18];

	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x",
	    guest->mac[0], guest->mac[1], guest->mac[2], guest->mac[3],
	    guest->mac[4], guest->mac[5]);
	return json_pack("{s:i, s:s, s:s}", "slot", (int)guest->slot, "mac",
	    mac, "image", guest->image);
}

void slot_keep(void)
{
	json_t *all = json_object();
	struct guest *guest;

	GUEST_FOREACH(guest)
	json_object_set_new(all, guest->name, describe(guest));
	store_write(SLOTS, json_pack("{s:i, s:o}", "schema", 1, "guests", all),
	    NULL, NULL);
}

static void take_entry(const char *name, json_t *entry)
{
	const char *mac = "", *image = "";
	struct guest *guest;
	int slot = -1;

	json_unpack(entry, "{s:i, s:s, s:s}", "slot", &slot, "mac", &mac,
	    "image", &image);
	if (slot < 0 || slot >= (int)SLOT_MAX || by_slot[slot] || !*name ||
	    strlen(name) >= MSG_NAME_SIZE)
		return;
	guest = create(name, slot);
	if (!guest)
		return;
	sscanf(mac, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", &guest->mac[0],
	    &guest->mac[1], &guest->mac[2], &guest->mac[3], &guest->mac[4],
	    &guest->mac[5]);
	snprintf(guest->image, sizeof(guest->image), "%s", image);
}

void slot_open(void)
{
	json_t *kept = store_read(SLOTS);
	const char *name;
	json_t *entry;

	json_object_foreach (json_object_get(kept, "guests"), name, entry) {
		take_entry(name, entry);
	}
	json_decref(kept);
}

void guest_adopt(uint32_t role, uint32_t slot, int fd)
{
	struct guest *guest = slot_guest(slot);

	if (guest && role == ROLE_RUNNER) {
		runner_adopt(guest, fd);
		return;
	}
	if (fd >= 0)
		close(fd);
	if (guest && role == ROLE_QEMU)
		guest->runner.qemu = PART_ALIVE;
	else
		init_link_kill(role, slot); /* nobody knows it */
}
