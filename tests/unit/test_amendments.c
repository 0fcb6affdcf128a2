/* These tests are about a doctor who may write in a folder, signs there, and signs again: the chain
 * of statements, what breaks it, and its end. */
#include "pen_kit.h"

#include "base/codec.h"
#include "contract/codes.h"
#include "contract/rows.h"
#include "ledger/batch.h"
#include "keyring/coowned.h"
#include "ledger/hash.h"
#include "record/staging.h"
#include "settle/issued.h"
#include "settle/whose.h"

static story s;
static pen p;

static emr_grant_made made; /* lima's */

AROUND(begin)
{
	story_begin(&s);
	made = pen_writes(&s, &p, &s.lima, "lima");
}

AROUND(end)
{
	pen_close(&p);
	story_end(&s);
}

static void arrive(void)
{
	for (int i = 0; i < 3; i++)
		kit_publish_all(&s.k);
}

static emr_status note(
	void *arg, emr_journal_txn *txn, const emr_change_outcome *outcomes, size_t n)
{
	emr_change_outcome *out = arg;

	assert_int_equal(n, 1);
	*out = outcomes[0];
	return emr_journal_commit(txn, NULL);
}

/* Version CVER of the record at BEFORE, as lima saves it; AMENDS: what it is said to amend, NULL:
 * what she knows.  The ledger's code, or 1000 more and the status. */
static int save_again(const emr_place *before, uint64_t cver, const uint8_t *amends,
	const char *text, emr_place *out)
{
	emr_staging *staging;
	emr_content_key *key;
	emr_content content;
	emr_change_outcome outcome = {.error = EMR_NOT_FOUND};
	emr_meta meta = {.type = EMR_META_FILE,
		.mode = 0600,
		.n = strlen(text),
		.mtime_ns = s.k.clock.unix_ns,
		.parent = s.imaging,
		.name = emr_bytes_of("Lab.pdf", 7)};
	emr_change change = {.kind = EMR_CHANGE_PUT,
		.node = before->object,
		.domain = s.imaging,
		.object = before->object,
		.record_id = before->record_id,
		.cver = cver,
		.meta = &meta,
		.content = &content,
		.amends = amends,
		.from = before};

	memcpy(meta.r_pid, before->r_pid, 32);
	assert_ok(emr_staging_new(s.lima.records, emr_id16_random(), NULL, 0, &staging));
	assert_ok(emr_staging_write(staging, 0, text, strlen(text)));
	assert_ok(emr_staging_freeze(staging, &content, &key));
	emr_content_key_free(key);
	emr_staging_discard(staging);
	assert_ok(emr_settle_catch_up(p.settle, true));
	assert_ok(emr_settle_publish(p.settle, &change, 1, note, &outcome));
	if (outcome.error != EMR_OK)
		return 1000 + (int)outcome.error;
	*out = outcome.place;
	return outcome.result;
}

static emr_place first_version(void)
{
	pen_file(&p, s.imaging, s.imaging, "Lab.pdf", "v1", NULL);
	assert_ok(p.last.error);
	assert_int_equal(p.last.result, EMR_RESULT_APPLIED);
	return p.last.place;
}

static const char *signature(void)
{
	return kit_attribute(&s.k, "Imaging/Lab.pdf", "user.emrfs.signature");
}

static bool ends_with(const char *text, const char *end_of_it)
{
	size_t n = strlen(text), m = strlen(end_of_it);

	return n >= m && strcmp(text + n - m, end_of_it) == 0;
}

static emr_whose whose(const emr_place *place)
{
	emr_whose is;

	assert_ok(emr_facts_whose(
		s.k.stack.facts, emr_ledger_descriptor(s.k.stack.ledger), place, &is));
	return is;
}

