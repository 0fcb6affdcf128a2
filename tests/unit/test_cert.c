/* These tests make and check certificates: dates, authorities of the same name and
 * those that are kept, every changed byte, and what a subject may contain. */
#include "keyring_kit.h"

#include <sodium.h>

#include "keyring/cert.h"

#define T0 UINT64_C(1700000000)
#define YEAR UINT64_C(31536000)

static const emr_cert_subject ca_subject = {
	.handle = "Hospital São Lucas", .not_before = T0, .not_after = T0 + 10 * YEAR};

/* A CA and a patient's certificate of one keyring. */
typedef struct pair {
	emr_buf ca;
	emr_buf owner;
	emr_public public;
} pair;

static void make_pair(const emr_keyring *kr, pair *out)
{
	const emr_cert_subject owner = {.handle = "k7qf",
		.roles = 1 | 64,
		.org = {{0xaa, 0xbb}},
		.not_before = T0 + 5,
		.not_after = T0 + YEAR};

	*out = (pair){0};
	assert_ok(emr_keyring_public(kr, &out->public));
	assert_ok(emr_cert_make_ca(kr, &ca_subject, &out->ca));
	assert_ok(emr_cert_issue(kr, emr_buf_view(&out->ca), &owner,
		emr_bytes_of(out->public.p256_spki, EMR_P256_SPKI_BYTES), &out->owner));
}

static void pair_free(pair *made)
{
	emr_buf_free(&made->ca);
	emr_buf_free(&made->owner);
}

TEST(an_owner_has_a_certificate_of_his_own_ca)
{
	EMR_AUTO_KEYRING kr = kit_keyring();
	AUTO(pair_free) pair made;
	emr_cert_facts facts;
	uint8_t ref[32];

	make_pair(kr, &made);
	assert_ok(emr_cert_verify(
		emr_buf_view(&made.owner), emr_buf_view(&made.ca), T0 + 100, &facts));
	assert_string_equal(facts.handle, "k7qf");
	assert_int_equal(facts.roles, 65);
	assert_int_equal(facts.org.b[1], 0xbb);
	assert_true(facts.not_before == T0 + 5);
	assert_true(facts.not_after == T0 + YEAR);
	assert_false(facts.is_ca);
	assert_memory_equal(facts.spki, made.public.p256_spki, EMR_P256_SPKI_BYTES);
	crypto_hash_sha256(ref, made.owner.data, made.owner.len);
	assert_memory_equal(facts.ref.b, ref, 32);
	assert_ok(emr_cert_read(emr_buf_view(&made.ca), &facts));
	assert_true(facts.is_ca);
	assert_string_equal(facts.handle, "Hospital São Lucas");
	assert_int_equal(facts.roles, 0);
}

TEST(a_certificate_counts_only_between_its_dates)
{
	EMR_AUTO_KEYRING kr = kit_keyring();
	AUTO(pair_free) pair made;
	emr_cert_facts facts;

	make_pair(kr, &made);
	assert_status(EMR_DENIED,
		emr_cert_verify(emr_buf_view(&made.owner), emr_buf_view(&made.ca), T0 + 4, &facts));
	assert_ok(
		emr_cert_verify(emr_buf_view(&made.owner), emr_buf_view(&made.ca), T0 + 5, &facts));
	assert_ok(emr_cert_verify(
		emr_buf_view(&made.owner), emr_buf_view(&made.ca), T0 + YEAR, &facts));
	assert_status(EMR_DENIED, emr_cert_verify(emr_buf_view(&made.owner), emr_buf_view(&made.ca),
					  T0 + YEAR + 1, &facts));
}

