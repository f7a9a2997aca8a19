# SPDX-License-Identifier: BSD-2-Clause
"""What tests/networks/run needs around gw-init: namespaces of its own, a
gw-init with stand-ins for its programs, a driver for the stand-in of gwd,
captures at the far side. Standard library only.

    namespace <p>-peer                  namespace <p>-host: gw-init is here
        p1 198.51.100.1/24  ==veth==  eth1   shared by network init-a
        p2 203.0.113.1/24   ==veth==  eth2   taken by network init-b
        p3 192.0.2.1/24     ==veth==  eth3   carries the default route
"""
import array, ctypes, glob, os, select, shutil, signal, socket, struct
import subprocess, sys, tempfile, time

BUILD = os.environ.get("GW_BUILD") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../../build")
INIT = os.path.join(BUILD, "control/init/gw-init")
STAND_IN = os.path.join(BUILD, "tests/networks/networks-stand-in")
REAL = {"gwd": "control/gwd/gwd", "gw-rulec": "rules/lang/gw-rulec",
        "gw-dataplane": "dataplane/packet/gw-dataplane",
        "gw-runner": "guest-runner/gw-runner"}
UID_BASE = 1960000000
NAME = "init%d" % (os.getpid() % 100000)
HOST, PEER = NAME + "-host", NAME + "-peer"
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)
ETH_P_ALL = 3
PACKET_OUTGOING = 4


def sh(command, check=True):
    done = subprocess.run(command, shell=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if check and done.returncode:
        raise RuntimeError("%s: %s" % (command, done.stdout.strip()))
    return done.stdout


class Inside:
    """`with Inside(name):` runs the block in a network namespace."""

    def __init__(self, name):
        self.fd = os.open("/run/netns/" + name, os.O_RDONLY)
        self.home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)

    def __enter__(self):
        if libc.setns(self.fd, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")

    def __exit__(self, *unused):
        libc.setns(self.home, CLONE_NEWNET)
        os.close(self.fd)
        os.close(self.home)


class Capture:
    """Every frame that arrives at a device, from now on."""

    def __init__(self, namespace, device):
        with Inside(namespace):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                        socket.htons(ETH_P_ALL))
            self.socket.bind((device, ETH_P_ALL))

    def frames(self, seconds):
        end, seen = time.time() + seconds, []
        while True:
            left = end - time.time()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                return seen
            frame, address = self.socket.recvfrom(65536)
            if address[2] != PACKET_OUTGOING:
                seen.append(frame)


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def udp_frame(dst_mac, src_mac, src, dst, sport, dport, payload):
    udp = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0x4000, 64,
                       17, 0, socket.inet_aton(src), socket.inet_aton(dst))
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return dst_mac + src_mac + b"\x08\0" + head + udp


def ip_pair(frame):
    """(source, destination, protocol) of an IPv4 frame, else None."""
    if frame[12:14] != b"\x08\0":
        return None
    return (socket.inet_ntoa(frame[26:30]), socket.inet_ntoa(frame[30:34]),
            frame[23])


