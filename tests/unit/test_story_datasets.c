/* These tests are about datasets as grantees: readers see participants under pseudonyms, everybody
 * sees the list of readers, and the terms are those that were joined. */
#include "datasets_kit.h"
#include "dealings_kit.h"

#include "contract/codes.h"
#include "org/datasets.h"
#include "replica/ask.h"

#include "judge.h"
#include "shared_private.h"

#define TERMS(until)                                                                               \
	"{\"purpose\":\"To count pixels\",\"who\":\"Researchers\",\"until\":\"" until              \
	"\",\"data\":\"identified\"}"

static emr_received received_by(person *m)
{
	EMR_AUTO_BUF all = {0};
	emr_received last = {.via = {{0}}};

	story_see(m);
	assert_ok(emr_share_keep_received(m->share, true));
	assert_ok(emr_share_received(m->share, &all, NULL));
	EMR_EACH (const emr_received, received, &all)
		last = *received;
	return last;
}

static size_t letters_opened;

WRAPPED(emr_status, emr_grant_letter_open, const emr_box_key *box, emr_bytes grant_item,
	const emr_grant_part *part, emr_grant_letter *out)
{
	letters_opened++;
	return __real_emr_grant_letter_open(box, grant_item, part, out);
}

static size_t opened_for(person *m, emr_grant_phase phase)
{
	letters_opened = 0;
	assert_int_equal(received_by(m).phase, phase);
	return letters_opened;
}

static emr_grant_made read_by_lima(story *s, called *d)
{
	emr_grant_made made;

	dataset_call_on(d, s, TERMS("2090-01-01"), (emr_id16){{0}}, 0);
	dataset_admit(d, &s->lima);
	made = dataset_join(d);
	assert_int_equal(opened_for(&s->lima, EMR_GRANT_IN_FORCE), 1);
	assert_int_equal(opened_for(&s->lima, EMR_GRANT_IN_FORCE), 0);
	return made;
}

/* A reader of a dataset of a thousand participants looks at all grants when one of them leaves. */
TEST(a_letter_that_was_read_is_opened_again_when_its_grant_changes)
{
	emr_grant_made made;
	STORY;
	AUTO(called_end) called d;

	made = read_by_lima(&s, &d);
	dataset_admit(&d, &s.eve); /* nothing of lima's */
	assert_int_equal(opened_for(&s.lima, EMR_GRANT_IN_FORCE), 0);
	assert_ok(emr_share_revoke(begins(s.ana), s.imaging, made.grant));
	assert_int_equal(opened_for(&s.lima, EMR_GRANT_IS_REVOKED), 1);
}

TEST(a_letter_that_was_read_ends_with_its_grant)
{
	STORY;
	AUTO(called_end) called d;

	(void)read_by_lima(&s, &d);
	story_pass(&s, 8 * DAY);
	assert_int_equal(opened_for(&s.lima, EMR_GRANT_IS_OVER), 0);
}

static emr_team present_of(story *s, const called *d)
{
	emr_team team, present;

	story_see(&s->lima);
	assert_ok(emr_team_get(s->lima.replica, d->id, &team));
	assert_ok(emr_team_present(s->lima.replica, &team, &present));
	return present;
}

TEST(terms_that_change_after_joining_are_followed_by_nobody)
{
	emr_team present;
	STORY_DATASET(TERMS("2090-01-01"), 0);
	AUTO(called_end) called other, same;

	dataset_call_on(&other, &s, TERMS("2091-01-01"), d.id, 0);
	present = present_of(&s, &d);
	assert_true(emr_id16_equal(present.id, d.id));
	dataset_call_on(&same, &s, TERMS("2090-01-01"), d.id, 0);
	present = present_of(&s, &d);
	assert_true(emr_id16_equal(present.id, same.id));
}

