/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one table of JSON-RPC methods (method.c): what each needs and does.
 */
#pragma once

#include "control/gwd/rpc.h"

#define METHOD_PARAM_MAX 6

/* Who may call. Root is every role. */
enum method_role {
	METHOD_READ,  /* every local user: looks, changes nothing */
	METHOD_ADMIN, /* uid 0 */
};

struct method_param {
	const char *name;
	json_type type;
	bool required;
};

struct method {
	const char *name;
	enum method_role role;
	bool fd; /* one descriptor comes with the request */
	/* Answers the call now or later; must not block. */
	void (*run)(struct rpc_call *call);
	struct method_param param[METHOD_PARAM_MAX]; /* ends at no name */
};

/* Look a method up; NULL when there is none. */
const struct method *method_find(const char *name);
/* Check role and parameters, then run it; or fail the call. */
void method_run(const struct method *method, struct rpc_call *call);

/* Bodies, by subject. */
void method_version(struct rpc_call *call);
void method_status(struct rpc_call *call);
void method_reasons(struct rpc_call *call);
void method_guest_list(struct rpc_call *call);
void method_guest_show(struct rpc_call *call);
void method_guest_start(struct rpc_call *call);
void method_guest_stop(struct rpc_call *call);
void method_guest_refresh(struct rpc_call *call);
void method_guest_exec(struct rpc_call *call);
void method_guest_console(struct rpc_call *call);
void method_network_list(struct rpc_call *call);
void method_policy_load(struct rpc_call *call);
void method_policy_rollback(struct rpc_call *call);
void method_policy_show(struct rpc_call *call);
void method_policy_status(struct rpc_call *call);
void method_policy_history(struct rpc_call *call);
void method_rule_list(struct rpc_call *call);
void method_flow_list(struct rpc_call *call);
void method_stats(struct rpc_call *call);
void method_events(struct rpc_call *call);
void method_why(struct rpc_call *call);
