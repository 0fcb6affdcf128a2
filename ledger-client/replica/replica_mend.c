/* This file puts damaged rows of the ledger and of the local copy right, each from what is whole
 * in the other one. It writes nothing that a replay of the rules from entry 0 did not accept,
 * and nothing when the two have gone different ways. */
#include "opened_private.h"

#include "follow_private.h"

#include <errno.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/log.h"
#include "ledger/backend.h"

typedef struct mending {
	emr_replica *replica;
	emr_chain *own, *united;
	following *f; /* knows whose domains are kept */
	emr_replica_mended *out;
} mending;

static emr_status note_missing(void *arg, const emr_part_key *key, uint64_t seq)
{
	mending *m = arg;
	emr_chain_keep_fn keep = keep_of(m->replica);

	if (keep != NULL && !keep(&m->f->choice, key->domain.b))
		return EMR_OK;
	if (m->out->missing++ == 0)
		(void)give_trouble(&m->out->trouble, EMR_DAMAGED, seq,
			"a private part is damaged, here and in the ledger");
	return EMR_OK;
}

/* The united entries are those that this computer has verified. */
static emr_status check_mark(mending *m, uint64_t size)
{
	const high_mark *mark = &m->replica->mark;
	uint8_t root[32];

	if (mark->frontier.size == 0 || mark->frontier.size > size)
		return EMR_OK;
	EMR_TRY(emr_chain_root(m->united, mark->frontier.size, root));
	if (memcmp(root, mark->root, sizeof root) != 0)
		return give_trouble(&m->out->trouble, EMR_FORK, mark->frontier.size - 1,
			"the entries are not those that this computer has verified");
	return EMR_OK;
}

/* Up to what is verified here; newer entries come by following, so that whoever waits for them
 * hears of them. */
static emr_status mend_own(mending *m, uint64_t size)
{
	emr_replica *r = m->replica;
	emr_status status;

	EMR_TRY(emr_chain_begin(r->writer));
	status = emr_chain_mend(r->writer, m->united, keep_of(r), &m->f->choice, &m->out->own_rows);
	if (status == EMR_OK && m->out->own_rows > 0)
		return emr_chain_commit(r->writer);
	emr_chain_rollback(r->writer);
	if (status == EMR_DAMAGED) /* the file itself: it is made again at the next start */
		(void)give_trouble(&m->out->trouble, EMR_DAMAGED, size,
			"this computer's own copy: the file is damaged");
	return replica_own(r, status);
}

static emr_status unite_both(mending *m, uint64_t *out_size)
{
	emr_status status = emr_chain_size(m->own, out_size);

	if (status == EMR_OK)
		status = emr_ledger_unite(
			m->replica->ledger, m->own, *out_size, m->united, &m->out->trouble);
	return status == EMR_OK ? check_mark(m, *out_size) : status;
}

/* A ledger elsewhere mends itself: what follows from the copy's own entries is put right here.  An
 * entry that is not whole comes from the ledger, when the copy is made again. */
static emr_status unite_own(mending *m, uint64_t size)
{
	EMR_AUTO_BUF descriptor = {0};
	emr_status status = emr_chain_descriptor(m->own, &descriptor);

	if (status == EMR_OK)
		status = emr_chain_unite(
			m->own, NULL, emr_buf_view(&descriptor), size, m->united, &m->out->trouble);
	if (replica_own(m->replica, status) == EMR_DAMAGED)
		return EMR_UNSUPPORTED;
	return status == EMR_OK ? check_mark(m, size) : status;
}

static emr_status mend_ledger(mending *m)
{
	return emr_ledger_mend(
		m->replica->ledger, m->own, m->united, &m->out->trouble, &m->out->ledger_rows);
}

