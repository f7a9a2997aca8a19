/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frame reader of agent/frame.c on right, cut, wrong and random bytes.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guest-runner/agent/frame.h"

/* Written by hand from the table of frame.h. */
static const uint8_t hello[] = {0x10, 0, 0, 0, 1, 0, 0, 0, 'g', 'w', 'a', 'g',
    'e', 'n', 't', '1', 0xef, 0xbe, 0xad, 0xde, '6', '.', '1', '!'};
static const uint8_t beat[] = {8, 0, 0, 0, 2, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8};
static const uint8_t output[] = {3, 0, 0, 0, 4, 0, 0x34, 0x12, 'a', 'b', 'c'};
static const uint8_t ended[] = {
    8, 0, 0, 0, 5, 0, 0x34, 0x12, 0, 0, 0, 0, 3, 0, 0, 0};

static struct frame_reader reader;

static int set_up(void **state)
{
	memset(&reader, 0, sizeof(reader));
	reader.from = FRAME_FROM_AGENT;
	return 0;
}

static void feed(const void *bytes, size_t size)
{
	size_t room;
	uint8_t *at = frame_room(&reader, &room);

	assert_true(room >= FRAME_SIZE_MAX);
	assert_true(size <= room);
	memcpy(at, bytes, size);
	frame_added(&reader, size);
}

static void frames_are_read_as_the_table_says(void **state)
{
	struct frame f;

	feed(hello, sizeof(hello));
	feed(output, sizeof(output));
	feed(ended, sizeof(ended));
	assert_int_equal(frame_next(&reader, &f), 1);
	assert_int_equal(f.type, FRAME_HELLO);
	assert_int_equal(f.size, 16);
	assert_memory_equal(f.body + FRAME_HELLO_FIXED, "6.1!", 4);
	assert_int_equal(frame_get_u32(f.body + 8), 0xdeadbeef);
	assert_int_equal(frame_next(&reader, &f), 1);
	assert_int_equal(f.type, FRAME_OUTPUT);
	assert_int_equal(f.id, 0x1234);
	assert_memory_equal(f.body, "abc", 3);
	assert_int_equal(frame_next(&reader, &f), 1);
	assert_int_equal(f.type, FRAME_EXIT);
	assert_int_equal(frame_get_u32(f.body + 4), 3);
	assert_int_equal(frame_next(&reader, &f), 0);
}

static void what_is_written_is_what_the_table_says(void **state)
{
	uint8_t out[64];

	assert_int_equal(
	    frame_write(out, FRAME_OUTPUT, 0x1234, "abc", 3), sizeof(output));
	assert_memory_equal(out, output, sizeof(output));
}

static void single_bytes_make_a_frame(void **state)
{
	struct frame f;

	for (size_t i = 0; i < sizeof(hello); i++) {
		assert_int_equal(frame_next(&reader, &f), 0);
		feed(hello + i, 1);
	}
	assert_int_equal(frame_next(&reader, &f), 1);
}

static void refuse(const uint8_t *bytes, size_t size)
{
	struct frame f;

	set_up(NULL);
	feed(bytes, size);
	assert_int_equal(frame_next(&reader, &f), -EBADMSG);
}

