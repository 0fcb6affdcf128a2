#!/bin/bash
# save.sh: programs save in their own ways. Whatever the way: the same record, exactly one new version, the new bytes, and no scratch file
# becomes a record.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/saved.sh"
emr_begin save
emr_init
emr_mount
export HOME=$EMR_WORK XDG_DATA_HOME=$EMR_WORK/xdg

seq 2000 >"$EMR_WORK/text"
head -c 63884 /dev/urandom >"$EMR_WORK/document"
new_records "$EMR_WORK/text" truncate.txt vim.txt vim-backup.txt gio.txt gnome.txt rsync.txt sed.txt
new_records "$EMR_WORK/document" Plan.odt Letter.docx

# ---- in place, and cut to nothing first
seq 2001 >"$EMR_WORK/new"
saved_once truncate.txt "$EMR_WORK/new" cp "$EMR_WORK/new" "$MNT/truncate.txt"

# ---- a log that others read and map while it is written: what write(2) has said is what they have, also in a page of which they
# had a part, and where one reads all the time
python3 - "$MNT/visit.log" <<'END' || emr_fail "a reader has other bytes than the program that writes"
import mmap, os, sys, threading
path, wanted = sys.argv[1], bytearray()
log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
reader, ended = os.open(path, os.O_RDONLY), threading.Event()

def read_on():
    while not ended.is_set():
        os.pread(reader, 1 << 17, max(len(wanted) - 5000, 0))

def compare(when):
    with open(path, "rb") as file:
        if os.pread(reader, 1 << 17, 0) != wanted or file.read() != wanted or mmap.mmap(reader, 0, mmap.MAP_SHARED, mmap.PROT_READ)[:] != wanted:
            raise SystemExit(f"other bytes {when}, at {len(wanted)}")

beside = threading.Thread(target=read_on)
beside.start()
try:
    for i in range(150):
        piece = os.urandom(97)
        os.write(log, piece)
        wanted += piece
        compare("behind the end")
        os.pwrite(log, piece, i)
        wanted[i:i + 97] = piece
        compare("in the middle")
finally:
    ended.set()
    beside.join()
END

# ---- vim: swap file, in place or by a backup that is renamed
vim_save() { # FILE SETTING
	vim.tiny -u NONE -N -es -c "set nofixendofline swapfile directory=. backupskip= $2" -c '1s/^/first /' -c wq "$1" </dev/null
}
saved_once_vim() {
	sed '1s/^/first /' "$MNT/$1" >"$EMR_WORK/new"
	saved_once "$1" "$EMR_WORK/new" vim_save "$MNT/$1" "$2"
}
saved_once_vim vim.txt "fsync writebackup backupcopy=yes"
saved_once_vim vim-backup.txt "fsync backup writebackup backupcopy=no backupdir=."
is_local "$MNT/vim-backup.txt~"
vim.tiny -u NONE -N -es -c "set swapfile directory=. updatecount=1" -c "r $EMR_WORK/text" -c preserve \
	-c "!getfattr --only-values -n user.emrfs.state --absolute-names $MNT/.vim.txt.swp >$EMR_WORK/swap 2>&1" -c 'q!' \
	"$MNT/vim.txt" </dev/null
expect "state of vim's swap file while it edits" "$(cat "$EMR_WORK/swap")" local

# ---- GIO: .goutputstream-XXXXXX, chmod, fsync, rename over it
seq 2003 >"$EMR_WORK/new"
saved_once gio.txt "$EMR_WORK/new" gio copy "file://$EMR_WORK/new" "file://$MNT/gio.txt"
saved_once gnome.txt "$EMR_WORK/new" gio save "file://$MNT/gnome.txt" <"$EMR_WORK/new"

# ---- rsync and sed -i: a temporary name that is renamed over
seq 2004 >"$EMR_WORK/new"
saved_once rsync.txt "$EMR_WORK/new" rsync -a "$EMR_WORK/new" "$MNT/rsync.txt"
sed 's/7/seven/g' "$MNT/sed.txt" >"$EMR_WORK/new"
saved_once sed.txt "$EMR_WORK/new" sed -i 's/7/seven/g' "$MNT/sed.txt"

# ---- LibreOffice 7.4, as traced: lock file, lu*.tmp in the same directory, fsync, rename over, chmod, fsync
head -c 70001 /dev/urandom >"$EMR_WORK/new"
libreoffice_save() {
	local dir=$MNT lock=$MNT/.~lock.Plan.odt# temporary=$MNT/lu4711abcd.tmp
	printf ',ana,host,20.11.2026 14:05,file:///home/ana;' >"$lock" || return
	is_local "$lock"
	cat "$lock" >/dev/null && rm "$lock" && printf ',ana,host,20.11.2026 14:06,file:///home/ana;' >"$lock" || return
	stat -f "$dir" >/dev/null || return
	dd if="$EMR_WORK/new" of="$temporary" bs=32k conv=fsync status=none || return
	expect "state" "$(attribute state "$temporary")" pending # a record only if it stays
	mv -f "$temporary" "$MNT/Plan.odt" || return
	chgrp "$(id -g)" "$MNT/Plan.odt" && chmod 644 "$MNT/Plan.odt" && sync "$MNT/Plan.odt" && rm "$lock"
}
saved_once Plan.odt "$EMR_WORK/new" libreoffice_save

# ---- Word: two renames, the old document aside and then away
word_save() {
	printf 'ana' >"$MNT/~\$tter.docx" && cp "$EMR_WORK/new" "$MNT/~WRD0001.tmp" &&
		renamed "$MNT/Letter.docx" "$MNT/~WRL0002.tmp" "$MNT/~WRD0001.tmp" "$MNT/Letter.docx" &&
		rm "$MNT/~WRL0002.tmp" "$MNT/~\$tter.docx"
}
saved_once Letter.docx "$EMR_WORK/new" word_save

# ---- dcmodify: the old file becomes .bak, the new one takes its name
dicom=$SAMPLES/CT_small.dcm
cp "$dicom" "$MNT/CT.dcm" && confirmed_version "$MNT/CT.dcm" >/dev/null || exit 1
cp "$dicom" "$EMR_WORK/new" && dcmodify -q -nb -m '(0010,0010)=Silva^Ana' "$EMR_WORK/new" || emr_fail "dcmodify outside"
saved_once CT.dcm "$EMR_WORK/new" dcmodify -q -m '(0010,0010)=Silva^Ana' "$MNT/CT.dcm"
cmp "$MNT/CT.dcm.bak" "$dicom" || emr_fail "the backup of dcmodify has other bytes"
is_local "$MNT/CT.dcm.bak"

# ---- nothing that came late made another version, and all of it is still so after a remount
all="truncate.txt vim.txt vim-backup.txt gio.txt gnome.txt rsync.txt sed.txt Plan.odt Letter.docx CT.dcm"
sleep 2
for name in $all; do
	printf '%s %s %s\n' "$name" "$(attribute id "$MNT/$name")" "$(confirmed_version "$MNT/$name")"
done >"$EMR_WORK/before"
awk '$1 == "CT.dcm" { if ($3 != 2) exit 1; next } $3 != 3 { exit 1 }' "$EMR_WORK/before" || {
	cat "$EMR_WORK/before" >&2
	emr_fail "not exactly one more version"
}
emr_remount
for name in $all; do
	printf '%s %s %s\n' "$name" "$(attribute id "$MNT/$name")" "$(confirmed_version "$MNT/$name")"
done >"$EMR_WORK/after"
must cmp "$EMR_WORK/before" "$EMR_WORK/after"
is_local "$MNT/CT.dcm.bak"
emr_unmount
