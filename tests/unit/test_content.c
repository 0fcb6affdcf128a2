/* These tests wrap and open the keys of contents and listings: known answers of the second model,
 * and no key opens one that was wrapped for another place. */
#include "keyring_kit.h"

#include <sodium.h>

#include "crypto/kdf.h"
#include "keyring/content.h"

static const emr_id16 domain = {{0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda,
	0xdb, 0xdc, 0xdd, 0xde, 0xdf}};

TEST(contexts_match_the_second_model)
{
	AUTO(auto_json_decref) json_t *root = vectors_open("pre.json");
	AUTO(auto_json_decref) json_t *keys = vectors_open("keys.json");
	const json_t *test;
	uint8_t want[32];
	uint8_t got[32];
	size_t i;

	json_array_foreach(vectors_get(root, "contexts"), i, test)
	{
		emr_id16 domain_id;
		emr_id16 record_id;
		emr_id32 digest;

		vectors_fixed(test, "domain_id", domain_id.b, 16);
		vectors_fixed(test, "record_id", record_id.b, 16);
		vectors_fixed(test, "digest", digest.b, 32);
		vectors_fixed(test, "ctx", want, 32);
		emr_capsule_ctx(domain_id, (uint32_t)vectors_u64(test, "epoch"), record_id,
			vectors_u64(test, "cver"), (emr_capsule_kind)vectors_u64(test, "kind"),
			digest, got);
		assert_memory_equal(got, want, 32);
	}
	json_array_foreach(vectors_get(keys, "listing"), i, test)
	{
		emr_id16 domain_id;
		emr_id32 writer;

		vectors_fixed(test, "domain_id", domain_id.b, 16);
		vectors_fixed(test, "writer_id", writer.b, 32);
		vectors_fixed(test, "ctx", want, 32);
		emr_listing_ctx(domain_id, (uint32_t)vectors_u64(test, "epoch"), writer, got);
		assert_memory_equal(got, want, 32);
	}
}

/* Two handles hold the same DEK when what one sealed the other opens. */
static bool same_key(const emr_content_key *a, const emr_content_key *b)
{
	uint8_t nonce[24] = {0};
	uint8_t sealed[20];
	uint8_t plain[4];

	assert_ok(
		emr_content_key_manifest_seal(a, nonce, kit_text("aad"), kit_text("test"), sealed));
	return emr_content_key_manifest_open(
		       b, nonce, kit_text("aad"), emr_bytes_of(sealed, 20), plain) == EMR_OK &&
	       memcmp(plain, "test", 4) == 0;
}

TEST(a_content_key_comes_back_from_the_journal)
{
	EMR_AUTO_KEYRING kr = kit_keyring();
	EMR_AUTO_KEYRING other = NULL;
	emr_content_key *key = NULL;
	emr_content_key *again = NULL;
	emr_id16 id = {{1}};
	uint8_t sealed[EMR_SEALED_DEK_BYTES];

	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 0, &other));
	assert_ok(emr_content_key_new(&key));
	assert_ok(emr_content_key_seal_local(kr, key, id, sealed));
	assert_ok(emr_content_key_open_local(kr, sealed, id, &again));
	assert_true(same_key(key, again));
	emr_content_key_free(again);
	again = NULL;
	assert_status(EMR_DAMAGED, emr_content_key_open_local(other, sealed, id, &again));
	id.b[0]++;
	assert_status(EMR_DAMAGED, emr_content_key_open_local(kr, sealed, id, &again));
	id.b[0]--;
	for (size_t i = 0; i < sizeof sealed; i++) {
		sealed[i] ^= 1;
		assert_status(EMR_DAMAGED, emr_content_key_open_local(kr, sealed, id, &again));
		sealed[i] ^= 1;
	}
	assert_null(again);
	emr_content_key_free(key);
	emr_content_key_free(NULL);
}

/* A content key with the DEK of the known answers, made through its sealed form under a local key
 * that the test derives. */
