/* This file verifies everything again: it computes the whole state from the first entry and
 * compares it with the ledger and with the local copy, or, while the ledger is away, with the copy
 * alone. Where one of the two is damaged, it is built again of what is whole in both; nothing is
 * written that this replay did not accept, and nothing when the two have gone different ways. */
#include "opened_private.h"

#include "follow_private.h"

#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/log.h"
#include "ledger/backend.h"

typedef struct verifying {
	emr_replica *replica;
	bool is_alone;	 /* the entries are read from OWN, because the ledger is away */
	bool is_mending; /* what is damaged in OWN or at the ledger is passed */
	high_mark mark;
	emr_chain *own, *fresh;
	following *f; /* into FRESH */
	uint64_t own_size, size;
} verifying;

static void verifying_end(verifying *v)
{
	following_free(&v->f);
	emr_chain_close(v->fresh);
	emr_chain_close(v->own);
}
#define AUTO_VERIFYING __attribute__((cleanup(verifying_end))) verifying

/* Each part as the ledger and the copy have it: that which fits its item is taken. */
static emr_status fetch_both(
	void *arg, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *fn_arg)
{
	const verifying *v = arg;

	if (!v->is_alone)
		EMR_TRY(emr_ledger_fetch(v->replica->ledger, keys, n, fn, fn_arg));
	return emr_chain_fetch(v->own, keys, n, fn, fn_arg);
}

static emr_status begin(verifying *v)
{
	emr_replica *r = v->replica;

	EMR_TRY(emr_chain_open(r->dirfd, REPLICA_DB, EMR_CHAIN_PRIVATE, false, BUSY_MS, &v->own));
	EMR_TRY(emr_chain_begin_read(v->own));
	EMR_TRY(emr_chain_open_temporary(&v->fresh));
	EMR_TRY(emr_chain_size(v->own, &v->own_size));
	v->size = v->own_size;
	v->f = following_new(r, v->fresh);
	if (v->f == NULL)
		return EMR_NO_MEMORY;
	if (v->is_alone || v->is_mending) {
		v->f->fetch = fetch_both;
		v->f->fetch_arg = v;
	}
	return emr_chain_begin(v->fresh);
}

static emr_status own_damaged(verifying *v, uint64_t seq, const char *cause)
{
	emr_ledger_trouble *t = &v->f->trouble;

	*t = (emr_ledger_trouble){.status = EMR_DAMAGED, .seq = seq};
	(void)snprintf(t->cause, sizeof t->cause, "this computer's own copy: %.90s", cause);
	return replica_own(v->replica, EMR_DAMAGED);
}

/* ---- the entries ---- */

static emr_status verify_one(
	void *arg, const emr_ledger_entry *entry, const emr_chain_checked *checked)
{
	verifying *v = arg;
	uint8_t leaf[32];
	uint8_t own[32];
	emr_status status;

	EMR_TRY(follow_one(v->f, entry, checked));
	if (v->f->bad_part != 0 && !v->is_mending)
		return give_trouble(
			&v->f->trouble, EMR_DAMAGED, entry->seq, "a private part is damaged");
	if (entry->seq >= v->own_size)
		return EMR_OK;
	emr_entry_leaf(emr_span_of(entry->entry), leaf);
	status = emr_required(emr_chain_leaf(v->own, entry->seq, own));
	if (status == EMR_DAMAGED)
		return v->is_mending ? EMR_OK : own_damaged(v, entry->seq, "a hash of the tree");
	if (status == EMR_OK && memcmp(leaf, own, 32) != 0)
		return give_trouble(&v->f->trouble, EMR_FORK, entry->seq,
			"the entry is not the one that this computer has verified");
	return status;
}

static emr_status next_run(verifying *v, uint64_t from, uint64_t to, size_t *out_n)
{
	const size_t max = to - from < EMR_AHEAD_ENTRIES ? (size_t)(to - from) : EMR_AHEAD_ENTRIES;
	emr_status last, status;
	bool is_end;

	if (!v->is_alone)
		return follow_ahead(v->f, from, max, verify_one, v, out_n, &is_end);
	last = emr_required(emr_ahead_read(v->f->ahead, v->own, from, to));
	status = emr_ahead_each(v->f->ahead, verify_one, v, out_n);
	return status == EMR_OK ? last : status;
}

