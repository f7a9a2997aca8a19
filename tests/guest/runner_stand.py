# SPDX-License-Identifier: BSD-2-Clause
"""Plays gw-init and gwd towards one gw-runner, and spawns QEMU as gw-init does.

Used by the tests of this folder. Message numbers are read from msg.h, the
layouts are written here a second time, on purpose.
"""
import array
import os
import re
import select
import socket
import struct
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("GW_BUILD", os.path.join(TREE, "build"))
TOOLS = os.path.join(BUILD, "guest-runner")
STATES = ["stopped", "booting", "running", "silent", "panicked", "failed"]
PARTS = ["kernel", "initrd", "disk"]


def numbers():
    text = open(os.path.join(TREE, "control/msg/msg.h")).read()
    names = re.findall(r"^\tX\((\w+),", text, re.M)
    return {name: i + 1 for i, name in enumerate(names)}


NUMBER = numbers()


def text_of(raw):
    return raw.split(b"\0", 1)[0].decode()


class Link:
    """One end of a SOCK_SEQPACKET link of control/msg."""

    def __init__(self, sock):
        self.sock = sock

    def send(self, name, body, fds=()):
        data = struct.pack("<II", NUMBER[name], 8 + len(body)) + body
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                   array.array("i", fds))] if fds else []
        self.sock.sendmsg([data], rights)

    def receive(self, timeout):
        """(name, body, fds), or None when nothing came."""
        if not select.select([self.sock], [], [], timeout)[0]:
            return None
        data, rights, _, _ = self.sock.recvmsg(20000, 1024)
        if not data:
            return ("CLOSED", b"", [])
        fds = array.array("i")
        for _, _, raw in rights:
            fds.frombytes(raw[:len(raw) // 4 * 4])
        number, size = struct.unpack("<II", data[:8])
        assert size == len(data)
        name = [n for n, i in NUMBER.items() if i == number][0]
        return (name, data[8:], list(fds))


class Runner:
    """A gw-runner with this process as its gw-init and its gwd."""

    def __init__(self, log=None):
        mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        fd = its.fileno()

        def move():
            os.dup2(fd, 3)
            os.set_inheritable(3, True)
        self.process = subprocess.Popen(
            [os.path.join(TOOLS, "gw-runner")], preexec_fn=move,
            close_fds=True, pass_fds=(3, fd), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=log or subprocess.DEVNULL)
        its.close()
        self.init = Link(mine)
        self.token = 0
        self.qemu = None
        self.states = []
        self.dones = {}
        self.channel()

    def channel(self):
        """Give it a new channel, as after a restart of gwd."""
        mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.init.send("CHILD_CHANNEL", struct.pack("<II", 1, 0),
                       [its.fileno()])
        its.close()
        self.gwd = Link(mine)

    def take(self, timeout):
        """Receive and sort one message; its name or None."""
        got = self.gwd.receive(timeout)
        if got is None:
            return None
        name, body, fds = got
        if name == "RUN_STATE":
            state, _, beats = struct.unpack("<IIQ", body[:16])
            self.states.append((STATES[state], text_of(body[16:]), beats))
        elif name == "RUN_EXEC_DONE":
            token, error, code, cut = struct.unpack("<IiiI", body)
            self.dones[token] = (error, code, cut)
        elif name == "RUN_PREPARED":
            error, _, version = struct.unpack("<iIQ", body[:16])
            self.prepared = (error, version, text_of(body[16:]), fds)
        return name

    def wait(self, done, seconds):
        """Take messages until done() holds; whether it did."""
        limit = time.monotonic() + seconds
        while not done():
            left = limit - time.monotonic()
            if left <= 0 or self.take(left) == "CLOSED":
                return done()
        return True

    def wait_state(self, state, seconds):
        return self.wait(lambda: self.states and self.states[-1][0] == state,
                         seconds)

    def prepare(self, folder, key, name="demo", least=0, limit_ms=0):
        """RUN_IMAGE; (error, version, text, fds)."""
        paths = [key] + [os.path.join(folder, p) for p in
                         ["manifest"] + PARTS]
        fds = [os.open(p, os.O_RDONLY) for p in paths]
        self.gwd.send("RUN_IMAGE", struct.pack("<QII48s", least, limit_ms, 0,
                                               name.encode()), fds)
        for fd in fds:
            os.close(fd)
        self.prepared = None
        self.wait(lambda: self.prepared is not None, 20)
        return self.prepared

    def start(self, fds, accel="tcg"):
        """Spawn QEMU with the seven descriptors at 4, 5, ... 10."""
        high = [os.dup(fd) for fd in fds]
        high = [fcntl_dup(fd) for fd in high]

        def move():
            for i, fd in enumerate(high):
                os.dup2(fd, 4 + i)
        args = [
            "qemu-system-x86_64", "-nodefaults", "-no-user-config",
            "-display", "none", "-no-reboot",
            "-machine", "pc,accel=" + accel, "-m", "256",
            "-sandbox", "on,obsolete=deny,elevateprivileges=deny,"
            "spawn=deny,resourcecontrol=deny",
            "-kernel", "/dev/fd/4", "-initrd", "/dev/fd/5",
            "-append", "console=ttyS0 quiet panic=-1",
            "-add-fd", "fd=6,set=1",
            "-blockdev", "driver=file,node-name=diskfile,"
            "filename=/dev/fdset/1,read-only=on,auto-read-only=off,"
            "locking=off",
            "-blockdev", "driver=raw,node-name=disk,file=diskfile,"
            "read-only=on",
            "-add-fd", "fd=7,set=2",
            "-blockdev", "driver=file,node-name=overfile,"
            "filename=/dev/fdset/2,locking=off",
            "-blockdev", "driver=qcow2,node-name=overlay,file=overfile,"
            "backing=disk",
            "-device", "virtio-blk-pci,drive=overlay",
            "-chardev", "socket,id=qmp,fd=8",
            "-mon", "chardev=qmp,mode=control",
            "-chardev", "socket,id=serial,fd=9",
            "-device", "isa-serial,chardev=serial",
            "-device", "virtio-serial-pci",
            "-chardev", "socket,id=agent,fd=10",
            "-device", "virtserialport,chardev=agent,"
            "name=org.guestgateway.agent",
            "-device", "virtio-rng-pci", "-device", "pvpanic"]
        self.qemu = subprocess.Popen(
            args, preexec_fn=move, close_fds=True,
            pass_fds=list(range(4, 11)), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for fd in high + list(fds):
            os.close(fd)
        self.gwd.send("RUN_STARTED", bytes(8))

    def boot(self, folder, key, **how):
        """Prepare, start, and wait until the agent has said hello."""
        error, _, text, fds = self.prepare(folder, key, **how)
        assert error == 0, text
        self.start(fds)
        if not self.wait_state("running", 60):
            raise AssertionError("the guest did not boot: %r" % self.states)

    def exec_begin(self, command, limit_ms=0):
        """Token and our end of the output."""
        mine, its = os.pipe()
        self.token += 1
        self.gwd.send("RUN_EXEC", struct.pack("<II4096s", self.token, limit_ms,
                                              command.encode()), [its])
        os.close(its)
        return self.token, mine

    def exec(self, command, limit_ms=20000):
        """(error, exit code, truncated, output)."""
        token, mine = self.exec_begin(command, limit_ms)
        output = b""
        while True:
            part = os.read(mine, 65536)
            if not part:
                break
            output += part
        os.close(mine)
        self.wait(lambda: token in self.dones, 5)
        return self.dones[token] + (output,)

    def console(self):
        mine, its = socket.socketpair()
        self.gwd.send("RUN_CONSOLE", bytes(8), [its.fileno()])
        its.close()
        mine.settimeout(10)
        return mine

    def stop(self, grace_ms):
        self.gwd.send("RUN_STOP", struct.pack("<II", grace_ms, 0))

    def close(self):
        for process in (self.qemu, self.process):
            if process is not None and process.poll() is None:
                process.kill()
            if process is not None:
                process.wait()


def fcntl_dup(fd):
    """The same file at a descriptor above those QEMU is given."""
    import fcntl
    high = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 40)
    os.close(fd)
    return high


class Tap:
    """TAP lines of one test program."""

    def __init__(self):
        self.number = 0
        self.failed = 0

    def ok(self, good, name, note=""):
        self.number += 1
        print("%sok %d - %s" % ("" if good else "not ", self.number, name),
              flush=True)
        if not good:
            self.failed += 1
            if note:
                print("# %s" % str(note).replace("\n", "\n# "), flush=True)
        return good

    def skip(self, name, reason):
        self.number += 1
        print("ok %d - %s # SKIP %s" % (self.number, name, reason), flush=True)

    def end(self):
        print("1..%d" % self.number, flush=True)
        return 1 if self.failed else 0
