# SPDX-License-Identifier: BSD-2-Clause
"""policy: 10,000 rules, a rule for each country of the whole country table,
100,000 live flows, NAT and counters, against testpmd's mac forwarding; and the
cycles that this adds to `forward`."""
import pathlib
import sys

import forward
from machine import BenchError
from rounds import Case, cycle_rows, make_row
from sides import Gateway, Testpmd

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "gen"))
import rules  # noqa: E402

TARGET = 0.70
RULES = 10000
FLOWS = 100000
HUGEPAGES_MIB = 768
COUNTRIES = "/usr/share/tor/geoip"
NAT = "198.51.100.1"


def write_policy(folder):
    try:
        codes = rules.country_codes(COUNTRIES)
    except OSError as error:
        raise BenchError(f"{COUNTRIES} is missing: install tor-geoipdb, or "
                         "./gw deps bench") from error
    made = rules.RuleSet(RULES, "acl", 1, codes)
    policy, flows = folder / "policy.gw", folder / "policy.flows"
    policy.write_text(made.text())
    rules.write_flows(made.flows(FLOWS), flows)
    return policy, flows


def run(bench):
    policy, flows = write_policy(bench.folder)
    plain = bench.folder / "forward.gw"
    plain.write_text(forward.POLICY)
    generator = bench.generator("--flows", FLOWS, "--flow-file", flows)
    few = bench.generator("--flows", forward.FLOWS)
    case = Case("64 B", [
        Gateway(bench.folder, bench.cpu, generator, bench.dataplane, policy,
                2 * FLOWS, nat=NAT),
        Testpmd(bench.folder, bench.cpu, generator),
        Gateway(bench.folder, bench.cpu, few, bench.dataplane, plain,
                4 * forward.FLOWS, name="forward")])
    bench.run_case(case, share=1)
    ours, theirs = case.column(0, "cycles"), case.column(2, "cycles")
    added = make_row(case, "cycles added over forward", "TSC cycles",
                     [o - t for o, t in zip(ours, theirs)], "forward", theirs,
                     [t / o for o, t in zip(ours, theirs)])
    return cycle_rows(case, TARGET) + [added]
