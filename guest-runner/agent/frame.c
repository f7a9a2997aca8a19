/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reader and writer of the frames of frame.h. Called by gw-runner and, in the
 * guest, by the agent; one thread each.
 */
#include "guest-runner/agent/frame.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

/* Body sizes by sender and type; a row of zeros means: never sent. */
static const struct form {
	bool sent;
	bool has_id; /* else the id is 0 */
	uint32_t least, most;
} forms[2][FRAME_TYPE_MAX] = {
    [FRAME_FROM_HOST] =
	{
	    [FRAME_HELLO] = {true, false, 0, 0},
	    [FRAME_EXEC] = {true, true, 5, 4 + FRAME_COMMAND_MAX},
	    [FRAME_GRANT] = {true, true, 4, 4},
	    [FRAME_KILL] = {true, true, 0, 0},
	},
    [FRAME_FROM_AGENT] =
	{
	    [FRAME_HELLO] = {true, false, FRAME_HELLO_FIXED + 1,
		FRAME_HELLO_FIXED + FRAME_RELEASE_MAX},
	    [FRAME_BEAT] = {true, false, 8, 8},
	    [FRAME_OUTPUT] = {true, true, 1, FRAME_OUTPUT_MAX},
	    [FRAME_EXIT] = {true, true, 8, 8},
	},
};

uint32_t frame_get_u32(const uint8_t *bytes)
{
	uint32_t le;

	memcpy(&le, bytes, sizeof(le));
	return le32toh(le);
}

void frame_put_u32(uint8_t *bytes, uint32_t number)
{
	uint32_t le = htole32(number);

	memcpy(bytes, &le, sizeof(le));
}

static uint16_t get_u16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static void read_header(const uint8_t *bytes, struct frame *frame)
{
	frame->size = frame_get_u32(bytes);
	frame->type = get_u16(bytes + 4);
	frame->id = get_u16(bytes + 6);
	frame->body = bytes + FRAME_HEADER_SIZE;
}

static bool header_fits(enum frame_end from, const struct frame *frame)
{
	const struct form *form;

	if (frame->type >= FRAME_TYPE_MAX)
		return false;
	form = &forms[from][frame->type];
	return form->sent && (form->has_id || frame->id == 0) &&
	       frame->size >= form->least && frame->size <= form->most;
}

static bool is_hello(const struct frame *frame, size_t have)
{
	size_t size = have - FRAME_HEADER_SIZE;

	if (size > FRAME_MAGIC_SIZE)
		size = FRAME_MAGIC_SIZE;
	return frame->type == FRAME_HELLO &&
	       memcmp(frame->body, FRAME_MAGIC, size) == 0;
}

uint8_t *frame_room(struct frame_reader *reader, size_t *size)
{
	memmove(reader->buffer, reader->buffer + reader->start,
	    reader->end - reader->start);
	reader->end -= reader->start;
	reader->start = 0;
	*size = sizeof(reader->buffer) - reader->end;
	return reader->buffer + reader->end;
}

void frame_added(struct frame_reader *reader, size_t size)
{
	reader->end += size;
}

void frame_lose(struct frame_reader *reader)
{
	reader->lost = true;
}

/* Drop bytes until what may be, or is, the HELLO of an agent. */
static void skip_to_hello(struct frame_reader *reader)
{
	for (; reader->end - reader->start >= FRAME_HEADER_SIZE;
	     reader->start++) {
		struct frame f;

		read_header(reader->buffer + reader->start, &f);
		if (header_fits(FRAME_FROM_AGENT, &f) &&
		    is_hello(&f, reader->end - reader->start))
			return;
	}
}

int frame_next(struct frame_reader *reader, struct frame *frame)
{
	size_t have;

	if (reader->lost)
		skip_to_hello(reader);
	have = reader->end - reader->start;
	if (have < FRAME_HEADER_SIZE)
		return 0;
	read_header(reader->buffer + reader->start, frame);
	if (!header_fits(reader->from, frame))
		return -EBADMSG;
	if (have < FRAME_HEADER_SIZE + frame->size)
		return 0;
	if (reader->from == FRAME_FROM_AGENT && frame->type == FRAME_HELLO &&
	    !is_hello(frame, have))
		return -EBADMSG;
	reader->lost = false;
	reader->start += FRAME_HEADER_SIZE + frame->size;
	return 1;
}

size_t frame_write(uint8_t *out, enum frame_type type, uint16_t id,
    const void *body, size_t size)
{
	uint16_t type_le = htole16((uint16_t)type), id_le = htole16(id);

	frame_put_u32(out, (uint32_t)size);
	memcpy(out + 4, &type_le, sizeof(type_le));
	memcpy(out + 6, &id_le, sizeof(id_le));
	if (size > 0)
		memcpy(out + FRAME_HEADER_SIZE, body, size);
	return FRAME_HEADER_SIZE + size;
}
