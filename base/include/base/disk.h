/* This says whether two open directories lie on one disk, as far as this computer can tell: on
 * one file system, or on file systems whose block devices end at one disk (partitions, volumes,
 * loop devices over a file). It cannot know what lies behind a device: virtual disks of one
 * host, volumes of one array, a server's or a program's (FUSE) directory that is on this disk
 * after all. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/status.h"

bool emr_disk_is_same(int fd, int other_fd);

/* Whether the file system of FD takes nothing: it is mounted read-only, or emr_disk_give_up was
 * called for it.  Then nobody here asks it for a write. */
bool emr_disk_takes_nothing(int fd);
/* It refused a write when it was asked for the first: this process asks it for no other. */
void emr_disk_give_up(int fd);
/* A database that is read without locks, and the log beside it, when it was opened. */
typedef struct emr_disk_seen {
	bool is_locked; /* with locks, and so a writer of it waits for its readers */
	bool has_log;
	struct stat file, log;
} emr_disk_seen;

/* PATH, an SQLite database on a disk that takes nothing, as the URI by which it can be read, with
 * what a process that was killed left in the log beside it, and without making a file.
 * *OUT_IS_ALONE: there can be no locks, and each connection begins with PRAGMA
 * locking_mode=EXCLUSIVE.  EMR_LIMIT. */
emr_status emr_disk_database(
	const char *path, char *out_uri, size_t size, bool *out_is_alone, emr_disk_seen *out_seen);
/* Somebody for whom that disk does take changes wrote to PATH since.  A connection that was opened
 * before that reads of both states, and its answers count for nothing. */
bool emr_disk_database_changed(const char *path, const emr_disk_seen *seen);
