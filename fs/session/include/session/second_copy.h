/* What this computer remembers of the last backup: when it was made, and where.
 * It refuses to be more than a memory: a disk that was lost meanwhile is not noticed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

typedef struct emr_second_copy {
	bool is_known;
	uint64_t made_unix_s;
	uint64_t entries; /* of the ledger in it */
	char dir[4096];	  /* as people see it */
} emr_second_copy;

/* A note that is missing or cannot be read is none. */
void emr_second_copy_read(int state_fd, emr_second_copy *out_copy);
emr_status emr_second_copy_write(int state_fd, const emr_second_copy *copy);
/* That copy is not to be relied on. */
emr_status emr_second_copy_forget(int state_fd);
