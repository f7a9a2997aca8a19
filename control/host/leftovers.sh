# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# What a killed run left on this machine. Sourced after common.sh by doctor.sh,
# up.sh, down.sh and demo.sh.

# shellcheck source=tests/demo/world.sh
. "$GW_ROOT/tests/demo/world.sh"

readonly UID_FIRST=1900000000 UID_LAST=1900065535

# gateway_runs RUN_DIR: whether a gw-init holds the lock of a run folder.
gateway_runs() {
	[ -e "$1/lock" ] || return 1
	! flock --nonblock --shared "$1/lock" true 2> /dev/null
}

# Every live gw-init, "PID COMMAND LINE" a line.
running_inits() {
	ps -eo pid=,comm=,args= | awk '$2 == "gw-init" {
		pid = $1; $1 = $2 = ""; sub(/^ +/, ""); print pid, $0 }'
}

# demo_is_orphaned: a demo's world is there, no demo runs, none was kept.
demo_is_orphaned() {
	[ -e "$DEMO_RUN_DIR" ] || [ -e /run/netns/gw-demo-host ] || return 1
	[ ! -e "$DEMO_RUN_DIR/kept" ] && ! demo_runs
}

# list_leftovers: one line each, "KIND NAME": what only a gateway makes,
# though no gateway runs. While one runs, nothing but a killed demo is said to
# be left over.
list_leftovers() {
	local file
	if demo_is_orphaned; then
		echo "demo $DEMO_RUN_DIR"
	fi
	[ -z "$(running_inits)" ] || return 0
	ip netns list 2> /dev/null | awk '$1 ~ /^gw-/ { print "namespace", $1 }'
	# A gateway that ends in good order leaves its logs, and the lock.
	[ -z "$(find "$GW_RUN_DIR" -mindepth 1 -maxdepth 1 ! -name lock \
	    ! -name log -print -quit 2> /dev/null)" ] ||
		echo "folder $GW_RUN_DIR"
	# By user: a gw-rulec or gw-dataplane that a person started is no rest.
	ps -eo pid=,uid=,comm= | awk -v first="$UID_FIRST" -v last="$UID_LAST" \
	    '$2 >= first && $2 <= last { print "process", $1, "(" $3 ")" }'
	awk '$2 ~ /guest-gateway|gw-demo/ { print "mount", $2 }' /proc/mounts
	for file in /dev/hugepages/*map_*; do
		[ ! -e "$file" ] || fuser -s "$file" 2> /dev/null ||
			echo "hugepage-file $file"
	done
}

# clean_run RUN_DIR: what a gateway of that folder left, also a living one.
clean_run() {
	local output
	[ -e "$1" ] || return 0
	if [ -x "$GW_BUILD/control/init/gw-init" ] &&
	    ! output=$("$GW_BUILD/control/init/gw-init" --run-dir "$1" --clean \
	    2>&1); then
		printf '%s\n' "$output" >&2
		return 1
	fi
	rm -rf -- "${1:?}"/log "${1:?}"/lock
	rmdir -- "$1" 2> /dev/null || rm -rf --one-file-system -- "${1:?}"
}
