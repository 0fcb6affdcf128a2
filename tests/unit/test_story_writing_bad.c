/* These tests show files of a writer in ana's folder that do not open, or stand under a listing key
 * that the writer has replaced since: they stop no share of ana's, and are in none. */
#include "pen_kit.h"

#include "contract/codes.h"
#include "contract/pubs.h"
#include "contract/rows.h"
#include "keyring/content.h"
#include "ledger/batch.h"
#include "record/format.h"
#include "share/write.h"

static story s;
static pen p;

/* Lima may write in Imaging. */
AROUND(begin)
{
	story_begin(&s);
	(void)pen_writes(&s, &p, &s.lima, "lima");
}

AROUND(end)
{
	pen_close(&p);
	story_end(&s);
}

static uint32_t epoch_now(void)
{
	EMR_AUTO_BUF bytes = {0};
	emr_row_domain row;
	emr_key_text key;

	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	emr_key_domain(s.imaging.b, &key);
	assert_ok(emr_replica_state_get(s.k.stack.replica, key.text, &bytes));
	assert_int_equal(
		emr_row_domain_parse((emr_span){bytes.data, bytes.len}, &row), EMR_CONTRACT_OK);
	return row.head.epoch;
}

/* ---- what a program of lima's own sends ---- */

static emr_id32 send_op(emr_operation *op)
{
	const emr_batch_options options = {.keyring = s.lima.keyring,
		.signer = emr_signer_identity(),
		.net_id = emr_ledger_net_id(s.lima.ledger)};
	EMR_AUTO_BATCH batch = NULL;
	EMR_AUTO_BUF bytes = {0};
	emr_ledger_answer answer;
	emr_id32 id;

	op->time = story_now(&s);
	op->domain = s.imaging;
	assert_ok(emr_batch_new(&options, &batch));
	assert_ok(emr_batch_add(batch, op, &id));
	assert_ok(emr_batch_finish(batch, op->time, 500, &bytes, NULL));
	assert_ok(emr_ledger_submit(s.lima.ledger, emr_buf_view(&bytes), &answer));
	assert_int_equal(answer.results[0], EMR_RESULT_APPLIED);
	story_see(&s.lima);
	return id;
}

/* PART, with the capsule of a true key, and the check of another. */
static void make_unfitting(emr_listkey_part *part, uint32_t epoch)
{
	emr_list_key *key = NULL;
	EMR_AUTO_BUF bytes = {0};
	emr_row_epoch row;
	emr_key_text text;

	emr_key_epoch(s.imaging.b, epoch, &text);
	assert_ok(emr_replica_state_get(s.lima.replica, text.text, &bytes));
	assert_int_equal(
		emr_row_epoch_parse((emr_span){bytes.data, bytes.len}, &row), EMR_CONTRACT_OK);
	assert_ok(emr_list_key_publish(s.lima.keyring, s.imaging, epoch, row.A,
		s.lima.public.signer_id, part->capsule, part->kcheck, &key));
	emr_list_key_free(key);
	part->kcheck[0] ^= 1;
}

/* The next version of her listing key, which opens for nobody. */
static emr_id32 publish_junk_key(bool is_noise)
{
	emr_operation op = {.op = EMR_OP_LISTKEY, .version = 1, .epoch = epoch_now()};
	emr_listkey_part part = {.salt = {1}, .capsule = {2}, .kcheck = {3}};
	uint8_t bytes[EMR_LISTKEY_PART_BYTES];
	EMR_AUTO_BUF value = {0};
	emr_row_listkey row;
	emr_key_text key;

	emr_object_listkey(s.lima.public.signer_id.b, op.epoch, op.object.b);
	emr_key_listkey(s.imaging.b, op.object.b, &key);
	if (emr_replica_state_get(s.lima.replica, key.text, &value) == EMR_OK) {
		assert_int_equal(emr_row_listkey_parse((emr_span){value.data, value.len}, &row),
			EMR_CONTRACT_OK);
		op.version = row.head.version + 1;
		memcpy(op.prev.b, row.head.item, sizeof op.prev.b);
	}
	if (!is_noise)
		make_unfitting(&part, op.epoch);
	emr_listkey_part_encode(&part, bytes);
	op.priv = emr_bytes_of(bytes, sizeof bytes);
	return send_op(&op);
}

