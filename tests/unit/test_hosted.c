/* These tests are about the C half of the chaincode: who hands a batch in, whose certificate
 * counts, what a host may give, where parts lie. */
#include "test_contract_kit.h"

#include <sodium.h>

#include "base/id.h"
#include "cert_kit.h"
#include "chaincode/hosted.h"
#include "contract/pubs_share.h"
#include "crypto/hashsig.h"
#include "keyring/keyring.h"

/* A world whose organisation has a CA, as a network's descriptor says, and the patient's
 * certificate of that CA. */
typedef struct fabric_world {
	kit_world world;
	cert_authority ca;
	emr_buf cert;
	uint8_t descriptor[8192];
	size_t descriptor_len;
	emr_key_text org_key;
	emr_bytes authority; /* that comes along */
	kit_signer submitter;
	bool is_forged; /* a bit of the submitter's signature is another one */
	uint64_t now;
} fabric_world;

static void put_org_row(fabric_world *it, uint8_t org_state, emr_bytes ca_der)
{
	emr_row_org row = {.head = {.family = EMR_FAMILY_ORG, .state = org_state}};
	uint8_t value[EMR_ROW_ORG_BYTES];

	emr_sha256(ca_der.data, ca_der.len, row.ca_hash);
	emr_row_org_encode(&row, value);
	kit_put(&it->world.state, it->org_key.text, value, sizeof value);
}

static void describe(fabric_world *it, const char *msp)
{
	emr_descriptor_org org = {.name = kit_span("General", 7),
		.msp = kit_span(msp, strlen(msp)),
		.ca_der = kit_span(it->ca.der.data, it->ca.der.len)};
	const emr_descriptor network = {
		.norg = 1, .created_unix_s = KIT_NOW, .name = kit_span("net", 3)};

	memcpy(org.org, it->world.org, 16);
	memcpy(org.admin_pk, it->world.identity.pk, 32);
	assert_int_equal(emr_descriptor_encode(&network, &org, it->descriptor,
				 sizeof it->descriptor, &it->descriptor_len),
		EMR_CONTRACT_OK);
}

static void certify(fabric_world *it, const cert_authority *by, const char *attrs, emr_buf *out)
{
	cert_wish wish = cert_person_wish("ana", KIT_NOW - KIT_DAY);
	uint8_t *spki = NULL;
	int len;

	wish.attrs = attrs != NULL ? attrs : "{\"attrs\":{\"emr.roles\":\"patient\"}}";
	len = i2d_PUBKEY(it->ca.key, &spki); /* any key of that curve will do */
	assert_int_equal(len, EMR_P256_SPKI_BYTES);
	cert_certify(by, &wish, spki, out);
	OPENSSL_free(spki);
}

static void make(fabric_world *it)
{
	const cert_wish wish = cert_authority_wish("General CA", KIT_NOW - KIT_DAY);

	*it = (fabric_world){.now = KIT_NOW};
	assert_true(hosted_begin());
	kit_world_make(&it->world);
	it->submitter = it->world.identity;
	cert_begin(&it->ca, &wish, NULL);
	certify(it, &it->ca, NULL, &it->cert);
	emr_key_org(it->world.org, &it->org_key);
	put_org_row(it, EMR_ORG_MEMBER, emr_buf_view(&it->ca.der));
	describe(it, "GeneralMSP");
}

static void unmake(fabric_world *it)
{
	kit_world_free(&it->world);
	cert_end(&it->ca);
	emr_buf_free(&it->cert);
}

static void give_rows(hosted *run, const kit_state *state)
{
	for (size_t i = 0; i < hosted_keys_count(run); i++) {
		const kit_row *row = kit_get(state, hosted_key(run, i));

		assert_int_equal(hosted_give(run, i, row ? row->value : NULL, row ? row->len : 0),
			EMR_CONTRACT_OK);
	}
}

static emr_span row_of(const fabric_world *it, const emr_key_text *key)
{
	const kit_row *row = kit_get(&it->world.state, key->text);

	return row != NULL ? kit_span(row->value, row->len) : (emr_span){0};
}

