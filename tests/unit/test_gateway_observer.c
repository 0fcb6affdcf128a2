/* These tests are about entries of transactions: an observer appends an entry when the contract
 * says the same as the block, and does not when a peer tells something else. */
#include "ledger_kit.h"

#include "cert_kit.h"
#include "contract/item.h"
#include "gateway/observer.h"
#include "ledger/register.h"

#define MSP "GeneralMSP"

static kit k;
static cert_authority ca;
static emr_buf descriptor, certificate;
static emr_id16 org;
static emr_chain *chain;
static emr_ledger_trouble trouble;

/* A transaction that is to be an entry. */
typedef struct wish {
	emr_buf batch;
	size_t public_len;
	uint8_t results[8];
	emr_gateway_entry entry;
} wish;

static void describe(const char *msp)
{
	emr_descriptor_org one = {.name = {(const uint8_t *)"General", 7},
		.msp = {(const uint8_t *)msp, strlen(msp)},
		.ca_der = {ca.der.data, ca.der.len}};
	emr_descriptor network = {
		.norg = 1, .created_unix_s = KIT_NOW, .name = {(const uint8_t *)"net", 3}};

	memcpy(one.org, org.b, sizeof org.b);
	memcpy(one.admin_pk, k.owner.pk, 32);
	emr_buf_clear(&descriptor);
	assert_ok(emr_buf_append_zeros(&descriptor, 8192));
	assert_int_equal(emr_descriptor_encode(
				 &network, &one, descriptor.data, descriptor.len, &descriptor.len),
		EMR_CONTRACT_OK);
	emr_descriptor_net_id((emr_span){descriptor.data, descriptor.len}, k.net_id.b);
}

static wish wish_of(emr_buf batch, uint32_t tx, size_t count)
{
	emr_batch *parsed = malloc(sizeof *parsed);
	wish w = {.batch = batch};

	assert_non_null(parsed);
	assert_int_equal(
		emr_batch_parse((emr_span){batch.data, batch.len}, parsed), EMR_RESULT_APPLIED);
	w.public_len = EMR_HEADER_BYTES + parsed->items_bytes.len;
	free(parsed);
	w.entry = (emr_gateway_entry){.block = 7,
		.tx = tx,
		.ledger_time_unix_s = KIT_NOW + 5,
		.submitter = k.owner.signer_id,
		.batch = emr_bytes_of(batch.data, w.public_len),
		.results = {.len = count}};
	assert_ok(emr_batch_sign_submit(
		k.keyring, k.net_id, emr_buf_view(&batch), w.entry.submit_sig));
	return w;
}

static emr_status no_parts(
	void *arg, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *fn_arg)
{
	(void)arg;
	(void)keys;
	(void)n;
	(void)fn;
	(void)fn_arg;
	return EMR_OK;
}

/* The parts as they stand behind the items. */
static emr_status own_parts(
	void *arg, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *fn_arg)
{
	const wish *w = arg;
	EMR_AUTO_FREE emr_batch *parsed = malloc(sizeof *parsed);
	emr_status status = EMR_OK;

	(void)keys;
	assert_non_null(parsed);
	assert_int_equal(emr_batch_parse((emr_span){w->batch.data, w->batch.len}, parsed),
		EMR_RESULT_APPLIED);
	for (size_t i = 0, item = 0; i < n && status == EMR_OK; item++) {
		emr_span part = parsed->items[item].part;

		if (part.len > 0)
			status = fn(fn_arg, i++, emr_bytes_of(part.data, part.len));
	}
	return status;
}

static emr_status observe(wish *w, emr_chain_fetch_fn fetch)
{
	emr_status status;

	w->entry.results.data = w->results;
	assert_ok(emr_chain_begin(chain));
	status = emr_observe_entry(chain, emr_buf_view(&descriptor), &w->entry, fetch, w, &trouble);
	if (status == EMR_OK)
		assert_ok(emr_chain_commit(chain));
	else
		emr_chain_rollback(chain);
	return status;
}

static uint64_t size_now(void)
{
	uint64_t size = 0;

	assert_ok(emr_chain_size(chain, &size));
	return size;
}

