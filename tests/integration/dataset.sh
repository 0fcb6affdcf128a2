#!/bin/bash
# dataset.sh: a hospital calls for records on terms, and patients put a folder in and take it out. A reader whom the hospital admits reads a
# folder under a pseudonym, for as long as it is there.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$(dirname "$0")/held.sh"
. "$SUPPORT/asked.sh"
two_begin dataset
emr_noon
two_network "São Lucas"
two_join ana "Silva, Ana" patient
two_join rui "Costa, Rui" patient
two_join dora "Dora Reis" researcher
steward() { as hospital run "$1" dataset "${@:2}" --passphrase-file "$EMR_PASS"; }
terms() { # MEMBER VALUE ...: terms that are whole but for these
	python3 - "$@" <<'END' >terms.json
import json, sys
t = {"purpose": "To count pixels of knees", "who": "Researchers of the hospital", "until": "2099-12-31", "data": "identified",
     "licence": "CC-BY-NC-4.0", "ethics": "REC 26/1", "duo": ["DUO:0000042"],
     "doi": "10.5281/zenodo.1234567"}
for name, value in zip(sys.argv[1::2], sys.argv[2::2]):
    t[name] = json.loads(value)
    if t[name] is None:
        del t[name]
json.dump(t, sys.stdout)
END
}

say "a call says its terms, whole, or is none"
for wrong in 'until "soon"' 'until "2001-01-01"' 'who null' 'data "secret"' 'color "red"' 'price -1' 'daily-limit 99999999'; do
	terms "${wrong%% *}" "${wrong#* }"
	steward 8 create knees --terms terms.json
	says "The terms in terms.json cannot be used: \"${wrong%% *}\" is not right, or lacks."
done
terms doi '"https://doi.org/10.5281/zenodo.1234567"'
steward 8 create knees --terms terms.json
says "\"doi\" is not right: write it as 10.5281/zenodo.1234567, without https://doi.org/ or doi: before it."
terms
steward 2 create "two words" --terms terms.json
steward 2 create knees
steward 0 create knees --terms terms.json
says "For: To count pixels of knees"
says "DOI: 10.5281/zenodo.1234567"
says "Nobody reads it yet."
steward 6 create knees --terms terms.json
steward 6 create Knees --terms terms.json
as ana json 0 dataset --passphrase-file "$EMR_PASS"	# the folder is closed
expect "called" "$(field datasets.0.called)" knees@saolucas
two_mount ana rui dora
for who in ana rui; do
	mkdir "$who-folder/Imaging" "$who-folder/Letters"
	echo "the knee of $who" >"$who-folder/Imaging/MRI.txt"
	echo "dear $who" >"$who-folder/Letters/letter.txt"
	as "$who" run 0 status --wait
done
knows() { as "$1" "$EMRFS" dataset "$2" >out/known 2>&1 </dev/null; }
for who in ana rui dora; do emr_until knows "$who" knees; done

say "nothing is in it but on its terms"
as ana json 6 share Imaging with dataset:knees@saolucas --yes
expect error "$(field error)" joined-only
as hospital run 0 org team dataset:knees add dora --passphrase-file "$EMR_PASS"	# who would be taken for one
as ana json 6 share Imaging with dataset:knees@saolucas --yes
expect "no team is meant" "$(field error)" joined-only
setfattr -n user.emrfs.grant.dataset:knees@saolucas -v "read until=2030-01-01" ana-folder/Imaging 2>out/said && emr_fail "by an attribute"
as ana json 5 dataset leave knees
expect error "$(field error)" not-joined
as ana run 13 dataset join knees Imaging
says "To join is to let all whom São Lucas admits, now and later, read Imaging itself"
says "What was worked out from your records before stays."
for who in ana rui; do as "$who" run 0 dataset join knees Imaging --yes --wait; done
as ana json 0 dataset knees
expect "hers" "$(field datasets.0.joined.0)" Imaging
counts() { as "$1" json 0 dataset knees && [ "$(field datasets.0.participants)" = "$2" ]; }
for who in ana rui dora; do emr_until counts "$who" 2; done
says_not ana

say "everybody is told of every reader"
steward 0 admit knees dora@saolucas
says "dora, São Lucas (gives the name Dora Reis)"
told() { as "$1" run 0 dataset knees; grep -q "dora, São Lucas .* reads it, since" out/said; }
for who in ana rui; do emr_until told "$who"; done
noticed() { grep -qF -- "$2" "$1-folder/.emrfs/notices"; }
for who in ana rui; do emr_until noticed "$who" "dora, São Lucas (gives the name Dora Reis): let into knees@saolucas by its steward, where Imaging can be read."; done

