/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gw-dataplane's control thread as gwd sees it: each test forks a process that
 * serves a channel (without confinement), and speaks to it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "control/msg/log.h"
#include "control/msg/msg.h"
#include "dataplane/packet/control.h"
#include "dataplane/packet/eal_small.h"
#include "dataplane/packet/worker.h"
#include "tests/unit/image/builder.h"
#include "tests/unit/packet/port_link.h"

#define STUCK_MS 800
#define SEALS	 (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

static pid_t child;
static int channel, link_end;
static struct msg answer;

/* ---- the process under test ---- */

/* Holds the thread that gets the signal. */
static void hold(int number)
{
	poll(NULL, 0, STUCK_MS);
}

static void serve(int link, int fd)
{
	signal(SIGUSR1, hold);
	log_open("gw-dataplane");
	log_set_level(LOG_LEVEL_ERROR);
	if (eal_start_small() < 0 || worker_init(&worker, 1023) < 0)
		_exit(99);
	_exit(control_serve(link, fd, false));
}

static int begin(void **state)
{
	int pair[2], links[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, links), 0);
	fflush(NULL);
	child = fork();
	if (child == 0) {
		close(pair[0]);
		close(links[0]);
		serve(links[1], pair[1]);
	}
	close(pair[1]);
	close(links[1]);
	channel = pair[0];
	link_end = links[0];
	return child > 0 ? 0 : -1;
}

static int end(void **state)
{
	close(channel);
	close(link_end);
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	child = 0;
	return 0;
}

/* Its exit code within five seconds, -1 when it goes on. */
static int await_exit(void)
{
	int status;

	for (int i = 0; i < 5000; i++) {
		if (waitpid(child, &status, WNOHANG) == child) {
			child = 0;
			return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
		}
		usleep(1000);
	}
	return -1;
}

static void tell(enum msg_type type, const void *body)
{
	assert_int_equal(msg_send(channel, type, body, NULL, 0), 0);
}

/* The next message of a type; others before it are passed over. */
static const void *hear(enum msg_type type)
{
	struct pollfd wait = {.fd = channel, .events = POLLIN};

	do {
		assert_int_equal(poll(&wait, 1, 10000), 1);
		assert_int_equal(
		    msg_recv(channel, LINK_DP, WAY_UP, &answer), 0);
	} while (answer.type != type);
	return answer.body;
}

static void configure(void)
{
	struct msg_dp_config config = {
	    .guest_address = 0x64400002,
	    .gateway_address = 0x64400001,
	    .prefix = 30,
	    .mtu = 1500,
	    .beat_limit_ms = 1000,
	    .guest_mac = {2, 0, 0, 0, 0, 1},
	    .gateway_mac = {2, 0, 0, 0, 0, 2},
	};

	tell(MSG_DP_CONFIG, &config);
}

static const struct msg_dp_alive *beat(uint64_t serial)
{
	struct msg_dp_beat body = {.serial = serial};

	tell(MSG_DP_BEAT, &body);
	return hear(MSG_DP_ALIVE);
}

/* ---- policies ---- */

