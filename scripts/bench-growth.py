"""Measures growth from 2,000 to 20,000 targets: see scripts/bench-growth."""

import json
import subprocess
import sys

MEASURE = sys.argv[1]
SMALL, LARGE = 2_000, 20_000
# For all stages together, and for each: what fits into the caches of the processor is up to half as fast again, and a
# quadratic stage takes a hundred times as long.
LIMIT, STAGE_LIMIT = 13, 20
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
    return {key: min(measure[key] for measure in rounds) for key in rounds[0]}


small, large = measured(SMALL), measured(LARGE)
print(f"| CPU | {SMALL:,} targets | {LARGE:,} targets | growth |\n|---|---|---|---|")
too_much = []
for name, key in STAGES:
    growth = large[key] / max(small[key], 0.01)
    print(f"| {name} | {small[key]:.0f} ms | {large[key]:.0f} ms | {growth:.1f} |")
    if growth > STAGE_LIMIT:
        too_much.append(name)
total = {count: sum(stages[key] for _, key in STAGES) for count, stages in [(SMALL, small), (LARGE, large)]}
growth = total[LARGE] / total[SMALL]
print(f"| all of it | {total[SMALL]:.0f} ms | {total[LARGE]:.0f} ms | **{growth:.1f}** |")
if growth > LIMIT:
    too_much.append("all of it")
if too_much:
    sys.exit(f"too much CPU time for ten times the targets: {', '.join(too_much)}")