static wish registration(void)
{
	EMR_AUTO_BATCH builder = NULL;
	EMR_AUTO_BUF part = {0};
	emr_buf batch = {0};
	emr_register who = {.keyring = k.keyring,
		.net_id = k.net_id,
		.org = org,
		.roles = EMR_ROLE_PATIENT,
		.name = ""};
	emr_batch_options options = {
		.keyring = k.keyring, .signer = emr_signer_identity(), .net_id = k.net_id};
	emr_operation operation;
	emr_id32 item_id;
	emr_act act;

	assert_ok(emr_register_certified(&who, emr_buf_view(&certificate), &act, &part));
	assert_ok(emr_batch_new(&options, &builder));
	operation = emr_act_operation(&act, KIT_NOW, emr_buf_view(&part));
	assert_ok(emr_batch_add(builder, &operation, &item_id));
	assert_ok(emr_batch_finish(builder, KIT_NOW, 3600, &batch, NULL));
	return wish_of(batch, 0, 1);
}

static wish domain_batch(uint32_t tx)
{
	kit_domain d = {.id = emr_id16_random()};
	emr_batch_builder *b = kit_batch(&k, d.id);
	emr_buf batch = {0};

	kit_domain_into(&k, b, &d);
	kit_finish(&k, b, &batch);
	return wish_of(batch, tx, 2);
}

static void begin_chain(void)
{
	assert_ok(emr_chain_open_temporary(&chain));
	assert_ok(emr_chain_begin(chain));
	assert_ok(emr_chain_append_genesis(chain, emr_buf_view(&descriptor)));
	assert_ok(emr_chain_commit(chain));
}

static wish first; /* the owner's registration */

AROUND(begin)
{
	const cert_wish authority = cert_authority_wish("General CA", KIT_NOW - 86400);
	cert_wish person = cert_person_wish("ana", KIT_NOW - 86400);

	kit_begin(&k);
	org = emr_id16_random();
	person.unit = "client";
	person.attrs = "{\"attrs\":{\"emr.roles\":\"patient\"}}";
	cert_begin(&ca, &authority, NULL);
	cert_certify(&ca, &person, k.owner.p256_spki, &certificate);
	describe(MSP);
	begin_chain();
	first = registration();
	assert_ok(observe(&first, own_parts));
}

AROUND(end)
{
	emr_chain_close(chain);
	emr_buf_free(&first.batch);
	cert_end(&ca);
	emr_buf_free(&descriptor);
	emr_buf_free(&certificate);
	kit_end(&k);
}

TEST_IN(begin, end, a_transaction_becomes_an_entry_of_fabric)
{
	EMR_AUTO_BUF bytes = {0};
	wish w = domain_batch(3);
	uint8_t before[32];
	emr_entry entry;

	assert_ok(emr_chain_leaf(chain, 1, before));
	assert_ok(observe(&w, own_parts));
	assert_int_equal(size_now(), 3);
	assert_ok(emr_chain_entry(chain, 2, &bytes, NULL));
	assert_int_equal(
		emr_entry_parse((emr_span){bytes.data, bytes.len}, &entry), EMR_CONTRACT_OK);
	assert_int_equal(entry.host, EMR_HOST_FABRIC);
	assert_int_equal(entry.block, 7);
	assert_int_equal(entry.tx, 3);
	assert_int_equal(entry.ledger_time_unix_s, KIT_NOW + 5);
	assert_memory_equal(entry.prev_entry, before, sizeof before);
	assert_memory_equal(entry.submitter_id, k.owner.signer_id.b, sizeof entry.submitter_id);
	emr_buf_free(&w.batch);
}

/* Bytes behind header and items in a transaction's argument are none of an entry. */
TEST_IN(begin, end, how_much_of_a_batch_is_public_is_told_without_its_parts)
{
	wish w = domain_batch(3);

	assert_true(w.public_len < w.batch.len);
	assert_int_equal(emr_batch_public_len((emr_span){w.batch.data, w.batch.len}), w.public_len);
	assert_int_equal(
		emr_batch_public_len((emr_span){w.batch.data, w.public_len}), w.public_len);
	assert_int_equal(emr_batch_public_len((emr_span){w.batch.data, w.public_len - 1}), 0);
	assert_int_equal(emr_batch_public_len((emr_span){w.batch.data, 1}), 0);
	emr_buf_free(&w.batch);
}

