/* SPDX-License-Identifier: BSD-2-Clause */
/* Networks, without their reach (model.h). */
#include "rules/image/address.h"
#include "rules/lang/model.h"
#include "rules/lang/prefix.h"

#include <string.h>

struct network *check_network_named(
    struct model *model, const struct value *value)
{
	struct network *network =
	    symbol_find(&model->symbols, SYMBOL_NETWORK, 0, value->text);

	if (!network)
		error_at(&model->compile->errors, &value->place,
		    "no network is named `%.60s`%s", value->text,
		    error_near(&model->compile->errors, value->text,
			symbol_names(&model->symbols, SYMBOL_NETWORK)));
	else
		network->used = true;
	return network;
}

/* Linux: 1 to 15 bytes, no `/`, no blank, not `.` or `..`. */
static bool is_interface(const char *text)
{
	size_t size = strlen(text);

	return size && size < 16 && !strpbrk(text, "/ \t:%") &&
	       strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

static bool check_uplink(struct model *model, struct network *network)
{
	struct errors *errors = &model->compile->errors;
	const struct node *node = network->uplink;
	const struct value *name;

	if (!node)
		return error_at(errors, &network->node->name_place,
		    "network `%s` has no `uplink`", network->node->name);
	if (!model_is(node->value, "interface"))
		return false; /* refused as not enforced */
	name = node->value->next;
	if (!is_interface(name->text))
		return error_at(errors, &name->place,
		    "\"%.40s\" can't be the name of an interface: 1 to 15 "
		    "bytes without `/`, `:`, `%%` and blanks",
		    name->text);
	network->interface = name->text;
	network->record.uplink = model_is(name->next, "take")
				     ? UPLINK_INTERFACE_TAKE
				     : UPLINK_INTERFACE_SHARE;
	if (network->record.uplink == UPLINK_INTERFACE_SHARE &&
	    !network->address)
		return error_at(errors, &node->place,
		    "a shared interface needs an address of its own, such as "
		    "`address 198.51.100.2/24;`");
	return true;
}

static bool host_address(const struct prefix *subnet, uint32_t address)
{
	return subnet->length >= 31 ||
	       (address != subnet->first && address != subnet->last);
}

static bool check_gateway(struct model *model, struct network *network,
    const struct prefix *subnet, const struct value *value)
{
	struct errors *errors = &model->compile->errors;
	struct prefix gateway;
	enum prefix_kind kind = prefix_parse(value->text, false, &gateway);

	if (kind == PREFIX_V6)
		return error_at(errors, &value->place,
		    "IPv6 is not enforced yet: every IPv6 packet is denied");
	if (kind != PREFIX_V4 || gateway.has_length || gateway.range)
		return error_at(errors, &value->place,
		    "`%.60s` is no address of a gateway", value->text);
	if (gateway.first < subnet->first || gateway.first > subnet->last ||
	    !host_address(subnet, gateway.first))
		return error_at(errors, &value->place,
		    "the gateway is no host of the address' subnet");
	if (gateway.first == subnet->address)
		return error_at(
		    errors, &value->place, "the gateway is the address itself");
	network->record.gateway = gateway.first;
	return true;
}

static bool check_address(struct model *model, struct network *network)
{
	struct errors *errors = &model->compile->errors;
	const struct value *value;
	struct prefix prefix;
	enum prefix_kind kind;

	if (!network->address)
		return true;
	value = network->address->value;
	kind = prefix_parse(value->text, true, &prefix);
	if (kind == PREFIX_V6)
		return error_at(errors, &value->place,
		    "IPv6 is not enforced yet: every IPv6 packet is denied");
	if (kind == PREFIX_BAD)
		return error_at(errors, &value->place, "%s", prefix.why);
	if (kind != PREFIX_V4 || !prefix.has_length || !prefix.length)
		return error_at(errors, &value->place,
		    "expected an address with its prefix length, such as "
		    "`198.51.100.2/24`");
	if (!host_address(&prefix, prefix.address))
		return error_at(errors, &value->place,
		    "this is the %s of its subnet, not a host",
		    prefix.address == prefix.first ? "address"
						   : "broadcast address");
	if (prefix.first <= ADDRESS_CLAIM_LAST &&
	    prefix.last >= ADDRESS_CLAIM_FIRST)
		return error_at(errors, &value->place,
		    "100.64.0.0/10 belongs to the gateway itself "
		    "(docs/addresses.md)");
	network->record.address = prefix.address;
	network->record.prefix = prefix.length;
	return !value->next ||
	       check_gateway(model, network, &prefix, value->next->next);
}

static void add_network(struct model *model, const struct node *node)
{
	struct errors *errors = &model->compile->errors;
	struct network *network =
	    symbol_find(&model->symbols, SYMBOL_NETWORK, 0, node->name);

	if (network) {
		error_at(errors, &node->name_place,
		    "a second network named `%s`", node->name);
		error_note(errors, &network->node->name_place,
		    "the first one is here");
		return;
	}
	if (model->network_len == POLICY_NETWORK_MAX) {
		error_at(errors, &node->place, "more than %u networks",
		    POLICY_NETWORK_MAX);
		return;
	}
	network = &model->network[model->network_len];
	network->index = (uint16_t)model->network_len++;
	network->node = node;
	network->uplink = model_only(errors, node, WORD_UPLINK);
	network->address = model_only(errors, node, WORD_ADDRESS);
	network->routed = model_only(errors, node, WORD_ROUTED);
	network->record.routed = network->routed != NULL;
	symbol_add(&model->symbols, SYMBOL_NETWORK, 0, node->name, network);
	check_uplink(model, network);
	check_address(model, network);
}

/* An interface that was taken is gone for others. */
static void check_taken(struct model *model)
{
	uint32_t i, k;

	for (i = 1; i < model->network_len; i++)
		for (k = 0; k < i; k++) {
			struct network *a = &model->network[k];
			struct network *b = &model->network[i];

			if (!a->interface || !b->interface ||
			    strcmp(a->interface, b->interface) != 0 ||
			    (a->record.uplink != UPLINK_INTERFACE_TAKE &&
				b->record.uplink != UPLINK_INTERFACE_TAKE))
				continue;
			error_at(&model->compile->errors,
			    &b->uplink->value->next->place,
			    "interface \"%s\" is taken by one network and "
			    "used by another",
			    b->interface);
			error_note(&model->compile->errors,
			    &a->uplink->value->next->place,
			    "the other one is here");
		}
}

void check_networks(struct model *model)
{
	size_t i;

	for (i = 0; i < model->sentence_len; i++)
		if (model->sentence[i]->word->id == WORD_NETWORK)
			add_network(model, model->sentence[i]);
	check_taken(model);
}
