#!/bin/bash
# readable.sh: the list of records, the log, and other programs that read both.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin readable
export TZ=UTC
cd "$EMR_WORK" || exit 2

# settled: everything is on the ledger, and the next thing happens in a later second.
settled() {
	run 0 status --wait=2min
	SECOND=$(date +%s)
	while [ "$(date +%s)" = "$SECOND" ]; do sleep 0.05; done
}
# actions [ARGUMENTS]: what `emrfs log ARGUMENTS` lists, as "saved path, ..."
actions() {
	json 0 log "$@"
	python3 -c 'import json, sys
print(", ".join("%s %s" % (e["action"], e["path"]) for e in json.load(open(sys.argv[1]))["entries"]))' out/said
}

emr_init
emr_mount
say "records of every kind"
must mkdir -p "$MNT/Imaging" "$MNT/Letters"
must cp "$SAMPLES"/*.dcm "$MNT/Imaging/"
printf '%s\n' '%PDF-1.4' >"$MNT/Letters/opinion.pdf"
echo plain >"$MNT/Letters/=1+1,\"x\".txt"
for cell in ';=2+5' '; "=2+5' ',@SUM(1)' "$(printf '\t')-2+5" '|+2'; do echo plain >"$MNT/Letters/a$cell.txt"; done
: >"$MNT/Letters/note.txt~" # scratch
settled
FIRST=$(date -u +%Y-%m-%dT%H:%M:%SZ)
settled

say "index.csv"
for file in "$SAMPLES"/*.dcm; do
	dcmdump -q +P 0008,0060 +P 0008,0020 "$file" >dump 2>/dev/null || continue
	sed -n 's/^(\(0008,00[0-9]*\)) .. \[\([^]]*\)\].*/\1\t'"$(basename "$file")"'\t\2/p' dump
done >dumped
cat >check.py <<'END'
import csv, os, re, sys
index, mount, dumped = sys.argv[1:4]
raw = open(index, "rb").read()
assert raw.endswith(b"\r\n") and b"\0" not in raw, "line ends"
text = raw.decode("utf-8")
rows = list(csv.reader(text.splitlines(keepends=True), strict=True))
assert rows[0] == "path kind modality study_date description organisation signature note added_at bytes".split(), rows[0]
assert len(rows) == text.count("\r\n") and all(len(r) == 10 for r in rows), "one line a record"
for separator in ";,\t|":  # what a spreadsheet of another country makes of it
    for row in csv.reader(text.splitlines(), delimiter=separator):
        for cell in row:
            assert not re.match(r'[\s"]*[=+\-@]', cell), (separator, cell)
rows = [dict(zip(rows[0], r)) for r in rows[1:]]
for row in rows:
    for name, value in row.items():
        assert not re.match(r"\s*[=+\-@]", value) or name == "bytes", (name, value)
    path = row["path"].lstrip("'")
    path = re.sub(r"([;,|])'", r"\1", path).replace("a?-", "a\t-")
    assert os.path.getsize(os.path.join(mount, path)) == int(row["bytes"]), path
    assert row["signature"] == "self" and row["note"] == "" and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row["added_at"]), row
by_path = {r["path"]: r for r in rows}
found = {os.path.relpath(os.path.join(d, f), mount) for d, _, fs in os.walk(mount) for f in fs if not f.endswith("~")}
assert {re.sub(r"([;,|])'", r"\1", p.lstrip("'")).replace("a?-", "a\t-") for p in by_path} == found, found ^ set(by_path)
unread = re.compile(r"_expb|bigend|BigEnd|big_endian|NoMeta|image_dfl|no_meta|meta_missing|rtstruct\.dcm|UN_sequence|badVR")
compared = 0
for line in open(dumped, encoding="latin-1"):
    tag, name, value = line.rstrip("\n").split("\t")
    row = by_path["Imaging/" + name]
    value = value.strip("\0 ")
    if tag == "0008,0020":
        value = "-".join(filter(None, (value[:4], value[4:6], value[6:8]))).replace(".", "")
    mine = row["modality" if tag == "0008,0060" else "study_date"]
    if unread.search(name) and mine == "":
        continue
    assert mine == value, (name, tag, mine, value)
    compared += value != ""
assert compared > 50, compared
opinion = by_path["Letters/opinion.pdf"]
assert (opinion["kind"], opinion["study_date"], opinion["description"]) == ("pdf", "", ""), opinion
assert by_path['Letters/=1+1,"x".txt']["kind"] == "text"
print(len(rows), "records,", compared, "facts as dcmdump has them")
END
must cp "$MNT/.emrfs/index.csv" index.csv
must python3 check.py index.csv "$MNT" dumped

say "what README.txt names shows what is known of a file"
command=$(sed -n 's/^\(getfattr .*FILE\) shows .*/\1/p' "$MNT/.emrfs/README.txt")
expect "the fact that the command of README.txt shows" "$(cd "$MNT/Imaging" && ${command/FILE/CT_small.dcm} | grep -c 'emrfs\.state="')" 1
say "sizes, copies and ends"
for file in README.txt status.txt status.json index.csv log log.json; do
	must cp "$MNT/.emrfs/$file" "copied-$file"
	[ -s "copied-$file" ] || emr_fail "$file is empty"
	expect "size of $file" "$(stat -c %s "$MNT/.emrfs/$file")" "$(stat -c %s "copied-$file")"
	expect "end of $file" "$(tail -c 20 "$MNT/.emrfs/$file" | od -An -tx1)" "$(tail -c 20 "copied-$file" | od -An -tx1)"
