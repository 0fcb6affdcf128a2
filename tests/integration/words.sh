#!/bin/bash
# words.sh: the sentences when a path, a place or a folder is not where somebody thought it is, and a deleted folder that comes back at
# once.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
two_begin words
two_home ana
run 0 init --yes --name Ana --born 1984-03-12 --passphrase-file "$EMR_PASS" --words-file "$EMR_WORK/ana.words"
two_mount ana
must mkdir "$MNT/Imaging" "$MNT/Letters"
echo "a knee" >"$MNT/Imaging/knee.txt"
run 0 status --wait

say "a path that is not there"
run 5 status Nowhere
says "Nowhere is not in your folder."
run 2 status --wait 5min
run 2 dataset create
says "dataset takes"

say "moving to where no folder is"
json 5 move Imaging/knee.txt Nowhere/knee.txt
expect "what lacks" "$(field error) $(field path)" "no-such-folder Imaging/knee.txt"
says "There is no folder Nowhere"
json 5 move Imaging/knee.txt Nowhere/
expect "a slash means a folder" "$(field error)" no-such-folder
expect "still there" "$(cat "$MNT/Imaging/knee.txt")" "a knee"
json 5 move Imaging/foot.txt Letters
expect "what is not there" "$(field error)" no-such-path
run 0 move Imaging/knee.txt Letters/
expect "moved into it" "$(cat "$MNT/Letters/knee.txt")" "a knee"
run 0 move Letters/knee.txt Imaging/ --yes

say "a path outside, and one through a symbolic link"
ln -s "$MNT/Imaging" link && ln -s "$MNT" health
run 5 status /etc/passwd
says "/etc/passwd is not in your folder."
run 0 status link/knee.txt
says "Version 1"
run 0 status "$EMR_WORK/health/Imaging/knee.txt"
says "Version 1"
run 0 status /Imaging/knee.txt
says "Version 1"
must touch -d 1965-03-01T12:00:00 "$MNT/Imaging/knee.txt"	# a scan of an old sheet
run 0 status Imaging/knee.txt
says ", 01 Mar 1965 12:00,"

say "closing another directory"
mkdir elsewhere
json 10 unmount elsewhere
expect "where it is" "$(field error)" open-elsewhere
says "Your folder is open at $MNT, not at "

say "one is one"
run 0 export Imaging/knee.txt knee.car
says ": 1 record, "
run 0 status
for word in witnessed entries embedded; do says_not $word; done
run 0 status Imaging/knee.txt
says ", on the ledger, 1 copy."
says "Signed by you, "
for word in home transaction entry witnessed confirmed; do says_not $word; done
run 0 verify Imaging/knee.txt
grep -qE "home|witnessed|[0-9a-f]{16}" out/said && emr_fail "$(cat out/said)"

say "a deleted folder comes back with one command"
must mkdir -p "$MNT/Imaging/CT/Head" "$MNT/Imaging/CT/Empty"
for i in $(seq 60); do echo "slice $i" >"$MNT/Imaging/CT/Head/$i.dcm"; done
echo "report" >"$MNT/Imaging/CT/report.txt"
ln -s report.txt "$MNT/Imaging/CT/newest"
run 0 status --wait
echo "report, signed" >"$MNT/Imaging/CT/report.txt"
run 0 status --wait
echo "thrown away before" >"$MNT/Imaging/CT/old.txt"
run 0 status --wait
must rm "$MNT/Imaging/CT/old.txt"
run 2 restore --list Imaging/CT
says "restore without --list brings back a folder that is gone"
must rm -r "$MNT/Imaging/CT"
for folder in Imaging/CT Imaging/CT/Empty; do
	run 2 restore --list $folder
	says "restore without --list brings back a folder that is gone"
done
json 5 restore --list Imaging/Never
json 0 restore Imaging/CT
expect "what came back" "$(field restored) $(field files)" "Imaging/CT 63"
expect "slices" "$(cat "$MNT"/Imaging/CT/Head/*.dcm | sort -V | tail -1) $(ls "$MNT/Imaging/CT/Head" | wc -l)" "slice 60 60"
expect "the newest version" "$(cat "$MNT/Imaging/CT/newest")" "report, signed"
run 0 status --wait
expect "the same record" "$(attribute version "$MNT/Imaging/CT/report.txt")" 2
json 2 restore Imaging/CT
json 5 restore Imaging/Never
expect "never was" "$(field error)" no-such-path
must rm -r "$MNT/Imaging/CT"
run 0 restore Imaging/CT/Head
says "Imaging/CT/Head is back, with 60 files, "
[ ! -e "$MNT/Imaging/CT/report.txt" ] || emr_fail "more came back than was asked for"
two_unmount ana
