# SPDX-License-Identifier: BSD-2-Clause
"""Input that is hostile, huge or not there, and the modes of gw-rulec. Called
by run; `t` is that module."""
import json
import os
import resource
import shutil
import subprocess
import tempfile
import time

HEAD = b'language 1; timezone "UTC";\n'
SMALL = HEAD + b"""network n { uplink interface "e0" take; reach public; }
profile p { networks n; rule web allow tcp port 443; rule no deny any; }
guest g : p { image "demo"; memory 64 MiB; }
"""
MODES = {"explain": ["--explain", "g tcp port 443 to 203.0.113.9"],
         "test": ["--test"], "check": ["--check"], "print": ["--print"]}


def write(folder, name, data):
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(data)
    return path


def refused(t, folder, name, data, message, seconds=20, place=True):
    """Refused with a place and a message, quickly, in a bounded report."""
    write(folder, "case.gw", data)
    start = time.monotonic()
    done = t.rulec("--check", "case.gw", cwd=folder)
    took = time.monotonic() - start
    said = t.text(done.stderr)
    good = (done.returncode == 3 and message in said and took < seconds and
            len(said) < 20000 and (not place or "case.gw:" in said))
    t.tap(good, name, "exit %d, %.1f s, %d bytes" %
          (done.returncode, took, len(said)), said[:2000])


