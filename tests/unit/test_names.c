/* In these tests a person pretends to be another one: by the words on a card, by another
 * certificate later on, by a handle that looks like the other's, or by a key whose code begins like
 * the other's. No computer shows the two under one name. */

#include "folk_kit.h"
#include "keyring/words.h"
#include "replica/names.h"
#include "rotated.h"

static uint64_t entries(void)
{
	emr_replica_position at;

	folk_see(&ana);
	assert_ok(emr_replica_at(ana.replica, &at));
	return at.size;
}

/* M comes in as HANDLE by the certificate that BY gave him, and as SAYS by his own word; or he is
 * certified again. */
static int certify(const member *by, emr_id16 org, emr_bytes ca, member *m, const char *handle,
	const char *says, bool is_renewal)
{
	EMR_AUTO_BUF cert = {0}, part = {0};
	emr_cert_subject subject = {.handle = handle,
		.roles = EMR_ROLE_CLINICIAN,
		.org = org,
		.not_before = now - DAY,
		.not_after = now + 300 * DAY};
	emr_register who = {.keyring = m->keyring,
		.net_id = k.net_id,
		.org = org,
		.roles = EMR_ROLE_CLINICIAN,
		.name = says};
	emr_act act;

	assert_ok(emr_cert_issue(by->keyring, ca, &subject,
		emr_bytes_of(m->public.p256_spki, EMR_P256_SPKI_BYTES), &cert));
	assert_ok(is_renewal ? emr_register_renew(&who, emr_buf_view(&cert), &act, &part)
			     : emr_register_certified(&who, emr_buf_view(&cert), &act, &part));
	return folk_say(m, act, emr_buf_view(&part));
}

static int join(member *m, const char *handle, const char *says)
{
	return certify(&boss, clinic, emr_buf_view(&clinic_ca), m, handle, says, false);
}

static emr_known_name name_at(const member *m, uint64_t seq)
{
	emr_known_name name;

	folk_see(&ana);
	assert_ok(emr_replica_name(ana.replica, m->public.signer_id, seq, &name));
	return name;
}

static emr_known_name name_of(const member *m)
{
	return name_at(m, UINT64_MAX);
}

/* "HANDLE (CODE)", with the first letters of the key. */
static void assert_coded(const member *m, const char *handle)
{
	char code[EMR_KEY_CODE_MAX + 1];

	emr_key_code(m->public.signer_id, EMR_KEY_CODE_SHOWN, code);
	assert_string_equal(name_of(m).shown, printed("%s (%s)", handle, code));
}

TEST_IN(folk_with_clinic, folk_end, what_a_bearer_says_is_no_name)
{
	member mallory = {0};

	folk_create(&mallory, "mallory");
	assert_applied(join(&mallory, "mallory", "Paula Lima"));
	assert_string_equal(name_of(&mallory).shown, "mallory");
	assert_string_equal(name_of(&mallory).says, "Paula Lima");
	folk_close_member(&mallory, false);
}

TEST_IN(folk_with_clinic, folk_end, what_was_done_is_named_as_of_its_entry)
{
	uint64_t before, after;
	member mallory = {0};

	folk_create(&mallory, "mallory");
	assert_applied(join(&mallory, "mallory", ""));
	before = entries() - 1;
	folk_pass(DAY);
	assert_applied(certify(
		&boss, clinic, emr_buf_view(&clinic_ca), &mallory, "reis", "Paula Lima", true));
	after = entries() - 1;
	assert_string_equal(name_at(&mallory, before).shown, "mallory");
	assert_string_equal(name_at(&mallory, before).says, "");
	assert_true(name_at(&mallory, before).until_seq == after);
	assert_string_equal(name_at(&mallory, after).shown, "reis");
	assert_string_equal(name_at(&mallory, after).says, "Paula Lima");
	assert_true(name_at(&mallory, after).from_seq == after);
	assert_true(name_of(&mallory).until_seq == UINT64_MAX);
	folk_close_member(&mallory, false);
}

