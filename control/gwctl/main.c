/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gwctl: the command line of the gateway. Run by people and scripts; asks gwd
 * over its socket, or a tool beside it (gw-rulec, gw-image) where no gateway
 * is needed. This file takes the command line apart; what a command is stands
 * in command.c.
 */
#include "control/gwctl/client.h"

#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool gwctl_json;
static bool is_exec; /* its own failures end with GWCTL_EXEC_FAILED */

static int exit_code(int code)
{
	return is_exec && code != GW_EXIT_USAGE ? GWCTL_EXEC_FAILED : code;
}

static int say(enum gw_exit code, const json_t *data, char *text)
{
	for (char *c = text; *c; c++) {
		if ((unsigned char)*c < 32 || *c == 127)
			*c = '?';
	}
	fflush(stdout);
	fprintf(stderr, "gwctl: %s\n", text);
	if (gwctl_json) {
		json_t *error = json_pack("{s:i, s:{s:i, s:s}}", "schema", 1,
		    "error", "exit", exit_code(code), "message", text);

		json_object_update_missing(error, (json_t *)data);
		json_dumpf(error, stdout, JSON_INDENT(2));
		printf("\n");
		json_decref(error);
	}
	return exit_code(code);
}

int complain(enum gw_exit code, const char *format, ...)
{
	char text[1200];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return say(code, NULL, text);
}

int complain_with(
    enum gw_exit code, const json_t *data, const char *format, ...)
{
	char text[1200];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return say(code, data, text);
}

void print_json(const json_t *result)
{
	json_t *all = json_pack("{s:i}", "schema", 1);

	json_object_update_missing(all, (json_t *)result);
	json_dumpf(all, stdout, JSON_INDENT(2));
	printf("\n");
	json_decref(all);
}

const char *invocation_flag(
    const struct invocation *invocation, const char *name)
{
	const struct flag *flags = invocation->command->flags;

	for (size_t i = 0; i < COMMAND_FLAG_MAX && flags[i].name; i++) {
		if (!strcmp(flags[i].name, name))
			return invocation->flag[i];
	}
	return NULL;
}

/* One parameter; '#' before its name: a number. */
static bool add_param(
    json_t *params, const char *name, const char *value, const char *what)
{
	long long number;
	char *end;

	if (*name != '#') {
		json_t *text = json_string(value);

		if (!text)
			complain(GW_EXIT_USAGE, "%s is not UTF-8 text", what);
		return text && !json_object_set_new(params, name, text);
	}
	errno = 0;
	number = strtoll(value, &end, 10);
	if (errno || end == value || *end) {
		complain(GW_EXIT_USAGE, "%s must be a number, not \"%.60s\"",
		    what, value);
		return false;
	}
	return !json_object_set_new(params, name + 1, json_integer(number));
}

json_t *invocation_params(const struct invocation *invocation)
{
	const struct command *command = invocation->command;
	json_t *params = json_object();

	if (command->param && invocation->arg_len &&
	    !add_param(
		params, command->param, invocation->args[0], command->args))
		goto fail;
	for (size_t i = 0; i < COMMAND_FLAG_MAX; i++) {
		const struct flag *flag = &command->flags[i];

		if (!flag->name || !flag->param || !invocation->flag[i])
			continue;
		if (!flag->value)
			json_object_set_new(params, flag->param, json_true());
		else if (!add_param(params, flag->param, invocation->flag[i],
			     flag->name))
			goto fail;
	}
	return params;
fail:
	json_decref(params);
	return NULL;
}

static int unknown(const char *what, const char *word, const char *const *words,
    size_t len, const char *see)
{
	const char *near = nearest(word, words, len);

	if (near)
		return complain(GW_EXIT_USAGE,
		    "unknown %s \"%.60s\": did you mean `%s`?", what, word,
		    near);
	return complain(
	    GW_EXIT_USAGE, "unknown %s \"%.60s\": see `%s`", what, word, see);
}

/* ---- taking the command line apart ---- */

static int unknown_noun(const char *word)
{
	const char *words[64];
	size_t len = 0;

	for (size_t i = 0; i < command_len && len < 64; i++)
		words[len++] = commands[i].noun;
	return unknown("command", word, words, len, "gwctl help");
}

