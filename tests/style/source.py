# SPDX-License-Identifier: BSD-2-Clause
"""The tree as the style checks see it: which files, which functions in them,
and a C text without its comments and strings."""
import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


def tree_files():
    """Paths, from the root, of every file that belongs to the project."""
    try:
        text = subprocess.run(
            ["git", "-c", "safe.directory=*", "ls-files", "-co",
             "--exclude-standard"], cwd=ROOT, check=True,
            capture_output=True, text=True).stdout
        paths = text.split("\n")
    except (OSError, subprocess.CalledProcessError):
        paths = [os.path.relpath(os.path.join(folder, name), ROOT)
                 for folder, _, names in os.walk(ROOT) for name in names
                 if "/." not in folder and "/build" not in folder]
    return sorted(path for path in set(paths)
                  if path and os.path.isfile(os.path.join(ROOT, path)))


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8",
              errors="replace") as file:
        return file.read()


def is_c(path):
    return path.endswith((".c", ".h"))


def is_script(path):
    """Shell or Python, by its first line or its name."""
    if path.endswith((".sh", ".py")):
        return True
    if "." in os.path.basename(path) or path.startswith("docs/"):
        return False
    return read(path)[:2] == "#!"


def is_shell(path):
    first = read(path).split("\n", 1)[0]
    return path.endswith(".sh") or re.match(r"#!.*\b(ba)?sh\b", first)


_TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def code_only(text):
    """C with comments gone and strings empty; lines keep their numbers."""
    def blank(match):
        token = match.group(0)
        if token[0] in "\"'":
            return token[0] * 2
        return "\n" * token.count("\n")
    return _TOKEN.sub(blank, text)


def line_comments(text):
    """Line numbers of // comments."""
    return [text.count("\n", 0, match.start()) + 1
            for match in _TOKEN.finditer(text)
            if match.group(0).startswith("//")]


def formatted_lines(text):
    """(number, line) outside "clang-format off" ... "on"."""
    off = False
    for number, line in enumerate(text.split("\n"), 1):
        if "clang-format off" in line:
            off = True
        if not off:
            yield number, line
        if "clang-format on" in line:
            off = False


def functions(text):
    """(name, first line, lines, body) of each function of a kernel-style C
    file: its brace stands alone in the first column."""
    lines = code_only(text).split("\n")
    start = None
    for index, line in enumerate(lines):
        if line.startswith("{"):
            start = index
        elif line.startswith("}") and start is not None:
            head = " ".join(lines[max(0, start - 6):start])
            names = re.findall(r"(\w+)\s*\(", head)
            end_of_last = re.split(r"[;}]", head)[-1]
            last = re.findall(r"(\w+)\s*\(", end_of_last)
            name = (last or names or ["?"])[0]
            yield (name, start + 1, index - start,
                   "\n".join(lines[start:index + 1]))
            start = None
