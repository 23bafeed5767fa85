#!/usr/bin/env python3
"""Runs the programs that scripts/bench prepared, alternately, and prints medians and ratios as Markdown.

CPU is user + system time of the program and all its children, as wait4 tells it; it is what a shared machine measures
best. Wall-clock is told where it is the promise. Peak memory is the resident set of the program.
"""

import os
import shutil
import statistics
import subprocess
import sys
import time

WORK = sys.argv[1]
PART = sys.argv[2] if len(sys.argv) > 2 else None  # "real": proving real profiles; "product": verifying an app; else everything
STATE = WORK + "/state"  # what gates remember
COUNTERSIGN = "target/release/countersign"
CORPUS = "target/release/examples/bench-corpus"
SAMPLE = 100  # files for the tools that start a process for each

CODEMAGIC = """
import json, sys
from codemagic.models import ProvisioningProfile
for path in sys.argv[1:]:
    profile = ProvisioningProfile.from_path(path)
    json.dumps(profile.dict())
    profile.certificates
"""


def once(command):
    """Runs a command; its CPU and wall-clock in milliseconds, and its peak memory in megabytes."""
    null = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, WORK + "/stderr", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644),
    ]
    start = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ, file_actions=null)
    _, status, usage = os.wait4(child, 0)
    wall = (time.perf_counter() - start) * 1000
    if os.waitstatus_to_exitcode(status) != 0:
        with open(WORK + "/stderr") as stderr:
            sys.exit(f"{' '.join(command)[:300]}: exit {os.waitstatus_to_exitcode(status)}\n{stderr.read()[:2000]}")
    megabyte = 1024 * 1024 if sys.platform == "darwin" else 1024
    return (usage.ru_utime + usage.ru_stime) * 1000, wall, usage.ru_maxrss / megabyte


def medians(runs, commands):
    """Runs the commands in turn, so that what else the machine does hits all of them alike: [(cpu, wall, peak)]."""
    for command in commands:
        once(command)
    rounds = [[once(command) for command in commands] for _ in range(runs)]
    return [
        tuple(statistics.median(each[index][metric] for each in rounds) for metric in range(3))
        for index in range(len(commands))
    ]


def profiles(directory):
    names = [name for name in os.listdir(directory) if name.endswith(("provision", "provisionprofile"))]
    return sorted(os.path.join(directory, name) for name in names)


def table(title, columns, rows):
    print(f"\n### {title}\n\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")


def countersign(directory, *words):
    policy, manifest = f"{directory}/signing.toml", f"{WORK}/{os.path.basename(directory)}.json"
    places = ["--policy", policy, "--profiles", directory, "--manifest", manifest, "--state-dir", STATE]
    return [COUNTERSIGN, *places, *words]


def gate(directory):
    return countersign(directory, "gate", "--without", "identities,targets")


def lowest(directory):
    """The CPU of the floor under proving, by part, in milliseconds."""
    floor = subprocess.run([CORPUS, "floor", directory, "21"], check=True, capture_output=True, text=True)
    return {name: float(value) for name, value in map(str.split, floor.stdout.splitlines())}


