/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sealed copies (sealed.h): read once, hash and keep the very same bytes.
 * Called by gw-runner and gw-image; one thread.
 */
#include "guest-runner/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/evp.h>

#define CHUNK_SIZE 65536

static int write_all(int fd, const uint8_t *bytes, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, bytes, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		size -= (size_t)n;
	}
	return 0;
}

/* Hash `from`, and copy it to `to` unless that is -1. */
static int pour(
    int from, int to, uint64_t limit, EVP_MD_CTX *ctx, uint64_t *size)
{
	static uint8_t chunk[CHUNK_SIZE];

	for (*size = 0;;) {
		ssize_t n = pread(from, chunk, sizeof(chunk), (off_t)*size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		*size += (uint64_t)n;
		if (*size > limit)
			return -EFBIG;
		if (EVP_DigestUpdate(ctx, chunk, (size_t)n) != 1)
			return -ENOMEM;
		if (to >= 0) {
			int error = write_all(to, chunk, (size_t)n);

			if (error != 0)
				return error;
		}
	}
}

static int hash(int from, int to, uint64_t limit, struct manifest_file *file)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int error = -ENOMEM;

	if (ctx == NULL || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
		goto out;
	error = pour(from, to, limit, ctx, &file->size);
	if (error == 0 && EVP_DigestFinal_ex(ctx, file->sha256, NULL) != 1)
		error = -ENOMEM;
out:
	EVP_MD_CTX_free(ctx);
	return error;
}

int sealed_hash(int from, uint64_t limit, struct manifest_file *file)
{
	return hash(from, -1, limit, file);
}

int sealed_copy(
    int from, const char *name, uint64_t limit, struct manifest_file *file)
{
	int error, fd;

	fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	error = hash(from, fd, limit, file);
	if (error == 0 &&
	    fcntl(fd, F_ADD_SEALS,
		F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
		error = -errno;
	if (error == 0 && lseek(fd, 0, SEEK_SET) != 0)
		error = -errno;
	if (error != 0) {
		close(fd);
		return error;
	}
	return fd;
}

int sealed_read_only(int fd)
{
	char path[32];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY | O_CLOEXEC);
	if (again < 0)
		return fd;
	close(fd);
	return again;
}
