/* Takes from the calling process all that reading a file does not need.  It refuses to go on where
 * one step of it failed. */
#pragma once

#include "base/status.h"

#define SANDBOX_MEMORY_BYTES ((uint64_t)512 << 20) /* of addresses, libraries included */
#define SANDBOX_PROCESSOR_S 600			   /* of the process, over all its files */

/* From here on the process can read and write descriptors that it has or is sent, and get memory.
 * Any other system call ends it (SIGSYS): no file is opened, nothing connects, no program or thread
 * starts, no other process is seen.  Descriptors above LAST_FD are closed.  EMR_UNSUPPORTED: not on
 * this processor. */
emr_status sandbox_enter(unsigned last_fd);
