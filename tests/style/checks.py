# SPDX-License-Identifier: BSD-2-Clause
"""The rules of docs/style.md that a machine can check. Each check yields
offences, "path:line: what"; its docstring is the claim that the test makes."""
import os
import re
import subprocess

from source import (ROOT, code_only, formatted_lines, functions, is_c,
                    is_script, is_shell, line_comments, read)

FILE_MAX = 800
FUNCTION_MAX = 80
DISPATCH_MAX = 120
NODE_MAX = 200
README_MAX = 150
COLUMNS = 80


def spdx(files):
    """each source file names its licence first"""
    for path in files:
        lines = read(path).split("\n", 3)
        if is_c(path):
            if lines[0] != "/* SPDX-License-Identifier: BSD-2-Clause */":
                yield f"{path}:1: first line is not the SPDX line"
        elif is_script(path) or os.path.basename(path) == "meson.build":
            place = 1 if lines[0].startswith("#!") else 0
            if lines[place] != "# SPDX-License-Identifier: BSD-2-Clause":
                yield f"{path}:{place + 1}: SPDX line expected here"


def file_says_what_it_is(files):
    """each C file says below its licence what it is"""
    for path in filter(is_c, files):
        lines = (read(path) + "\n\n").split("\n")
        if not any(line.startswith("/*") for line in lines[1:3]):
            yield f"{path}:2: no comment that says what this is"


def file_budget(files):
    """no file is longer than 800 lines"""
    for path in files:
        if is_c(path) or is_script(path):
            size = read(path).count("\n")
            if size > FILE_MAX:
                yield f"{path}: {size} lines, {FILE_MAX} allowed"


def function_budget(files):
    """no function is longer than 80 lines, a dispatching switch 120"""
    for path in files:
        if not path.endswith(".c"):
            continue
        for name, line, size, body in functions(read(path)):
            limit = DISPATCH_MAX if "switch (" in body else FUNCTION_MAX
            if size > limit:
                yield f"{path}:{line}: {name} has {size} lines, " \
                      f"{limit} allowed"


def node_budget(files):
    """no packet node is longer than 200 lines"""
    for path in files:
        if path.startswith("dataplane/packet/node/") and is_c(path):
            size = read(path).count("\n")
            if size > NODE_MAX:
                yield f"{path}: {size} lines, {NODE_MAX} allowed"


def columns(files):
    """C fits into 80 columns, tabs of 8"""
    for path in filter(is_c, files):
        for number, line in formatted_lines(read(path)):
            if len(line.expandtabs(8)) > COLUMNS:
                yield f"{path}:{number}: {len(line.expandtabs(8))} columns"


def comment_style(files):
    """C comments are never //"""
    for path in filter(is_c, files):
        for number in line_comments(read(path)):
            yield f"{path}:{number}: // comment"


def typedefs(files):
    """typedef is for function types and value handles only"""
    for path in filter(is_c, files):
        for number, line in enumerate(code_only(read(path)).split("\n"), 1):
            if re.match(r"\s*typedef\s+(struct|enum|union)\b[^(]*$", line):
                yield f"{path}:{number}: {line.strip()}"


# No allocation, lock, system call, log, clock or floating point.
_BANNED = re.compile(
    r"\b(?:(?:m|c|re)alloc|free|strdup|rte_(?:m|z|c)alloc\w*|rte_free"
    r"|v?f?printf|puts|syslog|log_\w+|rte_log|RTE_LOG"
    r"|pthread_\w+|mtx_\w+|rte_(?:spinlock|rwlock|ticketlock)\w*"
    r"|clock_gettime|gettimeofday|time|rte_rdtsc\w*|rte_get_t\w+_cycles"
    r"|read|write|readv|writev|ioctl|send|sendmsg|recv|recvmsg|poll"
    r"|epoll_\w+|open|close|usleep|nanosleep|syscall"
    r"|abort|exit|die|assert|rte_panic|rte_exit)\s*\("
    r"|\b(?:float|double)\b")
# What runs once, before or after packets.
_COLD = re.compile(r"(?:^|_)(?:create|destroy|free|init|fini|make|setup)(?:_|$)")


# Besides the nodes, what they call for each packet.
_HOT = ("dataplane/packet/flow.c", "dataplane/packet/flow.h",
        "dataplane/packet/packet.h", "dataplane/packet/classifier.c",
        "rules/image/judge.c",
        "rules/image/special.c")


def hot_path(files):
    """the hot path allocates, locks, logs, asks and calls nothing"""
    for path in files:
        node = path.startswith("dataplane/packet/node/")
        if not is_c(path) or not (node or path in _HOT):
            continue
        for name, line, _, body in functions(read(path)):
            if _COLD.search(name):
                continue
            for offset, text in enumerate(body.split("\n")):
                match = _BANNED.search(text)
                if match:
                    yield f"{path}:{line + offset}: {name} uses " \
                          f"{match.group(0).strip(' (')}"


