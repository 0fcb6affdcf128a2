#!/bin/bash
# channel_host.sh: two organisations with a host each on one channel of Fabric (real peers and orderers), through which their members share, who
# know no Fabric. Hosts and backends are killed between a hand-in and its answer, one batch comes to both hosts at once, and a host reads its ledger from the channel again:
# nothing is lost, nothing is entered twice, and both hosts have the same tree.
# FABRIC has the programs of Fabric, CHAINCODE is the contract, BACKEND the directory with emrfs-fabric.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
. "$SUPPORT/orgs.sh"
[ -n "${FABRIC:-}" ] || emr_skip "only where FABRIC names the programs of Hyperledger Fabric"
two_begin channel_host
NETWORK=$SUPPORT/../../examples/network/fabric IPFS=$SUPPORT/../../examples/network/ipfs CHANNEL=$EMR_WORK/channel
export FABRIC CHAINCODE BACKEND
at_end() {
	[ -z "${HOST2:-}" ] || kill -KILL "$HOST2" 2>/dev/null
	[ -z "${RELAY:-}" ] || kill -KILL "$RELAY" 2>/dev/null
	[ -z "${waiting:-}" ] || kill -KILL "$waiting" 2>/dev/null
	two_end
	[ ! -d "$EMR_WORK/ipfs" ] || "$IPFS" down "$EMR_WORK/ipfs" >/dev/null 2>&1
	[ ! -d "$CHANNEL" ] || "$NETWORK" down "$CHANNEL" >/dev/null 2>&1
}
KUBO=$("$IPFS" build) || emr_fail "Kubo is not built"
export KUBO
must "$IPFS" up "$EMR_WORK/ipfs" >/dev/null
export EMR_NODE=unix:$EMR_WORK/ipfs/1/api.sock # from which the members of one organisation have the blocks of another's
must "$NETWORK" up raft "$CHANNEL" >/dev/null
must "$NETWORK" backends "$CHANNEL" >/dev/null
backend() { echo "$CHANNEL/backend/$1/run"; }
state() { curl -s --max-time 60 --unix-socket "$(backend "$1")/backend" "http://backend/v1/state"; }
process() { cut -d' ' -f1 "$CHANNEL/$1.pid"; }
host() { # DIR ADDRESS [OPTION...]: sets HOST
	"$EMRFS" host "$1" "$2" --json "${@:3}" >"$EMR_WORK/out/host" 2>&1 </dev/null || emr_fail "host: $(cat "$EMR_WORK/out/host")"
	HOST=$("$JSON_FIELD" "$EMR_WORK/out/host" pid)
}
entries() { python3 - "$1/ledger/ledger.sqlite" <<'END'
import sqlite3, sys
print(*[e[0].hex() for e in sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True).execute("SELECT entry FROM entries ORDER BY seq")], sep="\n")
END
}
are_same() { [ "$(entries "$NET")" = "$(entries "$NET2")" ]; }
entered() { # each batch once: the id is unique in a ledger, the header in an entry
	entries "$1" | sed 1d | cut -c1-999 | sort | uniq -d | grep . && emr_fail "an entry stands twice in $1"
}

say "an organisation begins its network in the channel, another one comes, and each has a host"
TWO_SOCKET=$EMR_WORK/a.sock NET2=$EMR_WORK/net2
run 6 host "$EMR_WORK/early" "unix:$EMR_WORK/e.sock" --channel "$(backend 1)"
TWO_ALONE=1 two_network "São Lucas" hospital --channel "$(backend 1)"
host "$NET" "unix:$TWO_SOCKET"
TWO_HOST=$HOST
TWO_ADDRESS=$NET2
as clinic orgs_apply clinic Clínica --channel "$(backend 2)"
waiting=$!
emr_until orgs_waits
as hospital run 0 org admit Clínica --yes --passphrase-file "$EMR_PASS"
wait "$waiting" || emr_fail "org create Clínica: $(cat "$ORGS_APPLIED")"
PORT2=$(emr_port)
host "$NET2" "127.0.0.1:$PORT2" --channel "$(backend 2)"
HOST2=$HOST TWO_ADDRESS=$("$JSON_FIELD" "$EMR_WORK/out/host" address)

say "a third one asks at a host of another, and all who must see it there do"
as trust run 2 org create Fundação --network "$TWO_ADDRESS" --yes --passphrase-file "$EMR_PASS" --words-file "$EMR_WORK/trust.words"
says "That network is in a channel of Fabric"
as trust orgs_apply trust Fundação --channel "$(backend 3)"
waiting=$!
emr_until orgs_waits
sees() { as "$1" "$EMRFS" org show --passphrase-file "$EMR_PASS" | grep -q "Fundação"; }
for who in hospital clinic; do
	emr_until sees "$who"
	as "$who" run 0 org admit Fundação --yes --passphrase-file "$EMR_PASS"
done
wait "$waiting" || emr_fail "org create Fundação: $(cat "$ORGS_APPLIED")"

