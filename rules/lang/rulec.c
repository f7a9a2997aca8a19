/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gw-rulec: the rule compiler's main(). Started by a person, by gwctl, or (with
 * --fds) by gw-init for gwd. One thread.
 *
 * Theory of operation. First everything is read into one bundle, with the
 * rights of the caller. Then the work is done behind sandbox_close(): with a
 * FILE in a child, which writes image and country table to memfds; when it
 * ends well, this process copies them to the files asked for, each by rename,
 * so a refused policy leaves the old image alone. With --fds the process
 * confines itself and writes to the descriptors it was given.
 */
#include "rules/lang/bundle.h"
#include "rules/lang/sandbox.h"
#include "rules/lang/work.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Descriptors of --fds: gw-init's template of ROLE_RULEC. */
enum { FD_BUNDLE = 4, FD_IMAGE, FD_TABLE, FD_DIAGNOSTICS };

static const char usage_text[] =
    "usage: gw-rulec [MODE] [--json] FILE | --bundle\n"
    "  -o, --output IMAGE       write the policy image (the default mode)\n"
    "      --country-out TABLE  write the country table\n"
    "      --check              say what is wrong, write nothing\n"
    "      --print              print the policy in canonical form\n"
    "      --explain \"GUEST FLOW\"\n"
    "                           judge one flow, stage by stage, such as\n"
    "                           \"desk-1 tcp port 443 to 203.0.113.9\"\n"
    "      --test               say which `expect` holds\n"
    "      --make-bundle OUT    only collect FILE and what it names\n"
    "      --bundle             read a bundle from standard input\n"
    "      --fds                bundle on 4, image to 5, country table to 6,\n"
    "                           diagnostics as JSON to 7\n"
    "      --json               diagnostics and results as JSON, on stdout\n"
    "exit: 0 done/allow, 1 failed, 2 usage, 3 policy refused, 4 deny\n";

struct options {
	struct work work;
	const char *image, *table, *bundle_out, *file;
	bool bundle, fds;
	int modes;
};

enum {
	OPT_TABLE = 256,
	OPT_CHECK,
	OPT_PRINT,
	OPT_EXPLAIN,
	OPT_TEST,
	OPT_MAKE,
	OPT_BUNDLE,
	OPT_FDS,
	OPT_JSON,
	OPT_VERSION
};

static const struct option long_options[] = {
    {"output", required_argument, NULL, 'o'},
    {"country-out", required_argument, NULL, OPT_TABLE},
    {"check", no_argument, NULL, OPT_CHECK},
    {"print", no_argument, NULL, OPT_PRINT},
    {"explain", required_argument, NULL, OPT_EXPLAIN},
    {"test", no_argument, NULL, OPT_TEST},
    {"make-bundle", required_argument, NULL, OPT_MAKE},
    {"bundle", no_argument, NULL, OPT_BUNDLE},
    {"fds", no_argument, NULL, OPT_FDS},
    {"json", no_argument, NULL, OPT_JSON},
    {"version", no_argument, NULL, OPT_VERSION},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static int usage(const char *what)
{
	fprintf(stderr, "gw-rulec: %s\n%s", what, usage_text);
	return WORK_USAGE;
}

static void set_mode(struct options *options, enum work_mode mode)
{
	options->work.mode = mode;
	options->modes++;
}

/* Returns -1 to go on, else the exit code. */
static int take_option(struct options *options, int option)
{
	switch (option) {
	case 'o':
		options->image = optarg;
		return -1;
	case OPT_TABLE:
		options->table = optarg;
		return -1;
	case OPT_CHECK:
		set_mode(options, WORK_CHECK);
		return -1;
	case OPT_PRINT:
		set_mode(options, WORK_PRINT);
		return -1;
	case OPT_EXPLAIN:
		set_mode(options, WORK_EXPLAIN);
		options->work.flow = optarg;
		return -1;
	case OPT_TEST:
		set_mode(options, WORK_TEST);
		return -1;
	case OPT_MAKE:
		options->bundle_out = optarg;
		options->modes++;
		return -1;
	case OPT_BUNDLE:
		options->bundle = true;
		return -1;
	case OPT_FDS:
		options->fds = true;
		return -1;
	case OPT_JSON:
		options->work.json = true;
		return -1;
	case OPT_VERSION:
		puts("gw-rulec " GW_VERSION);
		return WORK_OK;
	case 'h':
		fputs(usage_text, stdout);
		return WORK_OK;
	default:
		fputs(usage_text, stderr);
		return WORK_USAGE;
	}
}

static int parse_options(struct options *options, int argc, char **argv)
{
	bool writes;
	int option, code;

	while ((option = getopt_long(argc, argv, "o:h", long_options, NULL)) !=
	       -1) {
		code = take_option(options, option);
		if (code >= 0)
			return code;
	}
	writes = options->image || options->table;
	options->file = argv[optind];
	if (options->fds)
		return argc > optind || writes || options->modes
			   ? usage("--fds stands alone")
			   : -1;
	if (argc - optind > 1 || !options->file == !options->bundle)
		return usage("expected one FILE, or --bundle");
	if (options->modes > 1)
		return usage("expected one mode");
	if (writes && options->modes)
		return usage("-o and --country-out belong to the default mode");
	if (options->bundle && options->bundle_out)
		return usage("--make-bundle needs a FILE");
	return -1;
}

/* ---- reading and writing ---- */

/* All of a descriptor. Returns 0 or -errno. */
static int read_all(int fd, void **data, size_t *size)
{
	size_t room = 1 << 16;
	char *text = NULL, *larger;
	ssize_t n = 1;

	*size = 0;
	lseek(fd, 0, SEEK_SET); /* a memfd; a pipe can't, and need not */
	while (n) {
		if (*size + 1 > room / 2 || !text) {
			room *= 2;
			larger = realloc(text, room);
			if (!larger)
				break;
			text = larger;
		}
		n = read(fd, text + *size, room - *size);
		if (n < 0 && errno == EINTR) {
			n = 1;
			continue;
		}
		if (n < 0)
			break;
		*size += (size_t)n;
		if (*size > BUNDLE_MAX) {
			free(text);
			return -EFBIG;
		}
	}
	if (n) {
		free(text);
		return n < 0 ? -errno : -ENOMEM;
	}
	*data = text;
	return 0;
}

static int write_file(int fd, const char *data, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = write(fd, data + done, size - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			done += (size_t)n;
	}
	return 0;
}

/* data to a file that appears whole or not at all. */
static int replace_file(const char *path, const char *data, size_t size)
{
	char *name;
	int fd, error;

	if (asprintf(&name, "%s.XXXXXX", path) < 0)
		return -ENOMEM;
	fd = mkostemp(name, O_CLOEXEC);
	error = fd < 0 ? -errno : write_file(fd, data, size);
	if (!error && fchmod(fd, 0644))
		error = -errno;
	if (fd >= 0)
		close(fd);
	if (!error && rename(name, path))
		error = -errno;
	if (error && fd >= 0)
		unlink(name);
	free(name);
	if (error)
		fprintf(stderr, "gw-rulec: can't write %s: %s\n", path,
		    strerror(-error));
	return error;
}

static int copy_out(int fd, const char *path)
{
	void *data;
	size_t size;
	int error;

	if (!path)
		return 0;
	error = read_all(fd, &data, &size);
	if (error)
		return error;
	if (size)
		error = replace_file(path, data, size);
	else if (unlink(path) && errno != ENOENT)
		error = -errno; /* no country table: an old one would lie */
	free(data);
	return error;
}

/* ---- the work ---- */

static int confined(const struct work *work, const void *data, size_t size)
{
	static const char text[] = "gw-rulec: the sandbox can't be closed\n";

	if (sandbox_close()) {
		write_file(2, text, sizeof(text) - 1);
		return WORK_FAILED;
	}
	return work_run(work, data, size);
}

static int say_killed(int status)
{
	int signal = WTERMSIG(status);

	if (signal == SIGXCPU || signal == SIGKILL)
		fprintf(stderr,
		    "gw-rulec: the policy is too large: compiling it took "
		    "more than %d s of processor time, or it was killed\n",
		    SANDBOX_CPU_S);
	else
		fprintf(stderr,
		    "gw-rulec: the compiler was stopped by signal %d (%s): "
		    "a fault of the compiler, please report it\n",
		    signal, strsignal(signal));
	return WORK_FAILED;
}

static int in_child(struct options *options, const void *data, size_t size)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid)
		_exit(confined(&options->work, data, size));
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("gw-rulec");
		return WORK_FAILED;
	}
	if (WIFSIGNALED(status))
		return say_killed(status);
	return WEXITSTATUS(status);
}

