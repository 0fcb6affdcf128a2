/* This file verifies everything again: it computes the whole state from the first entry and
 * compares it with the ledger and with the local copy. When the ledger is away it checks the copy
 * alone. */
#include "follow_private.h"

#include <stdio.h>

typedef struct verifying {
	following *f;
	emr_chain *own;
	uint64_t own_size;
} verifying;

static emr_status verify_one(
	void *arg, const emr_ledger_entry *entry, const emr_chain_checked *checked)
{
	verifying *v = arg;
	uint8_t leaf[32];
	uint8_t own[32];
	emr_status status;

	EMR_TRY(follow_one(v->f, entry, checked));
	if (v->f->bad_part != 0)
		return give_trouble(
			&v->f->trouble, EMR_DAMAGED, entry->seq, "a private part is damaged");
	if (entry->seq >= v->own_size)
		return EMR_OK;
	emr_entry_leaf(span_of(entry->entry), leaf);
	status = emr_chain_leaf(v->own, entry->seq, own);
	if (status == EMR_DAMAGED || status == EMR_NOT_FOUND) {
		(void)give_trouble(&v->f->trouble, EMR_DAMAGED, entry->seq,
			"this computer's own copy: a hash of the tree");
		return replica_own(v->f->replica, EMR_DAMAGED);
	}
	if (status == EMR_OK && memcmp(leaf, own, 32) != 0)
		return give_trouble(&v->f->trouble, EMR_FORK, entry->seq,
			"the entry is not the one that this computer has verified");
	return status;
}

static emr_status walk(verifying *v, uint64_t from, uint64_t to)
{
	emr_status status = EMR_OK;
	bool is_end;

	while (status == EMR_OK && from < to) {
		size_t n = 0;
		size_t max =
			to - from < EMR_AHEAD_ENTRIES ? (size_t)(to - from) : EMR_AHEAD_ENTRIES;
		status = follow_ahead(v->f, from, max, verify_one, v, &n, &is_end);
		if (status == EMR_DAMAGED && v->f->trouble.status == EMR_OK)
			return give_trouble(
				&v->f->trouble, EMR_DAMAGED, from + n, "the entry cannot be read");
		if (status == EMR_OK && n == 0)
			return give_trouble(
				&v->f->trouble, EMR_DAMAGED, from, "the entry is missing");
		from += n;
	}
	return status;
}

static emr_status compare_own(emr_replica *r, verifying *v, emr_chain *fresh)
{
	emr_ledger_trouble *t = &v->f->trouble;
	char cause[sizeof t->cause];
	emr_status status;

	v->f->choice.batch = NULL;
	v->f->choice.has_last = false;
	status = emr_chain_compare(fresh, v->own, keep_of(r), &v->f->choice, t);
	if (status == EMR_OK)
		status = emr_chain_check_file(v->own);
	if (status != EMR_DAMAGED)
		return status;
	(void)snprintf(cause, sizeof cause, "this computer's own copy: %.90s",
		t->status == EMR_OK ? "the file is damaged" : t->cause);
	(void)give_trouble(t, EMR_DAMAGED, t->seq, cause);
	return replica_own(r, EMR_DAMAGED);
}

static high_mark mark_now(emr_replica *r)
{
	high_mark mark;
	EMR_LOCKED(&r->write_lock);

	mark = r->mark;
	return mark;
}

static emr_status verify_all(
	emr_replica *r, following *f, emr_chain *fresh, emr_chain *own, uint64_t *out_checked)
{
	verifying v = {.f = f, .own = own};
	uint64_t size = 0;
	emr_status status = emr_chain_size(own, &v.own_size);
	uint64_t at_least = mark_now(r).frontier.size;

	if (status == EMR_OK)
		status = emr_ledger_size(r->ledger, &size);
	if (status == EMR_OK && (size < v.own_size || size < at_least))
		return give_trouble(&f->trouble, EMR_ROLLBACK, size,
			"the ledger is shorter than what this computer has verified");
	if (status == EMR_OK)
		status = emr_chain_begin(fresh);
	if (status == EMR_OK)
		status = walk(&v, 0, v.own_size);
	if (status == EMR_OK)
		status = compare_own(r, &v, fresh);
	if (status == EMR_OK)
		status = walk(&v, v.own_size, size);
	*out_checked = size;
	return status;
}

