/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Help, man page and completion, all made from the table of commands. Called by
 * main.c.
 */
#include "control/gwctl/gwctl.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name, *text;
	int code;
} exits[] = {
#define X(name, code, text) {#name, text, code},
    GW_EXITS(X)
#undef X
};
#define EXIT_LEN (sizeof(exits) / sizeof(exits[0]))

#define FLAG_WIDTH 20

static void print_name(const struct command *command)
{
	printf("%s%s%s%s%s", command->noun, command->verb ? " " : "",
	    command->verb ? command->verb : "", command->args ? " " : "",
	    command->args ? command->args : "");
}

/* Words of a paragraph within 80 columns, `indent` blanks before each line. */
static void print_wrapped(const char *text, int indent)
{
	int column = printf("%*s", indent, "");

	while (*text) {
		int size = strcspn(text, " ");

		if (column > indent && column + 1 + size > 79)
			column = printf("\n%*s", indent, "") - 1;
		else if (column > indent)
			column += printf(" ");
		column += printf("%.*s", size, text);
		text += size;
		text += strspn(text, " ");
	}
	printf("\n");
}

static void print_flag(const char *name, const char *value, const char *help)
{
	int width =
	    printf("  %s%s%s", name, value ? " " : "", value ? value : "");

	if (width > FLAG_WIDTH)
		width = printf("\n") - 1;
	printf("%*s%s\n", FLAG_WIDTH + 2 - width, "", help);
}

void help_all(void)
{
	printf("usage: gwctl NOUN [VERB] [ARGUMENT...] [OPTION...]\n");
	for (size_t i = 0; i < command_len; i++) {
		if (!i || strcmp(commands[i].noun, commands[i - 1].noun) != 0)
			printf("\n");
		printf("  ");
		print_name(&commands[i]);
		printf("\n");
		print_wrapped(commands[i].summary, 6);
	}
	printf("\nEvery command takes:\n");
	print_flag("--json", NULL, "answer as JSON, with \"schema\": 1");
	print_flag(
	    "--socket", "PATH", "gwd's socket (" GWCTL_RUN_DIR "/gwctl.sock)");
	print_flag("--help", NULL, "about the command");
	printf("\ngwctl help NOUN, gwctl help NOUN VERB, gwctl help "
	       "exit-codes\n");
}

void help_noun(const char *noun)
{
	for (size_t i = 0; i < command_len; i++) {
		if (strcmp(commands[i].noun, noun) != 0)
			continue;
		printf("gwctl ");
		print_name(&commands[i]);
		printf("\n");
		print_wrapped(commands[i].summary, 6);
	}
}

static const char *needs(const struct command *command)
{
	if (command->who == WHO_ROOT)
		return command->method
			   ? "Needs root and a running gateway."
			   : "Needs root; the gateway need not run.";
	return command->method ? "Needs a running gateway; every user may ask."
			       : "Needs neither root nor a running gateway.";
}

void help_command(const struct command *command)
{
	printf("usage: gwctl ");
	print_name(command);
	printf(" [OPTION...]\n\n");
	print_wrapped(command->summary, 2);
	if (command->details)
		print_wrapped(command->details, 2);
	print_wrapped(needs(command), 2);
	printf("\n");
	for (size_t i = 0; i < COMMAND_FLAG_MAX; i++) {
		const struct flag *flag = &command->flags[i];

		if (flag->name)
			print_flag(flag->name, flag->value, flag->help);
	}
	print_flag("--json", NULL, "answer as JSON, with \"schema\": 1");
	if (command->method)
		print_flag("--socket", "PATH", "gwd's socket");
	for (size_t i = 0; i < COMMAND_EXAMPLE_MAX; i++) {
		if (command->examples[i])
			printf("%s  %s\n", i ? "" : "\nExamples:\n",
			    command->examples[i]);
	}
}

static void help_exit_codes(void)
{
	for (size_t i = 0; i < EXIT_LEN; i++)
		printf("%4d  %s\n", exits[i].code, exits[i].text);
	printf("\n`guest exec` ends with the exit code of the command in the "
	       "guest; with %d\nwhen gwctl or the gateway failed.\n",
	    GWCTL_EXEC_FAILED);
}

