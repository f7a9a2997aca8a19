/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gw-dataplane without gwd: see standalone.h. Main thread; the worker runs in
 * the same loop as in production (loop.c).
 */
#include "dataplane/packet/standalone.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "control/msg/exit.h"
#include "control/msg/log.h"
#include "control/msg/msg.h"
#include "dataplane/packet/eal.h"
#include "dataplane/packet/flow.h"
#include "dataplane/packet/loop.h"
#include "dataplane/packet/offline_priv.h"
#include "dataplane/packet/pipeline.h"
#include "dataplane/packet/standalone_priv.h"
#include "dataplane/packet/tables.h"
#include "rules/image/address.h"

#define MAC_KIND_GUEST 0x02
#define MTU	       1500
#define ETHDEV_MBUFS   4096 /* for the rings of one ethdev port */

const char STANDALONE_USAGE[] =
    "       gw-dataplane --standalone --policy FILE --guest NAME\n"
    "           --guest-port SPEC --network-port NETWORK=SPEC[,nat=ADDRESS]\n"
    "           [--network-port ...] [--any-memory] [--flows N] [--lcore N]\n"
    "           [--guest-mac MAC] [--stats FILE] [--seconds N]\n"
    "           SPEC: vhost:PATH (listens), vhost-client:PATH (connects),\n"
    "           ethdev:DEVARGS, tap:INTERFACE\n";

struct spec {
	const char *text; /* "vhost:/run/x" */
	char *network;	  /* owned; NULL for the guest's */
	uint32_t nat;
};

static struct {
	const char *policy, *guest, *stats;
	struct spec port[PORT_MAX];
	uint32_t ports; /* the guest's is number 0 */
	bool any_memory;
	struct rte_ether_addr guest_mac;
	uint32_t flows;
	int lcore;
	unsigned int seconds;
} options = {.ports = 1, .lcore = -1};

static struct loop loop;

/* ---- arguments ---- */

static int usage(const char *what, const char *value)
{
	fprintf(stderr, "gw-dataplane: %s%s%s\nusage:\n%s", what,
	    value ? ": " : "", value ? value : "", STANDALONE_USAGE);
	return GW_EXIT_USAGE;
}

static bool is_spec(const char *text)
{
	return strncmp(text, "vhost:", 6) == 0 ||
	       strncmp(text, "vhost-client:", 13) == 0 ||
	       strncmp(text, "ethdev:", 7) == 0 ||
	       strncmp(text, "tap:", 4) == 0;
}

/* NETWORK=SPEC[,nat=ADDRESS] */
static int add_network(const char *text)
{
	struct spec *spec = &options.port[options.ports];
	const char *equals = strchr(text, '=');
	char *copy, *nat;
	struct in_addr address;

	if (options.ports == PORT_MAX)
		return usage("too many networks", text);
	if (!equals || equals == text || !is_spec(equals + 1))
		return usage("--network-port is NETWORK=SPEC", text);
	copy = strdup(text);
	if (!copy)
		return GW_EXIT_FAILED;
	copy[equals - text] = '\0';
	spec->network = copy;
	spec->text = copy + (equals - text) + 1;
	nat = strstr(copy + (equals - text) + 1, ",nat=");
	if (nat) {
		*nat = '\0';
		if (inet_pton(AF_INET, nat + 5, &address) != 1)
			return usage("nat= is an IPv4 address", text);
		spec->nat = ntohl(address.s_addr);
	}
	options.ports++;
	return 0;
}

static int parse_number(
    const char *text, unsigned long most, unsigned long *value)
{
	char *end;

	errno = 0;
	*value = strtoul(text, &end, 10);
	if (errno || end == text || *end || *value > most)
		return usage("not a number in its limits", text);
	return 0;
}

static const struct option LONG[] = {
    {"standalone", no_argument, NULL, 'S'},
    {"policy", required_argument, NULL, 'p'},
    {"guest", required_argument, NULL, 'g'},
    {"guest-port", required_argument, NULL, 'G'},
    {"guest-mac", required_argument, NULL, 'm'},
    {"network-port", required_argument, NULL, 'N'},
    {"any-memory", no_argument, NULL, 'a'},
    {"flows", required_argument, NULL, 'f'},
    {"lcore", required_argument, NULL, 'l'},
    {"stats", required_argument, NULL, 's'},
    {"seconds", required_argument, NULL, 't'},
    {NULL, 0, NULL, 0},
};