def hostile(t, folder):
    refused(t, folder, "a line of 10 MB is refused",
            HEAD + b"set a = {" + b" 80" * 3500000 + b" };",
            "a line longer than 65536 bytes")
    refused(t, folder, "a word of 60 kB is refused",
            HEAD + b"set " + b"a" * 60000 + b" = { 80 };",
            "word longer than 4096 bytes")
    refused(t, folder, "a string of 60 kB is refused",
            HEAD + b'country-table "' + b"a" * 60000 + b'";',
            "string longer than 4096 bytes")
    refused(t, folder, "100,000 nested blocks are refused",
            HEAD + b"profile p { gate never-both a b " + b"{\n" * 100000,
            "expected one of")
    refused(t, folder, "100,000 closing braces give a bounded report",
            HEAD + b"}\n" * 100000, "... and 99980 more errors")
    refused(t, folder, "100,000 broken sentences give a bounded report",
            HEAD + b"set x;\n" * 100000, "... and 99980 more errors")
    refused(t, folder, "50,000 wrong names are told within seconds",
            HEAD + b"".join(b"set s%d = { 80 };\n" % i for i in range(50000)) +
            b"profile p { " + b"".join(b"rule r%d allow tcp port x%d;\n" %
                                       (i, i) for i in range(50)) + b"}",
            "neither an address nor a declared set")
    refused(t, folder, "random bytes are refused",
            bytes((i * 7919 + i // 256 * 31) % 256 for i in range(1 << 20)),
            "case.gw:1:1")
    refused(t, folder, "a file of NUL bytes is refused", b"\0\n" * (1 << 19),
            "a NUL byte")
    for i in range(20):
        write(folder, "i%d.gw" % i, b'include "i%d.gw";' % (i + 1))
    write(folder, "i20.gw", b"")
    refused(t, folder, "includes nested too deep are refused",
            HEAD + b'include "i0.gw";', "includes are nested deeper than 16",
            place=False)
    for i in range(1100):
        write(folder, "w%d.gw" % i, b"")
    refused(t, folder, "too many includes are refused", HEAD +
            b"".join(b'include "w%d.gw";\n' % i for i in range(1100)),
            "it names more than 1024 files", place=False)
    with open(os.path.join(folder, "large.gw"), "wb") as file:
        file.truncate(200 << 20)
    refused(t, folder, "an include of 200 MB is refused",
            HEAD + b'include "large.gw";', "it is larger than 128 MiB")


def expect_budget(t, folder):
    rules = b"".join(
        b"rule r%d allow tcp port %d to 10.%d.%d.0/24;\n" %
        (i, i + 1, i // 256 % 256, i % 256) for i in range(20000))
    refused(t, folder, "an expect that is too wide is refused, not half "
            "checked", HEAD + b'network n { uplink interface "e" take; reach '
            b"public 10.0.0.0/8; }\nprofile p { networks n;\n" + rules +
            b'}\nguest g : p { image "d"; memory 64 MiB; }\n'
            b"expect deny g any;", "more flows than can be tried", seconds=60)


def unreadable(t, folder):
    name = "a file without permission is refused with its place"
    if os.getuid():
        t.skip(name, "needs root to become another user")
        return
    os.chmod(folder, 0o755)
    os.chmod(write(folder, "secret.gw", b""), 0)
    os.chmod(write(folder, "case.gw", HEAD + b'include "secret.gw";'), 0o644)

    def drop():
        os.setgid(65534)
        os.setuid(65534)
    # The build may lie below a folder that only root may enter.
    rulec = shutil.copy(t.RULEC, folder)
    done = subprocess.run([rulec, "--check", "case.gw"], cwd=folder,
                          capture_output=True, timeout=90, preexec_fn=drop)
    said = t.text(done.stderr)
    t.tap(done.returncode == 3 and "case.gw:2:9: error: can't read "
          '"secret.gw": Permission denied' in said, name, said)


def modes(t, folder):
    write(folder, "small.gw", SMALL)

    def run(name, arguments, code, *parts, **options):
        done = t.rulec(*arguments, cwd=folder, **options)
        said = t.text(done.stdout) + t.text(done.stderr)
        t.tap(done.returncode == code and all(p in said for p in parts), name,
              "exit %d" % done.returncode, said)
        return done
    flow = "g tcp port %d to %s"
    run("explain: an allow ends with 0 and names rule and place",
        ["--explain", flow % (443, "203.0.113.9"), "small.gw"], 0,
        "allowed by rule `p.web`", "small.gw:3:25  p.web", "network  n")
    run("explain: a deny ends with 4 and names rule and place",
        ["--explain", flow % (80, "203.0.113.9"), "small.gw"], 4,
        "p.web  rule web allow tcp port 443: other port",
        "small.gw:3:54  p.no", "denied by rule `p.no`")
    run("explain: an address of no network",
        ["--explain", flow % (443, "10.0.0.1"), "small.gw"], 4,
        "network  none", "no-network, stage network")
    run("explain: inbound from nowhere is denied",
        ["--explain", "g in tcp port 443 from 10.0.0.1", "small.gw"], 4,
        "denied")
    run("explain: an unknown guest is a usage error",
        ["--explain", "h tcp port 443 to 203.0.113.9", "small.gw"], 2,
        "flow:1:1: error: no guest is named `h`")
    for wrong in ("", "g", "g tcp", "g tcp port 80", "g any to 192.0.2.1",
                  "g tcp port 80 to 192.0.2.0/24", "g tcp port 80 to x",
                  "g tcp port 1-2 to 192.0.2.1", "g tcp port 80 to 192.0.2.1 }",
                  "g https to 192.0.2.1", "g tcp port 80 to 192.0.2.1; x"):
        run("explain: `%s` is a usage error" % wrong,
            ["--explain", wrong, "small.gw"], 2, "flow:1:")
    done = run("explain: JSON has verdict, rule and place",
               ["--json", *MODES["explain"], "small.gw"], 0)
    said = json.loads(done.stdout)
    t.tap((said["schema"], said["verdict"], said["rule"], said["file"],
           said["line"]) == (1, "allow", "p.web", "small.gw", 3),
          "explain: JSON says the same as text", said)
    run("check: a good policy is summed up", ["--check", "small.gw"], 0,
        "ok: 1 network, 2 rules, 1 guest, ")
    write(folder, "bad.gw", SMALL + b'expect allow g udp to 1.1.1.1;\nsett;')
    done = run("check: JSON diagnostics", ["--check", "--json", "bad.gw"], 3)
    said = json.loads(done.stdout)
    one = said["diagnostics"][0]
    t.tap(not said["ok"] and said["errors"] == 1 and
          (one["file"], one["line"], one["column"], one["size"],
           one["excerpt"]) == ("bad.gw", 6, 1, 4, "sett;"),
          "check: JSON names file, line, column, size and excerpt", said)
    write(folder, "bad.gw", SMALL + b'guest h : p { image "a' +
          "ü".encode() * 100 + b'"; memory 64 MiB; }')
    done = run("check: JSON stays valid where a word is cut",
               ["--check", "--json", "bad.gw"], 3)
    json.loads(done.stdout.decode("utf-8", "strict"))
    write(folder, "test.gw", SMALL + b"expect deny g udp;\n"
          b"expect allow g udp to 1.1.1.1;\n")
    run("test: a line per expect", ["--test", "test.gw"], 3,
        "ok 1 - test.gw:5:1: expect deny g udp\n",
        "not ok 2 - test.gw:6:1: expect allow g udp to 1.1.1.1\n", "1..2")
    run("a missing file is refused", ["absent.gw"], 3,
        "absent.gw: No such file or directory")
    run("a folder is refused", ["."], 3, "it is a folder")
    for arguments in ([], ["--nonsense"], ["a.gw", "b.gw"],
                      ["--check", "--print", "small.gw"],
                      ["--check", "-o", "x", "small.gw"],
                      ["--bundle", "small.gw"], ["--fds", "small.gw"]):
        run("usage error: %s" % " ".join(arguments or ["no argument"]),
            arguments, 2, "usage: gw-rulec")
    run("--help explains itself", ["--help"], 0, "exit: 0 done/allow")
    run("an output that can't be written is a failure",
        ["small.gw", "-o", "/proc/nothing"], 1, "can't write /proc/nothing")
    write(folder, "old", b"old")
    run("a refused policy leaves the old image alone",
        ["bad.gw", "-o", "old"], 3)
    t.tap(open(os.path.join(folder, "old")).read() == "old",
          "the old image is as it was")
    left = [f for f in os.listdir(folder) if f.startswith("old.")]
    t.tap(not left, "no temporary file is left", left)


def bundles(t, folder):
    write(folder, "small.gw", SMALL)
    t.rulec("small.gw", "-o", "direct", cwd=folder)
    t.rulec("--make-bundle", "bundle", "small.gw", cwd=folder)
    bundle = open(os.path.join(folder, "bundle"), "rb").read()
    direct = open(os.path.join(folder, "direct"), "rb").read()
    t.rulec("--bundle", "-o", "bundled", cwd=folder, input=bundle)
    t.tap(open(os.path.join(folder, "bundled"), "rb").read() == direct,
          "a bundle gives the same bytes as its file")
    # as gw-init starts it: bundle, image, table and diagnostics on 4 to 7
    script = ('exec 4<bundle 5>image5 6>table6 7>said7; exec "$0" --fds')
    done = subprocess.run(["sh", "-c", script, t.RULEC], cwd=folder)
    image = open(os.path.join(folder, "image5"), "rb").read()
    said = json.load(open(os.path.join(folder, "said7")))
    t.tap(done.returncode == 0 and image == direct and said["ok"],
          "--fds: image on 5, diagnostics on 7", done.returncode, said)
    write(folder, "bundle", bundle.replace(b"rule web", b"ruel web"))
    done = subprocess.run(["sh", "-c", script, t.RULEC], cwd=folder)
    said = json.load(open(os.path.join(folder, "said7")))
    t.tap(done.returncode == 3 and not said["ok"] and
          os.path.getsize(os.path.join(folder, "image5")) == 0,
          "--fds: a refusal writes no image", said)
    wrong = 0
    for size in range(0, len(bundle), 7):
        done = t.rulec("--bundle", "--check", cwd=folder, input=bundle[:size])
        wrong += done.returncode != 3 or b"bundle is broken" not in done.stderr
    t.tap(not wrong, "every cut-off bundle is refused", wrong)
    wrong = 0
    for at in range(0, 24 + 24 + 9):
        for bit in (0, 7):
            bad = bytearray(bundle)
            bad[at] ^= 1 << bit
            done = t.rulec("--bundle", "--check", cwd=folder, input=bytes(bad))
            # a changed byte of the path is still a good bundle
            wrong += done.returncode not in (3, 0)
    t.tap(not wrong, "no changed header byte makes it fall over", wrong)


def whole_language(t, folder):
    source = open(os.path.join(t.HERE, "language.gw"), "rb").read()
    write(folder, "language.gw", source)
    once = t.rulec("--print", "language.gw", cwd=folder)
    t.tap(once.returncode == 0, "the whole language is parsed",
          t.text(once.stderr))
    write(folder, "language.gw", once.stdout)
    twice = t.rulec("--print", "language.gw", cwd=folder)
    t.tap(once.stdout == twice.stdout and once.stdout,
          "the whole language: print(parse(print(x))) = print(x)")
    t.tap(t.words(source) == t.words(once.stdout),
          "the whole language: printing keeps every word")
    kept = [line.split(b"#", 1)[1].strip() for line in source.splitlines()
            if b"#" in line and b'"#' not in line]
    lost = [c for c in kept if c not in once.stdout]
    t.tap(kept and not lost, "the whole language: comments are kept", lost)


def speed(t, folder):
    write(folder, "small.gw", SMALL)
    best = 9.0
    for _ in range(10):
        start = time.monotonic()
        t.rulec("--check", "small.gw", cwd=folder)
        best = min(best, time.monotonic() - start)
    t.tap(best < 0.05, "check of a policy without countries takes < 50 ms",
          "%.1f ms" % (best * 1000))
    rules = b"".join(b"rule r%d allow tcp port %d to 10.%d.%d.0/24;\n" %
                     (i, i % 60000 + 1, i // 256 % 256, i % 256)
                     for i in range(10000))
    write(folder, "large.gw", HEAD + b"network n { uplink interface \"e\" take;"
          b" reach 10.0.0.0/8; }\nprofile p { networks n;\n" + rules +
          b'}\nguest g : p { image "d"; memory 64 MiB; }\n')
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = t.rulec("--check", "large.gw", cwd=folder)
    took = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    t.tap(done.returncode == 0 and took < 5,
          "10,000 rules are checked within 5 s of processor time",
          "%.2f s" % took, t.text(done.stderr)[:500])


WARNINGS = [
    ("rule b allow tcp port 80; rule c deny tcp port 80;",
     "rule `p.c` is never reached: `p.b` takes all that it would match"),
    ("rule b allow tcp; rule c deny tcp port 80 to 10.0.0.1;",
     "rule `p.c` is never reached"),
    ("rule b deny any; rule c allow any on n;", "`p.c` is never reached"),
    ("rule b deny any to 10.0.0.0/8; rule c allow any to 10.1.0.0/16;",
     "`p.c` is never reached"),
    ("rule b deny any to country { KP SE unknown }; "
     "rule c allow any to country { SE };", "`p.c` is never reached"),
    ("} always { rule z deny any; ", "`p.a` is never reached: `always.z`"),
    ("rule b deny any to country KP;", "denies countries without `unknown`"),
    ("rule b allow in tcp on n;", "no network of it is `routed`"),
    ("} always { rule z deny any on m; ",
     "rule `z` is on network `m`, which no guest with this rule has"),
    ("} set s = { 80 }; profile q { networks n; ", "set `s` is not used"),
    ("} profile q { networks n; ", "profile `q` is used by no guest"),
    ("} network l { uplink interface \"e9\" take; reach 10.9.0.0/16; ",
     "network `l` is not used by any profile or rule"),
    ("} profile q { } guest h : q { image \"demo\"; memory 64 MiB; ",
     "no profile of guest `h` says `networks`"),
    ("} country-table \"x.csv\"; profile q { networks n; ",
     "the country table is not used"),
    ("rule b deny any to country { UK unknown };", "no code of ISO 3166-1"),
]
# Each is near one of the above, and nothing to warn of.
SILENT = [
    "rule b allow tcp port 80; rule c deny tcp port 81;",
    "rule b allow tcp port 80; rule c deny udp port 80;",
    "rule b allow tcp port 80 on n; rule c deny tcp port 80;",
    "rule b deny any to 10.1.0.0/16; rule c allow any to 10.0.0.0/8;",
    "rule b deny any to country { KP unknown };",
    "rule b allow any to country { SE };",
    "rule b deny any to not country { SE };",
]


def warnings(t, folder):
    head = HEAD + b"""network n { uplink interface "e0" take; reach public 10.0.0.0/16; }
network m { uplink interface "e1" take; routed; reach 10.1.0.0/16; }
profile mm { networks m; } guest gm : mm { image "demo"; memory 64 MiB; }
"""
    tail = b'}\nguest g : p { image "demo"; memory 64 MiB; }\n'
    for text, wanted in WARNINGS + [(text, None) for text in SILENT]:
        head_now = head
        if "on m;" in text:
            head_now = head.replace(b"networks m; }", b"networks n; }")
        write(folder, "case.gw", head_now + b"profile p { networks n; rule a "
              b"allow udp port 9;\n" + text.encode() + tail)
        done = t.rulec("--check", "case.gw", cwd=folder)
        said = t.text(done.stderr)
        good = done.returncode == 0
        good &= wanted in said if wanted else not said
        t.tap(good, ("warned: %s" if wanted else "not warned: %s") % text,
              "exit %d" % done.returncode, said)


def shipped(t):
    folder = os.path.join(t.TREE, "rules/policy")
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".gw"):
            continue
        done = t.rulec("--check", name, cwd=folder)
        t.tap(done.returncode == 0 and not done.stderr,
              "rules/policy/%s has neither errors nor warnings" % name,
              t.text(done.stderr))


def run(t):
    for part in (hostile, expect_budget, unreadable, modes, bundles,
                 whole_language, warnings, speed):
        with tempfile.TemporaryDirectory(prefix="gw-rules-") as folder:
            part(t, folder)
    shipped(t)
