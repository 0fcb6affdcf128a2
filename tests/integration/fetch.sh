#!/bin/bash
# fetch.sh: blocks that are not on this computer any more are read from a live IPFS node, byte for byte, and a node that goes away stops
# nothing but that.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/kubo.sh"
kubo_begin fetch
must "$NETWORK" up net >/dev/null
ipfs() { IPFS_PATH=$EMR_WORK/net/$1 "$KUBO" "${@:2}"; }

say "records of many sizes are saved, exported, and kept by a node"
emr_init
emr_mount
mkdir "$MNT/Imaging" records
for bytes in 0 1 16383 16384 262143 262144 262145 700000; do
	head -c "$bytes" /dev/urandom >"records/$bytes"
done
head -c 12000000 /dev/urandom >records/scan
cp records/* "$MNT/Imaging"
for file in records/*; do confirmed_version "$MNT/Imaging/${file##*/}" >/dev/null; done
must "$EMRFS" export Imaging out/all.car >out/said 2>&1
mapfile -t cids < <(for file in records/*; do attribute cid "$MNT/Imaging/${file##*/}" && echo; done)
emr_unmount
must ipfs 1 dag import out/all.car >/dev/null
must ipfs 1 pin add "${cids[@]}" >/dev/null
taken=$(python3 "$SUPPORT/take_blocks.py" "$EMRFS_HOME/state/blocks" out/all.car)
[ "$taken" -gt 60 ] || emr_fail "only $taken blocks were taken away"

say "without a node their names are there, and each says that no copy can be found"
emr_mount
expect listing "$(ls "$MNT/Imaging" | wc -l)" 9
expect size "$(stat -c %s "$MNT/Imaging/scan")" 12000000
cat "$MNT/Imaging/scan" >/dev/null 2>&1 && emr_fail "it was read from nowhere"
emr_unmount

