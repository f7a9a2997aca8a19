/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs one case of tests/packets: frames in hexadecimal on stdin go through
 * the real graph, what became of each is told on stdout. Started by
 * tests/packets/run, which makes and judges the frames with scapy. One command
 * a line:
 *
 *	policy IMAGE COUNTRY|- GENERATION	build tables and swap them in
 *	unload					no generation
 *	in PORT SERIAL HEX			queue a frame
 *	walk					walk until idle, then tell
 *	interlock open|closed, stale PORT, time NS, link PORT up|down,
 *	room PORT N, nat PORT ADDRESS, age, flows, hits RULE
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/packet/eal_small.h"
#include "dataplane/packet/event.h"
#include "dataplane/packet/flow.h"
#include "dataplane/packet/node/node.h"
#include "dataplane/packet/offline_priv.h"
#include "dataplane/packet/packet.h"
#include "dataplane/packet/port/pcap.h"
#include "rules/image/address.h"

#define SERIAL_MAX 8192

struct fate {
	bool known;
	uint64_t path;
	uint8_t reason;
	uint32_t rule;
};

static struct fate fate[SERIAL_MAX];
static uint64_t serial_end;

static void fail(const char *what)
{
	printf("error %s\n", what);
	fflush(stdout);
	exit(1);
}

static void observe(enum pipeline_node node, uint8_t port,
    struct rte_mbuf **mbufs, uint16_t len)
{
	for (uint16_t i = 0; i < len; i++) {
		const struct packet_meta *meta = packet_meta(mbufs[i]);
		const struct packet_trace *trace = packet_trace(mbufs[i]);

		fate[trace->serial % SERIAL_MAX] =
		    (struct fate) {true, trace->path, meta->reason, meta->rule};
	}
}

static void sent(const struct port *port, struct rte_mbuf *mbuf)
{
	const uint8_t *data = rte_pktmbuf_mtod(mbuf, const uint8_t *);

	printf("sent %s ", port->name);
	for (uint16_t i = 0; i < mbuf->data_len; i++)
		printf("%02x", data[i]);
	printf("\n");
}

static struct port *find_port(const char *name)
{
	for (int i = 0; i < PORT_MAX; i++)
		if (worker.port[i].name[0] &&
		    strcmp(worker.port[i].name, name) == 0)
			return &worker.port[i];
	fail("no such port");
	return NULL;
}

static void add_port(int index, const char *name)
{
	struct port *port = &worker.port[index];

	snprintf(port->name, sizeof(port->name), "%s", name);
	address_make_mac(port->own_mac.addr_bytes,
	    index == PORT_GUEST ? MAC_KIND_GATEWAY : MAC_KIND_FAR, 0);
	address_make_mac(port->peer_mac.addr_bytes,
	    index == PORT_GUEST ? 2 : (uint8_t)(MAC_KIND_NETWORK + index - 1),
	    0);
	if (port_open_pcap(port, worker.pool, sent) < 0)
		fail("no memory");
}

static void add_ports(const struct policy_image *image)
{
	bool added = false;

	for (uint32_t i = 0; i < image->len[SECTION_NETWORK]; i++) {
		if (worker.port[i + 1].present)
			continue;
		add_port(
		    (int)i + 1, policy_text(image, image->network[i].name));
		added = true;
	}
	if (added && pipeline_create(&worker) < 0)
		fail("graph");
}

/* What the live generation lies in. */
static struct policy_file loaded;

/* Swap a generation in, or out (NULL), from the worker's own thread. */
static void swap(struct tables *tables, const struct policy_file *file)
{
	struct policy_file old = loaded;

	worker_rest(&worker);
	tables_swap(&worker, tables);
	worker_resume(&worker);
	loaded = *file;
	free(old.country);
	old.country = NULL;
	policy_file_close(&old);
}

/* Read the country table into memory of our own. */
static void read_country(struct policy_file *file, const char *path)
{
	FILE *stream = fopen(path, "rb");

	if (!stream)
		fail("country");
	fseek(stream, 0, SEEK_END);
	file->country_size = (size_t)ftell(stream);
	rewind(stream);
	file->country =
	    aligned_alloc(64, (file->country_size + 63) & ~(size_t)63);
	if (!file->country || fread(file->country, 1, file->country_size,
				  stream) != file->country_size)
		fail("country");
	fclose(stream);
}

static void load(const char *image, const char *country, uint64_t generation)
{
	struct policy_file file;
	struct tables *tables;
	char why[200] = "";

	if (policy_file_open(&file, image) < 0)
		fail("image");
	if (strcmp(country, "-") != 0)
		read_country(&file, country);
	if (tables_build(&tables, file.image, file.size, file.country,
		file.country_size, 0, generation, why, sizeof(why)) < 0)
		fail(why);
	worker_rest(&worker);
	add_ports(&tables->image);
	worker_resume(&worker);
	tables_bind(tables, worker.port);
	swap(tables, &file);
}

static void unload(void)
{
	const struct policy_file none = {0};

	swap(NULL, &none);
}

