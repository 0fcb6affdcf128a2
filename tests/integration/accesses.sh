#!/bin/bash
# accesses.sh: a doctor opens a shared record. The test reads the owner's log of it, the view of the auditor of the doctor's organisation,
# and the evidence of what somebody saved who came later, which emrfs without a keyring and an auditor's program check.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/orgs.sh"
two_begin accesses
export TZ=UTC
two_network "São Lucas"
orgs_join aurora "Clínica Aurora" hospital
orgs_join trust "Patients' Trust" hospital aurora
orgs_agent keys-aurora aurora
orgs_agent keys-trust trust
agent_start keys-aurora
agent_start keys-trust
two_join ana "Ana Silva" patient
two_join lima "Paula Lima" clinician
two_join rosa "Rosa Dias" auditor
two_cards ana lima
two_mount ana lima rosa
mkdir -p ana-folder/Imaging
head -c 5000 /dev/urandom >ana-folder/Imaging/MRI.pdf
head -c 3000000 /dev/urandom >ana-folder/Imaging/CT.bin
echo "an old note" >ana-folder/Imaging/old.txt
as ana run 0 status --wait
REGISTERED=$(as ana registered Imaging/MRI.pdf)
must rm ana-folder/Imaging/old.txt
as ana run 0 status --wait
sleep 1.1	# the ledger counts in seconds
as ana run 0 share Imaging with lima --yes --wait
as ana rewrapped Imaging/MRI.pdf || emr_fail "what is shared is not wrapped anew: nothing to see here"
lists() { [ -e "$1" ]; }
emr_until lists lima-folder/shared-with-me
SHARE=$(echo lima-folder/shared-with-me/*)/Imaging

# both PROOF [COPY]: emrfs and the stand-alone program are content.
both() {
	run 0 verify --proof "$@"
	"$VERIFY_AUDIT" "$@" >out/audit || { cat out/audit >&2; emr_fail "verify-audit $*"; }
	grep -q '^Genuine' out/audit || emr_fail "verify-audit does not say so"
}
say "with the owner's computer off, a viewer opens, reads a part; a program without her is refused"
cp ana-folder/Imaging/MRI.pdf copy.pdf
agent_holds() { agent_says keys-aurora '"grants_held":1' && agent_says keys-trust '"grants_held":1'; }
emr_until agent_holds
two_unmount ana
emr_until cmp "$SHARE/MRI.pdf" copy.pdf	# an opening waits ten seconds for its keys, and not longer
begins() { head -c 1000 "$SHARE/CT.bin" >part; }
emr_until begins
cp "$(command -v cat)" tumblerd
./tumblerd "$SHARE/MRI.pdf" >part 2>why && emr_fail "a thumbnailer read"	# although the kernel holds every page of it
[ ! -s part ] && grep -q "Permission denied" why || emr_fail "a thumbnailer: $(cat why)"
two_mount ana
two_home ana
must ./tumblerd ana-folder/Imaging/MRI.pdf >part && must cmp part copy.pdf	# one's own records stay open to every program
# entry ACTION PATH: the last one of the log that is so, as python sees it
entry() { python3 -c 'import json, sys
e = [e for e in json.load(open("out/said"))["entries"] if e["action"] == sys.argv[1] and e["path"] == sys.argv[2]]
print(*[e[-1][k] for k in sys.argv[3:]] if e else "", sep="|")' "$@"; }
reported() { json 0 log --who lima && [ -n "$(entry opened Imaging/MRI.pdf at)" ] && [ -n "$(entry opened Imaging/CT.bin at)" ] &&
	[ -n "$(entry refused Imaging/MRI.pdf at)" ]; }
emr_until reported
GIVEN="['Clínica Aurora', \"Patients' Trust\"]"
# Her own computer, back again, may answer, too.
sorted() { python3 -c 'import ast, sys; print(sorted(set(ast.literal_eval(sys.argv[1])) - {"you"}))' "$1"; }
expect "opened" "$(entry opened Imaging/MRI.pdf whole software proven purpose organisation)" "True|False|False|treatment|São Lucas"
expect "who gave its key" "$(sorted "$(entry opened Imaging/MRI.pdf released_by)")" "$GIVEN"
expect "a part of it" "$(entry opened Imaging/CT.bin whole software)" "False|False"
expect "released" "$(entry released Imaging/MRI.pdf proven software version)" "True|False|1"
expect "by whom" "$(sorted "$(entry released Imaging/MRI.pdf released_by)")" "$GIVEN"
expect "refused" "$(entry refused Imaging/MRI.pdf proven software)" "False|True"
expect "names" "$(entry listed Imaging proven type)" "True|directory"
run 0 log Imaging
says "lima, São Lucas (gives the name Paula Lima), treatment  opened Imaging/MRI.pdf v1 (whole)   reported; key proven, by "
says "lima, São Lucas (gives the name Paula Lima) (software), treatment  was refused: Imaging/MRI.pdf v1   reported"
says "got the key of Imaging/MRI.pdf v1   proven, keys by "
grep -qF "lima, São Lucas (gives the name Paula Lima), treatment  opened Imaging/MRI.pdf v1 (whole)" ana-folder/.emrfs/log || emr_fail ".emrfs/log"
fhir fhir log
expect "written" "$(jq ".entries | length" out/said)" "$(ls fhir | wc -l)"
must python3 "$SUPPORT/fhir_audit_event.py" fhir
for action in released opened refused listed; do grep -lq "\"$action\"" fhir/*.json || emr_fail "no AuditEvent of $action"; done

say "who signed this, when, in which transaction (--json): one command, for own and for what others share"
witnessed() { json 0 "$@" && [ "$(field signed.witnesses | python3 -c 'import ast; print(sorted(set(ast.literal_eval(input())) - {"São Lucas"}))')" = "$GIVEN" ]; }
emr_until witnessed verify Imaging/MRI.pdf
expect "hers" "$(field signed.by) $(field signed.organisation) $(field signed.signature)" "Ana Silva São Lucas self"
OWN=$(field signed.entry):$(field signed.tx)
expect "its entry and time" "$OWN $(field signed.at)" "$REGISTERED"
expect "the same above" "$(field tx) $(field time) $(field signer)" "$REGISTERED self at=${REGISTERED#* }"
expect "as attributes" "$(attribute tx "$MNT/Imaging/MRI.pdf") $(attribute signed-at "$MNT/Imaging/MRI.pdf")" "$REGISTERED"
expect "how it came there" "$(field signed.placed)" False
run 0 status Imaging/MRI.pdf
says "Signed by you, São Lucas, "
says_not "${OWN#*:}"
says_not witnessed
two_home lima
SHARED=${SHARE#lima-folder/}
must cmp copy.pdf "$SHARE/MRI.pdf"
emr_until witnessed status "$SHARED/MRI.pdf"
expect "the same" "$(field signed.entry):$(field signed.tx) $(field signed.at)" "$REGISTERED"
expect "of another" "$(field signed.organisation) $(field signed.signature)" "São Lucas self"
run 0 status "$SHARED/MRI.pdf"
says "Signed by ana ("
says ") [Ana Silva 1984-03-12], São Lucas, "
says_not "${OWN#*:}"
two_home ana

say "what is saved by who came later has a proof, too"
two_join rui "Rui Costa" patient aurora
two_mount rui
echo "a letter" >rui-folder/letter.txt
two_home rui
run 0 status --wait
must cp rui-folder/.emrfs/proof/letter.txt.tlog-proof letter.tlog-proof
both letter.tlog-proof rui-folder/letter.txt
grep -qF "came in with 1 approval" out/audit || emr_fail "no admission: $(cat out/audit)"

say "an auditor sees what the staff of her organisation asked for, and nobody else does"
two_home rosa
fhir staff-fhir log --staff
python3 - <<'END' || emr_fail "the staff's questions: $(cat out/said)"
import json, re
entries = json.load(open("out/said"))["entries"]
assert entries and all(e["who"].startswith("lima") and e["organisation"] == "São Lucas" and e["proven"] for e in entries), entries
released = [e for e in entries if e["action"] == "released"]
assert released and all(e["purpose"] == "treatment" and sorted(set(e["released_by"]) - {"the owner"}) == ["Clínica Aurora", "Patients' Trust"] for e in released), released
assert len({e["folder"] for e in entries}) == 1 and re.fullmatch("[0-9a-f]{8}", entries[0]["folder"]), entries
assert all(e["path"] in ("folder %s of somebody" % e["folder"], "%d record%s in folder %s of somebody" % (e["records"], "" if e["records"] == 1 else "s", e["folder"]))
           for e in entries), entries
END
expect "written" "$(jq ".entries | length" out/said)" "$(ls staff-fhir | wc -l)"
must python3 "$SUPPORT/fhir_audit_event.py" staff-fhir
grep -q "the owner of folder " staff-fhir/*.json || emr_fail "whose"
! grep -q "Ana\|Rosa" staff-fhir/*.json || emr_fail "an auditor learns a patient's name"
run 0 log --staff
says "lima, São Lucas (gives the name Paula Lima), treatment  got the key of "
says " in folder "
says_not "MRI"
run 2 log --staff Imaging
run 0 log --staff --purpose research
says "Nothing in that time."
for who in ana lima; do
	two_home $who
	json 6 log --staff
	expect "$who" "$(field error)" not-auditor
done
two_home rosa

say "offline, what is open goes on, and it is said how long"
echo "later" >ana-folder/Imaging/late.txt
as ana run 0 status --wait
emr_until lists "$SHARE/late.txt"
two_home lima
exec 9<"$SHARE/CT.bin"
must head -c 4096 <&9 >/dev/null
two_host_kill
away() { run 0 status && grep -q "The host of your network, .*, cannot be reached since" out/said; }
emr_until away
timeout "$EMR_PATIENCE" cat "$SHARE/late.txt" >/dev/null 2>out/said && emr_fail "a key without the ledger"
grep -q "No route to host" out/said || emr_fail "offline: $(cat out/said)"
emr_until grep -q " offline .*Imaging/late.txt needs a key of others, and the ledger cannot be reached" lima-folder/.emrfs/notices
must head -c 4096 <&9 >/dev/null
must cmp "$SHARE/MRI.pdf" ana-folder/Imaging/MRI.pdf
exec 9<&-
two_host
agent_stop keys-aurora
agent_stop keys-trust
two_unmount ana lima rosa rui
echo "all is well"
