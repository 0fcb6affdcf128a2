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

#define MAGIC "EMRR"
#define VERSION 1
#define HEAD_BYTES 8
#define TAIL_BYTES (1 + 1 + 4 + 4 + EMR_SUM_BYTES)
#define FILE_MAX (HEAD_BYTES + EMR_RESTARTS_MAX + TAIL_BYTES)
#define IS_TOLD 1u
#define IS_SAID 2u

/* ---- the file ---- */

/* One more; an emr_restart_fn.  What became of it nobody asks when there is a newer one. */
static emr_status add(void *arg, emr_bytes bytes)
{
	known_restarts *all = arg;
	EMR_AUTO_FREE emr_restart *restart = malloc(sizeof *restart);
	emr_known_restart *at = &all->list[all->n];

	EMR_TRY(restart != NULL ? emr_restart_parse(bytes, restart) : EMR_NO_MEMORY);
	if (all->n == EMR_REPLICA_RESTARTS_MAX || all->bytes.len + bytes.len > EMR_RESTARTS_MAX)
		return EMR_LIMIT;
	*at = (emr_known_restart){.recovery = restart->recovery,
		.size = restart->size,
		.unix_s = restart->time,
		.heard = (uint32_t)restart->n_heard,
		.state = EMR_RESTART_FITS};
	memcpy(at->root, restart->root, sizeof at->root);
	all->n++;
	return emr_buf_append(&all->bytes, bytes.data, bytes.len);
}

static emr_status read_all(emr_bytes file, known_restarts *all)
{
	emr_reader r = emr_reader_of(file);
	emr_known_restart *last;
	uint8_t flags;

	if (!emr_sum_fits(file) || file.len < HEAD_BYTES + TAIL_BYTES)
		return EMR_DAMAGED;
	emr_read_magic(&r, MAGIC);
	if (!r.bad && r.at[0] > VERSION)
		return emr_newer_format(r.at[0], VERSION);
	(void)emr_read_u8(&r);
	emr_read_zeros(&r, 3);
	EMR_TRY(emr_restart_each(emr_read_bytes(&r, r.left - TAIL_BYTES), add, all));
	if (r.bad || all->n == 0)
		return EMR_DAMAGED;
	last = &all->list[all->n - 1];
	last->state = emr_read_u8(&r);
	flags = emr_read_u8(&r);
	last->is_told = (flags & IS_TOLD) != 0;
	last->is_said = (flags & IS_SAID) != 0;
	last->again = emr_read_u32(&r);
	last->lost = emr_read_u32(&r);
	return EMR_OK;
}