static int run_files(struct options *options, const void *data, size_t size)
{
	struct work *work = &options->work;
	int code;

	work->image_fd = memfd_create("image", MFD_CLOEXEC);
	work->table_fd = memfd_create("table", MFD_CLOEXEC);
	if (work->image_fd < 0 || work->table_fd < 0) {
		perror("gw-rulec: memfd");
		return WORK_FAILED;
	}
	work->out_fd = 1;
	work->error_fd = work->json ? -1 : 2;
	work->json_fd = work->json ? 1 : -1;
	code = in_child(options, data, size);
	if (code == WORK_OK && work->mode == WORK_COMPILE &&
	    (copy_out(work->image_fd, options->image) ||
		copy_out(work->table_fd, options->table)))
		code = WORK_FAILED;
	return code;
}

static int run_fds(const struct options *options)
{
	struct work work = options->work;
	void *data;
	size_t size;
	int error = read_all(FD_BUNDLE, &data, &size);

	if (error) {
		fprintf(stderr, "gw-rulec: can't read the bundle: %s\n",
		    strerror(-error));
		return WORK_FAILED;
	}
	work.image_fd = FD_IMAGE;
	work.table_fd = FD_TABLE;
	work.out_fd = -1;
	work.error_fd = -1;
	work.json_fd = FD_DIAGNOSTICS;
	return confined(&work, data, size);
}

static int read_input(struct options *options, void **data, size_t *size)
{
	char why[BUNDLE_PATH_MAX + 200] = "";
	int error;

	if (!options->bundle) {
		error =
		    bundle_build(options->file, data, size, why, sizeof(why));
		if (error)
			fprintf(stderr, "gw-rulec: %s\n", why);
		return error;
	}
	error = read_all(0, data, size);
	if (error)
		fprintf(stderr, "gw-rulec: can't read the bundle: %s\n",
		    strerror(-error));
	return error;
}

int main(int argc, char **argv)
{
	struct options options = {.work = {.image_fd = -1, .table_fd = -1}};
	void *data;
	size_t size;
	int code = parse_options(&options, argc, argv);

	if (code >= 0)
		return code;
	if (options.fds)
		_exit(run_fds(&options));
	if (read_input(&options, &data, &size))
		return WORK_REFUSED;
	if (options.bundle_out)
		return replace_file(options.bundle_out, data, size)
			   ? WORK_FAILED
			   : WORK_OK;
	code = run_files(&options, data, size);
	free(data);
	return code;
}
