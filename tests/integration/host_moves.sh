#!/bin/bash
# host_moves.sh: a host gets another address, and then another key. Members go on with a text that its key signed, or with a file that
# administrators of most members signed, with the folder open or closed; a thief's texts lead nobody anywhere.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/clear.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/orgs.sh"
two_begin host-moves
P="--passphrase-file $EMR_PASS"
thief=
at_end() {
	[ -z "$thief" ] || kill "$thief" 2>/dev/null
	two_end
}
# Another port, and a person reads what is said.
host_elsewhere() {
	TWO_PORT=$(emr_port) # as long as it is at the old one
	kill "$TWO_HOST" && await_gone "$TWO_HOST"
	run 0 host "$NET" "127.0.0.1:$TWO_PORT" "$@"
	TWO_HOST=$(sed -n 's/^pid //p' "$NET/host/lock")
	TWO_ADDRESS=$(sed -n "s/.*--network '\(.*\)'$/\1/p" "$EMR_WORK/out/said")
}
moved() { sed -n "s/^ *emrfs network address '\(.*\)'$/\1/p" "$EMR_WORK/out/said"; }
url() { as "$1" run 0 check >/dev/null; says "https://127.0.0.1:$TWO_PORT answers"; }
registers() {
	echo "$2" >"$EMR_WORK/$1-folder/$2.txt" || emr_fail "$1 cannot save"
	as "$1" run 0 status --wait=1min
	says_not "cannot be reached"
}

two_network "Praxis Ana" ana
orgs_join clara "Lab Clara" ana
orgs_join eva "Clinica Eva" ana clara
two_join bento "Bento Reis" patient
two_join lima "Paula Lima" clinician clara
two_mount bento
registers bento first

say "the host begins at another address: it says who has to hear of that, and a text of at most 200 characters"
host_elsewhere
says "another address than before"
says "Praxis Ana"
says "Lab Clara"
says "Clinica Eva"
text=$(moved)
[ -n "$text" ] && [ "${#text}" -le 200 ] || emr_fail "the text has ${#text} characters: $text"
as ana run 0 host --status "$NET"
[ "$(moved)" = "$text" ] || emr_fail "--status says another text"
echo "meanwhile" >"$EMR_WORK/bento-folder/meanwhile.txt"
away() { as bento run 0 status && grep -q "cannot be reached" "$EMR_WORK/out/said" "$EMR_WORK/out/complained"; }
emr_until away
says "emrfs network address"

say "a member goes on there at once with the folder open, another with it closed, a third by an invitation"
as bento run 0 network address "$text"
says "127.0.0.1:$TWO_PORT"
as bento run 0 status --wait=1min
registers bento second
echo "$text" >moved.txt
as lima run 0 network address moved.txt
two_mount lima
registers lima mine
as ana run 0 invite zoe --role auditor -o zoe.invitation $P
as eva run 0 network address zoe.invitation
as eva run 0 org show $P
says "Clinica Eva"

say "what is older, of another host, of another network, or changed on its way leads nobody anywhere"
host_elsewhere
newer=$(moved)
as bento run 0 network address "$newer"
as bento run 6 network address "$text"
says "older"
registers bento third
steal() { rm -rf stolen && cp -a "$NET" stolen && rm -r stolen/blocks stolen/host/writer stolen/host/index*; }
steal && rm stolen/ledger/hosted stolen/host/secret stolen/host/key.pem stolen/host/certificate.pem stolen/host/place # a thief of the ledger alone, with keys of his own
thief_says() {	# [HOST OPTION...]
	local port
	port=$(emr_port)
	run 0 host "$EMR_WORK/stolen" "127.0.0.1:$port" "$@"
	thief=$(sed -n 's/^pid //p' stolen/host/lock)
	theirs=$(moved)
	kill "$thief" && await_gone "$thief"
	thief=
	[ -n "$theirs" ] || emr_fail "the thief has no text"
}
thief_says
for who in bento lima; do
	as "$who" run 6 network address "$theirs"
	says "another key"
done
as bento run 6 network address "${newer/127.0.0.1/127.0.0.2}"
as bento run 6 network address "${newer%??}"
says "no text of a host"
as olga run 0 init --yes --name "Olga Pires" --born 1990-01-01 $P --words-file olga.words
as bento run 5 network address no-such-file
as olga run 6 network address "$newer"
says "in no network"

say "a backup from before the move takes the text, too"
as bento run 0 backup "$EMR_WORK/bento-copy"
two_unmount bento
mv bento bento.before && rmdir bento-folder
host_elsewhere
newer=$(moved)
as lima run 0 network address "$newer"
as bento run 0 init --restore "$EMR_WORK/bento-copy" --network "$TWO_ADDRESS" $P
as bento run 0 network address "$newer"
two_mount bento
emr_until test -s bento-folder/third.txt
registers bento fourth

say "DIR/host was stolen: another key comes when administrators of two of three members signed it, and not before"
steal
host_again() { run 0 host "$NET" "127.0.0.1:$TWO_PORT" --new-key next.txt; }
as ana host_again
[ -s next.txt ] && kill -0 "$TWO_HOST" || emr_fail "no request, or no host"
as bento run 6 network sign next.txt --yes $P
says "no administrator"
as ana run 6 network sign next.txt $P
says "said yes"
as ana run 0 network sign next.txt --yes $P
says "1 of the 2"
as ana run 6 network sign next.txt --yes $P
says "has signed it already"
as bento run 6 network address next.txt
says "1 of the 2"
kill "$TWO_HOST" && await_gone "$TWO_HOST"
run 6 host "$NET" "127.0.0.1:$TWO_PORT" --new-key next.txt
says "1 of the 2"
as clara run 0 network address "$newer"
as clara run 0 network sign next.txt --yes $P
says "2 of the 2"
head -c 16 /dev/urandom >"$NET/host/recovery" && touch "$NET/host/recovery.other" || exit 2 # the thief has split it
host_again
[ -e "$NET/host/before-recovery.other" ] && [ ! -e "$NET/host/recovery" ] || emr_fail "the former key's recovery is not aside: $(ls "$NET/host")"
TWO_HOST=$(sed -n 's/^pid //p' "$NET/host/lock")
run 0 host --status "$NET"
emr_until away # it shows another key of TLS, too
as bento run 0 network address next.txt
as bento run 0 status --wait=1min
registers bento fifth
two_unmount lima
as lima run 0 network address next.txt
two_mount lima
registers lima fourth
as eva run 0 network address next.txt
as eva run 0 org show $P

say "the old key counts for nothing from then on"
thief_says
for who in bento lima eva; do
	as "$who" run 6 network address "$theirs"
	says "another key"
done
as bento run 0 network address next.txt # is known already
registers bento sixth
host_elsewhere # and the new one moves
as bento run 0 network address "$(moved)"
registers bento seventh

echo "all is well"
