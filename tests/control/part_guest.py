# SPDX-License-Identifier: BSD-2-Clause
"""Guests: their parts, dataplanes that die or freeze, events, commands."""
import errno
import json
import os
import struct
import subprocess
import time

from part_cli import GOOD
from stand import GWCTL, MSG, ROLE, Stand, send, wait_for


def guest(stand):
    return stand.call("guest.show", guest="desk-1")["result"]


def start(report, stand):
    got = stand.gwctl("guest", "start", "desk-1")
    report.check("guest start waits until the agent says hello",
                 got.returncode == 0 and guest(stand)["state"] == "running" and
                 guest(stand)["agent"] == "running", got.stderr)
    roles = [role for role, _, _ in stand.spawned if role != ROLE["rulec"]]
    report.equal("QEMU is started last, when dataplane and image are ready",
                 (sorted(roles), roles[-1]), ([3, 4, 5], ROLE["qemu"]))
    qemu = stand.spawned[-1][2]
    mac, vmgenid = qemu[24:30], qemu[32:48]
    report.check("its MAC address is locally administered and its vmgenid "
                 "not zero", mac[0] == 2 and any(vmgenid), mac.hex())
    return mac, vmgenid


def refresh(report, stand, mac, vmgenid):
    old = stand.dataplane()
    got = stand.gwctl("guest", "refresh", "desk-1")
    qemu = stand.spawned[-1][2]
    report.check("a refreshed guest has another MAC address and vmgenid",
                 got.returncode == 0 and qemu[24:30] != mac and
                 qemu[32:48] != vmgenid and stand.dataplane() is not old,
                 got.stderr)
    report.check("its dataplane is told the same MAC address",
                 guest(stand)["mac"] == ":".join(
                     "%02x" % b for b in qemu[24:30]))


def versions(report, stand):
    path = os.path.join(stand.state, "image-versions.json")
    report.equal("the image's version is recorded",
                 json.load(open(path)), {"demo": 5})
    stand.image_version = 9
    stand.gwctl("guest", "refresh", "desk-1")
    stand.image_version = 5
    stand.gwctl("guest", "refresh", "desk-1")
    runner = stand.children[(ROLE["runner"], 0)]
    report.equal("and the runner is told never to accept an older one",
                 (runner.least, json.load(open(path))), ([9], {"demo": 9}))
    stand.image_version = 9


def hostile_runner(report, stand):
    path = os.path.join(stand.state, "image-versions.json")
    old = stand.children[(ROLE["runner"], 0)]
    null = os.open("/dev/null", os.O_RDWR)
    old.state(5, b"\x1b[2J\xff\xfe")
    report.check("what a runner says is shown, whatever bytes it is",
                 wait_for(lambda: guest(stand).get("text") == "?[2J??"),
                 guest(stand))
    stand.gwctl("guest", "start", "desk-1")
    runner = stand.children[(ROLE["runner"], 0)]
    send(runner.sock, "RUN_PREPARED",
         struct.pack("=iIQ200s", 0, 0, 1 << 40, b""), [null] * 7)
    os.close(null)
    report.check("a runner that says prepared unasked is ended",
                 wait_for(lambda: stand.children.get((ROLE["runner"], 0))
                          is not runner))
    stand.gwctl("guest", "start", "desk-1")
    report.equal("and does not raise the version that is demanded",
                 (json.load(open(path)), guest(stand)["state"]),
                 ({"demo": 9}, "running"))


def dead_dataplane(report, stand):
    qemus = sum(role == ROLE["qemu"] for role, _, _ in stand.spawned)
    old = stand.dataplane()
    stand.end(ROLE["dataplane"], 0)
    report.check("a dead dataplane is replaced and opened again", wait_for(
        lambda: stand.dataplane() not in (None, old) and
        stand.dataplane().open))
    report.equal("with its port and the live generation",
                 (list(stand.dataplane().ports), stand.dataplane().live),
                 (["lab"], 1))
    report.equal("and QEMU runs on",
                 (sum(role == ROLE["qemu"] for role, _, _ in stand.spawned),
                  guest(stand)["state"]), (qemus, "running"))


def frozen_dataplane(report, stand):
    old = stand.dataplane()
    old.frozen = True
    began = time.time()
    ok = wait_for(lambda: stand.dataplane() not in (None, old) and
                  stand.dataplane().open)
    took = time.time() - began
    report.check("a frozen dataplane is killed after 1 s and replaced",
                 ok and 0.9 < took < 4, "took %.2f s" % took)


