#!/bin/bash
# dataset_tables.sh: a dataset gets those columns of a table that its terms name, cell by cell, and a reader's computer shows no table that
# has anything else.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
two_begin tables
two_installed "$DEIDENTIFY"
two_network "São Lucas"
two_join ana "Silva, Ana" patient
two_join dora "Dora Reis" researcher
steward() { as hospital run "$1" dataset "${@:2}" --passphrase-file "$EMR_PASS"; }
cat >terms.json <<'END'
{"purpose": "To follow sugar", "who": "Researchers of the hospital", "until": "2099-12-31", "data": "de-identified", "edf": "kept",
 "columns": {"taken": "date", "glucose": "number", "unit": ["mmol/L"], "icd": "code", "sex": ["F", "M"]}}
END

say "terms with a column of texts are refused"
sed 's/"number"/"text"/' terms.json >wrong.json
steward 8 create sugar --terms wrong.json
says "columns"
steward 0 create sugar --terms terms.json
steward 0 admit sugar dora@saolucas
two_mount ana dora
knows() { as ana "$EMRFS" dataset sugar >out/known 2>&1 </dev/null; }
emr_until knows
mkdir ana-folder/Lab
cat >ana-folder/Lab/ana-silva.csv <<'END'
name;Taken;glucose;note;unit;icd;sex
Silva^Ana;2024-01-19;5,4;"feels well; Dr. Reis";mmol/L;E11.9;F
Silva^Ana;2024-02-20;<6;"=cmd|' /C calc'!A1";MMOL/L;Silva;f
Silva^Ana;in spring;Ana;;=cmd;=cmd;Ana
END
printf 'name,note\nAna Silva,well\n' >ana-folder/Lab/names.csv
printf 'sex,unit\n"F,x\n' >ana-folder/Lab/broken.csv
as ana run 0 status --wait

say "the question names each column, and what may still name somebody"
as ana run 13 dataset join sugar Lab
says "Of tables (CSV) these columns stay, and of each cell only what is said here:"
says "taken: dates, moved as all others"
says "glucose: numbers of up to seven digits, six of them before the point, further decimals cut; a year, a postcode or a short number of yours would stay"
says "icd: single letters, and codes with digits and at most three letters in a row; initials or a month with a year, or a postcode, would stay"
says "sex: F, M, and nothing else"
says "Recordings of signals (EDF, BDF) are given, too"
says "1 copy for it, under the name"
says "1 file is withheld, a table without a column that the dataset asks for: Lab/names.csv"
says "1 file is withheld, damaged: Lab/broken.csv"
as ana json 0 dataset sugar
expect "columns" "$(python3 -c 'import json; print(json.load(open("out/said"))["datasets"][0]["columns"])')" \
	"{'taken': 'date', 'glucose': 'number', 'unit': ['mmol/L'], 'icd': 'code', 'sex': ['F', 'M']}"
terms=$(field datasets.0.terms)

say "a reader has the columns, and nothing else of the table"
as ana json 0 dataset join sugar Lab --yes --wait
COPIES=$(field folder)
there() { [ "$(find dora-folder/datasets/sugar -name 'TABLE-*.csv' 2>/dev/null | wc -l)" = "$1" ]; }
emr_until there 1
reads() { cat dora-folder/datasets/sugar/*/*/TABLES/TABLE-*.csv >out/table; }
emr_until reads
python3 - <<'END' || emr_fail "$(cat out/table)"
lines = open("out/table").read().split("\n")
assert lines[0] == "taken;glucose;unit;icd;sex" and lines[-1] == "" and len(lines) == 5, lines
first, second, third = (line.split(";") for line in lines[1:4])
assert first[1:] == ["5.4", "mmol/L", "E11.9", "F"] and second[1:] == ["<6", "mmol/L", "", "F"] and third == [""] * 5, lines
from datetime import date
apart = date.fromisoformat(second[0]) - date.fromisoformat(first[0])
assert apart.days in (31, 32, 33) and first[0] < "1996", lines
END
find dora-folder/datasets/sugar >out/names
! grep -iE 'silva|lab' out/names || emr_fail "a name of hers is shown"

say "a changed table is the same copy with other cells"
sed -i 's/5,4/7,1/' ana-folder/Lab/ana-silva.csv && as ana run 0 status --wait
as ana run 0 dataset update
changed() { reads && grep -q ';7.1;' out/table && there 1; }
emr_until changed

say "a recording of signals is given without its names and day"
# One signal, one record of two samples.
printf '%-8s%-80s%-80s19.01.2423.59.00%-8s%-44s%-8s%-8s%-4s%-16s%-80s%-8s%-8s%-8s%-8s%-8s%-80s%-8s%-32s\1\2\3\4' 0 "4711 F Ana_Silva" "Silva" \
	512 "" 1 1 1 "EEG Fp1-Cz" "" uV -1 1 -32768 32767 "" 2 "" >ana-folder/Lab/ana.edf
as ana run 0 status --wait
as ana run 0 dataset update
recorded() { cat dora-folder/datasets/sugar/*/*/FILES/FILE-*.edf >out/recording && [ -s out/recording ]; }
emr_until recorded
expect "its header and numbers" "$(wc -c <out/recording) $(tail -c 4 out/recording | xxd -p)" "516 01020304"
grep -qE 'Silva|4711|19\.01' out/recording && emr_fail "$(cat out/recording)"
rm ana-folder/Lab/ana.edf

say "a removed table takes its copy back"
rm ana-folder/Lab/ana-silva.csv
emr_until there 0

say "what a client that lies calls a table by the rules is withheld by the reader's computer"
two_unmount ana
rm ana/state/agreed # so that this program does not take back what others of the owner put there
two_mount ana
mkdir -p "ana-folder/$COPIES/TABLES"
python3 - "ana-folder/$COPIES/TABLES" "$terms" <<'END' || emr_fail "the lies could not be told"
import hashlib, os, sys
top, terms = sys.argv[1], bytes.fromhex(sys.argv[2])
table = b"PS3.15-2026c/2"
rules = hashlib.sha256(b"emrfs/v1/rules\0" + bytes([len(table)]) + table + terms).digest()
def put(letter, data):
    with open(os.path.join(top, f"TABLE-{letter * 12}.csv"), "xb") as out:
        out.write(data)
        out.flush()
        os.utime(out.fileno())
        os.setxattr(out.fileno(), "user.emrfs.derived", (bytes(32) + rules + bytes(32)).hex().encode())
put("b", b"name;unit\nAna;mmol/L\n")  # a column that is not named
put("c", b"icd\nSilva\n")  # a name in a named one
put("d", b"sex\nAna\n")  # no such code
put("e", b"taken\n2024-01-19\n")  # not moved
put("f", b"icd\n=cmd|'/c calc'!A1\n")  # a formula
put("g", b"\"icd\"\nE11.9\n")  # in quotes
put("h", b"\xef\xbb\xbficd\nE11.9\n")  # a mark of the byte order
put("i", b"icd\n" + b"a" * 100000 + b"\n")  # a huge cell
put("j", b"icd\nE11.9\n")  # as the program does
END
emr_until there 9
opens() { cat dora-folder/datasets/sugar/*/*/TABLES/TABLE-"$1"*.csv >out/bytes 2>out/why; }
emr_until opens j
for lie in b c d e f g h i; do
	! opens "$lie" || emr_fail "lie $lie was shown"
	grep -q "Permission denied" out/why || emr_fail "lie $lie: $(cat out/why)"
done

two_unmount ana dora
echo "all is well"