static void wrong_headers_are_refused_before_their_body(void **state)
{
	static const uint8_t wrong[][8] = {
	    {0, 0, 0, 0, 0, 0, 0, 0},		  /* no type */
	    {8, 0, 0, 0, 8, 0, 0, 0},		  /* unknown type */
	    {8, 0, 0, 0, 2, 1, 0, 0},		  /* unknown type */
	    {7, 0, 0, 0, 2, 0, 0, 0},		  /* BEAT too short */
	    {9, 0, 0, 0, 2, 0, 0, 0},		  /* BEAT too long */
	    {8, 0, 0, 0, 2, 0, 1, 0},		  /* BEAT with an id */
	    {0, 0, 0, 0, 4, 0, 1, 0},		  /* OUTPUT of nothing */
	    {1, 0x10, 0, 0, 4, 0, 1, 0},	  /* OUTPUT of 4097 */
	    {0xff, 0xff, 0xff, 0xff, 4, 0, 1, 0}, /* of 4 GiB */
	    {4, 0, 0, 0, 5, 0, 1, 0},		  /* EXIT too short */
	    {12, 0, 0, 0, 1, 0, 0, 0},		  /* HELLO of no release */
	    {77, 0, 0, 0, 1, 0, 0, 0},		  /* HELLO of 65 */
	    {16, 0, 0, 0, 1, 0, 1, 0},		  /* HELLO with an id */
	    {5, 0, 0, 0, 3, 0, 1, 0},		  /* EXEC from a guest */
	    {4, 0, 0, 0, 6, 0, 1, 0},		  /* GRANT from a guest */
	    {0, 0, 0, 0, 7, 0, 1, 0},		  /* KILL from a guest */
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		refuse(wrong[i], sizeof(wrong[i]));
}

static void a_hello_without_magic_is_refused(void **state)
{
	uint8_t wrong[sizeof(hello)];

	for (int i = 8; i < 16; i++) {
		memcpy(wrong, hello, sizeof(hello));
		wrong[i] ^= 1;
		refuse(wrong, sizeof(wrong));
	}
}

static void a_lost_reader_finds_the_next_hello(void **state)
{
	struct frame f;

	feed(beat, 5); /* torn off in its header */
	feed(beat, sizeof(beat));
	assert_int_equal(frame_next(&reader, &f), -EBADMSG);
	frame_lose(&reader);
	assert_int_equal(frame_next(&reader, &f), 0);
	feed(output, sizeof(output));
	feed(hello, 11); /* a HELLO torn off, then a whole one */
	feed(hello, sizeof(hello));
	assert_int_equal(frame_next(&reader, &f), 1);
	assert_int_equal(f.type, FRAME_HELLO);
	feed(beat, sizeof(beat));
	assert_int_equal(frame_next(&reader, &f), 1);
	assert_int_equal(f.type, FRAME_BEAT);
}

/* A small generator of our own: the same bytes on each machine. */
static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Take all there is; never more frames than bytes could hold. */
static unsigned int take_all(void)
{
	unsigned int hellos = 0, turns = 0;
	struct frame f;
	int more;

	while ((more = frame_next(&reader, &f)) != 0) {
		assert_true(++turns <= sizeof(reader.buffer));
		if (more < 0) {
			assert_false(reader.lost);
			frame_lose(&reader);
			continue;
		}
		assert_true(f.size <= FRAME_BODY_MAX);
		assert_true(
		    f.body + f.size <= reader.buffer + sizeof(reader.buffer));
		hellos += f.type == FRAME_HELLO;
	}
	assert_true(reader.end - reader.start < FRAME_SIZE_MAX);
	return hellos;
}

static void random_bytes_never_break_it_and_a_hello_always_heals(void **state)
{
	static const uint8_t *const good[] = {hello, beat, output, ended};
	static const size_t sizes[] = {
	    sizeof(hello), sizeof(beat), sizeof(output), sizeof(ended)};
	uint32_t seed = 2463534242u;

	for (int round = 0; round < 20000; round++) {
		uint8_t noise[300];
		size_t size = next_random(&seed) % sizeof(noise);

		for (size_t i = 0; i < size; i++)
			noise[i] = (uint8_t)next_random(&seed);
		/* Sparse bytes look like headers more often. */
		for (size_t i = 0; i < size && round % 2; i++)
			if (next_random(&seed) % 4)
				noise[i] = 0;
		feed(noise, size);
		take_all();
		size = next_random(&seed) % 4;
		feed(good[size], sizes[size]);
		take_all();
	}
	/* At most one frame may still swallow what follows. */
	frame_lose(&reader);
	take_all();
	for (int i = 0; i < 8; i++)
		feed(hello, sizeof(hello));
	assert_true(take_all() >= 1);
}

#define CASE(f) cmocka_unit_test_setup(f, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(frames_are_read_as_the_table_says),
	    CASE(what_is_written_is_what_the_table_says),
	    CASE(single_bytes_make_a_frame),
	    CASE(wrong_headers_are_refused_before_their_body),
	    CASE(a_hello_without_magic_is_refused),
	    CASE(a_lost_reader_finds_the_next_hello),
	    CASE(random_bytes_never_break_it_and_a_hello_always_heals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
