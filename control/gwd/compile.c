/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs gw-rulec: a bundle in, an image, a country table and diagnostics out.
 * Called by load.c and init_link.c in gwd's loop.
 *
 * Theory of operation. gwd makes three empty memfds and asks gw-init for a
 * gw-rulec that holds them and the bundle; gw-init starts it confined, with
 * limits of time and memory of its own. Its end is the answer: exit 0, an image
 * is there; 3, the policy is refused and the diagnostics say why; anything else
 * is a failure of the compiler. One compilation runs at a time. What comes back
 * is not trusted: load.c seals and validates it.
 */
#include "control/gwd/generation.h"
#include "control/gwd/gwd.h"
#include "control/gwd/init_link.h"
#include "control/msg/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMPILE_LIMIT_S 120
#define DIAGNOSTICS_MAX (8u << 20) /* bytes */

static struct {
	generation_compiled *done; /* NULL: idle */
	int image_fd, country_fd, diagnostics_fd;
	struct event *limit;
	bool asked;  /* INIT_DONE not yet here */
	bool killed; /* by the time limit */
} compile;

static void finish(int error, const char *text, json_t *diagnostics)
{
	generation_compiled *done = compile.done;
	int image_fd = compile.image_fd, country_fd = compile.country_fd;
	struct stat stat;

	if (country_fd >= 0 &&
	    (fstat(country_fd, &stat) < 0 || stat.st_size == 0)) {
		close(country_fd);
		country_fd = -1;
	}
	close(compile.diagnostics_fd);
	event_free(compile.limit);
	compile.done = NULL;
	done(error, text, image_fd, country_fd, diagnostics);
}

static json_t *read_diagnostics(void)
{
	json_t *diagnostics = NULL;
	struct stat stat;
	char *text;
	ssize_t size;

	if (fstat(compile.diagnostics_fd, &stat) < 0 || stat.st_size <= 0 ||
	    stat.st_size > DIAGNOSTICS_MAX)
		return NULL;
	text = malloc(stat.st_size);
	if (!text)
		return NULL;
	size = pread(compile.diagnostics_fd, text, stat.st_size, 0);
	if (size > 0)
		diagnostics = json_loadb(text, size, 0, NULL);
	free(text);
	return diagnostics;
}

void generation_rulec_ended(int status)
{
	char text[MSG_TEXT_SIZE];

	if (!compile.done || compile.asked) {
		log_warn("compile", "a gw-rulec nobody waits for ended");
		return;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		finish(0, "", read_diagnostics());
		return;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == GW_EXIT_REFUSED) {
		finish(-EINVAL, "the policy has errors", read_diagnostics());
		return;
	}
	if (compile.killed)
		snprintf(text, sizeof(text),
		    "the policy took longer than %d s to compile",
		    COMPILE_LIMIT_S);
	else if (WIFSIGNALED(status))
		snprintf(text, sizeof(text),
		    "gw-rulec was ended by signal %d: the policy may need "
		    "more memory or time than the compiler has",
		    WTERMSIG(status));
	else
		snprintf(text, sizeof(text),
		    "gw-rulec failed with status %d: see its log",
		    WEXITSTATUS(status));
	finish(-EIO, text, read_diagnostics());
}

static void spawned(void *unused, const struct msg_init_done *done, int fd)
{
	if (fd >= 0)
		close(fd);
	compile.asked = false;
	if (done->error)
		finish(done->error, done->text, NULL);
}

static void too_long(evutil_socket_t fd, short what, void *unused)
{
	compile.killed = true;
	init_link_kill(ROLE_RULEC, MSG_HOST_SLOT);
}

static int make_memfds(void)
{
	compile.image_fd =
	    memfd_create("image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	compile.country_fd =
	    memfd_create("country", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	compile.diagnostics_fd = memfd_create("diagnostics", MFD_CLOEXEC);
	if (compile.image_fd < 0 || compile.country_fd < 0 ||
	    compile.diagnostics_fd < 0)
		return -EMFILE;
	return 0;
}

int generation_compile(int bundle_fd, generation_compiled *done)
{
	struct msg_init_spawn spawn = {
	    .role = ROLE_RULEC,
	    .slot = MSG_HOST_SLOT,
	};
	struct timeval limit = {.tv_sec = COMPILE_LIMIT_S};
	int error = -EBUSY;

	if (compile.done)
		return error;
	compile.killed = false;
	compile.limit = evtimer_new(gwd.base, too_long, NULL);
	error = make_memfds();
	if (!error && !compile.limit)
		error = -ENOMEM;
	if (!error) {
		const int fds[] = {bundle_fd, compile.image_fd,
		    compile.country_fd, compile.diagnostics_fd};

		error = init_link_ask(
		    MSG_INIT_SPAWN, &spawn, fds, 4, spawned, NULL);
	}
	if (error) {
		close(compile.image_fd);
		close(compile.country_fd);
		close(compile.diagnostics_fd);
		if (compile.limit)
			event_free(compile.limit);
		return error;
	}
	compile.asked = true;
	compile.done = done;
	event_add(compile.limit, &limit);
	return 0;
}
