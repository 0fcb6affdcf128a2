#!/bin/bash
# samba.sh: an ordinary user runs a Samba server for a folder, with the settings of examples/smb.conf: read, write, save by a rename, list,
# delete, long names; a closed folder is no share.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/ordinary.sh"
for program in smbd smbclient pdbedit; do
	command -v "$program" >/dev/null || PATH=$PATH:/usr/sbin
	command -v "$program" >/dev/null || emr_skip "$program is not installed (Debian: samba, smbclient)"
done
ordinary_user "$0"
emr_begin samba
me=$(id -un)
at_end() { [ ! -s "$EMR_WORK/smb/smbd.pid" ] || kill "$(cat "$EMR_WORK/smb/smbd.pid")" 2>/dev/null; }
emr_init
emr_mount

# The example, with the folder of this test in place of the home's, below what an own server needs.
mkdir -p "$EMR_WORK/smb/ncalrpc"
port=$(emr_port)
example=$(cd "$(dirname "$0")/../../examples" && pwd)/smb.conf
must sed "s|/home/%U/Health|$MNT|" "$example" >"$EMR_WORK/smb/health.conf"
{
	echo "[global]"
	echo "interfaces = 127.0.0.1"
	echo "bind interfaces only = yes"
	echo "smb ports = $port"
	echo "log level = 1"
	echo "log file = $EMR_WORK/smb/log"
	echo "ncalrpc dir = $EMR_WORK/smb/ncalrpc"
	for kind in private state lock cache pid; do
		case $kind in
		state | cache | pid) echo "$kind directory = $EMR_WORK/smb" ;;
		*) echo "$kind dir = $EMR_WORK/smb" ;;
		esac
	done
	echo "passdb backend = tdbsam:$EMR_WORK/smb/passdb.tdb"
	echo "load printers = no"
	echo "disable spoolss = yes"
	echo "include = $EMR_WORK/smb/health.conf"
} >"$EMR_WORK/smb/smb.conf"
printf 'pass\npass\n' | pdbedit -s "$EMR_WORK/smb/smb.conf" -a -t "$me" >"$EMR_WORK/out/pdbedit" 2>&1 || {
	cat "$EMR_WORK/out/pdbedit"
	emr_fail "pdbedit"
}
must smbd -D -s "$EMR_WORK/smb/smb.conf" -l "$EMR_WORK/smb"
smb() { smbclient -s "$EMR_WORK/smb/smb.conf" -p "$port" "//127.0.0.1/health" -U "$me%pass" -m SMB3 -c "$1" >"$EMR_WORK/out/smb" 2>&1; }
must_smb() { smb "$1" || { cat "$EMR_WORK/out/smb" "$EMR_WORK"/smb/log* >&2; emr_fail "smbclient: $1"; }; }
emr_until smb ls

say "written there is what is read here, and the other way round"
head -c 3000000 /dev/urandom >"$EMR_WORK/scan"
must_smb "mkdir Imaging; cd Imaging; put $EMR_WORK/scan CT.dcm"
must cmp "$EMR_WORK/scan" "$MNT/Imaging/CT.dcm"
echo "a letter" >"$MNT/Imaging/letter.txt"
must_smb "cd Imaging; get letter.txt $EMR_WORK/letter; get CT.dcm $EMR_WORK/back"
must cmp "$EMR_WORK/letter" "$MNT/Imaging/letter.txt"
must cmp "$EMR_WORK/scan" "$EMR_WORK/back"
expect "version" "$(confirmed_version "$MNT/Imaging/CT.dcm")" 1
expect "attributes of its own" "$(getfattr --absolute-names -d "$MNT/Imaging/CT.dcm")" ""

say "a save by renaming a new file over the old one is one version"
echo "a letter, corrected" >"$EMR_WORK/new"
expect "version" "$(confirmed_version "$MNT/Imaging/letter.txt")" 1
must_smb "cd Imaging; put $EMR_WORK/new ~WRD0001.tmp; rename letter.txt ~WRL0002.tmp; rename ~WRD0001.tmp letter.txt; del ~WRL0002.tmp"
must cmp "$EMR_WORK/new" "$MNT/Imaging/letter.txt"
expect "version" "$(confirmed_version "$MNT/Imaging/letter.txt")" 2
expect "left behind" "$(ls -A "$MNT/Imaging")" $'CT.dcm\nletter.txt'

say "long names, listing, deleting"
long=$(printf 'Ressonância magnética do joelho direito %.0s' 1 2 3 4 5).pdf
must_smb "cd Imaging; put $EMR_WORK/new \"$long\""
must cmp "$EMR_WORK/new" "$MNT/Imaging/$long"
must_smb "cd Imaging; ls"
grep -qF "$long" "$EMR_WORK/out/smb" && grep -q 'CT.dcm .* 3000000 ' "$EMR_WORK/out/smb" || emr_fail "listed: $(cat "$EMR_WORK/out/smb")"
! grep -q '\.emrfs' "$EMR_WORK/out/smb" || emr_fail "listed: $(cat "$EMR_WORK/out/smb")"
must_smb "cd Imaging; del \"$long\"; del CT.dcm; del letter.txt; cd ..; rmdir Imaging"
expect "deleted" "$(ls -A "$MNT")" Inbox

say "with the folder closed there is nothing to write to"
emr_unmount
! smb "put $EMR_WORK/new in-clear.txt" || emr_fail "written below the closed folder"
grep -q "NT_STATUS_ACCESS_DENIED" "$EMR_WORK/out/smb" || emr_fail "said: $(cat "$EMR_WORK/out/smb")"
expect "in clear" "$(ls -A "$MNT")" ""
echo "all is well"