TEST_IN(begin, end, a_version_saved_again_amends_the_one_before)
{
	emr_place v1, v2;
	emr_whose one, two;

	v1 = first_version();
	arrive();
	kit_expect_text(&s.k, "Imaging/Lab.pdf", "v1");
	kit_publish(&s.k);
	assert_memory_equal(signature(), "valid by=lima.clinic, org0 at=", 30);
	assert_int_equal(save_again(&v1, 2, NULL, "v2", &v2), EMR_RESULT_APPLIED);
	arrive();
	kit_expect_text(&s.k, "Imaging/Lab.pdf", "v2");
	assert_true(ends_with(signature(), "Z amendment"));
	one = whose(&v1);
	two = whose(&v2);
	assert_int_equal(one.is.kind, EMR_STATEMENT_ORIGINAL);
	assert_int_equal(two.is.kind, EMR_STATEMENT_AMENDMENT);
	assert_memory_equal(two.is.prev, one.is.id, 32);
	assert_int_equal(one.is.issuer_seq, 1);
	assert_int_equal(two.is.issuer_seq, 2);
}

TEST_IN(begin, end, numbers_go_on_after_a_restart)
{
	emr_place v1, v2, v3;

	v1 = first_version();
	pen_file(&p, s.imaging, s.imaging, "other.txt", "x", NULL); /* number 2 */
	pen_restart(&p);
	arrive();
	assert_int_equal(save_again(&v1, 2, whose(&v1).is.id, "v2", &v2), EMR_RESULT_APPLIED);
	arrive();
	assert_int_equal(whose(&v2).is.issuer_seq, 3);
	assert_int_equal(save_again(&v2, 3, NULL, "v3", &v3), EMR_RESULT_APPLIED);
	arrive();
	assert_int_equal(whose(&v3).is.issuer_seq, 4);
}

TEST_IN(begin, end, an_amendment_that_is_put_aside_is_seen)
{
	const emr_restore back = {.path = "Imaging/Lab.pdf", .cver = 1};
	emr_restored restored;
	emr_place v1, v2;

	v1 = first_version();
	assert_int_equal(save_again(&v1, 2, NULL, "v2: it is serious", &v2), EMR_RESULT_APPLIED);
	arrive();
	/* Ana would rather have the first one. */
	assert_ok(emr_view_restore(s.k.view, &back, &restored));
	arrive();
	kit_expect_text(&s.k, "Imaging/Lab.pdf", "v1");
	assert_true(ends_with(signature(), "Z superseded"));
}

TEST_IN(begin, end, an_amendment_of_what_is_not_there_is_seen)
{
	const uint8_t nothing[32] = {1};
	emr_place v1, v2;

	v1 = first_version();
	assert_int_equal(save_again(&v1, 2, nothing, "v2", &v2), EMR_RESULT_APPLIED);
	arrive();
	assert_true(ends_with(signature(), "Z amendment gap"));
}

/* A new object that says it is a later version of one of hers. */
TEST_IN(begin, end, nobody_passes_for_a_version_of_another_record)
{
	emr_place place, taken = {.version = 0};

	assert_ok(emr_view_place(s.k.view, "Imaging/MRI.pdf", &place));
	place.object = emr_id16_random();
	assert_int_equal(
		save_again(&place, 2, NULL, "%PDF another knee", &taken), EMR_RESULT_APPLIED);
	arrive();
	kit_expect_text(&s.k, "Imaging/MRI.pdf", "%PDF a knee");
	assert_int_equal(whose(&taken).is.standing, EMR_SIGNED_MISMATCH);
	assert_int_equal(whose(&taken).is.verdict, EMR_STATEMENT_WRONG_RECORD);
}

TEST_IN(begin, end, what_ana_writes_on_top_is_hers_and_says_so)
{
	emr_place v1;

	v1 = first_version();
	arrive();
	kit_text(&s.k, "Imaging/Lab.pdf", "what I think of it");
	arrive();
	assert_memory_equal(signature(), "self at=", 8);
	assert_true(ends_with(signature(), "Z amendment"));
	kit_text(&s.k, "Imaging/Lab.pdf", "what I think of it now");
	arrive();
	assert_true(ends_with(signature(), "Z amendment"));
	/* The doctor's version stays the doctor's. */
	assert_int_equal(whose(&v1).is.standing, EMR_SIGNED_VALID);
}

