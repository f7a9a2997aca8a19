/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flow table: see flow.h. Called by the nodes flow_lookup and admit and by
 * the worker between bursts; gw-dataplane, worker thread.
 */
#include "dataplane/packet/flow.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <rte_malloc.h>

#define SECOND_NS 1000000000ull

/* Entries looked at by one flow_age(). */
#define AGE_BATCH 256u

/*
 * Seconds a flow may be silent. TCP: RFC 5382 asks for 2 h 4 min when
 * established; UDP: RFC 4787, at least 2 min; ICMP: RFC 5508, 60 s.
 */
static const uint16_t TIMEOUT_S[3][FLOW_STATE_MAX] = {
    /*            free new est   half closed */
    /* TCP  */ {0, 60, 7440, 240, 10},
    /* UDP  */ {0, 30, 180, 0, 0},
    /* ICMP */ {0, 60, 60, 0, 0},
};

static unsigned int class_of(uint8_t protocol)
{
	if (protocol == PROTOCOL_TCP)
		return 0;
	return protocol == PROTOCOL_UDP ? 1 : 2;
}

uint64_t flow_timeout_ns(uint8_t protocol, uint8_t state)
{
	return TIMEOUT_S[class_of(protocol)][state] * SECOND_NS;
}

struct flow_table *flow_create(uint32_t max)
{
	struct flow_table *table;
	uint32_t buckets;

	if (max == 0 || max > FLOW_LIMIT)
		return NULL;
	buckets = rte_align32pow2(2 * max / FLOW_BUCKET_LEN + 2);
	table = rte_zmalloc("flow_table", sizeof(*table), 64);
	if (!table)
		return NULL;
	table->max = max;
	table->mask = buckets - 1;
	table->bucket = rte_zmalloc(
	    "flow_bucket", (size_t)buckets * sizeof(struct flow_bucket), 64);
	table->entry =
	    rte_zmalloc("flow_entry", (size_t)max * sizeof(struct flow), 64);
	table->free =
	    rte_zmalloc("flow_free", (size_t)max * sizeof(uint32_t), 64);
	if (!table->bucket || !table->entry || !table->free)
		goto fail;
	if (getrandom(table->seed, sizeof(table->seed), 0) !=
	    sizeof(table->seed))
		goto fail;
	table->seed[1] |= 1;
	return table;
fail:
	flow_destroy(table);
	return NULL;
}

void flow_destroy(struct flow_table *table)
{
	if (!table)
		return;
	rte_free(table->bucket);
	rte_free(table->entry);
	rte_free(table->free);
	rte_free(table);
}

void flow_clear(struct flow_table *table)
{
	memset(table->bucket, 0,
	    ((size_t)table->mask + 1) * sizeof(struct flow_bucket));
	memset(table->entry, 0, (size_t)table->high * sizeof(struct flow));
	table->len = 0;
	table->high = 0;
	table->free_len = 0;
	table->cursor = 0;
	table->aged_ns = 0;
}

/* The other bucket of a flow; an involution. */
static struct flow_bucket *other_bucket(
    const struct flow_table *table, uint64_t hash)
{
	uint32_t step = flow_tag(hash) * 0x5bd1e995u;

	return &table->bucket[((uint32_t)hash ^ (step | 1)) & table->mask];
}

static struct flow *find_in(const struct flow_table *table,
    const struct flow_bucket *bucket, uint64_t hash, uint64_t key,
    uint8_t protocol)
{
	uint32_t match = flow_tag_match(bucket, flow_tag(hash));

	while (match) {
		int slot = __builtin_ctz(match) / 2;
		struct flow *flow = &table->entry[bucket->entry[slot]];

		if (flow->key == key && flow->protocol == protocol)
			return flow;
		match &= ~(3u << (2 * slot));
	}
	return NULL;
}

struct flow *flow_find(const struct flow_table *table, uint64_t hash,
    uint64_t key, uint8_t protocol)
{
	struct flow *flow =
	    find_in(table, flow_bucket(table, hash), hash, key, protocol);

	if (flow)
		return flow;
	return find_in(table, other_bucket(table, hash), hash, key, protocol);
}

static bool take_slot(struct flow_bucket *bucket, uint64_t hash, uint32_t entry)
{
	uint32_t match = flow_tag_match(bucket, 0);
	int slot;

	if (!match)
		return false;
	slot = __builtin_ctz(match) / 2;
	bucket->entry[slot] = entry;
	bucket->tag[slot] = flow_tag(hash);
	return true;
}

static bool give_slot(struct flow_bucket *bucket, uint32_t entry)
{
	for (int i = 0; i < FLOW_BUCKET_LEN; i++) {
		if (bucket->tag[i] && bucket->entry[i] == entry) {
			bucket->tag[i] = 0;
			return true;
		}
	}
	return false;
}

