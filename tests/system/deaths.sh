# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154,SC2034
# P1 and P2 in their short form, and altered images: a real guest in the demo's
# world floods allowed and forbidden packets while one process after another
# dies or freezes; a witness on the far side counts. Sourced by
# tests/system/run; uses the functions of tests/demo/.

# shellcheck source=control/host/leftovers.sh
. "$GW_ROOT/control/host/leftovers.sh"
# shellcheck source=tests/demo/story.sh
. "$GW_ROOT/tests/demo/story.sh"
# shellcheck source=tests/demo/steps.sh
. "$GW_ROOT/tests/demo/steps.sh"

IMAGE=$DEMO/state/images/demo
POLICY_STATE=$DEMO/state/policy

start_world() {
	GW_BUILT=1 "$gw" demo --keep --only fetch < /dev/null \
	    > "$SYSTEM/world.txt" 2>&1 || { tail -n 5 "$SYSTEM/world.txt"; return 1; }
}

init_starts() { # after it ended, in the same world
	inside gw-demo-host "$GW_BUILD/control/init/gw-init" \
	    --run-dir "$DEMO_RUN_DIR" --state-dir "$DEMO/state" \
	    --libexec "$GW_BUILD" --no-kvm < /dev/null > "$SYSTEM/init.txt" 2>&1
}

init_stops() {
	kill -TERM "$(cat "$DEMO_RUN_DIR/init.pid")"
	wait_for 20 init_is_gone
}

init_is_gone() {
	! gateway_runs "$DEMO_RUN_DIR"
}

no_children() {
	local name
	for name in gwd gw-dataplane gw-runner qemu-system-x86; do
		! own_pid "$name" > /dev/null || { echo "$name lives"; return 1; }
	done
}

count_own() { # NAME
	local pid count=0
	for pid in $(pgrep -x "$1"); do
		grep -qsz "^GW_CHILD_OF=$DEMO_RUN_DIR\$" "/proc/$pid/environ" &&
			count=$((count + 1))
	done
	echo "$count"
}

guest_starts() {
	ctl guest start "$GUEST" && guest_has_address &&
		guest_address=$(guest_own_address)
}

# judge CLAIM: after a flood, what P2 says of it; it must have been one.
judge() {
	result "$1 while the guest floods" more packets "$flood_before" 20
	result "P2: $1: 0 forbidden packets on a far side ($flood_allowed allowed ones)" \
	    is packets "$flood_forbidden" 0
}

# flood NAME SECONDS COMMAND...
flood() {
	flood_began=$(date +%s)
	flood_while "$@" 2> "$SYSTEM/flood.txt" ||
		result "the flood of $1 began" cat "$SYSTEM/flood.txt" /nonexistent
}

kill_often() { # the dataplane, at moments nobody chose
	local trial
	for trial in 1 2 3 4 5; do
		sleep "$((RANDOM % 2)).$((RANDOM % 10))"
		kill -KILL "$(own_pid gw-dataplane)" 2> /dev/null
	done
}

stop_gwd() { # frozen for four seconds; what passed in the last two of them
	local pid early late
	pid=$(own_pid gwd)
	kill -STOP "$pid"
	sleep 2
	early=$(seen_text ext "$flood_canary-ok")
	sleep 2
	late=$(seen_text ext "$flood_canary-ok")
	kill -CONT "$pid"
	passed_while_frozen=$((late - early))
}

kill_one() { # NAME
	kill -KILL "$(own_pid "$1")"
}

processes_die() {
	flood dataplanes 14 kill_often
	judge "gw-dataplane killed five times at random moments"
	result "and the link came back" more packets "$flood_after" 20

	flood gwd 8 kill_one gwd
	judge "gwd killed"
	result "and the link came back" more packets "$flood_after" 20

	flood frozen 9 stop_gwd
	judge "gwd frozen"
	result "the link was closed while gwd could not be asked" \
	    is packets "$passed_while_frozen" 0
	result "and opened again" more packets "$flood_after" 20

	flood runner 4 kill_one gw-runner
	judge "gw-runner killed"
	result "its guest ended with it" wait_for 10 guest_is_off
	result "and starts again" guest_starts

	flood qemu 4 kill_one qemu-system-x86
	judge "qemu killed"
	result "its guest is not said to run" wait_for 10 guest_is_off
	result "and starts again" guest_starts

	flood init 4 kill -KILL "$(cat "$DEMO_RUN_DIR/init.pid")"
	judge "gw-init killed"
	result "every other process died with it" wait_for 5 no_children
	result "gw-init starts again where it was killed, policy restored" \
	    restart_after_kill
	result "and so does the guest" guest_starts
}