TEST(what_the_ledger_charges_and_the_terms_do_not_say_is_no_dataset)
{
	emr_team team;
	STORY_DATASET(TERMS("2090-01-01"), 5);
	story_see(&s.lima);
	assert_int_equal(emr_team_get(s.lima.replica, d.id, &team), EMR_NOT_FOUND);
}

/* As everybody's copy tells it. */
static json_t *told_to(story *s, person *m)
{
	emr_crowd crowd = {.keyring = m->keyring,
		.replica = m->replica,
		.descriptor = emr_ledger_descriptor(m->ledger),
		.now_unix_s = story_now(s)};
	char names[200];
	json_t *json = NULL;
	emr_team team;

	story_see(m);
	assert_ok(emr_dataset_find(&crowd, "knees", &team, names, sizeof names));
	assert_ok(emr_dataset_json(&crowd, &team, m->public.signer_id, &json));
	return json;
}

/* Owners' computers give what takes a dataset's place what they gave before: until then a key of
 * the former one opens it all. */
TEST(who_is_admitted_quietly_into_the_former_dataset_is_listed_all_the_same)
{
	json_t *json;
	STORY_DATASET(TERMS("2090-01-01"), 0);
	AUTO(called_end) called heir;

	dataset_admit(&d, &s.lima);
	dataset_join(&d);
	dataset_call_on(&heir, &s, TERMS("2090-01-01"), d.id, 0);
	dataset_admit(&heir, &s.lima);
	json = told_to(&s, &s.lima);
	assert_int_equal(json_array_size(json_object_get(json, "readers")), 1);
	assert_int_equal(json_integer_value(json_object_get(json, "participants")), 1);
	json_decref(json);
	dataset_admit(&d, &s.eve);
	json = told_to(&s, &s.lima);
	assert_int_equal(json_array_size(json_object_get(json, "readers")), 2);
	assert_true(json_is_true(json_object_get(json, "reader")));
	json_decref(json);
	json = told_to(&s, &s.bosses[0]);
	assert_true(json_is_true(json_object_get(json, "steward")));
	json_decref(json);
}

TEST(who_was_left_in_a_closed_dataset_reads_nothing)
{
	emr_grant_made made;
	STORY_READ;
	DATASET(TERMS("2090-01-01"), 0);
	dataset_admit(&d, &s.eve);
	made = dataset_join(&d);
	story_does(&s, dataset_steward(&d), emr_act_dataset_close(d.id));
	received_by(&s.eve);
	assert_int_not_equal(
		story_read(&s, &s.eve, made.grant, "MRI.pdf", owner_answers, &bytes, &trouble),
		EMR_OK);
}

TEST(nobody_but_an_administrator_calls_in_the_name_of_his_organisation)
{
	emr_team team;
	STORY;
	AUTO(story_part) person mallory;
	AUTO(called_end) called d;

	story_newcomer(&s, &mallory, &s.bosses[0], EMR_ROLE_RESEARCHER, "mallory");
	dataset_call_by(&d, &s, &mallory, TERMS("2090-01-01"), (emr_id16){{0}}, 0);
	story_see(&s.lima);
	assert_int_equal(emr_team_get(s.lima.replica, d.id, &team), EMR_NOT_FOUND);
}

#define TERMS_OF_ONE                                                                               \
	"{\"purpose\":\"To count pixels\",\"who\":\"Researchers\",\"until\":\"2090-01-01\","       \
	"\"data\":\"identified\",\"daily-limit\":1}"

static void answers_after_midnight(story *s)
{
	static bool is_second;

	if (is_second)
		story_pass(s, 20);
	is_second = true;
	(void)story_owner(s);
}

