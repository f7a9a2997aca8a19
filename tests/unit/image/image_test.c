/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A policy image that is not exactly what a compiler wrote is refused, and
 * whatever passes can be read without leaving it. Images are malloc()ed to the
 * byte, so a sanitizer build sees the first byte beyond.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "rules/image/judge.h"
#include "tests/unit/image/builder.h"

/* Two networks, a rule of each kind, two guests. */
static void *make_sample(size_t *size)
{
	struct policy_country_set set = {.bits = {1, 2}};
	struct builder builder;
	struct policy_rule rule;
	uint32_t blocks[2], first;
	void *image;

	builder_init(&builder);
	memset(builder.country, 0xc0, sizeof(builder.country));
	builder_network(&builder, "inside");
	builder_network(&builder, "outside");
	builder_reach(&builder, "192.0.2.0", "192.0.2.255", 0);
	builder_reach(&builder, "198.51.100.0", "198.51.100.9", 1);
	builder_reach(&builder, "198.51.100.10", "203.0.113.255", 1);
	builder_add(&builder, SECTION_COUNTRY, &set);

	rule = builder_rule(&builder, "always.embargo", ACTION_DENY);
	rule.country = 0;
	rule.flags = RULE_ALERT;
	builder_add(&builder, SECTION_RULE, &rule);
	blocks[0] = builder_block(&builder, "always", 0);

	rule = builder_rule(&builder, "p.web", ACTION_ALLOW);
	rule.protocol = PROTOCOL_TCP;
	rule.ports = builder_ports(&builder, 80, 80);
	builder_ports(&builder, 443, 443);
	rule.ports.len = 2;
	rule.remote = builder_range(&builder, "192.0.2.0", "192.0.2.9");
	builder_range(&builder, "192.0.2.20", "192.0.2.20");
	rule.remote.len = 2;
	rule.flags = RULE_LOG;
	first = builder_add(&builder, SECTION_RULE, &rule);
	rule = builder_rule(&builder, "p.ping", ACTION_ALLOW);
	rule.protocol = PROTOCOL_ICMP;
	rule.icmp_type = 8;
	rule.network = 1;
	builder_add(&builder, SECTION_RULE, &rule);
	rule = builder_rule(&builder, "p.ssh", ACTION_ALLOW);
	rule.direction = DIRECTION_IN;
	builder_add(&builder, SECTION_RULE, &rule);
	blocks[1] = builder_block(&builder, "p", first);

	builder_guest(&builder, "g1", 3, blocks, 2);
	builder_guest(&builder, "g2", 1, blocks, 1);
	image = builder_finish(&builder, size);
	builder_free(&builder);
	return image;
}

/* Read every index of an accepted image, and say whether all stay inside. */
static bool everything_is_inside(const struct policy_image *image)
{
	uint64_t sum = 0;
	bool good = true;

	for (uint32_t i = 0; i < image->len[SECTION_RULE]; i++) {
		const struct policy_rule *rule = &image->rule[i];

		sum += strlen(policy_text(image, rule->name));
		sum += strlen(policy_text(image, rule->text));
		sum += strlen(
		    policy_text(image, image->source[rule->place.source].path));
		for (uint32_t k = 0; k < rule->remote.len; k++)
			sum += image->range[rule->remote.first + k].last;
		for (uint32_t k = 0; k < rule->ports.len; k++)
			sum += image->port[rule->ports.first + k].last;
		if (rule->country != POLICY_NONE)
			sum += image->country[rule->country].bits[10];
		good &= rule->network == POLICY_ANY_NETWORK ||
			rule->network < image->len[SECTION_NETWORK];
		good &= rule->action <= ACTION_ALLOW &&
			rule->direction <= DIRECTION_IN;
	}
	for (uint32_t i = 0; i < image->len[SECTION_NETWORK]; i++) {
		sum += strlen(policy_text(image, image->network[i].name));
		good &= strlen(policy_text(
			    image, image->network[i].interface)) < 16;
	}
	for (uint32_t i = 0; i < image->len[SECTION_REACH]; i++)
		good &= image->reach[i].network < image->len[SECTION_NETWORK];
	for (uint32_t i = 0; i < image->len[SECTION_GUEST]; i++) {
		const struct policy_guest *guest = &image->guest[i];

		good &=
		    strlen(policy_text(image, guest->name)) < POLICY_NAME_SIZE;
		sum += strlen(policy_text(image, guest->image));
		good &= !(guest->network_mask >> image->len[SECTION_NETWORK]);
		for (uint32_t k = 0; k < guest->blocks.len; k++) {
			uint32_t index =
			    image->guest_block[guest->blocks.first + k];
			const struct policy_block *block = &image->block[index];

			sum += strlen(policy_text(image, block->name));
			for (uint32_t r = 0; r < block->rules.len; r++)
				sum += image->rule[block->rules.first + r].text;
		}
	}
	return good && sum + 1;
}

