#!/bin/bash
# meet.sh: README's practice, typed by three people with homes of their own: a practice, a doctor and a patient, from nothing to an open picture
# in at most 7 commands, with 2 codes and 4 passphrases; the doctor reads while the patient's folder is closed, and the practice's own answer
# is asked once. Options answer here where a terminal would ask (names, a yes, where the 24 words go).
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin meet
readme=$(cd "$SUPPORT/../.." && pwd)/README.md
cd "$EMR_WORK" || exit 2
mkdir -m 700 bin && ln -s "$EMRFS" bin/emrfs
# Each verb that asks is a line; a new passphrase is asked twice, by the same verb.
printf '#!/bin/sh\necho "$PPID" >>"%s/asked"\necho a passphrase of the test\n' "$EMR_WORK" >bin/askpass && chmod 700 bin/askpass
everybody="ana lima bento"
port=$(emr_port)

at_end() {
	local who
	[ -z "${stranger:-}" ] || kill "$stranger" 2>/dev/null
	for who in $everybody; do
		kill $(sed -n "s/^pid //p" "$EMR_WORK/$who/.home/state/as/agent/lock" "$EMR_WORK/$who/.home/state-network/host/lock" 2>/dev/null) 2>/dev/null
		EMRFS_HOME=$EMR_WORK/$who/.home emr_clear_away "$EMR_WORK/$who/.home" "$EMR_WORK/$who/Health"
	done
}
for who in $everybody; do
	mkdir -p -m 700 "$who/.home/as/agent" "$who/Imaging"
	printf 'kdf = 8,1\nnotify = none\n' | tee "$who/.home/settings" >"$who/.home/as/agent/settings"
	head -c 63884 /dev/urandom >"$who/Imaging/knee.dcm"
done
typed() { # WHO LINE
	(cd "$1" && HOME=$EMR_WORK/$1 EMRFS_HOME=$EMR_WORK/$1/.home EMRFS_ASKPASS=$EMR_WORK/bin/askpass PATH=$EMR_WORK/bin:$PATH \
		bash -o pipefail -c "$2") >said 2>&1 </dev/null
}
may_be_later() { # WHO LINE
	local i
	for ((i = 0; i < 300; i++)); do typed "$@" && return; sleep 0.2; done
	emr_fail "$1: $2: $(cat said)"
}
lines() { sed -n '/^## The first share/,/^## What it/p' "$readme" | sed -n '/^```$/,/^```$/p' | grep '\$ '; }

commands=0 codes=0 code=
[ "$(lines | wc -l)" -ge 7 ] || emr_fail "README has no practice: $(lines)"
while IFS= read -r line; do
	who=${line%%\$ *} command=$(sed "s/^[a-z]*\$ //; s/ *# .*\$//; s/192.168.0.7/127.0.0.1:$port/" <<<"$line")
	say "$who\$ $command"
	case $command in emrfs*) commands=$((commands + 1)) ;; esac
	case $command in
	*"practice begin"*) command="$command --words-file words" ;;
	*" join CODE"*) command="${command/CODE/$code} --yes --name 'The name of $who' --words-file words" ;;
	*" share "*)
		typed "$who" "${command/--away own/--yes}"
		expect "what is asked once, without a terminal" "$?" 13
		grep -q -- "--away own" said || emr_fail "the option is not named: $(cat said)"
		command="$command --yes --wait"
		;;
	esac
	case $line in
	*"ls ~/Health/shared-with-me/"*) may_be_later "$who" "$command" ;; # her host tells her mount, soon after it told his
	*) typed "$who" "$command" || emr_fail "$who: $command: $(cat said)" ;;
	esac
	case $command in
	*" invite "*)
		code=$(grep '^J[A-Z2-7]*$' said)
		codes=$((codes + 1))
		[ -n "$code" ] && [ "${#code}" -le 160 ] || emr_fail "no code: $(cat said)"
		;;
	esac
done < <(lines)
say "what was said with the first share is not asked again"
typed bento "mkdir ~/Health/Letters && echo 'all is well' >~/Health/Letters/june.txt && emrfs share Letters with lima --yes --wait" || emr_fail "$(cat said)"
expect "his word" "$(grep '^away' bento/.home/settings)" "away = own"
asked=$(sort -u asked | wc -l)
say "$commands commands, $codes codes, $asked passphrases"
[ "$commands" -le 7 ] && [ "$codes" -le 2 ] && [ "$asked" -le 4 ] || emr_fail "too many"

say "the picture opens while his folder is closed, for the first time"
typed bento "emrfs unmount" || emr_fail "$(cat said)"
may_be_later lima "cmp ~/Health/shared-with-me/*/Imaging/knee.dcm $EMR_WORK/bento/Imaging/knee.dcm"

