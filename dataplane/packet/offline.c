/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The offline mode: see offline.h. One thread is control thread and worker at
 * once; time is the capture's.
 *
 * Theory of operation. The guest of a capture is the given address, or the
 * source of its first IPv4 packet; its MAC address is the one that frame came
 * from. Frames from that MAC enter at the guest's port; all others at the port
 * of the network that owns their source, or the first network's. Unicast
 * destination MACs become ours: in a capture the guest spoke to another
 * gateway. One frame is walked at a time, so frames leave in their order.
 */
#include "dataplane/packet/offline.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/packet/eal_small.h"
#include "dataplane/packet/event.h"
#include "dataplane/packet/flow.h"
#include "dataplane/packet/offline_priv.h"
#include "dataplane/packet/packet.h"
#include "dataplane/packet/port/pcap.h"
#include "rules/image/address.h"

#define OFFLINE_MBUFS 511
#define PAIR_MAX      4096

enum exit_code { EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_REFUSED };

struct options {
	const char *in[PAIR_MAX];
	const char *out[PAIR_MAX];
	uint32_t pairs;
	const char *policy;
	const char *guest;
	uint32_t guest_ip;
	uint32_t flows;
	bool json;
};

static struct options options;
static pcap_dumper_t *dumper;

static const char USAGE[] =
    "usage: gw-dataplane --pcap IN OUT [--pcap IN OUT]... --policy FILE\n"
    "           [--guest NAME] [--guest-ip ADDRESS] [--flows N] [--json]\n"
    "       gw-dataplane --graph dot|svg\n";

bool offline_wanted(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--pcap") == 0 ||
		    strcmp(argv[i], "--graph") == 0)
			return true;
	return false;
}

/* ---- one capture ---- */

static void write_frame(const struct port *port, struct rte_mbuf *mbuf)
{
	struct pcap_pkthdr header = {
	    .caplen = mbuf->data_len, .len = mbuf->data_len};

	header.ts.tv_sec = (time_t)(worker.now_ns / 1000000000u);
	header.ts.tv_usec = (suseconds_t)(worker.now_ns % 1000000000u);
	pcap_dump(
	    (u_char *)dumper, &header, rte_pktmbuf_mtod(mbuf, const u_char *));
}

struct identity {
	uint32_t address;
	struct rte_ether_addr mac;
};

/* Who is the guest of this capture? */
static int find_guest(struct identity *guest, const char *path)
{
	static struct capture capture;
	bool found = false;
	int error = capture_open(&capture, path);

	*guest = (struct identity) {.address = options.guest_ip};
	address_make_mac(guest->mac.addr_bytes, 2, 0);
	if (error)
		return error;
	while (!found && capture_next(&capture)) {
		uint32_t source = capture_source(&capture);

		if (!source || (options.guest_ip && source != options.guest_ip))
			continue;
		found = true;
		guest->address = source;
		if (capture_has_macs(&capture))
			memcpy(
			    &guest->mac, capture.frame + 6, sizeof(guest->mac));
	}
	if (!guest->address)
		guest->address = address_of_guest(0);
	capture_close(&capture);
	return 0;
}

/* Which port a frame came to; it gets the MAC addresses of that link. */
static struct port *place_frame(struct capture *capture,
    const struct tables *tables, const struct identity *guest)
{
	uint8_t *mac = capture->frame;
	uint32_t source = capture_source(capture);
	bool whole = capture->size >= sizeof(struct rte_ether_hdr);
	bool from_guest;
	struct port *port = &worker.port[1];
	uint32_t network;

	if (capture_has_macs(capture))
		from_guest = whole && memcmp(mac + 6, &guest->mac, 6) == 0;
	else
		from_guest = source == guest->address;
	if (from_guest) {
		port = &worker.port[PORT_GUEST];
	} else {
		network = judge_network_of(&tables->image, source);
		if (network != POLICY_NONE)
			port = &worker.port[1 + network];
	}
	if (!capture_has_macs(capture))
		memcpy(mac + 6, &port->peer_mac, 6);
	if (whole && !(mac[0] & 1))
		memcpy(mac, &port->own_mac, 6);
	return port->present ? port : NULL;
}

