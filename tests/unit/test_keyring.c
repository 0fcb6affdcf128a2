/* These tests derive keys and sign: all keys match the second model's table, and a signature for
 * one use is good for no other. */
#include "keyring_kit.h"

#include <openssl/evp.h>
#include <sodium.h>

#include "crypto/hashsig.h"
#include "crypto/hpke.h"
#include "crypto/pre.h"
#include "keyring/content.h"
#include "keyring_private.h"
#include "memo_private.h"

static const json_t *derived(const json_t *root, const char *name)
{
	const json_t *row;
	size_t i;

	json_array_foreach(vectors_get(root, "derived"), i, row)
	{
		if (strcmp(vectors_text(row, "name"), name) == 0)
			return row;
	}
	fail_msg("no derived key named %s", name);
	return NULL;
}

static void assert_hex(
	const json_t *root, const char *name, const char *field, const void *got, size_t len)
{
	EMR_AUTO_BUF want = {0};

	vectors_hex(derived(root, name), field, &want);
	assert_int_equal(want.len, len);
	assert_memory_equal(got, want.data, len);
}

/* Every row of the second model's key table, through the one derivation that everything uses. */
TEST(the_key_table_matches_the_second_model)
{
	EMR_AUTO_KEYRING kr = kit_keyring();
	AUTO(auto_json_decref) json_t *root = vectors_open("keys.json");
	EMR_AUTO_BUF info = {0};
	EMR_AUTO_BUF want = {0};
	const json_t *row;
	size_t i;

	json_array_foreach(vectors_get(root, "derived"), i, row)
	{
		EMR_AUTO_SECRET got = {0};
		emr_bytes bytes = vectors_hex(row, "info", &info);
		size_t label = strlen((const char *)bytes.data) + 1;

		vectors_hex(row, "okm", &want);
		assert_ok(emr_derive(&kr->seed,
			&(emr_key_info){.label = (const char *)bytes.data,
				.id = emr_bytes_of(bytes.data + label, bytes.len - label)},
			want.len, &got));
		assert_memory_equal(got.data, want.data, want.len);
	}
	assert_true(i >= 15);
}

TEST(public_keys_match_the_second_model)
{
	EMR_AUTO_KEYRING kr = kit_keyring();
	AUTO(auto_json_decref) json_t *root = vectors_open("keys.json");
	emr_public public;
	emr_domain_public domain;
	emr_id16 net_id;
	emr_id16 domain_id;
	uint8_t hash[32];
	uint8_t log_pk[32];

	vectors_fixed(root, "net_id", net_id.b, 16);
	vectors_fixed(root, "domain_id", domain_id.b, 16);
	assert_ok(emr_keyring_public(kr, &public));
	assert_hex(root, "sign gen 1", "public", public.pk, 32);
	assert_hex(root, "box gen 1", "public", public.x25519, 32);
	assert_hex(root, "pre gen 1", "public", public.B, 32);
	crypto_hash_sha256(hash, public.pk, 32);
	assert_memory_equal(public.signer_id.b, hash, 32);
	assert_int_equal(public.gen, 1);
	assert_ok(emr_keyring_log_public(kr, net_id, log_pk));
	assert_hex(root, "log", "public", log_pk, 32);
	assert_ok(emr_keyring_domain_public(kr, domain_id, 1, 1, &domain));
	assert_hex(root, "dom-sign gen 1", "public", domain.owner_pk, 32);
	assert_hex(root, "dom-box", "public", domain.box, 32);
	assert_hex(root, "dom-pre epoch 1", "public", domain.A, 32);
	assert_hex(root, "p256 index 0", "public", public.p256_spki + 26, 65);
	assert_status(EMR_INVALID, emr_keyring_domain_public(kr, domain_id, 0, 1, &domain));
	assert_status(EMR_INVALID, emr_keyring_domain_public(kr, domain_id, 1, 0, &domain));
}

