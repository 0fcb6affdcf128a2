#!/bin/bash
# leak.sh: nothing of a record, no name and no secret can be read in any file that emrfs keeps, nor in what the system shows of its process.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin leak
person=MARKERperson4471rb
EMR_PERSON=$person
emr_init
emr_mount

# Markers that occur nowhere by chance.
body=MARKERbody7319vq name=MARKERname5582kx folder=MARKERfolder9034zt value=MARKERvalue2846ws
target=MARKERtarget6617hd key=MARKERattr1153pm passphrase=$(head -1 "$EMR_PASS")
say "work that touches every path: small and large files, edits, scratch, renames, attributes, crash"
must mkdir -p "$MNT/$folder/below"
echo "$body" >"$MNT/$folder/$name.txt"
for _ in $(seq 400000); do echo "$body"; done >"$MNT/$folder/large-$name"	# well into the spill
printf '%s' "$body" | dd of="$MNT/$folder/large-$name" bs=1 seek=3000000 conv=notrunc,fsync status=none
cp "$MNT/$folder/$name.txt" "$MNT/$folder/below/$name.bak"	# local-only
ln -s "$target" "$MNT/$folder/link-$name"
must setfattr -n "user.$key" -v "$value" "$MNT/$folder/$name.txt"
must mv "$MNT/$folder/$name.txt" "$MNT/$folder/below/moved-$name.txt"
confirmed_version "$MNT/$folder/below/moved-$name.txt" >/dev/null || exit 1
confirmed_version "$MNT/$folder/large-$name" >/dev/null || exit 1
exec 5>>"$MNT/$folder/open-$name"	# stays open, written and synced: a working copy
for _ in $(seq 60000); do echo "$body"; done >&5
sync "$MNT/$folder/open-$name"
"$EMRFS" status >"$EMR_WORK/out/status" 2>&1
"$EMRFS" verify "$MNT/$folder/below/moved-$name.txt" >"$EMR_WORK/out/verify" 2>&1
"$EMRFS" verify "$MNT/$folder/nothing-$name" >"$EMR_WORK/out/wrong" 2>&1

python3 - "$EMR_WORK/patterns" "$body" "$name" "$folder" "$value" "$target" "$key" "$person" "$passphrase" "$(cat "$EMR_WORK/words")" <<'END' || emr_fail "patterns"
"""One pattern a line as hexadecimal: each marker as it is, in base64 at each of three offsets, in hex, in UTF-16 and
reversed, and each three recovery words in a row."""
import base64, sys
out, *markers, words = sys.argv[1:]
patterns = set()
for text in (m.encode() for m in markers):
    patterns |= {text, text.hex().encode(), text.hex().upper().encode(), text[::-1]}
    patterns |= {text.decode().encode(c) for c in ("utf-16-le", "utf-16-be")}
    for shift in range(3):
        # The bytes around the marker change only the first and the last letters.
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            patterns.add(encode(b"\0" * shift + text)[(0, 2, 3)[shift] :].rstrip(b"=")[:-2])
    patterns |= {base64.b32encode(text).rstrip(b"=")[:-2], base64.b32encode(text).rstrip(b"=").lower()[:-2]}
words = [w for w in words.split() if w.isalpha()]
for at in range(len(words) - 2):
    patterns.add(" ".join(words[at : at + 3]).encode())
with open(out, "w") as file:
    file.writelines(p.hex() + "\n" for p in sorted(patterns) if len(p) >= 12)
END
[ "$(wc -l <"$EMR_WORK/patterns")" -ge 90 ] || emr_fail "too few patterns"