TEST(the_limit_is_that_of_the_day_of_the_question)
{
	emr_grant_made made;
	STORY_READ;
	DATASET(TERMS_OF_ONE, 0);
	dataset_admit(&d, &s.eve);
	story_pass(&s, DAY - story_now(&s) % DAY - 10);
	made = dataset_join(&d);
	received_by(&s.eve);
	assert_ok(story_read(&s, &s.eve, made.grant, "MRI.pdf", owner_answers, &bytes, &trouble));
	assert_int_not_equal(story_read(&s, &s.eve, made.grant, "CT.pdf", answers_after_midnight,
				     &bytes, &trouble),
		EMR_OK);
	assert_int_equal(trouble.code, EMR_RESULT_LIMIT);
}

static uint16_t says_names; /* of its one key, which is a record's */

static void add_question(
	const called *d, const emr_shared *shared, emr_id16 grant, parcel *p, emr_id16 *out_access)
{
	emr_access_slot slot = {
		.object_id = emr_id16_random(), .version = 1, .kind = EMR_CAPSULE_CONTENT};
	emr_access_body body = {
		.purpose = RESEARCH, .reader = EMR_READER_PERSON, .count = 1, .slots = &slot};
	emr_recipient to = {.rid = emr_owner_rid(d->s->imaging)};
	emr_box_key *box = NULL;
	uint8_t epk[32];
	emr_act act;

	*out_access = emr_id16_random();
	act = emr_act_access(d->s->imaging, *out_access, grant, d->id, 1, says_names);
	memcpy(to.x25519, shared->row.box, sizeof to.x25519);
	assert_ok(emr_box_key_new(&box));
	emr_box_key_public(box, epk);
	emr_box_key_free(box);
	assert_ok(parcel_prepare(p, &act));
	assert_ok(emr_access_part_seal(emr_buf_view(&p->item), epk, &to, 1, &body, &p->part));
	assert_ok(parcel_add(p, &act, NULL));
}

TEST(questions_of_one_entry_count_each_other)
{
	emr_share_trouble trouble;
	emr_shared *shared = NULL;
	emr_id16 access[3];
	emr_grant_made made;
	unsigned over = 0;
	parcel p = {0};
	STORY_DATASET(TERMS_OF_ONE, 0);
	dataset_admit(&d, &s.eve);
	made = dataset_join(&d);
	received_by(&s.eve);
	assert_ok(emr_shared_open(s.eve.share, s.imaging, made.grant, RESEARCH, EMR_READER_PERSON,
		&shared, &trouble));
	assert_ok(parcel_begin(s.eve.share, emr_signer_identity(), &p));
	for (int i = 0; i < 3; i++)
		add_question(&d, shared, made.grant, &p, &access[i]);
	assert_ok(parcel_send(&p));
	parcel_end(&p);
	emr_shared_free(shared);
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	for (int i = 0; i < 3; i++) {
		question q = {0};
		bool is_over = false;

		assert_ok(question_load(s.ana, s.imaging, access[i], &q));
		assert_ok(share_is_over_daily_limit(s.ana, &q, &is_over));
		over += is_over;
		question_free(&q);
	}
	assert_int_equal(over, 2);
}

/* Whether one more question is over the limit, by a clock of eve's that is OFF_S ahead. */
static bool asks_at(called *d, emr_grant_made made, int64_t off_s)
{
	story *s = d->s;
	emr_share_trouble trouble;
	emr_shared *shared = NULL;
	emr_id16 access;
	AUTO(question_free) question q = {0};
	parcel p = {0};
	bool is_over = false;

	s->k.clock.unix_ns += off_s * 1000000000;
	assert_ok(emr_shared_open(s->eve.share, s->imaging, made.grant, RESEARCH, EMR_READER_PERSON,
		&shared, &trouble));
	assert_ok(parcel_begin(s->eve.share, emr_signer_identity(), &p));
	add_question(d, shared, made.grant, &p, &access);
	assert_ok(parcel_send(&p));
	parcel_end(&p);
	emr_shared_free(shared);
	s->k.clock.unix_ns -= off_s * 1000000000;
	assert_ok(emr_replica_catch_up(s->k.stack.replica, NULL, NULL, NULL));
	assert_ok(question_load(s->ana, s->imaging, access, &q));
	assert_ok(share_is_over_daily_limit(s->ana, &q, &is_over));
	return is_over;
}

