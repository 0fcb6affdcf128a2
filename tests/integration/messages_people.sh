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
met 5 unknown-person people $'jo\xd0\xb0o' --passphrase-file second # a letter of another alphabet
met 1 name-taken people add jota.card --name JOAO --passphrase-file second
met 2 bad-name people add jota.card --name a@b --passphrase-file second
met 2 bad-name people add jota.card --name Somebody --passphrase-file second
case $(field hint) in *"somebody or what could be a code"*) ;; *) emr_fail "it does not say that this is no name: $(field hint)" ;; esac
run 0 people add jota.card --name jota --passphrase-file second
met 5 unknown-person people "joao reis" --passphrase-file second	# what their cards say
met 8 bad-card people add second --passphrase-file second
flip "$EMRFS_HOME/state/people"
met 8 bad-data people --passphrase-file second

say "several computers"
home_of jota
met 6 needs-network device add laptop -o l.device --yes --passphrase-file second
met 13 needs-yes device add laptop -o l.device --passphrase-file second
met 5 unknown-device device remove laptop --passphrase-file second
run 0 device add laptop --network "$EMR_WORK/ours" -o l.device --yes --passphrase-file second
met 1 device-exists device add laptop -o m.device --yes --passphrase-file second
home_of laptop
met 8 bad-device-file device accept second --passphrase-file second
run 0 device accept l.device --passphrase-file second
met 6 not-first-computer device add other -o m.device --yes --passphrase-file second
home_of jota
run 0 device remove laptop --passphrase-file second
home_of laptop
met 6 device-removed mount --passphrase-file second "$MNT"

say "a network of several members"
home_of rita
met 6 not-admin invite eva --role patient -o eva.invitation --passphrase-file second
home_of hospital
met 6 network-dir org create Ward --network / --yes --passphrase-file second --words-file w
run 0 org create Ward --network "$EMR_WORK/ward" --yes --passphrase-file second --words-file words-ward
met 6 over-its-host invite eva --role patient -o eva.invitation --passphrase-file second
met 6 host-address host "$EMR_WORK/ward" "192.0.2.7:$(emr_port)"
json 0 host "$EMR_WORK/ward" "127.0.0.1:$(emr_port)"
host=$(field pid) address=$(field address)
run 0 invite eva --role patient -o eva.invitation --passphrase-file second
met 7 not-used invite rui --role patient -o rui.invitation --wait=1s --passphrase-file second
met 7 not-used invite iva --role patient -o iva.invitation --wait=10min --within 1s --passphrase-file second
met 6 no-agent agent --passphrase-file second
agent_of() {	# HOME HANDLE EXIT [TIME]: invited by the hospital, whose answer stays in out/invited
	home_of hospital
	"$EMRFS" invite "$2" --role agent -o "$1.invitation" --wait --passphrase-file second --json >out/invited 2>&1 </dev/null &
	waiting=$!
	for ((i = 0; i < 2400; i++)); do [ -s "$1.invitation" ] && break; sleep 0.05; done
	home_of "$1"
	run "$3" init --join "$1.invitation" --within "${4:-2min}" --passphrase-file second --words-file "words-$1"
	wait $waiting
}
agent_of keys keys 0
met 6 is-agent mount --passphrase-file second "$MNT"
met 10 agent-stopped agent --status
home_of eva
met 8 bad-invitation init --join joao.card --yes --passphrase-file second --words-file w
met 13 needs-yes init --join eva.invitation --passphrase-file second --words-file w
run 7 init --join eva.invitation --within 1s --yes --passphrase-file second --words-file w
heard				# members-see, invited-waits
home_of rita
run 13 join eva.invitation --passphrase-file second
heard				# members-see, of records that exist

say "organisations"
home_of hospital
met 5 unknown-organisation org admit Nobody --passphrase-file second
met 5 unknown-person org revoke nobody --yes --passphrase-file second
met 5 unknown-proposal org rules approve p-aaaa --passphrase-file second
met 5 unknown-team org team Nobody --passphrase-file second
met 13 needs-yes org leave --passphrase-file second
agent_of more more 0
home_of hospital
met 5 unknown-person org revoke agent --yes --passphrase-file second	# what both say of themselves
agent_of other more 8 8s
grep -q '"error":"handle-taken"' out/invited || emr_fail "$(cat out/invited)"
cat out/invited >>"$MET"
home_of hospital
run 0 org revoke keys --yes --passphrase-file second
met 6 ledger-refused org revoke keys --yes --passphrase-file second
home_of keys
met 6 agent-ended agent --passphrase-file second
home_of aurora
met 7 not-admitted org create Aurora --network "$address" --within 1s --yes --passphrase-file second --words-file w
