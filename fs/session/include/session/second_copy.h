/* These functions keep what this computer remembers of its backups: where each is, on which disk,
 * and when it was made. It is a memory and no proof: a disk that was lost meanwhile is not
 * noticed; a backup that was deleted from a disk that is there is. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define EMR_SECOND_COPIES_MAX 16

typedef struct emr_second_copy {
	bool is_known;
	bool is_gone;	   /* its disk is there, and it is not */
	bool is_same_disk; /* as the records, as far as emr_disk_is_same can tell */
	uint64_t made_unix_s;
	uint64_t entries; /* of the ledger in it */
	uint64_t disk;	  /* the file system's id; 0 = not known */
	char dir[4096];	  /* as people see it */
} emr_second_copy;

/* Every one that is remembered, the newest first; at most MAX.  A note that is missing or cannot be
 * read is none. */
size_t emr_second_copies_read(int state_fd, emr_second_copy *out_copies, size_t max);
/* The newest one that is not seen to be gone, nor on the disk of the records: what may be called a
 * second copy. */
void emr_second_copy_read(int state_fd, emr_second_copy *out_copy);
/* Takes the place of what was remembered of the same directory on the same disk; of more than
 * EMR_SECOND_COPIES_MAX the oldest is forgotten. */
emr_status emr_second_copy_write(int state_fd, const emr_second_copy *copy);
/* The files in DIR are not to be relied on. */
emr_status emr_second_copy_forget(int state_fd, const char *dir);