static emr_content_key *known_key(const emr_keyring *kr, const uint8_t dek[32])
{
	emr_content_key *key = NULL;
	emr_local_key *journal = NULL;
	emr_id16 id = {{0}};
	uint8_t sealed[EMR_SEALED_DEK_BYTES] = {0};

	assert_ok(emr_local_key_get(kr, EMR_LOCAL_JOURNAL, NULL, &journal));
	assert_ok(emr_local_seal(
		journal, sealed, emr_bytes_of(id.b, 16), emr_bytes_of(dek, 32), sealed + 24));
	assert_ok(emr_content_key_open_local(kr, sealed, id, &key));
	emr_local_key_free(journal);
	return key;
}

TEST(the_content_schedule_matches_the_second_model)
{
	EMR_AUTO_KEYRING kr = kit_keyring();
	AUTO(auto_json_decref) json_t *root = vectors_open("content.json");
	const json_t *test;
	size_t i;

	json_array_foreach(vectors_get(root, "cases"), i, test)
	{
		emr_chunk_cipher *cipher = NULL;
		emr_content_key *key;
		EMR_AUTO_BUF m = {0};
		EMR_AUTO_BUF aad = {0};
		EMR_AUTO_BUF plain = {0};
		EMR_AUTO_BUF manifest = {0};
		uint8_t dek[32], salt[24], com[32], got[32], record[16], cver[8] = {0};

		vectors_fixed(test, "dek", dek, 32);
		vectors_fixed(test, "salt", salt, 24);
		vectors_fixed(test, "com", com, 32);
		key = known_key(kr, dek);
		assert_ok(emr_content_key_cipher(
			key, (unsigned)vectors_u64(test, "suite"), salt, &cipher, got));
		assert_memory_equal(got, com, 32);
		emr_chunk_cipher_free(cipher);
		/* The sealed manifest inside the block m: bytes 100 on, AAD = m[0..99] || record_id
		 * || u64 cver. */
		if (vectors_text(test, "m")[0] != '\0') {
			vectors_hex(test, "m", &m);
			vectors_hex(test, "manifest", &manifest);
			vectors_fixed(test, "record_id", record, 16);
			cver[7] = (uint8_t)vectors_u64(test, "cver");
			assert_true(vectors_u64(test, "cver") < 256);
			assert_ok(emr_buf_append(&aad, m.data, 100));
			assert_ok(emr_buf_append(&aad, record, 16));
			assert_ok(emr_buf_append(&aad, cver, 8));
			assert_ok(emr_buf_append_zeros(&plain, m.len));
			assert_ok(
				emr_content_key_manifest_open(key, m.data + 72, emr_buf_view(&aad),
					emr_bytes_of(m.data + 100, m.len - 100), plain.data));
			assert_memory_equal(plain.data, manifest.data, manifest.len);
			aad.data[99] ^= 1;
			assert_status(EMR_DAMAGED,
				emr_content_key_manifest_open(key, m.data + 72, emr_buf_view(&aad),
					emr_bytes_of(m.data + 100, m.len - 100), plain.data));
		}
		emr_content_key_free(key);
	}
	assert_true(i > 20);
}

