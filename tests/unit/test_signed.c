/* These tests show whose word a version is: one statement that is right, and one thing wrong
 * with it at a time, in the order of the checks. */
#include "story_kit.h"

#include <sqlite3.h>

#include "contract/codes.h"
#include "contract/item.h"
#include "crypto/hashsig.h"
#include "keyring/cert.h"
#include "keyring/coowned.h"
#include "ledger/ledger.h"
#include "ledger/register.h"
#include "record/content.h"
#include "share/signed.h"

typedef struct world {
	story s;
	person *issuer;
	emr_content content;
	emr_statement_facts facts;
	emr_bundle bundle;
	emr_signed_place place;
	emr_known_person known; /* the issuer, as ana's copy has him */
	uint8_t ana_pk[32], r_pid[32];
	emr_signed is;
} world;

/* The statement that FACTS and CONTENT make, in the bundle. */
static void sign(world *w, const emr_keyring *keyring, emr_signer signer)
{
	w->bundle.content = w->content;
	w->bundle.has_statement = true;
	w->bundle.mime_len = 8;
	strcpy(w->bundle.mime, "text/foo");
	assert_ok(emr_statement_make(
		keyring, signer, &w->content, &w->facts, w->bundle.statement_bytes, w->bundle.sig));
	assert_ok(emr_statement_decode(w->bundle.statement_bytes, &w->bundle.statement));
}

static void sign_as_issuer(world *w)
{
	sign(w, w->issuer->keyring, emr_signer_identity());
}

static void learn(world *w)
{
	emr_replica_position at;

	assert_ok(emr_replica_catch_up(w->s.k.stack.replica, NULL, NULL, NULL));
	assert_ok(emr_replica_at(w->s.k.stack.replica, &at));
	assert_ok(emr_replica_person(w->s.k.stack.replica, w->issuer->public.signer_id, &w->known));
	w->place.seq = at.size;
	w->place.time_unix_s = story_now(&w->s);
}

/* Lima has put a record into ana's Imaging, and signed it. */
static void begin(world *w)
{
	emr_domain_public domain;

	memset(w, 0, sizeof *w);
	story_begin(&w->s);
	w->issuer = &w->s.lima;
	assert_ok(emr_keyring_person_pk(w->s.k.stack.keyring, w->ana_pk));
	assert_ok(emr_keyring_domain_public(w->s.k.stack.keyring, w->s.imaging, 1, 1, &domain));
	memset(w->r_pid, 7, sizeof w->r_pid);
	memcpy(w->place.owner_pk, domain.owner_pk, 32);
	w->place.descriptor = emr_ledger_descriptor(w->s.k.stack.ledger);
	w->place.patient_pk = w->ana_pk;
	w->place.r_pid = w->r_pid;
	w->place.record_id.b[0] = 9;
	w->place.cver = 1;
	w->place.put_signer = w->issuer->public.signer_id;
	w->place.is_put = true;
	learn(w);
	w->content = (emr_content){
		.n = 12, .padded = emr_padded_len(12, false), .suite = 1, .leaf_log2 = 18};
	w->content.c = emr_cid_of_block(EMR_CODEC_RAW, emr_bytes_of("sealed", 6));
	memset(w->content.com, 3, 32);
	memset(w->content.root, 4, 32);
	w->facts = (emr_statement_facts){.kind = EMR_STATEMENT_ORIGINAL,
		.patient_pk = w->ana_pk,
		.record_id = w->place.record_id,
		.cver = 1,
		.mime = emr_bytes_of("text/foo", 8),
		.issued_at_unix_s = w->place.time_unix_s,
		.issuer_seq = 1};
	memcpy(w->facts.r_pid, w->r_pid, 32);
	memcpy(w->facts.cert_ref, w->known.row.ref, 32);
	sign_as_issuer(w);
}

static void end(world *w)
{
	story_end(&w->s);
}

