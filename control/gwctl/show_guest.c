/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guests, networks, flows and counters for people. Called through the table of
 * commands with results of gwd.
 */
#include "control/gwctl/gwctl.h"
#include "control/gwctl/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *text(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value ? value : "";
}

static json_int_t number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static bool flag(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

/* "a, b" of an array of strings. */
static const char *joined(const json_t *list, char *out, size_t size)
{
	size_t used = 0, i;
	const json_t *item;

	out[0] = '\0';
	json_array_foreach ((json_t *)list, i, item) {
		int part = snprintf(out + used, size - used, "%s%s",
		    i ? " " : "", json_string_value(item));

		if (part < 0 || (size_t)part >= size - used)
			break;
		used += part;
	}
	return out;
}

static const char *since(const json_t *guest, char out[AGE_SIZE])
{
	json_int_t at = number(guest, "since");

	return at ? age_text(time(NULL) - at, out) : "-";
}

void show_guests(const json_t *result)
{
	const json_t *list = json_object_get(result, "guests"), *guest;
	struct table *table;
	char networks[40], age[AGE_SIZE];
	size_t i;

	if (!json_array_size(list)) {
		printf(number(result, "generation")
			   ? "The policy in force names no guest.\n"
			   : "No policy is in force, so there is no guest.\n");
		return;
	}
	table = table_new("GUEST|STATE|FOR|ADDRESS|AGENT|LINK|NETWORKS");
	json_array_foreach ((json_t *)list, i, guest) {
		const json_t *dp = json_object_get(guest, "dataplane");

		table_add(table, "%s", text(guest, "guest"));
		table_add(table, "%s", text(guest, "state"));
		table_add(table, "%s", since(guest, age));
		table_add(table, "%s",
		    *text(guest, "address") ? text(guest, "address") : "-");
		table_add(table, "%s",
		    *text(guest, "agent") ? text(guest, "agent") : "-");
		table_add(table, "%s", flag(dp, "link_up") ? "up" : "down");
		table_add(table, "%s",
		    joined(json_object_get(guest, "networks"), networks,
			sizeof(networks)));
	}
	table_end(table);
	json_array_foreach ((json_t *)list, i, guest) {
		if (*text(guest, "text"))
			printf("\n%s: %s\n", text(guest, "guest"),
			    text(guest, "text"));
	}
}

void show_guest(const json_t *guest)
{
	const json_t *dp = json_object_get(guest, "dataplane");
	char networks[400], blocks[400], age[AGE_SIZE];

	printf("guest       %s\n", text(guest, "guest"));
	printf("state       %s", text(guest, "state"));
	if (number(guest, "since"))
		printf(" for %s", since(guest, age));
	printf("\n");
	if (*text(guest, "text"))
		printf("because     %s\n", text(guest, "text"));
	printf("image       %s", text(guest, "image"));
	if (number(guest, "image_version"))
		printf(" version %" JSON_INTEGER_FORMAT,
		    number(guest, "image_version"));
	printf("\nmemory      %" JSON_INTEGER_FORMAT " MiB\n",
	    number(guest, "memory_mib"));
	printf("networks    %s\n", joined(json_object_get(guest, "networks"),
				       networks, sizeof(networks)));
	printf("rules       %s\n",
	    joined(json_object_get(guest, "blocks"), blocks, sizeof(blocks)));
	if (!dp)
		return;
	printf("address     %s\n", text(guest, "address"));
	printf("mac         %s\n", text(guest, "mac"));
	printf("agent       %s, %" JSON_INTEGER_FORMAT " heartbeat%s\n",
	    text(guest, "agent"), number(guest, "heartbeats"),
	    plural(number(guest, "heartbeats")));
	if (!strcmp(text(dp, "state"), "none")) {
		printf("dataplane   none\n");
		return;
	}
	printf("dataplane   %s, pid %" JSON_INTEGER_FORMAT
	       ", generation %" JSON_INTEGER_FORMAT
	       ", started anew %" JSON_INTEGER_FORMAT " time%s\n",
	    text(dp, "state"), number(dp, "pid"), number(dp, "generation"),
	    number(dp, "restarts"), plural(number(dp, "restarts")));
	printf("link        %s, %" JSON_INTEGER_FORMAT " flow%s, %s%s\n",
	    flag(dp, "link_up") ? "up" : "down", number(dp, "flows"),
	    plural(number(dp, "flows")),
	    flag(dp, "hugepages") ? "hugepages" : "no hugepages",
	    flag(dp, "sleeping") ? ", asleep" : "");
}

void show_guest_done(const json_t *result)
{
	printf("%s is %s\n", text(result, "guest"), text(result, "state"));
}

static void add_network(struct table *table, const json_t *network)
{
	char guests[80];

	table_add(table, "%s", text(network, "name"));
	table_add(table, "%s", text(network, "state"));
	table_add(table, "%s (%s)", text(network, "interface"),
	    text(network, "uplink"));
	table_add(table, "%s", flag(network, "routed") ? "routed" : "NAT");
	table_add(table, "%s",
	    joined(json_object_get(network, "guests"), guests, sizeof(guests)));
}

void show_networks(const json_t *result)
{
	const json_t *list = json_object_get(result, "networks"), *network;
	struct table *table;
	size_t i;

	if (!json_array_size(list)) {
		printf("No policy is in force, so there is no network.\n");
		return;
	}
	table = table_new("NETWORK|STATE|UPLINK|MODE|GUESTS");
	json_array_foreach ((json_t *)list, i, network) {
		add_network(table, network);
	}
	table_end(table);
	json_array_foreach ((json_t *)list, i, network) {
		if (*text(network, "text"))
			printf("\n%s: %s\n", text(network, "name"),
			    text(network, "text"));
	}
}

void show_network(const json_t *network)
{
	char guests[800];

	printf("network     %s\n", text(network, "name"));
	printf("state       %s\n", text(network, "state"));
	if (*text(network, "text"))
		printf("because     %s\n", text(network, "text"));
	printf("uplink      interface %s, %s\n", text(network, "interface"),
	    !strcmp(text(network, "uplink"), "take") ? "taken from the host"
						     : "shared");
	if (*text(network, "address"))
		printf("address     %s/%" JSON_INTEGER_FORMAT "\n",
		    text(network, "address"), number(network, "prefix"));
	printf("mode        %s\n", flag(network, "routed") ? "routed" : "NAT");
	printf("namespace   gw-%s\n", text(network, "name"));
	printf("guests      %s\n",
	    joined(json_object_get(network, "guests"), guests, sizeof(guests)));
}

static const char *protocol(const json_t *flow, char out[8])
{
	json_int_t value = number(flow, "protocol");

	switch (value) {
	case 1:
		return "icmp";
	case 6:
		return "tcp";
	case 17:
		return "udp";
	default:
		snprintf(out, 8, "%d", (int)value);
		return out;
	}
}

void show_flows(const json_t *result)
{
	const json_t *list = json_object_get(result, "flows"), *flow;
	struct table *table;
	size_t i;

	if (!json_array_size(list)) {
		printf("No flow is open.\n");
		return;
	}
	table = table_new("GUEST|FLOW|RULE|PACKETS|BYTES|IDLE");
	json_array_foreach ((json_t *)list, i, flow) {
		const json_t *packets = json_object_get(flow, "packets");
		const json_t *bytes = json_object_get(flow, "bytes");
		char name[8];

		table_add(table, "%s", text(flow, "guest"));
		table_add(table,
		    "%s %s %" JSON_INTEGER_FORMAT
		    " %s %s:%" JSON_INTEGER_FORMAT,
		    text(flow, "direction"), protocol(flow, name),
		    number(flow, "port"),
		    !strcmp(text(flow, "direction"), "in") ? "<-" : "->",
		    text(flow, "remote"), number(flow, "remote_port"));
		table_add(table, "%s", text(flow, "rule"));
		table_add(table,
		    "%" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT,
		    json_integer_value(json_array_get(packets, 0)),
		    json_integer_value(json_array_get(packets, 1)));
		table_add(table,
		    "%" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT,
		    json_integer_value(json_array_get(bytes, 0)),
		    json_integer_value(json_array_get(bytes, 1)));
		table_add(table, "%.1f s", number(flow, "idle_ms") / 1000.0);
	}
	table_end(table);
	if (flag(result, "truncated"))
		printf("... and more: choose with --guest\n");
}

static void show_port(const char *guest, const char *name, json_t *port)
{
	json_t *count, *drops = json_object_get(port, "drops");
	const char *reason;

	printf("%s %s: received %" JSON_INTEGER_FORMAT
	       " packets, %" JSON_INTEGER_FORMAT
	       " bytes; sent %" JSON_INTEGER_FORMAT
	       " packets, %" JSON_INTEGER_FORMAT " bytes\n",
	    guest, name, number(port, "rx_packets"), number(port, "rx_bytes"),
	    number(port, "tx_packets"), number(port, "tx_bytes"));
	json_object_foreach (drops, reason, count) {
		printf("    dropped %-16s %12" JSON_INTEGER_FORMAT "\n", reason,
		    json_integer_value(count));
	}
}

void show_stats(const json_t *result)
{
	json_t *guests = json_object_get(result, "guests"), *ports, *port;
	const json_t *silent = json_object_get(result, "silent"), *item;
	const char *guest, *name;
	size_t i;

	if (!json_object_size(guests))
		printf("No dataplane is running.\n");
	json_object_foreach (guests, guest, ports) {
		json_object_foreach (ports, name, port) {
			show_port(guest, name, port);
		}
	}
	json_array_foreach ((json_t *)silent, i, item) {
		printf("%s: its dataplane did not answer\n",
		    json_string_value(item));
	}
}