/* As Go does it. */
static void hand_in(const fabric_world *it, hosted *run, emr_span bytes)
{
	uint8_t message[EMR_SUBMIT_MESSAGE_BYTES], signature[64];
	emr_key_text submitter, signer, org;

	emr_submit_message(it->world.net_id, bytes.data, message);
	crypto_sign_detached(signature, NULL, message, sizeof message, it->submitter.sk);
	signature[5] ^= it->is_forged;
	hosted_caller(run, EMR_HOST_FABRIC, it->world.net_id, it->submitter.id);
	hosted_submitter(run, &submitter);
	hosted_signer(run, &signer);
	if (!hosted_is_handed_in(run, signature, row_of(it, &submitter)) ||
		!hosted_org_of(run, row_of(it, &signer), &org))
		return;
	assert_int_equal(hosted_certificate(run, kit_span(it->descriptor, it->descriptor_len),
				 kit_span(it->authority.data, it->authority.len),
				 row_of(it, &signer), row_of(it, &org), it->now),
		EMR_CONTRACT_OK);
}

/* The result of the first item of the batch BYTES, which goes, or why all are refused. */
static int answer_to(const fabric_world *it, emr_span bytes)
{
	hosted *run = hosted_new(bytes.data, bytes.len);
	const emr_outcome *outcome;
	int result;

	assert_non_null(run);
	hand_in(it, run, bytes);
	for (int pass = 1; pass <= 2; pass++) {
		assert_int_equal(hosted_keys(run, pass), EMR_CONTRACT_OK);
		give_rows(run, &it->world.state);
	}
	assert_int_equal(hosted_judge(run, it->now), EMR_CONTRACT_OK);
	outcome = hosted_outcome(run);
	result = outcome->kind == EMR_OUTCOME_APPLIED ? outcome->results.data[0]
						      : (int)outcome->refusal;
	hosted_free(run);
	kit_drop(bytes);
	return result;
}

/* Of the batch of three items. */
static int answer(const fabric_world *it)
{
	return answer_to(it, kit_three_items(&it->world));
}

TEST(a_batch_counts_with_the_signature_of_its_submitter)
{
	SCENE(fabric_world, it, make, unmake);
	assert_int_equal(answer(&it), 0);
	it.is_forged = true;
	assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER);
	it.is_forged = false;
	it.submitter = kit_signer_of("nobody");
	assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER);
}

/* Of others' batches the submitter's row has the key that must have signed. */
TEST(who_hands_in_what_others_have_signed_signs_that_himself)
{
	SCENE(fabric_world, it, make, unmake);
	it.submitter = kit_signer_of("a computer");
	kit_put_key(&it.world.state, &it.submitter, it.world.org, EMR_ROLE_PATIENT, 1,
		EMR_KEY_ACTIVE, KIT_NOW + KIT_DAY);
	assert_int_equal(answer(&it), 0);
	memcpy(it.submitter.sk, it.world.identity.sk,
		sizeof it.submitter.sk); /* signed by another */
	assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER);
}

TEST(who_is_no_member_any_more_brings_nothing)
{
	SCENE(fabric_world, it, make, unmake);
	put_org_row(&it, EMR_ORG_REMOVED, emr_buf_view(&it.ca.der));
	assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER);
}

TEST(letters_are_counted_for_their_id_and_for_the_organisation)
{
	static const uint8_t id[16] = {1}, other[16] = {2};
	uint8_t row[EMR_ROW_QUOTA_BYTES], next[EMR_ROW_QUOTA_BYTES];
	emr_key_text keys[2], theirs[2];
	bool fits = true;
	unsigned left;

	SCENE(fabric_world, it, make, unmake);
	hosted_letters_keys(id, "GeneralMSP", keys);
	hosted_letters_keys(id, "AuroraMSP", theirs);
	assert_string_equal(keys[0].text, theirs[0].text);
	assert_string_not_equal(keys[1].text, theirs[1].text);
	hosted_letters_keys(other, "GeneralMSP", theirs);
	assert_string_not_equal(keys[0].text, theirs[0].text);
	assert_memory_equal(keys[1].text, theirs[1].text, strlen(keys[1].text) - 2); /* its place */
	for (int is_of_org = 0; is_of_org < 2; is_of_org++, fits = true) {
		for (left = 0; fits; left += fits, memcpy(row, next, sizeof row))
			assert_int_equal(hosted_letters_take(left > 0 ? row : NULL,
						 left > 0 ? sizeof row : 0, is_of_org != 0, it.now,
						 &fits, next),
				EMR_CONTRACT_OK);
		assert_int_equal(left, is_of_org != 0 ? EMR_QUOTA_LETTERS / EMR_QUOTA_PLACES
						      : EMR_QUOTA_LETTERS_INVITED);
		assert_int_equal(hosted_letters_take(row, sizeof row, is_of_org != 0,
					 it.now + KIT_DAY * 2, &fits, next),
			EMR_CONTRACT_OK);
		assert_true(fits); /* another day */
	}
	assert_int_equal(
		hosted_letters_take(row, 3, false, it.now, &fits, next), EMR_CONTRACT_STATE);
}