say "whom the steward admitted reads all of it, under pseudonyms, and writes nothing"
sees() { [ "$(ls "$1-folder/datasets/knees" 2>/dev/null | wc -l)" = "$2" ]; }
emr_until sees dora 2
knee_of() { grep -lsx "the knee of $2" "$1"-folder/datasets/knees/*/Imaging/MRI.txt | cut -d/ -f4; }
read_both() { [ -n "$(knee_of dora ana)" ] && [ -n "$(knee_of dora rui)" ]; }
emr_until read_both
ANA=$(knee_of dora ana) RUI=$(knee_of dora rui)
[[ $ANA =~ ^[a-z2-7]{12}$ && $RUI =~ ^[a-z2-7]{12}$ && $ANA != "$RUI" ]] || emr_fail "pseudonyms: $ANA $RUI"
expect "nothing else of hers" "$(ls "dora-folder/datasets/knees/$ANA")" Imaging
[ ! -e dora-folder/shared-with-me ] || emr_fail "among the shares: $(ls dora-folder/shared-with-me)"
grep -rlE 'Silva|Costa' dora-folder/.emrfs/notices && emr_fail "a name in the notices"
for place in datasets datasets/knees "datasets/knees/$ANA" "datasets/knees/$ANA/Imaging"; do
	mkdir "dora-folder/$place/new" 2>out/said && emr_fail "a directory made in $place"
	grep -q "Read-only file system\|Permission denied\|not permitted" out/said || emr_fail "$place: $(cat out/said)"
done
(echo more >"dora-folder/datasets/knees/$ANA/Imaging/more.txt") 2>out/said && emr_fail "a file made"
grep -q "Read-only file system" out/said || emr_fail "$(cat out/said)"
rm -f "dora-folder/datasets/knees/$ANA/Imaging/MRI.txt" 2>out/said && emr_fail "removed"
mkdir dora-folder/datasets 2>/dev/null && emr_fail "the name is kept"
as dora json 0 share
expect "what is shared with her" "$(field shared_with_me)" "[]"

say "a dataset is called the same in the list of shares and in the log"
as ana run 0 share
says "knees, São Lucas"
as ana run 0 log --all
says_not "knees (team)"

say "what comes later is there, too"
echo "the other knee of ana" >ana-folder/Imaging/MRI-2.txt
as ana run 0 status --wait
later() { grep -qsx "the other knee of ana" "dora-folder/datasets/knees/$ANA/Imaging/MRI-2.txt"; }
emr_until later
opened() { as ana run 0 log --who dora@saolucas && grep -q "got the key of Imaging/MRI-2.txt" out/said; }
emr_until opened
says "research"

say "who leaves is out: folder, open files, and a word about it"
hold_file "dora-folder/datasets/knees/$ANA/Imaging/MRI.txt" held
# The kernel has the pages of a mapped file: they are taken away, and a program that touches one is killed.
python3 - "dora-folder/datasets/knees/$ANA/Imaging/MRI.txt" <<'END' &
import mmap, os, sys, time
pages = mmap.mmap(os.open(sys.argv[1], os.O_RDONLY), 0, mmap.MAP_SHARED, mmap.PROT_READ)
assert pages[:8] == b"the knee"
child = os.fork()
if child == 0:
    open("mapped.open", "w")
    for i in range(30000):
        pages[0]
        time.sleep(0.02)
    os._exit(0)
open("mapped.end~", "w").write(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))
os.rename("mapped.end~", "mapped.end")
END
emr_until test -e held.open
emr_until test -e mapped.open
as ana run 0 dataset leave --yes knees --wait
says "What was worked out from your records before stays."
emr_until test -e held.errno
expect EKEYREVOKED "$(cat held.errno)" 128
emr_until test -e mapped.end
expect SIGBUS "$(cat mapped.end)" -7
emr_until sees dora 1
expect "who is left" "$(ls dora-folder/datasets/knees)" "$RUI"
cat "dora-folder/datasets/knees/$ANA/Imaging/MRI.txt" 2>out/said && emr_fail "still read"
told_of_it() { grep -q " left .*$ANA left knees on " dora-folder/.emrfs/notices; }
emr_until told_of_it
for who in ana rui dora; do emr_until counts "$who" 1; done

say "who comes back is called as before, and in another dataset otherwise"
terms purpose '"To count other pixels"' daily-limit 3
steward 0 create hips --terms terms.json
steward 0 admit hips dora@saolucas
as ana run 0 dataset join knees Imaging --yes --wait
emr_until sees dora 2
expect "as before" "$(ls dora-folder/datasets/knees | grep -vx "$RUI")" "$ANA"
emr_until knows ana hips
as ana run 0 dataset join hips Imaging --yes --wait
in_hips() { grep -qsx "the knee of ana" dora-folder/datasets/hips/*/Imaging/MRI.txt; }
emr_until in_hips
[ "$(ls dora-folder/datasets/hips)" != "$ANA" ] || emr_fail "one pseudonym in two datasets"
HERS=dora-folder/datasets/hips/$(ls dora-folder/datasets/hips)
for i in 1 2 3; do echo "slice $i" >"ana-folder/Imaging/CT-$i.txt"; done
as ana run 0 status --wait
emr_until test -e "$HERS/Imaging/CT-3.txt"
emr_until knows rui hips
as rui run 0 dataset join hips Imaging --yes --wait
both() { [ "$(ls dora-folder/datasets/hips | wc -l)" = 2 ]; }
emr_until both
HIS=dora-folder/datasets/hips/$(ls dora-folder/datasets/hips | grep -vx "$(basename "$HERS")")
# two computers answer at once, each for its own folder
cat "$HIS/Imaging/MRI.txt" >out/his 2>out/refused-him &
opened=$(for i in 1 2 3; do cat "$HERS/Imaging/CT-$i.txt" 2>>out/refused; done | wc -l)
wait $! || true
cat out/refused-him >>out/refused
opened=$((opened + $(wc -l <out/his)))
expect "of three files a day, one of which was opened" "$opened" 2
grep -q "Disk quota exceeded" out/refused || emr_fail "not EDQUOT: $(cat out/refused)"
grep -q " daily-limit .*hips allows 3 first openings a day; more from " dora-folder/.emrfs/notices || emr_fail "no notice"
# His computer answers no more than twenty such questions a day.  None is asked.
for i in $(seq 25); do cat "$HERS/Imaging"/CT-*.txt 2>&1 >/dev/null | grep -v "Disk quota exceeded"; done >out/other
[ ! -s out/other ] || emr_fail "of who is there: $(cat out/other)"
grep " deposits-full " dora-folder/.emrfs/notices && emr_fail "an Inbox is full"
grep -qx "the knee of ana" "dora-folder/datasets/knees/$ANA/Imaging/MRI.txt" || emr_fail "one of two datasets took the other's place"

