#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A real guest behind gw-runner: agent, commands, console, freshness, ends.

    this test == control/msg ==> gw-runner == QMP, serial, agent == QEMU (TCG)
    (plays gw-init and gwd)                                          |
                                                      guest, no network card
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
import runner_stand as stand  # noqa: E402

LIMIT_MS = 3000


def make_image(work):
    tool = os.path.join(stand.TOOLS, "gw-image")
    subprocess.check_call([tool, "keygen", work + "/image.key",
                           work + "/image.pub"])
    subprocess.check_call(
        [os.path.join(stand.TREE, "guest-runner/image-build"), "demo",
         "--out", work + "/demo", "--key", work + "/image.key"],
        env=dict(os.environ, GW_BUILD=stand.BUILD),
        stdout=subprocess.DEVNULL)


def check_exec(tap, r):
    got = r.exec("echo out; echo err >&2; exit 7")
    tap.ok(got == (0, 7, 0, b"out\nerr\n"),
           "exec gives both outputs and the exit code", got)
    got = r.exec("kill -TERM $$")
    tap.ok(got[:2] == (0, 128 + 15), "exec tells the signal that killed", got)
    got = r.exec("no-such-program 2> /dev/null")
    tap.ok(got[1] == 127, "exec of a missing program is 127", got)
    got = r.exec("head -c 5000000 /dev/zero | tr '\\0' x")
    tap.ok(got[:3] == (0, 0, 0) and got[3] == b"x" * 5000000,
           "5 MB of output come whole", got[:3])
    begin = time.monotonic()
    got = r.exec("sleep 60", limit_ms=500)
    tap.ok(got[0] == -110 and got[1] == 137 and
           time.monotonic() - begin < 5,
           "a command past its limit is killed", got)
    got = r.exec("sleep 60 & echo started")
    tap.ok(got == (0, 0, 0, b"started\n"),
           "a process left in the background does not hold it up", got)


def check_many(tap, r):
    ends = [r.exec_begin("echo %d; sleep 1; echo %d" % (i, i))
            for i in range(8)]
    token, ninth = r.exec_begin("echo nine")
    r.wait(lambda: token in r.dones, 5)
    tap.ok(r.dones[token][0] == -16, "a ninth command at once is refused",
           r.dones.get(token))
    os.close(ninth)
    begin = time.monotonic()
    r.wait(lambda: all(t in r.dones for t, _ in ends), 10)
    texts = [os.read(fd, 100) for _, fd in ends]
    for _, fd in ends:
        os.close(fd)
    tap.ok(texts == [b"%d\n%d\n" % (i, i) for i in range(8)] and
           time.monotonic() - begin < 6,
           "eight commands run at once, their outputs apart", texts)
    token, fd = r.exec_begin("echo $$ > /tmp/pid; exec sleep 60")
    time.sleep(0.5)
    os.close(fd)
    r.wait(lambda: token in r.dones, 5)
    got = r.exec("kill -0 $(cat /tmp/pid)")
    tap.ok(token in r.dones and got[1] != 0,
           "a command whose reader goes away is killed", got)
    # A reader that waits must not hold up the others or the heartbeat.
    token, fd = r.exec_begin("cat /dev/zero")
    time.sleep(1)
    got = r.exec("echo quick")
    tap.ok(got[3] == b"quick\n" and r.states[-1][0] == "running",
           "a reader that does not read holds up nobody", got)
    os.close(fd)
    r.wait(lambda: token in r.dones, 5)


def read_until(sock, word, seconds=10):
    seen = b""
    limit = time.monotonic() + seconds
    try:
        while word not in seen and time.monotonic() < limit:
            part = sock.recv(65536)
            if not part:
                break
            seen += part
    except OSError:
        pass
    return seen


def check_console(tap, r):
    first = r.console()
    seen = read_until(first, b"demo:~#")
    tap.ok(b"demo:~#" in seen, "a console sees what was printed before", seen)
    first.send(b"echo con$((20+3))sole\n")
    seen = read_until(first, b"con23sole")
    tap.ok(b"con23sole" in seen, "what is typed runs in the guest", seen)
    second = r.console()
    seen = read_until(second, b"con23sole")
    tap.ok(b"con23sole" in seen, "a second console sees it too", seen[-200:])
    more = [r.console() for _ in range(3)]
    seen = read_until(more[2], b"too many")
    tap.ok(b"too many consoles" in seen, "a fifth console is refused", seen)
    for sock in [first, second] + more:
        sock.close()


def check_restart_of_gwd(tap, r):
    token, fd = r.exec_begin("echo $$ > /tmp/pid2; exec sleep 60")
    time.sleep(0.5)
    del r.states[:]
    r.channel()
    r.wait(lambda: r.states, 5)
    tap.ok(r.states and r.states[0][0] == "running",
           "a gwd started again is told at once that the guest runs",
           r.states)
    time.sleep(0.3)
    got = r.exec("kill -0 $(cat /tmp/pid2) || echo gone")
    tap.ok(got[3].endswith(b"gone\n"),
           "the command of the old gwd was killed, the guest was not", got)
    os.close(fd)
    beats = r.states[-1][2]
    r.wait(lambda: r.states[-1][2] > beats, 8)
    tap.ok(r.states[-1][2] > beats, "heartbeats are counted and told",
           r.states)


