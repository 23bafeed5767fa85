"""Times countersign's resolver and PyPI's pbxproj on one project, in turn: see scripts/bench-targets."""

import importlib.metadata
import statistics
import subprocess
import sys
import time

from pbxproj import XcodeProject

RESOLVE, PROJECT = sys.argv[1:]
ROUNDS = 21


def ours():
    """CPU milliseconds of one resolution, files read anew, and what was resolved."""
    told = subprocess.run([RESOLVE, PROJECT], check=True, capture_output=True, text=True).stdout
    milliseconds, rows = told.split(maxsplit=1)
    return float(milliseconds), rows.strip()


def theirs():
    """CPU milliseconds of one loading."""
    start = time.process_time()
    XcodeProject.load(f"{PROJECT}/project.pbxproj")
    return (time.process_time() - start) * 1000


rounds = [(ours(), theirs()) for _ in range(ROUNDS)]
rows = rounds[0][0][1]
resolving = statistics.median(own for (own, _), _ in rounds)
loading = statistics.median(other for _, other in rounds)
version = importlib.metadata.version("pbxproj")
print("| | CPU | ratio |\n|---|---|---|")
print(f"| `pbxproj` {version}, loading the project file | {loading:.1f} ms | 1 |")
print(f"| countersign, {rows} | {resolving:.1f} ms | {resolving / loading:.2f} |")