done
must python3 -m json.tool copied-log.json >/dev/null
python3 -c 'import sys; sys.exit(open(sys.argv[1], "r+b") is None)' "$MNT/.emrfs/index.csv" 2>/dev/null &&
	emr_fail "index.csv could be opened for writing"

say "the log"
must mv "$MNT/Imaging/CT_small.dcm" "$MNT/Imaging/head.dcm"
settled
must mv "$MNT/Imaging/head.dcm" "$MNT/Letters/"
settled
printf changed >>"$MNT/Letters/head.dcm"
settled
run 0 restore Letters/head.dcm@v1
settled
must rm "$MNT/Letters/head.dcm"
settled
STORY="saved Imaging/CT_small.dcm, renamed Imaging/head.dcm, renamed Letters/head.dcm, saved Letters/head.dcm, restored Letters/head.dcm, deleted Letters/head.dcm"
expect "the story of a deleted file" "$(actions Letters/head.dcm)" "$STORY"
run 0 restore Letters/head.dcm
settled
expect "the story of a file that came back" "$(actions Letters/head.dcm)" "$STORY, restored Letters/head.dcm"
expect "a name it had once" "$(actions Imaging/head.dcm)" "renamed Imaging/head.dcm, renamed Letters/head.dcm"
expect "since" "$(actions --since "$FIRST" | tr , '\n' | head -1)" "renamed Imaging/head.dcm"
expect "of a folder" "$(actions Imaging --since 1h | cut -d, -f1)" "made Imaging"
(cd "$MNT/Letters" && timeout "$EMR_PATIENCE" "$EMRFS" log head.dcm) | grep -q 'restored Letters/head.dcm v1' || emr_fail "a path from inside"
run 0 log Letters/head.dcm
says "Ana  renamed  Imaging/head.dcm -> Letters/head.dcm v1"
says "proven: on the ledger"
json 0 log Letters/head.dcm
expect "fields" "$(python3 -c 'import json; print(*sorted(json.load(open("out/said"))["entries"][0]))')" \
	"action at bytes from guardian name organisation path proven purpose released_by says software team tx type version who whole"
run 5 log Letters/never
run 2 log --since yesterday
run 0 log --since 2999-01-01
says "Nothing in that time"
expect "lines of .emrfs/log" "$(($(wc -l <"$MNT/.emrfs/log") - 1))" "$(run 0 log --json; python3 -c 'import json; print(len(json.load(open("out/said"))["entries"]))')"

say "tail -f sees what comes"
tail -n 1 -f "$MNT/.emrfs/log" >followed &
FOLLOWER=$!
echo new >"$MNT/Letters/new.txt"
for ((i = 0; i < 2400; i++)); do
	grep -q 'saved *Letters/new.txt v1' followed && break
	sleep 0.05
done
kill "$FOLLOWER"
grep -q 'saved *Letters/new.txt v1' followed || emr_fail "tail -f did not see a save"

say "what was erased has no name any more"
settled
json 0 erase Letters/new.txt --yes --passphrase-file "$EMR_PASS"
for ((i = 0; i < 2400; i++)); do
	run 0 log
	grep -q 'erased  *(a record that was erased)' out/said && break
	sleep 0.05
done
says "erased   (a record that was erased)"
says_not "new.txt"
grep -l new.txt "$MNT/.emrfs/"{index.csv,log,log.json,report.html} && emr_fail "an erased name is still shown"
run 5 log Letters/new.txt

say "what strangers say in their files is read by a process without keys; who takes it over, or breaks it, has nothing"
reader_of_headers() { pgrep -P "$(emr_pid)" -x read-headers; }
READER=$(reader_of_headers) || emr_fail "nobody reads headers"
expect "a filter of system calls" "$(sed -n 's/^Seccomp:[[:space:]]*//p' "/proc/$READER/status")" 2
expect "environment" "$(tr '\0' '\n' <"/proc/$READER/environ" | wc -c)" 0
expect "descriptors" "$(ls "/proc/$READER/fd" | tr '\n' ' ')" "0 1 2 3 "
kill -9 "$READER"
must cp "$SAMPLES/MR_small.dcm" "$MNT/Imaging/again.dcm"
settled
grep -q '^"Imaging/again.dcm","dicom","MR"' "$MNT/.emrfs/index.csv" || emr_fail "no headers after the reader's end: $(grep again "$MNT/.emrfs/index.csv")"
[ "$(reader_of_headers)" != "$READER" ] || emr_fail "the reader was not killed"

say "the same after kill -9, and with the folder closed"
settled
actions >before
must cp "$MNT/.emrfs/index.csv" before.csv
emr_kill
emr_mount
cmp before.csv "$MNT/.emrfs/index.csv" || emr_fail "index.csv changed"
emr_unmount
actions --passphrase-file "$EMR_PASS" >after
cmp before after || emr_fail "the log changed"
say "done"
