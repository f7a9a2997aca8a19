# SPDX-License-Identifier: BSD-2-Clause
"""Rule sets for the benches, made as ClassBench describes them (Taylor and
Turner, 2007): few distinct port classes, many prefixes that nest, a share of
wildcards that depends on the shape. Deterministic: a seed gives one text.

Run by perf/bench/policy; by hand: `python3 perf/gen/rules.py --rules 10000`
prints a policy, `--flow-file F` writes flows that it allows. The guest is the
only source, so what varies is destination, protocol and port.
"""
import argparse
import ipaddress
import random
import sys

# Flows that must be allowed go to the upper half of the benchmark prefix,
# where there is no deny rule; the lower half has both.
LOWER, UPPER = 0xC6120000, 0xC6130000  # 198.18/16, 198.19/16
HALF_BITS = 16

# Per shape: weights of prefix lengths (within /16), of the port classes
# wildcard, 1024-65535, exact, arbitrary range, and of tcp, udp, any.
SHAPES = {
    "acl": ({24: 30, 27: 10, 28: 15, 29: 10, 30: 10, 32: 25},
            (10, 5, 75, 10), (60, 38, 2)),
    "fw": ({16: 12, 18: 6, 20: 12, 22: 15, 24: 35, 32: 20},
           (30, 25, 35, 10), (55, 35, 10)),
    "ipc": ({20: 10, 24: 40, 26: 10, 28: 10, 32: 30},
            (25, 15, 50, 10), (50, 40, 10)),
}
EXACT = (22, 25, 53, 80, 110, 123, 143, 389, 443, 445, 993, 1433, 1521, 3306,
         3389, 5060, 5432, 8080, 8443)


def pick(rng, weights):
    return rng.choices(list(weights), list(weights.values()))[0]


def make_ports(rng, weights):
    kind = rng.choices(("any", "high", "exact", "range"), weights)[0]
    if kind == "any":
        return None
    if kind == "high":
        return (1024, 65535)
    if kind == "exact":
        port = rng.choice(EXACT) if rng.random() < 0.7 else \
            rng.randint(1, 65535)
        return (port, port)
    first = rng.randint(1, 60000)
    return (first, min(65535, first + rng.choice((1, 7, 15, 99, 999, 5000))))


def make_prefix(rng, base, lengths, seen):
    """Every third prefix nests in an earlier one of its half."""
    length = pick(rng, lengths)
    if seen and rng.random() < 0.33:
        outer, outer_length = rng.choice(seen)
        if outer_length < length:
            base, room = outer, 32 - outer_length
        else:
            room = HALF_BITS
    else:
        room = HALF_BITS
    mask = (0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF
    address = (base | rng.getrandbits(room)) & mask
    seen.append((address, length))
    return address, length


def country_codes(path):
    """Every code of a list in the form of tor-geoipdb."""
    codes = set()
    with open(path, encoding="ascii", errors="replace") as lines:
        for line in lines:
            code = line.strip().rsplit(",", 1)[-1]
            if len(code) == 2 and code.isalpha() and not line.startswith("#"):
                codes.add(code)
    return sorted(codes - {"EU", "AP"})


class RuleSet:
    """A policy text and the rules that may admit a flow."""

    def __init__(self, count, shape, seed, codes):
        self.rng = random.Random(f"{seed} {shape} {count}")
        self.lengths, self.port_weights, self.protocols = SHAPES[shape]
        self.open = []  # (address, length, ports) of UDP allows above
        self.seen = {LOWER: [], UPPER: []}
        self.codes = codes
        self.lines = []
        self.make(count)

    def make(self, count):
        for code in self.codes:
            self.lines.append(f"rule c-{code.lower()} deny tcp port 25 "
                              f"to cc-{code.lower()};")
        while len(self.lines) < count:
            self.add(len(self.lines))

    def add(self, number):
        rng = self.rng
        base = rng.choice((LOWER, UPPER))
        address, length = make_prefix(rng, base, self.lengths,
                                      self.seen[base])
        protocol = rng.choices(("tcp", "udp", "any"), self.protocols)[0]
        ports = None if protocol == "any" else \
            make_ports(rng, self.port_weights)
        allow = base == UPPER or rng.random() < 0.6
        words = ["rule", f"r{number:06}", "allow" if allow else "deny",
                 protocol]
        if ports:
            words += ["port", str(ports[0]) if ports[0] == ports[1]
                      else f"{ports[0]}-{ports[1]}"]
        words += ["to", f"{ipaddress.IPv4Address(address)}/{length};"]
        self.lines.append(" ".join(words))
        if base == UPPER and protocol != "tcp":
            self.open.append((address, length, ports))

    def text(self):
        sets = "".join(f"set cc-{code.lower()} = country {{ {code} }};\n"
                       for code in self.codes)
        rules = "".join(f"    {line}\n" for line in self.lines)
        return ('language 1; timezone "UTC";\n' + sets +
                'network far { uplink interface "bench0" take; '
                "reach public 198.18.0.0/15; }\n"
                "profile bench {\n    networks far;\n" + rules + "}\n"
                'guest bench : bench { image "demo"; memory 256 MiB; }\n')

    def flows(self, count):
        """Distinct UDP flows, spread over all rules that may admit one."""
        rng, found = self.rng, set()
        while len(found) < count:
            address, length, ports = rng.choice(self.open)
            remote = address | rng.getrandbits(32 - length) \
                if length < 32 else address
            port = rng.randint(*ports) if ports else rng.randint(1, 65535)
            # 67 is DHCP's, the gateway's own service.
            if remote & 0xFF not in (0, 0xFF) and port != 67:
                found.add((remote, port, rng.randint(1024, 65535)))
        return sorted(found, key=lambda flow: hash(flow))


def write_flows(flows, path):
    with open(path, "w", encoding="ascii") as out:
        for remote, port, source_port in flows:
            print(ipaddress.IPv4Address(remote), port, source_port, file=out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rules", type=int, default=10000)
    parser.add_argument("--shape", choices=sorted(SHAPES), default="acl")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--countries", metavar="LIST",
                        help="a rule for every country of this list")
    parser.add_argument("--flows", type=int, default=100000)
    parser.add_argument("--flow-file")
    options = parser.parse_args()
    codes = country_codes(options.countries) if options.countries else []
    rules = RuleSet(options.rules, options.shape, options.seed, codes)
    sys.stdout.write(rules.text())
    if options.flow_file:
        write_flows(rules.flows(options.flows), options.flow_file)


if __name__ == "__main__":
    main()
