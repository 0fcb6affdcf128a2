#!/bin/bash
# fabric_clock.sh: a computer's clock is twenty minutes off, ahead and behind: its peers take nothing from it, nothing that is saved is
# lost, and it goes to the ledger once when the clock is right.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/channel.sh"
command -v faketime >/dev/null || emr_skip "faketime is not installed (Debian: faketime)"
two_begin fabric_clock
channel_begin
channel_network "São Lucas"
two_join ana "Silva, Ana" patient
# The program faketime would wait for the folder that goes behind.
FAKE=$(faketime -f +0 printenv LD_PRELOAD) || emr_fail "faketime does not work here"
off() { EMRFS_REAL=$EMRFS EMRFS=$EMR_WORK/emrfs-off; }
right() { EMRFS=$EMRFS_REAL; }
waiting() { as ana json 0 status && [ "$(field pending)" -gt 0 ]; }
# Behind, real peers' certificates of TLS, which are minutes old, do not count yet.
told() { as ana run 0 status && grep -qE "the clock of this computer is more than|their certificate of TLS is not" out/said out/complained; }
versions=0
for by in +20m -20m; do
	say "the clock is off by $by"
	cat >emrfs-off <<OFF && chmod 700 emrfs-off
#!/bin/sh
LD_PRELOAD='$FAKE' FAKETIME=$by exec "$EMRFS" "\$@"
OFF
	off
	two_mount ana
	echo "saved at $by" >ana-folder/a.txt
	emr_until waiting
	emr_until grep -q "fabric: .*, clock (.* set it.), transaction " ana/state/log
	emr_until told
	expect "what she reads" "$(cat ana-folder/a.txt)" "saved at $by"
	as ana run 4 unmount # it waits for the ledger
	right
	two_mount ana
	as ana run 0 status --wait
	expect "what she reads" "$(cat ana-folder/a.txt)" "saved at $by"
	versions=$((versions + 1))
	as ana json 0 ledger a.txt --limit 100
	expect "versions" "$(python3 -c 'import json
print(sum(e["op"] == "PUT" and e["result"] == "applied" for e in json.load(open("out/said"))["entries"]))')" $versions
	two_unmount ana
done
