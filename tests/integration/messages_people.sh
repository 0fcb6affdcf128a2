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
