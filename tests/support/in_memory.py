"""in_memory.py PID WORD...: which of the words are in the memory that a process wrote, as UTF-8, UTF-16 or base64 of it.
Status 0: one of them; 1: none; 2: the memory cannot be read."""
import base64
import sys


def forms(word):
    data = word.encode()
    yield data
    yield word.encode("utf-16-le")
    for shift in range(3):  # whatever stands before it
        whole = base64.b64encode(b"x" * shift + data)
        yield whole[4 if shift else 0:len(whole) // 4 * 4 - 4]


def areas(pid):
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as maps:
        for line in maps:
            words = line.split()
            if "rw" in words[1] and not line.rstrip().endswith(("[vvar]", "[vsyscall]")):
                yield [int(end, 16) for end in words[0].split("-")]


def main():
    pid, words = sys.argv[1], sys.argv[2:]
    wanted = {form: word for word in words for form in forms(word) if len(form) >= 6}
    found, seen = set(), 0
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for begin, end in areas(pid):
            try:
                memory.seek(begin)
                data = memory.read(end - begin)
            except OSError:
                continue
            seen += len(data)
            found.update(word for form, word in wanted.items() if form in data)
    if seen < 1 << 20:
        print(f"only {seen} bytes could be read")
        return 2
    print(*sorted(found), sep="\n")
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
