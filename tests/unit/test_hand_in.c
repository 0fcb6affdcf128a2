/* A host appends for others: a batch goes in under the name of the key that signed it for this
 * network, and under no other. */
#include <pthread.h>

#include "folk_kit.h"
#include "ledger/backend.h"

#define THREADS 8
#define EACH 12

static emr_ledger *host; /* opened without a submitter */

static int begin(void **state)
{
	emr_ledger_options options = {.clock = &k.clock.clock};

	if (folk_with_clinic(state) != 0)
		return -1;
	options.path = k.network;
	return emr_embedded_open(&options, &host) == EMR_OK ? 0 : -1;
}

static int end(void **state)
{
	emr_ledger_close(host);
	return folk_end(state);
}

/* A record of ana's, signed by the key of her domain. */
static void make_batch(emr_buf *out)
{
	emr_batch_builder *b = kit_batch(&k, health.id);

	(void)kit_put(b, &health, emr_id16_random(), 1, (emr_id32){{0}});
	kit_finish(&k, b, out);
}

static void sign(const member *m, emr_id16 net_id, const emr_buf *batch, uint8_t out_sig[64])
{
	uint8_t message[EMR_SUBMIT_MESSAGE_BYTES];
	const size_t label = sizeof message - 32;

	emr_submit_message(net_id.b, batch->data, message);
	assert_ok(emr_keyring_sign(m->keyring, emr_signer_identity(), EMR_SIGN_SUBMIT,
		emr_bytes_of(message + label, 32), out_sig));
}

static emr_status take(
	const member *by, const uint8_t sig[64], const emr_buf *batch, emr_ledger_answer *out)
{
	return emr_embedded_take(host, by->public.signer_id, sig, emr_buf_view(batch), out);
}

static uint64_t size_now(void)
{
	uint64_t size = 0;

	assert_ok(emr_ledger_size(host, &size));
	return size;
}

static void assert_applied_at(const emr_ledger_answer *answer, uint64_t seq)
{
	assert_int_equal(answer->refusal, 0);
	assert_int_equal(answer->n_results, 1);
	assert_int_equal(answer->results[0], EMR_RESULT_APPLIED);
	assert_int_equal(answer->seq, seq);
}

static emr_status note_submitter(void *arg, const emr_ledger_entry *entry)
{
	emr_entry parsed;

	assert_int_equal(emr_entry_parse((emr_span){entry->entry.data, entry->entry.len}, &parsed),
		EMR_CONTRACT_OK);
	memcpy(((emr_id32 *)arg)->b, parsed.submitter_id, 32);
	return EMR_OK;
}

static void expect_submitter(uint64_t seq, const member *m)
{
	emr_id32 found = {{0}};
	size_t n = 0;

	assert_ok(emr_ledger_entries(host, seq, 1, note_submitter, &found, &n));
	assert_int_equal(n, 1);
	assert_memory_equal(found.b, m->public.signer_id.b, 32);
}

static void assert_sound(void)
{
	emr_ledger_trouble trouble = {0};

	assert_ok(emr_ledger_verify(host, &trouble));
	folk_see(&ana);
	folk_see(&lima);
}

TEST_IN(begin, end, what_its_submitter_signed_is_taken_in_his_name)
{
	EMR_AUTO_BUF batch = {0};
	EMR_AUTO_BUF other = {0};
	emr_ledger_answer answer;
	uint8_t sig[64];
	uint64_t size = size_now();

	make_batch(&batch);
	sign(&ana, k.net_id, &batch, sig);
	assert_ok(take(&ana, sig, &batch, &answer));
	assert_applied_at(&answer, size);
	expect_submitter(size, &ana);
	/* Another registered key may hand in what ana's domain signed. */
	make_batch(&other);
	sign(&lima, k.net_id, &other, sig);
	assert_ok(take(&lima, sig, &other, &answer));
	assert_applied_at(&answer, size + 1);
	expect_submitter(size + 1, &lima);
	assert_sound();
}

