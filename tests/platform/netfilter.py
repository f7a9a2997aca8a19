#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What networks lean on: nftables features and macvlan, tried in namespaces of
this test. One TAP line without a number a fact (tests/platform/run)."""
import os, subprocess, sys

NAME = "fact%d" % (os.getpid() % 100000)
OTHER = NAME + "b"

RULES = {
    "nftables drops by policy and counts":
        "table inet f { chain c { type filter hook forward priority 0; "
        "policy drop; counter; } }",
    "sets may join an interface name and an address":
        "table inet f { set s { type ifname . ipv4_addr; } chain c { "
        "type filter hook forward priority 0; iifname . ip saddr @s accept; "
        "} }",
    "connection tracking states can be matched":
        "table inet f { chain c { type filter hook forward priority 0; "
        "ct state established,related accept; ct state invalid drop; } }",
    "it can masquerade":
        "table inet f { chain c { type nat hook postrouting priority srcnat; "
        'oifname "up0" masquerade; } }',
    "a filter may stand behind NAT":
        "table inet f { chain c { type filter hook postrouting priority 110; "
        "ip saddr 100.64.0.0/10 drop; } }",
    "it has tproxy for IPv4 and IPv6":
        "table inet f { chain c { type filter hook prerouting priority "
        "mangle; meta l4proto tcp tproxy ip to 127.0.0.1:1 accept; "
        "meta l4proto tcp tproxy ip6 to [::1]:1 accept; } }",
}


def run(command, text=None):
    return subprocess.run(command, shell=True, input=text, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def fact(claim, good, detail=""):
    print("%s - %s" % ("ok" if good else "not ok", claim), flush=True)
    if not good:
        for line in detail.splitlines():
            print("# " + line)


def main():
    if os.geteuid():
        print("ok - nftables and macvlan # SKIP needs root")
        return
    for name in (NAME, OTHER):
        run("ip netns add " + name)
    try:
        for claim, rules in RULES.items():
            done = run("ip netns exec %s nft -f -" % NAME,
                       "flush ruleset\n" + rules.replace("}", "\n}\n"))
            fact(claim, done.returncode == 0, done.stdout)
        done = run("ip -n %s link add v0 type veth peer name v1 && "
                   "ip -n %s link set v0 up && ip -n %s link set v1 up && "
                   "ip -n %s link add link v0 name up0 netns %s type macvlan "
                   "mode bridge && ip -n %s link show up0"
                   % (NAME, NAME, NAME, NAME, OTHER, OTHER))
        fact("a macvlan can be made straight inside another namespace",
             done.returncode == 0, done.stdout)
        run("ip netns exec %s sysctl -qw net.ipv6.conf.all.disable_ipv6=1"
            % OTHER)
        done = run("ip netns exec %s sh -c 'for i in $(seq 3); do ip link set "
                   "up0 up; done; cat /proc/net/dev | grep up0'" % OTHER)
        words = done.stdout.split()
        fact("and comes up without sending one frame where IPv6 is off",
             len(words) > 10 and words[10] == "0", done.stdout)
        done = run("ip -n %s link set v0 netns %s name up1 && "
                   "ip -n %s link show up1" % (NAME, OTHER, OTHER))
        fact("an interface can be moved and renamed at once",
             done.returncode == 0, done.stdout)
    finally:
        for name in (NAME, OTHER):
            run("ip netns delete " + name)


sys.exit(main())
