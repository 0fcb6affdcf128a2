/* These tests are about the C half of the chaincode: whose certificate counts on Fabric, what a
 * host may give, where parts lie. */
#include "test_contract_kit.h"

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
	const char *msp;     /* of the creator */
	emr_bytes authority; /* that he brings along */
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

/* The patient's K row names CERT. */
static void put_key_row(fabric_world *it, emr_bytes cert)
{
	emr_row_key row;
	uint8_t value[EMR_ROW_KEY_BYTES];
	emr_key_text key;
	const kit_row *old;

	emr_key_signer(it->world.identity.id, &key);
	old = kit_get(&it->world.state, key.text);
	assert_int_equal(emr_row_key_parse(kit_span(old->value, old->len), &row), EMR_CONTRACT_OK);
	emr_sha256(cert.data, cert.len, row.ref);
	emr_row_key_encode(&row, value);
	kit_put(&it->world.state, key.text, value, sizeof value);
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

	*it = (fabric_world){.msp = "GeneralMSP", .now = KIT_NOW};
	assert_true(hosted_begin());
	kit_world_make(&it->world);
	cert_begin(&it->ca, &wish, NULL);
	certify(it, &it->ca, NULL, &it->cert);
	emr_key_org(it->world.org, &it->org_key);
	put_org_row(it, EMR_ORG_MEMBER, emr_buf_view(&it->ca.der));
	put_key_row(it, emr_buf_view(&it->cert));
	describe(it, it->msp);
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

/* 0 when the batch BYTES, which goes, is applied, else why it is refused. */
static int answer_to(const fabric_world *it, emr_span bytes)
{
	hosted *run = hosted_new(bytes.data, bytes.len);
	const emr_outcome *outcome;
	const kit_row *org;
	emr_key_text key = {""};
	const hosted_signer who = {.msp = it->msp,
		.der = it->cert.data,
		.der_len = it->cert.len,
		.authority = it->authority.data,
		.authority_len = it->authority.len};
	int result;

	assert_non_null(run);
	hosted_caller(run, EMR_HOST_FABRIC, it->world.net_id, it->world.identity.id);
	if (hosted_org_of(it->descriptor, it->descriptor_len, &who, &key)) {
		org = kit_get(&it->world.state, key.text);
		assert_int_equal(hosted_creator(run, it->descriptor, it->descriptor_len, &who,
					 org ? org->value : NULL, org ? org->len : 0, it->now),
			EMR_CONTRACT_OK);
	}
	for (int pass = 1; pass <= 2; pass++) {
		assert_int_equal(hosted_keys(run, pass), EMR_CONTRACT_OK);
		give_rows(run, &it->world.state);
	}
	assert_int_equal(hosted_judge(run, it->now), EMR_CONTRACT_OK);
	outcome = hosted_outcome(run);
	result = outcome->kind == EMR_OUTCOME_APPLIED ? 0 : (int)outcome->refusal;
	hosted_free(run);
	kit_drop(bytes);
	return result;
}

/* Of the batch of three items. */
static int answer(const fabric_world *it)
{
	return answer_to(it, kit_three_items(&it->world));
}

TEST(the_certificate_of_a_members_ca_counts)
{
	SCENE(fabric_world, it, make, unmake);
	assert_int_equal(answer(&it), 0);
}

/* A peer of the same CA, or who uses another program of the hospital. */
TEST(a_certificate_that_says_nothing_of_emrfs_is_nobodys)
{
	SCENE(fabric_world, it, make, unmake);
	emr_buf_free(&it.cert);
	certify(&it, &it.ca, "{\"attrs\":{\"hf.Type\":\"peer\"}}", &it.cert);
	put_key_row(&it, emr_buf_view(&it.cert)); /* its row names that very one */
	assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER);
}

TEST(another_certificate_of_the_same_ca_is_somebody_else)
{
	SCENE(fabric_world, it, make, unmake);
	emr_buf_free(&it.cert);
	certify(&it, &it.ca, "{\"attrs\":{\"emr.roles\":\"clinician\"}}", &it.cert);
	assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER);
}

TEST(who_is_no_member_any_more_brings_nothing)
{
	SCENE(fabric_world, it, make, unmake);
	put_org_row(&it, EMR_ORG_REMOVED, emr_buf_view(&it.ca.der));
	assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER);
}

TEST(the_ca_counts_that_the_organisation_has_now)
{
	SCENE(fabric_world, it, make, unmake);
	put_org_row(&it, EMR_ORG_MEMBER, emr_buf_view(&it.cert)); /* it has got another one */
	assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER);
	kit_delete(&it.world.state, it.org_key.text);
	assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER);
}

