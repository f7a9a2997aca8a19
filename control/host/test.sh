#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# gw test: packages, build, then the harness tests/run.
set -euo pipefail
# shellcheck source=control/host/common.sh
. "$GW_ROOT/control/host/common.sh"

usage() {
	cat <<-'END'
	usage: ./gw test [SUITE...] [--list]

	Installs what is missing, builds, and runs the suites tests/SUITE/run,
	all of them when none is named. Logs are in build/test/SUITE.log; the
	last line is "N passed, N failed, N skipped". Exit: 0 none failed.

	Environment: GW_BUILD the build folder (build/), GW_TESTDATA inputs that
	others made (../shared/data; tests that need it skip without it).
	END
}

for word; do
	case "$word" in
	--help | -h) usage; exit 0 ;;
	--list) exec "$GW_ROOT/tests/run" --list ;;
	-*) wrong "gw test" "unknown option \"$word\"$(
	    did_you_mean "$word" --list --help)" ;;
	*) [ -x "$GW_ROOT/tests/$word/run" ] || wrong "gw test" \
	    "there is no suite \"$word\"; there are: $(
	    "$GW_ROOT/tests/run" --list | paste -sd ' ')" ;;
	esac
done
need_root test "$@"
"$GW_ROOT/control/host/deps.sh" test
"$GW_ROOT/control/host/build.sh"
exec "$GW_ROOT/tests/run" "$@"