static void expect(world *w, emr_signed_standing standing, emr_signed_fault fault)
{
	assert_ok(emr_signed_judge(w->s.k.stack.replica, &w->place, &w->bundle, &w->is));
	assert_int_equal(w->is.fault, fault);
	assert_int_equal(w->is.standing, standing);
}

static void expect_verdict(world *w, emr_statement_verdict verdict)
{
	expect(w, EMR_SIGNED_MISMATCH, EMR_SIGNED_STATEMENT);
	assert_int_equal(w->is.verdict, verdict);
}

TEST(what_a_doctor_signed_is_valid_and_says_who)
{
	char text[800];

	SCENE(world, w, begin, end);
	expect(&w, EMR_SIGNED_VALID, EMR_SIGNED_NO_FAULT);
	assert_string_equal(w.is.by, "lima.clinic, org0");
	assert_string_equal(w.is.organisation, "org0");
	emr_signed_text(&w.is, "", 1000000000, true, "", text, sizeof text);
	assert_string_equal(text, "valid by=lima.clinic, org0 at=2001-09-09T01:46:40Z");
	emr_signed_text(&w.is, "", 1000000000, false, "superseded", text, sizeof text);
	assert_string_equal(
		text, "valid-content by=lima.clinic, org0 at=2001-09-09T01:46:40Z superseded");
}

TEST(a_hospital_is_called_by_its_own_name)
{
	SCENE(world, w, begin, end);
	AUTO(story_part) person ward = {0};

	story_newcomer(&w.s, &ward, &w.s.bosses[1], EMR_ROLE_HOSPITAL, "ward 7");
	w.issuer = &ward;
	learn(&w);
	memcpy(w.facts.cert_ref, w.known.row.ref, 32);
	w.place.put_signer = ward.public.signer_id;
	sign_as_issuer(&w);
	expect(&w, EMR_SIGNED_VALID, EMR_SIGNED_NO_FAULT);
	assert_string_equal(w.is.by, "org1");
}

/* The bearer chose the name of his registration: it is nobody's. */
TEST(a_name_says_nothing_that_is_not_its_to_say)
{
	static const struct {
		const char *name, *by;
	} cases[] = {{"Hospital X at=2020-01-01T00:00:00Z", "h0, org0"},
		{"Dr\nstate: confirmed", "h1, org0"},
		{"Dr \xe2\x80\xae"
		 "amiL",
			"h2, org0"},
		{"at=2020", "h3, org0"}, {" Lima", "h4, org0"}, {"\xc3", "h5, org0"},
		{"lima.clinic", "h6, org0"}};
	AUTO(end) world w;

	begin(&w);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		person doctor = {0};

		story_newcomer_called(
			&w.s, &doctor, &w.s.bosses[0], printed("h%zu", i), cases[i].name);
		w.issuer = &doctor;
		learn(&w);
		memcpy(w.facts.cert_ref, w.known.row.ref, 32);
		w.place.put_signer = doctor.public.signer_id;
		sign_as_issuer(&w);
		expect(&w, EMR_SIGNED_VALID, EMR_SIGNED_NO_FAULT);
		assert_string_equal(w.is.by, cases[i].by);
		story_part(&doctor);
	}
}

TEST(the_owners_name_says_no_date)
{
	const emr_signed self = {.standing = EMR_SIGNED_SELF};
	char text[800];

	emr_signed_text(&self, "Ana at=2020", 1000000000, true, "", text, sizeof text);
	assert_string_equal(text, "self at=2001-09-09T01:46:40Z");
}