/* ---- whose certificate counts ---- */

/* Two certificates of one certificate key. */
typedef struct renewal {
	fabric_world it;
	emr_keyring *keyring;
	emr_buf next;
	const char *attrs; /* of certificates; NULL: a patient's */
} renewal;

static void certify_keyring(renewal *r, uint64_t from, emr_buf *out)
{
	cert_wish wish = cert_person_wish("ana", from);
	emr_public public;

	assert_int_equal(emr_keyring_public(r->keyring, &public), EMR_OK);
	wish.attrs = r->attrs != NULL ? r->attrs : "{\"attrs\":{\"emr.roles\":\"patient\"}}";
	emr_buf_free(out);
	cert_certify(&r->it.ca, &wish, public.p256_spki, out);
}

static void make_renewal(renewal *r)
{
	*r = (renewal){.keyring = NULL};
	make(&r->it);
	assert_int_equal(emr_keyring_create(EMR_KEYRING_PERSON, 1, &r->keyring), EMR_OK);
	certify_keyring(r, KIT_NOW - KIT_DAY, &r->it.cert);
	certify_keyring(r, KIT_NOW - KIT_DAY / 2, &r->next);
}

static void unmake_renewal(renewal *r)
{
	emr_keyring_free(r->keyring);
	emr_buf_free(&r->next);
	unmake(&r->it);
}

/* salt, length u16, DER, no name; with MORE bytes that are none of a certificate's. */
static void part_with(emr_bytes der, size_t more, emr_buf *out)
{
	uint8_t len[2] = {(uint8_t)((der.len + more) >> 8), (uint8_t)(der.len + more)};

	emr_buf_clear(out);
	assert_int_equal(emr_buf_append_zeros(out, 32), EMR_OK);
	assert_int_equal(emr_buf_append(out, len, 2), EMR_OK);
	if (der.len > 0)
		assert_int_equal(emr_buf_append(out, der.data, der.len), EMR_OK);
	assert_int_equal(emr_buf_append_zeros(out, more + 1), EMR_OK);
}

/* KEY_CERT of CERT with PART; COUNT times in one batch. */
static int renewed(renewal *r, emr_buf *cert, const emr_buf *part, size_t count)
{
	static const size_t label = EMR_BIND_MESSAGE_BYTES - 80;
	fabric_world it = r->it;
	emr_pub_key_cert named = {.not_after_unix_s = KIT_NOW + KIT_DAY};
	emr_item item = {.op = EMR_OP_KEY_CERT};
	uint8_t message[EMR_BIND_MESSAGE_BYTES], pub[104];
	emr_key_text key;
	kit_batch batch;

	emr_sha256(cert->data, cert->len, named.ref);
	emr_pub_key_cert_encode(&named, pub);
	assert_int_equal(emr_bind_message(it.world.net_id, it.world.identity.id,
				 kit_span(pub, sizeof pub), message),
		EMR_CONTRACT_OK);
	assert_int_equal(emr_keyring_sign(r->keyring, emr_signer_certificate(), EMR_SIGN_BIND,
				 emr_bytes_of(message + label, 80), named.bind_sig),
		EMR_OK);
	emr_pub_key_cert_encode(&named, pub);
	memcpy(item.object_id, it.world.identity.id, 16);
	emr_key_signer(it.world.identity.id, &key);
	kit_follow(&it.world.state, key.text, &item);
	kit_begin(&batch, &it.world.identity, it.world.net_id);
	for (size_t i = 0; i < count; i++)
		kit_add(&batch, item, kit_span(pub, sizeof pub), kit_span(part->data, part->len));
	return answer_to(&it, kit_end(&batch));
}

/* Of the next certificate, with itself in its part. */
static int renewed_as_is(renewal *r)
{
	EMR_AUTO_BUF part = {0};

	part_with(emr_buf_view(&r->next), 0, &part);
	return renewed(r, &r->next, &part, 1);
}

TEST(a_renewal_counts_with_the_certificate_that_its_part_carries)
{
	EMR_AUTO_BUF part = {0};

	SCENE(renewal, r, make_renewal, unmake_renewal);
	part_with(emr_buf_view(&r.next), 0, &part);
	assert_int_equal(renewed(&r, &r.next, &part, 1), 0);
	part_with((emr_bytes){0}, 0, &part); /* none */
	assert_int_equal(renewed(&r, &r.next, &part, 1), EMR_RESULT_NOT_AUTHORISED);
	part_with((emr_bytes){0}, 60, &part); /* bytes that are none */
	assert_int_equal(renewed(&r, &r.next, &part, 1), EMR_RESULT_NOT_AUTHORISED);
	part_with(emr_buf_view(&r.it.cert), 0, &part); /* another one */
	assert_int_equal(renewed(&r, &r.next, &part, 1), EMR_RESULT_NOT_AUTHORISED);
	part_with(emr_buf_view(&r.next), 60, &part); /* and something behind it */
	assert_int_equal(renewed(&r, &r.next, &part, 1), EMR_RESULT_NOT_AUTHORISED);
}

