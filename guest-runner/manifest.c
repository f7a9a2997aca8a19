/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads, writes, signs and verifies image manifests (manifest.h). Called by
 * gw-runner before each start of a guest and by gw-image; one thread.
 */
#include "guest-runner/manifest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#define FIRST_LINE     "guest-gateway image manifest 1\n"
#define SIGNATURE_WORD "signature "
#define SIGNATURE_SIZE 64 /* Ed25519, RFC 8032 section 5.1.6 */
/* "signature ", two digits a byte, newline */
#define TRAILER_SIZE (sizeof(SIGNATURE_WORD) - 1 + 2ul * SIGNATURE_SIZE + 1)

static const char *const part_names[] = {"kernel", "initrd", "disk"};
_Static_assert(sizeof(part_names) / sizeof(part_names[0]) == PART_MAX,
    "a name for every part");

/* What is left to read; every taker advances it or returns false. */
struct cursor {
	const char *at;
	const char *end;
};

const char *manifest_part_name(enum manifest_part part)
{
	return part_names[part];
}

static bool take_text(struct cursor *c, const char *text)
{
	size_t size = strlen(text);

	if ((size_t)(c->end - c->at) < size || memcmp(c->at, text, size) != 0)
		return false;
	c->at += size;
	return true;
}

/* A decimal number above zero in its only spelling. */
static bool take_number(struct cursor *c, uint64_t *number)
{
	uint64_t n = 0;

	if (c->at == c->end || *c->at < '1' || *c->at > '9')
		return false;
	while (c->at < c->end && *c->at >= '0' && *c->at <= '9') {
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*c->at - '0'), &n))
			return false;
		c->at++;
	}
	*number = n;
	return true;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static bool take_hex(struct cursor *c, uint8_t *bytes, size_t size)
{
	if ((size_t)(c->end - c->at) < 2 * size)
		return false;
	for (size_t i = 0; i < size; i++) {
		int high = digit(c->at[2 * i]), low = digit(c->at[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	c->at += 2 * size;
	return true;
}

static bool name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_' || c == '.';
}

/* Lower-case letters, digits, '-', '_' and '.', the first no '.'. */
static bool take_name(struct cursor *c, char *name)
{
	size_t size = 0;

	while (c->at < c->end && name_char(*c->at)) {
		if (size == MANIFEST_NAME_SIZE - 1)
			return false;
		name[size++] = *c->at++;
	}
	name[size] = '\0';
	return size > 0 && name[0] != '.';
}

/* The lines between the first and the signature. */
static bool take_body(struct cursor *c, struct manifest *m)
{
	if (!take_text(c, FIRST_LINE) || !take_text(c, "name ") ||
	    !take_name(c, m->name) || !take_text(c, "\nversion ") ||
	    !take_number(c, &m->version) || !take_text(c, "\n"))
		return false;
	for (int i = 0; i < PART_MAX; i++) {
		struct manifest_file *f = &m->part[i];

		if (!take_text(c, part_names[i]) || !take_text(c, " ") ||
		    !take_number(c, &f->size) ||
		    f->size > MANIFEST_PART_SIZE_MAX || !take_text(c, " ") ||
		    !take_hex(c, f->sha256, sizeof(f->sha256)) ||
		    !take_text(c, "\n"))
			return false;
	}
	return c->at == c->end;
}

static EVP_PKEY *read_key(const char *pem, size_t size, bool private)
{
	EVP_PKEY *key = NULL;
	BIO *bio;

	if (size > MANIFEST_KEY_SIZE_MAX)
		return NULL;
	bio = BIO_new_mem_buf(pem, (int)size);
	if (bio == NULL)
		return NULL;
	if (private)
		key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"");
	else
		key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	BIO_free(bio);
	if (key != NULL && EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

static bool signature_holds(
    EVP_PKEY *key, const uint8_t *signature, const char *text, size_t size)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool holds;

	holds = ctx != NULL &&
		EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
		EVP_DigestVerify(ctx, signature, SIGNATURE_SIZE,
		    (const uint8_t *)text, size) == 1;
	EVP_MD_CTX_free(ctx);
	return holds;
}

int manifest_verify(const char *text, size_t size, const char *pem,
    size_t pem_size, struct manifest *manifest, char *why)
{
	uint8_t signature[SIGNATURE_SIZE];
	struct cursor body, trailer;
	EVP_PKEY *key;
	bool holds;

	if (size > MANIFEST_SIZE_MAX || size <= TRAILER_SIZE) {
		snprintf(why, MANIFEST_TEXT_SIZE,
		    "the manifest has %zu bytes, which is no manifest: build "
		    "the image again",
		    size);
		return -EBADMSG;
	}
	body = (struct cursor) {text, text + size - TRAILER_SIZE};
	trailer = (struct cursor) {body.end, text + size};
	if (!take_text(&trailer, SIGNATURE_WORD) ||
	    !take_hex(&trailer, signature, sizeof(signature)) ||
	    !take_text(&trailer, "\n")) {
		snprintf(why, MANIFEST_TEXT_SIZE,
		    "the manifest does not end in a signature line: it is cut "
		    "short or altered");
		return -EBADMSG;
	}
	key = read_key(pem, pem_size, false);
	if (key == NULL) {
		snprintf(why, MANIFEST_TEXT_SIZE,
		    "the trusted key is no Ed25519 public key in PEM form");
		return -ENOKEY;
	}
	holds = signature_holds(key, signature, text, size - TRAILER_SIZE);
	EVP_PKEY_free(key);
	if (!holds) {
		snprintf(why, MANIFEST_TEXT_SIZE,
		    "the signature of the manifest does not hold: it was "
		    "altered or signed by another key");
		return -EBADMSG;
	}
	memset(manifest, 0, sizeof(*manifest));
	if (!take_body(&body, manifest)) {
		snprintf(why, MANIFEST_TEXT_SIZE,
		    "the manifest is signed, but not of a form this version "
		    "reads");
		return -EBADMSG;
	}
	return 0;
}

static int put_hex(char *text, const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		sprintf(text + 2 * i, "%02x", bytes[i]);
	return (int)(2 * size);
}

static int sign(
    EVP_PKEY *key, const char *text, size_t size, uint8_t *signature)
{
	size_t signature_size = SIGNATURE_SIZE;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool done;

	done = ctx != NULL &&
	       EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
	       EVP_DigestSign(ctx, signature, &signature_size,
		   (const uint8_t *)text, size) == 1 &&
	       signature_size == SIGNATURE_SIZE;
	EVP_MD_CTX_free(ctx);
	return done ? 0 : -ENOKEY;
}

int manifest_sign(const struct manifest *manifest, const char *key_pem,
    size_t key_size, char *text)
{
	uint8_t signature[SIGNATURE_SIZE];
	struct manifest back = {0};
	struct cursor body;
	EVP_PKEY *key;
	int error, at;

	/* Every field is bounded: the longest text is below 500 bytes. */
	at = sprintf(text, FIRST_LINE "name %.*s\nversion %" PRIu64 "\n",
	    MANIFEST_NAME_SIZE - 1, manifest->name, manifest->version);
	for (int i = 0; i < PART_MAX; i++) {
		at += sprintf(text + at, "%s %" PRIu64 " ", part_names[i],
		    manifest->part[i].size);
		at += put_hex(
		    text + at, manifest->part[i].sha256, MANIFEST_HASH_SIZE);
		text[at++] = '\n';
	}
	body = (struct cursor) {text, text + at};
	if (!take_body(&body, &back))
		return -EINVAL;
	key = read_key(key_pem, key_size, true);
	if (key == NULL)
		return -ENOKEY;
	error = sign(key, text, (size_t)at, signature);
	EVP_PKEY_free(key);
	if (error != 0)
		return error;
	at += sprintf(text + at, SIGNATURE_WORD);
	at += put_hex(text + at, signature, sizeof(signature));
	text[at++] = '\n';
	return at;
}

int manifest_demand(const struct manifest *manifest, const char *name,
    uint64_t least_version, char *why)
{
	if (strcmp(manifest->name, name) != 0) {
		snprintf(why, MANIFEST_TEXT_SIZE,
		    "the manifest is of image \"%s\", not of \"%s\"",
		    manifest->name, name);
		return -EPERM;
	}
	if (manifest->version < least_version) {
		snprintf(why, MANIFEST_TEXT_SIZE,
		    "version %" PRIu64 " of the image is older than %" PRIu64
		    ", which has run before: build or import a newer one",
		    manifest->version, least_version);
		return -EPERM;
	}
	return 0;
}

bool manifest_part_matches(const struct manifest *manifest,
    enum manifest_part part, const struct manifest_file *file, char *why)
{
	const struct manifest_file *want = &manifest->part[part];
	char is[2 * 8 + 1], should[2 * 8 + 1];

	if (file->size != want->size) {
		snprintf(why, MANIFEST_TEXT_SIZE,
		    "%s has %" PRIu64 " bytes, the manifest says %" PRIu64
		    ": it was altered or is of another build",
		    part_names[part], file->size, want->size);
		return false;
	}
	if (memcmp(file->sha256, want->sha256, MANIFEST_HASH_SIZE) != 0) {
		put_hex(is, file->sha256, 8);
		put_hex(should, want->sha256, 8);
		snprintf(why, MANIFEST_TEXT_SIZE,
		    "%s has SHA-256 %s..., the manifest says %s...: it was "
		    "altered",
		    part_names[part], is, should);
		return false;
	}
	return true;
}
