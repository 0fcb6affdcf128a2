/* The trace of a program's file operations, written by powercut_record and read by
 * powercut_replay. It is no lasting format: both ends are built together and share one machine.
 *
 * A trace is the 16 bytes of POWERCUT_MAGIC and then records, each a struct powercut_record
 * followed by path_bytes + path2_bytes + data_bytes bytes.  Paths are relative to the recorded
 * root, without a zero at the end; the root itself is the empty path.  A file or directory is known
 * by its inode number, which is unique among those that exist or are held open at one moment.
 */
#pragma once

#include <stdint.h>

#define POWERCUT_MAGIC "EMR-POWERCUT-01" /* and its zero: 16 bytes */

enum powercut_kind {
	PC_BASE_DIR = 1, /* what was there before the recording; durable */
	PC_BASE_FILE,
	PC_BASE_LINK, /* data: the link's text */
	PC_CREATE,    /* path, inode, mode */
	PC_MKDIR,
	PC_SYMLINK,	/* data: the link's text */
	PC_LINK,	/* path: old name, path2: new name */
	PC_RENAME,	/* path, path2; flags as of renameat2 */
	PC_UNLINK,	/* also of an empty directory */
	PC_WRITE,	/* inode, offset, data */
	PC_ZERO,	/* the same with length zero bytes and no data */
	PC_TRUNCATE,	/* inode, offset: the new size */
	PC_GROW,	/* inode, offset: the size is at least this (fallocate) */
	PC_CHMOD,	/* inode, mode; taken as durable at once */
	PC_SYNC_BEGIN,	/* inode (0: everything), id */
	PC_SYNC_END,	/* id: what was written before the begin is on disk */
	PC_MARK,	/* data: what the workload has been promised */
	PC_UNSUPPORTED, /* data: a call whose effect the recorder cannot know */
	PC_KINDS,
};

struct powercut_record {
	uint32_t kind;
	uint32_t mode; /* or flags */
	uint64_t inode, id, offset, length;
	uint32_t path_bytes, path2_bytes;
	uint64_t data_bytes;
};
