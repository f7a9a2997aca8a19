/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the offline mode gets its policy from: an image as it is, or a text
 * that gw-rulec compiles. Main thread.
 */
#include "dataplane/packet/offline_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Map a whole file privately; 0 or -errno. An empty one is NULL and size 0. */
static int map_file(int fd, void **data, size_t *size)
{
	struct stat status;

	*data = NULL;
	*size = 0;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (status.st_size == 0)
		return 0;
	*data =
	    mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (*data == MAP_FAILED) {
		*data = NULL;
		return -errno;
	}
	*size = (size_t)status.st_size;
	return 0;
}

static bool is_program(
    char *path, size_t size, const char *folder, const char *name)
{
	int len = snprintf(path, size, "%s/%s", folder, name);

	return len > 0 && (size_t)len < size && access(path, X_OK) == 0;
}

/* gw-rulec beside this program, in its build folder, or below $GW_BUILD. */
static bool find_compiler(char *path, size_t size)
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *build = getenv("GW_BUILD");
	char *folder;

	if (len > 0) {
		self[len] = '\0';
		folder = dirname(self);
		if (is_program(path, size, folder, "gw-rulec") ||
		    is_program(
			path, size, folder, "../../rules/lang/gw-rulec") ||
		    is_program(
			path, size, folder, "../../../rules/lang/gw-rulec"))
			return true;
	}
	return build && is_program(path, size, build, "rules/lang/gw-rulec");
}

static void run_compiler(
    const char *compiler, const char *path, int image_fd, int country_fd)
{
	char image[32], country[32];

	snprintf(image, sizeof(image), "/proc/self/fd/%d", image_fd);
	snprintf(country, sizeof(country), "/proc/self/fd/%d", country_fd);
	execl(compiler, "gw-rulec", path, "-o", image, "--country-out", country,
	    (char *)NULL);
	fprintf(stderr, "gw-dataplane: can't run %s: %s\n", compiler,
	    strerror(errno));
	_exit(127);
}

static int compile(const char *path, int image_fd, int country_fd)
{
	char compiler[PATH_MAX];
	int status;
	pid_t child;

	if (!find_compiler(compiler, sizeof(compiler))) {
		fprintf(stderr,
		    "gw-dataplane: gw-rulec is not beside this program; set "
		    "GW_BUILD to the build folder\n");
		return -ENOENT;
	}
	child = fork();
	if (child < 0)
		return -errno;
	if (child == 0)
		run_compiler(compiler, path, image_fd, country_fd);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return -EBADMSG;
}

static int open_text(struct policy_file *file, const char *path)
{
	int image_fd = memfd_create("image", 0);
	int country_fd = memfd_create("country", 0);
	int error = -errno;

	if (image_fd >= 0 && country_fd >= 0) {
		error = compile(path, image_fd, country_fd);
		if (!error)
			error = map_file(image_fd, &file->image, &file->size);
		if (!error)
			error = map_file(
			    country_fd, &file->country, &file->country_size);
	}
	if (image_fd >= 0)
		close(image_fd);
	if (country_fd >= 0)
		close(country_fd);
	return error;
}

int policy_file_open(struct policy_file *file, const char *path)
{
	char magic[8] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int error = 0;

	*file = (struct policy_file) {0};
	if (fd < 0) {
		error = -errno;
		fprintf(
		    stderr, "gw-dataplane: %s: %s\n", path, strerror(errno));
		return error;
	}
	if (pread(fd, magic, sizeof(magic), 0) == sizeof(magic) &&
	    memcmp(magic, POLICY_IMAGE_MAGIC, sizeof(magic)) == 0)
		error = map_file(fd, &file->image, &file->size);
	else
		error = open_text(file, path);
	close(fd);
	if (error)
		policy_file_close(file);
	return error;
}

void policy_file_close(struct policy_file *file)
{
	if (file->image)
		munmap(file->image, file->size);
	if (file->country)
		munmap(file->country, file->country_size);
	*file = (struct policy_file) {0};
}
