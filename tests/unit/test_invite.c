/* These tests make and read invitations, replies and certificate requests: every changed bit is
 * found, and a person who lacks the secret gets nothing. */
#include "share_kit.h"

#include <openssl/x509.h>

#include "letters_private.h"
#include "keyring/cert.h"

static json_t *root;
static const json_t *cards;
static emr_buf descriptor;
static emr_keyring *admin;
static emr_keyring *invitee;

/* The story's person of that name. */
static emr_keyring *story_keyring(const json_t *story, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach(vectors_get(story, "people"), i, one)
	{
		uint8_t seed[32];

		if (strcmp(vectors_text(one, "name"), name) != 0)
			continue;
		vectors_fixed(one, "seed", seed, 32);
		return kit_keyring_of(seed, (emr_id16){{0}}, 1);
	}
	vectors_die(name);
	return NULL;
}

static emr_invitation facts(void)
{
	emr_invitation made = {.roles = 2,
		.org = {{3}},
		.expires = 1800000000,
		.network = "Test network",
		.url = "file:///srv/emrfs/network"};

	made.descriptor = emr_buf_view(&descriptor);
	return made;
}

TEST(an_invitation_reads_as_the_second_model_wrote_it)
{
	EMR_AUTO_BUF want = {0};
	EMR_AUTO_BUF again = {0};
	emr_invitation read;
	uint8_t bytes[32];

	assert_ok(emr_invitation_read(vectors_hex(cards, "invitation", &want), &read));
	assert_int_equal(read.roles, 2);
	assert_string_equal(read.network, "Test network");
	vectors_fixed(cards, "invitation_secret", bytes, 32);
	assert_memory_equal(read.secret, bytes, 32);
	vectors_fixed(cards, "invitation_id", bytes, 16);
	assert_memory_equal(read.id.b, bytes, 16);
	vectors_fixed(cards, "invitation_admin_pk", bytes, 32);
	assert_memory_equal(read.admin_pk, bytes, 32);
	assert_true(emr_bytes_equal(read.descriptor, emr_buf_view(&descriptor)));
	assert_ok(emr_invitation_encode(admin, &read, &again));
	assert_true(emr_bytes_equal(emr_buf_view(&again), emr_buf_view(&want)));
}

TEST(one_that_carries_the_way_reads_as_the_second_model_wrote_it)
{
	EMR_AUTO_BUF want = {0}, place = {0}, again = {0};
	emr_invitation read, once_more;

	assert_ok(emr_invitation_read(vectors_hex(cards, "invitation_away", &want), &read));
	vectors_hex(cards, "invitation_place", &place);
	assert_true(emr_bytes_equal(read.place, emr_buf_view(&place)));
	assert_ok(emr_invitation_encode(admin, &read, &again));
	assert_ok(emr_invitation_read(emr_buf_view(&again), &once_more));
	assert_true(emr_bytes_equal(once_more.place, emr_buf_view(&place)));
}

/* Where an authority lets him in: with a secret that follows from the invitation's, and is not it.
 */
TEST(an_invitation_to_an_authority_has_a_secret)
{
	static const uint8_t way[] = "the way";
	EMR_AUTO_BUF bytes = {0};
	emr_invitation wish = facts(), read;
	char secret[EMR_LOGIN_SECRET_CHARS], again[EMR_LOGIN_SECRET_CHARS], plain[65];

	wish.place = emr_bytes_of(way, sizeof way);
	assert_ok(emr_invitation_make(admin, &wish, &bytes));
	assert_ok(emr_invitation_read(emr_buf_view(&bytes), &read));
	assert_ok(emr_invitation_login_secret(&read, secret));
	assert_ok(emr_invitation_login_secret(&read, again));
	assert_string_equal(secret, again);
	assert_int_equal(strlen(secret), EMR_LOGIN_SECRET_CHARS - 1);
	emr_hex(read.secret, sizeof read.secret, plain);
	assert_memory_not_equal(secret, plain, EMR_LOGIN_SECRET_CHARS - 1);
}

TEST(a_way_that_is_too_long_is_no_invitation)
{
	EMR_AUTO_BUF long_way = {0}, bytes = {0};
	emr_invitation wish = facts();

	assert_ok(emr_buf_append_zeros(&long_way, EMR_INVITE_PLACE_MAX + 1));
	wish.place = emr_buf_view(&long_way);
	assert_status(EMR_LIMIT, emr_invitation_make(admin, &wish, &bytes));
	assert_int_equal(bytes.len, 0);
}

