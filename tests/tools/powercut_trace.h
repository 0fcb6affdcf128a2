/*
 * The writing side of a power-cut trace, inside the recorded process.
 * It refuses to guess: a call it cannot describe is recorded as unsupported and fails the replay.
 *
 * Between powercut_enter and powercut_leave the caller has the trace to itself, among all threads
 * and all recorded processes; operations done in between are recorded in the order they happened.
 */
#pragma once

#include "powercut_format.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* False when recording is off (EMR_POWERCUT_TRACE or EMR_POWERCUT_ROOT is not set). */
bool powercut_enter(void);
void powercut_leave(void);

/* True when FD is a file or directory below the root, open or already unlinked. */
bool powercut_is_ours(int fd);

/* True when FD is the file named by EMR_POWERCUT_MARK. */
bool powercut_is_mark(int fd);

/* Finds where (DIRFD, PATH) lies below the root; the last component is not followed. */
bool powercut_below(int dirfd, const char *path, char out_relative[PATH_MAX]);

/* The same for an open file: its own name, whatever links led to it. */
bool powercut_name_of(int fd, char out_relative[PATH_MAX]);

uint64_t powercut_inode_of(int fd);

/* Appends one record.  RECORD's byte counts are filled in here; any of the texts may be NULL. */
void powercut_put(struct powercut_record record, const char *path, const char *path2,
	const void *data, size_t data_bytes);

/* Records CALL on PATH as one whose effect is not known; the trace cannot be replayed then. */
void powercut_unsupported(const char *call, const char *path);

/* An id no other flush of any process has. */
uint64_t powercut_new_id(void);