static int make_image(int seals)
{
	int fd = memfd_create("image", MFD_ALLOW_SEALING);
	uint32_t network, block, rule[2];
	struct policy_rule record;
	struct builder builder;
	size_t size;
	void *image;

	builder_init(&builder);
	network = builder_network(&builder, "far");
	builder_reach(&builder, "198.18.0.0", "198.19.255.255", network);
	record = builder_rule(&builder, "p.one", ACTION_ALLOW);
	rule[0] = builder_add(&builder, SECTION_RULE, &record);
	record = builder_rule(&builder, "p.two", ACTION_DENY);
	rule[1] = builder_add(&builder, SECTION_RULE, &record);
	assert_int_equal(rule[1], 1);
	block = builder_block(&builder, "p", rule[0]);
	builder_guest(&builder, "g", 1u << network, &block, 1);
	image = builder_finish(&builder, &size);
	builder_free(&builder);
	assert_int_equal(write(fd, image, size), (ssize_t)size);
	free(image);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static const struct msg_dp_ready *load(
    uint64_t generation, uint32_t guest, int seals)
{
	struct msg_dp_load body = {.generation = generation, .guest = guest};
	int fd = make_image(seals);

	assert_int_equal(msg_send(channel, MSG_DP_LOAD, &body, &fd, 1), 0);
	close(fd);
	return hear(MSG_DP_READY);
}

static void swap(uint64_t generation)
{
	struct msg_dp_swap body = {.generation = generation};
	const struct msg_dp_live *live;

	tell(MSG_DP_SWAP, &body);
	live = hear(MSG_DP_LIVE);
	assert_int_equal(live->generation, generation);
}

/* ---- claims ---- */

static void nothing_is_done_before_configuration(void **state)
{
	struct msg_dp_beat body = {.serial = 1};

	tell(MSG_DP_BEAT, &body);
	assert_int_equal(await_exit(), 1);
}

static void a_second_configuration_ends_it(void **state)
{
	configure();
	configure();
	assert_int_equal(await_exit(), 1);
}

static void a_malformed_message_ends_it(void **state)
{
	configure();
	beat(1);
	assert_int_equal(send(channel, "nonsense", 8, 0), 8);
	assert_int_equal(await_exit(), 1);
}

static void it_ends_with_its_channel(void **state)
{
	configure();
	beat(1);
	close(channel);
	channel = -1;
	assert_int_equal(await_exit(), 0);
}

static void it_ends_with_gw_init(void **state)
{
	configure();
	beat(1);
	close(link_end);
	link_end = -1;
	assert_int_equal(await_exit(), 0);
}

static void heartbeats_are_answered_also_asleep(void **state)
{
	const struct msg_dp_alive *alive;

	configure();
	for (uint64_t i = 1; i < 20; i++) {
		alive = beat(i);
		assert_int_equal(alive->serial, i);
		assert_int_equal(alive->generation, 0);
		assert_int_equal(alive->link_up, 0);
		assert_int_equal(alive->hugepages, 0);
		usleep(20000);
	}
}

static void a_generation_is_live_only_after_swap(void **state)
{
	configure();
	assert_int_equal(load(7, 0, SEALS)->error, 0);
	assert_int_equal(beat(1)->generation, 0);
	swap(7);
	assert_int_equal(beat(2)->generation, 7);
	assert_int_equal(load(8, 0, SEALS)->error, 0);
	assert_int_equal(beat(3)->generation, 7);
	swap(8);
	assert_int_equal(beat(4)->generation, 8);
}

static void a_refused_generation_changes_nothing(void **state)
{
	const struct msg_dp_ready *ready;

	configure();
	assert_int_equal(load(7, 0, SEALS)->error, 0);
	swap(7);
	ready = load(8, 0, 0); /* could still change below us */
	assert_int_equal(ready->generation, 8);
	assert_int_equal(ready->error, -EPERM);
	assert_true(ready->text[0] != '\0');
	assert_true(load(9, 5, SEALS)->error < 0); /* no such guest */
	assert_int_equal(beat(1)->generation, 7);
}

static void a_swap_to_what_is_not_ready_ends_it(void **state)
{
	struct msg_dp_swap body = {.generation = 9};

	configure();
	assert_int_equal(load(7, 0, SEALS)->error, 0);
	tell(MSG_DP_SWAP, &body);
	assert_int_equal(await_exit(), 1);
}

static void rules_flows_and_counters_are_told(void **state)
{
	struct msg_dp_get_rules rules = {.token = 5};
	struct msg_dp_get_flows flows = {.token = 6};
	struct msg_dp_get_stats stats = {.token = 7};
	const struct msg_dp_rules *told;
	const struct msg_dp_stats *port;

	configure();
	load(7, 0, SEALS);
	swap(7);
	tell(MSG_DP_GET_RULES, &rules);
	told = hear(MSG_DP_RULES);
	assert_int_equal(told->token, 5);
	assert_int_equal(told->total, 2);
	assert_int_equal(told->len, 2);
	rules.first = 900;
	tell(MSG_DP_GET_RULES, &rules);
	told = hear(MSG_DP_RULES);
	assert_int_equal(told->len, 0);
	tell(MSG_DP_GET_FLOWS, &flows);
	assert_int_equal(
	    ((const struct msg_dp_flows *)hear(MSG_DP_FLOWS))->len, 0);
	tell(MSG_DP_GET_STATS, &stats);
	port = hear(MSG_DP_STATS);
	assert_int_equal(port->ports, 1);
	assert_string_equal(port->stats.name, "guest");
}

static void ports_come_and_go(void **state)
{
	struct msg_dp_port body = {.op = PORT_ADD,
	    .network_key = 3,
	    .own_mac = {2, 0, 0, 0, 0, 3},
	    .peer_mac = {2, 0, 0, 0, 0, 4},
	    .name = "far"};
	struct msg_dp_get_stats stats = {.token = 7};
	const struct msg_dp_stats *port;
	int fd;

	if (!link_enter_namespace()) {
		print_message("# needs root\n");
		skip();
	}
	configure();
	for (int round = 0; round < 3; round++) {
		fd = link_make_tap("ct0");
		body.op = PORT_ADD;
		assert_int_equal(
		    msg_send(channel, MSG_DP_PORT, &body, &fd, 1), 0);
		tell(MSG_DP_GET_STATS, &stats);
		port = hear(MSG_DP_STATS);
		assert_int_equal(port->ports, 2);
		port = hear(MSG_DP_STATS);
		assert_int_equal(port->port, 1);
		assert_string_equal(port->stats.name, "far");
		body.op = PORT_DELETE;
		tell(MSG_DP_PORT, &body);
		tell(MSG_DP_GET_STATS, &stats);
		port = hear(MSG_DP_STATS);
		assert_int_equal(port->ports, 1);
		/* its copy is closed: with ours the interface goes */
		close(fd);
	}
	/* the same network twice does not belong */
	body.op = PORT_ADD;
	fd = link_make_tap("ct0");
	assert_int_equal(msg_send(channel, MSG_DP_PORT, &body, &fd, 1), 0);
	assert_int_equal(msg_send(channel, MSG_DP_PORT, &body, &fd, 1), 0);
	assert_int_equal(await_exit(), 1);
	close(fd);
}

/* The worker thread of the process; it calls itself so. */
static pid_t find_worker(void)
{
	char path[64], name[32];
	struct dirent *entry;
	pid_t found = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", child);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%d/task/%.12s/comm", child,
		    entry->d_name);
		file = fopen(path, "r");
		if (!file)
			continue;
		if (fgets(name, sizeof(name), file) &&
		    strcmp(name, "worker\n") == 0)
			found = atoi(entry->d_name);
		fclose(file);
	}
	closedir(dir);
	return found;
}

