#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# gw demo: the whole gateway once, on real components, with proof. The world
# is in tests/demo/world.sh, the steps in tests/demo/steps.sh.
set -uo pipefail
# shellcheck source=control/host/common.sh
. "$GW_ROOT/control/host/common.sh"
# shellcheck source=control/host/kvm.sh
. "$GW_ROOT/control/host/kvm.sh"
# shellcheck source=control/host/leftovers.sh
. "$GW_ROOT/control/host/leftovers.sh"
# shellcheck source=tests/demo/story.sh
. "$GW_ROOT/tests/demo/story.sh"
# shellcheck source=tests/demo/steps.sh
. "$GW_ROOT/tests/demo/steps.sh"

usage() {
	cat <<-'END'
	usage: ./gw demo [--keep] [--only STEP]... [--list]

	Boots a guest behind the gateway, in namespaces without a way out, and
	shows what is allowed and denied, and why. Installs and builds what is
	missing first. Evidence (captures, logs, verdicts) is in build/demo/.
	--only STEP  that step, with the policy and the guest it needs
	--keep       leave it running afterwards and say what to try
	--list       the steps
	Exit: 0 every claim held, 1 one did not, 2 wrong arguments, 5 not root.
	END
}

keep='' chosen=() arguments=("$@")
while [ $# -gt 0 ]; do
	case "$1" in
	--help | -h) usage; exit 0 ;;
	--keep) keep=1 ;;
	--list)
		for name in "${STEPS[@]}"; do
			echo "$name"
		done
		exit 0 ;;
	--only)
		[[ " ${STEPS[*]} " == *" ${2:-} "* ]] || wrong "gw demo" \
		    "--only wants a step (${STEPS[*]}), not \"${2:-}\"$(
		    did_you_mean "${2:-}" "${STEPS[@]}")"
		chosen+=("$2")
		shift ;;
	*) wrong "gw demo" "unknown option \"$1\"$(
	    did_you_mean "$1" --keep --only --list)" ;;
	esac
	shift
done
need_root demo "${arguments[@]}"

# Said before anything is installed or built.
if ! world_claim; then
	fail "gw demo" "a demo runs already (pid $(cat "$DEMO_LOCK")): wait for its end, or end it with ./gw down --force"
fi
if [ -e "$DEMO_RUN_DIR/kept" ]; then
	fail "gw demo" "a demo was kept running: ./gw down --force ends it"
fi
"$GW_ROOT/control/host/deps.sh" test || exit
if [ "${GW_BUILT:-}" != 1 ]; then
	"$GW_ROOT/control/host/build.sh" || exit
fi
need_built demo control/init/gw-init control/gwd/gwd control/gwctl/gwctl \
    dataplane/packet/gw-dataplane guest-runner/gw-runner tests/demo/flood

began=$SECONDS
finished=
end_demo() {
	local code=$?
	trap '' INT TERM HUP PIPE
	if [ -n "$keep" ] && [ -n "$finished" ]; then
		exit "$code"
	fi
	cp -r "$DEMO_RUN_DIR/log" "$DEMO/" 2> /dev/null
	clean_run "$DEMO_RUN_DIR" || true
	world_remove
	rm -f "$DEMO_LOCK"
	exit "$code"
}

prepare() {
	local file
	# What a killed demo left, then the evidence of the last one.
	clean_run "$DEMO_RUN_DIR"
	world_remove
	mkdir -p "$DEMO/state"
	for file in "$DEMO"/*; do
		case "${file##*/}" in
		state | image.key) ;;
		*) rm -rf -- "$file" ;;
		esac
	done
	rm -rf -- "$DEMO/state/policy"
	: > "$RESULTS"
	world_make &&
		origin int "$TEXT_INT" 198.51.100.10:80 &&
		origin ext "$TEXT_EXT" 203.0.113.10:80 203.0.113.10:8080 \
		    192.0.2.80:80 10.0.0.5:80 169.254.169.254:80 &&
		install -m 644 "$GW_BUILD/tests/demo/flood" \
		    "$DEMO/origin-ext/html/flood" &&
		witness int && witness ext
}

start_gateway() {
	local kvm=() answer
	answer=$(kvm_answer)
	kvm_sentence="KVM works here."
	if [ "$answer" != ok ]; then
		kvm=(--no-kvm)
		kvm_sentence="KVM does not work here ($answer), so it is emulated: for tests only, no isolation boundary."
	fi
	inside gw-demo-host "$GW_BUILD/control/init/gw-init" \
	    --run-dir "$DEMO_RUN_DIR" --state-dir "$DEMO/state" \
	    --libexec "$GW_BUILD" "${kvm[@]}" < /dev/null \
	    > "$DEMO/gw-init.txt" 2>&1 || { cat "$DEMO/gw-init.txt" >&2; return 1; }
}

readonly TEXT_INT="This is the internal origin."
readonly TEXT_EXT="This is the external origin."
guest_address=''
trap end_demo EXIT
trap 'exit 130' INT TERM HUP PIPE
cd "$GW_ROOT" || exit
prepare || fail "gw demo" "its namespaces could not be made: see $DEMO, and ./gw doctor"
start_gateway || fail "gw demo" "gw-init did not start: see above, and ./gw doctor"

tell_story() {
	local name
	for name in "${STEPS[@]}"; do
		case "$name" in
		policy | guest) ;;
		*) [ ${#chosen[@]} -eq 0 ] ||
			[[ " ${chosen[*]} " == *" $name "* ]] || continue ;;
		esac
		"step_$name"
		[ "$broken" -eq 0 ] || case "$name" in
		policy | guest)
			tell "Nothing more can be shown without this."
			break ;;
		esac
		[ "${#chosen[@]}" -eq 0 ] || [ "${chosen[*]}" != "$name" ] ||
			break
	done
	ctl stats "$GUEST" > "$DEMO/stats.txt" 2>&1
	ctl rule list "$GUEST" > "$DEMO/rules.txt" 2>&1
}

print_end() {
	local socket=$DEMO_RUN_DIR/gwctl.sock ctl
	echo
	echo "$((claims - broken)) of $claims claims held, $((SECONDS - began)) s; evidence in ${DEMO#"$GW_ROOT"/}/"
	[ -n "$keep" ] || return 0
	ctl="${GW_BUILD#"$GW_ROOT"/}/control/gwctl/gwctl --socket $socket"
	cat <<-END

	It runs on. Five things to try:
	  $ctl status
	  $ctl guest exec $GUEST curl -sS http://203.0.113.10/
	  $ctl why
	  $ctl rule list "$GUEST"
	  $ctl guest console $GUEST
	./gw down --force ends it.
	END
}

tell_story > >(trap "" INT TERM HUP; exec tee "$DEMO/transcript.txt") 2>&1
wait $!
finished=1
print_end
if [ -n "$keep" ]; then
	: > "$DEMO_RUN_DIR/kept"
fi
[ "$broken" -eq 0 ] && [ "$claims" -gt 0 ]
