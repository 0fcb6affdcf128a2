#!/usr/bin/env python3
"""messages.py PAGES LIST MET: every row of the program's table of messages was met (MET has what verbs and notices said),
or LIST says why one person cannot meet it.  LIST has lines `id | sentence | why`; a line for a row that was met is wrong, too."""
import json
import re
import subprocess
import sys


def table(pages):
    text = subprocess.run([pages, "contract"], check=True, capture_output=True, text=True).stdout
    rows = []
    for line in text.split("## Messages\n")[1].splitlines():
        cells = line.replace("\\|", "\0")[2:-2].split(" | ")
        rows.append((cells[0].strip("`"), cells[3].replace("\0", "|")))
    return rows


def said(path):
    """(id or None, sentence) of each thing that was said."""
    for line in open(path, encoding="utf-8", errors="replace"):
        line = line.rstrip("\n")
        if line.startswith("{"):
            try:
                answer = json.loads(line)
            except ValueError:
                continue
            if "error" in answer:
                yield answer["error"], answer["message"]
        elif line.startswith("notice: "):
            parts = line.split(" ", 5)	# notice: TIME NUMBER LEVEL ID PATH: sentence
            yield parts[4], line
        else:
            yield None, line


def pattern(sentence):
    return "".join(".+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{[a-z]+\})", sentence))


def main():
    rows, things = table(sys.argv[1]), list(said(sys.argv[3]))
    reasons, used, bad = {}, set(), 0	# two messages may share a sentence, and differ in what to do
    for line in open(sys.argv[2], encoding="utf-8"):
        if line.strip() and not line.startswith("#"):
            name, sentence, why = [cell.strip() for cell in line.split(" | ")]
            reasons[name, sentence] = why
    for name, sentence in rows:
        wanted = re.compile(pattern(sentence))
        literal = len(re.sub(r"\{[a-z]+\}", "", sentence))
        is_met = any(wanted.search(text) if thing == name else thing is None and literal > 15 and wanted.search(text)
                     for thing, text in things)
        why = reasons.get((name, sentence))
        used.add((name, sentence))
        if is_met and why:
            print(f"messages.list says that nobody meets this, but it was said: {name} | {sentence}")
            bad += 1
        if not is_met and not why:
            print(f"nobody met: {name} | {sentence}")
            bad += 1
    for name, sentence in reasons.keys() - used:
        print(f"messages.list has a line for no message: {name} | {sentence}")
        bad += 1
    if bad:
        print("A message needs a scene in messages.sh that causes it, or a line with the reason in messages.list.")
    print(f"{len(rows)} messages, {len(things)} things said")
    return 1 if bad else 0


sys.exit(main())