say "who is taken out reads nothing, and who takes part is called as before by who is left"
two_join eva "Eva Reis" researcher
two_mount eva
steward 0 admit knees eva@saolucas
emr_until sees eva 2
ends() { grep -c " $2 .*knees" "$1-folder/.emrfs/notices"; }
left=$(ends dora left)
steward 0 drop knees dora@saolucas
emr_until sees dora 0
dropped() { [ "$(ends dora dropped)" = 1 ]; }
emr_until dropped
expect "nobody left by that" "$(ends dora left) $(ends dora closed)" "$left 0"
eva_reads() { grep -qsx "the knee of ana" "eva-folder/datasets/knees/$ANA/Imaging/MRI.txt"; }
emr_until eva_reads
moved() { as ana json 0 dataset knees && [ "$(python3 -c 'import json; print(*[r["name"] for r in json.load(open("out/said"))["datasets"][0]["readers"]])')" = eva ]; }
emr_until moved
emr_until eva_reads
as eva json 6 verify "$EMR_WORK/eva-folder/datasets/knees/$ANA"
expect "not hers to verify" "$(field error)" not-yours
expect "by the same names" "$(ls eva-folder/datasets/knees | sort | tr '\n' ' ')" "$(printf '%s\n' "$ANA" "$RUI" | sort | tr '\n' ' ')"

say "nobody is admitted quietly: not for a moment, and not while a folder is closed"
two_unmount ana
steward 0 admit hips eva@saolucas
steward 0 drop hips eva@saolucas
# A folder that opens tells what its computer knows by then: half of it, on a busy one.  So it hears of both first.
as ana run 0 dataset hips --passphrase-file "$EMR_PASS"
two_mount ana
emr_until noticed ana "eva, São Lucas (gives the name Eva Reis) (who reads no more): let into hips@saolucas by its steward, where Imaging can be read."
noticed ana "Dora Reis" && emr_fail "told twice of the same reader"
as ana run 0 dataset hips
grep -qE "eva, São Lucas .* read it, from .* to " out/said || emr_fail "$(cat out/said)"
as ana json 0 dataset hips
expect "on the ledger" "$(field datasets.0.former.0.name) $(python3 -c 'import json; print(json.load(open("out/said"))["datasets"][0]["former"][0]["entry"] > 0)')" "eva True"
must python3 "$SUPPORT/../integration/page.py" ana-folder/.emrfs/report.html >out/page
for line in '"readers": \[[^]]*"name": "dora", "organisation": "São Lucas"' '"former": \[[^]]*"name": "eva", "organisation": "São Lucas"'; do
	grep -q "^datasets .*$line" out/page || emr_fail "not on the page: $line: $(grep ^datasets out/page)"
