# SPDX-License-Identifier: BSD-2-Clause
"""Suite `networks`: the processes of gw-init, their privileges, and how they
end. Facts are read from /proc by this test, which runs as root outside."""
import re
from lab import *

GWD, RULEC, DATAPLANE, RUNNER, QEMU = 1, 2, 3, 4, 5
HOST_SLOT = 0xfff
SLOT = 5


def usage(report, gateway):
    def run(*options):
        return subprocess.run([INIT] + list(options), text=True,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=20)
    for name, options, code, words in (
            ("an unknown option is wrong usage", ["--nonsense"], 2,
             "--nonsense is not an option"),
            ("an argument is wrong usage", ["thing"], 2, "not expected"),
            ("a relative run folder is wrong usage", ["--run-dir", "x"], 2,
             "absolute path"),
            ("a uid base that is no number is wrong usage",
             ["--uid-base", "12x"], 2, "--uid-base wants a number"),
            ("--help says how", ["--help"], 0, "--clean")):
        done = run(*options)
        report.check(name, done.returncode == code and words in done.stdout,
                     "%d %s" % (done.returncode, done.stdout))
    # The tree may lie below a folder that only root may enter.
    public = tempfile.mkdtemp()
    os.chmod(public, 0o755)
    done = subprocess.run([shutil.copy(INIT, public)], user=65534,
                          group=65534, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    shutil.rmtree(public)
    report.check("without root it says so and exits 5",
                 done.returncode == 5 and "run it as root" in done.stdout,
                 done.stdout)
    empty = tempfile.mkdtemp()
    done = run("--run-dir", empty + "/run", "--state-dir", empty + "/state",
               "--libexec", empty)
    report.check("missing programs are a sentence with the cure, and nothing "
                 "is left", done.returncode == 1 and
                 "gwd is not installed" in done.stdout and
                 os.listdir(empty + "/run") == ["lock"],
                 "%d %s" % (done.returncode, done.stdout))
    shutil.rmtree(empty)


def start(report, gateway):
    words = gateway.event("hello")
    report.check("gwd hears hello first: no survivors, the uid base, no KVM",
                 words == ["0", str(UID_BASE), "0"], words)
    done = gateway.call([])
    report.check("a second gateway beside it is refused with the first's pid",
                 done.returncode == 1 and "another gateway runs here, pid %d"
                 % gateway.pid in done.stdout, done.stdout)
    mode = os.stat(gateway.run + "/gwctl.sock").st_mode & 0o777
    report.check("every local user may connect to gwctl.sock, gwd judges",
                 mode == 0o666, oct(mode))


def status(pid):
    return dict(re.findall(r"^(\w+):\t(.*)$",
                           open("/proc/%d/status" % pid).read(), re.M))


def namespaces(pid):
    return {kind: os.readlink("/proc/%d/ns/%s" % (pid, kind))
            for kind in ("net", "mnt", "pid", "ipc", "uts")}


def qemu_fds():
    """Descriptors of a QEMU spawn: kernel, initrd, disk, overlay, three
    socketpairs. None when QEMU or a kernel is missing."""
    kernels = sorted(glob.glob("/boot/vmlinuz-*"))
    if not kernels or not shutil.which("qemu-img") or \
            not os.path.exists("/usr/bin/qemu-system-x86_64"):
        return None, None
    fds = []
    for content in (open(kernels[-1], "rb").read(), b"", b"\0" * (1 << 20)):
        fd = os.memfd_create("gw-test", os.MFD_ALLOW_SEALING)
        os.write(fd, content)
        fds.append(fd)
    fds[2] = os.open("/proc/self/fd/%d" % fds[2], os.O_RDONLY)
    overlay = os.memfd_create("gw-overlay", 0)
    subprocess.check_call(["qemu-img", "create", "-q", "-f", "qcow2",
                           "/proc/self/fd/%d" % overlay, "1M"],
                          pass_fds=(overlay,))
    pairs = [socket.socketpair() for i in range(3)]
    return fds + [overlay] + [p[1].fileno() for p in pairs], pairs


def judge(report, gateway, name, pid, role, slot, root, fds, chroot):
    """Facts that hold for every process of the gateway."""
    uid = UID_BASE + 16 * slot + role
    gid = UID_BASE + 16 * slot + (DATAPLANE if role == QEMU else role)
    facts = status(pid)
    wrong = []
    for key, wanted in (
            ("Uid", "\t".join([str(uid)] * 4)),
            ("Gid", "\t".join([str(gid)] * 4)), ("Groups", ""),
            ("CapInh", "0" * 16), ("CapPrm", "0" * 16),
            ("CapEff", "0" * 16), ("CapBnd", "0" * 16),
            ("CapAmb", "0" * 16), ("NoNewPrivs", "1")):
        if facts[key].strip() != wanted:
            wrong.append("%s is %s, not %s" % (key, facts[key], wanted))
    if facts["NSpid"].split()[-1] != "1":
        wrong.append("not the first of its PID namespace")
    ours, theirs = namespaces(gateway.pid), namespaces(pid)
    wrong += ["shares the %s namespace with gw-init" % kind for kind in ours
              if ours[kind] == theirs[kind]]
    links = sh("nsenter --net=/proc/%d/ns/net ip -o link" % pid)
    if len(links.splitlines()) != 1 or "lo:" not in links or "UP" in links:
        wrong.append("has links: " + links)
    if len(re.findall(r"Max core file size +[01] +[01] ",
                      open("/proc/%d/limits" % pid).read())) != 1:
        wrong.append("may write core files")
    entries = sorted(os.listdir("/proc/%d/root" % pid))
    if entries != sorted(root):
        wrong.append("its root holds %s" % entries)
    open_fds = sorted(int(fd) for fd in os.listdir("/proc/%d/fd" % pid))
    if fds and open_fds != fds:
        wrong.append("descriptors %s" % [(fd, os.readlink(
            "/proc/%d/fd/%d" % (pid, fd))) for fd in open_fds])
    if not chroot:
        mounts = open("/proc/%d/mountinfo" % pid).read()
        for line in mounts.splitlines():
            words = line.split()
            writable = "rw" in words[5].split(",")
            if writable and words[4] not in (
                    "/state", "/vhost", "/proc", "/dev/null", "/dev/zero",
                    "/dev/urandom"):
                wrong.append("may write to %s" % words[4])
            if "nosuid" not in words[5]:
                wrong.append("set-uid programs in %s" % words[4])
    report.check("%s: own uid, no capability, no new privileges, own "
                 "namespaces, small root%s" % (
                     name, ", its descriptors only" if fds else ""),
                 not wrong, "\n".join(wrong))


def privileges(report, gateway):
    common = ["dev", "lib", "lib64", "usr"]
    gwd = children_of(gateway.pid)[0]
    judge(report, gateway, "gwd", gwd, GWD, HOST_SLOT,
          common + ["etc", "gwd", "proc", "run", "state"], [0, 1, 2, 3, 4, 5],
          False)

    error, dataplane, text = gateway.ask("spawn 3 %d 0 0 0" % SLOT)
    report.check("a dataplane starts", error == 0, text)
    log = lambda name: gateway.log("%s-%d" % (name, SLOT))
    report.check("a dataplane may confine itself to its vhost folder",
                 wait_for(lambda: "confined" in log("gw-dataplane")),
                 log("gw-dataplane"))
    judge(report, gateway, "gw-dataplane", dataplane, DATAPLANE, SLOT, [],
          [0, 1, 2, 3, 4], True)

    error, runner, text = gateway.ask("spawn 4 %d 0 0 0" % SLOT)
    wait_for(lambda: "confined" in log("gw-runner"))
    judge(report, gateway, "gw-runner", runner, RUNNER, SLOT,
          common + ["etc", "gw-runner", "proc"], [0, 1, 2, 3, 4], False)

    fds = [os.open("/dev/null", os.O_RDWR) for i in range(4)]
    error, rulec, text = gateway.ask("spawn 2 %d 0 0 0" % HOST_SLOT, fds)
    wait_for(lambda: "confined" in gateway.log("gw-rulec"))
    judge(report, gateway, "gw-rulec", rulec, RULEC, HOST_SLOT,
          common + ["etc", "gw-rulec", "proc"], [0, 1, 2, 3, 4, 5, 6, 7],
          False)
    error, pid, text = gateway.ask("spawn 2 %d 0 0 0" % HOST_SLOT, fds)
    report.check("the same role in the same slot is refused while it runs",
                 error == -17 and "runs already" in text, (error, text))
    gateway.ask("kill 2 %d" % HOST_SLOT)
    words = gateway.event("exited")
    report.check("a killed child is reported with its pid and status",
                 words == ["2", str(HOST_SLOT), str(rulec), "9"], words)

    for name, command, count in (
            ("a role that is not there", "spawn 6 1 0 0 0", 0),
            ("gwd itself", "spawn 1 %d 0 0 0" % HOST_SLOT, 0),
            ("a slot beyond the last", "spawn 3 4096 0 0 0", 0),
            ("a host role in a guest's slot", "spawn 2 1 0 0 0", 4),
            ("too few descriptors", "spawn 2 %d 0 0 0" % HOST_SLOT, 3),
            ("a QEMU without memory", "spawn 5 1 0 1 0", 7),
            ("a QEMU of 4 PiB", "spawn 5 1 4294967295 1 0", 7),
            ("a QEMU without processors", "spawn 5 1 128 0 0", 7),
            ("KVM where it is not offered", "spawn 5 1 128 1 1", 7)):
        error, pid, text = gateway.ask(command, [fds[0]] * count)
        report.check("a request for %s is refused in words" % name,
                     error < 0 and len(text) > 5, (error, text))
    qemu(report, gateway, common)
    jail_walls(report, gateway)


def qemu(report, gateway, common):
    fds, pairs = qemu_fds()
    if not fds:
        report.skip("qemu", "QEMU or a kernel in /boot is missing")
        return
    error, pid, text = gateway.ask("spawn 5 %d 128 1 0" % SLOT, fds)
    report.check("QEMU starts from its template", error == 0, text)
    path = "%s/slot-%d/vhost/vhost.sock" % (gateway.run, SLOT)
    made = wait_for(lambda: os.path.exists(path), 10)
    report.check("QEMU makes the vhost socket, for the dataplane's group "
                 "alone", made and os.stat(path).st_gid ==
                 UID_BASE + 16 * SLOT + DATAPLANE and
                 os.stat(path).st_mode & 0o777 == 0o770 and
                 os.stat(os.path.dirname(path)).st_mode & 0o777 == 0o750,
                 gateway.log("qemu-system-x86_64-%d" % SLOT))
    if not made:
        return
    judge(report, gateway, "qemu", pid, QEMU, SLOT,
          common + ["etc", "proc", "vhost"], None, False)
    seccomp = status(pid)["Seccomp"]
    report.check("QEMU runs under its seccomp filter", seccomp == "2", seccomp)
    gateway.qemu = pid


def jail_walls(report, gateway):
    """What gwd sees, asked of gwd itself."""
    seen = {}
    for path in ("/state", "/run", "/run/gwctl.sock", "/etc/shadow", "/root",
                 "/dev/net", "/dev/kvm", "/sys", "/home", "/tmp", "/usr/bin",
                 "/proc/sys", "/proc/meminfo"):
        error, writable, text = gateway.ask("peek " + path)
        seen[path] = (error == 0, bool(writable))
    wanted = {path: (False, False) for path in seen}
    wanted.update({"/state": (True, True), "/run": (True, False),
                   "/run/gwctl.sock": (True, True)})
    report.check("gwd may write to the state folder, sees the run folder, and "
                 "nothing else of the host", seen == wanted, seen)


def log_bound(report, gateway):
    begin = time.time()
    error, pid, text = gateway.ask("flood 64")
    size = sum(os.path.getsize(f) for f in
               glob.glob(gateway.run + "/log/gwd.log*"))
    report.check("a child that writes 64 MiB to its log is not held up, and "
                 "2 MiB at most are kept", error == 0 and
                 time.time() - begin < 9 and (1 << 20) <= size < (2 << 20),
                 size)
    time.sleep(2)
    gateway.tell("flood 1")
    report.check("the log says how much is missing", wait_for(
        lambda: "bytes of log thrown away" in gateway.log("gwd")))
    gateway.next_line()


def restart(report, gateway):
    runner = [p for p in children_of(gateway.pid)
              if status(p)["Uid"].startswith(str(UID_BASE + 16 * SLOT + 4))]
    dataplane = [p for p in children_of(gateway.pid)
                 if status(p)["Uid"].startswith(str(UID_BASE + 16 * SLOT + 3))]
    qemu_pid = getattr(gateway, "qemu", None)
    gateway.tell("exit 3")
    wait_for(lambda: not alive(dataplane[0]))
    gateway.connect()
    hello = gateway.event("hello")
    expected = {("4", str(SLOT), str(runner[0]), "1")}
    if qemu_pid:
        expected.add(("5", str(SLOT), str(qemu_pid), "0"))
    seen = {tuple(gateway.event("child")) for i in expected}
    report.check("gwd that ends is started again and hears of the survivors, "
                 "the runner with a fresh channel",
                 int(hello[0]) == len(expected) and seen == expected,
                 (hello, seen))
    report.check("its dataplane was killed, runner and QEMU live",
                 not alive(dataplane[0]) and alive(runner[0]) and
                 (not qemu_pid or alive(qemu_pid)))
    error, pid, text = gateway.ask("spawn 3 %d 0 0 0" % SLOT)
    report.check("a fresh dataplane takes its place", error == 0, text)

    for name, raw in (("a truncated header", "01"),
                      ("an unknown type", "ff00000008000000"),
                      ("a message of another link",
                       "0e00000010000000" + "00" * 8),
                      ("a wrong length", "0300000010000000" + "00" * 8)):
        gateway.tell("raw " + raw)
        try:
            while gateway.next_line():
                pass
        except (EOFError, ConnectionError):
            pass
        gateway.connect()
        hello = gateway.event("hello", 15)
        report.check("gwd that sends %s is killed and started again" % name,
                     len(hello) == 3)
    report.check("the log names the offence",
                 "spoke out of turn" in gateway.log("gw-init"))


def left(gateway):
    """Everything of a gateway that is still there."""
    things = [os.path.basename(f) for f in glob.glob(gateway.run + "/*")
              if os.path.basename(f) not in ("lock", "log")]
    things += [line for line in open("/proc/self/mounts")
               if gateway.folder in line]
    things += [n for n in os.listdir("/run/netns") if n.startswith("gw-init-")]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            uid = int(status(int(pid))["Uid"].split()[0])
        except (OSError, KeyError):
            continue
        if UID_BASE <= uid < UID_BASE + 65536 and alive(int(pid)):
            things.append("process " + pid)
    return things


def stop(report, gateway):
    gateway.ask("up init-a eth1 0 0 198.51.100.2 24 198.51.100.1 0")
    gateway.ask("up init-b eth2 1 0 0 0 203.0.113.1 1")
    pids = children_of(gateway.pid)
    os.kill(gateway.pid, signal.SIGTERM)
    ended = wait_for(lambda: not alive(gateway.pid), 15)
    report.check("SIGTERM ends gw-init and every child",
                 ended and not any(map(alive, pids)), pids)
    report.check("then no process, namespace, mount or file is left",
                 not left(gateway), left(gateway))
    text = sh("ip -n %s addr show eth2" % HOST)
    report.check("and the taken interface is back, up, with its address",
                 "203.0.113.9/24" in text and "UP" in text, text)


def killed(report, gateway):
    gateway.start()
    gateway.ask("spawn 3 %d 0 0 0" % SLOT)
    gateway.ask("spawn 4 %d 0 0 0" % SLOT)
    fds, pairs = qemu_fds()
    if fds:
        gateway.ask("spawn 5 %d 128 1 0" % SLOT, fds)
    gateway.ask("up init-a eth1 0 0 198.51.100.2 24 198.51.100.1 0")
    gateway.ask("up init-b eth2 1 0 0 0 203.0.113.1 1")
    pids = children_of(gateway.pid)
    os.kill(gateway.pid, signal.SIGKILL)
    report.check("SIGKILL of gw-init takes every child with it (%d)"
                 % len(pids), len(pids) >= 3 and
                 wait_for(lambda: not any(map(alive, pids)), 3), pids)
    report.check("its namespaces stay, silent, until they are cleaned",
                 os.path.exists("/run/netns/gw-init-b"))
    done = gateway.call([])
    gateway.connect()
    error, pid, text = gateway.ask(
        "up init-a eth1 0 0 198.51.100.2 24 198.51.100.1 0")
    report.check("the next gateway refuses the name and says the cure",
                 error == -17 and "gw down --force" in text, (error, text))
    done = gateway.clean()
    report.check("--clean ends a running gateway and removes what a killed "
                 "one left", done.returncode == 0 and not left(gateway),
                 (done.stdout, left(gateway)))
    text = sh("ip -n %s addr show eth2" % HOST)
    report.check("and returns the taken interface with its address",
                 "203.0.113.9/24" in text and "UP" in text, text)
    done = gateway.clean()
    report.check("--clean again finds nothing to do", done.returncode == 0,
                 done.stdout)
