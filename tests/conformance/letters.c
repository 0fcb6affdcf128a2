/* These tests are about letters of people without a key on the ledger, over the chaincode itself:
 * which letters may be replaced, which may not, and that all applications are found. */
#include "emr_test.h"

#include "base/codec.h"
#include "contract/quota.h"
#include "crypto/hashsig.h"
#include "gateway/letters.h"
#include "ledger/admission.h"

static char net[256];	   /* the network's directory */
static emr_keyring *admin; /* whose CA the channel knows */
static emr_buf ca;
static emr_keyring *keyring; /* of who leaves letters */
static emr_letters *letters;

/* Somebody with an invitation, whom nobody knows but by a certificate of that CA, from here on. */
static void somebody_else_comes(void)
{
	const uint64_t now = emr_clock_unix_s(emr_clock_system());
	const emr_cert_subject subject = {.handle = "guest",
		.org = emr_id16_random(), /* of nobody, as an invitation's guest */
		.not_before = now - 60,
		.not_after = now + 3600};
	EMR_AUTO_BUF cert = {0};
	emr_public public;
	char cause[256] = "";

	emr_letters_close(letters);
	emr_keyring_free(keyring);
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, now, &keyring));
	assert_ok(emr_keyring_public(keyring, &public));
	assert_ok(emr_cert_issue(admin, emr_buf_view(&ca), &subject,
		emr_bytes_of(public.p256_spki, sizeof public.p256_spki), &cert));
	assert_ok(emr_keyring_tlv_set(keyring, EMR_KEYRING_CERTIFICATE, emr_buf_view(&cert)));
	assert_ok(emr_letters_open(net, keyring, &letters, cause, sizeof cause));
}

AROUND(begin)
{
	EMR_AUTO_BUF bytes = {0};
	emr_application application;
	const uint64_t now = emr_clock_unix_s(emr_clock_system());

	assert_ok(emr_base_init());
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, now, &admin));
	assert_ok(emr_application_make(
		admin, emr_id16_random(), "Aurora", "OrgA", now, now + 60, &bytes, &application));
	assert_ok(emr_buf_append(&ca, application.ca_der.data, application.ca_der.len));
	assert_ok(emr_channel_offer_ca(net, application.ca_der));
	somebody_else_comes();
}

AROUND(end)
{
	emr_letters_close(letters);
	emr_keyring_free(keyring);
	emr_keyring_free(admin);
	emr_buf_free(&ca);
}

static emr_bytes text(const char *words)
{
	return emr_bytes_of(words, strlen(words));
}

static void assert_found(emr_id16 id, emr_letter_kind kind, const char *words)
{
	EMR_AUTO_BUF found = {0};

	assert_ok(emr_letters_find(letters, id, kind, &found));
	assert_true(emr_bytes_equal(emr_buf_view(&found), text(words)));
}

TEST(a_reply_may_be_replaced_until_it_is_answered)
{
	const emr_id16 id = emr_id16_random();
	EMR_AUTO_BUF none = {0};

	assert_status(EMR_NOT_FOUND, emr_letters_find(letters, id, EMR_LETTER_REPLY, &none));
	assert_ok(emr_letters_leave(letters, id, EMR_LETTER_REPLY, text("first")));
	assert_ok(emr_letters_leave(letters, id, EMR_LETTER_REPLY, text("second")));
	assert_found(id, EMR_LETTER_REPLY, "second");
	assert_ok(emr_letters_leave(letters, id, EMR_LETTER_ANSWER, text("answer")));
	assert_status(EMR_EXISTS, emr_letters_leave(letters, id, EMR_LETTER_REPLY, text("third")));
	assert_status(
		EMR_EXISTS, emr_letters_leave(letters, id, EMR_LETTER_ANSWER, text("another")));
	assert_found(id, EMR_LETTER_REPLY, "second");
	assert_found(id, EMR_LETTER_ANSWER, "answer");
}

typedef struct counting {
	size_t n;
	emr_status at_first; /* what is said to the first */
	uint8_t seen[256];
	bool is_strange;
} counting;

/* Letters of these tests are one byte, or a word. */
static emr_status count(void *arg, emr_bytes letter)
{
	counting *c = arg;

	c->n++;
	if (letter.len == 1)
		c->seen[letter.data[0]]++;
	else
		c->is_strange = c->is_strange || !emr_bytes_equal(letter, text("as it was"));
	return c->n == 1 ? c->at_first : EMR_OK;
}