static void run_frames(struct capture *capture, const struct tables *tables,
    const struct identity *guest)
{
	uint64_t serial = 0;

	while (capture_next(capture)) {
		struct port *port = place_frame(capture, tables, guest);

		worker.now_ns = capture->time_ns + 1;
		if (!port || pcap_port_give(port, capture->frame, capture->size,
				 ++serial) < 0) {
			capture->skipped++;
			continue;
		}
		while (worker_poll(&worker))
			;
	}
}

/* As if the gateway had just started. */
static void reset_worker(const struct identity *guest, struct tables *tables)
{
	flow_clear(worker.flows);
	memset(worker.drops, 0, sizeof(worker.drops));
	worker.rejects = 0;
	worker.frames = 0;
	worker.now_ns = 1;
	worker.service_limit = (struct worker_limit) {0};
	worker.reject_limit = (struct worker_limit) {0};
	worker.guest_address = guest->address;
	worker.port[PORT_GUEST].peer_mac = guest->mac;
	for (int i = 0; i < PORT_MAX; i++)
		worker.port[i].counters = (struct port_counters) {0};
	memset(tables->hits, 0,
	    tables->image.len[SECTION_RULE] * sizeof(*tables->hits));
}

static int open_output(pcap_t **pcap, const char *path)
{
	*pcap = pcap_open_dead_with_tstamp_precision(
	    DLT_EN10MB, OFFLINE_FRAME_MAX, PCAP_TSTAMP_PRECISION_NANO);
	dumper = *pcap ? pcap_dump_open(*pcap, path) : NULL;
	if (dumper)
		return 0;
	fprintf(stderr, "gw-dataplane: %s: %s\n", path,
	    *pcap ? pcap_geterr(*pcap) : "no memory");
	if (*pcap)
		pcap_close(*pcap);
	return -EIO;
}

static int run_capture(struct tables *tables, const char *in, const char *out)
{
	static struct capture capture;
	struct identity guest;
	pcap_t *pcap;
	int error = find_guest(&guest, in);

	if (error)
		return error;
	error = capture_open(&capture, in);
	if (error)
		return error;
	error = open_output(&pcap, out);
	if (error)
		goto out;
	reset_worker(&guest, tables);
	report_begin(&tables->image);
	run_frames(&capture, tables, &guest);
	report_print(stdout, in, capture.skipped, options.json);
	if (worker_balance(&worker) != 0) {
		fprintf(stderr,
		    "gw-dataplane: %s: in = out + drops does not hold\n", in);
		error = -EPROTO;
	}
	report_end();
	pcap_dump_close(dumper);
	pcap_close(pcap);
out:
	capture_close(&capture);
	return error;
}

/* ---- the gateway ---- */

