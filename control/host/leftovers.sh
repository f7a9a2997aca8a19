# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# What a killed run left on this machine. Sourced by doctor.sh and down.sh.

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

# list_leftovers: one line each, "KIND NAME": what only a gateway makes,
# though no gateway runs. While one runs, nothing is said to be left over.
list_leftovers() {
	local file
	[ -z "$(running_inits)" ] || return 0
	ip netns list 2> /dev/null | awk '$1 ~ /^gw-/ { print "namespace", $1 }'
	for file in "$GW_RUN_DIR" "$GW_ROOT/build/demo/run"; do
		[ ! -e "$file" ] || echo "folder $file"
	done
	ps -eo pid=,uid=,comm= | awk -v first="$UID_FIRST" -v last="$UID_LAST" \
	    '$2 >= first && $2 <= last || $3 ~ /^gw-(dataplane|runner|rulec)$/ {
		print "process", $1, "(" $3 ")" }'
	awk '$2 ~ /guest-gateway/ { print "mount", $2 }' /proc/mounts
	for file in /dev/hugepages/*map_*; do
		[ ! -e "$file" ] || fuser -s "$file" 2> /dev/null ||
			echo "hugepage-file $file"
	done
}

# clean_run RUN_DIR: what a gateway of that folder left, also a living one.
clean_run() {
	[ -e "$1" ] || return 0
	if [ -x "$GW_BUILD/control/init/gw-init" ]; then
		"$GW_BUILD/control/init/gw-init" --run-dir "$1" --clean \
		    > /dev/null || return 1
	fi
	rm -rf -- "${1:?}"/log "${1:?}"/lock
	rmdir -- "$1" 2> /dev/null || rm -rf --one-file-system -- "${1:?}"
}
