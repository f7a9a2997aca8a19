# SPDX-License-Identifier: BSD-2-Clause
"""The checks find what they are made to find: each gets a file that breaks
its rule. A check that misses it would say "ok" of anything."""
import checks
import source

_HEAD = "/* SPDX-License-Identifier: BSD-2-Clause */\n/* A file. */\n"


def _function(lines, inside="\tx++;\n"):
    return "int f(void)\n{\n" + inside * lines + "}\n"


# check, path, text that breaks the rule
_BROKEN = (
    (checks.spdx, "a/a.c", "int x;\n"),
    (checks.spdx, "a/a.sh", "#!/bin/bash\necho\n"),
    (checks.file_says_what_it_is, "a/a.h", _HEAD.split("\n")[0] + "\nint x;\n"),
    (checks.file_budget, "a/a.c", "\n" * 801),
    (checks.function_budget, "a/a.c", _function(81)),
    (checks.function_budget, "a/a.c", _function(121, "\tswitch (x)\n")),
    (checks.node_budget, "dataplane/packet/node/a.c", "\n" * 201),
    (checks.columns, "a/a.c", "\t" * 9 + "123456789\n"),
    (checks.comment_style, "a/a.c", "int x; // here\n"),
    (checks.typedefs, "a/a.h", "typedef struct a a_t;\n"),
    (checks.hot_path, "dataplane/packet/node/a.c",
     _function(1, "\tp = malloc(1);\n")),
    (checks.hot_path, "dataplane/packet/flow.c",
     _function(1, "\tlog_warn(NULL, p);\n")),
    (checks.hot_path, "dataplane/packet/node/a.h",
     _function(1, "\tp = malloc(1);\n")),
    (checks.hot_path, "dataplane/packet/node/a.c",
     _function(1, "\tclock_gettime(0, &t);\n")),
    (checks.hot_path, "dataplane/packet/node/a.c",
     _function(1, "\tdouble rate = 0;\n")),
    (checks.include_directions, "dataplane/packet/a.c",
     '#include "guest-runner/qmp.h"\n'),
    (checks.include_directions, "guest-runner/a.c", '#include "qmp.h"\n'),
    (checks.private_headers, "control/gwd/a.c",
     '#include "dataplane/packet/classifier_priv.h"\n'),
    (checks.contracts, "a/a.h", _HEAD + "\nint f(void);\n"),
    (checks.contracts, "a/a.h",
     _HEAD + "/* Does. */\nint f(void);\n\nint g(int a,\n    int b);\n"),
    (checks.readme_budget, "README.md", "\n" * 151),
    (checks.machine_paths, "a/a.sh", "cd /home/x\n"),
    (checks.unfinished, "a/a.c", "/* TO" + "DO: later */\n"),
)
# ... and text that must pass.
_SOUND = (
    (checks.comment_style, "a/a.c", 'const char *x = "http://x"; /* // */\n'),
    (checks.contracts, "a/a.h",
     _HEAD + "/* Do. */\nint f(void);\nint g(int a,\n    int b);\n"),
    (checks.hot_path, "dataplane/packet/flow.c",
     "int flow_create(void)\n{\n\tp = malloc(1);\n}\n"),
    (checks.hot_path, "dataplane/packet/node/a.c",
     _function(1, "\tx->now_ns = now; /* never malloc() here */\n")),
)


def _offences(check, path, text):
    real_read, real_path = source.read, checks.read
    try:
        source.read = checks.read = lambda _: text
        return list(check([path]))
    finally:
        source.read, checks.read = real_read, real_path


def run():
    """Yields (claim, None or what is wrong)."""
    for check, path, text in _BROKEN:
        found = _offences(check, path, text)
        yield (f"a file that breaks it is found: {check.__doc__}",
               None if found else f"missed in {path}: {text[:50]!r}")
    for check, path, text in _SOUND:
        found = _offences(check, path, text)
        yield (f"a sound file passes: {check.__doc__}",
               "; ".join(found) or None)