# Which patterns are in which of the given files (whole files, any bytes).
search() {
	python3 - "$EMR_WORK/patterns" "$@" <<'END'
import os, sys
patterns = [bytes.fromhex(line) for line in open(sys.argv[1])]
seen = 0
for path in sys.argv[2:]:
    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:	# an open folder puts files in place of others
        continue
    seen += len(data)
    for pattern in patterns:
        at = data.find(pattern)
        if at >= 0:
            print(f"{path}: {pattern!r} at {at}")
print(f"searched {len(sys.argv) - 2} files, {seen} bytes", file=sys.stderr)
END
}
nowhere() { # WHAT FILE...
	local what=$1 found
	shift
	[ $# -gt 0 ] || emr_fail "$what: nothing to search"
	found=$(search "$@") || emr_fail "$what: the search itself failed"
	expect "$what" "$found" ""
}
everything_kept() { find "$EMRFS_HOME" -type f -print0; }

say "the search finds what is there"
printf 'xx%s' "$body" | base64 >"$EMR_WORK/out/control"
printf '%s' "$name" | iconv -t UTF-16LE >>"$EMR_WORK/out/control"
expect "positive control: kinds found" "$(search "$EMR_WORK/out/control" 2>/dev/null | wc -l)" 2
[ -n "$(search "$MNT/$folder/below/moved-$name.txt" 2>/dev/null)" ] || emr_fail "the marker is not in the source"

say "the process"
pid=$(emr_pid)
for view in environ cmdline comm status maps; do
	cat "/proc/$pid/$view" >"$EMR_WORK/out/$view" 2>/dev/null
done
nowhere "what the system shows of the process" "$EMR_WORK"/out/{environ,cmdline,comm,status,maps}
if [ "$(id -u)" -ne 0 ]; then
	! head -c 1 "/proc/$pid/mem" 2>/dev/null || emr_fail "its memory can be read"
fi
expect "a core dump may hold" "$(awk '/^Max core file size/ { print $5 }' "/proc/$pid/limits")" 0

say "while it is open"
mapfile -d '' files < <(everything_kept)
[ "${#files[@]}" -ge 5 ] || emr_fail "only ${#files[@]} files kept"
nowhere "in the files of an open folder" "${files[@]}" "$EMR_LOG"
say "after a crash"
emr_kill
exec 5>&-
mapfile -d '' files < <(everything_kept)
nowhere "in the files after a crash" "${files[@]}" "$EMR_LOG"
emr_mount
[ -s "$MNT/$folder/open-$name" ] || emr_fail "the open file is lost"
# As the log-in unit does it: its answer goes to the system's journal.  A person is told which files are left over.
stop=$(sed -n 's|^ExecStop=-/usr/bin/emrfs unmount||p' "$SUPPORT/../../packaging/units/emrfs.service")
expect "options with which the unit closes" "$stop" " --quiet"
# shellcheck disable=SC2086
emr_unmount $stop
say "closed"
mapfile -d '' files < <(everything_kept)
nowhere "in the files of a closed folder" "${files[@]}" "$EMR_LOG"
# Names of files, too: a record's name must not become a file's.
expect "names of files" "$(find "$EMRFS_HOME" | grep -E "$name|$folder" || true)" ""
# Nobody else may open any of it.
expect "files others may read" "$(find "$EMRFS_HOME" -perm /077 -not -name settings -not -type s | sed "s|$EMRFS_HOME||")" ""

# That a stranger opens none of them, car.sh shows.
say "what an IPFS node is given, and what is brought back from it and kept: sealed blocks under their own hashes"
mkdir "$EMR_WORK/node"
python3 "$SUPPORT/fake_node.py" "$EMR_WORK/node" >"$EMR_WORK/out/node" 2>&1 &
node=$!
at_end() { kill "$node" 2>/dev/null; }
emr_until test -f "$EMR_WORK/node/ready"
echo "node = unix:$EMR_WORK/node/good.sock" >>"$EMRFS_HOME/settings"
emr_mount
on_node() { [ "$(attribute state "$MNT/$folder/$1")" = "confirmed 2/2" ]; }
emr_until on_node "below/moved-$name.txt"
emr_until on_node "large-$name"
"$EMRFS" export "$folder" "$EMR_WORK/all.car" >"$EMR_WORK/out/export" 2>&1 || emr_fail "export: $(cat "$EMR_WORK/out/export")"
# shellcheck disable=SC2086
emr_unmount $stop
python3 "$SUPPORT/take_blocks.py" "$EMRFS_HOME/state/blocks" "$EMR_WORK/all.car" >/dev/null
emr_mount
grep -qx "$body" "$MNT/$folder/below/moved-$name.txt" || emr_fail "it did not come back"
[ "$(head -c 8000000 "$MNT/$folder/large-$name" | grep -c "$body")" -gt 300000 ] || emr_fail "it did not come back"
mapfile -d '' files < <(everything_kept; find "$EMR_WORK/node" -type f -print0)
nowhere "in what was brought, on the node, and in all else that is kept" "${files[@]}" "$EMR_WORK/all.car" "$EMR_LOG"
# shellcheck disable=SC2086
emr_unmount $stop
mapfile -d '' files < <(find "$EMRFS_HOME/cache" -type f -print0)
[ "${#files[@]}" -gt 25 ] || emr_fail "only ${#files[@]} files of the cache"
for file in "${files[@]}"; do echo "${file##*/}  $file"; done >"$EMR_WORK/out/sums"
sha256sum --quiet -c "$EMR_WORK/out/sums" || emr_fail "a file of the cache is not the block that its name says"
expect "names of files" "$(find "$EMRFS_HOME" "$EMR_WORK/node" | grep -E "$name|$folder" || true)" ""