TEST_IN(begin, end, the_same_again_is_passed_over_and_another_is_a_fork)
{
	wish w = domain_batch(3);

	assert_ok(observe(&w, own_parts));
	assert_ok(observe(&w, own_parts));
	assert_int_equal(size_now(), 3);
	w.entry.tx = 4;
	assert_status(EMR_FORK, observe(&w, own_parts));
	assert_int_equal(trouble.seq, 2);
	w.entry.tx = 3;
	w.results[1] = EMR_RESULT_CONFLICT;
	assert_status(EMR_FORK, observe(&w, own_parts));
	assert_int_equal(size_now(), 3);
	emr_buf_free(&w.batch);
}

TEST_IN(begin, end, results_that_the_contract_does_not_give_are_refused)
{
	wish w = domain_batch(3);

	w.results[0] = EMR_RESULT_CONFLICT;
	assert_status(EMR_DAMAGED, observe(&w, own_parts));
	assert_string_equal(trouble.cause, "the results are not what the contract gives");
	w.results[0] = 0;
	w.entry.results.len = 1;
	assert_status(EMR_DAMAGED, observe(&w, own_parts));
	w.entry.results.len = 2;
	w.batch.data[EMR_HEADER_BYTES + 40] ^= 1; /* of the first item */
	assert_status(EMR_DAMAGED, observe(&w, no_parts));
	assert_int_equal(size_now(), 2);
	emr_buf_free(&w.batch);
}

/* Everybody who follows checks that the submitter has signed: a majority of peers that says
 * otherwise is not enough. */
TEST_IN(begin, end, a_batch_that_its_submitter_did_not_sign_is_no_entry)
{
	wish w = domain_batch(3);

	w.entry.submit_sig[9] ^= 1;
	assert_status(EMR_DAMAGED, observe(&w, own_parts));
	assert_string_equal(trouble.cause, "the submitter's signature is wrong");
	memset(w.entry.submit_sig, 0, sizeof w.entry.submit_sig);
	assert_status(EMR_DAMAGED, observe(&w, own_parts));
	memcpy(w.entry.submit_sig, first.entry.submit_sig, sizeof w.entry.submit_sig);
	assert_status(EMR_DAMAGED, observe(&w, own_parts));
	assert_int_equal(size_now(), 2);
	emr_buf_free(&w.batch);
}

TEST_IN(begin, end, a_part_that_is_not_at_hand_changes_no_entry)
{
	wish w = domain_batch(3);
	uint8_t with[32], without[32];

	assert_ok(observe(&w, no_parts));
	assert_ok(emr_chain_leaf(chain, 2, without));
	emr_chain_close(chain);
	begin_chain();
	assert_status(EMR_DAMAGED, observe(&w, own_parts)); /* nobody is registered there */
	assert_int_equal(size_now(), 1);
	assert_ok(observe(&first, own_parts));
	assert_ok(observe(&w, own_parts));
	assert_ok(emr_chain_leaf(chain, 2, with));
	assert_memory_equal(with, without, sizeof with);
	emr_buf_free(&w.batch);
}

/* Entry SEQ of the observed chain, given to a copy. */
static emr_status give(emr_chain *copy, uint64_t seq, bool with_parts,
	void (*change)(uint8_t *entry), emr_ledger_trouble *out)
{
	EMR_AUTO_BUF entry = {0}, items = {0};
	EMR_AUTO_FREE emr_chain_parts *parts = calloc(1, sizeof *parts);
	emr_ledger_entry told = {.seq = seq};
	emr_status status;

	assert_non_null(parts);
	assert_ok(emr_chain_entry(chain, seq, &entry, &items));
	if (change != NULL)
		change(entry.data);
	told.entry = emr_buf_view(&entry);
	told.items = emr_buf_view(&items);
	if (with_parts)
		assert_ok(emr_chain_parts_of(&told, emr_chain_fetch, chain, NULL, NULL, parts));
	*out = (emr_ledger_trouble){.status = EMR_OK};
	assert_ok(emr_chain_begin(copy));
	status = emr_chain_follow(copy, &told, NULL, parts->spans, NULL, NULL, out);
	if (status == EMR_OK)
		assert_ok(emr_chain_commit(copy));
	else
		emr_chain_rollback(copy);
	emr_chain_parts_free(parts);
	return status;
}

static void call_it_embedded(uint8_t *entry)
{
	entry[5] = EMR_HOST_EMBEDDED;
}

/* Before the block of the one before. */
static void move_back(uint8_t *entry)
{
	entry[63] = 6;
}

static void other_result(uint8_t *entry)
{
	entry[EMR_ENTRY_BYTES] = EMR_RESULT_CONFLICT;
}

