# SPDX-License-Identifier: BSD-2-Clause
"""
A stand-in for gw-init, dataplanes and runners, so that gwd can be tested
without root, networks and guests. Used by tests/control/run.

Stand starts gwd as gw-init does (descriptor 3 the link, 4 the listener) and
answers its requests: networks and TAPs are granted, gw-rulec is really run,
dataplanes and runners are threads here that follow the messages of
control/msg/msg.h. Numbers of messages are read from that header, layouts are
written down here a second time: a change of one is noticed.
"""
import array
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time

TREE = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
BUILD = os.environ.get("GW_BUILD", os.path.join(TREE, "build"))
GWD = os.path.join(BUILD, "control/gwd/gwd")
GWCTL = os.path.join(BUILD, "control/gwctl/gwctl")
RULEC = os.path.join(BUILD, "rules/lang/gw-rulec")

ROLE = dict(rulec=2, dataplane=3, runner=4, qemu=5)


def message_numbers():
    text = open(os.path.join(TREE, "control/msg/msg.h")).read()
    names = re.findall(r"^\tX\((\w+),", text, re.M)
    return {name: i + 1 for i, name in enumerate(names)}


MSG = message_numbers()
NAME = {v: k for k, v in MSG.items()}


def send(sock, name, body, fds=()):
    data = struct.pack("=II", MSG[name], 8 + len(body)) + body
    ancillary = []
    if fds:
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                      array.array("i", fds))]
    sock.sendmsg([data], ancillary)


def receive(sock):
    """(name, body, fds), or None at the end."""
    try:
        data, ancillary, _, _ = sock.recvmsg(20000, 4096)
    except OSError:
        return None
    if not data:
        return None
    fds = array.array("i")
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(content[:len(content) - len(content) % 4])
    number, _ = struct.unpack_from("=II", data)
    return NAME[number], data[8:], list(fds)


def text(body, offset, size):
    return body[offset:offset + size].split(b"\0")[0].decode()


class Dataplane(threading.Thread):
    """Follows DP messages; what it does wrong is chosen by its attributes."""

    def __init__(self, stand, slot, pid, sock):
        super().__init__(daemon=True)
        self.stand, self.slot, self.pid, self.sock = stand, slot, pid, sock
        self.ports, self.log = {}, []
        self.live = 0
        self.open = False
        self.frozen = False
        self.start()

    def run(self):
        while True:
            got = receive(self.sock)
            if not got:
                return
            name, body, fds = got
            for fd in fds:
                os.close(fd)
            if self.frozen:
                continue
            self.log.append(name)
            getattr(self, "on_" + name.lower(), lambda b: None)(body)

    def on_dp_port(self, body):
        op, key = struct.unpack_from("=II", body)
        name = text(body, 24, 48)
        if op == 0:
            self.ports[name] = key
        else:
            self.ports.pop(name, None)

    def on_dp_load(self, body):
        generation, = struct.unpack_from("=Q", body)
        refuse = self.stand.refuse
        send(self.sock, "DP_READY", struct.pack(
            "=QiI200s", generation, -22 if refuse else 0, 1,
            b"refused by the test" if refuse else b""))

    def on_dp_swap(self, body):
        self.live, = struct.unpack_from("=Q", body)
        send(self.sock, "DP_LIVE", struct.pack("=Q", self.live))

    def on_dp_state(self, body):
        self.open = struct.unpack_from("=I", body)[0] == 1

    def on_dp_beat(self, body):
        serial, = struct.unpack_from("=Q", body)
        send(self.sock, "DP_ALIVE",
             struct.pack("=QQIIII", serial, self.live, 1, 0, 7, 0))

    def on_dp_get_stats(self, body):
        token, = struct.unpack_from("=I", body)
        for port, name in enumerate([b"guest", b"lab"]):
            drops = [0] * 64
            drops[1] = 5
            send(self.sock, "DP_STATS", struct.pack(
                "=IIII48s4Q64Q", token, port, 2, 0, name,
                11, 1100, 22, 2200, *drops))

    def on_dp_get_rules(self, body):
        token, first = struct.unpack_from("=II", body)
        send(self.sock, "DP_RULES", struct.pack(
            "=IIII512Q", token, first, 1, 1, 42, *([0] * 511)))

    def on_dp_get_flows(self, body):
        token, cursor = struct.unpack_from("=II", body)
        flow = struct.pack("=IIHHBBBBIIQ4QQ", 0x64400002, 0xc6336401,
                           40000, 443, 6, 0, 1, 0, 0, 0, self.live,
                           3, 2, 300, 200, 1500)
        send(self.sock, "DP_FLOWS", struct.pack(
            "=IIII", token, 1 if cursor == 0 else 0, 1, 0) +
            flow.ljust(64 * 72, b"\0"))

    def event(self, rule, reason, destination=0xc6336401, port=443):
        send(self.sock, "DP_EVENT", struct.pack(
            "=QQQIIIIHHHHBBBBI", 1, self.live, time.time_ns(), 0, rule,
            0x64400002, destination, 40000, port, 677, 0, 6, 0, 0, reason, 0))


