/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gw-gen: generator and sink of the packet benches. It plays the guest and the
 * far end through two vhost-user sockets (DPDK's virtio_user), one thread on
 * one core. perf/bench starts it; `gw-gen --help` has the options. Talks to its
 * parent by lines: "measuring", then one line of JSON, then it goes on sending
 * until stdin is closed, so that both sides' counters are read under load.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "perf/gen/loop.h"
#include "rules/image/address.h"

#define RING_LEN	 1024
#define POOL_LEN	 8191
#define POOL_CACHE	 256
#define AFTER_MS	 50 /* how often stdin is looked at, after measuring */
#define BENCH_GUEST_KIND 0x02 /* 02:67:77:02:00:00: standalone guest */

struct options {
	const char *guest_socket, *far_socket, *flow_file;
	const char *device; /* more virtio_user arguments */
	uint8_t guest_mac[6], gateway_mac[6];
	uint32_t guest_address; /* host order */
	uint32_t flows, in_flight, burst, core, memory_mib;
	double warm_s, measure_s;
	enum gen_sizes sizes;
};

static volatile bool stop;

static void on_signal(int signal)
{
	stop = true;
}

static void fail(const char *what, int rc)
{
	fprintf(stderr, "gw-gen: %s: %s\n", what, strerror(rc < 0 ? -rc : rc));
	exit(1);
}

static void usage(FILE *out)
{
	fputs("usage: gw-gen --guest SOCKET --far SOCKET [options]\n"
	      "  --flows N        flows to spread frames over (1000)\n"
	      "  --flow-file F    lines: address destination-port source-port\n"
	      "  --size 64|imix   frame sizes (64)\n"
	      "  --in-flight N    frames under way (512)\n"
	      "  --burst N        frames per receive, at most 64 (32)\n"
	      "  --warm S         seconds before measuring (0.5)\n"
	      "  --measure S      seconds to measure (2)\n"
	      "  --core N         CPU to run on (1)\n"
	      "  --memory MIB     hugepage memory (128)\n"
	      "  --device ARGS    more virtio_user arguments\n"
	      "  --guest-mac M --gateway-mac M --guest-address A\n"
	      "                   as leased to guest slot 0 by default\n",
	    out);
}

static uint32_t parse_number(const char *text, uint32_t most)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (end == text || *end || !number || number > most) {
		fprintf(stderr, "gw-gen: %s is not a number of 1 to %u\n", text,
		    most);
		exit(2);
	}
	return (uint32_t)number;
}

static void parse_mac(const char *text, uint8_t mac[6])
{
	struct rte_ether_addr address;

	if (rte_ether_unformat_addr(text, &address)) {
		fprintf(stderr, "gw-gen: %s is no MAC address\n", text);
		exit(2);
	}
	memcpy(mac, address.addr_bytes, 6);
}

enum choice {
	GUEST = 256,
	FAR,
	FLOWS,
	FLOW_FILE,
	SIZE,
	IN_FLIGHT,
	BURST,
	WARM,
	MEASURE,
	CORE,
	MEMORY,
	DEVICE,
	GUEST_MAC,
	GATEWAY_MAC,
	GUEST_ADDRESS
};