say "no verb of theirs asks for a passphrase while their folder is open; members see each other, and compare without a card"
: >asked
typed lima "emrfs people" || emr_fail "$(cat said)"
grep -q "clinician\|Praxis Ana" said || emr_fail "$(cat said)"
! grep -q "\[\]\|patient, administrator" said || emr_fail "$(cat said)"
grep -q "\[The name of bento\]   patient, Praxis Ana   not compared" said || emr_fail "whose folder is it? $(cat said)"
[[ $(ls lima/Health/shared-with-me) =~ ^"The name of bento ("[A-Z2-7]{8}")"$ ]] || emr_fail "$(ls lima/Health/shared-with-me)"
typed lima "emrfs people check 'the name of bento' --yes" || emr_fail "$(cat said)"
grep -q "Noted as compared" said || emr_fail "$(cat said)"
typed lima "emrfs people" || emr_fail "$(cat said)"
grep -q "\[The name of bento\]   patient, Praxis Ana   compared" said || emr_fail "$(cat said)"
typed lima "mkdir ~/Health/Notes && emrfs share Notes with 'The name of bento' --yes" && emr_fail "something was given to a name that is only said"
grep -qE "Near: .*\([A-Z2-7]{26}\)" said || emr_fail "no code to type: $(cat said)"
typed ana "emrfs people" || emr_fail "$(cat said)"
! grep -q "name of bento" said || emr_fail "who reads nothing of his knows his name: $(cat said)"
typed ana "emrfs people check lima" || emr_fail "$(cat said)"
hers=$(grep -E '^ +([0-9]{5} ?){12}' said)
[ -n "$hers" ] || emr_fail "no number: $(cat said)"
for look in "org show" "org rules" "org contract" "org host" "org team staff" invite "org show --json"; do
	typed ana "emrfs $look" || emr_fail "$look: $(cat said)"
	grep -q "[Pp]raxis\|[Rr]ules\|lima\|host" said || [[ $look = invite || $look = "org host" ]] || emr_fail "$look said nothing: $(cat said)"
done
expect "members" "$(python3 -c 'import json; print(sorted(m["role"] for m in json.load(open("said"))["members"]))')" \
	"['agent', 'clinician', 'patient', 'patient admin']"
typed ana "emrfs org team nobody" && emr_fail "a team that is not there"
grep -q "no team called nobody" said || emr_fail "$(cat said)"
typed lima "emrfs org show" && emr_fail "who runs no organisation saw one"
typed lima "emrfs invite eva --role patient" && emr_fail "who runs no organisation invited"
expect "passphrases" "$(cat asked)" ""

say "invite --wait waits by the open folder, until who was invited is in"
mkdir -p -m 700 rui/.home && everybody="$everybody rui" && cp lima/.home/settings rui/.home/
(cd ana && HOME=$EMR_WORK/ana EMRFS_HOME=$EMR_WORK/ana/.home EMRFS_ASKPASS=$EMR_WORK/bin/askpass exec "$EMRFS" invite rui --role clinician \
	--wait=5min >../waits 2>&1 </dev/null) &
waiting=$!
may_be_later rui "grep -q '^J[A-Z2-7]*$' ../waits"
expect "passphrases" "$(cat asked)" ""
typed rui "emrfs join $(grep '^J[A-Z2-7]*$' waits) --yes --name Rui --words-file words" || emr_fail "$(cat said)"
wait "$waiting" || emr_fail "$(cat waits)"
grep -q "^rui has a certificate of Praxis Ana now, as clinician" waits || emr_fail "$(cat waits)"
expect "who of them was asked" "$(sort -u asked | wc -l)" 1

say "a code is good once; one that was mistyped, and one that was withdrawn, let nobody in"
mkdir -p -m 700 eva/.home && everybody="$everybody eva" && cp lima/.home/settings eva/.home/
typed eva "emrfs join $code --yes --name Eva --words-file words" && emr_fail "in by a used code"
grep -q "used already" said || emr_fail "$(cat said)"
typed eva "emrfs join ${code%?}A --yes --name Eva --words-file words" && emr_fail "in by another code"
typed ana "emrfs invite eva --role patient" || emr_fail "$(cat said)"
code=$(grep '^J[A-Z2-7]*$' said)
typed ana "emrfs org revoke eva --yes" || emr_fail "$(cat said)"
typed eva "emrfs join $code --yes --name Eva --words-file words" && emr_fail "in by a withdrawn code"

say "who has records of her own already, and an open folder, comes with them"
typed eva "emrfs init --yes --name Eva --words-file words.own && emrfs mount" || emr_fail "$(cat said)"
echo "from before" >eva/Health/before.txt
typed eva "emrfs status --wait" || emr_fail "$(cat said)"
typed ana "emrfs invite eva --role patient" || emr_fail "$(cat said)"
code=$(grep '^J[A-Z2-7]*$' said)
typed eva "emrfs join $code --yes" || emr_fail "$(cat said)"
expect "her folder is open" "$(cat eva/Health/before.txt)" "from before"

