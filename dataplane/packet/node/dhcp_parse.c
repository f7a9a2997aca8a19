/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading DHCPv4 questions: see dhcp.h. Called by node dhcp; worker thread.
 */
#include "dataplane/packet/node/dhcp.h"

static bool read_u32(uint32_t *value, const uint8_t *bytes, uint8_t size)
{
	uint32_t word;

	if (size != 4)
		return false;
	memcpy(&word, bytes, 4);
	*value = rte_be_to_cpu_32(word);
	return true;
}

/* option: `size` bytes of options. false: one runs over the end, or has a
 * wrong length. */
static bool parse_options(
    struct dhcp_question *question, const uint8_t *option, uint32_t size)
{
	uint32_t at = 0;

	while (at < size && option[at] != OPTION_END) {
		const uint8_t *value = option + at + 2;
		uint8_t len;

		if (option[at] == OPTION_PAD) {
			at++;
			continue;
		}
		if (size - at < 2 || option[at + 1] > size - at - 2)
			return false;
		len = option[at + 1];
		switch (option[at]) {
		case OPTION_TYPE:
			if (len != 1)
				return false;
			question->type = value[0];
			break;
		case OPTION_REQUESTED:
			if (!read_u32(&question->requested, value, len))
				return false;
			break;
		case OPTION_SERVER:
			if (!read_u32(&question->server, value, len))
				return false;
			break;
		}
		at += 2 + len;
	}
	return question->type != 0;
}

bool dhcp_parse(struct dhcp_question *question, struct rte_mbuf *mbuf,
    const struct rte_ether_addr *mac)
{
	const struct rte_udp_hdr *udp = packet_l4(mbuf);
	const struct bootp *bootp = dhcp_bootp(mbuf);
	uint32_t size = mbuf->data_len - PACKET_L4_OFFSET;

	*question = (struct dhcp_question) {0};
	if (size < sizeof(*udp) + sizeof(*bootp) ||
	    rte_be_to_cpu_16(udp->dgram_len) != size)
		return false;
	if (udp->src_port != RTE_BE16(DHCP_CLIENT_PORT) || bootp->op != 1 ||
	    bootp->htype != 1 || bootp->hlen != RTE_ETHER_ADDR_LEN ||
	    bootp->giaddr != 0 || bootp->cookie != DHCP_COOKIE ||
	    memcmp(bootp->chaddr, mac, RTE_ETHER_ADDR_LEN) != 0)
		return false;
	question->client = rte_be_to_cpu_32(bootp->ciaddr);
	return parse_options(
	    question, bootp->option, size - sizeof(*udp) - sizeof(*bootp));
}