done

say "who wants to read asks, and signs the agreement; the steward's yes lets in until a day, and nobody who has not signed"
echo "I delete what I have read, and say so." >agreement.txt
HASH=$(sha256sum <agreement.txt | cut -c1-64)
terms agreement "\"$HASH\""
steward 8 create elbows --terms terms.json
says '"agreement" is not the SHA-256 of --agreement FILE'
steward 2 admit elbows dora@saolucas --agreement agreement.txt
steward 0 create elbows --terms terms.json --agreement agreement.txt
says "Agreement that each reader signs (SHA-256): $HASH"
steward 6 admit elbows dora@saolucas
says "has not signed the agreement of elbows"
for who in ana dora eva; do emr_until knows "$who" elbows; done
as ana run 0 dataset join elbows Letters --yes --wait
as dora run 13 request dataset:elbows --reason "To measure elbows"
says "I delete what I have read, and say so."
as dora run 13 request dataset:elbows --agree "${HASH%?}"
says "--agree $HASH"
as dora run 0 request dataset:elbows --reason "To measure elbows" --agree "$HASH"
as eva run 0 request dataset:elbows@saolucas --agree "$HASH" --until 2097-01-01
two_mount hospital
asked_by() { # WHO: her request is in out/id
	as hospital json 0 request
	python3 -c 'import json, sys
print(*[r["whole"] for r in json.load(open("out/said"))["requests"] if (r["name"], r["path"], r["state"]) == (sys.argv[1], "dataset:elbows@saolucas", "open")], end="")' "$1" >out/id
	[ -s out/id ]
}
emr_until asked_by eva
as hospital run 0 deny "$(cat out/id)" --reason "Not you"
emr_until asked_by dora
ID=$(cat out/id)
as hospital run 13 approve "$ID"
says 'dora, São Lucas'
says '"To measure elbows"'
as hospital run 0 approve "$ID" --yes --until 2097-05-31
as hospital run 6 approve "$ID" --yes
answered() { as "$1" json 0 request && [ "$(field requests.0.state)" = "$2" ]; }
emr_until answered dora approved
emr_until answered eva denied
as eva run 0 request dataset:elbows # a second time: what she signed stays signed
steward 0 admit elbows dora@saolucas --until 2098-05-31 # which moves it
steward 2 drop elbows dora@saolucas --until 2098-05-31
two_unmount hospital
agreed() { as ana json 0 dataset elbows && [ "$(field datasets.0.readers.0.admitted_until | cut -c1-4)" = 2098 ] && [ "$(field datasets.0.readers.0.agreed | cut -c1-2)" = 20 ]; }
emr_until agreed
expect "nobody else" "$(python3 -c 'import json; print(*[r["name"] for r in json.load(open("out/said"))["datasets"][0]["readers"]])')" dora
as ana run 0 dataset elbows
says "signed the agreement, "
must python3 "$SUPPORT/../integration/page.py" ana-folder/.emrfs/report.html >out/page
grep -q '"agreed": "20' out/page || emr_fail "not on the page: $(grep ^datasets out/page)"
two_unmount dora
as dora run 0 mount --dataset elbows --passphrase-file "$EMR_PASS" "$EMR_WORK/dora-folder"
must cmp agreement.txt dora-folder/AGREEMENT.txt
for name in CITATION.cff ro-crate-metadata.json terms.json; do
	grep -q "$HASH" "dora-folder/$name" || emr_fail "$name: $(cat "dora-folder/$name")"
done
reads_letters() { grep -qsx "dear ana" dora-folder/*/Letters/letter.txt; }
emr_until reads_letters
expect "her end" "$(getfattr --absolute-names --only-values -n user.emrfs.access dora-folder/*/Letters/letter.txt | grep -o "until=....")" until=2098

