/* This file remembers, sealed in the journal, how far this computer has seen the ledger. A disk
 * that was put back to an older state, ledger and copy together, is noticed by that. It refuses a
 * ledger that is shorter or another one. */
#include "settle_private.h"

#include <string.h>

#include "base/codec.h"
#include "contract/codes.h"
#include "replica/ask.h"
#include "replica/follower.h"

/* ---- how far the ledger has been seen ----
 *
 * Replica and high-water mark lie in the clear: whoever holds the disk can put all of them back
 * together with the ledger. The journal is sealed, so it remembers too: size and root with every
 * answer. */

#define SEEN_VERSION 1
#define SEEN_BYTES 41

static emr_status put_seen(emr_journal_txn *txn, emr_id16 key, const emr_replica_position *at)
{
	uint8_t bytes[SEEN_BYTES] = {SEEN_VERSION};

	emr_put_u64(bytes + 1, at->size);
	memcpy(bytes + 9, at->root, sizeof at->root);
	return emr_journal_put(txn, EMR_ROW_SEEN, key, emr_bytes_of(bytes, sizeof bytes));
}

emr_status settle_remember_seen(emr_settle *settle, emr_journal_txn *txn)
{
	emr_replica_position at;

	EMR_TRY(emr_replica_at(settle->options.replica, &at));
	return put_seen(txn, settle->seen_key, &at);
}

emr_status emr_settle_expect(emr_journal *journal, emr_id16 net_id, const emr_replica_position *at)
{
	emr_journal_txn *txn;
	uint64_t seq;
	emr_status status;

	EMR_TRY(emr_journal_begin(journal, &txn));
	status = put_seen(txn, net_id, at);
	if (status != EMR_OK) {
		emr_journal_rollback(txn);
		return status;
	}
	EMR_TRY(emr_journal_commit(txn, &seq));
	return emr_journal_sync(journal, seq);
}

/* ROW, empty: it remembers nothing. */
static emr_status get_seen(emr_settle *settle, emr_buf *row)
{
	emr_status status =
		emr_journal_get(settle->options.journal, EMR_ROW_SEEN, settle->seen_key, row);

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	if (row->len != SEEN_BYTES || row->data[0] != SEEN_VERSION)
		return row->len > 0 && row->data[0] > SEEN_VERSION
			       ? emr_newer_format(row->data[0], SEEN_VERSION)
			       : EMR_DAMAGED;
	return EMR_OK;
}

emr_status emr_settle_compare_seen(emr_settle *settle, uint64_t *out_seen)
{
	EMR_AUTO_BUF row = {0};
	emr_replica_position at;
	uint8_t root[32];
	uint64_t size;

	*out_seen = 0;
	EMR_TRY(get_seen(settle, &row));
	if (row.len == 0)
		return EMR_OK;
	*out_seen = size = emr_get_u64(row.data + 1);
	EMR_TRY(emr_replica_at(settle->options.replica, &at));
	if (at.size < size)
		return EMR_ROLLBACK;
	/* It looks at entries that this computer has verified itself: the folder rests on them. */
	EMR_TRY(emr_replica_root_at(settle->options.replica, size, root));
	return memcmp(root, row.data + 9, sizeof root) == 0 ? EMR_OK : EMR_FORK;
}

/* ---- what the journal has not heard of ---- */

/* Its answer is asked for again. */
static void drop_sent(emr_buf *out, const emr_awaiting *one)
{
	emr_unheard *all = (void *)out->data;
	size_t kept = 0;

	for (size_t i = 0; i < out->len / sizeof *all; i++)
		if (all[i].version != one->version || !emr_id16_equal(all[i].object, one->object))
			all[kept++] = all[i];
	out->len = kept * sizeof *all;
}

emr_status emr_settle_unheard(emr_settle *settle, emr_buf *out, bool *out_is_behind)
{
	EMR_AUTO_BUF row = {0};
	EMR_AUTO_BUF sent = {0};
	emr_replica_change change;
	uint64_t seen;
	emr_public me;

	*out_is_behind = false;
	EMR_TRY(get_seen(settle, &row));
	seen = row.len > 0 ? emr_get_u64(row.data + 1) : 0;
	EMR_TRY(emr_keyring_public(settle->options.keyring, &me));
	EMR_ASK(asked, settle->options.replica, BY, .who = me.signer_id);
	while (emr_next(&asked, &change) && change.seq >= seen) {
		const emr_unheard one = {change.object, change.version};

		/* New keys for bytes that are there are no save: a share gives them without the
		 * journal. */
		if (change.result == EMR_RESULT_APPLIED && change.family == EMR_FAMILY_OBJECT &&
			change.op != EMR_OP_REWRAP)
			EMR_TRY(emr_buf_append(out, &one, sizeof one));
	}
	EMR_TRY(asked.status);
	if (out->len > 0)
		EMR_TRY(emr_settle_awaiting(settle, true, &sent));
	EMR_EACH (const emr_awaiting, one, &sent)
		drop_sent(out, one);
	*out_is_behind = seen > 0 && out->len > 0;
	return EMR_OK;
}

/* FOLLOWED: what following the ledger gave. */
static emr_status compare_once(emr_settle *settle, emr_status followed)
{
	emr_status status = followed, seen;
	uint64_t size;

	if ((status != EMR_OK && status != EMR_OFFLINE) || settle->has_compared)
		return status;
	/* Once: from then on the replica itself does not go back.  Also while the ledger is away:
	 * then the copy is all there is. */
	seen = emr_settle_compare_seen(settle, &size);
	settle->has_compared = seen == EMR_OK;
	return seen != EMR_OK ? seen : status;
}

emr_status emr_settle_hear(emr_settle *settle, emr_status followed)
{
	settle->followed = compare_once(settle, followed);
	return settle->followed;
}

emr_status emr_settle_catch_up(emr_settle *settle, bool is_now)
{
	emr_replica *replica = settle->options.replica;

	return emr_settle_hear(
		settle, is_now ? emr_follow_now(replica) : emr_follow_lately(replica));
}

emr_status emr_settle_followed(const emr_settle *settle)
{
	return settle->followed;
}

emr_status settle_reach(emr_settle *settle, emr_bytes batch, const emr_ledger_answer *answer)
{
	return compare_once(settle, emr_follow_answer(settle->options.replica, batch, answer));
}

/* One network is remembered under zero; one that was joined, under its id. */
emr_id16 settle_seen_key(emr_journal *journal, emr_id16 net_id)
{
	static const emr_id16 zero;
	EMR_AUTO_BUF row = {0};

	return journal != NULL && emr_journal_get(journal, EMR_ROW_SEEN, net_id, &row) == EMR_OK
		       ? net_id
		       : zero;
}