#define MANY_DOMAINS 300 /* more than are remembered */

static emr_id16 nth_domain(uint32_t n)
{
	emr_id16 id = {{0}};

	memcpy(id.b, &n, sizeof n);
	return id;
}

static void assert_same_domain(const emr_keyring *kr, emr_id16 id, uint32_t gen, uint32_t epoch)
{
	static const uint8_t message[144] = {1};
	EMR_AUTO_KEYRING fresh = kit_keyring(); /* was never asked for anything */
	emr_domain_public want, got;
	uint8_t sig[64];

	assert_ok(emr_keyring_domain_public(fresh, id, gen, epoch, &want));
	assert_ok(emr_keyring_domain_public(kr, id, gen, epoch, &got));
	assert_memory_equal(&got, &want, sizeof got);
	assert_ok(emr_keyring_sign(kr, emr_signer_domain(id, gen), EMR_SIGN_BATCH,
		emr_bytes_of(message, sizeof message), sig));
	assert_ok(emr_sign_verify(
		want.owner_pk, EMR_SIGN_BATCH, emr_bytes_of(message, sizeof message), sig));
}

TEST(what_is_remembered_of_keys_is_what_the_seed_gives)
{
	EMR_AUTO_KEYRING kr = kit_keyring();
	emr_domain_public domain;

	for (uint32_t round = 0; round < 2; round++)
		for (uint32_t i = 0; i < MANY_DOMAINS; i++)
			assert_ok(emr_keyring_domain_public(kr, nth_domain(i), 1, 1, &domain));
	for (uint32_t i = 0; i < MANY_DOMAINS; i += 7) {
		assert_same_domain(kr, nth_domain(i), 1, 1);
		assert_same_domain(kr, nth_domain(i), 1, 2 + i % 3);
		assert_same_domain(kr, nth_domain(i), 2, 1);
	}
}

static void assert_same_identity(const emr_keyring *kr)
{
	EMR_AUTO_KEYRING fresh = kit_keyring(); /* was never asked for anything */
	emr_public want, got;

	fresh->gen = kr->gen;
	emr_keyring_set_device(fresh, emr_keyring_device_id(kr));
	assert_ok(emr_keyring_public(fresh, &want));
	assert_ok(emr_keyring_public(kr, &got));
	assert_memory_equal(got.pk, want.pk, sizeof got.pk);
	assert_true(emr_id32_equal(got.signer_id, want.signer_id));
	assert_memory_equal(got.x25519, want.x25519, sizeof got.x25519);
	assert_memory_equal(got.B, want.B, sizeof got.B);
	assert_true(emr_id16_equal(got.device_id, want.device_id));
	assert_memory_equal(got.p256_spki, want.p256_spki, sizeof got.p256_spki);
	assert_int_equal(got.gen, want.gen);
}

TEST(what_is_remembered_of_an_identity_is_of_its_generation_and_device)
{
	EMR_AUTO_KEYRING kr = kit_keyring();

	for (uint32_t round = 0; round < 2; round++)
		for (kr->gen = 1; kr->gen <= 3; kr->gen++) {
			assert_same_identity(kr);
			emr_keyring_set_device(kr, emr_id16_random());
			assert_same_identity(kr);
		}
}

TEST(a_domain_is_of_the_seed_that_made_its_owner_s_key)
{
	EMR_AUTO_KEYRING kr = kit_keyring();
	EMR_AUTO_KEYRING other = NULL;
	emr_domain_public mine, theirs;

	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1700000000, &other));
	for (uint32_t round = 0; round < 2; round++) /* also when it is known already */
		for (uint32_t i = 0; i < MANY_DOMAINS; i++) {
			assert_ok(emr_keyring_domain_public(kr, nth_domain(i), 1, 1, &mine));
			assert_ok(emr_keyring_domain_public(other, nth_domain(i), 1, 1, &theirs));
			assert_false(emr_keyring_owns(kr, nth_domain(i), theirs.owner_pk));
			assert_true(emr_keyring_owns(kr, nth_domain(i), mine.owner_pk));
			assert_true(emr_keyring_owns(other, nth_domain(i), theirs.owner_pk));
			assert_false(emr_keyring_owns(other, nth_domain(i), mine.owner_pk));
			assert_false(emr_keyring_owns(kr, nth_domain(i + 1), mine.owner_pk));
		}
}

