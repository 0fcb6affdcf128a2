#!/bin/bash
# one_list: a folder with a record of every kind (living, of several pieces, replaced, deleted, thrown away, kept by an
# editor, not sent yet, erased). Backup, restore, verify, copies and status count the same versions of it, what erase takes
# is nowhere any more, and its room comes back.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin one_list
cd "$EMR_WORK" || exit 2
emr_init
emr_mount
state=$EMRFS_HOME/state
trash=$MNT/.Trash-$(id -u)
room() { du -s -B1000 "$state/blocks" | cut -f1; }
# same N: all name N versions, and miss none.
same() {
	run 0 status --wait
	rm -rf copy && json 0 backup copy
	expect "backup: missing" "$(field missing)" 0
	expect "backup: versions" "$(field versions)" "$1"
	json 0 verify
	expect "verify: versions" "$(field versions)" "$1"
	json 0 copies
	expect "copies: versions" "$(field versions)" "$1"
	json 0 status
	expect "status: versions" "$(field versions)" "$1"
	expect "status: not whole" "$(field not_whole)" 0
	rm -rf back && mkdir -m 700 back && cp "$EMRFS_HOME/settings" back/
	EMRFS_HOME=$EMR_WORK/back json 0 init --restore copy --passphrase-file "$EMR_PASS"
	expect "restore: lacking" "$(field lacking)" 0
	expect "restore: versions" "$(field versions)" "$1"
}
# thrown NAME [AS]: as a file manager deletes it.
thrown() {
	local as=${2:-${1##*/}}
	printf '[Trash Info]\nPath=%s\nDeletionDate=2026-11-26T12:00:00\n' "$1" >"$trash/info/$as.trashinfo" ||
		emr_fail "no note of $1"
	must mv "$MNT/$1" "$trash/files/$as"
}

say "one of each kind"
must mkdir "$MNT/A" "$trash" "$trash/files" "$trash/info"
echo "a living one" >"$MNT/A/living"
head -c 3000000 /dev/urandom >"$MNT/A/large"
head -c 5000000 /dev/urandom >thrown.bytes
must cp thrown.bytes "$MNT/A/thrown"
must cp thrown.bytes "$MNT/A/gone" && must cp thrown.bytes "$MNT/A/by-time"
echo "version 1" >"$MNT/A/replaced"
echo "version 1" >"$MNT/A/edited"
echo "deleted" >"$MNT/A/deleted"
same 8
echo "version 2" >"$MNT/A/new" && must mv "$MNT/A/new" "$MNT/A/replaced"
must mv "$MNT/A/edited" "$MNT/A/edited~" && echo "version 2" >"$MNT/A/edited"
must rm "$MNT/A/deleted"
thrown A/thrown
echo "half a letter" >"$MNT/A/.edited.swp"
same 11 # what an editor left is a record when it stays

say "what is being written, and what is removed while it is on its way, change nothing"
exec 7>"$MNT/A/written" && echo "the first part" >&7
head -c 200000 /dev/urandom >"$MNT/A/moment" && must rm "$MNT/A/moment"
echo "the second part" >&7 && exec 7>&-
run 0 status --wait
json 0 status
versions=$(field versions)
same "$versions"

say "erased: the record and what lies in the trash, named by its path or as deleted; the editor's copy, too"
before=$(room)
json 0 erase A/thrown --yes --passphrase-file "$EMR_PASS"
expect "erased" "$(field erased)" 1
expect "with it" "$(field scratch)" 1
[ "$(ls -A "$trash/files" "$trash/info" | grep -c thrown)" -eq 0 ] || emr_fail "the trash has: $(ls -RA "$trash")"
thrown A/gone gone.2
run 0 erase A/gone --yes --passphrase-file "$EMR_PASS"
says "trash"
thrown A/by-time
run 0 erase --deleted --yes --passphrase-file "$EMR_PASS"
[ -z "$(ls -A "$trash/files" "$trash/info" | grep -v :)" ] || emr_fail "the trash has: $(ls -RA "$trash")"
[ $((before - $(room))) -ge 14000 ] || emr_fail "of 15 MB came back: $before, then $(room)"
run 0 erase A/edited --yes --passphrase-file "$EMR_PASS"
says "A/.edited.swp"
[ ! -e "$MNT/A/edited~" ] || emr_fail "the editor's copy is there"
must cat "$MNT/A/.edited.swp" >/dev/null
must cat "$MNT/A/living" "$MNT/A/large" "$MNT/A/replaced" "$MNT/A/written" >/dev/null
json 0 status
same 6
emr_unmount
