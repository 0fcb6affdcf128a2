/* A second copy of a state: everything, encrypted as it is, in a directory on another disk; and the
 * way back. It refuses to touch what others keep there, and to call a copy whole that it has not
 * written to the last byte.
 *
 * No key is needed and no process need stop: the copy is the state as of one moment, as a crash at
 * that moment would have left it. */
#pragma once

#include "backup/manifest.h"
#include "base/clock.h"
#include "store/cid.h"

/* How far; from the calling thread. */
typedef void (*emr_backup_progress_fn)(void *arg, uint64_t done, uint64_t total);
/* Something is not as it should be: a path in the state, or "" for the whole, and what is wrong
 * with it in a few words. */
typedef void (*emr_backup_found_fn)(void *arg, const char *path, const char *what);

typedef struct emr_backup_options {
	const char *state_path;
	int state_fd;
	const char *dir; /* of the backup; made when only its last part is missing */
	/* Making: what leads to a ledger that is in no directory (session/network_dir.h); empty: it
	 * is in one. */
	emr_bytes channel;
	bool is_served; /* making: by a host; all of it here is this computer's own copy */
	const emr_clock *clock;
	emr_backup_progress_fn progress; /* may be NULL */
	emr_backup_found_fn found;	 /* damage in the source, copied as it is */
	/* Making: the root of the version that a private part is of; false: it is no such part. May
	 * be NULL: then only what is pinned is looked for. */
	bool (*root_of)(emr_bytes part, emr_cid *out_root);
	/* Making: blocks of the version under ROOT are in no segment of the backup, or not whole;
	 * may be NULL. */
	void (*missing)(void *arg, const emr_cid *root);
	/* Making: paths, each with its NUL, of files of the backup that emr_backup_check found
	 * other than its list says; they are written again. NULL: none. */
	const emr_buf *rotten;
	/* Restoring: all but the segments is there; what it returns ends the work unless it is
	 * EMR_OK. May be NULL. */
	emr_status (*before_segments)(void *arg);
	void *arg;
} emr_backup_options;

typedef struct emr_backup_report {
	emr_id16 net_id;
	uint64_t records, entries, bytes, made_unix_s;
	uint64_t new_bytes;		   /* written this time */
	uint64_t ledger_bytes;		   /* of BYTES: the ledger */
	uint64_t damaged;		   /* places in what is new */
	uint64_t versions;		   /* that must be there: registered, or sent */
	uint64_t missing;		   /* roots that the backup does not have whole */
	uint64_t kept_segments;		   /* which this computer has lost, and the backup had */
	uint64_t rotten;		   /* small files that are damaged here; an earlier backup's
					      stay, or they are left out */
	uint64_t needed_bytes, free_bytes; /* also set with EMR_NO_SPACE */
	bool is_same_disk;		   /* as the state */
	bool is_of_network;    /* ledger and `records` are those of all members of a network */
	bool is_own_copy;      /* of the ledger, which cannot be read or is not believed here */
	bool is_mended;	       /* the ledger is damaged; what went into the backup is whole, but for
				  `damaged` */
	uint64_t here_unix_s;  /* of the newest entry here, with EMR_FORK, too */
	uint64_t there_unix_s; /* of the backup that was there before; 0: none */
} emr_backup_report;

/* Brings the backup in DIR up to date, or begins one.  Interrupted at any moment it leaves the
 * backup that was there, and goes on the next time where it was.  Before the list of the backup is
 * written, everything that the records need is looked for in it; missing pieces are told and
 * counted.  EMR_NOT_FOUND, EMR_NOT_DIRECTORY: DIR; EMR_BUSY: another process makes a backup there;
 * EMR_CONFLICT: DIR holds the backup of another network; EMR_FORK: one whose ledger is not the
 * beginning of the one here: another computer went on with it, or this one went back; EMR_DAMAGED:
 * its list cannot be read; EMR_NEWER_FORMAT; EMR_NO_SPACE, before anything is written when it can
 * be known; EMR_TIMEOUT: the ledger never held still; EMR_OFFLINE: neither the ledger nor this
 * computer's own verified copy of it is whole; EMR_MISSING_DATA: the state lacks a file that it
 * must have. */
emr_status emr_backup_make(const emr_backup_options *options, emr_backup_report *out_report);

/* The list of the backup in DIR.  EMR_NOT_FOUND: there is none. */
emr_status emr_backup_list(const char *dir, emr_backup_manifest *out_manifest);

/* Reads everything again: files against the list, blocks against their hashes, the ledger against a
 * replay of its rules (in a directory of its own below SCRATCH, removed after).  Each fault is told
 * to FOUND; EMR_DAMAGED when there were any. */
emr_status emr_backup_check(const char *dir, const char *scratch, const emr_backup_options *options,
	uint64_t *out_checked);

/* Writes the files of the backup in DIR into the empty directory STAGE_FD, private.  Damage is told
 * to FOUND and passed over: a damaged file is left out, but for segments and the ledger, of which
 * the rest is whole.  Ledger and descriptor are mended of the ledger's entries where these are
 * whole.  EMR_DAMAGED: the list, or the directory of the files. */
emr_status emr_backup_restore(const char *dir, int stage_fd, const emr_backup_options *options,
	emr_backup_manifest *out_manifest);
