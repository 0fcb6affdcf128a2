/* Everybody who could ever read a dataset is listed, each time that this person was in: with
 * whatever code, whoever it is, and whatever became of the dataset. */
#include "datasets_kit.h"

#include "base/codec.h"
#include "contract/codes.h"
#include "contract/pubs.h"
#include "kit/text.h"
#include "org/datasets.h"
#include "replica/names.h"

#define TERMS(until)                                                                               \
	"{\"purpose\":\"To count pixels\",\"who\":\"Researchers\",\"until\":\"" until              \
	"\",\"data\":\"identified\"}"

static bool has_one_code; /* everybody's is the same */

WRAPPED(void, emr_key_code, emr_id32 id, size_t letters, char out[EMR_KEY_CODE_MAX + 1])
{
	if (has_one_code)
		id = (emr_id32){{0}};
	__real_emr_key_code(id, letters, out);
}

/* Returns what everybody's copy says of "knees"; owned. */
static json_t *told(story *s)
{
	emr_crowd crowd = {.keyring = s->lima.keyring,
		.replica = s->lima.replica,
		.descriptor = emr_ledger_descriptor(s->lima.ledger),
		.now_unix_s = story_now(s)};
	json_t *all = json_array();
	emr_problem problem = {0};
	emr_team team;

	story_see(&s->lima);
	assert_ok(emr_dataset_called_json(
		&crowd, "knees", s->lima.public.signer_id, &team, all, &problem));
	return all;
}

/* How often M is in LIST, "readers" or "former"; OUT_SINCE (may be NULL): since when at last. */
static size_t look_for(story *s, const char *list, const person *m, char *out_since)
{
	json_t *all = told(s), *one, *reader;
	char id[65];
	size_t n = 0, i, k;

	emr_hex(m->public.signer_id.b, 32, id);
	json_array_foreach(all, i, one) json_array_foreach(json_object_get(one, list), k, reader)
	{
		if (strcmp(json_string_value(json_object_get(reader, "id")), id) != 0)
			continue;
		n++;
		if (out_since != NULL)
			snprintf(out_since, EMR_TEXT_BYTES, "%s",
				json_string_value(json_object_get(reader, "since")));
	}
	json_decref(all);
	return n;
}

static size_t times_in(story *s, const char *list, const person *m)
{
	return look_for(s, list, m, NULL);
}

static void since_of(story *s, const person *m, char out[EMR_TEXT_BYTES])
{
	assert_int_equal(look_for(s, "readers", m, out), 1);
}

static void drop(const called *d, const person *m)
{
	story_does(d->s, dataset_steward(d), emr_act_drop(d->id, m->public.signer_id));
}

static void close_it(const called *d)
{
	story_does(d->s, dataset_steward(d), emr_act_dataset_close(d->id));
}

TEST(two_readers_with_one_code_are_two)
{
	STORY_DATASET(TERMS("2090-01-01"), 0);
	(void)dataset_join(&d);
	dataset_admit(&d, &s.lima);
	dataset_admit(&d, &s.eve);
	has_one_code = true;
	assert_int_equal(times_in(&s, "readers", &s.lima), 1);
	assert_int_equal(times_in(&s, "readers", &s.eve), 1);
	drop(&d, &s.eve);
	assert_int_equal(times_in(&s, "former", &s.eve), 1);
	has_one_code = false;
}

/* `dataset drop` takes no shorter one: another key can be made to have that. */
TEST(the_code_that_is_listed_names_a_reader)
{
	json_t *all, *reader;
	const char *code;
	STORY_DATASET(TERMS("2090-01-01"), 0);
	(void)dataset_join(&d);
	dataset_admit(&d, &s.eve);
	all = told(&s);
	reader = json_array_get(json_object_get(json_array_get(all, 0), "readers"), 0);
	code = json_string_value(json_object_get(reader, "code"));
	assert_non_null(code);
	assert_true(emr_key_code_names(s.eve.public.signer_id, code));
	assert_false(emr_key_code_names(s.lima.public.signer_id, code));
	json_decref(all);
}

TEST(a_steward_who_lets_himself_in_is_listed_and_one_who_makes_it_is_not)
{
	person *steward;
	STORY_DATASET(TERMS("2090-01-01"), 0);
	AUTO(called_end) called quiet;

	steward = dataset_steward(&d);
	dataset_admit(&d, steward);
	drop(&d, steward);
	(void)dataset_join(&d);
	assert_int_equal(times_in(&s, "former", steward), 0);
	dataset_admit(&d, steward);
	assert_int_equal(times_in(&s, "readers", steward), 1);
	drop(&d, steward);
	assert_int_equal(times_in(&s, "former", steward), 1);
	/* One that he was not in when he made it, so that this is his first time, too. */
	story_pass(&s, 10);
	dataset_call_on(&quiet, &s, TERMS("2090-01-01"), d.id, 0);
	(void)dataset_join(&quiet);
	dataset_admit(&quiet, steward);
	drop(&quiet, steward);
	assert_int_equal(times_in(&s, "former", steward), 2);
}