static void every_bit_of(const char *name)
{
	EMR_AUTO_BUF bytes = {0};
	emr_invitation read;

	vectors_hex(cards, name, &bytes);
	for (size_t bit = 0; bit < bytes.len * 8; bit++) {
		bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_not_equal(EMR_OK, emr_invitation_read(emr_buf_view(&bytes), &read));
		bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t len = 0; len < bytes.len; len += 7)
		assert_int_not_equal(
			EMR_OK, emr_invitation_read(emr_bytes_of(bytes.data, len), &read));
}

TEST(every_bit_of_an_invitation_matters)
{
	every_bit_of("invitation");
	every_bit_of("invitation_away");
}

TEST(a_fresh_invitation_has_its_own_secret)
{
	emr_invitation wish = facts();
	EMR_AUTO_BUF one = {0};
	EMR_AUTO_BUF two = {0};
	emr_invitation first, second;

	assert_ok(emr_invitation_make(admin, &wish, &one));
	assert_ok(emr_invitation_make(admin, &wish, &two));
	assert_ok(emr_invitation_read(emr_buf_view(&one), &first));
	assert_ok(emr_invitation_read(emr_buf_view(&two), &second));
	assert_memory_not_equal(first.secret, second.secret, 32);
	assert_false(emr_id16_equal(first.id, second.id));
	assert_string_equal(first.url, wish.url);
	wish.roles = 0;
	assert_status(EMR_INVALID, emr_invitation_make(admin, &wish, &two));
	wish = facts();
	strcpy(wish.network, "Cl\xe2\x80\xaeinic");
	assert_status(EMR_INVALID, emr_invitation_make(admin, &wish, &two));
	wish = facts();
	wish.descriptor.len = EMR_INVITE_DESCRIPTOR_MAX + 1;
	assert_status(EMR_LIMIT, emr_invitation_make(admin, &wish, &two));
}

TEST(an_invitation_into_another_network_than_it_describes_is_refused)
{
	emr_invitation made = facts();
	EMR_AUTO_BUF bytes = {0};
	emr_invitation read;
	emr_public public;

	assert_ok(emr_keyring_public(admin, &public));
	memcpy(made.admin_pk, public.pk, 32);
	made.net_id.b[0] = 1; /* signed, and not the hash of the descriptor */
	assert_ok(emr_invitation_encode(admin, &made, &bytes));
	assert_status(EMR_DAMAGED, emr_invitation_read(emr_buf_view(&bytes), &read));
}

