"""Prints passed, failed and skipped of one JUnit file that ctest wrote."""
import sys
import xml.etree.ElementTree as tree

counts = {"run": 0, "fail": 0, "other": 0}
for case in tree.parse(sys.argv[1]).getroot().iter("testcase"):
    status = case.get("status", "")
    counts["run" if status == "run" else "fail" if status == "fail" else "other"] += 1
print(counts["run"], counts["fail"], counts["other"])