TEST(a_ca_of_the_same_name_is_another_ca)
{
	const cert_wish wish = cert_authority_wish("General CA", KIT_NOW - KIT_DAY);

	SCENE(fabric_world, it, make, unmake);
	SCENE_OF(cert_authority, other, cert_end, cert_begin, &wish, NULL);
	emr_buf_free(&it.cert);
	certify(&it, &other, NULL, &it.cert);
	put_key_row(&it, emr_buf_view(&it.cert));
	assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER);
}

TEST(an_organisation_answers_for_its_own_people_alone)
{
	SCENE(fabric_world, it, make, unmake);
	it.msp = "OtherMSP";
	assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER);
	it.msp = "GeneralMSP2";
	assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER);
	it.msp = "";
	assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER);
	it.msp = "GeneralMSP";
	emr_buf_free(&it.cert);
	certify(&it, &it.ca, "{\"attrs\":{\"emr.org\":\"00112233445566778899aabbccddeeff\"}}",
		&it.cert);
	put_key_row(&it, emr_buf_view(&it.cert));
	assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER);
}

/* The organisation of the world, as if it had been admitted: the descriptor has another one, and
 * the CA that names MSP is brought along.  The person's certificate says ORG. */
static void admit(fabric_world *it, const char *attrs, const uint8_t org[16])
{
	cert_wish wish = cert_authority_wish("Aurora CA", KIT_NOW - KIT_DAY);
	char id[33], own[96];

	cert_end(&it->ca);
	wish.attrs = attrs;
	cert_begin(&it->ca, &wish, NULL);
	emr_hex(org, 16, id);
	(void)snprintf(own, sizeof own, "{\"attrs\":{\"emr.org\":\"%s\"}}", id);
	emr_buf_free(&it->cert);
	certify(it, &it->ca, own, &it->cert);
	put_org_row(it, EMR_ORG_MEMBER, emr_buf_view(&it->ca.der));
	put_key_row(it, emr_buf_view(&it->cert));
	it->msp = "AuroraMSP";
	it->authority = emr_buf_view(&it->ca.der);
}

#define OF_AURORA "{\"attrs\":{\"emr.msp\":\"AuroraMSP\"}}"

TEST(who_was_admitted_brings_the_ca_that_the_members_approved)
{
	SCENE(fabric_world, it, make, unmake);
	admit(&it, OF_AURORA, it.world.org);
	assert_int_equal(answer(&it), 0);
	it.authority = (emr_bytes){0}; /* the descriptor knows nobody of that MSP */
	assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER);
	it.authority = emr_buf_view(&it.cert); /* no CA */
	assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER);
	it.authority = emr_bytes_of(it.ca.der.data, it.ca.der.len - 1);
	assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER);
}

TEST(a_ca_speaks_for_members_of_the_msp_that_it_names_alone)
{
	SCENE(fabric_world, it, make, unmake);
	admit(&it, OF_AURORA, it.world.org);
	it.msp = "GeneralMSP"; /* another organisation of the channel calls its people its own */
	assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER);
	it.msp = "AuroraMSP2";
	assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER);
	it.msp = "";
	assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER);
	admit(&it, NULL, it.world.org); /* it names none */
	assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER);
	it.msp = "";
	assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER);
}

/* A Fabric CA's root names no MSP, and certificates of its own administrator no organisation. */
TEST(a_fabric_ca_speaks_for_the_organisation_that_is_called_after_it)
{
	emr_id16 org;

	SCENE(fabric_world, it, make, unmake);
	admit(&it, NULL, it.world.org);
	org = emr_cert_org_of(emr_buf_view(&it.ca.der), emr_bytes_of("AuroraMSP", 9));
	memcpy(it.world.org, org.b, sizeof org.b);
	emr_key_org(org.b, &it.org_key);
	put_org_row(&it, EMR_ORG_MEMBER, emr_buf_view(&it.ca.der));
	kit_put_key(&it.world.state, &it.world.identity, org.b, EMR_ROLE_PATIENT, 1, EMR_KEY_ACTIVE,
		KIT_NOW + KIT_DAY);
	put_key_row(&it, emr_buf_view(&it.cert));
	assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER); /* it names the former one */
	emr_buf_free(&it.cert);
	certify(&it, &it.ca, NULL, &it.cert);
	put_key_row(&it, emr_buf_view(&it.cert));
	assert_int_equal(answer(&it), 0);
	it.msp = "GeneralMSP"; /* and of no other MSP */
	assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER);
	it.msp = "AuroraMSP";
	put_org_row(&it, EMR_ORG_MEMBER, emr_buf_view(&it.cert)); /* nobody approved its CA */
	assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER);
}

