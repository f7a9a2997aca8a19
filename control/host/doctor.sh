#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# gw doctor: what this machine can do; each thing is tried, not looked up.
# shellcheck disable=SC2317 # the checks are called by name, through try()
set -uo pipefail
# shellcheck source=control/host/common.sh
. "$GW_ROOT/control/host/common.sh"
# shellcheck source=control/host/kvm.sh
. "$GW_ROOT/control/host/kvm.sh"
# shellcheck source=control/host/leftovers.sh
. "$GW_ROOT/control/host/leftovers.sh"

usage() {
	cat <<-'END'
	usage: ./gw doctor [--json] [--again]

	One line for each thing the gateway leans on: "ok", "no" (it can't run
	without) or "less" (it runs, but slower or weaker), with the cure.
	--again tries KVM anew; else it is tried once a boot.
	Exit: 0 nothing says "no", 1 something does.
	END
}

json='' bad=0 rows=()
for word; do
	case "$word" in
	--help | -h) usage; exit 0 ;;
	--json) json=1 ;;
	--again) rm -f "$GW_BUILD/host/kvm" ;;
	*) wrong "gw doctor" "unknown option \"$word\"$(
	    did_you_mean "$word" --json --again)" ;;
	esac
done

escape() { # text as the inside of a JSON string
	local text=${1//\\/\\\\}
	text=${text//\"/\\\"}
	printf '%s' "${text//[$'\t\r\n']/ }"
}

# report ok|no|less NAME FOUND CURE
report() {
	[ "$1" != no ] || bad=1
	if [ -n "$json" ]; then
		rows+=("{\"name\":\"$2\",\"state\":\"$1\",\"found\":\"$(
		    escape "$3")\",\"cure\":\"$(
		    [ "$1" = ok ] || escape "$4")\"}")
		return
	fi
	printf '%-5s %-14s %s\n' "$1" "$2" "$3"
	[ "$1" = ok ] || printf '      %-14s cure: %s\n' '' "$4"
}

# try NAME LEVEL CURE COMMAND...: LEVEL is what failure means, no or less.
try() {
	local name=$1 level=$2 cure=$3 found
	shift 3
	if found=$("$@" 2>&1); then
		report ok "$name" "${found:-works}" ''
	else
		found=${found:-does not work}
		report "$level" "$name" "${found%%$'\n'*}" "$cure"
	fi
}

in_namespace() { # COMMAND: in a network namespace that ends with it
	unshare --net -- sh -c "$1"
}

root() {
	[ "$(id -u)" = 0 ] || { echo "not root"; return 1; }
}

packages() {
	local missing
	command -v dpkg-query > /dev/null || { echo "not Debian"; return 1; }
	missing=$(comm -23 <("$GW_ROOT/control/host/deps.sh" --list | sort) \
	    <(dpkg-query -W -f='${db:Status-Abbrev} ${Package}\n' |
		awk '$1 == "ii" { print $2 }' | sort) | tr '\n' ' ')
	[ -z "$missing" ] || { echo "missing: $missing"; return 1; }
	echo "all of control/host/packages"
}

built() {
	[ -x "$GW_BUILD/control/init/gw-init" ] ||
		{ echo "not built yet"; return 1; }
}

kvm() {
	local answer
	answer=$(kvm_answer)
	[ "$answer" = ok ] || {
		echo "$answer; guests run emulated (TCG): for tests, no isolation boundary"
		return 1
	}
	echo "a guest really ran"
}

hugepages() {
	local free size
	free=$(awk '/^HugePages_Free/ { print $2 }' /proc/meminfo)
	size=$(awk '/^Hugepagesize/ { print $2 }' /proc/meminfo)
	[ "${free:-0}" -ge 32 ] ||
		{ echo "${free:-0} free pages: normal memory is used"; return 1; }
	echo "$free free of $size KiB"
}

memory() {
	local mib
	mib=$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)
	echo "$mib MiB available"
	[ "$mib" -ge 1024 ]
}

seccomp() {
	grep -q kill_process /proc/sys/kernel/seccomp/actions_avail
}

landlock() {
	local abi
	abi=$(/usr/bin/python3 -c 'import ctypes
print(ctypes.CDLL(None).syscall(444, 0, 0, 1))' 2> /dev/null)
	[ -n "$abi" ] || { echo "not asked: python3 is missing"; return 1; }
	[ "$abi" -ge 1 ] || { echo "the kernel has none"; return 1; }
	echo "ABI $abi"
}

country() {
	local file=/usr/share/tor/geoip
	[ -r "$file" ] || { echo "$file is missing"; return 1; }
	echo "$(grep -vc '^#' "$file") IPv4 ranges in $file"
}

demo_kernel() {
	local kernel
	kernel=$(printf '%s\n' /boot/vmlinuz-*-cloud-amd64 | sort -V | tail -n 1)
	[ -r "$kernel" ] || { echo "no /boot/vmlinuz-*-cloud-amd64"; return 1; }
	echo "$kernel"
}

leftovers() {
	local lines
	lines=$(list_leftovers | paste -sd ';' | sed 's/;/; /g')
	[ -z "$lines" ] || { echo "$lines"; return 1; }
	echo "none"
}

module='a kernel with it: Debian'\''s linux-image-amd64 or -cloud-amd64 has it'
try root no "run it as root" root
try packages no "./gw deps" packages
try build less "./gw build" built
try namespaces no "$module" in_namespace true
try tun no "modprobe tun; $module" in_namespace \
    "ip tuntap add gw-probe mode tap vnet_hdr"
try veth no "$module" in_namespace \
    "ip link add gw-a type veth peer name gw-b"
try macvlan less "$module; without it only \"uplink interface ... take\" works" \
    in_namespace "ip link add gw-a type veth peer name gw-b &&
	ip link add link gw-a gw-m type macvlan mode private"
try nftables no "./gw deps; $module" in_namespace "nft 'add table inet gw
	add chain inet gw fore { type filter hook forward priority 0; policy drop; }
	add chain inet gw post { type nat hook postrouting priority 100; }
	add rule inet gw post masquerade'"
try tproxy less "modprobe nft_tproxy; $module; only the stream side will need it" \
    in_namespace "nft 'add table inet gw
	add chain inet gw pre { type filter hook prerouting priority -150; }
	add rule inet gw pre meta l4proto tcp tproxy ip to :8443 accept'"
try seccomp no "$module" seccomp
try landlock less "a kernel from 5.13 on with Landlock in its lsm= list" landlock
try kvm less "nested virtualisation on the host of this machine, or a machine of metal" kvm
try hugepages less "sysctl vm.nr_hugepages=256 (faster, not needed)" hugepages
try memory no "free some: a demo guest takes 512 MiB, the gateway about 256 MiB" memory
try country no "./gw deps (package tor-geoipdb)" country
try demo-kernel no "./gw deps (package linux-image-cloud-amd64)" demo_kernel
try leftovers less "./gw down --force" leftovers

if [ -n "$json" ]; then
	(IFS=,; printf '{"schema":1,"checks":[%s]}\n' "${rows[*]}")
fi
exit "$bad"
