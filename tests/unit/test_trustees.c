/* A seed is sealed for trustees: any of them that are enough find it, and fewer, strangers and
 * false answers do not. Shares agree with RFC 9591 and with the second model. */
#include "test_dir.h"
#include "vectors.h"

#include "contract/item.h"
#include "crypto/hashsig.h"
#include "crypto/pre.h"
#include "held_private.h"
#include "keyring/letters.h"
#include "keyring_private.h"

#define PEOPLE 5

static json_t *root, *pre;

static emr_secret secret_of(const char *hex)
{
	emr_secret made = {0};

	assert_ok(emr_secret_new(32, &made));
	assert_ok(emr_unhex(hex, made.data, 32));
	return made;
}

static void free_all(emr_secret *secrets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		emr_secret_free(&secrets[i]);
}

static void combines(const uint8_t *at, const emr_secret *shares, unsigned n, const emr_secret *to)
{
	EMR_AUTO_SECRET sum = {0};

	assert_ok(emr_shamir_combine(at, shares, n, &sum));
	assert_memory_equal(sum.data, to->data, 32);
}

/* ---- shares ---- */

/* RFC 9591, Appendix E.3: FROST(ristretto255, SHA-512), two of three. */
TEST(shares_are_those_of_rfc_9591)
{
	static const char *const all[] = {
		"5c3430d391552f6e60ecdc093ff9f6f4488756aa6cebdbad75a768010b8f830e",
		"b06fc5eac20b4f6e1b271d9df2343d843e1e1fb03c4cbb673f2872d459ce6f01",
		"f17e505f0e2581c6acfe54d3846a622834b5e7b50cad9a2109a97ba7a80d5c04"};
	emr_secret f[] = {
		secret_of("1b25a55e463cfd15cf14a5d3acc3d15053f08da49c8afcf3ab265f2ebc4f970b"),
		secret_of("410f8b744b19325891d73736923525a4f596c805d060dfb9c98009d34e3fec02")};
	emr_secret shares[3];
	uint8_t group[32], wanted[32];

	assert_ok(emr_pre_public(&f[0], group));
	assert_ok(emr_unhex("e2a62f39eede11269e3bd5a7d97554f5ca384f9f6d3dd9c3c0d05083c7254f57",
		wanted, sizeof wanted));
	assert_memory_equal(group, wanted, sizeof group);
	for (unsigned i = 0; i < 3; i++) {
		emr_secret known = secret_of(all[i]);

		assert_ok(emr_shamir_share(f, 2, i + 1, &shares[i]));
		assert_memory_equal(shares[i].data, known.data, 32);
		emr_secret_free(&known);
	}
	for (uint8_t i = 0; i < 3; i++)
		for (uint8_t j = 0; j < 3; j++) {
			const uint8_t at[] = {(uint8_t)(i + 1), (uint8_t)(j + 1)};
			const emr_secret two[] = {shares[i], shares[j]};
			emr_secret none = {0};

			if (i != j)
				combines(at, two, 2, &f[0]);
			else
				assert_status(EMR_INVALID, emr_shamir_combine(at, two, 2, &none));
		}
	free_all(shares, 3);
	free_all(f, 2);
}

TEST(shares_and_commitments_are_those_of_the_second_model)
{
	const json_t *case_of = vectors_get(pre, "feldman"), *list = vectors_get(case_of, "shares");
	emr_secret secret = secret_of(vectors_text(case_of, "secret"));
	uint8_t commitments[3][32];
	emr_secret shares[PEOPLE];

	for (size_t j = 0; j < 3; j++)
		assert_ok(emr_unhex(
			json_string_value(json_array_get(vectors_get(case_of, "commitments"), j)),
			commitments[j], 32));
	for (unsigned i = 0; i < PEOPLE; i++) {
		shares[i] = secret_of(vectors_text(json_array_get(list, i), "share"));
		for (unsigned at = 0; at <= EMR_SHAMIR_MAX + 1; at++)
			assert_int_equal(
				emr_shamir_fits(commitments, 3, at, &shares[i]), at == i + 1);
	}
	for (unsigned set = 0; set < 1u << PEOPLE; set++) {
		EMR_AUTO_SECRET sum = {0};
		emr_secret some[PEOPLE];
		uint8_t at[PEOPLE];
		unsigned n = 0;

		for (unsigned i = 0; i < PEOPLE; i++)
			if ((set >> i & 1) != 0) {
				some[n] = shares[i];
				at[n++] = (uint8_t)(i + 1);
			}
		if (n >= 3)
			combines(at, some, n, &secret);
		else if (n > 0) {
			assert_ok(emr_shamir_combine(at, some, n, &sum));
			assert_memory_not_equal(sum.data, secret.data, 32);
		}
	}
	free_all(shares, PEOPLE);
	emr_secret_free(&secret);
}

/* ---- letters ---- */

typedef struct trust {
	emr_keyring *owner, *asker, *people[PEOPLE];
	emr_trustee all[PEOPLE];
	emr_buf item, part;
	emr_id32 about;
} trust;

