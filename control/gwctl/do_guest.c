/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gwctl guest exec and guest console: streams between a terminal and a guest.
 * Called through the table of commands.
 *
 * Theory of operation. gwctl makes a socketpair, sends one end to gwd with the
 * request and keeps the other; gwd hands it to the guest's runner. What arrives
 * is printed as it comes: it is the guest's, so on a terminal a hostile guest
 * can print escape sequences, as any program there can. exec ends when the
 * answer is there and the stream has ended.
 */
#include "control/gwctl/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#define CONSOLE_LEAVE 0x1d /* Ctrl-] */
#define COLLECT_MAX   (16u << 20)

/* Output of a command for --json. */
struct collected {
	char *text;
	size_t size;
	bool truncated;
	int error; /* -errno: it could not be written */
};

static int write_all(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t part = write(fd, bytes, size);

		if (part < 0 && errno == EINTR)
			continue;
		if (part < 0)
			return -errno;
		bytes += part;
		size -= part;
	}
	return 0;
}

static char *join(char **words, int len)
{
	size_t size = 1;
	char *text;

	for (int i = 0; i < len; i++)
		size += strlen(words[i]) + 1;
	text = calloc(1, size);
	for (int i = 0; text && i < len; i++) {
		if (i)
			strcat(text, " ");
		strcat(text, words[i]);
	}
	return text;
}

static void collect(struct collected *out, const char *bytes, size_t size)
{
	char *text;

	if (out->size + size > COLLECT_MAX) {
		out->truncated = true;
		return;
	}
	text = realloc(out->text, out->size + size + 1);
	if (!text) {
		out->truncated = true;
		return;
	}
	memcpy(text + out->size, bytes, size);
	out->text = text;
	out->size += size;
	text[out->size] = '\0';
}

/* Take output; returns false at its end. */
static bool take_output(int fd, struct collected *out)
{
	char bytes[65536];
	ssize_t size = read(fd, bytes, sizeof(bytes));

	if (size < 0)
		return errno == EINTR || errno == EAGAIN;
	if (size == 0)
		return false;
	if (gwctl_json)
		collect(out, bytes, size);
	else
		out->error = write_all(STDOUT_FILENO, bytes, size);
	return !out->error;
}

/* Print until both the answer and the end of the output are there. */
static json_t *relay_output(
    struct client *client, int fd, struct collected *out)
{
	json_t *message = NULL;
	bool open = true, answered = false;

	while (open || !answered) {
		/* A background process may hold the stream: 1 s of grace. */
		struct pollfd polls[2] = {
		    {.fd = open ? fd : -1, .events = POLLIN},
		    {.fd = answered ? -1 : client_fd(client), .events = POLLIN},
		};
		int ready = poll(polls, 2, answered ? 1000 : -1);

		if (ready == 0)
			break;
		if (ready < 0 && errno != EINTR)
			break;
		if (ready < 0)
			continue;
		if (polls[0].revents)
			open = take_output(fd, out);
		if (out->error)
			break;
		if (polls[1].revents) {
			message = client_receive(client, CLIENT_SHORT_MS);
			answered = true;
			if (!message || json_object_get(message, "error"))
				break;
		}
	}
	return message;
}

/* Bytes that are no UTF-8 become '?'. */
static json_t *to_text(struct collected *out)
{
	json_t *text = json_stringn(out->text ? out->text : "", out->size);

	for (size_t i = 0; !text && i < out->size; i++) {
		if ((unsigned char)out->text[i] > 126 || !out->text[i])
			out->text[i] = '?';
	}
	return text ? text : json_stringn(out->text, out->size);
}

static int report(const json_t *result, struct collected *out)
{
	json_int_t code =
	    json_integer_value(json_object_get(result, "exit_code"));
	bool truncated = out->truncated ||
			 json_is_true(json_object_get(result, "truncated"));

	if (gwctl_json) {
		json_t *all = json_pack("{s:I, s:o, s:b}", "exit_code", code,
		    "output", to_text(out), "truncated", (int)truncated);

		print_json(all);
		json_decref(all);
	} else if (truncated) {
		fprintf(stderr, "gwctl: the output was longer than what is "
				"passed on, and is cut off\n");
	}
	return code & 0xff;
}

int guest_exec_run(const struct invocation *invocation)
{
	const char *limit = invocation_flag(invocation, "--limit");
	char *command = join(invocation->args + 1, invocation->arg_len - 1);
	struct collected out = {0};
	struct client *client;
	json_t *message, *result;
	long seconds = 0;
	char *end;
	int fds[2], code;

	if (limit) {
		seconds = strtol(limit, &end, 10);
		if (*end || end == limit || seconds < 0 || seconds > 1000000)
			return complain(GW_EXIT_USAGE,
			    "--limit must be a number of seconds, not "
			    "\"%.40s\"",
			    limit);
	}
	if (!command ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return complain(
		    GW_EXIT_FAILED, "no socket: %s", strerror(errno));
	client = client_open(invocation, &code);
	if (!client)
		return code;
	code = client_send(client, "guest.exec",
	    json_pack("{s:s, s:s, s:I}", "guest", invocation->args[0],
		"command", command, "limit_ms", (json_int_t)seconds * 1000),
	    fds[1]);
	free(command);
	close(fds[1]);
	if (code)
		return code;
	message = relay_output(client, fds[0], &out);
	result = message ? client_result(message, &code) : NULL;
	if (out.error)
		code = complain(GW_EXIT_FAILED,
		    "the output can't be written: %s", strerror(-out.error));
	else if (result)
		code = report(result, &out);
	else
		code = GWCTL_EXEC_FAILED;
	json_decref(message);
	free(out.text);
	close(fds[0]);
	client_close(client);
	return code;
}

/* ---- console ---- */

static bool pass_input(int fd)
{
	char bytes[1024];
	ssize_t size = read(STDIN_FILENO, bytes, sizeof(bytes));
	char *leave;

	if (size <= 0)
		return size < 0 && errno == EINTR;
	leave = memchr(bytes, CONSOLE_LEAVE, size);
	if (leave)
		size = leave - bytes;
	return write_all(fd, bytes, size) == 0 && !leave;
}

static void relay_console(int fd)
{
	struct collected none = {0};
	struct pollfd polls[2] = {
	    {.fd = fd, .events = POLLIN},
	    {.fd = STDIN_FILENO, .events = POLLIN},
	};

	while (1) {
		if (poll(polls, 2, -1) < 0 && errno != EINTR)
			return;
		if (polls[0].revents && !take_output(fd, &none))
			return;
		if (polls[1].revents && !pass_input(fd))
			return;
	}
}

int guest_console_run(const struct invocation *invocation)
{
	struct termios before, raw;
	bool terminal = isatty(STDIN_FILENO);
	json_t *result;
	int fds[2], code;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return complain(
		    GW_EXIT_FAILED, "no socket: %s", strerror(errno));
	result = client_ask(invocation, "guest.console",
	    json_pack("{s:s}", "guest", invocation->args[0]), fds[1],
	    CLIENT_SHORT_MS, &code);
	close(fds[1]);
	if (!result)
		return code;
	json_decref(result);
	gwctl_json = false;
	if (terminal) {
		fprintf(stderr, "console of %s; leave with Ctrl-]\n",
		    invocation->args[0]);
		tcgetattr(STDIN_FILENO, &before);
		raw = before;
		cfmakeraw(&raw);
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	relay_console(fds[0]);
	if (terminal) {
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
		fprintf(stderr, "\n");
	}
	close(fds[0]);
	return GW_EXIT_DONE;
}
