#!/usr/bin/env python3
"""fake_ca.py DIR: a Fabric CA that does what a live one cannot be made to do, after the wire format of Fabric CA 1.5 (api, lib/server*.go,
util.go), with the command openssl as its signer.  The name of the authority in a request chooses a scene: without one it behaves.  DIR/port
has its port, DIR/tls.pem the root of its TLS, DIR/ca.pem its own root; DIR/ready: it listens.  `admin`, secret `adminpw`, may register
and revoke.  DIR/book has what it knows, for when it is started again.  DIR/NAME.revoked: it gives nothing to NAME any more. DIR/days, if there is one, has the days that
certificates began before now and end after it; else they begin when the root began, as a live one dates them, three years ago."""
import base64
import http.server
import json
import os
import re
import socketserver
import ssl
import subprocess
import sys
import threading
import time

DIR = os.path.abspath(sys.argv[1])
LOCK = threading.Lock()
ATTRIBUTES = "1.2.3.4.5.6.7.8.1"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
if os.path.exists(f"{DIR}/book"):
    with open(f"{DIR}/book", encoding="ascii") as BOOK:
        ROOTS_BEGAN, PEOPLE = json.load(BOOK)
else:
    ROOTS_BEGAN, PEOPLE = time.time() - 1000 * 86400, {}


def admit(name, secret, attributes, times):
    PEOPLE.setdefault(name, {"secret": secret, "attrs": attributes, "left": times, "wrong": 0, "revoked": False})


admit("admin", "adminpw", {"hf.Registrar.Roles": "client", "hf.Revoker": "true", "emr.roles": "patient admin"}, 1000)
admit("weak", "weakpw", {"emr.roles": "clinician"}, 1000)
admit("nobody", "nobodypw", {}, 1000)


class Refused(Exception):
    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code = status, code


def openssl(*args, **more):
    done = subprocess.run(["openssl", *args], capture_output=True, cwd=DIR, check=False, **more)
    if done.returncode != 0:
        raise Refused(500, 0, done.stderr.decode(errors="replace"))
    return done.stdout


def write(name, data):
    with open(f"{DIR}/{name}", "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())


# ---- Certificates ----

CONFIG = """[ca]
default_ca = own
[own]
database = index
new_certs_dir = .
unique_subject = no
rand_serial = yes
default_md = sha256
policy = any
email_in_dn = no
copy_extensions = none
default_crl_days = 1
string_mask = utf8only
[any]
organizationalUnitName = optional
commonName = supplied
[root]
basicConstraints = critical,CA:TRUE,pathlen:1
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[req]
distinguished_name = name
[name]
"""


def begin():
    write("config", CONFIG)
    write("index", "")
    for name, curve in (("ca", "prime256v1"), ("other", "prime256v1"), ("large", "secp384r1")):
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", f"ec_paramgen_curve:{curve}", "-nodes", "-keyout", f"{name}.key", "-out", "request",
                "-subj", f"/CN={name}.hospital", "-config", "config")
        openssl("ca", "-batch", "-notext", "-selfsign", "-config", "config", "-in", "request", "-keyfile", f"{name}.key", "-extensions", "root",
                "-startdate", stamp(ROOTS_BEGAN), "-enddate", stamp(time.time() + 3650 * 86400), "-out", f"{name}.pem",
                "-md", "sha256" if name != "large" else "sha384")
    for name in ("tls", "stranger"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key", "-out",
                f"{name}.pem", "-subj", f"/CN={name}", "-days", "30", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost")


def stamp(seconds):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(seconds))


def dates():
    now = time.time()
    try:
        with open(f"{DIR}/days", encoding="ascii") as file:
            before, after = file.read().split()
        return now - float(before) * 86400, now + float(after) * 86400
    except FileNotFoundError:
        return ROOTS_BEGAN, now + 365 * 86400


