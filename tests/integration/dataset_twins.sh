#!/bin/bash
# dataset_twins.sh: two datasets whose terms are the same bytes are two datasets: a folder that joined one of them is not in the other, and
# stays out of it.
. "${SUPPORT:=$(dirname "$0")/../support}/copies.sh"
copies_begin dtwins
steward 0 create twin --terms terms.json
steward 0 admit twin dora@saolucas
slices ana-folder/CT 1 2
slices ana-folder/Knee 3 3
as ana run 0 status --wait
knows_twin() { as ana "$EMRFS" dataset twin >out/known 2>&1 </dev/null; }
emr_until knows_twin

say "who agreed to the copies of one folder, or for one dataset, gives no others"
cat >changed.py <<'END'
# DATASET SEEN-PATH DATASET PATH: what was shown of the first, and a yes to the second.
import json, os, socket, struct, sys
line = socket.socket(socket.AF_UNIX); line.connect(os.environ["EMRFS_HOME"] + "/run/socket")
def ask(**what):
    body = json.dumps({"v": 1, "verb": "dataset", "join": True, **what}).encode()
    line.sendall(struct.pack(">I", len(body)) + body)
    while True:
        size, answer = struct.unpack(">I", line.recv(4, socket.MSG_WAITALL))[0], b""
        while len(answer) < size: answer += line.recv(size - len(answer))
        answer = json.loads(answer)
        if "done" in answer or answer.get("ok") is False: return answer
shown = ask(who=sys.argv[1], path=sys.argv[2], look=True)["shown"]
print(ask(who=sys.argv[3], path=sys.argv[4], shown=shown).get("error", "given"))
END
for other in "plain Knee" "twin CT"; do # whose name is CT's by now; that is called plain by now
	expect "to $other" "$(as ana python3 changed.py plain CT $other)" changed-meanwhile
done

say "each has the copies of the folder that joined it"
as ana run 0 dataset join plain CT --yes --wait
as ana run 0 dataset join twin Knee --yes --wait
seen_in() { (cd "dora-folder/datasets/$1" 2>/dev/null && find . -name '*.dcm' | sed 's|.*/0*||; s|-.*||' | sort -n | tr '\n' ' '); }
has() { [ "$(seen_in "$1")" = "$2" ]; }
emr_until has plain "1 2 "
emr_until has twin "3 "

say "what comes later goes into the one that was asked, and when it left that, into none"
slices ana-folder/CT 4 4
slices ana-folder/Knee 5 5
update
emr_until has plain "1 2 4 "
emr_until has twin "3 5 "
has plain "1 2 4 " || emr_fail "plain has $(seen_in plain)"
as ana run 0 dataset leave --yes plain --wait
slices ana-folder/CT 6 6
slices ana-folder/Knee 7 7
update
emr_until has twin "3 5 7 "
two_unmount ana dora
echo "all is well"
