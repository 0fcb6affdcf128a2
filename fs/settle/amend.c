/* The signed statement of a new version names the version that it amends, and statements for
 * other people's records are numbered 1, 2, 3. This file finds both, so that a version which
 * somebody held back can be noticed; it gives no number twice. */
#include "amend.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/worker.h"
#include "base/log.h"
#include "contract/codes.h"
#include "ledger/hash.h"
#include "settle/whose.h"

#define ISSUED_VERSION 1
#define ISSUED_BYTES 9

#define KNOWN_MAX 1024

struct known_statements {
	pthread_mutex_t lock;
	struct {
		emr_cid root;
		uint8_t id[32];
	} list[KNOWN_MAX];
	size_t n; /* ever noted: the oldest make room */
};

known_statements *known_statements_new(void)
{
	known_statements *known = calloc(1, sizeof *known);

	if (known != NULL && pthread_mutex_init(&known->lock, NULL) != 0) {
		free(known);
		known = NULL;
	}
	return known;
}

void known_statements_free(known_statements *known)
{
	if (known == NULL)
		return;
	pthread_mutex_destroy(&known->lock);
	free(known);
}

/* Under the lock. */
static const uint8_t *find_statement(const known_statements *known, const emr_cid *root)
{
	size_t n = known->n < KNOWN_MAX ? known->n : KNOWN_MAX;

	for (size_t i = 0; i < n; i++)
		if (emr_cid_equal(&known->list[i].root, root))
			return known->list[i].id;
	return NULL;
}

void known_statements_note(known_statements *known, const emr_cid *root, const uint8_t id[32])
{
	EMR_LOCKED(&known->lock);

	if (find_statement(known, root) == NULL) {
		known->list[known->n % KNOWN_MAX].root = *root;
		memcpy(known->list[known->n++ % KNOWN_MAX].id, id, 32);
	}
}

static bool recall(known_statements *known, const emr_cid *root, uint8_t out_id[32])
{
	const uint8_t *id;

	pthread_mutex_lock(&known->lock);
	id = find_statement(known, root);
	if (id != NULL)
		memcpy(out_id, id, 32);
	pthread_mutex_unlock(&known->lock);
	return id != NULL;
}

emr_status amend_look(
	const build_ctx *ctx, const emr_change *change, uint8_t *out_kind, uint8_t out_prev[32])
{
	bool is_amendment = false;
	uint8_t prev[32] = {0};

	if (change->amends != NULL) {
		is_amendment = true;
		memcpy(prev, change->amends, sizeof prev);
	} else if (change->from != NULL && ctx->is_foreign)
		is_amendment = recall(ctx->statements, &change->from->root, prev);
	else if (change->from != NULL)
		EMR_TRY(emr_facts_amended(
			ctx->facts, ctx->descriptor, change->from, &is_amendment, prev));
	*out_kind = is_amendment ? EMR_STATEMENT_AMENDMENT : EMR_STATEMENT_ORIGINAL;
	memcpy(out_prev, prev, sizeof prev);
	return EMR_OK;
}

/* ---- numbers ---- */

emr_id16 issued_key(const uint8_t patient_pk[32])
{
	const emr_bytes pk = emr_bytes_of(patient_pk, 32);
	emr_id32 hash = emr_sha256_of(&pk, 1);
	return EMR_ID16_AT(hash.b);
}

emr_status issued_last(const emr_settle_options *options, emr_id16 domain, emr_id32 signer,
	const uint8_t patient_pk[32], uint64_t *out_last)
{
	EMR_AUTO_BUF row = {0};
	emr_replica_listing line;
	emr_status status =
		emr_journal_get(options->journal, EMR_ROW_ISSUED, issued_key(patient_pk), &row);

	if (status == EMR_OK) {
		if (row.len != ISSUED_BYTES || row.data[0] != ISSUED_VERSION)
			return row.len > 0 && row.data[0] > ISSUED_VERSION
				       ? emr_newer_format(row.data[0], ISSUED_VERSION)
				       : EMR_DAMAGED;
		*out_last = emr_get_u64(row.data + 1);
		return EMR_OK;
	}
	if (status != EMR_NOT_FOUND)
		return status;
	*out_last = 0;
	EMR_ASK(asked, options->replica, RECENT_IN, .domain = domain);
	while (emr_next(&asked, &line))
		*out_last += line.result == EMR_RESULT_APPLIED && line.item.op == EMR_OP_PUT &&
			     emr_id32_equal(line.item.signer_id, signer);
	return asked.status;
}

emr_status issued_note(emr_journal_txn *txn, const outbox *box)
{
	uint8_t bytes[ISSUED_BYTES] = {ISSUED_VERSION};
	uint64_t n = 0, taken = 0;

	if (emr_id16_is_zero(box->issued_to))
		return EMR_OK;
	for (size_t i = 0; i < box->count; i++) {
		if (box->outcomes[i].kind != EMR_CHANGE_PUT)
			continue;
		n++;
		if (box->outcomes[i].result <= EMR_RESULT_ALREADY)
			taken = n;
	}
	if (taken == 0)
		return EMR_OK;
	emr_put_u64(bytes + 1, box->issued_before + taken);
	return emr_journal_put(
		txn, EMR_ROW_ISSUED, box->issued_to, emr_bytes_of(bytes, sizeof bytes));
}