class Runner(threading.Thread):
    def __init__(self, stand, slot, pid, sock):
        super().__init__(daemon=True)
        self.stand, self.slot, self.pid, self.sock = stand, slot, pid, sock
        self.least = []
        self.start()

    def state(self, state, why=b""):
        send(self.sock, "RUN_STATE",
             struct.pack("=IIQ200s", state, 0, 3, why))

    def run(self):
        while True:
            got = receive(self.sock)
            if not got:
                return
            name, body, fds = got
            if name == "RUN_IMAGE":
                self.least.append(struct.unpack_from("=Q", body)[0])
                out = [os.open("/dev/null", os.O_RDWR) for _ in range(7)]
                send(self.sock, "RUN_PREPARED", struct.pack(
                    "=iIQ200s", 0, 0, self.stand.image_version, b""), out)
                for fd in out:
                    os.close(fd)
            elif name == "RUN_STARTED":
                self.state(1)
                self.state(2)
            elif name == "RUN_EXEC":
                token, = struct.unpack_from("=I", body)
                os.write(fds[0], b"out of " + body[8:].split(b"\0")[0])
                os.close(fds.pop(0))
                send(self.sock, "RUN_EXEC_DONE",
                     struct.pack("=IiiI", token, self.stand.exec_error, 42,
                                 0))
            elif name == "RUN_STOP":
                self.state(0)
                self.stand.end(ROLE["qemu"], self.slot)
            for fd in fds:
                os.close(fd)


