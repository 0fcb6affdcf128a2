/* A seed is followed by another: what was written under the former one opens, what is new is of the
 * new one alone, and the new words lead to the former seed. */
#include "test_dir.h"

#include "keyring/content.h"
#include "keyring/coowned.h"
#include "keyring/held.h"
#include "keyring/pseudonym.h"
#include "keyring/keyring.h"
#include "keyring/words.h"

static const emr_id16 domain = {{7, 7, 7}};
static const emr_kdf_cost cheap = {.passes = 1, .memory_bytes = (uint64_t)8 << 20};
static emr_keyring *was, *is;

static emr_keyring *follow(emr_keyring *kr)
{
	emr_keyring *next = NULL;

	assert_ok(emr_keyring_draw_next(kr));
	assert_ok(emr_keyring_succeed(kr, &next));
	return next;
}

AROUND(begin)
{
	assert_ok(emr_base_init());
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1, &was));
	is = follow(was);
}

AROUND(end)
{
	emr_keyring_free(was);
	emr_keyring_free(is);
}

typedef struct wrapped {
	uint8_t capsule[EMR_CAPSULE_BYTES], wdek[EMR_WDEK_BYTES];
	uint32_t epoch;
} wrapped;

static const uint8_t ctx[32] = {1};

static wrapped wrap(const emr_keyring *writer, uint32_t epoch)
{
	wrapped made = {.epoch = epoch};
	emr_content_key *key = NULL;
	emr_domain_public public;

	assert_ok(emr_keyring_domain_public(writer, domain, 1, epoch, &public));
	assert_ok(emr_content_key_new(&key));
	assert_ok(emr_content_key_wrap(writer, public.A, ctx, key, made.capsule, made.wdek));
	emr_content_key_free(key);
	return made;
}

static emr_status opens(const emr_keyring *reader, const wrapped *w)
{
	emr_content_key *key = NULL;
	emr_status status =
		emr_content_key_unwrap(reader, domain, w->epoch, ctx, w->capsule, w->wdek, &key);

	emr_content_key_free(key);
	return status;
}

static emr_domain_public heir(const emr_keyring *by)
{
	emr_domain_public public;

	assert_ok(emr_keyring_domain_heir(by, domain, 1, &public));
	return public;
}

/* Owned by A, from epoch FROM_B on by B, and from FROM_C on by C; NULL: by no other. */
static emr_status settle(const emr_keyring *kr, const emr_keyring *a, const emr_keyring *b,
	uint32_t from_b, const emr_keyring *c, uint32_t from_c)
{
	const emr_keyring *const by[] = {a, b, c};
	emr_domain_owned owners[] = {{.from = 1}, {.from = from_b}, {.from = from_c}};
	size_t n = 0;

	for (; n < 3 && by[n] != NULL; n++)
		memcpy(owners[n].owner_pk, heir(by[n]).owner_pk, 32);
	return emr_keyring_settle(kr, domain, owners, n);
}

TEST_IN(begin, end, what_the_former_seed_wrote_opens_and_what_is_new_it_does_not_open)
{
	wrapped before = wrap(was, 2), after;

	assert_ok(settle(is, was, NULL, 0, NULL, 0));
	assert_int_equal(emr_keyring_owner_of(is, domain), 1);
	assert_ok(opens(is, &before));
	assert_ok(settle(is, was, is, 3, NULL, 0));
	assert_int_equal(emr_keyring_owner_of(is, domain), 0);
	assert_ok(opens(is, &before));
	after = wrap(is, 3);
	assert_ok(opens(is, &after));
	assert_int_not_equal(EMR_OK, opens(was, &after));
}

