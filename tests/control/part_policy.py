# SPDX-License-Identifier: BSD-2-Clause
"""Loading policies: all or nothing, kept, restored, rolled back."""
import json
import os
import socket

from part_cli import GOOD
from stand import Stand, wait_for


def write(stand, name, text):
    path = os.path.join(stand.folder, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def first_load(report, stand):
    path = write(stand, "good.gw", GOOD)
    got = stand.gwctl("policy", "load", path, "--dry-run", "--json")
    report.equal("load --dry-run compiles and changes nothing",
                 (got.returncode, json.loads(got.stdout)["dry_run"],
                  stand.call("status")["result"]["generation"]), (0, True, 0))
    got = stand.gwctl("policy", "load", path, "--note", "first", "--json")
    result = json.loads(got.stdout)
    report.equal("the first load becomes generation 1",
                 (got.returncode, result["generation"], result["rules"]),
                 (0, 1, 1))
    networks = stand.call("network.list")["result"]["networks"]
    report.equal("its network is up",
                 [(n["name"], n["state"], n["interface"]) for n in networks],
                 [("lab", "up", "lab0")])


def refusals(report, stand):
    path = write(stand, "bad.gw", GOOD.replace("on lab", "on lba"))
    got = stand.gwctl("policy", "load", path)
    report.check("a policy with an error is refused with 3 and its place",
                 got.returncode == 3 and "bad.gw:3:" in got.stderr and
                 "has not changed" in got.stderr, got.stderr)
    wanted = stand.gwctl("policy", "check", path).stderr
    report.equal("load shows it as check does, the place underlined",
                 got.stderr.splitlines()[:-1], wanted.splitlines())
    got = stand.gwctl("policy", "load", path, "--json")
    said = json.loads(got.stdout)
    report.equal("with --json that is one object: error and diagnostics",
                 (got.returncode, said["error"]["exit"],
                  said["diagnostics"][0]["line"]), (3, 3, 3))
    stand.network_error = b"no interface lab9"
    path = write(stand, "net.gw", GOOD.replace("lab0", "lab9"))
    got = stand.gwctl("policy", "load", path)
    stand.network_error = b""
    report.check("a network that can't be made refuses the load",
                 got.returncode == 1 and "no interface lab9" in got.stderr,
                 got.stderr)
    report.check("and the old network is put back", wait_for(
        lambda: [(n["interface"], n["state"]) for n in stand.call(
            "network.list")["result"]["networks"]] == [("lab0", "up")]))
    report.equal("the old generation stays",
                 stand.call("status")["result"]["generation"], 1)
    fd = os.memfd_create("bundle")
    os.write(fd, b"GWBUNDLE")
    sock = stand.connect()
    socket.send_fds(sock, [b'{"jsonrpc":"2.0","id":1,'
                           b'"method":"policy.load"}\n'], [fd])
    error = json.loads(sock.recv(65536))["error"]
    report.check("a bundle that can still be changed is refused",
                 "sealed" in error["message"], error)
    os.close(fd)
    sock.close()


def two_phases(report, stand):
    stand.gwctl("guest", "start", "desk-1")
    dp = stand.dataplane()
    path = write(stand, "two.gw", GOOD.replace("443", "80"))
    stand.refuse = True
    got = stand.gwctl("policy", "load", path)
    stand.refuse = False
    report.check("one dataplane that is not ready refuses the load",
                 got.returncode == 1 and "refused by the test" in got.stderr,
                 got.stderr)
    report.equal("and no dataplane swapped", (dp.live, dp.log.count(
        "DP_SWAP")), (1, 1))
    got = stand.gwctl("policy", "load", path, "--note", "second")
    report.equal("when it is ready it swaps once", (got.returncode, dp.live,
                 dp.log.count("DP_SWAP")), (0, 2, 2))
    first = [n for n in dp.log if n in ("DP_CONFIG", "DP_PORT", "DP_LOAD",
                                        "DP_SWAP", "DP_STATE")][:5]
    report.equal("a dataplane is configured, loaded, swapped, then opened",
                 first, ["DP_CONFIG", "DP_PORT", "DP_LOAD", "DP_SWAP",
                         "DP_STATE"])
    report.equal("it has the port of the guest's network",
                 list(dp.ports), ["lab"])


def no_disk(report, stand):
    dp = stand.dataplane()
    swaps = dp.log.count("DP_SWAP")
    folder = os.path.join(stand.state, "policy")
    os.chmod(folder, 0o500)
    got = stand.gwctl("policy", "load", write(stand, "disk.gw", GOOD))
    os.chmod(folder, 0o700)
    report.check("a load that can't be written down is refused, not swapped",
                 got.returncode == 1 and "state folder" in got.stderr and
                 dp.log.count("DP_SWAP") == swaps, got.stderr)


def roll_back(report, stand):
    got = stand.gwctl("policy", "rollback", "--json")
    result = json.loads(got.stdout)
    rules = stand.call("rule.list")["result"]["rules"]
    report.check("rollback puts generation 1 in force as generation 3",
                 result["generation"] == 3 and "443" in rules[0]["text"],
                 (result, rules))
    history = stand.call("policy.history")["result"]["history"]
    report.equal("history says who, when, note and what again",
                 [(h["generation"], h["uid"], h["note"], h["again"])
                  for h in history],
                 [(1, os.getuid(), "first", 0), (2, os.getuid(), "second", 0),
                  (3, os.getuid(), "roll-back", 1)])
    report.equal("rollback to what is not kept fails with a sentence",
                 stand.gwctl("policy", "rollback", "99").returncode, 2)


def status(report, stand):
    path = write(stand, "same.gw", GOOD)
    stand.gwctl("policy", "load", path)
    got = json.loads(stand.gwctl("policy", "status", "--json").stdout)
    report.equal("policy status: the file is the same",
                 [s["now"] for s in got["sources"]], ["same"])
    write(stand, "same.gw", GOOD + "\n")
    got = json.loads(stand.gwctl("policy", "status", "--json").stdout)
    report.equal("policy status: the file has changed",
                 [s["now"] for s in got["sources"]], ["changed"])


def restart(report, stand):
    generation = stand.call("status")["result"]["generation"]
    stand.kill_gwd()
    stand.start_gwd()
    report.check("a new gwd loads the last good generation by itself",
                 wait_for(lambda: stand.call("status")["result"]
                          ["generation"] == generation),
                 stand.read_log()[-1500:])


def corrupt(report, stand):
    image = os.path.join(stand.state, "policy/current/image")
    good = open(image, "rb").read()
    stand.kill_gwd()
    for at in (0, 100, len(good) // 2, len(good) - 1):
        bad = bytearray(good)
        bad[at] ^= 1
        open(image, "wb").write(bytes(bad))
        stand.start_gwd()
        wait_for(lambda: "not loaded" in stand.read_log())
        report.equal("a stored image with byte %d changed is refused" % at,
                     stand.call("status")["result"]["generation"], 0)
        stand.kill_gwd()
    open(image, "wb").write(good)


def run(report):
    stand = Stand()
    try:
        first_load(report, stand)
        refusals(report, stand)
        two_phases(report, stand)
        no_disk(report, stand)
        roll_back(report, stand)
        status(report, stand)
        restart(report, stand)
        corrupt(report, stand)
    finally:
        stand.close()
