#!/bin/bash
# dataset_tools.sh: the commands of doc/research.md do what the page says, and the programs of researchers give on the mount of a dataset what
# they give on a plain copy, byte by byte, with the same exit code. A program that is not installed is left out, and named at the end;
# RESEARCH_TOOLS may be a PATH that has more of them.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
PATH=${RESEARCH_TOOLS:+$RESEARCH_TOOLS:}$PATH
has() { # a program, python:MODULE, or a file that the maker of the study could write
	case $1 in
	python:*) python3 -c "import ${1#*:}" 2>/dev/null ;;
	*.*) [ -e "made/ana/Data/$1" ] ;;
	*) command -v "$1" >/dev/null ;;
	esac
}
has python:pydicom || emr_skip "needs pydicom"
two_begin tools
at_end() { two_end && fusermount3 -uqz "$EMR_WORK/knees"; }
two_network "São Lucas"
two_join ana "Silva, Ana" patient
two_join rui "Costa, Rui" patient
two_join dora "Dora Reis" researcher
cat >terms.json <<'END'
{"purpose": "To see how knees heal", "who": "Researchers of the hospital", "until": "2099-12-31", "data": "identified", "doi": "10.5281/zenodo.1234567"}
END
as hospital run 0 dataset create knees --terms terms.json --passphrase-file "$EMR_PASS"
as hospital run 0 dataset admit knees dora@saolucas --passphrase-file "$EMR_PASS"
two_mount ana rui dora

say "two participants give what a research group has, and a researcher opens it"
for who in ana rui; do
	must python3 "$SUPPORT/make_study.py" $who made/$who/Data
	(
		cd made/$who/Data || exit
		! has bgzip || ! has tabix || { python3 "$SUPPORT/make_vcf.py" 4000 | bgzip >v.vcf.gz && tabix -p vcf v.vcf.gz; } || exit
		! has samtools || { samtools view -bo reads.bam reads.sam && samtools index reads.bam; } || exit
		! has git || { git init -q repo && echo a >repo/a; }
	) || emr_fail "made no study"
	cp -r made/$who/Data $who-folder/ || exit 2
	knows() { as $who "$EMRFS" dataset knees >out/known 2>&1 </dev/null; }
	emr_until knows
	as $who run 0 dataset join knees Data --yes --wait
done

say "doc/research.md, line by line"
page=$SUPPORT/../../doc/research.md
mkdir bin && ln -s "$EMRFS" bin/ && printf '#!/bin/sh\ncat "%s"\n' "$EMR_PASS" >bin/askpass && chmod 700 bin/askpass || exit 2
PATH=$EMR_WORK/bin:$PATH
export EMRFS_ASKPASS=$EMR_WORK/bin/askpass
typed() { as dora bash -eo pipefail -c "$1" >out/typed 2>&1 </dev/null || emr_fail "$1: $(cat out/typed)"; }
while IFS= read -r line; do typed "$line"; done < <(sed -n 's/^\$ //p' "$page")
there() { [ "$(find knees -name t1.nii | wc -l)" = 2 ]; }
emr_until there
for line in 'emrfs dataset NAME' 'find PSEUDONYM -type f'; do
	inline=$(grep -o '`[^`]*`' "$page" | tr -d '`' | grep -m 1 "^$line") || emr_fail "the page has no such command: $line"
	inline=${inline/NAME/knees} && typed "${inline/PSEUDONYM/knees/*/Data/CT}"
done
! has python:nibabel || typed "python3 -c 'import nibabel; path = \"$(ls knees/*/Data/t1.nii | head -1)\"
$(awk '/^```/ { inside = !inside; next } inside && !/^\$/' "$page")'"
expect "blocks of the page" "$(grep -c '^```' "$page")" 6