TEST_IN(begin, end, a_chain_of_three_seeds_learns_from_the_ledger_whose_each_epoch_is)
{
	emr_keyring *third = follow(is);
	wrapped w[6];

	for (uint32_t i = 1; i <= 6; i++) {
		const emr_keyring *by = i <= 2 ? was : i <= 4 ? is : third;

		w[i - 1] = wrap(by, i);
	}
	assert_ok(settle(third, was, is, 3, third, 5));
	for (size_t i = 0; i < 6; i++)
		assert_ok(opens(third, &w[i]));
	/* Not handed over yet by the second one. */
	emr_keyring_free(third);
	third = follow(is);
	assert_ok(settle(third, was, is, 3, NULL, 0));
	assert_int_equal(emr_keyring_owner_of(third, domain), 1);
	for (size_t i = 0; i < 4; i++)
		assert_ok(opens(third, &w[i]));
	assert_ok(settle(third, was, is, 3, third, 5));
	for (size_t i = 0; i < 6; i++)
		assert_ok(opens(third, &w[i]));
	emr_keyring_free(third);
}

/* Of the two seeds a thief has the former one, and may have begun epoch 4 with its keys; or he
 * handed the folder to and fro before. */
TEST_IN(begin, end, a_seed_gives_keys_to_the_epochs_that_it_owned_and_to_no_other)
{
	emr_keyring *third = follow(is);
	wrapped before = wrap(was, 1), after = wrap(is, 3);
	emr_domain_public mine, thiefs;

	assert_ok(settle(is, was, is, 2, NULL, 0));
	assert_ok(opens(is, &before));
	assert_ok(opens(is, &after));
	assert_ok(emr_keyring_domain_public(is, domain, 1, 4, &mine));
	assert_ok(emr_keyring_domain_heir(was, domain, 4, &thiefs));
	assert_memory_not_equal(mine.A, thiefs.A, 32);
	assert_ok(settle(third, was, is, 2, was, 4));
	assert_ok(opens(third, &before));
	assert_ok(opens(third, &after));
	assert_int_equal(emr_keyring_owner_of(third, domain), 2);
	emr_keyring_free(third);
}

TEST_IN(begin, end, a_folder_that_a_thief_makes_with_the_former_seed_is_not_mine)
{
	const emr_id16 planted = {{6, 6, 6}};
	emr_domain_owned owned = {.from = 1};
	emr_domain_public public;

	assert_true(emr_keyring_owns(is, domain, heir(was).owner_pk));
	assert_ok(settle(is, was, NULL, 0, NULL, 0));
	emr_keyring_settled(is);
	assert_ok(emr_keyring_domain_public(was, planted, 1, 1, &public));
	assert_false(emr_keyring_owns(is, planted, public.owner_pk));
	assert_true(emr_keyring_owns(is, domain, heir(was).owner_pk));
	assert_true(emr_keyring_owns(is, domain, heir(is).owner_pk));
	assert_false(emr_keyring_owns(was, domain, heir(is).owner_pk));
	/* Nor one whose key is another's. */
	memcpy(owned.owner_pk, heir(is).owner_pk, sizeof owned.owner_pk);
	assert_status(EMR_NOT_FOUND, emr_keyring_settle(is, planted, &owned, 1));
}

TEST_IN(begin, end, the_owner_and_the_heir_of_a_folder_sign_its_handing_over)
{
	const uint8_t message[64] = {5};
	uint8_t by_owner[64], by_heir[64];

	assert_ok(settle(is, was, NULL, 0, NULL, 0));
	assert_ok(emr_keyring_sign_handover(
		is, domain, emr_bytes_of(message, sizeof message), by_owner, by_heir));
	assert_ok(emr_sign_verify(heir(was).owner_pk, EMR_SIGN_ROTATE,
		emr_bytes_of(message, sizeof message), by_owner));
	assert_ok(emr_sign_verify(heir(is).owner_pk, EMR_SIGN_ROTATE,
		emr_bytes_of(message, sizeof message), by_heir));
	/* All else there is signed by the owner of the moment. */
	assert_ok(emr_keyring_sign(is, emr_signer_domain(domain, 1), EMR_SIGN_OUTER,
		emr_bytes_of((const uint8_t[204]){0}, 204), by_owner));
	assert_ok(emr_sign_verify(heir(was).owner_pk, EMR_SIGN_OUTER,
		emr_bytes_of((const uint8_t[204]){0}, 204), by_owner));
}

