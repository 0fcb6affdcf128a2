/* These tests are about the office of an open folder: which people it works for, and what it does
 * for them, with Ana's folder and the people around it. */
#include <stdatomic.h>
#include <time.h>

#include "base/worker.h"
#include "contract/codes.h"
#include "ledger/register.h"
#include "replica/follower.h"
#include "sharing/office_looks.h"
#include "datasets_kit.h"
#include "story_kit.h"
#include "people/who.h"

static story s;
static emr_session session;

AROUND(begin)
{
	story_begin(&s);
	session = EMR_SESSION_CLOSED;
	session.keyring = s.k.stack.keyring;
	session.ledger = s.k.stack.ledger;
	session.replica = s.k.stack.replica;
	session.records = s.k.stack.records;
	session.view = s.k.view;
	session.state_fd = open(s.k.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(session.state_fd >= 0);
	assert_ok(emr_keyring_public(session.keyring, &session.identity));
	assert_ok(emr_replica_catch_up(session.replica, NULL, NULL, NULL));
}

AROUND(end)
{
	(void)close(session.state_fd);
	story_end(&s);
}

/* ---- who ---- */

/* By a card that is newer than those before. */
static void know(const emr_keyring *kr, const char *name, const char *who)
{
	static uint64_t cards;
	EMR_AUTO_BOOK book = {0};
	EMR_AUTO_BUF card = {0};
	emr_book_change change;
	size_t index;

	assert_ok(emr_book_load(session.keyring, session.state_fd, &book));
	assert_ok(emr_card_make_person(kr, emr_ledger_net_id(session.ledger),
		story_now(&s) + cards++, story_now(&s) + DAY, name, "1970-01-01", &card));
	assert_ok(emr_book_put(&book, emr_buf_view(&card), who, story_now(&s), &index, &change));
	assert_ok(emr_book_save(session.keyring, session.state_fd, &book));
}

static emr_status find(const char *text, emr_who *out, char names[400])
{
	EMR_AUTO_CROWD crowd = {0};

	assert_ok(emr_crowd_open(&session, &crowd));
	crowd.now_unix_s = story_now(&s);
	return emr_who_find(&crowd, text, out, names, 400);
}

TEST_IN(begin, end, a_name_in_the_book_is_the_person_that_the_ledger_knows)
{
	emr_who who;
	char names[400];

	know(s.lima.keyring, "Paula Lima", "paula");
	assert_ok(find("Paula", &who, names));
	assert_memory_equal(who.id.b, s.lima.public.signer_id.b, 32);
	assert_memory_equal(who.root.b, s.lima.public.signer_id.b, 32);
	assert_string_equal(who.called, "paula");
	assert_string_equal(who.name, "paula");
	assert_string_equal(who.says, "Paula Lima");
	assert_string_equal(who.organisation, "org0");
	assert_true(who.is_known && who.is_registered && who.is_active);
	assert_false(who.is_compared);
}

TEST_IN(begin, end, handle_and_organisation_are_one_person)
{
	emr_who who;
	char names[400];

	assert_ok(find("LIMA.clinic@Org-0", &who, names));
	assert_memory_equal(who.id.b, s.lima.public.signer_id.b, 32);
	assert_string_equal(who.called, "lima.clinic@org0");
	assert_false(who.is_known);
	assert_ok(find(who.called, &who, names));
	assert_ok(find("@org2", &who, names));
	assert_int_equal(who.kind, EMR_WHO_ORGANISATION);
	assert_memory_equal(who.org.b, s.bosses[2].org.b, 16);
}

TEST_IN(begin, end, what_fits_nobody_names_those_who_are_near_and_nobody_else)
{
	emr_who who = {.org = {{9}}};
	char names[400], code[EMR_KEY_CODE_MAX + 1];

	assert_status(EMR_NOT_FOUND, find("limo@org0", &who, names));
	emr_key_code(s.lima.public.signer_id, EMR_KEY_CODE_SHOWN, code);
	assert_string_equal(names, printed("lima.clinic, org0 (%s) called lima.clinic@org0", code));
	assert_status(EMR_NOT_FOUND, find("lima.clinic@nowhere", &who, names));
	assert_non_null(strstr(names, "@org0"));
	assert_status(EMR_NOT_FOUND, find("lima", &who, names));
	assert_status(EMR_NOT_FOUND, find("lima.clinic@org1", &who, names));
	assert_int_equal(who.org.b[0], 9);
}

static emr_status emr_who_of_session(emr_id32 id, emr_who *out)
{
	EMR_AUTO_CROWD crowd = {0};

	assert_ok(emr_crowd_open(&session, &crowd));
	return emr_who_of(&crowd, id, out);
}

/* The words of a card about its holder name nobody; nor do letters that a key can be made to
 * have. */
TEST_IN(begin, end, several_of_one_name_are_nobody)
{
	emr_who who;
	char names[400], code[EMR_KEY_CODE_MAX + 1];

	know(s.lima.keyring, "Paula Lima", "paula");
	know(s.eve.keyring, "Paula Lima", "the other");
	assert_status(EMR_NOT_FOUND, find("Paula Lima", &who, names));
	assert_non_null(strstr(names, "paula ("));
	assert_non_null(strstr(names, "the other ("));
	emr_key_code(s.eve.public.signer_id, EMR_KEY_CODE_NAMES - 1, code);
	assert_status(EMR_NOT_FOUND, find(code, &who, names));
	emr_key_code(s.eve.public.signer_id, EMR_KEY_CODE_NAMES, code);
	assert_ok(find(code, &who, names));
	assert_memory_equal(who.id.b, s.eve.public.signer_id.b, 32);
}

/* A colleague comes in who says that he is Lima, and another whose handle is hers but for the case:
 * an authority of its own may give such a certificate. */
TEST_IN(begin, end, nobody_is_called_by_what_he_says_of_himself)
{
	AUTO(story_part) person mallory = {0}, other = {0};
	char names[400], text[EMR_WHO_TEXT_BYTES], code[EMR_KEY_CODE_MAX + 1], wanted[200];
	emr_who who;

	story_newcomer_called(&s, &mallory, &s.bosses[0], "mallory", "lima.clinic");
	assert_ok(emr_replica_catch_up(session.replica, NULL, NULL, NULL));
	assert_ok(find("lima.clinic@org0", &who, names));
	assert_memory_equal(who.id.b, s.lima.public.signer_id.b, 32);
	assert_ok(find("mallory@org0", &who, names));
	emr_who_text(&who, text, sizeof text);
	assert_string_equal(text, "mallory, org0 (gives the name lima.clinic)");
	/* Nor when his card was taken over by the name that he put there. */
	know(mallory.keyring, "lima", "lima");
	assert_status(EMR_CONFLICT, find("lima", &who, names));
	assert_non_null(strstr(names, "mallory, org0 (gives the name lima) ("));
	assert_ok(find("mallory@org0", &who, names));
	assert_string_equal(who.called, "mallory@org0");
	emr_key_code(who.id, EMR_KEY_CODE_NAMES, code);
	assert_ok(find(code, &who, names));
	assert_memory_equal(who.id.b, mallory.public.signer_id.b, 32);
	know(mallory.keyring, "M.", NULL); /* and what his first card said stays his word */
	assert_status(EMR_CONFLICT, find("lima", &who, names));
	assert_ok(find("mallory@org0", &who, names));
	emr_who_text(&who, text, sizeof text);
	assert_string_equal(text, "mallory, org0 (gives the name M.)");
	know(mallory.keyring, "M.", "the rogue");
	know(mallory.keyring, "the rogue", NULL);
	assert_ok(find("the rogue", &who, names));
	emr_who_text(&who, text, sizeof text);
	assert_string_equal(text, "the rogue, org0");

	story_newcomer_called(&s, &other, &s.bosses[0], "Lima.Clinic", "");
	assert_ok(emr_replica_catch_up(session.replica, NULL, NULL, NULL));
	assert_status(EMR_CONFLICT, find("lima.clinic@org0", &who, names));
	emr_key_code(s.lima.public.signer_id, EMR_KEY_CODE_NAMES, code);
	assert_non_null(strstr(names, code)); /* which can be typed */
	assert_ok(find(code, &who, names));
	assert_memory_equal(who.id.b, s.lima.public.signer_id.b, 32);
	emr_key_code(s.lima.public.signer_id, EMR_KEY_CODE_SHOWN, code);
	(void)snprintf(wanted, sizeof wanted, "lima.clinic (%s), org0", code);
	emr_who_text(&who, text, sizeof text);
	assert_string_equal(text, wanted);
	assert_ok(emr_who_of_session(other.public.signer_id, &who));
	assert_string_not_equal(who.name, "Lima.Clinic");
}

/* A person who is asked for is shared with by the name in `approve`: it finds that person. */
static void is_found_by_what_he_is_called(const person *m)
{
	char names[400];
	emr_who who, found;

	assert_ok(emr_who_of_session(m->public.signer_id, &who));
	assert_ok(find(who.called, &found, names));
	assert_memory_equal(found.id.b, m->public.signer_id.b, 32);
}

/* Members admitted one that is called as another for who types it; it has nobody of that handle. */
TEST_IN(begin, end, of_two_organisations_that_are_called_alike_neither_is_meant)
{
	char names[400], code[EMR_KEY_CODE_MAX + 1];
	AUTO(story_part) person boss = {0};
	emr_who who;

	is_found_by_what_he_is_called(&s.lima);
	story_organisation(&s, &boss, "\xc3\x93rg-0");
	assert_ok(emr_replica_catch_up(session.replica, NULL, NULL, NULL));
	is_found_by_what_he_is_called(&s.lima);
	is_found_by_what_he_is_called(&s.eve);
	is_found_by_what_he_is_called(&boss);
	assert_status(EMR_CONFLICT, find("lima.clinic@org0", &who, names));
	assert_status(EMR_CONFLICT, find("@org0", &who, names));
	assert_status(EMR_CONFLICT, find("boss@org0", &who, names));
	emr_key_code(s.lima.public.signer_id, EMR_KEY_CODE_NAMES, code);
	assert_ok(find(code, &who, names));
	assert_memory_equal(who.id.b, s.lima.public.signer_id.b, 32);
}

/* After another certificate the log of what was done before has the name of that time. */
TEST_IN(begin, end, what_was_done_keeps_the_name_of_then)
{
	EMR_AUTO_BUF cert = {0}, part = {0};
	EMR_AUTO_CROWD crowd = {0};
	const emr_cert_subject subject = {.handle = "reis",
		.roles = EMR_ROLE_CLINICIAN,
		.org = s.lima.org,
		.not_before = story_now(&s) - DAY,
		.not_after = story_now(&s) + 300 * DAY};
	const emr_register again = {.keyring = s.lima.keyring,
		.net_id = emr_ledger_net_id(session.ledger),
		.org = s.lima.org,
		.roles = EMR_ROLE_CLINICIAN,
		.name = "eve.clinic"};
	emr_replica_position before;
	emr_who who;
	emr_act act;

	assert_ok(emr_replica_at(session.replica, &before));
	assert_ok(emr_cert_issue(s.bosses[0].keyring, emr_buf_view(&s.bosses[0].ca), &subject,
		emr_bytes_of(s.lima.public.p256_spki, EMR_P256_SPKI_BYTES), &cert));
	assert_ok(emr_register_renew(&again, emr_buf_view(&cert), &act, &part));
	assert_int_equal(story_says(&s, &s.lima, act, emr_buf_view(&part)), 0);
	assert_ok(emr_replica_catch_up(session.replica, NULL, NULL, NULL));
	assert_ok(emr_crowd_open(&session, &crowd));
	assert_ok(emr_who_at(&crowd, s.lima.public.signer_id, before.size - 1, &who));
	assert_string_equal(who.name, "lima.clinic");
	assert_string_equal(who.says, "");
	assert_string_equal(who.called, "reis@org0");
	assert_true(emr_who_holds_at(&who, before.size - 1));
	assert_false(emr_who_holds_at(&who, before.size));
	assert_ok(emr_who_of(&crowd, s.lima.public.signer_id, &who));
	assert_string_equal(who.name, "reis");
	assert_string_equal(who.says, "eve.clinic");
}

TEST_IN(begin, end, a_card_that_is_on_no_ledger_is_a_person_who_is_not_registered)
{
	emr_keyring *stranger = NULL;
	emr_who who;
	char names[400];

	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, story_now(&s), &stranger));
	know(stranger, "Rui", NULL);
	emr_keyring_free(stranger);
	assert_ok(find("rui", &who, names));
	assert_true(who.is_known);
	assert_false(who.is_registered || who.is_active);
}

