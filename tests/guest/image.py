#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The demo image: built, signed, and refused by gw-runner when altered.

    this test == control/msg ==> gw-runner       (no QEMU, no network)
        |                            |
        +-- image files by fd -------+--> sealed memfds, or a refusal
"""
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import runner_stand as stand  # noqa: E402

BUILDER = os.path.join(stand.TREE, "guest-runner/image-build")
TOOL = os.path.join(stand.TOOLS, "gw-image")
SEALED = 1 | 2 | 4 | 8  # SEAL, SHRINK, GROW, WRITE


def call(*args, **env):
    done = subprocess.run(args, capture_output=True, text=True,
                          env=dict(os.environ, GW_BUILD=stand.BUILD, **env))
    return done.returncode, (done.stdout + done.stderr).strip()


def build(folder, key, version="5", **env):
    return call(BUILDER, "demo", "--out", folder, "--key", key,
                "--version", version, **env)


def same(a, b):
    return subprocess.run(["cmp", "-s", a, b]).returncode == 0


def changed(path, offset):
    """The file with one byte changed, for the time of a `with`."""
    class Change:
        def flip(self):
            with open(path, "r+b") as file:
                file.seek(offset, os.SEEK_SET if offset >= 0 else os.SEEK_END)
                byte = file.read(1)
                file.seek(-1, os.SEEK_CUR)
                file.write(bytes([byte[0] ^ 1]))

        def __enter__(self):
            self.flip()

        def __exit__(self, *_):
            self.flip()
    return Change()


def check_builder(tap, work, key):
    good, again = work + "/demo", work + "/again"
    code, text = build(good, key)
    if not tap.ok(code == 0, "image-build makes the demo image", text):
        return False
    os.umask(0o077)  # another person's habits, another hour
    code, text = build(again, key, HOME="/nowhere")
    os.umask(0o022)
    tap.ok(all(same("%s/%s" % (good, p), "%s/%s" % (again, p))
               for p in stand.PARTS + ["manifest"]),
           "built twice from equal packages it has equal bytes", text)
    code, text = call(TOOL, "verify", good, "--key", work + "/image.pub",
                      "--name", "demo", "--least", "5")
    tap.ok(code == 0, "gw-image verify accepts it", text)
    code, text = call("fsck.ext4", "-fn", good + "/disk")
    tap.ok(code == 0, "fsck finds no fault in its disk", text)
    code, text = build(good, key, version="6")
    left = sorted(os.listdir(work))
    tap.ok(code == 0 and left == ["again", "demo", "image.key", "image.pub"],
           "building over an image replaces it and leaves nothing", left)
    mode = os.stat(key).st_mode & 0o777
    tap.ok(mode == 0o600, "the signing key is its owner's alone", oct(mode))
    return True


def check_arguments(tap, work, key):
    for args, code, word in [
            (["demo", "--out", work + "/x"], 2, "--key"),
            (["other", "--out", work + "/x", "--key", key], 2, "demo"),
            (["demo", "--out", work + "/x", "--key", key, "--version", "0"],
             2, "above 0"),
            (["demo", "--out", work + "/x", "--key", work + "/none"], 1,
             "keygen"),
            (["demo", "--out", "/etc", "--key", key], 1, "no image"),
            (["demo", "--nonsense"], 2, "unknown option")]:
        got, text = call(BUILDER, *args)
        tap.ok(got == code and word in text and
               not os.path.exists(work + "/x"),
               "image-build %s: exit %d, says \"%s\"" %
               (" ".join(a if not a.startswith("/") or a == "/etc" else "..."
                         for a in args), code, word), text)


def check_prepared(tap, runner, good, key):
    error, version, text, fds = runner.prepare(good, key, least=6)
    tap.ok(error == 0 and version == 6 and len(fds) == 7,
           "gw-runner accepts the image and gives seven descriptors", text)
    for fd, part in zip(fds, stand.PARTS):
        tap.ok(fcntl.fcntl(fd, 1034) == SEALED,
               "%s is in memory, sealed against every change" % part)
        with open("%s/%s" % (good, part), "rb") as file:
            want = file.read()
        tap.ok(os.pread(fd, len(want) + 1, 0) == want,
               "%s holds the bytes of the file" % part)
    with changed(good + "/disk", 100):
        with open(good + "/disk", "rb") as file:
            now = file.read(200)
        tap.ok(os.pread(fds[2], 200, 0) != now,
               "a file changed after the check changes nothing")
    try:
        os.pwrite(fds[2], b"x", 0)
        tap.ok(False, "the disk that QEMU gets cannot be written")
    except OSError:
        tap.ok(True, "the disk that QEMU gets cannot be written")
    for fd in fds:
        os.close(fd)


def check_refused(tap, runner, good, key, work):
    def refused(what, word, key=key, **how):
        error, _, text, fds = runner.prepare(good, key, **how)
        tap.ok(error < 0 and not fds and word in text,
               "refused: " + what, "%d %s" % (error, text))
        if not error:
            for fd in fds:
                os.close(fd)
    for part in stand.PARTS:
        size = os.path.getsize("%s/%s" % (good, part))
        for offset in [0, size // 2, size - 1]:
            with changed("%s/%s" % (good, part), offset):
                refused("%s with byte %s changed" %
                        (part, {0: "0", size - 1: "last"}.get(offset,
                                                              "middle")),
                        "%s has SHA-256" % part)
    size = os.path.getsize(good + "/manifest")
    wrong = []
    for offset in range(size):
        with changed(good + "/manifest", offset):
            error, _, text, fds = runner.prepare(good, key)
            if error >= 0 or fds or "manifest" not in text:
                wrong.append((offset, text))
    tap.ok(not wrong, "refused: the manifest with any of its %d bytes "
           "changed" % size, wrong[:3])
    for part in stand.PARTS:
        path = "%s/%s" % (good, part)
        size = os.path.getsize(path)
        with open(path, "ab") as file:
            file.write(b"\0")
        refused(part + " with a byte more", part + " ")
        os.truncate(path, size)
    shutil.copy(good + "/kernel", work + "/kernel")
    os.truncate(good + "/kernel", 1000)
    refused("a kernel cut short", "kernel has 1000 bytes")
    shutil.copy(work + "/kernel", good + "/kernel")
    shutil.copy(good + "/manifest", work + "/manifest")
    for size in [0, 1, 200, os.path.getsize(good + "/manifest") - 1]:
        os.truncate(good + "/manifest", size)
        refused("a manifest cut to %d bytes" % size, "manifest")
        shutil.copy(work + "/manifest", good + "/manifest")
    refused("a version older than one that has run", "older than 7", least=7)
    refused("the image under another name", "not of \"other\"", name="other")
    call(TOOL, "keygen", work + "/k2.key", work + "/k2.pub")
    refused("an image signed by another key", "another key",
            key=work + "/k2.pub")
    refused("a trusted key that is none", "trusted key",
            key=good + "/manifest")
    error, _, text, fds = runner.prepare(good, key)
    tap.ok(error == 0, "after all that the right image is still accepted",
           text)
    for fd in fds:
        os.close(fd)


def main():
    tap = stand.Tap()
    work = tempfile.mkdtemp(prefix="gw-image-test-")
    runner = None
    try:
        key, public = work + "/image.key", work + "/image.pub"
        code, text = call(TOOL, "keygen", key, public)
        tap.ok(code == 0, "gw-image keygen makes a key pair", text)
        if check_builder(tap, work, key):
            check_arguments(tap, work, key)
            runner = stand.Runner()
            check_prepared(tap, runner, work + "/demo", public)
            check_refused(tap, runner, work + "/demo", public, work)
            tap.ok(runner.process.poll() is None, "gw-runner outlived it all")
    finally:
        if runner is not None:
            runner.close()
        shutil.rmtree(work, ignore_errors=True)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
