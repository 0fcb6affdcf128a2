/* libfuse 3.14 drops two flags of the INIT reply that the kernel offers.  Without
 * HANDLE_KILLPRIV_V2 every write(2) costs a GETXATTR of security.capability; without
 * PARALLEL_DIROPS one lookup holds its whole directory.  This reads and writes /dev/fuse for
 * libfuse and adds them. */
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

ssize_t init_hook_read(int fd, void *data, size_t len, void *userdata);
ssize_t init_hook_writev(int fd, struct iovec *iov, int count, void *userdata);
/* Before a new session. */
void init_hook_reset(void);
