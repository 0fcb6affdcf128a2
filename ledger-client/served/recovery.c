/* This file is a host that lost entries of its ledger: it notices that, also when it is started
 * again, takes them from its members (brought.c), hears the administrators, and then restarts
 * (ledger/restart.h). Meanwhile it takes no batch and signs no head. It waits where two of its own
 * heads lie on different chains, and for an administrator of each organisation. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/worker.h"
#include "ledger/backend.h"
#include "ledger/network.h"
#include "served_private.h"

/* Nobody restarts while members are still coming: so long after the last who brought something, or
 * while a head speaks of entries that nobody has brought. */
#define QUIET_NS INT64_C(20000000000)
#define LACKING_NS INT64_C(3600000000000)
#define PLACE_MAX 64

/* The ledger's file: its number, and when it was made, so that a copy in its place is another. */
static emr_status place_of(const emr_served *served, emr_buf *out)
{
	emr_writer w = emr_writer_of(out);
	struct statx st;

	if (statx(served->dirfd, EMR_NETWORK_LEDGER, AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME,
		    &st) != 0)
		return emr_status_from_errno(errno);
	emr_write_u64(&w, st.stx_ino);
	emr_write_u64(&w, (uint64_t)st.stx_btime.tv_sec); /* 0 where nobody knows */
	emr_write_u32(&w, st.stx_btime.tv_nsec);
	return w.status;
}

static emr_status keep_place(const emr_served *served)
{
	EMR_AUTO_BUF place = {0};

	EMR_TRY(place_of(served, &place));
	return emr_file_replace(served->host_dirfd, EMR_RESTART_PLACE, emr_buf_view(&place), 0600);
}

/* Also where it cannot be told: what is asked of members then costs a look. */
static bool is_elsewhere(const emr_served *served)
{
	EMR_AUTO_BUF kept = {0};
	EMR_AUTO_BUF now = {0};
	const emr_status status =
		emr_file_read(served->host_dirfd, EMR_RESTART_PLACE, PLACE_MAX, &kept);

	return status != EMR_NOT_FOUND &&
	       (status != EMR_OK || place_of(served, &now) != EMR_OK ||
		       !emr_bytes_equal(emr_buf_view(&kept), emr_buf_view(&now)));
}

emr_status served_is_open(const emr_served *served)
{
	return atomic_load(&served->is_recovering) ? EMR_OFFLINE : EMR_OK;
}

/* ---- beginning and end ---- */

/* The ledger goes on from what it has. */
static emr_status finish(emr_served *served)
{
	const emr_ledger_options options = {.path = served->path, .clock = served->clock};

	EMR_TRY(keep_place(served));
	if (served->ledger == NULL)
		EMR_TRY(emr_embedded_open(&options, &served->ledger));
	if (unlinkat(served->host_dirfd, EMR_RECOVERY, 0) != 0)
		return emr_status_from_errno(errno);
	(void)fsync(served->host_dirfd);
	served->lost.heads[0].size = 0;
	atomic_store(&served->is_recovering, false);
	emr_log(EMR_LOG_INFO, "host: it goes on");
	return EMR_OK;
}

static emr_status read_restarts(const emr_served *served, emr_buf *out)
{
	emr_status status = emr_file_read(served->host_dirfd, EMR_RESTARTS, EMR_RESTARTS_MAX, out);

	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* All that were; they are of one network. */
static emr_status look_at_restarts(emr_served *served)
{
	EMR_AUTO_FREE emr_restart *restart = malloc(sizeof *restart);
	EMR_AUTO_BUF all = {0};
	emr_reader r;

	EMR_TRY(restart != NULL ? read_restarts(served, &all) : EMR_NO_MEMORY);
	for (r = emr_reader_of(emr_buf_view(&all)); r.left > 0;) {
		EMR_TRY(emr_restart_read(&r, restart));
		EMR_TRY(emr_buf_append(&served->restarts, &restart->said, sizeof restart->said));
		served->net_id = restart->said.net_id;
		served->is_net_known = true;
	}
	return EMR_OK;
}

emr_status served_open_recovery(emr_served *served, uint64_t size)
{
	const emr_status kept = emr_recovery_read(served->host_dirfd, &served->lost);
	EMR_AUTO_BUF descriptor = {0};

	served->changed_ns = emr_clock_boot_ns(served->clock);
	served->net_id = served->lost.heads[0].net_id;
	served->is_net_known = emr_file_read(served->dirfd, EMR_NETWORK_DESCRIPTOR,
				       EMR_NETWORK_DESCRIPTOR_MAX, &descriptor) == EMR_OK;
	if (served->is_net_known)
		emr_descriptor_net_id(emr_span_of(emr_buf_view(&descriptor)), served->net_id.b);
	atomic_store(&served->is_recovering, kept == EMR_OK);
	if (kept == EMR_NOT_FOUND && size > 0 && !is_elsewhere(served))
		EMR_TRY(keep_place(served));
	else
		EMR_TRY(served_begin_recovery(served, size));
	return look_at_restarts(served);
}

/* ---- administrators, and the restart ---- */

static emr_status try_restart(emr_served *served, uint64_t size)
{
	EMR_AUTO_FREE emr_restart *r = calloc(1, sizeof *r);
	EMR_AUTO_BUF restarts = {0};

	EMR_TRY(r != NULL ? EMR_OK : EMR_NO_MEMORY);
	r->said = (emr_checkpoint){
		.net_id = served->net_id, .recovery = served->lost.id, .size = size};
	EMR_TRY(served_compare_kept(served, size, (emr_bytes){0}));
	EMR_TRY(emr_chain_root(served->rows, size, r->said.root));
	EMR_TRY(emr_restart_said_gather(served->host_dirfd, served->rows, r));
	EMR_TRY(r->n_heard > 0 ? emr_restart_check(r, served->rows) : EMR_AWAITED);
	EMR_TRY(served_sign(served, &r->said));
	EMR_TRY(read_restarts(served, &restarts));
	EMR_TRY(emr_restart_write(r, &restarts));
	EMR_TRY(restarts.len <= EMR_RESTARTS_MAX ? EMR_OK : EMR_LIMIT);
	EMR_TRY(emr_file_replace(served->host_dirfd, EMR_RESTARTS, emr_buf_view(&restarts), 0600));
	EMR_TRY(emr_buf_append(&served->restarts, &r->said, sizeof r->said));
	return finish(served);
}

void served_turn_recovery(emr_served *served)
{
	const int64_t now = emr_clock_boot_ns(served->clock);
	uint64_t size = 0;
	emr_status status;
	EMR_LOCKED(&served->rows_lock);

	status = emr_chain_size(served->rows, &size);
	if (!atomic_load(&served->is_recovering) || served->lost.is_split || size == 0 ||
		now - served->changed_ns <
			(served->lost.heads[0].size > size ? LACKING_NS : QUIET_NS))
		return;
	if (status == EMR_OK)
		status = try_restart(served, size);
	if (status != EMR_OK && status != EMR_AWAITED)
		emr_log(EMR_LOG_ERROR, "host: it cannot go on: %s", emr_status_text(status));
}

emr_status served_give_recovery(emr_served *served, emr_serve_call *call)
{
	emr_writer w = emr_writer_of(&call->out);
	uint64_t size = 0;
	EMR_LOCKED(&served->rows_lock);

	if (!atomic_load(&served->is_recovering))
		return EMR_NOT_FOUND;
	EMR_TRY(emr_chain_size(served->rows, &size));
	emr_write_bytes(&w, served->lost.id.b, sizeof served->lost.id.b);
	emr_write_u64(&w, size);
	return w.status;
}