def certify(request, name, attributes, scene):
    """A certificate as lib/serverenroll.go has it made: units by type, the name of who asked, no field of the request."""
    signer = {"other-authority": "other", "large": "large"}.get(scene, "ca")
    begin, end = dates()
    if scene == "later":
        begin = time.time() + 86400
    called = "somebody-else" if scene == "other-name" else name
    if scene == "other-key":
        request = openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "/dev/null",
                          "-subj", f"/CN={name}", "-config", "config").decode()
    value = json.dumps({"attrs": {"hf.Affiliation": "", "hf.EnrollmentID": name, "hf.Type": "client", **attributes}}, separators=(",", ":"))
    if scene == "bad-attributes":
        value = '{"attrs":{"emr.roles":7}}'
    write("extensions", "basicConstraints = critical,CA:FALSE\nkeyUsage = critical,digitalSignature\nsubjectKeyIdentifier = hash\n"
          f"authorityKeyIdentifier = keyid\n{ATTRIBUTES} = DER:{value.encode().hex()}\n")
    write("request", request)
    return openssl("ca", "-batch", "-notext", "-config", "config", "-in", "request", "-extfile", "extensions", "-cert", f"{signer}.pem",
                   "-keyfile", f"{signer}.key", "-subj", f"/OU=client/CN={called}", "-startdate", stamp(begin),
                   "-enddate", stamp(end), *(["-md", "sha384"] if scene == "large" else []))


def info(scene):
    root = "large" if scene == "large" else "ca"
    with open(f"{DIR}/{root}.pem", "rb") as file:
        chain = base64.b64encode(file.read()).decode()
    return {"CAName": scene, "CAChain": chain, "IssuerPublicKey": "", "IssuerRevocationPublicKey": "", "Version": "1.5.21"}


# ---- Who asks ----

def by_login(header, scene):
    """lib/serverrequestcontext.go BasicAuthentication"""
    if not header.startswith("Basic "):
        raise Refused(401, 2, "No authorization header")
    name, _, secret = base64.b64decode(header[6:]).decode().partition(":")
    person = PEOPLE.get(name)
    if person is None or person["revoked"]:
        raise Refused(401, 20, "Authentication failure")
    if person["wrong"] >= 10:
        raise Refused(401, 73, "Incorrect password entered 10 times, max incorrect password limit of 10 reached")
    if person["secret"] != secret or person["left"] == 0:
        person["wrong"] += person["secret"] != secret
        raise Refused(401, 20, "Authentication failure")
    person["left"] -= 1
    return name


def low_der(signature):
    """r, s of a DER signature whose s is not above half the order, as bccsp takes it."""
    if signature[0] != 0x30 or signature[1] != len(signature) - 2 or signature[2] != 2:
        return False
    skip = 4 + signature[3]
    return signature[skip] == 2 and int.from_bytes(signature[skip + 2:skip + 2 + signature[skip + 1]], "big") <= ORDER // 2


def by_token(header, method, uri, body):
    """util.go VerifyToken, then verifyX509Token"""
    failure = Refused(401, 20, "Authentication failure")
    certificate, _, signature = header.partition(".")
    message = ".".join([method, base64.b64encode(uri.encode()).decode(), base64.b64encode(body).decode(), certificate])
    try:
        write("shown.pem", base64.b64decode(certificate, validate=True))
        signature = base64.b64decode(signature, validate=True)
    except ValueError:
        raise failure from None
    write("shown.key", openssl("x509", "-in", "shown.pem", "-pubkey", "-noout"))
    write("shown.sig", signature)
    try:
        openssl("dgst", "-sha256", "-verify", "shown.key", "-signature", "shown.sig", input=message.encode())
        openssl("verify", "-CAfile", "ca.pem", "shown.pem")
    except Refused:
        raise failure from None
    name = re.search(r"CN\s*=\s*(\S+)", openssl("x509", "-in", "shown.pem", "-noout", "-subject").decode()).group(1)
    if not low_der(signature) or PEOPLE[name]["revoked"]:
        raise failure
    return name


# ---- What is asked ----

def enrol(name, asked, scene):
    csr = asked["certificate_request"]
    write("asked", csr)
    subject = openssl("req", "-in", "asked", "-noout", "-verify", "-subject").decode()
    if not re.search(rf"CN\s*=\s*{re.escape(name)}\s*$", subject):
        raise Refused(403, 77, "The CSR subject common name must equal the enrollment ID")
    # Only what is asked for: by itself comes what was registered so (ecert), and nothing that a directory knows.
    wanted = [one["name"] for one in asked.get("attr_reqs", [])]
    attributes = {key: value for key, value in PEOPLE[name]["attrs"].items() if key in wanted}
    return {"Cert": base64.b64encode(certify(csr, name, attributes, scene)).decode(), "ServerInfo": info(scene), "Version": "1.5.21"}