#define MINUTE 60

/* Whatever day a question says that it is of, what was asked in that day and after it counts. */
TEST(a_clock_that_is_off_gets_no_more_of_a_day)
{
	emr_grant_made made;
	STORY_DATASET(TERMS_OF_ONE, 0);
	dataset_admit(&d, &s.eve);
	made = dataset_join(&d);
	story_pass(&s, 2 * DAY - story_now(&s) % DAY - 10 * MINUTE);
	received_by(&s.eve);
	assert_false(asks_at(&d, made, 14 * MINUTE)); /* tomorrow's one */
	assert_true(asks_at(&d, made, 0));	      /* none is left of today then */
	assert_true(asks_at(&d, made, -14 * MINUTE));
	assert_true(asks_at(&d, made, 14 * MINUTE));
	story_pass(&s, 14 * MINUTE);
	assert_true(asks_at(&d, made, 0));
	assert_true(asks_at(&d, made, -14 * MINUTE)); /* yesterday's, when tomorrow is today */
	story_pass(&s, DAY);
	assert_false(asks_at(&d, made, 0));
}

/* Ana takes part with the folder that is her Imaging for the story's helpers, and eve asks once. */
static void join_and_ask(called *d, emr_id16 *out_access)
{
	story *s = d->s;
	emr_share_trouble trouble;
	emr_shared *shared = NULL;
	emr_grant_made made = dataset_join(d);
	parcel p = {0};

	received_by(&s->eve);
	assert_ok(emr_shared_open(s->eve.share, s->imaging, made.grant, RESEARCH, EMR_READER_PERSON,
		&shared, &trouble));
	assert_ok(parcel_begin(s->eve.share, emr_signer_identity(), &p));
	add_question(d, shared, made.grant, &p, out_access);
	assert_ok(parcel_send(&p));
	parcel_end(&p);
	emr_shared_free(shared);
	assert_ok(emr_replica_catch_up(s->k.stack.replica, NULL, NULL, NULL));
}

TEST(a_question_that_calls_records_names_is_not_answered)
{
	emr_release_tally told, lied;
	emr_id16 access;
	STORY_DATASET(TERMS_OF_ONE, 0);
	dataset_admit(&d, &s.eve);
	join_and_ask(&d, &access);
	told = story_owner(&s);
	says_names = 1;
	join_and_ask(&d, &access);
	says_names = 0;
	lied = story_owner(&s);
	assert_int_equal(told.refused, 1); /* there is no such record */
	assert_int_equal(lied.refused + lied.answered, 0);
}

/* A reader who asks for little in each of many folders asks for much. */
TEST(questions_in_two_folders_count_each_other)
{
	emr_id16 access[2], domains[2];
	STORY;
	AUTO(called_end) called d;

	kit_mkdir(&s.k, "Letters");
	kit_save(&s.k, "Letters/1.txt", "dear colleague");
	domains[0] = s.imaging;
	domains[1] = story_place_called(&s, "Letters").domain;
	dataset_call_on(&d, &s, TERMS_OF_ONE, (emr_id16){{0}}, 0);
	dataset_admit(&d, &s.eve);
	for (int i = 0; i < 2; i++) {
		question q = {0};
		bool is_over = i == 0;

		s.imaging = domains[i];
		join_and_ask(&d, &access[i]);
		assert_ok(question_load(s.ana, s.imaging, access[i], &q));
		assert_ok(share_is_over_daily_limit(s.ana, &q, &is_over));
		assert_int_equal(is_over, i == 1);
		question_free(&q);
	}
	s.imaging = domains[0];
}

/* ---- a price ---- */