TEST(whoever_was_in_what_is_closed_stays_listed)
{
	STORY_DATASET(TERMS("2090-01-01"), 0);
	AUTO(called_end) called heir;

	dataset_admit(&d, &s.lima);
	(void)dataset_join(&d);
	dataset_call_on(&heir, &s, TERMS("2090-01-01"), d.id, 0);
	dataset_admit(&heir, &s.lima);
	dataset_admit(&d, &s.eve);
	close_it(&d); /* eve is not let out of it */
	assert_int_equal(times_in(&s, "former", &s.eve), 1);
	assert_int_equal(times_in(&s, "readers", &s.eve), 0);
	assert_int_equal(times_in(&s, "readers", &s.lima), 1);
	assert_int_equal(times_in(&s, "former", &s.lima), 0); /* she was never out */
	close_it(&heir);
	assert_int_equal(times_in(&s, "former", &s.eve), 1);
	assert_int_equal(times_in(&s, "former", &s.lima), 1);
}

/* A dataset that took a name again takes no readers of the one that had it from the list. */
TEST(a_call_by_the_same_name_hides_no_reader_of_the_one_before)
{
	STORY_DATASET(TERMS("2090-01-01"), 0);
	AUTO(called_end) called other;

	(void)dataset_join(&d);
	dataset_admit(&d, &s.eve);
	drop(&d, &s.eve);
	close_it(&d);
	dataset_call_on(&other, &s, TERMS("2091-01-01"), (emr_id16){{0}}, 0);
	assert_int_equal(times_in(&s, "former", &s.eve), 1);
}

/* As a client of his own would: the program refuses to call two alike. */
TEST(a_second_one_of_the_same_name_hides_neither)
{
	STORY_DATASET(TERMS("2090-01-01"), 0);
	AUTO(called_end) called other;

	dataset_admit(&d, &s.eve);
	dataset_call_on(&other, &s, TERMS("2091-01-01"), (emr_id16){{0}}, 0);
	assert_int_equal(times_in(&s, "readers", &s.eve), 1);
}

static emr_status find_knees(story *s, const char *text, emr_team *out)
{
	emr_crowd crowd = {.keyring = s->lima.keyring,
		.replica = s->lima.replica,
		.descriptor = emr_ledger_descriptor(s->lima.ledger),
		.now_unix_s = story_now(s)};
	char names[200];

	story_see(&s->lima);
	return emr_dataset_find(&crowd, text, out, names, sizeof names);
}

TEST(capitals_are_no_other_name_where_the_letters_fit)
{
	emr_team team;
	STORY_DATASET(TERMS("2090-01-01"), 0);
	AUTO(called_end) called other;

	assert_ok(find_knees(&s, "KNEES", &team));
	assert_true(emr_id16_equal(team.id, d.id));
	dataset_call_named(&other, &s, "Knees", TERMS("2090-01-01"));
	assert_ok(find_knees(&s, "knees", &team));
	assert_true(emr_id16_equal(team.id, d.id));
	assert_ok(find_knees(&s, "Knees", &team));
	assert_true(emr_id16_equal(team.id, other.id));
	assert_status(EMR_CONFLICT, find_knees(&s, "KNEES", &team));
}

TEST(each_time_that_somebody_was_in_is_listed_from_its_beginning)
{
	char first[EMR_TEXT_BYTES], now[EMR_TEXT_BYTES];
	STORY_DATASET(TERMS("2090-01-01"), 0);
	(void)dataset_join(&d);
	dataset_admit(&d, &s.eve);
	since_of(&s, &s.eve, first);
	story_pass(&s, DAY);
	dataset_admit(&d, &s.eve); /* goes on: since the first day */
	since_of(&s, &s.eve, now);
	assert_string_equal(now, first);
	drop(&d, &s.eve);
	story_pass(&s, DAY);
	dataset_admit(&d, &s.eve);
	assert_int_equal(times_in(&s, "readers", &s.eve), 1);
	assert_int_equal(times_in(&s, "former", &s.eve), 1);
	since_of(&s, &s.eve, now);
	assert_string_not_equal(now, first);
	story_pass(&s, 301 * DAY); /* her time runs out by itself */
	assert_int_equal(times_in(&s, "readers", &s.eve), 0);
	assert_int_equal(times_in(&s, "former", &s.eve), 2);
}