/* As many as a large network has, and then more than are remembered. */
TEST(what_is_another_s_is_remembered_and_nothing_else)
{
	enum { KEPT = 65536, MORE = 70000 };
	emr_memo *memo = emr_memo_new();
	uint8_t hash[32];
	emr_id16 what;

	assert_non_null(memo);
	for (uint32_t i = 0; i < MORE; i++) {
		emr_sha256((const uint8_t *)&i, sizeof i, hash);
		memcpy(what.b, hash, sizeof what.b);
		assert_false(emr_memo_is_others(memo, &what));
		emr_memo_keep_others(memo, &what);
		assert_true(emr_memo_is_others(memo, &what));
		if (i != KEPT - 1)
			continue;
		for (uint32_t k = 0; k < KEPT; k++) {
			emr_sha256((const uint8_t *)&k, sizeof k, hash);
			memcpy(what.b, hash, sizeof what.b);
			assert_true(emr_memo_is_others(memo, &what));
		}
	}
	emr_memo_free(memo);
}

/* An old computer's sealed journal does not open on the one that is made of the words. */
TEST(a_local_key_is_of_the_device_that_the_keyring_has_now)
{
	EMR_AUTO_KEYRING kr = kit_keyring();
	uint8_t sealed[EMR_SEALED_DEK_BYTES];
	emr_id16 id = emr_id16_random(), device = emr_keyring_device_id(kr);
	emr_content_key *key = NULL, *again = NULL;

	assert_ok(emr_content_key_new(&key));
	assert_ok(emr_content_key_seal_local(kr, key, id, sealed));
	emr_keyring_set_device(kr, emr_id16_random());
	assert_status(EMR_DAMAGED, emr_content_key_open_local(kr, sealed, id, &again));
	assert_null(again);
	emr_keyring_set_device(kr, device);
	assert_ok(emr_content_key_open_local(kr, sealed, id, &again));
	emr_content_key_free(again);
	emr_content_key_free(key);
}

TEST(two_computers_draw_the_same_id_for_a_move_and_nobody_else_does)
{
	EMR_AUTO_KEYRING kr = kit_keyring();
	EMR_AUTO_KEYRING same = kit_keyring();
	EMR_AUTO_KEYRING other = NULL;
	emr_id16 object = emr_id16_random(), domain = emr_id16_random(), zero = {{0}}, a, b;

	emr_keyring_set_device(same, emr_id16_random());
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1, &other));
	assert_ok(emr_keyring_object_id(kr, object, domain, &a));
	assert_ok(emr_keyring_object_id(same, object, domain, &b));
	assert_memory_equal(a.b, b.b, 16);
	assert_ok(emr_keyring_object_id(other, object, domain, &b));
	assert_memory_not_equal(a.b, b.b, 16);
	assert_ok(emr_keyring_object_id(kr, object, zero, &b));
	assert_memory_not_equal(a.b, b.b, 16);
	assert_ok(emr_keyring_object_id(kr, domain, object, &b));
	assert_memory_not_equal(a.b, b.b, 16);
}

