#!/bin/bash
# tree.sh OPS SEED...: random operations of three processes on the tree, with remounts, against a plain directory.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
ops=$1
shift
emr_begin tree
emr_init
emr_mount
mkdir "$EMR_WORK/model"
for seed in "$@"; do
	must "$TOOLS/tree_model" --dir "$MNT" --model "$EMR_WORK/model" --procs 3 --rounds 3 --ops "$ops" \
		--seed "$seed" --known link-eperm --hook "$(emr_hook)"
done
emr_unmount