TEST_IN(begin, end, whom_nobody_can_name_is_called_by_his_code)
{
	EMR_AUTO_CROWD crowd = {0};
	const emr_id32 id = {{0x55}};
	char code[EMR_KEY_CODE_MAX + 1];
	emr_who who;

	assert_ok(emr_crowd_open(&session, &crowd));
	emr_key_code(id, EMR_KEY_CODE_SHOWN, code);
	assert_ok(emr_who_of(&crowd, id, &who));
	assert_string_equal(who.called, code);
	assert_false(who.is_registered);
}

/* ---- the looks ---- */

TEST_IN(begin, end, the_office_answers_who_asks)
{
	emr_visit visit = {.session = &session, .share = s.ana, .due_boot_ns = INT64_MAX};
	emr_grant_made made = story_share(&s, &s.lima, 0, false);
	emr_share_trouble trouble;
	emr_shared *shared = NULL;
	emr_ask *ask = NULL;

	story_see(&s.lima);
	assert_ok(emr_shared_open(s.lima.share, s.imaging, made.grant, CONSULT, EMR_READER_PERSON,
		&shared, &trouble));
	assert_ok(emr_shared_ask_names(shared, &ask, &trouble));
	assert_non_null(ask);
	assert_ok(emr_look_release(&visit));
	assert_non_null(visit.memory);
	story_see(&s.lima);
	assert_ok(emr_ask_collect(ask, &trouble));
	emr_ask_free(ask);
	emr_shared_free(shared);
	assert_ok(emr_look_release(&visit)); /* nothing is answered twice */
	emr_look_release_end(visit.memory);
}

