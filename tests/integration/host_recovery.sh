#!/bin/bash
# host_recovery.sh: the disk of a network's host is lost. It comes back from last night's copy, and from its key files alone: it takes what it
# lost from the open folders of its members, and goes on when an administrator of each organisation was heard. Meanwhile everybody saves, what
# was on the ledger is there again in its old place, and what waited is registered once. A thief of the key with a longer chain is no way on.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/clear.sh"
. "$SUPPORT/two.sh"
two_begin host-recovery

save() { echo "$2" >"$EMR_WORK/$1-folder/$2.txt" || emr_fail "$1 cannot save $2"; }
saved() {
	save "$1" "$2"
	as "$1" run 0 status --wait=1min
}
place() { as "$1" registered "$EMR_WORK/$1-folder/$2.txt"; }
status_says() {
	"$EMRFS" status >"$EMR_WORK/out/said" 2>&1 </dev/null
	grep -qF "$1" "$EMR_WORK/out/said"
}
# PATH of the host's state is VALUE.
host_is() {
	"$EMRFS" host --status "$NET" --json >"$EMR_WORK/out/host-status" 2>&1 </dev/null &&
		python3 -c 'import json, sys
v = json.load(open(sys.argv[1]))["recovery"]
for k in sys.argv[2].split("."): v = v[k] if k else v
sys.exit(json.dumps(v, ensure_ascii=False) != sys.argv[3])' "$EMR_WORK/out/host-status" "$1" "$2"
}
again() { two_host_kill && two_host; }
recovers() { host_is organisations_awaited '"São Lucas"'; }
goes_on() { host_is "" null; }
# Every copy verifies, and the ledger has each file once, where it was.
all_is_well() {
	local who
	for who in ana bento hospital; do
		as "$who" run 0 status --wait=2min
		as "$who" run 0 verify --chain
		[ ! -e "$EMR_WORK/$who/state/replica.forked" ] || emr_fail "$who accuses the host"
	done
	[ "$(place ana later)" = "$ana_later" ] && [ "$(place bento later)" = "$bento_later" ] || emr_fail "a save has another place"
}
once() { # WHO NAME
	as "$1" run 0 ledger "$EMR_WORK/$1-folder/$2.txt" --json
	[ "$(grep -o '"op": *"PUT"' "$EMR_WORK/out/said" | wc -l)" = 1 ] || emr_fail "$2 of $1 is not there once"
}

two_network "São Lucas"
two_join ana "Silva, Ana" patient
two_join bento "Bento Reis" patient
two_mount ana bento hospital
saved ana first
saved bento first

say "a copy is made while all work, and takes the place of the one before when it is whole, and not sooner"
json 0 host "$NET" --backup "$EMR_WORK/copy"
saved ana last
json 0 host "$NET" --backup "$EMR_WORK/copy"
[ "$(field blocks_bytes)" -gt "$(field new_bytes)" ] || emr_fail "all is copied again: $(cat "$EMR_WORK/out/said")"
cp -rp "$NET" "$EMR_WORK/rotten" && sqlite3 "$EMR_WORK/rotten/ledger/ledger.sqlite" "UPDATE entries SET items = zeroblob(length(items)) WHERE seq = 3" || exit 2
before=$(sha256sum <"$EMR_WORK/copy/network/ledger/ledger.sqlite")
run 8 host "$EMR_WORK/rotten" --backup "$EMR_WORK/copy"
[ "$(sha256sum <"$EMR_WORK/copy/network/ledger/ledger.sqlite")" = "$before" ] && [ "$(ls "$EMR_WORK/copy")" = network ] || emr_fail "a bad copy replaced a good one"