class Gateway:
    """One gw-init with stand-ins, and the line to its gwd."""

    def __init__(self, extra=(), programs=("gwd", "gw-dataplane", "gw-runner",
                                           "gw-rulec")):
        """programs: which are stand-ins; the others are the built ones."""
        self.folder = tempfile.mkdtemp(prefix="gw-init-test.")
        os.chmod(self.folder, 0o755)
        self.run = self.folder + "/run"
        self.libexec = self.folder + "/libexec"
        os.mkdir(self.libexec)
        for name, built in REAL.items():
            shutil.copy(STAND_IN if name in programs else
                        os.path.join(BUILD, built), self.libexec + "/" + name)
            os.chmod(self.libexec + "/" + name, 0o755)
        self.options = ["--run-dir", self.run, "--state-dir",
                        self.folder + "/state", "--libexec", self.libexec,
                        "--uid-base", str(UID_BASE)] + list(extra)
        self.line = None

    def start(self, connect=True):
        done = self.call([])
        if done.returncode:
            raise RuntimeError(done.stdout)
        self.pid = int(open(self.run + "/init.pid").read())
        if connect:
            self.connect()

    def remove(self):
        if os.path.isdir(self.run):
            self.clean()
        shutil.rmtree(self.folder, ignore_errors=True)

    def call(self, options):
        return subprocess.run(["nsenter", "--net=/run/netns/" + HOST, INIT] +
                              self.options + options, text=True, timeout=60,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)

    def connect(self):
        if self.line:
            self.line.close()
        self.line = socket.socket(socket.AF_UNIX)
        self.line.connect(self.run + "/gwctl.sock")
        self.line.settimeout(10)
        self.text = b""
        self.events = []

    def next_line(self, seconds=10):
        end = time.time() + seconds
        while b"\n" not in self.text:
            self.line.settimeout(max(0.01, end - time.time()))
            part = self.line.recv(65536)
            if not part:
                raise EOFError("gwd closed the line")
            self.text += part
        line, self.text = self.text.split(b"\n", 1)
        return line.decode()

    def tell(self, command, fds=()):
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                      array.array("i", fds))] if fds else []
        self.line.sendmsg([command.encode() + b"\n"], ancillary)

    def ask(self, command, fds=()):
        """(error, pid, text) of a request, or the words of another answer."""
        self.tell(command, fds)
        while True:
            line = self.next_line()
            if line.startswith("event "):
                self.events.append(line.split()[1:])
                continue
            words = line.split(" ", 3)
            if words[0] == "done":
                return int(words[1]), int(words[2]), words[3]
            return words

    def event(self, kind, seconds=10):
        """Wait for a report of that kind; its words."""
        while True:
            for event in self.events:
                if event[0] == kind:
                    self.events.remove(event)
                    return event[1:]
            line = self.next_line(seconds)
            if line.startswith("event "):
                self.events.append(line.split()[1:])

    def clean(self):
        return self.call(["--clean"])

    def log(self, name):
        try:
            return open("%s/log/%s.log" % (self.run, name)).read()
        except OSError:
            return ""


def children_of(pid):
    return [int(p) for p in open("/proc/%d/task/%d/children" % (pid, pid))
            .read().split()]


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def wait_for(predicate, seconds=5):
    end = time.time() + seconds
    while time.time() < end:
        if predicate():
            return True
        time.sleep(0.02)
    return predicate()


def make_namespaces():
    for name in (HOST, PEER):
        sh("ip netns add " + name)
        for key in ("all", "default"):
            sh("ip netns exec %s sysctl -qw net.ipv6.conf.%s.disable_ipv6=1"
               % (name, key))
        sh("ip -n %s link set lo up" % name)
    for i, prefix in ((1, "198.51.100"), (2, "203.0.113"), (3, "192.0.2")):
        sh("ip -n %s link add eth%d type veth peer name p%d netns %s"
           % (HOST, i, i, PEER))
        sh("ip -n %s addr add %s.1/24 dev p%d" % (PEER, prefix, i))
        sh("ip -n %s link set p%d up; ip -n %s link set eth%d up"
           % (PEER, i, HOST, i))
    sh("ip -n %s addr add 203.0.113.9/24 dev eth2" % HOST)
    sh("ip -n %s addr add 192.0.2.9/24 dev eth3" % HOST)
    sh("ip -n %s route add default via 192.0.2.1" % HOST)
    sh("ip -n %s link add spare type veth peer name spare-end" % HOST)
    time.sleep(0.5)


def remove_namespaces():
    for name in (HOST, PEER):
        sh("ip netns delete " + name, check=False)


class Report:
    """TAP lines."""

    def __init__(self):
        self.number = self.failed = 0

    def skip(self, name, reason):
        self.number += 1
        print("ok %d - %s # SKIP %s" % (self.number, name, reason), flush=True)

    def check(self, name, good, detail=""):
        self.number += 1
        self.failed += not good
        print("%s %d - %s" % ("ok" if good else "not ok", self.number, name),
              flush=True)
        if not good and detail != "":
            for line in str(detail).splitlines():
                print("# " + line, flush=True)

    def end(self):
        print("1..%d" % self.number, flush=True)
        return 1 if self.failed else 0
