/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading captures by libpcap for the offline mode. What has no Ethernet header
 * gets one; what can't have one is counted and said. Main thread.
 */
#include "dataplane/packet/offline_priv.h"

#include <errno.h>
#include <string.h>

#include "rules/image/address.h"

int capture_open(struct capture *capture, const char *path)
{
	char why[PCAP_ERRBUF_SIZE];

	memset(capture, 0, sizeof(*capture));
	capture->path = path;
	capture->pcap = pcap_open_offline_with_tstamp_precision(
	    path, PCAP_TSTAMP_PRECISION_NANO, why);
	if (!capture->pcap) {
		fprintf(stderr, "gw-dataplane: %s: %s\n", path, why);
		return -EBADMSG;
	}
	capture->link = pcap_datalink(capture->pcap);
	switch (capture->link) {
	case DLT_EN10MB:
	case DLT_RAW:
	case DLT_IPV4:
	case DLT_IPV6:
	case DLT_NULL:
	case DLT_LOOP:
	case DLT_LINUX_SLL:
	case DLT_LINUX_SLL2:
		return 0;
	}
	fprintf(stderr,
	    "gw-dataplane: %s: frames of link type %s can't be shown to an "
	    "Ethernet gateway\n",
	    path, pcap_datalink_val_to_name(capture->link));
	capture_close(capture);
	return -EPROTONOSUPPORT;
}

void capture_close(struct capture *capture)
{
	if (capture->pcap)
		pcap_close(capture->pcap);
	capture->pcap = NULL;
}

bool capture_has_macs(const struct capture *capture)
{
	return capture->link == DLT_EN10MB;
}

/* Bytes of the link's own header; protocol: what follows, an ethertype. */
static uint32_t link_header(const struct capture *capture, const uint8_t *data,
    uint32_t size, uint16_t *protocol)
{
	uint32_t header = 0;

	switch (capture->link) {
	case DLT_NULL:
	case DLT_LOOP:
		header = 4;
		break;
	case DLT_LINUX_SLL:
		header = 16;
		break;
	case DLT_LINUX_SLL2:
		header = 20;
		break;
	}
	if (size < header)
		return header;
	if (header == 16)
		*protocol = (uint16_t)(data[14] << 8 | data[15]);
	else if (header == 20)
		*protocol = (uint16_t)(data[0] << 8 | data[1]);
	else if (size > header)
		*protocol = data[header] >> 4 == 6 ? RTE_ETHER_TYPE_IPV6
						   : RTE_ETHER_TYPE_IPV4;
	return header;
}

/* Put an Ethernet header before the packet; MACs are filled by the caller. */
static bool convert(struct capture *capture, const uint8_t *data, uint32_t size)
{
	uint16_t protocol = RTE_ETHER_TYPE_IPV4;
	uint32_t header;

	if (size > OFFLINE_FRAME_MAX)
		return false;
	if (capture->link == DLT_EN10MB) {
		memcpy(capture->frame, data, size);
		capture->size = size;
		return size > 0;
	}
	header = link_header(capture, data, size, &protocol);
	if (size <= header)
		return false;
	memset(capture->frame, 0, 12);
	capture->frame[12] = (uint8_t)(protocol >> 8);
	capture->frame[13] = (uint8_t)protocol;
	memcpy(capture->frame + 14, data + header, size - header);
	capture->size = 14 + size - header;
	return true;
}

bool capture_next(struct capture *capture)
{
	struct pcap_pkthdr *header;
	const uint8_t *data;
	uint64_t time_ns;
	int result;

	while ((result = pcap_next_ex(capture->pcap, &header, &data)) == 1) {
		time_ns = (uint64_t)header->ts.tv_sec * 1000000000u +
			  (uint64_t)header->ts.tv_usec; /* nanoseconds */
		if (time_ns > capture->time_ns)
			capture->time_ns = time_ns;
		if (convert(capture, data, header->caplen))
			return true;
		capture->skipped++;
	}
	if (result == PCAP_ERROR)
		fprintf(stderr, "gw-dataplane: %s: %s; read up to there\n",
		    capture->path, pcap_geterr(capture->pcap));
	return false;
}

uint32_t capture_source(const struct capture *capture)
{
	const uint8_t *ip = capture->frame + 14;

	if (capture->size < 34 || capture->frame[12] != 8 ||
	    capture->frame[13] != 0 || ip[0] >> 4 != 4)
		return 0;
	return (uint32_t)ip[12] << 24 | ip[13] << 16 | ip[14] << 8 | ip[15];
}