say "the dataset alone is a folder of its own, for who reads it"
two_unmount eva dora
as dora json 6 mount --dataset knees --passphrase-file "$EMR_PASS" "$EMR_WORK/dora-folder"
expect error "$(field error)" not-reader
as eva json 5 mount --dataset nothing --passphrase-file "$EMR_PASS" "$EMR_WORK/eva-folder"
as eva run 0 mount --dataset knees --passphrase-file "$EMR_PASS" "$EMR_WORK/eva-folder"
others() { ls eva-folder | grep -E '^[a-z2-7]{12}$'; } # beside what says what the folder is
alone() { [ "$(others | sort | tr '\n' ' ')" = "$(printf '%s\n' "$ANA" "$RUI" | sort | tr '\n' ' ')" ]; }
emr_until alone
expect "beside them" "$(ls eva-folder | grep -vE '^[a-z2-7]{12}$' | tr '\n' ' ')" "AGREEMENT.txt CITATION.cff MANIFEST.sha256 README dataset_description.json participants.json participants.tsv ro-crate-metadata.json terms.json "
(cd eva-folder && sha256sum --quiet -c MANIFEST.sha256) >out/sums 2>&1 || emr_fail "$(cat out/sums)"
as eva json 0 dataset knees
expect "the terms as they were signed" "$(sha256sum <eva-folder/terms.json | cut -c1-64)" "$(field datasets.0.terms)"
head -1 eva-folder/README | grep -q "the dataset knees of São Lucas, for reading only" || emr_fail "README: $(cat eva-folder/README)"
grep -q "This folder is yours" eva-folder/README eva-folder/.emrfs/README.txt && emr_fail "it is nobody's own"
table() { sed -n 's/^sub-//p' eva-folder/participants.tsv | sort | tr '\n\t' ';,'; }
files_of() { find "eva-folder/$1" -type f | wc -l; }
expect "participants" "$(table)" "$(for one in "$ANA" "$RUI"; do echo "$one,$(files_of "$one"),while-open"; done | sort | tr '\n' ';')"
as eva json 0 dataset knees
getfattr --absolute-names --only-values -n user.emrfs.access "eva-folder/$ANA/Imaging/MRI.txt" | grep -q " until=$(field datasets.0.until) " ||
	emr_fail "not the end that the terms say"
for path in "$ANA" "$ANA/Imaging/MRI.txt" README; do
	as eva run 6 verify "$EMR_WORK/eva-folder/$path"
	says "emrfs verify checks your own records. What others share is checked each time it is read.  Copies in a dataset: sha256sum -c MANIFEST.sha256"
done
as eva run 0 verify
says "Only your own records were checked. Those of the dataset are checked each time one is read, copies also by: sha256sum -c MANIFEST.sha256"
as eva json 0 status
expect "of the study" "$(field files) $(field participants)" "$(($(files_of "$ANA") + $(files_of "$RUI"))) 2"
as eva run 0 status
says "A dataset, for reading only"
grep -q "Not frozen: $(($(files_of "$ANA") + $(files_of "$RUI"))) files of 2 participants" eva-folder/CITATION.cff || emr_fail "$(cat eva-folder/CITATION.cff)"
python3 - eva-folder <<'END' || emr_fail "programs that know such folders do not read it: $(cat eva-folder/*.json eva-folder/CITATION.cff)"
import hashlib, json, re, sys
read = lambda name: open(f"{sys.argv[1]}/{name}").read()
bids, columns = json.loads(read("dataset_description.json")), json.loads(read("participants.json"))
assert (bids["Name"], bids["BIDSVersion"], bids["License"], bids["EthicsApprovals"], bids["DatasetDOI"]) == ("knees", "1.8.0", "CC-BY-NC-4.0", ["REC 26/1"], "doi:10.5281/zenodo.1234567"), bids
assert read(".bidsignore") == "*\n!/README\n!/dataset_description.json\n"
assert list(columns) == read("participants.tsv").splitlines()[0].split("\t"), columns
graph = {one["@id"]: one for one in json.loads(read("ro-crate-metadata.json"))["@graph"]}
assert graph["ro-crate-metadata.json"]["about"]["@id"] == "./" and graph["./"]["license"] == "CC-BY-NC-4.0"
assert graph["./"]["usageInfo"] == "DUO:0000042" and graph[graph["./"]["publisher"]["@id"]]["name"] == "São Lucas"
assert graph["./"]["identifier"] == ["https://doi.org/10.5281/zenodo.1234567", hashlib.sha256(read("terms.json").encode()).hexdigest()], graph["./"]
lines = read("CITATION.cff").splitlines()  # each is a key, of a text as JSON has it, as cffconvert 2.0 looks for them
assert lines[0] == 'cff-version: "1.2.0"', lines
assert 'doi: "10.5281/zenodo.1234567"' in lines and '    value: "10.5281/zenodo.1234567"' == lines[lines.index('  - type: "doi"') + 1], lines
assert all(re.match(r'(?:[a-z-]+|  - [a-z]+|    [a-z]+):(?: ".*")?$', line) for line in lines), lines
END
for name in README terms.json participants.tsv MANIFEST.sha256 CITATION.cff; do
	(echo more >>"eva-folder/$name") 2>/dev/null && emr_fail "$name was written"
	rm -f "eva-folder/$name" 2>/dev/null && emr_fail "$name was removed"