TEST(an_owner_unwraps_what_anybody_wrapped_for_him)
{
	EMR_AUTO_KEYRING owner = kit_keyring();
	EMR_AUTO_KEYRING hospital = NULL;
	emr_domain_public public;
	emr_content_key *key = NULL;
	emr_content_key *got = NULL;
	uint8_t ctx[32], capsule[96], again[96], wdek[48];

	assert_ok(emr_keyring_create(EMR_KEYRING_ORGANISATION, 0, &hospital));
	assert_ok(emr_keyring_domain_public(owner, domain, 1, 3, &public));
	emr_capsule_ctx(domain, 3, (emr_id16){{8}}, 1, EMR_CAPSULE_CONTENT, (emr_id32){{9}}, ctx);
	assert_ok(emr_content_key_new(&key));
	assert_ok(emr_content_key_wrap(hospital, public.A, ctx, key, capsule, wdek));
	assert_ok(emr_content_key_wrap(hospital, public.A, ctx, key, again, wdek));
	assert_memory_not_equal(capsule, again, 96); /* hedged, not derived */
	assert_ok(emr_content_key_unwrap(owner, domain, 3, ctx, again, wdek, &got));
	assert_true(same_key(key, got));
	emr_content_key_free(got);
	got = NULL;
	/* The first capsule does not go with the second wrapped key; nor another epoch, domain,
	 * context, person. */
	assert_status(
		EMR_DAMAGED, emr_content_key_unwrap(owner, domain, 3, ctx, capsule, wdek, &got));
	assert_status(
		EMR_DAMAGED, emr_content_key_unwrap(owner, domain, 2, ctx, again, wdek, &got));
	assert_status(EMR_DAMAGED,
		emr_content_key_unwrap(owner, (emr_id16){{1}}, 3, ctx, again, wdek, &got));
	assert_status(
		EMR_DAMAGED, emr_content_key_unwrap(hospital, domain, 3, ctx, again, wdek, &got));
	ctx[5] ^= 1;
	assert_status(
		EMR_DAMAGED, emr_content_key_unwrap(owner, domain, 3, ctx, again, wdek, &got));
	ctx[5] ^= 1;
	for (size_t i = 0; i < 48; i++) {
		wdek[i] ^= 1;
		assert_status(EMR_DAMAGED,
			emr_content_key_unwrap(owner, domain, 3, ctx, again, wdek, &got));
		wdek[i] ^= 1;
	}
	assert_status(
		EMR_INVALID, emr_content_key_unwrap(owner, domain, 0, ctx, again, wdek, &got));
	assert_null(got);
	public.A[31] |= 0x80;
	assert_status(
		EMR_INVALID, emr_content_key_wrap(hospital, public.A, ctx, key, capsule, wdek));
	emr_content_key_free(key);
}

TEST(a_writer_rebuilds_his_listing_key_and_the_owner_opens_it)
{
	EMR_AUTO_KEYRING owner = kit_keyring();
	EMR_AUTO_KEYRING writer = NULL;
	emr_domain_public domain_public;
	emr_public writer_public;
	emr_list_key *first = NULL;
	emr_list_key *again = NULL;
	emr_list_key *opened = NULL;
	emr_id16 object = {{5}};
	emr_id16 other_object = {{6}};
	uint8_t capsule[96], capsule2[96], check[32], check2[32], nonce[24] = {0}, sealed[21],
								  plain[5];

	assert_ok(emr_keyring_create(EMR_KEYRING_ORGANISATION, 0, &writer));
	assert_ok(emr_keyring_domain_public(owner, domain, 1, 1, &domain_public));
	assert_ok(emr_keyring_public(writer, &writer_public));
	assert_ok(emr_list_key_publish(writer, domain, 1, domain_public.A, writer_public.signer_id,
		capsule, check, &first));
	assert_ok(emr_list_key_publish(writer, domain, 1, domain_public.A, writer_public.signer_id,
		capsule2, check2, &again));
	assert_memory_equal(capsule, capsule2, 96);
	assert_memory_equal(check, check2, 32);
	assert_ok(emr_list_key_open(
		owner, domain, 1, writer_public.signer_id, capsule, check, &opened));
	assert_ok(emr_list_key_seal(
		first, object, nonce, kit_text("aad"), kit_text("names"), sealed));
	assert_ok(emr_list_key_open_meta(
		opened, object, nonce, kit_text("aad"), emr_bytes_of(sealed, 21), plain));
	assert_memory_equal(plain, "names", 5);
	assert_ok(emr_list_key_open_meta(
		again, object, nonce, kit_text("aad"), emr_bytes_of(sealed, 21), plain));
	assert_status(EMR_DAMAGED, emr_list_key_open_meta(opened, other_object, nonce,
					   kit_text("aad"), emr_bytes_of(sealed, 21), plain));
	assert_status(EMR_DAMAGED, emr_list_key_open_meta(opened, object, nonce, kit_text("xxx"),
					   emr_bytes_of(sealed, 21), plain));
	emr_list_key_free(opened);
	opened = NULL;
	assert_status(EMR_DAMAGED, emr_list_key_open(owner, domain, 2, writer_public.signer_id,
					   capsule, check, &opened));
	writer_public.signer_id.b[0] ^= 1;
	assert_status(EMR_DAMAGED, emr_list_key_open(owner, domain, 1, writer_public.signer_id,
					   capsule, check, &opened));
	writer_public.signer_id.b[0] ^= 1;
	check[0] ^= 1;
	assert_status(EMR_DAMAGED, emr_list_key_open(owner, domain, 1, writer_public.signer_id,
					   capsule, check, &opened));
	assert_null(opened);
	emr_list_key_free(first);
	emr_list_key_free(again);
	emr_list_key_free(NULL);
}