/* ---- the terms, by which everybody knows a dataset ---- */

static bool terms_are_gone; /* from the copy of whoever looks */

WRAPPED(emr_status, emr_team_get, emr_replica *replica, emr_id16 id, emr_team *out)
{
	return terms_are_gone ? EMR_NOT_FOUND : __real_emr_team_get(replica, id, out);
}

/* Without them nobody would find it, know of its readers, or count what they ask for in a day. */
TEST(its_steward_does_not_take_the_terms_from_the_ledger)
{
	const emr_pub_erase pub = {
		.family = EMR_FAMILY_DATASET, .from_version = 1, .to_version = 1};
	emr_act act = {.op = EMR_OP_ERASE};
	STORY_DATASET(TERMS("2090-01-01"), 0);
	(void)dataset_join(&d);
	dataset_admit(&d, &s.eve);
	act.object = d.id;
	emr_pub_erase_encode(&pub, act.pub);
	assert_int_equal(story_says(&s, dataset_steward(&d), act, (emr_bytes){0}),
		EMR_RESULT_NOT_AUTHORISED);
	assert_int_equal(times_in(&s, "readers", &s.eve), 1);
}

static void all_answer(story *s)
{
	story_agents(s, 7);
	(void)story_owner(s);
}

TEST(nobody_releases_keys_by_terms_that_are_not_there)
{
	emr_grant_made made;
	STORY_READ;
	DATASET(TERMS("2090-01-01"), 0);
	dataset_admit(&d, &s.eve);
	made = dataset_join(&d);
	story_see(&s.eve);
	terms_are_gone = true;
	assert_int_not_equal(
		story_read(&s, &s.eve, made.grant, "MRI.pdf", all_answer, &bytes, &trouble),
		EMR_OK);
	assert_int_equal(trouble.code, EMR_RESULT_PRIVATE_PART);
	terms_are_gone = false;
	assert_ok(story_read(&s, &s.eve, made.grant, "MRI.pdf", all_answer, &bytes, &trouble));
}

/* ---- as many as a steward likes ---- */

#define FRAME_MAX 65536 /* kit/frame.h, which cannot stand beside share/read.h */

/* All of it in frames that are short enough, and again as it was; LETTER is all that their names
 * are made of. */
static void tell_readers_called(char letter)
{
	enum { READERS = 1000, FORMER = 333 };
	json_t *one = json_pack("{s:s, s:[], s:[]}", "name", "knees", "readers", "former");
	json_t *list = json_array(), *frames = NULL, *frame;
	size_t k;
	char name[256], id[65];
	json_t *got;

	memset(name, letter, sizeof name - 1);
	name[sizeof name - 1] = '\0';
	emr_hex((emr_id32){{0}}.b, 32, id);
	for (int i = 0; i < READERS + FORMER; i++)
		assert_int_equal(json_array_append_new(
					 json_object_get(one, i < READERS ? "readers" : "former"),
					 json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i}", "who",
						 name, "name", name, "organisation", name, "says",
						 name, "code", "AAAA", "id", id, "entry", i)),
			0);
	assert_ok(emr_dataset_frames(one, &frames));
	json_array_foreach(frames, k, frame)
	{
		assert_true(json_dumpb(frame, NULL, 0, JSON_COMPACT) <= FRAME_MAX);
		assert_ok(emr_dataset_take(list, frame));
	}
	assert_true(k > 2);
	assert_int_equal(json_array_size(list), 1);
	got = json_array_get(list, 0);
	assert_int_equal(json_array_size(json_object_get(got, "readers")), READERS);
	assert_int_equal(json_array_size(json_object_get(got, "former")), FORMER);
	for (int i = 0; i < READERS + FORMER; i++)
		assert_int_equal(json_integer_value(json_object_get(
					 json_array_get(json_object_get(got,
								i < READERS ? "readers" : "former"),
						 (size_t)(i < READERS ? i : i - READERS)),
					 "entry")),
			i);
	json_decref(list);
	json_decref(frames);
	json_decref(one);
}

/* A frame that is too long is sent to nobody, and with it nobody would be told anything.  A
 * backslash is two bytes in JSON, a control character six. */
TEST(no_number_of_readers_is_too_many_to_be_told)
{
	tell_readers_called('x');
	tell_readers_called('\\');
	tell_readers_called('\001');
}

TESTS(NULL, NULL)