TEST_IN(folk_with_clinic, folk_end, another_key_of_a_person_has_her_name)
{
	member silva = {0}, next = {0};
	emr_act act;

	folk_create(&silva, "silva");
	folk_create(&next, "next");
	assert_applied(join(&silva, "silva", ""));
	act = rotated_key(silva.public.signer_id, next.keyring, k.net_id);
	assert_applied(folk_say(&silva, act, folk_nothing()));
	assert_string_equal(name_of(&next).shown, "silva");
	assert_true(name_of(&next).is_alone);
	folk_close_member(&next, false);
	folk_close_member(&silva, false);
}

/* Also the person who had a name before him: the log of that time still has it. */
TEST_IN(folk_with_clinic, folk_end, who_could_be_taken_for_another_has_a_code)
{
	member silva = {0}, reis = {0}, other = {0};
	emr_known_organisation org = {.name = ""};

	folk_create(&silva, "silva");
	folk_create(&reis, "reis");
	folk_create(&other, "other");
	assert_applied(join(&silva, "paul.silva", ""));
	assert_string_equal(name_of(&silva).shown, "paul.silva");
	assert_applied(join(&reis, "Pau1-S\xc3\xadlva", ""));
	assert_coded(&silva, "paul.silva");
	assert_coded(&reis, "Pau1-S\xc3\xadlva");
	assert_false(name_of(&silva).is_alone);
	assert_int_equal(name_of(&silva).number, 1);
	assert_int_equal(name_of(&reis).number, 2);
	assert_applied(certify(&boss, clinic, emr_buf_view(&clinic_ca), &reis, "reis", "", true));
	assert_string_equal(name_of(&reis).shown, "reis");
	assert_coded(&silva, "paul.silva");
	/* In another organisation the same name is another's, and its organisation tells. */
	assert_ok(emr_replica_organisation(
		ana.replica, emr_ledger_descriptor(ana.ledger), home.b, &org));
	assert_applied(certify(&ana, home, emr_buf_view(&org.ca), &other, "reis", "", false));
	assert_string_equal(name_of(&other).shown, "reis");
	assert_string_equal(name_of(&reis).shown, "reis");
	assert_int_equal(name_of(&reis).number, 1); /* she was called so before */
	assert_int_equal(name_of(&other).number, 2);
	folk_pass(DAY);
	assert_applied(certify(&boss, clinic, emr_buf_view(&clinic_ca), &reis, "reis", "", true));
	assert_int_equal(name_of(&reis).number, 1); /* and is by each later certificate */
	assert_int_equal(name_of(&other).number, 2);
	emr_known_organisation_free(&org);
	folk_close_member(&other, false);
	folk_close_member(&reis, false);
	folk_close_member(&silva, false);
}

/* An authority gives what it likes: none of it passes for somebody else, or for a word of ours. */
TEST_IN(folk_with_clinic, folk_end, a_handle_that_is_no_plain_name_has_a_code)
{
	static const struct {
		const char *handle, *shown;
	} cases[] = {{"l\xd1\x96ma", "l\xd1\x96ma"}, {"lima, Clinic", "lima_ Clinic"},
		{"silva (I7Z4)", "silva _I7Z4_"}, {"lima@clinic", "lima@clinic"},
		{"hospital", "hospital"}, {"you", "you"}, {"The Owner", "The Owner"},
		{"I7Z4KQ2M", "I7Z4KQ2M"}, {"costa at=2020", "costa at_2020"}};
	char code[EMR_KEY_CODE_MAX + 1], name[32];
	member hidden = {0};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		member m = {0};

		(void)snprintf(name, sizeof name, "m%zu", i);
		folk_create(&m, name);
		assert_applied(join(&m, cases[i].handle, ""));
		assert_coded(&m, cases[i].shown);
		folk_close_member(&m, false);
	}
	/* A name that cannot be shown at all is the code alone. */
	folk_create(&hidden, "hidden");
	assert_applied(join(&hidden,
		"\xe2\x80\xae"
		"amil",
		"\xe2\x80\xae"
		"amiL"));
	emr_key_code(hidden.public.signer_id, EMR_KEY_CODE_SHOWN, code);
	assert_string_equal(name_of(&hidden).shown, code);
	assert_string_equal(name_of(&hidden).says, "");
	folk_close_member(&hidden, false);
}

