/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Questions to the dataplanes. Called by method_see.c (questions) and
 * dataplane.c (answers), in gwd's loop.
 *
 * Theory of operation. A query asks every live dataplane it is about, collects,
 * and answers its call when none is left to wait for. It waits QUERY_LIMIT_MS
 * at most; dataplanes that did not answer are named in `silent`. Answers carry
 * the query's token; those to nobody are dropped. QUERY_MAX at a time.
 */
#include "control/gwd/query.h"

#include "control/gwd/guest.h"
#include "control/gwd/gwd.h"
#include "rules/image/reason.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define QUERY_MAX      16u
#define QUERY_LIMIT_MS 2000L

enum kind { KIND_STATS, KIND_RULES, KIND_FLOWS };

struct query {
	uint32_t token; /* 0: free */
	enum kind kind;
	struct rpc_call *call;
	json_t *pending; /* {guest: true}: who has not answered */
	json_t *guests;	 /* stats: {guest: {port: counters}} */
	json_t *flows;
	struct event *limit;
	bool truncated;
	char guest[MSG_NAME_SIZE]; /* the one asked about, or empty */
	uint32_t first;
	uint64_t hits[QUERY_RULE_PAGE];
};

static struct query queries[QUERY_MAX];

static struct query *find(
    uint32_t token, enum kind kind, const struct guest *guest)
{
	struct query *query = &queries[token % QUERY_MAX];

	if (!token || query->token != token || query->kind != kind ||
	    !json_object_get(query->pending, guest->name))
		return NULL;
	return query;
}

static bool is_of_guest(
    const struct policy_image *image, uint32_t guest, uint32_t rule)
{
	struct policy_slice blocks = image->guest[guest].blocks;

	for (uint32_t i = 0; i < blocks.len; i++) {
		struct policy_slice rules =
		    image->block[image->guest_block[blocks.first + i]].rules;

		if (rule >= rules.first && rule < rules.first + rules.len)
			return true;
	}
	return false;
}

static json_t *describe_rule(
    const struct policy_image *image, uint32_t i, uint64_t hits)
{
	const struct policy_rule *rule = &image->rule[i];

	return json_pack("{s:i, s:s, s:s, s:s, s:i, s:s, s:I}", "index", (int)i,
	    "rule", policy_text(image, rule->name), "text",
	    policy_text(image, rule->text), "file",
	    policy_text(image, image->source[rule->place.source].path), "line",
	    (int)rule->place.line, "action",
	    rule->action == ACTION_ALLOW ? "allow" : "deny", "hits",
	    (json_int_t)hits);
}

static json_t *list_rules(const struct query *query)
{
	const struct policy_image *image = &generation_live()->image;
	uint32_t total = image->len[SECTION_RULE], guest = POLICY_NONE;
	uint32_t end = total - query->first > QUERY_RULE_PAGE
			   ? query->first + QUERY_RULE_PAGE
			   : total;
	json_t *list = json_array();

	if (query->guest[0])
		guest = policy_image_find_guest(image, query->guest);
	for (uint32_t i = query->first; i < end; i++) {
		if (guest == POLICY_NONE || is_of_guest(image, guest, i))
			json_array_append_new(
			    list, describe_rule(
				      image, i, query->hits[i - query->first]));
	}
	return json_pack("{s:o, s:i, s:i}", "rules", list, "next",
	    end < total ? (int)end : 0, "total", (int)total);
}

static json_t *describe(struct query *query)
{
	switch (query->kind) {
	case KIND_STATS:
		return json_pack("{s:O}", "guests", query->guests);
	case KIND_FLOWS:
		return json_pack("{s:O, s:b}", "flows", query->flows,
		    "truncated", (int)query->truncated);
	case KIND_RULES:
		/* Another generation meanwhile: its rules, no hits. */
		if (query->first >= generation_live()->image.len[SECTION_RULE])
			query->first = 0;
		return list_rules(query);
	}
	return NULL;
}

static void finish(struct query *query)
{
	struct rpc_call *call = query->call;
	json_t *result = describe(query), *silent = json_array();
	const char *name;
	json_t *value;

	json_object_foreach (query->pending, name, value) {
		json_array_append_new(silent, json_string(name));
	}
	json_object_set_new(result, "silent", silent);
	event_free(query->limit);
	json_decref(query->pending);
	json_decref(query->guests);
	json_decref(query->flows);
	memset(query, 0, sizeof(*query));
	rpc_reply(call, result);
}

static void answered(struct query *query, const struct guest *guest)
{
	json_object_del(query->pending, guest->name);
	if (!json_object_size(query->pending))
		finish(query);
}

static void limit_passed(evutil_socket_t fd, short what, void *arg)
{
	finish(arg);
}

static struct query *make(
    struct rpc_call *call, enum kind kind, const char *guest)
{
	static uint32_t serial;
	struct timeval limit = {.tv_usec = QUERY_LIMIT_MS % 1000 * 1000,
	    .tv_sec = QUERY_LIMIT_MS / 1000};
	struct query *query = NULL;
	size_t i;

	for (i = 0; i < QUERY_MAX && queries[i].token; i++)
		;
	if (i < QUERY_MAX) {
		query = &queries[i];
		query->limit = evtimer_new(gwd.base, limit_passed, query);
	}
	if (!query || !query->limit) {
		rpc_fail(call, GW_EXIT_FAILED,
		    "too many questions at once: ask again");
		return NULL;
	}
	while (!query->token) /* 0 means free: skipped when it wraps */
		query->token = ++serial * QUERY_MAX + (uint32_t)i;
	query->kind = kind;
	query->call = call;
	query->pending = json_object();
	query->guests = json_object();
	query->flows = json_array();
	if (guest)
		strncpy(query->guest, guest, sizeof(query->guest) - 1);
	event_add(query->limit, &limit);
	return query;
}

