"""Prints passed, failed and skipped of FIRST, a JUnit file that ctest wrote, and a line `skipped NAME: REASON` of each skipped test.
With ALONE, a file of the same tests tried once more, a test that passed there has passed, and has a line `unstable NAME`; another has
`wrong NAME`. After either come lines `word LINE`: the end of what the test printed the first time, or, where it failed twice, the second."""
import re
import sys
import xml.etree.ElementTree as tree

WORDS = 6  # lines of a test: what stopped it is said at its end


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
for name in unstable + sorted(failed):
    print("unstable" if name in unstable else "wrong", name)
    case = first[name] if name in unstable else alone.get(name, first[name])
    for line in (case.findtext("system-out") or "").splitlines()[-WORDS:]:
        print("word", line)
for name in skipped:
    print(f"skipped {name}: {reason(first[name])}")
