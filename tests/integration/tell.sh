#!/bin/bash
# tell.sh: entries of file managers and notices of the desktop have names of files and signers in them; these stand in a window and in no
# argument of any process, which other users of the computer can read.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
PACKAGING=$(cd "$(dirname "$0")/../../packaging" && pwd)
emr_begin tell
cd "$EMR_WORK" || exit 2
mkdir bin || exit 2

# An emrfs that names a signer, and a window that notes what it was given and which arguments there are at that moment.
cat >bin/emrfs <<'END'
#!/bin/sh
[ "$1" != mount ] || { echo "Signed by Dr Unreadable-Elsewhere"; exit 1; }
echo "Signed by Dr Unreadable-Elsewhere"
END
cat >bin/zenity <<'END'
#!/bin/bash
for process in /proc/[0-9]*/cmdline; do tr '\0' ' ' <"$process" 2>/dev/null; echo; done >"$EMR_WORK/arguments"
cat >"$EMR_WORK/window"
case $* in *--cancel-label*) exit 1 ;; esac # what failed is not tried again
END
chmod +x bin/emrfs bin/zenity || exit 2
export EMR_WORK DISPLAY=:none PATH=$EMR_WORK/bin:$PATH EMRFS=$EMR_WORK/bin/emrfs

shown() {	# what was started
	grep -q "Unreadable-Elsewhere" window || emr_fail "$1: not in the window"
	grep -qE "packaging/(action|open-folder)" arguments || emr_fail "$1: the arguments were not looked at while it was shown"
	! grep -q "Unreadable-Elsewhere" arguments || emr_fail "$1: in an argument: $(grep Unreadable-Elsewhere arguments)"
	rm window arguments
}
for verb in status keep; do
	sh "$PACKAGING/action" $verb "$EMR_WORK/a file"
	shown "action $verb"
done
sh "$PACKAGING/open-folder"
shown open-folder
unset DISPLAY WAYLAND_DISPLAY
sh "$PACKAGING/action" status "$EMR_WORK/a file" >said
grep -q "Unreadable-Elsewhere" said || emr_fail "without a window: nothing on the terminal"