static uint32_t epoch_of_imaging(void)
{
	emr_row_domain row;
	char key[40] = "D/", hex[33];
	EMR_AUTO_BUF bytes = {0};

	emr_hex(s.imaging.b, 16, hex);
	memcpy(key + 2, hex, sizeof hex);
	assert_ok(emr_replica_state_get(session.replica, key, &bytes));
	assert_int_equal(
		emr_row_domain_parse((emr_span){bytes.data, bytes.len}, &row), EMR_CONTRACT_OK);
	return row.head.epoch;
}

TEST_IN(begin, end, an_epoch_begins_once_when_somebodys_time_has_ended)
{
	emr_visit visit = {.session = &session, .share = s.ana, .due_boot_ns = INT64_MAX};
	emr_grant_made made = story_share(&s, &s.lima, 0, false);
	uint32_t before;

	assert_ok(emr_look_epochs(&visit));
	before = epoch_of_imaging();
	assert_int_equal(before, made.epoch);
	assert_true(visit.due_boot_ns < INT64_MAX);
	assert_ok(emr_share_revoke(begins(s.ana), s.imaging, made.grant));
	assert_ok(emr_look_epochs(&visit)); /* not a day later */
	assert_int_equal(epoch_of_imaging(), before);
	free(visit.memory);
	visit.memory = NULL; /* the folder is opened again */
	assert_ok(emr_look_epochs(&visit));
	assert_int_equal(epoch_of_imaging(), before + 1);
	free(visit.memory);
}