static emr_status mend_both(mending *m)
{
	uint64_t size = 0;
	emr_status ledger = EMR_OK;
	emr_status status = unite_both(m, &size);

	if (status == EMR_UNSUPPORTED) {
		EMR_TRY(unite_own(m, size));
		EMR_TRY(mend_own(m, size));
		return m->out->own_rows > 0 ? EMR_OK : EMR_UNSUPPORTED;
	}
	if (status == EMR_OK)
		status = mend_own(m, size);
	if (status == EMR_OK)
		ledger = mend_ledger(m);
	if (status == EMR_OK && ledger == EMR_DAMAGED && m->out->trouble.status == EMR_OK)
		(void)give_trouble(
			&m->out->trouble, EMR_DAMAGED, 0, "the ledger file itself is damaged");
	if (status == EMR_OK && (ledger == EMR_OK || ledger == EMR_DENIED))
		status = emr_chain_each_missing(m->united, note_missing, m);
	if (status == EMR_OK && m->out->missing > 0)
		status = EMR_DAMAGED;
	return status == EMR_OK ? ledger : status;
}

/* The ledger alone. */
static emr_status give_back(mending *m)
{
	uint64_t size = 0;

	EMR_TRY(unite_both(m, &size));
	return mend_ledger(m);
}

static emr_status open_and_mend(
	emr_replica *r, emr_status (*mend)(mending *m), emr_replica_mended *out)
{
	EMR_AUTO_CHAIN own = NULL;
	EMR_AUTO_CHAIN united = NULL;
	AUTO_FOLLOWING f = NULL;
	mending m = {.replica = r, .out = out};
	emr_status status = emr_chain_open_temporary(&united);

	if (status == EMR_OK)
		status =
			emr_chain_open(r->dirfd, REPLICA_DB, EMR_CHAIN_PRIVATE, false, 10000, &own);
	if (status == EMR_OK)
		status = emr_chain_begin_read(own);
	if (status == EMR_OK)
		f = following_new(r, united);
	if (status != EMR_OK || f == NULL)
		return status != EMR_OK ? status : EMR_NO_MEMORY;
	m.own = own;
	m.united = united;
	m.f = f;
	return mend(&m);
}

static void settle(emr_replica *r, emr_status status, const emr_replica_mended *mended)
{
	if (mended->own_rows > 0)
		replica_forget_entries(r);
	if (mended->own_rows > 0 || mended->ledger_rows > 0)
		emr_log(EMR_LOG_WARN,
			"rot: %llu rows of the ledger and %llu of the copy were put right",
			(unsigned long long)mended->ledger_rows,
			(unsigned long long)mended->own_rows);
	/* Damage that was met in the copy, and that no row of it explains, is in the file itself:
	 * it is made again at the next start. */
	if (status == EMR_OK && mended->own_rows > 0)
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

emr_status emr_replica_mend(emr_replica *replica, emr_replica_mended *out_mended)
{
	emr_replica_mended mended = {.missing = 0};
	emr_status status;
	EMR_LOCKED(&replica->write_lock);

	status = replica_lock_file(replica);
	if (status == EMR_OK) {
		status = open_and_mend(replica, mend_both, &mended);
		(void)flock(replica->lock_fd, LOCK_UN);
	}
	settle(replica, status, &mended);
	*out_mended = mended;
	return status;
}

/* Where the copy has nothing to give that can be read, a ledger that is whole by itself is enough;
 * but no older one, and no other. */
bool replica_give_back(emr_replica *r)
{
	emr_replica_mended mended = {.missing = 0};
	emr_ledger_trouble trouble;
	emr_status status = open_and_mend(r, give_back, &mended);

	if (mended.ledger_rows > 0)
		emr_log(EMR_LOG_WARN, "rot: %llu rows of the ledger were put right",
			(unsigned long long)mended.ledger_rows);
	if (status == EMR_ROLLBACK || status == EMR_FORK)
		return false;
	return status == EMR_OK || status == EMR_UNSUPPORTED ||
	       emr_ledger_verify(r->ledger, &trouble) == EMR_OK;
}

/* ---- what is gone ---- */

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
