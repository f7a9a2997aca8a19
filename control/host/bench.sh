#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# gw bench: packages, build, then perf/run with the same arguments.
set -euo pipefail
# shellcheck source=control/host/common.sh
. "$GW_ROOT/control/host/common.sh"

for word; do
	case "$word" in
	--help | -h) exec "$GW_ROOT/perf/run" --help ;;
	--quick) ;;
	-*) wrong "gw bench" "unknown option \"$word\"$(
	    did_you_mean "$word" --quick)" ;;
	esac
done
need_root bench "$@"
"$GW_ROOT/control/host/deps.sh" bench
"$GW_ROOT/control/host/build.sh"
exec "$GW_ROOT/perf/run" "$@"
