/* This file counts what one enrolment brings to the ledger in a day, and refuses what is too much
 * for somebody with only an invitation, or for a member. */
#include "contract/quota.h"

#include "bytes.h"
#include "contract_private.h"
#include "declare.h"
#include "judge.h"

#define DAY_S 86400u

emr_contract_status emr_quota_take(emr_span row, uint64_t most, uint64_t more, uint64_t now_unix_s,
	bool *out_fits, uint8_t out_row[EMR_ROW_QUOTA_BYTES])
{
	uint64_t day = now_unix_s / DAY_S, used = 0;

	if (row.len != 0 && row.len != EMR_ROW_QUOTA_BYTES)
		return EMR_CONTRACT_STATE;
	if (row.len != 0 && get_u64(row.data) == day + 1)
		day++;
	if (row.len != 0 && get_u64(row.data) == day)
		used = get_u64(row.data + 8);
	*out_fits = more <= most && used <= most - more;
	put_u64(out_row, day);
	put_u64(out_row + 8, used + more);
	return EMR_CONTRACT_OK;
}

/* Whose quota: the enrolment in the certificate by which the submitter's key stands there, or which
 * is brought along for the first one.  So neither another key nor a renewed certificate of the same
 * name is a second one. */
static bool account_of(const emr_caller *caller, const emr_row_key *key, uint8_t out[32])
{
	if (key == NULL && !caller->cert.is_present)
		return false;
	memcpy(out, key == NULL ? caller->cert.enrolment : key->account, 32);
	return true;
}

/* Counts the share of its submitter's day that BATCH takes. Parts count by what their items say, as
 * who follows may have them no more. */
static void amount_of(
	const emr_batch *batch, enum emr_host host, uint64_t *letters, uint64_t *bytes)
{
	emr_item item;
	emr_span pub;

	*letters = 0;
	*bytes = EMR_HEADER_BYTES + batch->items_bytes.len;
	if (host == EMR_HOST_FABRIC)
		*bytes += EMR_QUOTA_BESIDE;
	for (size_t i = 0; i < batch->count; i++) {
		emr_batch_item_at(batch, i, &item, &pub);
		*letters += emr_op_is_letter(item.op);
		*bytes += item.priv_len;
	}
}

/* Its batch id says where the bytes of BATCH are counted. */
static uint8_t place_of(const emr_batch *batch)
{
	uint8_t id[32];

	emr_batch_id(batch->header.data, id);
	return id[0] % EMR_QUOTA_PLACES;
}

emr_contract_status emr_declare_quota(
	struct key_set *set, const emr_batch *batch, const emr_caller *caller)
{
	uint8_t account[32];
	uint64_t letters, bytes;
	emr_key_text key;
	emr_span value;
	emr_row_key row;
	bool is_there;

	emr_key_signer(caller->submitter_id, &key);
	is_there = emr_declared_value(set, &key, &value);
	if (is_there && emr_row_key_parse(value, &row) != EMR_CONTRACT_OK)
		return EMR_CONTRACT_STATE;
	if (!account_of(caller, is_there ? &row : NULL, account))
		return EMR_CONTRACT_OK; /* it is refused */
	amount_of(batch, caller->host, &letters, &bytes);
	emr_key_quota(account, place_of(batch), &key);
	emr_declare(set, &key);
	emr_key_quota(account, EMR_QUOTA_PLACE_LETTERS, &key);
	if (letters > 0)
		emr_declare(set, &key);
	return EMR_CONTRACT_OK;
}

static bool take(struct judge *judge, const emr_key_text *key, uint64_t most, uint64_t more)
{
	uint8_t row[EMR_ROW_QUOTA_BYTES];
	emr_span value = {0};
	bool fits = false;

	if (!emr_judge_get(judge, key->text, &value))
		value = (emr_span){0};
	if (!emr_judge_parsed(judge, emr_quota_take(value, most, more, judge->now, &fits, row)))
		return false;
	if (fits)
		emr_judge_put(judge, key->text, row, sizeof row);
	return fits;
}

emr_result emr_check_quota(struct judge *judge)
{
	const emr_batch *batch = judge->batch;
	uint64_t letters, bytes;
	uint8_t account[32];
	emr_key_text key;
	emr_row_key row;
	bool is_member = emr_judge_key(judge, judge->caller->submitter_id, &row);

	if (!account_of(judge->caller, is_member ? &row : NULL, account))
		return EMR_RESULT_SUBMITTER;
	amount_of(batch, judge->caller->host, &letters, &bytes);
	emr_key_quota(account, EMR_QUOTA_PLACE_LETTERS, &key);
	if (letters > 0 &&
		!take(judge, &key, is_member ? EMR_QUOTA_LETTERS : EMR_QUOTA_LETTERS_INVITED,
			letters))
		return EMR_RESULT_LETTERS_SPENT;
	emr_key_quota(account, place_of(batch), &key);
	return take(judge, &key,
		       is_member ? EMR_QUOTA_BYTES / EMR_QUOTA_PLACES : EMR_QUOTA_BYTES_INVITED,
		       bytes)
		       ? EMR_RESULT_APPLIED
		       : EMR_RESULT_BYTES_SPENT;
}