/* A follower looks for a certificate in a batch of one only. */
TEST(a_renewal_is_not_brought_among_others)
{
	EMR_AUTO_BUF part = {0};

	SCENE(renewal, r, make_renewal, unmake_renewal);
	part_with(emr_buf_view(&r.it.cert), 0, &part);
	assert_int_equal(renewed(&r, &r.it.cert, &part, 1), 0);
	assert_int_equal(renewed(&r, &r.it.cert, &part, 2), EMR_RESULT_NOT_AUTHORISED);
}

TEST(the_ca_counts_that_the_organisation_has_now)
{
	SCENE(renewal, r, make_renewal, unmake_renewal);
	assert_int_equal(renewed_as_is(&r), 0);
	put_org_row(&r.it, EMR_ORG_MEMBER, emr_buf_view(&r.it.cert)); /* it has got another one */
	assert_int_equal(renewed_as_is(&r), EMR_RESULT_NOT_AUTHORISED);
	kit_delete(&r.it.world.state, r.it.org_key.text);
	assert_int_equal(renewed_as_is(&r), EMR_RESULT_SUBMITTER);
}

/* A peer of the same CA, or who uses another program of the hospital; and another organisation's.
 */
TEST(a_certificate_for_something_else_is_nobodys)
{
	SCENE(renewal, r, make_renewal, unmake_renewal);
	r.attrs = "{\"attrs\":{\"hf.Type\":\"peer\"}}";
	certify_keyring(&r, KIT_NOW - KIT_DAY, &r.next);
	assert_int_equal(renewed_as_is(&r), EMR_RESULT_NOT_AUTHORISED);
	r.attrs = "{\"attrs\":{\"emr.org\":\"00112233445566778899aabbccddeeff\","
		  "\"emr.roles\":\"patient\"}}";
	certify_keyring(&r, KIT_NOW - KIT_DAY, &r.next);
	assert_int_equal(renewed_as_is(&r), EMR_RESULT_NOT_AUTHORISED);
	r.attrs = NULL;
	certify_keyring(&r, KIT_NOW - KIT_DAY, &r.next);
	assert_int_equal(renewed_as_is(&r), 0);
	certify_keyring(&r, KIT_NOW + KIT_DAY, &r.next); /* it is not in force yet */
	assert_int_equal(renewed_as_is(&r), EMR_RESULT_NOT_AUTHORISED);
}

/* The members have approved its hash: whoever brings it along. */
TEST(the_ca_of_who_was_admitted_comes_along)
{
	const cert_wish wish = cert_authority_wish("General CA", KIT_NOW - KIT_DAY);

	SCENE(renewal, r, make_renewal, unmake_renewal);
	SCENE_OF(cert_authority, other, cert_end, cert_begin, &wish, NULL);
	cert_end(&r.it.ca);
	cert_begin(&r.it.ca, &wish, NULL); /* the descriptor has the former one */
	put_org_row(&r.it, EMR_ORG_MEMBER, emr_buf_view(&r.it.ca.der));
	certify_keyring(&r, KIT_NOW - KIT_DAY, &r.next);
	assert_int_equal(renewed_as_is(&r), EMR_RESULT_NOT_AUTHORISED);
	r.it.authority = emr_buf_view(&r.it.ca.der);
	assert_int_equal(renewed_as_is(&r), 0);
	r.it.authority = emr_buf_view(&other.der); /* somebody's own, for the approved one */
	assert_int_equal(renewed_as_is(&r), EMR_RESULT_NOT_AUTHORISED);
	r.it.authority = emr_buf_view(&r.it.cert); /* no CA */
	assert_int_equal(renewed_as_is(&r), EMR_RESULT_NOT_AUTHORISED);
}

