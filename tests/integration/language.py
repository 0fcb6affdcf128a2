#!/usr/bin/env python3
# language.py SOURCES EMRFS_PAGES: every sentence of the program has a translation, and each translation is one of that sentence:
# it has the same names to fill in, the same commands and options, and blanks where it is joined to others.
import collections
import os
import re
import subprocess
import sys
import tempfile

WORD_CONTEXT = "a word that scripts read"
# ENGLISH is what people read in English in these files on purpose: the log of the program, names of commands, lists of fields.
ENGLISH = re.compile(
    r"^(agent|certificate|datasets|end|office|rot|sharing|mount|joining|network|teams): |^(chdir to / failed|asked to end|The (agent runs|host runs|folder is open)\.)$|"
    r"^(modprobe|chmod|apt|timedatectl|emrfs|ipfs) |^# The rules that hold|^\[?PATH with WHO|^(the code of this language|answers that mean|"
    + WORD_CONTEXT + "|between thousands|before decimals)|setfattr -n")
READ_BY_PEOPLE = ("fs/verbs", ":!fs/verbs/pages", "fs/people/org", "fs/session/network", "fs/kit/args.c", "fs/kit/help.c", "fs/kit/passphrase.c", "fs/kit/terminal.c",
                  "fs/kit/places.c", "fs/kit/text.c", "fs/kit/out.c", "fs/kit/progress.c", "fs/kit/message.c", "fs/tell/report/report_text.c")

Entry = collections.namedtuple("Entry", "context one many texts fuzzy")


def quoted(block):
    joined = "".join(re.findall(r'^"(.*)"$', block, re.M))
    return re.sub(r'\\(.)', lambda m: {"n": "\n", "t": "\t", "r": "\r"}.get(m[1], m[1]), joined)


def entries(text):
    """What a .po or .pot says, without its head."""
    string = r'((?:"(?:[^"\\]|\\.)*"\n?)+)'
    shape = re.compile(r"((?:^#.*\n)*)(?:^msgctxt " + string + r")?^msgid " + string + r"(?:^msgid_plural " + string +
                       r")?((?:^msgstr(?:\[\d\])? " + string.replace("((", "(?:(", 1) + r")+)", re.M)
    found = []
    for m in shape.finditer(text + "\n"):
        one = quoted(m[3])
        if one == "" and m[2] is None:
            continue
        texts = [quoted(t) for t in re.findall(r'^msgstr(?:\[\d\])? ((?:"(?:[^"\\]|\\.)*"\n?)+)', m[5], re.M)]
        found.append(Entry(quoted(m[2]) if m[2] else None, one, quoted(m[4]) if m[4] else None, texts,
                           bool(re.search(r"^#,.*\bfuzzy\b", m[1], re.M))))
    return found


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}{done.stderr}"
    return done.stdout


def template_of(sources, pages, work):
    template = os.path.join(work, "emrfs.pot")
    run(os.path.join(sources, "po", "sentences"), pages, template)
    with open(template, encoding="utf-8") as file:
        return entries(file.read())


VERBS = r"emrfs (?:--as [A-Z]+ )?[a-z]+"


def commands(text, verbs):
    """Commands as they are typed: a keyring's name is put into them, and people copy them."""
    return sorted(c for c in re.findall(VERBS, text) if c.split()[-1] in verbs)


def faults_of(entry, verbs):
    """What is wrong with the translations of one sentence, in words for whoever translates."""
    faults = []
    for number, text in enumerate(entry.texts):
        english = entry.one if number == 0 or entry.many is None else entry.many
        if sorted(re.findall(r"\{[a-z]+\}", text)) != sorted(re.findall(r"\{[a-z]+\}", english)):
            faults.append("has other names in braces")
        if sorted(re.findall(r"'\{[a-z:{}]+\}'", text)) != sorted(re.findall(r"'\{[a-z:{}]+\}'", english)):
            faults.append("has other names between single quotes, which keep them one word of a shell")
        if commands(text, verbs) != commands(english, verbs):
            faults.append(f"has other commands: {commands(text, verbs)}")
        if set(re.findall(r"(?<![\w-])--[a-z-]+", text)) != set(re.findall(r"(?<![\w-])--[a-z-]+", english)):
            faults.append("has other options")
        if text[:1].isspace() != english[:1].isspace() or text[-1:].isspace() != english[-1:].isspace():
            if entry.context is None:
                faults.append("has a blank or a new line at one end that the other has not")
        if re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text):
            faults.append("has a control character")
    if entry.context == "strftime" and not re.fullmatch(r"(%[dmYHMb]|[ /.:h-])+", entry.texts[0]):
        faults.append("is no form of day and time")
    if entry.context == "between thousands" and len(entry.texts[0].encode()) > 3:
        faults.append("has more than three bytes")
    if entry.context and entry.context.startswith("answers") and not re.fullmatch(r" (\S+ )+", entry.texts[0]):
        faults.append("is no list of words with blanks around each")
    return faults