TEST(copies_for_a_dataset_have_a_secret_of_one_person_and_one_dataset)
{
	EMR_AUTO_KEYRING kr = kit_keyring();
	EMR_AUTO_KEYRING same = kit_keyring();
	EMR_AUTO_KEYRING other = NULL;
	EMR_AUTO_SECRET a = {0}, b = {0}, c = {0}, d = {0};
	uint8_t one[32] = {1}, two[32] = {2};

	emr_keyring_set_device(same, emr_id16_random());
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1, &other));
	assert_ok(emr_keyring_copies_secret(kr, one, &a));
	assert_ok(emr_keyring_copies_secret(same, one, &b));
	assert_ok(emr_keyring_copies_secret(kr, two, &c));
	assert_ok(emr_keyring_copies_secret(other, one, &d));
	assert_int_equal(a.len, 32);
	assert_memory_equal(a.data, b.data, 32);
	assert_memory_not_equal(a.data, c.data, 32);
	assert_memory_not_equal(a.data, d.data, 32);
}

TEST(another_computer_of_a_person_knows_of_what_her_copies_are)
{
	EMR_AUTO_KEYRING kr = kit_keyring();
	EMR_AUTO_KEYRING device = NULL;
	EMR_AUTO_KEYRING untold = NULL;
	AUTO(auto_json_decref) json_t *root = vectors_open("keys.json");
	const json_t *copies = vectors_get(root, "copies");
	EMR_AUTO_SECRET own = {0}, told = {0}, other = {0};
	EMR_AUTO_BUF shown = {0};
	uint8_t dataset[32], want[32];

	vectors_fixed(copies, "dataset", dataset, 32);
	vectors_fixed(copies, "secret", want, 32);
	assert_ok(emr_keyring_create(EMR_KEYRING_DEVICE, 1, &device));
	assert_ok(emr_keyring_create(EMR_KEYRING_DEVICE, 1, &untold));
	assert_ok(emr_keyring_give_copies(kr, device));
	assert_ok(emr_keyring_copies_secret(kr, dataset, &own));
	assert_ok(emr_keyring_copies_secret(device, dataset, &told));
	assert_ok(emr_keyring_copies_secret(untold, dataset, &other));
	assert_memory_equal(own.data, want, 32);
	assert_memory_equal(told.data, want, 32);
	assert_memory_not_equal(other.data, want, 32);
	assert_status(EMR_DENIED, emr_keyring_tlv_get(device, EMR_KEYRING_COPIES, &shown));
	assert_int_equal(shown.len, 0);
}

TEST(a_new_keyring_is_like_no_other)
{
	EMR_AUTO_KEYRING a = NULL;
	EMR_AUTO_KEYRING b = NULL;
	emr_keyring *none = NULL;
	emr_public pa;
	emr_public pb;

	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1, &a));
	assert_ok(emr_keyring_create(EMR_KEYRING_DEVICE, 2, &b));
	assert_ok(emr_keyring_public(a, &pa));
	assert_ok(emr_keyring_public(b, &pb));
	assert_memory_not_equal(pa.pk, pb.pk, 32);
	assert_false(emr_id16_equal(pa.device_id, pb.device_id));
	assert_int_equal(emr_keyring_kind_of(b), EMR_KEYRING_DEVICE);
	assert_status(EMR_INVALID, emr_keyring_create((emr_keyring_kind)4, 1, &none));
	assert_status(EMR_INVALID, emr_keyring_create((emr_keyring_kind)0, 1, &none));
	assert_null(none);
	emr_keyring_free(NULL);
}

TEST(a_statement_is_signed_as_the_known_answer)
{
	EMR_AUTO_KEYRING kr = kit_keyring();
	AUTO(auto_json_decref) json_t *root = vectors_open("content.json");
	const json_t *hello = json_array_get(vectors_get(root, "cases"), 0);
	emr_id16 domain_id;
	EMR_AUTO_BUF stmt = {0};
	uint8_t want[64];
	uint8_t sig[64];
	uint8_t pk[32];

	for (int i = 0; i < 16; i++)
		domain_id.b[i] = (uint8_t)(0xd0 + i);
	vectors_hex(hello, "stmt", &stmt);
	vectors_fixed(hello, "sig", want, 64);
	vectors_fixed(hello, "issuer_pk", pk, 32);
	assert_ok(emr_keyring_sign(
		kr, emr_signer_domain(domain_id, 1), EMR_SIGN_STMT, emr_buf_view(&stmt), sig));
	assert_memory_equal(sig, want, 64);
	assert_ok(emr_sign_verify(pk, EMR_SIGN_STMT, emr_buf_view(&stmt), sig));
	stmt.data[0] ^= 1; /* no longer begins with its label */
	assert_status(EMR_INVALID, emr_keyring_sign(kr, emr_signer_domain(domain_id, 1),
					   EMR_SIGN_STMT, emr_buf_view(&stmt), sig));
}

