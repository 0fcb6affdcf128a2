/* These tests make and open questions for keys, answers and reports, and compare them with the
 * second model. */
#include "share_world.h"

#include "letters_private.h"
#include "held_private.h"

AUTO_OF(emr_box_key_free, emr_box_key *)
AUTO_OF(emr_grantee_key_free, emr_grantee_key *)

/* ---- ACCESS_REQ ---- */

TEST(a_request_reads_the_same_for_everybody_it_is_for)
{
	static const char *const readers[] = {"agent1", "agent2", "agent3", "auditor"};
	AUTO_PART one = share_part_of(root, "ACCESS_REQ");
	const json_t *access = vectors_get(root, "access");
	const json_t *slots = vectors_get(access, "slots");
	emr_bytes item = emr_buf_view(&one.item);
	EMR_AUTO_BUF want = {0};
	emr_access_part part;

	assert_ok(emr_access_part_read(item, emr_buf_view(&one.part), &part));
	for (size_t i = 0; i < 5; i++) {
		EMR_AUTO_KEYRING reader = i < 4 ? share_keyring(root, readers[i]) : NULL;
		EMR_AUTO_BUF again = {0};
		emr_box_key *box = NULL;
		emr_request_key *key = NULL;
		emr_access_body body;

		if (i < 4) {
			assert_ok(emr_box_key_identity(reader, &box));
			assert_ok(emr_request_key_open(box, id_of(reader), item, &part, &key));
		} else {
			assert_ok(emr_request_key_open(
				domain_box, emr_owner_rid(domain_id), item, &part, &key));
		}
		assert_ok(emr_access_body_open(key, item, &part, &body));
		assert_int_equal(body.purpose, vectors_u64(access, "purpose"));
		assert_int_equal(body.reader, vectors_u64(access, "reader"));
		assert_int_equal(body.count, json_array_size(slots));
		for (size_t s = 0; s < body.count; s++) {
			const json_t *slot = json_array_get(slots, s);
			uint8_t object[16];

			vectors_fixed(slot, "object_id", object, 16);
			assert_memory_equal(body.slots[s].object_id.b, object, 16);
			assert_int_equal(body.slots[s].version, vectors_u64(slot, "version"));
			assert_int_equal(body.slots[s].kind, vectors_u64(slot, "kind"));
		}
		assert_ok(emr_access_body_encode(&body, &again));
		assert_true(
			emr_bytes_equal(emr_buf_view(&again), vectors_hex(access, "body", &want)));
		emr_access_body_free(&body);
		emr_request_key_free(key);
		emr_box_key_free(box);
	}
}

TEST(strangers_cannot_read_a_request)
{
	AUTO_PART one = share_part_of(root, "ACCESS_REQ");
	emr_access_part part;
	emr_request_key *key = NULL;

	assert_ok(emr_access_part_read(emr_buf_view(&one.item), emr_buf_view(&one.part), &part));
	assert_status(EMR_NOT_FOUND, emr_request_key_open(grantee_box, id_of(grantee),
					     emr_buf_view(&one.item), &part, &key));
	assert_status(EMR_DAMAGED, emr_request_key_open(grantee_box, id_of(agents[0]),
					   emr_buf_view(&one.item), &part, &key));
	assert_null(key);
}

TEST(every_bit_of_a_request_matters)
{
	AUTO_PART one = share_part_of(root, "ACCESS_REQ");

	every_bit_matters(&one, open_access);
}

/* ---- ACCESS_SERVED ---- */

static emr_box_key *request_key_pair(void)
{
	emr_secret sk = {0};
	emr_box_key *key = NULL;
	uint8_t bytes[32];

	vectors_fixed(vectors_get(root, "access"), "epk_sk", bytes, 32);
	sk = kit_secret(bytes, 32);
	assert_ok(emr_box_key_from(&sk, &key));
	return key;
}

static emr_status open_answer(emr_bytes item, emr_bytes part)
{
	AUTO(auto_emr_box_key_free) emr_box_key *epk = request_key_pair();
	emr_answer *answer = NULL;
	emr_status status = emr_answer_open(epk, item, part, 5, &answer);

	emr_answer_free(answer);
	return status;
}

