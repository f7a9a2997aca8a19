# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# What every part of gw shares: exit codes, messages, root, the build folder.
# Sourced by gw, control/host/*.sh and the scripts below tests/; GW_ROOT is set.

# The numbers of control/msg/exit.h.
readonly EXIT_FAILED=1 EXIT_USAGE=2 EXIT_REFUSED=3 EXIT_NOT_PERMITTED=5
readonly EXIT_NO_GWD=6
export EXIT_FAILED EXIT_USAGE EXIT_REFUSED EXIT_NOT_PERMITTED EXIT_NO_GWD

export GW_BUILD=${GW_BUILD:-$GW_ROOT/build}
export GW_TESTDATA=${GW_TESTDATA:-$(dirname "$GW_ROOT")/shared/data}
export GW_RUN_DIR=${GW_RUN_DIR:-/run/guest-gateway}
export GW_STATE_DIR=${GW_STATE_DIR:-/var/lib/guest-gateway}
# Debian's own programs before anybody's replacements of them.
export PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL=C.UTF-8

# die CODE COMMAND SENTENCE: one sentence with the cure, then the exit code.
die() {
	echo "$2: $3" >&2
	exit "$1"
}

fail() { # COMMAND SENTENCE
	die "$EXIT_FAILED" "$1" "$2"
}

wrong() { # COMMAND SENTENCE
	local part=${1#gw}
	die "$EXIT_USAGE" "$1" "$2 (see: ./gw$part --help)"
}

# did_you_mean WORD CANDIDATE...: ', did you mean "x"?' for the one with the
# most characters in common at its start and end, or nothing.
did_you_mean() {
	local word=$1 best='' best_score=1 candidate score i
	shift
	for candidate; do
		score=0
		for ((i = 0; i < ${#word} && i < ${#candidate}; i++)); do
			[ "${word:i:1}" = "${candidate:i:1}" ] || break
			((score += 1))
		done
		for ((i = 1; i <= ${#word} && i <= ${#candidate}; i++)); do
			[ "${word: -i:1}" = "${candidate: -i:1}" ] || break
			((score += 1))
		done
		if ((score > best_score)); then
			best=$candidate best_score=$score
		fi
	done
	[ -z "$best" ] || printf ', did you mean "%s"?' "$best"
}

# need_root COMMAND [ARGUMENT...]: goes on as root, through sudo where that
# exists, else ends with a sentence.
need_root() {
	[ "$(id -u)" -ne 0 ] || return 0
	if have_program sudo && [ -t 0 ]; then
		exec sudo -- "$GW_ROOT/gw" "$@"
	fi
	die "$EXIT_NOT_PERMITTED" "gw $1" \
	    "needs root: it makes namespaces and interfaces; run it as root"
}

# need_built COMMAND PROGRAM...: paths below the build folder must be there.
need_built() {
	local command=$1 program
	shift
	for program; do
		[ -x "$GW_BUILD/$program" ] || fail "gw $command" \
		    "$program is not built: run ./gw build"
	done
}

# as_typed COMMAND: ./gw COMMAND, with the run folder unless it is the usual one.
as_typed() {
	local folder=" --run-dir $GW_RUN_DIR"
	[ "$GW_RUN_DIR" != /run/guest-gateway ] || folder=
	echo "./gw $1$folder"
}

have_program() { # NAME: found, and executable
	local path
	path=$(type -P "$1") && [ -x "$path" ]
}

# need_program COMMAND PROGRAM PACKAGE
need_program() {
	have_program "$2" ||
		fail "gw $1" "$2 is missing: run ./gw deps (package $3)"
}