/* Which signer may use which label, and with how many bytes, beside the header's table. */
typedef struct label_case {
	emr_sign_label label;
	size_t good[2];
	size_t bad[2];
	unsigned signers; /* bit = emr_signer_kind */
} label_case;

static const label_case label_cases[] = {
	{EMR_SIGN_BATCH, {144, 144}, {143, 145}, 1 | 2},
	{EMR_SIGN_SUBMIT, {32, 32}, {31, 33}, 1},
	{EMR_SIGN_BIND, {80, 80}, {79, 81}, 1 | 8},
	{EMR_SIGN_ROTATE, {64, 80}, {63, 70}, 1 | 2},
	{EMR_SIGN_CARD, {185, 249}, {184, 250}, 1},
	{EMR_SIGN_CARD_DOM, {185, 249}, {184, 250}, 2},
	{EMR_SIGN_INVITE, {128, 65536}, {127, 65537}, 1},
	{EMR_SIGN_KFRAG, {192, 192}, {191, 193}, 1 | 2},
	{EMR_SIGN_OUTER, {204, 204}, {203, 205}, 2},
	{EMR_SIGN_COSIGNATURE, {8, 1024}, {0, 1025}, 4},
	{EMR_SIGN_TOKEN, {88, 124}, {87, 125}, 1},
	{EMR_SIGN_ADDRESS, {57, 400}, {56, 401}, 1},
};

TEST(a_label_belongs_to_its_signers_and_lengths)
{
	EMR_AUTO_KEYRING kr = kit_keyring();
	static uint8_t message[70000];
	const emr_id16 id = {{1}};
	const emr_signer signers[] = {emr_signer_identity(), emr_signer_domain(id, 1),
		emr_signer_log(id), emr_signer_certificate()};
	uint8_t sig[64];

	for (size_t c = 0; c < sizeof label_cases / sizeof label_cases[0]; c++) {
		const label_case *one = &label_cases[c];
		for (int s = 0; s < 4; s++) {
			emr_status want = (one->signers >> s & 1) != 0 ? EMR_OK : EMR_INVALID;

			for (int i = 0; i < 2; i++) {
				assert_status(
					want, emr_keyring_sign(kr, signers[s], one->label,
						      emr_bytes_of(message, one->good[i]), sig));
				assert_status(EMR_INVALID,
					emr_keyring_sign(kr, signers[s], one->label,
						emr_bytes_of(message, one->bad[i]), sig));
			}
		}
	}
	assert_status(EMR_INVALID, emr_keyring_sign(kr, signers[0], EMR_SIGN_LABEL_COUNT,
					   emr_bytes_of(message, 32), sig));
	assert_status(EMR_INVALID, emr_keyring_sign(kr, (emr_signer){.kind = (emr_signer_kind)9},
					   EMR_SIGN_BATCH, emr_bytes_of(message, 144), sig));
	assert_status(EMR_INVALID, emr_keyring_sign(kr, emr_signer_domain(id, 0), EMR_SIGN_BATCH,
					   emr_bytes_of(message, 144), sig));
}

