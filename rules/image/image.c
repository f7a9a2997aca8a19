/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one place that checks a policy image. Called at load by gwd and
 * gw-dataplane (control thread), at compile time by gw-rulec, offline by
 * gwctl; never on a packet's way.
 *
 * Theory of operation. Cheap frame first (magic, format, size, sections), then
 * the SHA-256, then every record of every section, so that a broken writer is
 * caught as surely as a flipped bit. Work is linear in the image's size: slices
 * of ranges may overlap at will, therefore the longest ascending run is worked
 * out once per record, and a slice is compared with the run of its first one.
 */
#include "rules/image/image.h"

#include <assert.h>
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/image/address.h"
#include "rules/image/digest.h"

static_assert(sizeof(struct policy_source) == 36, "no padding");
static_assert(sizeof(struct policy_network) == 32, "no padding");
static_assert(sizeof(struct policy_rule) == 48, "no padding");
static_assert(sizeof(struct policy_block) == 12, "no padding");
static_assert(sizeof(struct policy_guest) == 36, "no padding");
static_assert(sizeof(struct policy_section_entry) == 16, "no padding");
static_assert(COUNTRY_WORDS * 64 >= COUNTRY_MAX, "a bit per code");
static_assert(POLICY_NETWORK_MAX <= 32, "network_mask has a bit for each");

static const struct {
	const char *name;
	uint32_t size;	/* bytes per record */
	uint32_t least; /* records */
	uint32_t most;
} SECTION[] = {
    [SECTION_STRING] = {"string", 1, 1, POLICY_IMAGE_MAX},
    [SECTION_SOURCE] = {"source", sizeof(struct policy_source), 0, 1u << 16},
    [SECTION_NETWORK] = {"network", sizeof(struct policy_network), 0,
	POLICY_NETWORK_MAX},
    [SECTION_REACH] = {"reach", sizeof(struct policy_reach), 0, UINT32_MAX},
    [SECTION_RANGE] = {"range", sizeof(struct policy_range), 0, UINT32_MAX},
    [SECTION_PORT] = {"port", sizeof(struct policy_port_range), 0, UINT32_MAX},
    [SECTION_COUNTRY] = {"country", sizeof(struct policy_country_set), 0,
	POLICY_RULE_MAX},
    [SECTION_RULE] = {"rule", sizeof(struct policy_rule), 0, POLICY_RULE_MAX},
    [SECTION_BLOCK] = {"block", sizeof(struct policy_block), 0,
	POLICY_RULE_MAX},
    [SECTION_GUEST] = {"guest", sizeof(struct policy_guest), 0,
	POLICY_GUEST_MAX},
    [SECTION_GUEST_BLOCK] = {"guest block", sizeof(uint32_t), 0, UINT32_MAX},
};
static_assert(sizeof(SECTION) / sizeof(SECTION[0]) == SECTION_MAX,
    "every section has its limits");

/* What is being checked, and where the sentence goes. */
struct check {
	struct policy_image *image;
	const uint8_t *base;
	size_t size;
	char *why;
	size_t why_size;
};

