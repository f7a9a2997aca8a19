/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gw-init: the one privileged process of the gateway. Started by `gw up` or
 * the service manager, as root; single-threaded. Reads its command line, locks
 * the run folder, starts gwd and serves its requests until SIGTERM.
 *
 * It may run in any network namespace: "the host's" interfaces are those of
 * the one it was started in.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "control/init/clean.h"
#include "control/init/init.h"
#include "control/init/loop.h"
#include "control/init/network.h"
#include "control/init/run.h"
#include "control/init/supervise.h"
#include "control/init/template.h"
#include "control/msg/exit.h"
#include "control/msg/log.h"
#include "control/msg/msg.h"

struct init init = {
    .run_dir = INIT_RUN_DIR,
    .state_dir = INIT_STATE_DIR,
    .uid_base = INIT_UID_BASE,
    .kvm = true,
    .self_pidfd = -1,
};

static bool quit;

static const char usage[] =
    "usage: gw-init [options]\n"
    "The privileged part of the guest gateway; starts everything else.\n"
    "  --run-dir DIR    default " INIT_RUN_DIR "\n"
    "  --state-dir DIR  default " INIT_STATE_DIR "\n"
    "  --libexec DIR    where the programs are: installed, or a build folder;\n"
    "                   default: beside gw-init\n"
    "  --uid-base N     first of 65536 user ids; default 1900000000\n"
    "  --no-kvm         never offer /dev/kvm to QEMU\n"
    "  --foreground     stay here, log to standard error\n"
    "  --clean          end a gateway of this run folder, remove what a "
    "killed\n"
    "                   one left, and exit\n"
    "  --help, --version\n"
    "Exit: 0 done, 1 failed, 2 wrong usage, 5 not root.\n";

static void __attribute__((noreturn, format(printf, 1, 2)))
misuse(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("gw-init: ", stderr);
	vfprintf(stderr, format, args);
	fputs("; `gw-init --help` lists the options\n", stderr);
	va_end(args);
	exit(GW_EXIT_USAGE);
}

static void take_path(
    char to[INIT_PATH_SIZE], const char *name, const char *path)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	if (path[0] != '/' || len < 2 || len > 300)
		misuse("%s wants an absolute path of at most 300 bytes", name);
	memcpy(to, path, len);
	to[len] = '\0';
}

static uint32_t take_uid_base(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || end == text || value < 65536 || value > 4294000000ul)
		misuse("--uid-base wants a number from 65536 to 4294000000");
	return (uint32_t)value;
}

/* Returns whether --clean was asked for. */
static bool take_options(int argc, char **argv)
{
	static const struct option options[] = {
	    {"run-dir", required_argument, NULL, 'r'},
	    {"state-dir", required_argument, NULL, 's'},
	    {"libexec", required_argument, NULL, 'l'},
	    {"uid-base", required_argument, NULL, 'u'},
	    {"no-kvm", no_argument, NULL, 'k'},
	    {"foreground", no_argument, NULL, 'f'},
	    {"clean", no_argument, NULL, 'c'},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'v'},
	    {0},
	};
	bool clean = false;
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (option) {
		case 'r':
			take_path(init.run_dir, "--run-dir", optarg);
			break;
		case 's':
			take_path(init.state_dir, "--state-dir", optarg);
			break;
		case 'l':
			take_path(init.libexec, "--libexec", optarg);
			break;
		case 'u':
			init.uid_base = take_uid_base(optarg);
			break;
		case 'k':
			init.kvm = false;
			break;
		case 'f':
			init.foreground = true;
			break;
		case 'c':
			clean = true;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(GW_EXIT_DONE);
		case 'v':
			puts("gw-init " GW_VERSION);
			exit(GW_EXIT_DONE);
		default:
			misuse("%s is not an option, or lacks its value",
			    argv[optind - 1]);
		}
	}
	if (optind < argc)
		misuse("%s is not expected", argv[optind]);
	return clean;
}

/*
 * Go into the background. The parent waits for one byte that says that gwd
 * runs; without it the start has failed, and the sentence was printed already.
 * Returns the descriptor for the byte, or -1 in the foreground.
 */