/* The listing key that lima has published for her words in DOMAIN, epoch 1. */
static emr_id32 her_listing_key(emr_id16 domain)
{
	EMR_AUTO_BUF bytes = {0};
	emr_row_listkey row;
	emr_key_text key;
	emr_id16 object;
	emr_id32 id;

	emr_object_listkey(s.lima.public.signer_id.b, 1, object.b);
	emr_key_listkey(domain.b, object.b, &key);
	assert_ok(emr_replica_state_get(s.lima.replica, key.text, &bytes));
	assert_int_equal(
		emr_row_listkey_parse((emr_span){bytes.data, bytes.len}, &row), EMR_CONTRACT_OK);
	memcpy(id.b, row.head.item, sizeof id.b);
	return id;
}

/* Puts a version that does not open, by lima's key, on top of the record that HEAD is of; returns
 * the ledger's code. */
static int put_garbage(const emr_replica_head *head)
{
	static const uint8_t meta_ct[512 + 16];
	const emr_batch_options options = {.keyring = s.lima.keyring,
		.signer = emr_signer_identity(),
		.net_id = emr_ledger_net_id(s.lima.ledger)};
	emr_operation op = {.op = EMR_OP_PUT,
		.domain = head->domain,
		.object = head->object,
		.version = head->version + 1,
		.prev = head->item_id,
		.epoch = head->epoch,
		.time = story_now(&s)};
	emr_put_part part = {.padded = 16383,
		.record_id = head->object,
		.cver = head->version + 1,
		.listkey_id = her_listing_key(head->domain),
		.meta_ct = emr_bytes_of(meta_ct, sizeof meta_ct)};
	EMR_AUTO_BUF priv = {0};
	EMR_AUTO_BUF bytes = {0};
	emr_batch_builder *batch;
	emr_ledger_answer answer;
	emr_id32 id;

	memcpy(part.root.b, "\x01\x70\x12\x20", 4);
	memcpy(part.root.b + 4, emr_id32_random().b, 32);
	assert_ok(emr_put_part_encode(&part, &priv));
	op.priv = emr_buf_view(&priv);
	assert_ok(emr_batch_new(&options, &batch));
	assert_ok(emr_batch_add(batch, &op, &id));
	assert_ok(emr_batch_finish(batch, story_now(&s), 7 * DAY, &bytes, NULL));
	assert_ok(emr_ledger_submit(s.lima.ledger, emr_buf_view(&bytes), &answer));
	emr_batch_free(batch);
	return answer.results[0];
}

/* A writer who may write over a record must not bring its owner to destroy what lies below. */
TEST_IN(begin, end, what_lies_below_garbage_is_never_offered_to_be_erased)
{
	const emr_erase what = {.unreadable = true};
	emr_replica_head head;
	emr_place place;
	emr_erased erased;

	(void)first_version();
	kit_text(&s.k, "Imaging/hers.txt", "hers");
	arrive();
	assert_ok(emr_view_place(s.k.view, "Imaging/hers.txt", &place));
	assert_ok(emr_replica_catch_up(s.lima.replica, NULL, NULL, NULL));
	assert_ok(emr_replica_head_get(s.lima.replica, place.domain, place.object, &head));
	assert_int_equal(put_garbage(&head), EMR_RESULT_APPLIED);
	kit_restart(&s.k);
	assert_int_equal(emr_facts_unreadable(s.k.stack.facts), 0);
	assert_ok(emr_view_erase(s.k.view, &what, &erased));
	assert_int_equal(erased.deleted, 0);
}

TEST_IN(begin, end, nobody_amends_after_the_end)
{
	emr_place v1, v2;

	v1 = first_version();
	assert_ok(emr_share_revoke(begins(s.ana), s.imaging, made.grant));
	assert_int_equal(save_again(&v1, 2, NULL, "v2", &v2), 1000 + EMR_DENIED);
	arrive();
	kit_expect_text(&s.k, "Imaging/Lab.pdf", "v1");
	kit_publish(&s.k);
	assert_memory_equal(signature(), "valid by=lima.clinic, org0 at=", 30);
}

/* ---- numbers ---- */

typedef struct gaps {
	size_t n;
	emr_issued last;
} gaps;

static gaps look_for_gaps(void)
{
	gaps g = {.n = 0};
	EMR_AUTO_BUF all = {0};

	assert_ok(emr_issued_gaps(s.k.stack.facts, emr_ledger_descriptor(s.k.stack.ledger), &all));
	EMR_EACH (const emr_issued, issued, &all) {
		g.n++;
		g.last = *issued;
	}
	return g;
}

