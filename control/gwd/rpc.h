/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON-RPC 2.0 on gwctl's socket: framing, peers and calls. What the methods
 * do is in method_*.c; docs/json-rpc.md describes it for other clients.
 */
#pragma once

#include "control/msg/exit.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * One request being answered. It is answered exactly once, with rpc_reply() or
 * rpc_fail(), at once or later from the loop; that also frees it. When its
 * client has gone meanwhile the answer goes nowhere.
 */
struct rpc_call;

/* Serve the listener (taken). Returns 0 or -errno. */
int rpc_listen(int fd);

/* Who called, by the kernel's word (SO_PEERCRED). */
uid_t rpc_uid(const struct rpc_call *call);
/* The parameters: an object, borrowed. */
json_t *rpc_params(const struct rpc_call *call);
/* A string parameter, borrowed, or NULL. */
const char *rpc_text(const struct rpc_call *call, const char *name);
/* An integer parameter, or `absent`. */
json_int_t rpc_number(
    const struct rpc_call *call, const char *name, json_int_t absent);
/* A boolean parameter; false when absent. */
bool rpc_flag(const struct rpc_call *call, const char *name);
/* The oldest descriptor that came with the connection, then the caller's;
 * -1 when there is none. */
int rpc_take_fd(struct rpc_call *call);

/* result: taken. NULL (out of memory) answers with a failure. */
void rpc_reply(struct rpc_call *call, json_t *result);
/* One sentence with the cure, and the exit code gwctl ends with. */
void rpc_fail(struct rpc_call *call, enum gw_exit code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with facts for programs; data: an object, taken, may be NULL. */
void rpc_fail_data(struct rpc_call *call, enum gw_exit code, json_t *data,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* From now on the call's connection gets what rpc_publish() sends. */
void rpc_follow(struct rpc_call *call);
/* Send a notification to all who follow. params: taken. */
void rpc_publish(const char *method, json_t *params);
