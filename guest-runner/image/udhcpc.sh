#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Called by udhcpc in the demo guest with what the gateway leased.
: "${interface:?}" "${ip:=}" "${mask:=}" "${router:=}" "${dns:=}" "${mtu:=}"
case "$1" in
deconfig)
	ip addr flush dev "$interface"
	;;
bound | renew)
	[ -z "$mtu" ] || ip link set "$interface" mtu "$mtu"
	ip addr replace "$ip/${mask:-24}" dev "$interface"
	for gateway in $router; do
		ip route replace default via "$gateway" dev "$interface"
		break
	done
	: > /run/resolv.conf
	for server in $dns; do
		echo "nameserver $server" >> /run/resolv.conf
	done
	;;
esac
