#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# gw build: meson and ninja, warnings are errors.
set -euo pipefail
# shellcheck source=control/host/common.sh
. "$GW_ROOT/control/host/common.sh"

usage() {
	cat <<-'END'
	usage: ./gw build [--sanitize]

	Compiles everything into build/; with --sanitize into build-sanitize/,
	with AddressSanitizer and UndefinedBehaviorSanitizer.
	END
}

folder=$GW_BUILD
options=()
for word; do
	case "$word" in
	--help | -h) usage; exit 0 ;;
	--sanitize)
		folder=$GW_ROOT/build-sanitize
		options=("-Db_sanitize=address,undefined" -Db_lundef=false) ;;
	*) wrong "gw build" "unknown option \"$word\"$(
	    did_you_mean "$word" --sanitize)" ;;
	esac
done
need_program build meson meson
need_program build ninja ninja-build
need_program build gcc gcc

if [ ! -e "$folder/build.ninja" ]; then
	mkdir -p "$folder"
	if ! meson setup "${options[@]}" "$folder" "$GW_ROOT" \
	    > "$folder/setup.log" 2>&1; then
		tail -n 5 "$folder/setup.log" >&2
		fail "gw build" "meson could not set up ${folder##*/}: run ./gw deps, else see $folder/setup.log"
	fi
fi
ninja -C "$folder" || fail "gw build" "it does not compile: see above"
