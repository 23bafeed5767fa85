"""Measures growth from 2,000 to 20,000 targets: see scripts/bench-growth."""

import json
import subprocess
import sys

MEASURE = sys.argv[1]
SMALL, LARGE = 2_000, 20_000
LIMIT = 13
ROUNDS = 5
STAGES = [
    ("resolving the project", "resolve_ms"),
    ("planning", "plan_ms"),
    ("parsing the manifest", "manifest_ms"),
    ("comparing it with what freezing writes", "canonical_ms"),
]


def measured(count):
    """The least CPU time of each stage over some rounds: others on the machine only ever add to it."""
    rounds = [json.loads(subprocess.run([MEASURE, str(count)], check=True, capture_output=True).stdout) for _ in range(ROUNDS)]
    return {key: min(one[key] for one in rounds) for key in rounds[0]}


small, large = measured(SMALL), measured(LARGE)
print(f"| CPU | {SMALL:,} targets | {LARGE:,} targets | growth |\n|---|---|---|---|")
too_much = []
for name, key in STAGES:
    growth = large[key] / max(small[key], 0.01)
    print(f"| {name} | {small[key]:.0f} ms | {large[key]:.0f} ms | {growth:.1f} |")
    if growth > LIMIT:
        too_much.append(name)
if too_much:
    sys.exit(f"more than {LIMIT} times the CPU time for ten times the targets: {', '.join(too_much)}")
