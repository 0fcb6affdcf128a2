/* These functions say how much of the storage that an account may use on a disk is used. They
 * refuse to guess: where the file system does not tell, nothing is known. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

typedef struct emr_quota {
	uint64_t used, limit;
	bool is_files; /* numbers of files, not bytes */
} emr_quota;

/* Of the limits that hold for who calls this in DIRECTORY (a user's, a group's, a project's; bytes
 * or files) the one that is used up most.  EMR_NOT_FOUND: none is known. */
emr_status emr_quota_of(const char *directory, emr_quota *out);