static int unknown_verb(const char *noun, const char *word)
{
	const char *words[64];
	size_t len = 0;
	char see[64];

	for (size_t i = 0; i < command_len && len < 64; i++) {
		if (!strcmp(commands[i].noun, noun) && commands[i].verb)
			words[len++] = commands[i].verb;
	}
	snprintf(see, sizeof(see), "gwctl help %s", noun);
	if (!word || *word == '-')
		return complain(GW_EXIT_USAGE,
		    "`gwctl %s` needs a verb: see `%s`", noun, see);
	return unknown("verb", word, words, len, see);
}

static int unknown_flag(const struct command *command, const char *word)
{
	const char *words[COMMAND_FLAG_MAX + 3] = {
	    "--json", "--socket", "--help"};
	size_t len = 3;
	char see[64];

	for (size_t i = 0; i < COMMAND_FLAG_MAX; i++) {
		if (command->flags[i].name)
			words[len++] = command->flags[i].name;
	}
	snprintf(see, sizeof(see), "gwctl help%s%s%s%s",
	    *command->noun ? " " : "", command->noun, command->verb ? " " : "",
	    command->verb ? command->verb : "");
	return unknown("option", word, words, len, see);
}

/* Where an argv[] walk stands. */
struct walk {
	int argc;
	char **argv;
	int next;
	bool help;
	struct invocation *invocation;
};

/* "--name" or "--name=value"; value: set when it is there. */
static bool is_flag(const char *word, const char *name, const char **value)
{
	size_t size = strlen(name);

	*value = NULL;
	if (strncmp(word, name, size) != 0)
		return false;
	if (word[size] == '=')
		*value = word + size + 1;
	return word[size] == '=' || !word[size];
}

static int take_value(struct walk *walk, const char *name, const char **value)
{
	if (*value)
		return 0;
	if (walk->next == walk->argc)
		return complain(GW_EXIT_USAGE, "%s needs a value", name);
	*value = walk->argv[walk->next++];
	return 0;
}

/* An option that every command has. Returns -1 when it is none. */
static int take_global(struct walk *walk, const char *word)
{
	const char *value;

	if (!strcmp(word, "--json")) {
		gwctl_json = true;
		walk->invocation->json = true;
		return 0;
	}
	if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
		walk->help = true;
		return 0;
	}
	if (is_flag(word, "--socket", &value)) {
		if (take_value(walk, "--socket", &value))
			return GW_EXIT_USAGE;
		walk->invocation->socket = value;
		return 0;
	}
	return -1;
}

static int take_flag(struct walk *walk, const char *word)
{
	struct invocation *invocation = walk->invocation;
	const struct command *command = invocation->command;
	int code = take_global(walk, word);
	const char *value;

	if (code >= 0)
		return code;
	for (size_t i = 0; i < COMMAND_FLAG_MAX; i++) {
		const struct flag *flag = &command->flags[i];

		if (!flag->name || !is_flag(word, flag->name, &value))
			continue;
		if (!flag->value && value)
			return complain(
			    GW_EXIT_USAGE, "%s takes no value", flag->name);
		if (flag->value && take_value(walk, flag->name, &value))
			return GW_EXIT_USAGE;
		invocation->flag[i] = flag->value ? value : "";
		return 0;
	}
	return unknown_flag(command, word);
}

static int take_rest(struct walk *walk)
{
	struct invocation *invocation = walk->invocation;
	bool words_only = false;

	invocation->args = calloc(walk->argc + 1, sizeof(char *));
	if (!invocation->args)
		return complain(GW_EXIT_FAILED, "out of memory");
	while (walk->next < walk->argc) {
		char *word = walk->argv[walk->next++];

		if (!words_only && !strcmp(word, "--")) {
			words_only = true;
		} else if (!words_only && word[0] == '-' && word[1]) {
			if (take_flag(walk, word))
				return GW_EXIT_USAGE;
		} else {
			invocation->args[invocation->arg_len++] = word;
			/* What follows the guest is the guest's. */
			words_only |= is_exec;
		}
	}
	return 0;
}

