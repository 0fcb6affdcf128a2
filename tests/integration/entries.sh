#!/bin/bash
# entries.sh: the entries of the menus that share, take back, and answer a request, between two people of a network. A stand-in
# for zenity answers their questions and notes what it was shown; viewers_dialogs has the real one.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
PACKAGING=$(cd "$(dirname "$0")/../../packaging" && pwd)
two_begin entries
emr_portuguese
two_network "São Lucas"
two_join lima "Dr Paula Lima" clinician
two_join reis "Dr Paula Reis" clinician
two_join ana "Ana Silva" patient
two_cards ana lima
two_mount ana lima
mkdir bin || exit 2
# The next line of answers for what asks: of a list the number of a row, or what stands in it; texts are agreed to unless the line says no.
cat >bin/zenity <<'END'
#!/bin/bash
{ echo "window: $*"; cat | tee "$EMR_WORK/cells"; } >>"$EMR_WORK/shown"
for process in /proc/[0-9]*/cmdline; do tr '\0' ' ' <"$process" 2>/dev/null; echo; done >>"$EMR_WORK/arguments"
answer=$(head -1 "$EMR_WORK/answers"); sed -i 1d "$EMR_WORK/answers"
[ "$answer" != no ] || exit 1
case $* in
*--list*) awk -v answer="$answer" -v n="$(grep -o -- --column= <<<"$*" | wc -l)" '
	NR % n == 1 { key = $0; row++; if (answer == row) { print key; exit } } $0 == answer { print key; exit }' "$EMR_WORK/cells" ;;
*--extra-button=*) sed 's/.*--extra-button=//' <<<"$*"; exit 1 ;;
esac
END
chmod +x bin/zenity
export PATH=$EMR_WORK/bin:$PATH DISPLAY=:none
entry() { # ANSWERS DEED FILE...
	printf '%b' "$1" >answers
	shift
	: >shown
	"$PACKAGING/action" "$@" || emr_fail "action $*: $?: $(cat shown)"
}
two_home ana
must mkdir "$MNT/Scans" && echo one >"$MNT/Scans/a.txt" || exit 2
run 0 status --wait

say "what a window tells people to look for stands in the menus"
names=$(sed -n 's/.*N_("\([^"]*\)").*/\1/p' "$PACKAGING/../fs/kit/menu.c")
[ -n "$names" ] || emr_fail "no names in fs/kit/menu.c"
while read -r name; do
	grep -rqE "^Name=$name\$|^entry .* \"$name\" " "$PACKAGING/desktop" "$PACKAGING/actions" || emr_fail "no menu has $name"
done <<<"$names"

say "not shared when the person says no, or closes a window"
for answers in 'no\n' 'lima\nno\n' 'lima\n30 days\nno\n'; do
	entry "$answers" share "$MNT/Scans"
	run 0 share --json
	expect "grants after $answers" "$(field grants)" '[]'
done
grep -q lima shown || emr_fail "nobody to choose: $(cat shown)"
say "shared for as long as was chosen"
entry 'lima\n7 days\nyes\nyes\n' share "$MNT/Scans"
shares_one() { "$EMRFS" share --json | grep -q '"path": *"Scans"'; }
emr_until shares_one
run 0 share
says "(7 days)"
run 0 status --wait
say "not taken back when the person says no to what is shown"
entry '1\nno\n' unshare "$MNT/Scans/a.txt"
grep -qx 'End it?' shown && grep -q '^  Scans   ' shown || emr_fail "what ends was not shown: $(cat shown)"
shares_one || emr_fail "ended without a yes"
say "nobody who looks at processes learns who shares what with whom"
grep -aqE '/emrfs( (@|share|revoke))? +$' arguments || emr_fail "no emrfs that waits for an answer was seen"
! grep -aE "/emrfs (share|revoke) $EMR_WORK|(basename|setsid) .*$EMR_WORK" arguments || emr_fail "names are in arguments"
say "taken back: those who may open it are asked about, and nobody else who is known"
entry '1\nyes\nyes\n' unshare "$MNT/Scans/a.txt"
expect "who may open it, what, and whether it opens" "$(sed '1d; 2,${/^window/,$d}' shown)" "$(printf '%s\n' 0 lima Scans 'opens now')"
shares_none() { ! shares_one; }
emr_until shares_none
say "somebody whose card was taken without a name is chosen by what the certificate says"
as reis run 0 people card -o "$EMR_WORK/reis.card" --passphrase-file "$EMR_PASS"
entry 'no\n' card "$EMR_WORK/reis.card"
entry 'reis@saolucas\n7 days\nyes\nyes\n' share "$MNT/Scans"
emr_until shares_one
entry '1\nyes\nyes\n' unshare "$MNT/Scans"
emr_until shares_none
say "with a terminal behind it, too, everything is asked in windows"
cat >terminal.py <<'END'
import os, pty, select, signal, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
while select.select([fd], [], [], 1200)[0]:
    try:
        seen = os.read(fd, 4096)
    except OSError:
        break
    if not seen: break
    os.kill(pid, signal.SIGHUP)
    sys.exit(f"on the terminal: {seen.decode(errors='replace')}")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