def hostile_dataplane(report, stand):
    for what, data in (
            ("a message that is too short", b"\1\0\0\0"),
            ("an unknown message", struct.pack("=II", 999, 8)),
            ("a message of another link", struct.pack(
                "=III", MSG["RUN_STARTED"], 16, 0) + b"\0" * 4),
            ("a message of the other direction", struct.pack(
                "=IIQ", MSG["DP_BEAT"], 16, 1)),
            ("a text without an end", struct.pack(
                "=IIQiI200s", MSG["DP_READY"], 224, 1, 0, 0, b"x" * 200))):
        old = stand.dataplane()
        old.sock.send(data)
        report.check("%s from a dataplane ends that dataplane only" % what,
                     wait_for(lambda: stand.dataplane() not in (None, old) and
                              stand.dataplane().open) and stand.alive())
    dp = stand.dataplane()
    loads = dp.log.count("DP_LOAD")
    for token in (0, 1, 0x7fffffff):
        send(dp.sock, "DP_RULES", struct.pack(
            "=IIII512Q", token, 0, 0xffffffff, 0, *([9] * 512)))
        send(dp.sock, "DP_LIVE", struct.pack("=Q", token))
        send(dp.sock, "DP_READY", struct.pack("=QiI200s", token, 0, 0, b""))
    stand.call("stats")  # answered after what came before
    report.equal("answers nobody asked for change nothing",
                 (stand.call("status")["result"]["generation"],
                  guest(stand)["dataplane"]["generation"],
                  dp.log.count("DP_LOAD"), stand.alive()),
                 (1, 1, loads, True))


def events(report, stand):
    dp = stand.dataplane()
    dp.event(rule=0xffffffff, reason=26)  # GW_REASONS: no-rule is the 26th
    ok = wait_for(lambda: stand.call("events")["result"]["events"])
    why = stand.call("why")["result"] if ok else {}
    report.equal("why tells stage, reason and a rule that would allow it",
                 (why.get("stage"), why.get("reason"),
                  "allow tcp port 443 to 198.51.100.1" in
                  why.get("would_allow", "")), ("rules", "no-rule", True))
    dp.event(rule=0, reason=27)  # as if p.web had denied it
    wait_for(lambda: len(stand.call("events")["result"]["events"]) == 2)
    got = stand.gwctl("why", "desk-1")
    report.check("why names rule, file and line",
                 "p.web" in got.stdout and "good.gw:3" in got.stdout,
                 got.stdout)
    dp.event(rule=77777, reason=200)
    wait_for(lambda: len(stand.call("events")["result"]["events"]) == 3)
    last = stand.call("events")["result"]["events"][-1]
    report.equal("numbers out of range from a dataplane are shown as unknown",
                 (last["rule"], last["reason"]), ("", "?"))
    sock = stand.connect()
    sock.sendall(b'{"jsonrpc":"2.0","id":1,"method":"events",'
                 b'"params":{"follow":true,"limit":0}}\n')
    sock.recv(65536)
    dp.event(rule=0, reason=27)
    report.equal("a follower gets each event as a notification",
                 json.loads(sock.recv(65536))["method"], "event")
    sock.close()


def questions(report, stand):
    rules = stand.call("rule.list", guest="desk-1")["result"]
    report.equal("rule list carries the dataplanes' hits",
                 [(r["rule"], r["hits"], r["line"]) for r in rules["rules"]],
                 [("p.web", 42, 3)])
    stats = stand.call("stats")["result"]["guests"]["desk-1"]
    report.equal("stats are per port, drops by reason",
                 (sorted(stats), stats["guest"]["rx_packets"],
                  stats["guest"]["drops"]),
                 (["guest", "lab"], 11, {"no-generation": 5}))
    flows = stand.call("flow.list")["result"]["flows"]
    report.equal("flow list follows the cursor to its end",
                 [(f["remote"], f["remote_port"], f["rule"]) for f in flows],
                 [("198.51.100.1", 443, "p.web")] * 2)


