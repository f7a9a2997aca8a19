# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
# Loads on the running gateway, with a guest behind it: one that fails changes
# nothing, one that succeeds holds for the guest at once, a roll-back takes it
# back. Run by deaths.sh in the demo's world; its functions are used.

page() { # what the guest gets of the external origin
	guest "curl -sS -m 5 http://203.0.113.10/ 2>&1"
}

guest_reaches() {
	is page "$(page)" "This is the external origin."
}

guest_is_refused() {
	has "$(page)" "Failed to connect"
}

# variant SED-SCRIPT: the demo's policy, changed; it must differ.
variant() {
	cp "$GW_ROOT/rules/policy/demo-countries.csv" "$SYSTEM/"
	sed "$1" "$GW_ROOT/rules/policy/demo.gw" > "$SYSTEM/load.gw"
	! cmp -s "$SYSTEM/load.gw" "$GW_ROOT/rules/policy/demo.gw"
}

# bad_load CODE PART CLAIM SED-SCRIPT: refused, and nothing has changed.
bad_load() {
	variant "$4"
	expect "$1" "$2" "a load with $3 is refused" \
	    env GW_RUN_DIR="$DEMO_RUN_DIR" "$gwctl" policy load "$SYSTEM/load.gw"
	result "and the running policy stays" generation_is 1
	result "and the guest still reaches what it allows" \
	    wait_for 10 guest_reaches
}

running_loads() {
	bad_load 3 load.gw: "an error" \
	    's/allow tcp port 80 on external/allow tcp prot 80 on external/'
	bad_load 1 "no interface absent0" "a network that can't be made" \
	    's/interface "demo-ext"/interface "absent0"/'
	variant '/rule web/d; /expect allow desk-1 tcp port 80 to 203/d'
	result "a load without the rule that let it is accepted" \
	    ctl policy load "$SYSTEM/load.gw"
	result "and the guest is refused what it was allowed before" \
	    guest_is_refused
	result "a roll-back is accepted" ctl policy rollback
	result "and the guest is allowed it again" guest_reaches
}
