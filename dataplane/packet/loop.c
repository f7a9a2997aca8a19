/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loop of the worker thread: see loop.h. Everything but the functions of
 * loop.h runs in the worker thread of gw-dataplane.
 */
#include "dataplane/packet/loop.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <rte_cycles.h>
#include <rte_lcore.h>

#include "control/msg/log.h"
#include "dataplane/packet/flow.h"

#define WAKE	     PORT_MAX /* epoll data of worker.wake_fd */
#define EVENT_MAX    (PORT_MAX + 1)
#define SLEEP_MAX_MS 250
#define SLEEP_MIN_MS 1 /* a port that can't wake us is looked at so often */
#define FORGET_MS    2000
#define MS_NS	     1000000ull

/* Only this thread writes it: no need for a locked addition. */
static void add(_Atomic uint64_t *counter, uint64_t more)
{
	atomic_store_explicit(counter,
	    atomic_load_explicit(counter, memory_order_relaxed) + more,
	    memory_order_relaxed);
}

static void watch(struct loop *loop, uint8_t index, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = index};

	if (loop->watched[index] == fd)
		return;
	if (loop->watched[index] >= 0)
		epoll_ctl(
		    loop->epoll, EPOLL_CTL_DEL, loop->watched[index], NULL);
	loop->watched[index] = -1;
	if (fd >= 0 && epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) == 0)
		loop->watched[index] = fd;
}

/* Bring the epoll set up to date; true when some port can't wake us. */
static bool watch_ports(struct loop *loop)
{
	struct worker *w = loop->worker;
	bool blind = false;

	for (uint8_t i = 0; i < PORT_MAX; i++) {
		struct port *port = &w->port[i];

		if (!port->present)
			continue;
		watch(loop, i, port->ops->fd(port));
		blind |= loop->watched[i] < 0 && port->ops->link_up(port);
	}
	return blind;
}

static void wait(struct loop *loop, int timeout_ms)
{
	struct epoll_event event[EVENT_MAX];
	int len = epoll_wait(loop->epoll, event, EVENT_MAX, timeout_ms);

	for (int i = 0; i < len; i++) {
		uint32_t index = event[i].data.u32;
		uint64_t count;

		if (index < PORT_MAX)
			loop->worker->port[index].ready = true;
		else if (read(loop->worker->wake_fd, &count, sizeof(count)) < 0)
			continue; /* somebody was quicker */
	}
}

/* How long it may sleep: a heartbeat more must always be in time. */
static int sleep_ms(const struct worker *w, bool blind)
{
	uint64_t ms = w->beat_limit_ns / 4 / MS_NS;

	if (blind)
		return SLEEP_MIN_MS;
	if (ms == 0 || ms > SLEEP_MAX_MS)
		ms = SLEEP_MAX_MS;
	return (int)ms;
}

static void disarm(struct worker *w, uint32_t armed)
{
	for (int i = 0; i < PORT_MAX; i++)
		if (armed >> i & 1)
			w->port[i].ops->disarm(&w->port[i]);
}

/* Ask every port for a wake-up; false when one has something already. */
static bool arm(struct worker *w, uint32_t *armed)
{
	*armed = 0;
	for (int i = 0; i < PORT_MAX; i++) {
		if (!w->port[i].present)
			continue;
		*armed |= 1u << i;
		if (!w->port[i].ops->arm(&w->port[i]))
			return false;
	}
	return true;
}

static void rest(struct loop *loop)
{
	struct worker *w = loop->worker;
	bool blind = watch_ports(loop);
	uint32_t armed;

	if (arm(w, &armed) && !atomic_load(&w->quit) &&
	    !atomic_load(&loop->forget)) {
		worker_rest(w);
		add(&loop->sleeps, 1);
		wait(loop, sleep_ms(w, blind));
		worker_resume(w);
	}
	disarm(w, armed);
}