TEST(a_reply_matches_and_every_bit_of_it_matters)
{
	EMR_AUTO_BUF want = {0};
	EMR_AUTO_BUF pub = {0};
	EMR_AUTO_BUF csr = {0};
	EMR_AUTO_BUF again = {0};
	EMR_AUTO_BUF bytes = {0};
	emr_invitation invitation;
	emr_invite_reply reply;
	emr_id16 id;

	assert_ok(emr_invitation_read(vectors_hex(cards, "invitation", &bytes), &invitation));
	vectors_hex(cards, "reply", &want);
	vectors_hex(cards, "reply_pub", &pub);
	vectors_hex(cards, "reply_csr", &csr);
	assert_ok(
		emr_invite_reply_make(invitee, &invitation, pub.data, emr_buf_view(&csr), &again));
	assert_true(emr_bytes_equal(emr_buf_view(&again), emr_buf_view(&want)));
	assert_ok(emr_invite_reply_id(emr_buf_view(&want), &id));
	assert_true(emr_id16_equal(id, invitation.id));
	assert_ok(emr_invite_reply_read(emr_buf_view(&want), invitation.secret, &reply));
	assert_memory_equal(reply.pub, pub.data, EMR_KEY_REG_PUB_BYTES);
	assert_true(emr_bytes_equal(reply.csr, emr_buf_view(&csr)));
	for (size_t bit = 0; bit < want.len * 8; bit++) {
		want.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_not_equal(EMR_OK,
			emr_invite_reply_read(emr_buf_view(&want), invitation.secret, &reply));
		want.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	invitation.secret[0] ^= 1; /* somebody who only heard of the invitation */
	assert_status(
		EMR_DAMAGED, emr_invite_reply_read(emr_buf_view(&want), invitation.secret, &reply));
}

/* ---- Certificate requests ---- */

TEST(a_request_becomes_a_certificate_with_roles)
{
	EMR_AUTO_BUF csr = {0};
	EMR_AUTO_BUF ca = {0};
	EMR_AUTO_BUF der = {0};
	emr_cert_subject ca_subject = {
		.handle = "General Hospital", .not_before = 1700000000, .not_after = 1900000000};
	emr_cert_subject subject = {
		.roles = 2 | 512, .org = {{3}}, .not_before = 1700000000, .not_after = 1800000000};
	char handle[EMR_CERT_HANDLE_MAX + 1];
	uint8_t spki[EMR_P256_SPKI_BYTES];
	emr_public public;
	emr_cert_facts read;

	assert_ok(emr_csr_make(invitee, "lima@saolucas", &csr));
	assert_ok(emr_csr_read(emr_buf_view(&csr), handle, spki));
	assert_string_equal(handle, "lima@saolucas");
	assert_ok(emr_keyring_public(invitee, &public));
	assert_memory_equal(spki, public.p256_spki, sizeof spki);
	subject.handle = handle;
	assert_ok(emr_cert_make_ca(admin, &ca_subject, &ca));
	assert_ok(emr_cert_issue(
		admin, emr_buf_view(&ca), &subject, emr_bytes_of(spki, sizeof spki), &der));
	assert_ok(emr_cert_verify(emr_buf_view(&der), emr_buf_view(&ca), 1750000000, &read));
	assert_int_equal(read.roles, 2 | 512);
	assert_int_equal(read.org.b[0], 3);
	assert_string_equal(read.handle, "lima@saolucas");
}

TEST(every_bit_of_a_certificate_request_matters)
{
	EMR_AUTO_BUF csr = {0};
	char handle[EMR_CERT_HANDLE_MAX + 1];
	uint8_t spki[EMR_P256_SPKI_BYTES];

	assert_ok(emr_csr_make(invitee, "lima@saolucas", &csr));
	for (size_t bit = 0; bit < csr.len * 8; bit++) {
		csr.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_not_equal(EMR_OK, emr_csr_read(emr_buf_view(&csr), handle, spki));
		csr.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_ok(emr_buf_append_zeros(&csr, 1));
	assert_status(EMR_DAMAGED, emr_csr_read(emr_buf_view(&csr), handle, spki));
	assert_status(EMR_INVALID, emr_csr_make(invitee, "", &csr));
	assert_status(EMR_INVALID, emr_csr_make(invitee, "a\nb", &csr));
}

/* A request of the invitee's key with something more in it, properly signed. */
static emr_status read_csr_with(bool attribute, bool second_name)
{
	EVP_PKEY *key = NULL;
	X509_REQ *csr = X509_REQ_new();
	uint8_t *der = NULL;
	char handle[EMR_CERT_HANDLE_MAX + 1];
	uint8_t spki[EMR_P256_SPKI_BYTES];
	emr_status status;
	int len;

	assert_non_null(csr);
	assert_ok(emr_p256_key(invitee, EMR_P256_OWNER, &key));
	for (int i = 0; i < 1 + second_name; i++)
		assert_int_equal(1,
			X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(csr), NID_commonName,
				MBSTRING_UTF8, (const uint8_t *)"lima", 4, -1, 0));
	assert_int_equal(1, X509_REQ_set_pubkey(csr, key));
	if (attribute)
		assert_int_equal(1, X509_REQ_add1_attr_by_NID(csr, NID_pkcs9_challengePassword,
					    MBSTRING_UTF8, (const uint8_t *)"word", 4));
	assert_true(X509_REQ_sign(csr, key, EVP_sha256()) > 0);
	len = i2d_X509_REQ(csr, &der);
	status = emr_csr_read(emr_bytes_of(der, (size_t)len), handle, spki);
	OPENSSL_free(der);
	X509_REQ_free(csr);
	EVP_PKEY_free(key);
	return status;
}

TEST(a_certificate_request_has_one_name_and_nothing_else)
{
	assert_ok(read_csr_with(false, false));
	assert_status(EMR_DAMAGED, read_csr_with(true, false));
	assert_status(EMR_DAMAGED, read_csr_with(false, true));
}

AROUND(set_up)
{
	const json_t *story;

	root = vectors_open("ledger.json");
	story = vectors_get(root, "story");
	cards = vectors_get(story, "cards");
	vectors_hex(vectors_get(story, "network"), "descriptor", &descriptor);
	admin = story_keyring(story, "admin");
	invitee = story_keyring(story, "doctor");
}

AROUND(tear_down)
{
	emr_keyring_free(admin);
	emr_keyring_free(invitee);
	emr_buf_free(&descriptor);
	json_decref(root);
}

TESTS(set_up, tear_down)
