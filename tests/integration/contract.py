#!/usr/bin/env python3
"""contract.py PAGES CONTRACT [--update]: doc/manual/contract.md against the tables of the program, in both directions.
PAGES is the built emrfs_pages.  --update writes the rows that the program says word by word into the page; rows of
attributes and files that are new get an empty meaning, which a person must write."""
import subprocess
import sys

WHOLE = ["Verbs", "Options", "Exit codes", "Settings", "Messages"]  # every cell is the program's
NAMED = ["Attributes", "Files in .emrfs", "Beside the participants of a dataset"]                         # the first cell is; the rest was written by a person
ELSEWHERE = {"Files in .emrfs"}  # the page may have more: directories, which contract.sh looks for in an open folder


def rows_of(text):
    sections, here = {}, None
    for line in text.splitlines():
        if line.startswith("## "):
            here = sections.setdefault(line[3:], [])
        elif here is not None and line.startswith("| ") and not line.startswith("|---"):
            here.append(line)
    return sections


def page_rows(sections, name):
    rows = sections.get(name, [])
    return rows[1:]  # the first is the table's head


def name_of(row):
    return row.split(" |")[0][2:]


def compare(name, program, page):
    if name in WHOLE:
        missing = [r for r in program if r not in page]
        extra = [r for r in page if r not in program]
    else:
        missing = [r for r in program if name_of(r) not in map(name_of, page)]
        extra = [r for r in page if name_of(r) not in map(name_of, program) and name not in ELSEWHERE]
    doubled = sorted({r for r in page if page.count(r) > 1})
    unsaid = [r for r in page if name in NAMED and not "".join(r.split(" |")[1:]).strip(" |")]
    return missing, extra, doubled, unsaid


def update(path, text, program):
    lines, here, out = text.splitlines(), None, []
    page = rows_of(text)
    for line in lines:
        if line.startswith("## "):
            here = line[3:]
        is_row = here in program and line.startswith("| ") and line in page_rows(page, here)
        if is_row:
            continue
        out.append(line)
        if here in program and line.startswith("|---"):
            old = {name_of(r): r for r in page_rows(page, here)}
            rows = program[here] if here in WHOLE else [old.pop(name_of(r), r + " |") for r in program[here]]
            out += rows + (list(old.values()) if here in ELSEWHERE else [])
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n")


def main():
    pages, path = sys.argv[1], sys.argv[2]
    program = rows_of(subprocess.run([pages, "contract"], check=True, capture_output=True, text=True).stdout)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if "--update" in sys.argv[3:]:
        update(path, text, program)
        return 0
    page, bad = rows_of(text), 0
    for name in WHOLE + NAMED:
        if not program.get(name) or not page_rows(page, name):
            print(f"nothing to compare under ## {name}")
            bad += 1
            continue
        missing, extra, doubled, unsaid = compare(name, program[name], page_rows(page, name))
        for rows, what in ((missing, "the program has, the page has not: add"),
                           (extra, "the page has, the program has not: change or take out"),
                           (doubled, "twice"), (unsaid, "says nothing about it")):
            if rows:
                print(f"doc/manual/contract.md, under ## {name}: {what}", *rows, sep="\n")
                bad += len(rows)
    if bad:
        print(f"\nWhat changed on purpose needs its row there, and a line in CHANGELOG.md.  Written for you by\n"
              f"  {sys.argv[0]} {pages} {path} --update")
    return 1 if bad else 0


sys.exit(main())
