#!/usr/bin/env python3
"""budget.py SOURCES [--write]: how large the project may become, by the figures in tests/integration/budget.
A figure only falls. What may grow has a line `allow WHAT NAME N ISSUE`, which is added to the figure: the line of all production or of all tests quotes
the sentence of the issue that allows it, and the lines of folders share what it gives. It fails where something is larger than its figure and what is
allowed together, and where a commit raised that without such a line. A line `move WHAT FROM TO N ISSUE: SENTENCE` takes from one folder what it gives to another,
where the issue lets lines move while the sum falls. A shallow clone has no earlier commits, and is judged by the figures alone.
--write lowers each figure to what is there now, less what is allowed, and prints for each folder what was taken and added. It raises nothing; what an
issue allowed and did not use is then gone, so it belongs on the main branch where an issue ends."""
import collections
import pathlib
import re
import subprocess
import sys

LINES_A_FILE = 500
KIB_A_PAGE = 15
MEMBERS = 30
SMALL = 6
# The folders that are counted by themselves, with all that is below them; a folder of fs, too.
FOLDERS = ("base", "keyring", "ledger-client")
UNITS = {
    "code": "lines of code without comments and blank lines",
    "headers": "public headers",
    "small": f"static functions of {SMALL} lines or fewer that their file uses once, so that their lines could stand there",
    "contexts": "functions that take a void *, behind which a caller's state is hidden",
    "circles": "files that call each other in circles (circles.py)",
    "openings": "sentences in comments that begin with Who, Whoever, What or Of what, and should begin with what they are about",
    "file": f"lines (a file that is not listed: {LINES_A_FILE})",
    "page": f"KiB (a DESIGN.md that is not listed: {KIB_A_PAGE})",
    "members": f"members (a struct that is not listed: {MEMBERS})",
}
DEFAULT = {"code": 0, "headers": 0, "small": 0, "contexts": 0, "circles": 0, "openings": 0, "file": LINES_A_FILE, "page": KIB_A_PAGE, "members": MEMBERS}

TOKEN = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)
SCRIPT = {".sh": "#", ".py": "#", ".cmake": "#", ".txt": "#", "": "#", ".js": "//"}  # how a line begins that is a comment
OPENING = re.compile(r"(?:^|[.!?:] )(?:Who|Whoever|What|Of what)\b")
STRUCT = re.compile(r"\bstruct (\w+)\s*\{")
# clang-format lays a function out so that its first line and its last begin at the margin.
FUNCTION = re.compile(r"^(\w[\w *\n]*?)\b(\w+)\(([^;{}]*)\)\n\{\n(.*?)^\}", re.M | re.S)
FIGURE = re.compile(r"(\w+) (.+) (\d+)")
ALLOWED = re.compile(r'allow (\w+) (.+) (\d+) ("[^"]+")(?:: (".*"))?')
MOVED = re.compile(r'move (\w+) (\S+) (\S+) (\d+) ("[^"]+"): (".*")')
MAY_MOVE = "while the sum falls"
ALL = ("production", "tests, all")  # an issue gives lines to one of these


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
        return "/".join(parts[:2]) if len(parts) > 2 else "tests"
    if parts[0] == "fs":
        return "/".join(parts[:2]) if len(parts) > 2 else "fs"
    return parts[0]


def functions_of(code):
    """(small ones that are used once, ones that take a void *) among the functions of a file."""
    names = collections.Counter(re.findall(r"\w+", code))
    small = contexts = 0
    for head, name, parameters, body in FUNCTION.findall(code):
        small += head.startswith("static") and names[name] == 2 and len(re.findall(r"^.*\S", body, re.M)) <= SMALL
        contexts += re.search(r"\bvoid \*\w", parameters) is not None
    return small, contexts


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
        if is_test or kind not in (".c", ".h"):
            continue
        small, contexts = functions_of(code)
        for name in (folder_of(path), "production"):
            found["headers", name] += kind == ".h" and "/include/" in path
            found["small", name] += small
            found["contexts", name] += contexts
    return found


def refuse(why, line):
    print(f"tests/integration/budget: {why}: {line}")
    sys.exit(1)


