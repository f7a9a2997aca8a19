/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The policy image: the compiled policy as one immutable, pointer-free run of
 * bytes. gw-rulec writes it; gwd, gw-dataplane and gwctl read it. It is the
 * only contract between the rule language and everything downstream.
 *
 * Theory of operation. A header, then one array of fixed-size records per
 * section. Numbers are in host order (an image never leaves the machine that
 * made it; magic and format tell a foreign one). Text is an offset into
 * SECTION_STRING. A slice is {first, len} into the section its comment names.
 * policy_image_validate() checks every offset, slice, index and enum once, and
 * the SHA-256; after it, readers index without further checks. A corrupt image
 * is refused whole. The image carries no generation number: equal inputs give
 * equal bytes; the serial is given by gwd when it loads one.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

#define POLICY_IMAGE_MAGIC  "GWPOLICY" /* 8 bytes, no terminator */
#define POLICY_IMAGE_FORMAT 1u
#define POLICY_SHA256_SIZE  32
#define POLICY_IMAGE_MAX    (256u << 20) /* bytes; refused beyond */

/* Limits of one policy. Named here because every reader sizes tables by them.
 */
#define POLICY_NETWORK_MAX 16
#define POLICY_GUEST_MAX   4096
#define POLICY_RULE_MAX	   1000000
#define POLICY_NAME_SIZE   48 /* bytes with terminator, any declared name */
#define POLICY_NONE	   UINT32_MAX
#define POLICY_ANY_NETWORK UINT16_MAX

struct policy_slice {
	uint32_t first;
	uint32_t len;
};

/* Where a thing was written: for errors, `why` and explain. */
struct policy_place {
	uint32_t source; /* into SECTION_SOURCE */
	uint32_t line;	 /* from 1 */
	uint32_t column; /* from 1, bytes */
};

struct policy_source {
	uint32_t path; /* text, as the user wrote it */
	uint8_t sha256[POLICY_SHA256_SIZE];
};

enum policy_uplink {
	UPLINK_INTERFACE_SHARE, /* macvlan on the host's interface */
	UPLINK_INTERFACE_TAKE,	/* the interface itself is moved */
};

struct policy_network {
	uint32_t name;
	uint32_t interface; /* text */
	uint32_t address;   /* of our end on the uplink; 0 = keep what it has */
	uint32_t gateway;   /* next hop; 0 = none */
	uint8_t prefix;	    /* length of address' subnet */
	uint8_t uplink;	    /* enum policy_uplink */
	uint8_t routed;	    /* 1 = no NAT */
	uint8_t pad;
	struct policy_place place;
};

/* Disjoint, ascending: which network an address belongs to. No entry = none.
 * `public`, its exclusions and longest prefix are already worked out. */
struct policy_reach {
	uint32_t first;
	uint32_t last;
	uint32_t network; /* index */
};

/* Disjoint and ascending within one slice; bounds included. */
struct policy_range {
	uint32_t first;
	uint32_t last;
};
struct policy_port_range {
	uint16_t first;
	uint16_t last;
};

/*
 * One bit per country code: (c1 - 'A') * 26 + (c2 - 'A'); then `unknown`
 * (public, not in the table) and `none` (private or special: has no country).
 */
#define COUNTRY_UNKNOWN 676
#define COUNTRY_NONE	677
#define COUNTRY_MAX	678
#define COUNTRY_WORDS	11
struct policy_country_set {
	uint64_t bits[COUNTRY_WORDS];
};

enum policy_action { ACTION_DENY, ACTION_ALLOW };
enum policy_direction { DIRECTION_OUT, DIRECTION_IN };
/* IANA protocol numbers where there is one. */
enum policy_protocol {
	PROTOCOL_ANY = 0,
	PROTOCOL_ICMP = 1,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
};
#define RULE_QUIET	(1u << 0) /* neither answer nor log */
#define RULE_LOG	(1u << 1)
#define RULE_ALERT	(1u << 2)
#define RULE_ANY_REMOTE (1u << 3) /* no address operand: matches every one */

