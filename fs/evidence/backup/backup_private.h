/* This is the inside of backup: the directory that holds one, and the moment of a state that is
 * copied. */
#pragma once

#include <sodium.h>

#include "backup/backup.h"
#include "base/file.h"
#include "ledger/copy.h"
#include "store/block_store.h"

#define DATA_DIRECTORY "emrfs-data"
#define DATA_LOCK "lock"
#define DATA_PARTIAL "partial"
#define DATA_WHOLE "whole"
#define DATA_LIST "list" /* the list once more: rot in one of the two costs nothing */
#define COPY_BYTES ((size_t)1 << 20)
#define SMALL_MAX ((size_t)1 << 20) /* of files that are read in one piece */

/* ---- target.c: the directory of a backup, open for writing ---- */

typedef struct backup_target {
	int dir_fd, data_fd, lock_fd; /* -1 = not open */
	bool has_old, has_partial;
	emr_backup_manifest old;	    /* of the last whole backup */
	emr_backup_manifest partial;	    /* of one that was interrupted */
	emr_backup_manifest made;	    /* of the one being made */
	emr_backup_manifest strangers;	    /* in a list, but the source does not continue them */
	uint64_t new_bytes, unlisted_bytes; /* written since the partial list was */
	uint64_t done, total;
	uint64_t kept_segments; /* of the last backup, which the source has no more */
	uint8_t *buffer;	/* COPY_BYTES */
	const emr_backup_options *options;
} backup_target;

emr_status target_open(backup_target *t, const emr_backup_options *options);
void target_close(backup_target *t);
/* A small file beside those that are listed, replaced in one step. */
emr_status target_replace(const backup_target *t, const char *name, emr_bytes bytes);
/* A whole file from memory. */
emr_status target_put(backup_target *t, const char *path, emr_bytes bytes);
/* The small file that the last backup has of PATH, if that is whole; else none. */
emr_status target_keep(backup_target *t, const char *path, bool *out_is_kept);
/* PATH's bytes in the target are not what the list says of them, as the options say: they are not
 * gone on with. */
bool target_distrusts(const backup_target *t, const char *path);
/* A whole file, copied to its end as it is now. */
emr_status target_put_fd(backup_target *t, const char *path, int fd);
/* The ledger; takes the file of that name in the data directory. */
emr_status target_take(backup_target *t, const char *path, const char *temporary);
/* The first END bytes of a segment; goes on where an earlier backup stopped. */
emr_status target_put_segment(backup_target *t, const char *path, int fd, uint64_t end);
/* The earlier copy of PATH that may be continued, or NULL. */
const emr_backup_file *target_known(const backup_target *t, const char *path, uint64_t end);
/* How far PATH was scanned for an earlier backup: the end of a section.  (A partial list stops
 * anywhere.) */
uint64_t target_scanned(const backup_target *t, const char *path, uint64_t end);
/* Nothing that was copied meanwhile is gone on with after an interruption: the copies change. */
emr_status target_drop_partial(backup_target *t);
/* The list of what was made, in one step; then what no list names any more goes. */
emr_status target_finish(backup_target *t);
/* A name of our own for a file that becomes another one. */
void target_temporary(char out[64]);

/* ---- moment.c: what a state holds at one moment ---- */

typedef struct moment_segment {
	char path[EMR_BACKUP_PATH_BYTES];
	emr_id16 writer;
	uint64_t number, end;
	int fd;	      /* -1: the target has all of it */
	bool is_last; /* of its writer: may still grow */
} moment_segment;

typedef struct moment {
	const emr_backup_options *options;
	backup_target *target;
	int blocks_fd;
	emr_ledger_copy *ledger;
	bool is_own_copy; /* the ledger cannot be read, or is not believed: what was verified of it
			   */
	bool is_mended;	  /* the ledger is damaged; what is whole in one of both is put together */
	uint64_t missing; /* private parts of it that are whole in neither */
	emr_ledger_copy_facts facts;
	moment_segment *segments;
	size_t n, capacity;
	bool is_shared;	 /* the blocks are those of several members */
	emr_id16 device; /* then: whose backup it is */
	emr_buf pins;	 /* then, of emr_pin: his, as the store's index has them */
	emr_buf rotten;	 /* of moment_rotten */
} moment;

/* A small file that is not whole in the state. */
typedef struct moment_rotten {
	char path[EMR_BACKUP_PATH_BYTES];
	bool is_kept; /* the target has an earlier one, which stays */
} moment_rotten;

/* Fills in the two above. */
emr_status moment_is_shared(moment *m);
/* Drops segments that are no affair of this member's.  EMR_NOT_FOUND: look again. */
emr_status moment_keep_needed(moment *m);

/* Small files are in the target afterwards, segments are open, the ledger is held. */
emr_status moment_take(moment *m, backup_target *target, const emr_backup_options *options);
void moment_end(moment *m);

/* Tells them. */
void moment_tell_rotten(const moment *m, emr_backup_report *report);

/* ---- annex.c ---- */

/* state/annex, if there is one. A file that cannot be read is told and left out. */
emr_status backup_put_annex(backup_target *t, emr_backup_report *report);

/* ---- blocks.c ---- */

/* After everything was copied: what the records of M need is looked for in the target. A block that
 * is not there, or not whole, is told to `missing`; the part that an earlier backup has of it stays
 * in this one. */
emr_status backup_check_blocks(backup_target *t, moment *m, emr_backup_report *report);

/* ---- read.c ---- */

/* SHA-256 of the first BYTES of FD: EMR_DAMAGED when there are not so many. */
emr_status backup_hash(int fd, uint64_t bytes, uint8_t *buffer, uint8_t out_sha256[32]);
emr_status backup_list_in(int dir_fd, const char *name, emr_backup_manifest *out_manifest);
/* The list of the backup in DIR_FD, from whichever of its two places has it whole. */
emr_status backup_list_of(int dir_fd, emr_backup_manifest *out_manifest);
/* Whether FILE, a small one of the state, is as it was written, as far as that can be told without
 * a key: what an earlier program wrote may have no sum. */
bool backup_is_whole(const char *path, emr_bytes file);
/* Whose blocks the state's are, from its file `device`.  EMR_NOT_FOUND; EMR_DAMAGED. */
emr_status backup_device(int state_fd, emr_id16 *out_device);
void backup_progress(const emr_backup_options *options, uint64_t done, uint64_t total);
void backup_found(const emr_backup_options *options, const char *path, const char *what);
