# An organisation's own authority for a test that has begun by two.sh; it ends with the test. Where FABRIC_CA names a fabric-ca-server it is that
# one, else support/fake_ca.py. Its files are in ca/.
#
#   authority_begin            it runs; $AUTHORITY is what --login-ca says of it
#   authority_lasts 60         from now on what it gives lasts for so many seconds; without a number as it did
#   authority_due 60           from now on a third of the time of what it gives is left after so many seconds. That of fake_ca.py counts for
#                              half a day longer, so that the slowest computer has its newer one in time; that of a real one begins now
#   authority_stop             it is away; authority_start: it is back, with its book
#   authority_revoked lima     it gives nothing to that one any more

at_end() {
	two_end
	authority_stop
}

authority_begin() {
	mkdir -m 700 ca
	CA_PORT=$(emr_port)
	AUTHORITY=https://127.0.0.1:$CA_PORT,$EMR_WORK/ca/tls.pem
	[ -z "${FABRIC_CA:-}" ] || authority_root 1000
	authority_start
}

authority_start() {
	if [ -n "${FABRIC_CA:-}" ]; then
		authority_start_real
		return
	fi
	rm -f ca/ready
	CA_PORT=$CA_PORT python3 "$SUPPORT/fake_ca.py" ca >out/authority 2>&1 &
	AUTHORITY_PID=$!
	emr_until test -e ca/ready
}
authority_stop() {
	[ -z "${AUTHORITY_PID:-}" ] || { kill -KILL "$AUTHORITY_PID" && wait "$AUTHORITY_PID"; } 2>/dev/null
	AUTHORITY_PID=
}

authority_revoked() {
	if [ -z "${FABRIC_CA:-}" ]; then
		[ -e "ca/$1.revoked" ]
	else # its own book: -1 is "revoked"
		[ "$(sqlite3 ca/ca.db "SELECT count(*) FROM users WHERE id = '$1' AND state = -1")" = 1 ]
	fi
}

authority_lasts() { # [SECONDS [SECONDS BEFORE NOW]]
	if [ -z "${FABRIC_CA:-}" ]; then
		if [ $# = 0 ]; then rm ca/days; else awk "BEGIN { print ${2:-0} / 86400, $1 / 86400 }" >ca/days; fi
		return
	fi
	authority_stop
	AUTHORITY_EXPIRY=${1:+$1s}
	authority_start
}
authority_due() { # SECONDS
	if [ -n "${FABRIC_CA:-}" ]; then authority_lasts $(($1 * 3 / 2)); else authority_lasts $((43200 + $1 * 3 / 2)) 86400; fi
}

# ---- A real one ----

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
	cp ca/root.pem ca/tls.pem # which signs that of TLS, too
	cp ca/root.pem ca/ca.pem
}
authority_start_real() {
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
  default: {usage: [digital signature], expiry: ${AUTHORITY_EXPIRY:-8760h}}
  profiles:
    ca: {usage: [cert sign, crl sign], expiry: 43800h, caconstraint: {isca: true}}
    tls: {usage: [signing, key encipherment, server auth, client auth, key agreement], expiry: 8760h}
CONF
	: >out/authority
	"$FABRIC_CA" start -H ca >out/authority 2>&1 &
	AUTHORITY_PID=$!
	emr_until grep -q "Listening on https" out/authority
}
