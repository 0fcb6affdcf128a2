/* This tells whether a directory is a place for a network's ledger (local file system, rights),
 * and whose it is. */
#pragma once

#include <stdbool.h>

#include "base/status.h"

/* EMR_EXPOSED unless it is 0700 and ours, or 2770 without a sticky bit; *out_is_group says which.
 */
emr_status place_check_rights(int dirfd, bool *out_is_group);