/* Ask all it is about; body begins with the token. */
static void ask(struct query *query, enum msg_type type, void *body)
{
	struct guest *guest;

	memcpy(body, &query->token, sizeof(query->token));
	GUEST_FOREACH(guest)
	{
		if (guest->dp.state != DATAPLANE_LIVE ||
		    (query->guest[0] && strcmp(query->guest, guest->name) != 0))
			continue;
		if (dataplane_ask(guest, type, body) == 0)
			json_object_set_new(
			    query->pending, guest->name, json_true());
	}
	if (!json_object_size(query->pending))
		finish(query);
}

void query_stats(struct rpc_call *call, const char *guest)
{
	struct msg_dp_get_stats body = {0};
	struct query *query = make(call, KIND_STATS, guest);

	if (query)
		ask(query, MSG_DP_GET_STATS, &body);
}

void query_flows(struct rpc_call *call, const char *guest)
{
	struct msg_dp_get_flows body = {0};
	struct query *query = make(call, KIND_FLOWS, guest);

	if (query)
		ask(query, MSG_DP_GET_FLOWS, &body);
}

void query_rules(struct rpc_call *call, const char *guest, uint32_t first)
{
	struct msg_dp_get_rules body = {.first = first};
	struct query *query = make(call, KIND_RULES, guest);

	if (!query)
		return;
	query->first = first;
	ask(query, MSG_DP_GET_RULES, &body);
}

void query_take_stats(struct guest *guest, const struct msg_dp_stats *stats)
{
	const struct msg_dp_port_stats *port = &stats->stats;
	struct query *query = find(stats->token, KIND_STATS, guest);
	json_t *ports, *drops;

	if (!query)
		return;
	ports = json_object_get(query->guests, guest->name);
	if (!ports) {
		ports = json_object();
		json_object_set_new(query->guests, guest->name, ports);
	}
	drops = json_object();
	for (unsigned int i = 1; i < REASON_MAX && i < MSG_REASON_MAX; i++) {
		if (port->drop[i])
			json_object_set_new(
			    drops, reason_name(i), json_integer(port->drop[i]));
	}
	json_object_set_new(ports, port->name,
	    json_pack("{s:I, s:I, s:I, s:I, s:o}", "rx_packets",
		(json_int_t)port->rx_packets, "rx_bytes",
		(json_int_t)port->rx_bytes, "tx_packets",
		(json_int_t)port->tx_packets, "tx_bytes",
		(json_int_t)port->tx_bytes, "drops", drops));
	if (stats->port + 1 >= stats->ports ||
	    json_object_size(ports) >= MSG_PORT_MAX)
		answered(query, guest);
}

void query_take_rules(struct guest *guest, const struct msg_dp_rules *rules)
{
	struct query *query = find(rules->token, KIND_RULES, guest);

	if (!query)
		return;
	for (uint32_t i = 0; rules->first == query->first && i < rules->len &&
			     i < QUERY_RULE_PAGE;
	     i++)
		query->hits[i] += rules->hits[i];
	answered(query, guest);
}

static json_t *describe_flow(
    const struct guest *guest, const struct msg_flow *flow)
{
	const struct generation *generation =
	    generation_by_serial(flow->generation);
	struct in_addr remote = {htonl(flow->remote_address)};
	struct in_addr own = {htonl(flow->guest_address)};
	char remote_text[INET_ADDRSTRLEN], own_text[INET_ADDRSTRLEN];
	const char *rule = "";

	inet_ntop(AF_INET, &remote, remote_text, sizeof(remote_text));
	inet_ntop(AF_INET, &own, own_text, sizeof(own_text));
	if (generation && flow->rule < generation->image.len[SECTION_RULE])
		rule = policy_text(&generation->image,
		    generation->image.rule[flow->rule].name);
	return json_pack("{s:s, s:s, s:s, s:i, s:s, s:i, s:i, s:s, s:I, "
			 "s:[I,I], s:[I,I], s:I, s:i}",
	    "guest", guest->name, "direction",
	    flow->direction == DIRECTION_IN ? "in" : "out", "address", own_text,
	    "port", flow->guest_port, "remote", remote_text, "remote_port",
	    flow->remote_port, "protocol", flow->protocol, "rule", rule,
	    "generation", (json_int_t)flow->generation, "packets",
	    (json_int_t)flow->packets[0], (json_int_t)flow->packets[1], "bytes",
	    (json_int_t)flow->bytes[0], (json_int_t)flow->bytes[1], "idle_ms",
	    (json_int_t)flow->idle_ms, "tcp_state", flow->tcp_state);
}

void query_take_flows(struct guest *guest, const struct msg_dp_flows *flows)
{
	struct query *query = find(flows->token, KIND_FLOWS, guest);
	struct msg_dp_get_flows again = {
	    .token = flows->token,
	    .cursor = flows->next,
	};

	if (!query)
		return;
	for (uint32_t i = 0; i < flows->len && i < MSG_FLOW_MAX; i++) {
		if (json_array_size(query->flows) == QUERY_FLOW_MAX) {
			query->truncated = true;
			break;
		}
		json_array_append_new(
		    query->flows, describe_flow(guest, &flows->flow[i]));
	}
	if (flows->next && !query->truncated &&
	    dataplane_ask(guest, MSG_DP_GET_FLOWS, &again) == 0)
		return;
	answered(query, guest);
}

void query_guest_gone(struct guest *guest)
{
	for (size_t i = 0; i < QUERY_MAX; i++) {
		if (queries[i].token &&
		    json_object_del(queries[i].pending, guest->name) == 0 &&
		    !json_object_size(queries[i].pending))
			finish(&queries[i]);
	}
}
