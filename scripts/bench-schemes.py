"""What the schemes of a project cost: `targets show` on its project file alone, with a scheme for each of its targets and
without any, in turn. Usage: bench-schemes.py COUNTERSIGN X.xcodeproj

Each scheme archives its target, and all of them are read. Only the project file is copied: what else it names is missing in both.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

COUNTERSIGN, PROJECT = (os.path.abspath(path) for path in sys.argv[1:])
ROUNDS = 41

ENTRY = """<?xml version="1.0" encoding="UTF-8"?>
<Scheme LastUpgradeVersion = "1600" version = "1.7">
   <BuildAction parallelizeBuildables = "YES" buildImplicitDependencies = "YES">
      <BuildActionEntries>
         <BuildActionEntry buildForTesting = "YES" buildForRunning = "YES" buildForProfiling = "YES" buildForArchiving = "YES">
            <BuildableReference BuildableIdentifier = "primary" BlueprintName = "{name}"
               ReferencedContainer = "container:{project}">
            </BuildableReference>
         </BuildActionEntry>
      </BuildActionEntries>
   </BuildAction>
   <ArchiveAction buildConfiguration = "Release" revealArchiveInOrganizer = "YES"></ArchiveAction>
</Scheme>
"""


def shown(folder, project):
    """CPU milliseconds of one `targets show`, and its document."""
    profiles = os.path.join(folder, "profiles")
    command = [COUNTERSIGN, "--profiles", profiles, "targets", "show", "--format", "json", "--project", project]
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.DEVNULL, env={"HOME": folder})
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            sys.exit(f"bench-schemes: countersign ends with {child.returncode}")
        out.seek(0)
        return (usage.ru_utime + usage.ru_stime) * 1000, out.read()


with tempfile.TemporaryDirectory() as scratch:
    name = os.path.basename(PROJECT)
    folders = []
    for kind in ("without", "with"):
        folder = os.path.join(scratch, kind)
        os.makedirs(os.path.join(folder, name))
        os.makedirs(os.path.join(folder, "profiles"))
        shutil.copy(os.path.join(PROJECT, "project.pbxproj"), os.path.join(folder, name))
        folders.append(folder)
    document = json.loads(shown(folders[0], name)[1])
    targets = sorted({target["target"] for target in document["targets"]})
    schemes = os.path.join(folders[1], name, "xcshareddata", "xcschemes")
    os.makedirs(schemes)
    for target in targets:
        with open(os.path.join(schemes, re.sub(r"[^\w .-]", "_", target) + ".xcscheme"), "w") as file:
            file.write(ENTRY.format(name=target.replace("&", "&amp;").replace('"', "&quot;"), project=name))
    rounds = [[shown(folder, name)[0] for folder in folders] for _ in range(ROUNDS)]

without, beside = (statistics.median(times) for times in zip(*rounds))
apart = statistics.median(after - before for before, after in rounds)
print("\n| `targets show` | CPU |\n|---|---|")
print(f"| without a scheme | {without:.1f} ms |")
print(f"| with {len(targets)} schemes | {beside:.1f} ms |")
print(f"| the schemes, median of {ROUNDS} rounds | {apart:.1f} ms |")
