/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Status, events, reasons and policies for people. Called through the table of
 * commands with results of gwd.
 */
#include "control/gwctl/gwctl.h"
#include "control/gwctl/table.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define EXCERPT_BEFORE 60 /* rules/lang/error_show.c */

static const char *text(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value ? value : "";
}

static long number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static bool flag(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

/* Text of the policy's side for a terminal: no control characters. */
static void print_safe(const char *value)
{
	for (; *value; value++)
		putchar(
		    (unsigned char)*value < 32 || *value == 127 ? '?' : *value);
}

void show_status(const json_t *result)
{
	json_t *guests = json_object_get(result, "guests"), *count;
	const json_t *networks = json_object_get(result, "networks"), *network;
	char age[AGE_SIZE], when[24];
	const char *phase;
	size_t i;

	printf("gateway     version %s, up %s\n", text(result, "version"),
	    age_text(number(result, "uptime"), age));
	if (!number(result, "generation"))
		printf("policy      %snone in force: everything is denied%s\n",
		    tint(TINT_RED), tint(TINT_OFF));
	else
		printf("policy      generation %ld, loaded %s\n",
		    number(result, "generation"),
		    time_text(number(result, "loaded"), when));
	if (*text(result, "loading"))
		printf("loading     %s\n", text(result, "loading"));
	printf(
	    "guests      %ld in the policy", number(result, "policy_guests"));
	json_object_foreach (guests, phase, count) {
		printf(", %ld %s", (long)json_integer_value(count), phase);
	}
	printf("\n");
	json_array_foreach ((json_t *)networks, i, network) {
		bool up = !strcmp(text(network, "state"), "up");

		printf("network     %s %s%s%s", text(network, "name"),
		    tint(up ? TINT_GREEN : TINT_RED), text(network, "state"),
		    tint(TINT_OFF));
		if (*text(network, "text"))
			printf(": %s", text(network, "text"));
		printf("\n");
	}
	printf("events      %ld seen, %ld more held back\n",
	    number(result, "events"), number(result, "suppressed"));
	if (!flag(result, "kvm"))
		printf("guests run  under TCG: slow, and %sno isolation "
		       "boundary%s\n",
		    tint(TINT_RED), tint(TINT_OFF));
}

static void print_flow(const json_t *event)
{
	bool icmp = !strcmp(text(event, "protocol"), "icmp");

	if (!strcmp(text(event, "source"), "0.0.0.0") &&
	    !strcmp(text(event, "destination"), "0.0.0.0")) {
		printf("%s frame", text(event, "direction")); /* not IPv4 */
		return;
	}
	printf("%s %s %s", text(event, "direction"), text(event, "protocol"),
	    text(event, "source"));
	if (!icmp && number(event, "source_port"))
		printf(":%ld", number(event, "source_port"));
	printf(" -> %s", text(event, "destination"));
	if (icmp)
		printf(" type %ld", number(event, "icmp_type"));
	else if (number(event, "destination_port"))
		printf(":%ld", number(event, "destination_port"));
}

void show_event(const json_t *event)
{
	bool deny = !strcmp(text(event, "verdict"), "deny");
	char when[24];

	printf("%ld %s %s %s%s%s ", number(event, "id"),
	    time_text(json_number_value(json_object_get(event, "time")), when),
	    text(event, "guest"), tint(deny ? TINT_RED : TINT_GREEN),
	    text(event, "verdict"), tint(TINT_OFF));
	print_flow(event);
	printf(" %s", text(event, "reason"));
	if (*text(event, "rule")) {
		printf(" ");
		print_safe(text(event, "rule"));
		printf(" ");
		print_safe(text(event, "place"));
	}
	if (number(event, "suppressed"))
		printf(" (%ld more)", number(event, "suppressed"));
	printf("\n");
}

void show_events(const json_t *result)
{
	const json_t *list = json_object_get(result, "events"), *event;
	size_t i;

	if (!json_array_size(list))
		printf("No event to show.\n");
	json_array_foreach ((json_t *)list, i, event) {
		show_event(event);
	}
}

void show_why(const json_t *event)
{
	bool deny = !strcmp(text(event, "verdict"), "deny");
	char when[24];

	printf("event       %ld of %s, guest %s\n", number(event, "id"),
	    time_text(json_number_value(json_object_get(event, "time")), when),
	    text(event, "guest"));
	printf("packet      ");
	print_flow(event);
	if (*text(event, "country") &&
	    strcmp(text(event, "country"), "none") != 0)
		printf(", country %s", text(event, "country"));
	if (*text(event, "network"))
		printf(", network %s", text(event, "network"));
	printf("\nverdict     %s%s%s (%s): %s\n",
	    tint(deny ? TINT_RED : TINT_GREEN), text(event, "verdict"),
	    tint(TINT_OFF), text(event, "reason"), text(event, "reason_text"));
	printf("stage       %s\n", text(event, "stage"));
	if (*text(event, "rule")) {
		printf("rule        ");
		print_safe(text(event, "rule"));
		printf(" at ");
		print_safe(text(event, "place"));
		printf(" (generation %ld)\n            ",
		    number(event, "generation"));
		print_safe(text(event, "rule_text"));
		printf("\n");
	}
	if (deny)
		printf("would allow %s\n", text(event, "would_allow"));
}

void show_reasons(const json_t *result)
{
	const json_t *list = json_object_get(result, "reasons"), *reason;
	struct table *table = table_new("REASON|STAGE|MEANING");
	size_t i;

	json_array_foreach ((json_t *)list, i, reason) {
		table_add(table, "%s", text(reason, "reason"));
		table_add(table, "%s", text(reason, "stage"));
		table_add(table, "%s", text(reason, "text"));
	}
	table_end(table);
}

void show_rules(const json_t *result)
{
	const json_t *list = json_object_get(result, "rules"), *rule;
	struct table *table = table_new("RULE|HITS|PLACE|TEXT");
	size_t i;

	json_array_foreach ((json_t *)list, i, rule) {
		table_add(table, "%s", text(rule, "rule"));
		table_add(table, "%ld", number(rule, "hits"));
		table_add(
		    table, "%s:%ld", text(rule, "file"), number(rule, "line"));
		table_add(table, "%s", text(rule, "text"));
	}
	table_end(table);
}

void show_policy(const json_t *result)
{
	const json_t *blocks = json_object_get(result, "blocks"), *block, *rule;
	size_t i, j;

	printf("# generation %ld\n", number(result, "generation"));
	json_array_foreach ((json_t *)blocks, i, block) {
		const json_t *rules = json_object_get(block, "rules");

		printf("%s {\n", text(block, "name"));
		json_array_foreach ((json_t *)rules, j, rule) {
			printf("\t");
			print_safe(text(rule, "text"));
			printf("\t# ");
			print_safe(text(rule, "file"));
			printf(":%ld\n", number(rule, "line"));
		}
		printf("}\n");
	}
	if (flag(result, "truncated"))
		printf("# ... and more rules than are shown\n");
}

void show_history(const json_t *result)
{
	const json_t *list = json_object_get(result, "history"), *entry;
	struct table *table;
	size_t i;

	if (!json_array_size(list)) {
		printf("No policy was loaded yet.\n");
		return;
	}
	table = table_new("GENERATION|WHEN|UID|FILE|NOTE");
	json_array_foreach ((json_t *)list, i, entry) {
		long again = number(entry, "again");
		char when[24];

		table_add(table, "%ld%s", number(entry, "generation"),
		    number(entry, "generation") == number(result, "live") ? " *"
									  : "");
		table_add(table, "%s", time_text(number(entry, "time"), when));
		table_add(table, "%ld", number(entry, "uid"));
		table_add(table, "%s", text(entry, "path"));
		if (again)
			table_add(table, "(again %ld) %s", again,
			    text(entry, "note"));
		else
			table_add(table, "%s", text(entry, "note"));
	}
	table_end(table);
	printf("* in force\n");
}

/* The line of a diagnostic, its place underlined as gw-rulec does it; left of
 * a place beyond EXCERPT_BEFORE bytes the line is cut. */
static void show_excerpt(const json_t *item)
{
	const char *line = text(item, "excerpt");
	size_t at = number(item, "column") - 1, size = number(item, "size");

	if (!*line)
		return;
	fprintf(stderr, "%6ld | %s\n", number(item, "line"), line);
	if (at > EXCERPT_BEFORE)
		at = EXCERPT_BEFORE;
	if (at >= strlen(line))
		return;
	for (size_t i = 0; i < at + size; i++) {
		if ((signed char)line[i] < 0)
			return; /* bytes and columns differ */
		if (!line[i])
			size = i - at;
	}
	fprintf(stderr, "       | %*s^", (int)at, "");
	for (size_t i = 1; i < size; i++)
		fputc('~', stderr);
	fputc('\n', stderr);
}

/* As a compiler prints them: place, sentence, the line, an underline. */
void show_diagnostics(const json_t *diagnostics)
{
	const json_t *list = json_object_get(diagnostics, "diagnostics");
	const json_t *item;
	size_t i;

	json_array_foreach ((json_t *)list, i, item) {
		const json_t *note = json_object_get(item, "note");

		if (*text(item, "file"))
			fprintf(stderr, "%s:%ld:%ld: ", text(item, "file"),
			    number(item, "line"), number(item, "column"));
		fprintf(stderr, "%s: %s\n", text(item, "severity"),
		    text(item, "message"));
		show_excerpt(item);
		if (note)
			fprintf(stderr, "%s:%ld:%ld: note: %s\n",
			    text(note, "file"), number(note, "line"),
			    number(note, "column"), text(note, "message"));
	}
}

void show_loaded(const json_t *result)
{
	long rules = number(result, "rules"), guests = number(result, "guests");
	long networks = number(result, "networks");

	show_diagnostics(json_object_get(result, "diagnostics"));
	printf("generation %ld %s: %ld rule%s, %ld guest%s, %ld network%s\n",
	    number(result, "generation"),
	    flag(result, "dry_run") ? "would be in force" : "is in force",
	    rules, plural(rules), guests, plural(guests), networks,
	    plural(networks));
}
