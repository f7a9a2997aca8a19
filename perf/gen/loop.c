/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames go guest side -> device under test -> far side, are turned round
 * there, come back and leave again as the next flow. Main thread of gw-gen.
 *
 * Theory of operation. A bounded number of frames is under way, so the device
 * under test is never overrun and its rings are never empty: the loop runs as
 * fast as the slower of the two. Buffers go round too, none is taken or freed
 * in the steady state. Each frame costs one flow record and one header write.
 * The first frame of each burst that comes back is compared with its flow. A
 * frame that does not come back is noticed when all are silent for LOST_MS:
 * then all count as lost and new ones are sent. Busy cycles are those of
 * iterations that received something, like dpdk-testpmd's.
 */
#include "perf/gen/loop.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#define LOST_MS	  50
#define BURST_MAX 64

static void resize(struct rte_mbuf *mbuf, uint16_t size)
{
	mbuf->data_len = size;
	mbuf->pkt_len = size;
}

static void send_all(
    struct loop *loop, uint16_t port, struct rte_mbuf **mbufs, uint16_t len)
{
	uint16_t taken = rte_eth_tx_burst(port, 0, mbufs, len);

	if (likely(taken == len))
		return;
	loop->refused += len - taken;
	loop->under_way -= RTE_MIN(loop->under_way, (uint32_t)(len - taken));
	rte_pktmbuf_free_bulk(mbufs + taken, len - taken);
}

/* Write the next flows into frames and send them. */
static void send_next(struct loop *loop, struct rte_mbuf **mbufs, uint16_t len)
{
	for (uint16_t i = 0; i < len; i++) {
		const struct gen_flow *flow = &loop->flows.flow[loop->next];

		resize(mbufs[i], flow->size);
		frame_write(rte_pktmbuf_mtod(mbufs[i], struct frame *),
		    &loop->template, flow, loop->next);
		if (unlikely(++loop->next == loop->flows.len))
			loop->next = 0;
	}
	loop->sent += len;
	send_all(loop, loop->guest, mbufs, len);
}

/* Is this the answer of the flow that it names? */
static bool is_ours(const struct loop *loop, const struct rte_mbuf *mbuf)
{
	const struct frame *frame = rte_pktmbuf_mtod(mbuf, struct frame *);
	const struct gen_flow *flow;

	if (mbuf->data_len < sizeof(*frame) || frame->mark != FRAME_MARK ||
	    frame->flow >= loop->flows.len)
		return false;
	flow = &loop->flows.flow[frame->flow];
	return frame->ip.source_be == flow->remote_be &&
	       frame->ip.destination_be == loop->template.frame.ip.source_be &&
	       frame->udp.source_be == flow->destination_port_be &&
	       frame->udp.destination_be == flow->source_port_be &&
	       mbuf->data_len == flow->size;
}

static uint16_t turn_far(struct loop *loop)
{
	struct rte_mbuf *mbufs[BURST_MAX];
	uint16_t len = rte_eth_rx_burst(loop->far, 0, mbufs, loop->burst);

	if (!len)
		return 0;
	for (uint16_t i = 0; i < len; i++)
		rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], void *));
	for (uint16_t i = 0; i < len; i++)
		frame_reflect(rte_pktmbuf_mtod(mbufs[i], struct frame *));
	send_all(loop, loop->far, mbufs, len);
	return len;
}

static uint16_t turn_guest(struct loop *loop)
{
	struct rte_mbuf *mbufs[BURST_MAX];
	uint16_t len = rte_eth_rx_burst(loop->guest, 0, mbufs, loop->burst);

	if (!len)
		return 0;
	if (unlikely(!is_ours(loop, mbufs[0])))
		loop->foreign++;
	for (uint16_t i = 0; i < len; i++)
		rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], void *));
	send_next(loop, mbufs, len);
	return len;
}

static void top_up(struct loop *loop)
{
	struct rte_mbuf *mbufs[BURST_MAX];
	uint16_t len = (uint16_t)RTE_MIN(
	    loop->limit - loop->under_way, (uint32_t)loop->burst);

	if (rte_pktmbuf_alloc_bulk(loop->pool, mbufs, len))
		return;
	loop->under_way += len;
	send_next(loop, mbufs, len);
}

static void reset(struct loop *loop)
{
	loop->frames = 0;
	loop->sent = 0;
	loop->lost = 0;
	loop->refused = 0;
	loop->foreign = 0;
	loop->busy = 0;
}

void loop_run(struct loop *loop, uint64_t cycles, uint64_t least,
    const volatile bool *stop)
{
	const uint64_t patience = rte_get_tsc_hz() / 1000 * LOST_MS;
	uint64_t start = rte_rdtsc(), now = start, heard = start;

	reset(loop);
	while (!*stop && (now - start < cycles || loop->sent < least)) {
		uint64_t before = now;
		uint16_t len = turn_far(loop);

		len += turn_guest(loop);
		now = rte_rdtsc();
		if (likely(len)) {
			loop->frames += len;
			loop->busy += now - before;
			heard = now;
		} else if (unlikely(now - heard > patience)) {
			loop->lost += loop->under_way;
			loop->under_way = 0;
			heard = now;
		}
		if (unlikely(loop->under_way < loop->limit))
			top_up(loop);
	}
	loop->cycles = now - start;
}