TEST(answers_open_as_the_second_model_made_them)
{
	static const char *const names[] = {"ACCESS_SERVED agent1", "ACCESS_SERVED agent2",
		"ACCESS_SERVED agent3", "ACCESS_SERVED owner"};
	static const size_t counts[] = {4, 4, 0, 4};
	AUTO(auto_emr_box_key_free) emr_box_key *epk = request_key_pair();

	for (size_t i = 0; i < 4; i++) {
		AUTO_PART one = share_part_of(root, names[i]);
		emr_answer *answer = NULL;

		assert_ok(emr_answer_open(
			epk, emr_buf_view(&one.item), emr_buf_view(&one.part), 5, &answer));
		assert_int_equal(emr_answer_mode(answer), i == 3 ? 2 : i == 2 ? 3 : 1);
		assert_int_equal(emr_answer_count(answer), counts[i]);
		emr_answer_free(answer);
		/* Only three slots were asked: slot 3 is one too many. */
		if (i != 2)
			assert_status(EMR_DAMAGED, emr_answer_open(epk, emr_buf_view(&one.item),
							   emr_buf_view(&one.part), 3, &answer));
	}
}

/* The agents' answers for every capsule, combined; and the owner's. */
TEST(released_keys_are_the_capsules_keys)
{
	AUTO_PART first = share_part_of(root, "ACCESS_SERVED agent1");
	AUTO_PART second = share_part_of(root, "ACCESS_SERVED agent2");
	AUTO_PART mine = share_part_of(root, "ACCESS_SERVED owner");
	AUTO_PART access = share_part_of(root, "ACCESS_REQ");
	const json_t *capsules = vectors_get(root, "capsules");
	AUTO(auto_emr_box_key_free) emr_box_key *epk = request_key_pair();
	AUTO(auto_emr_grantee_key_free) emr_grantee_key *b = NULL;
	emr_answer *one = NULL;
	emr_answer *two = NULL;
	emr_answer *owners = NULL;
	uint8_t B[32];

	public_B(grantee, B);
	assert_ok(emr_grantee_key_identity(grantee, &b));
	assert_ok(emr_answer_open(
		epk, emr_buf_view(&first.item), emr_buf_view(&first.part), 5, &one));
	assert_ok(emr_answer_open(
		epk, emr_buf_view(&second.item), emr_buf_view(&second.part), 5, &two));
	assert_ok(emr_answer_open(
		epk, emr_buf_view(&mine.item), emr_buf_view(&mine.part), 5, &owners));
	for (size_t i = 0; i < json_array_size(capsules); i++) {
		const json_t *want = json_array_get(capsules, i);
		const json_t *epoch = fragments_of(vectors_u64(want, "epoch") == 3);
		emr_pre_share shares[2];
		emr_kem_key *kem = NULL;
		emr_kem_key *direct = NULL;
		uint8_t A[32], X[32], ctx[32], capsule[96], k[32], status;
		uint16_t slot;
		unsigned n = 0;

		vectors_fixed(epoch, "A", A, 32);
		vectors_fixed(epoch, "X", X, 32);
		vectors_fixed(want, "ctx", ctx, 32);
		vectors_fixed(want, "capsule", capsule, 96);
		vectors_fixed(want, "k", k, 32);
		for (size_t j = 0; j < 8; j++) {
			emr_answer_entry entry;

			assert_ok(emr_answer_entry_get(j < 4 ? one : two, j % 4, &entry));
			if (entry.slot != i)
				continue;
			assert_int_equal(entry.status, EMR_ANSWER_GIVEN);
			assert_memory_equal(entry.X, X, 32);
			assert_ok(emr_answer_entry_check(
				&entry, domain_pk, &terms, A, B, capsule, access.id));
			shares[n++] = entry.share;
		}
		assert_int_equal(n, 2);
		assert_ok(emr_kem_key_combine(b, A, X, ctx, capsule, shares, 2, &kem));
		assert_memory_equal(kem->k.data, k, 32);
		assert_status(EMR_DAMAGED,
			emr_kem_key_combine(b, A, X, ctx, capsule, shares, 1, &direct));
		assert_ok(emr_answer_key_get(owners, i, &slot, &status, &direct));
		assert_int_equal(slot, i);
		assert_memory_equal(direct->k.data, k, 32);
		emr_kem_key_free(direct);
		emr_kem_key_free(kem);
	}
	emr_answer_free(one);
	emr_answer_free(two);
	emr_answer_free(owners);
}

