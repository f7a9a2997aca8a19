/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gwctl's end of the JSON-RPC socket: one line out, one line in. Called by the
 * commands; blocking, with a limit.
 */
#include "control/gwctl/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_MAX ((size_t)64 << 20) /* bytes of one line */

struct client {
	int fd;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char *text; /* received, not yet taken */
	size_t size, room;
};

static int connect_failed(const struct client *client)
{
	switch (errno) {
	case EACCES:
	case EPERM:
		return complain(GW_EXIT_NOT_PERMITTED,
		    "%s may not be opened by you: try as root", client->path);
	default:
		return complain(GW_EXIT_NO_GWD,
		    "the gateway is not running (%s: %s): start it with "
		    "`gw up`",
		    client->path, strerror(errno));
	}
}

struct client *client_open(const struct invocation *invocation, int *code)
{
	struct client *client = calloc(1, sizeof(*client));
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *folder = getenv("GW_RUN_DIR");
	int size;

	if (!client) {
		*code = complain(GW_EXIT_FAILED, "out of memory");
		return NULL;
	}
	if (invocation->socket)
		size = snprintf(client->path, sizeof(client->path), "%s",
		    invocation->socket);
	else
		size = snprintf(client->path, sizeof(client->path),
		    "%s/gwctl.sock",
		    folder && *folder ? folder : GWCTL_RUN_DIR);
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (size >= (int)sizeof(client->path)) {
		*code = complain(GW_EXIT_USAGE,
		    "the path of the socket is longer than %zu bytes",
		    sizeof(client->path) - 1);
		client_close(client);
		return NULL;
	}
	memcpy(address.sun_path, client->path, sizeof(address.sun_path));
	if (connect(client->fd, (struct sockaddr *)&address, sizeof(address)) <
	    0) {
		*code = connect_failed(client);
		client_close(client);
		return NULL;
	}
	return client;
}

void client_close(struct client *client)
{
	if (!client)
		return;
	if (client->fd >= 0)
		close(client->fd);
	free(client->text);
	free(client);
}

/* Send all of it, the descriptor with the first byte. */
static int send_all(struct client *client, const char *text, int fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {(void *)text, strlen(text)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd >= 0) {
		struct cmsghdr *cmsg;

		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}
	while (iov.iov_len) {
		ssize_t size = sendmsg(client->fd, &msg, MSG_NOSIGNAL);

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return -errno;
		iov.iov_base = (char *)iov.iov_base + size;
		iov.iov_len -= size;
		msg.msg_control = NULL;
		msg.msg_controllen = 0;
	}
	return 0;
}

int client_send(
    struct client *client, const char *method, json_t *params, int fd)
{
	json_t *request = json_pack("{s:s, s:i, s:s, s:o}", "jsonrpc", "2.0",
	    "id", 1, "method", method, "params", params);
	char *line = request ? json_dumps(request, JSON_COMPACT) : NULL;
	char *text = NULL;
	int error;

	json_decref(request);
	if (!line || asprintf(&text, "%s\n", line) < 0) {
		free(line);
		return complain(GW_EXIT_USAGE,
		    "an argument is not UTF-8 text, or memory is short");
	}
	error = send_all(client, text, fd);
	free(line);
	free(text);
	if (error)
		return complain(GW_EXIT_NO_GWD,
		    "the gateway does not listen: %s", strerror(-error));
	return 0;
}

int client_fd(const struct client *client)
{
	return client->fd;
}

bool client_has_line(const struct client *client)
{
	return client->size && memchr(client->text, '\n', client->size);
}

/* Returns 0, or -errno; -EPIPE at the end. */
static int fill(struct client *client)
{
	ssize_t size;

	if (client->room - client->size < 65536) {
		size_t room = client->room ? 2 * client->room : 131072;
		char *text =
		    room > 2 * ANSWER_MAX ? NULL : realloc(client->text, room);

		if (!text)
			return -ENOMEM;
		client->text = text;
		client->room = room;
	}
	size = read(client->fd, client->text + client->size,
	    client->room - client->size);
	if (size < 0)
		return errno == EINTR ? 0 : -errno;
	client->size += size;
	return size ? 0 : -EPIPE;
}

static json_t *take_line(struct client *client)
{
	char *end = memchr(client->text, '\n', client->size);
	size_t size = end - client->text;
	json_t *message = json_loadb(client->text, size, 0, NULL);

	client->size -= size + 1;
	memmove(client->text, end + 1, client->size);
	if (!message)
		complain(GW_EXIT_NO_GWD, "the gateway's answer is no JSON: is "
					 "that its socket?");
	return message;
}

json_t *client_receive(struct client *client, int limit_ms)
{
	struct pollfd poll_fd = {.fd = client->fd, .events = POLLIN};
	int error;

	while (!client_has_line(client)) {
		int ready = poll(&poll_fd, 1, limit_ms);

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready == 0) {
			complain(GW_EXIT_NO_GWD,
			    "the gateway does not answer "
			    "within %d s",
			    limit_ms / 1000);
			return NULL;
		}
		error = fill(client);
		if (error) {
			complain(GW_EXIT_NO_GWD,
			    "the gateway closed the connection: too many are "
			    "open, or it is restarting");
			return NULL;
		}
	}
	return take_line(client);
}

json_t *client_result(json_t *message, int *code)
{
	json_t *error = json_object_get(message, "error");
	json_t *data = json_object_get(error, "data");
	json_t *exit_code = json_object_get(data, "exit");
	json_t *result = json_object_get(message, "result");
	const char *text = json_string_value(json_object_get(error, "message"));

	if (result && !error)
		return result;
	*code = json_is_integer(exit_code) ? json_integer_value(exit_code)
					   : GW_EXIT_FAILED;
	if (!gwctl_json)
		show_diagnostics(json_object_get(data, "diagnostics"));
	complain_with(*code, json_object_get(data, "diagnostics"), "%s",
	    text ? text : "the gateway gave no reason");
	return NULL;
}

json_t *client_ask(const struct invocation *invocation, const char *method,
    json_t *params, int fd, int limit_ms, int *code)
{
	struct client *client = client_open(invocation, code);
	json_t *message, *result = NULL;

	if (!client) {
		json_decref(params);
		return NULL;
	}
	*code = client_send(client, method, params, fd);
	if (*code == 0) {
		message = client_receive(client, limit_ms);
		if (message)
			result = json_incref(client_result(message, code));
		else
			*code = GW_EXIT_NO_GWD;
		json_decref(message);
	}
	client_close(client);
	return result;
}