static void judge_some(const struct policy_image *image)
{
	static const uint32_t remotes[] = {
	    0, 0xc0000205, 0xc6336401, 0xcb007101, UINT32_MAX};

	for (uint32_t i = 0; i < 5; i++)
		for (uint8_t direction = 0; direction < 2; direction++) {
			struct judge_flow flow = {.remote = remotes[i],
			    .port = 80,
			    .protocol = 6,
			    .direction = direction};

			for (uint32_t guest = 0; guest < 3; guest++)
				judge_flow(image, NULL, guest, &flow);
		}
}

static bool passes(const void *bytes, size_t size)
{
	struct policy_image image;
	char why[200] = "";

	if (policy_image_validate(&image, bytes, size, why, sizeof(why))) {
		assert_true(strlen(why) > strlen("policy image: "));
		return false;
	}
	assert_true(everything_is_inside(&image));
	judge_some(&image);
	return true;
}

static void sound_image_passes(void **state)
{
	struct policy_image image;
	size_t size;
	void *bytes = make_sample(&size);

	assert_true(passes(bytes, size));
	assert_int_equal(
	    policy_image_validate(&image, bytes, size, NULL, 0), 0);
	assert_int_equal(image.len[SECTION_RULE], 4);
	assert_int_equal(policy_image_find_guest(&image, "g2"), 1);
	assert_int_equal(policy_image_find_guest(&image, "g"), POLICY_NONE);
	free(bytes);
}

static void every_changed_byte_is_refused(void **state)
{
	size_t size;
	uint8_t *bytes = make_sample(&size);

	for (size_t i = 0; i < size; i++)
		for (int bit = 0; bit < 8; bit++) {
			bytes[i] ^= (uint8_t)(1 << bit);
			if (passes(bytes, size))
				fail_msg("byte %zu bit %d changed, accepted", i,
				    bit);
			bytes[i] ^= (uint8_t)(1 << bit);
		}
	assert_true(passes(bytes, size));
	free(bytes);
}

static void every_cut_and_longer_image_is_refused(void **state)
{
	size_t size;
	uint8_t *bytes = make_sample(&size);

	for (size_t cut = 0; cut < size; cut++) {
		uint8_t *copy = malloc(cut + !cut);

		memcpy(copy, bytes, cut);
		assert_false(passes(copy, cut));
		free(copy);
	}
	bytes = realloc(bytes, size + 8);
	memset(bytes + size, 0, 8);
	assert_false(passes(bytes, size + 8));
	free(bytes);
}

