"""Prints passed, failed and skipped of FIRST, a JUnit file that ctest wrote.  With ALONE, one of the same tests tried
once more, what passed there has passed, and its names follow, one a line."""
import sys
import xml.etree.ElementTree as tree


def statuses(path):
    return {case.get("name"): case.get("status", "") for case in tree.parse(path).getroot().iter("testcase")}


first = statuses(sys.argv[1])
try:
    alone = statuses(sys.argv[2]) if len(sys.argv) > 2 else {}
except (OSError, tree.ParseError):  # the second run did not come to its end
    alone = {}
unstable = [name for name, status in first.items() if status != "run" and alone.get(name) == "run"]
counts = {"run": 0, "fail": 0, "other": 0}
for name, status in first.items():
    status = "run" if name in unstable else status
    counts[status if status in ("run", "fail") else "other"] += 1
print(counts["run"], counts["fail"], counts["other"])
print("".join(f"{name}\n" for name in unstable), end="")
