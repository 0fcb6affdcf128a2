#!/bin/bash
# hostile_names.sh: misleading names - controls, escape sequences, marks that turn the direction of reading, line ends, "../" - of files,
# shared folders, people and organisations, wherever they are shown again.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/orgs.sh"
two_begin hostile-names
export TZ=UTC LC_ALL=C.UTF-8
ESC=$'\033' RTL=$'\xe2\x80\xae' ISOLATE=$'\xe2\x81\xa6' C1=$'\xc2\x9b' BELL=$'\a' LINE=$'\n' CR=$'\r' ZERO=$'\xe2\x80\x8b'

# harmless FILE...: nothing in it that a terminal obeys or that turns the reading.
harmless() {
	python3 - "$@" <<'END' || emr_fail "not harmless: $*"
import sys
bad = 0
for path in sys.argv[1:]:
    text = open(path, "rb").read().decode("utf-8", "strict").replace("\r\n", "\n")
    for at, c in enumerate(text):
        n = ord(c)
        if (n < 32 and c not in "\n\t") or 0x7f <= n < 0xa0 or n in (0x61c, 0x200e, 0x200f) or 0x202a <= n <= 0x202e or 0x2066 <= n <= 0x2069:
            print("%s: U+%04X in %r" % (path, n, text[max(0, at - 30):at + 30]))
            bad = 1
sys.exit(bad)
END
}
said() { harmless out/said out/complained; }
# harmless_run WANTED VERB...: and what it said
harmless_run() { run "$@" && said; }

say "no person and no organisation is called so"
two_home hospital
for name in "São${ESC}[2JLucas" "São${RTL}Lucas" "São${LINE}Lucas" "a${C1}b" "" "  "; do
	run 2 org create "$name" --network "$NET" --yes --passphrase-file "$EMR_PASS" --words-file w.words
	said
	rm -f w.words
done
two_network "Clínica X, São Lucas"
as hospital two_invite ana patient
inviting=$!
emr_until test -s ana.invitation
two_home ana
for name in "Ana${ESC}[2J" "Ana ${RTL}avliS" "Ana${LINE}Silva" "Ana${BELL}"; do
	run 2 init --join ana.invitation --yes --name "$name" --born 1984-03-12 --passphrase-file "$EMR_PASS" --words-file ana.words
	said
done
run 0 init --join ana.invitation --yes --name "../../Ana (K7QF)" --born 1984-03-12 --passphrase-file "$EMR_PASS" --words-file ana.words
wait "$inviting" || emr_fail "invite ana"
two_join lima "Paula Lima" clinician
two_cards ana lima || emr_fail "cards"
as lima harmless_run 0 people --passphrase-file "$EMR_PASS"
for name in "a${ESC}[2J" "a/b" "../a" "a@b" "${RTL}a"; do
	as lima run 2 people add ana.card --name "$name" --passphrase-file "$EMR_PASS"
	as lima said
done
as hospital run 2 org team add "Cardio${ESC}[2J" --passphrase-file "$EMR_PASS"
as hospital said

say "folders and files are, and are shown as what can be read"
two_mount ana lima
two_home ana
bad=("Scans${ESC}[2J${ESC}]0;owned${BELL}" "gpj.${RTL}exe" "two${LINE}lines" "back${CR}over" "c1${C1}31m" "..x" "-rf x" "%s%n" "${ISOLATE}in")
i=0
for name in "${bad[@]}"; do
	mkdir "ana-folder/$name" && echo "content $i" >"ana-folder/$name/file $name" || emr_fail "cannot be made: $(printf %q "$name")"
	i=$((i + 1))
done
run 0 status --wait
harmless_run 0 status
for name in "${bad[@]}"; do
	harmless_run 0 share "./$name" with lima --yes --wait
