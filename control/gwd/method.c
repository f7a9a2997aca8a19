/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one table of JSON-RPC methods, and what is checked before one runs:
 * the caller's role, and that the parameters are exactly those named here.
 * Called by call.c. docs/json-rpc.md says the same in prose.
 */
#include "control/gwd/method.h"

#include <string.h>

/* clang-format off */
static const struct method methods[] = {
	/* name, role, descriptor, body, parameters */
	{"version", METHOD_READ, false, method_version, {{0}}},
	{"status", METHOD_READ, false, method_status, {{0}}},
	{"reasons", METHOD_READ, false, method_reasons, {{0}}},
	{"guest.list", METHOD_READ, false, method_guest_list, {{0}}},
	{"guest.show", METHOD_READ, false, method_guest_show,
		{{"guest", JSON_STRING, true}}},
	{"guest.start", METHOD_ADMIN, false, method_guest_start,
		{{"guest", JSON_STRING, true}, {"wait", JSON_TRUE, false}}},
	{"guest.stop", METHOD_ADMIN, false, method_guest_stop,
		{{"guest", JSON_STRING, true}, {"grace_ms", JSON_INTEGER, false}}},
	{"guest.refresh", METHOD_ADMIN, false, method_guest_refresh,
		{{"guest", JSON_STRING, true}, {"wait", JSON_TRUE, false}}},
	{"guest.exec", METHOD_ADMIN, true, method_guest_exec,
		{{"guest", JSON_STRING, true}, {"command", JSON_STRING, true},
		 {"limit_ms", JSON_INTEGER, false}}},
	{"guest.console", METHOD_ADMIN, true, method_guest_console,
		{{"guest", JSON_STRING, true}}},
	{"network.list", METHOD_READ, false, method_network_list, {{0}}},
	{"policy.load", METHOD_ADMIN, true, method_policy_load,
		{{"dry_run", JSON_TRUE, false}, {"note", JSON_STRING, false},
		 {"path", JSON_STRING, false}}},
	{"policy.rollback", METHOD_ADMIN, false, method_policy_rollback,
		{{"generation", JSON_INTEGER, false}, {"note", JSON_STRING, false}}},
	{"policy.show", METHOD_READ, false, method_policy_show, {{0}}},
	{"policy.status", METHOD_READ, false, method_policy_status, {{0}}},
	{"policy.history", METHOD_READ, false, method_policy_history, {{0}}},
	{"rule.list", METHOD_READ, false, method_rule_list,
		{{"guest", JSON_STRING, false}, {"first", JSON_INTEGER, false}}},
	{"flow.list", METHOD_READ, false, method_flow_list,
		{{"guest", JSON_STRING, false}}},
	{"stats", METHOD_READ, false, method_stats,
		{{"guest", JSON_STRING, false}}},
	{"events", METHOD_READ, false, method_events,
		{{"limit", JSON_INTEGER, false}, {"follow", JSON_TRUE, false},
		 {"guest", JSON_STRING, false}}},
	{"why", METHOD_READ, false, method_why,
		{{"guest", JSON_STRING, false}, {"event", JSON_INTEGER, false}}},
};
/* clang-format on */

const struct method *method_find(const char *name)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (!strcmp(methods[i].name, name))
			return &methods[i];
	}
	return NULL;
}

static const struct method_param *find_param(
    const struct method *method, const char *name)
{
	for (size_t i = 0; i < METHOD_PARAM_MAX && method->param[i].name; i++) {
		if (!strcmp(method->param[i].name, name))
			return &method->param[i];
	}
	return NULL;
}

static bool fits(const struct method_param *param, const json_t *value)
{
	if (param->type == JSON_TRUE)
		return json_is_boolean(value);
	return json_typeof(value) == param->type;
}

static const char *type_name(json_type type)
{
	switch (type) {
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "an integer";
	default:
		return "true or false";
	}
}

/* Fails the call and returns false when the parameters are not its own. */
static bool check_params(const struct method *method, struct rpc_call *call)
{
	const struct method_param *param;
	const char *name;
	json_t *value;

	json_object_foreach (rpc_params(call), name, value) {
		param = find_param(method, name);
		if (!param) {
			rpc_fail(call, GW_EXIT_USAGE,
			    "%s has no parameter \"%.40s\"", method->name,
			    name);
			return false;
		}
		if (!fits(param, value)) {
			rpc_fail(call, GW_EXIT_USAGE, "\"%s\" of %s must be %s",
			    name, method->name, type_name(param->type));
			return false;
		}
	}
	for (size_t i = 0; i < METHOD_PARAM_MAX && method->param[i].name; i++) {
		param = &method->param[i];
		if (param->required &&
		    !json_object_get(rpc_params(call), param->name)) {
			rpc_fail(call, GW_EXIT_USAGE, "%s needs \"%s\"",
			    method->name, param->name);
			return false;
		}
	}
	return true;
}

void method_run(const struct method *method, struct rpc_call *call)
{
	if (method->role == METHOD_ADMIN && rpc_uid(call) != 0) {
		rpc_fail(call, GW_EXIT_NOT_PERMITTED,
		    "%s is for root; you are uid %u, who may look but not "
		    "change anything",
		    method->name, rpc_uid(call));
		return;
	}
	if (check_params(method, call))
		method->run(call);
}
