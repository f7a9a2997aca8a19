# SPDX-License-Identifier: BSD-2-Clause
"""The sides of a packet bench: our gw-dataplane, and dpdk-testpmd. Each serves
two vhost-user sockets on the same CPU, and gw-gen drives both the same way.

Busy cycles are counted by the side itself between two marks, under load:
testpmd prints them (--record-core-cycles), gw-dataplane writes them to its
--stats file.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

from machine import BenchError, prefer_me

BURST = 32
# The generator's leanest path, the same beside every side: gw-dataplane does not
# offer VIRTIO_F_IN_ORDER and testpmd does; rte_vhost serves buffers alike with
# and without merging. Neither changes testpmd's own cycles.
DEVICE = "mrg_rxbuf=0,in_order=0,vectorized=1"
PATIENCE_S = 15


def wait_for(condition, what, process=None):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if process and process.poll() is not None:
            raise BenchError(f"{what}: it ended with {process.returncode}")
        if time.monotonic() > end:
            raise BenchError(f"{what}: nothing within {PATIENCE_S} s")
        time.sleep(0.01)


class Generator:
    """Arguments of gw-gen that all sides of a case share."""

    def __init__(self, program, cpu, warm, measure, arguments):
        self.program = str(program)
        self.cpu = cpu
        self.warm = warm
        self.measure = measure
        self.arguments = [str(a) for a in arguments]

    def start(self, guest, far, log):
        return subprocess.Popen(
            [self.program, "--guest", guest, "--far", far, "--core",
             str(self.cpu), "--warm", str(self.warm), "--measure",
             str(self.measure), "--burst", str(BURST), "--device", DEVICE,
             *self.arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            text=True, preexec_fn=prefer_me)


class Side:
    """One program under test; subclasses start it and read its counters."""

    name = "?"

    def __init__(self, folder, cpu, generator):
        self.folder = pathlib.Path(folder)
        self.cpu = cpu
        self.generator = generator
        self.process = self.log = None
        self.sockets = [str(self.folder / "guest.sock"),
                        str(self.folder / "far.sock")]

    def launch(self, arguments, **pipes):
        self.log = open(self.folder / f"{self.name}.log", "w",
                        encoding="utf-8")
        self.process = subprocess.Popen(arguments, preexec_fn=prefer_me,
                                        stderr=self.log, **pipes)
        wait_for(lambda: all(map(os.path.exists, self.sockets)),
                 f"{self.name} makes its sockets", self.process)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None
        if self.log:
            self.log.close()

    def measure(self):
        """One round: cycles a packet of this side, and the generator's."""
        for path in self.sockets:
            pathlib.Path(path).unlink(missing_ok=True)
        generator = None
        try:
            self.start()
            generator = self.generator.start(*self.sockets, self.log)
            if generator.stdout.readline() != "measuring\n":
                raise BenchError("gw-gen does not start, see "
                                 f"{self.folder}/{self.name}.log")
            self.begin()
            result = json.loads(generator.stdout.readline() or "{}")
            busy, packets = self.end()
        finally:
            if generator:
                generator.stdin.close()
                try:
                    generator.wait(5)
                except subprocess.TimeoutExpired:
                    generator.kill()
                    generator.wait()
            self.stop()
        if not result.get("frames") or not packets:
            raise BenchError(f"{self.name} carried nothing, see "
                             f"{self.folder}/{self.name}.log")
        return {"cycles": busy / packets, "mpps": result["mpps"],
                "generator": result["cycles_per_packet"],
                "generator_busy": result["busy_share"],
                "lost": result["lost"], "foreign": result["foreign"]}


class Testpmd(Side):
    """dpdk-testpmd, forwarding mode mac, net_vhost on both sockets."""

    name = "testpmd mac"
    terminal = None
    CYCLES = re.compile(rb"total cycles=(\d+) / total mac packets=(\d+)")

    def start(self):
        program = shutil.which("dpdk-testpmd")
        if not program:
            raise BenchError("dpdk-testpmd is missing: ./gw deps bench")
        devices = [part for i, path in enumerate(self.sockets) for part in
                   ("--vdev", f"net_vhost{i},iface={path},queues=1")]
        # On a terminal it writes line by line.
        self.terminal, theirs = os.openpty()
        self.launch(
            [program, f"--lcores=0@{self.cpu},1@{self.cpu}", "--in-memory",
             "--no-pci", "--no-telemetry", "-m", "128", *devices, "--", "-i",
             "--total-num-mbufs=16384",
             "--nb-cores=1", "--txd=1024", "--rxd=1024", f"--burst={BURST}",
             "--record-core-cycles", "--forward-mode=mac"],
            stdin=subprocess.PIPE, stdout=theirs, bufsize=0)
        os.close(theirs)
        os.set_blocking(self.terminal, False)
        self.output = b""
        self.say("start")
        wait_for(lambda: b"packet forwarding" in self.read(),
                 "testpmd starts forwarding", self.process)

    def stop(self):
        super().stop()
        if self.terminal is not None:
            os.close(self.terminal)
        self.terminal = None

    def read(self):
        try:
            self.output += os.read(self.terminal, 65536)
        except BlockingIOError:
            pass
        return self.output

    def say(self, command):
        self.process.stdin.write(command.encode() + b"\n")

    def begin(self):
        self.say("clear fwd stats all")

    def end(self):
        self.say("show fwd stats all")
        wait_for(lambda: self.CYCLES.search(self.read()),
                 "testpmd shows its cycles", self.process)
        busy, packets = self.CYCLES.search(self.output).groups()
        return int(busy), int(packets)


class Gateway(Side):
    """gw-dataplane --standalone: the whole graph, one policy, one guest."""

    name = "gateway"

    def __init__(self, folder, cpu, generator, program, policy, flows,
                 nat=None, name=None):
        super().__init__(folder, cpu, generator)
        self.program = str(program)
        self.policy = str(policy)
        self.flows = flows
        self.nat = nat
        self.name = name or self.name
        self.stats = self.folder / f"{self.name}.stats"
        self.drops = {}

    def start(self):
        guest, far = self.sockets
        network = f"far=vhost:{far}" + (f",nat={self.nat}" if self.nat else "")
        self.stats.unlink(missing_ok=True)
        self.launch(
            [self.program, "--standalone", "--policy", self.policy, "--guest",
             "bench", "--guest-port", f"vhost:{guest}", "--network-port",
             network, "--any-memory", "--flows", str(self.flows), "--lcore",
             str(self.cpu), "--stats", str(self.stats)],
            stdin=subprocess.DEVNULL, stdout=self.log_fd())

    def log_fd(self):
        return open(self.folder / f"{self.name}.out", "w", encoding="utf-8")

    def snapshot(self):
        """The counters now: SIGUSR1 makes the gateway write its file."""
        self.stats.unlink(missing_ok=True)
        self.process.send_signal(signal.SIGUSR1)
        wait_for(self.stats.exists, "gw-dataplane writes its counters",
                 self.process)
        return json.loads(self.stats.read_text())

    def begin(self):
        self.first = self.snapshot()

    def end(self):
        last = self.snapshot()
        self.drops = {reason: count for reason, count in
                      last.get("drops", {}).items() if count}
        return (last["busy_cycles"] - self.first["busy_cycles"],
                last["packets"] - self.first["packets"])
