# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2034,SC2154
# How the demo tells and proves: narration, claims that are counted, and the
# table that a denial gets. Sourced by demo.sh.

claims=0 broken=0 chapter_name=''
readonly GUEST=desk-1 # in rules/policy/demo.gw
readonly RESULTS=$DEMO/steps.tap

chapter() { # NAME TITLE
	chapter_name=$1
	printf '\n== %s: %s\n' "$1" "$2"
}

tell() { # TEXT: wrapped
	printf '%s\n' "$*" | fold -s -w 76 | sed 's/^/   /; s/ *$//'
}

# claim TEXT COMMAND...: what must be true, shown and counted either way.
claim() {
	local text=$1 word=ok mark='ok ' detail
	shift
	if ! detail=$("$@" 2>&1); then
		word='not ok' mark='NOT'
		broken=$((broken + 1))
	fi
	claims=$((claims + 1))
	printf '   %s  %s\n' "$mark" "$text"
	printf '%s %d - %s: %s\n' "$word" "$claims" "$chapter_name" "$text" \
	    >> "$RESULTS"
	if [ "$word" != ok ] && [ -n "$detail" ]; then
		printf '%s\n' "$detail" | head -n 5 | sed 's/^/        /'
		printf '%s\n' "$detail" | sed 's/^/# /' >> "$RESULTS"
	fi
	[ "$word" = ok ]
}

row() { # NAME VALUE
	printf '   %-11s%s\n' "$1" "$2"
}

# --- the gateway -----------------------------------------------------------
ctl() {
	GW_RUN_DIR=$DEMO_RUN_DIR timeout 90 \
	    "$GW_BUILD/control/gwctl/gwctl" "$@"
}

# guest [--limit S] COMMAND: in the guest's shell; its output and exit code.
guest() {
	local limit=15
	if [ "$1" = --limit ]; then
		limit=$2
		shift 2
	fi
	ctl guest exec --limit "$limit" "$GUEST" "$@"
}

ctl_json() { # JQ-FILTER COMMAND...
	local filter=$1
	shift
	ctl "$@" --json | jq -r "$filter"
}

drops() { # PORT REASON: the counter, 0 when there is none yet
	ctl_json ".guests[\"$GUEST\"][\"$1\"].drops[\"$2\"] // 0" \
	    stats "$GUEST"
}

hits() { # RULE
	ctl_json "[.rules[] | select(.rule == \"$1\") | .hits][0] // 0" \
	    rule list "$GUEST"
}

# pids of NAME that this demo's gateway started
own_pid() {
	local pid
	for pid in $(pgrep -x "$1"); do
		grep -qz "^GW_CHILD_OF=$DEMO_RUN_DIR\$" "/proc/$pid/environ" \
		    2> /dev/null && echo "$pid" && return
	done
	return 1
}

# --- the far side ----------------------------------------------------------
seen() { # ORIGIN [FILTER]: frames that the witness has of it
	sleep 0.3
	tcpdump -n -r "$DEMO/far-$1.pcap" "${2:-}" 2> /dev/null | wc -l
}

seen_text() { # ORIGIN TEXT: how often a text went past the witness
	grep -a -o -- "$2" "$DEMO/far-$1.pcap" | wc -l
}

log_lines() { # ORIGIN
	wc -l < "$DEMO/origin-$1/access.log"
}

is() { # NAME FOUND WANTED
	[ "$2" = "$3" ] || { echo "$1 is \"$2\", not \"$3\""; return 1; }
}

more() { # NAME FOUND THAN
	[ "$2" -gt "$3" ] || { echo "$1 is $2, not above $3"; return 1; }
}

less() { # NAME FOUND THAN
	[ "$2" -lt "$3" ] || { echo "$1 is $2, not below $3"; return 1; }
}

has() { # TEXT PART
	case "$1" in
	*"$2"*) ;;
	*) echo "\"$2\" is not in: $1"; return 1 ;;
	esac
}

# --- a denial --------------------------------------------------------------
# last_event DESTINATION: the newest denial on the way there, as JSON.
last_event() {
	local tick event
	for ((tick = 0; tick < 10; tick++)); do
		event=$(ctl_json "[.events[] | select(.verdict == \"deny\" and
		    .destination == \"$1\" and .id > $event_mark)] | last //
		    empty" events --limit 200 --guest "$GUEST")
		[ -z "$event" ] || break
		sleep 0.3
	done
	printf '%s' "$event"
}

# attempt DESTINATION REASON ORIGIN FILTER COMMAND: the guest tries what the
# policy forbids. Prints the table; sets attempt_* for the claims.
attempt() {
	local destination=$1 reason=$2 origin=$3 filter=$4 before frames event
	shift 4
	event_mark=$(ctl_json '[.events[].id] | max // 0' events --limit 200)
	before=$(drops guest "$reason")
	frames=$(seen "$origin" "$filter")
	row guest "$*"
	attempt_began=$(date +%s%N)
	attempt_code=0
	attempt_output=$(guest "$* 2>&1") || attempt_code=$?
	attempt_ms=$((($(date +%s%N) - attempt_began) / 1000000))
	event=$(last_event "$destination")
	printf '%s\n' "$event" > "$DEMO/$chapter_name.json"
	attempt_reason=$(jq -r '.reason // ""' <<< "$event")
	attempt_rule=$(jq -r '.rule // ""' <<< "$event")
	attempt_place=$(jq -r '.place // ""' <<< "$event")
	attempt_stage=$(jq -r '.stage // ""' <<< "$event")
	attempt_country=$(jq -r '.country // ""' <<< "$event")
	attempt_counted=$(($(drops guest "$reason") - before))
	attempt_far=$(($(seen "$origin" "$filter") - frames))
	row "" "${attempt_output##*$'\n'} (exit code $attempt_code, $attempt_ms ms)"
	row rule "${attempt_rule:-none: stage \"$attempt_stage\" comes before rules}${attempt_place:+, $attempt_place}"
	row reason "$attempt_reason: $(jq -r '.reason_text // ""' <<< "$event")"
	row counter "guest port, $reason: $before -> $((before + attempt_counted))"
	row "far side" "$attempt_far frames \"$filter\" in far-$origin.pcap"
}
