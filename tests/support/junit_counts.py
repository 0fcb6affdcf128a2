"""Prints passed, failed and skipped of FIRST, a JUnit file that ctest wrote, and a line `skipped NAME: REASON` of each skipped test.
With ALONE, a file of the same tests tried once more, a test that passed there has passed, and has a line `unstable NAME`."""
import re
import sys
import xml.etree.ElementTree as tree


def cases(path):
    return {case.get("name"): case for case in tree.parse(path).getroot().iter("testcase")}


def reason(case):
    said = re.search(r"SKIPPED: (.*)", case.findtext("system-out") or "")
    return said.group(1) if said else "it gave no reason"


first = cases(sys.argv[1])
try:
    alone = cases(sys.argv[2]) if len(sys.argv) > 2 else {}
except (OSError, tree.ParseError):  # the second run did not come to its end
    alone = {}
passed = {name for name, case in first.items() if case.get("status") == "run"}
unstable = sorted(name for name, case in alone.items() if case.get("status") == "run" and name in first.keys() - passed)
failed = {name for name, case in first.items() if case.get("status") == "fail"} - set(unstable)
skipped = sorted(first.keys() - passed - failed - set(unstable))
print(len(passed) + len(unstable), len(failed), len(skipped))
for name in unstable:
    print("unstable", name)
for name in skipped:
    print(f"skipped {name}: {reason(first[name])}")