static emr_bytes item_of(trust *t)
{
	return emr_buf_view(&t->item);
}

static emr_bytes part_of(trust *t)
{
	return emr_buf_view(&t->part);
}

/* The item with hash and length of its part, as the ledger will have it. */
static void name_part(trust *t)
{
	static const char label[] = "emrfs/v1/priv";
	emr_sha256_ctx hash;

	for (int i = 0; i < 4; i++)
		t->item.data[124 + i] = (uint8_t)(t->part.len >> (24 - 8 * i));
	emr_sha256_init(&hash);
	emr_sha256_update(&hash, label, sizeof label - 1);
	emr_sha256_update(&hash, t->part.data, t->part.len);
	emr_sha256_final(&hash, t->item.data + 128);
}

/* NEED of all five. */
static void begin_trust(trust *t, uint8_t need)
{
	emr_public public;

	*t = (trust){.about = emr_id32_random()};
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1, &t->owner));
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1, &t->asker));
	for (size_t i = 0; i < PEOPLE; i++) {
		assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1, &t->people[i]));
		assert_ok(emr_keyring_public(t->people[i], &public));
		t->all[i].id = public.signer_id;
		memcpy(t->all[i].x25519, public.x25519, 32);
	}
	assert_ok(emr_buf_append_zeros(&t->item, EMR_ITEM_BYTES + 8));
	memcpy(t->item.data, "EMTX\1\x68", 6);
	t->item.data[EMR_ITEM_BYTES] = need;
	t->item.data[EMR_ITEM_BYTES + 1] = PEOPLE;
	assert_ok(emr_trustees_part_seal(t->owner, item_of(t), t->all, &t->part));
	assert_int_equal(t->part.len, EMR_TRUSTEES_PART_BYTES(need, PEOPLE));
	name_part(t);
}

static void end_trust(trust *t)
{
	emr_keyring_free(t->owner);
	emr_keyring_free(t->asker);
	for (size_t i = 0; i < PEOPLE; i++)
		emr_keyring_free(t->people[i]);
	emr_buf_free(&t->item);
	emr_buf_free(&t->part);
}

static emr_status answers(trust *t, size_t i, uint8_t out[EMR_TRUSTEE_ANSWER_BYTES])
{
	emr_box_key *box = NULL;
	emr_public asker;
	emr_status status;

	assert_ok(emr_keyring_public(t->asker, &asker));
	assert_ok(emr_box_key_identity(t->people[i], &box));
	status = emr_trustee_answer(
		box, t->all[i].id, item_of(t), part_of(t), asker.x25519, t->about, out);
	emr_box_key_free(box);
	return status;
}

static emr_status takes(trust *t, const emr_keyring *by, emr_trustee_shares *shares,
	const uint8_t answer[EMR_TRUSTEE_ANSWER_BYTES])
{
	emr_box_key *box = NULL;
	emr_status status;

	assert_ok(emr_box_key_identity(by, &box));
	status = emr_trustee_shares_add(shares, box, item_of(t), part_of(t), t->about,
		emr_bytes_of(answer, EMR_TRUSTEE_ANSWER_BYTES));
	emr_box_key_free(box);
	return status;
}

TEST(enough_trustees_find_the_seed_and_fewer_do_not)
{
	uint8_t answer[EMR_TRUSTEE_ANSWER_BYTES];
	emr_trustee_shares shares = {.n = 0};
	emr_keyring *found = NULL;
	emr_public was, is;
	trust t;

	begin_trust(&t, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_status(EMR_NOT_FOUND,
			emr_trustees_recover(&shares, item_of(&t), part_of(&t), 1, &found));
		assert_ok(answers(&t, 4 - i, answer));
		assert_ok(takes(&t, t.asker, &shares, answer));
		assert_status(EMR_EXISTS, takes(&t, t.asker, &shares, answer));
	}
	assert_ok(emr_trustees_recover(&shares, item_of(&t), part_of(&t), 1, &found));
	assert_ok(emr_keyring_public(t.owner, &was));
	assert_ok(emr_keyring_public(found, &is));
	assert_memory_equal(was.pk, is.pk, sizeof was.pk);
	emr_keyring_free(found);
	emr_trustee_shares_free(&shares);
	end_trust(&t);
}

TEST(an_answer_is_for_one_request_and_true)
{
	uint8_t answer[EMR_TRUSTEE_ANSWER_BYTES];
	emr_trustee_shares shares = {.n = 0};
	emr_box_key *box = NULL;
	trust t, other;

	begin_trust(&t, 2);
	begin_trust(&other, 2);
	assert_ok(answers(&t, 0, answer));
	assert_status(EMR_DAMAGED, takes(&t, t.people[1], &shares, answer)); /* who overhears */
	t.about.b[0] ^= 1;
	assert_status(EMR_DAMAGED, takes(&t, t.asker, &shares, answer)); /* another request */
	t.about.b[0] ^= 1;
	other.about = t.about;
	assert_status(EMR_DAMAGED, takes(&other, t.asker, &shares, answer)); /* another's share */
	for (size_t i = 0; i < sizeof answer; i++) {
		answer[i] ^= 1;
		assert_status(EMR_DAMAGED, takes(&t, t.asker, &shares, answer));
		answer[i] ^= 1;
	}
	assert_int_equal(shares.n, 0);
	assert_ok(emr_box_key_identity(t.owner, &box));
	assert_status(EMR_NOT_FOUND, emr_trustee_answer(box, t.about, item_of(&t), part_of(&t),
					     t.all[0].x25519, t.about, answer));
	assert_status(EMR_DAMAGED, emr_trustee_answer(box, t.all[0].id, item_of(&t), part_of(&t),
					   t.all[0].x25519, t.about, answer));
	emr_box_key_free(box);
	end_trust(&t);
	end_trust(&other);
}

