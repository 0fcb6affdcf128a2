/* The page through which fault_shim is told what to fail and tells what it counted. It checks
 * nothing: the page is shared memory of trusting test programs.
 *
 * Every process under the shim and fault_control map the same file; all fields are atomic, so that
 * a fault can be armed, and counts be read, while the program runs and after it was killed.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#define FAULT_MAGIC 0x314c544641524d45ULL /* "EMRAFTL1" */

enum fault_kind {
	FAULT_OPEN,
	FAULT_WRITE,  /* write, writev */
	FAULT_PWRITE, /* pwrite, pwritev */
	FAULT_FSYNC,  /* fsync, syncfs */
	FAULT_FDATASYNC,
	FAULT_RENAME,
	FAULT_FTRUNCATE, /* ftruncate, fallocate */
	FAULT_UNLINK,
	FAULT_READ, /* pread, read of files */
	FAULT_KINDS,
};

enum fault_mode {
	FAULT_OFF,
	FAULT_ONCE,   /* the n-th matching call from now */
	FAULT_AFTER,  /* the n-th and every later one */
	FAULT_CHANCE, /* each with probability n in a million, drawn from seed */
};

struct fault_page {
	_Atomic uint64_t magic;
	_Atomic uint64_t counts[FAULT_KINDS]; /* calls below the root, failed ones included */
	_Atomic uint64_t failed;
	_Atomic uint64_t kinds; /* bit set of fault_kind to fail */
	_Atomic uint64_t mode, n, matched, seed;
	_Atomic int64_t error;
};
