#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# gw up: start gw-init, which starts everything else.
set -euo pipefail
# shellcheck source=control/host/common.sh
. "$GW_ROOT/control/host/common.sh"
# shellcheck source=control/host/kvm.sh
. "$GW_ROOT/control/host/kvm.sh"
# shellcheck source=control/host/leftovers.sh
. "$GW_ROOT/control/host/leftovers.sh"

usage() {
	cat <<-'END'
	usage: ./gw up [--run-dir DIR] [--state-dir DIR] [--foreground]

	Starts the gateway; the policy that was last in force is loaded again.
	--run-dir     sockets and logs, /run/guest-gateway
	--state-dir   policies and images, /var/lib/guest-gateway
	--foreground  stay here and log to standard error (service managers)
	Exit: 0 it runs, 1 it could not start, 2 wrong arguments, 5 not root.
	END
}

arguments=("$@") foreground=()
while [ $# -gt 0 ]; do
	case "$1" in
	--help | -h) usage; exit 0 ;;
	--foreground) foreground=(--foreground) ;;
	--run-dir | --state-dir)
		[[ "${2:-}" = /* ]] ||
			wrong "gw up" "$1 wants an absolute folder"
		[ "$1" = --run-dir ] && GW_RUN_DIR=$2 || GW_STATE_DIR=$2
		shift ;;
	*) wrong "gw up" "unknown option \"$1\"$(
	    did_you_mean "$1" --run-dir --state-dir --foreground)" ;;
	esac
	shift
done
need_root up "${arguments[@]}"
need_built up control/init/gw-init control/gwd/gwd \
    dataplane/packet/gw-dataplane guest-runner/gw-runner
need_program up qemu-system-x86_64 qemu-system-x86
if gateway_runs "$GW_RUN_DIR"; then
	fail "gw up" "the gateway of $GW_RUN_DIR runs already (pid $(
	    cat "$GW_RUN_DIR/init.pid" 2> /dev/null)): $(as_typed down) ends it"
fi
kvm=() answer=$(kvm_answer)
if [ "$answer" != ok ]; then
	kvm=(--no-kvm)
	echo "gw up: WARNING: no KVM: $answer" >&2
	echo "gw up: WARNING: guests run emulated (TCG): for tests, it is no isolation boundary" >&2
fi
init=("$GW_BUILD/control/init/gw-init" --run-dir "$GW_RUN_DIR"
    --state-dir "$GW_STATE_DIR" --libexec "$GW_BUILD" "${kvm[@]}")
if [ ${#foreground[@]} -gt 0 ]; then
	exec "${init[@]}" --foreground
fi
"${init[@]}" < /dev/null || fail "gw up" \
    "gw-init did not start: see above, and $GW_RUN_DIR/log"
echo "the gateway runs; talk to it: $GW_BUILD/control/gwctl/gwctl --socket $GW_RUN_DIR/gwctl.sock status"
