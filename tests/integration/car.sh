#!/bin/bash
# car.sh: records leave the folder in a CAR and come back; they never go into a stranger's folder.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/clear.sh"
emr_begin car
cd "$EMR_WORK" || exit 2

picture() { (cd "$1" && find . \( -type f -printf '%p %m %s %T@\n' \) -o \( -type l -printf '%p %l\n' \) | sort && find . -type f -print0 | sort -z | xargs -0 sha256sum); }

emr_init
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
must mkdir -p "$MNT/Imaging/Old scans/deep" "$MNT/Letters"
head -c 700000 /dev/urandom >scan
must cp scan "$MNT/Imaging/Old scans/scan 1.bin"
: >"$MNT/Imaging/Old scans/deep/empty"
echo "a note" >"$MNT/Imaging/note.txt"
must setfattr -n user.comment -v kept "$MNT/Imaging/note.txt"
must chmod 640 "$MNT/Imaging/note.txt"
must touch -d '2020-02-03 04:05:06.789' "$MNT/Imaging/note.txt"
must ln -s note.txt "$MNT/Imaging/link"
echo "a letter" >"$MNT/Letters/letter.txt"
run 0 status --wait
must mv "$MNT/Letters/letter.txt" "$MNT/Imaging/moved.txt"
echo gone >"$MNT/Imaging/gone.txt"
run 0 status --wait
rm "$MNT/Imaging/gone.txt"

say "a directory goes out, encrypted"
json 0 export Imaging "$EMR_WORK/imaging.car"
expect records "$(field records)" 4
expect bytes "$(field bytes)" "$(stat -c %s imaging.car)"
expect out "$(field out)" "$EMR_WORK/imaging.car"
expect mode "$(stat -c %a imaging.car)" 600
nothing_in_clear note.txt "scan 1" "a letter" "a note" -- imaging.car
run 0 export / all.car
run 0 export Imaging/moved.txt one.car

say "and comes back with names, times, links and attributes"
json 0 import imaging.car Back/again
expect records "$(field records)" 5
picture "$MNT/Imaging" >wanted
picture "$MNT/Back/again/Imaging" >found
diff wanted found || emr_fail "the copy differs"
expect attribute "$(getfattr --only-values -n user.comment --absolute-names "$MNT/Back/again/Imaging/note.txt")" kept
run 0 status --wait
json 0 verify
expect faults "$(field bad)" "[]"

say "nothing that is there is replaced"
json 0 import imaging.car
expect "as it was" "$(field records) $(field there)" "0 5"
json 3 import imaging.car Back/again
expect error "$(field error)" import-part
expect names "$(python3 -c 'import json; print(sorted({b["error"] for b in json.load(open("out/said"))["bad"]}))')" "['exists']"
cmp scan "$MNT/Imaging/Old scans/scan 1.bin" || emr_fail "it was"

say "also after it was deleted here: the same records, in the versions of the file"
cids() { (cd "$MNT/Imaging" && find . -type f -exec getfattr -n user.emrfs.cid -n user.emrfs.id {} + | sort); }
run 0 status --wait
cids >were
echo "a later note" >"$MNT/Imaging/note.txt"
run 0 status --wait
rm -r "$MNT/Imaging" "$MNT/Back"
run 0 status --wait
json 0 import imaging.car
expect "brought back" "$(field records) $(field there)" "5 0"
picture "$MNT/Imaging" >found
diff wanted found || emr_fail "after the deletion"
run 0 status --wait
cids >are
diff were are || emr_fail "other records than before"

say "where its name is another file's now, that one stays"
run 0 export Imaging/note.txt note.car
rm "$MNT/Imaging/note.txt"
run 0 status --wait
echo "somebody else's note" >"$MNT/Imaging/note.txt"
run 0 status --wait
json 3 import note.car
expect error "$(python3 -c 'import json; print([(b["path"], b["error"]) for b in json.load(open("out/said"))["bad"]])')" "[('Imaging/note.txt', 'exists')]"
expect "the other" "$(cat "$MNT/Imaging/note.txt")" "somebody else's note"

say "what was erased since comes back by a yes only, and is named"
mkdir "$MNT/Gone"
echo "not to be kept" >"$MNT/Gone/secret.txt"
echo "a note" >"$MNT/Gone/other.txt"
mkdir "$MNT/Else"
echo "moved once" >"$MNT/Gone/moved.txt"
run 0 status --wait
run 0 export Gone gone.car
must mv "$MNT/Gone/moved.txt" "$MNT/Else/"	# another domain, under another number
run 0 status --wait
run 0 erase --yes --passphrase-file "$EMR_PASS" Gone/secret.txt
run 0 erase --yes --passphrase-file "$EMR_PASS" Else/moved.txt
run 0 status --wait
json 13 import gone.car Back2
expect error "$(field error)" needs-yes
expect "named" "$(python3 -c 'import json; print(sorted(json.load(open("out/said"))["erased_paths"]))')" "['Gone/moved.txt', 'Gone/secret.txt']"
[ ! -e "$MNT/Back2" ] || emr_fail "something was read without a yes"
run 13 import gone.car Back2
says "2 records were erased here and would come back with $EMR_WORK/gone.car: Gone/"
says "  Gone/secret.txt"
run 0 import gone.car Back2 --yes
says "  Gone/secret.txt"
expect "by a yes" "$(cat "$MNT/Back2/Gone/secret.txt")" "not to be kept"

say "what is wrong is refused"
json 5 export nothing x.car
json 2 export Imaging
json 2 export Imaging "$MNT/x.car"
expect error "$(field error)" bad-place
json 2 export Imaging "$EMRFS_HOME/state/x.car"
json 1 export Imaging imaging.car
expect error "$(field error)" exists
json 2 export Imaging x.proof --proof
run 0 export Imaging/note.txt note.proof --proof
run 0 verify --proof note.proof "$MNT/Imaging/note.txt"
json 5 import none.car
json 8 import scan
json 8 import /dev/null
head -c 100000 imaging.car >cut.car
json 8 import cut.car Cut
python3 - <<'END'
data = bytearray(open("one.car", "rb").read())
data[-100] ^= 1
open("flipped.car", "wb").write(data)
END
json 8 import flipped.car Flipped
expect error "$(field error)" bad-data
[ ! -e "$MNT/Cut" ] && [ ! -e "$MNT/Flipped" ] || emr_fail "a refused CAR left something"
run 0 unmount
json 10 export Imaging y.car
json 10 import one.car

say "a stranger opens nothing"
export EMRFS_HOME=$EMR_WORK/stranger
mkdir -m 700 "$EMRFS_HOME"
printf 'kdf = 8,1\n' >"$EMRFS_HOME/settings"
run 0 init --yes --words-file "$EMR_WORK/other-words" --passphrase-file "$EMR_PASS" --name Joao
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
json 6 import all.car
expect error "$(field error)" not-yours
expect folder "$(ls -A "$MNT")" Inbox
run 0 unmount
run 0 mount --read-only --passphrase-file "$EMR_PASS" "$MNT"
json 6 import all.car
run 0 unmount
echo "all is well"
