/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the offline mode tells: a line per flow with its verdict, rule and
 * file:line, a line per kind of frame that never became part of a flow, and
 * the totals. Main thread.
 *
 * Theory of operation. The pipeline's observer sees every packet enter every
 * node. A packet's fate is known where it enters drop or reject (denied), a
 * service, or port_tx (carried). Fates are gathered in an open hash table that
 * grows; keys are the initiator's 5-tuple and the reason.
 */
#include "dataplane/packet/offline_priv.h"

#include <stdlib.h>
#include <string.h>

#include "dataplane/packet/packet.h"

struct line {
	uint32_t guest, remote; /* host order, 0 in lines without a flow */
	uint16_t guest_port, remote_port;
	uint8_t protocol;
	uint8_t direction; /* of the flow's first packet seen */
	uint8_t reason;
	uint8_t node; /* NODE_ARP...: answered by a service */
	uint8_t port; /* came from */
	uint8_t used;
	uint32_t rule;
	uint16_t network;
	uint64_t packets, bytes;
	uint64_t order;
};

static struct {
	const struct policy_image *image;
	struct line *line;
	size_t mask;
	size_t len;
	bool lost; /* memory ran out: the list is not whole */
} report;

void report_begin(const struct policy_image *image)
{
	report_end();
	report.image = image;
	report.mask = 1023;
	report.line = calloc(report.mask + 1, sizeof(*report.line));
	report.lost = !report.line;
}

void report_end(void)
{
	free(report.line);
	memset(&report, 0, sizeof(report));
}

static bool same(const struct line *a, const struct line *b)
{
	return a->remote == b->remote && a->guest_port == b->guest_port &&
	       a->remote_port == b->remote_port && a->protocol == b->protocol &&
	       a->reason == b->reason && a->node == b->node &&
	       a->port == b->port;
}

static struct line *find(
    struct line *table, size_t mask, const struct line *key)
{
	uint64_t hash =
	    packet_key(key->remote, key->guest_port, key->remote_port);
	size_t i;

	hash = (hash ^ ((uint64_t)key->reason << 56) ^ key->protocol ^
		   ((uint32_t)key->port << 16) ^ ((uint32_t)key->node << 8)) *
	       0x9e3779b97f4a7c15ull;
	for (i = hash >> 32 & mask; table[i].used; i = (i + 1) & mask)
		if (same(&table[i], key))
			break;
	return &table[i];
}

static void grow(void)
{
	size_t mask = report.mask * 2 + 1;
	struct line *table = calloc(mask + 1, sizeof(*table));

	if (!table) {
		report.lost = true;
		return;
	}
	for (size_t i = 0; i <= report.mask; i++)
		if (report.line[i].used)
			*find(table, mask, &report.line[i]) = report.line[i];
	free(report.line);
	report.line = table;
	report.mask = mask;
}

static void add(const struct line *key, uint64_t bytes)
{
	struct line *line;

	if (report.lost)
		return;
	if (report.len * 2 > report.mask)
		grow();
	line = find(report.line, report.mask, key);
	if (!line->used) {
		*line = *key;
		line->used = 1;
		line->order = report.len++;
	}
	if (line->rule == POLICY_NONE)
		line->rule = key->rule;
	line->packets++;
	line->bytes += bytes;
}

/* service: the node that answered, or NODE_NONE. */
static void note(enum pipeline_node service, struct rte_mbuf *mbuf)
{
	const struct packet_meta *meta = packet_meta(mbuf);
	struct line key = {.rule = POLICY_NONE,
	    .network = POLICY_ANY_NETWORK,
	    .reason = meta->reason,
	    .node = (uint8_t)service,
	    .direction =
		mbuf->port == PORT_GUEST ? DIRECTION_OUT : DIRECTION_IN};

	if (!service && (meta->reason == REASON_OK ||
			    reason_stage(meta->reason) >= STAGE_NETWORK)) {
		key.guest = worker.guest_address;
		key.remote = packet_remote(meta);
		key.guest_port = packet_guest_port(meta);
		key.remote_port = packet_remote_port(meta);
		key.protocol = meta->protocol;
		key.rule = meta->rule;
		key.network = meta->network;
	} else {
		key.port = mbuf->port != PORT_GUEST;
	}
	add(&key, mbuf->pkt_len);
}