/* A writer with a right SHA-256 and one wrong number: refused, or harmless. */
static void every_word_set_to_extremes_stays_inside(void **state)
{
	static const uint64_t VALUE[] = {0, 1, 2, 7, 8, 255, 0x7fffffff,
	    0x80000000, 0xfffffff8, 0xffffffff, 0x7fffffffffffffff,
	    0xffffffffffffffff};
	unsigned int accepted = 0, refused = 0;
	size_t size;
	uint8_t *bytes = make_sample(&size);

	for (size_t width = 1; width <= 8; width *= 2)
		for (size_t at = 0; at + width <= size; at += width)
			for (size_t v = 0; v < 12; v++) {
				uint8_t saved[8];

				memcpy(saved, bytes + at, width);
				memcpy(bytes + at, &VALUE[v], width);
				builder_seal(bytes, size);
				if (passes(bytes, size))
					accepted++;
				else
					refused++;
				memcpy(bytes + at, saved, width);
			}
	print_message("# %u accepted, %u refused\n", accepted, refused);
	assert_true(refused > 1000);
	free(bytes);
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void random_changes_stay_inside(void **state)
{
	uint64_t seed = 20240229;
	size_t size;
	uint8_t *bytes = make_sample(&size), *copy = malloc(size);

	for (int round = 0; round < 60000; round++) {
		uint64_t changes = 1 + next_random(&seed) % 4;

		memcpy(copy, bytes, size);
		while (changes--) {
			uint64_t random = next_random(&seed);

			/* Sections hold mostly small numbers. */
			copy[random % size] = random >> 40 & 1
						  ? (uint8_t)(random >> 48 & 7)
						  : (uint8_t)(random >> 48);
		}
		builder_seal(copy, size);
		passes(copy, size);
	}
	free(copy);
	free(bytes);
}

/* Offsets of fields that must never be believed, with one wrong value each. */
#define FIELD(section, index, type, member)                       \
	section, (index) * sizeof(type) + offsetof(type, member), \
	    sizeof(((type *)NULL)->member)
static const struct {
	const char *claim;
	enum policy_section section;
	size_t offset, width;
	uint64_t value;
} WRONG[] = {
    {"name of a network",
	FIELD(SECTION_NETWORK, 0, struct policy_network, name), 1u << 20},
    {"empty name of a network",
	FIELD(SECTION_NETWORK, 0, struct policy_network, name), 0},
    {"two networks of one name",
	FIELD(SECTION_NETWORK, 1, struct policy_network, name), 9},
    {"interface of a network",
	FIELD(SECTION_NETWORK, 0, struct policy_network, interface),
	UINT32_MAX},
    {"uplink of a network",
	FIELD(SECTION_NETWORK, 1, struct policy_network, uplink), 2},
    {"routed of a network",
	FIELD(SECTION_NETWORK, 1, struct policy_network, routed), 2},
    {"prefix of a network",
	FIELD(SECTION_NETWORK, 1, struct policy_network, prefix), 33},
    {"place in a source that is not there",
	FIELD(SECTION_NETWORK, 1, struct policy_network, place.source), 1},
    {"line zero", FIELD(SECTION_RULE, 1, struct policy_rule, place.line), 0},
    {"path of a source", FIELD(SECTION_SOURCE, 0, struct policy_source, path),
	1u << 16},
    {"reach with first > last",
	FIELD(SECTION_REACH, 0, struct policy_reach, last), 1},
    {"reach that overlaps", FIELD(SECTION_REACH, 1, struct policy_reach, first),
	0xc0000280},
    {"reach with the gateway's own addresses",
	FIELD(SECTION_REACH, 0, struct policy_reach, first), 0x647fffff},
    {"reach of a third network",
	FIELD(SECTION_REACH, 2, struct policy_reach, network), 2},
    {"range with first > last",
	FIELD(SECTION_RANGE, 1, struct policy_range, first), 0xffffffff},
    {"ranges that overlap", FIELD(SECTION_RANGE, 1, struct policy_range, first),
	0xc0000209},
    {"port ranges that overlap",
	FIELD(SECTION_PORT, 1, struct policy_port_range, first), 80},
    {"country bit beyond the last code",
	FIELD(SECTION_COUNTRY, 0, struct policy_country_set, bits[10]),
	1ull << 38},
    {"rule's name", FIELD(SECTION_RULE, 0, struct policy_rule, name), 1u << 20},
    {"rule's remote", FIELD(SECTION_RULE, 1, struct policy_rule, remote.len),
	3},
    {"rule's ports", FIELD(SECTION_RULE, 1, struct policy_rule, ports.first),
	UINT32_MAX},
    {"rule's country", FIELD(SECTION_RULE, 0, struct policy_rule, country), 1},
    {"rule's network", FIELD(SECTION_RULE, 2, struct policy_rule, network), 2},
    {"rule's action", FIELD(SECTION_RULE, 2, struct policy_rule, action), 2},
    {"rule's direction", FIELD(SECTION_RULE, 2, struct policy_rule, direction),
	2},
    {"rule's protocol", FIELD(SECTION_RULE, 3, struct policy_rule, protocol),
	41},
    {"ports without TCP or UDP",
	FIELD(SECTION_RULE, 1, struct policy_rule, protocol), PROTOCOL_ANY},
    {"icmp type without ICMP",
	FIELD(SECTION_RULE, 2, struct policy_rule, protocol), PROTOCOL_TCP},
    {"unknown flag", FIELD(SECTION_RULE, 2, struct policy_rule, flags), 0x10},
    {"any remote and a remote",
	FIELD(SECTION_RULE, 1, struct policy_rule, flags), RULE_ANY_REMOTE},
    {"icmp type 256", FIELD(SECTION_RULE, 2, struct policy_rule, icmp_type),
	256},
    {"block's rules", FIELD(SECTION_BLOCK, 1, struct policy_block, rules.len),
	4},
    {"block of a guest", SECTION_GUEST_BLOCK, 4, 4, 2},
    {"guest's blocks",
	FIELD(SECTION_GUEST, 1, struct policy_guest, blocks.first), 3},
    {"guest's networks",
	FIELD(SECTION_GUEST, 0, struct policy_guest, network_mask), 7},
    {"guest's image", FIELD(SECTION_GUEST, 0, struct policy_guest, image),
	1u << 30},
};

static void each_wrong_field_is_refused(void **state)
{
	size_t size;
	uint8_t *bytes = make_sample(&size);
	const struct policy_header *header = (const void *)bytes;

	for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++) {
		uint8_t *field = bytes +
				 header->section[WRONG[i].section].offset +
				 WRONG[i].offset;
		uint8_t saved[8];

		memcpy(saved, field, WRONG[i].width);
		memcpy(field, &WRONG[i].value, WRONG[i].width);
		builder_seal(bytes, size);
		if (passes(bytes, size))
			fail_msg("accepted: %s", WRONG[i].claim);
		memcpy(field, saved, WRONG[i].width);
	}
	builder_seal(bytes, size);
	assert_true(passes(bytes, size));
	free(bytes);
}

