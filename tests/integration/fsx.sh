#!/bin/bash
# fsx.sh OPS SEED...: random operations on one file, with remounts in between, against a copy in memory.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
ops=$1
shift
emr_begin fsx
emr_init
emr_mount
for seed in "$@"; do
	must "$TOOLS/fsx_lite" --file "$MNT/fsx-$seed" --seed "$seed" --ops "$ops" \
		--hook "$(emr_hook)" --hook-every $((ops / 5))
done
# Few bytes and many operations: everything happens in the first leaf and around its edges.
must "$TOOLS/fsx_lite" --file "$MNT/fsx-small" --seed "$1" --ops "$((ops * 2))" --max-size 40000
emr_unmount
