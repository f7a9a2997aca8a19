/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Policy images for tests. Called by unit tests only.
 */
#include "tests/unit/image/builder.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "rules/image/digest.h"

static const uint32_t SIZE[SECTION_MAX] = {
    [SECTION_STRING] = 1,
    [SECTION_SOURCE] = sizeof(struct policy_source),
    [SECTION_NETWORK] = sizeof(struct policy_network),
    [SECTION_REACH] = sizeof(struct policy_reach),
    [SECTION_RANGE] = sizeof(struct policy_range),
    [SECTION_PORT] = sizeof(struct policy_port_range),
    [SECTION_COUNTRY] = sizeof(struct policy_country_set),
    [SECTION_RULE] = sizeof(struct policy_rule),
    [SECTION_BLOCK] = sizeof(struct policy_block),
    [SECTION_GUEST] = sizeof(struct policy_guest),
    [SECTION_GUEST_BLOCK] = sizeof(uint32_t),
};

static const struct policy_place HERE = {.source = 0, .line = 1, .column = 1};

uint32_t builder_add(
    struct builder *builder, enum policy_section section, const void *record)
{
	uint32_t size = SIZE[section], len = builder->section[section].len;
	uint8_t *data =
	    realloc(builder->section[section].data, (size_t)(len + 1) * size);

	if (!data)
		abort();
	memcpy(data + (size_t)len * size, record, size);
	builder->section[section].data = data;
	builder->section[section].len = len + 1;
	return len;
}

uint32_t builder_text(struct builder *builder, const char *text)
{
	const uint8_t *data = builder->section[SECTION_STRING].data;
	uint32_t len = builder->section[SECTION_STRING].len;
	size_t size = strlen(text) + 1;

	for (uint32_t i = 0; i + size <= len; i++)
		if (!memcmp(data + i, text, size))
			return i;
	for (size_t i = 0; i < size; i++)
		builder_add(builder, SECTION_STRING, text + i);
	return len;
}

void builder_init(struct builder *builder)
{
	struct policy_source source = {0};

	memset(builder, 0, sizeof(*builder));
	builder_text(builder, "");
	source.path = builder_text(builder, "test.gw");
	builder_add(builder, SECTION_SOURCE, &source);
}

void builder_free(struct builder *builder)
{
	for (int i = 0; i < SECTION_MAX; i++)
		free(builder->section[i].data);
}

uint32_t builder_address(const char *text)
{
	struct in_addr address;

	if (inet_pton(AF_INET, text, &address) != 1)
		abort();
	return ntohl(address.s_addr);
}

uint32_t builder_network(struct builder *builder, const char *name)
{
	struct policy_network network = {
	    .name = builder_text(builder, name),
	    .interface = builder_text(builder, "eth0"),
	    .place = HERE,
	};

	return builder_add(builder, SECTION_NETWORK, &network);
}

void builder_reach(struct builder *builder, const char *first, const char *last,
    uint32_t network)
{
	struct policy_reach reach = {
	    builder_address(first), builder_address(last), network};

	builder_add(builder, SECTION_REACH, &reach);
}

struct policy_rule builder_rule(
    struct builder *builder, const char *name, enum policy_action action)
{
	return (struct policy_rule) {
	    .name = builder_text(builder, name),
	    .place = HERE,
	    .country = POLICY_NONE,
	    .network = POLICY_ANY_NETWORK,
	    .action = (uint8_t)action,
	    .flags = RULE_ANY_REMOTE,
	    .icmp_type = -1,
	};
}

struct policy_slice builder_range(
    struct builder *builder, const char *first, const char *last)
{
	struct policy_range range = {
	    builder_address(first), builder_address(last)};

	return (struct policy_slice) {
	    builder_add(builder, SECTION_RANGE, &range), 1};
}

struct policy_slice builder_ports(
    struct builder *builder, uint16_t first, uint16_t last)
{
	struct policy_port_range range = {first, last};

	return (struct policy_slice) {
	    builder_add(builder, SECTION_PORT, &range), 1};
}

uint32_t builder_block(
    struct builder *builder, const char *name, uint32_t first)
{
	struct policy_block block = {
	    .name = builder_text(builder, name),
	    .rules = {first, builder->section[SECTION_RULE].len - first},
	};

	return builder_add(builder, SECTION_BLOCK, &block);
}

uint32_t builder_guest(struct builder *builder, const char *name,
    uint32_t network_mask, const uint32_t *blocks, uint32_t len)
{
	struct policy_guest guest = {
	    .name = builder_text(builder, name),
	    .image = builder_text(builder, "demo"),
	    .memory_mib = 256,
	    .network_mask = network_mask,
	    .blocks = {builder->section[SECTION_GUEST_BLOCK].len, len},
	    .place = HERE,
	};

	for (uint32_t i = 0; i < len; i++)
		builder_add(builder, SECTION_GUEST_BLOCK, &blocks[i]);
	return builder_add(builder, SECTION_GUEST, &guest);
}

void *builder_finish(const struct builder *builder, size_t *size)
{
	struct policy_header header = {
	    .format = POLICY_IMAGE_FORMAT,
	    .section_len = SECTION_MAX,
	    .size = sizeof(header),
	};
	uint8_t *image;

	memcpy(header.magic, POLICY_IMAGE_MAGIC, sizeof(header.magic));
	memcpy(header.country, builder->country, sizeof(header.country));
	for (int i = 0; i < SECTION_MAX; i++) {
		header.section[i] = (struct policy_section_entry) {
		    header.size, builder->section[i].len, SIZE[i]};
		header.size += (uint64_t)builder->section[i].len * SIZE[i] + 7;
		header.size -= header.size % 8;
	}
	image = calloc(1, header.size);
	if (!image)
		abort();
	memcpy(image, &header, sizeof(header));
	for (int i = 0; i < SECTION_MAX; i++)
		if (builder->section[i].len)
			memcpy(image + header.section[i].offset,
			    builder->section[i].data,
			    (size_t)builder->section[i].len * SIZE[i]);
	*size = header.size;
	builder_seal(image, *size);
	return image;
}

void builder_seal(void *image, size_t size)
{
	uint8_t digest[POLICY_SHA256_SIZE];
	struct policy_header *header = image;

	digest_with_hole(
	    image, size, offsetof(struct policy_header, sha256), digest);
	memcpy(header->sha256, digest, sizeof(digest));
}
