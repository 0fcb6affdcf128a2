/* The kernel can do more than the library libfuse asks it for. This file changes the first
 * exchange with the kernel, so that a write costs no extra question about set-id bits and names
 * of one directory are looked up in parallel. */
#include "session.h"

#include <linux/fuse.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#ifndef FUSE_HANDLE_KILLPRIV_V2
#define FUSE_HANDLE_KILLPRIV_V2 (1 << 28)
#endif

#define WANTED (FUSE_HANDLE_KILLPRIV_V2 | FUSE_PARALLEL_DIROPS)

/* INIT is the first request and answered before any other: no thread races it. */
static uint32_t offered;
static uint64_t init_unique;
static bool is_done;

void init_hook_reset(void)
{
	requests_reset();
	offered = 0;
	init_unique = 0;
	is_done = false;
}

ssize_t init_hook_read(int fd, void *data, size_t len, void *userdata)
{
	struct fuse_in_header header;
	struct fuse_init_in init;
	ssize_t got = read(fd, data, len);

	(void)userdata;
	if (got < (ssize_t)sizeof header)
		return got;
	memcpy(&header, data, sizeof header);
	requests_note(header.opcode);
	if (__atomic_load_n(&is_done, __ATOMIC_ACQUIRE))
		return got;
	if (header.opcode != FUSE_INIT || (size_t)got < sizeof header + 16)
		return got;
	memcpy(&init, (const char *)data + sizeof header, 16);
	offered = init.flags;
	__atomic_store_n(
		&init_unique, header.unique, __ATOMIC_RELEASE); /* after what was offered */
	return got;
}

static void add_flags(struct iovec *iov)
{
	uint32_t flags;
	char *at = (char *)iov->iov_base + offsetof(struct fuse_init_out, flags);

	memcpy(&flags, at, sizeof flags);
	flags |= offered & WANTED;
	memcpy(at, &flags, sizeof flags);
}

ssize_t init_hook_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	struct fuse_out_header header;

	(void)userdata;
	if (!__atomic_load_n(&is_done, __ATOMIC_ACQUIRE) && count >= 2 &&
		iov[0].iov_len == sizeof header) {
		memcpy(&header, iov[0].iov_base, sizeof header);
		/* A notification, which may come first, has no number of a request and a code for
		 * an error. */
		if (header.unique == __atomic_load_n(&init_unique, __ATOMIC_ACQUIRE) &&
			header.error == 0 &&
			iov[1].iov_len >= offsetof(struct fuse_init_out, flags) + 4) {
			add_flags(&iov[1]);
			__atomic_store_n(&is_done, true, __ATOMIC_RELEASE);
		}
	}
	return writev(fd, iov, count);
}
