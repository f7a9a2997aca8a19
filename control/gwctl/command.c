/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one table of gwctl's commands. Called by main.c; help.c makes help, the
 * man page and completion from it.
 */
#include "control/gwctl/gwctl.h"

#define DIRS "Folders: --state-dir, else " GWCTL_STATE_DIR "."

/* clang-format off */
const struct command commands[] = {
	{
		.noun = "status",
		.summary = "what runs, which policy is in force, what is wrong",
		.method = "status", .show = show_status,
		.examples = {"gwctl status", "gwctl status --json"},
	},
	{
		.noun = "why", .args = "[GUEST|EVENT]", .arg_most = 1,
		.summary = "the last denial, the rule and line behind it, what would allow it",
		.method = "why", .run = why_run, .show = show_why,
		.details = "EVENT is a number that `gwctl events` shows. Without one: the last denial, of GUEST if given; IPv6 and multicast, which every guest sends by itself, count only when there is nothing else.",
		.examples = {"gwctl why", "gwctl why desk-1", "gwctl why 17"},
	},
	{
		.noun = "events",
		.summary = "the last denials and matches of log rules",
		.method = "events", .run = events_run, .show = show_events,
		.flags = {
			{"--follow", NULL, "go on until interrupted", "follow"},
			{"--guest", "GUEST", "of one guest", "guest"},
			{"--limit", "N", "at most N of the past (20)", "#limit"},
		},
		.details = "Dataplanes report a sample: at most a few a second of each kind, and say how many they held back. The last 1,000 are kept.",
		.examples = {"gwctl events --limit 5", "gwctl events --follow --json"},
	},
	{
		.noun = "policy", .verb = "check", .args = "[FILE]", .arg_most = 1,
		.summary = "compile a policy and its expectations, change nothing",
		.run = policy_tool_run,
		.flags = {
			{"--policy", "FILE", "the policy, if not given as FILE", NULL},
		},
		.details = "Ends with 3 when the policy is refused.",
		.examples = {"gwctl policy check --policy demo.gw"},
	},
	{
		.noun = "policy", .verb = "fmt", .args = "[FILE]", .arg_most = 1,
		.summary = "print a policy in its canonical form",
		.run = policy_tool_run,
		.flags = {
			{"--policy", "FILE", "the policy, if not given as FILE", NULL},
		},
		.examples = {"gwctl policy fmt demo.gw > tidy.gw"},
	},
	{
		.noun = "policy", .verb = "explain", .args = "FLOW...", .arg_least = 1, .arg_most = 64,
		.summary = "how a policy judges one flow, stage by stage",
		.run = policy_tool_run,
		.flags = {
			{"--policy", "FILE", "the policy (required)", NULL},
		},
		.details = "FLOW is GUEST, then what a rule would say: `desk-1 tcp port 443 to 203.0.113.9`. Ends with 0 for allow, 4 for deny.",
		.examples = {"gwctl policy explain --policy demo.gw desk-1 tcp port 443 to 203.0.113.9"},
	},
	{
		.noun = "policy", .verb = "test", .args = "[FILE]", .arg_most = 1,
		.summary = "run the `expect` sentences of a policy, one line each",
		.run = policy_tool_run,
		.flags = {
			{"--policy", "FILE", "the policy, if not given as FILE", NULL},
		},
		.examples = {"gwctl policy test --policy demo.gw"},
	},
	{
		.noun = "policy", .verb = "load", .args = "FILE", .arg_least = 0, .arg_most = 1,
		.summary = "compile a policy and put it in force on every guest at once",
		.method = "policy.load", .who = WHO_ROOT, .run = policy_load_run, .show = show_loaded,
		.flags = {
			{"--policy", "FILE", "the policy, if not given as FILE", NULL},
			{"--dry-run", NULL, "compile and validate only", "dry_run"},
			{"--note", "TEXT", "why, for the history", "note"},
		},
		.details = "The file and all it names are read with the caller's rights. Every dataplane must be ready before any swaps; one that is not leaves the old policy in force everywhere.",
		.examples = {"gwctl policy load demo.gw --note 'CHG-1042'", "gwctl policy load demo.gw --dry-run"},
	},
	{
		.noun = "policy", .verb = "show",
		.summary = "the rules in force, in canonical form, with their places",
		.method = "policy.show", .show = show_policy,
	},
	{
		.noun = "policy", .verb = "history",
		.summary = "who loaded what when, and why",
		.method = "policy.history", .show = show_history,
	},
	{
		.noun = "policy", .verb = "rollback", .args = "[GENERATION]", .arg_most = 1,
		.summary = "put an earlier generation in force again (the one before)",
		.method = "policy.rollback", .who = WHO_ROOT, .param = "#generation", .show = show_loaded,
		.flags = {
			{"--note", "TEXT", "why, for the history", "note"},
		},
		.details = "Generations are kept by content: nothing is read from the files they were made of. The last 8 are kept.",
		.examples = {"gwctl policy rollback", "gwctl policy rollback 7 --note 'mail broke'"},
	},
	{
		.noun = "policy", .verb = "status",
		.summary = "the generation in force, and whether its files changed since",
		.method = "policy.status", .run = policy_status_run,
	},
	{
		.noun = "rule", .verb = "list", .args = "[GUEST]", .arg_most = 1,
		.summary = "rules in judging order and how often each decided",
		.method = "rule.list", .param = "guest", .run = rule_list_run, .show = show_rules,
		.details = "Hits are flows admitted or refused since the dataplanes started.",
		.examples = {"gwctl rule list desk-1"},
	},
	{
		.noun = "guest", .verb = "list",
		.summary = "the policy's guests and their state",
		.method = "guest.list", .show = show_guests,
	},
	{
		.noun = "guest", .verb = "show", .args = "GUEST", .arg_least = 1, .arg_most = 1,
		.summary = "everything known about one guest",
		.method = "guest.show", .param = "guest", .show = show_guest,
		.examples = {"gwctl guest show desk-1"},
	},
	{
		.noun = "guest", .verb = "start", .args = "GUEST", .arg_least = 1, .arg_most = 1,
		.summary = "verify its image, start it, wait until its agent says hello",
		.method = "guest.start", .who = WHO_ROOT, .param = "guest", .show = show_guest_done,
		.flags = {
			{"--no-wait", NULL, "return when it has begun", NULL},
		},
		.examples = {"gwctl guest start desk-1"},
	},
	{
		.noun = "guest", .verb = "stop", .args = "GUEST", .arg_least = 1, .arg_most = 1,
		.summary = "close its link, end it, throw its overlay away",
		.method = "guest.stop", .who = WHO_ROOT, .param = "guest", .show = show_guest_done,
		.flags = {
			{"--grace-ms", "N", "press its power button and wait so long first (0)", "#grace_ms"},
		},
		.examples = {"gwctl guest stop desk-1"},
	},
	{
		.noun = "guest", .verb = "refresh", .args = "GUEST", .arg_least = 1, .arg_most = 1,
		.summary = "replace it by a pristine one",
		.method = "guest.refresh", .who = WHO_ROOT, .param = "guest", .show = show_guest_done,
		.flags = {
			{"--no-wait", NULL, "return when it has begun", NULL},
		},
		.details = "Overlay, MAC address and identity are new; nothing of the old one is readable.",
		.examples = {"gwctl guest refresh desk-1"},
	},
	{
		.noun = "guest", .verb = "exec", .args = "GUEST COMMAND...", .arg_least = 2, .arg_most = 1000,
		.summary = "run a command in it and print what it prints",
		.method = "guest.exec", .who = WHO_ROOT, .run = guest_exec_run,
		.flags = {
			{"--limit", "SECONDS", "end it after so long (0 = never)", NULL},
		},
		.details = "The words of COMMAND are joined by blanks and given to the guest's shell. gwctl ends with the command's own exit code, 128 + signal when it was killed, and with 125 when gwctl or the gateway failed. Options after GUEST belong to the command.",
		.examples = {"gwctl guest exec desk-1 curl -sS http://198.51.100.10/", "gwctl guest exec --limit 10 desk-1 'ls /; id'"},
	},
	{
		.noun = "guest", .verb = "console", .args = "GUEST", .arg_least = 1, .arg_most = 1,
		.summary = "its serial console; Ctrl-] leaves",
		.method = "guest.console", .who = WHO_ROOT, .run = guest_console_run,
	},
	{
		.noun = "network", .verb = "list",
		.summary = "networks in force, their uplinks and state",
		.method = "network.list", .show = show_networks,
	},
	{
		.noun = "network", .verb = "show", .args = "NETWORK", .arg_least = 1, .arg_most = 1,
		.summary = "everything known about one network",
		.method = "network.list", .run = network_show_run, .show = show_network,
		.examples = {"gwctl network show external"},
	},
	{
		.noun = "flow", .verb = "list",
		.summary = "flows that are open now",
		.method = "flow.list", .show = show_flows,
		.flags = {
			{"--guest", "GUEST", "of one guest", "guest"},
		},
		.examples = {"gwctl flow list --guest desk-1"},
	},
	{
		.noun = "stats", .args = "[GUEST]", .arg_most = 1,
		.summary = "packets, bytes and drops by reason, per port",
		.method = "stats", .param = "guest", .show = show_stats,
		.examples = {"gwctl stats desk-1"},
	},
	{
		.noun = "reasons",
		.summary = "every reason why a packet may be dropped, with its stage",
		.method = "reasons", .show = show_reasons,
	},
	{
		.noun = "image", .verb = "build", .args = "NAME", .arg_least = 1, .arg_most = 1,
		.summary = "make and sign the demo image from this machine's packages",
		.who = WHO_ROOT, .run = image_build_run,
		.flags = {
			{"--out", "DIR", "where (STATE-DIR/images/NAME)", NULL},
			{"--key", "FILE", "signing key (/etc/guest-gateway/image.key)", NULL},
			{"--state-dir", "DIR", "the gateway's state folder", NULL},
			{"--version", "N", "of the image (the time)", NULL},
		},
		.details = "The only image that is built so far is `demo`. A signing key that is missing is made; its public key becomes STATE-DIR/trust/image.pub, which is whom the gateway of that folder trusts.",
		.examples = {"gwctl image build demo"},
	},
	{
		.noun = "image", .verb = "list",
		.summary = "images in the state folder",
		.run = image_list_run,
		.flags = {
			{"--state-dir", "DIR", "the gateway's state folder", NULL},
		},
	},
	{
		.noun = "image", .verb = "verify", .args = "NAME|DIR", .arg_least = 1, .arg_most = 1,
		.summary = "check signature and hashes as a start does",
		.run = image_verify_run,
		.flags = {
			{"--key", "PUBFILE", "whom to trust (STATE-DIR/trust/image.pub)", NULL},
			{"--state-dir", "DIR", "the gateway's state folder", NULL},
		},
		.details = DIRS,
		.examples = {"gwctl image verify demo"},
	},
	{
		.noun = "completion", .args = "bash", .arg_least = 1, .arg_most = 1,
		.summary = "print a completion script",
		.run = completion_run,
		.examples = {"source <(gwctl completion bash)"},
	},
	{
		.noun = "version",
		.summary = "the version of gwctl",
		.run = version_run,
	},
	{
		.noun = "help", .args = "[NOUN [VERB]|exit-codes]", .arg_most = 2,
		.summary = "this, or all about a noun, a command or the exit codes",
		.run = help_run,
		.examples = {"gwctl help policy", "gwctl help guest exec", "gwctl help exit-codes"},
	},
};
/* clang-format on */

const size_t command_len = sizeof(commands) / sizeof(commands[0]);
