#!/bin/bash
# contract.sh: attributes and hidden files of an open folder are those of doc/manual/contract.md, no more and no fewer; and the answers of
# verbs have the fields that it names.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
CONTRACT=${CONTRACT:-$(cd "$(dirname "$0")/../../doc/manual" && pwd)/contract.md}
emr_begin contract
cd "$EMR_WORK" || exit 2

# Names in the first column under a heading.
named() { sed -n "/^## $1\$/,/^## [^$(printf %.1s "$1")]/s/^| \`\([^\`]*\)\`.*/\1/p" "$CONTRACT" | sort; }

emr_init
run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
must mkdir "$MNT/Imaging"
{ head -c 128 /dev/zero && printf DICM; } >"$MNT/Imaging/letter.txt"	# it says what it is, so there are headers
run 0 status --wait

say "attributes"
must setfattr -n user.emrfs.keep -v yes "$MNT/Imaging"	# listed only where it was set
getfattr --absolute-names -m 'emrfs\.' "$MNT/Imaging/letter.txt" "$MNT/Imaging" | sed -n 's/^user\.emrfs\.//p' | sort -u >listed
expect "listed as one's own" "$(cat listed)" keep
# The first two: only on what others sign and share; the second where something is shared (stick.sh).
named Attributes | grep -vx -e signed-number -e opens -e grant.WHO >wanted
[ -s wanted ] || emr_fail "the contract names no attribute"
while read -r name; do
	attribute "$name" "$MNT/Imaging/letter.txt" >/dev/null || attribute "$name" "$MNT/Imaging" >/dev/null || emr_fail "the folder has no $name"
done <wanted

say "hidden files"
ls -A "$MNT/.emrfs" | sort >found
named 'Files in .emrfs' >wanted
[ -s wanted ] || emr_fail "the contract names no hidden file"
diff wanted found >out/said || { cat out/said; emr_fail "files in .emrfs: < contract, > folder"; }

# fields VERB ARGUMENTS...: every field of the answer is named by the contract, and the other way round but for those in OPTIONAL.
fields() {
	local row
	json 0 "$@"
	row=$(grep -m1 -E "^\| \`$1\`" "$CONTRACT")
	OPTIONAL="${OPTIONAL:-}" python3 - "$row" out/said <<'END' || emr_fail "fields of emrfs $*"
import json, os, re, sys
cells = [c.strip() for c in sys.argv[1].replace("\\|", "/").split(" | ")]
said = json.load(open(sys.argv[2]))
text = cells[4].rstrip("| ").split(";")[0]
while "{" in text:
    text = re.sub(r"\{[^{}]*\}", "", text)
named = set(text.replace("[]", "").split())
had = set(said) - {"emrfs", "verb", "ok"}
missing = named - had - set(os.environ["OPTIONAL"].split())
if had - named:
    print("not in the contract:", *sorted(had - named))
if missing:
    print("not in the answer:", *sorted(missing))
sys.exit(bool(had - named or missing))
END
}

say "fields of answers"
fields check
OPTIONAL=checkpoint fields ledger
OPTIONAL="text" fields help
fields status
fields log
OPTIONAL="restored version bytes unchanged files folders" fields restore --list Imaging/letter.txt
OPTIONAL="backup signer time tx signed" fields verify
OPTIONAL="bad checked written_again" fields backup "$EMR_WORK/copy"
fields unmount
OPTIONAL="second_copy dataset" fields mount --passphrase-file "$EMR_PASS" "$MNT"
run 0 unmount
echo "all is well"
