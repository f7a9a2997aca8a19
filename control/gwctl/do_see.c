/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands that look and need more than one question: why, events, rule list,
 * network show. Called through the table of commands.
 */
#include "control/gwctl/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int why_run(const struct invocation *invocation)
{
	const char *what = invocation->arg_len ? invocation->args[0] : NULL;
	json_t *params = json_object(), *result;
	int code;

	if (what && strspn(what, "0123456789") == strlen(what) && *what)
		json_object_set_new(
		    params, "event", json_integer(strtoll(what, NULL, 10)));
	else if (what)
		json_object_set_new(params, "guest", json_string(what));
	result =
	    client_ask(invocation, "why", params, -1, CLIENT_SHORT_MS, &code);
	if (!result)
		return code;
	if (invocation->json)
		print_json(result);
	else
		show_why(result);
	json_decref(result);
	return GW_EXIT_DONE;
}

/* One event as it comes: a line of text, or of JSON. */
static void print_event(const struct invocation *invocation, json_t *event)
{
	const char *guest = invocation_flag(invocation, "--guest");
	const char *name = json_string_value(json_object_get(event, "guest"));

	if (!event || (guest && name && strcmp(guest, name) != 0))
		return;
	if (invocation->json) {
		json_object_set_new(event, "schema", json_integer(1));
		json_dumpf(event, stdout, JSON_COMPACT);
		printf("\n");
	} else {
		show_event(event);
	}
	fflush(stdout);
}

static int follow(const struct invocation *invocation, struct client *client)
{
	json_t *message, *result, *event;
	int code = GW_EXIT_NO_GWD;
	size_t i;

	message = client_receive(client, CLIENT_SHORT_MS);
	result = message ? client_result(message, &code) : NULL;
	if (!result)
		return code;
	json_array_foreach (json_object_get(result, "events"), i, event) {
		print_event(invocation, event);
	}
	json_decref(message);
	while (!ferror(stdout)) {
		message = client_receive(client, CLIENT_FOREVER_MS);
		if (!message)
			return GW_EXIT_NO_GWD;
		print_event(invocation, json_object_get(message, "params"));
		json_decref(message);
	}
	return GW_EXIT_FAILED;
}

int events_run(const struct invocation *invocation)
{
	json_t *params = invocation_params(invocation), *result;
	struct client *client;
	int code;

	if (!params)
		return GW_EXIT_USAGE;
	if (invocation_flag(invocation, "--follow")) {
		client = client_open(invocation, &code);
		if (!client)
			return code;
		code = client_send(client, "events", params, -1);
		if (!code)
			code = follow(invocation, client);
		client_close(client);
		return code;
	}
	result = client_ask(
	    invocation, "events", params, -1, CLIENT_SHORT_MS, &code);
	if (!result)
		return code;
	if (invocation->json)
		print_json(result);
	else
		show_events(result);
	json_decref(result);
	return GW_EXIT_DONE;
}

int rule_list_run(const struct invocation *invocation)
{
	json_t *all = json_array(), *page, *result;
	json_int_t first = 0;
	int code;

	do {
		json_t *params = invocation_params(invocation);

		json_object_set_new(params, "first", json_integer(first));
		page = client_ask(invocation, "rule.list", params, -1,
		    CLIENT_SHORT_MS, &code);
		if (!page) {
			json_decref(all);
			return code;
		}
		json_array_extend(all, json_object_get(page, "rules"));
		first = json_integer_value(json_object_get(page, "next"));
		json_decref(page);
	} while (first);
	result = json_pack("{s:o}", "rules", all);
	if (invocation->json)
		print_json(result);
	else
		show_rules(result);
	json_decref(result);
	return GW_EXIT_DONE;
}

int network_show_run(const struct invocation *invocation)
{
	const char *wanted = invocation->args[0], *near;
	const char *names[32];
	json_t *result, *network;
	size_t i, len = 0;
	int code;

	result = client_ask(invocation, "network.list", json_object(), -1,
	    CLIENT_SHORT_MS, &code);
	if (!result)
		return code;
	json_array_foreach (json_object_get(result, "networks"), i, network) {
		const char *name =
		    json_string_value(json_object_get(network, "name"));

		if (len < 32)
			names[len++] = name;
		if (strcmp(name, wanted) != 0)
			continue;
		if (invocation->json)
			print_json(network);
		else
			show_network(network);
		json_decref(result);
		return GW_EXIT_DONE;
	}
	near = nearest(wanted, names, len);
	code = complain(GW_EXIT_FAILED,
	    "no network in force is named \"%.60s\"%s%s%s", wanted,
	    near ? ": did you mean `" : ": see `gwctl network list`",
	    near ? near : "", near ? "`?" : "");
	json_decref(result);
	return code;
}
