/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gw-dataplane: one guest's packets, judged one by one. Chooses the mode:
 * child of gw-init (no arguments), offline over captures, standalone for
 * benches and tests.
 *
 * As a child nothing that anybody sent is read before the process has given up
 * what it does not need: EAL and all memory first, then confinement, then the
 * first message of gwd, and only then the guest's socket.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>

#include "control/msg/confine.h"
#include "control/msg/exit.h"
#include "control/msg/log.h"
#include "control/msg/msg.h"
#include "dataplane/packet/control.h"
#include "dataplane/packet/eal.h"
#include "dataplane/packet/offline.h"
#include "dataplane/packet/standalone.h"
#include "dataplane/packet/worker.h"

#define CONFINED_ROOT "/vhost" /* what gw-init bound for us */

static const char USAGE[] =
    "usage: gw-dataplane                   as gw-init starts it\n"
    "       gw-dataplane --pcap IN OUT [--pcap IN OUT]... --policy FILE\n"
    "           [--guest NAME] [--guest-ip ADDRESS] [--flows N] [--json]\n"
    "       gw-dataplane --graph dot|svg\n";

static void print_usage(FILE *file)
{
	fprintf(file, "%s%s       gw-dataplane --help | --version\n", USAGE,
	    STANDALONE_USAGE);
}

/* Did gw-init start us? Its link has a fixed place and kind. */
static bool has_link(void)
{
	int type = 0;
	socklen_t size = sizeof(type);

	return getsockopt(MSG_LINK_FD, SOL_SOCKET, SO_TYPE, &type, &size) ==
		   0 &&
	       type == SOCK_SEQPACKET;
}

static int serve(void)
{
	struct eal_need need = {0};
	bool hugepages = false;
	int channel = control_receive_channel(MSG_LINK_FD), error;

	if (channel < 0) {
		log_error(NULL, "no channel to gwd came from gw-init: %s",
		    strerror(-channel));
		return GW_EXIT_FAILED;
	}
	if (eal_start(&need, &hugepages) < 0)
		return GW_EXIT_FAILED;
	error = worker_init(&worker, 0);
	if (error) {
		log_error(NULL, "no memory for frames and flows: %s",
		    strerror(-error));
		return GW_EXIT_FAILED;
	}
	error = confine_self(CONFINED_ROOT);
	if (error) {
		log_error(NULL, "can't confine itself: %s", strerror(-error));
		return GW_EXIT_FAILED;
	}
	return control_serve(MSG_LINK_FD, channel, hugepages);
}

static bool has_argument(int argc, char **argv, const char *wanted)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], wanted) == 0)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	log_open("gw-dataplane");
	/* A guest's call descriptor may be anything, also a broken pipe. */
	signal(SIGPIPE, SIG_IGN);
	if (has_argument(argc, argv, "--help")) {
		print_usage(stdout);
		return GW_EXIT_DONE;
	}
	if (has_argument(argc, argv, "--version")) {
		printf("gw-dataplane %s\n", GW_VERSION);
		return GW_EXIT_DONE;
	}
	if (offline_wanted(argc, argv))
		return offline_main(argc, argv);
	if (has_argument(argc, argv, "--standalone"))
		return standalone_main(argc, argv);
	if (argc == 1 && has_link())
		_exit(serve());
	if (argc == 1)
		fprintf(stderr, "gw-dataplane: gw-init starts it, with a link "
				"as descriptor 3\n");
	else
		fprintf(stderr, "gw-dataplane: no such mode\n");
	print_usage(stderr);
	return GW_EXIT_USAGE;
}