TEST(refused_slots_carry_their_reason)
{
	AUTO_PART one = share_part_of(root, "ACCESS_SERVED agent2");
	AUTO_PART mine = share_part_of(root, "ACCESS_SERVED owner");
	AUTO(auto_emr_box_key_free) emr_box_key *epk = request_key_pair();
	emr_answer *answer = NULL;
	emr_answer_entry entry;
	emr_kem_key *key = NULL;
	uint16_t slot;
	uint8_t status;

	assert_ok(
		emr_answer_open(epk, emr_buf_view(&one.item), emr_buf_view(&one.part), 5, &answer));
	assert_ok(emr_answer_entry_get(answer, 0, &entry));
	assert_int_equal(entry.slot, 4);
	assert_int_equal(entry.status, 28);
	assert_int_equal(entry.epoch, 1);
	assert_status(EMR_INVALID, emr_answer_entry_get(answer, 4, &entry));
	assert_status(EMR_INVALID, emr_answer_key_get(answer, 0, &slot, &status, &key));
	emr_answer_free(answer);
	assert_ok(emr_answer_open(
		epk, emr_buf_view(&mine.item), emr_buf_view(&mine.part), 5, &answer));
	assert_ok(emr_answer_key_get(answer, 3, &slot, &status, &key));
	assert_int_equal(slot, 3);
	assert_int_equal(status, 26);
	assert_null(key);
	emr_answer_free(answer);
}

TEST(every_bit_of_an_answer_matters)
{
	static const char *const names[] = {
		"ACCESS_SERVED agent1", "ACCESS_SERVED agent3", "ACCESS_SERVED owner"};

	for (size_t i = 0; i < 3; i++) {
		AUTO_PART one = share_part_of(root, names[i]);

		every_bit_matters(&one, open_answer);
		if (i == 0) /* behind salt and owner_wrap, which is the owner's */
			every_bit_is_authenticated_without_the_hash(&one, open_answer, 112 * 8);
	}
}

TEST(the_owner_reads_from_an_answer_what_was_asked)
{
	AUTO_PART access = share_part_of(root, "ACCESS_REQ");
	AUTO_PART served = share_part_of(root, "ACCESS_SERVED agent1");
	AUTO_PART refused = share_part_of(root, "ACCESS_SERVED agent3");
	AUTO_PART mine = share_part_of(root, "ACCESS_SERVED owner");
	const share_part *answers[] = {&served, &refused};
	emr_access_part part;
	emr_access_body body;
	emr_request_key *key = NULL;

	assert_ok(emr_access_part_read(
		emr_buf_view(&access.item), emr_buf_view(&access.part), &part));
	for (size_t i = 0; i < 2; i++) {
		assert_ok(emr_request_key_of_served(domain_box, emr_buf_view(&answers[i]->item),
			emr_buf_view(&answers[i]->part), &part, &key));
		assert_ok(emr_access_body_open(key, emr_buf_view(&access.item), &part, &body));
		assert_int_equal(body.count, 5);
		emr_access_body_free(&body);
		emr_request_key_free(key);
	}
	assert_status(EMR_NOT_FOUND, emr_request_key_of_served(domain_box, emr_buf_view(&mine.item),
					     emr_buf_view(&mine.part), &part, &key));
	part.kcom[0] ^= 1; /* a key that was not the one promised */
	assert_status(EMR_DAMAGED, emr_request_key_of_served(domain_box, emr_buf_view(&served.item),
					   emr_buf_view(&served.part), &part, &key));
}

