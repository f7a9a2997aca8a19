/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Country lists as MaxMind databases. Called by country_build.c; the bytes are
 * not trusted.
 *
 * Theory of operation. libmaxminddb opens databases by path only, and gw-rulec
 * has no paths: a struct MMDB_s over the bytes is filled in here, the way the
 * library's MMDB_open() does it (format: maxmind.github.io/MaxMind-DB). The
 * library then reads nodes and records. Two things it leaves open are closed
 * here: it skips nested values by recursion without a limit, so each map is
 * walked by check_value() first, with a limit of depth and of total work; and
 * the search tree may hold cycles, so no more nodes are read than it has.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <maxminddb.h>

#include "rules/lang/country_priv.h"

#define MARKER	     "\xab\xcd\xefMaxMind.com"
#define MARKER_SIZE  (sizeof(MARKER) - 1)
#define MARKER_REACH (128ul * 1024) /* the metadata lie in the last so many */
#define SEPARATOR    16u	    /* zero bytes between tree and data */
#define DEPTH_MAX    32u
#define WORK_MAX     (256u << 20) /* values walked for one database */
#define CACHE_LEN    65536u	  /* power of two */
#define NO_COUNTRY   (-ENOENT)

struct reader {
	struct country_canvas *canvas;
	const struct country_input *input;
	MMDB_s db;
	uint64_t work;	/* values walked */
	uint32_t nodes; /* tree nodes read */
	uint64_t named; /* records with a country */
	struct {
		uint64_t record; /* 0 = empty: never a data record */
		int value;
	} * cache;
};

static int refuse(struct reader *reader, const char *what)
{
	country_refuse(
	    reader->canvas, -EBADMSG, "%s: %s", reader->input->path, what);
	return -EBADMSG;
}

static const uint8_t *find_marker(const struct country_input *input)
{
	size_t reach = input->size < MARKER_REACH ? input->size : MARKER_REACH;
	const uint8_t *start =
	    (const uint8_t *)input->data + (input->size - reach);
	const uint8_t *found = NULL;

	while (reach >= MARKER_SIZE) {
		const uint8_t *next = memmem(start, reach, MARKER, MARKER_SIZE);

		if (!next)
			break;
		found = next + MARKER_SIZE;
		reach -= (size_t)(found - start);
		start = found;
	}
	return found; /* the last one counts */
}

bool country_is_mmdb(const struct country_input *input)
{
	const char *dot = strrchr(input->path, '.');

	return (dot && !strcmp(dot, ".mmdb")) || find_marker(input);
}

/* Types that matter for skipping; section "Data Field Format". */
enum { EXTENDED = 0, POINTER = 1, MAP = 7, ARRAY = 11, BOOLEAN = 14 };

/* One value's control bytes: how many elements follow (maps two each), how
 * many bytes to skip. Format: section "Data Field Format". */
struct control {
	uint64_t offset; /* behind control bytes and, if any, the payload */
	uint64_t children;
};

static bool read_control(
    const uint8_t *data, uint64_t size, struct control *control)
{
	uint64_t at = control->offset, len;
	unsigned int type, extra;

	if (at >= size)
		return false;
	type = data[at] >> 5;
	len = data[at++] & 0x1f;
	control->children = 0;
	if (type == POINTER) {
		control->offset = at + (len >> 3) + 1;
		return control->offset <= size;
	}
	if (type == EXTENDED) {
		if (at >= size || data[at] > BOOLEAN)
			return false;
		type = 7u + data[at++];
	}
	extra = len >= 29 ? (unsigned int)len - 28 : 0;
	if (extra > size - at)
		return false;
	if (extra) {
		static const uint32_t base[] = {0, 29, 285, 65821};
		uint64_t more = 0;

		for (unsigned int i = 0; i < extra; i++)
			more = more << 8 | data[at++];
		len = base[extra] + more;
	}
	if (type == MAP || type == ARRAY) {
		control->children = type == MAP ? 2 * len : len;
		len = 0;
	} else if (type == BOOLEAN) {
		len = 0;
	}
	control->offset = at + len;
	return len <= size - at;
}

