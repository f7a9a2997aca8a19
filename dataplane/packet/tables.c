/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables of one generation: see tables.h. Built by the control thread (or the
 * offline mode), asked by node admit; gw-dataplane.
 */
#include "dataplane/packet/tables.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "dataplane/packet/worker.h"

static int refuse(char *why, size_t why_size, int error, const char *text)
{
	if (why)
		snprintf(why, why_size, "%s", text);
	return error;
}

static bool names_countries(const struct policy_image *image)
{
	static const uint8_t none[POLICY_SHA256_SIZE];

	return memcmp(image->header->country, none, sizeof(none)) != 0;
}

static int load_countries(struct tables *tables, const void *country,
    size_t csize, char *why, size_t why_size)
{
	if (!names_countries(&tables->image))
		return 0;
	if (!country)
		return refuse(why, why_size, -EBADMSG,
		    "the policy names a country table, but none came with it");
	tables->has_countries = true;
	return country_table_validate(&tables->countries, country, csize,
	    tables->image.header->country, why, why_size);
}

int tables_build(struct tables **out, const void *image, size_t size,
    const void *country, size_t csize, uint32_t guest, uint64_t generation,
    char *why, size_t why_size)
{
	struct tables *tables = calloc(1, sizeof(*tables));
	uint32_t rules;
	int error;

	if (!tables)
		return refuse(why, why_size, -ENOMEM, "no memory");
	error =
	    policy_image_validate(&tables->image, image, size, why, why_size);
	if (error)
		goto fail;
	error = load_countries(tables, country, csize, why, why_size);
	if (error)
		goto fail;
	if (guest >= tables->image.len[SECTION_GUEST]) {
		error = refuse(
		    why, why_size, -EBADMSG, "the policy has no such guest");
		goto fail;
	}
	error = -ENOMEM;
	tables->generation = generation;
	tables->guest = guest;
	tables->network_mask = tables->image.guest[guest].network_mask;
	tables->classifier =
	    classifier_build(&tables->image, guest, why, why_size);
	if (!tables->classifier)
		goto fail;
	rules = tables->image.len[SECTION_RULE];
	tables->hits = calloc(rules + 1, sizeof(*tables->hits));
	tables->base = calloc(rules + 1, sizeof(*tables->base));
	if (!tables->hits || !tables->base) {
		refuse(why, why_size, error, "no memory for rule counters");
		goto fail;
	}
	memset(
	    (void *)tables->port_of, TABLES_NO_PORT, sizeof(tables->port_of));
	memset((void *)tables->network_of, TABLES_NO_PORT,
	    sizeof(tables->network_of));
	*out = tables;
	return 0;
fail:
	tables_free(tables);
	return error;
}

static void *map_sealed(
    int fd, size_t *size, int *error, char *why, size_t why_size)
{
	const int need = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat status;
	void *map;

	if (seals < 0 || (seals & need) != need) {
		*error = refuse(why, why_size, -EPERM,
		    "the memory of the policy is not sealed");
		return NULL;
	}
	if (fstat(fd, &status) < 0 || status.st_size <= 0) {
		*error = refuse(why, why_size, -EBADMSG, "the policy is empty");
		return NULL;
	}
	map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		*error =
		    refuse(why, why_size, -errno, "the policy can't be mapped");
		return NULL;
	}
	*size = (size_t)status.st_size;
	return map;
}

int tables_map(struct tables **tables, int image_fd, int country_fd,
    uint32_t guest, uint64_t generation, char *why, size_t why_size)
{
	void *map[2] = {NULL, NULL};
	size_t size[2] = {0, 0};
	int error = 0;

	map[0] = map_sealed(image_fd, &size[0], &error, why, why_size);
	if (error)
		return error;
	if (country_fd >= 0)
		map[1] =
		    map_sealed(country_fd, &size[1], &error, why, why_size);
	if (!error)
		error = tables_build(tables, map[0], size[0], map[1], size[1],
		    guest, generation, why, why_size);
	for (int i = 0; i < 2; i++) {
		if (error && map[i]) {
			munmap(map[i], size[i]);
		} else if (!error) {
			(*tables)->map[i] = map[i];
			(*tables)->map_size[i] = size[i];
		}
	}
	return error;
}

void tables_free(struct tables *tables)
{
	if (!tables)
		return;
	classifier_free((struct classifier *)tables->classifier);
	free(tables->hits);
	free(tables->base);
	for (int i = 0; i < 2; i++)
		if (tables->map[i])
			munmap(tables->map[i], tables->map_size[i]);
	free(tables);
}