static void a_stuck_worker_is_not_vouched_for(void **state)
{
	struct pollfd wait = {.fd = channel, .events = POLLIN};
	struct msg_dp_beat body = {.serial = 2};
	pid_t thread;

	configure();
	beat(1);
	thread = find_worker();
	assert_true(thread > 0);
	assert_int_equal(syscall(SYS_tgkill, child, thread, SIGUSR1), 0);
	usleep(50000);
	tell(MSG_DP_BEAT, &body);
	/* the control thread lives, and says nothing */
	assert_int_equal(poll(&wait, 1, STUCK_MS / 2), 0);
	assert_int_equal(
	    ((const struct msg_dp_alive *)hear(MSG_DP_ALIVE))->serial, 2);
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CLAIM(nothing_is_done_before_configuration),
	    CLAIM(a_second_configuration_ends_it),
	    CLAIM(a_malformed_message_ends_it),
	    CLAIM(it_ends_with_its_channel),
	    CLAIM(it_ends_with_gw_init),
	    CLAIM(heartbeats_are_answered_also_asleep),
	    CLAIM(a_generation_is_live_only_after_swap),
	    CLAIM(a_refused_generation_changes_nothing),
	    CLAIM(a_swap_to_what_is_not_ready_ends_it),
	    CLAIM(rules_flows_and_counters_are_told),
	    CLAIM(a_stuck_worker_is_not_vouched_for),
	    CLAIM(ports_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