#define PAID                                                                                       \
	"{\"purpose\":\"To count pixels\",\"who\":\"Researchers\",\"until\":\"2090-01-01\","       \
	"\"data\":\"identified\",\"price\":20}"

/* Ana's computer names nobody who is paid, and is killed before it takes back what the ledger took
 * without the joining. */
static bool is_nobody_paid;
/* This reader's program is his own, and does not look whether what he reads was paid. */
static const emr_share *is_taken_for_paid;

WRAPPED(emr_status, emr_replica_account, emr_replica *replica, emr_id32 key, emr_id32 *out_account)
{
	emr_status status = __real_emr_replica_account(replica, key, out_account);

	if (is_nobody_paid)
		*out_account = (emr_id32){{0}};
	return status;
}

WRAPPED(emr_status, share_revoke, emr_share *share, const emr_known_grant *grant, uint8_t reason)
{
	return is_nobody_paid ? EMR_INTERRUPTED : __real_share_revoke(share, grant, reason);
}

WRAPPED(emr_status, share_is_paid, emr_share *share, emr_id16 dataset, const grant_facts *grant,
	bool *out_is, emr_id16 *out_outer)
{
	emr_status status = __real_share_is_paid(share, dataset, grant, out_is, out_outer);

	if (is_taken_for_paid == share && share != NULL) {
		*out_is = true;
		*out_outer = (emr_id16){{0}};
	}
	return status;
}

static emr_release_tally given; /* since it was cleared, by the agents and the owner's computer */

static void note_tally(emr_release_tally tally)
{
	given.answered += tally.answered;
	given.refused += tally.refused;
}

static void agents_and_owner_answer(story *s)
{
	for (int turn = 0; turn < AGENTS; turn++) {
		for (int i = 0; i < AGENTS; i++)
			note_tally(story_agent(s, i));
		s->k.clock.boot_ns += 200000000;
	}
	note_tally(story_owner(s));
}

/* The ledger has the grant and its fragments, and has refused the joining. */
static emr_id16 grant_without_place(const called *d)
{
	const emr_grant_order order = {.domain = d->s->imaging,
		.grant = emr_id16_random(),
		.grantee = d->grantee,
		.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.purposes = 1u << RESEARCH | 1u << CONSULT,
		.not_after_unix_s = story_now(d->s) + 7 * DAY,
		.label = "Imaging"};
	emr_grant_made made;

	is_nobody_paid = true;
	assert_status(EMR_REFUSED, emr_share_grant(begins(d->s->ana), &order, &made));
	assert_int_equal(emr_share_refusal(d->s->ana), EMR_RESULT_FUNDS);
	is_nobody_paid = false;
	return order.grant;
}

TEST(nobody_releases_keys_of_what_was_not_paid)
{
	emr_grant_made made;
	emr_id16 grant;
	STORY_READ;
	DATASET(PAID, 20);
	dataset_admit(&d, &s.lima);
	dataset_put_by(&d, 100, 1);
	grant = grant_without_place(&d);
	(void)received_by(&s.lima);
	is_taken_for_paid = s.lima.share;
	given = (emr_release_tally){0};
	assert_status(EMR_DENIED, story_read(&s, &s.lima, grant, "MRI.pdf", agents_and_owner_answer,
					  &bytes, &trouble));
	assert_int_equal(trouble.code, EMR_RESULT_FUNDS);
	assert_int_equal(given.answered, 0);
	assert_int_equal(given.refused, AGENTS + 1);
	is_taken_for_paid = NULL;
	assert_ok(emr_share_revoke(begins(s.ana), s.imaging, grant));
	made = dataset_join(&d);
	(void)received_by(&s.lima);
	assert_ok(story_read(
		&s, &s.lima, made.grant, "MRI.pdf", agents_and_owner_answer, &bytes, &trouble));
}

/* ---- a folder inside ---- */

