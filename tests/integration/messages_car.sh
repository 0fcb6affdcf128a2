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
met 3 import-part import letters.car	# it is all there
# Whole, but for a block that is not there.
python3 - <<'END' || emr_fail "lacking.car"
data, at = open("one.car", "rb").read(), 0
while at < len(data):
    start = at
    size = shift = 0
    while True:
        byte = data[at]
        size, shift, at = size | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            break
    at += size
open("lacking.car", "wb").write(data[:start])
END
met 8 bad-data import lacking.car Lacking
flip one.car $(($(stat -c %s one.car) - 100))
met 8 bad-data import one.car Flipped
met 8 bad-data import second
printf '\021\242eroots\200gversion\001' >empty.car
met 6 not-yours import empty.car
run 0 erase --yes --passphrase-file second Letters/one.txt
met 13 needs-yes import letters.car Again
closed
carrier taker
met 6 not-yours import letters.car
closed
