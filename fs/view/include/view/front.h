/* The front of an open folder (FUSE) offers these calls to the modules behind it,
 * which do not know who answers them. It is NULL where nothing is mounted. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Any thread, except where said.  Lives as long as the process. */
typedef struct emr_front {
	/* Waits until the kernel was told of every change so far, two seconds at most.  Not from a
	 * request of the kernel. */
	void (*await_changes)(void);
	/* Nanoseconds of CLOCK_BOOTTIME of the last request; 0 before the first. */
	int64_t (*last_request_boot_ns)(void);
	/* The name of a KIND of request, below request_kinds, and how often it came; NULL for a
	 * number that is no kind. */
	const char *(*request)(size_t kind, uint64_t *out_count);
	size_t request_kinds;
	/* Ends the mount soon, whatever programs hold open. */
	void (*stop)(void);
} emr_front;