/* ---- agents that are gone ---- */

static void end_agent(int i)
{
	story_does(&s, &s.bosses[i + 1],
		emr_act_key_revoke(s.agents[i].public.signer_id, story_now(&s), 1));
	(void)begins(s.ana);
}

static size_t times_noticed(emr_notices *notices, const char *what)
{
	EMR_AUTO_BUF text = {0};
	size_t n = 0;

	assert_ok(emr_notices_text(notices, &text));
	assert_ok(emr_buf_append(&text, "", 1));
	for (const char *at = (const char *)text.data; (at = strstr(at, what)) != NULL; at++)
		n++;
	return n;
}

TEST_IN(begin, end, the_office_replaces_agents_and_says_where_it_may_not)
{
	emr_visit visit = {.session = &session, .share = s.ana, .due_boot_ns = INT64_MAX};
	emr_id32 two[2] = {s.agents[0].public.signer_id, s.agents[1].public.signer_id};
	emr_grant_order order = {.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.purposes = 1u << CONSULT,
		.not_after_unix_s = story_now(&s) + 7 * DAY,
		.agents = two,
		.agents_count = 2};
	emr_grant_made made;

	assert_ok(emr_notices_new(NULL, &visit.notices));
	assert_ok(story_try_share(&s, &s.lima, &order, true, &made));
	assert_ok(emr_look_agents(&visit));
	assert_int_equal(times_noticed(visit.notices, "agents-"), 0);
	end_agent(0);
	assert_ok(emr_look_agents(&visit));
	assert_int_equal(times_noticed(visit.notices, "agents-replaced"), 1);
	assert_int_equal(
		times_noticed(visit.notices, "org1 may release Imaging no more. For lima.clinic"),
		1);
	assert_int_equal(times_noticed(visit.notices, "is released by org2, org3 now.") +
				 times_noticed(visit.notices, "is released by org3, org2 now."),
		1);
	end_agent(1);
	for (int i = 0; i < 2; i++) /* the second time he knows */
		assert_ok(emr_look_agents(&visit));
	assert_int_equal(times_noticed(visit.notices, "agents-"), 2);
	assert_int_equal(times_noticed(visit.notices, "agents-gone"), 1);
	assert_int_equal(times_noticed(visit.notices,
				 "org2 may release Imaging no more, and too few others do"),
		1);
	assert_int_equal(
		times_noticed(visit.notices, "emrfs share 'Imaging' with 'lima.clinic@org0'"), 1);
	emr_told_end(visit.memory);
	emr_notices_free(visit.notices);
}