def proving(directory):
    files = profiles(directory)
    floor = lowest(directory)
    json = ["--format", "json", "profile"]
    ours, listed = medians(21, [countersign(directory, *json, "show", directory), countersign(directory, *json, "list")])

    def row(name, cpu, wall=None):
        return [
            name,
            f"{cpu:,.0f} ms",
            f"{cpu / len(files):.3f} ms",
            f"{cpu / floor['total']:.2f}",
            f"{cpu / ours[0]:.2f}",
            f"{wall:,.0f} ms" if wall else "",
        ]

    rows = [
        row(f"the floor (signatures {floor['signatures']:.0f}, digests {floor['digests']:.0f}, parses {floor['parses']:.0f})", floor["total"]),
        row("`countersign profile show --format json`", *ours[:2]),
        row("`countersign profile list --format json`", *listed[:2]),
    ]
    sample = files[:: max(1, len(files) // SAMPLE)][:SAMPLE]
    scale = len(files) / len(sample)
    others = []
    if shutil.which("openssl"):
        # -noverify: the chain is not verified either, which Apple's critical markers and expired signers would fail.
        script = 'for file; do openssl cms -verify -noverify -inform DER -in "$file" -out /dev/null 2>/dev/null || exit 1; done'
        others.append(("`openssl cms -verify`, outer layer only", ["sh", "-c", script, "sh"]))
    python = f"{WORK}/codemagic/bin/python"
    if subprocess.run([python, "-c", "import codemagic"], capture_output=True).returncode == 0:
        others.append(("codemagic-cli-tools, outer layer only", [python, "-c", CODEMAGIC]))
    for name, command in others:
        # What starting the interpreter costs is not held against it.
        ((start, start_wall, _), (all_of_it, all_wall, _)) = medians(3, [command, command + sample])
        rows.append(row(f"{name} ({len(sample)} files, scaled)", (all_of_it - start) * scale, (all_wall - start_wall) * scale))
    table(
        f"Proving {len(files):,} profiles",
        ["", "CPU", "CPU per profile", "÷ floor", "÷ countersign", "wall-clock"],
        rows,
    )


def gates():
    """The gate beside its limits: the first time, when it proves every profile, and later, when it remembers."""
    openssl = "`openssl dgst -sha256` over the same files"
    warm_of = {}
    for count, runs in [(20, 201), (1000, 101), (10000, 21), (40000, 7)]:
        directory = f"{WORK}/minted-{count}"
        files = profiles(directory)
        manifest = f"{directory}.json"
        if not os.path.exists(manifest):
            once(countersign(directory, "manifest", "freeze", directory))
        # Debian's sha256sum does without the processor's SHA instructions; OpenSSL, as countersign, uses them.
        others = {
            20: [("a Rust program that does nothing", [f"{WORK}/bare"]), ("`node -e 0`", ["node", "-e", "0"])],
            1000: [(openssl, ["openssl", "dgst", "-sha256", *files]), ("`sha256sum` over the same files", ["sha256sum", *files])],
            10000: [(openssl, ["openssl", "dgst", "-sha256", *files])],
        }.get(count, [])
        others = [other for other in others if shutil.which(other[1][0])]
        warm, *measured = medians(runs, [gate(directory), *(command for _, command in others)])
        warm_of[count] = warm
        first = first_time(max(3, runs // 10), directory)
        rows = [
            ["`countersign gate`, the first time", f"{first[1]:.1f} ms", f"{first[0]:.1f} ms", "", ""],
            ["`countersign gate`, later", f"{warm[1]:.1f} ms", f"{warm[0]:.1f} ms", "1", "1"],
        ]
        for (name, _), (cpu, wall, _) in zip(others, measured):
            rows.append([name, f"{wall:.1f} ms", f"{cpu:.1f} ms", f"{warm[1] / wall:.2f}", f"{warm[0] / cpu:.2f}"])
        columns = ["", "wall-clock", "CPU", "the later gate's wall-clock ÷ this one's", "its CPU ÷ this one's"]
        table(f"The gate over {count:,} pinned profiles", columns, rows)
    growth = [warm_of[40000][metric] / warm_of[10000][metric] for metric in range(2)]
    print(f"\nA later gate over 40,000 ÷ one over 10,000: CPU {growth[0]:.2f}, wall-clock {growth[1]:.2f}")


def first_time(runs, directory):
    """A gate that remembers nothing: the medians."""
    rounds = []
    for _ in range(runs):
        shutil.rmtree(f"{STATE}/proofs", ignore_errors=True)
        rounds.append(once(gate(directory)))
    return tuple(statistics.median(each[metric] for each in rounds) for metric in range(3))


def memory():
    directory = f"{WORK}/minted-10000"
    manifest = f"{WORK}/minted-10000.json"
    if os.path.exists(manifest):
        os.remove(manifest)
    rows = []
    for name, command in [
        ("`manifest freeze`, the first time", countersign(directory, "manifest", "freeze", directory)),
        ("`manifest freeze`, unchanged", countersign(directory, "manifest", "freeze", directory)),
        ("`manifest verify`", countersign(directory, "manifest", "verify", directory)),
        ("`profile list`", countersign(directory, "profile", "list")),
        ("`profile list --format json`", countersign(directory, "--format", "json", "profile", "list")),
        ("`gate`", gate(directory)),
    ]:
        cpu, wall, peak = once(command)
        rows.append([name, f"{peak:.0f} MB", f"{cpu:,.0f} ms", f"{wall:,.0f} ms"])
    table("Memory, over 10,000 profiles", ["", "peak", "CPU", "wall-clock"], rows)


def product(kinds):
    """Verifying an app beside hashing its files under each hash type of its signature, which is its physical limit."""
    directory = f"{WORK}/product-{kinds}"
    (app,) = [name for name in os.listdir(directory) if name.endswith(".app")]
    files = sorted(
        os.path.join(folder, name)
        for folder, _, names in os.walk(f"{directory}/{app}")
        for name in names
        if not os.path.islink(os.path.join(folder, name))
    )
    size = sum(map(os.path.getsize, files)) / 1e6
    digests = [["openssl", "dgst", f"-{kind}", *files] for kind in kinds.split(",")]
    ours, *others = medians(
        11,
        [
            [COUNTERSIGN, "--policy", f"{directory}/signing.toml", "--state-dir", STATE, "product", "verify", f"{directory}/{app}"],
            *digests,
        ],
    )
    # Each hash type takes a run of its own.
    openssl = (sum(cpu for cpu, _, _ in others), sum(wall for _, wall, _ in others), max(peak for _, _, peak in others))
    rows = [
        ["`countersign product verify`", *(f"{ours[index]:,.0f} ms" for index in (0, 1)), f"{ours[2]:.0f} MB", "1", "1"],
        ["`openssl dgst` over its files, " + " and ".join(f"`-{kind}`" for kind in kinds.split(",")), *(f"{openssl[index]:,.0f} ms" for index in (0, 1)), f"{openssl[2]:.0f} MB"]
        + [f"{ours[index] / openssl[index]:.2f}" for index in (0, 1)],
    ]
    columns = ["", "CPU", "wall-clock", "peak", "our CPU ÷ this one's", "our wall-clock ÷ this one's"]
    table(f"Verifying an app of {size:,.0f} MB, {len(files):,} files, signed with {kinds}", columns, rows)


def products():
    for kinds in ("sha256", "sha1,sha256", "sha384"):
        product(kinds)


if PART == "real":
    proving(f"{WORK}/real")
elif PART == "product":
    products()
else:
    proving(f"{WORK}/minted-1000")
    gates()
    memory()
    products()
