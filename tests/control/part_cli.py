# SPDX-License-Identifier: BSD-2-Clause
"""gwctl without a gateway: exit codes, sentences, help, tools beside it."""
import json
import os
import subprocess
import tempfile

from stand import GWCTL, TREE

GOOD = """language 1; timezone "Etc/UTC";
network lab { uplink interface "lab0" share; address 198.51.100.2/24; \
reach 198.51.100.0/24; }
profile p { networks lab; rule web allow tcp port 443 on lab; }
guest desk-1 : p { image "demo"; memory 256 MiB; }
"""


def gwctl(*args, **env):
    return subprocess.run([GWCTL, *args], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=30,
                          env=dict(os.environ, **env))


def wrong_words(report):
    cases = [
        (["polcy", "check"], 2, "did you mean `policy`"),
        (["policy", "chekc"], 2, "did you mean `check`"),
        (["guest"], 2, "needs a verb"),
        (["guest", "list", "--jsno"], 2, "did you mean `--json`"),
        (["guest", "start"], 2, "usage: gwctl guest start GUEST"),
        (["status", "x"], 2, "usage: gwctl status"),
        (["events", "--limit", "many"], 2, "must be a number"),
        (["events", "--limit"], 2, "needs a value"),
        (["policy", "explain", "desk-1"], 2, "--policy FILE"),
        (["completion", "fish"], 2, "bash only"),
        (["help", "plicy"], 2, "did you mean `policy`"),
        (["image", "build", "other"], 2, "`demo`"),
    ]
    for args, code, text in cases:
        got = gwctl(*args)
        report.check(
            "gwctl %s ends with %d and one sentence" % (" ".join(args), code),
            got.returncode == code and text in got.stderr and
            got.stderr.count("\n") == 1 and got.stdout == "",
            "%d %r %r" % (got.returncode, got.stderr, got.stdout))


def no_gateway(report):
    with tempfile.TemporaryDirectory() as folder:
        got = gwctl("status", GW_RUN_DIR=folder)
        report.check("without a gateway: exit 6 and the cure",
                     got.returncode == 6 and "gw up" in got.stderr,
                     got.stderr)
        got = gwctl("status", "--json", GW_RUN_DIR=folder)
        error = json.loads(got.stdout)
        report.equal("with --json the error is an object with schema 1",
                     (error["schema"], error["error"]["exit"]), (1, 6))
        got = gwctl("guest", "exec", "desk-1", "true", GW_RUN_DIR=folder)
        report.equal("guest exec without a gateway ends with 125",
                     got.returncode, 125)
        for args in (["plicy", "--json"], ["policy", "--json"],
                     ["policy", "chekc", "--json"]):
            error = json.loads(gwctl(*args).stdout)
            report.equal("gwctl %s: the error is JSON too" % " ".join(args),
                         (error["schema"], error["error"]["exit"]), (1, 2))
        got = gwctl("image", "list", "--state-dir", folder)
        report.check("image list without images says how to make one",
                     got.returncode == 1 and "image build demo" in got.stderr,
                     got.stderr)
        os.mkdir(folder + "/image")
        got = gwctl("image", "verify", folder + "/image", "--state-dir",
                    folder)
        report.check("image verify without a key says which and the cure",
                     got.returncode == 1 and "trust/image.pub" in got.stderr
                     and "image build demo" in got.stderr, got.stderr)
        got = gwctl("status", "--socket", "x" * 200)
        report.equal("a socket path that can't be one ends with 2",
                     got.returncode, 2)