say "nor does one of a host that lost its blocks or its keys, nor one of two that are made at once"
before=$(cd "$EMR_WORK/copy" && find . -type f | sort | xargs sha256sum)
for lost in blocks 'blocks/*' host host/secret host/key.pem host/writer; do
	rm -rf "$EMR_WORK/rotten" && cp -rp "$NET" "$EMR_WORK/rotten" && rm -r "$EMR_WORK"/rotten/$lost || exit 2
	run 8 host "$EMR_WORK/rotten" --backup "$EMR_WORK/copy"
	[ "$(cd "$EMR_WORK/copy" && find . -type f | sort | xargs sha256sum)" = "$before" ] || emr_fail "a copy without $lost replaced a good one"
done
cp -p "$NET/host/key.pem" "$EMR_WORK/rotten/host/" && printf x | dd of="$EMR_WORK/rotten/host/secret" bs=1 seek=3 conv=notrunc 2>"$EMR_WORK/out/dd" || exit 2
run 8 host "$EMR_WORK/rotten" --backup "$EMR_WORK/copy"
says "host/secret"
exec 9<"$EMR_WORK/copy" && flock 9 || exit 2
run 1 host "$NET" --backup "$EMR_WORK/copy"
exec 9<&-

say "last night's copy comes back, while one folder is open and two are closed"
saved ana later
saved bento later
ana_later=$(place ana later) bento_later=$(place bento later)
two_unmount bento hospital
two_host_kill
mv "$NET" "$EMR_WORK/lost" && cp -rp "$EMR_WORK/copy/network" "$NET"
two_host
grep -q '"recovering":true' "$EMR_WORK/out/host" || emr_fail "the host says nothing: $(cat "$EMR_WORK/out/host")"
save ana waits
emr_until as ana status_says "is being restored: saves wait"
as ana json 0 status
grep -q '"read_only":false' "$EMR_WORK/out/said" || emr_fail "ana is read only"
emr_until recovers
run 7 host "$NET" --backup "$EMR_WORK/copy"
says "is being restored"

say "the host is killed in the middle, and goes on where it was"
again
recovers || emr_fail "it forgot: $(cat "$EMR_WORK/out/host-status")"
two_mount bento hospital
save bento waits
emr_until goes_on
all_is_well
for who in ana bento; do once "$who" waits; done

say "only the key files are left"
mkdir -m 700 "$EMR_WORK/keys" "$EMR_WORK/keys/host" && cp -p "$NET"/host/{secret,key.pem,certificate.pem,writer} "$EMR_WORK/keys/host/" || exit 2
two_host_kill
mv "$NET" "$EMR_WORK/lost-too" && mv "$EMR_WORK/keys" "$NET"
two_host
save bento keys
emr_until goes_on
all_is_well
once bento keys
[ "$(cat "$EMR_WORK/ana-folder/later.txt")" = later ] || emr_fail "ana's record is lost"

say "a thief of the key has shown a member a longer history: nobody goes on with it, nor with the other one"
two_unmount bento hospital
two_host_kill
cp -rp "$NET" "$EMR_WORK/night-too" && cp -rp "$NET" "$EMR_WORK/thief" && rm "$EMR_WORK/thief/host/place" || exit 2
two_host
saved ana real
two_unmount ana
two_host_kill
mv "$NET" "$EMR_WORK/real" && mv "$EMR_WORK/thief" "$NET"
two_host
two_mount bento
for n in one two three; do saved bento "$n"; done
two_host_kill
mv "$NET" "$EMR_WORK/thief" && mv "$EMR_WORK/night-too" "$NET"
two_host
emr_until host_is head "$(sqlite3 "$EMR_WORK/thief/ledger/ledger.sqlite" "SELECT count(*) FROM entries")"
two_mount ana hospital
emr_until host_is organisations_awaited '""'
emr_until host_is split true
again
host_is split true || emr_fail "it forgot the proof"
as ana run 0 host --status "$NET"
says "has signed two histories"
[ "$(cat "$NET/host/recovery.head" "$NET/host/recovery.other" | grep -c '^emrfs/')" = 2 ] || emr_fail "no two notes"
for who in ana bento; do
	save "$who" waits-on
	emr_until as "$who" status_says "is being restored: saves wait"
done
! goes_on || emr_fail "the host goes on"
echo "all is well"