/* One byte of the statement, or one thing that it is compared with, at a time. */
TEST(each_thing_that_does_not_fit_is_a_mismatch)
{
	static const emr_id16 other_record = {{1}};
	uint8_t other[32] = {1};

	SCENE(world, w, begin, end);
	w.bundle.content.n++;
	expect_verdict(&w, EMR_STATEMENT_WRONG_LENGTH);
	w.bundle.content.n--;
	w.bundle.content.root[0] ^= 1;
	expect_verdict(&w, EMR_STATEMENT_WRONG_ROOT);
	w.bundle.content.root[0] ^= 1;
	w.bundle.mime[0] = 'x';
	expect_verdict(&w, EMR_STATEMENT_WRONG_TYPE);
	w.bundle.mime[0] = 't';
	w.place.record_id = other_record;
	expect_verdict(&w, EMR_STATEMENT_WRONG_RECORD);
	w.place.record_id = w.facts.record_id;
	w.place.patient_pk = other;
	expect_verdict(&w, EMR_STATEMENT_WRONG_PATIENT);
	w.place.patient_pk = w.ana_pk;
	w.place.r_pid = other;
	expect_verdict(&w, EMR_STATEMENT_WRONG_PATIENT);
	w.place.r_pid = w.r_pid;
	w.place.cver = 2;
	expect_verdict(&w, EMR_STATEMENT_WRONG_VERSION);
	w.place.cver = 1;
	w.bundle.content.com[0] ^= 1;
	expect_verdict(&w, EMR_STATEMENT_WRONG_CONTENT);
	w.place.is_reencrypted = true;
	expect_verdict(&w, EMR_STATEMENT_WRONG_VERSION); /* sealed again, and not older */
	w.place.is_reencrypted = false;
	w.bundle.content.com[0] ^= 1;
	w.bundle.sig[5] ^= 1;
	expect_verdict(&w, EMR_STATEMENT_WRONG_SIGNATURE);
	assert_string_equal(w.is.by, "lima.clinic, org0"); /* that is what it claims */
	w.bundle.sig[5] ^= 1;
	expect(&w, EMR_SIGNED_VALID, EMR_SIGNED_NO_FAULT);
}

TEST(sealed_again_is_valid_once_the_bytes_were_compared)
{
	SCENE(world, w, begin, end);
	w.bundle.content.com[0] ^= 1;
	w.place.is_reencrypted = true;
	w.place.cver = 2;
	expect(&w, EMR_SIGNED_VALID, EMR_SIGNED_NO_FAULT);
	assert_int_equal(w.is.verdict, EMR_STATEMENT_VALID_AFTER_HASH);
}

TEST(nobody_signs_for_another)
{
	emr_known_person eve;

	SCENE(world, w, begin, end);
	/* Eve's signature under lima's name. */
	sign(&w, w.s.eve.keyring, emr_signer_identity());
	memcpy(w.bundle.statement.issuer_id, w.issuer->public.signer_id.b, 32);
	memcpy(w.bundle.statement_bytes + 16, w.issuer->public.signer_id.b, 32);
	expect_verdict(&w, EMR_STATEMENT_WRONG_SIGNATURE);
	/* Her own name, with lima's certificate. */
	sign(&w, w.s.eve.keyring, emr_signer_identity());
	expect(&w, EMR_SIGNED_MISMATCH, EMR_SIGNED_NO_ENTRY);
	/* And with her own: that is hers, when she brought it. */
	assert_ok(emr_replica_person(w.s.k.stack.replica, w.s.eve.public.signer_id, &eve));
	memcpy(w.facts.cert_ref, eve.row.ref, 32);
	sign(&w, w.s.eve.keyring, emr_signer_identity());
	w.place.put_signer = w.s.eve.public.signer_id;
	expect(&w, EMR_SIGNED_VALID, EMR_SIGNED_NO_FAULT);
	assert_string_equal(w.is.by, "eve.clinic, org0");
}

TEST(nobody_but_the_owner_brings_anothers_word)
{
	emr_domain_public domain;

	SCENE(world, w, begin, end);
	w.place.put_signer = w.s.eve.public.signer_id;
	expect(&w, EMR_SIGNED_MISMATCH, EMR_SIGNED_OTHERS_WORD);
	assert_string_equal(w.is.by, "lima.clinic, org0"); /* that is what it claims */
	/* She seals it again, or brings it back. */
	assert_ok(emr_keyring_domain_public(w.s.k.stack.keyring, w.s.imaging, 1, 1, &domain));
	w.place.put_signer = domain.signer_id;
	expect(&w, EMR_SIGNED_VALID, EMR_SIGNED_NO_FAULT);
}

