/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gw-image: keys, signatures and checks of master images. Run by a person, by
 * guest-runner/image-build and by gwctl; never by a process of a guest.
 * Exit: 0 done, 1 failed, 2 usage.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "guest-runner/manifest.h"
#include "guest-runner/sealed.h"

#define EXIT_USAGE 2

static const char usage[] =
    "usage: gw-image keygen KEYFILE PUBFILE\n"
    "       gw-image sign DIR --name NAME --version N --key KEYFILE\n"
    "       gw-image verify DIR --key PUBFILE [--name NAME] [--least N]\n"
    "       gw-image show DIR --key PUBFILE\n"
    "\n"
    "keygen  makes an Ed25519 signing key, readable by its owner alone, and\n"
    "        writes its public half; a key that exists is kept\n"
    "sign    writes DIR/manifest over DIR/kernel, DIR/initrd and DIR/disk\n"
    "verify  checks signature, sizes and hashes, as a start of a guest does\n"
    "show    prints the manifest's name and version when its signature holds\n";

struct options {
	const char *name, *key;
	uint64_t version, least;
};

static int __attribute__((format(printf, 1, 2))) fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("gw-image: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	return EXIT_FAILURE;
}

/* A small whole file; returns its bytes or -errno. */
static int read_file(const char *path, char *bytes, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, bytes, room);
	if (n < 0)
		n = -errno;
	else if ((size_t)n == room)
		n = -EFBIG;
	close(fd);
	return (int)n;
}

static int open_part(const char *dir, enum manifest_part part)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, manifest_part_name(part));
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Hash a part of an image; returns 0 or -errno. */
static int hash_part(
    const char *dir, enum manifest_part part, struct manifest_file *file)
{
	int fd = open_part(dir, part);
	int error;

	if (fd < 0)
		return -errno;
	error = sealed_hash(fd, MANIFEST_PART_SIZE_MAX, file);
	close(fd);
	return error;
}

/* Write through a new file, so that a reader sees the old or the new one. */
static int write_file(
    const char *path, mode_t mode, const char *bytes, size_t size)
{
	char temporary[4096];
	int error = 0, fd;

	snprintf(temporary, sizeof(temporary), "%s.new", path);
	unlink(temporary);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	if (write(fd, bytes, size) != (ssize_t)size)
		error = -EIO;
	if (fchmod(fd, mode) != 0 || fsync(fd) != 0)
		error = -errno;
	close(fd);
	if (error == 0 && rename(temporary, path) != 0)
		error = -errno;
	if (error != 0)
		unlink(temporary);
	return error;
}

static EVP_PKEY *load_key(const char *path)
{
	FILE *file = fopen(path, "re");
	EVP_PKEY *key = NULL;

	if (file != NULL) {
		key = PEM_read_PrivateKey(file, NULL, NULL, (void *)"");
		fclose(file);
	}
	return key;
}

static int save_key(EVP_PKEY *key, const char *path, bool private)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *bytes;
	long size;
	int error = -ENOMEM;

	if (bio != NULL && (private ? PEM_write_bio_PrivateKey(
					  bio, key, NULL, NULL, 0, NULL, NULL)
				    : PEM_write_bio_PUBKEY(bio, key)) == 1) {
		size = BIO_get_mem_data(bio, &bytes);
		error = write_file(
		    path, private ? 0600 : 0644, bytes, (size_t)size);
		if (private)
			OPENSSL_cleanse(bytes, (size_t)size);
	}
	BIO_free(bio);
	return error;
}

