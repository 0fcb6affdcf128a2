#!/bin/bash
# fetch_shared.sh: only Ana's IPFS node still has what Ana shares. It opens at her doctor's, whose own node brings it from there.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
NETWORK=$(cd "$SUPPORT/../../examples/network" && pwd)/ipfs
two_begin fetch-shared
at_end() {
	two_end
	[ ! -d "$EMR_WORK/nodes" ] || "$NETWORK" down "$EMR_WORK/nodes" >/dev/null 2>&1
}
KUBO=$("$NETWORK" build) || emr_fail "Kubo is not built"
export KUBO
must "$NETWORK" up nodes >/dev/null
ipfs() { IPFS_PATH=$EMR_WORK/nodes/$1 "$KUBO" "${@:2}"; }
two_network "São Lucas"
two_ana_and_lima
printf 'node = unix:%s/nodes/2/api.sock\n' "$EMR_WORK" >>lima/settings
two_mount ana lima
mkdir -p ana-folder/Imaging
echo "a knee" >ana-folder/Imaging/MRI.txt
head -c 3000000 /dev/urandom >ana-folder/Imaging/CT.bin
mkdir hers && cp ana-folder/Imaging/* hers
as ana run 0 status --wait
as ana run 0 share Imaging with lima --yes --wait
imaging() { ls -d lima-folder/shared-with-me/*/Imaging >/dev/null 2>&1; }
emr_until imaging
as ana run 0 export Imaging "$EMR_WORK/out/hers.car"
two_unmount ana lima
must ipfs 1 dag import out/hers.car >/dev/null
for blocks in "$NET/blocks" ana/state/blocks; do
	taken=$(python3 "$SUPPORT/take_blocks.py" "$blocks" out/hers.car)
	[ "$taken" -gt 10 ] || emr_fail "only $taken blocks were taken away from $blocks"
done

say "her folder is open, and what her doctor opens comes from her node by way of his"
two_mount ana lima
SHARE=$(ls -d lima-folder/shared-with-me/*)/Imaging
cat ana-folder/Imaging/MRI.txt >/dev/null 2>&1 && emr_fail "it is still here"
same() { diff -r hers "$SHARE" >/dev/null 2>&1; }
emr_until same
opened=$(attribute signature "$SHARE/MRI.txt")
[[ $opened == self* ]] || emr_fail "signature: $opened"

say "with her node away what was read opens again, and what was not is said to be late or away"
two_unmount lima
read -r pid _ <nodes/1.pid
kill "$pid" && tail -s 0.05 --pid="$pid" -f /dev/null
two_mount lima
emr_until same
two_unmount lima
rm -rf lima/cache
must ipfs 2 repo gc >/dev/null
two_mount lima
cat "$SHARE/MRI.txt" >/dev/null 2>&1 && emr_fail "it was read from nowhere"
noticed() { grep -qE "(place-late|place-away|missing-everywhere|no-release).*Imaging/MRI.txt" lima-folder/.emrfs/notices; }
emr_until noticed
expect listing "$(ls "$SHARE" | wc -l)" 2

say "what is taken back leaves the disk of who read it, also when his folder was closed then"
must "$NETWORK" up nodes >/dev/null
cached() { find lima/cache -type f 2>/dev/null | wc -l; }
none_cached() { [ "$(cached)" = 0 ]; }
emr_until same
[ "$(cached)" -gt 10 ] || emr_fail "only $(cached) blocks were kept"
as ana run 0 revoke --yes Imaging from lima --wait
emr_until none_cached
as ana run 0 share Imaging with lima --yes --wait
emr_until same
two_unmount lima
! none_cached || emr_fail "nothing was kept"
as ana run 0 revoke --yes Imaging from lima --wait
two_mount lima
emr_until none_cached
two_unmount ana lima
echo "all is well"