TEST_IN(begin, end, what_he_did_not_sign_is_taken_in_nobodys_name)
{
	const emr_id16 elsewhere = emr_id16_random();
	EMR_AUTO_BUF batch = {0};
	EMR_AUTO_BUF other = {0};
	emr_ledger_answer answer;
	uint8_t sig[64];
	uint64_t size = size_now();

	make_batch(&batch);
	make_batch(&other);
	sign(&lima, k.net_id, &batch, sig);
	assert_status(EMR_DENIED, take(&ana, sig, &batch, &answer)); /* by another key */
	sign(&ana, k.net_id, &other, sig);
	assert_status(EMR_DENIED, take(&ana, sig, &batch, &answer)); /* over another batch */
	sign(&ana, elsewhere, &batch, sig);
	assert_status(EMR_DENIED, take(&ana, sig, &batch, &answer)); /* for another network */
	sign(&ana, k.net_id, &batch, sig);
	sig[9] ^= 1;
	assert_status(EMR_DENIED, take(&ana, sig, &batch, &answer));
	assert_int_equal(size_now(), size);
	/* Nor is it told what became of a batch that is there. */
	sig[9] ^= 1;
	assert_ok(take(&ana, sig, &batch, &answer));
	sig[9] ^= 1;
	assert_status(EMR_DENIED, take(&ana, sig, &batch, &answer));
	assert_sound();
}

TEST_IN(begin, end, whoever_is_not_registered_hands_in_nothing)
{
	EMR_AUTO_BUF batch = {0};
	emr_ledger_answer answer;
	member stranger = {0};
	uint8_t sig[64];
	uint64_t size = size_now();

	folk_create(&stranger, "stranger");
	make_batch(&batch);
	sign(&stranger, k.net_id, &batch, sig);
	/* Told as somebody who signs wrongly: whoever asks learns nothing of who is registered. */
	assert_status(EMR_DENIED, take(&stranger, sig, &batch, &answer));
	assert_int_equal(size_now(), size);
	folk_close_member(&stranger, false);
}

TEST_IN(begin, end, a_batch_that_is_there_has_its_old_answer)
{
	EMR_AUTO_BUF batch = {0};
	emr_ledger_answer answer;
	uint8_t sig[64];
	uint64_t size = size_now(), at = now;

	make_batch(&batch);
	sign(&ana, k.net_id, &batch, sig);
	assert_ok(take(&ana, sig, &batch, &answer));
	folk_pass(5);
	assert_ok(take(&ana, sig, &batch, &answer));
	assert_applied_at(&answer, size);
	assert_true(answer.is_repeat);
	assert_int_equal(answer.ledger_time, at);
	sign(&lima, k.net_id, &batch, sig);
	assert_ok(take(&lima, sig, &batch, &answer));
	assert_applied_at(&answer, size);
	assert_true(answer.is_repeat);
	expect_submitter(size, &ana);
	assert_int_equal(size_now(), size + 1);
}

TEST_IN(begin, end, what_is_no_batch_is_refused_as_ever)
{
	EMR_AUTO_BUF batch = {0};
	EMR_AUTO_BUF large = {0};
	emr_ledger_answer answer;
	const uint8_t sig[64] = {0};

	make_batch(&batch);
	batch.len = 100;
	assert_ok(take(&ana, sig, &batch, &answer));
	assert_int_equal(answer.refusal, EMR_RESULT_FORMAT);
	assert_ok(emr_buf_reserve(&large, EMR_LEDGER_BATCH_MAX + 1));
	large.len = EMR_LEDGER_BATCH_MAX + 1;
	memset(large.data, 0, large.len);
	assert_status(EMR_LIMIT, take(&ana, sig, &large, &answer));
	/* For oneself a submitter is needed, as ever. */
	assert_status(EMR_DENIED, emr_ledger_submit(host, emr_buf_view(&batch), &answer));
}