static emr_status walk(verifying *v, uint64_t from, uint64_t to)
{
	emr_status status = EMR_OK;

	while (status == EMR_OK && from < to) {
		size_t n = 0;

		status = next_run(v, from, to, &n);
		from += n;
		if (status == EMR_DAMAGED && v->f->trouble.status == EMR_OK)
			return v->is_alone ? own_damaged(v, from, "the entry cannot be read")
					   : give_trouble(&v->f->trouble, EMR_DAMAGED, from,
						     "the entry cannot be read");
		if (status == EMR_OK && n == 0)
			return give_trouble(
				&v->f->trouble, EMR_DAMAGED, from, "the entry is missing");
	}
	return status;
}

/* ---- verifying ---- */

static emr_status compare_own(verifying *v)
{
	emr_ledger_trouble *t = &v->f->trouble;
	emr_status status = emr_chain_compare(v->fresh, v->own, false, t);

	if (status == EMR_OK)
		status = emr_chain_check_file(v->own);
	return status != EMR_DAMAGED
		       ? status
		       : own_damaged(
				 v, t->seq, t->status == EMR_OK ? "the file is damaged" : t->cause);
}

/* The ledger, or while it is away the copy, reaches what was seen here. */
static emr_status check_size(verifying *v)
{
	if (!v->is_alone)
		EMR_TRY(emr_ledger_size(v->replica->ledger, &v->size));
	if (v->size >= v->own_size && v->size >= v->mark.frontier.size)
		return EMR_OK;
	return give_trouble(&v->f->trouble, EMR_ROLLBACK, v->size,
		v->is_alone ? "this computer's own copy lacks the newest entries"
			    : "the ledger is shorter than what this computer has verified");
}

/* The entries that were replayed are those that were verified before. */
static emr_status compare_with_mark(verifying *v, uint64_t size)
{
	const high_mark *mark = &v->mark;
	uint8_t root[32];

	if (mark->frontier.size == 0 || mark->frontier.size > size)
		return EMR_OK;
	EMR_TRY(emr_chain_root(v->fresh, mark->frontier.size, root));
	if (memcmp(root, mark->root, 32) != 0)
		return give_trouble(&v->f->trouble, EMR_FORK, mark->frontier.size - 1,
			"the entries are not those that this computer has verified");
	return EMR_OK;
}

/* The mark is read before OWN's transaction begins: another thread may move both on meanwhile. */
static emr_status verify(
	emr_replica *r, bool is_alone, emr_replica_trouble *out_trouble, uint64_t *out_checked)
{
	AUTO_VERIFYING v = {.replica = r, .is_alone = is_alone};
	emr_status status;

	(void)pthread_mutex_lock(&r->write_lock);
	v.mark = r->mark;
	(void)pthread_mutex_unlock(&r->write_lock);
	status = begin(&v);
	if (status == EMR_OK && !is_alone)
		status = check_size(&v);
	if (status == EMR_OK)
		status = walk(&v, 0, v.own_size);
	if (status == EMR_OK)
		status = compare_own(&v);
	if (status == EMR_OK)
		status = walk(&v, v.own_size, v.size);
	if (status == EMR_OK && is_alone)
		status = check_size(&v);
	if (status == EMR_OK)
		status = compare_with_mark(&v, v.size);
	if (v.f != NULL)
		*out_trouble = v.f->trouble;
	*out_checked = v.size;
	return status;
}

emr_status emr_replica_verify_chain(
	emr_replica *replica, emr_replica_trouble *out_trouble, uint64_t *out_checked)
{
	emr_status status;

	*out_trouble = (emr_replica_trouble){.status = EMR_OK};
	*out_checked = 0;
	/* After a restart another ledger is there until the copy of it is opened. */
	(void)pthread_mutex_lock(&replica->write_lock);
	status = replica_waits(replica);
	(void)pthread_mutex_unlock(&replica->write_lock);
	EMR_TRY(status);
	EMR_TRY(emr_ledger_verify(replica->ledger, out_trouble));
	EMR_TRY(replica_ask_for_all(replica));
	return verify(replica, false, out_trouble, out_checked);
}

emr_status emr_replica_verify_own(
	emr_replica *replica, emr_replica_trouble *out_trouble, uint64_t *out_checked)
{
	*out_trouble = (emr_replica_trouble){.status = EMR_OK};
	return verify(replica, true, out_trouble, out_checked);
}

/* ---- building again ---- */

typedef struct counting {
	uint64_t n, first;
} counting;

static emr_status count_missing(void *arg, const emr_part_key *key, uint64_t seq)
{
	counting *c = arg;

	(void)key;
	if (c->n++ == 0 || seq < c->first)
		c->first = seq;
	return EMR_OK;
}

