/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets, and the operands of `to`, `from` and `port` (model.h). */
#include "rules/lang/model.h"
#include "rules/lang/prefix.h"

#include <string.h>

static const char v6_text[] =
    "IPv6 is not enforced yet: every IPv6 packet is denied";

bool check_countries(struct model *model, const struct value *value,
    struct policy_country_set *set)
{
	struct errors *errors = &model->compile->errors;
	bool good = true;

	for (; value; value = value->next) {
		int bit = prefix_parse_country(value->text);

		if (bit < 0) {
			good = error_at(errors, &value->place,
			    "`%.60s` is no country: two capital letters, "
			    "`unknown` or `none`",
			    value->text);
			continue;
		}
		if (bit < COUNTRY_UNKNOWN && !prefix_is_country(value->text))
			warn_at(errors, &value->place,
			    "`%s` is no code of ISO 3166-1: it will match "
			    "nothing in the built-in table",
			    value->text);
		set->bits[bit / 64] |= (uint64_t)1 << (bit % 64);
	}
	model->names_country = true;
	return good;
}

static bool looks_like_name(const char *text)
{
	const char *dot = strchr(text, '.');

	return dot && strspn(text, "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789.-_*") == strlen(text);
}

static bool refuse_name(struct errors *errors, const struct value *value)
{
	if (strchr(value->text, '*'))
		return error_at(errors, &value->place,
		    "`*.` is refused, peers disagree on it: `.x.example` is "
		    "the name and all below");
	return error_at(errors, &value->place,
	    "names are not enforced yet: write addresses");
}

/* ---- set ---- */

static enum set_kind add_element(
    struct model *model, struct set *set, const struct value *value)
{
	struct errors *errors = &model->compile->errors;
	struct policy_port_range port;
	struct prefix prefix;

	if (prefix_parse_port(value->text, &port)) {
		ranges_add(&model->compile->arena, &set->ranges, port.first,
		    port.last);
		return SET_PORTS;
	}
	switch (prefix_parse(value->text, false, &prefix)) {
	case PREFIX_V4:
		ranges_add(&model->compile->arena, &set->ranges, prefix.first,
		    prefix.last);
		return SET_ADDRESSES;
	case PREFIX_V6:
		error_at(errors, &value->place, "%s", v6_text);
		return SET_BROKEN;
	case PREFIX_BAD:
		error_at(errors, &value->place, "%s", prefix.why);
		return SET_BROKEN;
	default:
		break;
	}
	if (looks_like_name(value->text))
		refuse_name(errors, value);
	else
		error_at(errors, &value->place,
		    "`%.60s` is no address, prefix or port", value->text);
	return SET_BROKEN;
}

static void fill_set(struct model *model, struct set *set)
{
	const struct value *first = set->node->value, *value;

	if (model_is(first, "address") || model_is(first, "name"))
		return; /* refused as not enforced */
	if (model_is(first, "country")) {
		if (check_countries(model, first->next, &set->countries))
			set->kind = SET_COUNTRIES;
		return;
	}
	for (value = first; value; value = value->next) {
		enum set_kind kind = add_element(model, set, value);

		if (kind == SET_BROKEN) {
			set->kind = SET_BROKEN;
			return;
		}
		if (value != first && kind != set->kind) {
			error_at(&model->compile->errors, &value->place,
			    "one kind per set: this is %s, the first element "
			    "is %s",
			    kind == SET_PORTS ? "a port" : "an address",
			    set->kind == SET_PORTS ? "a port" : "an address");
			set->kind = SET_BROKEN;
			return;
		}
		set->kind = kind;
	}
	ranges_sort(&set->ranges);
}

void check_sets(struct model *model)
{
	struct errors *errors = &model->compile->errors;
	size_t i;

	for (i = 0; i < model->sentence_len; i++) {
		const struct node *node = model->sentence[i];
		struct set *set;

		if (node->word->id != WORD_SET)
			continue;
		set = symbol_find(&model->symbols, SYMBOL_SET, 0, node->name);
		if (set) {
			error_at(errors, &node->name_place,
			    "a second set named `%s`", node->name);
			error_note(errors, &set->node->name_place,
			    "the first one is here");
			continue;
		}
		set = arena_take(&model->compile->arena, sizeof(*set));
		set->node = node;
		fill_set(model, set);
		symbol_add(&model->symbols, SYMBOL_SET, 0, node->name, set);
		*model->set_last = set;
		model->set_last = &set->next;
	}
}

/* ---- operands ---- */

static struct set *find_set(struct model *model, const struct value *value)
{
	struct set *set =
	    symbol_find(&model->symbols, SYMBOL_SET, 0, value->text);

	if (set) {
		set->used = true;
		return set;
	}
	if (looks_like_name(value->text))
		refuse_name(&model->compile->errors, value);
	else
		error_at(&model->compile->errors, &value->place,
		    "`%.60s` is neither an address nor a declared set%s",
		    value->text,
		    error_near(&model->compile->errors, value->text,
			symbol_names(&model->symbols, SYMBOL_SET)));
	return NULL;
}

static bool has_unknown(const struct policy_country_set *set)
{
	return set->bits[COUNTRY_UNKNOWN / 64] >> (COUNTRY_UNKNOWN % 64) & 1;
}

