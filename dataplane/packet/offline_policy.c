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

#define FOLDER_SIZE 256

/* Where gw-rulec puts its output; both files are gone again after mapping. */
struct output {
	char folder[FOLDER_SIZE];
	char image[FOLDER_SIZE + 16];
	char country[FOLDER_SIZE + 16];
};

static int make_output(struct output *output)
{
	const char *temporary = getenv("TMPDIR");

	if (!temporary || strlen(temporary) > FOLDER_SIZE / 2)
		temporary = "/tmp";
	snprintf(
	    output->folder, FOLDER_SIZE, "%s/gw-offline-XXXXXX", temporary);
	if (!mkdtemp(output->folder))
		return -errno;
	snprintf(
	    output->image, sizeof(output->image), "%s/image", output->folder);
	snprintf(output->country, sizeof(output->country), "%s/country",
	    output->folder);
	return 0;
}

static void remove_output(const struct output *output)
{
	unlink(output->image);
	unlink(output->country);
	rmdir(output->folder);
}

static int compile(const char *path, const struct output *output)
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
	if (child == 0) {
		execl(compiler, "gw-rulec", path, "-o", output->image,
		    "--country-out", output->country, (char *)NULL);
		fprintf(stderr, "gw-dataplane: can't run %s: %s\n", compiler,
		    strerror(errno));
		_exit(127);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return WIFEXITED(status) && WEXITSTATUS(status) == 127 ? -ENOENT
							       : -EBADMSG;
}

static int map_path(const char *path, void **data, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int error;

	if (fd < 0)
		return -errno;
	error = map_file(fd, data, size);
	close(fd);
	return error;
}

static int open_text(struct policy_file *file, const char *path)
{
	struct output output;
	int error = make_output(&output);

	if (error) {
		fprintf(stderr, "gw-dataplane: %s: %s\n", output.folder,
		    strerror(-error));
		return error;
	}
	error = compile(path, &output);
	if (!error)
		error = map_path(output.image, &file->image, &file->size);
	/* Without countries in the policy there is no table. */
	if (!error && map_path(output.country, &file->country,
			  &file->country_size) == -ENOENT)
		file->country = NULL;
	remove_output(&output);
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
