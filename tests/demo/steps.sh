# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2034,SC2154
# The steps of the demo, in their order. Each asserts what it tells; sourced by
# demo.sh after world.sh and story.sh.

# name, whether a step chosen by --only needs it before
readonly STEPS=(policy guest fetch port country spoof private refresh kill
    freeze why)
readonly POLICY=$GW_ROOT/rules/policy/demo.gw
readonly BOOT_LIMIT_S=60

step_policy() {
	local frames
	chapter policy "no policy, no packet; then one is checked and loaded"
	tell "Two origins run real nginx in namespaces of their own. gw-init" \
	    "has started; no policy is loaded, so no network exists yet."
	frames=$(($(seen int) + $(seen ext)))
	claim "0 frames have reached the origins before a policy" \
	    is frames "$frames" 0
	claim "there is no gw-internal, no gw-external" \
	    is namespaces "$(ip netns list | grep -cE '^gw-(internal|external)\b')" 0
	claim "a policy with an error is refused with exit code 3, changing nothing" \
	    refuses_bad_policy
	claim "gwctl policy check rules/policy/demo.gw, its expectations hold" \
	    ctl policy check rules/policy/demo.gw
	claim "gwctl policy load puts it in force" \
	    ctl policy load rules/policy/demo.gw --note "demo"
	claim "networks internal and external are up" networks_up
	row generation "$(ctl_json .generation status)"
}

refuses_bad_policy() {
	local code=0 output
	sed 's/allow tcp port 80 on internal/allow tcp prot 80 on internal/' \
	    "$POLICY" > "$DEMO/bad.gw"
	cp "${POLICY%/*}/demo-countries.csv" "$DEMO/"
	output=$(ctl policy load "$DEMO/bad.gw" 2>&1) || code=$?
	printf '%s\n' "$output" > "$DEMO/bad.txt"
	is "exit code" "$code" 3 && has "$output" bad.gw: &&
		is generation "$(ctl_json .generation status)" 0
}