static void put_words(char words[EMR_WORDS][EMR_WORD_CHARS], char *out)
{
	out[0] = '\0';
	for (size_t i = 0; i < EMR_WORDS; i++)
		strcat(strcat(out, words[i]), " ");
}

TEST_IN(begin, end,
	the_new_words_and_the_ledger_lead_to_the_former_seed_and_the_former_words_do_not)
{
	char words[EMR_WORDS][EMR_WORD_CHARS];
	char text[EMR_WORDS * EMR_WORD_CHARS] = "";
	EMR_AUTO_BUF part = {0};
	emr_keyring *again = NULL, *thief = NULL;
	wrapped before = wrap(was, 1);
	emr_id32 first, second;

	assert_ok(emr_former_part_seal(is, &part));
	assert_int_equal(part.len, EMR_FORMER_PART_BYTES(1));
	assert_ok(emr_keyring_words(is, words));
	put_words(words, text);
	assert_ok(emr_keyring_from_words(
		emr_bytes_of(text, strlen(text)), EMR_KEYRING_PERSON, 1, NULL, &again));
	assert_int_equal(emr_keyring_former_count(again), 0);
	assert_ok(emr_former_part_open(again, emr_buf_view(&part)));
	assert_status(EMR_INVALID, emr_former_part_open(again, emr_buf_view(&part)));
	assert_ok(emr_keyring_former_id(is, 1, &first));
	assert_ok(emr_keyring_former_id(again, 1, &second));
	assert_memory_equal(first.b, second.b, 32);
	assert_true(emr_keyring_is_self(again, first));
	assert_false(emr_keyring_is_self(was, second = (emr_id32){{1}}));
	assert_ok(settle(again, was, NULL, 0, NULL, 0));
	assert_ok(opens(again, &before));

	assert_ok(emr_keyring_words(was, words));
	put_words(words, text);
	assert_ok(emr_keyring_from_words(
		emr_bytes_of(text, strlen(text)), EMR_KEYRING_PERSON, 1, NULL, &thief));
	assert_status(EMR_DAMAGED, emr_former_part_open(thief, emr_buf_view(&part)));
	for (size_t i = 32; i < part.len; i += 7) {
		emr_keyring *other = NULL;

		part.data[i] ^= 1;
		assert_ok(emr_keyring_from_words(
			emr_bytes_of(text, strlen(text)), EMR_KEYRING_PERSON, 1, NULL, &other));
		assert_status(EMR_DAMAGED, emr_former_part_open(other, emr_buf_view(&part)));
		part.data[i] ^= 1;
		emr_keyring_free(other);
	}
	emr_keyring_free(thief);
	emr_keyring_free(again);
}

