#!/bin/bash
# forged.sh: a patient shares with a doctor, who changes a word of the records in the blocks that the host keeps and seals them again with
# the received key, so that every tag fits. Another reader gets an error and a notice, never the forged word: by read and by mmap, in
# folders that were open all along and in those opened after it, whether the file had been read before or not.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/two.sh"
two_begin forged
two_network "São Lucas"
two_join ana "Ana Silva" patient
two_join lima "Paula Lima" clinician
two_join eva "Eva Reis" clinician
two_cards ana lima eva
two_mount ana lima eva
mkdir ana-folder/Imaging
FILES="small-read.txt small-unread.txt big-read.bin big-unread.bin"
python3 - ana-folder/Imaging <<'END' || emr_fail "not written"
import os, sys
for name in ("small-read.txt", "small-unread.txt", "big-read.bin", "big-unread.bin"):
    size, at = (5000, 700) if name.startswith("small") else (20 << 20, 17 << 20)
    data = bytearray(os.urandom(size))
    data[at:at + 9] = b"malignant"
    open(os.path.join(sys.argv[1], name), "wb").write(data)
# Enough that what was read before is no longer in the memory of who serves it: 32 leaves are, unless they are known by tags.
for i in range(40):
    open(os.path.join(sys.argv[1], "other-%d.txt" % i), "wb").write(os.urandom(100))
END
must cp ana-folder/Imaging/big-read.bin "$EMR_WORK/big-read.bin"
as ana run 0 status --wait
as ana run 0 share Imaging with lima --yes --wait
as ana run 0 share Imaging with eva --yes --wait
imaging_of() { ls -d "$1"-folder/shared-with-me/ana/Imaging 2>/dev/null; }
has_all() { local dir; dir=$(imaging_of "$1") && [ "$(ls "$dir" | wc -l)" = 44 ]; }
emr_until has_all eva
emr_until has_all lima
EVAS=$(imaging_of eva)
reads() { cat "$@" >/dev/null 2>&1; }
for i in "$EVAS/small-read.txt" "$EVAS/big-read.bin"; do emr_until reads "$i"; done

# look PATH MUST: how PATH's word is seen by pread and by mmap, in processes of their own, and MUST hold of both:
# "refused": EIO; "true": the word that was signed; "never-forged": one of them.
look() {
	python3 - "$@" <<'END' || emr_fail "$1 is not $2"
import mmap, os, subprocess, sys
path, must = sys.argv[1:]
at = 700 if "small" in path else 17 << 20
READ = "import os,sys; f=os.open(sys.argv[1],os.O_RDONLY); sys.stdout.buffer.write(os.pread(f,9,int(sys.argv[2])))"
MAP = ("import os,mmap,sys; f=os.open(sys.argv[1],os.O_RDONLY); m=mmap.mmap(f,0,prot=mmap.PROT_READ); at=int(sys.argv[2]); "
       "sys.stdout.buffer.write(m[at:at+9])")
for how, program in (("pread", READ), ("mmap", MAP)):
    for _ in range(60):	# ana's busy computer may not release a key in time: then he asks again
        done = subprocess.run([sys.executable, "-I", "-c", program, path, str(at)], capture_output=True)
        if b"Errno 110]" not in done.stderr:
            break
    # A page that cannot be had is SIGBUS; opening a small file already fails, because its last chunk is looked at.
    refused = done.stdout == b"" and (b"Errno 5]" in done.stderr or (how == "mmap" and done.returncode == -7))
    fits = done.stdout == b"malignant"
    if not (refused and must != "true" or fits and must != "refused"):
        sys.exit("%s of %s: %r, status %d, %s" % (how, path, done.stdout, done.returncode, done.stderr.decode()[-200:]))
END
}
# drop PATH...: the kernel gives back the pages that it has of it, so that the next read asks the mount.
drop() { python3 -c 'import os, sys
for p in sys.argv[1:]:
    f = os.open(p, os.O_RDONLY); os.posix_fadvise(f, 0, 0, os.POSIX_FADV_DONTNEED); os.close(f)' "$@"; }
noticed() { grep -q " missing-everywhere .*$2" "$1-folder/.emrfs/notices"; }

say "everybody sees the word that ana saved"
for i in small-read.txt big-read.bin; do
	look "ana-folder/Imaging/$i" true
	look "$EVAS/$i" true
done
as ana run 0 status --wait
two_unmount ana
two_mount ana	# nothing of what she saved is in the memory of her program
for i in ana-folder/Imaging/small-read.txt ana-folder/Imaging/big-read.bin; do look "$i" true; done

say "lima, with her grant and whoever keeps the host, changes it in the blocks"
two_unmount lima
for i in $FILES; do BLOCKS=$NET/blocks as lima "$PEER" "$EMR_PASS" forge "$i" "is benign" >out/forged || emr_fail "forge: $(cat out/forged)"; done

say "ana reads what she has; in eva's folder, open all along, what had not been read is refused, the rest is never his"
read_eva() {
	for i in small-read.txt big-read.bin; do look "$EVAS/$i" never-forged; done
	for i in small-unread.txt big-unread.bin; do
		look "$EVAS/$i" refused
		emr_until noticed eva "Imaging/$i"
	done
}
for i in $FILES; do look "ana-folder/Imaging/$i" true; done
read_eva
# Elsewhere in the large one nothing was changed.
must cmp -n 1000000 "$EVAS/big-read.bin" "$EMR_WORK/big-read.bin"

say "in folders that are opened now"
two_unmount ana eva
two_mount ana eva
emr_until has_all eva
read_eva
for i in $FILES; do look "ana-folder/Imaging/$i" true; done
as ana run 0 verify
echo "all is well"
