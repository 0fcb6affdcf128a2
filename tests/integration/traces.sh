#!/bin/bash
# traces.sh: a closing folder says what the desktop keeps of it elsewhere, and `unmount --purge` removes exactly that. The thumbnails are
# made by GdkPixbuf, the list of recent files by GLib, as desktops do.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
python3 "$SUPPORT/desktop_traces.py" --can || emr_skip "no GLib or GdkPixbuf"
emr_begin traces
cd "$EMR_WORK" || exit 2
mkdir person && export HOME=$EMR_WORK/person
unset XDG_CACHE_HOME XDG_DATA_HOME
emr_init
emr_mount
thumbnails=$HOME/.cache/thumbnails list=$HOME/.local/share/recently-used.xbel
mkdir -p "$thumbnails/normal" "$thumbnails/large" "$thumbnails/fail/gnome-thumbnail-factory" "${list%/*}" beside "$MNT/Scans" || exit 2

# thumbnail SIZE FILE: as a desktop makes it, named by the MD5 of the address, which gio says.
uri_of() { gio info -a standard::name "$1" | sed -n 's/^uri: //p'; }
thumbnail() {
	local uri
	uri=$(uri_of "$2") && [ -n "$uri" ] || emr_fail "no address of $2"
	must python3 "$SUPPORT/desktop_traces.py" thumbnail "$uri" "$thumbnails/$1/$(printf %s "$uri" | md5sum | cut -d' ' -f1).png"
}
recent() { must python3 "$SUPPORT/desktop_traces.py" recent "$list" "$@"; }
listed() { must python3 "$SUPPORT/desktop_traces.py" list "$list"; }
# told EXPRESSION: of the answer in JSON.
told() { python3 -c 'import json, sys; o = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$EMR_WORK/out/said" "$1"; }
state_of_rest() { (cd "$HOME" && find . -type f -exec sha256sum {} + | sort); }

say "what belongs to others"
odd='Größe 100% (a&b) #1.png'
for name in "$odd" plain.png; do
	must convert -size 40x40 xc:red beside/picture.png
	must cp beside/picture.png "$MNT/Scans/$name"
	must cp beside/picture.png "beside/$name"
done
must cp beside/picture.png "$EMR_WORK/folderly.png"
must mkdir "$MNT-2" && must cp beside/picture.png "$MNT-2/neighbour.png"	# a name that begins like the folder's
thumbnail normal "$EMR_WORK/beside/$odd"
thumbnail normal "$MNT-2/neighbour.png"
must cp beside/picture.png "$thumbnails/normal/no-address.png"
echo "no picture" >"$thumbnails/normal/broken.png"
head -c 60 beside/picture.png >"$thumbnails/normal/cut.png"
recent "$EMR_WORK/beside/$odd" "$MNT-2/neighbour.png"
kept=$(state_of_rest)
before=$(listed | sort)

say "a folder that nothing tells of"
run 0 unmount --json
expect traces "$(told 'len(o["traces"])')" 0
run 10 unmount
emr_mount
must "$EMRFS" status --wait --quiet

say "what tells of it"
thumbnail normal "$MNT/Scans/$odd"
thumbnail large "$MNT/Scans/$odd"
thumbnail fail/gnome-thumbnail-factory "$MNT/Scans/plain.png"
rm "$MNT/Scans/plain.png"	# its thumbnail stays, and so does what it shows
recent "$MNT/Scans/$odd" "$MNT"
must cp "$list" list.before
full=$(state_of_rest)
run 0 unmount
says "3 thumbnails and 2 entries in the list of recent files" "Scans/$odd" "emrfs unmount --purge"
expect "files after closing without --purge" "$(state_of_rest)" "$full"
run 10 unmount
expect "after a second unmount" "$(state_of_rest)" "$full"

say "--purge, with the folder closed"
run 0 unmount --purge "$MNT" --json
expect "thumbnails told" "$(told 'sorted(t["about"] for t in o["traces"] if t["kind"] == "thumbnail")')" "['Scans/$odd', 'Scans/$odd', 'Scans/plain.png']"
expect "entries told" "$(told 'sorted(t["about"] for t in o["traces"] if t["kind"] == "recent")')" "['', 'Scans/$odd']"
expect "all removed" "$(told 'all(t["cleared"] for t in o["traces"])')" True
expect "thumbnails of others" "$(state_of_rest | grep -v recently-used)" "$(grep -v recently-used <<<"$kept")"
expect "entries of others" "$(listed | sort)" "$before"
expect "rights of the list" "$(stat -c %a "$list")" "$(stat -c %a list.before)"
# Every byte that is left stands in the earlier list, in order.
must python3 -c '
import sys
left, had = (open(name, "rb").read() for name in sys.argv[1:])
at = 0
for line in left.splitlines():
    at = had.index(line, at) + len(line)' "$list" list.before
run 0 unmount --purge "$MNT"
says "The desktop keeps nothing of"

say "--purge of a directory that was not the folder"
full=$(state_of_rest)
for other in "$EMR_WORK/beside" "$MNT-2" "$EMR_WORK" "$MNT/Scans"; do
	run 10 unmount --purge "$other"
	says "Your folder is not open."
done
run 10 unmount --purge	# the usual one, which was never open
expect "files after --purge of others" "$(state_of_rest)" "$full"

say "--purge while it closes, and a picture that does not go"
emr_mount
thumbnail normal "$MNT/Scans/$odd"
run 0 unmount --purge
says "Removed: 1 thumbnail."
expect "thumbnails of others" "$(state_of_rest | grep -v recently-used)" "$(grep -v recently-used <<<"$kept")"
emr_mount
thumbnail normal "$MNT/Scans/$odd"
# A cache that cannot be written: read-only for everybody, also for root.
if [ "$(id -u)" = 0 ] && unshare --mount true 2>/dev/null; then
	"$EMRFS" unmount --quiet || emr_fail "unmount"
	unshare --mount bash -c 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"' - "$thumbnails" \
		"$EMRFS" unmount --purge "$MNT" >out/said 2>&1
	expect "exit code" $? 3
	grep -q "could not be removed: 1 thumbnail" out/said || emr_fail "said: $(cat out/said)"
	emr_mount
fi

say "what another environment names is looked at beside the usual places, and each once"
thumbnail normal "$MNT/Scans/$odd"
recent "$MNT/Scans/$odd"
mkdir -p other/thumbnails/normal && mv "$thumbnails/normal/$(printf %s "$(uri_of "$MNT/Scans/$odd")" | md5sum | cut -d' ' -f1).png" other/thumbnails/normal/picture.png || exit 1
thumbnail normal "$MNT/Scans/$odd"
must ln -s .cache/thumbnails "$HOME/.thumbnails"
XDG_CACHE_HOME=$EMR_WORK/other XDG_DATA_HOME=$EMR_WORK/other run 0 unmount --purge
says "Removed: 2 thumbnails and 1 entry in the list of recent files."
expect "thumbnails in the other cache" "$(find other -type f)" ""
expect "thumbnails of others" "$(state_of_rest | grep -v recently-used)" "$(grep -v recently-used <<<"$kept")"
expect "entries of others" "$(listed | sort)" "$before"
must rm "$HOME/.thumbnails"

say "a list with a document type stays as it is"
must cp "$list" list.kept
cat >"$list" <<-END
	<?xml version="1.0" encoding="UTF-8"?>
	<!DOCTYPE xbel [<!ENTITY ours '<bookmark href="file://$MNT/Scans/a.png"/>'>]>
	<xbel version="1.0"><folder>&ours;</folder>
	<bookmark href="file://$EMR_WORK/beside/b.png"/>
	<bookmark href="file://$MNT/Scans/c.png"/></xbel>
END
full=$(state_of_rest)
run 0 unmount --purge "$MNT"
says_not "Removed"
expect "files after --purge" "$(state_of_rest)" "$full"
must cp list.kept "$list"
emr_mount

say "a cache that is a symbolic link, and a directory in it that cannot be read"
must mv "$thumbnails" "$EMR_WORK/moved" && must ln -s "$EMR_WORK/moved" "$thumbnails"
thumbnail normal "$MNT/Scans/$odd"
thumbnail large "$MNT/Scans/$odd"
run 0 unmount
says "2 thumbnails"
# unable ARGUMENTS...: emrfs, with the rights that also root has without its privileges.
unable() {
	local able=()
	[ "$(id -u)" != 0 ] || able=(setpriv --bounding-set=-dac_override,-dac_read_search --inh-caps=-dac_override,-dac_read_search)
	"${able[@]}" "$EMRFS" "$@" >out/said 2>out/complained
}
must chmod 0 "$thumbnails/normal"
unable unmount --purge "$MNT"
closed=$?
must chmod 700 "$thumbnails/normal"
[ $closed != 0 ] || emr_fail "--purge with a directory that it cannot read succeeds: $(cat out/said)"
says "Looking for traces"
says "Removed: 1 thumbnail."
says_not "keeps nothing"
run 0 unmount --purge "$MNT"
says "Removed: 1 thumbnail."
must rm "$thumbnails" && must mv "$EMR_WORK/moved" "$thumbnails"
expect "thumbnails of others" "$(state_of_rest | grep -v recently-used)" "$(grep -v recently-used <<<"$kept")"
emr_mount

say "the private cache of viewers"
cache=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["viewer_cache"])' < <("$EMRFS" status --json))
expect "rights of the cache" "$(stat -c %a "$cache")" 700
mkdir -p "$cache/thumbnails/normal" && echo secret >"$cache/thumbnails/normal/a.png" && ln -s "$HOME/.cache" "$cache/link" || exit 1
run 0 unmount --purge
[ ! -e "$cache" ] || emr_fail "the viewers' cache stays after closing"
expect "thumbnails of others" "$(state_of_rest | grep -v recently-used)" "$(grep -v recently-used <<<"$kept")"
emr_mount
echo secret >"$cache/left"
emr_kill
emr_mount
[ ! -e "$cache/left" ] || emr_fail "what a killed mount left in the viewers' cache is there"
for purge in "" --purge; do	# a killed mount that the kernel still has
	echo secret >"$cache/left"
	kill -KILL "$(emr_pid)" && emr_await_end || emr_fail "killed, and still there"
	run 0 unmount $purge "$MNT"
	says "was left by a program that ended"
	[ ! -e "$cache" ] || emr_fail "the viewers' cache of a killed mount stays after unmount $purge"
	emr_mount
done
echo secret >"$cache/left"
emr_kill
run 10 unmount --purge "$EMR_WORK/beside"
[ -e "$cache/left" ] || emr_fail "--purge of another directory removes the viewers' cache"
run 0 unmount --purge "$MNT"
says "The desktop keeps nothing of"
[ ! -e "$cache" ] || emr_fail "the viewers' cache of a killed mount stays after --purge"
# The mount had another runtime directory than whoever asks now.
must install -d -m 700 elsewhere "$EMR_WORK/elsewhere/${cache##*/}"
must sed -i "s|^run .*|run $EMR_WORK/elsewhere|" "$EMRFS_HOME/state/lock"
run 0 unmount --purge "$MNT"
[ ! -e "elsewhere/${cache##*/}" ] || emr_fail "the viewers' cache in the runtime directory of the killed mount stays"
emr_mount
emr_unmount
[ ! -e "$cache" ] || emr_fail "the viewers' cache stays after closing"
echo "all is well"
