# SPDX-License-Identifier: BSD-2-Clause
"""clang-tidy on every C file of the build, side by side, bounded in time. A
file that was clean is not asked again until it, a header of ours, the checks
or the way it is compiled change."""
import concurrent.futures
import hashlib
import json
import os
import re
import shutil
import subprocess
import time

from source import ROOT, read

LIMIT_S = 150


def _commands(build):
    with open(os.path.join(build, "compile_commands.json"),
              encoding="utf-8") as file:
        entries = json.load(file)
    found = {}
    for entry in entries:
        path = os.path.relpath(os.path.join(entry["directory"],
                                            entry["file"]), ROOT)
        if path.endswith(".c") and not path.startswith(".."):
            found[path] = entry["command"]
    return found


def _digest(texts):
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()


def _check(build, path, until):
    """None when not reached, else the list of offences."""
    left = until - time.monotonic()
    if left <= 0:
        return None
    try:
        result = subprocess.run(
            ["clang-tidy", "-p", build, "--quiet", path], cwd=ROOT,
            capture_output=True, text=True, check=False, timeout=left)
    except subprocess.TimeoutExpired:
        return None
    # Warnings placed in system headers are about the C library's macros.
    shown = (line.replace(ROOT + "/", "")
             for line in result.stdout.split("\n")
             if (" warning: " in line or " error: " in line)
             and not line.startswith("/usr/"))
    offences = [re.sub(r"^(?:[\w.-]+/)?\.\./", "", line) for line in shown]
    if result.returncode and not offences:
        offences = [f"{path}: clang-tidy: {result.stderr.strip()[-200:]}"]
    return offences


def run(tap, files):
    """Adds its lines to tap."""
    claim = "clang-tidy has nothing to warn of"
    build = os.environ.get("GW_BUILD", os.path.join(ROOT, "build"))
    if not shutil.which("clang-tidy"):
        tap.skip(claim, "clang-tidy is not installed")
        return
    if not os.path.exists(os.path.join(build, "compile_commands.json")):
        tap.skip(claim, f"{build} is no build folder: run ./gw build")
        return
    commands = _commands(build)
    shared = _digest([read(path) for path in files if path.endswith(".h")] +
                     [read(".clang-tidy")])
    cache = os.path.join(build, "tidy")
    os.makedirs(cache, exist_ok=True)
    clean = {path: os.path.join(cache, _digest(
        [shared, path, read(path), commands[path]])) for path in commands
        if os.path.exists(os.path.join(ROOT, path))}
    wanted = [path for path in sorted(clean)
              if not os.path.exists(clean[path])]
    until = time.monotonic() + LIMIT_S
    offences, missed = [], 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        answers = pool.map(lambda path: _check(build, path, until), wanted)
        for path, answer in zip(wanted, answers):
            if answer is None:
                missed += 1
            elif answer:
                offences += answer
            else:
                open(clean[path], "w", encoding="utf-8").close()
    tap.result(f"{claim} ({len(clean) - missed} of {len(clean)} files)",
               offences)
    if missed:
        tap.skip(f"clang-tidy on {missed} more files",
                 f"not reached in {LIMIT_S} s; the next run goes on from here")