emr_status emr_replica_verify_chain(
	emr_replica *replica, emr_replica_trouble *out_trouble, uint64_t *out_checked)
{
	EMR_AUTO_CHAIN fresh = NULL;
	EMR_AUTO_CHAIN own = NULL;
	AUTO_FOLLOWING f = NULL;
	emr_ledger_trouble trouble = {0};
	uint64_t checked = 0;
	emr_status status;

	/* After a restart another ledger is there until the copy of it is opened. */
	(void)pthread_mutex_lock(&replica->write_lock);
	status = replica_waits(replica);
	(void)pthread_mutex_unlock(&replica->write_lock);
	if (status == EMR_OK)
		status = emr_ledger_verify(replica->ledger, &trouble);
	if (status == EMR_OK)
		status = replica_ask_for_all(replica);
	if (status == EMR_OK)
		status = emr_chain_open_temporary(&fresh);
	if (status == EMR_OK)
		status = emr_chain_open(
			replica->dirfd, REPLICA_DB, EMR_CHAIN_PRIVATE, false, 10000, &own);
	if (status == EMR_OK)
		status = emr_chain_begin_read(own);
	if (status == EMR_OK) {
		f = following_new(replica, fresh);
		status = f ? verify_all(replica, f, fresh, own, &checked) : EMR_NO_MEMORY;
		if (f)
			trouble = f->trouble;
	}
	*out_trouble = trouble;
	*out_checked = checked;
	return status;
}

/* ---- the local copy alone ---- */

static emr_status replay_own(following *f, emr_chain *own, uint64_t size)
{
	emr_status status = EMR_OK;
	size_t n = 0;

	for (uint64_t seq = 0; status == EMR_OK && seq < size; seq += n) {
		emr_status last = emr_ahead_read(f->ahead, own, seq, size);

		status = emr_ahead_each(f->ahead, follow_one, f, &n);
		if (status == EMR_OK && emr_required(last) == EMR_DAMAGED) {
			(void)give_trouble(&f->trouble, EMR_DAMAGED, seq + n,
				"this computer's own copy: the entry cannot be read");
			last = replica_own(f->replica, EMR_DAMAGED);
		}
		status = status == EMR_OK ? last : status;
	}
	return status;
}

static emr_status compare_with_mark(
	const high_mark *mark, following *f, emr_chain *own, uint64_t size)
{
	uint8_t root[32];

	if (mark->frontier.size == 0)
		return EMR_OK;
	if (size < mark->frontier.size)
		return give_trouble(&f->trouble, EMR_ROLLBACK, size,
			"this computer's own copy lacks the newest entries");
	EMR_TRY(emr_chain_root(own, mark->frontier.size, root));
	if (memcmp(root, mark->root, 32) != 0)
		return give_trouble(&f->trouble, EMR_FORK, mark->frontier.size - 1,
			"this computer's own copy is not what it has verified");
	return EMR_OK;
}

/* MARK was read before OWN's transaction began: another thread may move both on meanwhile. */
static emr_status verify_own(
	emr_replica *r, const high_mark *mark, following *f, emr_chain *own, uint64_t *out_checked)
{
	verifying v = {.f = f, .own = own};
	emr_status status = emr_chain_size(own, &v.own_size);

	f->fetch = emr_chain_fetch;
	f->fetch_arg = own;
	if (status == EMR_OK)
		status = emr_chain_begin(f->chain);
	if (status == EMR_OK)
		status = replay_own(f, own, v.own_size);
	if (status == EMR_OK)
		status = compare_own(r, &v, f->chain);
	if (status == EMR_OK)
		status = compare_with_mark(mark, f, own, v.own_size);
	*out_checked = v.own_size;
	return status;
}

emr_status emr_replica_verify_own(
	emr_replica *replica, emr_replica_trouble *out_trouble, uint64_t *out_checked)
{
	EMR_AUTO_CHAIN fresh = NULL;
	EMR_AUTO_CHAIN own = NULL;
	AUTO_FOLLOWING f = NULL;
	high_mark mark = mark_now(replica);
	uint64_t checked = 0;
	emr_status status;

	EMR_TRY(emr_chain_open_temporary(&fresh));
	EMR_TRY(emr_chain_open(replica->dirfd, REPLICA_DB, EMR_CHAIN_PRIVATE, false, 10000, &own));
	EMR_TRY(emr_chain_begin_read(own));
	f = following_new(replica, fresh);
	if (f == NULL)
		return EMR_NO_MEMORY;
	status = verify_own(replica, &mark, f, own, &checked);
	*out_trouble = f->trouble;
	*out_checked = checked;
	return status;
}
