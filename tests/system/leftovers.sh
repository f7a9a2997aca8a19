# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
# A second demo, a demo interrupted, a demo killed. Sourced by tests/system/run.

# What a demo could leave: namespaces, mounts, hugepage files, processes,
# folders. Other gateways on this machine are not looked at.
picture() {
	local folder
	ip netns list | grep -E '^gw-(demo-|internal|external)' | sort
	awk '$2 ~ /gw-demo/ { print $2 }' /proc/mounts | sort
	ls /dev/hugepages 2> /dev/null
	[ ! -e /run/gw-demo ] || echo /run/gw-demo
	for folder in /proc/[1-9]*; do
		grep -qsz '^GW_CHILD_OF=/run/gw-demo$' "$folder/environ" &&
			echo "child $(cat "$folder/comm")"
		tr '\0' ' ' 2> /dev/null < "$folder/cmdline" |
			grep -E "run-dir /run/gw-demo|$GW_BUILD/demo/(origin|far)" |
			grep -v "^grep"
	done
	true
}

unchanged() { # PICTURE-BEFORE
	local now
	now=$(picture)
	[ "$1" = "$now" ] || { echo "before: $1"; echo "now: $now"; return 1; }
}

# wait_for SECONDS COMMAND...
wait_for() {
	local tick limit=$1
	shift
	for ((tick = 0; tick < limit * 10; tick++)); do
		"$@" && return 0
		sleep 0.1
	done
	return 1
}

said() { # TEXT: whether the demo under test has
	grep -q "$1" "$SYSTEM/demo.txt" 2> /dev/null
}

start_demo() { # in the background, its own process group
	rm -f "$SYSTEM/demo.txt"
	# A background job would ignore SIGINT.
	GW_BUILT=1 env --default-signal=INT setsid "$gw" demo --only "$1" < /dev/null \
	    > "$SYSTEM/demo.txt" 2>&1 &
	demo_pid=$!
}

second_demo() {
	start_demo fetch
	wait_for 30 said "== policy"
	expect 1 "a demo runs already" "a second demo beside the first" \
	    "$gw" demo
	wait "$demo_pid"
	result "and the first is not disturbed" [ $? -eq 0 ]
}

interrupted_demo() {
	local before
	before=$(picture)
	start_demo fetch
	wait_for 60 said "gwctl guest start"
	kill -INT -- "-$demo_pid"
	wait "$demo_pid"
	result "an interrupted demo ends with 130" [ $? -eq 130 ]
	result "and leaves nothing" unchanged "$before"
}

# killed_demo AFTER-TEXT WHERE: SIGKILL, so that all it started is orphaned;
# then down --force.
killed_demo() {
	local before
	before=$(picture)
	start_demo kill
	wait_for 60 said "$1"
	sleep 1
	kill -KILL "$demo_pid"
	wait "$demo_pid" 2> /dev/null
	result "a demo killed $2 leaves something for doctor to see" \
	    doctor_sees_leftovers
	expect 0 "nothing is left" "gw down --force after a demo killed $2" \
	    "$gw" down --force
	result "and then there is no process, namespace, mount or file of it" \
	    unchanged "$before"
}

doctor_sees_leftovers() {
	local said
	said=$("$gw" doctor) || true
	grep '^less *leftovers' <<< "$said"
}