networks_up() {
	local tick up
	for ((tick = 0; tick < 50; tick++)); do
		up=$(ctl_json '[.networks[] | select(.state == "up") | .name] |
		    sort | join(" ")' network list)
		[ "$up" != "external internal" ] || return 0
		sleep 0.1
	done
	echo "up are only: $up"
	return 1
}

step_guest() {
	local began memory
	chapter guest "a guest whose only network card is gw-dataplane"
	if [ ! -e "$DEMO/state/images/demo/manifest" ]; then
		tell "Its image is built from this machine's Debian packages and signed, once."
		claim "gwctl image build demo" build_image
	fi
	tell "Started from what was hashed. $kvm_sentence"
	began=$(date +%s%N)
	claim "gwctl guest start $GUEST: booted, its agent says hello" \
	    ctl guest start "$GUEST"
	row boot "$((($(date +%s%N) - began) / 1000000)) ms until its agent said hello"
	claim "it has an address from the gateway's DHCP" guest_has_address
	guest_address=$(guest_own_address)
	claim "and its MTU: one set by hand is put right by a renewal" \
	    mtu_comes_by_dhcp
	row address "$guest_address, $(guest 'cat /sys/class/net/eth0/mtu') bytes MTU"
	memory=$(ctl_json '.dataplane.hugepages |
	    if . == true then "on hugepages" elif . == false then
	    "without hugepages" else "unknown: \(.)" end' guest show "$GUEST")
	row dataplane "runs $memory"
	claim "as its log says, too" \
	    grep -q "runs $memory" "$DEMO_RUN_DIR"/log/gw-dataplane-*.log
}

build_image() {
	GW_RUN_DIR=$DEMO_RUN_DIR timeout 180 "$GW_BUILD/control/gwctl/gwctl" \
	    image build demo --state-dir "$DEMO/state" \
	    --key "$DEMO/image.key" > "$DEMO/image.log" 2>&1 ||
	    { tail -n 3 "$DEMO/image.log"; return 1; }
}

guest_own_address() {
	guest "ip -4 -o addr show dev eth0 | sed 's/.*inet //; s/\\/.*//'"
}

guest_has_address() {
	local tick address
	for ((tick = 0; tick < BOOT_LIMIT_S; tick++)); do
		address=$(guest_own_address)
		[[ "$address" != 100.64.* ]] || return 0
		sleep 0.5
	done
	echo "eth0 has: $address"
	return 1
}

mtu_comes_by_dhcp() {
	local tick mtu
	guest "ip link set eth0 mtu 1400 && kill -USR1 \$(pidof udhcpc)" ||
		return 1
	for ((tick = 0; tick < 20; tick++)); do
		mtu=$(guest "cat /sys/class/net/eth0/mtu")
		[ "$mtu" != 1500 ] || return 0
		sleep 0.5
	done
	echo "eth0 has: $mtu"
	return 1
}

step_fetch() {
	local page lines
	chapter fetch "what the policy allows works"
	lines=$(log_lines int)
	row guest "curl http://198.51.100.10/"
	page=$(guest "curl -sS -m 10 http://198.51.100.10/ 2>&1")
	row "" "$page"
	claim "the page is the internal origin's own" \
	    is page "$page" "$TEXT_INT"
	claim "the origin's log has the request, from the gateway's address" \
	    origin_saw int "$lines" "198.51.100.2 "
	page=$(guest "curl -sS -m 10 http://203.0.113.10/ 2>&1")
	row guest "curl http://203.0.113.10/"
	row "" "$page"
	claim "the external origin's too, over the other network" \
	    is page "$page" "$TEXT_EXT"
	# Else a far side that "saw nothing" would mean nothing.
	claim "the witnesses saw both: they do write down what arrives" \
	    witnesses_see
	claim "echo requests pass, where a rule allows them" \
	    guest "ping -c 2 -W 3 203.0.113.10"
	row rules "desk.intranet $(hits desk.intranet), desk.web $(
	    hits desk.web), desk.ping $(hits desk.ping) flows"
}

witnesses_see() {
	more "frames at the internal origin" \
	    "$(seen int "host 198.51.100.2 and tcp dst port 80")" 3 &&
		more "frames at the external origin" \
		    "$(seen ext "host 203.0.113.2 and tcp dst port 80")" 3
}

origin_saw() { # ORIGIN LINES-BEFORE CLIENT
	more "lines of the log" "$(log_lines "$1")" "$2" &&
		has "$(tail -n 1 "$DEMO/origin-$1/access.log")" "$3"
}

step_port() {
	chapter port "a denied port: nginx listens there, the rule says no"
	attempt 203.0.113.10 rule ext "host 203.0.113.2 and tcp port 8080" \
	    curl -sS -m 10 http://203.0.113.10:8080/
	claim "the guest is answered at once: connection refused (RST)" \
	    is "curl's exit code" "$attempt_code" 7
	claim "within two seconds, not by a time-out" \
	    less milliseconds "$attempt_ms" 2000
	claim "the denial names rule desk.admin" \
	    is rule "$attempt_rule" desk.admin
	claim "the counter moved" more counted "$attempt_counted" 0
	claim "the far side saw nothing" is frames "$attempt_far" 0
}

step_country() {
	chapter country "a denied country: 192.0.2.0/24 is KP in the demo's table"
	attempt 192.0.2.80 rule ext "host 192.0.2.80" \
	    curl -sS -m 10 http://192.0.2.80/
	row country "$attempt_country"
	claim "refused at once" is "curl's exit code" "$attempt_code" 7
	claim "by always.embargo, which nothing below can loosen" \
	    is rule "$attempt_rule" always.embargo
	claim "because of its country" is country "$attempt_country" KP
	claim "the counter moved" more counted "$attempt_counted" 0
	claim "the far side saw nothing" is frames "$attempt_far" 0
}

step_spoof() {
	chapter spoof "a source that was not leased to the guest"
	guest "ip addr add 203.0.113.77/32 dev eth0"
	attempt 203.0.113.10 spoofed ext "host 203.0.113.77" \
	    ping -c 2 -W 1 -I 203.0.113.77 203.0.113.10
	guest "ip addr del 203.0.113.77/32 dev eth0"
	claim "no answer came" is "ping's exit code" "$attempt_code" 1
	claim "the reason is spoofed, at stage spoof" \
	    is reason "$attempt_stage $attempt_reason" "spoof spoofed"
	claim "the counter moved" more counted "$attempt_counted" 0
	claim "the far side saw nothing" is frames "$attempt_far" 0
}

step_private() {
	chapter private "\"public\" never holds private addresses"
	tell "10.0.0.5 and the metadata address answer on the far side, if asked."
	attempt 169.254.169.254 no-network ext "host 169.254.169.254" \
	    curl -sS -m 10 http://169.254.169.254/
	claim "the metadata address: refused at once" \
	    is "curl's exit code" "$attempt_code" 7
	claim "the far side saw nothing" is frames "$attempt_far" 0
	attempt 10.0.0.5 no-network ext "host 10.0.0.5" \
	    curl -sS -m 10 http://10.0.0.5/
	claim "a private address: refused at once" \
	    is "curl's exit code" "$attempt_code" 7
	claim "the reason is no-network, at stage network" \
	    is reason "$attempt_stage $attempt_reason" "network no-network"
	claim "the counter moved" more counted "$attempt_counted" 0
	claim "the far side saw nothing" is frames "$attempt_far" 0
}

step_refresh() {
	local began machine
	chapter refresh "a pristine guest in place of the running one"
	guest "echo infected > /root/marker; sync"
	machine=$(guest "cat /etc/machine-id")
	claim "the guest has a marker file" \
	    is marker "$(guest 'cat /root/marker')" infected
	began=$(date +%s%N)
	claim "gwctl guest refresh $GUEST" ctl guest refresh "$GUEST"
	row refresh "$((($(date +%s%N) - began) / 1000000)) ms until the new one said hello"
	claim "the marker file is gone" \
	    is marker "$(guest 'cat /root/marker 2> /dev/null; echo $?')" 1
	claim "it is another machine" differs "$machine" \
	    "$(guest 'cat /etc/machine-id')"
	claim "it has an address from the gateway's DHCP" guest_has_address
	guest_address=$(guest_own_address)
	claim "it reaches what the policy allows" is page \
	    "$(guest 'curl -sS -m 10 http://198.51.100.10/ 2>&1')" "$TEXT_INT"
}

differs() { # A B
	[ "$1" != "${2:-$1}" ] || { echo "both are \"$1\""; return 1; }
}

# --- a hostile guest, a dying dataplane ------------------------------------
# flood_while NAME SECONDS COMMAND...: the guest floods; COMMAND is run in the
# middle of it; sets flood_*.
flood_while() {
	local name=$1 seconds=$2 before
	shift 2
	flood_canary=$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')
	guest --limit 30 "[ -x /tmp/flood ] ||
	    curl -sS -m 20 -o /tmp/flood http://203.0.113.10/flood &&
	    chmod +x /tmp/flood" || return 1
	guest "/tmp/flood $flood_canary $guest_address $seconds 3000 \
	    > /tmp/flood.log 2>&1 &" || return 1
	sleep 2
	flood_before=$(seen_text ext "$flood_canary-ok")
	"$@"
	sleep "$((seconds - 2))"
	before=$(seen_text ext "$flood_canary-ok")
	flood_after=$((before - flood_before))
	flood_allowed=$before
	flood_forbidden=$(($(seen_text ext "$flood_canary-no") +
	    $(seen_text int "$flood_canary-no")))
	flood_sent=$(guest "cat /tmp/flood.log")
	tcpdump -tt -n -r "$DEMO/far-ext.pcap" udp dst port 7777 2> /dev/null |
		awk -v from="$flood_began" '$1 >= from {
			if (last && $1 - last > gap) gap = $1 - last
			last = $1 } END { printf "%.2f\n", gap }' > "$DEMO/$name.gap"
	flood_gap=$(cat "$DEMO/$name.gap")
}