static int take_option(int option, const char *value)
{
	unsigned long number = 0;
	int code = 0;

	switch (option) {
	case 'S':
		break;
	case 'p':
		options.policy = value;
		break;
	case 'g':
		options.guest = value;
		break;
	case 'G':
		options.port[PORT_GUEST].text = value;
		if (!is_spec(value))
			code = usage("--guest-port is a SPEC", value);
		break;
	case 'm':
		if (rte_ether_unformat_addr(value, &options.guest_mac) < 0)
			code = usage("--guest-mac is a MAC address", value);
		break;
	case 'N':
		code = add_network(value);
		break;
	case 'a':
		options.any_memory = true;
		break;
	case 's':
		options.stats = value;
		break;
	case 'f':
		code = parse_number(value, FLOW_LIMIT, &number);
		options.flows = (uint32_t)number;
		break;
	case 'l':
		code = parse_number(value, 1023, &number);
		options.lcore = (int)number;
		break;
	case 't':
		code = parse_number(value, 1u << 30, &number);
		options.seconds = (unsigned int)number;
		break;
	default:
		code = usage("an option is not known or not complete", NULL);
	}
	return code;
}

static int parse(int argc, char **argv)
{
	int option, code = 0;

	address_make_mac(options.guest_mac.addr_bytes, MAC_KIND_GUEST, 0);
	opterr = 0;
	while (
	    !code && (option = getopt_long(argc, argv, "", LONG, NULL)) != -1)
		code = take_option(option, optarg);
	if (code)
		return code;
	if (optind < argc)
		return usage("not an option", argv[optind]);
	if (!options.policy || !options.guest ||
	    !options.port[PORT_GUEST].text || options.ports < 2)
		return usage("--policy, --guest, --guest-port and a "
			     "--network-port are needed",
		    NULL);
	return 0;
}

/* ---- policy ---- */

static int load(struct policy_file *file, struct tables **tables)
{
	struct policy_image image;
	char why[200] = "";
	int error = policy_file_open(file, options.policy);

	if (error)
		return error == -EBADMSG ? GW_EXIT_REFUSED : GW_EXIT_FAILED;
	error = policy_image_validate(
	    &image, file->image, file->size, why, sizeof(why));
	if (!error)
		error = tables_build(tables, file->image, file->size,
		    file->country, file->country_size,
		    policy_image_find_guest(&image, options.guest), 1, why,
		    sizeof(why));
	if (!error)
		return 0;
	fprintf(stderr, "gw-dataplane: %s: %s\n", options.policy, why);
	return GW_EXIT_REFUSED;
}

/* Which network of the policy; -1 = none of that name. */
static int find_network(const struct tables *tables, const char *name)
{
	const struct policy_image *image = &tables->image;

	for (uint32_t i = 0; i < image->len[SECTION_NETWORK]; i++)
		if (strcmp(policy_text(image, image->network[i].name), name) ==
		    0)
			return (int)i;
	return -1;
}

/* ---- ports ---- */

static int open_tap(struct port *port, const char *name)
{
	struct ifreq request = {
	    .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &request) < 0) {
		int error = -errno;

		close(fd);
		return error;
	}
	return port_open_tap(port, fd, MTU);
}

static int open_vhost(struct port *port, const char *path, bool server)
{
	struct stat status;

	/* a socket that a killed run left; nothing else is removed */
	if (server && lstat(path, &status) == 0 && S_ISSOCK(status.st_mode))
		unlink(path);
	return port_open_vhost(port, path, server, options.any_memory);
}

static int open_spec(struct port *port, const char *text)
{
	const char *value = strchr(text, ':') + 1;

	if (text[0] == 't')
		return open_tap(port, value);
	if (text[0] == 'e')
		return port_open_ethdev(port, value);
	return open_vhost(port, value, strncmp(text, "vhost:", 6) == 0);
}

