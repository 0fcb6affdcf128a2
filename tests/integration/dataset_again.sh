#!/bin/bash
# dataset_again.sh: an erasure takes the copies of the erased records and no other. A participant who joins a de-identified dataset again,
# with another folder, gives that one and nothing of the earlier one.
. "${SUPPORT:=$(dirname "$0")/../support}/copies.sh"
copies_begin again

as ana run 0 status --wait; slices ana-folder/CT 1 3
as ana run 0 status --wait
as ana json 0 dataset join plain CT --yes --wait
COPIES=$(field folder)
emr_until sees "1 2 3 "
number() { getfattr --absolute-names --only-values -n user.emrfs.id "ana-folder/$COPIES"/*/*/0000"$1"-*.dcm; }

say "a copy that was taken back and is there again stays when something else is erased"
mv ana-folder/CT/anabela-01.dcm picture.dcm
emr_until sees "2 3 "
as ana run 0 status --wait
mv picture.dcm ana-folder/CT/anabela-01.dcm
update
emr_until sees "1 2 3 "
emr_until settled
stood=$(number 01)
as ana json 0 erase CT/anabela-03.dcm --yes --passphrase-file "$EMR_PASS"
expect "its copy, and the one that was taken back" "$(field copies)" 2
expect "the copy that is there" "$(number 01)" "$stood"
emr_until sees "1 2 "

say "who joins again with another folder gives that one, and nothing of what she gave before"
as ana run 0 dataset leave --yes plain --wait
emr_until sees ""
slices ana-folder/Other 300 300
as ana run 0 status --wait
as ana json 0 dataset join plain Other --yes --wait
emr_until sees "300 "
expect "copies" "$(copies | wc -l)" 1

say "what goes with an erasure is counted once, also by who joined twice"
as ana run 13 erase Other </dev/null
says "With it goes what was made of it for datasets: 3 copies."

say "erasing needs no program that makes copies"
rm usr/libexec/emrfs/deidentify
as ana run 0 dataset plain
as ana json 0 erase Other --yes --passphrase-file "$EMR_PASS"
expect "copies of it and earlier ones" "$(field copies)" 3
emr_until sees ""
two_unmount ana dora

say "a program without its modules says that they are missing, and calls no disk or host to blame"
two_host_kill && rm usr/libexec/emrfs/emrfs-*.so
gone="libexec/emrfs is incomplete: install emrfs again"
echo "node = unix:$EMR_WORK/node.sock" >>ana/settings
run 6 host "$NET" "127.0.0.1:$TWO_PORT"
says "$gone"
as ana run 1 mount --passphrase-file "$EMR_PASS"
says "The ledger: $gone"
as ana run 3 check --network
says "unix:$EMR_WORK/node.sock: $gone"
echo "all is well"