TEST(another_ca_of_the_same_name_does_not_count)
{
	EMR_AUTO_KEYRING kr = kit_keyring();
	EMR_AUTO_KEYRING other = NULL;
	emr_cert_facts facts;
	AUTO(pair_free) pair mine;
	AUTO(pair_free) pair theirs;

	assert_ok(emr_keyring_create(EMR_KEYRING_ORGANISATION, T0, &other));
	make_pair(kr, &mine);
	make_pair(other, &theirs);
	assert_status(EMR_BAD_SIGNATURE, emr_cert_verify(emr_buf_view(&mine.owner),
						 emr_buf_view(&theirs.ca), T0 + 9, &facts));
	/* A person is no CA. */
	assert_status(EMR_BAD_SIGNATURE, emr_cert_verify(emr_buf_view(&mine.owner),
						 emr_buf_view(&mine.owner), T0 + 9, &facts));
	assert_status(EMR_BAD_SIGNATURE,
		emr_cert_verify(emr_buf_view(&theirs.ca), emr_buf_view(&mine.ca), T0 + 9, &facts));
	/* Nor may one keyring issue under the other's certificate. */
	{
		const emr_cert_subject subject = {
			.handle = "x", .roles = 1, .not_before = T0, .not_after = T0 + 1};
		EMR_AUTO_BUF out = {0};

		assert_status(EMR_INVALID,
			emr_cert_issue(kr, emr_buf_view(&theirs.ca), &subject,
				emr_bytes_of(mine.public.p256_spki, EMR_P256_SPKI_BYTES), &out));
		assert_status(EMR_INVALID,
			emr_cert_issue(kr, emr_buf_view(&mine.owner), &subject,
				emr_bytes_of(mine.public.p256_spki, EMR_P256_SPKI_BYTES), &out));
		assert_int_equal(out.len, 0);
	}
}

/* More organisations than are kept parsed, each with two members of whom nothing was asked before.
 */
TEST(each_member_of_a_known_ca_is_judged_for_himself)
{
	enum { CAS = 40, YEARS = 2 };
	EMR_AUTO_KEYRING kr = kit_keyring();
	emr_cert_facts facts;
	emr_public public;
	emr_buf cas[CAS] = {{0}};

	assert_ok(emr_keyring_public(kr, &public));
	for (int i = 0; i < CAS; i++) {
		char name[32];
		emr_cert_subject ca = {
			.handle = name, .not_before = T0, .not_after = T0 + YEARS * YEAR};

		(void)snprintf(name, sizeof name, "Hospital %d", i);
		assert_ok(emr_cert_make_ca(kr, &ca, &cas[i]));
	}
	for (int member = 0; member < 2; member++)
		for (int i = 0; i < CAS; i++) {
			EMR_AUTO_BUF cert = {0}, forged = {0};
			emr_bytes own = emr_buf_view(&cas[i]);
			emr_cert_subject subject = {.handle = member == 0 ? "lima" : "costa",
				.roles = 1,
				.not_before = T0,
				.not_after = T0 + YEARS * YEAR};

			assert_ok(emr_cert_issue(kr, own, &subject,
				emr_bytes_of(public.p256_spki, EMR_P256_SPKI_BYTES), &cert));
			assert_ok(emr_buf_append(&forged, cert.data, cert.len));
			forged.data[forged.len - 1] ^= 1; /* of the signature */
			assert_status(EMR_BAD_SIGNATURE,
				emr_cert_verify(emr_buf_view(&forged), own, T0 + 9, &facts));
			assert_status(EMR_BAD_SIGNATURE,
				emr_cert_verify(emr_buf_view(&cert),
					emr_buf_view(&cas[(i + 1) % CAS]), T0 + 9, &facts));
			/* The CA ended, after it was good for others. */
			assert_status(EMR_DENIED, emr_cert_verify(emr_buf_view(&cert), own,
							  T0 + YEARS * YEAR + 1, &facts));
			assert_ok(emr_cert_verify(emr_buf_view(&cert), own, T0 + 9, &facts));
			assert_string_equal(facts.handle, subject.handle);
		}
	for (int i = 0; i < CAS; i++)
		emr_buf_free(&cas[i]);
}

TEST(no_flipped_byte_of_a_chain_is_accepted)
{
	EMR_AUTO_KEYRING kr = kit_keyring();
	emr_cert_facts facts;
	AUTO(pair_free) pair made;

	make_pair(kr, &made);
	for (size_t i = 0; i < made.owner.len; i++) {
		made.owner.data[i] ^= 1;
		assert_int_not_equal(emr_cert_verify(emr_buf_view(&made.owner),
					     emr_buf_view(&made.ca), T0 + 9, &facts),
			EMR_OK);
		made.owner.data[i] ^= 1;
	}
	for (size_t i = 0; i < made.ca.len; i++) {
		made.ca.data[i] ^= 1;
		assert_int_not_equal(emr_cert_verify(emr_buf_view(&made.owner),
					     emr_buf_view(&made.ca), T0 + 9, &facts),
			EMR_OK);
		made.ca.data[i] ^= 1;
	}
	for (size_t len = 0; len < made.owner.len; len++)
		assert_status(
			EMR_DAMAGED, emr_cert_read(emr_bytes_of(made.owner.data, len), &facts));
	assert_ok(emr_buf_append_zeros(&made.owner, 1));
	assert_status(EMR_DAMAGED, emr_cert_read(emr_buf_view(&made.owner), &facts));
}

