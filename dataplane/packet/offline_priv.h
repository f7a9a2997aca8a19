/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of the offline mode: policy file, capture and report. Shared by
 * offline*.c alone; one thread.
 */
#pragma once

#include <pcap/pcap.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <rte_ether.h>

#include "dataplane/packet/pipeline.h"
#include "dataplane/packet/tables.h"

#define OFFLINE_FRAME_MAX 16384 /* longer frames of a capture are skipped */

/* ---- offline_policy.c ---- */

/* A policy image and its country table in memory. */
struct policy_file {
	void *image;
	size_t size;
	void *country; /* NULL: none */
	size_t country_size;
};

/*
 * Read an image, or compile the text of a policy by the gw-rulec beside this
 * program (or below $GW_BUILD). Returns 0, or -errno after saying why on
 * stderr; -EBADMSG: the policy was refused.
 */
int policy_file_open(struct policy_file *file, const char *path);
void policy_file_close(struct policy_file *file);

/* ---- offline_capture.c ---- */

struct capture {
	const char *path;
	pcap_t *pcap;
	int link; /* DLT_ */
	uint64_t time_ns;
	uint8_t frame[OFFLINE_FRAME_MAX + 64]; /* as Ethernet */
	uint32_t size;
	uint64_t skipped; /* frames that can't be shown to the graph */
};

/* 0, or -errno after saying why on stderr. */
int capture_open(struct capture *capture, const char *path);
void capture_close(struct capture *capture);
/* Next frame, converted to Ethernet, into capture->frame; false at the end. */
bool capture_next(struct capture *capture);
/* IPv4 source of the frame in host order, 0 when there is none. */
uint32_t capture_source(const struct capture *capture);
/* Does the link carry MAC addresses of its own? */
bool capture_has_macs(const struct capture *capture);

/* ---- offline_report.c ---- */

/* Forget all lines. image: for names of rules and networks, borrowed. */
void report_begin(const struct policy_image *image);
/* pipeline_observe()r: what became of each packet. */
void report_observe(enum pipeline_node node, uint8_t port,
    struct rte_mbuf **mbufs, uint16_t len);
/* Print lines and totals of one capture. */
void report_print(FILE *file, const char *name, uint64_t skipped, bool json);
void report_end(void);
