#!/usr/bin/env python3
"""make_vcf.py LINES: a VCF of so many variants on twenty chromosomes, sorted, with numbers that do not compress away."""
import random
import sys

lines = int(sys.argv[1])
noise = random.Random(11)
out = ["##fileformat=VCFv4.2", '##INFO=<ID=DP,Number=1,Type=Integer,Description="depth">', '##INFO=<ID=X,Number=1,Type=String,Description="noise">']
out += [f"##contig=<ID=chr{c}>" for c in range(1, 21)]
out.append("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO")
for c in range(1, 21):
    at = 10000
    for _ in range(lines // 20):
        at += noise.randrange(1, 400)
        out.append(f"chr{c}\t{at}\trs{noise.getrandbits(28)}\t{noise.choice('ACGT')}\t{noise.choice('ACGT')}\t{noise.randrange(99)}\tPASS\tDP={noise.randrange(99)};X={noise.getrandbits(320):080x}")
sys.stdout.write("\n".join(out) + "\n")
