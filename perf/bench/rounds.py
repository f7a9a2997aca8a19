# SPDX-License-Identifier: BSD-2-Clause
"""Rounds of a bench: A B A B ..., which of them count, and what is written.

A round counts only if the generator's own cycles per packet are within 10 % of
its best beside the same side in the same case: a busy neighbour shows there
first. A round that lost frames, got back other than it sent, or in which the
generator was the slower one does not count either. Five good pairs make a
figure.
"""
import datetime
import json
import statistics
import time

from machine import describe

NEAR_BEST = 1.10
GOOD_PAIRS = 5


def counts(result, best):
    """One side's part of a round is fit for a figure."""
    return (result["generator"] <= NEAR_BEST * best
            and result["generator"] < result["cycles"]
            and not result["foreign"] and not result["lost"])


class Case:
    """Rounds of several sides; the first is ours, the second the peer."""

    def __init__(self, name, sides):
        self.name = name
        self.sides = sides
        self.rounds = []  # one tuple of results a round, in order of sides

    def good(self):
        best = [min(r[i]["generator"] for r in self.rounds)
                for i in range(len(self.sides))] if self.rounds else []
        return [r for r in self.rounds
                if all(counts(result, least) for result, least in zip(r, best))]

    def run(self, deadline, say):
        """Until five pairs are good, or the deadline."""
        took = 0
        while len(self.good()) < GOOD_PAIRS:
            start = time.monotonic()
            if start + took > deadline:
                break
            self.rounds.append(tuple(side.measure() for side in self.sides))
            took = time.monotonic() - start
            say(f"{self.name} round {len(self.rounds)}: " + ", ".join(
                f"{side.name} {result['cycles']:.1f}"
                for side, result in zip(self.sides, self.rounds[-1])))
        return len(self.good()) >= GOOD_PAIRS

    def column(self, side, key):
        return [r[side][key] for r in self.good() or self.rounds]


def median_or_none(values):
    return round(statistics.median(values), 3) if values else None


def make_row(case, metric, unit, ours, peer, theirs, ratios, target=None):
    """A row of the JSON. ratios: bigger is better, one a good pair."""
    quiet = len(case.good()) >= GOOD_PAIRS
    ratio = median_or_none(ratios)
    spread = round((max(ratios) - min(ratios)) / ratio, 3) if ratio else None
    reached = None
    if target is not None and quiet and ratio is not None:
        reached = ratio >= target
    return {"case": case.name, "metric": metric, "unit": unit,
            "ours": median_or_none(ours), "peer": peer,
            "theirs": median_or_none(theirs), "ratio": ratio,
            "spread": spread, "target": target, "reached": reached}


def cycle_rows(case, target):
    """Busy cycles, throughput and the generator's own cycles."""
    peer = case.sides[1].name
    rows = []
    for metric, key, unit, aim, bigger_is_better in (
            ("busy cycles per packet", "cycles", "TSC cycles", target, False),
            ("throughput", "mpps", "Mpps", None, True),
            ("generator's cycles per packet", "generator", "TSC cycles", None,
             False)):
        ours, theirs = case.column(0, key), case.column(1, key)
        ratios = [o / t if bigger_is_better else t / o
                  for o, t in zip(ours, theirs)]
        rows.append(make_row(case, metric, unit, ours, peer, theirs, ratios,
                             aim))
    return rows


def show(value):
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "NO"
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)


def print_table(rows):
    head = ("case", "metric", "unit", "ours", "peer", "theirs", "ratio",
            "spread", "target", "reached")
    table = [head] + [tuple(show(row[key]) for key in head) for row in rows]
    width = [max(len(line[i]) for line in table) for i in range(len(head))]
    for line in table:
        print("  ".join(text.ljust(w) for text, w in zip(line, width)).rstrip())


def write_json(path, bench, quick, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    now = datetime.datetime.now(datetime.timezone.utc)
    report = {"bench": bench, "date": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
              "machine": describe(), "quick": quick, "rows": rows}
    path.write_text(json.dumps(report, indent=2) + "\n")
