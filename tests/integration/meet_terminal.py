"""meet_terminal.py: README's practice at three terminals, each question answered as a person reads it. Part of meet_terminal.sh: EMRFS names the
program, EMR_WORK has a home for each person, PORT is free."""
import os
import re
import shutil
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from terminal import Terminal, read_picture  # noqa: E402

WORK, PORT = os.environ["EMR_WORK"], os.environ["PORT"]
PASSPHRASE = {"ana": "seven green kettles sing", "lima": "nine violet ladders hum", "bento": "four quiet harbours bloom"}
CODE = "J[A-Z2-7]+"


def at(who, *arguments):
    os.environ.update(HOME=f"{WORK}/{who}", EMRFS_HOME=f"{WORK}/{who}/.home", TERM="xterm")
    os.chdir(f"{WORK}/{who}")
    print("-", f"{who}$ emrfs", *arguments, flush=True)
    return Terminal(*arguments)


def answer(terminal, question, line):
    terminal.expect(question)
    terminal.type(line)


def choose_passphrase(terminal, who):
    answer(terminal, "New passphrase: ", PASSPHRASE[who])
    answer(terminal, "The same again: ", PASSPHRASE[who])


def keep_words(terminal):
    page = terminal.expect(r"(?s)Write these 24 words on paper(.*?)Then press Enter").group(1)
    words = dict(re.findall(r"\b(\d+) ([a-z]{3,8})\b", page))
    terminal.type("")
    for _ in range(3):
        terminal.type(words[terminal.expect(r"Word (\d+):").group(1)])


def done(terminal, code=0):
    found = terminal.end()
    assert found == code, f"exit {found}: {terminal.seen}"
    return terminal.seen


def invite(who, role):
    seen = done(at("ana", "invite", who, "--role", role))
    code = re.search(rf"(?m)^({CODE})\r?$", seen).group(1)
    assert len(code) <= 160, code
    assert read_picture(seen, CODE) == code, "the picture is not the code"
    assert "assphrase" not in seen, seen
    return code


def join(terminal, who, name, role):
    terminal.expect("Praxis Ana")
    answer(terminal, r"Join \(yes, no\)\?", "yes")
    answer(terminal, "(?s)First your name.* which others see; then a new passphrase.*Your name, seen by", name)
    if role == "patient":
        answer(terminal, "Your birth date, seen by the same", "1975-05-06")
    choose_passphrase(terminal, who)
    keep_words(terminal)
    seen = done(terminal)
    assert os.path.ismount(f"{WORK}/{who}/Health"), seen


def main():
    begins = at("ana", "practice", "begin", "Praxis Ana")
    answer(begins, "The address of this computer that the others reach", f"127.0.0.1:{PORT}")
    choose_passphrase(begins, "ana")
    keep_words(begins)
    assert "The practice is ready. Next: emrfs invite NAME --role clinician" in done(begins), begins.seen

    code = invite("lima", "clinician")
    joins = at("lima", "join")  # the code is asked for
    answer(joins, "The code that you were given:", code)
    join(joins, "lima", "Dr Paula Lima", "clinician")
    code = invite("bento", "patient")
    join(at("bento", "join", code), "bento", "Bento Costa", "patient")

    shutil.copytree("Imaging", "Health/Imaging")
    shares = at("bento", "share", "Imaging", "with", "lima")
    shares.expect("May Praxis Ana, your own organisation, open what you share")
    answer(shares, r"Yes or no\?", "yes")
    answer(shares, r"Share it \(yes or no\)\?", "yes")
    assert "That purpose and end are the usual ones" in done(shares), shares.seen
    again = at("bento", "share", "Imaging/knee.dcm", "with", "lima", "--until", "2d")
    answer(again, r"Share it \(yes or no\)\?", "no")  # nothing else is asked
    assert "May Praxis Ana" not in again.seen, again.seen
    done(again, 13)

    picture = open("Imaging/knee.dcm", "rb").read()
    while True:  # a moment later
        shown = [f"{there}/Imaging/knee.dcm" for there, _, _ in os.walk(f"{WORK}/lima/Health/shared-with-me") if os.path.isdir(f"{there}/Imaging")]
        try:
            if [open(one, "rb").read() for one in shown] == [picture]:
                break
        except OSError:
            pass
        time.sleep(0.2)

    ends = at("ana", "org", "revoke", "lima")
    ends.expect("This asks for your passphrase although your folder is open")
    answer(ends, "Passphrase: ", PASSPHRASE["ana"])
    answer(ends, r"Revoke \(yes, no\)\?", "no")
    done(ends, 13)


main()
