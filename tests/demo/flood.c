/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hostile program of the demo: fetched by the guest from an origin and run
 * there as root. Sends forged IPv4 packets as fast as asked, allowed and
 * forbidden ones in turn, each with a canary that names its kind. Linked
 * statically, as the guest has no compiler and few libraries.
 *
 *	flood CANARY OWN-ADDRESS SECONDS PACKETS-A-SECOND
 *
 * A payload is "CANARY-ok-NUMBER" in packets that the demo's policy allows and
 * "CANARY-no-KIND-NUMBER" in those that it forbids.
 */
#include <arpa/inet.h>
#include <netinet/ip.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PACKET_SIZE 256

struct kind {
	const char *name;
	const char *source; /* NULL: the guest's own */
	const char *destination;
	uint8_t protocol;
	uint16_t port;
	bool allowed;
};

static const struct kind kinds[] = {
    {"allowed", NULL, "203.0.113.10", IPPROTO_UDP, 7777, true},
    {"port", NULL, "203.0.113.10", IPPROTO_UDP, 7778, false},
    {"syn", NULL, "203.0.113.10", IPPROTO_TCP, 8080, false},
    {"country", NULL, "192.0.2.80", IPPROTO_UDP, 7777, false},
    {"spoofed", "203.0.113.99", "203.0.113.10", IPPROTO_UDP, 7777, false},
    {"private", NULL, "10.0.0.5", IPPROTO_UDP, 7777, false},
    {"metadata", NULL, "169.254.169.254", IPPROTO_UDP, 7777, false},
    {"internal", NULL, "198.51.100.10", IPPROTO_UDP, 7777, false},
    {"sctp", NULL, "203.0.113.10", 132, 7777, false},
};

static uint32_t add_up(uint32_t sum, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* Layer 4 of ports, payload and checksum (RFC 768, RFC 9293). Returns size. */
static size_t write_l4(uint8_t *l4, const struct kind *kind,
    const struct iphdr *ip, const char *payload)
{
	size_t header = kind->protocol == IPPROTO_TCP ? 20 : 8;
	size_t size = header + strlen(payload);
	uint32_t sum = kind->protocol + (uint32_t)size;

	memset(l4, 0, header);
	put16(l4, (uint16_t)(40000 + (kind - kinds)));
	put16(l4 + 2, kind->port);
	if (kind->protocol == IPPROTO_TCP) {
		l4[12] = 5 << 4;
		l4[13] = 0x02; /* SYN */
		put16(l4 + 14, 65535);
	} else {
		put16(l4 + 4, (uint16_t)size);
	}
	memcpy(l4 + header, payload, strlen(payload));
	sum = add_up(sum, (const uint8_t *)&ip->saddr, 8);
	put16(l4 + (kind->protocol == IPPROTO_TCP ? 16 : 6),
	    fold(add_up(sum, l4, size)));
	return size;
}

static void send_one(int fd, const struct kind *kind, const char *canary,
    const char *own, unsigned long number)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	char payload[PACKET_SIZE / 2];
	union {
		struct iphdr ip;
		uint8_t byte[PACKET_SIZE];
	} packet;

	if (kind->allowed)
		snprintf(payload, sizeof(payload), "%s-ok-%lu", canary, number);
	else
		snprintf(payload, sizeof(payload), "%s-no-%s-%lu", canary,
		    kind->name, number);
	memset(&packet, 0, sizeof(packet));
	packet.ip.version = 4;
	packet.ip.ihl = 5;
	packet.ip.ttl = 64;
	packet.ip.protocol = kind->protocol;
	packet.ip.saddr = inet_addr(kind->source ? kind->source : own);
	packet.ip.daddr = inet_addr(kind->destination);
	to.sin_addr.s_addr = packet.ip.daddr;
	size_t size =
	    sizeof(packet.ip) + write_l4(packet.byte + sizeof(packet.ip), kind,
				    &packet.ip, payload);
	packet.ip.tot_len = htons((uint16_t)size);
	/* A full queue while the link is down is what is wanted. */
	ssize_t sent =
	    sendto(fd, &packet, size, 0, (struct sockaddr *)&to, sizeof(to));
	(void)sent;
}

int main(int argc, char **argv)
{
	const size_t len = sizeof(kinds) / sizeof(kinds[0]);
	struct timespec pause = {0};
	unsigned long number = 0;

	if (argc != 5 || strlen(argv[1]) > 32) {
		fputs("usage: flood CANARY OWN-ADDRESS SECONDS RATE\n", stderr);
		return 2;
	}
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	if (fd < 0) {
		perror("flood: raw socket");
		return 1;
	}
	long rate = strtol(argv[4], NULL, 10);
	time_t end = time(NULL) + strtol(argv[3], NULL, 10);
	pause.tv_nsec = rate > 0 ? 1000000000L / rate * (long)len : 0;
	while (time(NULL) < end) {
		for (size_t i = 0; i < len; i++)
			send_one(fd, &kinds[i], argv[1], argv[2], number);
		number++;
		if (pause.tv_nsec)
			nanosleep(&pause, NULL);
	}
	printf("%lu rounds of %zu kinds\n", number, len);
	return 0;
}
