#!/bin/bash
# rules.sh: the members of a network go over to rules 2 while their folders are open, some by a program that knows rules 1 only
# ($EMRFS_FIRST). Entries before are judged by 1, those behind by 2; nothing that somebody saves is lost or refused.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/orgs.sh"
two_begin rules
NOW=$EMRFS FIRST=${EMRFS_FIRST:?}
P="--passphrase-file $EMR_PASS"
first() { EMRFS=$FIRST "$@"; }	# by the program of before
host_stop() { kill "$TWO_HOST" && await_gone "$TWO_HOST"; }
# WHO's NAME is on the ledger as it stands in the folder.
is_sent() { [[ $(getfattr --only-values -n user.emrfs.state "$EMR_WORK/$1-folder/$2" 2>/dev/null) == confirmed* ]]; }
error_is() { as "$1" json 0 status && [ "$(field ledger.error)" = "$2" ]; }
sound() { as "$1" json 0 verify --chain && expect "$1: bad" "$(field bad)" "[]"; }
reads() { [ "$(cat "$1" 2>/dev/null)" = "$2" ]; }

say "two organisations, and a host, which all know rules 1; one member has a program that knows 2"
TWO_ALONE=1 first two_network "Praxis Ana" ana
first two_host
first orgs_join clara "Lab Clara" ana
first two_join bento "Bento Reis" patient ana
two_join dora "Dora Nunes" patient ana
first two_mount bento
two_mount dora
echo "before" >bento-folder/before.txt
echo "before" >dora-folder/before.txt
emr_until is_sent bento before.txt
emr_until is_sent dora before.txt
as ana run 1 org host "$TWO_ADDRESS" $P
says "The rules of your network are older, and do not have that yet"
as ana first run 2 org contract 2 --yes $P
says "a number from 1, which is in force, to 1"
as ana run 2 org contract 3 --yes $P
as ana run 13 org contract 2 $P
as ana json 0 org contract $P
expect number "$(field rules_version) $(field newest) $(field proposals)" "1 2 []"

say "they agree, with the folders open: what was saved before is judged by 1"
as ana json 0 org contract 2 --yes $P
expect done "$(field done) $(field have) $(field need)" "False 1 2"
as clara run 0 org contract $P
says "proposes rules 2: 1 of 2 approvals"
as clara json 0 org contract 2 --yes $P
expect done "$(field done) $(field have)" "True 2"
as ana json 0 org contract 2 --yes $P
expect done "$(field done)" True

say "a host of before takes nothing, says so, and is updated; nobody is blamed, nothing is lost"
echo "by 2" >dora-folder/second.txt
not_taken() { as dora json 0 status && field ledger.not_taken.cause | grep -q "does not know the rules"; }
emr_until not_taken
as dora run 0 status
says "does not know the rules that its members have agreed on"
sound dora
host_stop
two_host
emr_until is_sent dora second.txt

say "a member with the program of before reads, saves into the journal, and is told what to install"
emr_until error_is bento newer-rules
reads bento-folder/before.txt before || emr_fail "what was there cannot be read"
echo "meanwhile" >bento-folder/meanwhile.txt
mkdir bento-folder/Plan
echo "changed" >bento-folder/before.txt
reads bento-folder/before.txt changed || emr_fail "what was saved cannot be read"
as bento first run 4 status --wait=1s
says "rules that this emrfs does not know: version 2, and it reads up to 1"
says "Update emrfs"
as bento json 0 status
[ "$(field pending)" -ge 2 ] && expect read_only "$(field read_only)" False
is_sent bento meanwhile.txt && emr_fail "it was sent"
as bento first run 1 verify --chain
says "rules that this emrfs does not know"
as ana first run 1 org rules $P
says "rules that this emrfs does not know"
pid=$(two_pid bento)
as bento first run 4 unmount --now
await_gone "$pid"

say "the keys of hosts, which rules 2 have; another administrator's is refused by the form, and the same twice is one"
as ana run 0 org host "$TWO_ADDRESS" $P
as ana run 0 org host "${TWO_ADDRESS#*#}" $P
as clara run 2 org host "#none" $P
as clara run 0 org host "${TWO_ADDRESS#*#}" $P
as clara json 0 org host $P
expect hosts "$(field hosts.0.key)" "$(key=${TWO_ADDRESS#*#}; echo "${key%,*}")"
expect hosts "$(field hosts.1.key)" "$(field hosts.0.key)"

say "with the new program all of it is sent, and both parts are verified, also by who comes now"
two_mount bento
emr_until is_sent bento meanwhile.txt
emr_until is_sent bento before.txt
reads bento-folder/meanwhile.txt meanwhile || emr_fail "what waited is not there"
sound bento
two_cards bento dora
as bento run 0 share Plan with dora --yes --wait
two_join rui "Rui Melo" patient ana
two_mount rui
echo "new" >rui-folder/new.txt
emr_until is_sent rui new.txt
sound rui
sound dora
as ana two_invite late patient
inviting=$!
emr_until test -s late.invitation
as late first run 1 init --join late.invitation --yes --name Late --born 1984-03-12 $P --words-file late.words
says "rules that this emrfs does not know"
kill "$inviting" && wait "$inviting" 2>/dev/null
two_unmount bento dora rui
host_stop
TWO_HOST=

say "the same in a directory without a host: the program of before is open there while the other one agrees"
NET=$EMR_WORK/own
TWO_ALONE=1 first two_network "Praxis Eva" eva
first two_mount eva
echo "before" >eva-folder/before.txt
emr_until is_sent eva before.txt
as eva run 0 org contract 2 --yes $P
says "Rules 2 are in force"
emr_until error_is eva newer-rules
echo "meanwhile" >eva-folder/meanwhile.txt
as eva first run 4 status --wait=1s
says "rules that this emrfs does not know"
two_kill eva
first two_mount eva
reads eva-folder/meanwhile.txt meanwhile || emr_fail "a save is lost"
two_kill eva
two_mount eva
emr_until is_sent eva meanwhile.txt
sound eva
two_unmount eva
