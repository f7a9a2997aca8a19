/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding and running the programs beside gwctl: gw-rulec, gw-image,
 * image-build. Called by do_policy.c and do_image.c.
 */
#include "control/gwctl/tool.h"

#include "control/gwctl/gwctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int tool_find(const char *name, const char *built, char *path, size_t size)
{
	char self[1024];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (len < 0)
		return -errno;
	self[len] = '\0';
	slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	len = snprintf(path, size, "%s%s%s", built[0] == '/' ? "" : self,
	    built[0] == '/' ? "" : "/", built);
	if (len < 0 || (size_t)len >= size)
		return -ENAMETOOLONG;
	if (access(path, X_OK) == 0)
		return 0;
	snprintf(path, size, "%s/%s", GWCTL_LIBEXEC, name);
	return access(path, X_OK) == 0 ? 0 : -errno;
}

/* The tools find each other by the build folder that gwctl is in. */
static void name_build_folder(void)
{
	char path[2048];
	char *end;

	if (tool_find("gwctl", "gwctl", path, sizeof(path)) < 0)
		return;
	end = strstr(path, "/control/gwctl/gwctl");
	if (!end)
		return;
	*end = '\0';
	setenv("GW_BUILD", path, 0);
}

int tool_become(const char *name, const char *built, const char *const argv[])
{
	char path[2048];

	if (tool_find(name, built, path, sizeof(path)) == 0) {
		name_build_folder();
		fflush(NULL);
		execv(path, (char *const *)argv);
	}
	return complain(GW_EXIT_FAILED,
	    "%s is neither beside gwctl nor in %s: build it with `gw build`",
	    name, GWCTL_LIBEXEC);
}

int tool_run(const char *name, const char *built, const char *const argv[])
{
	pid_t pid;
	int status;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return complain(GW_EXIT_FAILED, "%s can't be run: %s", name,
		    strerror(errno));
	if (pid == 0) {
		/* Stdout is for the one JSON object. */
		if (gwctl_json)
			dup2(STDERR_FILENO, STDOUT_FILENO);
		_exit(tool_become(name, built, argv));
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : GW_EXIT_FAILED;
}
