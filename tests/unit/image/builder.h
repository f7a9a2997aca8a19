/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes policy images for tests, without the compiler. Everything aborts on a
 * lack of memory. Other test folders may use it (image_builder_dep).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "rules/image/image.h"

struct builder {
	struct {
		uint8_t *data;
		uint32_t len; /* records */
	} section[SECTION_MAX];
	uint8_t country[POLICY_SHA256_SIZE];
};

/* Empty but for one source "test.gw" and the empty text at offset 0. */
void builder_init(struct builder *builder);
void builder_free(struct builder *builder);

/* Offset of a text; equal texts share one. */
uint32_t builder_text(struct builder *builder, const char *text);
/* Append a record of a section; returns its index. */
uint32_t builder_add(
    struct builder *builder, enum policy_section section, const void *record);

/* Network with interface "eth0"; index. */
uint32_t builder_network(struct builder *builder, const char *name);
/* Addresses "192.0.2.0" - "192.0.2.255"; call in ascending order. */
void builder_reach(struct builder *builder, const char *first, const char *last,
    uint32_t network);
/* A rule that matches everything, to be changed before builder_add(). */
struct policy_rule builder_rule(
    struct builder *builder, const char *name, enum policy_action action);
struct policy_slice builder_range(
    struct builder *builder, const char *first, const char *last);
struct policy_slice builder_ports(
    struct builder *builder, uint16_t first, uint16_t last);
/* Block of the rules first .. (last added), and its index. */
uint32_t builder_block(
    struct builder *builder, const char *name, uint32_t first);
/* Guest with blocks of these indexes. */
uint32_t builder_guest(struct builder *builder, const char *name,
    uint32_t network_mask, const uint32_t *blocks, uint32_t len);

/* "192.0.2.1" in host order. */
uint32_t builder_address(const char *text);

/* The finished image, *size bytes, 8-aligned, free() it. */
void *builder_finish(const struct builder *builder, size_t *size);
/* Put the right SHA-256 into an image that a test changed. */
void builder_seal(void *image, size_t size);
