#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What QEMU's template leans on, tried with the QEMU of this machine under
TCG: as an unprivileged user in an empty network namespace, with every -sandbox
denial, it boots a kernel and initrd from sealed memfds and talks through
inherited sockets; its guest RAM arrives sealed; a vhost-user chardev by
descriptor it refuses; without a vhost-user backend it says nothing, not even
on QMP. One TAP line without a number a fact."""
import ctypes, fcntl, gzip, os, select, shutil, socket, subprocess, sys, time
import glob, tempfile

QEMU = "/usr/bin/qemu-system-x86_64"
CLONE_NEWNET = 0x40000000
F_ADD_SEALS, F_GET_SEALS = 1033, 1034
SHRINK, GROW, WRITE, SEAL = 2, 4, 8, 1
libc = ctypes.CDLL(None, use_errno=True)
SANDBOX = ("on,obsolete=deny,elevateprivileges=deny,spawn=deny,"
           "resourcecontrol=deny")
INIT = b"""#!/bin/sh
/bin/busybox echo "the guest of this test says hello"
/bin/busybox poweroff -f
"""


def fact(claim, good, detail=""):
    print("%s - %s" % ("ok" if good else "not ok", claim), flush=True)
    if not good:
        for line in str(detail).splitlines()[-15:]:
            print("# " + line)


def cpio(files):
    """A newc archive of {name: (mode, content)}."""
    out = b""
    for number, (name, (mode, content)) in enumerate(
            list(files.items()) + [("TRAILER!!!", (0, b""))]):
        console = (5, 1) if mode & 0o170000 == 0o20000 else (0, 0)
        fields = [number + 1, mode, 0, 0, 1, 0, len(content), 0, 0, *console,
                  len(name) + 1, 0]
        out += b"070701" + b"".join(b"%08X" % f for f in fields)
        out += name.encode() + b"\0"
        out += b"\0" * (-len(out) % 4) + content
        out += b"\0" * (-len(out) % 4)
    return out


def sealed(content):
    fd = os.memfd_create("fact", os.MFD_ALLOW_SEALING)
    with os.fdopen(os.dup(fd), "wb") as file:
        file.write(content)
    fcntl.fcntl(fd, F_ADD_SEALS, SEAL | SHRINK | GROW | WRITE)
    os.lseek(fd, 0, 0)
    return fd


def unprivileged():
    if libc.unshare(CLONE_NEWNET):
        os._exit(1)
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)


def start(options, fds):
    return subprocess.Popen(
        [QEMU, "-nodefaults", "-no-user-config", "-display", "none",
         "-sandbox", SANDBOX, "-no-reboot"] + options, pass_fds=fds,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, preexec_fn=unprivileged)


def guest_ram_seals(pid):
    for fd in os.listdir("/proc/%d/fd" % pid):
        path = "/proc/%d/fd/%s" % (pid, fd)
        if "memfd:memory-backend" in os.readlink(path):
            ram = os.open(path, os.O_RDWR)
            seals = fcntl.fcntl(ram, F_GET_SEALS)
            os.close(ram)
            return seals
    return None


def boot(kernel, busybox):
    initrd = gzip.compress(cpio({
        "bin": (0o40755, b""), "dev": (0o40755, b""),
        "dev/console": (0o20600, b""),
        "bin/busybox": (0o100755, open(busybox, "rb").read()),
        "bin/sh": (0o120777, b"busybox"), "init": (0o100755, INIT)}), 1)
    fds = [sealed(open(kernel, "rb").read()), sealed(initrd)]
    ours, theirs = socket.socketpair()
    qemu = start(["-machine", "pc,accel=tcg,memory-backend=mem", "-m", "256",
                  "-object",
                  "memory-backend-memfd,id=mem,size=256M,share=on",
                  "-kernel", "/dev/fd/%d" % fds[0],
                  "-initrd", "/dev/fd/%d" % fds[1],
                  "-append", "console=ttyS0 quiet panic=-1",
                  "-chardev", "socket,id=s,fd=%d" % theirs.fileno(),
                  "-device", "isa-serial,chardev=s"],
                 fds + [theirs.fileno()])
    theirs.close()
    text, end, seals = b"", time.time() + 60, None
    while time.time() < end and b"says hello" not in text:
        if not select.select([ours], [], [], 1)[0]:
            continue
        part = ours.recv(65536)
        if not part:
            break
        if seals is None:
            seals = guest_ram_seals(qemu.pid)
        text += part
    fact("QEMU, unprivileged and with every sandbox denial, boots kernel and "
         "initrd from sealed memfds by /dev/fd", b"says hello" in text,
         text.decode(errors="replace") or qemu.poll())
    fact("its shared guest RAM arrives sealed against shrinking and growing",
         seals is not None and seals & (SHRINK | GROW | SEAL) ==
         SHRINK | GROW | SEAL, seals)
    try:
        qemu.wait(20)
    except subprocess.TimeoutExpired:
        pass
    fact("a guest that powers off ends QEMU", qemu.poll() == 0, qemu.poll())
    if qemu.poll() is None:
        qemu.kill()
        qemu.wait()


def chardev_by_fd():
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("\0fact-%d" % os.getpid())
    listener.listen(1)
    qemu = start(["-machine", "none", "-chardev", "socket,id=v,fd=%d,server=on,"
                  "wait=off" % listener.fileno(),
                  "-netdev", "vhost-user,id=n,chardev=v"],
                 [listener.fileno()])
    try:
        text = qemu.communicate(timeout=10)[0].decode()
    except subprocess.TimeoutExpired:
        qemu.kill()
        text = qemu.communicate()[0].decode() + "(it ran on)"
    fact("QEMU refuses vhost-user on an inherited descriptor, so its one path "
         "is needed", "does not support FD passing" in text, text)


def greets(options, seconds):
    """Whether QMP's greeting comes in that time."""
    ours, theirs = socket.socketpair()
    qemu = start(["-machine", "none", *options, "-mon",
                  "chardev=q,mode=control", "-chardev",
                  "socket,id=q,fd=%d" % theirs.fileno()], [theirs.fileno()])
    theirs.close()
    ready = select.select([ours], [], [], seconds)[0]
    text = ours.recv(4096) if ready else b""
    running = qemu.poll() is None
    qemu.kill()
    said = qemu.communicate()[0].decode()
    return b'"QMP"' in text, running, said


def silent_without_backend():
    good, _, said = greets([], 10)
    fact("QEMU greets on an inherited QMP socket", good, said)
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, 65534, 65534)
        good, running, said = greets(
            ["-chardev", "socket,id=v,path=%s/v,server=on,wait=off" % folder,
             "-netdev", "vhost-user,id=n,chardev=v"], 3)
    fact("with a vhost-user backend that does not come it waits, and does "
         "not greet", running and not good, said)


def main():
    kernels = sorted(glob.glob("/boot/vmlinuz-*cloud*")) or \
        sorted(glob.glob("/boot/vmlinuz-*"))
    busybox = shutil.which("busybox")
    for missing, reason in ((os.geteuid() != 0, "needs root"),
                            (not os.path.exists(QEMU), "no " + QEMU),
                            (not kernels, "no kernel in /boot"),
                            (not busybox, "no busybox")):
        if missing:
            print("ok - QEMU boots by descriptors # SKIP " + reason)
            return
    boot(kernels[-1], busybox)
    chardev_by_fd()
    silent_without_backend()


sys.exit(main())