def commands(report, stand):
    got = stand.gwctl("guest", "exec", "desk-1", "ls", "-l")
    report.equal("guest exec prints the output and ends with its code",
                 (got.returncode, got.stdout), (42, "out of ls -l"))
    got = stand.gwctl("guest", "exec", "--json", "desk-1", "id")
    report.equal("guest exec --json carries both",
                 [json.loads(got.stdout)[k] for k in
                  ("schema", "exit_code", "output")], [1, 42, "out of id"])
    with open("/dev/full", "w") as full:
        code = subprocess.run([GWCTL, "--socket", stand.socket, "guest",
                               "exec", "desk-1", "ls"], stdout=full,
                              stderr=subprocess.DEVNULL).returncode
    report.equal("guest exec whose output can't be written ends with 125",
                 code, 125)
    stand.exec_error = -errno.ETIMEDOUT
    got = stand.gwctl("guest", "exec", "--limit", "1", "desk-1", "sleep 9")
    stand.exec_error = 0
    report.check("guest exec past its limit ends with 125 and says so",
                 got.returncode == 125 and "within its limit" in got.stderr,
                 got.stderr)
    got = stand.gwctl("guest", "exec", "nobody", "id")
    report.check("guest exec of no guest ends with 125 and says so",
                 got.returncode == 125 and "no guest \"nobody\"" in
                 got.stderr, got.stderr)
    got = stand.gwctl("guest", "console", "nobody")
    report.check("guest console of no guest ends with 1 and says so",
                 got.returncode == 1 and "no guest \"nobody\"" in got.stderr,
                 got.stderr)
    got = stand.gwctl("guest", "start", "nobody")
    report.check("an unknown guest is named, with the cure",
                 got.returncode == 1 and "nobody" in got.stderr and
                 "gwctl guest list" in got.stderr, got.stderr)


def taken_up(report, stand):
    mac = guest(stand)["mac"]
    stand.kill_gwd()
    stand.spawned.clear()
    stand.start_gwd([(ROLE["runner"], 0), (ROLE["qemu"], 0)])
    report.check("a guest that outlives gwd is running for the next one",
                 wait_for(lambda: guest(stand)["state"] == "running"))
    report.check("with a new dataplane, opened, for the same MAC address",
                 wait_for(lambda: stand.dataplane() and
                          stand.dataplane().open) and
                 guest(stand)["mac"] == mac and
                 [role for role, _, _ in stand.spawned] ==
                 [ROLE["dataplane"]], stand.spawned)
    stand.kill_gwd()
    stand.start_gwd([(ROLE["qemu"], 0)])
    report.check("one that lost its runner meanwhile is ended",
                 wait_for(lambda: guest(stand)["state"] == "stopped" and
                          not stand.children), guest(stand))
    stand.gwctl("guest", "start", "desk-1")


def broken(report, stand):
    stand.end(ROLE["qemu"], 0)
    report.check("a guest whose QEMU ends is failed, with everything gone",
                 wait_for(lambda: guest(stand)["state"] == "failed" and
                          not stand.children), guest(stand))
    report.check("and says why", "QEMU ended" in guest(stand)["text"])
    stand.gwctl("guest", "stop", "desk-1")
    report.equal("once it is stopped, the failure is done with",
                 (guest(stand)["state"], guest(stand)["text"]),
                 ("stopped", ""))
    stand.gwctl("guest", "start", "desk-1")
    stand.end(ROLE["runner"], 0)
    report.check("without a runner nothing is said of its agent",
                 wait_for(lambda: guest(stand)["state"] == "failed" and
                          guest(stand)["agent"] == "none"), guest(stand))
    got = stand.gwctl("guest", "start", "desk-1")
    report.check("a failed guest can be started again", got.returncode == 0,
                 got.stderr)
    text = GOOD.replace("desk-1", "desk-2")
    path = os.path.join(stand.folder, "other.gw")
    open(path, "w").write(text)
    stand.gwctl("policy", "load", path)
    report.check("a guest that the new policy does not name is ended",
                 wait_for(lambda: not stand.children), stand.children)


def run(report):
    stand = Stand()
    try:
        path = os.path.join(stand.folder, "good.gw")
        open(path, "w").write(GOOD)
        stand.gwctl("policy", "load", path)
        mac, vmgenid = start(report, stand)
        refresh(report, stand, mac, vmgenid)
        versions(report, stand)
        hostile_runner(report, stand)
        dead_dataplane(report, stand)
        frozen_dataplane(report, stand)
        events(report, stand)
        questions(report, stand)
        commands(report, stand)
        hostile_dataplane(report, stand)
        taken_up(report, stand)
        broken(report, stand)
    finally:
        stand.close()