static const struct option LONG[] = {
    {"guest", required_argument, NULL, GUEST},
    {"far", required_argument, NULL, FAR},
    {"flows", required_argument, NULL, FLOWS},
    {"flow-file", required_argument, NULL, FLOW_FILE},
    {"size", required_argument, NULL, SIZE},
    {"in-flight", required_argument, NULL, IN_FLIGHT},
    {"burst", required_argument, NULL, BURST},
    {"warm", required_argument, NULL, WARM},
    {"measure", required_argument, NULL, MEASURE},
    {"core", required_argument, NULL, CORE},
    {"memory", required_argument, NULL, MEMORY},
    {"device", required_argument, NULL, DEVICE},
    {"guest-mac", required_argument, NULL, GUEST_MAC},
    {"gateway-mac", required_argument, NULL, GATEWAY_MAC},
    {"guest-address", required_argument, NULL, GUEST_ADDRESS},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static void set_option(struct options *options, int choice, const char *value)
{
	struct in_addr address;

	switch (choice) {
	case GUEST:
		options->guest_socket = value;
		break;
	case FAR:
		options->far_socket = value;
		break;
	case FLOWS:
		options->flows = parse_number(value, FLOWS_MAX);
		break;
	case FLOW_FILE:
		options->flow_file = value;
		break;
	case SIZE:
		options->sizes = strcmp(value, "imix") ? SIZES_64 : SIZES_IMIX;
		break;
	case IN_FLIGHT:
		options->in_flight = parse_number(value, POOL_LEN / 2);
		break;
	case BURST:
		options->burst = parse_number(value, 64);
		break;
	case WARM:
		options->warm_s = strtod(value, NULL);
		break;
	case MEASURE:
		options->measure_s = strtod(value, NULL);
		break;
	case CORE:
		options->core = parse_number(value, 1023);
		break;
	case MEMORY:
		options->memory_mib = parse_number(value, 4096);
		break;
	case DEVICE:
		options->device = value;
		break;
	case GUEST_MAC:
		parse_mac(value, options->guest_mac);
		break;
	case GATEWAY_MAC:
		parse_mac(value, options->gateway_mac);
		break;
	case GUEST_ADDRESS:
		if (inet_pton(AF_INET, value, &address) != 1) {
			usage(stderr);
			exit(2);
		}
		options->guest_address = ntohl(address.s_addr);
		break;
	case 'h':
		usage(stdout);
		exit(0);
	default:
		usage(stderr);
		exit(2);
	}
}

static void parse(struct options *options, int argc, char **argv)
{
	int choice;

	*options = (struct options) {
	    .guest_address = address_of_guest(0),
	    .flows = 1000,
	    .in_flight = 512,
	    .burst = 32,
	    .core = 1,
	    .memory_mib = 128,
	    .warm_s = 0.5,
	    .measure_s = 2,
	    .device = "",
	};
	address_make_mac(options->guest_mac, BENCH_GUEST_KIND, 0);
	address_make_mac(options->gateway_mac, MAC_KIND_GATEWAY, 0);
	while ((choice = getopt_long(argc, argv, "h", LONG, NULL)) != -1)
		set_option(options, choice, optarg);
	if (!options->guest_socket || !options->far_socket || optind != argc) {
		usage(stderr);
		exit(2);
	}
}

static void start_eal(const struct options *options)
{
	char lcores[32], memory[16], guest[256], far[256];
	const char *argv[] = {"gw-gen", "--in-memory", "--single-file-segments",
	    "--no-pci", "--no-telemetry", "--log-level=error", "--lcores",
	    lcores, "-m", memory, "--vdev", guest, "--vdev", far, NULL};

	snprintf(lcores, sizeof(lcores), "0@%u", options->core);
	snprintf(memory, sizeof(memory), "%u", options->memory_mib);
	snprintf(guest, sizeof(guest),
	    "net_virtio_user0,path=%s,queue_size=%d%s%s", options->guest_socket,
	    RING_LEN, *options->device ? "," : "", options->device);
	snprintf(far, sizeof(far), "net_virtio_user1,path=%s,queue_size=%d%s%s",
	    options->far_socket, RING_LEN, *options->device ? "," : "",
	    options->device);
	if (rte_eal_init(14, (char **)(uintptr_t)argv) < 0)
		fail("DPDK does not start (hugepages?)", rte_errno);
	if (rte_eth_dev_count_avail() != 2)
		fail("a socket does not answer", ENOTCONN);
}

static void start_port(uint16_t port, struct rte_mempool *pool)
{
	struct rte_eth_conf conf = {0};
	int rc = rte_eth_dev_configure(port, 1, 1, &conf);

	if (!rc)
		rc = rte_eth_rx_queue_setup(
		    port, 0, RING_LEN, SOCKET_ID_ANY, NULL, pool);
	if (!rc)
		rc = rte_eth_tx_queue_setup(
		    port, 0, RING_LEN, SOCKET_ID_ANY, NULL);
	if (!rc)
		rc = rte_eth_dev_start(port);
	if (rc)
		fail("port does not start", rc);
}

static void print_result(const struct loop *loop)
{
	double seconds = (double)loop->cycles / (double)rte_get_tsc_hz();

	printf("{\"frames\": %lu, \"seconds\": %.6f, \"mpps\": %.4f, "
	       "\"cycles_per_packet\": %.2f, \"busy_share\": %.4f, "
	       "\"lost\": %lu, \"refused\": %lu, \"foreign\": %lu, "
	       "\"flows\": %u, \"tsc_hz\": %lu}\n",
	    loop->frames, seconds, (double)loop->frames / seconds / 1e6,
	    (double)loop->busy / (double)RTE_MAX(loop->frames, 1ul),
	    (double)loop->busy / (double)RTE_MAX(loop->cycles, 1ul), loop->lost,
	    loop->refused, loop->foreign, loop->flows.len, rte_get_tsc_hz());
	fflush(stdout);
}

static bool stdin_is_open(void)
{
	struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
	char bin[64];

	return poll(&fd, 1, 0) == 0 || read(fd.fd, bin, sizeof(bin)) > 0;
}

static void run(struct loop *loop, const struct options *options)
{
	double hz = (double)rte_get_tsc_hz();

	/* Every flow twice before measuring: all are admitted then. */
	loop_run(loop, (uint64_t)(options->warm_s * hz),
	    2 * (uint64_t)loop->flows.len, &stop);
	puts("measuring");
	fflush(stdout);
	loop_run(loop, (uint64_t)(options->measure_s * hz), 0, &stop);
	print_result(loop);
	while (!stop && stdin_is_open())
		loop_run(loop, (uint64_t)(hz / 1000 * AFTER_MS), 0, &stop);
}

int main(int argc, char **argv)
{
	struct options options;
	struct loop loop = {.guest = 0, .far = 1};
	int rc;

	parse(&options, argc, argv);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	start_eal(&options);
	loop.limit = options.in_flight;
	loop.burst = (uint16_t)options.burst;
	loop.pool = rte_pktmbuf_pool_create("gen", POOL_LEN, POOL_CACHE, 0,
	    RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (!loop.pool)
		fail("no memory for frames", rte_errno);
	rc = flows_make(&loop.flows, options.flows, options.flow_file,
	    options.sizes, options.guest_address);
	if (rc)
		fail("flows", rc);
	frame_prepare(&loop.template, options.guest_mac, options.gateway_mac,
	    htonl(options.guest_address));
	start_port(loop.guest, loop.pool);
	start_port(loop.far, loop.pool);
	run(&loop, &options);
	rte_eth_dev_stop(loop.guest);
	rte_eth_dev_stop(loop.far);
	rte_eal_cleanup();
	return 0;
}
