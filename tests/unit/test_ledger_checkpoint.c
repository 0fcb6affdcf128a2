/* These tests write, sign and read checkpoints as the C2SP specifications say; no changed byte
 * keeps its signature. */
#include "emr_test.h"

#include <sodium.h>

#include "ledger/checkpoint.h"

static emr_keyring *keyring;
static emr_public owner;
static uint8_t log_pk[32];

static emr_checkpoint sample(void)
{
	emr_checkpoint c = {.size = 20852163};

	for (uint8_t i = 0; i < 16; i++)
		c.net_id.b[i] = (uint8_t)(0xa0 + i);
	memset(c.root, 0x42, 32);
	return c;
}

AROUND(begin)
{
	emr_checkpoint c = sample();

	assert_ok(emr_base_init());
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1700000000, &keyring));
	assert_ok(emr_keyring_public(keyring, &owner));
	assert_ok(emr_keyring_log_public(keyring, c.net_id, log_pk));
}

AROUND_BY(end, emr_keyring_free(keyring))

TEST(the_text_is_that_of_a_signed_note)
{
	emr_checkpoint c = sample();
	EMR_AUTO_BUF note = {0};
	const char *expected = "emrfs/a0a1a2a3a4a5a6a7a8a9aaabacadaeaf\n20852163\n"
			       "QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=\n\n";

	assert_ok(emr_checkpoint_format(&c, &note));
	assert_int_equal(note.len, strlen(expected));
	assert_memory_equal(note.data, expected, note.len);
}

/* The signed message, put together by hand from C2SP tlog-cosignature, checked with libsodium
 * alone. */
TEST(a_cosignature_covers_time_and_text)
{
	emr_checkpoint c = sample();
	const char *message = "cosignature/v1\ntime "
			      "1700000000\nemrfs/a0a1a2a3a4a5a6a7a8a9aaabacadaeaf\n20852163\n"
			      "QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=\n";

	assert_ok(emr_checkpoint_cosign(&c, keyring, 1700000000));
	assert_int_equal(c.n_sigs, 1);
	assert_int_equal(crypto_sign_verify_detached(
				 c.sigs[0].sig, (const uint8_t *)message, strlen(message), log_pk),
		0);
	assert_ok(emr_checkpoint_verify(&c, owner.signer_id, log_pk));
}

TEST(the_key_id_is_that_of_the_specification)
{
	emr_checkpoint c = sample();
	char name[80];
	char hex[17];
	uint8_t all[128];
	uint8_t hash[32];
	size_t n;

	assert_ok(emr_checkpoint_cosign(&c, keyring, 1));
	emr_hex(owner.signer_id.b, 8, hex);
	n = (size_t)snprintf(name, sizeof name, "emrfs/a0a1a2a3a4a5a6a7a8a9aaabacadaeaf/%s\n", hex);
	memcpy(all, name, n);
	all[n] = 0x04;
	memcpy(all + n + 1, log_pk, 32);
	(void)crypto_hash_sha256(hash, all, n + 33);
	assert_memory_equal(hash, c.sigs[0].key_id, 4);
}

TEST(a_note_comes_back_from_its_text)
{
	emr_checkpoint c = sample();
	emr_checkpoint again;
	EMR_AUTO_BUF note = {0};

	assert_ok(emr_checkpoint_cosign(&c, keyring, 1700000000));
	assert_ok(emr_checkpoint_cosign(&c, keyring, 1700000009)); /* replaces the first */
	assert_int_equal(c.n_sigs, 1);
	assert_ok(emr_checkpoint_format(&c, &note));
	assert_ok(emr_checkpoint_parse(emr_buf_view(&note), &again));
	assert_int_equal(again.size, c.size);
	assert_int_equal(again.sigs[0].time, 1700000009);
	assert_ok(emr_checkpoint_verify(&again, owner.signer_id, log_pk));
	again.size++;
	assert_status(EMR_BAD_SIGNATURE, emr_checkpoint_verify(&again, owner.signer_id, log_pk));
	again.size--;
	log_pk[0] ^= 1;
	assert_status(EMR_BAD_SIGNATURE, emr_checkpoint_verify(&again, owner.signer_id, log_pk));
	log_pk[0] ^= 1;
	assert_status(EMR_NOT_FOUND, emr_checkpoint_verify(&again, (emr_id32){{1}}, log_pk));
}

/* Every byte changed gives another note with a bad signature, or none. */
TEST(no_changed_byte_keeps_its_signature)
{
	emr_checkpoint c = sample();
	emr_checkpoint again;
	EMR_AUTO_BUF note = {0};

	assert_ok(emr_checkpoint_cosign(&c, keyring, 1700000000));
	assert_ok(emr_checkpoint_format(&c, &note));
	for (size_t bit = 0; bit < note.len * 8; bit++) {
		note.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (emr_checkpoint_parse(emr_buf_view(&note), &again) == EMR_OK)
			assert_int_not_equal(
				emr_checkpoint_verify(&again, owner.signer_id, log_pk), EMR_OK);
		note.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t len = 0; len < note.len; len++)
		if (emr_checkpoint_parse(emr_bytes_of(note.data, len), &again) == EMR_OK)
			assert_status(EMR_NOT_FOUND,
				emr_checkpoint_verify(&again, owner.signer_id, log_pk));
}

TEST(other_spellings_are_refused)
{
	static const char *const notes[] = {
		"",
		"\n",
		"emrfs/"
		"A0a1a2a3a4a5a6a7a8a9aaabacadaeaf\n1\nQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI="
		"\n\n",
		"emrfs/"
		"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf\n01\nQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI="
		"\n\n",
		"emrfs/"
		"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf\n-1\nQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI="
		"\n\n",
		"emrfs/"
		"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf\n1\nQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJ="
		"\n\n",
		"emrfs/"
		"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf\n1\nQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI="
		"\n",
		"emrfs/"
		"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf\n1\nQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI="
		"\nmore\n\n",
		"emrfs/"
		"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf\n99999999999999999999\nQkJCQkJCQkJCQkJCQkJCQkJCQk"
		"JCQkJCQkJCQkJCQkI=\n\n",
		"emrfs/"
		"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf\n1\nQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI="
		"\n\nsig\n",
	};
	emr_checkpoint c;

	for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++)
		assert_status(EMR_DAMAGED,
			emr_checkpoint_parse(emr_bytes_of(notes[i], strlen(notes[i])), &c));
}

TESTS(begin, end)