/* Whose key says that it lies in the folder around it; NULL: the owner's, as it should be. */
static const emr_keyring *vouches;
/* The word of another grant, which is sent instead; or nothing at all. */
static emr_bytes word_instead;
static bool is_word_left_out;

WRAPPED(emr_status, emr_grant_outer_seal, const emr_keyring *kr, emr_id16 outer, uint32_t gen,
	emr_bytes grant_item, emr_buf *part)
{
	if (is_word_left_out || word_instead.len > 0)
		return emr_buf_append(part, word_instead.data, word_instead.len);
	return __real_emr_grant_outer_seal(
		vouches != NULL ? vouches : kr, outer, gen, grant_item, part);
}

static emr_id16 domain_at(story *s, const char *path)
{
	emr_id16 domain;

	assert_ok(emr_view_make_domain(s->k.view, path, &domain));
	for (int i = 0; i < 4; i++)
		kit_publish_all(&s->k);
	return domain;
}

/* DOMAIN, said to lie in OUTER, is granted and joins nothing. */
static emr_id16 given_inside(const called *d, emr_id16 domain, emr_id16 outer)
{
	const emr_grant_order order = {.domain = domain,
		.grantee = d->grantee,
		.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.purposes = 1u << RESEARCH | 1u << CONSULT,
		.not_after_unix_s = story_now(d->s) + 7 * DAY,
		.label = "Private",
		.root_dir = outer};
	emr_grant_made made;

	assert_ok(emr_share_grant(begins(d->s->ana), &order, &made));
	return made.grant;
}

static emr_status read_inside(
	story *s, emr_id16 domain, emr_id16 grant, const char *name, emr_share_trouble *out_trouble)
{
	EMR_AUTO_BUF bytes = {0};
	emr_id16 before = s->imaging;
	emr_status status;

	(void)received_by(&s->lima);
	given = (emr_release_tally){0};
	s->imaging = domain;
	status = story_read(s, &s->lima, grant, name, agents_and_owner_answer, &bytes, out_trouble);
	s->imaging = before;
	return status;
}

/* Neither by the program as it is, nor by one that does not look: who gives the keys looks. */
static void is_unpaid(story *s, emr_id16 domain, emr_id16 grant, const char *name)
{
	emr_share_trouble trouble = {0};

	assert_status(EMR_DENIED, read_inside(s, domain, grant, name, &trouble));
	assert_int_equal(trouble.why, EMR_WHY_UNPAID);
	is_taken_for_paid = s->lima.share;
	assert_status(EMR_DENIED, read_inside(s, domain, grant, name, &trouble));
	assert_int_equal(trouble.code, EMR_RESULT_FUNDS);
	assert_int_equal(given.answered, 0);
	assert_int_equal(given.refused, AGENTS + 1);
	is_taken_for_paid = NULL;
}

static emr_id16 find_grant(const story *s, emr_id16 domain)
{
	emr_known_grant known = {.grant = {{0}}};

	EMR_ASK(asked, s->k.stack.replica, GRANTS, .domain = domain);
	while (emr_next(&asked, &known))
		;
	assert_ok(asked.status);
	return known.grant;
}

TEST(a_folder_inside_is_read_while_the_one_around_it_is_paid_for)
{
	emr_share_trouble trouble;
	emr_shared *open = NULL;
	emr_grant_made made;
	emr_id16 inner, grant;
	STORY_DATASET(PAID, 20);
	dataset_admit(&d, &s.lima);
	dataset_put_by(&d, 100, 1);
	made = dataset_join(&d);
	inner = domain_at(&s, "Imaging/Old"); /* publishing carries the share there by itself */
	grant = find_grant(&s, inner);
	assert_ok(read_inside(&s, inner, grant, "CT.pdf", &trouble));
	assert_ok(emr_shared_open(
		s.lima.share, inner, grant, CONSULT, EMR_READER_PERSON, &open, &trouble));
	assert_ok(emr_shared_check(open, &trouble));
	/* A client that leaves, and would go on giving what lies inside. */
	assert_ok(emr_share_revoke(begins(s.ana), s.imaging, made.grant));
	story_see(&s.lima);
	assert_status(EMR_DENIED, emr_shared_check(open, &trouble));
	assert_int_equal(trouble.why, EMR_WHY_UNPAID);
	emr_shared_free(open);
	is_unpaid(&s, inner, grant, "CT.pdf");
}