struct flow *flow_insert(
    struct flow_table *table, uint64_t hash, uint64_t key, uint8_t protocol)
{
	struct flow *flow;
	uint32_t entry;

	if (table->free_len)
		entry = table->free[table->free_len - 1];
	else if (table->high < table->max)
		entry = table->high;
	else
		return NULL;
	if (!take_slot(flow_bucket(table, hash), hash, entry) &&
	    !take_slot(other_bucket(table, hash), hash, entry))
		return NULL;
	if (entry == table->high)
		table->high++;
	else
		table->free_len--;
	table->len++;
	flow = &table->entry[entry];
	*flow =
	    (struct flow) {.key = key, .protocol = protocol, .state = FLOW_NEW};
	return flow;
}

void flow_remove(struct flow_table *table, struct flow *flow)
{
	uint32_t entry = (uint32_t)(flow - table->entry);
	uint64_t hash = flow_hash(table, flow->key, flow->protocol);

	if (!give_slot(flow_bucket(table, hash), entry))
		give_slot(other_bucket(table, hash), entry);
	flow->state = FLOW_FREE;
	table->free[table->free_len++] = entry;
	table->len--;
}

bool flow_track(struct flow *flow, uint8_t tcp_flags, bool initiator)
{
	if (tcp_flags & RTE_TCP_RST_FLAG) {
		flow->state = FLOW_CLOSED;
		return true;
	}
	if (tcp_flags & RTE_TCP_SYN_FLAG) {
		bool answer = tcp_flags & RTE_TCP_ACK_FLAG;

		/* Initiator: SYN, perhaps sent again. Responder: SYN+ACK only;
		 * a simultaneous open is refused, because it would leave open
		 * who started the flow. */
		if (initiator == answer)
			return false;
		if (initiator)
			return flow->state != FLOW_CLOSED;
		if (flow->state == FLOW_NEW)
			flow->state = FLOW_ESTABLISHED;
		return flow->state == FLOW_ESTABLISHED;
	}
	flow->fins |= initiator ? FLOW_FIN_INITIATOR : FLOW_FIN_RESPONDER;
	if (flow->state != FLOW_CLOSED)
		flow->state =
		    flow->fins == (FLOW_FIN_INITIATOR | FLOW_FIN_RESPONDER)
			? FLOW_CLOSED
			: FLOW_HALF_CLOSED;
	return true;
}

void flow_age(struct flow_table *table, uint64_t now_ns)
{
	uint64_t due = (now_ns - table->aged_ns) / 1024;
	uint32_t len;

	/* As many entries as the time that passed is a part of a second
	 * (2^20 us), in runs worth the trouble. */
	due = due * table->high >> 20;
	if (due < 16 && now_ns - table->aged_ns < SECOND_NS)
		return;
	table->aged_ns = now_ns;
	len = due + 16 < AGE_BATCH ? (uint32_t)due + 16 : AGE_BATCH;
	len = RTE_MIN(len, table->high);
	for (uint32_t i = 0; i < len; i++) {
		struct flow *flow;

		if (++table->cursor >= table->high)
			table->cursor = 0;
		flow = &table->entry[table->cursor];
		if (flow->state != FLOW_FREE &&
		    now_ns - flow->last_ns >
			flow_timeout_ns(flow->protocol, flow->state))
			flow_remove(table, flow);
	}
}

uint32_t flow_list(const struct flow_table *table, uint32_t cursor,
    uint32_t guest_address, uint64_t now_ns, struct msg_flow *list,
    uint32_t len, uint32_t *next)
{
	uint32_t filled = 0;

	*next = 0;
	for (; cursor < table->high; cursor++) {
		struct flow flow = table->entry[cursor];

		if (flow.state == FLOW_FREE)
			continue;
		if (filled == len) {
			*next = cursor;
			break;
		}
		list[filled++] = (struct msg_flow) {
		    .guest_address = guest_address,
		    .remote_address = (uint32_t)(flow.key >> 32),
		    .guest_port = (uint16_t)(flow.key >> 16),
		    .remote_port = (uint16_t)flow.key,
		    .protocol = flow.protocol,
		    .direction = flow.direction,
		    .tcp_state = flow.state,
		    .rule = flow.rule,
		    .network = flow.port,
		    .generation = flow.generation,
		    .packets = {flow.packets[0], flow.packets[1]},
		    .bytes = {flow.bytes[0], flow.bytes[1]},
		    .idle_ms = now_ns > flow.last_ns
				   ? (now_ns - flow.last_ns) / 1000000
				   : 0,
		};
	}
	return filled;
}