TEST(a_key_that_the_ledger_does_not_know_is_nobodys)
{
	EMR_AUTO_KEYRING stranger = NULL;

	SCENE(world, w, begin, end);
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, 1, &stranger));
	sign(&w, stranger, emr_signer_identity());
	expect(&w, EMR_SIGNED_MISMATCH, EMR_SIGNED_UNKNOWN_KEY);
	/* Nor a domain of the stranger's own making. */
	sign(&w, stranger, emr_signer_domain(w.s.imaging, 1));
	expect(&w, EMR_SIGNED_MISMATCH, EMR_SIGNED_UNKNOWN_KEY);
}

TEST(what_another_puts_there_must_be_signed)
{
	emr_domain_public domain;

	SCENE(world, w, begin, end);
	w.bundle.has_statement = false;
	expect(&w, EMR_SIGNED_MISMATCH, EMR_SIGNED_MISSING);
	/* The owner's own files may do without. */
	assert_ok(emr_keyring_domain_public(w.s.k.stack.keyring, w.s.imaging, 1, 1, &domain));
	w.place.put_signer = domain.signer_id;
	expect(&w, EMR_SIGNED_NONE, EMR_SIGNED_NO_FAULT);
}

TEST(self_is_the_owner_and_nobody_else)
{
	emr_domain_public domain;

	SCENE(world, w, begin, end);
	assert_ok(emr_keyring_domain_public(w.s.k.stack.keyring, w.s.imaging, 1, 1, &domain));
	memset(w.facts.cert_ref, 0, 32);
	sign(&w, w.s.k.stack.keyring, emr_signer_domain(w.s.imaging, 1));
	/* Her word, brought by lima: she has not said it here. */
	expect(&w, EMR_SIGNED_MISMATCH, EMR_SIGNED_NOT_SELF);
	w.place.put_signer = domain.signer_id;
	expect(&w, EMR_SIGNED_SELF, EMR_SIGNED_NO_FAULT);
	/* A certificate has no place in it. */
	memcpy(w.facts.cert_ref, w.known.row.ref, 32);
	sign(&w, w.s.k.stack.keyring, emr_signer_domain(w.s.imaging, 1));
	expect(&w, EMR_SIGNED_MISMATCH, EMR_SIGNED_NO_ENTRY);
}

TEST(the_certificate_was_in_force_when_the_version_came)
{
	uint64_t ends;

	SCENE(world, w, begin, end);
	ends = w.known.row.not_after_unix_s;
	w.place.time_unix_s = ends - 1;
	expect(&w, EMR_SIGNED_VALID, EMR_SIGNED_NO_FAULT);
	w.place.time_unix_s = ends;
	expect(&w, EMR_SIGNED_MISMATCH, EMR_SIGNED_NOT_IN_FORCE);
	/* Where it was moved since and nobody knows when it came: that proves nothing, neither way.
	 */
	w.place.is_put = false;
	expect(&w, EMR_SIGNED_STALE, EMR_SIGNED_TIME_UNKNOWN);
	w.place.is_put = true;
	w.place.time_unix_s = ends - 1;
	w.place.seq = 1; /* before lima was registered */
	expect(&w, EMR_SIGNED_MISMATCH, EMR_SIGNED_NO_ENTRY);
}