/* ---- READ_REPORT ---- */

static emr_status open_report(emr_bytes item, emr_bytes part)
{
	EMR_AUTO_FREE emr_report_row *rows = NULL;
	size_t n;
	emr_status status = emr_report_part_open(domain_box, item, part, &rows, &n);

	return status;
}

TEST(a_report_says_what_was_opened_by_whom)
{
	AUTO_PART one = share_part_of(root, "READ_REPORT");
	const json_t *want = vectors_get(root, "report");
	EMR_AUTO_BUF plain = {0};
	EMR_AUTO_BUF again = {0};
	emr_report_row *rows = NULL;
	size_t n;

	assert_ok(emr_report_part_open(
		domain_box, emr_buf_view(&one.item), emr_buf_view(&one.part), &rows, &n));
	assert_int_equal(n, json_array_size(want));
	for (size_t i = 0; i < n; i++) {
		const json_t *row = json_array_get(want, i);

		assert_int_equal(rows[i].first, vectors_u64(row, "first"));
		assert_int_equal(rows[i].last, vectors_u64(row, "last"));
		assert_int_equal(rows[i].bytes, vectors_u64(row, "bytes"));
		assert_int_equal(rows[i].opens, vectors_u64(row, "opens"));
		assert_int_equal(rows[i].whole, vectors_u64(row, "flags") & 1);
		assert_int_equal(rows[i].refused, vectors_u64(row, "flags") >> 1 & 1);
	}
	assert_ok(emr_report_encode(rows, n, &again));
	assert_true(emr_bytes_equal(emr_buf_view(&again), share_plain(&one, "report", &plain)));
	free(rows);
	every_bit_matters(&one, open_report);
}

/* ---- EMERGENCY ---- */

static emr_status open_reason(emr_bytes item, emr_bytes part)
{
	char reason[EMR_EMERGENCY_REASON_MAX + 1];

	return emr_emergency_part_open(domain_box, item, part, reason);
}

TEST(a_reason_is_read_by_the_owner_beside_its_item_alone)
{
	AUTO_PART one = share_part_of(root, "EMERGENCY");
	AUTO_PART other = share_part_of(root, "READ_REPORT");
	const json_t *is = vectors_get(root, "emergency");
	char reason[EMR_EMERGENCY_REASON_MAX + 1];
	AUTO(auto_emr_box_key_free) emr_box_key *stranger = request_key_pair();

	assert_ok(emr_emergency_part_open(
		domain_box, emr_buf_view(&one.item), emr_buf_view(&one.part), reason));
	assert_string_equal(reason, vectors_text(is, "reason"));
	every_bit_matters(&one, open_reason);
	assert_status(EMR_DAMAGED, open_reason(emr_buf_view(&one.item), emr_buf_view(&other.part)));
	assert_status(EMR_DAMAGED, open_reason(emr_buf_view(&other.item), emr_buf_view(&one.part)));
	assert_status(EMR_DAMAGED, emr_emergency_part_open(stranger, emr_buf_view(&one.item),
					   emr_buf_view(&one.part), reason));
}

TEST(a_reason_is_a_line_of_400_bytes)
{
	AUTO_PART one = share_part_of(root, "EMERGENCY");
	char longest[EMR_EMERGENCY_REASON_MAX + 2];
	const char *const bad[] = {"", "two\nlines", "\xff", "\x1b[2J", longest};
	EMR_AUTO_BUF part = {0};
	uint8_t box[32];

	memset(longest, 'w', sizeof longest - 1);
	longest[EMR_EMERGENCY_REASON_MAX + 1] = '\0';
	emr_box_key_public(domain_box, box);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_status(EMR_INVALID,
			emr_emergency_part_seal(emr_buf_view(&one.item), box, bad[i], &part));
	longest[EMR_EMERGENCY_REASON_MAX] = '\0';
	assert_ok(emr_emergency_part_seal(emr_buf_view(&one.item), box, longest, &part));
	assert_int_equal(part.len, one.part.len);
}

TESTS(set_up, tear_down)
