/* This file has what belongs to the embedded ledger's restarts, which lies in the directory of its
 * host: the restarts, and what members have said that they are done with. While that host is in
 * recovery, nobody reads or writes the ledger past it. */
#include "embedded_private.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "ledger/checkpoint.h"
#include "ledger/restart.h"

#define HOST "../host"
#define DONE HOST "/done" /* a directory, of a note a signer */

emr_status embedded_check_recovery(const embedded *e)
{
	return faccessat(e->dirfd, HOST "/" EMR_RESTART_RECOVERY, F_OK, 0) == 0 ? EMR_OFFLINE
										: EMR_OK;
}

emr_status embedded_restarts(void *self, emr_restart_fn fn, void *arg)
{
	const embedded *e = self;
	EMR_AUTO_BUF all = {0};
	emr_status status = emr_file_read(e->dirfd, HOST "/" EMR_RESTARTS, EMR_RESTARTS_MAX, &all);

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	return emr_restart_each(emr_buf_view(&all), fn, arg);
}

static emr_status open_done(const embedded *e, int *out_fd)
{
	*out_fd = openat(e->dirfd, DONE, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return *out_fd >= 0 ? EMR_OK : emr_status_from_errno(errno);
}

emr_status embedded_say_done(void *self, emr_bytes note)
{
	embedded *e = self;
	EMR_AUTO_FD done = -1;
	emr_checkpoint said;
	emr_row_key row;
	emr_id32 signer;
	char name[65];
	emr_status status;

	EMR_TRY(emr_checkpoint_parse_kind(note, EMR_CHECKPOINT_DONE, &said));
	if (memcmp(said.net_id.b, e->net_id, sizeof e->net_id) != 0)
		return EMR_INVALID;
	(void)pthread_mutex_lock(&e->read_lock);
	status = emr_restart_signer(&said, e->reader, &signer, &row);
	(void)pthread_mutex_unlock(&e->read_lock);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_DENIED : status;
	EMR_TRY(emr_dir_make(e->dirfd, DONE));
	EMR_TRY(open_done(e, &done));
	emr_hex(signer.b, sizeof signer.b, name);
	return emr_file_replace(done, name, note, 0600);
}

emr_status embedded_done_of(void *self, emr_id32 signer, emr_buf *out_note)
{
	EMR_AUTO_FD done = -1;
	char name[65];

	EMR_TRY(open_done(self, &done));
	emr_hex(signer.b, sizeof signer.b, name);
	return emr_file_read(done, name, EMR_CHECKPOINT_MAX, out_note);
}
