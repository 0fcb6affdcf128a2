# Part of messages.sh: records in CAR files, out and in.
say "CAR files"
# Ends with the folder of HOME open.
carrier() {
	home_of "$1"
	run 0 init --yes --passphrase-file second --words-file "words-$1"
	run 0 mount --passphrase-file second "$MNT"
}
carrier giver
must mkdir "$MNT/Letters"
echo one >"$MNT/Letters/one.txt"
echo two >"$MNT/Letters/two.txt"
run 0 status --wait
met 2 bad-place export Letters "$MNT/letters.car"
run 0 export Letters letters.car
run 0 export Letters/one.txt one.car
run 0 import letters.car Copies
met 3 import-part import letters.car Copies	# it is all there
# Whole, but for its largest block, the content.
python3 - <<'END' || emr_fail "lacking.car"
data, at, sections = open("one.car", "rb").read(), 0, []
while at < len(data):
    start = at
    size = shift = 0
    while True:
        byte = data[at]
        size, shift, at = size | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            break
    at += size
    sections.append(data[start:at])
sections.remove(max(sections, key=len))
open("lacking.car", "wb").write(b"".join(sections))
END
met 8 bad-data import lacking.car Lacking
flip one.car $(($(stat -c %s one.car) - 100))
met 8 bad-data import one.car Flipped
met 8 bad-data import second
printf '\021\242eroots\200gversion\001' >empty.car
met 6 not-yours import empty.car
# bare.car is what a node gives for a file's CID alone; old.car has a page of an older form.
python3 "$SUPPORT/car_walk.py" export letters.car "$(getfattr --only-values --absolute-names -n user.emrfs.cid "$MNT/Letters/two.txt")" bare.car ||
	emr_fail "bare.car"
python3 - <<'END' || emr_fail "old.car"
import hashlib
page = b"EMXC\1" + bytes(11)
open("old.car", "wb").write(open("empty.car", "rb").read() + bytes([36 + len(page), 1, 0x55, 0x12, 32]) + hashlib.sha256(page).digest() + page)
END
met 1 older-format import old.car
run 0 erase --yes --passphrase-file second Letters/one.txt
met 13 needs-yes import letters.car Again
closed
carrier taker
met 6 not-yours import letters.car
met 6 not-yours import bare.car
closed
