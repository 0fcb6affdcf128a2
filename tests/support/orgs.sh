# Sourced after two.sh by tests with several organisations, and with the services that release keys.
#
#   orgs_join WHO "Name" ADMIN...      WHO makes an organisation in the network of the host, whose members' ADMINs admit it
#   orgs_agent WHO ADMIN               ADMIN invites the agent WHO; its key is `field id`
#   agent_start WHO / agent_stop WHO   its service, behind
#   agent_says WHO PATTERN             whether its report has that

orgs_join() {
	local who=$1 name=$2 waiting admin
	as "$who" orgs_apply "$who" "$name"
	waiting=$!
	emr_until orgs_waits
	for admin in "${@:3}"; do
		as "$admin" run 0 org admit "$name" --yes --passphrase-file "$EMR_PASS"
	done
	wait "$waiting" || emr_fail "org create $name: $(cat "$EMR_WORK/out/applied-$who")"
}
orgs_apply() {	# WHO "Name" [MORE...]: over the founder's host, unless MORE names the network
	ORGS_APPLIED=$EMR_WORK/out/applied-$1 && rm -f "$ORGS_APPLIED"
	[[ " ${*:3}" == *" --network "* ]] || set -- "$@" --network "$TWO_ADDRESS"
	"$EMRFS" org create "$2" --within 10min --yes --passphrase-file "$EMR_PASS" --words-file "$EMR_WORK/$1.words" "${@:3}" \
		>"$ORGS_APPLIED" 2>&1 </dev/null &
}
orgs_waits() { grep -q "They must see this number" "$ORGS_APPLIED"; }

orgs_agent() {
	local waiting
	as "$2" two_invite "$1" agent
	waiting=$!
	emr_until test -s "$EMR_WORK/$1.invitation"
	as "$1" json 0 init --join "$EMR_WORK/$1.invitation" --passphrase-file "$EMR_PASS" --words-file "$EMR_WORK/$1.words"
	wait "$waiting" || emr_fail "invite $1: $(cat "$EMR_WORK/out/invited-$1")"
}

agent_start() { as "$1" run 0 agent --passphrase-file "$EMR_PASS"; }
agent_stop() {
	local pid
	pid=$(two_pid "$1")
	kill -TERM "$pid" || emr_fail "$1 does not run"
	await_gone "$pid"
}
agent_says() {
	as "$1" run 0 agent --status --json
	grep -q -- "$2" "$EMR_WORK/out/said"
}