TEST(a_part_that_is_not_the_ledger_s_is_refused)
{
	uint8_t answer[EMR_TRUSTEE_ANSWER_BYTES];
	trust t;

	begin_trust(&t, 2);
	for (size_t i = 0; i < t.part.len; i += 7) {
		t.part.data[i] ^= 1;
		assert_status(EMR_DAMAGED, answers(&t, 0, answer));
		t.part.data[i] ^= 1;
	}
	for (size_t len = 0; len < t.part.len; len += 13) {
		const emr_buf whole = t.part;

		t.part.len = len;
		name_part(&t);
		assert_status(EMR_DAMAGED, answers(&t, 0, answer));
		t.part = whole;
	}
	name_part(&t);
	t.item.data[EMR_ITEM_BYTES] = 0;
	assert_status(EMR_DAMAGED, answers(&t, 0, answer));
	t.item.data[EMR_ITEM_BYTES] = PEOPLE + 1;
	assert_status(EMR_DAMAGED, answers(&t, 0, answer));
	t.item.data[EMR_ITEM_BYTES] = 2;
	t.all[1] = t.all[0];
	assert_status(
		EMR_INVALID, emr_trustees_part_seal(t.owner, item_of(&t), t.all, &(emr_buf){0}));
	end_trust(&t);
}

/* The batch of the model's story: its doctor and its first agent answer. */
TEST(the_second_model_s_letters_open)
{
	static const char *const names[] = {"doctor", "agent1"};
	const json_t *story = vectors_get(root, "story"), *one;
	emr_trustee_shares shares = {.n = 0};
	EMR_AUTO_BUF bytes = {0};
	emr_batch *batch = calloc(1, sizeof *batch);
	emr_keyring *asker = NULL, *found = NULL;
	emr_box_key *to = NULL;
	emr_bytes item, part;
	emr_id32 about = {{3}};
	uint8_t to_pk[32];
	emr_public is;
	size_t i;

	json_array_foreach(vectors_get(story, "batches"), i,
		one) if (strcmp(vectors_text(one, "name"), "TRUSTEE_SET") == 0)
		vectors_hex(one, "batch", &bytes);
	assert_non_null(batch);
	assert_int_equal(
		emr_batch_parse((emr_span){bytes.data, bytes.len}, batch), EMR_RESULT_APPLIED);
	item = emr_bytes_of(batch->items[0].bytes.data, batch->items[0].bytes.len);
	part = emr_bytes_of(batch->items[0].part.data, batch->items[0].part.len);
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1, &asker));
	assert_ok(emr_box_key_identity(asker, &to));
	emr_box_key_public(to, to_pk);
	json_array_foreach(vectors_get(story, "people"), i, one)
	{
		uint8_t answer[EMR_TRUSTEE_ANSWER_BYTES];
		emr_box_key box = {0};
		emr_id32 me;

		if (strcmp(vectors_text(one, "name"), names[0]) != 0 &&
			strcmp(vectors_text(one, "name"), names[1]) != 0)
			continue;
		box.sk = secret_of(vectors_text(one, "box_sk"));
		assert_ok(emr_unhex(vectors_text(one, "signer_id"), me.b, 32));
		assert_ok(emr_trustee_answer(&box, me, item, part, to_pk, about, answer));
		assert_ok(emr_trustee_shares_add(
			&shares, to, item, part, about, emr_bytes_of(answer, sizeof answer)));
		emr_secret_free(&box.sk);
	}
	assert_ok(emr_trustees_recover(&shares, item, part, 1, &found));
	assert_ok(emr_keyring_public(found, &is));
	json_array_foreach(vectors_get(story, "people"), i,
		one) if (strcmp(vectors_text(one, "name"), "patient") == 0)
	{
		uint8_t pk[32];

		assert_ok(emr_unhex(vectors_text(one, "sign_pk"), pk, 32));
		assert_memory_equal(pk, is.pk, 32);
	}
	emr_trustee_shares_free(&shares);
	emr_box_key_free(to);
	emr_keyring_free(asker);
	emr_keyring_free(found);
	free(batch);
}

AROUND(begin)
{
	assert_ok(emr_base_init());
	root = vectors_open("ledger.json");
	pre = vectors_open("pre.json");
}

AROUND(end)
{
	json_decref(root);
	json_decref(pre);
}

TESTS(begin, end)