TEST_IN(test_dir_make, test_dir_remove, the_keyfile_has_the_seed_that_was_drawn_and_those_before)
{
	const test_dir *dir = *state;
	const emr_bytes pass = emr_bytes_of("pass phrase", 11);
	uint8_t nonce[24] = {1}, sealed[19], plain[3];
	emr_keyring *opened = NULL, *next = NULL;
	emr_local_key *one = NULL, *other = NULL;
	emr_public drawn, found;

	begin(NULL);
	assert_true(emr_keyring_has_next(was));
	assert_ok(emr_keyring_save_new(was, dir->fd, "keyfile", pass, &cheap));
	assert_ok(emr_keyring_open(dir->fd, "keyfile", pass, &opened, NULL));
	assert_true(emr_keyring_has_next(opened));
	assert_ok(emr_keyring_draw_next(opened)); /* the same one */
	assert_ok(emr_keyring_succeed(opened, &next));
	assert_ok(emr_keyring_public(is, &drawn));
	assert_ok(emr_keyring_public(next, &found));
	assert_memory_equal(drawn.pk, found.pk, 32);
	emr_keyring_free(opened);
	emr_keyring_free(next);

	assert_ok(emr_keyring_tlv_set(is, EMR_KEYRING_PKCS11_URI, emr_bytes_of("uri", 3)));
	assert_ok(emr_keyring_save(is, dir->fd, "keyfile", pass, &cheap));
	assert_ok(emr_keyring_open(dir->fd, "keyfile", pass, &opened, NULL));
	assert_int_equal(emr_keyring_former_count(opened), 1);
	assert_false(emr_keyring_has_next(opened));
	/* This computer's own files open as before, and so do its certificates. */
	assert_ok(emr_keyring_public(was, &drawn));
	assert_ok(emr_keyring_public(opened, &found));
	assert_memory_equal(drawn.p256_spki, found.p256_spki, sizeof found.p256_spki);
	assert_ok(emr_local_key_get(was, EMR_LOCAL_JOURNAL, NULL, &one));
	assert_ok(emr_local_key_get(opened, EMR_LOCAL_JOURNAL, NULL, &other));
	assert_ok(emr_local_seal(one, nonce, (emr_bytes){0}, emr_bytes_of("abc", 3), sealed));
	assert_ok(emr_local_open(
		other, nonce, (emr_bytes){0}, emr_bytes_of(sealed, sizeof sealed), plain));
	emr_local_key_free(one);
	emr_local_key_free(other);
	emr_keyring_free(opened);
	end(NULL);
}

TEST_IN(begin, end, letters_and_fragments_for_the_former_keys_are_opened_by_the_new_keyring)
{
	uint8_t key[EMR_PSEUDONYM_KEY_BYTES] = {8}, found[EMR_PSEUDONYM_KEY_BYTES], B[32];
	uint8_t letter[EMR_PSEUDONYM_SEALED_BYTES], newer[EMR_PSEUDONYM_SEALED_BYTES];
	emr_grantee_key *b = NULL, *none = NULL;
	emr_box_key *box = NULL, *former_box = NULL;
	emr_public before, after;

	assert_ok(emr_keyring_public(was, &before));
	assert_ok(emr_keyring_public(is, &after));
	assert_ok(emr_pseudonym_key_seal(before.x25519, "name", key, letter));
	assert_ok(emr_pseudonym_key_seal(after.x25519, "name", key, newer));
	assert_ok(emr_box_key_identity(is, &box));
	assert_ok(emr_box_key_identity(was, &former_box));
	assert_ok(emr_pseudonym_key_open(box, "name", letter, found));
	assert_ok(emr_pseudonym_key_open(box, "name", newer, found));
	assert_memory_equal(found, key, sizeof key);
	assert_status(EMR_DAMAGED, emr_pseudonym_key_open(former_box, "name", newer, found));
	emr_box_key_free(box);
	emr_box_key_free(former_box);

	assert_ok(emr_grantee_key_of(is, before.B, &b));
	emr_grantee_key_public(b, B);
	assert_memory_equal(B, before.B, 32);
	emr_grantee_key_free(b);
	assert_ok(emr_grantee_key_of(is, after.B, &b));
	emr_grantee_key_free(b);
	assert_status(EMR_NOT_FOUND, emr_grantee_key_of(was, after.B, &none));
}

TEST_IN(begin, end, copies_keep_their_secret_and_a_device_draws_no_seed)
{
	const uint8_t dataset[32] = {3};
	emr_secret one = {0}, other = {0};
	emr_keyring *device = NULL, *other_ring = NULL;

	assert_ok(emr_keyring_copies_secret(was, dataset, &one));
	assert_ok(emr_keyring_copies_secret(is, dataset, &other));
	assert_memory_equal(one.data, other.data, 32);
	emr_secret_free(&one);
	emr_secret_free(&other);
	assert_ok(emr_keyring_create(EMR_KEYRING_DEVICE, 1, &device));
	assert_status(EMR_DENIED, emr_keyring_draw_next(device));
	assert_status(EMR_NOT_FOUND, emr_keyring_succeed(device, &other_ring));
	emr_keyring_free(device);
}

TESTS(NULL, NULL)
