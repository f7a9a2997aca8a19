/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ring of events. Called by dataplane.c with each DP_EVENT, by
 * method_see.c with questions, in gwd's loop.
 *
 * Theory of operation. EVENT_MAX records; the oldest is overwritten. Rule, file
 * and line are looked up at once, while gwd still has the image of the
 * generation that decided; a record is plain text afterwards and outlives it.
 * Every number of the message is checked before it is used as an index: the
 * dataplane parses hostile bytes. Dataplanes limit their own rate and say how
 * many they held back.
 */
#include "control/gwd/events.h"

#include "control/gwd/generation.h"
#include "control/gwd/guest.h"
#include "control/gwd/rpc.h"
#include "rules/image/address.h"
#include "rules/image/country.h"
#include "rules/image/reason.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define EVENT_MAX 1000

struct record {
	uint64_t id; /* 0: empty */
	char guest[MSG_NAME_SIZE];
	struct msg_dp_event event;
	char network[MSG_NAME_SIZE];
	char rule[2 * MSG_NAME_SIZE];
	char text[200];	 /* of the rule */
	char place[200]; /* file:line */
};

static struct record ring[EVENT_MAX];
static uint64_t seen, suppressed;

uint64_t events_seen(void)
{
	return seen;
}

uint64_t events_suppressed(void)
{
	return suppressed;
}

static void look_up(struct record *record)
{
	const struct msg_dp_event *event = &record->event;
	const struct generation *generation =
	    generation_by_serial(event->generation);
	const struct policy_image *image;
	const struct policy_rule *rule;

	if (!generation)
		return;
	image = &generation->image;
	if (event->network < image->len[SECTION_NETWORK])
		snprintf(record->network, sizeof(record->network), "%s",
		    policy_text(image, image->network[event->network].name));
	if (event->rule >= image->len[SECTION_RULE])
		return;
	rule = &image->rule[event->rule];
	snprintf(record->rule, sizeof(record->rule), "%s",
	    policy_text(image, rule->name));
	snprintf(record->text, sizeof(record->text), "%s",
	    policy_text(image, rule->text));
	snprintf(record->place, sizeof(record->place), "%s:%u",
	    policy_text(image, image->source[rule->place.source].path),
	    rule->place.line);
}

static void address_text(uint32_t address, char text[INET_ADDRSTRLEN])
{
	struct in_addr in = {htonl(address)};

	inet_ntop(AF_INET, &in, text, INET_ADDRSTRLEN);
}

static const char *protocol_text(uint8_t protocol, char text[8])
{
	switch (protocol) {
	case PROTOCOL_ICMP:
		return "icmp";
	case PROTOCOL_TCP:
		return "tcp";
	case PROTOCOL_UDP:
		return "udp";
	default:
		snprintf(text, 8, "ip-%u", protocol);
		return text;
	}
}

static json_t *describe(const struct record *record)
{
	const struct msg_dp_event *event = &record->event;
	char source[INET_ADDRSTRLEN], destination[INET_ADDRSTRLEN];
	char country[8] = "", protocol[8];
	json_t *all;

	address_text(event->source_address, source);
	address_text(event->destination_address, destination);
	if (event->country < COUNTRY_MAX)
		country_name(event->country, country);
	all = json_pack("{s:I, s:f, s:s, s:s, s:s, s:s, s:s}", "id",
	    (json_int_t)record->id, "time", event->time_ns / 1e9, "guest",
	    record->guest, "verdict", event->reason ? "deny" : "allow", "stage",
	    event->reason ? stage_name(reason_stage(event->reason)) : "rules",
	    "reason", event->reason ? reason_name(event->reason) : "log",
	    "reason_text",
	    event->reason ? reason_text(event->reason)
			  : "a rule with `log` matched");
	json_object_update_new(all,
	    json_pack("{s:s, s:s, s:i, s:s, s:i, s:i, s:s, s:s, s:s}",
		"protocol", protocol_text(event->protocol, protocol), "source",
		source, "source_port", event->source_port, "destination",
		destination, "destination_port", event->destination_port,
		"icmp_type", event->icmp_type, "direction",
		event->direction == DIRECTION_IN ? "in" : "out", "country",
		country, "network", record->network));
	json_object_update_new(
	    all, json_pack("{s:s, s:s, s:s, s:I, s:i}", "rule", record->rule,
		     "rule_text", record->text, "place", record->place,
		     "generation", (json_int_t)event->generation, "suppressed",
		     (int)event->suppressed));
	return all;
}

void events_add(const struct guest *guest, const struct msg_dp_event *event)
{
	struct record *record = &ring[seen++ % EVENT_MAX];

	memset(record, 0, sizeof(*record));
	record->id = seen;
	record->event = *event;
	suppressed += event->suppressed;
	snprintf(record->guest, sizeof(record->guest), "%s", guest->name);
	look_up(record);
	rpc_publish("event", describe(record));
}