static int go_background(void)
{
	int ends[2];
	char done;

	if (init.foreground)
		return -1;
	if (pipe2(ends, O_CLOEXEC))
		die("no pipe: %s", strerror(errno));
	pid_t pid = fork();
	if (pid < 0)
		die("no process: %s", strerror(errno));
	if (pid > 0) {
		close(ends[1]);
		_exit(read(ends[0], &done, 1) == 1 ? GW_EXIT_DONE
						   : GW_EXIT_FAILED);
	}
	close(ends[0]);
	setsid();
	return ends[1];
}

static void release_terminal(int ready)
{
	char path[INIT_PATH_SIZE + 32];

	if (ready < 0)
		return;
	snprintf(path, sizeof(path), "%s/log/gw-init.log", init.run_dir);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int log = open(
	    path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (log < 0)
		log_warn(
		    NULL, "%s can't be written: %s", path, strerror(errno));
	dup2(null, 0);
	dup2(null, 1);
	dup2(log >= 0 ? log : null, 2);
	close(null);
	if (log >= 0)
		close(log);
	ssize_t size = write(ready, "", 1);
	(void)size;
	close(ready);
}

static void on_signal(struct watch *watch)
{
	struct signalfd_siginfo info;

	if (read(watch->fd, &info, sizeof(info)) != sizeof(info))
		return;
	log_info(NULL, "stopping on signal %u", info.ssi_signo);
	quit = true;
}

static void catch_signals(void)
{
	static struct watch watch;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	watch.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (watch.fd < 0)
		die("no signalfd: %s", strerror(errno));
	watch.ready = on_signal;
	loop_add(&watch);
}

static void prepare(void)
{
	struct rlimit files;

	umask(022);
	init.self_pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	if (init.self_pidfd < 0)
		die("no pidfd: %s", strerror(errno));
	fcntl(init.self_pidfd, F_SETFD, FD_CLOEXEC);
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if (access("/dev/kvm", R_OK | W_OK))
		init.kvm = false;
}

static void lock(void)
{
	pid_t owner;
	int error = run_lock(&owner);

	if (error == -EWOULDBLOCK)
		die("another gateway runs here, pid %d: `gw down` ends it, "
		    "another --run-dir runs beside it",
		    owner);
	if (error < 0)
		die("%s can't be locked: %s", init.run_dir, strerror(-error));
}

/* Folders, listener, loop and gwd. text: why not. 0 or -errno. */
static int open_up(char text[JAIL_TEXT_SIZE])
{
	int error = run_make();

	if (error) {
		snprintf(text, JAIL_TEXT_SIZE, "folders can't be made: %s",
		    strerror(-error));
		return error;
	}
	int listener = run_listen();
	if (listener < 0) {
		snprintf(text, JAIL_TEXT_SIZE, "gwctl.sock can't be made: %s",
		    strerror(-listener));
		return listener;
	}
	loop_open();
	catch_signals();
	return supervise_start(listener, text);
}

int main(int argc, char **argv)
{
	char text[JAIL_TEXT_SIZE] = "";

	log_open("gw-init");
	bool clean = take_options(argc, argv);
	if (geteuid() != 0) {
		fputs("gw-init: makes namespaces and uids: run it as root\n",
		    stderr);
		return GW_EXIT_NOT_PERMITTED;
	}
	if (clean)
		return clean_run();

	int ready = go_background();
	prepare();
	lock();
	if (template_check_programs())
		die("gwd is not installed: `gw build` makes it, --libexec says "
		    "where it is");
	int error = open_up(text);
	if (error) {
		run_remove();
		die("%s", text[0] ? text : strerror(-error));
	}
	release_terminal(ready);
	log_info(NULL, "ready pid=%d run=%s kvm=%d", getpid(), init.run_dir,
	    init.kvm);
	while (!quit)
		loop_turn(-1);

	supervise_stop();
	network_remove_all();
	run_remove();
	log_info(NULL, "stopped");
	return GW_EXIT_DONE;
}