class Stand:
    def __init__(self, state=None):
        self.folder = tempfile.mkdtemp(prefix="gw-control-")
        self.state = state or os.path.join(self.folder, "state")
        for folder in ("trust", "images/demo"):
            os.makedirs(os.path.join(self.state, folder), exist_ok=True)
        for name in ("trust/image.pub", "images/demo/manifest",
                     "images/demo/kernel", "images/demo/initrd",
                     "images/demo/disk"):
            open(os.path.join(self.state, name), "w").close()
        self.socket = os.path.join(self.folder, "gwctl.sock")
        self.refuse = False
        self.exec_error = 0
        self.network_error = b""
        self.image_version = 5
        self.asked = []       # names of requests
        self.children = {}    # (role, slot): object
        self.spawned = []     # (role, slot, body)
        self.pid = 100
        self.lock = threading.Lock()
        self.start_gwd()

    def start_gwd(self, survivors=()):
        """survivors: (role, slot) of children that outlived the last gwd."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        listener.bind(self.socket)
        listener.listen(64)

        def place():
            os.dup2(theirs.fileno(), 60)
            os.dup2(listener.fileno(), 61)
            os.dup2(60, 3)
            os.dup2(61, 4)
            os.closerange(5, 70)
        self.log = open(os.path.join(self.folder, "gwd.log"), "a+")
        self.gwd = subprocess.Popen(
            [GWD, "--state", self.state], stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=self.log, close_fds=False,
            pass_fds=(), preexec_fn=place)
        theirs.close()
        listener.close()
        self.link = ours
        send(ours, "INIT_HELLO",
             struct.pack("=III", len(survivors), 1900000000, 0))
        for role, slot in survivors:
            self.greet(ours, role, slot)
        threading.Thread(target=self.serve, args=(ours,), daemon=True).start()

    def greet(self, link, role, slot):
        body = struct.pack("=III", role, slot, 99)
        if role != ROLE["runner"]:
            self.children[(role, slot)] = object()
            send(link, "INIT_CHILD", body)
            return
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.children[(role, slot)] = Runner(self, slot, 99, mine)
        send(link, "INIT_CHILD", body, [theirs.fileno()])
        theirs.close()

    def cut_link(self):
        self.link.shutdown(socket.SHUT_RDWR)

    def kill_gwd(self):
        self.gwd.kill()
        self.gwd.wait()
        self.cut_link()
        self.children.clear()

    def close(self):
        self.kill_gwd()
        shutil.rmtree(self.folder, ignore_errors=True)

    def alive(self):
        return self.gwd.poll() is None

    def read_log(self):
        return open(self.log.name).read()

    def done(self, link, token, error=0, why=b"", fds=()):
        send(link, "INIT_DONE",
             struct.pack("=IiI200s", token, error, self.pid, why), fds)

    def end(self, role, slot, status=9):
        with self.lock:
            child = self.children.pop((role, slot), None)
        if child is None:
            return
        if hasattr(child, "sock"):
            child.sock.close()
        send(self.link, "INIT_EXITED",
             struct.pack("=IIIi", role, slot, 0, status))

    def serve(self, link):
        while True:
            got = receive(link)
            if not got:
                return
            name, body, fds = got
            self.asked.append(name)
            token, = struct.unpack_from("=I", body)
            if name == "INIT_SPAWN":
                self.spawn(link, token, body, fds)
            elif name == "INIT_KILL":
                role, slot = struct.unpack_from("=II", body)
                self.end(role, slot)
            elif name == "INIT_NETWORK":
                op = struct.unpack_from("=I", body, 4)[0]
                error = self.network_error if op == 0 else b""
                self.done(link, token, -19 if error else 0, error)
            elif name == "INIT_TAP":
                op = struct.unpack_from("=I", body, 4)[0]
                out = [os.open("/dev/null", os.O_RDWR)] if op == 0 else []
                self.done(link, token, fds=out)
                for fd in out:
                    os.close(fd)
            for fd in fds:
                os.close(fd)

    def spawn(self, link, token, body, fds):
        role, slot = struct.unpack_from("=II", body, 4)
        self.spawned.append((role, slot, body))
        self.pid += 1
        if role == ROLE["rulec"]:
            self.done(link, token)
            self.children[(role, slot)] = object()
            threading.Thread(target=self.compile, daemon=True, args=(
                slot, [os.dup(fd) for fd in fds])).start()
        elif role == ROLE["qemu"]:
            self.children[(role, slot)] = object()
            self.done(link, token)
        else:
            ours, theirs = socket.socketpair(socket.AF_UNIX,
                                             socket.SOCK_SEQPACKET)
            kind = Dataplane if role == ROLE["dataplane"] else Runner
            self.children[(role, slot)] = kind(self, slot, self.pid, ours)
            self.done(link, token, fds=[theirs.fileno()])
            theirs.close()

    def compile(self, slot, fds):
        """gw-rulec as gw-init runs it: bundle, image, countries, JSON."""
        def place():
            for i, fd in enumerate(fds):
                os.dup2(fd, 70 + i)
            for i in range(4):
                os.dup2(70 + i, 4 + i)
        status = subprocess.run([RULEC, "--fds"], preexec_fn=place,
                                close_fds=False,
                                stdin=subprocess.DEVNULL,
                                stdout=self.log, stderr=self.log).returncode
        for fd in fds:
            os.close(fd)
        self.end(ROLE["rulec"], slot, status << 8 if status >= 0 else -status)

    # ---- talking to it ----

    def connect(self):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.connect(self.socket)
        sock.settimeout(10)
        return sock

    def raw(self, data, lines=1):
        """Send bytes, read so many lines; fewer when gwd closes."""
        sock = self.connect()
        try:
            sock.sendall(data)
        except OSError:
            pass
        out = read_lines(sock, lines)
        sock.close()
        return out

    def call(self, method, **params):
        return json.loads(self.raw(json.dumps(
            dict(jsonrpc="2.0", id=1, method=method, params=params)
        ).encode() + b"\n")[0])

    def gwctl(self, *args, timeout=30):
        return subprocess.run([GWCTL, "--socket", self.socket, *args],
                              stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=timeout)

    def dataplane(self, slot=0):
        return self.children.get((ROLE["dataplane"], slot))


def read_lines(sock, lines):
    data = b""
    try:
        while data.count(b"\n") < lines:
            part = sock.recv(65536)
            if not part:
                break
            data += part
    except OSError:
        pass
    return data.decode().splitlines()


def wait_for(what, seconds=10):
    end = time.time() + seconds
    while time.time() < end:
        if what():
            return True
        time.sleep(0.02)
    return False
