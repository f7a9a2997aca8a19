/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Model -> policy image (rules/image/image.h). Called by compile.c.
 *
 * Theory of operation. Each section grows as an array of records; the string
 * section holds each text once, the empty one at offset 0. Slices of ranges
 * and ports that were written before are shared. Everything goes out in the
 * order of the text, so equal bundles give equal bytes. The finished image is
 * validated by the reader's own check before anybody sees it.
 */
#include "rules/lang/model.h"
#include "rules/image/digest.h"
#include "rules/lang/print.h"
#include "rules/lang/symbol.h"

#include <sha256.h>
#include <stddef.h>
#include <string.h>

struct section {
	uint8_t *data;
	uint32_t len;
	uint32_t size; /* bytes per record */
};

/* A slice that was written: found again by what it holds. */
struct known_slice {
	uint64_t hash;
	struct policy_slice slice;
	bool used;
};

struct emit {
	struct compile *compile;
	struct model *model;
	struct section section[SECTION_MAX];
	struct symbols strings;	   /* text -> offset + 1 */
	struct known_slice *known; /* open hash table of ranges */
	size_t known_room;
};

static uint32_t add_record(
    struct emit *emit, enum policy_section id, const void *record)
{
	struct section *section = &emit->section[id];

	section->data = arena_grow(
	    &emit->compile->arena, section->data, section->len, section->size);
	memcpy(section->data + (size_t)section->len * section->size, record,
	    section->size);
	return section->len++;
}

static uint32_t add_text(struct emit *emit, const char *text)
{
	void *found = symbol_find(&emit->strings, 0, 0, text);
	uint32_t offset = emit->section[SECTION_STRING].len;
	const char *c = text;

	if (found)
		return (uint32_t)(uintptr_t)found - 1;
	do
		add_record(emit, SECTION_STRING, c);
	while (*c++);
	symbol_add(&emit->strings, 0, 0, text, (void *)((uintptr_t)offset + 1));
	return offset;
}

static struct policy_place place_of(const struct place *place)
{
	return (struct policy_place) {
	    place->source, place->line, place->column};
}

static void emit_sources(struct emit *emit)
{
	const struct errors *errors = &emit->compile->errors;
	uint32_t i;

	for (i = 0; i < errors->source_len; i++) {
		const struct source *source = &errors->source[i];
		struct policy_source record = {
		    .path = add_text(emit, source->path)};
		SHA256_CTX context;

		SHA256_Init(&context);
		SHA256_Update(
		    &context, (const uint8_t *)source->data, source->size);
		SHA256_Final(record.sha256, &context);
		add_record(emit, SECTION_SOURCE, &record);
	}
}

static void emit_networks(struct emit *emit)
{
	const struct model *model = emit->model;
	size_t i;

	for (i = 0; i < model->network_len; i++) {
		const struct network *network = &model->network[i];
		struct policy_network record = network->record;

		record.name = add_text(emit, network->node->name);
		record.interface = add_text(emit, network->interface);
		record.place = place_of(&network->node->name_place);
		add_record(emit, SECTION_NETWORK, &record);
	}
	for (i = 0; i < model->reach_len; i++)
		add_record(emit, SECTION_REACH, &model->reach[i]);
}

static uint64_t hash_ranges(const struct ranges *set)
{
	uint64_t hash = 14695981039346656037u;
	size_t i;

	for (i = 0; i < set->len; i++) {
		hash = (hash ^ set->range[i].first) * 1099511628211u;
		hash = (hash ^ set->range[i].last) * 1099511628211u;
		hash ^= hash >> 29;
	}
	return hash;
}

static bool equal_slice(const struct emit *emit,
    const struct policy_slice *slice, const struct ranges *set)
{
	const struct policy_range *at =
	    (const void *)emit->section[SECTION_RANGE].data;

	return slice->len == set->len && !memcmp(at + slice->first, set->range,
					     set->len * sizeof(*set->range));
}

static struct policy_slice emit_ranges(
    struct emit *emit, const struct ranges *set)
{
	uint64_t hash = hash_ranges(set);
	size_t at = hash & (emit->known_room - 1), i;
	struct policy_slice slice;

	if (!set->len)
		return (struct policy_slice) {0, 0};
	for (; emit->known[at].used; at = (at + 1) & (emit->known_room - 1))
		if (emit->known[at].hash == hash &&
		    equal_slice(emit, &emit->known[at].slice, set))
			return emit->known[at].slice;
	slice.first = emit->section[SECTION_RANGE].len;
	slice.len = (uint32_t)set->len;
	for (i = 0; i < set->len; i++)
		add_record(emit, SECTION_RANGE, &set->range[i]);
	emit->known[at] = (struct known_slice) {hash, slice, true};
	return slice;
}

static struct policy_slice emit_ports(
    struct emit *emit, const struct ranges *set)
{
	struct section *section = &emit->section[SECTION_PORT];
	struct policy_slice slice = {section->len, (uint32_t)set->len};
	size_t i;

	if (!set->len)
		slice.first = 0;
	for (i = 0; i < set->len; i++) {
		struct policy_port_range range = {(uint16_t)set->range[i].first,
		    (uint16_t)set->range[i].last};

		add_record(emit, SECTION_PORT, &range);
	}
	return slice;
}

static uint32_t emit_countries(
    struct emit *emit, const struct policy_country_set *set)
{
	const struct section *section = &emit->section[SECTION_COUNTRY];
	uint32_t i;

	for (i = 0; i < section->len; i++)
		if (!memcmp(
			section->data + i * sizeof(*set), set, sizeof(*set)))
			return i;
	return add_record(emit, SECTION_COUNTRY, set);
}