static void country_set_without_a_table_is_refused(void **state)
{
	size_t size;
	uint8_t *bytes = make_sample(&size);
	struct policy_header *header = (void *)bytes;

	memset(header->country, 0, sizeof(header->country));
	builder_seal(bytes, size);
	assert_false(passes(bytes, size));
	free(bytes);
}

static void unterminated_text_is_refused(void **state)
{
	size_t size;
	uint8_t *bytes = make_sample(&size);
	struct policy_header *header = (void *)bytes;

	header->section[SECTION_STRING].len--;
	builder_seal(bytes, size);
	assert_false(passes(bytes, size));
	free(bytes);
}

static void two_guests_of_one_name_are_refused(void **state)
{
	size_t size;
	uint8_t *bytes = make_sample(&size);
	struct policy_header *header = (void *)bytes;
	struct policy_guest *guest =
	    (void *)(bytes + header->section[SECTION_GUEST].offset);

	guest[1].name = guest[0].name;
	builder_seal(bytes, size);
	assert_false(passes(bytes, size));
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sound_image_passes),
	    cmocka_unit_test(every_changed_byte_is_refused),
	    cmocka_unit_test(every_cut_and_longer_image_is_refused),
	    cmocka_unit_test(every_word_set_to_extremes_stays_inside),
	    cmocka_unit_test(random_changes_stay_inside),
	    cmocka_unit_test(each_wrong_field_is_refused),
	    cmocka_unit_test(country_set_without_a_table_is_refused),
	    cmocka_unit_test(unterminated_text_is_refused),
	    cmocka_unit_test(two_guests_of_one_name_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