/* Lima may write for a day, and two days later hands in what she dates within it. */
TEST_IN(begin, end, what_is_dated_back_is_judged_at_the_hosts_time)
{
	emr_batch_options options = {
		.keyring = lima.keyring, .signer = emr_signer_identity(), .net_id = k.net_id};
	emr_operation removal = {
		.op = EMR_OP_UNLINK, .domain = health.id, .epoch = 1, .version = 2, .time = now};
	EMR_AUTO_BUF batch = {0};
	EMR_AUTO_BATCH removing = NULL;
	emr_batch_builder *b = kit_batch(&k, health.id);
	emr_ledger_answer answer;
	uint8_t sig[64];
	emr_id32 item;

	removal.object = emr_id16_random();
	removal.prev = kit_put(b, &health, removal.object, 1, (emr_id32){{0}});
	(void)kit_send(&k, b);
	assert_applied(folk_own(emr_act_writer_add(health.id, lima.public.signer_id,
					EMR_RIGHT_META | EMR_RIGHT_ANY, now + DAY),
		folk_part_of(592)));
	assert_ok(emr_batch_new(&options, &removing));
	assert_ok(emr_batch_add(removing, &removal, &item));
	assert_ok(emr_batch_finish(removing, now, 3 * DAY, &batch, NULL));
	sign(&lima, k.net_id, &batch, sig);
	folk_pass(2 * DAY);
	assert_ok(take(&lima, sig, &batch, &answer));
	assert_int_equal(answer.refusal, 0);
	assert_int_equal(answer.results[0], EMR_RESULT_NOT_AUTHORISED);
}

static emr_status known(int dirfd, emr_buf *out_descriptor)
{
	emr_bytes descriptor = emr_ledger_descriptor(host);

	(void)dirfd;
	return emr_buf_append(out_descriptor, descriptor.data, descriptor.len);
}

TEST_IN(begin, end, a_handle_that_may_lead_elsewhere_takes_nothing_for_others)
{
	emr_ledger_options options = {.path = k.network, .known = known};
	EMR_AUTO_LEDGER absent = NULL;
	EMR_AUTO_BUF batch = {0};
	emr_ledger_answer answer;
	uint8_t sig[64];

	assert_ok(emr_ledger_open(&options, &absent));
	make_batch(&batch);
	sign(&ana, k.net_id, &batch, sig);
	assert_status(EMR_UNSUPPORTED, emr_embedded_take(absent, ana.public.signer_id, sig,
					       emr_buf_view(&batch), &answer));
}

/* ---- many at once ---- */

typedef struct bringer {
	pthread_t thread;
	emr_buf batches[EACH];
	uint8_t sigs[EACH][64];
	bool is_refused[EACH]; /* because the signature is spoiled */
	bool has_failed;
} bringer;

/* Assertions belong to the test's own thread. */
static void *bring_all(void *arg)
{
	bringer *b = arg;

	for (int i = 0; i < EACH; i++) {
		emr_ledger_answer answer = {0};
		emr_status status = take(&ana, b->sigs[i], &b->batches[i], &answer);

		b->has_failed |= b->is_refused[i] ? status != EMR_DENIED
						  : status != EMR_OK || answer.refusal != 0 ||
							    answer.results[0] != EMR_RESULT_APPLIED;
	}
	return NULL;
}

TEST_IN(begin, end, eight_bring_at_once_and_each_has_his_answer)
{
	static bringer all[THREADS];
	uint64_t size = size_now();
	size_t wanted = 0;

	for (int t = 0; t < THREADS; t++)
		for (int i = 0; i < EACH; i++) {
			make_batch(&all[t].batches[i]);
			sign(&ana, k.net_id, &all[t].batches[i], all[t].sigs[i]);
			all[t].is_refused[i] = (t + i) % 3 == 0;
			all[t].sigs[i][3] ^= all[t].is_refused[i];
			wanted += !all[t].is_refused[i];
		}
	for (int t = 0; t < THREADS; t++)
		assert_int_equal(pthread_create(&all[t].thread, NULL, bring_all, &all[t]), 0);
	for (int t = 0; t < THREADS; t++) {
		assert_int_equal(pthread_join(all[t].thread, NULL), 0);
		assert_false(all[t].has_failed);
		for (int i = 0; i < EACH; i++)
			emr_buf_free(&all[t].batches[i]);
	}
	assert_int_equal(size_now(), size + wanted);
	assert_sound();
}

TESTS(NULL, NULL)
