#!/bin/bash
# kill9.sh ROUNDS [SEED] (EMR_KILL9_ROUNDS overrules): the mounted process is killed at random moments under mixed load; every promise is then checked.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin kill9
emr_init
# The loop of the tool mounts by itself, in a process that notes its number and becomes the mount; what is
# mounted at the end is ours to close.
cat >"$EMR_WORK/mount" <<END
#!/bin/sh
echo "\$\$ \$(sed 's/.*) //' "/proc/\$\$/stat" | cut -d' ' -f20)" >"$EMR_WORK/pid"
exec "$EMRFS" mount -f --passphrase-file "$EMR_PASS" "$MNT" >>"$EMR_LOG" 2>&1
END
chmod +x "$EMR_WORK/mount"
"$SUPPORT/../tools/kill9.sh" --dir "$MNT" --tools "$TOOLS" --rounds "${EMR_KILL9_ROUNDS:-$1}" --seed "${2:-1}" --min-ms 20 --max-ms 250 \
	--log "$EMR_WORK/log" --mount "$EMR_WORK/mount"
status=$?
[ $status -eq 0 ] || emr_fail "promises were broken (status $status)"
emr_unmount