/* New content of nobody's making, under LIST_KEY. */
static void leave_junk(emr_id32 list_key)
{
	static const uint8_t meta_ct[512 + 16];
	emr_operation op = {
		.op = EMR_OP_PUT, .object = emr_id16_random(), .version = 1, .epoch = epoch_now()};
	emr_put_part part = {.padded = 16383,
		.record_id = op.object,
		.cver = 1,
		.listkey_id = list_key,
		.meta_ct = emr_bytes_of(meta_ct, sizeof meta_ct)};
	EMR_AUTO_BUF bytes = {0};

	memcpy(part.root.b, "\x01\x70\x12\x20", 4);
	memcpy(part.root.b + 4, emr_id32_random().b, 32);
	assert_ok(emr_put_part_encode(&part, &bytes));
	op.priv = emr_buf_view(&bytes);
	(void)send_op(&op);
}

/* Not even the shape of a private part. */
static void leave_noise(void)
{
	static uint8_t noise[316 + 512];
	emr_operation op = {.op = EMR_OP_PUT,
		.object = emr_id16_random(),
		.version = 1,
		.epoch = epoch_now(),
		.priv = emr_bytes_of(noise, sizeof noise)};

	memset(noise, 0x66, sizeof noise);
	(void)send_op(&op);
}

/* A description of OBJECT, ana's, that opens for nobody. */
static void describe_badly(emr_id16 object, emr_id32 list_key)
{
	static const uint8_t meta_ct[512 + 16];
	emr_operation op = {.op = EMR_OP_META, .object = object, .epoch = epoch_now()};
	emr_meta_part part = {
		.listkey_id = list_key, .meta_ct = emr_bytes_of(meta_ct, sizeof meta_ct)};
	EMR_AUTO_BUF bytes = {0};
	emr_replica_head head;

	assert_ok(emr_replica_head_get(s.lima.replica, s.imaging, object, &head));
	op.version = head.version + 1;
	op.prev = head.item_id;
	assert_ok(emr_meta_part_encode(&part, &bytes));
	op.priv = emr_buf_view(&bytes);
	(void)send_op(&op);
}

static void eve_reads(emr_id16 grant, const char *name, const char *text, story_fn answer)
{
	EMR_AUTO_BUF bytes = {0};
	emr_share_trouble trouble;

	assert_ok(story_read(&s, &s.eve, grant, name, answer, &bytes, &trouble));
	assert_true(emr_bytes_equal(emr_buf_view(&bytes), emr_bytes_of(text, strlen(text))));
}

/* ---- */

TEST_IN(begin, end, what_does_not_open_is_left_out_of_a_share_and_counted)
{
	emr_grant_made made;
	emr_id32 junk;
	uint32_t epoch;

	pen_file(&p, s.imaging, s.imaging, "lima.txt", "what she found", NULL);
	assert_ok(p.last.error);
	junk = publish_junk_key(true);
	leave_junk(junk);
	leave_junk(emr_id32_random());
	leave_noise();
	describe_badly(kit_object_id(&s.k, "Imaging/Old/CT.pdf"), junk);
	kit_settle(&s.k);
	made = story_share(&s, &s.eve, 0, true);
	assert_int_equal(made.left_out, 4);
	eve_reads(made.grant, "MRI.pdf", "%PDF a knee", all_agents);
	/* hers is under a key that she has replaced since */
	eve_reads(made.grant, "lima.txt", "what she found", owner_answers);
	/* Nothing is left to be done for the next one, and no epoch is begun for it. */
	epoch = epoch_now();
	made = story_share(&s, &s.eve, 0, true);
	assert_int_equal(made.left_out, 4);
	assert_int_equal(made.wrapped_again, 0);
	assert_int_equal(epoch_now(), epoch);
}

/* More than one batch takes. */
TEST_IN(begin, end, a_crowd_of_bad_records_stops_no_share)
{
	enum { CROWD = 600 };
	emr_grant_made made;
	emr_id32 junk;

	pen_file(&p, s.imaging, s.imaging, "first.txt", "first", NULL);
	junk = publish_junk_key(true);
	for (int i = 0; i < CROWD; i++)
		leave_junk(junk);
	describe_badly(kit_object_id(&s.k, "Imaging/Old/CT.pdf"),
		junk); /* so there is a past to be hidden */
	kit_settle(&s.k);
	made = story_share(&s, &s.eve, 0, true);
	assert_int_equal(made.left_out, CROWD + 1);
	eve_reads(made.grant, "first.txt", "first", all_agents);
}