TEST(an_own_word_cannot_end_its_brackets)
{
	static const char *const unfit[] = {" Lima", "Lima ", "Li\nma", "\xc3", "Lima\xc2\xa0",
		"Lima\xe3\x80\x80", "\xc2\xadLima", "Lima\xe3\x85\xa4"};
	static const char forged[] = "x), S\xc3\xa3o Lucas (gives the name y";
	char says[64];

	emr_name_says(emr_bytes_of(forged, strlen(forged)), "lima", says, sizeof says);
	assert_string_equal(says, "x_, S\xc3\xa3o Lucas _gives the name y");
	emr_name_says(emr_bytes_of("LIMA", 4), "lima", says, sizeof says);
	assert_string_equal(says, "");
	for (size_t i = 0; i < sizeof unfit / sizeof *unfit; i++) {
		emr_name_says(emr_bytes_of(unfit[i], strlen(unfit[i])), "x", says, sizeof says);
		assert_string_equal(says, "");
	}
}

/* ---- a code that was made ---- */

/* Two of half a million keys: the first eight letters of their codes are the same. */
static const char *const alike[] = {
	"science accident hammer pride glance awake final stone "
	"domain canyon steel scrub wrong proud organ rabbit "
	"exhibit clump stumble panic maple doll connect chunk",
	"health garage napkin joy wrong quit solve yard "
	"prefer erosion shoot basket long salt neither height "
	"away fog sponsor develop card bike account valid",
};

static void again(member *m, const char *name, const char *words)
{
	emr_words_problem problem;

	assert_ok(emr_keyring_from_words(emr_bytes_of(words, strlen(words)), EMR_KEYRING_PERSON,
		KIT_NOW, &problem, &m->keyring));
	folk_bring(m, name);
}

/* A maker of keys who tries until one begins like another's changes nothing about the other: the
 * one that was registered later has the letters that tell them apart. */
TEST_IN(folk_with_clinic, folk_end, a_key_that_comes_later_has_the_longer_code)
{
	member twins[2] = {0};
	char code[EMR_KEY_CODE_MAX + 1], later[EMR_KEY_CODE_MAX + 1];

	again(&twins[0], "one", alike[0]);
	again(&twins[1], "two", alike[1]);
	emr_key_code(twins[0].public.signer_id, EMR_KEY_CODE_SHOWN, code);
	emr_key_code(twins[1].public.signer_id, EMR_KEY_CODE_SHOWN, later);
	assert_string_equal(code, later);
	assert_applied(join(&twins[0], "you", "")); /* no name without a code */
	assert_coded(&twins[0], "you");
	assert_applied(join(&twins[1], "me", ""));
	assert_coded(&twins[0], "you");
	assert_ok(emr_replica_code(ana.replica, twins[0].public.signer_id, code));
	assert_int_equal(strlen(code), EMR_KEY_CODE_SHOWN);
	assert_ok(emr_replica_code(ana.replica, twins[1].public.signer_id, later));
	assert_true(strlen(later) > EMR_KEY_CODE_SHOWN);
	assert_memory_equal(code, later, EMR_KEY_CODE_SHOWN);
	assert_non_null(strstr(name_of(&twins[1]).shown, later));
	for (size_t i = 0; i < 2; i++)
		folk_close_member(&twins[i], false);
}

TESTS(NULL, NULL)
