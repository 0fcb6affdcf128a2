/* A helper program uses these functions: they take all rights away that reading a file does not
 * need, and speak with the program that started it. It refuses to go on where one step of that
 * failed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/status.h"

#define EMR_INSIDE_FD 3 /* the helper's end of the socket */

/* The first word of a helper, before any other message. */
typedef struct emr_inside_ready {
	uint32_t magic;
	uint32_t version;
} emr_inside_ready;
#define EMR_INSIDE_MAGIC UINT32_C(0x454d4832)

/* From here on the process can read and write descriptors that it has or is sent, get memory (at
 * most MEMORY_BYTES of addresses, libraries included) and random numbers, for PROCESSOR_S in all.
 * Any other system call ends it (SIGSYS): no file is opened, nothing connects, no program or thread
 * starts, no other process is seen.  Descriptors above EMR_INSIDE_FD are closed.  EMR_UNSUPPORTED:
 * not on this processor. */
emr_status emr_sandbox_enter(uint64_t memory_bytes, unsigned processor_s);
/* The same at the beginning of a program, which ends where that is not possible, or where IS_ASKED
 * is false: somebody typed its name. */
void emr_inside_begin(bool is_asked, uint64_t memory_bytes, unsigned processor_s);

/* False: the caller is gone. */
bool emr_inside_tell(const void *message, size_t size);
bool emr_inside_ready_tell(uint32_t version);
/* One message of at most SIZE bytes with exactly FD_COUNT descriptors (at most two), which the
 * helper closes.  False: the caller is gone, or speaks otherwise. */
bool emr_inside_hear(void *out, size_t size, size_t *out_size, int *out_fds, size_t fd_count);
