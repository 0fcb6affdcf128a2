#!/usr/bin/env python3
"""budget.py SOURCES [--lower | --write]: how large the project may become, by the figures in tests/integration/budget.
Fails where something is larger than its figure: a change that adds takes away as much, and its commit says what it takes away.
--lower writes today's figure where it is smaller. It belongs on the main branch, after a merge: branches that all lower the same
line would not merge. --write writes all of today's figures: it is for the person who merges a growth that an issue allows."""
import collections
import pathlib
import re
import subprocess
import sys

LINES_A_FILE = 500
KIB_A_PAGE = 15
MEMBERS = 30
# The folders that are counted by themselves, with all that is below them; a folder of fs, too.
FOLDERS = ("base", "keyring", "ledger-client")
UNITS = {
    "code": "lines of code without comments and blank lines",
    "headers": "public headers",
    "openings": "sentences in comments that begin with Who, Whoever, What or Of what, and should begin with what they are about",
    "file": f"lines (a file that is not listed: {LINES_A_FILE})",
    "page": f"KiB (a DESIGN.md that is not listed: {KIB_A_PAGE})",
    "members": f"members (a struct that is not listed: {MEMBERS})",
}
DEFAULT = {"code": 0, "headers": 0, "openings": 0, "file": LINES_A_FILE, "page": KIB_A_PAGE, "members": MEMBERS}

TOKEN = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)
SCRIPT = {".sh": "#", ".py": "#", ".cmake": "#", ".txt": "#", "": "#", ".js": "//"}  # how a line begins that is a comment
OPENING = re.compile(r"(?:^|[.!?:] )(?:Who|Whoever|What|Of what)\b")
STRUCT = re.compile(r"\bstruct (\w+)\s*\{")


def without_comments(text, comments):
    """TEXT of C or Go, each comment a line end; what they say is added to COMMENTS."""
    def drop(token):
        if token[0][0] != "/":
            return token[0]
        comments.append(token[0])
        return "\n" if token[0][1] == "*" else ""
    return TOKEN.sub(drop, text)


def openings_of(comment):
    return len(OPENING.findall(re.sub(r"\s*\n[ \t]*(?:\*|//|#)?\s*|\s+", " ", comment.strip("/*# \t\n"))))


def members_of(code, at):
    """How many names the struct body that begins AT declares, each nested one as one."""
    count, depth, inside, is_blank = 0, 1, 0, True
    for at in range(at, len(code)):
        sign = code[at]
        if sign == "{":
            depth += 1
        elif sign == "}":
            depth -= 1
            if depth == 0:
                break
        elif depth == 1 and sign in "([":
            inside += 1
        elif depth == 1 and sign in ")]":
            inside -= 1
        elif depth == 1 and inside == 0 and sign in ",;":
            count += not is_blank
            is_blank = True
            continue
        is_blank = is_blank and sign.isspace()
    return count


def folder_of(path):
    parts = path.split("/")
    if parts[0] == "tests":
        return "tests, shell" if path.endswith(".sh") else "tests, other"
    if parts[0] == "fs":
        return "/".join(parts[:2]) if len(parts) > 2 else "fs"
    return parts[0]


def figures_of(root):
    """Today's figures: {(what, name): figure}."""
    found = collections.Counter()
    listed = subprocess.run(["git", "ls-files"], cwd=root, check=True, capture_output=True, text=True).stdout.splitlines()
    for path in listed:
        kind = pathlib.PurePath(path).suffix
        is_test = path.startswith("tests/")
        if path.endswith("DESIGN.md"):
            found["page", path] = -(-(root / path).stat().st_size // 1024)
        if kind not in (".c", ".h", ".def", ".go", *SCRIPT) or path.startswith("tests/fuzz/corpus/"):
            continue
        text, comments = (root / path).read_text(errors="replace"), []
        if kind in SCRIPT:
            comments = re.findall(rf"(?:^[ \t]*{SCRIPT[kind]}.*\n)+", text, re.M)
            lines = sum(1 for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
        else:
            code = without_comments(text, comments)
            lines = sum(1 for line in code.splitlines() if line.strip())
        found["openings", "tests" if is_test else "production"] += sum(map(openings_of, comments))
        if kind in (".cmake", ".txt", "", ".js") or path.startswith("tests/vectors/"):
            continue
        found["code", folder_of(path)] += lines
        found["code", "tests, all" if is_test else "production"] += lines
        if kind in (".c", ".h"):
            found["file", path] = text.count("\n")
            for struct in STRUCT.finditer(code):
                found["members", struct[1]] = max(found["members", struct[1]], members_of(code, struct.end()))
        found["headers", "production"] += kind == ".h" and not is_test and "/include/" in path
    return found


def budget_read(path):
    allowed = {}
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            what, name, figure = re.fullmatch(r"(\w+) (.+) (\d+)", line).groups()
            allowed[what, name] = int(figure)
    return allowed


def budget_write(path, allowed):
    head = "".join(line for line in path.read_text().splitlines(True) if line.startswith("#"))
    lines = {what: sorted(f"{w} {name} {figure}\n" for (w, name), figure in allowed.items() if w == what and figure > DEFAULT[w]) for what in UNITS}
    path.write_text(head + "".join("\n" + "".join(rows) for rows in lines.values()))


def main(root, how=None):
    path = root / "tests/integration/budget"
    found, allowed = figures_of(root), budget_read(path)
    if how == "--write":
        budget_write(path, found)
        return True
    beyond = {key: figure for key, figure in found.items() if figure > allowed.get(key, DEFAULT[key[0]])}
    for (what, name), figure in sorted(beyond.items()):
        print(f"{name}: {figure} {UNITS[what]}; {figure - (may := allowed.get((what, name), DEFAULT[what]))} more than the {may} of tests/integration/budget.")
    if beyond:
        print("Take as much away in the same change, and say in the commit what it takes away.")
    if how == "--lower":
        budget_write(path, {key: min(figure, found.get(key, 0)) for key, figure in allowed.items()})
    return not beyond


if __name__ == "__main__":
    sys.exit(0 if main(pathlib.Path(sys.argv[1]).resolve(), *sys.argv[2:]) else 1)
