#!/bin/bash
# dataset_second.sh: a participant erases a record on a second computer. The copies that the first computer made of it are erased, too, and
# no others.
. "${SUPPORT:=$(dirname "$0")/../support}/copies.sh"
copies_begin dsecond
slices ana-folder/CT 1 3
as ana run 0 status --wait
as ana json 0 dataset join plain CT --yes --wait
COPIES=$(field folder)
emr_until sees "1 2 3 "
# A copy that was taken back lies in the history still.
mv ana-folder/CT/anabela-03.dcm picture.dcm
emr_until sees "1 2 "
emr_until settled
two_unmount ana
as ana run 0 device add laptop -o laptop.device --yes --passphrase-file "$EMR_PASS"
two_home laptop
run 0 device accept laptop.device --passphrase-file "$EMR_PASS"
two_mount laptop
here() { [ "$(find "laptop-folder/$COPIES" -name '*.dcm' 2>/dev/null | wc -l)" = "$1" ] && [ -e laptop-folder/CT/anabela-01.dcm ]; }
emr_until here 2

say "the other computer says how many copies go with it, and erases them"
run 13 erase CT/anabela-01.dcm </dev/null
says "With it goes what was made of it for datasets: 2 copies."
json 3 erase CT/anabela-01.dcm --yes --passphrase-file "$EMR_PASS"
expect "its copy, and the one that was taken back" "$(field copies)" 2
expect "the other's copy" "$(find "laptop-folder/$COPIES" -name '*.dcm' | grep -c '000002-')" 1
expect "copies" "$(find "laptop-folder/$COPIES" -name '*.dcm' | wc -l)" 1
! find laptop-folder/.emrfs/deleted -name '0000*.dcm' | grep -q . || emr_fail "left: $(find laptop-folder/.emrfs/deleted)"
run 0 status --wait

say "the first computer agrees, and a reader, to whom it gives keys, has the other picture"
two_mount ana
emr_until settled
emr_until sees "2 "
expect "copies" "$(copies | grep -c .)" 1
! find ana-folder/.emrfs/deleted -name '0000*.dcm' | grep -q . || emr_fail "left: $(find ana-folder/.emrfs/deleted)"
two_unmount ana dora laptop
echo "all is well"
