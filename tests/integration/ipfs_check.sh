#!/bin/bash
# ipfs_check.sh: `emrfs check --network` against live nodes: one for health records is found fit, Kubo with its defaults is not, and each
# command that is printed mends the fault beside it.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/kubo.sh"
kubo_begin ipfs-check
mkdir bin && ln -s "$KUBO" bin/ipfs
export PATH=$EMR_WORK/bin:$PATH
rules="private quiet bootstrap routing transports peering gateway sync shards closed"

# look: what check --network says of each rule, as NAME OK lines in the file looks, and the whole in out/said.
look() {
	"$EMRFS" check --network --json >out/said 2>out/complained
	python3 -c 'import json
for c in json.load(open("out/said"))["checks"]: print(c["name"], c["ok"])' >looks
}
is() { expect "$1" "$(grep "^$1 " looks)" "$1 $2"; }
# message RULE, mend RULE: what is said of it.
told() { python3 -c 'import json, sys
print([c[sys.argv[2]] for c in json.load(open("out/said"))["checks"] if c["name"] == sys.argv[1]][0])' "$1" "$2"; }

must "$NETWORK" up net >/dev/null
emr_init
printf 'kdf = 8,1\nnode = unix:%s/net/1/api.sock\n' "$EMR_WORK" >"$EMRFS_HOME/settings"

say "a private node is fit"
look
expect node "$(told node message)" "unix:$EMR_WORK/net/1/api.sock runs Kubo 0.43.1"
for rule in $rules; do is "$rule" True; done
expect "what is seen and fit" "$(told private warning)" False

say "what nobody can see from here is for somebody to look at, and not called well"
expect collection "$(told collection warning)" True
run 0 check --network
says "look collection"

say "what is changed there is seen, and the printed command mends it"
export IPFS_PATH=$EMR_WORK/net/1
cp "$IPFS_PATH/config" config
ipfs config --json Provide.Enabled true
ipfs config --json AutoConf.Enabled true
ipfs config Routing.Type auto
ipfs config --json Swarm.Transports.Network.QUIC true
ipfs config --json Gateway.NoFetch false
jq '.Datastore.Spec.mounts |= map(if .mountpoint == "/blocks" then .sync = false else . end)' "$IPFS_PATH/config" >changed && cat changed >"$IPFS_PATH/config"
look
for rule in quiet bootstrap routing transports gateway sync; do
	is "$rule" False
	bash -c "$(told "$rule" mend)" >/dev/null || emr_fail "the command for $rule: $(told "$rule" mend)"
done
look
for rule in quiet bootstrap routing transports gateway sync; do is "$rule" True; done

say "what no command mends is seen, too"
jq '.Datastore.Spec.mounts |= map(if .mountpoint == "/blocks" then .sync = false else . end) | .Peering.Peers = [] | .Addresses.API += ["/ip4/127.0.0.1/tcp/5001"]' config >"$IPFS_PATH/config"
mv "$IPFS_PATH/swarm.key" key
look
for rule in private sync peering closed; do is "$rule" False; done
mv key "$IPFS_PATH/swarm.key"
cp config "$IPFS_PATH/config"

say "Kubo as it comes is not for health records"
IPFS_PATH=$EMR_WORK/plain ipfs init --empty-repo >/dev/null || emr_fail init
jq -s '.[0].Identity = .[1].Identity | .[0]' plain/config config >"$IPFS_PATH/config"
look
for rule in quiet bootstrap routing transports peering gateway sync closed; do is "$rule" False; done

say "and is after the printed commands, and starts"
for rule in quiet bootstrap routing transports peering gateway sync closed; do
	mend=$(told "$rule" mend | sed "s,PEER,$(jq -r .Identity.PeerID net/2/config),; s,/ip4/ADDRESS/tcp/4001,$(jq -r '.Addresses.Swarm[0]' net/2/config),; s,/unix/PATH,/unix$IPFS_PATH,")
	bash -c "$mend" >/dev/null || emr_fail "the command for $rule: $mend"
done
look
for rule in $rules; do is "$rule" True; done
read -r pid _ <net/1.pid
kill "$pid"
tail -s 0.05 --pid="$pid" -f /dev/null
# Only where it listens is not its own: others on this computer may.
jq -s '.[0].Addresses.Swarm = .[1].Addresses.Swarm | .[0].Addresses.Gateway = .[1].Addresses.Gateway | .[0]' "$IPFS_PATH/config" config >changed && cat changed >"$IPFS_PATH/config"
must "$NETWORK" up net >/dev/null
! grep "contains 'auto'" net/1.log || emr_fail "what is left of a public list is complained of at each start"
cp config "$IPFS_PATH/config"

say "routers that somebody named are seen, and the printed command removes them"
ipfs config --json Routing.DelegatedRouters '["https://router.invalid"]'
look
is routing False
bash -c "$(told routing mend)" || emr_fail "the command for routing: $(told routing mend)"
look
is routing True
cp config "$IPFS_PATH/config"

say "a port that wants a token is closed; a token that may not see the configuration is no fault; a wrong one is"
listens() { curl -s --unix-socket net/1/api.sock -o /dev/null http://node/; }
# started PATHS: node 1 again, open to who has the token, for PATHS (JSON).
started() {
	read -r pid _ <net/1.pid
	kill "$pid"
	tail -s 0.05 --pid="$pid" -f /dev/null
	jq --argjson paths "$1" '.API.Authorizations = {emrfs: {AuthSecret: "bearer:right", AllowedPaths: $paths}}
		| .Addresses.API += ["/ip4/127.0.0.1/tcp/0"]' config >"$IPFS_PATH/config"
	rm -f "$IPFS_PATH"/*.sock
	LIBP2P_FORCE_PNET=1 setsid ipfs daemon >net/1.log 2>&1 </dev/null &
	echo "$! $(emr_began $!)" >net/1.pid	# which `down` ends
	emr_until listens
}
(umask 077 && echo right >token)
printf 'kdf = 8,1\nnode = unix:%s/net/1/api.sock\nnode-token = %s/token\n' "$EMR_WORK" "$EMR_WORK" >"$EMRFS_HOME/settings"
started '["/api/v0"]'
look
is closed True
is private True
started '["/api/v0/version", "/api/v0/dag/import"]'
look
is node True
is profile True
echo wrong >token
look
is node False
told node message | grep -q "does not accept the token" || emr_fail "$(cat out/said)"
echo "all is well"