done
only_reads() { grep -qsx "the knee of ana" "eva-folder/$ANA/Imaging/MRI.txt"; }
emr_until only_reads
(echo more >eva-folder/more.txt) 2>out/said && emr_fail "a file made"
grep -q "Read-only file system" out/said || emr_fail "$(cat out/said)"

say "of a genome with its index a question about a region reads the leaves in which it lies, and no more"
two_home eva
if command -v tabix bgzip >/dev/null; then
	python3 "$SUPPORT/make_vcf.py" 100000 | bgzip -l 1 >all.vcf.gz && tabix -p vcf all.vcf.gz || exit 2
	must cp all.vcf.gz all.vcf.gz.tbi rui-folder/Imaging/
	there() { [ "$(stat -c %s "eva-folder/$RUI"/Imaging/all.vcf.gz{,.tbi} 2>/dev/null | tr '\n' ' ')" = "$(stat -c %s all.vcf.gz{,.tbi} | tr '\n' ' ')" ]; }
	emr_until there
	region=chr7:1000000-1100000
	tabix all.vcf.gz $region >wanted && [ -s wanted ] || emr_fail "nothing lies in $region"
	asked_before
	tabix "eva-folder/$RUI/Imaging/all.vcf.gz" $region >found || emr_fail "tabix $region"
	must cmp wanted found
	at_most "chunks opened for $region" $(($(asked chunks_opened) * 5)) $((($(stat -c %s all.vcf.gz) + 16383) / 16384))
	rm rui-folder/Imaging/all.vcf.gz* || exit 2
	gone() { ! ls "eva-folder/$RUI/Imaging" | grep -q vcf; }
	emr_until gone
fi

say "an absent participant is waited for once, and comes back with a change"
for i in 1 2; do echo "late $i" >"rui-folder/Imaging/late-$i.txt"; done
as rui run 0 status --wait
emr_until test -e "eva-folder/$RUI/Imaging/late-2.txt"
two_unmount rui
python3 - "eva-folder/$RUI/Imaging" <<'END' || emr_fail "of who is absent"
import errno, os, sys, time
def refused(name):
    began = time.monotonic()
    try:
        open(os.path.join(sys.argv[1], name)).read()
    except OSError as e:
        assert e.errno == errno.ETIMEDOUT, e
        return time.monotonic() - began
    sys.exit(f"{name} was read")
first = refused("late-1.txt")
assert first > 2, first
rest = [refused(name) for name in ["late-2.txt", "late-1.txt", "late-2.txt"]]
assert max(rest) < first / 2, (first, rest)
END
expect "for a program" "$(getfattr --absolute-names --only-values -n user.emrfs.opens "eva-folder/$RUI/Imaging/late-2.txt")" absent
table | grep -q "$RUI,3,absent;" || emr_fail "$(table)"
grep -q "^# absent $RUI/" eva-folder/MANIFEST.sha256 || emr_fail "$(cat eva-folder/MANIFEST.sha256)"
expect "told once" "$(grep -c " absent .*$RUI in knees" eva-folder/.emrfs/notices)" 1
two_unmount eva
as eva run 0 mount --dataset knees --passphrase-file "$EMR_PASS" "$EMR_WORK/eva-folder"
expect "what was read before opens, though nobody answers" "$(cat "eva-folder/$RUI/Imaging/MRI.txt")" "the knee of rui"
two_mount rui
rm rui-folder/Imaging/late-1.txt
read_late() { grep -qsx "late 2" "eva-folder/$RUI/Imaging/late-2.txt"; }
emr_until read_late
rm rui-folder/Imaging/late-2.txt
as rui run 0 status --wait

