/* This file takes batches into the embedded ledger: it judges each one and appends it as an entry.
 * Those that come while one is being brought to the disk wait, and go there together, in one
 * transaction with one flush. It refuses a batch that its submitter has not signed for this
 * network, and does not go on from an entry that is damaged. */
#include "embedded_private.h"

#include <stdlib.h>

#include "ledger/batch.h"

/* A transaction has as many items as one batch may have, unless it has one batch only: its pages
 * find room in the same memory. */
#define TOGETHER_ITEMS EMR_BATCH_COUNT_MAX
#define TOGETHER_MAX 64

/* A batch on its way into the ledger, of a thread that waits for its answer. */
typedef struct taking {
	const emr_id32 *submitter;
	const uint8_t *sig;
	const emr_batch *batch;
	emr_chain_checked checked;
	emr_ledger_answer answer; /* counts only once the commit stands */
	emr_status status;
	bool has_purged;
	bool is_done; /* of the queue, as next */
	struct taking *next;
} taking;

/* ---- one batch, inside the transaction ---- */

/* The leaf of the newest entry, from its bytes and from the tree: a new entry must not be chained
 * to a damaged one. */
static emr_status newest_leaf(embedded *e, uint64_t size, uint8_t out_leaf[32])
{
	EMR_AUTO_BUF entry = {0};
	uint8_t leaf[32];

	EMR_TRY(emr_required(emr_chain_entry(e->writer, size - 1, &entry, NULL)));
	EMR_TRY(emr_required(emr_chain_leaf(e->writer, size - 1, leaf)));
	emr_entry_leaf(emr_span_of(emr_buf_view(&entry)), out_leaf);
	return memcmp(leaf, out_leaf, 32) == 0 ? EMR_OK : EMR_DAMAGED;
}

static emr_status append(embedded *e, const emr_outcome *outcome, uint64_t now, taking *t)
{
	uint8_t bytes[EMR_ENTRY_BYTES_MAX];
	size_t len = 0;
	emr_entry entry = {.host = EMR_HOST_EMBEDDED,
		.count = t->batch->count,
		.ledger_time_unix_s = now,
		.results = outcome->results};

	EMR_TRY(emr_chain_size(e->writer, &entry.seq));
	EMR_TRY(newest_leaf(e, entry.seq, entry.prev_entry));
	memcpy(entry.submitter_id, t->submitter->b, 32);
	memcpy(entry.header, t->batch->header.data, EMR_HEADER_BYTES);
	memcpy(entry.submit_sig, t->sig, sizeof entry.submit_sig);
	if (emr_entry_encode(&entry, bytes, sizeof bytes, &len) != EMR_CONTRACT_OK)
		return EMR_INVALID;
	EMR_TRY(emr_chain_append(
		e->writer, emr_bytes_of(bytes, len), t->batch, outcome, NULL, NULL));
	t->answer.seq = entry.seq;
	t->answer.ledger_time = now;
	return EMR_OK;
}

static emr_status old_answer(embedded *e, emr_ledger_answer *answer)
{
	EMR_AUTO_BUF bytes = {0};
	emr_entry entry;

	EMR_TRY(emr_required(emr_chain_find_batch(e->writer, answer->batch_id.b, &answer->seq)));
	EMR_TRY(emr_chain_parsed(e->writer, answer->seq, &bytes, &entry));
	answer->ledger_time = entry.ledger_time_unix_s;
	answer->is_repeat = 1;
	return EMR_OK;
}

static void take_results(const emr_outcome *outcome, emr_ledger_answer *answer)
{
	answer->n_results = (uint16_t)outcome->results.len;
	memcpy(answer->results, outcome->results.data, outcome->results.len);
}

static bool purges(const emr_outcome *outcome)
{
	for (size_t i = 0; i < outcome->writes_count; i++)
		if (outcome->writes[i].kind == EMR_WRITE_PURGE_PARTS)
			return true;
	return false;
}

