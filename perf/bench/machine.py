# SPDX-License-Identifier: BSD-2-Clause
"""What the benches need of this machine, and give back: hugepages, two CPUs,
priority over whatever else runs here."""
import ctypes
import os
import pathlib
import platform
import signal

HUGE = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB")
HUGE_MIB = 2
PR_SET_PDEATHSIG = 1


class BenchError(Exception):
    """One sentence with the cure."""


class Hugepages:
    """So many MiB of free hugepages; the former number comes back at exit."""

    def __init__(self, mib):
        self.pages = mib // HUGE_MIB
        self.before = None

    def __enter__(self):
        if not HUGE.is_dir():
            raise BenchError("this kernel has no 2 MiB hugepages")
        free = self.read("free_hugepages")
        if free < self.pages:
            total = self.read("nr_hugepages")
            # Surplus pages go by themselves when their user does.
            self.before = total - self.read("surplus_hugepages")
            self.set(total + self.pages - free)
        free = self.read("free_hugepages")
        if free < self.pages:
            self.__exit__()
            raise BenchError(
                f"only {free * HUGE_MIB} MiB of hugepages to be had, "
                f"{self.pages * HUGE_MIB} are needed: free some memory")
        return self

    def __exit__(self, *_):
        if self.before is not None:
            self.set(self.before)

    @staticmethod
    def read(name):
        return int((HUGE / name).read_text())

    @staticmethod
    def set(pages):
        try:
            (HUGE / "nr_hugepages").write_text(str(pages))
        except OSError as error:
            raise BenchError(f"can't set hugepages ({error.strerror}): "
                             "run as root") from error


def cpus():
    """The CPU of what is measured, and the generator's."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise BenchError("two CPUs are needed: one for what is measured, one "
                         "for the generator")
    return allowed[0], allowed[1]


def prefer_me():
    """In a child before exec: first in line for its CPU, gone with its parent.

    The scheduler weighs sessions against each other, so a nice value alone
    does not help against another session's work.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    try:
        os.setpriority(os.PRIO_PROCESS, 0, -20)
        with open("/proc/self/autogroup", "w", encoding="ascii") as group:
            group.write("-20")
    except OSError:
        pass  # noisier, and the noise rule sees it


def describe():
    model = "unknown CPU"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return (f"{model}, {os.cpu_count()} CPUs, Linux {platform.release()}, "
            "shared")
