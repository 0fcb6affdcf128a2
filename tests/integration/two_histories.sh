#!/bin/bash
# two_histories.sh: a host keeps two histories of its network's ledger and shows each of two members one, at one address and with one key.
# They notice it as soon as one gets a card of the other, or when the host shows one of them the other's history. Then they name the host,
# and neither goes on writing there. A host that went back to an older state waits for what it lacks.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/clear.sh"
. "$SUPPORT/two.sh"
two_begin two-histories
host_stop() { kill "$TWO_HOST" && await_gone "$TWO_HOST"; }
# The host shows what lies in $1, where its own directory was.
host_shows() {
	[ "$1" = "$NET" ] || { mv "$NET" "$2" && mv "$1" "$NET" || emr_fail "no $1"; }
	two_host
}
save() {
	echo "$2" >"$EMR_WORK/$1-folder/Notes/$2.txt"
	as "$1" run 0 status --wait=1min
}
status_says() {
	"$EMRFS" status >"$EMR_WORK/out/said" 2>&1 </dev/null
	grep -qF "$1" "$EMR_WORK/out/said"
}
# WHO's folder takes nothing, says why, and shows what was there.
goes_no_further() {
	emr_until as "$1" status_says "The host https://127.0.0.1:$TWO_PORT shows its members two histories"
	! echo no 2>/dev/null >"$EMR_WORK/$1-folder/Notes/refused.txt" || emr_fail "$1 writes on"
	[ "$(cat "$EMR_WORK/$1-folder/Notes/first.txt")" = first ] || emr_fail "$1 cannot read"
	for deed in "request $2" "revoke $EMR_WORK/$1-folder/shared-with-me/$2/Notes from $1 --yes" "emergency ABCD --reason so"; do
		as "$1" run 8 $deed
		says "two histories"
	done
	grep -q "the host of the ledger shows two histories" "$EMR_WORK/$1/state/log" || emr_fail "the log of $1 says nothing"
	[ "$(grep -c '^emrfs/' "$EMR_WORK/$1/state/replica.forked")" = 2 ] || emr_fail "no two notes"
}

TWO_ALONE=1 two_network "Praxis Ana" ana
host_shows "$NET"
two_join bento "Bento Reis" patient ana
two_join clara "Clara Dias" patient ana
two_mount bento clara
for who in bento clara; do
	as "$who" must mkdir "$EMR_WORK/$who-folder/Notes"
	save "$who" first
done
two_unmount bento clara
host_stop
copied() { cp -rp "$NET" "$1" && rm "$1/host/place" || emr_fail "no copy"; } # which says that it is one
copied "$EMR_WORK/other"

say "each is shown a history of his own, and neither can know"
host_shows "$NET"
two_mount bento
save bento of-bento
as bento run 0 people card -o "$EMR_WORK/bento.card"
grep -q "^emrfs/" "$EMR_WORK/bento.card" || emr_fail "his card does not say how far he has seen the ledger"
two_unmount bento
host_stop
host_shows "$EMR_WORK/other" "$EMR_WORK/bentos"
two_mount clara
for n in one two three; do save clara "$n"; done
as clara run 0 people card -o "$EMR_WORK/clara.card"

say "a card without it says nothing, and one of the other's shows it"
sed '/^emrfs\//,$d' "$EMR_WORK/bento.card" >"$EMR_WORK/bare.card"
as clara run 0 people add "$EMR_WORK/bare.card" --name bento
as clara run 0 status
as clara run 8 people add "$EMR_WORK/bento.card" --name bento
goes_no_further clara bento

say "a restart changes nothing, nor does it without the host"
two_unmount clara
two_mount clara
goes_no_further clara bento
host_stop
two_unmount clara
two_mount clara
goes_no_further clara bento
two_unmount clara

say "the other is shown the longer one by the host itself"
host_shows "$NET"
two_mount bento
goes_no_further bento clara
two_unmount bento
host_stop

say "one that went back without knowing it hears of it from a member, and takes nothing; all is well when the newer one is there again"
rm -r "$NET" && mv "$EMR_WORK/bentos" "$NET"
rm "$EMR_WORK/bento/state/replica.forked"
host_shows "$NET"
two_mount bento
as bento run 0 status
host_stop
copied "$EMR_WORK/old"
host_shows "$NET"
save bento later
host_stop
host_shows "$EMR_WORK/old" "$EMR_WORK/new"
emr_until as bento status_says "is being restored: saves wait"
two_unmount bento
host_stop
host_shows "$EMR_WORK/new" "$EMR_WORK/old"
two_mount bento
save bento and-on
two_unmount bento
host_stop
TWO_HOST=
echo "all is well"
