# A hospital's own authority (support/fake_ca.py) beside the channel of support/channel.sh; both end with the test.
#
#   authority_begin            after channel_begin: it runs, and its directory is ca/
#   authority_network          the network's file names the channel and the authority

at_end() {
	local who
	for who in $TWO_MEMBERS; do emr_clear_away "$EMR_WORK/$who" "$EMR_WORK/$who-folder"; done
	channel_stop
	[ -z "${AUTHORITY_PID:-}" ] || kill "$AUTHORITY_PID" 2>/dev/null
}

authority_begin() {
	mkdir -m 700 ca
	CA_PORT=$(emr_port) python3 "$SUPPORT/fake_ca.py" ca >out/authority 2>&1 &
	AUTHORITY_PID=$!
	emr_until test -e ca/ready
}

authority_network() {
	{
		cat channel/settings
		echo "authority = https://127.0.0.1:$(cat ca/port) $EMR_WORK/ca/tls.pem"
	} >net/network
}