/* The value at `offset` of a data section can be skipped by recursion. */
static bool check_value(
    struct reader *reader, const MMDB_s *db, uint64_t offset)
{
	struct control control = {.offset = offset};
	uint64_t left[DEPTH_MAX] = {1};
	unsigned int depth = 1;

	while (depth) {
		if (!left[depth - 1]) {
			depth--;
			continue;
		}
		left[depth - 1]--;
		if (++reader->work > WORK_MAX ||
		    !read_control(
			db->data_section, db->data_section_size, &control))
			return false;
		if (!control.children)
			continue;
		if (depth == DEPTH_MAX)
			return false;
		left[depth++] = control.children;
	}
	return true;
}

/* Member `key` of the map at `entry`. Returns 0, NO_COUNTRY when it has none,
 * -EBADMSG corrupt. */
static int get_member(struct reader *reader, MMDB_entry_s *entry,
    const char *key, MMDB_entry_data_s *data)
{
	const char *const path[] = {key, NULL};

	/* A pointer here would lead away from what is checked. */
	if (!check_value(reader, entry->mmdb, entry->offset) ||
	    entry->mmdb->data_section[entry->offset] >> 5 == POINTER)
		return -EBADMSG;
	switch (MMDB_aget_value(entry, data, path)) {
	case MMDB_SUCCESS:
		return data->has_data ? 0 : NO_COUNTRY;
	case MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR:
		return NO_COUNTRY;
	default:
		return -EBADMSG;
	}
}

static int get_number(
    struct reader *reader, MMDB_s *metadata, const char *key, uint32_t *number)
{
	MMDB_entry_s entry = {.mmdb = metadata};
	MMDB_entry_data_s data;

	if (get_member(reader, &entry, key, &data))
		return -EBADMSG;
	if (data.type == MMDB_DATA_TYPE_UINT16)
		*number = data.uint16;
	else if (data.type == MMDB_DATA_TYPE_UINT32)
		*number = data.uint32;
	else
		return -EBADMSG;
	return 0;
}

/* Fill reader->db from the metadata. */
static int open_db(struct reader *reader)
{
	const struct country_input *input = reader->input;
	const uint8_t *start = input->data, *meta = find_marker(input);
	uint32_t nodes, bits, version, major;
	MMDB_s *db = &reader->db, fake = {0};
	uint64_t tree;

	if (!meta)
		return refuse(reader, "this is not a MaxMind database");
	fake.file_content = start;
	fake.file_size = (ssize_t)input->size;
	fake.data_section = meta;
	fake.data_section_size =
	    (uint32_t)(input->size - (size_t)(meta - start));
	if (get_number(reader, &fake, "node_count", &nodes) ||
	    get_number(reader, &fake, "record_size", &bits) ||
	    get_number(reader, &fake, "ip_version", &version) ||
	    get_number(reader, &fake, "binary_format_major_version", &major) ||
	    major != 2 || (bits != 24 && bits != 28 && bits != 32) ||
	    (version != 4 && version != 6) || !nodes)
		return refuse(reader, "its metadata are corrupt");
	tree = (uint64_t)nodes * (bits / 4);
	if (input->size > UINT32_MAX ||
	    tree + SEPARATOR + MARKER_SIZE > (uint64_t)(meta - start))
		return refuse(reader, "its search tree is cut off");

	*db = fake;
	db->filename = input->path;
	db->metadata_section = meta;
	db->metadata_section_size = fake.data_section_size;
	db->data_section = start + tree + SEPARATOR;
	db->data_section_size = (uint32_t)((uint64_t)(meta - start) - tree -
					   SEPARATOR - MARKER_SIZE);
	db->full_record_byte_size = (uint16_t)(bits / 4);
	db->depth = version == 4 ? 32 : 128;
	db->metadata.node_count = nodes;
	db->metadata.record_size = (uint16_t)bits;
	db->metadata.ip_version = (uint16_t)version;
	return 0;
}

/* country.iso_code of a record: its value, NO_COUNTRY or -EBADMSG. */
static int read_country(struct reader *reader, uint64_t offset)
{
	MMDB_entry_s entry = {.mmdb = &reader->db, .offset = (uint32_t)offset};
	MMDB_entry_data_s data;
	int rc = get_member(reader, &entry, "country", &data);

	if (rc)
		return rc;
	if (data.type != MMDB_DATA_TYPE_MAP)
		return NO_COUNTRY;
	entry.offset = data.offset;
	rc = get_member(reader, &entry, "iso_code", &data);
	if (rc)
		return rc;
	if (data.type != MMDB_DATA_TYPE_UTF8_STRING)
		return -EBADMSG;
	return country_value(data.utf8_string, data.data_size);
}

