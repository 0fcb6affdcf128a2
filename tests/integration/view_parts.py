#!/usr/bin/env python3
"""view_parts.py SOURCES: a part of fs/view uses no part after itself, except where that is left over from before there were parts.
Prints these uses, their number, and the largest circle of files that call each other.  Fails when there are more than is written
here: a change that removes some lowers the number.  It goes by the names of functions, as they stand in the text."""
import collections
import pathlib
import re
import sys

PARTS = ["core", "past", "given", "received", "foreign", "sync", "publish"]
CALLS_MAX = 0  # mentions of a function that a later part defines
HEADERS_MAX = 0  # includes of a later part's header
CIRCLE_MAX = 5  # files

COMMENT_OR_TEXT = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)
FUNCTION = re.compile(r"^(?!static\b|typedef\b)[a-z][\w \t\n*]*?\b(\w+)\([^;{}]*\)\s*\n\{", re.M)
NAME = re.compile(r"(?<![\w.>])[a-z]\w*")
INCLUDE = re.compile(r'^#include "(\w+\.h)"', re.M)


def goes_up(file, other):
    """Files are called PART/NAME."""
    return PARTS.index(other.split("/")[0]) > PARTS.index(file.split("/")[0])


def calls_of(sources):
    """What each .c file mentions of what others define: {file: {(definer, function): times}}."""
    bare = {file: COMMENT_OR_TEXT.sub(" ", text) for file, text in sources.items() if file.endswith(".c")}
    home = {found[1]: file for file, text in bare.items() for found in FUNCTION.finditer(text)}
    calls = {}
    for file, text in bare.items():
        names = collections.Counter(NAME.findall(text))
        calls[file] = {(home[name], name): n for name, n in names.items() if home.get(name, file) != file}
    return calls


def largest_circle(calls):
    """The most files of which each reaches each other one."""
    reaches = {}
    for file in calls:
        seen, todo = set(), [file]
        while todo:
            found = {definer for definer, _ in calls[todo.pop()]} - seen
            seen |= found
            todo += found
        reaches[file] = seen
    return max(([other for other in reaches[file] if file in reaches[other]] for file in calls), key=len)


def main(view):
    sources = {f"{part}/{path.name}": path.read_text() for part in PARTS for path in sorted((view / part).glob("*.[ch]"))}
    if not sources:
        sys.exit(f"{view}: no parts")
    headers = {file.split("/")[1]: file for file in sources if file.endswith(".h")}
    upward_calls = upward_headers = 0
    calls = calls_of(sources)
    for file, made in calls.items():
        for (definer, function), times in sorted(made.items()):
            if goes_up(file, definer):
                print(f"{file} mentions {function} of {definer}" + (f", {times} times" if times > 1 else ""))
                upward_calls += times
    for file, text in sources.items():
        for name in INCLUDE.findall(text):
            if name in headers and goes_up(file, headers[name]):
                print(f"{file} includes {headers[name]}")
                upward_headers += 1
    circle = largest_circle(calls)
    lines = sum(sources[file].count("\n") for file in circle)
    print(f"{upward_calls} mentions of a later part's function, {upward_headers} includes of a later part's header;")
    print(f"the largest circle: {len(circle)} of {len(calls)} .c files, {lines} lines")
    return upward_calls <= CALLS_MAX and upward_headers <= HEADERS_MAX and len(circle) <= CIRCLE_MAX


if __name__ == "__main__":
    sys.exit(0 if main(pathlib.Path(sys.argv[1]) / "fs" / "view") else 1)