/*
 * One normalised rule. The far end ("remote") is the destination of an
 * outbound flow (`to`) and the source of an inbound one (`from`). It matches
 * when RULE_ANY_REMOTE, or the address lies in `remote`, or its country's bit
 * is set in `country`. Negation is worked out at compile time.
 * `ports` is the destination port of the flow's first packet; empty = any.
 */
struct policy_rule {
	uint32_t name; /* "profile.rule", unique */
	uint32_t text; /* canonical text of the sentence */
	struct policy_place place;
	struct policy_slice remote; /* SECTION_RANGE */
	struct policy_slice ports;  /* SECTION_PORT */
	uint32_t country;	    /* SECTION_COUNTRY index, POLICY_NONE */
	uint16_t network;	    /* index, POLICY_ANY_NETWORK */
	uint8_t action;		    /* enum policy_action */
	uint8_t direction;	    /* enum policy_direction */
	uint8_t protocol;	    /* enum policy_protocol */
	uint8_t flags;		    /* RULE_ */
	int16_t icmp_type;	    /* -1 = any */
};

/* `always`, a guest's own rules, or one profile: consecutive rules. */
struct policy_block {
	uint32_t name;
	struct policy_slice rules; /* SECTION_RULE */
};

struct policy_guest {
	uint32_t name;
	uint32_t image; /* text: master image */
	uint32_t memory_mib;
	uint32_t network_mask;	    /* bit per network index the guest has */
	struct policy_slice blocks; /* SECTION_GUEST_BLOCK, in judging order */
	struct policy_place place;
};

enum policy_section {
	SECTION_STRING,	     /* char */
	SECTION_SOURCE,	     /* struct policy_source */
	SECTION_NETWORK,     /* struct policy_network */
	SECTION_REACH,	     /* struct policy_reach */
	SECTION_RANGE,	     /* struct policy_range */
	SECTION_PORT,	     /* struct policy_port_range */
	SECTION_COUNTRY,     /* struct policy_country_set */
	SECTION_RULE,	     /* struct policy_rule */
	SECTION_BLOCK,	     /* struct policy_block */
	SECTION_GUEST,	     /* struct policy_guest */
	SECTION_GUEST_BLOCK, /* uint32_t, index into SECTION_BLOCK */
	SECTION_MAX,
};

struct policy_section_entry {
	uint64_t offset; /* bytes from the image's start, 8-aligned */
	uint32_t len;	 /* records */
	uint32_t size;	 /* bytes per record, must equal the reader's */
};

struct policy_header {
	uint8_t magic[8];
	uint32_t format;
	uint32_t section_len;
	uint64_t size;			     /* bytes of the whole image */
	uint8_t sha256[POLICY_SHA256_SIZE];  /* of the image, this field zero */
	uint8_t country[POLICY_SHA256_SIZE]; /* country table's; 0 = unused */
	struct policy_section_entry section[SECTION_MAX];
};

/* A validated image, borrowed memory: the mapping must outlive it. */
struct policy_image {
	const struct policy_header *header;
	const char *string;
	const struct policy_source *source;
	const struct policy_network *network;
	const struct policy_reach *reach;
	const struct policy_range *range;
	const struct policy_port_range *port;
	const struct policy_country_set *country;
	const struct policy_rule *rule;
	const struct policy_block *block;
	const struct policy_guest *guest;
	const uint32_t *guest_block;
	uint32_t len[SECTION_MAX]; /* records per section */
};

/*
 * Check an image completely and fill `image` with typed views of it.
 * base: at least `size` bytes, 8-aligned, borrowed, must not change while in
 * use (hand over sealed memfds). why: buffer of `why_size` bytes for one
 * sentence in case of refusal, may be NULL.
 * Returns 0, or -EBADMSG (not an image, foreign format, corrupt).
 */
int policy_image_validate(struct policy_image *image, const void *base,
    size_t size, char *why, size_t why_size);

/* Bytes of one record of a section; 0 for a number that is none. */
uint32_t policy_section_size(unsigned int section);

/* Guest of that name; index or POLICY_NONE. */
uint32_t policy_image_find_guest(
    const struct policy_image *image, const char *name);

static inline const char *policy_text(
    const struct policy_image *image, uint32_t offset)
{
	return image->string + offset;
}
