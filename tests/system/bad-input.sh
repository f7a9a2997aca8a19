# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# Wrong arguments, no root, missing programs: one sentence with the cure and
# the right exit code. Sourced by tests/system/run.

gw=$GW_ROOT/gw
gwctl=$GW_BUILD/control/gwctl/gwctl

as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups --)
with_other=$GW_ROOT/tests/system/with-other

wrong_arguments() {
	local command
	expect 2 'did you mean "build"?' \
	    "an unknown command names the nearest" "$gw" buidl
	expect 2 usage: "no command prints the usage" "$gw"
	for command in demo deps build test bench doctor up down; do
		expect 0 "usage: " "gw $command --help" "$gw" "$command" --help
		expect 2 "--nonsense" "gw $command --nonsense is refused" \
		    "$gw" "$command" --nonsense
	done
	expect 2 'did you mean "freeze"?' "an unknown step of the demo" \
	    "$gw" demo --only freez
	expect 2 "absolute" "gw up with a relative folder" \
	    "$gw" up --run-dir here
	expect 2 "absolute" "gw down with a folder missing" \
	    "$gw" down --run-dir
	expect 2 "there is no suite" "gw test with an unknown suite" \
	    "$gw" test nonsense
	expect 2 "" "gwctl with an unknown command" "$gwctl" nonsense
}

# What no_root needs of the tree, where everybody may read it: the tree itself
# may lie below a folder that only root may enter.
copy_for_all() { # FOLDER
	local path
	mkdir -p "$1/build" || return 1
	(cd "$GW_ROOT" &&
		cp -r --parents gw control/host tests/demo rules/policy "$1") &&
		for path in control/gwctl/gwctl control/init/gw-init \
		    rules/lang/gw-rulec; do
			(cd "$GW_BUILD" && cp --parents "$path" "$1/build") ||
				return 1
		done
	chmod -R a+rX "$1"
}

no_root() {
	local tree command
	local -a nobody
	tree=$(mktemp -d)
	result "the tree is copied to where everybody may read it" \
	    copy_for_all "$tree"
	nobody=(env GW_BUILD="$tree/build" "${as_nobody[@]}")
	for command in up down demo test bench; do
		expect 5 "needs root" "gw $command without root" \
		    "${nobody[@]}" "$tree/gw" "$command"
	done
	expect 1 "run it as root" "gw doctor without root says so" \
	    "${nobody[@]}" "$tree/gw" doctor
	expect 5 "root" "gw-init without root" \
	    "${nobody[@]}" "$tree/build/control/init/gw-init"
	expect 0 "" "gwctl policy check without root and without gwd" \
	    "${nobody[@]}" "$tree/build/control/gwctl/gwctl" policy check \
	    "$tree/rules/policy/demo.gw"
	rm -rf -- "$tree"
}

missing_things() {
	local other
	"$gw" down --force --run-dir /run/gw-system > /dev/null 2>&1
	expect 1 "there is no apt-get" "gw deps where there is no apt" \
	    "$with_other" /usr/bin/apt-get /dev/null "$gw" deps
	other=$(mktemp)
	{
		cat "$GW_ROOT/control/host/packages"
		echo "gw-no-such-package run a test"
	} > "$other"
	expect 1 "could not install" "gw deps when apt-get fails" \
	    "$with_other" /usr/bin/apt-get /bin/false \
	    "$with_other" "$GW_ROOT/control/host/packages" "$other" "$gw" deps
	expect 1 "missing: gw-no-such-package" "gw doctor names a missing package" \
	    "$with_other" "$GW_ROOT/control/host/packages" "$other" "$gw" doctor
	rm -f "$other"
	expect 1 "run ./gw deps (package qemu-system-x86)" "gw up without QEMU" \
	    "$with_other" /usr/bin/qemu-system-x86_64 /dev/null "$gw" up \
	    --run-dir /run/gw-system --state-dir "$SYSTEM/state"
	expect 1 "is not built: run ./gw build" "gw up without a build" \
	    env GW_BUILD="$SYSTEM/nothing" "$gw" up \
	    --run-dir /run/gw-system --state-dir "$SYSTEM/state"
	expect 0 "no gateway runs" "gw down with nothing running" \
	    "$gw" down --run-dir /run/gw-system
	expect 6 "" "gwctl with gwd not running" \
	    "$gwctl" --socket /run/gw-system/gwctl.sock status
	result "nothing of these is left" [ ! -e /run/gw-system ]
}

bad_policy() {
	local bad=$SYSTEM/bad.gw
	sed 's/allow tcp port 80/allow tcp prot 80/' \
	    "$GW_ROOT/rules/policy/demo.gw" > "$bad"
	cp "$GW_ROOT/rules/policy/demo-countries.csv" "$SYSTEM/"
	expect 3 "bad.gw:" "a policy with an error: file and line" \
	    "$gwctl" policy check "$bad"
	expect 3 "port" "and the word that was meant" "$gwctl" policy check "$bad"
	sed 's/expect deny  desk-1 tcp port 8080/expect allow desk-1 tcp port 8080/' \
	    "$GW_ROOT/rules/policy/demo.gw" > "$bad"
	expect 3 "expect" "a policy whose expectation fails is refused" \
	    "$gwctl" policy check "$bad"
	sed 's/networks internal external;/&\n\tgate never-both internal external;/' \
	    "$GW_ROOT/rules/policy/demo.gw" > "$bad"
	expect 3 "not enforced yet" "a sentence that is not enforced is refused" \
	    "$gwctl" policy check "$bad"
	expect 1 "can't be read" "a policy that is not there" \
	    "$gwctl" policy check "$SYSTEM/nothing.gw"
	expect 4 "" "explain of a denied flow ends with 4" \
	    "$gwctl" policy explain --policy "$GW_ROOT/rules/policy/demo.gw" \
	    desk-1 tcp port 8080 to 203.0.113.10
	expect 0 "" "explain of an allowed one ends with 0" \
	    "$gwctl" policy explain --policy "$GW_ROOT/rules/policy/demo.gw" \
	    desk-1 tcp port 80 to 203.0.113.10
}

doctor_json() {
	local json
	json=$("$gw" doctor --json)
	jq -e '.schema == 1 and ([.checks[].name] | index("kvm")) and
	    all(.checks[]; .state == "ok" or (.cure | length) > 0)' \
	    <<< "$json" || printf '%s\n' "$json"
}