def budget_read(text):
    """({key: figure}, {(key, issue): how much it allows}) of TEXT. An allowance that quotes no sentence, or gives more than its issue does, is a mistake."""
    figures, allowed = {}, {}
    for line in text.splitlines():
        if line.startswith("allow "):
            if not (found := ALLOWED.fullmatch(line)):
                refuse('not `allow WHAT NAME N "ISSUE"`, or with `: "SENTENCE"` behind it', line)
            what, name, n, issue, sentence = found.groups()
            if ((what, name), issue) in allowed:
                refuse("allowed twice", line)
            said = f"+{int(n):,}"
            if (what != "code" or name in ALL) and said not in (sentence or ""):
                refuse(f'the sentence of the issue that says "{said}" belongs behind it', line)
            allowed[(what, name), issue] = int(n)
        elif line.startswith("move "):
            if not (found := MOVED.fullmatch(line)) or MAY_MOVE not in found[6]:
                refuse(f'not `move WHAT FROM TO N "ISSUE": "SENTENCE"` with a sentence that says "{MAY_MOVE}"', line)
            what, source, to, n, issue, _ = found.groups()
            if (source.split("/")[0] == "tests") != (to.split("/")[0] == "tests"):
                refuse("lines of tests and of production are no room for each other", line)
            for name, change in ((source, -int(n)), (to, int(n))):
                if ((what, name), line) in allowed:
                    refuse("moved twice", line)
                allowed[(what, name), line] = change
        elif line and not line.startswith("#"):
            what, name, figure = FIGURE.fullmatch(line).groups()
            figures[what, name] = int(figure)
    shared = collections.Counter()
    for ((what, name), issue), n in allowed.items():
        if what == "code" and name not in ALL:
            shared["tests, all" if name.split("/")[0] == "tests" else "production", issue] += n
    for (whole, issue), n in shared.items():
        if n > (most := allowed.get((("code", whole), issue), 0)):
            refuse(f"the folders have {n} lines of {issue}, which allows {most}", whole)
    return figures, allowed


def limits_of(figures, allowed):
    limits = collections.Counter(figures)
    for (key, _), n in allowed.items():
        limits[key] = limits.get(key, DEFAULT[key[0]]) + n
    return limits


def raised(before, after):
    """What AFTER lets become larger than BEFORE did, but by what an issue allows; two texts of the budget."""
    old, new = budget_read(before), budget_read(after)
    was, now = limits_of(*old), limits_of(*new)
    for (key, issue), n in new[1].items():
        now[key] -= max(n - old[1].get((key, issue), 0), 0)
    return {key: (was.get(key, DEFAULT[key[0]]), now[key]) for key in now if now[key] > was.get(key, DEFAULT[key[0]])}


def git(root, *words):
    return subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, text=True).stdout


def history(root, path):
    """(name, text before, text after) of each change of the budget, the newest first: what is not committed, then each commit of this branch, a merge as
    one, back to the first that had these rules."""
    name = str(path.relative_to(root))
    commits = git(root, "log", "--first-parent", "--format=%h", "--", name).split()
    texts = [git(root, "show", f"{commit}:{name}") for commit in commits]
    names = ["what is not committed", *commits]
    for of, after, before in zip(names, [path.read_text(), *texts], texts):
        if RULES not in before:
            return
        if before != after:
            yield of, before, after


RULES = "# A figure never rises."


def budget_write(path, figures):
    text = path.read_text().splitlines(True)
    head = "".join(line for line in text if line.startswith("#"))
    lines = {what: sorted(f"{w} {name} {figure}\n" for (w, name), figure in figures.items() if w == what and figure > DEFAULT[w]) for what in UNITS}
    allows = [line for line in text if line.startswith(("allow ", "move "))]
    path.write_text(head + "".join("\n" + "".join(rows) for rows in [*lines.values(), allows] if rows))


def lowered(figures, allowed, found):
    """FIGURES, each where it is smaller by FOUND; prints what that took from each folder, and what was added to it."""
    new = {}
    for key, figure in figures.items():
        what, name = key
        grant = sum(n for (of, _), n in allowed.items() if of == key)
        new[key] = figure if what == "circles" else min(figure, max(found.get(key, 0) - grant, 0))  # circles.py lowers its own
        if what == "code" and (change := found.get(key, 0) - figure):
            print(f"{name}: {abs(change)} lines {'added' if change > 0 else 'taken'}")
    return new


def main(root, how=None):
    path = root / "tests/integration/budget"
    found, (figures, allowed) = figures_of(root), budget_read(path.read_text())
    limits = limits_of(figures, allowed)
    beyond = {key: figure for key, figure in found.items() if figure > limits.get(key, DEFAULT[key[0]])}
    for (what, name), figure in sorted(beyond.items()):
        print(f"{name}: {figure} {UNITS[what]}; {figure - (may := limits.get((what, name), DEFAULT[what]))} more than the {may} of tests/integration/budget.")
    if beyond:
        print("Take as much away in the same change, and say in the commit what it takes away.")
    rises = [(of, key, *change) for of, before, after in history(root, path) for key, change in raised(before, after).items()]
    for of, (what, name), was, now in rises:
        print(f"{of}: lets {what} {name} rise from {was} to {now}, and no issue allows it.")
    if how == "--write":
        budget_write(path, lowered(figures, allowed, found))
    return not beyond and not rises


if __name__ == "__main__":
    sys.exit(0 if main(pathlib.Path(sys.argv[1]).resolve(), *sys.argv[2:]) else 1)
