/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gw-agent: the gateway's program inside a guest. Started and respawned by the
 * guest's init; one thread, one poll loop. Says hello, beats each second and
 * runs commands for the host (agent/frame.h). Nothing on the host trusts it.
 *
 * Theory of operation. The port is opened by its name in sysfs. A command is
 * a child in a session of its own, its output one pipe, read only while the
 * host's window for it is open. When the shell has ended, what is in the pipe
 * is sent, then EXIT; processes it left in the background live on without the
 * pipe. When the host's end is away, writes wait; a frame that makes no sense
 * ends the program, and init starts a fresh one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guest-runner/agent/frame.h"

#define PORTS_DIR    "/sys/class/virtio-ports"
#define RETRY_MS     200
#define EXIT_UNKNOWN 255

struct command {
	bool used;
	bool ended;  /* the shell has */
	bool silent; /* closed its output, still runs */
	uint16_t id;
	pid_t pid;
	int pipe;
	uint32_t window;
	int exit_code;
};

static struct command commands[FRAME_EXEC_MAX];
static struct frame_reader reader = {.from = FRAME_FROM_HOST};
static int port = -1;

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void nap(void)
{
	poll(NULL, 0, RETRY_MS);
}

/* Whole frames only: a frame once begun is finished, however long it takes. */
static void send_frame(
    enum frame_type type, uint16_t id, const void *body, size_t size)
{
	uint8_t out[FRAME_SIZE_MAX];
	size_t left = frame_write(out, type, id, body, size);
	const uint8_t *at = out;

	while (left > 0) {
		ssize_t n = write(port, at, left);

		if (n > 0) {
			at += n;
			left -= (size_t)n;
		} else if (n == 0 || errno == EAGAIN || errno == EINTR) {
			struct pollfd p = {.fd = port, .events = POLLOUT};

			poll(&p, 1, RETRY_MS);
			if (p.revents & POLLHUP)
				nap();
		} else {
			exit(EXIT_FAILURE);
		}
	}
}

static void say_hello(void)
{
	static const char magic[FRAME_MAGIC_SIZE] = FRAME_MAGIC;
	static uint32_t instance;
	uint8_t body[FRAME_HELLO_FIXED + FRAME_RELEASE_MAX];
	struct utsname u;
	size_t size;

	while (instance == 0 &&
	       getrandom(&instance, sizeof(instance), GRND_NONBLOCK) < 0)
		instance = (uint32_t)now_ms(); /* early at boot */
	uname(&u);
	size = strnlen(u.release, FRAME_RELEASE_MAX);
	memcpy(body, magic, sizeof(magic));
	frame_put_u32(body + FRAME_MAGIC_SIZE, instance);
	memcpy(body + FRAME_HELLO_FIXED, u.release, size);
	send_frame(FRAME_HELLO, 0, body, FRAME_HELLO_FIXED + size);
}

static void say_beat(void)
{
	static uint64_t serial;
	uint8_t body[8];

	serial++;
	frame_put_u32(body, (uint32_t)serial);
	frame_put_u32(body + 4, (uint32_t)(serial >> 32));
	send_frame(FRAME_BEAT, 0, body, sizeof(body));
}

static void say_exit(uint16_t id, int error, int exit_code)
{
	uint8_t body[8];

	frame_put_u32(body, (uint32_t)error);
	frame_put_u32(body + 4, (uint32_t)exit_code);
	send_frame(FRAME_EXIT, id, body, sizeof(body));
}

static struct command *find(uint16_t id)
{
	for (int i = 0; i < FRAME_EXEC_MAX; i++)
		if (commands[i].used && commands[i].id == id)
			return &commands[i];
	return NULL;
}

static struct command *find_free(void)
{
	for (int i = 0; i < FRAME_EXEC_MAX; i++)
		if (!commands[i].used)
			return &commands[i];
	return NULL;
}

/* In the child: never returns. */
static void become_shell(int output, char *text)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setsid();
	close(0);
	if (open("/dev/null", O_RDONLY) != 0)
		_exit(EXIT_UNKNOWN);
	dup2(output, 1);
	dup2(output, 2);
	execl("/bin/sh", "sh", "-c", text, (char *)NULL);
	_exit(127);
}

static void run_command(const struct frame *f)
{
	struct command *c = find(f->id) == NULL ? find_free() : NULL;
	char text[FRAME_COMMAND_MAX + 1];
	int ends[2];

	if (c == NULL || pipe2(ends, O_CLOEXEC) != 0) {
		say_exit(f->id, -EBUSY, 0);
		return;
	}
	memcpy(text, f->body + 4, f->size - 4);
	text[f->size - 4] = '\0';
	*c = (struct command) {.used = true,
	    .id = f->id,
	    .pipe = ends[0],
	    .window = frame_get_u32(f->body)};
	c->pid = fork();
	if (c->pid == 0)
		become_shell(ends[1], text);
	close(ends[1]);
	if (c->pid < 0) {
		close(ends[0]);
		c->used = false;
		say_exit(f->id, -EAGAIN, 0);
		return;
	}
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
}