guest_is_off() {
	[ "$(ctl_json .state guest show "$GUEST")" != running ] &&
		! own_pid qemu-system-x86 > /dev/null
}

restart_after_kill() {
	"$GW_BUILD/control/init/gw-init" --run-dir "$DEMO_RUN_DIR" --clean \
	    > /dev/null 2>&1
	init_starts && wait_for 10 generation_is "$in_force"
}

generation_is() {
	[ "$(ctl_json .generation status 2> /dev/null)" = "$1" ]
}

flip() { # FILE: one byte in its middle
	local at byte
	at=$(($(stat -c %s "$1") / 2))
	byte=$(od -An -tu1 -j "$at" -N 1 "$1")
	# shellcheck disable=SC2059 # the byte is the format
	printf "\\$(printf %o $((byte ^ 1)))" |
		dd of="$1" bs=1 seek="$at" conv=notrunc status=none
}

# altered FILE PART COMMAND...: refused while the file is altered.
altered() {
	local file=$1 part=$2 keep=$SYSTEM/keep
	shift 2
	cp -p "$file" "$keep"
	flip "$file"
	expect 1 "$part" "one byte changed in ${file##*/}: the start is refused, saying so" "$@"
	cp -p "$keep" "$file"
}

altered_images() {
	local part
	result "the guest stops" ctl guest stop "$GUEST"
	for part in kernel initrd disk manifest; do
		altered "$IMAGE/$part" "$part" env GW_RUN_DIR="$DEMO_RUN_DIR" \
		    "$gwctl" guest start "$GUEST"
	done
	mv "$IMAGE/manifest" "$SYSTEM/manifest"
	expect 1 manifest "a missing manifest: the start is refused, saying so" \
	    env GW_RUN_DIR="$DEMO_RUN_DIR" "$gwctl" guest start "$GUEST"
	mv "$SYSTEM/manifest" "$IMAGE/manifest"
	result "with all restored it starts" ctl guest start "$GUEST"
	result "no refused start has left a process" is processes \
	    "$(count_own gw-runner) $(count_own gw-dataplane)" "1 1"
}

# P1: gw-init starts with a policy image that was altered: nothing is loaded,
# no network is made, no frame leaves.
altered_policy() {
	local part before
	for part in image country; do
		init_stops
		before=$(($(seen int) + $(seen ext)))
		cp -p "$POLICY_STATE/current/$part" "$SYSTEM/keep"
		flip "$POLICY_STATE/current/$part"
		result "P1: gw-init starts over an altered policy $part" init_starts
		result "P1: it is not put in force" generation_is 0
		result "P1: the log says why" \
		    grep -qE "$part|SHA-256|hash|altered|corrupt" \
		    "$DEMO_RUN_DIR/log/gwd.log"
		expect 1 "" "P1: and no guest starts" env \
		    GW_RUN_DIR="$DEMO_RUN_DIR" "$gwctl" guest start "$GUEST"
		result "P1: 0 frames reached a far side" is frames \
		    "$(($(seen int) + $(seen ext)))" "$before"
		cp -p "$SYSTEM/keep" "$POLICY_STATE/current/$part"
	done
	init_stops
	result "with all restored the policy is in force again" \
	    restart_after_kill
}

starts_without_policy() {
	local trial before
	for trial in 1 2 3; do
		init_stops
		rm -rf "$SYSTEM/policy"
		mv "$POLICY_STATE" "$SYSTEM/policy"
		before=$(($(seen int) + $(seen ext)))
		init_starts
		sleep 1
		result "P1: start $trial without a policy: 0 frames, no network" \
		    is frames-and-networks "$(($(seen int) + $(seen ext) -
			before + $(ip netns list |
			grep -cE '^gw-(internal|external)\b')))" 0
		init_stops
		rm -rf "$POLICY_STATE"
		mv "$SYSTEM/policy" "$POLICY_STATE"
		init_starts
	done
}

deaths() {
	local before
	before=$(picture)
	result "the demo's world is there, with a guest" start_world
	guest_address=$(guest_own_address)
	running_loads
	in_force=$(ctl_json .generation status)
	processes_die
	altered_images
	altered_policy
	starts_without_policy
	expect 0 "nothing is left" "gw down --force ends a demo that was kept" \
	    "$gw" down --force
	result "and nothing of it is left" unchanged "$before"
}