say "from the node everything is read back, byte for byte"
printf 'node = unix:%s/net/1/api.sock\n' "$EMR_WORK" >>"$EMRFS_HOME/settings"
emr_mount
holds() { "$EMRFS" copies | grep -q "api.sock *9 of 9$"; } # or what is brought is the last copy for all that is known, and goes home
emr_until holds
for file in records/*; do cmp "$file" "$MNT/Imaging/${file##*/}" || emr_fail "${file##*/}: other bytes"; done
emr_unmount

# Catalogues are sealed with another key each time, so two files are alike only in the records that they have.
records_of() { python3 "$SUPPORT/car_walk.py" names "$1" | cut -d" " -f2 | sort -u | comm -12 - <(printf '%s\n' "${cids[@]}" | sort -u); }
say "what is exported then has the same records, and it is said how much came from the node"
rm -rf "$EMRFS_HOME/cache"
emr_mount
must "$EMRFS" export Imaging out/again.car >out/said
grep -q "of it came from your IPFS node" out/said || emr_fail "$(cat out/said)"
expect records "$(records_of out/again.car)" "$(printf '%s\n' "${cids[@]}" | sort -u)"
emr_unmount

say "whoever wants the room back, or erases something, gets an empty cache"
emr_mount
for file in records/*; do cmp "$file" "$MNT/Imaging/${file##*/}" || emr_fail "${file##*/}: other bytes"; done
emr_unmount
cached() { find "$EMRFS_HOME/cache" -type f 2>/dev/null | wc -l; }
[ "$(cached)" -gt 50 ] || emr_fail "only $(cached) blocks are kept"
run 0 unmount --purge "$MNT" # of a folder that is closed
says "it may be the last copy"
[ "$(cached)" -gt 50 ] || emr_fail "only $(cached) blocks are kept"
expect "mode" "$(stat -c %a "$EMRFS_HOME/cache/blocks")" 700
emr_mount
json 0 keep --purge
[ "$(field cache_bytes)" -gt 12000000 ] || emr_fail "$(cat out/said)"
expect "kept" "$(cached)" 0
cmp records/16384 "$MNT/Imaging/16384" || emr_fail "other bytes"
only_its_bytes() { [ "$(cached)" = 1 ]; }
emr_until only_its_bytes # what leads to them is in this computer's store
echo "not wanted" >"$MNT/note"
confirmed_version "$MNT/note" >/dev/null
"$EMRFS" erase note --yes --passphrase-file "$EMR_PASS" >out/erased 2>&1 # 3: a busy node has not let go of it yet
[[ $? = [03] ]] || emr_fail "$(cat out/erased)"
expect "kept" "$(cached)" 0
cmp records/16384 "$MNT/Imaging/16384" || emr_fail "other bytes"
emr_unmount --purge
expect "kept" "$(cached)" 0
run 0 unmount --purge "$MNT"
says_not "it may be the last copy"
sed -i '/^node/a cache-bytes = 0' "$EMRFS_HOME/settings"
emr_mount
cmp records/262145 "$MNT/Imaging/262145" || emr_fail "other bytes"
expect "kept" "$(cached)" 0
emr_unmount
sed -i 's/^cache-bytes.*/cache-bytes = 2M/' "$EMRFS_HOME/settings"
emr_mount
cmp records/scan "$MNT/Imaging/scan" || emr_fail "other bytes"
bytes=$(du -sb "$EMRFS_HOME/cache/blocks" | cut -f1)
[ "$(cached)" -gt 3 ] && [ "$bytes" -le $(((2 << 20) + 65536)) ] || emr_fail "$(cached) blocks of $bytes bytes are kept, and 2 MiB may be"
emr_unmount
find "$EMRFS_HOME/cache" -type f -exec touch -d '3 days ago' {} +
emr_mount
[ "$(cached)" -gt 3 ] || emr_fail "what may be kept for 30 days went after 3"
emr_unmount
sed -i 's/^cache-bytes.*/cache-days = 2/' "$EMRFS_HOME/settings"
emr_mount
all_went() { [ "$(cached)" = 0 ]; }
emr_until all_went # once it was looked whether any is the last copy
emr_unmount
sed -i '/^cache-days/d' "$EMRFS_HOME/settings"

say "a node that is killed while a file is read ends that in time, and nothing else"
rm -rf "$EMRFS_HOME/cache"
emr_mount
exec 5<"$MNT/Imaging/scan"
head -c 300000 <&5 | cmp - <(head -c 300000 records/scan) || emr_fail "the beginning"
for n in 1 2 3; do
	read -r pid _ <"net/$n.pid"
	kill -9 "$pid" && tail -s 0.05 --pid="$pid" -f /dev/null
done
cat <&5 >out/rest 2>complaint && emr_fail "all of it was read from nowhere"
exec 5<&-
cmp out/rest <(tail -c +300001 records/scan) 2>&1 | grep -q "EOF on out/rest" || emr_fail "wrong bytes before the end"
expect listing "$(ls "$MNT/Imaging" | wc -l)" 9
must "$NETWORK" up net >/dev/null
whole() { cmp "$1" "$MNT/Imaging/${1##*/}"; }
for file in records/*; do emr_until whole "$file"; done
emr_unmount

say "what was brought is kept: without the node it opens again"
must "$NETWORK" down net >/dev/null
emr_mount
for file in records/*; do cmp "$file" "$MNT/Imaging/${file##*/}" || emr_fail "${file##*/}: not from the cache"; done
emr_unmount

say "without both it is said which node cannot be reached; names and new records go on"
rm -rf "$EMRFS_HOME/cache"
emr_mount
cat "$MNT/Imaging/scan" 2>complaint >/dev/null && emr_fail "it was read from nowhere"
grep -q "No route to host" complaint || emr_fail "$(cat complaint)"
grep -q "place-away.*Imaging/scan.*$EMR_WORK/net/1/api.sock" "$MNT/.emrfs/notices" || emr_fail "$(cat "$MNT/.emrfs/notices")"
expect listing "$(ls "$MNT/Imaging" | wc -l)" 9
cp records/700000 "$MNT/Imaging/new"
cmp records/700000 "$MNT/Imaging/new" || emr_fail "what is here"
run 8 verify
emr_unmount

say "a node that lacks it is named, too"
must "$NETWORK" up net >/dev/null
emr_mount
cat "$MNT/Imaging/16384" 2>complaint >/dev/null && emr_fail "it was read from nowhere"
grep -qE "missing-everywhere.*Imaging/16384.*$EMR_WORK/net/1/api.sock" "$MNT/.emrfs/notices" || emr_fail "$(cat "$MNT/.emrfs/notices")"
emr_unmount

say "verify brings all of it home, also what was read before: then node and cache are needed no more, and a backup is whole"
must ipfs 1 dag import out/all.car >/dev/null
emr_mount
for file in records/16384 records/262145; do cmp "$file" "$MNT/Imaging/${file##*/}" || emr_fail "${file##*/}: other bytes"; done
json 0 verify
[ "$(field brought_bytes)" -gt 12000000 ] || emr_fail "brought: $(cat out/said)"
json 0 verify
expect "brought again" "$(field brought_bytes)" 0
emr_unmount
must "$NETWORK" down net >/dev/null
rm -rf "$EMRFS_HOME/cache"
emr_mount
for file in records/*; do cmp "$file" "$MNT/Imaging/${file##*/}" || emr_fail "${file##*/}: not home"; done
json 0 backup "$EMR_WORK/copy"
expect missing "$(field missing)" 0
emr_unmount
echo "all is well"
