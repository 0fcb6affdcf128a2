"""plain.py COSTS LIMIT <TESTS: names the tests that the plain tests/run leaves out; TESTS is the output of ctest --show-only=json-v1.
It leaves out a test that takes LIMIT seconds or more by COSTS and has no short form, and one whose fixture is left out or is no test
of this build (Kubo, the contract as a Fabric program). Prints a regular expression for ctest --exclude-regex in the first line, and the names in the second."""
import json
import sys

SHORT_FORM = {"mount_kill9", "power_cuts_break_no_promise", "view_faults"}  # by the environment that tests/run gives them


def properties(test):
    return {p["name"]: p["value"] for p in test.get("properties", [])}


limit = int(sys.argv[2])
rows = [line.split() for line in open(sys.argv[1], encoding="utf-8") if not line.startswith("#")]
long = {name for seconds, name in rows if int(seconds) >= limit} - SHORT_FORM
tests = {test["name"]: properties(test) for test in json.load(sys.stdin)["tests"]}
there = {f for name, has in tests.items() if name not in long for f in has.get("FIXTURES_SETUP", [])}
left_out = sorted(name for name, has in tests.items() if name in long or set(has.get("FIXTURES_REQUIRED", [])) - there)
print("^(" + "|".join(left_out) + ")$")
print(*left_out)