say "a frozen state is the versions of then, as far as they are there, and says what is not"
as hospital json 0 dataset freeze knees --passphrase-file "$EMR_PASS"
expect "versions" "$(field versions)" 6
STATE=knees@$(field snapshot | cut -c1-8)
as hospital run 0 dataset knees --frozen --passphrase-file "$EMR_PASS"
says "$STATE"
says "6 versions"
as hospital run 2 dataset --frozen
lists_it() { as eva json 0 dataset knees --frozen && [ "knees@$(field datasets.0.frozen.0.snapshot | cut -c1-8) $(field datasets.0.frozen.0.versions)" = "$STATE 6" ]; }
emr_until lists_it # of the open folder
echo "another knee of rui" >rui-folder/Imaging/MRI-2.txt
as rui run 0 status --wait
two_unmount eva
frozen() { as eva json 0 mount --dataset "$STATE" --passphrase-file "$EMR_PASS" "$EMR_WORK/eva-folder"; }
frozen
expect "all of it" "$(field dataset.versions) $(field dataset.present) $(field dataset.complete)" "6 6 True"
then_read() { grep -qsx "the knee of rui" "eva-folder/$RUI/Imaging/MRI.txt"; }
emr_until then_read
expect "and nothing of later" "$(ls "eva-folder/$RUI/Imaging")" MRI.txt
two_unmount eva
as ana run 0 dataset leave --yes knees --wait
frozen
expect "what is left" "$(field dataset.present) $(field dataset.withdrawn) $(field dataset.complete)" "1 1 False"
grep -q "is incomplete: 5 of its versions are no longer there; folders taken back: 1" eva-folder/.emrfs/notices || emr_fail "not noted"
grep -q "Incomplete: 1 of 6 versions are there, of 1 participants; folders taken back: 1." eva-folder/CITATION.cff || emr_fail "$(cat eva-folder/CITATION.cff)"
grep -q "$(as hospital json 0 dataset knees --frozen --passphrase-file "$EMR_PASS" && field datasets.0.frozen.0.snapshot)" eva-folder/CITATION.cff || emr_fail "not its id: $(cat eva-folder/CITATION.cff)"
grep -q "^# root .*: 1 of 6 versions; folders taken back: 1" eva-folder/MANIFEST.sha256 || emr_fail "$(cat eva-folder/MANIFEST.sha256)"
emr_until then_read
expect "who is left" "$(others)" "$RUI"
two_unmount eva
as eva json 5 mount --dataset knees@00000000 --passphrase-file "$EMR_PASS" "$EMR_WORK/eva-folder"
expect error "$(field error)" unknown-state
two_mount eva
as eva json 0 verify
expect "what others gave is not hers to keep" "$(field versions)" 0
two_unmount eva
as eva run 0 mount --dataset knees --passphrase-file "$EMR_PASS" "$EMR_WORK/eva-folder"

say "who joins is paid once, out of what was put by, and the rest comes back"
# An open folder says it without the passphrase; the hospital has none open.
points() { as "$1" json 0 wallet "${@:3}" && expect "points of $1" "$(field points)" "$2"; }
terms price 20
steward 0 create ankles --terms terms.json
emr_until knows ana ankles
as ana json 6 dataset join ankles Letters --yes
expect error "$(field error)" no-points-put-by
says "pays 20 points for each folder, and none are put by"
steward 6 fund ankles 2 --yes
says "That takes 40 points, and you have 0."
as hospital json 0 org show --passphrase-file "$EMR_PASS"
ADMIN=$(python3 -c 'import json; print(next(m["handle"] for m in json.load(open("out/said"))["members"] if m["handle"].startswith("org-")))')
as hospital run 0 org mint "$ADMIN@saolucas" 70 --yes --passphrase-file "$EMR_PASS"
steward 2 fund knees 2 --yes
steward 13 fund ankles 2
steward 6 fund ankles 4 --yes
steward 0 fund ankles 3 --yes
points hospital 10 --passphrase-file "$EMR_PASS"
paid_for() { as ana "$EMRFS" dataset join ankles Letters --yes --wait >out/said 2>&1 </dev/null; }
emr_until paid_for # as soon as her copy has it
points ana 20
expect "for what" "$(field entries.0.why) $(field entries.0.amount)" "joined 20"
TX=$(field entries.0.tx)
as ana json 0 ledger --limit 100
python3 -c 'import json, sys; print(*sorted({e["op"] for e in json.load(open("out/said"))["entries"] if e["tx"] == sys.argv[1]}))' "$TX" >out/ops
grep -q "GRANT" out/ops && grep -q "DATASET_JOIN" out/ops || emr_fail "paid in another transaction than the grant: $TX $(cat out/ops)"
as ana run 0 dataset leave --yes ankles --wait
as ana run 0 dataset join ankles Letters --yes --wait
points ana 20
mkdir rui-folder/Walks && echo far >rui-folder/Walks/far.txt
as rui run 0 status --wait
steward 0 admit ankles dora@saolucas
as hospital json 0 dataset ankles --passphrase-file "$EMR_PASS"
whole=$(field datasets.0.readers.0.code)
expect "her code" "${#whole}" 26
steward 5 drop ankles "${whole::25}" # a key with fewer letters of it can be made
steward 0 drop ankles "$whole" # a code is for ever, whatever becomes of the handle; what was put by stays with who joins next, and pays nobody twice
also_paid() { as rui "$EMRFS" dataset join ankles Walks --yes --wait >out/said 2>&1 </dev/null; }
emr_until also_paid
points rui 20
points ana 20
steward 0 close ankles --yes
points hospital 30 --passphrase-file "$EMR_PASS"
steward 5 close ankles --yes # all of it came back already

