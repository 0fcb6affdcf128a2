/* This file counts how often the kernel asked for what, at the place where requests come in, so
 * that none is missed. */
#include "session.h"

#include <linux/fuse.h>

static const char *const names[REQUEST_KINDS] = {
	[FUSE_LOOKUP] = "lookup",
	[FUSE_FORGET] = "forget",
	[FUSE_GETATTR] = "getattr",
	[FUSE_SETATTR] = "setattr",
	[FUSE_READLINK] = "readlink",
	[FUSE_SYMLINK] = "symlink",
	[FUSE_MKNOD] = "mknod",
	[FUSE_MKDIR] = "mkdir",
	[FUSE_UNLINK] = "unlink",
	[FUSE_RMDIR] = "rmdir",
	[FUSE_RENAME] = "rename",
	[FUSE_LINK] = "link",
	[FUSE_OPEN] = "open",
	[FUSE_READ] = "read",
	[FUSE_WRITE] = "write",
	[FUSE_STATFS] = "statfs",
	[FUSE_RELEASE] = "release",
	[FUSE_FSYNC] = "fsync",
	[FUSE_SETXATTR] = "setxattr",
	[FUSE_GETXATTR] = "getxattr",
	[FUSE_LISTXATTR] = "listxattr",
	[FUSE_REMOVEXATTR] = "removexattr",
	[FUSE_FLUSH] = "flush",
	[FUSE_OPENDIR] = "opendir",
	[FUSE_READDIR] = "readdir",
	[FUSE_RELEASEDIR] = "releasedir",
	[FUSE_FSYNCDIR] = "fsyncdir",
	[FUSE_ACCESS] = "access",
	[FUSE_CREATE] = "create",
	[FUSE_INTERRUPT] = "interrupt",
	[FUSE_IOCTL] = "ioctl",
	[FUSE_POLL] = "poll",
	[FUSE_BATCH_FORGET] = "batch_forget",
	[FUSE_FALLOCATE] = "fallocate",
	[FUSE_READDIRPLUS] = "readdirplus",
	[FUSE_RENAME2] = "rename2",
	[FUSE_LSEEK] = "lseek",
	[FUSE_COPY_FILE_RANGE] = "copy_file_range",
};

static uint64_t counts[REQUEST_KINDS]; /* atomic */

void requests_note(uint32_t opcode)
{
	if (opcode < REQUEST_KINDS)
		__atomic_add_fetch(&counts[opcode], 1, __ATOMIC_RELAXED);
}

void requests_reset(void)
{
	for (size_t i = 0; i < REQUEST_KINDS; i++)
		__atomic_store_n(&counts[i], 0, __ATOMIC_RELAXED);
}

const char *requests_count(size_t kind, uint64_t *out_count)
{
	if (kind >= REQUEST_KINDS || names[kind] == NULL)
		return NULL;
	*out_count = __atomic_load_n(&counts[kind], __ATOMIC_RELAXED);
	return names[kind];
}