static void file_under_a_replaced_key(bool is_noise, bool with_agents)
{
	emr_grant_made made;

	pen_file(&p, s.imaging, s.imaging, "lima.txt", "what she found", NULL);
	assert_ok(p.last.error);
	(void)publish_junk_key(is_noise);
	kit_settle(&s.k);
	kit_expect_text(&s.k, "Imaging/lima.txt", "what she found");
	made = story_share(&s, &s.eve, 0, with_agents);
	assert_int_equal(made.left_out, 0);
	eve_reads(
		made.grant, "lima.txt", "what she found", with_agents ? all_agents : owner_answers);
	eve_reads(made.grant, "MRI.pdf", "%PDF a knee", with_agents ? all_agents : owner_answers);
}

/* In the epoch that she gets. */
TEST_IN(begin, end, a_key_that_opens_for_nobody_hides_no_names)
{
	file_under_a_replaced_key(true, true);
}

TEST_IN(begin, end, nor_does_one_that_does_not_fit)
{
	file_under_a_replaced_key(false, true);
}

TEST_IN(begin, end, nor_one_of_which_the_owner_says_so)
{
	file_under_a_replaced_key(true, false);
}

TEST_IN(begin, end, nor_one_that_does_not_fit_what_the_owner_gives)
{
	file_under_a_replaced_key(false, false);
}

/* The part of VERSION of lima's listing key. */
static emr_part_key part_of_key(uint64_t version)
{
	emr_part_key at = {.family = EMR_FAMILY_LISTKEY, .domain = s.imaging, .version = version};

	emr_object_listkey(s.lima.public.signer_id.b, epoch_now(), at.object.b);
	return at;
}

/* Ana erases it, as its owner may. */
static void ana_erases(const emr_part_key *at)
{
	emr_stack *ana = &s.k.stack;
	const emr_batch_options options = {.keyring = ana->keyring,
		.signer = emr_signer_domain(s.imaging, 1),
		.net_id = emr_ledger_net_id(ana->ledger)};
	const emr_pub_erase erase = {
		.family = at->family, .from_version = at->version, .to_version = at->version};
	uint8_t pub[24];
	emr_operation op = {.op = EMR_OP_ERASE,
		.domain = at->domain,
		.object = at->object,
		.time = story_now(&s),
		.pub = emr_bytes_of(pub, sizeof pub)};
	EMR_AUTO_BATCH batch = NULL;
	EMR_AUTO_BUF bytes = {0};
	emr_ledger_answer answer;
	emr_id32 id;

	emr_pub_erase_encode(&erase, pub);
	assert_ok(emr_batch_new(&options, &batch));
	assert_ok(emr_batch_add(batch, &op, &id));
	assert_ok(emr_batch_finish(batch, op.time, 500, &bytes, NULL));
	assert_ok(emr_ledger_submit(ana->ledger, emr_buf_view(&bytes), &answer));
	assert_int_equal(answer.results[0], EMR_RESULT_APPLIED);
}

TEST_IN(begin, end, a_key_that_was_erased_hides_what_stands_under_it_only)
{
	emr_grant_made made;
	emr_part_key at;

	pen_file(&p, s.imaging, s.imaging, "lima.txt", "what she found", NULL);
	(void)publish_junk_key(true);
	kit_settle(&s.k);
	made = story_share(&s, &s.eve, 0, true);
	at = part_of_key(2);
	ana_erases(&at);
	eve_reads(made.grant, "MRI.pdf", "%PDF a knee", all_agents);
	eve_reads(made.grant, "lima.txt", "what she found", all_agents);
}

/* A writer of the network's directory takes the part out of the ledger's tables. */
TEST_IN(begin, end, a_key_that_the_ledger_lost_hides_what_stands_under_it_only)
{
	emr_grant_made made;

	pen_file(&p, s.imaging, s.imaging, "lima.txt", "what she found", NULL);
	(void)publish_junk_key(true);
	kit_settle(&s.k);
	story_sql(&s, "UPDATE parts SET part=x'' WHERE family=21 AND version=2");
	made = story_share(&s, &s.eve, 0, true);
	eve_reads(made.grant, "MRI.pdf", "%PDF a knee", all_agents);
	eve_reads(made.grant, "lima.txt", "what she found", all_agents);
}

TESTS(NULL, NULL)
