"""Times `countersign run -- true`, the same gate and `true` alone, in turn, and tells where the difference goes: see
scripts/bench-run.

CPU is user + system time of the process and of all that it waited for: the watchdog and the command are in it. Stages
are told by the run's own records, each of which says when it was written.
"""

import calendar
import glob
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

WORK = sys.argv[1]
ROUNDS = 100
TRACED = 11

COUNTERSIGN = "target/release/countersign"
HERE = [COUNTERSIGN, "--policy", "manifests/rehearsal.toml", "--state-dir", f"{WORK}/state"]
ASKED = ["--keychain", f"{WORK}/acme.p12", "--project", "fixtures/acme/Acme.xcodeproj"]
RUN = [*HERE, "run", *ASKED, "--", "true"]
GATE = [*HERE, "gate", *ASKED]
TRUE = ["true"]
# The two parts of a run that can be had alone: a process of ours that ends at once, and one that reads the keychain's
# file, whose key is derived from its password.
START = [COUNTERSIGN, "watchdog"]
(PASSWORD,) = glob.glob(f"{WORK}/state/passwords/*")
READ = [COUNTERSIGN, "identity", "digest", "--identities", f"{WORK}/acme.p12", "--password-file", PASSWORD]

STAGES = [
    ("recovery, the gate, up to its record", "gate", "done"),
    ("the journal, the watchdog up to its word, the intent's record", "keychain-unlock", "intended"),
    ("the keychain's key, one-time files, the record that it is open", "keychain-unlock", "done"),
    ("the command, its end, closing, the record of that", "keychain-lock", "done"),
    ("looking for what the command left running, the run's record", "run", "done"),
]


def once(command):
    """Runs a command; wall-clock and CPU in milliseconds."""
    null = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, f"{WORK}/stderr", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
    ]
    start = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ, file_actions=null)
    _, status, usage = os.wait4(child, 0)
    wall = (time.perf_counter() - start) * 1000
    if os.waitstatus_to_exitcode(status) != 0:
        with open(f"{WORK}/stderr") as stderr:
            sys.exit(f"{' '.join(command)}: exit {os.waitstatus_to_exitcode(status)}\n{stderr.read()[:2000]}")
    return wall, (usage.ru_utime + usage.ru_stime) * 1000


def instant(text):
    """Seconds since 1970 of a record's time, which has up to nine digits after the point."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float(f"0.{fraction or 0}")


def staged():
    """Runs once; the milliseconds of each stage, by the clock that the records are written by."""
    log = f"{WORK}/state/audit.jsonl"
    before = os.path.getsize(log)
    at = time.time()
    cost = once(RUN)
    end = time.time()
    with open(log) as records:
        records.seek(before)
        written = {(record["what"], record["outcome"]): instant(record["time"]) for record in map(json.loads, records)}
    stages = []
    for _, what, outcome in STAGES:
        stages.append((written[what, outcome] - at) * 1000)
        at = written[what, outcome]
    return cost, [*stages, (end - at) * 1000]


def traced(command):
    """Microseconds of each fsync and fdatasync, and the number of programs started."""
    trace = f"{WORK}/trace"
    strace = ["strace", "-f", "-T", "-e", "trace=fsync,fdatasync,execve", "-o", trace]
    subprocess.run([*strace, *command], check=True, capture_output=True)
    with open(trace) as lines:
        text = lines.read()
    waits = re.findall(r"(?:fsync|fdatasync)(?:\(| resumed).* = 0 <([0-9.]+)>", text)
    return [float(wait) * 1e6 for wait in waits], len(re.findall(r"execve(?:\(| resumed).* = 0", text))


def percentile(values, share):
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]


def row(name, costs):
    walls, cpus = zip(*costs)
    spread = [f"{percentile(walls, share):.1f} ms" for share in (10, 50, 90)]
    print(f"| {name} | {' | '.join(spread)} | {statistics.median(cpus):.1f} ms |")


for command in (RUN, GATE, TRUE, START, READ):
    once(command)
rounds = [(staged(), once(GATE), once(TRUE), once(START), once(READ)) for _ in range(ROUNDS)]
runs = [cost for (cost, _), *_ in rounds]
_, gates, trues, starts, reads = zip(*rounds)
added = [tuple(run - gate - true for run, gate, true in zip(*three)) for three in zip(runs, gates, trues)]

print(f"\n{ROUNDS} rounds, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
print("| | 10th percentile | wall-clock, median | 90th percentile | CPU |\n|---|---|---|---|---|")
row("`countersign run … -- true`", runs)
row("`countersign gate …`", gates)
row("`true`", trues)
row("**what `run` adds**: the first less the others, round by round", added)
row("for scale: a start of countersign's (`watchdog`, told nothing)", starts)
row("for scale: that and reading the keychain (`identity digest`)", reads)

print("\n| stage of a run | wall-clock, median |\n|---|---|")
stages = zip(*(stages for (_, stages), *_ in rounds))
for name, values in zip([name for name, *_ in STAGES] + ["the watchdog's end, the receipt"], stages):
    print(f"| {name} | {statistics.median(values):.1f} ms |")

if shutil.which("strace"):
    print("\n| | programs started | waits for the disk | each, median | all, median |\n|---|---|---|---|---|")
    for name, command in [("`run`", RUN), ("`gate`", GATE)]:
        told = [traced(command) for _ in range(TRACED)]
        waits = [wait for each, _ in told for wait in each]
        every = statistics.median(sum(each) for each, _ in told) / 1000
        print(f"| {name} | {told[0][1]} | {len(told[0][0])} | {statistics.median(waits):.0f} µs | {every:.1f} ms |")