say "somebody who is in another network, too, has a keyring and a folder for each, and neither host hears of the other"
mkdir -p -m 700 max/.home/as/agent && everybody="$everybody max" && cp lima/.home/settings max/.home/ && cp lima/.home/settings max/.home/as/agent/
maxs=127.0.0.1:$(emr_port)
begins="emrfs practice begin 'Praxis Max' $maxs --words-file words"
: >asked
typed max "${begins/$maxs/127.0.0.1:$port}" && emr_fail "where another host listens"
grep -q "another program listens there" said || emr_fail "$(cat said)"
[ ! -s asked ] && [ ! -e max/.home/state/keyfile ] && [ ! -e max/words ] || emr_fail "asked or made before that was seen"
there_or_over() { [ -e "max/.home/$step" ] || ! kill -0 $trying 2>/dev/null; }
for step in state/keyfile state-network/host/lock state/as/agent/keyfile ../Health/Inbox; do
	typed max "echo \$\$ >pid; exec setsid $begins" &
	trying=$!
	emr_until there_or_over
	kill -KILL -- "-$(cat max/pid)" 2>/dev/null
	wait $trying
done 2>/dev/null
may_be_later max "$begins"
grep -q "^The practice is ready. Next: emrfs invite NAME --role clinician$" said || emr_fail "$(cat said)"
: >asked
typed max "$begins" || emr_fail "once more: $(cat said)"
[ ! -s asked ] || emr_fail "a passphrase was asked where all is done"
typed max "${begins/Max/Moritz}" && emr_fail "another practice with the keyring of this one"
grep -q "There is a keyring here already" said || emr_fail "$(cat said)"
typed max "emrfs invite lima --role clinician" || emr_fail "$(cat said)"
mkdir -p -m 700 lima/.home/as/second && cp lima/.home/settings lima/.home/as/second/
typed lima "emrfs unmount && emrfs --as second join $(grep '^J[A-Z2-7]*$' said) --yes --name Lima --words-file words.second && emrfs --as second unmount && emrfs mount && emrfs --as second mount" || emr_fail "$(cat said)"
typed max "mkdir ~/Health/Scans && cp Imaging/* ~/Health/Scans 2>/dev/null; echo two >~/Health/Scans/two.txt && emrfs share Scans with lima --away own --yes --wait" || emr_fail "$(cat said)"
may_be_later lima "grep two ~/Health-second/shared-with-me/*/Scans/two.txt && cmp ~/Health/shared-with-me/*/Imaging/knee.dcm $EMR_WORK/bento/Imaging/knee.dcm"
typed lima "emrfs --as second people" || emr_fail "$(cat said)"
! grep -q "Praxis Ana" said || emr_fail "the second keyring knows the first network: $(cat said)"
typed lima "emrfs --as second unmount" || emr_fail "$(cat said)"

say "a stranger who photographed a code is in once, as what it says; the invited reads it, the administrator sees his key and takes it out of use"
typed ana "emrfs org show --json" || emr_fail "$(cat said)"
key=$(python3 -c 'import json; print(*[m["code"] for m in json.load(open("said"))["members"] if m["handle"] == "rui"])')
typed ana "emrfs org revoke rui --yes" || emr_fail "$(cat said)"
typed ana "emrfs org show" || emr_fail "$(cat said)"
[ -n "$key" ] && grep -q "rui .*$key .*revoked" said || emr_fail "$(cat said)"
refused() { ! typed bento "emrfs share Letters with rui --yes"; }
emr_until refused

say "a host with another key at the address of a code is told nothing"
typed ana "emrfs invite zoe --role patient" || emr_fail "$(cat said)"
code=$(grep '^J[A-Z2-7]*$' said)
kill "$(sed -n 's/^pid //p' ana/.home/state-network/host/lock)"
openssl req -x509 -newkey ed25519 -nodes -subj /CN=127.0.0.1 -keyout other.key -out other.pem 2>/dev/null || emr_fail "no certificate"
is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }
emr_until is_free
openssl s_server -accept "127.0.0.1:$port" -key other.key -cert other.pem -quiet >heard 2>&1 </dev/null &
stranger=$!
answers() { ! is_free; }
emr_until answers
mkdir -p -m 700 zoe/.home && everybody="$everybody zoe" && cp lima/.home/settings zoe/.home/
typed zoe "emrfs join $code --yes --name Zoe --words-file words" && emr_fail "in by another host"
grep -q "the host there has another key" said || emr_fail "$(cat said)"
! grep -aq "invitation\|GET" heard || emr_fail "it was asked: $(cat heard)"
echo "all is well"