static int keygen(const char *private_path, const char *public_path)
{
	bool exists = access(private_path, F_OK) == 0;
	EVP_PKEY *key;
	int error = 0;

	key = exists ? load_key(private_path)
		     : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	if (key == NULL || EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519) {
		EVP_PKEY_free(key);
		return fail(
		    "%s holds no Ed25519 key: move it away", private_path);
	}
	if (!exists)
		error = save_key(key, private_path, true);
	if (error != 0) {
		fail("cannot write %s: %s", private_path, strerror(-error));
	} else {
		error = save_key(key, public_path, false);
		if (error != 0)
			fail("cannot write %s: %s", public_path,
			    strerror(-error));
	}
	EVP_PKEY_free(key);
	return error == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int sign(const char *dir, const struct options *o)
{
	char key[MANIFEST_KEY_SIZE_MAX], text[MANIFEST_SIZE_MAX], path[4096];
	struct manifest m = {.version = o->version};
	int key_size, size, error;

	snprintf(m.name, sizeof(m.name), "%s", o->name);
	for (int i = 0; i < PART_MAX; i++) {
		error = hash_part(dir, i, &m.part[i]);
		if (error != 0)
			return fail("cannot read %s/%s: %s", dir,
			    manifest_part_name(i), strerror(-error));
	}
	key_size = read_file(o->key, key, sizeof(key));
	if (key_size < 0)
		return fail("cannot read the key %s: %s (gw-image keygen "
			    "makes one)",
		    o->key, strerror(-key_size));
	size = manifest_sign(&m, key, (size_t)key_size, text);
	OPENSSL_cleanse(key, sizeof(key));
	if (size == -ENOKEY)
		return fail("%s holds no Ed25519 private key", o->key);
	if (size < 0 || strcmp(m.name, o->name) != 0)
		return fail("name, version or a part's size is not allowed: "
			    "lower-case name of at most %d letters, version "
			    "and sizes above 0",
		    MANIFEST_NAME_SIZE - 1);
	snprintf(path, sizeof(path), "%s/manifest", dir);
	error = write_file(path, 0644, text, (size_t)size);
	if (error != 0)
		return fail("cannot write %s: %s", path, strerror(-error));
	return EXIT_SUCCESS;
}

/* The manifest of an image whose signature holds; returns an exit code. */
static int load(const char *dir, const struct options *o, struct manifest *m)
{
	char key[MANIFEST_KEY_SIZE_MAX], text[MANIFEST_SIZE_MAX + 1];
	char path[4096], why[MANIFEST_TEXT_SIZE];
	int key_size, size;

	key_size = read_file(o->key, key, sizeof(key));
	if (key_size < 0)
		return fail(
		    "cannot read the key %s: %s", o->key, strerror(-key_size));
	snprintf(path, sizeof(path), "%s/manifest", dir);
	size = read_file(path, text, sizeof(text));
	if (size < 0)
		return fail("cannot read %s: %s", path, strerror(-size));
	if (manifest_verify(
		text, (size_t)size, key, (size_t)key_size, m, why) != 0)
		return fail("%s: %s", dir, why);
	if (manifest_demand(
		m, o->name != NULL ? o->name : m->name, o->least, why) != 0)
		return fail("%s: %s", dir, why);
	return EXIT_SUCCESS;
}

static int verify(const char *dir, const struct options *o)
{
	struct manifest m;
	int code = load(dir, o, &m);

	if (code != EXIT_SUCCESS)
		return code;
	for (int i = 0; i < PART_MAX; i++) {
		struct manifest_file file = {0};
		char why[MANIFEST_TEXT_SIZE];
		int error = hash_part(dir, i, &file);

		if (error != 0)
			return fail("cannot read %s/%s: %s", dir,
			    manifest_part_name(i), strerror(-error));
		if (!manifest_part_matches(&m, i, &file, why))
			return fail("%s: %s", dir, why);
	}
	printf("%s version %" PRIu64 ": signature, kernel, initrd and disk "
	       "hold\n",
	    m.name, m.version);
	return EXIT_SUCCESS;
}

static int show(const char *dir, const struct options *o)
{
	struct manifest m;
	int code = load(dir, o, &m);

	if (code == EXIT_SUCCESS)
		printf("name %s\nversion %" PRIu64 "\n", m.name, m.version);
	return code;
}

static bool number(const char *text, uint64_t *n)
{
	char *end;

	errno = 0;
	*n = strtoull(text, &end, 10);
	return errno == 0 && text[0] >= '0' && text[0] <= '9' && *end == '\0';
}

static bool take_options(int argc, char **argv, struct options *o)
{
	for (int i = 0; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--name") == 0)
			o->name = argv[i + 1];
		else if (strcmp(argv[i], "--key") == 0)
			o->key = argv[i + 1];
		else if (strcmp(argv[i], "--version") == 0) {
			if (!number(argv[i + 1], &o->version))
				return false;
		} else if (strcmp(argv[i], "--least") == 0) {
			if (!number(argv[i + 1], &o->least))
				return false;
		} else
			return false;
	}
	return argc % 2 == 0 && o->key != NULL;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	struct options o = {0};

	if (strcmp(verb, "--help") == 0) {
		fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	if (strcmp(verb, "keygen") == 0 && argc == 4)
		return keygen(argv[2], argv[3]);
	if (argc > 2 && take_options(argc - 3, argv + 3, &o)) {
		if (strcmp(verb, "sign") == 0 && o.name != NULL &&
		    o.version != 0)
			return sign(argv[2], &o);
		if (strcmp(verb, "verify") == 0)
			return verify(argv[2], &o);
		if (strcmp(verb, "show") == 0)
			return show(argv[2], &o);
	}
	fputs(usage, stderr);
	return EXIT_USAGE;
}
