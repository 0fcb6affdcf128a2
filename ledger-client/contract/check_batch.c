/* These are the checks of a batch as a whole: network, signature, who hands it in, times, and the
 * root over its operations. A batch that fails one is refused whole. */
#include "judge.h"

#include "bytes.h"
#include "contract_private.h"

emr_result emr_check_operations(const struct judge *judge)
{
	emr_item item;
	emr_span pub;

	for (size_t i = 0; i < judge->batch->count; i++) {
		emr_batch_item_at(judge->batch, i, &item, &pub);
		if (emr_op_since(item.op) > judge->rules)
			return EMR_RESULT_UNKNOWN_OP;
	}
	return EMR_RESULT_APPLIED;
}

emr_result emr_check_network(struct judge *judge)
{
	return memcmp(judge->header.net_id, judge->caller->net_id, 16) == 0 ? EMR_RESULT_APPLIED
									    : EMR_RESULT_NETWORK;
}

static emr_result check_signature(struct judge *judge)
{
	return judge->caller->is_signed || emr_header_is_signed(judge->batch->header.data)
		       ? EMR_RESULT_APPLIED
		       : EMR_RESULT_SIGNATURE;
}

/* A newcomer has no K row yet, and one whose certificate ran out no active one: they may bring
 * exactly their own registration or renewal, when the host itself verified the certificate it
 * names. */
static bool brings_own_certificate(const struct judge *judge)
{
	const emr_caller_cert *cert = &judge->caller->cert;
	emr_pub_key_reg reg;
	emr_pub_key_cert renewal;
	emr_item item;
	emr_span pub;

	if (judge->batch->count != 1 || !cert->is_present ||
		memcmp(judge->caller->submitter_id, judge->signer_id, 32) != 0)
		return false;
	emr_batch_item_at(judge->batch, 0, &item, &pub);
	if (item.op == EMR_OP_KEY_REG)
		return emr_pub_key_reg_parse(pub, &reg) && reg.how == EMR_HOW_CERTIFICATE &&
		       memcmp(reg.ref, cert->ref, 32) == 0;
	return item.op == EMR_OP_KEY_CERT && emr_pub_key_cert_parse(pub, &renewal) &&
	       memcmp(renewal.ref, cert->ref, 32) == 0;
}

/* A computer that only reads: behind its registration nothing that it signs is taken, whoever hands
 * it in, and it hands in nothing: not even what would be counted and refused. */
static bool only_reads(struct judge *judge, const uint8_t id[32])
{
	emr_row_key key;

	return emr_judge_key(judge, id, &key) && (key.roles & EMR_ROLE_READER) != 0;
}

static emr_result check_submitter(struct judge *judge)
{
	emr_row_key key;

	if (only_reads(judge, judge->signer_id) || only_reads(judge, judge->caller->submitter_id))
		return EMR_RESULT_SUBMITTER;
	return brings_own_certificate(judge) ||
			       (emr_judge_key(judge, judge->caller->submitter_id, &key) &&
				       emr_judge_key_is_active(judge, &key))
		       ? EMR_RESULT_APPLIED
		       : EMR_RESULT_SUBMITTER;
}

static bool is_older_than(uint64_t time, uint64_t now, uint64_t limit)
{
	return now > time && now - time > limit;
}

static emr_result check_item_times(const struct judge *judge, size_t i, uint64_t *limit)
{
	emr_item item;
	emr_span pub;
	uint64_t own;

	emr_batch_item_at(judge->batch, i, &item, &pub);
	own = emr_op_validity_s(item.op, judge->caller->host);
	if (own < *limit)
		*limit = own;
	if (item.time_unix_s > judge->header.time_unix_s)
		return EMR_RESULT_TIME_AHEAD;
	if (emr_op_is_prompt(item.op) &&
		(is_older_than(item.time_unix_s, judge->now, own) ||
			is_older_than(judge->header.time_unix_s, judge->now, own)))
		return EMR_RESULT_EXPIRED_BATCH;
	return EMR_RESULT_APPLIED;
}

static emr_result check_times(struct judge *judge)
{
	uint64_t time = judge->header.time_unix_s, until = judge->header.valid_until_unix_s;
	uint64_t limit = UINT64_MAX;

	if (is_older_than(judge->now, time, EMR_CLOCKS_APART_S))
		return EMR_RESULT_TIME_AHEAD;
	for (size_t i = 0; i < judge->batch->count; i++) {
		EMR_JUDGE_TRY(check_item_times(judge, i, &limit));
	}
	if (judge->now > until || until < time || until - time > limit)
		return EMR_RESULT_EXPIRED_BATCH;
	if (judge->header.seen_seq != 0 && judge->caller->seen == EMR_SEEN_NOT_IN_LOG)
		return EMR_RESULT_FORK;
	return EMR_RESULT_APPLIED;
}

static emr_result check_root(struct judge *judge)
{
	return emr_batch_has_root(judge->batch) ? EMR_RESULT_APPLIED : EMR_RESULT_FORMAT;
}

emr_result emr_check_batch(struct judge *judge)
{
	static emr_result (*const checks[])(struct judge *) = {
		check_signature, check_submitter, check_times, check_root};
	emr_result result = EMR_RESULT_APPLIED;

	for (size_t i = 0; result == EMR_RESULT_APPLIED && i < sizeof checks / sizeof checks[0];
		i++)
		result = checks[i](judge);
	return result;
}
