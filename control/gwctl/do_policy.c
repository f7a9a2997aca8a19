/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gwctl policy check, fmt, explain, test (gw-rulec beside gwctl, no gateway)
 * and policy load, status. Called through the table of commands.
 */
#include "control/gwctl/client.h"
#include "control/gwctl/table.h"
#include "control/gwctl/tool.h"
#include "rules/lang/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define RULEC_TOOL "../../rules/lang/gw-rulec"

/* The file of --policy, or of FILE; NULL after an error message. */
static const char *policy_path(
    const struct invocation *invocation, const char *given)
{
	const char *flag = invocation_flag(invocation, "--policy");

	if (flag && given)
		complain(GW_EXIT_USAGE, "give the policy once: FILE or "
					"--policy FILE");
	else if (!flag && !given)
		complain(GW_EXIT_USAGE,
		    "which policy? `gwctl policy %s --policy FILE`",
		    invocation->command->verb);
	else
		return flag ? flag : given;
	return NULL;
}

/* What gw-rulec calls a verb of ours. */
static const char *mode_of(const char *verb)
{
	static const char *const modes[][2] = {
	    {"check", "--check"},
	    {"fmt", "--print"},
	    {"test", "--test"},
	    {"explain", "--explain"},
	};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (!strcmp(verb, modes[i][0]))
			return modes[i][1];
	}
	abort(); /* the table of commands names no other */
}

/* The words of FLOW as one. NULL: no memory. */
static char *join(char **words, int len)
{
	size_t size = 1;
	char *text;

	for (int i = 0; i < len; i++)
		size += strlen(words[i]) + 1;
	text = calloc(1, size);
	for (int i = 0; text && i < len; i++) {
		strcat(text, i ? " " : "");
		strcat(text, words[i]);
	}
	return text;
}

int policy_tool_run(const struct invocation *invocation)
{
	const char *verb = invocation->command->verb;
	bool explain = !strcmp(verb, "explain");
	const char *path = policy_path(invocation,
	    explain || !invocation->arg_len ? NULL : invocation->args[0]);
	const char *argv[8] = {"gw-rulec", mode_of(verb)};
	struct stat info;
	int len = 2;

	if (!path)
		return GW_EXIT_USAGE;
	if (access(path, R_OK) < 0)
		return complain(GW_EXIT_FAILED, "%s can't be read: %s", path,
		    strerror(errno));
	if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
		return complain(
		    GW_EXIT_FAILED, "%s is a folder, not a policy", path);
	if (explain)
		argv[len++] = join(invocation->args, invocation->arg_len);
	if (invocation->json)
		argv[len++] = "--json";
	argv[len++] = "--";
	argv[len++] = path;
	return tool_become("gw-rulec", RULEC_TOOL, argv);
}

/* ---- load ---- */

/* A sealed memfd with the bundle; -1 after an error message, *code set. */
static int make_bundle(const char *path, int *code)
{
	char why[512] = "";
	size_t size, done = 0;
	void *data;
	int fd, error = bundle_build(path, &data, &size, why, sizeof(why));

	if (error) {
		*code = complain(
		    GW_EXIT_FAILED, "%s", why[0] ? why : strerror(-error));
		return -1;
	}
	fd = memfd_create("bundle", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	while (fd >= 0 && done < size) {
		ssize_t part = write(fd, (char *)data + done, size - done);

		if (part < 0) {
			close(fd);
			fd = -1;
			break;
		}
		done += part;
	}
	free(data);
	if (fd < 0 ||
	    fcntl(fd, F_ADD_SEALS,
		F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0) {
		*code = complain(GW_EXIT_FAILED, "no memory for the policy: %s",
		    strerror(errno));
		return -1;
	}
	lseek(fd, 0, SEEK_SET);
	return fd;
}

int policy_load_run(const struct invocation *invocation)
{
	const char *path = policy_path(
	    invocation, invocation->arg_len ? invocation->args[0] : NULL);
	json_t *params, *result;
	char *full;
	int fd, code = 0;

	if (!path)
		return GW_EXIT_USAGE;
	params = invocation_params(invocation);
	fd = params ? make_bundle(path, &code) : -1;
	if (fd < 0) {
		json_decref(params);
		return code ? code : GW_EXIT_USAGE;
	}
	full = realpath(path, NULL);
	if (full)
		json_object_set_new(params, "path", json_string(full));
	free(full);
	result = client_ask(
	    invocation, "policy.load", params, fd, CLIENT_LONG_MS, &code);
	close(fd);
	if (!result)
		return code;
	if (invocation->json)
		print_json(result);
	else
		show_loaded(result);
	json_decref(result);
	return GW_EXIT_DONE;
}

/* ---- status ---- */

/* "same", "changed" or "not readable": a file against what was loaded. */
static const char *compare(const char *path, const char *wanted)
{
	char hash[SHA256_DIGEST_STRING_LENGTH];

	if (!SHA256File(path, hash))
		return "not readable";
	return strcasecmp(hash, wanted) ? "changed" : "same";
}

static void compare_sources(json_t *result)
{
	const char *main_path =
	    json_string_value(json_object_get(result, "path"));
	char path[2 * PATH_MAX];
	json_t *source;
	size_t i;

	json_array_foreach (json_object_get(result, "sources"), i, source) {
		const char *name =
		    json_string_value(json_object_get(source, "path"));
		const char *slash = main_path ? strrchr(main_path, '/') : NULL;

		if (i == 0 && main_path && *main_path)
			snprintf(path, sizeof(path), "%s", main_path);
		else if (name[0] == '/' || !slash)
			snprintf(path, sizeof(path), "%s", name);
		else
			snprintf(path, sizeof(path), "%.*s%s",
			    (int)(slash - main_path + 1), main_path, name);
		json_object_set_new(source, "now",
		    json_string(compare(path,
			json_string_value(json_object_get(source, "sha256")))));
	}
}

static void print_status(const json_t *result)
{
	const char *note = json_string_value(json_object_get(result, "note"));
	struct table *table;
	char when[24];
	json_t *source;
	size_t i;

	printf("generation %lld, loaded %s by uid %lld%s%s\n\n",
	    (long long)json_integer_value(
		json_object_get(result, "generation")),
	    time_text(json_number_value(json_object_get(result, "time")), when),
	    (long long)json_integer_value(json_object_get(result, "uid")),
	    note && *note ? ": " : "", note ? note : "");
	table = table_new("FILE|NOW");
	json_array_foreach (json_object_get(result, "sources"), i, source) {
		table_add(table, "%s",
		    json_string_value(json_object_get(source, "path")));
		table_add(table, "%s",
		    json_string_value(json_object_get(source, "now")));
	}
	table_end(table);
}

int policy_status_run(const struct invocation *invocation)
{
	json_t *result;
	int code;

	result = client_ask(invocation, "policy.status", json_object(), -1,
	    CLIENT_SHORT_MS, &code);
	if (!result)
		return code;
	compare_sources(result);
	if (invocation->json)
		print_json(result);
	else
		print_status(result);
	json_decref(result);
	return GW_EXIT_DONE;
}