static void note_sent(unsigned int before, struct rte_mbuf *mbuf)
{
	switch (before) {
	case NODE_FORWARD:
		note(NODE_NONE, mbuf);
		break;
	case NODE_ARP:
	case NODE_DHCP:
	case NODE_ECHO:
		note(before, mbuf);
		break;
	}
}

void report_observe(enum pipeline_node node, uint8_t port,
    struct rte_mbuf **mbufs, uint16_t len)
{
	for (uint16_t i = 0; i < len; i++) {
		unsigned int before = packet_trace(mbufs[i])->path >> 4 & 15;

		if (node == NODE_PORT_TX)
			note_sent(before, mbufs[i]);
		else if (node == NODE_REJECT)
			note(NODE_NONE, mbufs[i]);
		else if (node == NODE_DROP && before != NODE_REJECT)
			note(NODE_NONE, mbufs[i]);
	}
}

/* ---- printing ---- */

static const char *protocol_name(uint8_t protocol, char text[8])
{
	switch (protocol) {
	case PROTOCOL_TCP:
		return "tcp";
	case PROTOCOL_UDP:
		return "udp";
	case PROTOCOL_ICMP:
		return "icmp";
	}
	snprintf(text, 8, "ip-%u", protocol);
	return text;
}

static const char *address_name(uint32_t address, char text[16])
{
	snprintf(text, 16, "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
	    address >> 8 & 255, address & 255);
	return text;
}

/* "profile.rule (file:line)", or nothing. */
static void name_rule(char *text, size_t size, uint32_t index)
{
	const struct policy_rule *rule;

	text[0] = '\0';
	if (index == POLICY_NONE)
		return;
	rule = &report.image->rule[index];
	snprintf(text, size, "%s (%s:%u)",
	    policy_text(report.image, rule->name),
	    policy_text(
		report.image, report.image->source[rule->place.source].path),
	    rule->place.line);
}

static void print_flow(FILE *file, const struct line *line)
{
	char from[16], to[16], protocol[8], rule[256];
	bool out = line->direction == DIRECTION_OUT;

	name_rule(rule, sizeof(rule), line->rule);
	fprintf(file, "%s %s ", line->reason == REASON_OK ? "allow" : "deny",
	    protocol_name(line->protocol, protocol));
	address_name(out ? line->guest : line->remote, from);
	address_name(out ? line->remote : line->guest, to);
	if (line->protocol == PROTOCOL_TCP || line->protocol == PROTOCOL_UDP)
		fprintf(file, "%s:%u > %s:%u", from,
		    out ? line->guest_port : line->remote_port, to,
		    out ? line->remote_port : line->guest_port);
	else
		fprintf(file, "%s > %s", from, to);
	if (line->network != POLICY_ANY_NETWORK)
		fprintf(file, " on %s",
		    policy_text(report.image,
			report.image->network[line->network].name));
	if (line->reason != REASON_OK)
		fprintf(file, " reason=%s stage=%s", reason_name(line->reason),
		    stage_name(reason_stage(line->reason)));
	if (rule[0])
		fprintf(file, " rule=%s", rule);
	fprintf(file, " packets=%lu bytes=%lu\n", line->packets, line->bytes);
}

static void print_group(FILE *file, const struct line *line)
{
	const char *side = line->direction == DIRECTION_OUT ? "guest" : "far";

	if (line->node)
		fprintf(file, "service %s packets=%lu\n",
		    pipeline_node_name(line->node), line->packets);
	else
		fprintf(file, "deny reason=%s stage=%s from=%s packets=%lu\n",
		    reason_name(line->reason),
		    stage_name(reason_stage(line->reason)), side,
		    line->packets);
}

/* A JSON string of what may be any bytes. */
static void print_string(FILE *file, const char *text)
{
	fputc('"', file);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(file, "\\%c", c);
		else if (c < 0x20)
			fprintf(file, "\\u%04x", c);
		else
			fputc(c, file);
	}
	fputc('"', file);
}

static void print_json_rule(FILE *file, uint32_t index)
{
	const struct policy_rule *rule = &report.image->rule[index];

	fprintf(file, ", \"rule\": ");
	print_string(file, policy_text(report.image, rule->name));
	fprintf(file, ", \"file\": ");
	print_string(file, policy_text(report.image,
			       report.image->source[rule->place.source].path));
	fprintf(file, ", \"line\": %u", rule->place.line);
}