printf 'lima\n7 days\nyes\nyes\n' >answers && : >shown
python3 terminal.py "$PACKAGING/action" share "$MNT/Scans" || emr_fail "action share: $(cat shown)"
grep -qx 'Share it?' shown || emr_fail "a yes was not asked for: $(cat shown)"
emr_until shares_one
entry '1\nyes\nyes\n' unshare "$MNT"
emr_until shares_none
say "of what nobody may open that is said, in one sentence"
entry 'no\n' unshare "$MNT/Scans"
expect "windows" "$(grep -c ^window: shown)" 1
grep -qx "You share this with nobody." shown || emr_fail "not said: $(cat shown)"
: >shown && printf 'no\n' >answers
"$PACKAGING/action" unshare "$EMR_WORK/answers" && emr_fail "shared from outside: $(cat shown)"
grep -qF "$EMR_WORK/answers" shown || emr_fail "not said that it is not in the folder: $(cat shown)"
say "whoever is chosen is meant, however they are called"
odd='Dr Paula  "who":"Re\is"'
as ana run 0 people add lima.card --name 'Dr Paula  Lima'
as ana run 0 people add reis.card --name "$odd"
shared_with() { # NAMES, in their order, a line each
	[ "$("$EMRFS" share --json | python3 -c 'import json, sys
print("\n".join(sorted(g["who"] for g in json.load(sys.stdin)["grants"])))')" = "$1" ]
}
entry 'Dr Paula  Lima\n7 days\nyes\nyes\n' share "$MNT/Scans"
expect "who may be chosen, and in brackets what the card says" "$(sed '1d; 2,${/^window/,$d}' shown | grep -vxE '[0-9]*|not compared yet|org-[a-z0-9]*@saolucas' | sort)" \
	"$(printf '%s\n' "$odd" '[Dr Paula Reis]' 'Dr Paula  Lima' '[Dr Paula Lima]' | sort)"
emr_until shared_with 'Dr Paula  Lima'
entry "${odd/\\/\\\\}\n7 days\nyes\nyes\n" share "$MNT/Scans"
emr_until shared_with "$odd
Dr Paula  Lima"
must mkdir "$MNT/Scans 2"
run 0 share "$MNT/Scans 2" with 'Dr Paula  Lima' --yes
shared_three() { [ "$("$EMRFS" share --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)["grants"]))')" = 3 ]; }
emr_until shared_three
entry 'no\n' unshare "$MNT/Scans"
expect "who may open it" "$(sed '1d; 2,${/^window/,$d}' shown)" "$(printf '%s\n' 0 "$odd" Scans 'opens now' 1 'Dr Paula  Lima' Scans 'opens now')"
entry '1\nyes\nyes\n' unshare "$MNT/Scans 2"
emr_until shared_with "$odd
Dr Paula  Lima"
entry '2\nyes\nyes\n' unshare "$MNT/Scans"
emr_until shared_with "$odd"
entry '1\nyes\nyes\n' unshare "$MNT/Scans"
emr_until shares_none
say "whatever a folder is called, and nothing else is meant"
odd=$'Old\tscans\nof "May" \\n\x01'
must mkdir "$MNT/$odd" "$MNT/Oldtscansnof \"May\" \\nu0001"
run 0 share "$MNT/$odd" with 'Dr Paula  Lima' --yes
shares_one_odd() { [ "$("$EMRFS" share --json | python3 -c 'import json, sys; print([g["path"] for g in json.load(sys.stdin)["grants"]])')" = "$(python3 -c 'import sys; print([sys.argv[1]])' "$odd")" ]; }
emr_until shares_one_odd
entry 'no\n' unshare "$MNT/$odd"
expect "what is shared" "$(sed '1d; 2,${/^window/,$d}' shown)" "$(printf '%s\n' 0 'Dr Paula  Lima' 'Old?scans?of "May" \n?' 'opens now')"
entry '1\nyes\nyes\n' unshare "$MNT/$odd"
emr_until shared_with ''
say "nor the file whose name lacks the newline at its end"
letter=$'letter of May\n'
echo "for her alone" >"$MNT/letter of May" && echo "to be shown" >"$MNT/$letter" || exit 2
run 0 status --wait
chosen() { # ACTION [FILE]: what it says of a file is said of the one that was chosen
	entry '' "$@"
	grep -qF ", $(stat -c %s "$MNT/$letter") bytes, " shown || emr_fail "of another file: $*: $(cat shown)"
}
chosen status "$MNT/$letter"
chosen status "file://${MNT//\//%2F}/letter%20of%20May%0A"
NAUTILUS_SCRIPT_SELECTED_URIS="file://$MNT/letter%20of%20May%0A"$'\n' chosen status
entry 'Dr Paula  Lima\n7 days\nyes\nyes\n' share "$MNT/$letter"
shares_letter() { [ "$("$EMRFS" share --json | python3 -c 'import json, sys; print([g["path"] for g in json.load(sys.stdin)["grants"]])')" = "['letter of May\\n']" ]; }
emr_until shares_letter
entry '1\nyes\nyes\n' unshare "$MNT/$letter"
emr_until shared_with ''
say "what is ending already is not offered once more"
run 0 share "$MNT/Scans" with 'Dr Paula  Lima' --yes --wait
two_host_kill
run 0 revoke --yes "$MNT/Scans" from 'Dr Paula  Lima'
json 0 share
expect "it ends" "$(field grants.0.state)" ending
entry 'no\n' unshare "$MNT/Scans"
grep -qx "You share this with nobody." shown || emr_fail "not said: $(cat shown)"
two_host
emr_until shared_with ''
reaches_it() { as lima "$EMRFS" status --json | python3 -c 'import json, sys; sys.exit(bool(json.load(sys.stdin)["ledger"].get("error")))'; }
emr_until reaches_it # her computer looks for itself
say "a request is shown, and answered"
as lima run 0 request 'ana:Scans' --reason 'second opinion'
asked() { "$EMRFS" request | grep -q 'to you'; }
asked_again() { "$EMRFS" request | grep -q 'to you.*emrfs approve'; }
emr_until asked
id=$("$EMRFS" request | sed -n 's/^\(r-[^ ]*\).* to you .*/\1/p')
entry '1\nno\n' requests
grep -qx Scans shown && grep -qx "second opinion" shown || emr_fail "the request is not shown: $(cat shown)"
say "what is chosen is the whole id: who asks finds another of the same first letters, and changes what he asks for under it"
whole=$("$EMRFS" request --json | python3 -c 'import json, sys; print([r["whole"] for r in json.load(sys.stdin)["requests"] if r["state"] == "open"][0])')
[[ $whole =~ ^$id[a-z2-7]*$ && ${#whole} = 28 ]] || emr_fail "no whole id: $whole"
grep -qx "$whole" shown || emr_fail "not chosen by its whole id: $(cat shown)"
say "a yes says the whole id, and the word for what was shown, also to who typed four letters"
cat >between.py <<'END'
# Between the verb and the open folder: what the verb says is written down, a line each.
import os, socket, struct, sys, threading
def whole(line, n):
    got = b""
    while len(got) < n:
        more = line.recv(n - len(got))
        if not more: return None
        got += more
    return got
def carry(a, b, note):
    while (head := whole(a, 4)) and (body := whole(a, struct.unpack(">I", head)[0])):
        if note:
            with open("heard", "ab") as f: f.write(body + b"\n")
        b.sendall(head + body)
    for line in a, b:
        try: line.shutdown(socket.SHUT_RDWR)
        except OSError: pass
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1]); os.chmod(sys.argv[1], 0o600); listener.listen()
while True:
    verb, _ = listener.accept()
    folder = socket.socket(socket.AF_UNIX); folder.connect(sys.argv[2])
    threading.Thread(target=carry, args=(verb, folder, True), daemon=True).start()
    threading.Thread(target=carry, args=(folder, verb, False), daemon=True).start()
END
must mv "$EMRFS_HOME/run/socket" "$EMRFS_HOME/run/folder"
setpriv --pdeathsig TERM python3 between.py "$EMRFS_HOME/run/socket" "$EMRFS_HOME/run/folder" >/dev/null 2>&1 &
between=$!
emr_until test -S "$EMRFS_HOME/run/socket"
run 13 approve "$id"
! grep '"id"' heard | grep -v '"look":true' || emr_fail "said yes by itself"
run 0 approve "$id" --yes
must mv "$EMRFS_HOME/run/folder" "$EMRFS_HOME/run/socket"
kill $between
python3 - "$whole" <<'END' || emr_fail "said: $(cat heard)"
import json, sys
yes = [r for r in map(json.loads, open("heard")) if r["verb"] == "share" and "id" in r and not r.get("look")]
sys.exit(not (len(yes) == 1 and yes[0]["id"] == sys.argv[1] and len(yes[0]["shown"]) == 64))
END
emr_until shares_one
answered() { "$EMRFS" request | grep -q "^$id .* asked for "; }
emr_until answered
entry '1\nyes\nyes\n' unshare "$MNT/Scans"
emr_until shares_none
as lima run 0 request ana:Scans --reason 'second opinion'
emr_until asked_again
id=$("$EMRFS" request | sed -n 's/^\(r-[^ ]*\).* to you .*emrfs approve.*/\1/p')
say "also where the person reads Portuguese"
LC_ALL=pt_PT.UTF-8 entry '1\n1\nyes\nyes\n' requests
grep -qx "Partilhar?" shown || emr_fail "not asked in Portuguese: $(cat shown)"
emr_until shares_one
say "what has been answered is not offered again"
emr_until answered
entry 'no\n' requests
! grep "^$id" shown || emr_fail "offered: $(cat shown)"
say "a deleted file is chosen, and is where it was"
must rm "$MNT/Scans/a.txt"
run 0 status --wait
entry 'Scans/a.txt\nyes\n' deleted
expect "what came back" "$(cat "$MNT/Scans/a.txt")" one
say "what is to be erased is named before a yes, and a no leaves it"
entry 'no\n' erase "$MNT/Scans/a.txt"
grep -qx Scans/a.txt shown && grep -q 'every version. Erase' shown || emr_fail "what goes was not shown: $(cat shown)"
expect "what was to stay" "$(cat "$MNT/Scans/a.txt")" one
printf '#!/bin/sh\necho "$1" >>"$EMR_WORK/opened"\n' >bin/xdg-open && chmod +x bin/xdg-open
say "the report opens"
entry '' report
expect "what was opened" "$(cat opened)" "$MNT/.emrfs/report.html"
say "a folder that is open for reading only opens"
two_unmount ana
two_home ana
run 0 mount --read-only --passphrase-file "$EMR_PASS" "$MNT"
rm opened
"$PACKAGING/open-folder" || emr_fail "open-folder: $?: $(cat shown)"
expect "what was opened" "$(cat opened)" "$MNT"
two_unmount ana lima
echo "all is well"
