#!/usr/bin/env python3
"""circles.py BUILD NM [--lower]: no more than five files call each other in a circle, anywhere in base, fs, keyring and ledger-client.
It reads from the compiled files what they define and need.  It also prints how many floors the folders stand on. A change that makes the largest circle smaller lowers the number.
How many files stand in circles is a figure of tests/integration/budget, which only falls; --lower writes it there where it is smaller now."""
import collections
import pathlib
import subprocess
import sys

import budget

CIRCLE_MAX = 5  # files


def source_of(compiled, build, sources):
    """The source file that COMPILED was made of; None: it is gone since."""
    room, _, path = str(compiled.relative_to(build)).partition("/CMakeFiles/")
    source = pathlib.PurePath(room, *pathlib.PurePath(path).parts[1:]).with_suffix("")
    return str(source) if (sources / source).is_file() else None


def calls_of(build, sources, nm):
    """What each file needs of which others: {file: {file}}."""
    compiled = [path for room in ("base", "fs", "keyring", "ledger-client") for path in (build / room).rglob("*.c.o")]
    if not compiled:
        sys.exit(f"{build}: nothing is built")
    home, needs = {}, collections.defaultdict(set)
    for line in subprocess.run([nm, "-A", *compiled], check=True, capture_output=True, text=True).stdout.splitlines():
        path, _, symbol = line.rpartition(":")
        kind, name = symbol.split()[-2:]
        file = source_of(pathlib.Path(path), build, sources)
        if file and kind == "U":
            needs[file].add(name)
        elif file and kind in "BCDRTVW":
            home[name] = file
    return {file: {home[name] for name in names if name in home} - {file} for file, names in needs.items()}


def circles_of(calls):
    """The sets of files of which each reaches each other one."""
    reaches = {}
    for file in calls:
        seen, todo = set(), [file]
        while todo:
            found = calls.get(todo.pop(), set()) - seen
            seen |= found
            todo += found
        reaches[file] = seen
    return {frozenset(other for other in seen if file in reaches.get(other, ())) for file, seen in reaches.items() if file in seen}


def folder_of(file):
    """The ground is one folder; elsewhere the second level has its own."""
    parts = file.split("/")[:-1]
    return parts[0] if parts[0] == "base" else "/".join(parts[:2])


def folders_of(calls):
    """(folders, floors, arrows between folders): a folder stands a floor above the highest that it uses, unless that uses it, too."""
    uses = collections.defaultdict(set)
    for file, others in calls.items():
        uses[folder_of(file)] |= {folder_of(other) for other in others} - {folder_of(file)}
    whole = set(uses) | set().union(*uses.values())
    circles = circles_of(uses)
    floors = {}

    def floor(folder):
        if folder not in floors:
            together = next((circle for circle in circles if folder in circle), {folder})
            below = set().union(*(uses[one] for one in together)) - together
            floors.update(dict.fromkeys(together, 1 + max(map(floor, below), default=0)))
        return floors[folder]

    return len(whole), max(map(floor, whole)), sum(map(len, uses.values()))


def main(build, nm, how=None):
    sources = pathlib.Path(__file__).resolve().parent.parent.parent
    calls = calls_of(build, sources, nm)
    circles = sorted(circles_of(calls), key=len, reverse=True)
    large = [circle for circle in circles if len(circle) > CIRCLE_MAX]
    for circle in large:
        print(f"{len(circle)} files call each other in a circle, and {CIRCLE_MAX} may:", *sorted(circle))
    print("{} folders on {} floors, {} arrows between them".format(*folders_of(calls)))
    print(f"the largest circle: {len(circles[0]) if circles else 0} of {len(calls)} files")
    path, key, together = sources / "tests/integration/budget", ("circles", "files"), sum(map(len, circles))
    figures, allowed = budget.budget_read(path.read_text())
    may = budget.limits_of(figures, allowed)[key]
    print(f"{together} files stand in {len(circles)} circles, and {may} may")
    if how == "--lower":
        budget.budget_write(path, figures | {key: min(figures[key], together)})
    return not large and together <= may


if __name__ == "__main__":
    sys.exit(0 if main(pathlib.Path(sys.argv[1]).resolve(), *sys.argv[2:]) else 1)
