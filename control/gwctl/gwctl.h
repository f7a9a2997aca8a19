/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a gwctl command is and what it is given. The one table of commands is
 * command.c; help, man page and completion are made from it.
 */
#pragma once

#include "control/gwctl/nearest.h"
#include "control/msg/exit.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define COMMAND_FLAG_MAX    6
#define COMMAND_EXAMPLE_MAX 3
#define GWCTL_EXEC_FAILED   125 /* `guest exec`: gwctl's own failures */

/* The default socket; GW_RUN_DIR moves its folder, --socket names it. */
#define GWCTL_RUN_DIR	"/run/guest-gateway"
#define GWCTL_STATE_DIR "/var/lib/guest-gateway"
#define GWCTL_LIBEXEC	"/usr/libexec/guest-gateway"

struct flag {
	const char *name;  /* "--note" */
	const char *value; /* "TEXT", or NULL: it takes none */
	const char *help;
	/* JSON-RPC parameter it becomes: a string, an integer when the name
	 * begins with '#', true when it has no value; NULL: none. */
	const char *param;
};

struct command;

/* One command line, taken apart. */
struct invocation {
	const struct command *command;
	char **args; /* borrowed from argv */
	int arg_len;
	const char *flag[COMMAND_FLAG_MAX]; /* value, "" when it has none */
	bool json;
	const char *socket; /* NULL: the default */
};

enum command_who { WHO_EVERYBODY, WHO_ROOT };

struct command {
	const char *noun, *verb; /* verb NULL: there is none */
	const char *args;	 /* "GUEST [FLOW...]" */
	int arg_least, arg_most;
	const char *summary; /* a sentence without full stop */
	/* What it asks of gwd; NULL: needs no gwd. */
	const char *method;
	enum command_who who;
	const char *param; /* args[0] as a JSON-RPC parameter, or NULL */
	/* Returns the exit code. NULL: ask `method`, show the result. */
	int (*run)(const struct invocation *invocation);
	/* Show a result for people. */
	void (*show)(const json_t *result);
	struct flag flags[COMMAND_FLAG_MAX]; /* ends at no name */
	const char *details;		     /* paragraphs, or NULL */
	const char *examples[COMMAND_EXAMPLE_MAX];
};

extern const struct command commands[];
extern const size_t command_len;

/* Value of a flag ("" when it takes none), NULL when it was not given. */
const char *invocation_flag(
    const struct invocation *invocation, const char *name);
/* The parameters that args[0] and the flags stand for: a new object. A value
 * that is no number where one is due: NULL, after an error message. */
json_t *invocation_params(const struct invocation *invocation);

/* `gwctl: sentence` on stderr; returns code. With --json the error is also an
 * object on stdout. */
int complain(enum gw_exit code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same; with --json the object has all of `data` (or NULL) too. */
int complain_with(enum gw_exit code, const json_t *data, const char *format,
    ...) __attribute__((format(printf, 3, 4)));
/* Set by main(): what complain() and output heed. */
extern bool gwctl_json;

/* Print a result as JSON with "schema". */
void print_json(const json_t *result);

/* help.c */
int help_run(const struct invocation *invocation);
void help_all(void);
void help_noun(const char *noun);
void help_command(const struct command *command);
void help_man(void);
int completion_run(const struct invocation *invocation);

/* do_*.c */
int policy_tool_run(const struct invocation *invocation);
int policy_load_run(const struct invocation *invocation);
int policy_status_run(const struct invocation *invocation);
int guest_exec_run(const struct invocation *invocation);
int guest_console_run(const struct invocation *invocation);
int image_build_run(const struct invocation *invocation);
int image_list_run(const struct invocation *invocation);
int image_verify_run(const struct invocation *invocation);
int events_run(const struct invocation *invocation);
int rule_list_run(const struct invocation *invocation);
int network_show_run(const struct invocation *invocation);
int why_run(const struct invocation *invocation);
int version_run(const struct invocation *invocation);

/* show_*.c */
void show_status(const json_t *result);
void show_why(const json_t *result);
void show_events(const json_t *result);
void show_event(const json_t *event);
void show_reasons(const json_t *result);
void show_guests(const json_t *result);
void show_guest(const json_t *result);
void show_guest_done(const json_t *result);
void show_networks(const json_t *result);
void show_network(const json_t *network);
void show_flows(const json_t *result);
void show_stats(const json_t *result);
void show_rules(const json_t *result);
void show_policy(const json_t *result);
void show_history(const json_t *result);
void show_loaded(const json_t *result);
void show_diagnostics(const json_t *diagnostics);