def generated(report):
    page = gwctl("--man").stdout
    kept = open(os.path.join(TREE, "docs/man/gwctl.8")).read()
    report.check("docs/man/gwctl.8 is what gwctl --man prints", page == kept,
                 "make it again: gwctl --man > docs/man/gwctl.8")
    script = gwctl("completion", "bash").stdout
    got = subprocess.run(
        ["bash", "-c", script + "\nCOMP_WORDS=(gwctl guest st); COMP_CWORD=2;"
         "_gwctl; echo ${COMPREPLY[*]}"], capture_output=True, text=True)
    report.equal("completion knows the verbs of a noun",
                 sorted(got.stdout.split()), ["start", "stop"])
    got = subprocess.run(
        ["bash", "-c", script + "\ngwctl() { printf 'GUEST  STATE\\nweb-1  "
         "failed\\n\\nweb-1: why\\n'; }; COMP_WORDS=(gwctl events --guest '')"
         "; COMP_CWORD=3; _gwctl; echo ${COMPREPLY[*]}"],
        capture_output=True, text=True)
    report.equal("and the names of guests, also behind --guest",
                 got.stdout.split(), ["web-1"])
    codes = [line.split()[0] for line in
             gwctl("help", "exit-codes").stdout.splitlines()[:9]]
    report.equal("help exit-codes lists 0 to 8", codes,
                 [str(i) for i in range(9)])
    nouns = [line.split() for line in gwctl("help").stdout.splitlines()
             if line.startswith("  ") and line[2:3].strip()]
    verbs = [words[:2] for words in nouns if words[1:] and
             words[1].isalpha() and words[1].islower()]
    wide = [line for args in [["help"]] + [["help"] + v for v in verbs]
            for line in gwctl(*args).stdout.splitlines() if len(line) > 80]
    report.equal("help fits 80 columns", wide, [])
    report.equal("version --json has schema 1",
                 json.loads(gwctl("version", "--json").stdout)["schema"], 1)


def rules_without_gateway(report):
    with tempfile.TemporaryDirectory() as folder:
        good, bad = folder + "/good.gw", folder + "/bad.gw"
        open(good, "w").write(GOOD)
        open(bad, "w").write(GOOD.replace("on lab", "on lba"))
        got = gwctl("policy", "check", good)
        report.equal("policy check of a good policy ends with 0 and counts",
                     (got.returncode, got.stdout), (0, good + ": ok: 1 "
                      "network, 1 rule, 1 guest, 0 expects hold\n"))
        with open("/dev/full", "w") as full:
            report.equal("what can't be printed ends with 1", subprocess.run(
                [GWCTL, "policy", "check", good], stdout=full).returncode, 1)
        got = gwctl("policy", "check", folder)
        report.check("a folder is no policy: 1 and a sentence",
                     got.returncode == 1 and "is a folder" in got.stderr,
                     got.stderr)
        got = gwctl("policy", "check", "--policy", bad)
        report.check("policy check of a bad one ends with 3 and its place",
                     got.returncode == 3 and "bad.gw:3:" in got.stderr,
                     got.stderr)
        flow = ["desk-1", "tcp", "port", "443", "to"]
        report.equal(
            "policy explain ends with 0 for allow",
            gwctl("policy", "explain", "--policy", good, *flow,
                  "198.51.100.1").returncode, 0)
        report.equal(
            "policy explain ends with 4 for deny",
            gwctl("policy", "explain", "--policy", good, *flow,
                  "203.0.113.1").returncode, 4)
        printed = gwctl("policy", "fmt", good).stdout
        open(good, "w").write(printed)
        report.equal("policy fmt of its own output changes nothing",
                     gwctl("policy", "fmt", good).stdout, printed)
        report.equal("a policy that is not there ends with 1",
                     gwctl("policy", "check", folder + "/no").returncode, 1)


def list_leftovers(folder):
    return subprocess.run(
        ["bash", "-c", """
        . $GW_ROOT/control/host/common.sh; . $GW_ROOT/control/host/leftovers.sh
        running_inits() { :; }; demo_is_orphaned() { false; }; ip() { :; }
        ps() { printf '1 0 gw-rulec\\n2 1900000000 gw-rulec\\n'; }
        list_leftovers"""], capture_output=True, text=True,
        env=dict(os.environ, GW_ROOT=TREE, GW_RUN_DIR=folder)).stdout


def leftovers(report):
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(folder + "/log")
        got = list_leftovers(folder)
        report.check("a gateway's process is left over, a person's gw-rulec "
                     "not", "process 2 (gw-rulec)\n" in got and
                     "process 1 " not in got, got)
        report.check("logs in the run folder are not left over",
                     "folder " + folder not in got, got)
        open(folder + "/gwctl.sock", "w").close()
        got = list_leftovers(folder)
        report.check("a socket in it is", "folder " + folder in got, got)


def run(report):
    wrong_words(report)
    no_gateway(report)
    generated(report)
    rules_without_gateway(report)
    leftovers(report)