static bool add_set(
    struct model *model, const struct value *value, struct match *match)
{
	struct remote *remote = &match->remote;
	struct set *set = find_set(model, value);
	size_t i;

	if (!set || set->kind == SET_BROKEN)
		return false;
	if (set->kind == SET_PORTS)
		return error_at(&model->compile->errors, &value->place,
		    "`%s` is a set of ports; expected addresses or countries",
		    value->text);
	if (set->kind == SET_COUNTRIES) {
		for (i = 0; i < COUNTRY_WORDS; i++)
			remote->countries.bits[i] |= set->countries.bits[i];
		remote->has_countries = true;
		match->open_country |= !has_unknown(&set->countries);
		return true;
	}
	for (i = 0; i < set->ranges.len; i++)
		ranges_add(&model->compile->arena, &remote->ranges,
		    set->ranges.range[i].first, set->ranges.range[i].last);
	return true;
}

static bool add_operand(
    struct model *model, const struct value *value, struct match *match)
{
	struct errors *errors = &model->compile->errors;
	struct prefix prefix;

	if (!strcmp(value->text, "any")) {
		match->remote.any = true;
		return true;
	}
	if (!strcmp(value->text, "host"))
		return error_at(
		    errors, &value->place, "`host` is not enforced yet");
	switch (prefix_parse(value->text, false, &prefix)) {
	case PREFIX_V4:
		ranges_add(&model->compile->arena, &match->remote.ranges,
		    prefix.first, prefix.last);
		return true;
	case PREFIX_V6:
		return error_at(errors, &value->place, "%s", v6_text);
	case PREFIX_BAD:
		return error_at(errors, &value->place, "%s", prefix.why);
	default:
		return add_set(model, value, match);
	}
}

/* `not`: addresses or countries, but no rule can say both at once. */
static bool invert(
    struct model *model, const struct node *clause, struct remote *remote)
{
	struct errors *errors = &model->compile->errors;
	size_t i;

	if (remote->any)
		return error_at(
		    errors, &clause->place, "`not any` matches nothing");
	if (remote->has_countries && remote->ranges.len)
		return error_at(errors, &clause->place,
		    "`not` over addresses and countries together: write two "
		    "rules");
	if (remote->has_countries) {
		for (i = 0; i < COUNTRY_MAX; i++)
			remote->countries.bits[i / 64] ^= (uint64_t)1
							  << (i % 64);
		return true;
	}
	remote->ranges =
	    ranges_invert(&model->compile->arena, &remote->ranges, UINT32_MAX);
	if (!remote->ranges.len)
		return error_at(
		    errors, &clause->place, "this `not` leaves no address");
	return true;
}

bool check_remote(
    struct model *model, const struct node *clause, struct match *match)
{
	const struct value *value = clause->value;
	struct remote *remote = &match->remote;
	bool negated = model_is(value, "not"), good = true;

	if (negated)
		value = value->next;
	if (model_is(value, "name"))
		return false; /* refused as not enforced */
	if (model_is(value, "country")) {
		remote->has_countries = true;
		good = check_countries(model, value->next, &remote->countries);
		match->open_country |= !has_unknown(&remote->countries);
	} else {
		if (model_is(value, "address"))
			value = value->next;
		for (; value; value = value->next)
			if (!add_operand(model, value, match))
				good = false;
		ranges_sort(&remote->ranges);
	}
	if (good && negated) {
		good = invert(model, clause, remote);
		match->open_country = false;
	}
	return good;
}

/* One port, range of ports, or set of ports. */
static bool add_port(
    struct model *model, const struct value *value, struct ranges *ports)
{
	struct errors *errors = &model->compile->errors;
	struct policy_port_range port;
	struct set *set;
	size_t i;

	if (prefix_parse_port(value->text, &port)) {
		ranges_add(
		    &model->compile->arena, ports, port.first, port.last);
		return true;
	}
	if (value->text[0] >= '0' && value->text[0] <= '9')
		return error_at(errors, &value->place,
		    "`%.60s` is no port: 1 to 65535, or a range such as "
		    "`8000-8010`",
		    value->text);
	set = find_set(model, value);
	if (!set || set->kind == SET_BROKEN)
		return false;
	if (set->kind != SET_PORTS)
		return error_at(errors, &value->place,
		    "`%s` is no set of ports", value->text);
	for (i = 0; i < set->ranges.len; i++)
		ranges_add(&model->compile->arena, ports,
		    set->ranges.range[i].first, set->ranges.range[i].last);
	return true;
}

bool check_ports(
    struct model *model, const struct node *clause, struct ranges *ports)
{
	const struct value *value = clause->value;
	bool negated = model_is(value, "not"), good = true;

	for (value = negated ? value->next : value; value; value = value->next)
		if (!add_port(model, value, ports))
			good = false;
	ranges_sort(ports);
	if (!good || !negated)
		return good;
	/* 0 is no port: it is in no set, and in no inverted one */
	ranges_add(&model->compile->arena, ports, 0, 0);
	ranges_sort(ports);
	*ports = ranges_invert(&model->compile->arena, ports, 65535);
	if (!ports->len)
		return error_at(&model->compile->errors, &clause->place,
		    "this `not` leaves no port");
	return true;
}