TEST(a_stranger_leaves_fewer_letters_than_a_member)
{
	static const uint8_t other[] = "another certificate";
	hosted_signer who = {.msp = "GeneralMSP"};
	EMR_AUTO_BUF renewed = {0};
	const kit_row *own;
	uint8_t row[EMR_ROW_QUOTA_BYTES], next[EMR_ROW_QUOTA_BYTES];
	emr_key_text key, theirs;
	bool fits = true;
	unsigned left = 0;

	SCENE(fabric_world, it, make, unmake);
	emr_key_signer(it.world.identity.id, &key);
	own = kit_get(&it.world.state, key.text);
	who.der = it.cert.data;
	who.der_len = it.cert.len;
	hosted_letters_key(&who, &key);
	who.msp = "AuroraMSP"; /* that name of another authority */
	hosted_letters_key(&who, &theirs);
	assert_string_not_equal(key.text, theirs.text);
	certify(&it, &it.ca, "{\"attrs\":{\"emr.roles\":\"clinician\"}}", &renewed);
	who = (hosted_signer){.msp = "GeneralMSP", .der = renewed.data, .der_len = renewed.len};
	hosted_letters_key(&who, &theirs);
	assert_string_equal(key.text, theirs.text);
	who.der = other;
	who.der_len = sizeof other;
	hosted_letters_key(&who, &theirs);
	assert_string_not_equal(key.text, theirs.text);
	for (; fits; left += fits, memcpy(row, next, sizeof row))
		assert_int_equal(
			hosted_letters_take(left > 0 ? row : NULL, left > 0 ? sizeof row : 0, NULL,
				0, it.cert.data, it.cert.len, it.now, &fits, next),
			EMR_CONTRACT_OK);
	assert_int_equal(left, EMR_QUOTA_LETTERS_INVITED);
	/* The same row, of who names a key that names him; not of another's key, nor when it ended.
	 */
	assert_int_equal(hosted_letters_take(row, sizeof row, own->value, own->len, it.cert.data,
				 it.cert.len, it.now, &fits, next),
		EMR_CONTRACT_OK);
	assert_true(fits);
	assert_int_equal(hosted_letters_take(row, sizeof row, own->value, own->len, other,
				 sizeof other, it.now, &fits, next),
		EMR_CONTRACT_OK);
	assert_false(fits);
	assert_int_equal(hosted_letters_take(row, sizeof row, own->value, own->len, it.cert.data,
				 it.cert.len, UINT64_MAX, &fits, next),
		EMR_CONTRACT_OK);
	assert_true(fits); /* another day */
	assert_int_equal(
		hosted_letters_take(row, 3, NULL, 0, other, sizeof other, it.now, &fits, next),
		EMR_CONTRACT_STATE);
}

TEST(a_ca_that_nobody_approved_speaks_for_nobody)
{
	static const uint8_t none[16];
	SCENE(fabric_world, it, make, unmake);
	AUTO(cert_end) cert_authority own = {0};
	cert_wish wish = cert_authority_wish("Aurora CA", KIT_NOW - KIT_DAY);

	admit(&it, OF_AURORA, it.world.org);
	put_org_row(&it, EMR_ORG_MEMBER, emr_buf_view(&it.cert)); /* of another CA */
	assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER);
	kit_delete(&it.world.state, it.org_key.text);
	assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER);
	admit(&it, OF_AURORA, none); /* a certificate that says of no organisation */
	assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER);
	admit(&it, OF_AURORA, it.world.org);
	wish.attrs = OF_AURORA;
	cert_begin(&own, &wish, NULL); /* somebody's own, for the approved one */
	it.authority = emr_buf_view(&own.der);
	assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER);
}

TEST(an_organisation_without_a_named_msp_has_the_one_of_its_id)
{
	char id[33];

	SCENE(fabric_world, it, make, unmake);
	describe(&it, "");
	assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER);
	it.msp = "";
	assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER);
	emr_hex(it.world.org, 16, id);
	it.msp = id;
	assert_int_equal(answer(&it), 0);
}

TEST(a_certificate_that_is_over_brings_nothing)
{
	const cert_wish old = cert_authority_wish("General CA", KIT_NOW - 11 * 365 * KIT_DAY);

	SCENE(fabric_world, it, make, unmake);
	cert_end(&it.ca);
	cert_begin(&it.ca, &old, NULL);
	emr_buf_free(&it.cert);
	certify(&it, &it.ca, NULL, &it.cert);
	put_org_row(&it, EMR_ORG_MEMBER, emr_buf_view(&it.ca.der));
	put_key_row(&it, emr_buf_view(&it.cert));
	describe(&it, it.msp);
	assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER);
}