TEST_IN(begin, end, a_copy_follows_what_was_observed_and_judges_it_again)
{
	EMR_AUTO_CHAIN copy = NULL;
	wish w = domain_batch(3);
	emr_ledger_trouble why;
	uint8_t here[32], there[32];

	assert_ok(observe(&w, own_parts));
	assert_ok(emr_chain_open_temporary(&copy));
	assert_ok(give(copy, 0, false, NULL, &why));
	/* The certificate stands in its part, which may come later. */
	assert_status(EMR_OFFLINE, give(copy, 1, false, NULL, &why));
	assert_ok(give(copy, 1, true, NULL, &why));
	assert_status(EMR_DAMAGED, give(copy, 2, true, call_it_embedded, &why));
	assert_status(EMR_DAMAGED, give(copy, 2, true, move_back, &why));
	assert_string_equal(why.cause, "the entry is of an earlier block than the one before");
	assert_status(EMR_DAMAGED, give(copy, 2, true, other_result, &why));
	assert_string_equal(why.cause, "the results are not what the contract gives");
	assert_ok(give(copy, 2, true, NULL, &why));
	assert_ok(emr_chain_leaf(chain, 2, here));
	assert_ok(emr_chain_leaf(copy, 2, there));
	assert_memory_equal(here, there, sizeof here);
	emr_buf_free(&w.batch);
}

static size_t lacking_now(void)
{
	EMR_AUTO_FREE emr_chain_lacking *lacking = malloc(sizeof *lacking);
	uint64_t newest = 0;
	size_t n;

	assert_non_null(lacking);
	assert_ok(emr_chain_lacks(chain, 0, lacking));
	assert_int_equal(lacking->next, 0);
	assert_status(
		lacking->n > 0 ? EMR_OK : EMR_NOT_FOUND, emr_chain_lacks_last(chain, &newest));
	assert_int_equal(newest, lacking->n > 0 ? 2 : 0);
	n = lacking->n;
	return n;
}

static void fill_with(emr_bytes batch)
{
	assert_ok(emr_chain_begin(chain));
	assert_ok(emr_chain_fill_batch(chain, batch));
	assert_ok(emr_chain_commit(chain));
}

/* An empty place is no damage here, and only the part whose hash the item has gets into it. */
TEST_IN(begin, end, a_part_that_no_peer_has_comes_from_the_batch_that_was_sent)
{
	EMR_AUTO_CHAIN copy = NULL;
	wish w = domain_batch(3);
	emr_ledger_trouble why;
	size_t all;

	assert_ok(observe(&w, no_parts));
	all = lacking_now();
	assert_true(all > 0);
	assert_ok(emr_chain_open_temporary(&copy));
	for (uint64_t seq = 0; seq < size_now(); seq++)
		assert_ok(give(copy, seq, true, NULL, &why));
	assert_ok(emr_chain_compare(chain, copy, false, &why));
	w.batch.data[w.batch.len - 1] ^= 1;
	fill_with(emr_buf_view(&w.batch));
	assert_int_equal(lacking_now(), 1);
	w.batch.data[w.batch.len - 1] ^= 1;
	fill_with(emr_buf_view(&w.batch));
	assert_int_equal(lacking_now(), 0);
	emr_buf_free(&w.batch);
}

/* Nor does anybody get a block's word into it. */
TEST_IN(begin, end, a_ledger_of_a_directory_takes_no_entry_of_fabric)
{
	EMR_AUTO_CHAIN copy = NULL;
	EMR_AUTO_BUF entry = {0}, items = {0};
	emr_ledger_entry told = {.seq = 1};
	emr_ledger_trouble why = {.status = EMR_OK};

	assert_ok(emr_chain_open_temporary(&copy));
	assert_ok(emr_chain_begin(copy));
	describe("");
	assert_ok(emr_chain_append_genesis(copy, emr_buf_view(&descriptor)));
	assert_ok(emr_chain_entry(chain, 1, &entry, &items));
	assert_ok(emr_chain_leaf(copy, 0, entry.data + 72));
	told.entry = emr_buf_view(&entry);
	told.items = emr_buf_view(&items);
	assert_status(EMR_DAMAGED, emr_chain_follow(copy, &told, NULL, NULL, NULL, NULL, &why));
	assert_string_equal(why.cause, "the entry has another number or host");
	emr_chain_rollback(copy);
}

TESTS(NULL, NULL)