/* A person who has seen an application cannot put another one in its place. */
TEST(an_application_stays_as_it_came)
{
	const emr_id16 org = emr_id16_random();
	counting c = {.at_first = EMR_OK};

	assert_ok(emr_letters_applications(letters, count, &c));
	assert_int_equal(c.n, 0);
	assert_ok(emr_letters_leave(letters, org, EMR_LETTER_APPLICATION, text("as it was")));
	assert_ok(emr_letters_leave(letters, org, EMR_LETTER_APPLICATION, text("as it was")));
	assert_status(EMR_EXISTS,
		emr_letters_leave(letters, org, EMR_LETTER_APPLICATION, text("another")));
	/* An invitation of the same id is something else. */
	assert_ok(emr_letters_leave(letters, org, EMR_LETTER_ANSWER, text("answer")));
	assert_ok(emr_letters_applications(letters, count, &c));
	assert_int_equal(c.n, 1);
	assert_false(c.is_strange);
}

TEST(all_applications_are_found_once)
{
	counting c = {.at_first = EMR_OK};

	for (uint8_t i = 1; i <= 70; i++) { /* an answer has 32 */
		assert_ok(emr_letters_leave(
			letters, emr_id16_random(), EMR_LETTER_APPLICATION, emr_bytes_of(&i, 1)));
	}
	assert_ok(emr_letters_applications(letters, count, &c));
	assert_int_equal(c.n, 71);
	for (int i = 1; i <= 70; i++)
		assert_int_equal(c.seen[i], 1);
	c = (counting){.at_first = EMR_DENIED};
	assert_status(EMR_DENIED, emr_letters_applications(letters, count, &c));
	assert_int_equal(c.n, 1);
}

TEST(what_is_no_letter_is_not_taken)
{
	static const uint8_t large[EMR_LETTER_MAX + 1];
	const emr_id16 id = emr_id16_random();

	assert_status(EMR_LIMIT, emr_letters_leave(letters, id, EMR_LETTER_APPLICATION,
					 emr_bytes_of(large, sizeof large)));
	assert_ok(emr_letters_leave(
		letters, id, EMR_LETTER_REPLY, emr_bytes_of(large, EMR_LETTER_MAX)));
	assert_status(
		EMR_IO, emr_letters_leave(letters, id, EMR_LETTER_APPLICATION, (emr_bytes){0}));
	assert_status(EMR_IO, emr_letters_leave(letters, id, (emr_letter_kind)4, text("x")));
}

/* The holder of an invitation fills no disks with it, whatever certificates he has. */
TEST(an_invitation_takes_few_letters_a_day)
{
	static const uint8_t large[EMR_LETTER_MAX];
	const emr_bytes letter = emr_bytes_of(large, sizeof large);
	const emr_id16 id = emr_id16_random();
	unsigned left = 0;

	while (left <= EMR_QUOTA_LETTERS_INVITED &&
		emr_letters_leave(letters, id, EMR_LETTER_REPLY, letter) == EMR_OK)
		left++;
	assert_int_equal(left, EMR_QUOTA_LETTERS_INVITED);
	somebody_else_comes();
	assert_status(
		EMR_LETTERS_SPENT, emr_letters_leave(letters, id, EMR_LETTER_REPLY, text("small")));
	assert_ok(emr_letters_leave(letters, emr_id16_random(), EMR_LETTER_REPLY, text("small")));
}

/* All that members of one organisation leave under ids that begin alike are in one row. */
TEST(an_organisation_leaves_no_more_than_its_share)
{
	unsigned left = 0;
	emr_status status = EMR_OK;

	while (status == EMR_OK && left <= EMR_QUOTA_LETTERS / EMR_QUOTA_PLACES) {
		emr_id16 id = emr_id16_random();
		uint8_t hash[32];

		emr_sha256(id.b, sizeof id.b, hash);
		if (hash[0] % EMR_QUOTA_PLACES != 7)
			continue;
		status = emr_letters_leave(letters, id, EMR_LETTER_REPLY, text("small"));
		left += status == EMR_OK;
	}
	assert_status(EMR_LETTERS_SPENT, status);
	assert_true(left > EMR_QUOTA_LETTERS_INVITED);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	(void)snprintf(net, sizeof net, "%s", argv[1]);
	return emr_tests_run(begin, end);
}