static int refuse(const struct check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static int refuse(const struct check *check, const char *format, ...)
{
	va_list args;
	int used;

	if (!check->why || !check->why_size)
		return -EBADMSG;
	used = snprintf(check->why, check->why_size, "policy image: ");
	if (used > 0 && (size_t)used < check->why_size) {
		va_start(args, format);
		vsnprintf(check->why + used, check->why_size - (size_t)used,
		    format, args);
		va_end(args);
	}
	return -EBADMSG;
}

static int check_frame(const struct check *check)
{
	const struct policy_header *header = check->image->header;

	if (check->size < sizeof(*header) ||
	    memcmp(header->magic, POLICY_IMAGE_MAGIC, sizeof(header->magic)))
		return refuse(check, "these bytes are not one");
	if ((uintptr_t)check->base % 8)
		return refuse(check, "it is not aligned in memory");
	if (header->format != POLICY_IMAGE_FORMAT)
		return refuse(check, "format %u, this program reads %u",
		    header->format, POLICY_IMAGE_FORMAT);
	if (header->section_len != SECTION_MAX)
		return refuse(check, "it has %u sections instead of %d",
		    header->section_len, SECTION_MAX);
	if (check->size > POLICY_IMAGE_MAX || header->size != check->size)
		return refuse(check, "it says %llu bytes and has %zu",
		    (unsigned long long)header->size, check->size);
	return 0;
}

/* Sections stand in the order of the enum and do not overlap; an empty one
 * may say any offset. */
static int check_sections(const struct check *check)
{
	const struct policy_header *header = check->image->header;
	uint64_t end = sizeof(*header);

	for (int i = 0; i < SECTION_MAX; i++) {
		const struct policy_section_entry *entry = &header->section[i];
		uint64_t bytes = (uint64_t)entry->len * SECTION[i].size;

		if (entry->size != SECTION[i].size)
			return refuse(check, "%s records have %u bytes",
			    SECTION[i].name, entry->size);
		if (entry->len < SECTION[i].least ||
		    entry->len > SECTION[i].most)
			return refuse(check, "%u records in section %s",
			    entry->len, SECTION[i].name);
		check->image->len[i] = entry->len;
		if (!entry->len)
			continue;
		if (entry->offset % 8 || entry->offset < end ||
		    entry->offset > check->size ||
		    bytes > check->size - entry->offset)
			return refuse(check, "section %s is out of its place",
			    SECTION[i].name);
		end = entry->offset + bytes;
	}
	return 0;
}

static int check_digest(const struct check *check)
{
	uint8_t digest[POLICY_SHA256_SIZE];

	digest_with_hole(check->base, check->size,
	    offsetof(struct policy_header, sha256), digest);
	if (memcmp(digest, check->image->header->sha256, sizeof(digest)))
		return refuse(check, "its SHA-256 is wrong: it was altered");
	return 0;
}

static void set_views(const struct check *check)
{
	struct policy_image *image = check->image;
	const void *start[SECTION_MAX];

	for (int i = 0; i < SECTION_MAX; i++)
		start[i] =
		    check->base +
		    (image->len[i] ? image->header->section[i].offset : 0);
	image->string = start[SECTION_STRING];
	image->source = start[SECTION_SOURCE];
	image->network = start[SECTION_NETWORK];
	image->reach = start[SECTION_REACH];
	image->range = start[SECTION_RANGE];
	image->port = start[SECTION_PORT];
	image->country = start[SECTION_COUNTRY];
	image->rule = start[SECTION_RULE];
	image->block = start[SECTION_BLOCK];
	image->guest = start[SECTION_GUEST];
	image->guest_block = start[SECTION_GUEST_BLOCK];
}

/* The last byte is NUL, so every offset inside is a terminated text. */
static bool is_text(const struct check *check, uint32_t offset)
{
	return offset < check->image->len[SECTION_STRING];
}

/* A name becomes part of paths, namespaces and log lines. */
static bool is_name(const struct check *check, uint32_t offset)
{
	const char *text;
	size_t len;

	if (!is_text(check, offset))
		return false;
	text = policy_text(check->image, offset);
	len = strspn(text, "abcdefghijklmnopqrstuvwxyz"
			   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
	return len > 0 && len < POLICY_NAME_SIZE && !text[len] &&
	       text[0] != '.' && text[0] != '-';
}

static bool is_interface(const struct check *check, uint32_t offset)
{
	const char *text;
	size_t len;

	if (!is_text(check, offset))
		return false;
	text = policy_text(check->image, offset);
	len = strnlen(text, IF_NAMESIZE);
	return len > 0 && len < IF_NAMESIZE && !strpbrk(text, "/ \t\n%") &&
	       text[0] != '.';
}

static bool is_place(
    const struct check *check, const struct policy_place *place)
{
	return place->source < check->image->len[SECTION_SOURCE] &&
	       place->line && place->column;
}

static bool is_slice(const struct check *check,
    const struct policy_slice *slice, enum policy_section section)
{
	return slice->first <= check->image->len[section] &&
	       slice->len <= check->image->len[section] - slice->first;
}

static int check_source(const struct check *check)
{
	const struct policy_image *image = check->image;

	if (image->string[image->len[SECTION_STRING] - 1])
		return refuse(check, "its last text has no end");
	for (uint32_t i = 0; i < image->len[SECTION_SOURCE]; i++)
		if (!is_text(check, image->source[i].path))
			return refuse(check, "source %u is malformed", i);
	return 0;
}

static int check_network(const struct check *check)
{
	const struct policy_image *image = check->image;

	for (uint32_t i = 0; i < image->len[SECTION_NETWORK]; i++) {
		const struct policy_network *network = &image->network[i];

		if (!is_name(check, network->name) ||
		    !is_interface(check, network->interface) ||
		    !is_place(check, &network->place) || network->prefix > 32 ||
		    network->routed > 1 ||
		    network->uplink > UPLINK_INTERFACE_TAKE || network->pad)
			return refuse(check, "network %u is malformed", i);
		for (uint32_t k = 0; k < i; k++)
			if (!strcmp(policy_text(image, network->name),
				policy_text(image, image->network[k].name)))
				return refuse(check,
				    "two networks are called %s",
				    policy_text(image, network->name));
	}
	return 0;
}

static int check_reach(const struct check *check)
{
	const struct policy_image *image = check->image;

	for (uint32_t i = 0; i < image->len[SECTION_REACH]; i++) {
		const struct policy_reach *reach = &image->reach[i];

		if (reach->first > reach->last ||
		    reach->network >= image->len[SECTION_NETWORK] ||
		    (i && reach->first <= reach[-1].last))
			return refuse(check, "reach %u is malformed", i);
		if (reach->first <= ADDRESS_CLAIM_LAST &&
		    reach->last >= ADDRESS_CLAIM_FIRST)
			return refuse(check,
			    "reach %u holds the gateway's own addresses", i);
	}
	return 0;
}

static int check_country(const struct check *check)
{
	static const uint8_t none[POLICY_SHA256_SIZE];
	static const uint64_t beyond = ~UINT64_C(0) << COUNTRY_MAX % 64;
	const struct policy_image *image = check->image;

	if (image->len[SECTION_COUNTRY] &&
	    !memcmp(image->header->country, none, sizeof(none)))
		return refuse(check, "it names countries, but no table");
	for (uint32_t i = 0; i < image->len[SECTION_COUNTRY]; i++)
		if (image->country[i].bits[COUNTRY_WORDS - 1] & beyond)
			return refuse(check, "country set %u is malformed", i);
	return 0;
}

/* end[i]: the records from i up to there (excluded) are ascending and
 * disjoint. Returns the index of a record with first > last, or POLICY_NONE. */
static uint32_t find_range_runs(const struct policy_image *image, uint32_t *end)
{
	for (uint32_t i = image->len[SECTION_RANGE]; i-- > 0;) {
		const struct policy_range *range = &image->range[i];

		if (range->first > range->last)
			return i;
		end[i] = i + 1 < image->len[SECTION_RANGE] &&
				 range[1].first > range->last
			     ? end[i + 1]
			     : i + 1;
	}
	return POLICY_NONE;
}

static uint32_t find_port_runs(const struct policy_image *image, uint32_t *end)
{
	for (uint32_t i = image->len[SECTION_PORT]; i-- > 0;) {
		const struct policy_port_range *range = &image->port[i];

		if (range->first > range->last)
			return i;
		end[i] = i + 1 < image->len[SECTION_PORT] &&
				 range[1].first > range->last
			     ? end[i + 1]
			     : i + 1;
	}
	return POLICY_NONE;
}

static bool is_run(const struct check *check, const struct policy_slice *slice,
    enum policy_section section, const uint32_t *end)
{
	return is_slice(check, slice, section) &&
	       (!slice->len || slice->first + slice->len <= end[slice->first]);
}

static bool is_rule(const struct check *check, const struct policy_rule *rule,
    const uint32_t *range_end, const uint32_t *port_end)
{
	const struct policy_image *image = check->image;

	if (!is_text(check, rule->name) || !is_text(check, rule->text) ||
	    !is_place(check, &rule->place) ||
	    !is_run(check, &rule->remote, SECTION_RANGE, range_end) ||
	    !is_run(check, &rule->ports, SECTION_PORT, port_end))
		return false;
	if (rule->country != POLICY_NONE &&
	    rule->country >= image->len[SECTION_COUNTRY])
		return false;
	if (rule->network != POLICY_ANY_NETWORK &&
	    rule->network >= image->len[SECTION_NETWORK])
		return false;
	if (rule->action > ACTION_ALLOW || rule->direction > DIRECTION_IN)
		return false;
	if (rule->flags &
	    ~(RULE_QUIET | RULE_LOG | RULE_ALERT | RULE_ANY_REMOTE))
		return false;
	if (rule->flags & RULE_ANY_REMOTE &&
	    (rule->remote.len || rule->country != POLICY_NONE))
		return false;
	if (rule->icmp_type < -1 || rule->icmp_type > 255 ||
	    (rule->icmp_type != -1 && rule->protocol != PROTOCOL_ICMP))
		return false;
	switch (rule->protocol) {
	case PROTOCOL_TCP:
	case PROTOCOL_UDP:
		return true;
	case PROTOCOL_ANY:
	case PROTOCOL_ICMP:
		return !rule->ports.len;
	default:
		return false;
	}
}

static int check_rule(const struct check *check)
{
	const struct policy_image *image = check->image;
	size_t ranges = image->len[SECTION_RANGE];
	size_t ports = image->len[SECTION_PORT];
	uint32_t *end = calloc(ranges + ports + 1, sizeof(*end));
	uint32_t bad;
	int rc = 0;

	if (!end)
		return refuse(check, "no memory to check it");
	bad = find_range_runs(image, end);
	if (bad != POLICY_NONE)
		rc = refuse(check, "range %u is malformed", bad);
	bad = find_port_runs(image, end + ranges);
	if (!rc && bad != POLICY_NONE)
		rc = refuse(check, "port range %u is malformed", bad);
	for (uint32_t i = 0; !rc && i < image->len[SECTION_RULE]; i++)
		if (!is_rule(check, &image->rule[i], end, end + ranges))
			rc = refuse(check, "rule %u is malformed", i);
	free(end);
	return rc;
}

static int check_block(const struct check *check)
{
	const struct policy_image *image = check->image;

	for (uint32_t i = 0; i < image->len[SECTION_BLOCK]; i++)
		if (!is_text(check, image->block[i].name) ||
		    !is_slice(check, &image->block[i].rules, SECTION_RULE))
			return refuse(check, "block %u is malformed", i);
	for (uint32_t i = 0; i < image->len[SECTION_GUEST_BLOCK]; i++)
		if (image->guest_block[i] >= image->len[SECTION_BLOCK])
			return refuse(check, "guest block %u is malformed", i);
	return 0;
}

static int compare_guest(const void *a, const void *b, void *context)
{
	const struct policy_image *image = context;
	uint16_t left = *(const uint16_t *)a, right = *(const uint16_t *)b;

	return strcmp(policy_text(image, image->guest[left].name),
	    policy_text(image, image->guest[right].name));
}

static int check_guest_names(const struct check *check)
{
	struct policy_image *image = check->image;
	uint16_t order[POLICY_GUEST_MAX];
	uint32_t len = image->len[SECTION_GUEST];

	for (uint32_t i = 0; i < len; i++)
		order[i] = (uint16_t)i;
	qsort_r(order, len, sizeof(order[0]), compare_guest, image);
	for (uint32_t i = 1; i < len; i++)
		if (!compare_guest(&order[i - 1], &order[i], image))
			return refuse(check, "two guests are called %s",
			    policy_text(image, image->guest[order[i]].name));
	return 0;
}

static int check_guest(const struct check *check)
{
	const struct policy_image *image = check->image;
	uint32_t mask = (1u << image->len[SECTION_NETWORK]) - 1;

	for (uint32_t i = 0; i < image->len[SECTION_GUEST]; i++) {
		const struct policy_guest *guest = &image->guest[i];

		if (!is_name(check, guest->name) ||
		    !is_text(check, guest->image) ||
		    !is_place(check, &guest->place) ||
		    !is_slice(check, &guest->blocks, SECTION_GUEST_BLOCK) ||
		    guest->network_mask & ~mask)
			return refuse(check, "guest %u is malformed", i);
	}
	return check_guest_names(check);
}

int policy_image_validate(struct policy_image *image, const void *base,
    size_t size, char *why, size_t why_size)
{
	/* After check_source() every text ends inside the image. */
	static int (*const STEP[])(const struct check *check) = {check_source,
	    check_network, check_reach, check_country, check_rule, check_block,
	    check_guest};
	struct check check = {image, base, size, why, why_size};
	int rc;

	*image = (struct policy_image) {.header = base};
	rc = check_frame(&check);
	if (!rc)
		rc = check_sections(&check);
	if (!rc)
		rc = check_digest(&check);
	if (!rc)
		set_views(&check);
	for (size_t i = 0; !rc && i < sizeof(STEP) / sizeof(STEP[0]); i++)
		rc = STEP[i](&check);
	if (rc)
		*image = (struct policy_image) {0};
	return rc;
}

uint32_t policy_section_size(unsigned int section)
{
	return section < SECTION_MAX ? SECTION[section].size : 0;
}

uint32_t policy_image_find_guest(
    const struct policy_image *image, const char *name)
{
	for (uint32_t i = 0; i < image->len[SECTION_GUEST]; i++)
		if (!strcmp(policy_text(image, image->guest[i].name), name))
			return i;
	return POLICY_NONE;
}