def check_hostile(tap, r):
    del r.states[:]
    got = r.exec("port=$(echo /dev/vport*p1); "
                 "(sleep 0.3; kill $(pidof gw-agent); "
                 "until head -c 200000 /dev/urandom > $port; do :; "
                 "done) > /dev/null 2>&1 & echo on its way")
    tap.ok(got[0] == 0, "the guest's agent is replaced by noise", got)
    tap.ok(r.wait_state("silent", 10) and "no sense" in r.states[-1][1],
           "noise on the agent's port makes it silent", r.states)
    tap.ok(r.wait_state("running", 15), "a new agent is heard through it",
           r.states)
    got = r.exec("echo back")
    tap.ok(got[3] == b"back\n", "and commands run again", got)
    tap.ok(r.process.poll() is None, "gw-runner outlived it")


def check_freeze(tap, r):
    r.qemu.send_signal(signal.SIGSTOP)
    tap.ok(r.wait_state("silent", LIMIT_MS / 1000 + 3),
           "a frozen guest is silent within its limit", r.states)
    r.qemu.send_signal(signal.SIGCONT)
    tap.ok(r.wait_state("running", 5), "and running when it goes on",
           r.states)


def identity(r):
    return r.exec("cat /etc/machine-id; ls /root; cat /marker 2>&1")[3]


def check_fresh(tap, work, r):
    r.exec("echo was-here > /marker; echo was-here > /root/marker; sync")
    before = identity(r)
    tap.ok(before.count(b"marker") == 1 and b"was-here" in before,
           "a marker is written to the guest's disk", before)
    r.stop(5000)
    tap.ok(r.wait_state("stopped", 8) and "guest-shutdown" in r.states[-1][1],
           "the power button shuts the guest down", r.states)
    r.qemu.wait()
    # The very same gw-runner makes the next guest.
    r.boot(work + "/demo", work + "/image.pub", limit_ms=LIMIT_MS)
    after = identity(r)
    tap.ok(b"was-here" not in after and b"No such file" in after,
           "a refreshed guest has no marker", after)
    tap.ok(before.split(b"\n")[0] != after.split(b"\n")[0] and
           len(after.split(b"\n")[0]) == 32,
           "and another machine-id", after)


def check_ends(tap, work, r):
    key = work + "/image.pub"
    r.stop(0)
    tap.ok(r.wait_state("stopped", 5) and "quit" in r.states[-1][1],
           "stop without grace ends it at once", r.states)
    r.qemu.wait()
    r.boot(work + "/demo", key)
    r.exec_begin("sleep 0.2; echo c > /proc/sysrq-trigger")
    tap.ok(r.wait_state("panicked", 10), "a kernel panic is told", r.states)
    r.qemu.wait()
    r.boot(work + "/demo", key)
    token, fd = r.exec_begin("sleep 60")
    time.sleep(0.3)
    r.qemu.kill()
    r.qemu.wait()
    tap.ok(r.wait_state("failed", 5) and "QEMU" in r.states[-1][1],
           "a killed QEMU is told as failed", r.states)
    r.wait(lambda: token in r.dones, 5)
    tap.ok(r.dones.get(token, (0,))[0] == -104,
           "and its commands end with an error", r.dones.get(token))
    os.close(fd)
    got = r.exec("echo too late")
    tap.ok(got[0] == -107, "without a guest a command is refused", got)


def check_no_qemu(tap, work):
    """What QEMU's silence (no dataplane) looks like is in qmp_test.c."""
    r = stand.Runner()
    try:
        r.init.sock.close()
        r.process.wait(5)
        tap.ok(r.process.returncode == 0, "gw-runner ends with gw-init")
    except subprocess.TimeoutExpired:
        tap.ok(False, "gw-runner ends with gw-init")
    finally:
        r.close()


def main():
    tap = stand.Tap()
    if shutil.which("qemu-system-x86_64") is None:
        tap.skip("a real guest", "qemu-system-x86 is not installed")
        return tap.end()
    work = tempfile.mkdtemp(prefix="gw-guest-test-")
    log = open(work + "/log", "w+")
    r = stand.Runner(log=log)
    guard = threading.Timer(240, lambda: os.kill(os.getpid(), signal.SIGTERM))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    guard.daemon = True
    guard.start()
    try:
        make_image(work)
        begin = time.monotonic()
        r.boot(work + "/demo", work + "/image.pub", limit_ms=LIMIT_MS)
        seconds = time.monotonic() - begin
        tap.ok(r.states[0][0] == "booting" and "6." in r.states[-1][1],
               "the guest boots and its agent says hello", r.states)
        print("# boot took %.1f s under TCG" % seconds)
        check_exec(tap, r)
        check_many(tap, r)
        check_console(tap, r)
        check_restart_of_gwd(tap, r)
        check_hostile(tap, r)
        check_freeze(tap, r)
        check_fresh(tap, work, r)
        check_ends(tap, work, r)
        tap.ok(r.process.poll() is None, "one gw-runner served all of them")
        check_no_qemu(tap, work)
    finally:
        r.close()
        if tap.failed:
            log.seek(0)
            for line in log.readlines()[-30:]:
                print("# " + line.rstrip())
        shutil.rmtree(work, ignore_errors=True)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
