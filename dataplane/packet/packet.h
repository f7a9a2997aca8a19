/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the nodes know about one packet, kept in the mbuf itself. Filled by
 * port_rx and sanitize, read by every node after them. Worker thread.
 *
 * Theory of operation. One gateway serves one guest with one address, so a
 * flow is named by the far end alone: the key is {remote address, guest port,
 * remote port} with the protocol beside it, and is the same for both
 * directions. For ICMP echo the guest port is the identifier and the remote
 * port tells who asked: 0 = the guest, 1 = the far side.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "rules/image/image.h"
#include "rules/image/reason.h"

#define PACKET_BURST 32 /* frames a port gives per walk */
/* Frames that one walk can carry: every stream is sized for it beforehand. */
#define PACKET_WALK_MAX 1024

enum packet_kind {
	PACKET_PLAIN,	   /* belongs to a flow or may open one */
	PACKET_ICMP_ERROR, /* about a packet of a flow, named by the key */
};

struct packet_meta {
	uint64_t key;
	uint64_t hash;	   /* of key and protocol */
	uint8_t protocol;  /* of the flow, IANA number */
	uint8_t direction; /* of this packet, enum policy_direction */
	uint8_t tcp_flags; /* 0 when not TCP */
	uint8_t icmp_type; /* of this packet */
	uint8_t kind;	   /* enum packet_kind */
	uint8_t reason;	   /* enum gw_reason, why it is dropped */
	uint8_t out_port;  /* index, set by flow_lookup or admit */
	uint8_t quiet;	   /* 1: neither answer nor event */
	uint32_t rule;	   /* SECTION_RULE index or POLICY_NONE */
	uint16_t network;  /* image's index or POLICY_ANY_NETWORK */
	uint16_t country;
};

/* In the mbuf's second cache line, which allocating and freeing touch anyway;
 * worker_init() claims the place as a dynamic field. */
#define PACKET_META_OFFSET 96
_Static_assert(sizeof(struct packet_meta) == 32 &&
		   PACKET_META_OFFSET + 32 <= sizeof(struct rte_mbuf) &&
		   offsetof(struct rte_mbuf, dynfield1) <= PACKET_META_OFFSET,
    "the packet's meta lies in dynamic fields");

static inline struct packet_meta *packet_meta(struct rte_mbuf *mbuf)
{
	return (struct packet_meta *)((char *)mbuf + PACKET_META_OFFSET);
}

/* Offline and in tests only; the mbuf's private area. */
struct packet_trace {
	uint64_t serial; /* which input frame this is */
	uint64_t path;	 /* nodes passed, 4 bits each */
};

static inline struct packet_trace *packet_trace(struct rte_mbuf *mbuf)
{
	return (struct packet_trace *)(mbuf + 1);
}

static inline uint64_t packet_key(
    uint32_t remote, uint16_t guest_port, uint16_t remote_port)
{
	return (uint64_t)remote << 32 | (uint32_t)guest_port << 16 |
	       remote_port;
}

/* The parts of a key, host order. For ICMP echo see the theory above. */
static inline uint32_t packet_remote(const struct packet_meta *meta)
{
	return (uint32_t)(meta->key >> 32);
}

static inline uint16_t packet_guest_port(const struct packet_meta *meta)
{
	return (uint16_t)(meta->key >> 16);
}

static inline uint16_t packet_remote_port(const struct packet_meta *meta)
{
	return (uint16_t)meta->key;
}

/* Ports of a key for ICMP echo: see the theory of operation. */
#define PACKET_ECHO_BY_GUEST  0
#define PACKET_ECHO_BY_REMOTE 1

static inline struct rte_ether_hdr *packet_ether(struct rte_mbuf *mbuf)
{
	return rte_pktmbuf_mtod(mbuf, struct rte_ether_hdr *);
}

/* Only after sanitize has accepted the packet: then the header has 20 bytes. */
static inline struct rte_ipv4_hdr *packet_ip(struct rte_mbuf *mbuf)
{
	return rte_pktmbuf_mtod_offset(
	    mbuf, struct rte_ipv4_hdr *, sizeof(struct rte_ether_hdr));
}

static inline void *packet_l4(struct rte_mbuf *mbuf)
{
	return packet_ip(mbuf) + 1;
}

#define PACKET_L4_OFFSET \
	(sizeof(struct rte_ether_hdr) + sizeof(struct rte_ipv4_hdr))
