# Part of messages.sh: people and their cards.
say "people"
card_of() {	# HOME NAME FILE
	home_of "$1"
	[ -e "$EMRFS_HOME/state/keyfile" ] ||
		run 0 init --yes --name "$2" --born 1970-01-01 --passphrase-file second --words-file "words-$1"
	run 0 people card -o "$3" --passphrase-file second
}
card_of joao "Joao Reis" joao.card
card_of jota "Joao Reis" jota.card
card_of rita "Rita" rita.card
met 1 card-file people card -o rita.card --passphrase-file second
met 2 own-card people add rita.card --passphrase-file second
met 5 unknown-person people joao --passphrase-file second
run 0 people add joao.card --name joao --passphrase-file second
heard				# other-network, not-compared
met 5 unknown-person people jo --passphrase-file second
met 1 name-taken people add jota.card --name JOAO --passphrase-file second
met 2 bad-name people add jota.card --name a@b --passphrase-file second
run 0 people add jota.card --name jota --passphrase-file second
met 5 which-person people "joao reis" --passphrase-file second
met 8 bad-card people add second --passphrase-file second
flip "$EMRFS_HOME/state/people"
met 8 bad-data people --passphrase-file second

say "a network of several members"
met 6 not-admin org invite eva --role patient -o eva.invitation --passphrase-file second
home_of hospital
met 6 network-dir org create Ward --network / --yes --passphrase-file second --words-file w
run 0 org create Ward --network "$EMR_WORK/ward" --yes --passphrase-file second --words-file words-ward
"$EMRFS" org invite eva --role patient -o eva.invitation --within 60s --passphrase-file second >out/eva 2>&1 </dev/null &
waiting=$!
for ((i = 0; i < 600; i++)); do [ -s eva.invitation ] && break; sleep 0.05; done
kill -TERM $waiting
wait $waiting
met 7 not-used org invite eva --role patient -o other.invitation --within 1s --passphrase-file second
home_of eva
met 8 bad-invitation init --join joao.card --yes --passphrase-file second --words-file w
met 13 needs-yes init --join eva.invitation --passphrase-file second --words-file w
run 7 init --join eva.invitation --within 1s --yes --passphrase-file second --words-file w
heard				# members-see, no-answer