static emr_status judge(embedded *e, taking *t)
{
	EMR_AUTO_VERDICT verdict = {0};
	const uint64_t now = emr_clock_unix_s(e->clock);
	emr_caller caller;

	EMR_TRY(emr_chain_caller(e->writer, EMR_HOST_EMBEDDED, emr_buf_view(&e->descriptor),
		t->batch, *t->submitter, now, &caller));
	caller.is_signed = t->checked.is_batch_signed;
	EMR_TRY(emr_chain_judge(e->writer, t->batch, &caller, now, &verdict));
	switch (verdict.outcome.kind) {
	case EMR_OUTCOME_REFUSED:
		t->answer.refusal = (uint8_t)verdict.outcome.refusal;
		return EMR_OK;
	case EMR_OUTCOME_KNOWN:
		take_results(&verdict.outcome, &t->answer);
		return old_answer(e, &t->answer);
	case EMR_OUTCOME_APPLIED:
		take_results(&verdict.outcome, &t->answer);
		t->has_purged = purges(&verdict.outcome);
		return append(e, &verdict.outcome, now, t);
	}
	return EMR_INVALID;
}

static emr_status judge_and_append(embedded *e, taking *t)
{
	emr_status status;

	t->answer = (emr_ledger_answer){.seq = 0};
	t->has_purged = false;
	emr_batch_id(t->batch->header.data, t->answer.batch_id.b);
	status = emr_chain_check_submitter(
		e->writer, e->net_id, t->batch->header.data, t->submitter->b, t->sig, &t->checked);
	return status == EMR_NOT_FOUND ? EMR_DENIED : status == EMR_OK ? judge(e, t) : status;
}

/* ---- one transaction ---- */

/* Inside BEGIN IMMEDIATE.  *OUT_HAS_NEW: there is something to commit. */
static emr_status judge_all(embedded *e, taking *const *group, size_t n, bool *out_has_new)
{
	/* An entry in a file that has lost its name is lost when the last process closes it. */
	EMR_TRY(emr_chain_in_place(e->writer));
	EMR_TRY(embedded_check_recovery(e));
	*out_has_new = false;
	for (size_t i = 0; i < n; i++) {
		EMR_TRY(judge_and_append(e, group[i]));
		*out_has_new |= group[i]->answer.refusal == 0 && !group[i]->answer.is_repeat;
	}
	return EMR_OK;
}

/* An answer to one of GROUP rests on those before it, so that all have one status.
 * *OUT_HAS_BEGUN: the ledger could be locked. */
static emr_status take_together(embedded *e, taking *const *group, size_t n, bool *out_has_begun)
{
	bool has_new = false, has_purged = false;
	emr_status status = emr_chain_begin(e->writer);

	*out_has_begun = status == EMR_OK;
	if (status != EMR_OK)
		return status;
	status = judge_all(e, group, n, &has_new);
	if (status == EMR_OK && has_new)
		status = emr_chain_commit(e->writer);
	else
		emr_chain_rollback(e->writer);
	for (size_t i = 0; status == EMR_OK && i < n; i++)
		has_purged = has_purged || group[i]->has_purged;
	if (has_purged)
		emr_chain_forget_log(e->writer);
	return status;
}

/* Nobody suffers for a neighbour: what fails together is done one by one. */
static void take_all(embedded *e, taking *const *group, size_t n)
{
	bool has_begun;
	emr_status status;
	EMR_LOCKED(&e->write_lock);

	status = take_together(e, group, n, &has_begun);
	for (size_t i = 0; i < n; i++)
		group[i]->status = status != EMR_OK && has_begun && n > 1
					   ? take_together(e, &group[i], 1, &has_begun)
					   : status;
}

/* ---- those who wait ---- */

static void queue(embedded *e, taking *t)
{
	taking **at = &e->waiting;

	while (*at != NULL)
		at = &(*at)->next;
	*at = t;
}

/* The first of those who wait, and as many behind it as find room. */
static size_t next_group(embedded *e, taking *group[TOGETHER_MAX])
{
	size_t n = 0, items = 0;

	while (e->waiting != NULL && n < TOGETHER_MAX) {
		items += e->waiting->batch->count;
		if (n > 0 && items > TOGETHER_ITEMS)
			break;
		group[n++] = e->waiting;
		e->waiting = e->waiting->next;
	}
	return n;
}

/* queue_lock held; it is not while the ledger is written to. */
static void lead(embedded *e)
{
	taking *group[TOGETHER_MAX];
	const size_t n = next_group(e, group);

	e->has_leader = true;
	(void)pthread_mutex_unlock(&e->queue_lock);
	take_all(e, group, n);
	(void)pthread_mutex_lock(&e->queue_lock);
	e->has_leader = false;
	for (size_t i = 0; i < n; i++)
		group[i]->is_done = true;
	(void)pthread_cond_broadcast(&e->turn);
}

