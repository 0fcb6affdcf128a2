/* This file keeps the restarts of a ledger's host that this computer has seen, for good, and judges
 * a new one: whether it may take entries away from the copy. It cuts nothing itself. */
#include "replica_private.h"

#include <stdlib.h>
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

/* ---- a new one ---- */

typedef struct asking {
	emr_replica *r;
	uint64_t size, ledger_size;
	bool differs;	/* the host shows other entries than the copy has, or fewer */
	bool is_short;	/* the copy does not reach one of them yet, and the ledger does */
	bool has_taken; /* one that explains that */
} asking;

/* No entry goes that came after somebody was heard, or after the restart itself: that would be cut
 * out of what the host had taken since. */
static emr_status is_older_than_all(const asking *a, const emr_restart *restart, bool *out_is)
{
	uint64_t first = restart->said.sigs[0].time, time = 0;

	for (size_t i = 0; i < restart->n_heard; i++)
		if (restart->heard[i].sigs[0].time < first)
			first = restart->heard[i].sigs[0].time;
	*out_is = true;
	for (uint64_t seq = restart->said.size; seq < a->size && *out_is; seq++) {
		EMR_TRY(emr_chain_time(a->r->writer, seq, &time));
		*out_is = time <= first;
	}
	return EMR_OK;
}

static bool is_known(const emr_replica *r, const emr_restart *restart)
{
	for (size_t i = 0; i < r->heads.restarts.n; i++)
		if (emr_id16_equal(r->heads.restarts.list[i].recovery, restart->said.recovery))
			return true;
	return false;
}

static emr_status judge(asking *a, const emr_restart *restart, bool *out_is_good)
{
	emr_status status = emr_ledger_knows(a->r->ledger, &restart->said);

	if (status == EMR_OK ||
		status == EMR_UNSUPPORTED) /* in its own directory it signs nothing */
		status = emr_restart_check(restart, a->r->writer);
	*out_is_good = status == EMR_OK;
	if (status == EMR_ROLLBACK)
		a->is_short = a->is_short || restart->said.size <= a->ledger_size;
	if (status == EMR_OK && a->differs)
		return is_older_than_all(a, restart, out_is_good);
	if (status == EMR_OK || status == EMR_ROLLBACK)
		return EMR_OK;
	emr_log(EMR_LOG_WARN, "replica: a restart of the host is not believed: %s",
		emr_status_text(status));
	return status == EMR_DAMAGED || status == EMR_FORK || status == EMR_BAD_SIGNATURE ||
			       status == EMR_AWAITED
		       ? EMR_OK
		       : status;
}

static emr_status take_one(asking *a, const emr_restart *restart)
{
	const bool takes_away = a->differs && a->size > restart->said.size;
	known_restarts *all = &a->r->heads.restarts;
	emr_known_restart *at = &all->list[all->n];
	bool is_good = false;

	if (!is_known(a->r, restart))
		EMR_TRY(judge(a, restart, &is_good));
	if (!is_good)
		return EMR_OK;
	if (all->n == EMR_REPLICA_RESTARTS_MAX)
		return EMR_LIMIT;
	*at = (emr_known_restart){.recovery = restart->said.recovery,
		.size = restart->said.size,
		.unix_s = restart->said.sigs[0].time};
	memcpy(at->root, restart->said.root, sizeof at->root);
	all->n++;
	a->has_taken = takes_away;
	emr_log(EMR_LOG_WARN, "ledger: its host went on with %llu entries after some were lost",
		(unsigned long long)restart->said.size);
	return replica_restart_is(a->r, takes_away ? EMR_RESTART_WAITS : EMR_RESTART_FITS);
}

static void drop_ahead(emr_replica *r)
{
	EMR_AUTO_BUF note = {0};
	emr_checkpoint head;

	if (r->heads.ahead > 0 &&
		emr_file_read(r->dirfd, REPLICA_AHEAD, EMR_CHECKPOINT_MAX, &note) == EMR_OK &&
		emr_checkpoint_parse(emr_buf_view(&note), &head) == EMR_OK &&
		replica_is_before_restart(r, &head))
		replica_reached(r, r->heads.ahead);
}

/* One that the copy does not reach can say nothing yet, but that what the host had signed for
 * others is not waited for (replica_follow.c).  One behind what is gone fits the new copy. */
static emr_status ask(asking *a)
{
	known_restarts *all = &a->r->heads.restarts;
	EMR_AUTO_FREE emr_restart *restart = malloc(sizeof *restart);
	EMR_AUTO_BUF bytes = {0};
	emr_reader r;
	emr_status status = restart == NULL ? EMR_NO_MEMORY
			    : all->is_bad || a->r->is_still
				    ? EMR_UNSUPPORTED
				    : emr_ledger_ask(a->r->ledger, EMR_ASK_KEPT EMR_RESTARTS,
					      (emr_bytes){0}, &bytes);

	for (r = emr_reader_of(emr_buf_view(&bytes));
		status == EMR_OK && r.left > 0 && !a->has_taken;) {
		status = emr_restart_read(&r, restart);
		if (status == EMR_OK)
			status = take_one(a, restart);
	}
	all->is_short = a->is_short;
	drop_ahead(a->r);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

emr_status replica_excuse(emr_replica *r, uint64_t size, uint64_t ledger_size, emr_status why,
	emr_ledger_trouble *io_trouble)
{
	asking a = {.r = r,
		.size = size,
		.ledger_size = ledger_size,
		.differs = why == EMR_FORK || ledger_size < size};
	emr_status status;

	if (why != EMR_OK)
		r->heads.restarts.is_asked = false;
	if ((why != EMR_ROLLBACK && why != EMR_FORK) || r->heads.is_forked ||
		size < r->mark.frontier.size)
		return why;
	status = ask(&a);
	if (status != EMR_OK || (a.differs ? !a.has_taken : r->heads.ahead > 0 && !a.is_short)) {
		/* A host that does not know yet that it is short is told. */
		if (why != EMR_ROLLBACK || !replica_begin_bringing(r))
			return why;
		a.differs = true;
	}
	*io_trouble = (emr_ledger_trouble){.status = EMR_OK};
	return a.differs ? EMR_OFFLINE : EMR_OK;
}

void replica_ask_restarts(emr_replica *r, uint64_t size, uint64_t ledger_size)
{
	asking a = {.r = r, .size = size, .ledger_size = ledger_size};

	if (!r->heads.restarts.is_asked && size >= ledger_size)
		r->heads.restarts.is_asked = ask(&a) != EMR_OFFLINE;
}
