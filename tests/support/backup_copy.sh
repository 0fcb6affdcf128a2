# Sourced by the tests of backups: compares a copy with the state that it was made of.  Wants STATE and COPY, and MNT of mount.sh.

# Each file that the list names is what the state has, as far as it reaches.
compare_copy() {
	local kind bytes sum stored path n=0
	while read -r kind bytes sum stored path; do
		[ "$kind" = file ] || continue
		[ "$path" != ledger/ledger.sqlite ] || continue	# pages may lie otherwise in it
		n=$((n + 1))
		# An open folder writes its mark up to a second after an entry, and so perhaps after the copy was made: what was
		# copied is then the older one.  --verify and the restores say whether it fits.
		if [ "$path" = replica.hw ] && mountpoint -q "$MNT"; then continue; fi
		must cmp -n "$bytes" "$COPY/emrfs-data/$stored" "$STATE/$path"
	done <"$COPY/emrfs-backup"
	[ "$n" -ge 5 ] || emr_fail "only $n files in the list"
}
