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

emr_status embedded_ask(void *self, const char *what, emr_bytes body, emr_buf *out)
{
	embedded *e = self;
	EMR_AUTO_FD host = openat(e->dirfd, HOST, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[EMR_RESTART_SAID_NAME_BYTES] = EMR_RESTARTS;
	emr_id32 signer;
	EMR_LOCKED(&e->read_lock);

	if (host < 0)
		return EMR_NOT_FOUND;
	if (body.len > 0)
		return strcmp(what, EMR_ASK_SAID) == 0
			       ? emr_restart_said_keep(host, e->reader, body)
			       : EMR_UNSUPPORTED;
	if (strcmp(what, EMR_ASK_RESTARTS) != 0) {
		if (strncmp(what, EMR_ASK_SAID "/", sizeof EMR_ASK_SAID) != 0 ||
			emr_unhex(what + sizeof EMR_ASK_SAID, signer.b, sizeof signer.b) != EMR_OK)
			return EMR_NOT_FOUND;
		emr_restart_said_name(&signer, name);
	}
	return emr_file_read(host, name, EMR_RESTARTS_MAX, out);
}
