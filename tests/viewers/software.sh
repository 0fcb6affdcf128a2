#!/bin/bash
# software.sh: programs that read on their own, by what a folder says about them, are refused at open whatever the kernel has cached. It is
# told once, and no thumbnail is made of a refused file.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin software
emr_init
emr_mount
export HOME=$EMR_WORK XDG_CACHE_HOME=$EMR_WORK/cache
must mkdir -p "$MNT/Imaging/CT" "$MNT/Letters" "$EMR_WORK/bin"
must cp "$SAMPLES/CT_small.dcm" "$MNT/Imaging/CT/1.dcm"
must cp "$SAMPLES/CT_small.dcm" "$MNT/Letters/letter"
must convert -size 64x64 gradient:red-blue "$MNT/Imaging/photo.png"

# A program of that name, and a script of that name: both are cat.
cp "$(command -v cat)" "$EMR_WORK/bin/tumblerd" && cp "$(command -v cat)" "$EMR_WORK/bin/borg" || exit 1
printf '#!/bin/bash\nexec 3<"$1" && cat <&3\n' >"$EMR_WORK/bin/dicom-thumbnailer"
printf '#!/bin/bash\ncat "$1"; exit $?\n' >"$EMR_WORK/bin/updatedb"	# what it starts reads for it
chmod +x "$EMR_WORK"/bin/*
reads() { must "$EMR_WORK/bin/$1" "$2" >"$EMR_WORK/out/read"; must cmp "$EMR_WORK/out/read" "$SAMPLES/CT_small.dcm"; }
is_refused() {
	! "$EMR_WORK/bin/$1" "$2" >"$EMR_WORK/out/read" 2>"$EMR_WORK/out/why" || emr_fail "$1 read $2"
	grep -q 'Permission denied' "$EMR_WORK/out/why" || emr_fail "$1: $(cat "$EMR_WORK/out/why")"
	[ ! -s "$EMR_WORK/out/read" ] || emr_fail "$1 got bytes of $2"
}
programs="tumblerd borg dicom-thumbnailer updatedb"
software() { must setfattr -n user.emrfs.software -v "$(confirmed "$1" "$2")" "$2"; }
notices() { grep -c software-refused "$MNT/.emrfs/notices"; }

say "one's own records stay open to everybody"
for p in $programs; do reads "$p" "$MNT/Imaging/CT/1.dcm"; done
must gdk-pixbuf-thumbnailer -s 32 "$MNT/Imaging/photo.png" "$EMR_WORK/thumbnail.png"
[ -s "$EMR_WORK/thumbnail.png" ] || emr_fail "no thumbnail although nobody refused"

say "refused, although the kernel holds every page of it"
software refuse "$MNT/Imaging"
expect "below" "$(attribute software "$MNT/Imaging/CT")" refuse
for p in $programs $programs; do is_refused "$p" "$MNT/Imaging/CT/1.dcm"; done
for p in $programs; do reads "$p" "$MNT/Letters/letter"; done
rm "$EMR_WORK/thumbnail.png"
! gdk-pixbuf-thumbnailer -s 32 "$MNT/Imaging/photo.png" "$EMR_WORK/thumbnail.png" 2>/dev/null || emr_fail "a thumbnail of a refused file"
[ ! -e "$EMR_WORK/thumbnail.png" ] || emr_fail "a thumbnail of a refused file"
must cmp "$MNT/Imaging/CT/1.dcm" "$SAMPLES/CT_small.dcm"	# a person reads on
must ls -lR "$MNT/Imaging" >/dev/null
must identify "$MNT/Imaging/photo.png" >/dev/null
expect "notices: one for each program" "$(notices)" 5
hint=$(sed -n 's/.*tumblerd wanted to read Imaging.CT.1.dcm without you. Allow it: //p' "$MNT/.emrfs/notices")
[ "$hint" = "setfattr -n user.emrfs.software -v 'tumblerd'\" confirm=\$(getfattr --absolute-names --only-values -n user.emrfs.confirm '$MNT/Imaging')\" '$MNT/Imaging'" ] || { cat "$MNT/.emrfs/notices"; emr_fail "the notice does not say how to allow it"; }

say "allowed by name, as the notice says; inner folders as they say; all of it after a remount"
! setfattr -n user.emrfs.software -v tumblerd "$MNT/Imaging" 2>/dev/null || emr_fail "programs were let in without the code"
must bash -c "$hint"
software allow "$MNT/Imaging/CT"
for round in 1 2; do
	reads borg "$MNT/Imaging/CT/1.dcm"
	expect "listed" "$(getfattr --absolute-names -d -m software "$MNT/Imaging" | grep ^user)" 'user.emrfs.software="tumblerd"'
	must cp "$MNT/Imaging/CT/1.dcm" "$MNT/Imaging/top.dcm"
	reads tumblerd "$MNT/Imaging/top.dcm"
	is_refused borg "$MNT/Imaging/top.dcm"
	[ $round = 2 ] || emr_remount
done

say "below .emrfs, too; a copy with attributes takes nothing away"
must rm "$MNT/Imaging/top.dcm"
must "$EMRFS" status --wait --quiet
is_refused borg "$MNT/.emrfs/deleted/Imaging/top.dcm"
reads tumblerd "$MNT/.emrfs/deleted/Imaging/top.dcm"
must mkdir -p "$EMR_WORK/source/Imaging"
must rsync -aX "$EMR_WORK/source/" "$MNT/"
expect "after rsync -X" "$(attribute software "$MNT/Imaging")" tumblerd
! setfattr -n user.emrfs.software -v 'a b' "$MNT/Imaging" 2>"$EMR_WORK/out/why" || emr_fail "nonsense was taken"
grep -q 'Invalid argument' "$EMR_WORK/out/why" || emr_fail "nonsense: $(cat "$EMR_WORK/out/why")"
software '' "$MNT/Imaging"
expect "taken back" "$(attribute software "$MNT/Imaging")" allow
emr_unmount