int help_run(const struct invocation *invocation)
{
	const char *noun = invocation->arg_len ? invocation->args[0] : NULL;
	const char *verb = invocation->arg_len > 1 ? invocation->args[1] : NULL;
	const char *words[64];
	const char *near;
	size_t len = 0;
	bool known = false;

	if (!noun) {
		help_all();
		return 0;
	}
	if (!strcmp(noun, "exit-codes")) {
		help_exit_codes();
		return 0;
	}
	for (size_t i = 0; i < command_len && len < 64; i++) {
		const struct command *command = &commands[i];

		words[len++] = command->noun;
		if (strcmp(command->noun, noun) != 0)
			continue;
		known = true;
		if (!command->verb || (verb && !strcmp(command->verb, verb))) {
			help_command(command);
			return 0;
		}
	}
	if (known && !verb) {
		help_noun(noun);
		return 0;
	}
	near = nearest(noun, words, len);
	return complain(GW_EXIT_USAGE, "no help for \"%.60s%s%.60s\"%s%s%s",
	    noun, verb ? " " : "", verb ? verb : "",
	    near && !known ? ": did you mean `" : ": see `gwctl help",
	    near && !known ? near : "", "`");
}

/* ---- man page ---- */

/* Text for roff: '-', '\' and a leading '.' or ''' escaped, `x` bold. */
static void print_roff(const char *text)
{
	bool bold = false;

	for (const char *c = text; *c; c++) {
		if (*c == '`') {
			bold = !bold;
			printf(bold ? "\\fB" : "\\fR");
		} else if (*c == '-') {
			printf("\\-");
		} else if (*c == '\\') {
			printf("\\e");
		} else if ((*c == '.' || *c == '\'') && c == text) {
			printf("\\&%c", *c);
		} else {
			putchar(*c);
		}
	}
	printf("\n");
}

static void print_man_command(const struct command *command)
{
	printf(".TP\n.B gwctl %s%s%s\n", command->noun,
	    command->verb ? " " : "", command->verb ? command->verb : "");
	if (command->args) {
		printf(".I ");
		print_roff(command->args);
	}
	printf(".br\n");
	print_roff(command->summary);
	if (command->details) {
		printf(".IP\n");
		print_roff(command->details);
	}
	printf(".IP\n");
	print_roff(needs(command));
	for (size_t i = 0; i < COMMAND_FLAG_MAX; i++) {
		const struct flag *flag = &command->flags[i];

		if (!flag->name)
			continue;
		printf(".RS\n.TP\n.B ");
		print_roff(flag->name);
		if (flag->value)
			printf(".I %s\n", flag->value);
		printf(".br\n");
		print_roff(flag->help);
		printf(".RE\n");
	}
	if (command->examples[0])
		printf(".IP\nExamples:\n");
	for (size_t i = 0; i < COMMAND_EXAMPLE_MAX; i++) {
		if (!command->examples[i])
			continue;
		printf(".br\n");
		print_roff(command->examples[i]);
	}
}

void help_man(void)
{
	printf(".\\\" Made by `gwctl --man` from control/gwctl/command.c.\n"
	       ".TH GWCTL 8 \"\" \"guest gateway %s\"\n"
	       ".SH NAME\ngwctl \\- rules, guests and evidence of the guest "
	       "gateway\n"
	       ".SH SYNOPSIS\n.B gwctl\n.I NOUN\n[\\fIVERB\\fR] "
	       "[\\fIARGUMENT\\fR...] [\\fIOPTION\\fR...]\n"
	       ".SH DESCRIPTION\n"
	       "gwctl asks gwd over its Unix socket. The kernel tells gwd who "
	       "asks: root may do\neverything, other users may look.\n"
	       ".SH OPTIONS OF EVERY COMMAND\n"
	       ".TP\n.B \\-\\-json\nanswer as one JSON object with "
	       "\"schema\": 1; errors too, on stdout. policy fmt,\n"
	       "completion and help print their text all the same\n"
	       ".TP\n.B \\-\\-socket \\fIPATH\\fR\n"
	       "gwd's socket; else gwctl.sock in GW_RUN_DIR, else in\n"
	       ".I " GWCTL_RUN_DIR "\n"
	       ".TP\n.B \\-\\-help\nabout the command\n"
	       ".SH COMMANDS\n",
	    GW_VERSION);
	for (size_t i = 0; i < command_len; i++)
		print_man_command(&commands[i]);
	printf(".SH EXIT STATUS\n");
	for (size_t i = 0; i < EXIT_LEN; i++) {
		printf(".TP\n.B %d\n", exits[i].code);
		print_roff(exits[i].text);
	}
	printf(".PP\n`guest exec` ends with the exit code of the command in "
	       "the guest, and with %d\nwhen gwctl or the gateway failed.\n",
	    GWCTL_EXEC_FAILED);
	printf(".SH ENVIRONMENT\n.TP\n.B GW_RUN_DIR\nthe folder of gwd's "
	       "socket\n.TP\n.B GW_STATE_DIR\nthe state folder of the image "
	       "commands\n.TP\n.B NO_COLOR\nno colour, also on a terminal\n"
	       ".SH FILES\n.I " GWCTL_RUN_DIR "/gwctl.sock\n.br\n"
	       ".I " GWCTL_STATE_DIR "\n");
}

