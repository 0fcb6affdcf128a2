# messages_node.sh: sourced by messages.sh: IPFS nodes that fail in every way that `check --network` can meet.
say "IPFS nodes"
home_of noded
mkdir fake
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=node.test -keyout fake/key -out fake/certificate 2>/dev/null || emr_fail "no certificate"
python3 "$SUPPORT/fake_node.py" "$EMR_WORK/fake" "$EMR_WORK/fake/certificate" "$EMR_WORK/fake/key" &
fake=$!
emr_until test -f fake/ready
# looked WORDS ADDRESS [LINE]: check --network says so of the node at that address.
looked() {
	printf 'kdf = 8,1\n%s\n%s\n' "${2:+node = $2}" "${3:-}" >"$EMRFS_HOME/settings"
	run 3 check --network
	heard
	grep -q "^NO .*$1" out/said || emr_fail "of '$2': $(cat out/said)"
}
looked "No IPFS node is set" ""
looked "is no address" nowhere
looked "with TLS only" http://192.0.2.1:5001
looked "is not known here" https://node.invalid
looked "does not answer" "unix:$EMR_WORK/fake/none.sock"
looked "could not prove who it is" "https://127.0.0.1:$(cat fake/port)"
looked "did not answer in time" "unix:$EMR_WORK/fake/hangs.sock"
looked "does not accept the token" "unix:$EMR_WORK/fake/token.sock"
looked "refuses for now" "unix:$EMR_WORK/fake/conflict.sock"
looked "has too much to do" "unix:$EMR_WORK/fake/busy.sock"
looked "but the node behind it does not" "unix:$EMR_WORK/fake/unavailable.sock"
looked "The disk of" "unix:$EMR_WORK/fake/full.sock"
looked "by its own word: something broke" "unix:$EMR_WORK/fake/error.sock"
looked "is no IPFS node" "unix:$EMR_WORK/fake/html.sock"
looked "runs Kubo 0.39.0" "unix:$EMR_WORK/fake/old.sock"
looked "with more at once than it may" "unix:$EMR_WORK/fake/too-large.sock"
looked "broke off its answer" "unix:$EMR_WORK/fake/empty.sock"
echo secret >token
looked "chmod 600" "unix:$EMR_WORK/fake/good.sock" "node-token = $EMR_WORK/token"

say "IPFS nodes and a cluster that take what is saved, and do not do with it what they should"
# The clock by which the open folder waits runs so many times as fast: a cluster is late after five to ten minutes.
HASTE=30
home_of giving
run 0 init --yes --passphrase-file second --words-file words-giving
for name in bad-car not-pinned root-other good; do echo "node = unix:$EMR_WORK/fake/$name.sock" >>"$EMRFS_HOME/settings"; done
echo "cluster = unix:$EMR_WORK/fake/cluster-never.sock" >>"$EMRFS_HOME/settings"
EMR_CLOCK_HASTE=$HASTE LD_PRELOAD=$TOOLS/libclock_shim.so run 0 mount --passphrase-file second "$MNT"
echo one >"$MNT/one.txt"
for id in node-bad-car node-not-kept node-other-answer node-unfinished; do
	emr_until grep -q " $id " "$MNT/.emrfs/notices"
	grep " $id " "$MNT/.emrfs/notices" | sed 's/^/notice: /' >>"$MET"
done
late() { "$EMRFS" status >out/said 2>&1 </dev/null; grep -q "cluster-never.sock.*does not come to an end" out/said; }
emr_until late
closed
kill "$fake"
