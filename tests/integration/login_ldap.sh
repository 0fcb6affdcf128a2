#!/bin/bash
# login_ldap.sh: staff enrol with the log-in of the hospital's directory, over the hospital's host: a real fabric-ca-server (FABRIC_CA) asks a
# real slapd over TLS. A wrong password, none, a name with the signs of filters in it, and a role that the directory does not give bring nobody
# in.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
SLAPD=$(PATH=$PATH:/usr/sbin command -v slapd) || emr_skip "no slapd"
two_begin login_ldap
at_end() {
	two_end
	[ -z "${authority:-}" ] || kill "$authority" 2>/dev/null
	[ -z "${directory:-}" ] || kill "$directory" 2>/dev/null
}
mkdir -m 700 ca ldap ldap/data
secret() { printf '%s\n' "$2" >"$1.secret" && chmod 600 "$1.secret"; }

say "a directory with three people, behind TLS"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ldap/key.pem -out ldap/tls.pem -subj /CN=directory -days 2 \
	-addext subjectAltName=IP:127.0.0.1 2>/dev/null
cat >ldap/slapd.conf <<'CONF'
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile ldap/tls.pem
TLSCertificateKeyFile ldap/key.pem
database mdb
directory ldap/data
suffix dc=hospital
rootdn cn=reader,dc=hospital
rootpw readerpw
CONF
person() { # NAME PASSWORD ROLES: the department's number stands for what the hospital keeps there
	printf 'dn: uid=%s,ou=staff,dc=hospital\nobjectClass: inetOrgPerson\nuid: %s\ncn: %s\nsn: %s\nuserPassword: %s\nemployeeType: %s\n\n' "$1" "$1" "$1" "$1" "$2" "$3"
}
{
	printf 'dn: dc=hospital\nobjectClass: dcObject\nobjectClass: organization\no: hospital\ndc: hospital\n\n'
	printf 'dn: ou=staff,dc=hospital\nobjectClass: organizationalUnit\nou: staff\n\n'
	person chief chiefpw 'patient admin'
	person lima limapw clinician
	person rita ritapw researcher
} | "${SLAPD%slapd}slapadd" -f ldap/slapd.conf || emr_fail "slapadd"
LDAP_PORT=$(emr_port)
"$SLAPD" -h "ldaps://127.0.0.1:$LDAP_PORT" -f ldap/slapd.conf -d 0 >out/slapd 2>&1 &
directory=$!
listens() { (: <"/dev/tcp/127.0.0.1/$1"); }
emr_until listens "$LDAP_PORT"
CA_PORT=$((LDAP_PORT + 2))
cat >ca/fabric-ca-server-config.yaml <<CONF
port: $CA_PORT
address: 127.0.0.1
operations: {listenAddress: "127.0.0.1:$((CA_PORT + 1))"}
tls: {enabled: true}
csr: {cn: ca.hospital, hosts: [127.0.0.1]}
db: {type: sqlite3, datasource: ca.db}
registry: {maxenrollments: -1}
ldap:
  enabled: true
  url: ldaps://cn=reader,dc=hospital:readerpw@127.0.0.1:$LDAP_PORT/dc=hospital
  userfilter: (uid=%s)
  tls: {certfiles: [$EMR_WORK/ldap/tls.pem]}
  attribute:
    names: [uid, employeeType]
    converters: [{name: emr.roles, value: attr("employeeType")}]
signing:
  default: {usage: [digital signature], expiry: 8760h}
  profiles:
    ca: {usage: [cert sign, crl sign], expiry: 43800h, caconstraint: {isca: true}}
    tls: {usage: [signing, key encipherment, server auth, client auth, key agreement], expiry: 8760h}
CONF
"$FABRIC_CA" start -H ca >out/authority 2>&1 &
authority=$!
emr_until grep -q "Listening on https" out/authority

say "the administrator founds the network with the log-in of the directory"
secret chief chiefpw
as hospital run 0 org create "São Lucas" --network "$NET" --yes --passphrase-file "$EMR_PASS" --words-file hospital.words --login chief \
	--secret-file "$EMR_WORK/chief.secret" --login-ca "https://127.0.0.1:$CA_PORT,$EMR_WORK/ca/ca-cert.pem"
two_host

say "an invitation for whom the directory knows"
as hospital run 0 invite lima --role clinician -o "$EMR_WORK/lima.invitation" --within 1h --passphrase-file "$EMR_PASS"
says "log-in and password of your directory"
join() { # WHO EXIT LOGIN PASSWORD
	secret login "$4"
	as "$1" run "$2" init --join "$EMR_WORK/lima.invitation" --yes --name "$1" --born 1970-01-01 --passphrase-file "$EMR_PASS" \
		--words-file "$EMR_WORK/$1.words" --login "$3" --secret-file "$EMR_WORK/login.secret"
	rm -f "$1.words"
}
nobody_came() { [ -z "$(ls "$EMR_WORK/eva/state" | grep -v lock)" ] || emr_fail "something was made"; }
join eva 6 lima wrong
says "log-in or secret is wrong"
join eva 6 nobody limapw
says "log-in or secret is wrong"
for name in '*' 'li*' 'lima)(uid=*' 'uid=lima,ou=staff,dc=hospital' 'lima\2a'; do
	join eva 6 "$name" limapw
	says "log-in or secret is wrong"
done
# No password is asked of nobody: many directories take that bind for an anonymous one, and say yes.
: >empty && chmod 600 empty
as eva run 2 init --join "$EMR_WORK/lima.invitation" --yes --name eva --born 1970-01-01 --passphrase-file "$EMR_PASS" \
	--words-file "$EMR_WORK/eva.words" --login lima --secret-file "$EMR_WORK/empty"
rm -f eva.words
join eva 8 rita ritapw # a researcher is no clinician
says "does not let you be what you are invited for"
nobody_came
join lima 0 lima limapw
as hospital run 0 org show --passphrase-file "$EMR_PASS"
says "clinician"
two_mount lima
echo "a report" >lima-folder/report.txt
as lima run 0 status --wait
two_unmount lima

say "a directory that is away brings nobody in"
kill "$directory" && wait "$directory" 2>/dev/null
directory=
join eva 6 lima limapw
nobody_came
