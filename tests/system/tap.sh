# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# TAP lines for the system suite. Sourced by tests/system/run.

number=0

# result CLAIM COMMAND...: ok when the command succeeds; its output otherwise.
result() {
	local claim=$1 output
	shift
	number=$((number + 1))
	if output=$("$@" 2>&1); then
		echo "ok $number - $claim"
	else
		echo "not ok $number - $claim"
		printf '%s\n' "$output" | tail -n 12 | sed 's/^/# /'
	fi
}

skip() { # CLAIM REASON
	number=$((number + 1))
	echo "ok $number - $1 # SKIP $2"
}

# expect CODE PART CLAIM COMMAND...: the exit code, and one sentence with PART
# in it, on standard error or output.
expect() {
	local code=$1 part=$2 claim=$3
	shift 3
	result "$claim" ends_with "$code" "$part" "$@"
}

ends_with() { # CODE PART COMMAND...
	local wanted=$1 part=$2 code=0 output
	shift 2
	output=$(timeout 120 "$@" 2>&1 < /dev/null) || code=$?
	printf '%s\n' "$output"
	[ "$code" = "$wanted" ] ||
		{ echo "exit code $code, not $wanted"; return 1; }
	case "$output" in
	*"$part"*) ;;
	*) echo "\"$part\" is not in it"; return 1 ;;
	esac
}
