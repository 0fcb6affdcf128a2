#!/bin/bash
# service.sh: emrfs tells a service manager that the folder is open when it answers, not before, as the unit of the log-in wants it.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin service
cd "$EMR_WORK" || exit 2
emr_init

# manager ADDRESS COMMAND...: listens there as a service manager does and prints the first message, while COMMAND runs.
cat >manager.py <<'END'
import os, socket, subprocess, sys
address, folder, command = sys.argv[1], sys.argv[2], sys.argv[3:]
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind("\0" + address[1:] if address[0] == "@" else address)
listener.settimeout(60)
child = subprocess.Popen(command, env=dict(os.environ, NOTIFY_SOCKET=address), stdin=subprocess.DEVNULL)
said = listener.recv(4096).decode()
print(said.splitlines()[0], os.path.ismount(folder))
child.terminate()
print(child.wait(60))
END
for address in "$EMR_WORK/manager.socket" "@emrfs-test-$$"; do
	python3 manager.py "$address" "$MNT" "$EMRFS" mount -f --quiet --passphrase-file "$EMR_PASS" "$MNT" >out/said 2>out/complained ||
		{ cat out/complained; emr_fail "nobody said that the folder is ready"; }
	expect "what the manager heard from $address" "$(cat out/said)" "$(printf 'READY=1 True\n0')"
done
# Where nobody listens, the folder opens all the same.
NOTIFY_SOCKET=$EMR_WORK/nobody run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
run 0 unmount
NOTIFY_SOCKET=relative run 0 mount --passphrase-file "$EMR_PASS" "$MNT"
run 0 unmount
echo "all is well"
