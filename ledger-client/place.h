/* This tells whether a directory is a place for a network's ledger: nobody but its owner may enter
 * it. */
#pragma once

#include "base/status.h"

/* EMR_EXPOSED unless it is 0700 and ours. */
emr_status place_check_rights(int dirfd);
