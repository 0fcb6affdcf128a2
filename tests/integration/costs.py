#!/usr/bin/env python3
"""Each test of a real mount has its row in tests/costs, by which the longest begin first and the plain tests/run chooses: BUILD COSTS."""
import json
import subprocess
import sys

build, costs = sys.argv[1:]
with open(costs, encoding="utf-8") as file:
    rows = [line.split()[1] for line in file if not line.startswith("#")]
listed = json.loads(subprocess.run(["ctest", "--show-only=json-v1"], cwd=build, check=True, capture_output=True).stdout)
tests = {test["name"]: {p["name"]: p["value"] for p in test.get("properties", [])} for test in listed["tests"]}
mounts = [name for name, properties in tests.items() if "integration" in properties.get("LABELS", [])]
if not mounts:
    sys.exit("no test of a mount is listed: nothing was looked at")
# A real Fabric or a kind of build has tests that not every list shows; only what is there is looked for.
missing = [name for name in mounts if name not in rows]
twice = sorted({name for name in rows if rows.count(name) > 1})
for name in missing:
    print(f"tests/costs has no row for {name}; add, with the seconds that it takes:\n{int(tests[name].get('COST', 20))} {name}")
for name in twice:
    print(f"tests/costs has two rows for {name}")
sys.exit(bool(missing or twice))