/* A chaincode's transaction is signed by the certificate's key alone, and can be nothing else. */
TEST(a_message_of_fabric_is_no_other_label)
{
	EMR_AUTO_KEYRING kr = kit_keyring();
	emr_public public;
	uint8_t message[80] = "\n\x03ten";
	uint8_t sig[64];

	assert_ok(emr_keyring_public(kr, &public));
	assert_ok(emr_keyring_sign(kr, emr_signer_certificate(), EMR_SIGN_FABRIC,
		emr_bytes_of(message, sizeof message), sig));
	assert_true(emr_p256_verify(
		public.p256_spki, sizeof public.p256_spki, message, sizeof message, sig));
	assert_status(EMR_INVALID, emr_keyring_sign(kr, emr_signer_identity(), EMR_SIGN_FABRIC,
					   emr_bytes_of(message, sizeof message), sig));
	assert_status(EMR_INVALID, emr_keyring_sign(kr, emr_signer_certificate(), EMR_SIGN_FABRIC,
					   emr_bytes_of(message, 1), sig));
	memcpy(message, "emrfs/v1/bind", sizeof "emrfs/v1/bind");
	assert_status(EMR_INVALID, emr_keyring_sign(kr, emr_signer_certificate(), EMR_SIGN_FABRIC,
					   emr_bytes_of(message, sizeof message), sig));
}

/* A request to an authority is none to a peer, and nothing of emrfs is one. */
TEST(a_request_to_an_authority_is_no_other_label)
{
	static const char request[] = "POST.L2FwaS92MS9lbnJvbGw=.e30=.TQ==";
	EMR_AUTO_KEYRING kr = kit_keyring();
	emr_bytes message = emr_bytes_of(request, strlen(request));
	uint8_t sig[64];

	assert_ok(emr_keyring_sign(kr, emr_signer_certificate(), EMR_SIGN_FABRIC_CA, message, sig));
	assert_status(EMR_INVALID,
		emr_keyring_sign(kr, emr_signer_identity(), EMR_SIGN_FABRIC_CA, message, sig));
	assert_status(EMR_INVALID,
		emr_keyring_sign(kr, emr_signer_certificate(), EMR_SIGN_FABRIC, message, sig));
	message.data++;
	assert_status(EMR_INVALID,
		emr_keyring_sign(kr, emr_signer_certificate(), EMR_SIGN_FABRIC_CA, message, sig));
}

TEST(a_signature_is_for_its_label_only)
{
	EMR_AUTO_KEYRING kr = kit_keyring();
	emr_public public;
	uint8_t message[249] = {3};
	uint8_t sig[64];
	uint8_t whole[249 + 14];

	assert_ok(emr_keyring_public(kr, &public));
	assert_ok(emr_keyring_sign(
		kr, emr_signer_identity(), EMR_SIGN_CARD, emr_bytes_of(message, 249), sig));
	assert_ok(emr_sign_verify(public.pk, EMR_SIGN_CARD, emr_bytes_of(message, 249), sig));
	assert_status(EMR_BAD_SIGNATURE,
		emr_sign_verify(public.pk, EMR_SIGN_CARD_DOM, emr_bytes_of(message, 249), sig));
	assert_status(EMR_BAD_SIGNATURE,
		emr_sign_verify(public.pk, EMR_SIGN_CARD, emr_bytes_of(message, 248), sig));
	assert_status(EMR_INVALID,
		emr_sign_verify(public.pk, EMR_SIGN_CARD, emr_bytes_of(message, 250), sig));
	/* The bytes that are signed, made by hand. */
	memcpy(whole, "emrfs/v1/card\0", 14);
	memcpy(whole + 14, message, 249);
	assert_true(emr_ed25519_verify(public.pk, whole, sizeof whole, sig));
}

TEST(a_certificate_key_signs_in_the_low_form)
{
	EMR_AUTO_KEYRING kr = kit_keyring();
	emr_public public;
	uint8_t bind[80] = {7};
	uint8_t whole[14 + 80];
	uint8_t sig[64];

	assert_ok(emr_keyring_public(kr, &public));
	memcpy(whole, "emrfs/v1/bind\0", 14);
	for (uint8_t i = 0; i < 20; i++) {
		bind[1] = i;
		memcpy(whole + 14, bind, 80);
		assert_ok(emr_keyring_sign(
			kr, emr_signer_certificate(), EMR_SIGN_BIND, emr_bytes_of(bind, 80), sig));
		/* The check refuses high s. */
		assert_true(emr_p256_verify(
			public.p256_spki, sizeof public.p256_spki, whole, sizeof whole, sig));
	}
}

