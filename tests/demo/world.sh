# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# The demo's world, of network namespaces only, with no route out of it:
#
#   gw-demo-host                                origins, with real nginx
#     demo-int =============== eth0  gw-demo-origin-int   198.51.100.10
#     demo-ext =============== eth0  gw-demo-origin-ext   203.0.113.10
#     (gw-init runs here and makes                        192.0.2.80 embargo
#      gw-internal, gw-external)                          10.0.0.5   private
#                                                         169.254.169.254
# In each origin a witness, tcpdump, writes down what really arrived. Sourced
# by demo.sh and down.sh; GW_BUILD and common.sh are there.

readonly DEMO_RUN_DIR=/run/gw-demo
readonly DEMO_LOCK=/run/lock/gw-demo.lock
readonly DEMO=$GW_BUILD/demo
readonly WORLD=(gw-demo-host gw-demo-origin-int gw-demo-origin-ext)

inside() { # NAMESPACE COMMAND...
	local name=$1
	shift
	nsenter --net="/run/netns/$name" -- "$@"
}

quiet_namespace() { # NAME: nothing in it speaks by itself
	ip netns add "$1"
	inside "$1" sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 \
	    net.ipv6.conf.default.disable_ipv6=1 2> /dev/null || true
	ip -n "$1" link set lo up
}

join() { # HOST-SIDE ORIGIN
	ip -n gw-demo-host link add "$1" type veth peer name eth0 netns "$2"
	ip -n gw-demo-host link set "$1" multicast off up
	ip -n "$2" link set eth0 multicast off up
}

world_make() {
	local name
	for name in "${WORLD[@]}"; do
		quiet_namespace "$name"
	done
	join demo-int gw-demo-origin-int
	join demo-ext gw-demo-origin-ext
	ip -n gw-demo-origin-int addr add 198.51.100.10/24 dev eth0
	ip -n gw-demo-origin-ext addr add 203.0.113.10/24 dev eth0
	# The external network's next hop: the same machine.
	ip -n gw-demo-origin-ext addr add 203.0.113.1/24 dev eth0
	for name in 192.0.2.80 10.0.0.5 169.254.169.254; do
		ip -n gw-demo-origin-ext addr add "$name/32" dev lo
	done
}

# origin NAME TEXT PORT...: a real nginx that answers with TEXT.
origin() {
	local name=$1 text=$2 port folder=$DEMO/origin-$1
	shift 2
	mkdir -p "$folder/html" "$folder/tmp"
	chmod 755 "$folder" "$folder/html"
	printf '%s\n' "$text" > "$folder/html/index.html"
	{
		# The tree may lie below a folder that only root may enter.
		echo "user root;"
		echo "pid $folder/nginx.pid; error_log $folder/error.log;"
		echo "worker_processes 1; events { worker_connections 64; }"
		echo "http { access_log $folder/access.log; default_type text/plain;"
		for port in client_body proxy fastcgi uwsgi scgi; do
			echo "${port}_temp_path $folder/tmp/$port;"
		done
		echo "server { root $folder/html;"
		for port; do
			echo "listen $port;"
		done
		echo "} }"
	} > "$folder/nginx.conf"
	: > "$folder/access.log"
	inside "gw-demo-origin-$name" nginx -e "$folder/error.log" \
	    -p "$folder" -c "$folder/nginx.conf" \
	    < /dev/null > "$folder/nginx.out" 2>&1
}

# witness NAME: from now on all frames of that origin's link into a capture.
witness() {
	inside "gw-demo-origin-$1" tcpdump -n -i eth0 -U --immediate-mode \
	    -B 65536 -Z root -w "$DEMO/far-$1.pcap" \
	    < /dev/null > "$DEMO/witness-$1.log" 2>&1 &
	disown
	local tick
	for ((tick = 0; tick < 50; tick++)); do
		grep -qs 'listening on' "$DEMO/witness-$1.log" && return 0
		sleep 0.1
	done
	return 1
}

# world_remove: the namespaces with all that runs in them.
world_remove() {
	local name pids tick
	for name in "${WORLD[@]}"; do
		[ -e "/run/netns/$name" ] || continue
		for ((tick = 0; tick < 30; tick++)); do
			pids=$(ip netns pids "$name" 2> /dev/null || true)
			[ -n "$pids" ] || break
			# shellcheck disable=SC2086 # one word a process
			kill -s "$([ "$tick" -lt 10 ] && echo TERM || echo KILL)" \
			    $pids 2> /dev/null || true
			sleep 0.1
		done
		ip netns delete "$name" 2> /dev/null || true
	done
	rm -rf -- "$DEMO_RUN_DIR"
}

# demo_runs: whether the process in the lock file is a demo.
demo_runs() {
	local pid
	pid=$(cat "$DEMO_LOCK" 2> /dev/null) || return 1
	[ "$pid" != $$ ] && tr '\0' ' ' 2> /dev/null < "/proc/$pid/cmdline" |
		grep -q 'control/host/demo.sh'
}

# world_claim: make this process the one demo; fails when another is.
world_claim() {
	(
		flock 9
		! demo_runs && echo $$ > "$DEMO_LOCK"
	) 9>> "$DEMO_LOCK"
}

# world_end_demo: a demo that runs, or what one left, except the namespaces.
world_end_demo() {
	local pid tick
	if demo_runs; then
		pid=$(cat "$DEMO_LOCK")
		kill -TERM "$pid" 2> /dev/null || true
		for ((tick = 0; tick < 300; tick++)); do
			demo_runs || break
			sleep 0.1
		done
		kill -KILL "$pid" 2> /dev/null || true
	fi
	clean_run "$DEMO_RUN_DIR"
	rm -f "$DEMO_LOCK"
}