TEST(bytes_that_are_no_batch_are_refused)
{
	hosted *run;

	SCENE(fabric_world, it, make, unmake);
	run = hosted_new(it.descriptor, 100);
	assert_non_null(run);
	assert_int_equal(hosted_public_len(run), 100);
	hand_in(&it, run, kit_span(it.descriptor, it.descriptor_len));
	assert_int_equal(hosted_keys(run, 1), EMR_CONTRACT_OK);
	assert_int_equal(hosted_keys_count(run), 1);
	assert_int_equal(hosted_judge(run, KIT_NOW), EMR_CONTRACT_OK);
	assert_int_equal(hosted_outcome(run)->kind, EMR_OUTCOME_REFUSED);
	assert_int_equal(hosted_outcome(run)->refusal, EMR_RESULT_FORMAT);
	hosted_free(run);
	assert_null(hosted_genesis(it.descriptor, it.descriptor_len - 1));
}

TEST(a_row_is_given_once)
{
	emr_span bytes;
	hosted *run;

	SCENE(fabric_world, it, make, unmake);
	bytes = kit_three_items(&it.world);
	run = hosted_new(bytes.data, bytes.len);
	assert_non_null(run);
	hosted_caller(run, EMR_HOST_FABRIC, it.world.net_id, it.world.identity.id);
	assert_int_equal(hosted_keys(run, 1), EMR_CONTRACT_OK);
	assert_int_equal(hosted_give(run, 0, bytes.data, 10), EMR_CONTRACT_OK);
	assert_int_equal(hosted_give(run, 0, bytes.data, 10), EMR_CONTRACT_ARGUMENT);
	assert_int_equal(
		hosted_give(run, hosted_keys_count(run), bytes.data, 10), EMR_CONTRACT_ARGUMENT);
	hosted_free(run);
	kit_drop(bytes);
}

TEST(a_network_begins_with_the_rows_of_its_descriptor)
{
	const emr_outcome *outcome;
	hosted *run;

	SCENE(fabric_world, it, make, unmake);
	run = hosted_genesis(it.descriptor, it.descriptor_len);
	assert_non_null(run);
	outcome = hosted_outcome(run);
	assert_int_equal(outcome->writes_count, 2);
	assert_string_equal(outcome->writes[0].key, "N");
	assert_string_equal(outcome->writes[1].key, it.org_key.text);
	hosted_free(run);
}

TEST(a_part_is_known_by_its_item_and_nothing_else)
{
	static const uint8_t nonsense[300];
	AUTO(unmake) fabric_world it;
	emr_span bytes;
	uint8_t place[EMR_ROW_PLACE_BYTES] = {0}, hash[32], row[4096];
	EMR_AUTO_FREE emr_batch *batch = malloc(sizeof *batch);
	emr_key_text key;
	emr_item item;
	emr_span pub;
	size_t len;

	assert_non_null(batch);
	make(&it);
	bytes = kit_three_items(&it.world);
	assert_int_equal(emr_batch_parse(bytes, batch), EMR_RESULT_APPLIED);
	memcpy(row, batch->header.data, EMR_HEADER_BYTES);
	memset(row + EMR_HEADER_BYTES, 0, 3);
	memcpy(row + EMR_HEADER_BYTES + 3, batch->items_bytes.data, batch->items_bytes.len);
	len = EMR_HEADER_BYTES + 3 + batch->items_bytes.len;
	place[33] = 1;
	emr_batch_item_at(batch, 1, &item, &pub);
	assert_int_equal(hosted_part_hash(place, sizeof place, row, len, hash), EMR_CONTRACT_OK);
	assert_memory_equal(hash, item.priv_hash, 32);
	place[33] = 3;
	assert_int_equal(hosted_part_hash(place, sizeof place, row, len, hash), EMR_CONTRACT_STATE);
	assert_int_equal(hosted_part_hash(place, 33, row, len, hash), EMR_CONTRACT_STATE);
	assert_int_equal(hosted_part_hash(place, sizeof place, nonsense, sizeof nonsense, hash),
		EMR_CONTRACT_STATE);
	assert_false(hosted_batch_key(nonsense, 33, &key));
	kit_drop(bytes);
}

TEST(requests_and_releases_lie_in_the_collection_that_ends)
{
	assert_string_equal(hosted_collection("p/20/00"), "parts");
	assert_string_equal(hosted_collection("p/32/00"), "parts");
	assert_string_equal(hosted_collection("p/40/00"), "mail");
	assert_string_equal(hosted_collection("p/48/00"), "mail");
	assert_string_equal(hosted_collection("p/49/00"), "mail");
	assert_string_equal(hosted_collection("p/4a/00"), "mail");
	assert_string_equal(hosted_collection("p/4b/00"), "parts"); /* why is not forgotten */
	assert_string_equal(hosted_collection(""), "parts");
}

TESTS(NULL, NULL)