say "a patient of one shares with a doctor of the other, each over the own host"
two_join ana "Ana Silva" patient hospital
TWO_SOCKET="" two_join lima "Paula Lima" clinician clinic
two_cards ana lima
two_mount ana lima
must mkdir "$EMR_WORK/ana-folder/Notes"
echo "one" >"$EMR_WORK/ana-folder/Notes/note.txt"
as ana run 0 share Notes with lima --write --yes --wait
he_reads() { grep -qs "^$1$" "$EMR_WORK"/lima-folder/shared-with-me/*/Notes/note.txt; }
emr_until he_reads one
echo "two" >"$EMR_WORK/ana-folder/Notes/note.txt"
emr_until he_reads two

say "host and backend are killed while a batch is on its way"
stopped=$(for n in 1 2 3; do process "orderer-$n"; done)
# shellcheck disable=SC2086
kill -STOP $stopped
echo "three" >"$EMR_WORK/ana-folder/Notes/note.txt"
waits() { [ "$(state 1 | jq .waiting)" != 0 ]; }
emr_until waits
kill -KILL "$TWO_HOST" "$(process backend-1)"
await_gone "$TWO_HOST"
# shellcheck disable=SC2086
kill -CONT $stopped
expect "what she reads meanwhile" "$(cat "$EMR_WORK/ana-folder/Notes/note.txt")" three
run 6 host "$NET" "unix:$EMR_WORK/nowhere/a.sock"
must "$NETWORK" backends "$CHANNEL" >/dev/null
host "$NET" "unix:$EMR_WORK/a.sock"
TWO_HOST=$HOST
emr_until he_reads three
as ana run 0 status --wait="${EMR_PATIENCE}s"
emr_until are_same
entered "$NET"

say "one batch comes to both hosts at once"
two_unmount ana
mv "$EMR_WORK/a.sock" "$EMR_WORK/a1.sock" # where the relay reaches the host
python3 - "$EMR_WORK/a.sock" "$EMR_WORK/a1.sock" "$PORT2" >"$EMR_WORK/relayed" 2>&1 <<'END' &
import http.client, http.server, os, socket, socketserver, ssl, sys, threading
own, first, second = sys.argv[1:]
class To(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("host", timeout=90)
        self.path = path
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)
def ask(path, method, what, body, headers):
    c = To(path) if path[0] == "/" else http.client.HTTPSConnection("127.0.0.1", int(path), timeout=90, context=ssl._create_unverified_context())
    c.request(method, what, body, headers)
    r = c.getresponse()
    return r.status, r.getheaders(), r.read()
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *args): pass
    def do(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("expect", "connection", "content-length", "host")}
        answers = {}
        def one(path):
            answers[path] = 502, [], b""
            answers[path] = ask(path, self.command, self.path, body if self.command == "POST" else None, headers)
        paths = [first, second] if self.path.endswith("/batches") else [first]
        threads = [threading.Thread(target=one, args=(p,)) for p in paths]
        for t in threads: t.start()
        for t in threads: t.join()
        status, given, content = answers[first]
        if len(paths) == 2:
            print(status, answers[second][0], content[:48] == answers[second][2][:48], flush=True)
        self.send_response(status)
        for k, v in given:
            if k.lower() not in ("connection", "content-length", "transfer-encoding"): self.send_header(k, v)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
    do_GET = do_POST = do
class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
server = Server(own, Handler)
os.chmod(own, 0o666)
server.serve_forever()
END
RELAY=$!
emr_until test -S "$EMR_WORK/a.sock"
two_mount ana
echo "four" >"$EMR_WORK/ana-folder/Notes/note.txt"
emr_until he_reads four
as ana run 0 status --wait="${EMR_PATIENCE}s"
twice() { grep -q "^200 200 True" "$EMR_WORK/relayed"; }
emr_until twice
emr_until are_same
{ kill -KILL "$RELAY" && wait "$RELAY"; } 2>/dev/null
RELAY=
mv "$EMR_WORK/a1.sock" "$EMR_WORK/a.sock"

say "a host whose backend is away gives what it has, and takes a save later"
kill -KILL "$(process backend-2)"
echo "five" >"$EMR_WORK/lima-folder/five.txt"
emr_until he_reads four
must "$NETWORK" backends "$CHANNEL" >/dev/null
as lima run 0 status --wait="${EMR_PATIENCE}s"

say "a host whose ledger is gone reads it from the channel again"
kill -TERM "$TWO_HOST" && await_gone "$TWO_HOST"
before=$(entries "$NET")
rm "$NET/ledger/ledger.sqlite"*
host "$NET" "unix:$EMR_WORK/a.sock"
TWO_HOST=$HOST
[ "$(entries "$NET" | head -n "$(wc -l <<<"$before")")" = "$before" ] || emr_fail "it has other entries than before, or serves fewer"
[ ! -e "$NET/ledger/channel.behind" ] || emr_fail "it counts as behind"
echo "six" >"$EMR_WORK/ana-folder/Notes/note.txt"
emr_until he_reads six

say "both sides verify, and no other network gets into the channel"
emr_until are_same
as hospital run 0 verify --passphrase-file "$EMR_PASS"
as clinic run 0 verify --passphrase-file "$EMR_PASS"
as ana run 0 verify
as lima run 0 verify
NET=$EMR_WORK/elsewhere TWO_ALONE=1 two_network "Other" other
run 6 host "$EMR_WORK/elsewhere" "unix:$EMR_WORK/o.sock" --channel "$(backend 3)"
says "another network has begun in its channel"
two_unmount ana lima
