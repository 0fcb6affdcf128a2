# Sourced after mount.sh by tests of several people or computers: programs that hold something open while a test goes on.
#
#   hold_file PATH NAME [SECONDS]      opens PATH, tried for so long, says so in NAME.open, and reads it until that fails; errno in NAME.errno
#   hold_ledger / let_ledger_go        the ledger of $NET is another program's, as it may be, from the one to the other
hold_file() {
	python3 - "$1" "$2" "${3:-0}" <<'END' &
import os, sys, time
path, name = sys.argv[1:3]
end = time.monotonic() + int(sys.argv[3])
while True:
    try:
        f = os.open(path, os.O_RDONLY)
        os.pread(f, 4, 0)
        break
    except OSError as e:
        if time.monotonic() > end:
            sys.exit("%s: %s" % (path, e))
    time.sleep(0.02)
open(name + ".open", "w")
for i in range(30000):
    try:
        os.pread(f, 4, 0)
    except OSError as e:
        open(name + ".errno~", "w").write(str(e.errno))
        os.rename(name + ".errno~", name + ".errno")
        break
    time.sleep(0.02)
END
}

hold_ledger() {
	rm -f held let-go
	python3 - "$NET/ledger/ledger.sqlite" <<'END' &
import os, sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], timeout=100, isolation_level=None)
db.execute("BEGIN IMMEDIATE")
open("held", "w").close()
for i in range(2400):
    if os.path.exists("let-go"):
        break
    time.sleep(0.05)
db.execute("ROLLBACK")
END
	HOLDER=$!
	emr_until test -e held
}

let_ledger_go() { touch let-go && wait "$HOLDER" || emr_fail "nobody held the ledger"; }