/* The record `back` steps before the last, or NULL. */
static const struct record *step_back(size_t back)
{
	if (back >= EVENT_MAX || back >= seen)
		return NULL;
	return &ring[(seen - 1 - back) % EVENT_MAX];
}

json_t *events_list(size_t limit, const char *guest)
{
	json_t *list = json_array();
	const struct record *record;

	for (size_t back = 0; (record = step_back(back)); back++) {
		if (json_array_size(list) >= limit)
			break;
		if (!guest || !strcmp(record->guest, guest))
			json_array_insert_new(list, 0, describe(record));
	}
	return list;
}

/* A rule that would admit it. */
static void suggest(const struct record *record, char *text, size_t size)
{
	const struct msg_dp_event *event = &record->event;
	bool in = event->direction == DIRECTION_IN;
	char address[INET_ADDRSTRLEN], protocol[8], what[32];

	address_text(
	    in ? event->source_address : event->destination_address, address);
	if (event->protocol == PROTOCOL_ICMP)
		snprintf(what, sizeof(what), "icmp");
	else
		snprintf(what, sizeof(what), "%s port %u",
		    protocol_text(event->protocol, protocol),
		    event->destination_port);
	snprintf(text, size, "allow %s%s %s %s%s%s;", in ? "in " : "", what,
	    in ? "from" : "to", address, record->network[0] ? " on " : "",
	    record->network);
}

static bool is_own(uint32_t address)
{
	return address >= ADDRESS_CLAIM_FIRST && address <= ADDRESS_CLAIM_LAST;
}

static void explain_cure(const struct record *record, char *text, size_t size)
{
	char rule[160];

	suggest(record, rule, sizeof(rule));
	switch (record->event.reason) {
	case REASON_OK:
		snprintf(text, size, "it was allowed");
		break;
	case REASON_NO_RULE:
		snprintf(text, size,
		    "a rule in a profile of %s: `rule NAME "
		    "%s`",
		    record->guest, rule);
		break;
	case REASON_RULE:
		if (!strncmp(record->rule, "always.", 7))
			snprintf(text, size,
			    "nothing below `always`: only a "
			    "change of %s itself",
			    record->rule);
		else
			snprintf(text, size, "a rule above %s: `rule NAME %s`",
			    record->rule, rule);
		break;
	case REASON_NO_NETWORK:
		if (is_own(record->event.destination_address)) {
			snprintf(text, size,
			    "nothing: the gateway's own "
			    "addresses, and so other guests, belong to no "
			    "network");
			break;
		}
		snprintf(text, size,
		    "a network of %s whose `reach` holds the "
		    "destination, and a rule",
		    record->guest);
		break;
	case REASON_NETWORK_CLOSED:
		snprintf(text, size,
		    "network %s being up: see `gwctl network "
		    "list`",
		    record->network);
		break;
	case REASON_NO_FLOW:
		snprintf(text, size,
		    "a new connection: this packet belongs "
		    "to none that is known");
		break;
	case REASON_NO_GENERATION:
		snprintf(text, size, "a policy: `gwctl policy load FILE`");
		break;
	default:
		snprintf(text, size,
		    "no rule can: stage %s comes before all "
		    "rules or limits them",
		    stage_name(reason_stage(record->event.reason)));
	}
}

/* What every guest's system says by itself, and nobody asks `why` about. */
static bool is_chatter(const struct record *record)
{
	return record->event.reason == REASON_IPV6 ||
	       record->event.reason == REASON_MULTICAST;
}

/* The last denial, of one guest if not NULL; chatter when there is no other. */
static const struct record *last_denial(const char *guest)
{
	const struct record *record, *chatter = NULL;

	for (size_t back = 0; (record = step_back(back)); back++) {
		if (!record->event.reason ||
		    (guest && strcmp(record->guest, guest) != 0))
			continue;
		if (!is_chatter(record))
			return record;
		if (!chatter)
			chatter = record;
	}
	return chatter;
}

static const struct record *find(uint64_t id)
{
	const struct record *record;

	for (size_t back = 0; (record = step_back(back)); back++) {
		if (record->id == id)
			return record;
	}
	return NULL;
}

json_t *events_why(uint64_t id, const char *guest)
{
	const struct record *record = id ? find(id) : last_denial(guest);
	char cure[300];
	json_t *why;

	if (!record)
		return NULL;
	why = describe(record);
	explain_cure(record, cure, sizeof(cure));
	json_object_set_new(why, "would_allow", json_string(cure));
	return why;
}
