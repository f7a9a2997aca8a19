/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What people ask of a running dataplane: counters, rule hits, flows, events.
 * Control thread of gw-dataplane. The worker goes on meanwhile, so a counter
 * may be a packet behind another; nothing is locked.
 */
#include "dataplane/packet/control_priv.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "dataplane/packet/event.h"
#include "dataplane/packet/flow.h"

#define EVENTS_AT_ONCE 64

static_assert((int)REASON_MAX <= MSG_REASON_MAX, "a counter for each reason");
static_assert(PORT_MAX <= MSG_PORT_MAX, "a message for each port");
static_assert(PORT_NAME_SIZE == MSG_NAME_SIZE, "names of ports");

static uint32_t count_ports(void)
{
	uint32_t len = 0;

	for (int i = 0; i < PORT_MAX; i++)
		len += worker.port[i].present;
	return len;
}

static void fill_port(struct msg_dp_port_stats *stats, const struct port *port)
{
	memcpy(stats->name, port->name, sizeof(stats->name));
	stats->rx_packets = port->counters.rx_packets;
	stats->rx_bytes = port->counters.rx_bytes;
	stats->tx_packets = port->counters.tx_packets;
	stats->tx_bytes = port->counters.tx_bytes;
	for (int i = 0; i < REASON_MAX; i++)
		stats->drop[i] = worker.drops[port->index][i];
}

int control_send_stats(struct control *c, const struct msg_dp_get_stats *ask)
{
	struct msg_dp_stats body = {
	    .token = ask->token, .ports = count_ports()};
	int error = 0;

	for (int i = 0; i < PORT_MAX && !error; i++) {
		if (!worker.port[i].present)
			continue;
		fill_port(&body.stats, &worker.port[i]);
		error = control_send(c, MSG_DP_STATS, &body);
		body.port++;
	}
	return error;
}

int control_send_rules(struct control *c, const struct msg_dp_get_rules *ask)
{
	const struct tables *live = atomic_load(&worker.live);
	struct msg_dp_rules body = {.token = ask->token, .first = ask->first};

	if (live)
		body.total = live->image.len[SECTION_RULE];
	while (body.len < MSG_COUNT_MAX && ask->first < body.total &&
	       body.len < body.total - ask->first) {
		body.hits[body.len] = tables_hits(live, ask->first + body.len);
		body.len++;
	}
	return control_send(c, MSG_DP_RULES, &body);
}

int control_send_flows(struct control *c, const struct msg_dp_get_flows *ask)
{
	struct msg_dp_flows body = {.token = ask->token};

	body.len = flow_list(worker.flows, ask->cursor, worker.guest_address,
	    control_now_ns(), body.flow, MSG_FLOW_MAX, &body.next);
	return control_send(c, MSG_DP_FLOWS, &body);
}

int control_send_events(struct control *c)
{
	for (int i = 0; i < EVENTS_AT_ONCE; i++) {
		int error;

		if (!c->event_held && !event_get(worker.events, &c->event))
			return 0;
		error = msg_send(c->channel, MSG_DP_EVENT, &c->event, NULL, 0);
		c->event_held = error == -EAGAIN;
		if (error)
			return c->event_held ? 0 : error;
	}
	return 0;
}