static const struct command *find(const char *noun, const char *verb)
{
	for (size_t i = 0; i < command_len; i++) {
		if (strcmp(commands[i].noun, noun) != 0)
			continue;
		if (!commands[i].verb ||
		    (verb && !strcmp(commands[i].verb, verb)))
			return &commands[i];
	}
	return NULL;
}

static bool is_noun(const char *word)
{
	for (size_t i = 0; i < command_len; i++) {
		if (!strcmp(commands[i].noun, word))
			return true;
	}
	return false;
}

/* A command line that can't be taken apart may still want JSON. */
static void find_json(struct walk *walk)
{
	for (int i = walk->next; i < walk->argc; i++)
		gwctl_json |= !strcmp(walk->argv[i], "--json");
}

/* Options before the noun, the noun, the verb. Returns -1 to go on. */
static int take_command(struct walk *walk)
{
	const char *noun, *verb;

	while (walk->next < walk->argc && walk->argv[walk->next][0] == '-') {
		const char *word = walk->argv[walk->next++];
		const struct command none = {.noun = ""};
		int code;

		if (!strcmp(word, "--man")) {
			help_man();
			return 0;
		}
		if (!strcmp(word, "--version"))
			return version_run(walk->invocation);
		code = take_global(walk, word);
		if (code > 0)
			return code;
		if (code < 0)
			return unknown_flag(&none, word);
	}
	if (walk->next == walk->argc) {
		help_all();
		return walk->help ? 0 : GW_EXIT_USAGE;
	}
	noun = walk->argv[walk->next++];
	verb = walk->next < walk->argc ? walk->argv[walk->next] : NULL;
	if (!is_noun(noun)) {
		find_json(walk);
		return unknown_noun(noun);
	}
	walk->invocation->command = find(noun, verb);
	if (walk->invocation->command) {
		walk->next += walk->invocation->command->verb != NULL;
		return -1;
	}
	if (walk->help ||
	    (verb && (!strcmp(verb, "--help") || !strcmp(verb, "-h")))) {
		help_noun(noun);
		return 0;
	}
	find_json(walk);
	return unknown_verb(noun, verb);
}

static int ask_and_show(const struct invocation *invocation)
{
	const struct command *command = invocation->command;
	bool waits = command->who == WHO_ROOT;
	json_t *params = invocation_params(invocation), *result;
	int code;

	if (!params)
		return GW_EXIT_USAGE;
	if (invocation_flag(invocation, "--no-wait"))
		waits = false;
	else if (!strcmp(command->method, "guest.start") ||
		 !strcmp(command->method, "guest.refresh"))
		json_object_set_new(params, "wait", json_true());
	result = client_ask(invocation, command->method, params, -1,
	    waits ? CLIENT_LONG_MS : CLIENT_SHORT_MS, &code);
	if (!result)
		return code;
	if (invocation->json)
		print_json(result);
	else
		command->show(result);
	json_decref(result);
	return GW_EXIT_DONE;
}

static int run(struct walk *walk)
{
	struct invocation *invocation = walk->invocation;
	const struct command *command = invocation->command;

	if (walk->help) {
		help_command(command);
		return 0;
	}
	if (invocation->arg_len < command->arg_least ||
	    invocation->arg_len > command->arg_most)
		return complain(GW_EXIT_USAGE, "usage: gwctl %s%s%s%s%s",
		    command->noun, command->verb ? " " : "",
		    command->verb ? command->verb : "",
		    command->args ? " " : "",
		    command->args ? command->args : "");
	if (command->run)
		return command->run(invocation);
	return ask_and_show(invocation);
}

int main(int argc, char **argv)
{
	struct invocation invocation = {0};
	struct walk walk = {argc, argv, 1, false, &invocation};
	int code;

	setlocale(LC_CTYPE, "");
	code = take_command(&walk);
	if (code >= 0)
		return code;
	is_exec = invocation.command->run == guest_exec_run;
	code = take_rest(&walk);
	if (!code)
		code = run(&walk);
	free(invocation.args);
	if (fflush(stdout) || ferror(stdout))
		return GW_EXIT_FAILED;
	return code;
}
