#!/usr/bin/env python3
"""cli_terminal.py: a person at a terminal meets questions, a passphrase that is not echoed, three of the 24 words asked back.

EMRFS names the program.  Exit 77: no /dev/fuse."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from terminal import Terminal  # noqa: E402

EMRFS = os.environ["EMRFS"]
PASSPHRASE = "a phrase nobody knows"
WORDS = {}


def run(*arguments):
    return subprocess.run([EMRFS, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=1200)


def words_shown(text):
    found = {int(n): word for n, word in re.findall(r"\b(\d+) ([a-z]{3,8})\b", text)}
    assert sorted(found) == list(range(1, 25)), f"not 24 words: {found}"
    return found


def begin_init(terminal):
    terminal.expect("Your name")
    terminal.type("Ana Silva")
    terminal.expect("Your birth date")
    terminal.type("1984-03-12")
    terminal.expect("New passphrase: ")
    terminal.type(PASSPHRASE)
    terminal.expect("The same again: ")


PAGE, GONE = "\x1b[?1049h", "\x1b[?1049l"  # xterm: the second screen, and back


def slips_are_told_and_asked_again(home):
    terminal = Terminal("init")
    terminal.expect("Your name")
    terminal.type("Ana\t\x01Silva")
    terminal.expect("A name has at most")
    terminal.expect("Your name")
    terminal.type("Ana Silva")
    terminal.expect("Your birth date")
    for slip in ("12.3.1984", "2199-01-01"):
        terminal.type(slip)
        terminal.expect("not in the future")
        terminal.expect("Your birth date")
    terminal.type("1984-03-12")
    terminal.expect("New passphrase: ")
    for weak in ("a", "password1", "Silva-Ana-12-03-1984"):
        terminal.type(weak)
        terminal.expect("would find this passphrase")
        terminal.expect("New passphrase: ")
    terminal.type(PASSPHRASE)
    terminal.expect("The same again: ")
    terminal.type("another phrase")
    terminal.expect("differ")
    terminal.expect("New passphrase: ")
    terminal.press(b"\x03")
    assert terminal.end() == -signal.SIGINT, terminal.seen
    assert not os.path.exists(f"{home}/state/keyfile")


def what_is_typed_after_the_last_slip_does_not_reach_the_shell(_home):
    """Whoever pastes answers, or all of his words, into a question too few must not have them run, nor kept in a history."""
    shell = Terminal.of("/bin/sh", "-c", f'"{EMRFS}" init; echo "ended: $?"; read rest; echo "the shell read: <$rest>"')
    shell.expect("Your name")
    shell.type("\n".join(["\x01"] * 5 + ["abandon ability able about above absent"]))
    shell.expect(r"ended: \d+")
    shell.type("")
    assert shell.expect("the shell read: <(.*)>")[1] == "", shell.seen
    shell.end()


def interrupted_at_the_words_nothing_is_left(home):
    terminal = Terminal("init")
    begin_init(terminal)
    terminal.type(PASSPHRASE)
    terminal.expect("Then press Enter")
    terminal.press(b"\x03")
    assert terminal.end() == -signal.SIGINT, terminal.seen
    assert terminal.seen.rindex(GONE) > terminal.seen.rindex("Then press Enter"), "the words stay on the screen"
    assert not os.path.exists(f"{home}/state/keyfile")


def interrupted_at_the_passphrase_the_terminal_echoes_again(_home):
    terminal = Terminal("init")
    terminal.expect("Your name")
    terminal.type("")
    terminal.expect("Your birth date")
    terminal.type("")
    terminal.expect("New passphrase: ")
    import termios

    assert not termios.tcgetattr(terminal.fd)[3] & termios.ECHO, "the passphrase would be echoed"
    terminal.press(b"\x03")
    os.waitpid(terminal.pid, 0)
    assert termios.tcgetattr(terminal.fd)[3] & termios.ECHO, "the terminal stays silent"
    os.close(terminal.fd)


def init_shows_24_words_and_asks_three_back(home):
    terminal = Terminal("init")
    begin_init(terminal)
    terminal.type(PASSPHRASE)
    terminal.expect("Write these 24 words")
    terminal.expect("Then press Enter")
    words = words_shown(terminal.seen)
    WORDS.update(words)
    assert GONE not in terminal.seen
    terminal.type("")
    terminal.expect(r"Word (\d+): ")
    assert terminal.seen.count(PAGE) == terminal.seen.count(GONE) == 1, "the words stay on the screen while they are asked"
    for _ in range(3):
        terminal.type("wrongword")
        terminal.expect("not word")
    # The paper may be wrong: the words come again.
    terminal.expect("Then press Enter")
    terminal.type("")
    first = terminal.expect(r"Word (\d+): ")
    assert terminal.seen.count(PAGE) == terminal.seen.count(GONE) == 2, terminal.seen
    terminal.type("wrongword")
    terminal.expect("not word")
    terminal.expect(r"Word (\d+): ")
    terminal.type(words[int(first[1])].upper())
    for _ in range(2):
        number = int(terminal.expect(r"Word (\d+): ")[1])
        terminal.type(words[number])
    assert terminal.end() == 0, terminal.seen
    assert PASSPHRASE not in terminal.seen, "the passphrase was shown"
    assert os.path.exists(f"{home}/state/keyfile")
    assert not [name for name in os.listdir(f"{home}/state") if name.startswith(".init-")], "a stage is left"


def a_wrong_passphrase_is_told_and_asked_again(home):
    """Whoever slips types it again at once: that must not go to the shell, which would show it and keep it in its history."""
    folder = f"{home}/../again"
    os.mkdir(folder)
    terminal = Terminal("mount", folder)
    for wrong in ("a phrase somebody knows", "a phrase nobody know"):
        terminal.expect("Passphrase: ")
        terminal.type(wrong)
        terminal.expect("Wrong passphrase")
    terminal.expect("Passphrase: ")
    terminal.type(PASSPHRASE)
    terminal.expect("Your folder is open")
    assert terminal.end() == 0, terminal.seen
    assert run("unmount").returncode == 0
    terminal = Terminal("verify")
    for _ in range(3):
        terminal.expect("Passphrase: ")
        terminal.type("a phrase somebody knows")
        terminal.expect("Wrong passphrase")
    assert terminal.end() == 12, terminal.seen
    assert "somebody" not in terminal.seen, "the passphrase was shown"


def words_are_shown_again_to_one_who_knows_the_passphrase(home):
    terminal = Terminal("words")
    terminal.expect("Passphrase: ")
    assert PAGE not in terminal.seen, "the words come before the passphrase"
    terminal.type(PASSPHRASE)
    terminal.expect("Nobody else may see them")
    terminal.expect("Then press Enter")
    assert words_shown(terminal.seen) == WORDS, terminal.seen
    terminal.type("")
    assert terminal.end() == 0, terminal.seen
    assert terminal.seen.rindex(GONE) > terminal.seen.rindex("Then press Enter"), "the words stay on the screen"
    kept = subprocess.run(["grep", "-rlwi", f"{WORDS[1]}.*{WORDS[2]}", home], capture_output=True, text=True)
    assert kept.stdout == "", f"words lie in {kept.stdout}"


def mount_asks_once_and_goes_behind(home):
    folder = f"{home}/../folder"
    os.mkdir(folder)
    terminal = Terminal("mount", folder)
    terminal.expect("Passphrase: ")
    terminal.type(PASSPHRASE)
    terminal.expect("Your folder is open")
    assert terminal.end() == 0, terminal.seen
    status = json.loads(run("status", "--json").stdout)
    assert status["owner"] == "Ana Silva", status
    assert status["words_tested_at"], "the words were asked back, and nobody knows"
    with open(f"{folder}/a", "w") as file:
        file.write("after the terminal is gone")
    assert run("unmount").returncode == 0
    terminal = Terminal("verify")
    terminal.expect("Passphrase: ")
    terminal.type(PASSPHRASE)
    terminal.expect("nothing wrong")
    assert terminal.end() == 0, terminal.seen


ERASE = "\r\x1b[K"


def a_long_copy_is_said_while_it_goes_on(home):
    folder = f"{home}/../folder"
    terminal = Terminal("mount", folder)
    terminal.expect("Passphrase: ")
    terminal.type(PASSPHRASE)
    assert terminal.end() == 0, terminal.seen
    copy = open(f"{folder}/scan.dcm", "wb", buffering=0)
    copy.write(b"x" * 3_100_000)
    said = r"Being copied: 1 file, 3\.1 MB so far \(scan\.dcm\); \d+ to go to the ledger, "
    text = run("status").stdout
    assert re.search(said, text), text
    with open(f"{folder}/.emrfs/status.txt") as file:
        text = file.read()
    assert re.search(said, text), text
    report = json.loads(run("status", "--json").stdout)
    assert report["writing"] == [{"path": "scan.dcm", "bytes": 3_100_000}], report
    assert (report["writing_files"], report["writing_bytes"]) == (1, 3_100_000), report
    assert report["pending_bytes"] >= 3_100_000, report
    # A person who has waited long enough finds the line gone.
    terminal = Terminal("status", "--wait=1h")
    terminal.expect(r"1 file is being written, 3\.1 MB so far")
    terminal.press(b"\x03")
    assert terminal.end() == -signal.SIGINT, terminal.seen
    assert terminal.seen.endswith(ERASE), terminal.seen
    # unmount waits for the program, and then for the ledger.
    terminal = Terminal("unmount")
    terminal.expect(r"1 file is being written")
    copy.close()
    terminal.expect(re.escape(ERASE) + "Your folder is closed")
    assert terminal.end() == 0, terminal.seen


def work_is_shown_in_one_line_that_goes(home):
    for arguments, line, answer in (
        (("backup", f"{home}/../shown"), r"Copied [\d.]+ \w+ of [\d.]+ \w+ \(\d+%\)", "A copy is in"),
        (("verify",), "Reading all blocks once more", r"\d+ checks, nothing wrong|Ledger: "),
    ):
        terminal = Terminal(*arguments)
        if arguments[0] == "verify":
            terminal.expect("Passphrase: ")
            terminal.type(PASSPHRASE)
        terminal.expect(line)
        terminal.expect(re.escape(ERASE) + f"({answer})")
        assert terminal.end() == 0, terminal.seen
    quiet = Terminal("backup", f"{home}/../shown", "--quiet")
    assert quiet.end() == 0 and "Copied" not in quiet.seen, quiet.seen
    piped = run("backup", f"{home}/../shown")
    assert "\r" not in piped.stdout + piped.stderr and "\x1b" not in piped.stdout + piped.stderr, piped


def passwd_asks_the_old_one_once_and_the_new_one_twice(_home):
    terminal = Terminal("passwd")
    terminal.expect("Passphrase: ")
    terminal.type(PASSPHRASE)
    terminal.expect("New passphrase: ")
    terminal.type("a second phrase of hers")
    terminal.expect("The same again: ")
    terminal.type("a second phrase of hers")
    assert terminal.end() == 0, terminal.seen
    assert "second phrase" not in terminal.seen, "the passphrase was shown"
    terminal = Terminal("verify", "--chain")
    terminal.expect("Passphrase: ")
    terminal.type("a second phrase of hers")
    assert terminal.end() == 0, terminal.seen


def with_a_slip():
    wrong = "zoo" if WORDS[3] != "zoo" else "abandon"
    return " ".join(wrong if n == 3 else WORDS[n] for n in range(1, 25))


def three_times_wrong_is_the_end(_home):
    terminal = Terminal("recover")
    for _ in range(3):
        terminal.expect("Your 24 words")
        terminal.type(with_a_slip())
        terminal.expect("Word 3")
    assert terminal.end() == 12, terminal.seen


def recover_tests_three_words_and_takes_all_for_a_new_passphrase(home):
    terminal = Terminal("recover", "--test")
    terminal.expect("Passphrase: ")
    terminal.type("a second phrase of hers")
    for _ in range(3):
        number = int(terminal.expect(r"Word (\d+): ")[1])
        terminal.type(WORDS[number])
    terminal.expect("Your words are right")
    assert terminal.end() == 0, terminal.seen
    terminal = Terminal("recover")
    terminal.expect("Your 24 words")
    terminal.type(with_a_slip())
    terminal.expect("Word 3")
    terminal.expect("Your 24 words")
    terminal.type(" ".join(WORDS[n] for n in range(1, 13)))
    terminal.expect(r"\.\.\.")
    terminal.type(" ".join(f"{n}. {WORDS[n]}" for n in range(13, 25)))
    terminal.expect("New passphrase: ")
    terminal.type(PASSPHRASE)
    terminal.expect("The same again: ")
    terminal.type(PASSPHRASE)
    assert terminal.end() == 0, terminal.seen
    assert PASSPHRASE not in terminal.seen, "the passphrase was shown"


def restore_asks_for_words_or_passphrase(home):
    assert run("backup", f"{home}/../copy").returncode == 0
    for answer, question, reply in (("yes", "Passphrase: ", PASSPHRASE), ("no", "Your 24 words", "")):
        os.environ["EMRFS_HOME"] = f"{home}-{answer}"
        os.mkdir(f"{home}-{answer}")
        shutil.copy(f"{home}/settings", f"{home}-{answer}/settings")
        terminal = Terminal("init", "--restore", f"{home}/../copy")
        terminal.expect("Do you have the passphrase")
        terminal.type("maybe")
        terminal.expect("Please type yes or no")
        terminal.type(answer)
        terminal.expect(question)
        if not reply:  # one wrong word is no end, and nothing is brought twice
            terminal.type(with_a_slip())
            terminal.expect("Word 3")
            terminal.expect("Your 24 words")
        terminal.type(reply or " ".join(WORDS[n] for n in range(1, 25)))
        if not reply:
            terminal.expect("New passphrase: ")
            terminal.type("a third phrase of hers")
            terminal.expect("The same again: ")
            terminal.type("a third phrase of hers")
        terminal.expect("your keyring is in")
        assert terminal.end() == 0, terminal.seen
    os.environ["EMRFS_HOME"] = home


def main():
    if not os.path.exists("/dev/fuse"):
        sys.exit(77)
    work = tempfile.mkdtemp(prefix="emrfs-terminal-")
    home = f"{work}/home"
    os.mkdir(home)
    with open(f"{home}/settings", "w") as settings:
        settings.write("kdf = 8,1\n")
    os.environ["EMRFS_HOME"] = home
    os.environ["TERM"] = "xterm"
    try:
        for test in (
            slips_are_told_and_asked_again,
            what_is_typed_after_the_last_slip_does_not_reach_the_shell,
            interrupted_at_the_words_nothing_is_left,
            interrupted_at_the_passphrase_the_terminal_echoes_again,
            init_shows_24_words_and_asks_three_back,
            a_wrong_passphrase_is_told_and_asked_again,
            words_are_shown_again_to_one_who_knows_the_passphrase,
            mount_asks_once_and_goes_behind,
            a_long_copy_is_said_while_it_goes_on,
            work_is_shown_in_one_line_that_goes,
            passwd_asks_the_old_one_once_and_the_new_one_twice,
            recover_tests_three_words_and_takes_all_for_a_new_passphrase,
            three_times_wrong_is_the_end,
            restore_asks_for_words_or_passphrase,
        ):
            test(home)
            print("-", test.__name__.replace("_", " "))
    finally:
        subprocess.run([EMRFS, "unmount", "--now"], capture_output=True)
        shutil.rmtree(work, ignore_errors=True)


main()