flood_claims() {
	row sent "$flood_sent, 1 kind allowed: the guest's own count"
	row "far side" "$flood_allowed allowed packets, $flood_forbidden forbidden ones"
	row "silence" "$flood_gap s at most between two allowed packets"
	claim "allowed packets arrived before" \
	    more packets "$flood_before" 20
	claim "and again afterwards: the link came back by itself" \
	    more packets "$flood_after" 20
	claim "a new gw-dataplane is at work" differs "$dataplane_before" \
	    "$(own_pid gw-dataplane)"
	claim "not one forbidden packet reached a far side" \
	    is packets "$flood_forbidden" 0
	claim "nor anything else that the policy forbids" is frames \
	    "$(seen ext 'src host 203.0.113.2 and not arp and not (udp dst port
	    7777) and not tcp dst port 80 and not tcp dst port 443 and not
	    icmp')" 0
	claim "the guest has lived through it" guest true
}

signal_dataplane() { # SIGNAL
	dataplane_before=$(own_pid gw-dataplane)
	kill -s "$1" "$dataplane_before"
}

step_kill() {
	chapter kill "gw-dataplane is killed while the guest floods"
	tell "The guest fetches a program that forges packets, an allowed kind" \
	    "and eight forbidden ones, and runs it as root."
	flood_began=$(date +%s)
	if flood_while kill 8 signal_dataplane KILL; then
		flood_claims
	else
		claim "the flood began" false
	fi
}

step_freeze() {
	chapter freeze "gw-dataplane is frozen while the guest floods"
	tell "SIGSTOP: it neither lives nor dies. Its heartbeat is missed, it is" \
	    "killed, and another takes over; what waited meanwhile is stale."
	flood_began=$(date +%s)
	if flood_while freeze 10 signal_dataplane STOP; then
		flood_claims
	else
		claim "the flood began" false
	fi
}

step_why() {
	local output
	chapter why "the last denial, explained"
	guest "curl -sS -m 5 http://203.0.113.10:8080/ 2> /dev/null" || true
	sleep 1
	output=$(ctl why "$GUEST")
	printf '%s\n' "$output" | tee "$DEMO/why.txt" | sed 's/^/   | /'
	claim "it names file and line of the rule" \
	    has "$output" "demo.gw:$(grep -n 'rule admin' "$POLICY" |
		cut -d : -f 1)"
	claim "and the rule" has "$output" desk.admin
}
