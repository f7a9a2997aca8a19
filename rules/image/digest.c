/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SHA-256 over an image (libmd). Called at load and compile time, any thread.
 */
#include "rules/image/digest.h"

#include <sha256.h>

void digest_with_hole(
    const void *base, size_t size, size_t hole, uint8_t digest[32])
{
	static const uint8_t zero[SHA256_DIGEST_LENGTH];
	const uint8_t *bytes = base;
	SHA256_CTX context;

	SHA256_Init(&context);
	SHA256_Update(&context, bytes, hole);
	SHA256_Update(&context, zero, sizeof(zero));
	SHA256_Update(
	    &context, bytes + hole + sizeof(zero), size - hole - sizeof(zero));
	SHA256_Final(digest, &context);
}