say "anybody counts the same points and credit, without a line of emrfs"
for who in ana rui hospital; do
	as "$who" json 0 wallet --explain --passphrase-file "$EMR_PASS"
	cp out/said "$who.wallet"
done
as hospital json 13 wallet # nobody is there to be asked for the passphrase
must python3 "$SUPPORT/points_agree.py" "$SUPPORT/../../examples/verify-audit/points.py" "$NET/ledger/ledger.sqlite" ana.wallet rui.wallet hospital.wallet

say "while the network's directory is away one's own records do not stand in the dataset's place"
two_host_kill
mv "$NET" "$NET.away"
as hospital run 6 mount --dataset knees --passphrase-file "$EMR_PASS" "$EMR_WORK/hospital-folder"
expect "in its place" "$(ls hospital-folder)" ""
mv "$NET.away" "$NET"
two_host
two_unmount eva
as eva run 0 mount --dataset knees --passphrase-file "$EMR_PASS" "$EMR_WORK/eva-folder"

say "nobody is admitted quietly into what is closed before its participants are back"
terms purpose '"To count toes"'
steward 0 create toes --terms terms.json
emr_until knows ana toes
as ana run 0 dataset join toes Imaging --yes --wait
two_unmount ana
steward 0 admit toes eva@saolucas
steward 0 close toes --yes
as ana run 0 dataset toes --passphrase-file "$EMR_PASS"
two_mount ana
emr_until noticed ana "eva, São Lucas (gives the name Eva Reis) (who reads no more): let into toes@saolucas by its steward, where Imaging can be read."
as ana run 0 dataset toes
says "nobody joins or reads it any more"
grep -qE "eva, São Lucas .* read it, from .* to " out/said || emr_fail "$(cat out/said)"
must python3 "$SUPPORT/../integration/page.py" ana-folder/.emrfs/report.html >out/page
grep -q '^datasets .*"toes.*"former": \[[^]]*"name": "eva", "organisation": "São Lucas"' out/page || emr_fail "not on the page: $(grep ^datasets out/page)"

say "what is closed is read by nobody, and everybody who read it stays listed"
steward 13 close knees
steward 0 close knees --yes
closed() { [ "$(ends eva closed)" = 1 ]; }
emr_until closed
expect "she was not dropped" "$(ends eva dropped)" 0
empty() { [ -z "$(others)" ]; }
emr_until empty
expect "who was there" "$(table)" "$(printf "%s\n" "$ANA,0,left" "$RUI,0,closed" | sort | tr "\n" ";")"
is_closed() { as ana json 0 dataset knees && [ "$(field datasets.0.closed | cut -c1-2)" = 20 ]; }
emr_until is_closed
expect "who read" "$(python3 -c 'import json; print(*sorted({r["name"] for r in json.load(open("out/said"))["datasets"][0]["former"]}))')" "dora eva"
expect "who reads" "$(field datasets.0.readers)" "[]"
as ana json 5 dataset nothing
as ana json 5 dataset join knees Imaging --yes
expect error "$(field error)" unknown-dataset

say "what has the name of one that was closed is another"
terms purpose '"To count toes anew"'
steward 0 create toes --terms terms.json
both_there() { as ana json 0 dataset toes && [ "$(field datasets.1.closed | cut -c1-2)" = 20 ]; }
emr_until both_there
expect "hers is in the one that was closed" "$(field datasets.0.joined) $(field datasets.1.joined.0)" "[] Imaging"
expect "who read that" "$(field datasets.0.former) $(field datasets.1.former.0.name)" "[] eva"
two_unmount ana rui eva
echo "all is well"