static void stop(void)
{
	unload();
	pipeline_destroy(&worker);
	for (int i = 0; i < PORT_MAX; i++)
		if (worker.port[i].present)
			worker.port[i].ops->close(&worker.port[i]);
	worker_detach(&worker);
	worker_fini(&worker);
}

static uint8_t digit(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static void give(const char *name, uint64_t serial, const char *hex)
{
	static uint8_t frame[16384];
	uint32_t size = (uint32_t)strlen(hex) / 2;

	if (size > sizeof(frame) || serial >= SERIAL_MAX)
		fail("frame");
	for (uint32_t i = 0; i < size; i++)
		frame[i] =
		    (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
	if (pcap_port_give(find_port(name), frame, size, serial) < 0)
		fail("no room for the frame");
	if (serial >= serial_end)
		serial_end = serial + 1;
}

static void tell(uint64_t serial)
{
	const struct tables *tables = worker.live;
	char name[128] = "-";
	unsigned int node[16], len = 0;

	for (uint64_t path = fate[serial].path; path; path >>= 4)
		node[len++] = path & 15;
	if (tables && fate[serial].rule < tables->image.len[SECTION_RULE])
		snprintf(name, sizeof(name), "%s",
		    policy_text(&tables->image,
			tables->image.rule[fate[serial].rule].name));
	printf("packet %lu %s %s", serial, name,
	    fate[serial].reason ? reason_name(fate[serial].reason) : "ok");
	while (len > 0)
		printf(" %s", pipeline_node_name(node[--len]));
	printf("\n");
}

static void walk(void)
{
	struct msg_dp_event event;

	while (worker_poll(&worker))
		;
	for (uint64_t i = 0; i < serial_end; i++) {
		if (!fate[i].known)
			continue;
		tell(i);
		fate[i].known = false;
	}
	while (event_get(worker.events, &event))
		printf("event %s %u.%u.%u.%u:%u\n",
		    event.reason ? reason_name(event.reason) : "ok",
		    event.destination_address >> 24,
		    event.destination_address >> 16 & 255,
		    event.destination_address >> 8 & 255,
		    event.destination_address & 255, event.destination_port);
	printf("balance %ld\n", worker_balance(&worker));
	printf("mbufs %u\n", rte_mempool_in_use_count(worker.pool));
	printf("done\n");
	fflush(stdout);
}

static void start(uint32_t flows)
{
	if (eal_start_small() < 0)
		fail("EAL");
	worker.offline = true;
	worker.flow_max = flows;
	worker.mbuf_room = 9000;
	worker.guest_address = address_of_guest(0);
	worker.gateway_address = address_of_gateway(0);
	worker.prefix = ADDRESS_LINK_PREFIX;
	worker.mtu = 1500;
	worker.now_ns = 1000000000;
	if (worker_init(&worker, 2047) < 0)
		fail("worker");
	pipeline_observe(observe);
	add_port(PORT_GUEST, "guest");
	if (pipeline_create(&worker) < 0)
		fail("graph");
	atomic_store(&worker.interlock, INTERLOCK_OPEN);
	worker_attach(&worker);
}

/* Commands about one port; false = not one of them. */
static bool run_port_command(
    const char *command, const char *name, const char *value)
{
	if (strcmp(command, "stale") == 0)
		atomic_store(&find_port(name)->stale, true);
	else if (strcmp(command, "link") == 0)
		pcap_port_set_link(find_port(name), value[0] == 'u');
	else if (strcmp(command, "room") == 0)
		pcap_port_set_room(find_port(name), (uint16_t)atoi(value));
	else if (strcmp(command, "nat") == 0)
		find_port(name)->nat_address = ntohl(inet_addr(value));
	else
		return false;
	return true;
}

static void run(char *line)
{
	static char word[4][40000];
	int len = sscanf(line, "%39999s %39999s %39999s %39999s", word[0],
	    word[1], word[2], word[3]);

	if (len < 1 || (len >= 2 && run_port_command(word[0], word[1],
					len >= 3 ? word[2] : "")))
		return;
	if (strcmp(word[0], "policy") == 0)
		load(word[1], word[2], strtoull(word[3], NULL, 10));
	else if (strcmp(word[0], "in") == 0)
		give(word[1], strtoull(word[2], NULL, 10),
		    len == 4 ? word[3] : "");
	else if (strcmp(word[0], "walk") == 0)
		walk();
	else if (strcmp(word[0], "interlock") == 0)
		atomic_store(&worker.interlock,
		    word[1][0] == 'o' ? INTERLOCK_OPEN : INTERLOCK_CLOSED);
	else if (strcmp(word[0], "time") == 0)
		worker.now_ns += strtoull(word[1], NULL, 10);
	else if (strcmp(word[0], "unload") == 0)
		unload();
	else
		fail("no such command");
}

int main(int argc, char **argv)
{
	static char line[40000];

	start(argc > 1 ? (uint32_t)atoi(argv[1]) : 64);
	while (fgets(line, sizeof(line), stdin))
		run(line);
	stop();
	return 0;
}