TEST(a_key_that_was_revoked_is_believed_until_then)
{
	emr_replica *replica;
	uint64_t before;

	SCENE(world, w, begin, end);
	replica = w.s.k.stack.replica;
	before = story_now(&w.s);
	story_pass(&w.s, 100);
	assert_int_equal(story_says(&w.s, &w.s.bosses[0],
				 emr_act_key_revoke(w.s.lima.public.signer_id, story_now(&w.s), 1),
				 (emr_bytes){0}),
		0);
	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	expect(&w, EMR_SIGNED_VALID, EMR_SIGNED_NO_FAULT);
	assert_int_equal(w.place.time_unix_s, before);
	w.place.time_unix_s =
		story_now(&w.s); /* in the second of the end: the ledger took it, so it was first */
	expect(&w, EMR_SIGNED_VALID, EMR_SIGNED_NO_FAULT);
	w.place.time_unix_s = story_now(&w.s) + 1;
	w.place.seq += 5;
	expect(&w, EMR_SIGNED_MISMATCH, EMR_SIGNED_REVOKED);
	w.place.is_put = false;
	expect(&w, EMR_SIGNED_STALE, EMR_SIGNED_TIME_UNKNOWN);
}

/* Runs SQL on the part that has the certificate, which its last place names; PART and HASH, where
 * there are any, are the places before. */
