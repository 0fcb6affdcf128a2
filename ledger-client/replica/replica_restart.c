/* This file keeps the restarts of a ledger's host that this computer has seen, for good, and puts
 * the copy that was made after one in the place of the old one. It judges no restart. */
#include "replica_private.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/file.h"
#include "base/log.h"
#include "crypto/sum.h"
#include "ledger/backend.h"
#include "ledger/checkpoint.h"
#include "ledger/restart.h"

#define RECORD_BYTES (1 + 16 + 8 + 32 + 8)
#define FILE_MAX (EMR_REPLICA_RESTARTS_MAX * RECORD_BYTES + EMR_SUM_BYTES)

/* ---- the file: of each, oldest first, state, recovery, size, root and time; and a sum ---- */

static emr_status read_all(emr_bytes file, known_restarts *all)
{
	emr_reader r;

	if (!emr_sum_fits(file) || (file.len - EMR_SUM_BYTES) % RECORD_BYTES != 0)
		return EMR_DAMAGED;
	for (r = emr_reader_of(emr_bytes_of(file.data, file.len - EMR_SUM_BYTES)); r.left > 0;) {
		emr_known_restart *one = &all->list[all->n++];

		one->state = emr_read_u8(&r);
		emr_read_copy(&r, one->recovery.b, sizeof one->recovery.b);
		one->size = emr_read_u64(&r);
		emr_read_copy(&r, one->root, sizeof one->root);
		one->unix_s = emr_read_u64(&r);
	}
	return EMR_OK;
}

static emr_status write_all(emr_replica *r)
{
	const known_restarts *all = &r->heads.restarts;
	EMR_AUTO_BUF file = {0};
	emr_writer w = emr_writer_of(&file);

	for (const emr_known_restart *one = all->list; one < all->list + all->n; one++) {
		emr_write_u8(&w, one->state);
		emr_write_bytes(&w, one->recovery.b, sizeof one->recovery.b);
		emr_write_u64(&w, one->size);
		emr_write_bytes(&w, one->root, sizeof one->root);
		emr_write_u64(&w, one->unix_s);
	}
	EMR_TRY(w.status == EMR_OK ? emr_sum_append(&file) : w.status);
	return r->is_still
		       ? EMR_READ_ONLY
		       : emr_file_replace(r->dirfd, REPLICA_RESTARTS, emr_buf_view(&file), 0600);
}

/* One that cannot be read says nothing, and nothing is added to it: no entry goes on its ground. */
void replica_open_restarts(emr_replica *r)
{
	EMR_AUTO_BUF file = {0};
	emr_status status = emr_file_read(r->dirfd, REPLICA_RESTARTS, FILE_MAX, &file);

	if (status == EMR_NOT_FOUND)
		return;
	if (status == EMR_OK)
		status = read_all(emr_buf_view(&file), &r->heads.restarts);
	r->heads.restarts.is_bad = status != EMR_OK;
	if (status != EMR_OK)
		emr_log(EMR_LOG_ERROR, "replica: " REPLICA_RESTARTS ": %s",
			emr_status_text(status));
}

static emr_known_restart *newest(emr_replica *r)
{
	known_restarts *all = &r->heads.restarts;

	return all->n > 0 ? &all->list[all->n - 1] : NULL;
}

size_t emr_replica_restarts(emr_replica *replica, emr_known_restart *out, size_t max)
{
	const known_restarts *all = &replica->heads.restarts;
	EMR_LOCKED(&replica->write_lock);
	const size_t n = all->n < max ? all->n : max;

	memcpy(out, all->list + all->n - n, n * sizeof *out);
	return n;
}

bool emr_replica_restart_is_new(emr_replica *replica)
{
	EMR_LOCKED(&replica->write_lock);
	const bool is_new = replica->heads.restarts.is_new;

	replica->heads.restarts.is_new = false;
	return is_new;
}

emr_status replica_waits(emr_replica *r)
{
	const emr_known_restart *last = newest(r);

	return last != NULL && last->state == EMR_RESTART_WAITS ? EMR_OFFLINE : EMR_OK;
}