static void emit_rule(
    struct emit *emit, const struct block *block, struct rule *rule)
{
	const struct match *match = &rule->match;
	struct arena *arena = &emit->compile->arena;
	struct policy_rule record = {0};
	struct out text;

	out_init(&text, arena);
	print_sentence(&text, rule->node);
	record.name = add_text(
	    emit, arena_print(arena, "%s.%s", block->name, rule->node->name));
	record.text = add_text(emit, out_string(&text));
	record.place = place_of(&rule->node->place);
	record.remote = emit_ranges(emit, &match->remote.ranges);
	record.ports = emit_ports(emit, &match->ports);
	record.country = match->remote.has_countries && !match->remote.any
			     ? emit_countries(emit, &match->remote.countries)
			     : POLICY_NONE;
	record.network =
	    match->network ? match->network->index : POLICY_ANY_NETWORK;
	record.action = rule->allow ? ACTION_ALLOW : ACTION_DENY;
	record.direction = match->in ? DIRECTION_IN : DIRECTION_OUT;
	record.protocol = match->protocol;
	record.flags = match->flags;
	if (match->remote.any) {
		record.flags |= RULE_ANY_REMOTE;
		record.remote = (struct policy_slice) {0, 0};
	}
	record.icmp_type = match->icmp_type;
	rule->index = add_record(emit, SECTION_RULE, &record);
}

static void emit_block(struct emit *emit, struct block *block)
{
	struct policy_block record = {.name = add_text(emit, block->name)};
	struct rule *rule;

	record.rules.first = emit->section[SECTION_RULE].len;
	record.rules.len = block->rule_len;
	for (rule = block->first; rule; rule = rule->next)
		emit_rule(emit, block, rule);
	block->index = add_record(emit, SECTION_BLOCK, &record);
}

/* The guests of one sentence share their list of blocks. */
static void emit_group(struct emit *emit, const struct guest_group *group)
{
	struct policy_guest record = {.image = add_text(emit, group->image),
	    .memory_mib = group->memory_mib,
	    .network_mask = group->networks,
	    .place = place_of(&group->node->name_place)};
	size_t i;

	record.blocks.first = emit->section[SECTION_GUEST_BLOCK].len;
	record.blocks.len = (uint32_t)group->block_len;
	if (emit->model->always.rule_len) {
		add_record(
		    emit, SECTION_GUEST_BLOCK, &emit->model->always.index);
		record.blocks.len++;
	}
	for (i = 0; i < group->block_len; i++)
		add_record(emit, SECTION_GUEST_BLOCK, &group->block[i]->index);
	for (i = 0; i < group->name_len; i++) {
		record.name = add_text(emit, group->name[i]);
		add_record(emit, SECTION_GUEST, &record);
	}
}

/* Lay the sections out behind the header. */
static void join(struct emit *emit)
{
	struct policy_header header = {
	    .format = POLICY_IMAGE_FORMAT, .section_len = SECTION_MAX};
	struct compile *compile = emit->compile;
	uint64_t size = sizeof(header);
	uint8_t *image;
	size_t i;

	memcpy(header.magic, POLICY_IMAGE_MAGIC, 8);
	for (i = 0; i < SECTION_MAX; i++) {
		const struct section *section = &emit->section[i];

		size = (size + 7) & ~(uint64_t)7;
		header.section[i] = (struct policy_section_entry) {
		    size, section->len, section->size};
		size += (uint64_t)section->len * section->size;
	}
	size = (size + 7) & ~(uint64_t)7;
	header.size = size;
	if (compile->table)
		memcpy(header.country, compile->countries.header->sha256,
		    sizeof(header.country));
	image = arena_take(&compile->arena, size);
	for (i = 0; i < SECTION_MAX; i++)
		if (emit->section[i].len)
			memcpy(image + header.section[i].offset,
			    emit->section[i].data,
			    (size_t)emit->section[i].len *
				emit->section[i].size);
	memcpy(image, &header, sizeof(header));
	digest_with_hole(image, size, offsetof(struct policy_header, sha256),
	    image + offsetof(struct policy_header, sha256));
	compile->image = image;
	compile->image_size = size;
}

static void start(struct emit *emit, struct compile *compile)
{
	size_t i;

	memset(emit, 0, sizeof(*emit));
	emit->compile = compile;
	emit->model = compile->model;
	for (i = 0; i < SECTION_MAX; i++)
		emit->section[i].size = policy_section_size(i);
	symbols_init(&emit->strings, &compile->arena);
	emit->known_room = 16;
	while (emit->known_room < 2 * emit->model->rule_len + 2)
		emit->known_room *= 2;
	emit->known = arena_take(
	    &compile->arena, emit->known_room * sizeof(*emit->known));
	add_text(emit, "");
}

bool emit_run(struct compile *compile)
{
	struct guest_group *group;
	struct block *block;
	struct emit emit;
	char why[200] = "";

	start(&emit, compile);
	emit_sources(&emit);
	emit_networks(&emit);
	if (emit.model->always.rule_len)
		emit_block(&emit, &emit.model->always);
	for (block = emit.model->block; block; block = block->next)
		emit_block(&emit, block);
	for (group = emit.model->group; group; group = group->next)
		emit_group(&emit, group);
	join(&emit);
	if (compile->image_size > POLICY_IMAGE_MAX)
		return error_at(&compile->errors, NULL,
		    "the compiled policy is larger than 256 MiB");
	if (policy_image_validate(&compile->view, compile->image,
		compile->image_size, why, sizeof(why)))
		return error_at(&compile->errors, NULL,
		    "the compiler made an image that is not valid (a fault of "
		    "the compiler): %s",
		    why);
	return true;
}