static int open_ports(const struct tables *tables)
{
	uint32_t networks = tables->image.len[SECTION_NETWORK];

	for (uint32_t i = 0; i <= networks; i++) {
		struct port *port = &worker.port[i];

		address_make_mac(port->own_mac.addr_bytes,
		    i == PORT_GUEST ? MAC_KIND_GATEWAY : MAC_KIND_FAR, 0);
		address_make_mac(port->peer_mac.addr_bytes,
		    (uint8_t)(MAC_KIND_NETWORK + i - 1), 0);
		snprintf(port->name, sizeof(port->name), "%s",
		    i == PORT_GUEST ? "guest"
				    : policy_text(&tables->image,
					  tables->image.network[i - 1].name));
		if (port_open_pcap(port, worker.pool, write_frame) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int start_worker(struct tables *tables)
{
	int error;

	worker.offline = true;
	worker.flow_max = options.flows;
	worker.mbuf_room = OFFLINE_FRAME_MAX + 64;
	worker.gateway_address = address_of_gateway(0);
	worker.prefix = ADDRESS_LINK_PREFIX;
	worker.mtu = 1500;
	error = worker_init(&worker, OFFLINE_MBUFS);
	if (error)
		return error;
	error = open_ports(tables);
	if (error)
		return error;
	tables_bind(tables, worker.port);
	pipeline_observe(report_observe);
	worker.events->unlimited = true;
	atomic_store(&worker.interlock, INTERLOCK_OPEN);
	atomic_store(&worker.live, tables);
	error = pipeline_create(&worker);
	if (!error)
		worker_attach(&worker);
	return error;
}

static void stop_worker(void)
{
	pipeline_destroy(&worker);
	for (int i = 0; i < PORT_MAX; i++)
		if (worker.port[i].present)
			worker.port[i].ops->close(&worker.port[i]);
	worker_detach(&worker);
	worker_fini(&worker);
}

static uint32_t choose_guest(const struct policy_image *image)
{
	if (options.guest)
		return policy_image_find_guest(image, options.guest);
	return 0;
}

static int load_policy(struct policy_file *file, struct tables **tables)
{
	struct policy_image image;
	char why[200] = "";
	uint32_t guest;
	int error = policy_file_open(file, options.policy);

	if (error)
		return error;
	error = policy_image_validate(
	    &image, file->image, file->size, why, sizeof(why));
	if (!error) {
		guest = choose_guest(&image);
		error =
		    tables_build(tables, file->image, file->size, file->country,
			file->country_size, guest, 1, why, sizeof(why));
	}
	if (error)
		fprintf(stderr, "gw-dataplane: %s: %s\n", options.policy, why);
	return error;
}

static enum exit_code run(void)
{
	struct policy_file file;
	struct tables *tables = NULL;
	enum exit_code code = EXIT_DONE;
	int error = load_policy(&file, &tables);

	if (error)
		return error == -EBADMSG ? EXIT_REFUSED : EXIT_FAILED;
	error = eal_start_small();
	if (!error)
		error = start_worker(tables);
	if (error) {
		fprintf(stderr, "gw-dataplane: can't start: %s\n",
		    strerror(-error));
		return EXIT_FAILED;
	}
	for (uint32_t i = 0; i < options.pairs; i++)
		if (run_capture(tables, options.in[i], options.out[i]) < 0)
			code = EXIT_FAILED;
	stop_worker();
	tables_free(tables);
	policy_file_close(&file);
	return code;
}

/* ---- arguments ---- */

static enum exit_code usage(const char *what)
{
	fprintf(stderr, "gw-dataplane: %s\n%s", what, USAGE);
	return EXIT_USAGE;
}

static enum exit_code print_graph(const char *format)
{
	if (strcmp(format, "dot") == 0)
		pipeline_write_dot(stdout);
	else if (strcmp(format, "svg") == 0)
		pipeline_write_svg(stdout);
	else
		return usage("--graph is dot or svg");
	return EXIT_DONE;
}

/* Options with one operand; -1 = not one of them, else an exit code. */
static int parse_one(const char *option, const char *value)
{
	if (strcmp(option, "--policy") == 0) {
		options.policy = value;
	} else if (strcmp(option, "--guest") == 0) {
		options.guest = value;
	} else if (strcmp(option, "--guest-ip") == 0) {
		struct in_addr address;

		if (inet_pton(AF_INET, value, &address) != 1)
			return usage("--guest-ip is an IPv4 address");
		options.guest_ip = ntohl(address.s_addr);
	} else if (strcmp(option, "--flows") == 0) {
		char *end;
		unsigned long flows = strtoul(value, &end, 10);

		if (*end || flows == 0 || flows > FLOW_LIMIT)
			return usage("--flows is 1 to 4194304");
		options.flows = (uint32_t)flows;
	} else {
		return -1;
	}
	return EXIT_DONE;
}

int offline_main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		int code;

		if (strcmp(argv[i], "--json") == 0) {
			options.json = true;
			continue;
		}
		if (strcmp(argv[i], "--graph") == 0 && i + 1 < argc)
			return print_graph(argv[i + 1]);
		if (strcmp(argv[i], "--pcap") == 0 && i + 2 < argc) {
			if (options.pairs == PAIR_MAX)
				return usage("too many captures");
			options.in[options.pairs] = argv[i + 1];
			options.out[options.pairs++] = argv[i + 2];
			i += 2;
			continue;
		}
		if (i + 1 >= argc)
			return usage("an option is not known, or its operand "
				     "is missing");
		code = parse_one(argv[i], argv[i + 1]);
		if (code < 0)
			return usage("an option is not known");
		if (code != EXIT_DONE)
			return code;
		i++;
	}
	if (options.pairs == 0 || !options.policy)
		return usage("--pcap IN OUT and --policy FILE are needed");
	return run();
}