done
harmless_run 0 share
json 0 share
said
expect "shared" "$(python3 -c 'import json; print(len(json.load(open("out/said"))["grants"]))')" ${#bad[@]}
linked() { [ "$(find ana-folder/shared-by-me -mindepth 2 -printf x | wc -c)" = ${#bad[@]} ]; }
emr_until linked
harmless ana-folder/.emrfs/notices ana-folder/.emrfs/index.csv ana-folder/.emrfs/report.html

say "at whom they are shared with, they stay in their place"
plain() { LC_ALL=C.UTF-8 python3 -c 'import sys, unicodedata
print("".join("_" if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") else c for c in sys.argv[1]))' "$1"; }
shown() { [ "$(find lima-folder/shared-with-me -mindepth 3 -type f -printf x 2>/dev/null | wc -c)" = ${#bad[@]} ]; }
emr_until shown
OWNER=$(ls lima-folder/shared-with-me)
expect "owner" "$OWNER" ana
patient=$(getfattr --only-values -n user.emrfs.patient lima-folder/shared-with-me/ana)
[[ $patient =~ ^ana\ \([A-Z2-7]{8}\)\ \[_\._\.\._Ana\ _K7QF_\ 1984-03-12\]$ ]] || emr_fail "patient: $patient"
python3 - "lima-folder/shared-with-me/$OWNER" <<'END' >out/shares || emr_fail "names of shares: $(cat out/shares)"
import os, sys
top = sys.argv[1]
for name in sorted(os.listdir(top)):
    print(ascii(name))
    assert "/" not in name and name not in (".", ".."), name
    assert os.path.realpath(os.path.join(top, name)).startswith(os.path.realpath(top) + "/"), name
    for c in name:
        n = ord(c)
        assert n >= 32 and not 0x7f <= n < 0xa0 and not 0x202a <= n <= 0x202e and not 0x2066 <= n <= 0x2069, ascii(name)
END
readable() { cat "$1" >out/read; }
for file in lima-folder/shared-with-me/"$OWNER"/*/*; do emr_until readable "$file"; done
find lima-folder/shared-with-me -mindepth 3 -type f -print0 | tr '\0' '@' >out/files
harmless out/files # a name has no "@" here
i=0
for name in "${bad[@]}"; do # opening still works, by the plain name
	wanted=$(plain "file $name")
	[ "$(cat lima-folder/shared-with-me/"$OWNER"/*/"$wanted")" = "content $i" ] || emr_fail "not there: $wanted"
	i=$((i + 1))
done
two_home lima
harmless lima-folder/.emrfs/notices
harmless_run 0 status
harmless_run 0 people

say "what a doctor who may write calls her files"
two_home ana
mkdir ana-folder/Ward
run 0 status --wait
harmless_run 0 share Ward with lima --write --yes --wait
WARD="lima-folder/shared-with-me/$OWNER/Ward"
may_write() { { echo hers >"$WARD/first"; } 2>/dev/null; }
emr_until may_write
for name in "${bad[@]}"; do echo "hers" >"$WARD/$name" || emr_fail "cannot be made: $(printf %q "$name")"; done
as lima run 0 status --wait
arrived() { [ "$(find ana-folder/Ward -type f -printf x | wc -c)" = $((${#bad[@]} + 1)) ]; }
emr_until arrived
for name in "${bad[@]}"; do
	name=$(plain "$name")
	[[ $name == .* ]] && name="_${name#.}" # a program may look for such a name of somebody else's
	[ "$(cat "ana-folder/Ward/$name")" = hers ] || emr_fail "not hers: $(printf %q "$name")"
	harmless_run 0 status "Ward/$name"
done
harmless_run 0 status
json 0 status Ward/first
expect "not her own, also unopened" "$(field signed.own)" False
expect "what she wrote" "$(cat ana-folder/Ward/first)" hers
json 0 status Ward/first
expect "who, of which organisation" "$(field signed.by); $(field signed.organisation)" "lima; Clínica X, São Lucas"
grep -q '^"Ward/first",.*,"Clínica X, São Lucas","valid' ana-folder/.emrfs/index.csv || emr_fail "organisation: $(grep ^.Ward/first ana-folder/.emrfs/index.csv)"
[ "$(cat "$WARD/..x")" = hers ] || emr_fail "her own name for it is another one"
harmless ana-folder/.emrfs/notices ana-folder/.emrfs/index.csv ana-folder/.emrfs/report.html

say "a folder that is shared runs nothing where it is read"
two_home ana
mkdir ana-folder/Repo
for repo in ana-folder/Repo/work ana-folder/Repo/bare; do
	bare=
	[ "${repo##*/}" = bare ] && bare=--bare
	git init -q $bare "made-${repo##*/}" || emr_fail "git init"
	git -C "made-${repo##*/}" config core.fsmonitor "touch $PWD/ran; false"
	cp -r "made-${repo##*/}" "$repo" || emr_fail "not copied: $repo"
done
printf '#!/bin/sh\ntouch %s/ran\n' "$PWD" >ana-folder/Repo/run.sh && chmod 755 ana-folder/Repo/run.sh
run 0 status --wait
[ "$(ana-folder/Repo/run.sh && ls ran)" = ran ] && rm ran || emr_fail "her own program does not run"
harmless_run 0 share Repo with lima --yes --wait
REPO="lima-folder/shared-with-me/$OWNER/Repo"
emr_until ls "$REPO/bare/_HEAD"
emr_until ls "$REPO/work/_git"
emr_until readable "$REPO/bare/config"
for repo in work bare; do
	git -c safe.directory='*' -C "$REPO/$repo" status >out/git 2>&1 && emr_fail "git: $(cat out/git)"
done
emr_until readable "$REPO/run.sh"
"$REPO/run.sh" 2>/dev/null && emr_fail "it was started"
[ -e ran ] && emr_fail "something of hers ran"
[ -z "$(find "$REPO" -name '.*' -o -type f -perm /111)" ] || emr_fail "there: $(find "$REPO" -name '.*' -o -type f -perm /111)"

say "the log, the report and the end of it"
two_home ana
opened() { "$EMRFS" log --json >out/log 2>&1 && [ "$(grep -o '"opened"' out/log | wc -l)" -ge 1 ]; }
emr_until opened
harmless out/log
harmless_run 0 log
harmless_run 0 revoke --all from lima --wait
harmless_run 0 share
harmless ana-folder/.emrfs/report.html
gone() { [ "$(find lima-folder/shared-with-me -mindepth 3 -type f -printf x 2>/dev/null | wc -c)" = 0 ]; }
emr_until gone
noted() { ls "lima-folder/shared-with-me/$OWNER/"*.txt >/dev/null 2>&1; }
emr_until noted
for note in lima-folder/shared-with-me/"$OWNER"/*.txt; do harmless "$note"; done
harmless ana-folder/.emrfs/notices lima-folder/.emrfs/notices ana/state/log lima/state/log
echo "all is well"