static void change_certificate(world *w, const char *sql, emr_bytes part, const uint8_t *hash)
{
	sqlite3_stmt *stmt;
	sqlite3 *db;
	int n = 0;

	assert_int_equal(sqlite3_open_v2(printed("%s/replica.sqlite", w->s.k.path), &db,
				 SQLITE_OPEN_READWRITE, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	if (hash != NULL) {
		assert_int_equal(
			sqlite3_bind_blob(stmt, ++n, part.data, (int)part.len, SQLITE_STATIC),
			SQLITE_OK);
		assert_int_equal(sqlite3_bind_blob(stmt, ++n, hash, 32, SQLITE_STATIC), SQLITE_OK);
	}
	assert_int_equal(
		sqlite3_bind_blob(stmt, ++n, w->issuer->public.signer_id.b, 16, SQLITE_STATIC),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
	assert_int_equal(sqlite3_changes(db), 1);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}

TEST(a_certificate_that_cannot_be_checked_here_is_stale)
{
	EMR_AUTO_ORGANISATION org = {.name = ""};

	SCENE(world, w, begin, end);
	assert_ok(emr_replica_organisation(
		w.s.k.stack.replica, w.place.descriptor, w.known.row.org, &org));
	assert_string_equal(org.name, "org0");
	assert_true(emr_bytes_equal(emr_buf_view(&org.ca), emr_buf_view(&w.s.bosses[0].ca)));
	/* As after a part that no copy has any more. */
	change_certificate(
		&w, "DELETE FROM parts WHERE family = 1 AND object = ?", (emr_bytes){0}, NULL);
	expect(&w, EMR_SIGNED_STALE, EMR_SIGNED_NO_CERTIFICATE);
}

/* A peer has judged the certificate that the transaction of a registration named; its private part
 * may carry any certificate of the same bearer, with any name in it. */
static void put_part(world *w, emr_bytes part)
{
	uint8_t hash[32];

	emr_item_priv_hash((emr_span){part.data, part.len}, hash);
	change_certificate(w, "UPDATE parts SET part = ?, hash = ? WHERE family = 1 AND object = ?",
		part, hash);
}

TEST(a_certificate_that_the_entry_does_not_name_vouches_for_nothing)
{
	EMR_AUTO_BUF cert = {0};
	EMR_AUTO_BUF part = {0};
	emr_register who;
	emr_cert_subject subject;
	emr_act act;

	SCENE(world, w, begin, end);
	subject = (emr_cert_subject){.handle = "professor",
		.roles = w.known.row.roles,
		.org = w.s.lima.org,
		.not_before = story_now(&w.s) - DAY,
		.not_after = story_now(&w.s) + 400 * DAY};
	assert_ok(emr_cert_issue(w.s.bosses[0].keyring, emr_buf_view(&w.s.bosses[0].ca), &subject,
		emr_bytes_of(w.issuer->public.p256_spki, EMR_P256_SPKI_BYTES), &cert));
	who = (emr_register){.keyring = w.issuer->keyring,
		.net_id = emr_ledger_net_id(w.s.k.stack.ledger),
		.org = w.s.lima.org,
		.roles = w.known.row.roles,
		.name = "professor"};
	assert_ok(emr_register_certified(&who, emr_buf_view(&cert), &act, &part));
	put_part(&w, emr_buf_view(&part));
	expect(&w, EMR_SIGNED_MISMATCH, EMR_SIGNED_BAD_CERTIFICATE);
}

/* Lima's authority gives her another certificate as HANDLE, of organisation ORG (zero: it names
 * none), and she signs under it. */
static void renew(world *w, const char *handle, emr_id16 org)
{
	EMR_AUTO_BUF cert = {0}, part = {0};
	const emr_cert_subject subject = {.handle = handle,
		.roles = w->known.row.roles,
		.org = org,
		.not_before = story_now(&w->s) - DAY,
		.not_after = story_now(&w->s) + 300 * DAY};
	const emr_register who = {.keyring = w->issuer->keyring,
		.net_id = emr_ledger_net_id(w->s.k.stack.ledger),
		.org = w->s.lima.org,
		.roles = w->known.row.roles,
		.name = "professor"};
	emr_act act;

	assert_ok(emr_cert_issue(w->s.bosses[0].keyring, emr_buf_view(&w->s.bosses[0].ca), &subject,
		emr_bytes_of(w->issuer->public.p256_spki, EMR_P256_SPKI_BYTES), &cert));
	assert_ok(emr_register_renew(&who, emr_buf_view(&cert), &act, &part));
	assert_int_equal(story_says(&w->s, &w->s.lima, act, emr_buf_view(&part)), 0);
	learn(w);
	memcpy(w->facts.cert_ref, w->known.row.ref, 32);
	sign_as_issuer(w);
}

/* As the ledger has it: an authority need not know the id that we gave its organisation. */
TEST(a_certificate_that_names_no_organisation_is_its_authoritys)
{
	SCENE(world, w, begin, end);
	renew(&w, "lima.clinic", (emr_id16){{0}});
	expect(&w, EMR_SIGNED_VALID, EMR_SIGNED_NO_FAULT);
	assert_string_equal(w.is.by, "lima.clinic, org0");
}

TEST(what_was_signed_before_keeps_the_name_of_then)
{
	emr_bundle before;
	emr_signed_place place;

	SCENE(world, w, begin, end);
	before = w.bundle;
	place = w.place;
	story_pass(&w.s, 100);
	renew(&w, "reis", w.s.lima.org);
	expect(&w, EMR_SIGNED_VALID, EMR_SIGNED_NO_FAULT);
	assert_string_equal(w.is.by, "reis, org0");
	w.bundle = before;
	w.place = place;
	expect(&w, EMR_SIGNED_VALID, EMR_SIGNED_NO_FAULT);
	assert_string_equal(w.is.by, "lima.clinic, org0");
}

/* The same people with the same authorities, in another network: its nonce differs. */
TEST(a_key_that_was_vouched_for_in_another_network_is_not_here)
{
	EMR_AUTO_BUF other = {0};

	SCENE(world, w, begin, end);
	assert_ok(emr_buf_append(&other, w.place.descriptor.data, w.place.descriptor.len));
	other.data[16] ^= 1;
	w.place.descriptor = emr_buf_view(&other);
	expect(&w, EMR_SIGNED_MISMATCH, EMR_SIGNED_BAD_CERTIFICATE);
}

/* Lima's patient has no computer of ana's. */
TEST(a_computer_of_somebody_else_is_not_the_owner)
{
	uint8_t limas[32];

	SCENE(world, w, begin, end);
	AUTO(story_part) person laptop;

	story_device(&w.s, &laptop, "laptop", false);
	learn(&w);
	w.bundle.has_statement = false;
	w.place.put_signer = laptop.public.signer_id;
	expect(&w, EMR_SIGNED_NONE, EMR_SIGNED_NO_FAULT);
	assert_ok(emr_keyring_person_pk(w.issuer->keyring, limas));
	w.place.patient_pk = limas;
	expect(&w, EMR_SIGNED_MISMATCH, EMR_SIGNED_MISSING);
}

TESTS(NULL, NULL)
