/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests and answers of JSON-RPC 2.0: one line in, a call, one line out.
 * Called by rpc.c with each line and by the methods with their answers, in
 * gwd's loop.
 *
 * Theory of operation. A call lives until it is answered, also when its client
 * goes first (client becomes NULL): what it started runs to its end. Batches
 * are refused and notifications (requests without an id) are not run: nobody
 * would learn that they failed.
 */
#include "control/gwd/method.h"
#include "control/gwd/rpc_priv.h"
#include "control/msg/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* JSON-RPC 2.0, section 5.1. */
#define CODE_PARSE   (-32700)
#define CODE_REQUEST (-32600)
#define CODE_METHOD  (-32601)
#define CODE_PARAMS  (-32602) /* every GW_EXIT_USAGE of a method */
#define CODE_OWN     (-32000) /* minus the exit code */

static void send_error(struct rpc_client *client, json_t *id, int code,
    enum gw_exit exit_code, json_t *data, const char *text)
{
	json_t *message;

	if (!data)
		data = json_object();
	json_object_set_new(data, "exit", json_integer(exit_code));
	message = json_pack("{s:s, s:O, s:{s:i, s:s, s:o}}", "jsonrpc", "2.0",
	    "id", id, "error", "code", code, "message", text, "data", data);
	if (message)
		rpc_send(client, message);
	json_decref(message);
}

static void end(struct rpc_call *call)
{
	if (call->client) {
		TAILQ_REMOVE(&call->client->calls, call, link);
		call->client->call_len--;
		rpc_kick(call->client);
	}
	if (call->fd >= 0)
		close(call->fd);
	json_decref(call->id);
	json_decref(call->params);
	free(call);
}

uid_t rpc_uid(const struct rpc_call *call)
{
	return call->uid;
}

json_t *rpc_params(const struct rpc_call *call)
{
	return call->params;
}

const char *rpc_text(const struct rpc_call *call, const char *name)
{
	return json_string_value(json_object_get(call->params, name));
}

json_int_t rpc_number(
    const struct rpc_call *call, const char *name, json_int_t absent)
{
	json_t *value = json_object_get(call->params, name);

	return value ? json_integer_value(value) : absent;
}

bool rpc_flag(const struct rpc_call *call, const char *name)
{
	return json_is_true(json_object_get(call->params, name));
}

int rpc_take_fd(struct rpc_call *call)
{
	int fd = call->fd;

	call->fd = -1;
	return fd;
}

void rpc_reply(struct rpc_call *call, json_t *result)
{
	json_t *message;

	if (!result) {
		rpc_fail(call, GW_EXIT_FAILED, "gwd is out of memory");
		return;
	}
	json_object_set_new(result, "schema", json_integer(1));
	message = json_pack("{s:s, s:O, s:o}", "jsonrpc", "2.0", "id", call->id,
	    "result", result);
	if (message && call->client)
		rpc_send(call->client, message);
	json_decref(message);
	end(call);
}

static void fail(struct rpc_call *call, enum gw_exit code, json_t *data,
    const char *format, va_list args)
{
	char text[1024];

	vsnprintf(text, sizeof(text), format, args);
	if (call->client)
		send_error(call->client, call->id,
		    code == GW_EXIT_USAGE ? CODE_PARAMS : CODE_OWN - (int)code,
		    code, data, text);
	else
		json_decref(data);
	end(call);
}

void rpc_fail(struct rpc_call *call, enum gw_exit code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail(call, code, NULL, format, args);
	va_end(args);
}

void rpc_fail_data(struct rpc_call *call, enum gw_exit code, json_t *data,
    const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail(call, code, data, format, args);
	va_end(args);
}

void rpc_follow(struct rpc_call *call)
{
	if (call->client)
		call->client->follows = true;
}

void rpc_orphan_calls(struct rpc_client *client)
{
	struct rpc_call *call;

	while ((call = TAILQ_FIRST(&client->calls))) {
		TAILQ_REMOVE(&client->calls, call, link);
		call->client = NULL;
	}
}

static bool is_id(const json_t *id)
{
	return json_is_string(id) || json_is_integer(id);
}

/* Which rule of JSON-RPC or of ours the request breaks; NULL: none. */
static const char *objection(const json_t *request, int *code)
{
	const char *version =
	    json_string_value(json_object_get(request, "jsonrpc"));
	const json_t *params = json_object_get(request, "params");

	*code = CODE_REQUEST;
	if (json_is_array(request))
		return "batches are not served: send one request a line";
	if (!json_is_object(request))
		return "a request is an object";
	if (!version || strcmp(version, "2.0") != 0)
		return "\"jsonrpc\" must be \"2.0\"";
	if (!json_is_string(json_object_get(request, "method")))
		return "\"method\" must be a string";
	if (!is_id(json_object_get(request, "id")))
		return "\"id\" must be a string or an integer";
	*code = CODE_PARAMS;
	if (params && !json_is_object(params))
		return "\"params\" must be an object";
	*code = CODE_METHOD;
	if (!method_find(json_string_value(json_object_get(request, "method"))))
		return "no such method: see docs/json-rpc.md";
	return NULL;
}

static struct rpc_call *begin(struct rpc_client *client, json_t *request)
{
	struct rpc_call *call = calloc(1, sizeof(*call));
	json_t *params = json_object_get(request, "params");

	if (!call)
		return NULL;
	call->client = client;
	call->uid = client->uid;
	call->fd = -1;
	call->id = json_incref(json_object_get(request, "id"));
	call->params = params ? json_incref(params) : json_object();
	TAILQ_INSERT_TAIL(&client->calls, call, link);
	client->call_len++;
	return call;
}

static void take_oldest_fd(struct rpc_client *client, struct rpc_call *call)
{
	if (!client->waiting_len)
		return;
	call->fd = client->waiting[0];
	client->waiting_len--;
	memmove(client->waiting, client->waiting + 1,
	    client->waiting_len * sizeof(client->waiting[0]));
}

static void run(struct rpc_client *client, json_t *request)
{
	const struct method *method;
	struct rpc_call *call;

	if (client->call_len >= RPC_CALL_MAX) {
		send_error(client, json_object_get(request, "id"), CODE_OWN,
		    GW_EXIT_FAILED, NULL,
		    "too many unanswered requests on one connection");
		return;
	}
	call = begin(client, request);
	if (!call) {
		log_error("rpc", "no memory for a call");
		return;
	}
	method =
	    method_find(json_string_value(json_object_get(request, "method")));
	call->method = method->name;
	if (method->fd)
		take_oldest_fd(client, call);
	method_run(method, call);
}

void rpc_request(struct rpc_client *client, const char *line, size_t size)
{
	json_error_t error;
	json_t *request = json_loadb(
	    line, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	json_t *id = json_object_get(request, "id");
	const char *why;
	int code;

	if (!request) {
		send_error(client, json_null(), CODE_PARSE, GW_EXIT_USAGE, NULL,
		    "a request must be one line of JSON");
		return;
	}
	why = objection(request, &code);
	if (why)
		send_error(client, is_id(id) ? id : json_null(), code,
		    GW_EXIT_USAGE, NULL, why);
	else
		run(client, request);
	json_decref(request);
}
