/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of special addresses. Called by country_of(), by the maker of
 * docs/addresses.md and by whoever asks what is public; any thread.
 */
#include "rules/image/special.h"

const struct special_range special_range[] = {
    {0x00000000, 0x00ffffff, false, "this network"},
    {0x0a000000, 0x0affffff, false, "private"},
    {0x64400000, 0x647fffff, false, "shared address space; the gateway's own"},
    {0x7f000000, 0x7fffffff, false, "loopback"},
    {0xa83f8110, 0xa83f8110, false, "Azure's host agent"},
    {0xa9fe0000, 0xa9feffff, false, "link-local; cloud metadata"},
    {0xac100000, 0xac1fffff, false, "private"},
    {0xc0000000, 0xc00000ff, false, "IETF protocol assignments"},
    {0xc0000200, 0xc00002ff, true, "documentation (TEST-NET-1)"},
    {0xc0a80000, 0xc0a8ffff, false, "private"},
    {0xc6120000, 0xc613ffff, true, "benchmarking"},
    {0xc6336400, 0xc63364ff, true, "documentation (TEST-NET-2)"},
    {0xcb007100, 0xcb0071ff, true, "documentation (TEST-NET-3)"},
    {0xe0000000, 0xefffffff, false, "multicast"},
    {0xf0000000, 0xffffffff, false, "reserved; limited broadcast"},
};
const size_t special_len = sizeof(special_range) / sizeof(special_range[0]);

const struct special_range *special_find(uint32_t address)
{
	for (size_t i = 0; i < special_len; i++)
		if (address >= special_range[i].first &&
		    address <= special_range[i].last)
			return &special_range[i];
	return NULL;
}
