/* This file has what belongs to the embedded ledger's restarts, which lies in the directory of its
 * host: the restarts, and what members have said. While that host is in recovery, nobody reads or
 * writes the ledger past it. */
#include "embedded_private.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "ledger/restart.h"

#define HOST "../host"

emr_status embedded_check_recovery(const embedded *e)
{
	return faccessat(e->dirfd, HOST "/" EMR_RECOVERY, F_OK, 0) == 0 ? EMR_OFFLINE : EMR_OK;
}

/* Of the host's directory nothing else is for others: its key lies there. */
static bool is_for_others(const char *name)
{
	const size_t said = sizeof EMR_RESTART_SAID - 1;

	return strcmp(name, EMR_RESTARTS) == 0 || strcmp(name, EMR_WITNESSED) == 0 ||
	       (strncmp(name, EMR_RESTART_SAID, said) == 0 &&
		       strspn(name + said, "0123456789abcdef") == strlen(name + said));
}

emr_status embedded_ask(void *self, const char *what, emr_bytes body, emr_buf *out)
{
	embedded *e = self;
	EMR_AUTO_FD host = openat(e->dirfd, HOST, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const size_t kept = sizeof EMR_ASK_KEPT - 1;
	EMR_LOCKED(&e->read_lock);

	if (host >= 0 && body.len > 0 && strcmp(what, EMR_ASK_SAID) == 0) {
		EMR_TRY(embedded_check_recovery(e));
		return emr_restart_said_keep(host, e->reader, body);
	}
	return host >= 0 && body.len == 0 && strncmp(what, EMR_ASK_KEPT, kept) == 0 &&
			       is_for_others(what + kept)
		       ? emr_file_read(host, what + kept, EMR_RESTARTS_MAX, out)
		       : EMR_NOT_FOUND;
}