static void print_json_line(FILE *file, const struct line *line)
{
	char from[16], to[16], protocol[8];
	bool out = line->direction == DIRECTION_OUT;

	fprintf(file, "{\"verdict\": \"%s\", \"from\": \"%s\"",
	    line->node			? "service"
	    : line->reason == REASON_OK ? "allow"
					: "deny",
	    out ? "guest" : "far");
	if (line->node)
		fprintf(file, ", \"service\": \"%s\"",
		    pipeline_node_name(line->node));
	if (line->reason != REASON_OK)
		fprintf(file, ", \"reason\": \"%s\", \"stage\": \"%s\"",
		    reason_name(line->reason),
		    stage_name(reason_stage(line->reason)));
	if (line->guest)
		fprintf(file,
		    ", \"protocol\": \"%s\", \"source\": \"%s\", "
		    "\"source_port\": %u, \"destination\": \"%s\", "
		    "\"destination_port\": %u",
		    protocol_name(line->protocol, protocol),
		    address_name(out ? line->guest : line->remote, from),
		    out ? line->guest_port : line->remote_port,
		    address_name(out ? line->remote : line->guest, to),
		    out ? line->remote_port : line->guest_port);
	if (line->network != POLICY_ANY_NETWORK) {
		fprintf(file, ", \"network\": ");
		print_string(
		    file, policy_text(report.image,
			      report.image->network[line->network].name));
	}
	if (line->rule != POLICY_NONE)
		print_json_rule(file, line->rule);
	fprintf(file, ", \"packets\": %lu, \"bytes\": %lu}", line->packets,
	    line->bytes);
}

struct totals {
	uint64_t in, out, drops;
};

static struct totals count(void)
{
	struct totals totals = {.in = worker.frames};

	for (int i = 0; i < PORT_MAX; i++) {
		totals.out += worker.port[i].counters.tx_packets;
		for (int j = 0; j < REASON_MAX; j++)
			totals.drops += worker.drops[i][j];
	}
	return totals;
}

static int by_order(const void *a, const void *b)
{
	uint64_t x = (*(const struct line *const *)a)->order;
	uint64_t y = (*(const struct line *const *)b)->order;

	return x < y ? -1 : x > y;
}

/* Lines in the order in which they first appeared; free() the list. */
static const struct line **sort_lines(void)
{
	const struct line **list = calloc(report.len + 1, sizeof(*list));
	size_t len = 0;

	for (size_t i = 0; list && report.line && i <= report.mask; i++)
		if (report.line[i].used)
			list[len++] = &report.line[i];
	if (list)
		qsort(list, len, sizeof(*list), by_order);
	else
		report.lost = true;
	return list;
}

static void print_text(
    FILE *file, const char *name, uint64_t skipped, const struct line **list)
{
	struct totals totals = count();

	for (size_t i = 0; list && list[i]; i++) {
		if (list[i]->guest)
			print_flow(file, list[i]);
		else
			print_group(file, list[i]);
	}
	fprintf(file,
	    "total %s: in=%lu out=%lu drops=%lu answers=%lu balance=%ld "
	    "skipped=%lu%s\n",
	    name, totals.in, totals.out, totals.drops, worker.rejects,
	    worker_balance(&worker), skipped,
	    report.lost ? " (lines missing: no memory)" : "");
}

static void print_json(
    FILE *file, const char *name, uint64_t skipped, const struct line **list)
{
	struct totals totals = count();

	fprintf(file, "{\"schema\": 1, \"capture\": ");
	print_string(file, name);
	fprintf(file, ", \"lines\": [");
	for (size_t i = 0; list && list[i]; i++) {
		if (i > 0)
			fprintf(file, ", ");
		print_json_line(file, list[i]);
	}
	fprintf(file,
	    "], \"in\": %lu, \"out\": %lu, \"drops\": %lu, \"answers\": %lu, "
	    "\"balance\": %ld, \"skipped\": %lu}\n",
	    totals.in, totals.out, totals.drops, worker.rejects,
	    worker_balance(&worker), skipped);
}

void report_print(FILE *file, const char *name, uint64_t skipped, bool json)
{
	const struct line **list = sort_lines();

	if (json)
		print_json(file, name, skipped, list);
	else
		print_text(file, name, skipped, list);
	free(list);
}