bool emr_replica_must_go_on(emr_replica *replica)
{
	EMR_LOCKED(&replica->write_lock);

	return replica_waits(replica) != EMR_OK;
}

emr_status replica_restart_is(emr_replica *r, emr_restart_state state)
{
	emr_known_restart *last = newest(r);

	last->state = (uint8_t)state;
	r->heads.restarts.is_new = true;
	return write_all(r);
}

/* ---- heads from before ---- */

bool replica_is_before_restart(const emr_replica *r, const emr_checkpoint *head)
{
	for (size_t i = 0; i < r->heads.restarts.n; i++) {
		const emr_known_restart *one = &r->heads.restarts.list[i];

		if (head->size > one->size && head->n_sigs == 1 &&
			head->sigs[0].time <= one->unix_s)
			return true;
	}
	return false;
}

void replica_reached(emr_replica *r, uint64_t size)
{
	if (r->heads.ahead == 0 || r->heads.ahead > size)
		return;
	r->heads.ahead = 0;
	if (!r->is_still && unlinkat(r->dirfd, REPLICA_AHEAD, 0) != 0)
		emr_log(EMR_LOG_WARN, "replica: " REPLICA_AHEAD " stays");
}

/* ---- the copy that was made after one ---- */

emr_status replica_fetch(
	void *replica, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *arg)
{
	const emr_replica *r = replica;

	EMR_TRY(emr_ledger_fetch(r->ledger, keys, n, fn, arg));
	/* The caller keeps what fits its item. */
	return r->heads.restarts.former != NULL
		       ? emr_chain_fetch(r->heads.restarts.former, keys, n, fn, arg)
		       : EMR_OK;
}

static bool is_moved(int from_fd, int to_fd, const char *name)
{
	return renameat(from_fd, name, to_fd, name) == 0 ||
	       faccessat(from_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0;
}

/* Each step is one that may be done already.  Its mark comes last: an older copy than the mark is
 * made again, a newer one is not. */
void replica_take_next(emr_replica *r)
{
	const emr_known_restart *last = newest(r);
	EMR_AUTO_FD fd = -1;

	if (last == NULL || last->state != EMR_RESTART_MADE || r->is_still)
		return;
	fd = openat(r->dirfd, REPLICA_NEXT, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && faccessat(fd, REPLICA_DB, F_OK, 0) == 0) {
		(void)unlinkat(r->dirfd, REPLICA_DB "-wal", 0);
		(void)unlinkat(r->dirfd, REPLICA_DB "-shm", 0);
	}
	if (fd < 0 || !is_moved(fd, r->dirfd, REPLICA_DB) ||
		!is_moved(fd, r->dirfd, "replica.hw")) {
		emr_log(EMR_LOG_ERROR, "replica: the new copy could not be moved");
		return;
	}
	(void)unlinkat(r->dirfd, REPLICA_REBUILD, 0);
	(void)unlinkat(fd, REPLICA_LOCK, 0);
	if (replica_restart_is(r, EMR_RESTART_FITS) == EMR_OK)
		(void)unlinkat(r->dirfd, REPLICA_NEXT, AT_REMOVEDIR);
}

bool replica_is_lacking(emr_replica *r)
{
	EMR_AUTO_BUF keys = {0};
	emr_status status = emr_file_read(r->dirfd, REPLICA_LACKING, (size_t)1 << 24, &keys);
	emr_row_head head;

	if (status != EMR_OK || keys.len % sizeof(emr_key_text) != 0)
		return status != EMR_NOT_FOUND;
	EMR_EACH (emr_key_text, key, &keys) {
		EMR_AUTO_BUF row = {0};

		key->text[sizeof key->text - 1] = 0;
		/* One that is nowhere went with what it took back. */
		if (emr_chain_row(r->writer, key->text, &row, NULL, NULL) != EMR_NOT_FOUND &&
			(emr_row_head_parse(view_of(&row), &head) != EMR_CONTRACT_OK ||
				head.state == EMR_STATE_PRESENT))
			return true;
	}
	return false;
}
