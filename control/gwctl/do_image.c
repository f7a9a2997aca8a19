/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gwctl image build, list and verify: the tools of guest-runner with the
 * gateway's folders filled in. Called through the table of commands.
 */
#include "control/gwctl/gwctl.h"
#include "control/gwctl/table.h"
#include "control/gwctl/tool.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define IMAGE_TOOL "../../guest-runner/gw-image"
#define BUILDER	   GWCTL_BUILDER /* of the tree it was built from */
#define KEY	   "/etc/guest-gateway/image.key"
#define PATH_SIZE  1024

static const char *state_dir(const struct invocation *invocation)
{
	const char *flag = invocation_flag(invocation, "--state-dir");
	const char *environment = getenv("GW_STATE_DIR");

	if (flag)
		return flag;
	return environment && *environment ? environment : GWCTL_STATE_DIR;
}

/* mkdir -p of the folder that holds `path`. */
static int make_parents(const char *path, mode_t mode)
{
	char part[PATH_SIZE];

	snprintf(part, sizeof(part), "%s", path);
	for (char *c = part + 1; *c; c++) {
		if (*c != '/')
			continue;
		*c = '\0';
		if (mkdir(part, mode) < 0 && errno != EEXIST)
			return -errno;
		*c = '/';
	}
	return 0;
}

static int make_key(const char *key, const char *public)
{
	const char *argv[] = {"gw-image", "keygen", key, public, NULL};
	int error = make_parents(key, 0700);

	if (!error)
		error = make_parents(public, 0755);
	if (error)
		return complain(GW_EXIT_FAILED, "no folder for the keys: %s",
		    strerror(-error));
	return tool_run("gw-image", IMAGE_TOOL, argv);
}

int image_build_run(const struct invocation *invocation)
{
	const char *name = invocation->args[0];
	const char *out = invocation_flag(invocation, "--out");
	const char *key = invocation_flag(invocation, "--key");
	const char *version = invocation_flag(invocation, "--version");
	const char *state = state_dir(invocation);
	char folder[PATH_SIZE], public[PATH_SIZE];
	const char *argv[10] = {"image-build", name, "--out"};
	int len = 3, code;

	if (strcmp(name, "demo") != 0)
		return complain(GW_EXIT_USAGE,
		    "the only image that can be built is `demo`, not "
		    "\"%.60s\"",
		    name);
	if (geteuid())
		return complain(GW_EXIT_NOT_PERMITTED,
		    "building an image needs root: its files belong to root");
	if (!key)
		key = KEY;
	snprintf(folder, sizeof(folder), "%s/images/%s", state, name);
	snprintf(public, sizeof(public), "%s/trust/image.pub", state);
	if (!out)
		out = folder;
	code = make_key(key, public);
	if (code)
		return code;
	if (make_parents(out, 0755) < 0)
		return complain(GW_EXIT_FAILED, "%s can't be made: %s", out,
		    strerror(errno));
	argv[len++] = out;
	argv[len++] = "--key";
	argv[len++] = key;
	if (version) {
		argv[len++] = "--version";
		argv[len++] = version;
	}
	code = tool_run("image-build", BUILDER, argv);
	if (code)
		return code;
	if (invocation->json) {
		json_t *result =
		    json_pack("{s:s, s:s}", "image", name, "path", out);

		print_json(result);
		json_decref(result);
	}
	return GW_EXIT_DONE;
}

/* Name and version out of a manifest's text; the runner verifies it. */
static json_int_t read_version(const char *folder, const char *name)
{
	char path[PATH_SIZE + 300], line[512];
	unsigned long long version = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s/manifest", folder, name);
	file = fopen(path, "re");
	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file) && !version)
		sscanf(line, "version %llu", &version);
	fclose(file);
	return version;
}

static json_t *list_images(const char *folder)
{
	json_t *list = json_array();
	struct dirent **entries = NULL;
	int len = scandir(folder, &entries, NULL, alphasort);

	for (int i = 0; i < len; i++) {
		const char *name = entries[i]->d_name;
		json_int_t version =
		    name[0] == '.' ? -1 : read_version(folder, name);

		if (version >= 0)
			json_array_append_new(
			    list, json_pack("{s:s, s:I}", "image", name,
				      "version", version));
		free(entries[i]);
	}
	free(entries);
	return list;
}

int image_list_run(const struct invocation *invocation)
{
	char folder[PATH_SIZE];
	json_t *list, *image;
	struct table *table;
	size_t i;

	snprintf(folder, sizeof(folder), "%s/images", state_dir(invocation));
	if (access(folder, F_OK) < 0 && errno == ENOENT)
		return complain(GW_EXIT_FAILED,
		    "%s is not there: `gwctl image build demo` makes a first "
		    "image, --state-dir names another state folder",
		    folder);
	if (access(folder, R_OK | X_OK) < 0)
		return complain(
		    errno == EACCES ? GW_EXIT_NOT_PERMITTED : GW_EXIT_FAILED,
		    "%s can't be read: %s", folder, strerror(errno));
	list = list_images(folder);
	if (invocation->json) {
		json_t *result = json_pack("{s:O}", "images", list);

		print_json(result);
		json_decref(result);
	} else {
		table = table_new("IMAGE|VERSION");
		json_array_foreach (list, i, image) {
			table_add(table, "%s",
			    json_string_value(json_object_get(image, "image")));
			table_add(table, "%lld",
			    (long long)json_integer_value(
				json_object_get(image, "version")));
		}
		table_end(table);
	}
	json_decref(list);
	return GW_EXIT_DONE;
}

int image_verify_run(const struct invocation *invocation)
{
	const char *name = invocation->args[0];
	const char *key = invocation_flag(invocation, "--key");
	char folder[PATH_SIZE], public[PATH_SIZE];
	const char *argv[] = {
	    "gw-image", "verify", folder, "--key", public, NULL};
	int code;

	if (strchr(name, '/'))
		snprintf(folder, sizeof(folder), "%s", name);
	else
		snprintf(folder, sizeof(folder), "%s/images/%s",
		    state_dir(invocation), name);
	if (key)
		snprintf(public, sizeof(public), "%s", key);
	else
		snprintf(public, sizeof(public), "%s/trust/image.pub",
		    state_dir(invocation));
	if (access(folder, F_OK) < 0)
		return complain(GW_EXIT_FAILED,
		    "no image is in %s: see `gwctl image list`", folder);
	if (access(public, F_OK) < 0)
		return complain(GW_EXIT_FAILED,
		    "the key to trust, %s, is not there: --key names one, "
		    "`gwctl image build demo` makes one",
		    public);
	if (!invocation->json)
		return tool_become("gw-image", IMAGE_TOOL, argv);
	fflush(stdout);
	code = tool_run("gw-image", IMAGE_TOOL, argv);
	if (code == 0) {
		json_t *result =
		    json_pack("{s:s, s:b}", "image", folder, "ok", 1);

		print_json(result);
		json_decref(result);
	}
	return code;
}
