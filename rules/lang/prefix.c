/* SPDX-License-Identifier: BSD-2-Clause */
/* Literals (prefix.h). */
#include "rules/lang/prefix.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Strict dotted quad: no leading zeros, nothing behind. Returns bytes read. */
static size_t read_address(const char *text, uint32_t *address)
{
	size_t at = 0;
	unsigned int part, i;

	*address = 0;
	for (i = 0; i < 4; i++) {
		size_t start = at;

		for (part = 0;
		     text[at] >= '0' && text[at] <= '9' && at - start < 4; at++)
			part = part * 10 + (unsigned int)(text[at] - '0');
		if (at == start || part > 255 ||
		    (at - start > 1 && text[start] == '0'))
			return 0;
		*address = *address << 8 | part;
		if (i < 3 && text[at++] != '.')
			return 0;
	}
	return at;
}

static bool read_length(
    const char *text, unsigned int most, unsigned int *length)
{
	size_t size = strspn(text, "0123456789");

	if (!size || text[size] || size > 3 || (size > 1 && *text == '0'))
		return false;
	*length = (unsigned int)strtoul(text, NULL, 10);
	return *length <= most;
}

static enum prefix_kind bad(struct prefix *prefix, const char *why)
{
	snprintf(prefix->why, sizeof(prefix->why), "%s", why);
	return PREFIX_BAD;
}

static enum prefix_kind parse_v6(const char *text, struct prefix *prefix)
{
	const char *slash = strchr(text, '/');
	size_t size = slash ? (size_t)(slash - text) : strlen(text);
	char address[INET6_ADDRSTRLEN + 1];
	unsigned char bytes[16];
	unsigned int length;

	if (size >= sizeof(address))
		return bad(prefix, "this is no IPv6 address");
	memcpy(address, text, size);
	address[size] = 0;
	if (inet_pton(AF_INET6, address, bytes) != 1)
		return bad(prefix, "this is no IPv6 address");
	if (slash && !read_length(slash + 1, 128, &length))
		return bad(prefix, "a prefix length of IPv6 is 0 to 128");
	return PREFIX_V6;
}

static bool looks_v6(const char *text)
{
	const char *colon = strchr(text, ':');

	return colon && strchr(colon + 1, ':') &&
	       strspn(text, "0123456789abcdefABCDEF:./") == strlen(text);
}

static enum prefix_kind parse_rest(
    const char *rest, bool host_bits, struct prefix *prefix)
{
	unsigned int length = 32;
	uint32_t mask, last;

	if (*rest == '-') {
		size_t size = read_address(rest + 1, &last);

		if (!size || rest[1 + size])
			return bad(prefix, "this is no range of addresses");
		if (last < prefix->address)
			return bad(prefix, "the range ends before it starts");
		prefix->range = true;
		prefix->last = last;
		return PREFIX_V4;
	}
	if (*rest == '/') {
		if (!read_length(rest + 1, 32, &length))
			return bad(
			    prefix, "a prefix length of IPv4 is 0 to 32");
		prefix->has_length = true;
	} else if (*rest) {
		return bad(prefix, "this is no IPv4 address");
	}
	mask = length ? UINT32_MAX << (32 - length) : 0;
	prefix->length = (uint8_t)length;
	prefix->first = prefix->address & mask;
	prefix->last = prefix->address | ~mask;
	if (prefix->first != prefix->address && !host_bits) {
		struct in_addr in = {htonl(prefix->first)};

		snprintf(prefix->why, sizeof(prefix->why),
		    "bits are set behind the prefix length; did you mean "
		    "`%s/%u`?",
		    inet_ntoa(in), length);
		return PREFIX_BAD;
	}
	return PREFIX_V4;
}

enum prefix_kind prefix_parse(
    const char *text, bool host_bits, struct prefix *prefix)
{
	size_t size;

	memset(prefix, 0, sizeof(*prefix));
	if (looks_v6(text))
		return parse_v6(text, prefix);
	size = read_address(text, &prefix->address);
	if (!size) {
		/* four numbers with dots, or a prefix, was meant as one */
		if (strspn(text, "0123456789./") == strlen(text) &&
		    strchr(text, '.'))
			return bad(prefix, "this is no IPv4 address");
		return PREFIX_NONE;
	}
	prefix->first = prefix->last = prefix->address;
	return parse_rest(text + size, host_bits, prefix);
}

static bool read_port(const char **text, uint16_t *port)
{
	unsigned int number = 0;
	size_t i;

	for (i = 0; i < 6 && (*text)[i] >= '0' && (*text)[i] <= '9'; i++)
		number = number * 10 + (unsigned int)((*text)[i] - '0');
	if (!i || i > 5 || !number || number > 65535 || **text == '0')
		return false;
	*text += i;
	*port = (uint16_t)number;
	return true;
}

bool prefix_parse_port(const char *text, struct policy_port_range *range)
{
	if (!read_port(&text, &range->first))
		return false;
	range->last = range->first;
	if (*text == '-') {
		text++;
		if (!read_port(&text, &range->last))
			return false;
	}
	return !*text && range->first <= range->last;
}

int prefix_parse_country(const char *text)
{
	if (!strcmp(text, "unknown"))
		return COUNTRY_UNKNOWN;
	if (!strcmp(text, "none"))
		return COUNTRY_NONE;
	if (text[0] < 'A' || text[0] > 'Z' || text[1] < 'A' || text[1] > 'Z' ||
	    text[2])
		return -1;
	return (text[0] - 'A') * 26 + (text[1] - 'A');
}

bool prefix_is_country(const char *text)
{
	/* ISO 3166-1 alpha-2, officially assigned; XK as in common use. */
	static const char codes[] =
	    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG "
	    "BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI "
	    "CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH "
	    "ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ "
	    "GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT "
	    "JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS "
	    "LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU "
	    "MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG "
	    "PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG "
	    "SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK "
	    "TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU "
	    "WF WS XK YE YT ZA ZM ZW ";
	size_t i;

	for (i = 0; codes[i]; i += 3)
		if (!strncmp(codes + i, text, 2) && !text[2])
			return true;
	return false;
}