def check(template, translated, verbs):
    known = {(e.context, e.one): e for e in translated}
    faults = []
    for wanted in template:
        entry = known.pop((wanted.context, wanted.one), None)
        if entry is None or not all(entry.texts) or entry.fuzzy or entry.many != wanted.many:
            faults.append(f"not translated: {wanted.one!r}")
        else:
            faults += [f"{wanted.one!r}\n   {fault}: {entry.texts!r}" for fault in faults_of(entry, verbs)]
    return faults + [f"the program does not say any more: {one!r}" for _, one in known]


def unmarked(sources, template):
    """Sentences in files that speak to people which nothing would translate."""
    known = {text for e in template for text in (e.one, e.many)}
    files = run("git", "-C", sources, "ls-files", "--", *READ_BY_PEOPLE).split()
    faults = []
    for file in files:
        if not file.endswith(".c"):
            continue
        every = run("xgettext", "--extract-all", "--language=C", "--from-code=UTF-8", "-o", "-", os.path.join(sources, file))
        for e in entries(every):
            if re.search(r"[A-Za-z]{2,} [a-z]{2,}", e.one) and e.one not in known and not ENGLISH.search(e.one):
                faults.append(f"{file}: {e.one!r} is said in English only: _(\"...\") around it")
    return faults


def the_checks_can_fail(template, translated, verbs):
    """Each fault, made on purpose, is found."""
    first = next(e for e in translated if "{path}" in e.one and "emrfs request" in e.one)
    others = [e for e in translated if e is not first]
    assert check(template, others, verbs), "a sentence without a translation is not missed"
    for spoiled in ("", first.texts[0].replace("{path}", "{pasta}"), first.texts[0].replace("'", ""), first.texts[0].replace(" request", " pedir"),
                    first.texts[0] + "\n", first.texts[0] + " --force", "\x1b" + first.texts[0]):
        assert check(template, others + [first._replace(texts=[spoiled])], verbs), f"not found: {spoiled!r}"
    assert check(template, others + [first._replace(fuzzy=True)], verbs), "a fuzzy translation is not missed"
    assert check(template, translated + [first._replace(one="Nobody says this.")], verbs), "an old sentence is not found"


def wrong_directives_do_not_build(po, work):
    spoiled = os.path.join(work, "spoiled.po")
    with open(po, encoding="utf-8") as file:
        text = file.read()
    sound = re.search(r'^#, c-format\nmsgid "[^"]*%s[^"]*"\nmsgstr "[^"]*%s', text, re.M)
    assert sound, f"{po}: no sentence that could be spoiled for this test"
    with open(spoiled, "w", encoding="utf-8") as file:
        file.write(text[: sound.end() - 1] + "n" + text[sound.end() :])
    done = subprocess.run(["msgfmt", "--check", "-o", "/dev/null", spoiled], capture_output=True, text=True)
    assert done.returncode != 0, "msgfmt takes a translation with other directives"


def main():
    sources, pages = sys.argv[1:3]
    verbs = set(run(pages, "verbs").split())
    faults = []
    with tempfile.TemporaryDirectory(prefix="emrfs-language-") as work:
        template = template_of(sources, pages, work)
        assert len(template) > 1000, f"only {len(template)} sentences were found"
        for name in sorted(os.listdir(os.path.join(sources, "po"))):
            po = os.path.join(sources, "po", name)
            if not name.endswith(".po"):
                continue
            run("msgfmt", "--check", "-o", "/dev/null", po)
            with open(po, encoding="utf-8") as file:
                translated = entries(file.read())
            found = check(template, translated, verbs)
            faults += [f"po/{name}: {fault}" for fault in found]
            if not found:
                the_checks_can_fail(template, translated, verbs)
                wrong_directives_do_not_build(po, work)
        faults += unmarked(sources, template)
    print(*faults, sep="\n")
    if faults:
        print(f"\n{len(faults)} faults. After a sentence was added or changed: po/update, then write what has msgstr \"\" in po/*.po "
              "(CONTRIBUTING.md, Language).")
    return 1 if faults else 0


sys.exit(main())