def register(who, asked, scene):
    if scene == "directory":
        raise Refused(403, 72, "Registration is not supported when using LDAP")
    if PEOPLE[who]["attrs"].get("hf.Registrar.Roles") != "client":
        raise Refused(403, 71, "Authorization failure")
    if asked["id"] in PEOPLE:
        raise Refused(409, 74, f"Identity '{asked['id']}' is already registered")
    assert asked["type"] == "client" and asked["max_enrollments"] == 1
    admit(asked["id"], asked["secret"], {one["name"]: one["value"] for one in asked["attrs"] if one["ecert"]}, 1)
    return {"secret": asked["secret"]}


def revoke(who, asked):
    if PEOPLE[who]["attrs"].get("hf.Revoker") != "true":
        raise Refused(403, 71, "Authorization failure")
    if asked["id"] not in PEOPLE:
        raise Refused(404, 10, f"Identity {asked['id']} was not found: no rows")
    PEOPLE[asked["id"]]["revoked"] = True
    write(f"{asked['id']}.revoked", "")
    crl = openssl("ca", "-gencrl", "-config", "config", "-cert", "ca.pem", "-keyfile", "ca.key")
    return {"RevokedCerts": [{"Serial": "1", "AKI": "2"}], "CRL": base64.b64encode(crl).decode()}


def answer(handler, uri, body):
    asked = json.loads(body)
    scene = asked.get("caname", "")
    header = handler.headers.get("authorization", "")
    if scene == "no-such":
        raise Refused(404, 19, "CA 'no-such' does not exist")
    if uri == "/api/v1/enroll":
        return enrol(by_login(header, scene), asked, scene)
    who = by_token(header, "POST", uri, body)
    if uri == "/api/v1/reenroll":
        return enrol(who, asked, scene)
    if uri == "/api/v1/register":
        return register(who, asked, scene)
    if uri == "/api/v1/revoke":
        return revoke(who, asked)
    raise Refused(404, 0, "no such page")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def send(self, status, data, more=()):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        for name, value in more:
            self.send_header(name, value)
        self.end_headers()
        for at in range(0, len(data), 4096):
            piece = data[at:at + 4096]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        scene = json.loads(body).get("caname", "")
        if scene == "silent":
            self.rfile.read(1)  # until who asked goes away
            return
        if scene == "torn":
            self.send_response(201)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"result":')
            self.close_connection = True
            return
        if scene in ("page", "endless", "elsewhere", "empty"):
            data = {"page": b"<html>hello</html>", "endless": b'{"result":"' + b"a" * 400000 + b'"}', "elsewhere": b"", "empty": b"{}"}[scene]
            self.send(302 if scene == "elsewhere" else 200, data, [("Location", "https://127.0.0.1:1/")] if scene == "elsewhere" else [])
            return
        try:
            with LOCK:
                result, status, errors = answer(self, self.path, body), 201, []
        except Refused as refused:
            result, status, errors = "", refused.status, [{"code": refused.code, "message": str(refused)}]
        write("book", json.dumps([ROOTS_BEGAN, PEOPLE]))
        # As lib/serverendpoint.go writes it: each object is followed by a line's end.
        text = '{"result":%s\n,"errors":[%s],"messages":[],"success":%s}' % (
            json.dumps(result), "".join(json.dumps(one) + "\n" for one in errors), "false" if errors else "true")
        self.send(status, text.encode())

    def log_message(self, *_args):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, *_args):  # who asked went away, or did not trust us
        pass


def main():
    if not os.path.exists(f"{DIR}/book"):
        begin()
    server = Server(("127.0.0.1", int(os.environ.get("CA_PORT", "0"))), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{DIR}/tls.pem", f"{DIR}/tls.key")
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    write("port", str(server.server_address[1]))
    write("ready", "")
    server.serve_forever()


main()
