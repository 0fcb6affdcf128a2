/* This kit does what a member with a changed program can do to the shared ledger file. */
#include "rogue_kit.h"

#include "ledger/chain.h"

void rogue_batch(
	const member *m, emr_signer as, const emr_operation *operation, uint64_t time, emr_buf *out)
{
	EMR_AUTO_BATCH builder = NULL;
	emr_batch_options options = {.keyring = m->keyring, .signer = as, .net_id = k.net_id};
	emr_operation dated = *operation;
	emr_id32 item;

	dated.time = time;
	assert_ok(emr_batch_new(&options, &builder));
	assert_ok(emr_batch_add(builder, &dated, &item));
	assert_ok(emr_batch_finish(builder, time, 500, out, NULL));
}

/* The entry's bytes behind the newest one of CHAIN; M hands in its batch, in NAMED's name. */
static void make_entry(const member *m, const member *named, emr_chain *chain,
	const emr_batch *batch, uint64_t time, emr_span results, uint8_t *out, size_t *out_len)
{
	uint8_t message[EMR_SUBMIT_MESSAGE_BYTES];
	const size_t label = sizeof message - 32;
	emr_entry entry = {.host = EMR_HOST_EMBEDDED,
		.count = batch->count,
		.ledger_time_unix_s = time,
		.results = results};

	assert_ok(emr_chain_size(chain, &entry.seq));
	assert_ok(emr_chain_leaf(chain, entry.seq - 1, entry.prev_entry));
	memcpy(entry.submitter_id, named->public.signer_id.b, 32);
	memcpy(entry.header, batch->header.data, EMR_HEADER_BYTES);
	emr_submit_message(k.net_id.b, entry.header, message);
	assert_ok(emr_keyring_sign(m->keyring, emr_signer_identity(), EMR_SIGN_SUBMIT,
		emr_bytes_of(message + label, 32), entry.submit_sig));
	assert_int_equal(
		emr_entry_encode(&entry, out, EMR_ENTRY_BYTES_MAX, out_len), EMR_CONTRACT_OK);
}

static void append(const member *m, const member *named, emr_bytes batch, uint64_t time,
	const uint8_t *results, bool claims_signature)
{
	static emr_batch parsed;
	EMR_AUTO_CHAIN chain = NULL;
	EMR_AUTO_VERDICT verdict = {0};
	EMR_AUTO_BUF descriptor = {0};
	uint8_t entry[EMR_ENTRY_BYTES_MAX];
	size_t len = 0;
	emr_caller caller;
	int dir = open(k.network, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(dir >= 0);
	assert_ok(emr_chain_open(dir, EMR_NETWORK_LEDGER, EMR_CHAIN_SHARED, false, 10000, &chain));
	(void)close(dir);
	assert_int_equal(
		emr_batch_parse((emr_span){batch.data, batch.len}, &parsed), EMR_RESULT_APPLIED);
	assert_ok(emr_chain_entry(chain, 0, &descriptor, NULL));
	assert_ok(emr_chain_begin(chain));
	assert_ok(emr_chain_caller(chain, EMR_HOST_EMBEDDED, emr_buf_view(&descriptor), &parsed,
		named->public.signer_id, time, &caller));
	caller.is_signed = claims_signature;
	if (results)
		caller.recorded = (emr_span){results, parsed.count};
	assert_ok(emr_chain_judge(chain, &parsed, &caller, time, &verdict));
	assert_int_equal(verdict.outcome.kind, EMR_OUTCOME_APPLIED);
	if (results)
		verdict.outcome.results = caller.recorded;
	make_entry(m, named, chain, &parsed, time, verdict.outcome.results, entry, &len);
	assert_ok(emr_chain_append(
		chain, emr_bytes_of(entry, len), &parsed, &verdict.outcome, NULL, NULL));
	assert_ok(emr_chain_commit(chain));
}

void rogue_append(const member *m, emr_bytes batch, uint64_t time, const uint8_t *results)
{
	append(m, m, batch, time, results, false);
}

void rogue_append_unsigned(const member *m, emr_bytes batch, uint64_t time)
{
	append(m, m, batch, time, NULL, true);
}

void rogue_append_in_name(const member *m, const member *named, emr_bytes batch, uint64_t time)
{
	append(m, named, batch, time, NULL, false);
}