/* Paint one data record of the tree over a range. */
static int paint_record(
    struct reader *reader, uint64_t record, uint32_t first, uint32_t last)
{
	uint64_t data = record - reader->db.metadata.node_count;
	size_t slot = (record * 0x9e3779b97f4a7c15u) >> 48;
	int value;

	if (data < SEPARATOR ||
	    data - SEPARATOR >= reader->db.data_section_size)
		return refuse(reader, "its search tree is corrupt");
	if (reader->cache[slot].record != record) {
		value = read_country(reader, data - SEPARATOR);
		if (value < 0 && value != NO_COUNTRY)
			return refuse(reader, "one of its records is corrupt");
		reader->cache[slot].record = record;
		reader->cache[slot].value = value;
	}
	value = reader->cache[slot].value;
	if (value == NO_COUNTRY)
		return 0;
	reader->named++;
	if (country_paint(reader->canvas, first, last, (uint16_t)value))
		return country_refuse(reader->canvas, -ENOSPC,
		    "%s: too many /24s with more than one country",
		    reader->input->path);
	return 0;
}

/* The two records of a node, or -EBADMSG. */
static int read_node(struct reader *reader, uint64_t node, uint64_t record[2])
{
	MMDB_search_node_s found;

	if (++reader->nodes > reader->db.metadata.node_count ||
	    MMDB_read_node(&reader->db, (uint32_t)node, &found))
		return refuse(reader, "its search tree is corrupt");
	record[0] = found.left_record;
	record[1] = found.right_record;
	return 0;
}

/* Node or record that stands for all of IPv4: ::/96 of a tree for IPv6. */
static int find_root(struct reader *reader, uint64_t *root)
{
	uint64_t record[2];
	int rc;

	*root = 0;
	for (int bit = 32; bit < reader->db.depth; bit++) {
		if (*root >= reader->db.metadata.node_count)
			return 0;
		rc = read_node(reader, *root, record);
		if (rc)
			return rc;
		*root = record[0];
	}
	return 0;
}

/* All of IPv4, depth first; `todo` holds at most one record a bit, and one. */
static int paint_tree(struct reader *reader, uint64_t root)
{
	struct {
		uint64_t record;
		uint32_t first;
		unsigned int bits;
	} todo[34] = {{root, 0, 0}}, now;
	unsigned int len = 1;
	uint64_t record[2];
	int rc = 0;

	while (!rc && len) {
		now = todo[--len];
		if (now.record == reader->db.metadata.node_count)
			continue; /* nothing known here */
		if (now.record > reader->db.metadata.node_count) {
			uint32_t last =
			    now.first |
			    (uint32_t)(UINT64_C(0xffffffff) >> now.bits);

			rc = paint_record(reader, now.record, now.first, last);
			continue;
		}
		if (now.bits == 32)
			return refuse(reader, "its search tree is corrupt");
		rc = read_node(reader, now.record, record);
		if (rc)
			return rc;
		now.bits++;
		now.record = record[1];
		todo[len] = now;
		todo[len++].first |= UINT32_C(1) << (32 - now.bits);
		now.record = record[0];
		todo[len++] = now;
	}
	return rc;
}

int country_read_mmdb(
    struct country_canvas *canvas, const struct country_input *input)
{
	struct reader reader = {.canvas = canvas, .input = input};
	uint64_t root;
	int rc;

	reader.cache = calloc(CACHE_LEN, sizeof(reader.cache[0]));
	if (!reader.cache)
		return country_refuse(
		    canvas, -ENOMEM, "no memory for the country table");
	rc = open_db(&reader);
	if (!rc)
		rc = find_root(&reader, &root);
	if (!rc)
		rc = paint_tree(&reader, root);
	if (!rc && !reader.named)
		rc = refuse(&reader,
		    "no record names a country; a country or city database "
		    "is wanted");
	free(reader.cache);
	return rc;
}