/* ---- whose certificate those who follow find ---- */

/* Two certificates of one certificate key: the patient's K row names the first. */
typedef struct renewal {
	fabric_world it;
	emr_keyring *keyring;
	emr_buf next;
} renewal;

static void certify_keyring(renewal *r, uint64_t from, emr_buf *out)
{
	cert_wish wish = cert_person_wish("ana", from);
	emr_public public;

	assert_int_equal(emr_keyring_public(r->keyring, &public), EMR_OK);
	wish.attrs = "{\"attrs\":{\"emr.roles\":\"patient\"}}";
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
	put_key_row(&r->it, emr_buf_view(&r->it.cert));
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

/* KEY_CERT of CERT, which signs the transaction, with PART; COUNT times in one batch. */
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
	it.cert = *cert;
	return answer_to(&it, kit_end(&batch));
}

TEST(a_renewal_counts_with_the_certificate_that_its_part_carries)
{
	EMR_AUTO_BUF part = {0};

	SCENE(renewal, r, make_renewal, unmake_renewal);
	part_with(emr_buf_view(&r.next), 0, &part);
	assert_int_equal(renewed(&r, &r.next, &part, 1), 0);
	part_with((emr_bytes){0}, 0, &part); /* none */
	assert_int_equal(renewed(&r, &r.next, &part, 1), EMR_RESULT_SUBMITTER);
	part_with((emr_bytes){0}, 60, &part); /* bytes that are none */
	assert_int_equal(renewed(&r, &r.next, &part, 1), EMR_RESULT_SUBMITTER);
	part_with(emr_buf_view(&r.it.cert), 0, &part); /* another one */
	assert_int_equal(renewed(&r, &r.next, &part, 1), EMR_RESULT_SUBMITTER);
	part_with(emr_buf_view(&r.next), 60, &part); /* and something behind it */
	assert_int_equal(renewed(&r, &r.next, &part, 1), EMR_RESULT_SUBMITTER);
}

/* A follower looks for a certificate in a batch of one only. */
TEST(a_renewal_is_not_brought_among_others)
{
	EMR_AUTO_BUF part = {0};

	SCENE(renewal, r, make_renewal, unmake_renewal);
	part_with(emr_buf_view(&r.it.cert), 0, &part);
	assert_int_equal(renewed(&r, &r.it.cert, &part, 1), 0);
	assert_int_equal(renewed(&r, &r.it.cert, &part, 2), EMR_RESULT_SUBMITTER);
}

TEST(bytes_that_are_no_certificate_or_no_batch_are_refused)
{
	hosted *run;

	SCENE(fabric_world, it, make, unmake);
	for (size_t len = 0; len < it.cert.len; len += 50) {
		size_t whole = it.cert.len;

		it.cert.len = len;
		assert_int_equal(answer(&it), EMR_RESULT_SUBMITTER);
		it.cert.len = whole;
	}
	run = hosted_new(it.descriptor, 100);
	assert_non_null(run);
	assert_int_equal(hosted_public_len(run), 100);
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

static bool may_move(const fabric_world *it, const char *msp, emr_bytes certificate)
{
	const hosted_signer who = {.msp = msp, .der = certificate.data, .der_len = certificate.len};
	const kit_row *org = kit_get(&it->world.state, it->org_key.text);

	return hosted_may_move(
		it->descriptor, it->descriptor_len, &who, org->value, org->len, it->now);
}

/* The bringer of an entry could leave its private parts at home. */
TEST(an_administrator_moves_a_ledger_and_nobody_else_does)
{
	EMR_AUTO_BUF administrator = {0};
	char msp[33];

	SCENE(fabric_world, it, make, unmake);
	describe(&it, "");
	emr_hex(it.world.org, 16, msp);
	certify(&it, &it.ca, "{\"attrs\":{\"emr.roles\":\"admin\"}}", &administrator);
	assert_true(may_move(&it, msp, emr_buf_view(&administrator)));
	assert_false(may_move(&it, msp, emr_buf_view(&it.cert))); /* a patient */
	assert_false(may_move(&it, "GeneralMSP", emr_buf_view(&administrator)));
	assert_true(hosted_is_of_directory(it.descriptor, it.descriptor_len));
	put_org_row(&it, EMR_ORG_MEMBER, emr_buf_view(&it.cert)); /* another authority since */
	assert_false(may_move(&it, msp, emr_buf_view(&administrator)));
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
	assert_string_equal(hosted_collection(""), "parts");
}

TESTS(NULL, NULL)