static emr_status write_all(emr_replica *r)
{
	const known_restarts *all = &r->heads.restarts;
	const emr_known_restart *last = &all->list[all->n - 1];
	EMR_AUTO_BUF file = {0};
	emr_writer w = emr_writer_of(&file);

	if (r->is_still)
		return EMR_READ_ONLY;
	emr_write_bytes(&w, MAGIC, 4);
	emr_write_u8(&w, VERSION);
	emr_write_zeros(&w, 3);
	emr_write_bytes(&w, all->bytes.data, all->bytes.len);
	emr_write_u8(&w, last->state);
	emr_write_u8(&w, (uint8_t)((last->is_told ? IS_TOLD : 0) | (last->is_said ? IS_SAID : 0)));
	emr_write_u32(&w, last->again);
	emr_write_u32(&w, last->lost);
	EMR_TRY(w.status == EMR_OK ? emr_sum_append(&file) : w.status);
	return emr_file_replace(r->dirfd, REPLICA_RESTARTS, emr_buf_view(&file), 0600);
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

emr_status replica_restart_is(
	emr_replica *r, emr_restart_state state, uint32_t again, uint32_t lost)
{
	emr_known_restart *last = newest(r);

	if (last == NULL)
		return EMR_NOT_FOUND;
	last->state = (uint8_t)state;
	last->again = again;
	last->lost = lost;
	last->is_told = last->is_told && state != EMR_RESTART_MADE; /* there is more to tell */
	return write_all(r);
}

emr_status emr_replica_restart_note(emr_replica *replica, bool is_told, bool is_said)
{
	emr_known_restart *last;
	EMR_LOCKED(&replica->write_lock);

	last = newest(replica);
	if (last == NULL)
		return EMR_NOT_FOUND;
	last->is_told = last->is_told || is_told;
	last->is_said = last->is_said || is_said;
	return write_all(replica);
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
	uint64_t first = restart->time, time = 0;

	for (size_t i = 0; i < restart->n_heard; i++)
		if (restart->heard[i].sig.time < first)
			first = restart->heard[i].sig.time;
	*out_is = true;
	for (uint64_t seq = restart->size; seq < a->size && *out_is; seq++) {
		EMR_TRY(emr_chain_time(a->r->writer, seq, &time));
		*out_is = time <= first;
	}
	return EMR_OK;
}

static bool is_known(const emr_replica *r, const emr_restart *restart)
{
	for (size_t i = 0; i < r->heads.restarts.n; i++)
		if (emr_id16_equal(r->heads.restarts.list[i].recovery, restart->recovery))
			return true;
	return false;
}

static emr_status judge(asking *a, const emr_restart *restart, bool *out_is_good)
{
	emr_checkpoint said;
	emr_status status;

	emr_restart_said(restart, &said);
	status = emr_ledger_knows(a->r->ledger, &said);
	if (status == EMR_OK ||
		status == EMR_UNSUPPORTED) /* in its own directory it signs nothing */
		status = emr_restart_check(restart, NULL, a->r->writer);
	*out_is_good = status == EMR_OK;
	if (status == EMR_ROLLBACK)
		a->is_short = a->is_short || restart->size <= a->ledger_size;
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

static emr_status take_one(void *arg, emr_bytes bytes)
{
	asking *a = arg;
	known_restarts *all = &a->r->heads.restarts;
	EMR_AUTO_FREE emr_restart *restart = malloc(sizeof *restart);
	const size_t len = all->bytes.len;
	bool takes_away, is_good = false;
	emr_status status = restart != NULL ? emr_restart_parse(bytes, restart) : EMR_NO_MEMORY;

	if (status != EMR_OK)
		return status == EMR_NO_MEMORY ? status : EMR_OK;
	if (is_known(a->r, restart))
		return EMR_OK;
	EMR_TRY(judge(a, restart, &is_good));
	if (!is_good)
		return EMR_OK;
	takes_away = a->differs && a->size > restart->size;
	EMR_TRY(add(all, bytes));
	all->list[all->n - 1].state = takes_away ? EMR_RESTART_WAITS : EMR_RESTART_FITS;
	status = write_all(a->r);
	if (status != EMR_OK) {
		all->bytes.len = len;
		all->n--;
		return status;
	}
	a->has_taken = a->has_taken || takes_away;
	emr_log(EMR_LOG_WARN, "ledger: its host went on with %llu entries after some were lost",
		(unsigned long long)restart->size);
	return takes_away ? EMR_INTERRUPTED : EMR_OK; /* a later one fits the new copy */
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
 * others is not waited for (replica_follow.c). */
static emr_status ask(asking *a)
{
	known_restarts *all = &a->r->heads.restarts;
	emr_status status = all->is_bad || a->r->is_still
				    ? EMR_UNSUPPORTED
				    : emr_ledger_restarts(a->r->ledger, take_one, a);

	if (status == EMR_INTERRUPTED && a->has_taken)
		status = EMR_OK;
	all->is_short = a->is_short;
	drop_ahead(a->r);
	return status;
}

/* Whether the host's ledger has what the copy has. */
static emr_status compare_ends(asking *a)
{
	uint8_t ours[32], theirs[32];

	EMR_TRY(emr_ledger_size(a->r->ledger, &a->ledger_size));
	a->differs = a->ledger_size < a->size;
	if (a->differs || a->size == 0)
		return EMR_OK;
	EMR_TRY(emr_chain_root(a->r->writer, a->size, ours));
	EMR_TRY(emr_ledger_root(a->r->ledger, a->size, theirs));
	a->differs = memcmp(ours, theirs, sizeof ours) != 0;
	return EMR_OK;
}

emr_status replica_excuse(
	emr_replica *r, uint64_t size, emr_status why, emr_ledger_trouble *io_trouble)
{
	asking a = {.r = r, .size = size};
	emr_status status;

	if (why != EMR_OK)
		r->heads.restarts.is_asked = false;
	if ((why != EMR_ROLLBACK && why != EMR_FORK) || r->heads.is_forked ||
		size < r->mark.frontier.size)
		return why;
	status = compare_ends(&a);
	if (status == EMR_OK)
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