/* A participant who helps, by leaving with one folder before the next is asked for, moves no limit.
 */
TEST(what_was_asked_in_a_folder_that_left_counts_on)
{
	emr_id16 access, imaging, left;
	bool is_over = false;
	question q = {0};
	STORY;
	AUTO(called_end) called d;

	imaging = s.imaging;
	dataset_call_on(&d, &s, TERMS_OF_ONE, (emr_id16){{0}}, 0);
	dataset_admit(&d, &s.eve);
	join_and_ask(&d, &access);
	left = find_grant(&s, imaging);
	assert_ok(emr_share_revoke(begins(s.ana), imaging, left));
	s.imaging = domain_at(&s, "Imaging/Old");
	join_and_ask(&d, &access);
	assert_ok(question_load(s.ana, s.imaging, access, &q));
	assert_ok(share_is_over_daily_limit(s.ana, &q, &is_over));
	assert_true(is_over);
	question_free(&q);
	s.imaging = imaging;
}

/* The bytes behind the letter of a grant, which PART keeps. */
static emr_bytes word_of(story *s, emr_id16 domain, emr_id16 grant, emr_buf *part)
{
	emr_part_key at = {
		.domain = domain, .object = grant, .version = 1, .family = EMR_FAMILY_GRANT};

	assert_ok(emr_replica_part(s->k.stack.replica, &at, part));
	assert_true(part->len > 1024);
	return emr_bytes_of(part->data + part->len - 512, 512);
}

TEST(a_wrong_folder_around_opens_nothing)
{
	EMR_AUTO_BUF part = {0};
	emr_share_trouble trouble;
	emr_id16 private, letters, grant;
	STORY;
	AUTO(called_end) called d, other;

	kit_mkdir(&s.k, "Private");
	kit_text(&s.k, "Private/blood.pdf", "%PDF blood");
	kit_mkdir(&s.k, "Letters");
	kit_text(&s.k, "Letters/one.txt", "a letter");
	private = domain_at(&s, "Private");
	letters = domain_at(&s, "Letters");
	dataset_call_on(&d, &s, PAID, (emr_id16){{0}}, 20);
	dataset_call_on(&other, &s, PAID, (emr_id16){{0}}, 20);
	dataset_admit(&d, &s.lima);
	dataset_put_by(&d, 100, 1);
	(void)dataset_join(&d);
	/* By the key of her who was paid: she says what lies in her folder. */
	grant = given_inside(&d, private, s.imaging);
	assert_ok(read_inside(&s, private, grant, "blood.pdf", &trouble));
	word_instead = word_of(&s, private, grant, &part);
	is_unpaid(&s, letters, given_inside(&d, letters, s.imaging), "one.txt");
	word_instead = (emr_bytes){0};
	/* As somebody else, whose folder it is not. */
	vouches = s.eve.keyring;
	is_unpaid(&s, letters, given_inside(&d, letters, s.imaging), "one.txt");
	vouches = NULL;
	is_word_left_out = true;
	is_unpaid(&s, letters, given_inside(&d, letters, s.imaging), "one.txt");
	is_word_left_out = false;
	/* Her own folder, which was never paid; and one that was paid for another dataset. */
	is_unpaid(&s, letters, given_inside(&d, letters, private), "one.txt");
	dataset_admit(&other, &s.lima);
	is_unpaid(&s, letters, given_inside(&other, letters, s.imaging), "one.txt");
}

TESTS(NULL, NULL)