/* A person who reads from now on is of an organisation whose agent has half of what is needed. */
TEST_IN(begin, end, the_office_replaces_an_agent_whose_colleague_is_let_into_a_team)
{
	emr_visit visit = {.session = &session, .share = s.ana, .due_boot_ns = INT64_MAX};
	emr_id32 two[2] = {s.agents[0].public.signer_id, s.agents[1].public.signer_id};
	emr_grant_order order = {.domain = s.imaging,
		.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.purposes = 1u << RESEARCH,
		.not_after_unix_s = story_now(&s) + 7 * DAY,
		.label = "Imaging",
		.agents = two,
		.agents_count = 2};
	emr_replica_position at;
	emr_grant_made made;
	AUTO(story_part) person nina;
	AUTO(called_end) called d;

	assert_ok(emr_notices_new(NULL, &visit.notices));
	story_newcomer(&s, &nina, &s.bosses[1], EMR_ROLE_CLINICIAN, "nina");
	dataset_call_on(&d, &s,
		"{\"purpose\":\"To count\",\"who\":\"Researchers\",\"until\":\"2090-01-01\","
		"\"data\":\"identified\"}",
		(emr_id16){{0}}, 0);
	order.grantee = d.grantee;
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	assert_ok(emr_share_grant(begins(s.ana), &order, &made));
	assert_ok(emr_look_agents(&visit));
	assert_int_equal(times_noticed(visit.notices, "agents-"), 0);
	assert_ok(emr_replica_at(s.k.stack.replica, &at));
	visit.from = at.size;
	assert_ok(emr_look_agents(&visit));
	dataset_admit(&d, &nina);
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	assert_ok(emr_look_agents(&visit));
	assert_int_equal(times_noticed(visit.notices, "agents-replaced"), 1);
	assert_int_equal(times_noticed(visit.notices, "org1 may release Imaging no more."), 1);
	emr_told_end(visit.memory);
	emr_notices_free(visit.notices);
}