/* Up to what is verified here; newer entries come by following, so that whoever waits for them
 * hears of them. */
static emr_status build_own(verifying *v, emr_replica_mended *out)
{
	emr_replica *r = v->replica;
	counting gone = {.n = 0};

	if (!v->is_alone)
		EMR_TRY(check_size(v));
	EMR_TRY(walk(v, 0, v->own_size));
	EMR_TRY(compare_with_mark(v, v->own_size));
	EMR_TRY(emr_chain_commit(v->fresh));
	emr_chain_make_indexes(v->fresh);
	if (r->has_locals)
		EMR_TRY(emr_chain_make_locals(v->fresh));
	EMR_TRY(replica_own(r,
		emr_chain_build_again(r->writer, EMR_CHAIN_PRIVATE, v->own, v->fresh, &out->own)));
	if (!emr_replica_is_on_channel(r)) /* whose peers bring some later */
		EMR_TRY(emr_chain_each_missing(v->fresh, count_missing, &gone));
	out->missing = gone.n;
	if (gone.n > 0)
		(void)give_trouble(&out->trouble, EMR_DAMAGED, gone.first,
			"a private part is damaged, here and in the ledger");
	return EMR_OK;
}

static emr_status mend(verifying *v, emr_replica_mended *out)
{
	emr_ledger *ledger = v->replica->ledger;
	uint64_t size = 0;
	emr_status other, status;

	EMR_TRY(begin(v));
	other = emr_ledger_mend(
		ledger, v->own, v->mark.frontier.size, v->mark.root, &out->trouble, &out->ledger);
	if (other != EMR_OK && other != EMR_DENIED && other != EMR_UNSUPPORTED &&
		!emr_status_may_pass(other))
		return other;
	v->is_alone = emr_ledger_size(ledger, &size) != EMR_OK;
	status = build_own(v, out);
	if (v->f->trouble.status != EMR_OK)
		out->trouble = v->f->trouble;
	if (status == EMR_OK && out->missing > 0)
		status = EMR_DAMAGED;
	return status == EMR_OK && !(out->own && other != EMR_DENIED) ? other : status;
}

static void settle(emr_replica *r, emr_status status, const emr_replica_mended *mended)
{
	if (mended->own)
		replica_forget_entries(r);
	if (mended->own || mended->ledger)
		emr_log(EMR_LOG_WARN, "rot: built again: %s%s", mended->ledger ? "the ledger " : "",
			mended->own ? "the own copy" : "");
	if (status == EMR_OK || status == EMR_UNSUPPORTED || mended->missing > 0)
		(void)unlinkat(r->dirfd, REPLICA_REBUILD, 0);
	(void)pthread_mutex_lock(&r->pool_lock);
	/* A part that is gone costs a record and nothing that is saved from now on. */
	if (status == EMR_OK || mended->missing > 0)
		r->rot = (emr_ledger_trouble){.status = EMR_OK};
	else if (mended->trouble.status != EMR_OK)
		r->rot = mended->trouble;
	if (status == EMR_OK && r->trouble.status == EMR_DAMAGED)
		r->trouble = (emr_ledger_trouble){.status = EMR_OK};
	(void)pthread_mutex_unlock(&r->pool_lock);
}

emr_status replica_mend(emr_replica *r, emr_replica_mended *out_mended)
{
	AUTO_VERIFYING v = {.replica = r, .is_mending = true, .mark = r->mark};
	emr_status status;

	*out_mended = (emr_replica_mended){.missing = 0};
	status = mend(&v, out_mended);
	settle(r, status, out_mended);
	return status;
}

emr_status emr_replica_mend(emr_replica *replica, emr_replica_mended *out_mended)
{
	emr_status status;
	EMR_LOCKED(&replica->write_lock);

	*out_mended = (emr_replica_mended){.missing = 0};
	EMR_TRY(replica_lock_file(replica));
	status = replica_mend(replica, out_mended);
	(void)flock(replica->lock_fd, LOCK_UN);
	return status;
}

/* ---- what is gone ---- */

emr_status emr_replica_missing(emr_replica *replica, uint64_t *out_n, uint64_t *out_first)
{
	counting c = {.n = 0};
	READING(r, replica);
	emr_status status;

	EMR_TRY(replica_take(replica, &r.chain));
	status = emr_chain_each_missing(r.chain, count_missing, &c);
	*out_n = c.n;
	*out_first = c.first;
	return status;
}
