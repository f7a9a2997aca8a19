/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames between gw-runner and the agent inside a guest, over virtio-serial:
 * the format, and a reader and a writer of it. Used by both ends; the host's
 * end takes everything it reads for hostile. One thread, no allocation.
 *
 * Theory of operation. A frame is a header of 8 bytes and a body, all numbers
 * little-endian. Types, the end that may send them, and their bodies:
 *
 *	HELLO   agent  id 0, FRAME_MAGIC, u32 instance (random for each start
 *		       of the agent) and the kernel's release
 *	HELLO   host   id 0, empty: say hello again
 *	BEAT    agent  id 0, u64 serial; one each second
 *	EXEC    host   u32 window, command for /bin/sh -c; id is free
 *	OUTPUT  agent  bytes the command wrote, within the window
 *	EXIT    agent  i32 error, i32 exit code; then id is free again
 *	GRANT   host   u32 bytes by which the window grows
 *	KILL    host   empty: SIGKILL to the command's process group
 *
 * A stream has no record boundaries, so one wrong length makes all that
 * follows meaningless. The host then calls frame_lose(): everything is skipped
 * until a whole HELLO is seen, which its magic makes recognisable, and the host
 * asks for one. Types and body sizes are checked in frame_next() from one
 * table; meaning of ids and windows is the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_PORT_NAME	  "org.guestgateway.agent"
#define FRAME_HEADER_SIZE 8
#define FRAME_BODY_MAX	  8192
#define FRAME_SIZE_MAX	  (FRAME_HEADER_SIZE + FRAME_BODY_MAX)
#define FRAME_OUTPUT_MAX  4096
#define FRAME_COMMAND_MAX 4095
#define FRAME_WINDOW	  65536 /* bytes of output under way, per command */
#define FRAME_EXEC_MAX	  8	/* commands at once */
#define FRAME_MAGIC	  "gwagent1"
#define FRAME_MAGIC_SIZE  8
#define FRAME_HELLO_FIXED 12 /* magic and instance */
#define FRAME_RELEASE_MAX 64
#define FRAME_BEAT_MS	  1000

enum frame_type {
	FRAME_HELLO = 1,
	FRAME_BEAT,
	FRAME_EXEC,
	FRAME_OUTPUT,
	FRAME_EXIT,
	FRAME_GRANT,
	FRAME_KILL,
	FRAME_TYPE_MAX,
};

enum frame_end { FRAME_FROM_HOST, FRAME_FROM_AGENT };

struct frame {
	uint16_t type; /* enum frame_type */
	uint16_t id;
	uint32_t size;	     /* of the body */
	const uint8_t *body; /* in the reader; valid until it is used again */
};

/* All zero but `from` is an empty reader. */
struct frame_reader {
	enum frame_end from; /* whose frames are read */
	bool lost;	     /* skipping until a HELLO */
	size_t start, end;   /* unread bytes of buffer */
	uint8_t buffer[2 * FRAME_SIZE_MAX];
};

/*
 * Room to read bytes into; *size is at least one whole frame. Bytes written
 * there count after frame_added(). Ends the life of the last frame's body.
 */
uint8_t *frame_room(struct frame_reader *reader, size_t *size);
void frame_added(struct frame_reader *reader, size_t size);

/*
 * Next frame. Returns 1 with *frame set, 0 when more bytes are needed, or
 * -EBADMSG when what is there is no frame the other end may send: the reader
 * is then useless until frame_lose().
 */
int frame_next(struct frame_reader *reader, struct frame *frame);

/* Skip what follows until a whole HELLO of an agent. */
void frame_lose(struct frame_reader *reader);

/*
 * Write one frame. body: size bytes, may be NULL when size is 0. out has room
 * for FRAME_HEADER_SIZE + size. Returns the bytes written.
 */
size_t frame_write(uint8_t *out, enum frame_type type, uint16_t id,
    const void *body, size_t size);

/* Little-endian numbers of bodies. */
uint32_t frame_get_u32(const uint8_t *bytes);
void frame_put_u32(uint8_t *bytes, uint32_t number);