say "the plain copy is made of what they had, not read from the mount"
mkdir plain
for place in knees/*/; do
	P=$(basename "$place") who=rui
	cmp -s "$place/Data/t1.nii" made/ana/Data/t1.nii && who=ana
	cp -r made/$who plain/"$P" || exit 2
done
find knees -maxdepth 1 -type f -exec cp {} plain/ \; || exit 2
diff -r -x repo knees plain >out/differs || emr_fail "other bytes or names: $(head -5 out/differs)"

say "each program gives the same"
ran='' differ='' left_out=''
# tool NAME "NEEDS" COMMAND: at the top of the dataset, where $D is one participant's records, and $OUT a place to write.
tool() {
	local need place
	for need in $2; do
		has "$need" || { left_out="$left_out${left_out:+, }$1" && return; }
	done
	for place in knees plain; do
		rm -rf out/made && mkdir out/made
		(cd $place && D=$P/Data OUT=$EMR_WORK/out/made timeout "$EMR_PATIENCE" bash -o pipefail -c "$3") >out/$place 2>&1 </dev/null
		echo "exit code $?, made $(cd out/made && find . -type f -exec sha256sum {} + | sort -k 2)" >>out/$place
	done
	[ "${4:-0}" = any ] || grep -q "^exit code ${4:-0}," out/plain || emr_fail "$1: $(tail -20 out/plain)"
	cmp -s out/knees out/plain || { differ="$differ${differ:+, }$1" && diff out/knees out/plain | head -20 && return; }
	ran="$ran${ran:+, }$1"
}
# python NAME "MODULE..." TEXT: PRINTED is shown; D is a participant's records.
python() { tool "$1" "$2" "python3 -W ignore -c 'import glob, mmap, os, sys; D = os.environ[\"D\"]; $3'"; }

tool sha256sum sha256sum 'grep "\"license\": \"The terms" ro-crate-metadata.json && sha256sum -c MANIFEST.sha256 && find */Data -name "*.dcm" | sort | xargs sha256sum'
tool sqlite3 sqlite3 'sqlite3 "$D/visits.sqlite" "SELECT count(*), sum(v) FROM visits WHERE s = \"x7\""'
tool dcmdump dcmdump 'dcmdump +L "$D"/CT/*.dcm'
tool dcmj2pnm dcmj2pnm 'dcmj2pnm +op "$D/CT/003.dcm" | sha256sum'
tool gdcminfo gdcminfo 'gdcminfo "$D/CT/003.dcm"'
tool dcm2niix dcm2niix 'dcm2niix -b n -z n -f x -o "$OUT" "$D/CT" | grep Convert'
tool tabix "tabix v.vcf.gz" 'tabix "$D/v.vcf.gz" chr7:10000-30000'
python "Python's mmap" "" 'm = mmap.mmap(os.open(D + "/t1.nii", os.O_RDONLY), 0, prot=mmap.PROT_READ); print(sum(m[:]), m.rfind(b"\7\0"))'
python "pydicom series" "python:numpy" 'from pydicom import dcmread; print(sum(int(dcmread(f).pixel_array.sum()) for f in sorted(glob.glob(D + "/CT/*.dcm"))))'
python "numpy.memmap" "python:numpy" 'import numpy; print(int(numpy.memmap(D + "/t1.nii", dtype="<i2", mode="r", offset=352).sum()))'
python "nibabel .nii" "python:nibabel" 'import nibabel; print(nibabel.load(D + "/t1.nii").get_fdata().sum())'
python "nibabel .nii.gz" "python:nibabel" 'import nibabel; print(nibabel.load(D + "/BIDS/sub-01/anat/sub-01_T1w.nii.gz").get_fdata().sum())'
python "pandas CSV" "python:pandas" 'import pandas; print(pandas.read_csv(D + "/big.csv").v.sum())'
python "pandas Parquet" "python:pandas big.parquet" 'import pandas; print(pandas.read_parquet(D + "/big.parquet", columns=["v"]).v.sum())'
python "pyarrow row group" "python:pyarrow big.parquet" 'import pyarrow.parquet as q; print(q.ParquetFile(D + "/big.parquet").read_row_group(2).num_rows)'
python "pyarrow mapped" "python:pyarrow big.parquet" 'import pyarrow.parquet as q; print(q.read_table(D + "/big.parquet", memory_map=True).num_rows)'
python "DuckDB" "python:duckdb big.parquet" 'import duckdb; print(duckdb.sql("select count(*), sum(t) from \"" + D + "/big.parquet\"").fetchall())'
python "h5py" "python:h5py x.h5" 'import h5py; print(h5py.File(D + "/x.h5", "r")["a"][120:130, 300:310].sum())'
python "Zarr 2" "python:zarr v2.zarr" 'import zarr; print(zarr.open(D + "/v2.zarr", mode="r")[:].sum())'
python "Zarr 3" "python:zarr v3.zarr" 'import zarr; print(zarr.open(D + "/v3.zarr", mode="r")[:].sum())'
python "pysam BAM" "python:pysam reads.bam" 'import pysam; print(sum(1 for _ in pysam.AlignmentFile(D + "/reads.bam").fetch("chr1", 5000, 9000)))'
python "pysam tabix" "python:pysam v.vcf.gz" 'import pysam; print(sum(1 for _ in pysam.TabixFile(D + "/v.vcf.gz").fetch("chr3", 10000, 30000)))'
python "SimpleITK series" "python:SimpleITK" 'import SimpleITK as s; r = s.ImageSeriesReader(); r.SetFileNames(r.GetGDCMSeriesFileNames(D + "/CT")); print(int(s.GetArrayFromImage(r.Execute()).sum()))'
tool "samtools view" "samtools reads.bam" 'samtools view "$D/reads.bam" chr1:5000-9000'
tool "samtools flagstat" "samtools reads.bam" 'samtools flagstat "$D/reads.bam"'
tool bcftools "bcftools v.vcf.gz" 'bcftools view -H "$D/v.vcf.gz" chr2:1000-50000'
tool R Rscript 'Rscript -e "cat(sum(read.csv(\"$D/big.csv\")\$v), fill = TRUE)"'
tool cffconvert cffconvert 'cffconvert --validate -i CITATION.cff'
python "RO-Crate" "python:rocrate" 'from rocrate.rocrate import ROCrate; print(ROCrate(".").root_dataset.properties())'
tool "bids-validator of a folder" bids-validator-deno 'bids-validator-deno "$D/BIDS"' any
tool "bids-validator of the dataset" bids-validator-deno 'bids-validator-deno .'
tool "bids-validator 1 (npm) of the dataset" bids-validator 'bids-validator --no-color . 2>/dev/null' 1
echo "same: $ran"
[ -z "$differ" ] || emr_fail "not the same: $differ"
echo "left out, because they are not installed: ${left_out:-none}"

say "a repository is none on the mount, because git's names do not stay"
! has git || { git -C "plain/$P/Data/repo" status -s >/dev/null && ! git -C "knees/$P/Data/repo" status -s >/dev/null 2>&1; } || emr_fail "git"
two_unmount dora ana rui
echo "all is well"
