# SPDX-License-Identifier: BSD-2-Clause
"""Suite `networks`: gw-init with the real programs in its jails, as far as
they are built."""
from lab import *
from part_process import judge, status, DATAPLANE, GWD, HOST_SLOT, RUNNER

SLOT = 6
GWCTL = os.path.join(BUILD, "control/gwctl/gwctl")
POLICY = """language 1; timezone "Europe/Stockholm";
network init-a { uplink interface "eth1" share; address 198.51.100.2/24
    gateway 198.51.100.1; reach public; }
network init-b { uplink interface "eth2" take; reach 203.0.113.0/24; }
profile p { networks init-a init-b; rule all allow tcp port 80 on init-a; }
guest g : p { image "demo"; memory 256 MiB; }
"""


def missing(names):
    return [n for n in names if not os.access(os.path.join(BUILD, n), os.X_OK)]


def children(report):
    lacking = missing([REAL["gw-dataplane"], REAL["gw-runner"]])
    if lacking:
        report.check("the real children are built", False, lacking)
        return
    gateway = Gateway(["--no-kvm"], ["gwd", "gw-rulec"])
    try:
        gateway.start()
        for role, name in ((DATAPLANE, "gw-dataplane"), (RUNNER, "gw-runner")):
            error, pid, text = gateway.ask("spawn %d %d 0 0 0" % (role, SLOT))
            confined = not error and wait_for(
                lambda: status(pid)["CapPrm"] == "0" * 16 and
                os.stat("/proc/%d/environ" % pid).st_uid == 0, 15)
            report.check("%s runs in its jail and confines itself" % name,
                         confined, (text, gateway.log("%s-%d" % (name, SLOT))))
            if not confined:
                continue
            root = [] if role == DATAPLANE else [
                "dev", "etc", "gw-runner", "lib", "lib64", "proc", "usr"]
            judge(report, gateway, "the real " + name, pid, role, SLOT, root,
                  None, role == DATAPLANE)
            held = [task for task in glob.glob("/proc/%d/task/*" % pid)
                    if not {"CapPrm:\t" + "0" * 16, "NoNewPrivs:\t1"} <=
                    set(open(task + "/status").read().splitlines())]
            report.check("so does each of its threads", not held, held)
    finally:
        gateway.remove()


def gateway(report):
    lacking = missing(list(REAL.values()) + ["control/gwctl/gwctl"])
    if lacking:
        report.check("the real gateway is built", False, lacking)
        return
    gateway = Gateway(["--no-kvm"], [])
    try:
        gateway.start(connect=False)
        policy = gateway.folder + "/policy.gw"
        with open(policy, "w") as file:
            file.write(POLICY)
        def gwctl(*words):
            return subprocess.run(
                [GWCTL, "--socket", gateway.run + "/gwctl.sock"] + list(words),
                text=True, timeout=60, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        done = gwctl("status")
        report.check("the real gwd answers through the listener of gw-init",
                     done.returncode == 0, done.stdout)
        gwd = children_of(gateway.pid)[0]
        judge(report, gateway, "the real gwd", gwd, GWD, HOST_SLOT,
              ["dev", "etc", "gwd", "lib", "lib64", "proc", "run", "state",
               "usr"], None, False)
        done = gwctl("policy", "load", "--yes", policy)
        if "--yes" in done.stdout:
            done = gwctl("policy", "load", policy)
        names = [n for n in os.listdir("/run/netns") if
                 n.startswith("gw-init-")]
        report.check("a policy is compiled in the jail of gw-rulec and its "
                     "networks come up", done.returncode == 0 and
                     sorted(names) == ["gw-init-a", "gw-init-b"],
                     (done.stdout, names, gateway.log("gw-rulec"),
                      gateway.log("gwd")))
        os.kill(gwd, signal.SIGKILL)
        back = wait_for(lambda: "policy      none" not in
                        gwctl("status").stdout and
                        gwctl("status").returncode == 0, 15)
        report.check("gwd killed: the next one has the policy and networks "
                     "again", back and os.path.exists(
                         "/run/netns/gw-init-a"), gwctl("status").stdout)
    finally:
        gateway.remove()
    names = [n for n in os.listdir("/run/netns") if n.startswith("gw-init-")]
    report.check("after it nothing is left", not names, names)