static uint8_t find_port(const struct port *ports, const char *name)
{
	for (uint8_t i = PORT_GUEST + 1; i < PORT_MAX; i++)
		if (ports[i].present && strcmp(ports[i].name, name) == 0)
			return i;
	return TABLES_NO_PORT;
}

void tables_bind(struct tables *tables, const struct port *ports)
{
	const struct policy_image *image = &tables->image;
	uint8_t network_of[PORT_MAX];

	memset(network_of, TABLES_NO_PORT, sizeof(network_of));
	for (uint32_t i = 0; i < image->len[SECTION_NETWORK]; i++) {
		uint8_t port = find_port(
		    ports, policy_text(image, image->network[i].name));

		if (port != TABLES_NO_PORT)
			network_of[port] = (uint8_t)i;
		atomic_store(&tables->port_of[i], port);
	}
	for (int i = 0; i < PORT_MAX; i++)
		atomic_store(&tables->network_of[i], network_of[i]);
}

const struct port *tables_open_port(
    const struct tables *tables, struct port *ports, uint16_t network)
{
	uint8_t index = tables->port_of[network];

	if (index == TABLES_NO_PORT || !ports[index].present ||
	    !ports[index].ops->link_up(&ports[index]))
		return NULL;
	return &ports[index];
}

static const struct policy_image *sorting; /* qsort has no argument to give */

static int by_name(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return strcmp(policy_text(sorting, sorting->rule[x].name),
	    policy_text(sorting, sorting->rule[y].name));
}

/* Rule numbers in the order of their names; NULL when memory is short. */
static uint32_t *sort_rules(const struct policy_image *image)
{
	uint32_t len = image->len[SECTION_RULE];
	uint32_t *list = calloc(len + 1, sizeof(*list));

	if (!list)
		return NULL;
	for (uint32_t i = 0; i < len; i++)
		list[i] = i;
	sorting = image;
	qsort(list, len, sizeof(*list), by_name);
	return list;
}

/* Counters follow the rule's name: two sorted lists, one merge. */
static void inherit_hits(struct tables *to, const struct tables *from)
{
	uint32_t *a = sort_rules(&to->image), *b = sort_rules(&from->image);
	uint32_t i = 0, j = 0;

	while (a && b && i < to->image.len[SECTION_RULE] &&
	       j < from->image.len[SECTION_RULE]) {
		const char *x =
		    policy_text(&to->image, to->image.rule[a[i]].name);
		const char *y =
		    policy_text(&from->image, from->image.rule[b[j]].name);
		int order = strcmp(x, y);

		if (order == 0)
			to->base[a[i]] = from->base[b[j]] + from->hits[b[j]];
		i += order <= 0;
		j += order >= 0;
	}
	free(a);
	free(b);
}

void tables_swap(struct worker *w, struct tables *tables)
{
	struct tables *old = (struct tables *)atomic_exchange(
	    &w->live, (const struct tables *)tables);

	if (!old)
		return;
	if (w->qsbr)
		rte_rcu_qsbr_synchronize(w->qsbr, RTE_QSBR_THRID_INVALID);
	if (tables)
		inherit_hits(tables, old);
	tables_free(old);
}

uint64_t tables_hits(const struct tables *tables, uint32_t rule)
{
	if (rule >= tables->image.len[SECTION_RULE])
		return 0;
	return tables->base[rule] + tables->hits[rule];
}

static struct judge_verdict deny(
    struct judge_verdict verdict, enum gw_reason reason)
{
	verdict.allow = 0;
	verdict.reason = reason;
	return verdict;
}

struct judge_verdict tables_judge(
    const struct tables *tables, const struct judge_flow *flow)
{
	struct judge_verdict verdict = {.network = POLICY_ANY_NETWORK,
	    .country = COUNTRY_NONE,
	    .rule = POLICY_NONE};
	uint32_t network = judge_network_of(&tables->image, flow->remote);

	if (flow->direction == DIRECTION_IN && network != flow->from_network)
		return deny(verdict, REASON_FAR_SOURCE);
	if (network >= POLICY_NETWORK_MAX ||
	    !(tables->network_mask >> network & 1))
		return deny(verdict, REASON_NO_NETWORK);
	verdict.network = (uint16_t)network;
	if (classifier_needs_country(tables->classifier))
		verdict.country = country_of(
		    tables->has_countries ? &tables->countries : NULL,
		    flow->remote);
	verdict.rule = classifier_lookup(
	    tables->classifier, flow, verdict.network, verdict.country);
	if (verdict.rule == POLICY_NONE)
		return deny(verdict, REASON_NO_RULE);
	if (tables->image.rule[verdict.rule].action != ACTION_ALLOW)
		return deny(verdict, REASON_RULE);
	verdict.allow = 1;
	return verdict;
}