/* ---- readers of a dataset ---- */

static uint64_t size_of_copy(void)
{
	emr_replica_position at;

	assert_ok(emr_replica_at(session.replica, &at));
	return at.size;
}

/* Their words about themselves are as long as they may be: nobody is named in part. */
TEST_IN(begin, end, the_office_says_that_there_are_more_readers_than_it_names)
{
	enum { READERS = 5 };
	emr_visit visit = {.session = &session, .share = s.ana, .due_boot_ns = INT64_MAX};
	char word[201] = "", ending[220];
	person them[READERS];
	size_t named;
	AUTO(called_end) called d;

	for (size_t i = 0; i + 1 < sizeof word; i += 2)
		memcpy(word + i, "\xc3\xa3", 3);
	(void)snprintf(ending, sizeof ending, "%s)", word);
	assert_ok(emr_notices_new(NULL, &visit.notices));
	dataset_call_on(&d, &s,
		"{\"purpose\":\"To count\",\"who\":\"Researchers\",\"until\":\"2090-01-01\","
		"\"data\":\"identified\"}",
		(emr_id16){{0}}, 0);
	assert_ok(emr_replica_catch_up(session.replica, NULL, NULL, NULL));
	(void)dataset_join(&d);
	for (int i = 0; i < READERS; i++) {
		story_newcomer_called(&s, &them[i], &s.bosses[1], printed("r%d", i), word);
		dataset_admit(&d, &them[i]);
	}
	assert_ok(emr_replica_catch_up(session.replica, NULL, NULL, NULL));
	assert_ok(emr_look_readers(&visit));
	assert_int_equal(times_noticed(visit.notices, "reader-admitted"), 1);
	named = times_noticed(visit.notices, ", org1 (gives the name ");
	assert_in_range(named, 1, READERS - 1);
	assert_int_equal(times_noticed(visit.notices, ending), named);
	assert_int_equal(times_noticed(visit.notices, "); ...: let into"), 1);
	assert_true(visit.due_boot_ns < INT64_MAX); /* who was not named is named then */
	for (int i = 1; i < READERS && visit.due_boot_ns < INT64_MAX; i++) {
		visit.from = visit.size = size_of_copy();
		visit.due_boot_ns = INT64_MAX;
		assert_ok(emr_look_readers(&visit));
	}
	assert_true(visit.due_boot_ns == INT64_MAX);
	for (int i = 0; i < READERS; i++) {
		assert_int_equal(times_noticed(visit.notices, printed("r%d, org1", i)), 1);
	}
	emr_look_readers_end(visit.memory);
	emr_notices_free(visit.notices);
	for (int i = 0; i < READERS; i++)
		story_part(&them[i]);
}

/* ---- the thread ---- */

#define LOOKS 14 /* of the table in office.c */
static const struct timespec moment = {.tv_nsec = 1000000};

static void await_visits(emr_office *office, uint64_t wanted)
{
	for (int i = 0; i < 60000 && emr_office_count(office) < wanted; i++)
		nanosleep(&moment, NULL);
	assert_true(emr_office_count(office) >= wanted);
}

