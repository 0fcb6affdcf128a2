#!/bin/bash
# genome.sh: a genome's variants with their index: a question about a region reads the leaves in which it lies, and no more.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/asked.sh"
emr_begin genome
emr_init
emr_mount
must mkdir "$MNT/Genome"
python3 "$SUPPORT/make_vcf.py" 300000 | bgzip -l 1 >"$EMR_WORK/all.vcf.gz" || emr_fail "a VCF"
must tabix -p vcf "$EMR_WORK/all.vcf.gz"
must cp -p "$EMR_WORK/all.vcf.gz" "$EMR_WORK/all.vcf.gz.tbi" "$MNT/Genome/"
size=$(stat -c %s "$EMR_WORK/all.vcf.gz")
chunks=$(((size + 16383) / 16384))
# The same again: the kernel has them.
again() {
	asked_before
	tabix "$MNT/Genome/all.vcf.gz" "$region" | must cmp - "$EMR_WORK/wanted" || exit 1
	[ "$(asked read)" = 0 ]
}
for region in chr7:1000000-1010000 chr20:2000000-2000400 chr1:10000-12000; do
	emr_remount
	tabix "$EMR_WORK/all.vcf.gz" "$region" >"$EMR_WORK/wanted"
	[ -s "$EMR_WORK/wanted" ] || emr_fail "nothing lies in $region"
	asked_before
	tabix "$MNT/Genome/all.vcf.gz" "$region" >"$EMR_WORK/found" || emr_fail "tabix $region"
	must cmp "$EMR_WORK/wanted" "$EMR_WORK/found"
	opened=$(asked chunks_opened)
	say "$region: $(wc -l <"$EMR_WORK/found") variants; $(asked open) OPEN, $(asked read) READ, $opened of $chunks chunks opened"
	at_most "chunks opened for $region" $((opened * 5)) "$chunks"
	at_some_try again || emr_fail "READ when asked again: $(asked read)"
done
# bgzip reads a range by its own index, too, and an index made in the folder is the same.
must cp "$MNT/Genome/all.vcf.gz.tbi" "$EMR_WORK/again.tbi"
must tabix -f -p vcf "$MNT/Genome/all.vcf.gz"
must cmp "$MNT/Genome/all.vcf.gz.tbi" "$EMR_WORK/again.tbi"
must cmp "$MNT/Genome/all.vcf.gz" "$EMR_WORK/all.vcf.gz"
emr_unmount
