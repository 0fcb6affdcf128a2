#!/bin/bash
# fabric_ca_real.sh: a hospital on Fabric whose authority is a real fabric-ca-server (FABRIC_CA): the administrator, a doctor, a patient and
# her second computer get their certificates from it, and who is revoked gets no other. Its root is three years old: what it makes begins
# with its root, and is not renewed at each opening for that. It is killed. PEER plays the network, where FABRIC does not name the programs of
# a real one.
SUPPORT=${SUPPORT:-$(cd "$(dirname "$0")/../support" && pwd)}
. "$SUPPORT/mount.sh"
. "$SUPPORT/said.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/channel.sh"
two_begin fabric_ca_real
at_end() {
	local who
	for who in $TWO_MEMBERS laptop; do emr_clear_away "$EMR_WORK/$who" "$EMR_WORK/$who-folder"; done
	channel_stop
	authority_stop
}
mkdir -m 700 ca
channel_begin
secret() { printf '%s\n' "$2" >"$1.secret" && chmod 600 "$1.secret"; } # NAME SECRET: a file of it
authority_root() { # as old as DAYS
	mkdir ca/root && (
		cd ca/root && : >index
		cat >config <<'CONF'
[ca]
default_ca = own
[own]
database = index
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
[root]
basicConstraints = critical,CA:TRUE,pathlen:1
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[req]
distinguished_name = name
[name]
CONF
		openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ../key.pem -out request -subj /CN=ca.hospital -config config
		openssl ca -batch -notext -selfsign -config config -in request -keyfile ../key.pem -extensions root -out ../root.pem \
			-startdate "$(date -u -d "$1 days ago" +%Y%m%d%H%M%SZ)" -enddate "$(date -u -d '10 years' +%Y%m%d%H%M%SZ)"
	) 2>out/root || emr_fail "$(cat out/root)"
}
authority_start() {
	cat >ca/fabric-ca-server-config.yaml <<CONF
port: $CA_PORT
address: 127.0.0.1
operations: {listenAddress: "127.0.0.1:$((CA_PORT + 1))"}
tls: {enabled: true}
csr: {cn: ca.hospital, hosts: [127.0.0.1]}
ca: {name: hospital, certfile: root.pem, keyfile: key.pem}
db: {type: sqlite3, datasource: ca.db}
registry:
  maxenrollments: -1
  identities:
    - name: admin
      pass: adminpw
      type: client
      attrs: {hf.Registrar.Roles: "client", hf.Registrar.Attributes: "*", hf.Revoker: true, emr.roles: "patient admin"}
signing:
  default: {usage: [digital signature], expiry: 8760h}
  profiles:
    ca: {usage: [cert sign, crl sign], expiry: 43800h, caconstraint: {isca: true}}
    tls: {usage: [signing, key encipherment, server auth, client auth, key agreement], expiry: 8760h}
CONF
	: >out/authority
	"$FABRIC_CA" start -H ca >out/authority 2>&1 &
	authority=$!
	emr_until grep -q "Listening on https" out/authority
}
authority_stop() {
	[ -z "${authority:-}" ] || { kill "$authority" && wait "$authority"; } 2>/dev/null
	authority=
}
CA_PORT=$(emr_port)
authority_root 1000
channel_take 1 ca/root.pem
authority_start

say "the administrator founds the network with what the authority gave him"
{
	cat channel/settings
	echo "authority = https://127.0.0.1:$CA_PORT $EMR_WORK/ca/root.pem"
} >net/network
secret admin adminpw
as hospital run 0 org create "São Lucas" --network "$NET" --yes --passphrase-file "$EMR_PASS" --words-file "$EMR_WORK/hospital.words" \
	--login admin --secret-file "$EMR_WORK/admin.secret"

say "whom he invites it knows, once"
invite() { # WHO ROLE EXIT
	as hospital run "$3" org invite "$1" --role "$2" -o "$EMR_WORK/$1.invitation" --within 1h --passphrase-file "$EMR_PASS"
}
join() { # WHO NAME EXIT
	as "$1" run "$3" init --join "$EMR_WORK/$1.invitation" --yes --name "$2" --born 1970-01-01 --passphrase-file "$EMR_PASS" \
		--words-file "$EMR_WORK/$1.words"
	rm -f "$1.words"
}
invite lima clinician 0
join lima "Paula Lima" 0
cp lima.invitation eva.invitation
join eva "Eva Reis" 6
invite ana patient 0
join ana "Ana Silva" 0

say "her second computer has a certificate of its own"
invite ana-laptop device 0
as ana run 0 device add laptop --join "$EMR_WORK/ana-laptop.invitation" -o "$EMR_WORK/laptop.device" --yes --passphrase-file "$EMR_PASS"
two_home laptop
run 0 device accept "$EMR_WORK/laptop.device" --passphrase-file "$EMR_PASS"
as laptop run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/laptop-folder"
says_not "renewed"
echo "on the laptop" >laptop-folder/laptop.txt
as laptop run 0 status --wait
two_unmount laptop
as laptop run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/laptop-folder"
says_not "renewed"
two_unmount laptop

revoked() { # from the authority's own book: -1 is "revoked"
	sqlite3 ca/ca.db "SELECT count(*) FROM users WHERE id = '$1' AND state = -1"
}
say "killed, it keeps nobody from his folder or the ledger; who needs it is told, and nothing is half made"
rm eva.invitation
invite eva patient 0
kill -KILL "$authority" && wait "$authority" 2>/dev/null
authority=
as ana run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/ana-folder"
echo "without it" >ana-folder/without.txt
as ana run 0 status --wait
two_unmount ana
invite rui patient 7
says "it does not answer"
[ ! -e rui.invitation ] || emr_fail "an invitation of nobody"
join eva "Eva Reis" 7
says "it does not answer"
[ -z "$(ls eva/state | grep -v lock)" ] || emr_fail "something was made: $(ls eva/state)"
as hospital run 3 org revoke lima --yes --passphrase-file "$EMR_PASS"
[ "$(revoked lima)" = 0 ] || emr_fail "who told it?"

say "it comes back with its book: the invitation is still good, once"
authority_start
join eva "Eva Reis" 0
cp eva.invitation zita.invitation
join zita "Zita Paz" 6
invite rui patient 0
join rui "Rui Paz" 0

say "who is revoked gets no other certificate from it, and neither does a computer that was removed"
revoke() { # WHO
	as hospital json 0 org revoke "$1" --yes --passphrase-file "$EMR_PASS"
	[ "$(field handle) $(field authority)" = "$1 ended" ] || emr_fail "$(cat out/said)"
}
as ana run 0 device remove laptop --passphrase-file "$EMR_PASS"
revoke ana-laptop
revoke lima
[ "$(revoked lima) $(revoked ana-laptop) $(revoked ana)" = "1 1 0" ] ||
	emr_fail "the authority says: $(sqlite3 ca/ca.db 'SELECT id, state FROM users')"
as lima run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/lima-folder"
says "ended your key"
two_unmount lima
as ana run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/ana-folder"
[ "$(cat ana-folder/laptop.txt)" = "on the laptop" ] || emr_fail "what the laptop saved is gone"
two_unmount ana
echo "all is well"
