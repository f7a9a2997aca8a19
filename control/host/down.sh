#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# gw down: stop the gateway; with --force remove also what a killed one, or a
# killed demo, left.
set -euo pipefail
# shellcheck source=control/host/common.sh
. "$GW_ROOT/control/host/common.sh"
# shellcheck source=control/host/leftovers.sh
. "$GW_ROOT/control/host/leftovers.sh"

usage() {
	cat <<-'END'
	usage: ./gw down [--force] [--run-dir DIR]

	Stops the gateway: guests end, namespaces and links go, interfaces that
	were taken return. Without one running it says so and is content.
	--force also ends a demo, and removes what a killed gateway or demo
	left: processes, namespaces, mounts, sockets.
	Exit: 0 nothing is left, 1 something could not be removed.
	END
}

arguments=("$@") force=
while [ $# -gt 0 ]; do
	case "$1" in
	--help | -h) usage; exit 0 ;;
	--force) force=1 ;;
	--run-dir)
		[[ "${2:-}" = /* ]] ||
			wrong "gw down" "$1 wants an absolute folder"
		GW_RUN_DIR=$2
		shift ;;
	*) wrong "gw down" "unknown option \"$1\"$(
	    did_you_mean "$1" --force --run-dir)" ;;
	esac
	shift
done
need_root down "${arguments[@]}"

stop() { # the gateway of GW_RUN_DIR, by its own good manners
	local pid tick
	pid=$(cat "$GW_RUN_DIR/init.pid" 2> /dev/null || true)
	[[ "$pid" =~ ^[1-9][0-9]*$ ]] || return 0
	kill -TERM "$pid" 2> /dev/null || return 0
	for ((tick = 0; tick < 200; tick++)); do
		gateway_runs "$GW_RUN_DIR" || return 0
		sleep 0.1
	done
	return 1
}

if [ -z "$force" ]; then
	if ! gateway_runs "$GW_RUN_DIR"; then
		echo "no gateway runs in $GW_RUN_DIR"
		left=$(list_leftovers | paste -sd ' ')
		[ -z "$left" ] ||
			echo "but something is left over: $(as_typed "down --force") removes it: $left"
		exit 0
	fi
	stop || fail "gw down" \
	    "the gateway does not end within 20 s: $(as_typed "down --force") kills it"
	echo "the gateway has ended"
	exit 0
fi

world_end_demo
clean_run "$GW_RUN_DIR"
world_remove
left=$(list_leftovers | paste -sd ' ')
[ -z "$left" ] || fail "gw down" "could not remove: $left"
echo "nothing is left"
