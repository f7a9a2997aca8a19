/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The signed manifest of a master image: what gw-runner checks before a guest
 * starts and what gw-image writes. One thread, no state.
 *
 * Theory of operation. A manifest is one text of exactly this form, every line
 * ended by one newline, single blanks, decimal numbers without leading zeros,
 * hexadecimal in lower case:
 *
 *	guest-gateway image manifest 1
 *	name demo
 *	version 7
 *	kernel <size in bytes> <SHA-256>
 *	initrd <size in bytes> <SHA-256>
 *	disk <size in bytes> <SHA-256>
 *	signature <Ed25519 signature of all bytes above this line>
 *
 * There is one way to write each fact, so one changed byte is always another
 * manifest. The signature is checked before anything else is read; the fixed
 * first line keeps a signature of something else from being taken for one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MANIFEST_SIZE_MAX     1024
#define MANIFEST_NAME_SIZE    48  /* with its NUL; = MSG_NAME_SIZE */
#define MANIFEST_TEXT_SIZE    200 /* one sentence for people; = MSG_TEXT_SIZE */
#define MANIFEST_HASH_SIZE    32  /* SHA-256 */
#define MANIFEST_KEY_SIZE_MAX 4096 /* PEM */

enum manifest_part { PART_KERNEL, PART_INITRD, PART_DISK, PART_MAX };

/* Largest part that is accepted: it is copied into memory. */
#define MANIFEST_PART_SIZE_MAX (UINT64_C(4) << 30)

struct manifest {
	char name[MANIFEST_NAME_SIZE];
	uint64_t version; /* never 0 */
	struct manifest_file {
		uint64_t size; /* bytes, never 0 */
		uint8_t sha256[MANIFEST_HASH_SIZE];
	} part[PART_MAX];
};

/* "kernel", "initrd", "disk": also the names of the files. */
const char *manifest_part_name(enum manifest_part part);

/*
 * Read a manifest whose signature holds. text: size bytes, not terminated.
 * pem: the trusted Ed25519 public key, pem_size bytes. Returns 0; or -EBADMSG
 * (signature or form), -ENOKEY (the key itself cannot be read), with one
 * sentence in why, which has MANIFEST_TEXT_SIZE bytes.
 */
int manifest_verify(const char *text, size_t size, const char *pem,
    size_t pem_size, struct manifest *manifest, char *why);

/*
 * Write and sign a manifest. key_pem: the Ed25519 private key. text: room for
 * MANIFEST_SIZE_MAX bytes. Returns the bytes written, or -EINVAL (a field that
 * could not be read back), -ENOKEY (no usable key).
 */
int manifest_sign(const struct manifest *manifest, const char *key_pem,
    size_t key_size, char *text);

/*
 * Compare with what a caller demands: name equal, version not older than
 * least_version. Returns 0 or -EPERM with a sentence in why.
 */
int manifest_demand(const struct manifest *manifest, const char *name,
    uint64_t least_version, char *why);

/*
 * Does a file that was hashed equal the manifest's part? When not, why says
 * which part and what differs.
 */
bool manifest_part_matches(const struct manifest *manifest,
    enum manifest_part part, const struct manifest_file *file, char *why);