static int open_port(uint32_t index, const struct tables *tables)
{
	const struct spec *spec = &options.port[index];
	struct port *port = &worker.port[index];
	int network = 0, error;

	port->pool = worker.pool;
	port->is_guest = index == PORT_GUEST;
	port->nat_address = spec->nat;
	snprintf(port->name, sizeof(port->name), "%s",
	    spec->network ? spec->network : "guest");
	if (port->is_guest) {
		address_make_mac(port->own_mac.addr_bytes, MAC_KIND_GATEWAY, 0);
		port->peer_mac = options.guest_mac;
	} else {
		network = find_network(tables, spec->network);
		if (network < 0)
			return usage(
			    "the policy has no such network", spec->network);
		address_make_mac(port->own_mac.addr_bytes, MAC_KIND_FAR, 0);
		address_make_mac(port->peer_mac.addr_bytes,
		    (uint8_t)(MAC_KIND_NETWORK + network), 0);
	}
	error = open_spec(port, spec->text);
	if (error) {
		fprintf(stderr, "gw-dataplane: %s: %s\n", spec->text,
		    strerror(-error));
		return GW_EXIT_FAILED;
	}
	port->present = true;
	return 0;
}

static bool is_ethdev(const struct spec *spec)
{
	return spec->text[0] == 'e';
}

static int start_worker(struct tables *tables, bool *hugepages)
{
	struct eal_need need = {0};
	uint32_t mbufs = WORKER_DEFAULT_MBUFS - 1;
	int code = 0;

	for (uint32_t i = 0; i < options.ports; i++)
		mbufs += is_ethdev(&options.port[i]) ? ETHDEV_MBUFS : 0;
	need.memory_mib = eal_memory_for(
	    options.flows ? options.flows : FLOW_DEFAULT_MAX, mbufs);
	if (eal_start(&need, hugepages) < 0)
		return GW_EXIT_FAILED;
	worker.guest_address = address_of_guest(0);
	worker.gateway_address = address_of_gateway(0);
	worker.prefix = ADDRESS_LINK_PREFIX;
	worker.mtu = MTU;
	worker.flow_max = options.flows;
	if (worker_init(&worker, mbufs) < 0) {
		fprintf(stderr,
		    "gw-dataplane: not enough memory for %u flows\n",
		    options.flows);
		return GW_EXIT_FAILED;
	}
	atomic_store(&worker.beat_deadline_ns, UINT64_MAX);
	atomic_store(&worker.asked_state, DP_OPEN);
	for (uint32_t i = 0; i < options.ports && !code; i++)
		code = open_port(i, tables);
	if (code)
		return code;
	tables_bind(tables, worker.port);
	atomic_store(&worker.live, tables);
	if (pipeline_create(&worker) < 0 ||
	    loop_start(&loop, &worker, options.lcore) < 0) {
		fprintf(stderr, "gw-dataplane: the worker can't be started\n");
		return GW_EXIT_FAILED;
	}
	return 0;
}

static void close_ports(void)
{
	for (int i = 0; i < PORT_MAX; i++)
		if (worker.port[i].priv)
			worker.port[i].ops->close(&worker.port[i]);
}

/* SIGUSR1: the counters so far, while the worker goes on; a bench subtracts
 * two such snapshots. Anything else ends the run. */
static void await_end(const sigset_t *signals, bool hugepages)
{
	struct timespec limit = {.tv_sec = options.seconds};
	int signal;

	do {
		signal = options.seconds ? sigtimedwait(signals, NULL, &limit)
					 : sigwaitinfo(signals, NULL);
		if (signal == SIGUSR1)
			standalone_write_stats(options.stats, &loop, hugepages);
	} while (signal == SIGUSR1 || (signal < 0 && errno == EINTR));
}

int standalone_main(int argc, char **argv)
{
	struct policy_file file = {0};
	struct tables *tables = NULL;
	bool hugepages = false;
	sigset_t signals;
	int code = parse(argc, argv);

	if (!code)
		code = load(&file, &tables);
	if (code)
		return code;
	/* Before any thread is made, so that only this one takes them. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	code = start_worker(tables, &hugepages);
	if (!code) {
		log_info(NULL, "standalone: ready");
		await_end(&signals, hugepages);
		loop_stop(&loop);
		code = standalone_write_stats(options.stats, &loop, hugepages);
	}
	close_ports();
	return code;
}