static emr_status wait_for_answer(embedded *e, taking *t)
{
	EMR_LOCKED(&e->queue_lock);

	queue(e, t);
	while (!t->is_done) {
		if (e->has_leader)
			(void)pthread_cond_wait(&e->turn, &e->queue_lock);
		else
			lead(e);
	}
	return t->status;
}

/* Strangers may hand in, too: what nobody has signed is refused before it keeps others from
 * writing, with EMR_DENIED, and signatures are computed beside each other.  So is what comes from a
 * key that is not known, and with the same work: whoever has somebody's card learns neither way
 * whether that key is of this network. */
static emr_status check_signatures(embedded *e, taking *t)
{
	uint8_t pk[32];
	emr_header header;
	emr_status status;
	{
		EMR_LOCKED(&e->read_lock);
		status = emr_chain_submitter_key(
			e->reader, t->submitter->b, t->batch->header.data, pk);
	}
	if (status == EMR_NOT_FOUND &&
		emr_header_parse((emr_span){t->batch->header.data, EMR_HEADER_BYTES}, &header) ==
			EMR_CONTRACT_OK) {
		emr_chain_check_batch(
			e->net_id, t->batch->header.data, t->sig, header.signer_pk, &t->checked);
		return EMR_DENIED;
	}
	if (status != EMR_OK)
		return EMR_OK;
	emr_chain_check_batch(e->net_id, t->batch->header.data, t->sig, pk, &t->checked);
	return t->checked.is_handed_in ? EMR_OK : EMR_DENIED;
}

emr_status embedded_take(void *self, emr_id32 submitter, const uint8_t submit_sig[64],
	emr_bytes batch, emr_ledger_answer *out_answer)
{
	EMR_AUTO_FREE emr_batch *parsed = malloc(sizeof *parsed);
	taking t = {.submitter = &submitter, .sig = submit_sig, .batch = parsed};
	embedded *e = self;
	int64_t until_ns = 0;
	emr_result refusal;
	uint32_t rules;

	if (parsed == NULL)
		return EMR_NO_MEMORY;
	refusal = emr_batch_parse(emr_span_of(batch), parsed);
	if (refusal != EMR_RESULT_APPLIED) {
		EMR_LOCKED(&e->read_lock);
		/* By rules that are not known here it may have operations that are not, either. */
		EMR_TRY(emr_chain_rules(e->reader, &rules));
		*out_answer = (emr_ledger_answer){.refusal = (uint8_t)refusal};
		return EMR_OK;
	}
	if (e->channel != NULL)
		until_ns = embedded_await_follower(e);
	EMR_TRY(check_signatures(self, &t));
	if (e->channel != NULL)
		return embedded_hand_in(
			e, &submitter, submit_sig, batch, parsed, until_ns, out_answer);
	EMR_TRY(wait_for_answer(self, &t));
	*out_answer = t.answer;
	return EMR_OK;
}

emr_status embedded_submit(void *self, emr_bytes batch, emr_ledger_answer *out_answer)
{
	embedded *e = self;
	uint8_t sig[64] = {0};
	emr_id16 net_id;

	if (e->submitter == NULL)
		return EMR_DENIED;
	memcpy(net_id.b, e->net_id, sizeof net_id.b);
	if (batch.len >= EMR_HEADER_BYTES)
		EMR_TRY(emr_batch_sign_submit(e->submitter, net_id, batch, sig));
	return embedded_take(e, e->submitter_id, sig, batch, out_answer);
}

emr_status embedded_give(
	void *self, const emr_part_key *keys, const emr_bytes *parts, size_t n, size_t *out_n)
{
	embedded *e = self;
	size_t taken = 0;
	bool fits;
	emr_status status;
	EMR_LOCKED(&e->write_lock);

	EMR_TRY(emr_chain_begin(e->writer));
	status = emr_chain_in_place(e->writer);
	for (size_t i = 0; status == EMR_OK && i < n; i++) {
		status = emr_chain_fill(e->writer, &keys[i], parts[i], &fits);
		taken += status == EMR_OK && fits;
	}
	if (status == EMR_OK)
		status = emr_chain_commit(e->writer);
	else
		emr_chain_rollback(e->writer);
	if (status == EMR_OK)
		*out_n = taken;
	return status;
}
