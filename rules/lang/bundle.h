/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A policy with everything it names, as one run of bytes: main file, included
 * files, lists, country tables. bundle_build() is called by gwctl and gw-rulec
 * with the caller's rights; gwd keeps a bundle and hands it to gw-rulec, which
 * takes it apart inside its sandbox. The only header of rules/lang for others.
 *
 * Theory of operation. A header, then one record per file, each 8-aligned:
 * struct bundle_record, the path as written with a terminator, the content.
 * Record 0 is the main file. `parent` is the record in which the path was
 * written, always an earlier one, so records form a tree. A file that could
 * not be read has `failed` set and a sentence as its content: the compiler
 * reports it at the place where it was named. Numbers are in host order: a
 * bundle stays on its machine. Equal files give equal bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUNDLE_MAGIC	 "GWBUNDLE" /* 8 bytes, no terminator */
#define BUNDLE_FORMAT	 1u
#define BUNDLE_MAX	 ((size_t)256 << 20) /* bytes, all together */
#define BUNDLE_FILE_MAX	 ((size_t)128 << 20) /* bytes of one file */
#define BUNDLE_FILES	 1024		     /* records */
#define BUNDLE_DEPTH_MAX 16		     /* includes inside each other */
#define BUNDLE_PATH_MAX	 4096

/* Country data that is used when the policy names a country. */
#define BUNDLE_COUNTRY_DEFAULT "/usr/share/tor/geoip"

enum bundle_kind {
	BUNDLE_MAIN = 1,
	BUNDLE_INCLUDE,
	BUNDLE_LIST,	     /* of a category; not used yet */
	BUNDLE_COUNTRY,	     /* of `country-table`, in its order */
	BUNDLE_COUNTRY_BASE, /* BUNDLE_COUNTRY_DEFAULT */
	BUNDLE_KIND_END,
};

struct bundle_header {
	uint8_t magic[8];
	uint32_t format;
	uint32_t len;  /* records */
	uint64_t size; /* bytes of the whole bundle */
};

struct bundle_record {
	uint32_t kind; /* enum bundle_kind */
	uint32_t parent;
	uint32_t path_size; /* bytes without terminator */
	uint32_t failed;    /* 1: content is the reason */
	uint64_t size;	    /* bytes of content */
};

/* One file of a parsed bundle; memory is the bundle's. */
struct bundle_file {
	enum bundle_kind kind;
	uint32_t parent;
	bool failed;
	const char *path; /* as written, terminated */
	const char *data; /* not terminated */
	size_t size;
};

struct bundle {
	struct bundle_file *file; /* of malloc() */
	size_t len;
};

/*
 * Read a policy and all that it names. path: the main file. data: a block of
 * malloc() that is then the caller's. Returns 0, or -errno when the main file
 * can't be read or a limit is passed, with one sentence in `why`.
 */
int bundle_build(
    const char *path, void **data, size_t *size, char *why, size_t why_size);

/*
 * Take a bundle apart; every length is checked. data is borrowed and must
 * outlive the bundle. Returns 0, -ENOMEM, or -EBADMSG with a sentence.
 */
int bundle_parse(struct bundle *bundle, const void *data, size_t size,
    char *why, size_t why_size);
void bundle_free(struct bundle *bundle);