TEST(a_subject_must_be_presentable)
{
	EMR_AUTO_KEYRING kr = kit_keyring();
	static const char *const bad[] = {"", "a\nb", "\x7f", "\xc2\x85", "\xc0\x80",
		"\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82",
		"12345678901234567890123456789012345678901234567890123456789012345"};
	EMR_AUTO_BUF out = {0};
	emr_cert_subject subject = ca_subject;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		subject.handle = bad[i];
		assert_status(EMR_INVALID, emr_cert_make_ca(kr, &subject, &out));
	}
	subject = ca_subject;
	subject.not_after = subject.not_before;
	assert_status(EMR_INVALID, emr_cert_make_ca(kr, &subject, &out));
	subject = ca_subject;
	subject.roles = 1;
	assert_status(EMR_INVALID, emr_cert_make_ca(kr, &subject, &out));
	assert_int_equal(out.len, 0);
	assert_ok(emr_cert_make_ca(kr, &ca_subject, &out));
	/* Dates outside the CA's, an unknown role, and a key that is no P-256 point. */
	{
		emr_cert_subject owner = {
			.handle = "x", .roles = 1, .not_before = T0 - 1, .not_after = T0 + 1};
		EMR_AUTO_BUF cert = {0};
		emr_public public;

		assert_ok(emr_keyring_public(kr, &public));
		assert_status(EMR_INVALID, emr_cert_issue(kr, emr_buf_view(&out), &owner,
						   emr_bytes_of(public.p256_spki, 91), &cert));
		owner.not_before = T0;
		owner.roles = 1u << 13;
		assert_status(EMR_INVALID, emr_cert_issue(kr, emr_buf_view(&out), &owner,
						   emr_bytes_of(public.p256_spki, 91), &cert));
		owner.roles = 8191; /* all of them fit */
		assert_ok(emr_cert_issue(
			kr, emr_buf_view(&out), &owner, emr_bytes_of(public.p256_spki, 91), &cert));
		public.p256_spki[50] ^= 1;
		assert_status(EMR_INVALID, emr_cert_issue(kr, emr_buf_view(&out), &owner,
						   emr_bytes_of(public.p256_spki, 91), &cert));
	}
}

TEST(role_words_round_trip)
{
	char text[EMR_ROLES_TEXT_MAX];
	uint16_t roles = 0;

	for (unsigned all = 0; all < 1u << 13; all += 37) {
		emr_roles_text((uint16_t)all, text);
		assert_ok(emr_roles_parse(text, &roles));
		assert_int_equal(roles, all);
	}
	emr_roles_text(8191, text);
	assert_string_equal(text, "patient clinician hospital researcher auditor agent admin "
				  "device gateway pharmacist insurer "
				  "authority registrar");
	assert_status(EMR_INVALID, emr_roles_parse("patient patient", &roles));
	assert_status(EMR_INVALID, emr_roles_parse("patient ", &roles));
	assert_status(EMR_INVALID, emr_roles_parse(" patient", &roles));
	assert_status(EMR_INVALID, emr_roles_parse("patients", &roles));
	assert_ok(emr_roles_parse("", &roles));
	assert_int_equal(roles, 0);
}

TEST(serials_differ)
{
	EMR_AUTO_KEYRING kr = kit_keyring();
	EMR_AUTO_BUF one = {0};
	EMR_AUTO_BUF two = {0};

	assert_ok(emr_cert_make_ca(kr, &ca_subject, &one));
	assert_ok(emr_cert_make_ca(kr, &ca_subject, &two));
	/* version [0] 5 bytes after two headers of 4: the serial begins at 13 with its own header.
	 */
	assert_memory_not_equal(one.data + 15, two.data + 15, 16);
}

TESTS(NULL, NULL)