/* ---- completion ---- */

static void print_words(const char *noun)
{
	for (size_t i = 0; i < command_len; i++) {
		if (!noun &&
		    (!i || strcmp(commands[i].noun, commands[i - 1].noun) != 0))
			printf("%s ", commands[i].noun);
		if (noun && !strcmp(commands[i].noun, noun) && commands[i].verb)
			printf("%s ", commands[i].verb);
	}
}

static void print_case(const struct command *command)
{
	printf("\t\"%s%s%s\")\n\t\twords=\"--json --socket --help",
	    command->noun, command->verb ? " " : "",
	    command->verb ? command->verb : "");
	for (size_t i = 0; i < COMMAND_FLAG_MAX; i++) {
		if (command->flags[i].name)
			printf(" %s", command->flags[i].name);
	}
	printf("\"\n");
	if (command->args && strstr(command->args, "GUEST"))
		printf("\t\twords+=\" $(_gwctl_names guest)\"\n");
	if (command->args && !strcmp(command->args, "NETWORK"))
		printf("\t\twords+=\" $(_gwctl_names network)\"\n");
	if (command->args && strstr(command->args, "FILE"))
		printf("\t\twords+=\" $(compgen -f -- \"$word\")\"\n");
	printf("\t\t;;\n");
}

int completion_run(const struct invocation *invocation)
{
	if (strcmp(invocation->args[0], "bash") != 0)
		return complain(GW_EXIT_USAGE,
		    "completion is made for bash only, not \"%.60s\"",
		    invocation->args[0]);
	printf(
	    "# bash completion for gwctl; made by `gwctl completion bash`\n"
	    "_gwctl_names() {\n"
	    "\tgwctl \"$1\" list 2>/dev/null | sed -n '1d;/^$/q;s/ .*//p'\n}\n"
	    "_gwctl() {\n"
	    "\tlocal word=${COMP_WORDS[COMP_CWORD]}\n"
	    "\tlocal noun=${COMP_WORDS[1]} verb=${COMP_WORDS[2]} words\n"
	    "\tif [ \"$COMP_CWORD\" = 1 ]; then\n\t\twords=\"");
	print_words(NULL);
	printf("\"\n\telse\n\tcase $noun in\n");
	for (size_t i = 0; i < command_len; i++) {
		if (commands[i].verb &&
		    (!i ||
			strcmp(commands[i].noun, commands[i - 1].noun) != 0)) {
			printf("\t%s) [ \"$COMP_CWORD\" = 2 ] && words=\"",
			    commands[i].noun);
			print_words(commands[i].noun);
			printf("\";;\n");
		}
	}
	printf("\tesac\n\tif [ -z \"$words\" ]; then\n"
	       "\tcase \"$noun${verb:+ $verb}\" in\n");
	for (size_t i = 0; i < command_len; i++) {
		if (commands[i].verb)
			print_case(&commands[i]);
	}
	printf("\tesac\n\tcase $noun in\n");
	for (size_t i = 0; i < command_len; i++) {
		if (!commands[i].verb)
			print_case(&commands[i]);
	}
	printf("\tesac\n\tfi\n\tfi\n"
	       "\tcase ${COMP_WORDS[COMP_CWORD - 1]} in\n"
	       "\t--guest) words=$(_gwctl_names guest) ;;\n"
	       "\t--policy | --key) words=$(compgen -f -- \"$word\") ;;\n"
	       "\t--out | --state-dir) words=$(compgen -d -- \"$word\") ;;\n"
	       "\tesac\n"
	       "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n}\n"
	       "complete -F _gwctl gwctl\n");
	return 0;
}

int version_run(const struct invocation *invocation)
{
	json_t *result = json_pack("{s:s}", "version", GW_VERSION);

	if (gwctl_json)
		print_json(result);
	else
		printf("gwctl %s\n", GW_VERSION);
	json_decref(result);
	return 0;
}