/* As if the statements up to LAST had been signed, and had gone nowhere. */
static void skip_numbers_to(uint64_t last)
{
	uint8_t patient_pk[32];
	const emr_bytes pk = emr_bytes_of(patient_pk, 32);
	emr_id32 hash;
	uint8_t row[9] = {1};
	emr_journal_txn *txn;
	emr_id16 key;

	assert_ok(emr_keyring_person_pk(s.k.stack.keyring, patient_pk));
	hash = emr_sha256_of(&pk, 1);
	memcpy(key.b, hash.b, sizeof key.b);
	emr_put_u64(row + 1, last);
	assert_ok(emr_journal_begin(p.journal, &txn));
	assert_ok(emr_journal_put(txn, EMR_ROW_ISSUED, key, emr_bytes_of(row, sizeof row)));
	assert_ok(emr_journal_commit(txn, NULL));
}

TEST(missing_numbers_are_said_as_people_write_them)
{
	uint64_t some[] = {9, 1, 4, 4, 0, 2}, none[] = {0}, every_other[400];
	emr_issued_gap gap;

	emr_issued_compare(some, 6, &gap);
	assert_string_equal(gap.numbers, "3, 5-8");
	assert_int_equal(gap.here, 4);
	assert_int_equal(gap.last, 9);
	assert_int_equal(gap.missing, 5);
	emr_issued_compare(none, 1, &gap);
	assert_int_equal(gap.missing, 0);
	assert_string_equal(gap.numbers, "");
	emr_issued_compare(NULL, 0, &gap);
	assert_int_equal(gap.last, 0);
	for (uint64_t i = 0; i < 400; i++)
		every_other[i] = 2 * i + 2;
	emr_issued_compare(every_other, 400, &gap);
	assert_int_equal(gap.missing, 400);
	assert_memory_equal(gap.numbers, "1, 3, 5, ", 9);
	assert_true(ends_with(gap.numbers, ", ..."));
}

TEST_IN(begin, end, a_number_that_went_nowhere_is_missed)
{
	gaps g;

	(void)first_version();
	arrive();
	assert_int_equal(look_for_gaps().n, 0);
	skip_numbers_to(4);
	pen_file(&p, s.imaging, s.imaging, "other.txt", "x", NULL);
	arrive();
	g = look_for_gaps();
	assert_int_equal(g.n, 1);
	assert_string_equal(g.last.by, "lima.clinic, org0");
	assert_memory_equal(g.last.issuer.b, s.lima.public.signer_id.b, 32);
	assert_string_equal(g.last.gap.numbers, "2-4");
	assert_int_equal(g.last.gap.here, 2);
	assert_int_equal(g.last.unread, 0);
}

/* Her numbers go over all folders of the patient, all versions, and what was deleted. */
TEST_IN(begin, end, what_was_replaced_moved_or_deleted_is_not_missed)
{
	emr_place v1, v2;

	v1 = first_version();
	pen_file(&p, s.imaging, s.imaging, "gone.txt", "x", NULL);
	pen_file(&p, s.imaging, s.imaging, "moved.txt", "x", NULL);
	assert_int_equal(save_again(&v1, 2, NULL, "v2", &v2), EMR_RESULT_APPLIED);
	arrive();
	kit_unlink(&s.k, "Imaging/gone.txt");
	kit_rename(&s.k, "Imaging/moved.txt", "moved.txt");
	arrive();
	assert_int_equal(look_for_gaps().n, 0);
}

TEST_IN(begin, end, what_was_erased_is_missed_and_counted_as_unread)
{
	const emr_erase what = {.path = "Imaging/Lab.pdf"};
	emr_erased erased = {0};
	gaps g;

	(void)first_version();
	pen_file(&p, s.imaging, s.imaging, "other.txt", "x", NULL);
	arrive();
	assert_ok(emr_view_erase(s.k.view, &what, &erased));
	arrive();
	g = look_for_gaps();
	assert_int_equal(g.n, 1);
	assert_string_equal(g.last.gap.numbers, "1");
	assert_int_equal(g.last.unread, 1);
}

TESTS(NULL, NULL)