static void finish(struct command *c)
{
	close(c->pipe);
	c->used = false;
	say_exit(c->id, 0, c->exit_code);
}

/* Send what the pipe holds, as far as the window allows. */
static void drain(struct command *c)
{
	uint8_t bytes[FRAME_OUTPUT_MAX];

	while (c->window > 0) {
		size_t size =
		    sizeof(bytes) < c->window ? sizeof(bytes) : c->window;
		ssize_t n = read(c->pipe, bytes, size);

		if (n <= 0) {
			if (c->ended)
				finish(c);
			else if (n == 0)
				c->silent = true;
			return;
		}
		c->window -= (uint32_t)n;
		send_frame(FRAME_OUTPUT, c->id, bytes, (size_t)n);
	}
}

static void reap(int signals)
{
	struct signalfd_siginfo info;
	pid_t pid;
	int status;

	while (read(signals, &info, sizeof(info)) > 0)
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (int i = 0; i < FRAME_EXEC_MAX; i++) {
			struct command *c = &commands[i];

			if (!c->used || c->ended || c->pid != pid)
				continue;
			c->ended = true;
			c->exit_code = WIFSIGNALED(status)
					   ? 128 + WTERMSIG(status)
					   : WEXITSTATUS(status);
			drain(c);
		}
	}
}

static void take(const struct frame *f)
{
	struct command *c = find(f->id);

	switch (f->type) {
	case FRAME_HELLO:
		say_hello();
		break;
	case FRAME_EXEC:
		run_command(f);
		break;
	case FRAME_GRANT:
		if (c != NULL) {
			c->window += frame_get_u32(f->body);
			if (c->ended)
				drain(c);
		}
		break;
	case FRAME_KILL:
		if (c != NULL && !c->ended)
			kill(-c->pid, SIGKILL);
		break;
	}
}

static void listen_to_host(void)
{
	struct frame f;
	size_t size;
	uint8_t *room = frame_room(&reader, &size);
	ssize_t n = read(port, room, size);
	int more;

	if (n <= 0) { /* 0: the host's end is away */
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			exit(EXIT_FAILURE);
		nap();
		return;
	}
	frame_added(&reader, (size_t)n);
	while ((more = frame_next(&reader, &f)) == 1)
		take(&f);
	if (more < 0)
		exit(EXIT_FAILURE);
}

/* The port's device by its name, or -1. */
static int open_port(void)
{
	char path[300], name[64];
	struct dirent *entry;
	int fd = -1;
	DIR *dir = opendir(PORTS_DIR);

	while (fd < 0 && dir != NULL && (entry = readdir(dir)) != NULL) {
		FILE *file;

		snprintf(path, sizeof(path), PORTS_DIR "/%.200s/name",
		    entry->d_name);
		file = fopen(path, "re");
		if (file == NULL)
			continue;
		if (fgets(name, sizeof(name), file) != NULL &&
		    strcmp(name, FRAME_PORT_NAME "\n") == 0) {
			snprintf(
			    path, sizeof(path), "/dev/%.200s", entry->d_name);
			fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		}
		fclose(file);
	}
	if (dir != NULL)
		closedir(dir);
	return fd;
}

static int watch_children(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static void serve(int signals, uint64_t beat_at)
{
	struct pollfd p[2 + FRAME_EXEC_MAX];
	uint64_t now = now_ms();

	p[0] = (struct pollfd) {.fd = port, .events = POLLIN};
	p[1] = (struct pollfd) {.fd = signals, .events = POLLIN};
	for (int i = 0; i < FRAME_EXEC_MAX; i++) {
		struct command *c = &commands[i];
		bool open = c->used && !c->ended && !c->silent && c->window > 0;

		p[2 + i] = (struct pollfd) {
		    .fd = open ? c->pipe : -1, .events = POLLIN};
	}
	poll(p, 2 + FRAME_EXEC_MAX, beat_at > now ? (int)(beat_at - now) : 0);
	for (int i = 0; i < FRAME_EXEC_MAX; i++)
		if (p[2 + i].revents != 0)
			drain(&commands[i]);
	if (p[1].revents != 0)
		reap(signals);
	if (p[0].revents != 0)
		listen_to_host();
}

int main(void)
{
	int signals = watch_children();
	uint64_t beat_at;

	while ((port = open_port()) < 0)
		nap();
	say_hello();
	for (beat_at = now_ms();;) {
		if (now_ms() >= beat_at) {
			say_beat();
			beat_at = now_ms() + FRAME_BEAT_MS;
		}
		serve(signals, beat_at);
	}
}
