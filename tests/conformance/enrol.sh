#!/bin/bash
# enrol.sh PROGRAM [SERVER]: runs a Fabric CA for tests (support/fake_ca.py), or a real one (SERVER: fabric-ca-server 1.5), as long as
# PROGRAM runs. PROGRAM gets its address.
set -eu
program=$1 server=${2:-}
SUPPORT=$(cd "$(dirname "$0")/../support" && pwd)
. "$SUPPORT/mount.sh"
work=$(mktemp -d "${TMPDIR:-/tmp}/emr-ca-XXXXXX")
port=$(emr_port)
if [ -z "$server" ]; then
	CA_PORT=$port python3 "$SUPPORT/fake_ca.py" "$work" &
else
	person() { # NAME SECRET ATTRIBUTES
		printf '    - {name: %s, pass: %s, type: client, affiliation: "", maxenrollments: -1, attrs: {%s}}\n' "$@"
	}
	{
		printf 'port: %s\naddress: 127.0.0.1\ntls: {enabled: true}\noperations: {listenAddress: "127.0.0.1:%s"}\n' "$port" $((port + 1))
		printf 'csr: {cn: ca.hospital, hosts: [127.0.0.1]}\ncfg: {identities: {passwordattempts: 10}}\n'
		printf 'db: {type: sqlite3, datasource: ca.db}\nregistry:\n  maxenrollments: -1\n  identities:\n'
		person admin adminpw 'hf.Registrar.Roles: client, hf.Registrar.Attributes: "emr.*", hf.Revoker: true, hf.GenCRL: true, emr.roles: "patient admin:ecert"'
		person weak weakpw 'emr.roles: "clinician:ecert"'
		person nobody nobodypw 'note: "no role"'
		# As in the file that fabric-ca-server init writes; without it, it makes certificates that are good for nothing.
		printf 'signing:\n  default: {usage: [digital signature], expiry: 8760h}\n  profiles:\n'
		printf '    ca: {usage: [cert sign, crl sign], expiry: 43800h, caconstraint: {isca: true}}\n'
		printf '    tls: {usage: [signing, key encipherment, server auth, client auth, key agreement], expiry: 8760h}\n'
	} >"$work/fabric-ca-server-config.yaml"
	"$server" start -H "$work" >"$work/log" 2>&1 &
fi
pid=$!
at_end() {
	kill "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
	[ -n "${EMR_KEEP:-}" ] || rm -rf "$work"
}
trap at_end EXIT
is_there() { [ -e "$work/ready" ] || { [ -n "$server" ] && grep -q "Listening on https" "$work/log"; }; }
until is_there; do
	kill -0 "$pid" || exit 1
	sleep 0.1
done
if [ -n "$server" ]; then
	cp "$work/ca-cert.pem" "$work/tls.pem" # which signed that of TLS
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
		-nodes -keyout /dev/null -out "$work/stranger.pem" -subj /CN=stranger -days 2 2>/dev/null
	printf %s "$port" >"$work/port"
fi
EMR_CA_DIR=$work "$program" ${server:+live}
