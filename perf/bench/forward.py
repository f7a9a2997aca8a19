# SPDX-License-Identifier: BSD-2-Clause
"""forward: one rule, 1,000 flows, the flow table on, against testpmd's mac
forwarding on the same sockets, burst and pinning."""
from rounds import Case, cycle_rows
from sides import Gateway, Testpmd

TARGET = 0.85
FLOWS = 1000
HUGEPAGES_MIB = 640
POLICY = """language 1; timezone "UTC";
network far { uplink interface "bench0" take; reach 198.18.0.0/15; }
profile bench {
    networks far;
    rule all allow udp to 198.18.0.0/15;
}
guest bench : bench { image "demo"; memory 256 MiB; }
"""


def run(bench):
    policy = bench.folder / "forward.gw"
    policy.write_text(POLICY)
    rows = []
    for name, size in (("64 B", "64"), ("IMIX", "imix")):
        generator = bench.generator("--flows", FLOWS, "--size", size)
        case = Case(name, [
            Gateway(bench.folder, bench.cpu, generator, bench.dataplane,
                    policy, 4 * FLOWS),
            Testpmd(bench.folder, bench.cpu, generator)])
        bench.run_case(case, share=0.5 if name == "64 B" else 1)
        rows += cycle_rows(case, TARGET)
    return rows