# docs/architecture.md, "Include directions".
_MAY_INCLUDE = {
    "rules/image": (),
    "rules/lang": ("rules/image", "control/msg"),
    "control/msg": ("rules/image",),
    "control/gwd": ("rules/image", "control/msg"),
    "control/gwctl": ("rules/image", "control/msg", "rules/lang/bundle.h"),
    "control/init": ("rules/image", "control/msg"),
    "dataplane/packet": ("rules/image", "control/msg"),
    "guest-runner": ("rules/image", "control/msg"),
}


def include_directions(files):
    """includes point only where docs/architecture.md lets them"""
    for path in filter(is_c, files):
        own = next((folder for folder in _MAY_INCLUDE
                    if path.startswith(folder + "/")), None)
        for number, line in enumerate(read(path).split("\n"), 1):
            match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not match:
                continue
            target = match.group(1)
            if not os.path.exists(os.path.join(ROOT, target)) and \
                    not target.endswith(".inc"):
                yield f"{path}:{number}: {target} is no path from the root"
            elif own is not None and not target.startswith(
                    (own + "/",) + _MAY_INCLUDE[own]):
                yield f"{path}:{number}: {own} may not include {target}"


def private_headers(files):
    """x_priv.h is included from its own folder only"""
    for path in filter(is_c, files):
        for number, line in enumerate(read(path).split("\n"), 1):
            match = re.match(r'\s*#\s*include\s+"([^"]+_priv\.h)"', line)
            if match and not path.startswith("tests/") and \
                    os.path.dirname(match.group(1)) != os.path.dirname(path):
                yield f"{path}:{number}: {match.group(1)}"


_PROTOTYPE = re.compile(r"^[A-Za-z_][^;{}=#]*\)[^;{}]*;", re.M | re.S)


def contracts(files):
    """each function of a header has its contract above it"""
    for path in files:
        if not path.endswith(".h") or path.startswith("tests/"):
            continue
        text = read(path)
        lines = text.split("\n")
        covered_to = -2  # last line of the last covered prototype
        for match in _PROTOTYPE.finditer(text):
            if re.match(r"typedef|_Static|static_|[A-Z_]+\(",
                        match.group(0)):
                continue
            first = text.count("\n", 0, match.start())
            last = text.count("\n", 0, match.end())
            above = lines[first - 1].rstrip() if first else ""
            if above.endswith("*/") or first == covered_to + 1:
                covered_to = last
            else:
                yield f"{path}:{first + 1}: " \
                      f"{lines[first].strip()} has no contract"


def readme_budget(files):
    """README.md has at most 150 lines"""
    size = read("README.md").count("\n") if "README.md" in files else 0
    if not 0 < size <= README_MAX:
        yield f"README.md: {size} lines, 1 to {README_MAX} allowed"


def machine_paths(files):
    """no file speaks of one machine's paths"""
    banned = re.compile(r"(?<![\w./-])/home/\w")
    for path in files:
        if path.startswith("tests/style/"):
            continue
        for number, line in enumerate(read(path).split("\n"), 1):
            if banned.search(line):
                yield f"{path}:{number}: {line.strip()[:60]}"


def unfinished(files):
    """nothing is marked as unfinished"""
    banned = re.compile(r"\b(TODO|FIXME|XXX)\b")
    for path in files:
        if (is_c(path) or is_script(path)) and \
                not path.startswith("tests/style/"):
            for number, line in enumerate(read(path).split("\n"), 1):
                if banned.search(line):
                    yield f"{path}:{number}: {line.strip()[:60]}"


def _run(command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True,
                          check=False)


def clang_format(files):
    """C is as clang-format would write it"""
    sources = [path for path in files if is_c(path)]
    result = _run(["clang-format", "--dry-run", "-Werror"] + sources)
    for line in result.stderr.split("\n"):
        if ": error:" in line:
            yield line.split(": error:")[0]


def shellcheck(files):
    """shellcheck has nothing to warn of"""
    scripts = [path for path in files if is_script(path) and is_shell(path)]
    result = _run(["shellcheck", "-x", "-S", "warning", "-f", "gcc"] +
                  scripts)
    yield from filter(None, result.stdout.split("\n"))


ALL = (spdx, file_says_what_it_is, file_budget, function_budget, node_budget,
       columns, comment_style, typedefs, hot_path, include_directions,
       private_headers, contracts, readme_budget, machine_paths, unfinished,
       clang_format, shellcheck)