TEST(a_listing_key_rests_sealed)
{
	EMR_AUTO_KEYRING kr = kit_keyring();
	emr_domain_public public;
	emr_list_key *key = NULL;
	emr_list_key *again = NULL;
	uint8_t capsule[96], check[32], sealed[EMR_SEALED_DEK_BYTES], nonce[24] = {0}, ct[17],
								      plain[1];

	assert_ok(emr_keyring_domain_public(kr, domain, 1, 1, &public));
	assert_ok(emr_list_key_publish(
		kr, domain, 1, public.A, public.signer_id, capsule, check, &key));
	assert_ok(emr_list_key_seal_local(kr, key, kit_text("row"), sealed));
	assert_status(EMR_DAMAGED, emr_list_key_open_local(kr, sealed, kit_text("other"), &again));
	assert_ok(emr_list_key_open_local(kr, sealed, kit_text("row"), &again));
	assert_ok(emr_list_key_seal(key, domain, nonce, (emr_bytes){0}, kit_text("x"), ct));
	assert_ok(emr_list_key_open_meta(
		again, domain, nonce, (emr_bytes){0}, emr_bytes_of(ct, 17), plain));
	emr_list_key_free(key);
	emr_list_key_free(again);
}

/* The key bytes never come out; what they seal shows that they are the model's. */
TEST(local_keys_match_the_second_model)
{
	EMR_AUTO_KEYRING kr = kit_keyring();
	AUTO(auto_json_decref) json_t *root = vectors_open("keys.json");
	static const char *const names[EMR_LOCAL_USE_COUNT] = {
		"staging", "journal", "view", "listkeys", "agent-store", "units"};
	const json_t *test;
	emr_id32 id;
	size_t i;

	vectors_fixed(root, "staging_id", id.b, 32);
	json_array_foreach(vectors_get(root, "local_keys"), i, test)
	{
		emr_local_key *key = NULL;
		uint8_t raw[32], nonce[24] = {2}, want[20], got[20];
		emr_local_use use = 0;

		while (strcmp(names[use], vectors_text(test, "name")) != 0)
			use++;
		vectors_fixed(test, "key", raw, 32);
		assert_ok(emr_local_key_get(kr, use, use == EMR_LOCAL_STAGING ? &id : NULL, &key));
		assert_ok(emr_local_seal(key, nonce, kit_text("a"), kit_text("test"), got));
		crypto_aead_xchacha20poly1305_ietf_encrypt(want, NULL, (const uint8_t *)"test", 4,
			(const uint8_t *)"a", 1, NULL, nonce, raw);
		assert_memory_equal(got, want, 20);
		assert_ok(emr_local_open(key, nonce, kit_text("a"), emr_bytes_of(got, 20), got));
		assert_memory_equal(got, "test", 4);
		emr_local_key_free(key);
	}
	assert_int_equal(i, EMR_LOCAL_USE_COUNT);
	{
		emr_local_key *none = NULL;

		assert_status(EMR_INVALID, emr_local_key_get(kr, EMR_LOCAL_STAGING, NULL, &none));
		assert_status(EMR_INVALID, emr_local_key_get(kr, EMR_LOCAL_VIEW, &id, &none));
		assert_status(EMR_INVALID, emr_local_key_get(kr, EMR_LOCAL_USE_COUNT, NULL, &none));
		emr_local_key_free(none);
	}
}

TESTS(NULL, NULL)