TEST(possession_is_proven)
{
	EMR_AUTO_KEYRING kr = kit_keyring();
	emr_id16 net = {{4}};
	emr_public public;
	uint8_t pop[64];

	assert_ok(emr_keyring_public(kr, &public));
	assert_ok(emr_keyring_pop(kr, net, pop));
	assert_true(emr_pre_pop_verify(public.B, net.b, public.signer_id.b, pop));
	net.b[0]++;
	assert_false(emr_pre_pop_verify(public.B, net.b, public.signer_id.b, pop));
}

TEST(safety_numbers_are_the_same_from_both_sides)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("keys.json");
	const json_t *test;
	size_t i;

	json_array_foreach(vectors_get(root, "safety"), i, test)
	{
		uint8_t a[96];
		uint8_t b[96];
		char number[EMR_SAFETY_NUMBER_CHARS];

		vectors_fixed(test, "bundle_a", a, 96);
		vectors_fixed(test, "bundle_b", b, 96);
		emr_safety_number(a, b, number);
		assert_string_equal(number, vectors_text(test, "number"));
		emr_safety_number(b, a, number);
		assert_string_equal(number, vectors_text(test, "number"));
	}
	assert_true(i > 0);
}

TEST(facts_are_kept_replaced_and_removed)
{
	EMR_AUTO_KEYRING kr = kit_keyring();
	EMR_AUTO_BUF got = {0};
	static uint8_t big[EMR_KEYRING_TLV_MAX + 1];

	assert_status(EMR_NOT_FOUND, emr_keyring_tlv_get(kr, EMR_KEYRING_CERTIFICATE, &got));
	assert_ok(emr_keyring_tlv_set(kr, EMR_KEYRING_CERTIFICATE, kit_text("one")));
	assert_ok(emr_keyring_tlv_set(kr, EMR_KEYRING_PKCS11_URI, kit_text("uri")));
	assert_ok(emr_keyring_tlv_set(kr, EMR_KEYRING_CERTIFICATE, kit_text("second")));
	assert_ok(emr_keyring_tlv_get(kr, EMR_KEYRING_CERTIFICATE, &got));
	assert_true(emr_bytes_equal(emr_buf_view(&got), kit_text("second")));
	assert_ok(emr_keyring_tlv_set(kr, EMR_KEYRING_CERTIFICATE, (emr_bytes){0}));
	assert_status(EMR_NOT_FOUND, emr_keyring_tlv_get(kr, EMR_KEYRING_CERTIFICATE, &got));
	emr_buf_clear(&got);
	assert_ok(emr_keyring_tlv_get(kr, EMR_KEYRING_PKCS11_URI, &got));
	assert_true(emr_bytes_equal(emr_buf_view(&got), kit_text("uri")));
	assert_status(EMR_INVALID,
		emr_keyring_tlv_set(kr, EMR_KEYRING_PKCS11_URI, emr_bytes_of(big, sizeof big)));
	assert_status(EMR_INVALID, emr_keyring_tlv_set(kr, (emr_keyring_tlv)0, kit_text("x")));
	assert_status(EMR_INVALID, emr_keyring_tlv_set(kr, (emr_keyring_tlv)256, kit_text("x")));
	for (int type = 10; type < 17; type++)
		assert_ok(emr_keyring_tlv_set(kr, (emr_keyring_tlv)type, kit_text("x")));
	assert_status(EMR_LIMIT, emr_keyring_tlv_set(kr, (emr_keyring_tlv)17, kit_text("x")));
}

TESTS(NULL, NULL)
