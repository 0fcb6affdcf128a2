#!/bin/bash
# pacs.sh: a doctor's workstation finds and fetches, by C-FIND and C-MOVE, one study of all that is shared with the doctor, and nothing
# else; a study that is taken back is gone from it, and the index goes with the folder.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
for program in dcmqrscp dcmqridx findscu movescu; do
	command -v $program >/dev/null || emr_skip "$program is not installed (Debian: dcmtk)"
done
view=$(cd "$(dirname "$0")/../../examples/pacs-view" && pwd)/pacs-view
two_begin pacs
eval "members_$(declare -f at_end)"
VIEWER=
at_end() {
	[ -z "$VIEWER" ] || kill -TERM "$VIEWER" 2>/dev/null
	members_at_end
	rm -rf "$XDG_RUNTIME_DIR"
}
XDG_RUNTIME_DIR=$(mktemp -d /dev/shm/emrfs-XXXXXX) || emr_skip "no memory file system here"
export XDG_RUNTIME_DIR
two_network "São Lucas"
two_ana_and_lima
echo 'tell-patients = yes' >>ana/settings
two_mount ana lima
must /usr/bin/python3 "$SUPPORT/make_cd.py" cd 9
must mkdir ana-folder/Knee ana-folder/Head
must cp -r cd/DICOM/ST0/SE0 cd/DICOM/ST0/SE1 ana-folder/Knee/
must cp cd/DICOM/ST0/SE0/IM0 ana-folder/Knee/copy.dcm
echo "no image" >ana-folder/Knee/notes.txt
forged=$'\e]0;owned\a\e[2J\npacs-view: all files are shown \xe2\x80\xaetxt'
echo "no image" >"ana-folder/Knee/$forged" || exit 2
must cp -r cd/DICOM/ST0/SE2 ana-folder/Head/
must cp cd/DICOM/ST0/SE2/IM0 other.dcm
must dcmodify -q -nb -gin other.dcm
must dcmconv +td other.dcm ana-folder/Head/deflated.dcm
# nested without end behind what its headers say: it ends dcmtk's programs
must cp cd/DICOM/ST0/SE2/IM0 hostile.dcm
must dcmodify -q -nb -gin -gse hostile.dcm
for ((i = 0; i < 4000; i++)); do printf '\xe1\x7f\x10\0SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff'; done >nested
cp hostile.dcm sound.dcm
for ((i = 0; i < 50; i++)); do cat nested; done >>hostile.dcm
must cp hostile.dcm ana-folder/Head/
as ana run 0 status --wait
as ana run 0 share Knee with lima --yes --wait
as ana run 0 share Head with lima --yes --wait
is_there() { [ "$(ls lima-folder/shared-with-me/*/Head/SE2 | wc -l)" = 3 ]; }
emr_until is_there
knee=$(echo lima-folder/shared-with-me/*/Knee)
has_all() { [ "$(ls "$knee"/SE0 "$knee"/SE1 | grep -c IM)" = 6 ] && [ -e "$knee/copy.dcm" ] && [ -e "$(echo "$knee"/*owned*txt)" ]; } # its signs for a terminal are shown as others
emr_until has_all

PORT=$(emr_port)
start() {
	/usr/bin/python3 -B "$view" --mount lima-folder --port $PORT --title EMRFS --peer "WS=127.0.0.1:$((PORT + 1))" --peer "NAMED=localhost:$((PORT + 1))" "$@" >>out/view 2>&1 &
	VIEWER=$!
	disown
}
index() { find "$XDG_RUNTIME_DIR" -name index.dat; }
# found: instances that C-FIND names
found() { findscu -S -aet WS -aec EMRFS -k QueryRetrieveLevel=IMAGE -k StudyInstanceUID="$STUDY" -k SeriesInstanceUID="$1" -k SOPInstanceUID 127.0.0.1 $PORT 2>&1 |
	sed -n 's/^.*(0008,0018) UI \[\(.*\)\] .*$/\1/p' | tr -d '\0 ' | sort; }
tag() { dcmdump -q +P "$1" "$2" | sed 's/.*\[\(.*\)\].*/\1/'; }
STUDY=$(tag StudyInstanceUID cd/DICOM/ST0/SE0/IM0)
series() { tag SeriesInstanceUID "cd/DICOM/ST0/$1/IM0"; }
instances() { for file in "cd/DICOM/ST0/$1"/*; do tag SOPInstanceUID "$file"; done | sort; }
answers() { [ "$(found "$(series SE0)")" = "$(instances SE0)" ]; }

say "what is outside of the folder is not shown, and without memory there is no index"
start /etc
wait_over() { ! kill -0 "$VIEWER"; }
emr_until wait_over
grep -q "is not inside" out/view || emr_fail "said: $(cat out/view)"
XDG_RUNTIME_DIR=$EMR_WORK start "$knee"
emr_until wait_over
if [ "$(stat -f -c %T "$EMR_WORK")" != tmpfs ]; then grep -q "is not in memory" out/view || emr_fail "said: $(cat out/view)"; fi
XDG_RUNTIME_DIR=$EMR_WORK/nowhere start "$knee"
emr_until wait_over
grep -q "nowhere is not there" out/view || emr_fail "said: $(cat out/view)"

say "found is what was chosen, each instance once"
start "$knee"
emr_until answers
expect "the other series" "$(found "$(series SE1)")" "$(instances SE1)"
expect "not chosen" "$(found "$(series SE2)")" ""
grep -q "not shown: .*notes.txt: no headers were kept of it that say which instance it is; --open reads them in the file" out/view || emr_fail "said: $(cat out/view)"
grep -qF "/_]0;owned__[2J_pacs-view: all files are shown _txt: no headers were kept" out/view || emr_fail "a name that a terminal obeys: $(cat -v out/view)"
expect "an image's headers" "$(getfattr --only-values -n user.emrfs.headers "$knee/SE0/IM0" | sed -n 's/^patient_name=//p')" "Silva^Ana"
expect "the copy is still there" "$(ls "$knee" | grep -v "owned")" "$(ls "ana-folder/Knee" | grep -v -e owned -e "all files")"
tr '\0' ' ' <"/proc/$(pgrep -P "$VIEWER")/cmdline" >out/arguments
grep -q "^dcmqrscp .*emrfs-pacs" out/arguments && ! grep -q "Silva\|Knee" out/arguments || emr_fail "names in arguments: $(cat out/arguments)"
tr '\0' '\n' <"$(index)" | grep -q Silva || emr_fail "the index has no name, so nothing can be asked about it"
[ "$(getent hosts 127.0.0.1 | awk '{ print $2 }')" = localhost ] || emr_fail "the address of WS has no name, so nothing was tried"
findscu -S -aet NAMED -aec EMRFS -k QueryRetrieveLevel=STUDY -k StudyInstanceUID 127.0.0.1 $PORT >out/named 2>&1 || emr_fail "a peer that is given by its name: $(cat out/named)"
! findscu -S -aet OTHER -aec EMRFS -k QueryRetrieveLevel=STUDY -k StudyInstanceUID 127.0.0.1 $PORT >out/other 2>&1 || emr_fail "another title is answered"

say "fetched is what was sent"
mkdir got && movescu -S -aet WS -aec EMRFS +P $((PORT + 1)) -od got -k QueryRetrieveLevel=SERIES -k StudyInstanceUID="$STUDY" -k SeriesInstanceUID="$(series SE1)" 127.0.0.1 $PORT >out/move 2>&1 || emr_fail "C-MOVE: $(cat out/move)"
expect "fetched" "$(for file in got/*; do tag SOPInstanceUID "$file"; done | sort)" "$(instances SE1)"
for file in cd/DICOM/ST0/SE1/*; do tag PixelData "$file" && dcmdump -q +L +P PixelData "$file"; done | sort >out/sent
for file in got/*; do tag PixelData "$file" && dcmdump -q +L +P PixelData "$file"; done | sort >out/got
must cmp out/sent out/got

say "what was fetched stands in the log as opened, and nothing that was only found"
opened() { jq -r '[.entries[] | select(.action == "opened") | .path] | unique | .[]' out/said; }
read_there() { as ana json 0 log && [ "$(opened | grep -c ^Knee/SE1/)" = 3 ]; }
emr_until read_there
expect "opened" "$(opened)" "$(printf 'Knee/SE1/IM%s\n' 0 1 2)"

say "what is taken back, or deleted, is gone"
must rm ana-folder/Knee/SE1/IM1
fewer() { [ "$(found "$(series SE1)" | wc -l)" = 2 ]; }
emr_until fewer
# A workstation that asked before and stays connected asks once more: it is stopped where one that asks once would end.
asks() { strace -qq -o "$1" -e trace=write,sendto "${@:4}" findscu -S -v --repeat "$2" -aet WS -aec EMRFS -k QueryRetrieveLevel=IMAGE -k StudyInstanceUID="$STUDY" -k SeriesInstanceUID="$(series SE0)" -k SOPInstanceUID -k PatientName 127.0.0.1 $PORT >"$3" 2>&1; }
asks out/once 1 out/first || emr_fail "C-FIND: $(cat out/first)"
grep -q Silva out/first || emr_fail "no name: $(cat out/first)"
asks out/trace 2 out/both -e inject=write,sendto:signal=SIGSTOP:when="$(grep -c . out/once)" &
ASKING=$!
stopped() { grep -q 'stopped by SIGSTOP' out/trace; }
emr_until stopped
as ana run 0 revoke --yes Knee from lima --wait
nothing() { [ -z "$(found "$(series SE0)")$(found "$(series SE1)")" ]; }
emr_until nothing
[ -n "$(index)" ] || emr_fail "there is no index"
! tr '\0' '\n' <"$(index)" | grep -q Silva || emr_fail "the index still has her name"
goes_on() { pkill -CONT -g "$(ps -o pgid= -p $ASKING | tr -d ' ')" findscu; ! kill -0 $ASKING 2>/dev/null; }
emr_until goes_on
expect "names that the connected one was told" "$(grep -c Silva out/both)" "$(grep -c Silva out/first)"

say "the index goes with the folder, and what a killed run left with the next"
two_unmount lima
emr_until wait_over
expect "left behind" "$(find "$XDG_RUNTIME_DIR" -name 'emrfs-pacs-*')" ""
two_mount lima
start lima-folder/shared-with-me/*/Head
has_index() { [ -n "$(index)" ]; }
emr_until has_index
kill -KILL "$VIEWER"
emr_until wait_over
[ -n "$(index)" ] || emr_fail "nothing was left to be removed"
no_server() { ! echoscu -aec EMRFS -aet WS 127.0.0.1 $PORT; }
emr_until no_server
start lima-folder/shared-with-me/*/Head
one() { [ "$(find "$XDG_RUNTIME_DIR" -name 'emrfs-pacs-*' | wc -l)" = 1 ] && [ -n "$(found "$(series SE2)")" ]; }
emr_until one

say "what has no kept headers is opened for the index where that is asked for, and nothing else"
grep -q "not shown: .*deflated.dcm: no headers were kept" out/view || emr_fail "said: $(cat out/view)"
kill -TERM "$VIEWER"
emr_until wait_over
start --open lima-folder/shared-with-me/*/Head
with_other() { found "$(series SE2)" | grep -qxF "$(tag SOPInstanceUID other.dcm)"; }
emr_until with_other
expect "with the others" "$(found "$(series SE2)" | wc -l)" 4
it_was_read() { as ana json 0 log && opened | grep -q ^Head/deflated.dcm; }
emr_until it_was_read
expect "opened below Head" "$(opened | grep ^Head)" "Head/deflated.dcm"

say "a file that ends who sends it ends that fetch, and the rest is found and fetched"
hostile=$(tag SeriesInstanceUID sound.dcm)
expect "the hostile file" "$(found "$hostile")" "$(tag SOPInstanceUID sound.dcm)"
mkdir none rest
fetch() { movescu -S -aet WS -aec EMRFS +P $((PORT + 1)) -od "$1" -k QueryRetrieveLevel=SERIES -k StudyInstanceUID="$STUDY" -k SeriesInstanceUID="$2" 127.0.0.1 $PORT >out/move 2>&1; }
fetch none "$hostile" && [ -n "$(ls none)" ] && emr_fail "the hostile file was sent: $(cat out/move)"
fetch rest "$(series SE2)" || emr_fail "C-MOVE: $(cat out/move)"
expect "fetched" "$(ls rest | wc -l)" 4
echo "all is well"
