#!/usr/bin/env python3
"""clang_look.py BUILD [JOBS]: clang reads every C file that BUILD compiled, with the same options, and must not warn.

Reading is enough for warnings, so nothing is compiled or linked a second time.
"""
import concurrent.futures
import json
import os
import shlex
import subprocess
import sys


def look(entry):
    words = shlex.split(entry["command"])
    first = next(i for i, word in enumerate(words) if word.startswith("-"))  # before it: compiler, and its launcher
    options = words[first:]
    del options[options.index("-o"):options.index("-o") + 2]
    options.remove("-c")
    found = subprocess.run(["clang", *options, "-fsyntax-only", "-Werror"], cwd=entry["directory"],
                           capture_output=True, text=True, check=False)
    return found.returncode, found.stderr


def main():
    build = sys.argv[1]
    jobs = int(sys.argv[2]) if len(sys.argv) > 2 else os.cpu_count()
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as commands:
        files = {entry["file"]: entry for entry in json.load(commands) if entry["file"].endswith(".c")}
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for status, said in pool.map(look, files.values()):
            if status != 0:
                bad += 1
                print(said, end="")
    print(f"  {len(files)} files, {bad} with warnings")
    return 1 if bad or not files else 0


sys.exit(main())
