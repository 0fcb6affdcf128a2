#!/bin/bash
# This test runs a hospital on Fabric with a real fabric-ca-server (FABRIC_CA). The administrator, a doctor, a patient and the patient's
# second computer get their certificates from it; a revoked person gets no other. The server's root is three years old, so new certificates
# begin three years ago: they must not be renewed at each opening for that. The server is killed. A second hospital joins with another server.
# The test's own network (PEER) stands in where FABRIC does not name the programs of a real one.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/channel.sh"
two_begin fabric_ca_real
at_end() {
	local who
	for who in $TWO_MEMBERS laptop; do emr_clear_away "$EMR_WORK/$who" "$EMR_WORK/$who-folder"; done
	channel_stop
	authority_stop ca
	authority_stop ca2
}
mkdir -m 700 ca ca2
declare -A authority port
channel_begin
secret() { printf '%s\n' "$2" >"$1.secret" && chmod 600 "$1.secret"; } # NAME SECRET: a file of it
authority_root() { # CA, as old as DAYS
	mkdir "$1/root" && (
		cd "$1/root" && : >index
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
			-startdate "$(date -u -d "$2 days ago" +%Y%m%d%H%M%SZ)" -enddate "$(date -u -d '10 years' +%Y%m%d%H%M%SZ)"
	) 2>out/root || emr_fail "$(cat out/root)"
}
authority_start() { # CA [HOW LONG IT CERTIFIES]
	[ -n "${port[$1]:-}" ] || port[$1]=$(emr_port)
	cat >"$1/fabric-ca-server-config.yaml" <<CONF
port: ${port[$1]}
address: 127.0.0.1
operations: {listenAddress: "127.0.0.1:0"}
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
  default: {usage: [digital signature], expiry: ${2:-8760h}}
  profiles:
    ca: {usage: [cert sign, crl sign], expiry: 43800h, caconstraint: {isca: true}}
    tls: {usage: [signing, key encipherment, server auth, client auth, key agreement], expiry: 8760h}
CONF
	: >"out/authority-$1"
	"$FABRIC_CA" start -H "$1" >"out/authority-$1" 2>&1 &
	authority[$1]=$!
	emr_until grep -q "Listening on https" "out/authority-$1"
}
authority_stop() { # CA
	[ -z "${authority[$1]:-}" ] || { kill "${authority[$1]}" && wait "${authority[$1]}"; } 2>/dev/null
	authority[$1]=
}
authority_root ca 1000
channel_take 1 ca/root.pem
authority_start ca

say "the administrator founds the network with what the authority gave him"
{
	cat channel/settings
	echo "authority = https://127.0.0.1:${port[ca]} $EMR_WORK/ca/root.pem"
} >net/network
secret admin adminpw
as hospital run 0 org create "São Lucas" --network "$NET" --yes --passphrase-file "$EMR_PASS" --words-file "$EMR_WORK/hospital.words" \
	--login admin --secret-file "$EMR_WORK/admin.secret"

say "whom he invites it knows, once"
invite() { # WHO ROLE EXIT [HOSPITAL]
	as "${4:-hospital}" run "$3" invite "$1" --role "$2" -o "$EMR_WORK/$1.invitation" --within 1h --passphrase-file "$EMR_PASS"
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

revoked() { # WHO [CA]: from the authority's own book: -1 is "revoked"
	sqlite3 "${2:-ca}/ca.db" "SELECT count(*) FROM users WHERE id = '$1' AND state = -1"
}
say "killed, it keeps nobody from his folder or the ledger; who needs it is told, and nothing is half made"
rm eva.invitation
invite eva patient 0
kill -KILL "${authority[ca]}" && wait "${authority[ca]}" 2>/dev/null
authority[ca]=
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
authority_start ca
join eva "Eva Reis" 0
cp eva.invitation zita.invitation
join zita "Zita Paz" 6
invite rui patient 0
join rui "Rui Paz" 0

say "who is revoked gets no other certificate from it, and neither does a computer that was removed"
revoke() { # WHO [HOSPITAL]
	as "${2:-hospital}" json 0 org revoke "$1" --yes --passphrase-file "$EMR_PASS"
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

say "a second hospital comes in with an authority of its own, whose administrator's certificate names no organisation"
mkdir -m 700 netb netb/ledger
authority_root ca2 500
channel_take 2 ca2/root.pem
authority_start ca2
cp net/ledger/descriptor netb/ledger/descriptor
{
	sed "s|^msp = .*|msp = $(channel_msp 2)|" channel/settings
	echo "authority = https://127.0.0.1:${port[ca2]} $EMR_WORK/ca2/root.pem"
} >netb/network
two_home aurora
run 6 org create "Clínica Aurora" --network "$EMR_WORK/netb" --yes --passphrase-file "$EMR_PASS" --words-file "$EMR_WORK/aurora.words" \
	--login admin --secret-file "$EMR_PASS"
says "log-in or secret is wrong"
"$EMRFS" org create "Clínica Aurora" --network "$EMR_WORK/netb" --within 10min --yes --passphrase-file "$EMR_PASS" \
	--words-file "$EMR_WORK/aurora.words" --login admin --secret-file "$EMR_WORK/admin.secret" >out/applied 2>&1 </dev/null &
applying=$!
asks() { grep -q "They must see this number" out/applied || ! kill -0 "$applying"; }
emr_until asks
as hospital run 0 org admit "Clínica Aurora" --yes --json --passphrase-file "$EMR_PASS"
grep -qF "\"msp\":\"$(channel_msp 2)\"" out/said || emr_fail "of which MSP it is, is not said: $(cat out/said)"
wait "$applying" || emr_fail "$(cat out/applied)"
cmp <(openssl x509 -in netb/ca.pem -outform der) <(openssl x509 -in ca2/root.pem -outform der) || emr_fail "its root is another"

say "it invites, its people's certificates are renewed, and whom it revokes gets no other"
authority_stop ca2
authority_start ca2 60s
invite rita clinician 0 aurora
join rita "Rita Sá" 0
authority_stop ca2
authority_start ca2
[ "$(openssl x509 -in <(sqlite3 -newline '' ca2/ca.db "SELECT pem FROM certificates WHERE id = 'rita'") -noout -issuer | grep -c ca.hospital)" = 1 ] ||
	emr_fail "who certified her?"
renewed() {
	as rita run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/rita-folder"
	two_unmount rita
	[ "$(sqlite3 ca2/ca.db "SELECT count(*) FROM certificates WHERE id = 'rita'")" = 2 ]
}
emr_until renewed
as rita run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/rita-folder"
echo "of Aurora" >rita-folder/note.txt
as rita run 0 status --wait
two_unmount rita
revoke rita aurora
[ "$(revoked rita ca2)" = 1 ] || emr_fail "the authority says: $(sqlite3 ca2/ca.db 'SELECT id, state FROM users')"
as rita run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/rita-folder"
says "ended your key"
two_unmount rita
as aurora run 0 org show --json --passphrase-file "$EMR_PASS"
grep -qF '{"name":"São Lucas","member":true}' out/said || emr_fail "$(cat out/said)"
echo "all is well"
