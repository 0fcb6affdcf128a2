#!/usr/bin/env python3
"""contract.py PAGES CONTRACT [--update]: doc/manual/contract.md against the tables of the program, in both directions.
A name has one type in the JSON of all verbs, as the sources make it and as the page says it.  PAGES is the built emrfs_pages.  --update writes the rows that the program says word by word into the page; rows of
attributes and files that are new get an empty meaning, which a person must write."""
import pathlib
import re
import subprocess
import sys

WHOLE = ["Verbs", "Options", "Exit codes", "Settings", "Messages"]  # every cell is the program's
NAMED = ["Attributes", "Files in .emrfs", "Beside the participants of a dataset"]                         # the first cell is; the rest was written by a person
ELSEWHERE = {"Files in .emrfs"}  # the page may have more: directories, which contract.sh looks for in an open folder

NOT_OURS = re.compile(r"fs/(tell/report/study|store/nodes|helper)")  # what BIDS and Kubo call so is theirs
KINDS = {"s": "string", "I": "number", "i": "number", "f": "number", "b": "boolean", "{": "object", "[": "list"}
MADE = {"emr_json_text": "string", "json_string": "string", "json_integer": "number", "json_boolean": "boolean", "json_true": "boolean",
        "json_false": "boolean", "json_array": "list"}
CALLS = {"emr_out_text": "s", "emr_out_number": "I", "emr_out_flag": "b", "emr_out_put": "o", "json_object_set_new": "o"}


def arguments_of(text):
    """Those of a call in C, behind its bracket."""
    found, deep, start = [], 0, 0
    for m in re.finditer(r'"(?:[^"\\]|\\.)*"|[(\[{]|[)\]}]|,', text):
        deep += (m[0] in "([{") - (m[0] in ")]}")
        if deep < 0 or (deep == 0 and m[0] == ","):
            found.append(text[start : m.start()].strip())
            start = m.end()
        if deep < 0:
            return found


def kind_of(letter, value):
    return KINDS.get(letter) or MADE.get(value.split("(")[0])


def packed(shape, values):
    """Name and kind of each member of what json_pack makes."""
    inside, name = [], None
    for letter in re.sub(r"[ ,:?*+]", "", shape):
        if letter in "}]":
            inside.pop()
        elif letter == "#":  # the length of the text before it
            values.pop(0)
        elif inside and inside[-1] == "name":
            name, inside[-1] = values.pop(0).strip('"'), "value"
        else:
            inside[-1:] = ["name" if one == "value" else one for one in inside[-1:]]
            yield name, kind_of(letter, "" if letter in "{[n" else values.pop(0))
            name = None
            inside += [{"{": "name", "[": "element"}[letter]] if letter in "{[" else []


def types_in(root):
    found = {}
    for path in sorted(root.glob("fs/**/*.c")):
        text = path.read_text()
        for m in re.finditer(r"\b(json_pack|%s)\(" % "|".join(CALLS), "" if NOT_OURS.match(str(path.relative_to(root))) else text):
            values = arguments_of(text[m.end() :])
            if m[1] == "json_pack":
                members = packed("".join(re.findall(r'"([^"]*)"', values[0])), values[1:])
            else:
                members = [(values[1].strip('"'), kind_of(CALLS[m[1]], values[2]))] if values[1].startswith('"') else []
            for name, kind in members:
                if name and kind:
                    found.setdefault(name, {}).setdefault(kind, path.relative_to(root))
    return found


def check_types(root):
    bad = 0
    for name, kinds in types_in(root).items():
        if len(kinds) > 1:
            print(f"the JSON field {name} has these types:", *(f"{kind} ({path})" for kind, path in kinds.items()))
            bad += 1
    return bad


def check_shapes(rows):
    """x[] and x{} in the fields of the verbs: a name is a list, an object or neither in all of them."""
    found, bad = {}, 0
    for row in rows:
        fields = re.sub(r"[^;:{}\[\]]*:| with --\S+ also", " ", row.rsplit(" | ", 1)[1])
        for name, shape in re.findall(r"(\w+)(\[\]|\{)?", fields):
            found.setdefault(name, {}).setdefault(shape, name_of(row))
    for name, shapes in found.items():
        if len(shapes) > 1:
            print(f"the JSON field {name} is", *(f"{name}{shape} in {verb}" for shape, verb in shapes.items()))
            bad += 1
    return bad


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
    page, bad = rows_of(text), check_types(pathlib.Path(path).parents[2])
    bad += check_shapes(page_rows(page, "Verbs"))
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
