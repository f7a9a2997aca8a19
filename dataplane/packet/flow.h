/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flow table: what was admitted and still lives. Used by the nodes
 * flow_lookup and admit and by the worker's ageing (worker thread);
 * flow_list() by the control thread.
 *
 * Theory of operation. An entry is one cache line and serves both directions.
 * Buckets of eight slots hold a 16-bit tag and the number of an entry; a flow
 * lives in one of two buckets that its hash names, so a look-up reads one
 * bucket and one entry, rarely two buckets. Twice as many slots as flows.
 * When both buckets or the table are full the flow is refused and counted by
 * the caller; nothing is ever evicted to make room. The hash is keyed with
 * random numbers at start, so that nobody can aim at a bucket. Entries are
 * taken from a stack; nothing is allocated after flow_create().
 */
#pragma once

#include <nmmintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_prefetch.h>

#include "control/msg/msg.h"
#include "dataplane/packet/packet.h"

#define FLOW_DEFAULT_MAX 65536u
#define FLOW_LIMIT	 (1u << 22) /* the most --flows may ask for */
#define FLOW_BUCKET_LEN	 8

enum flow_state {
	FLOW_FREE,
	FLOW_NEW,	  /* only the initiator was heard */
	FLOW_ESTABLISHED, /* both were heard */
	FLOW_HALF_CLOSED, /* TCP: one FIN */
	FLOW_CLOSED,	  /* TCP: both FINs, or a RST */
	FLOW_STATE_MAX,
};

#define FLOW_FIN_INITIATOR (1u << 0)
#define FLOW_FIN_RESPONDER (1u << 1)

struct flow {
	uint64_t key;
	uint8_t protocol;
	uint8_t direction; /* of the first packet, enum policy_direction */
	uint8_t port;	   /* network port, index in worker.port[] */
	uint8_t state : 4; /* enum flow_state */
	uint8_t fins : 4;
	uint32_t rule; /* SECTION_RULE index of `generation` */
	uint64_t generation;
	uint64_t last_ns;
	uint64_t packets[2]; /* by enum policy_direction */
	uint64_t bytes[2];
};
_Static_assert(sizeof(struct flow) == 64, "a flow is one cache line");

struct flow_bucket {
	uint16_t tag[FLOW_BUCKET_LEN]; /* 0 = empty */
	uint32_t entry[FLOW_BUCKET_LEN];
	uint8_t pad[16];
};
_Static_assert(sizeof(struct flow_bucket) == 64, "a bucket is one cache line");

struct flow_table {
	struct flow_bucket *bucket;
	struct flow *entry;
	uint64_t seed[2];
	uint32_t mask; /* of buckets */
	uint32_t max;  /* flows */
	uint32_t len;  /* flows alive */
	uint32_t high; /* entries at and above it were never used */
	uint32_t *free;
	uint32_t free_len;
	uint32_t cursor;  /* of ageing */
	uint64_t aged_ns; /* when the cursor last moved */
};

/* max: flows, 1..FLOW_LIMIT. NULL when memory is short or max is not right. */
struct flow_table *flow_create(uint32_t max);
void flow_destroy(struct flow_table *table);
/* Forget every flow. */
void flow_clear(struct flow_table *table);

/*
 * A keyed multiplication, not to be aimed at from outside; its halves are
 * mixed by CRC, because keys that differ in one field alone (a guest's ports
 * one after another, a network's hosts) would otherwise lie on a line and could
 * share a few buckets.
 */
static inline uint64_t flow_hash(
    const struct flow_table *table, uint64_t key, uint8_t protocol)
{
	__uint128_t product = (__uint128_t)(key ^ table->seed[0]) *
			      (table->seed[1] ^ ((uint64_t)protocol << 32));
	uint64_t low = (uint64_t)product, high = (uint64_t)(product >> 64);

	return low ^ high ^ _mm_crc32_u64(low, high);
}

static inline uint16_t flow_tag(uint64_t hash)
{
	return (uint16_t)(hash >> 48) | 1;
}

static inline struct flow_bucket *flow_bucket(
    const struct flow_table *table, uint64_t hash)
{
	return &table->bucket[hash & table->mask];
}

/* Bit pair per slot of the bucket that carries the tag. */
static inline uint32_t flow_tag_match(
    const struct flow_bucket *bucket, uint16_t tag)
{
	__m128i tags = _mm_load_si128((const __m128i *)bucket->tag);

	return (uint32_t)_mm_movemask_epi8(
	    _mm_cmpeq_epi16(tags, _mm_set1_epi16((short)tag)));
}

/* The entry that the first bucket's first matching slot names, or NULL: the
 * quick guess that flow_lookup prefetches and then verifies. */
static inline struct flow *flow_guess(
    const struct flow_table *table, uint64_t hash)
{
	const struct flow_bucket *bucket = flow_bucket(table, hash);
	uint32_t match = flow_tag_match(bucket, flow_tag(hash));

	if (unlikely(!match))
		return NULL;
	return &table->entry[bucket->entry[__builtin_ctz(match) / 2]];
}

/* The flow of that key, or NULL. hash: flow_hash() of the two. */
struct flow *flow_find(const struct flow_table *table, uint64_t hash,
    uint64_t key, uint8_t protocol);

/* A new flow with key, protocol and state set, the rest zero; it must not be
 * there yet. NULL when the table or both buckets are full. */
struct flow *flow_insert(
    struct flow_table *table, uint64_t hash, uint64_t key, uint8_t protocol);
void flow_remove(struct flow_table *table, struct flow *flow);

/*
 * Let a TCP packet with SYN, FIN or RST move the state.
 * initiator: it comes from the end that opened the flow.
 * Returns false when the packet can't belong to this flow: a SYN that opens a
 * connection anew (the caller removes a FLOW_CLOSED one and admits again).
 */
bool flow_track(struct flow *flow, uint8_t tcp_flags, bool initiator);

/* Count a packet and move the state; false as flow_track(). size: bytes. */
static inline bool flow_touch(struct flow *flow, const struct packet_meta *meta,
    uint32_t size, uint64_t now_ns)
{
	bool initiator = meta->direction == flow->direction;

	if (unlikely(meta->tcp_flags & (RTE_TCP_SYN_FLAG | RTE_TCP_FIN_FLAG |
					   RTE_TCP_RST_FLAG))) {
		if (!flow_track(flow, meta->tcp_flags, initiator))
			return false;
	} else if (unlikely(flow->state == FLOW_NEW) && !initiator &&
		   flow->protocol != PROTOCOL_TCP) {
		flow->state = FLOW_ESTABLISHED;
	}
	flow->last_ns = now_ns;
	flow->packets[meta->direction]++;
	flow->bytes[meta->direction] += size;
	return true;
}

/* How long a flow of that protocol and state may be silent. */
uint64_t flow_timeout_ns(uint8_t protocol, uint8_t state);

/* Remove flows that were silent too long: a bounded number of entries per call,
 * the whole table about once a second. */
void flow_age(struct flow_table *table, uint64_t now_ns);

/*
 * Copy up to `len` live flows from `cursor` on, for people to look at; the
 * worker may change an entry meanwhile, which shows as an odd counter at
 * worst. guest_address: host order. next: where to go on, 0 = end.
 */
uint32_t flow_list(const struct flow_table *table, uint32_t cursor,
    uint32_t guest_address, uint64_t now_ns, struct msg_flow *list,
    uint32_t len, uint32_t *next);