TEST_IN(begin, end, the_office_visits_when_it_opens_and_when_the_ledger_has_grown)
{
	emr_office *office = NULL;
	uint64_t visits;

	assert_ok(emr_office_new(&office));
	emr_office_wake(office); /* before it is open: nothing */
	assert_ok(emr_office_start(office, &session, NULL));
	await_visits(office, LOOKS);
	/* Nobody wakes it: it hears of what this computer has followed. */
	assert_int_equal(story_share(&s, &s.lima, 0, false).n, 0);
	await_visits(office, 2 * LOOKS);
	emr_office_end(office);
	visits = emr_office_count(office);
	emr_office_wake(office); /* after its end: nothing */
	assert_int_equal(story_share(&s, &s.lima, 0, false).n, 0);
	assert_int_equal(emr_office_count(office), visits);
	emr_office_free(office);
	emr_office_end(NULL);
	emr_office_free(NULL);
}

static const emr_listener *listed;
static bool is_listed_by_test;
static atomic_uint waits;

WRAPPED(emr_status, emr_follow_listen, emr_replica *replica, emr_listener *listener)
{
	if (!is_listed_by_test)
		return __real_emr_follow_listen(replica, listener);
	listed = listener;
	listener->heard(listener, &(emr_follow_turn){.status = EMR_ROLLBACK});
	return EMR_OK;
}

WRAPPED(bool, emr_worker_wait, emr_worker *worker, int64_t until_boot_ns)
{
	atomic_fetch_add(&waits, 1);
	return __real_emr_worker_wait(worker, until_boot_ns);
}

TEST_IN(begin, end, the_office_visits_nobody_while_the_ledger_is_not_believed)
{
	emr_office *office = NULL;

	assert_ok(emr_office_new(&office));
	is_listed_by_test = true;
	atomic_store(&waits, 0);
	assert_ok(emr_office_start(office, &session, NULL));
	is_listed_by_test = false;
	for (int i = 0; i < 60000 && atomic_load(&waits) < 2; i++) /* it has gone round once */
		nanosleep(&moment, NULL);
	assert_true(atomic_load(&waits) >= 2);
	assert_int_equal(emr_office_count(office), 0);
	listed->heard(listed, &(emr_follow_turn){.status = EMR_OK});
	await_visits(office, LOOKS);
	emr_office_end(office);
	emr_office_free(office);
}

TEST_IN(begin, end, the_office_that_is_woken_for_nothing_visits_nobody)
{
	const struct timespec a_while = {.tv_nsec = 50000000}; /* so that it goes round; too short
								  only makes this test see less */
	emr_office *office = NULL;

	assert_ok(emr_office_new(&office));
	assert_ok(emr_office_start(office, &session, NULL));
	await_visits(office, LOOKS);
	emr_office_wake(office);
	nanosleep(&a_while, NULL);
	emr_office_end(office);
	assert_int_equal(emr_office_count(office), LOOKS);
	emr_office_free(office);
}

/* ---- a folder of one person ---- */

static kit alone;

AROUND(begin_alone)
{
	kit_open(&alone);
	session = EMR_SESSION_CLOSED;
	session.keyring = alone.stack.keyring;
	session.ledger = alone.stack.ledger;
	session.replica = alone.stack.replica;
	session.records = alone.stack.records;
	assert_ok(emr_keyring_public(session.keyring, &session.identity));
}

AROUND_BY(end_alone, kit_close(&alone))

TEST_IN(begin_alone, end_alone, a_network_of_one_person_costs_nothing)
{
	emr_office *office = NULL;

	assert_ok(emr_office_new(&office));
	assert_ok(emr_office_start(office, &session, NULL));
	kit_text(&alone, "a.txt", "x");
	kit_publish(&alone);
	emr_office_wake(office);
	emr_office_end(office);
	assert_int_equal(emr_office_count(office), 0);
	emr_office_free(office);
}

TEST_IN(begin_alone, end_alone, a_folder_for_reading_only_has_no_office)
{
	emr_office *office = NULL;

	session.read_only = true;
	assert_ok(emr_office_new(&office));
	assert_ok(emr_office_start(office, &session, NULL));
	emr_office_end(office);
	assert_int_equal(emr_office_count(office), 0);
	emr_office_free(office);
}

TESTS(NULL, NULL)
