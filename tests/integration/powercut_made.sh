#!/bin/bash
# powercut_made.sh: new things survive a power cut, although no name is on the disk whose directory was not flushed: a keyring in a new
# state directory, a new network, a new backup. Each is recorded, cut at its end many times, each name for itself kept or lost, and opened
# again.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
emr_begin made
cd "$EMR_WORK" || exit 2
printf 'passphrase of the test\n' >"$EMR_PASS"
chmod 600 "$EMR_PASS"
home_of() { mkdir -p -m 700 "$1" && printf 'kdf = 8,1\n' >"$1/settings"; }
home_of "$EMRFS_HOME"
mkdir disk && home_of "$EMR_WORK/disk/hospital"	# its blocks move into the network: both are recorded

# made WHAT ROOT CHECK COMMAND...: COMMAND is recorded below ROOT; CHECK is run in what its end leaves ({dir} is ROOT).
made() {
	local what=$1 root=$2 check=$3 events seed names
	shift 3
	mkdir -p "$root"
	EMR_POWERCUT_ROOT=$root EMR_POWERCUT_TRACE=$EMR_WORK/$what.trace EMR_POWERCUT_NO_FLUSH=1 \
		LD_PRELOAD=$TOOLS/libpowercut_record.so "$@" >out/$what 2>&1 </dev/null || emr_fail "$what: $(cat out/$what)"
	events=$("$TOOLS/powercut_replay" --trace $what.trace --scratch "$EMR_WORK" --check true --max-cuts 1 --names strict |
		sed -n 's/^trace: \([0-9]*\) events.*/\1/p')
	for names in strict apart ordered; do
		for seed in 0 1 2 3 4 5 6 7 8; do
			"$TOOLS/powercut_replay" --trace $what.trace --scratch "$EMR_WORK" --check "$check" --names $names \
				--only "$events:$seed" >out/cut 2>&1 || emr_fail "$what, names $names, seed $seed: $(cat out/cut)"
		done
	done
	say "$what: 27 cuts after it was made"
}

made init "$EMRFS_HOME" "EMRFS_HOME={dir} '$EMRFS' verify --quick --passphrase-file '$EMR_PASS' </dev/null" \
	"$EMRFS" init --yes --name Ana --born 1984-03-12 --passphrase-file "$EMR_PASS" --words-file words
emr_mount
mkdir "$MNT/Imaging"
head -c 300000 /dev/urandom >"$MNT/Imaging/scan.dcm"
run 0 status --wait
emr_unmount
# Comes back on a computer of its own, with as many records as there are.
cat >restored <<DONE
#!/bin/bash
export EMRFS_HOME=$EMR_WORK/other
rm -rf "\$EMRFS_HOME"
mkdir -m 700 "\$EMRFS_HOME" && echo "kdf = 8,1" >"\$EMRFS_HOME/settings"
"$EMRFS" init --restore "\$1" --yes --passphrase-file "$EMR_PASS" </dev/null && "$EMRFS" verify --passphrase-file "$EMR_PASS" </dev/null
DONE
chmod 700 restored
mkdir -p stick
made backup "$EMR_WORK/stick" "'$EMR_WORK/restored' {dir}/mine" "$EMRFS" backup "$EMR_WORK/stick/mine"
made network "$EMR_WORK/disk" "test -s {dir}/network/ledger/ledger.sqlite" \
	env EMRFS_HOME="$EMR_WORK/disk/hospital" "$EMRFS" org create "Hospital" --network "$EMR_WORK/disk/network" --yes \
	--passphrase-file "$EMR_PASS" --words-file hospital.words