static void forget_flows(struct flow_table *table, uint8_t port)
{
	for (uint32_t i = 0; i < table->high; i++) {
		struct flow *flow = &table->entry[i];

		if (flow->state != FLOW_FREE && flow->port == port)
			flow_remove(table, flow);
	}
}

static void forget_ports(struct loop *loop, uint32_t ports)
{
	for (uint8_t i = 0; i < PORT_MAX; i++) {
		if (!(ports >> i & 1))
			continue;
		watch(loop, i, -1);
		forget_flows(loop->worker->flows, i);
	}
	atomic_fetch_and(&loop->forget, ~ports);
}

static bool has_lazy(const struct worker *w)
{
	for (int i = 0; i < PORT_MAX; i++)
		if (w->port[i].present && w->port[i].lazy)
			return true;
	return false;
}

static void turn(struct loop *loop)
{
	struct worker *w = loop->worker;
	unsigned int walks = 0, idle = 0;

	while (!atomic_load_explicit(&w->quit, memory_order_relaxed)) {
		uint64_t start = rte_rdtsc();
		uint32_t frames = worker_poll(w);
		uint32_t forget =
		    atomic_load_explicit(&loop->forget, memory_order_relaxed);

		if (unlikely(forget))
			forget_ports(loop, forget);
		if (frames > 0) {
			idle = 0;
			if (++walks % LOOP_LOOK == 0 && has_lazy(w))
				wait(loop, 0);
			add(&loop->busy_cycles, rte_rdtsc() - start);
			add(&loop->packets, frames);
			continue;
		}
		add(&loop->idle_loops, 1);
		if (++idle < LOOP_IDLE) {
			rte_pause();
			continue;
		}
		rest(loop);
		idle = 0;
	}
}

static void *run(void *arg)
{
	struct loop *loop = arg;

	pthread_setname_np(pthread_self(), "worker");
	/* an lcore number of its own: mempools keep a cache for each */
	if (rte_thread_register() < 0)
		log_warn(NULL, "the worker runs without a frame cache, slower");
	worker_attach(loop->worker);
	turn(loop);
	worker_detach(loop->worker);
	rte_thread_unregister();
	return NULL;
}

static int set_cpu(pthread_attr_t *attr, int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return 0;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return -pthread_attr_setaffinity_np(attr, sizeof(set), &set);
}

int loop_start(struct loop *loop, struct worker *w, int cpu)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = WAKE};
	pthread_attr_t attr;
	int error;

	memset(loop, 0, sizeof(*loop));
	loop->worker = w;
	loop->cpu = cpu;
	memset(loop->watched, -1, sizeof(loop->watched));
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0)
		return -errno;
	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, w->wake_fd, &event) < 0) {
		error = -errno;
		goto fail;
	}
	pthread_attr_init(&attr);
	error = set_cpu(&attr, cpu);
	if (!error)
		error = -pthread_create(&loop->thread, &attr, run, loop);
	pthread_attr_destroy(&attr);
	if (error)
		goto fail;
	loop->running = true;
	return 0;
fail:
	close(loop->epoll);
	return error;
}

void loop_wake(const struct loop *loop)
{
	uint64_t one = 1;
	ssize_t done = write(loop->worker->wake_fd, &one, sizeof(one));

	(void)done; /* full: it is awake */
}

void loop_stop(struct loop *loop)
{
	if (!loop->running)
		return;
	atomic_store(&loop->worker->quit, true);
	loop_wake(loop);
	pthread_join(loop->thread, NULL);
	loop->running = false;
	close(loop->epoll);
}

int loop_forget_port(struct loop *loop, uint8_t index)
{
	uint32_t bit = 1u << index;

	atomic_fetch_or(&loop->forget, bit);
	for (int i = 0; i < FORGET_MS; i++) {
		if (!(atomic_load(&loop->forget) & bit))
			return 0;
		loop_wake(loop);
		usleep(1000);
	}
	return -ETIMEDOUT;
}
