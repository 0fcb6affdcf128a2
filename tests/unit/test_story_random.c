/* These tests are about two computers of one person who save, remove, rename, throw away and bring
 * back, while each shares and takes back, at random: both folders are what a model of names and
 * contents says, and a reader is given nothing that was taken away. A failed round prints its seed;
 * EMR_MODEL_SEED chooses one, EMR_MODEL_ROUNDS how many. */
#include "crew_kit.h"
#include "datasets_kit.h"
#include "two_kit.h"

AUTO_OF(emr_shared_free, emr_shared *)
AUTO_OF(emr_content_reader_free, emr_content_reader *)

#define TERMS                                                                                      \
	"{\"purpose\":\"To count pixels\",\"who\":\"Researchers\",\"until\":\"2090-01-01\","       \
	"\"data\":\"identified\"}"

enum { PLACES = 12, THROWN = 3, GRANTS = 6, STEPS = 60, ROUNDS = 4 };

/* A file, and how often it was saved; 0: none.  Those of the first computer are odd. */
typedef struct saved {
	int file, times;
} saved;

typedef struct model {
	story s;
	kit other; /* ana's second computer */
	uint64_t seed;
	int files;
	saved at[PLACES]; /* half of them the first computer's, half the second's */
	struct {
		saved what;
		int from;
	} thrown[THROWN]; /* away, by the first computer */
	emr_id16 grants[GRANTS];
	crew crew;
	called study;
	bool has_crew, has_study;
} model;

static uint64_t any(model *m, uint64_t below)
{
	return kit_random(&m->seed) % below;
}

static bool is_first(int place)
{
	return place < PLACES / 2;
}

static kit *kit_of(model *m, int place)
{
	return is_first(place) ? &m->s.k : &m->other;
}

/* Each has a name of its own; a third of them lie in Letters, which nobody else sees. */
static const char *directory_of(int place)
{
	static const char *const directories[] = {"Imaging", "Imaging/Old", "Letters"};

	return directories[place % 3];
}

static const char *path_of(int place)
{
	return printed("%s/f%d", directory_of(place), place);
}

static const char *text_of(saved what)
{
	return printed("%d:%d", what.file, what.times);
}

static int any_place(model *m, bool first)
{
	return (int)any(m, PLACES / 2) + (first ? 0 : PLACES / 2);
}

static void both_wait(model *m, int64_t ms)
{
	kit_wait_ms(&m->s.k, ms);
	kit_wait_ms(&m->other, ms);
}

/* As plain programs write, or as editors do: a new file, renamed over the former. */
static void save(model *m, int place)
{
	kit *k = kit_of(m, place);
	saved *what = &m->at[place];
	const char *aside = printed("%s/.f%d.new", directory_of(place), place);

	if (what->file == 0)
		what->file = 2 * ++m->files + is_first(place);
	what->times++;
	if (any(m, 2) == 0) {
		kit_text(k, path_of(place), text_of(*what));
		return;
	}
	kit_text(k, aside, text_of(*what));
	kit_rename(k, aside, path_of(place));
}

static void take_away(model *m, int place)
{
	kit_unlink(kit_of(m, place), path_of(place));
	m->at[place] = (saved){0};
}

static void rename_it(model *m, int place, int to)
{
	if (place == to)
		return;
	kit_rename(kit_of(m, place), path_of(place), path_of(to));
	m->at[to] = m->at[place];
	m->at[place] = (saved){0};
}

static void throw_away(model *m, int place)
{
	size_t i = any(m, THROWN);
	const char *trash = printed(".Trash-0/files/%zu", i);

	if (!is_first(place) || m->thrown[i].what.file != 0)
		return;
	kit_rename(&m->s.k, path_of(place), trash);
	m->thrown[i].what = m->at[place];
	m->thrown[i].from = place;
	m->at[place] = (saved){0};
}

static void bring_back(model *m)
{
	size_t i = any(m, THROWN);
	const int place = m->thrown[i].from;

	if (m->thrown[i].what.file == 0 || m->at[place].file != 0)
		return;
	kit_rename(&m->s.k, printed(".Trash-0/files/%zu", i), path_of(place));
	m->at[place] = m->thrown[i].what;
	m->thrown[i].what = (saved){0};
}

static void change_something(model *m)
{
	const bool first = any(m, 3) != 0;
	const int place = any_place(m, first);
	const uint64_t what = any(m, 10);

	if (what < 5 || m->at[place].file == 0)
		save(m, place);
	else if (what < 7)
		take_away(m, place);
	else if (what < 9)
		rename_it(m, place, any_place(m, first));
	else
		throw_away(m, place);
}

/* ---- what a reader sees ---- */

static emr_status note_file(void *arg, const emr_shared_record *record)
{
	return record->meta->type == EMR_META_FILE && record->meta->name.data[0] == 'f'
		       ? emr_buf_append(arg, &record->object, sizeof record->object)
		       : EMR_OK;
}

typedef enum sharer { THE_FIRST, THE_SECOND, EITHER } sharer;

/* BY shared a moment ago: of that computer's files nothing is given that it had taken away. EITHER:
 * all that there is was published since, and nothing else is given. */
static void expect_right(const model *m, const char *text, sharer by)
{
	char *end;
	const int file = (int)strtol(text, &end, 10), times = (int)strtol(end + 1, NULL, 10);

	for (int place = 0; place < PLACES; place++)
		if (m->at[place].file == file && place % 3 != 2 &&
			(by != EITHER || m->at[place].times == times))
			return;
	if (by == EITHER || file % 2 == (by == THE_FIRST))
		fail_msg("a reader is given %s", text);
}

static void read_one(model *m, emr_shared *shared, emr_id16 object, sharer by)
{
	AUTO(auto_emr_content_reader_free) emr_content_reader *reader = NULL;
	emr_shared_word word;
	char text[40] = "";
	size_t n = 0;

	assert_ok(emr_shared_open_signed(shared, object, &reader, &word));
	assert_ok(emr_content_reader_read(reader, 0, text, sizeof text - 1, &n));
	expect_right(m, text, by);
}

static void answered(story *s, emr_ask *ask)
{
	emr_share_trouble trouble;

	(void)story_owner(s);
	all_agents(s);
	assert_ok(ask_wait(s->lima.replica, ask, 0, &trouble));
	emr_ask_free(ask);
}

static size_t read_all(model *m, emr_id16 grant, sharer by)
{
	story *s = &m->s;
	AUTO(auto_emr_shared_free) emr_shared *shared = NULL;
	EMR_AUTO_BUF list = {0};
	emr_share_trouble trouble;
	emr_ask *ask = NULL;
	size_t n;

	story_see(&s->lima);
	assert_ok(emr_shared_open(
		s->lima.share, s->imaging, grant, CONSULT, EMR_READER_PERSON, &shared, &trouble));
	assert_ok(emr_shared_ask_names(shared, &ask, &trouble));
	answered(s, ask);
	assert_ok(emr_shared_each(shared, NULL, note_file, &list, NULL));
	n = list.len / sizeof(emr_id16);
	if (n > 0) {
		assert_ok(emr_shared_ask_records(
			shared, (const emr_id16 *)(const void *)list.data, n, &ask, &trouble));
		answered(s, ask);
	}
	EMR_EACH (const emr_id16, object, &list)
		read_one(m, shared, *object, by);
	return n;
}

/* ---- sharing ---- */

static emr_id16 give_lima(model *m, sharer by)
{
	story *s = &m->s;
	emr_share *firsts = s->ana;
	emr_grant_order order = {.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.purposes = 1u << CONSULT,
		.not_after_unix_s = story_now(s) + (any(m, 3) == 0 ? 100 : 7 * DAY)};
	emr_grant_made made;

	if (by == THE_SECOND)
		s->ana = story_handle(&m->other);
	assert_ok(story_try_share(s, &s->lima, &order, any(m, 2) == 0, &made));
	if (by == THE_SECOND)
		emr_share_free(s->ana);
	s->ana = firsts;
	return made.grant;
}

static void give_team(model *m)
{
	const crew before = m->crew;
	uint64_t changes;

	crew_begin(&m->crew, &m->s, m->has_crew ? &before : NULL);
	admit(&m->crew, &m->s.eve);
	if (m->has_crew) {
		crew_end((crew *)(uintptr_t)&before);
		assert_ok(emr_share_follow_teams(begins(m->s.ana), NULL, 0, &changes));
	} else {
		m->grants[any(m, GRANTS)] = share_with(&m->crew).grant;
	}
	m->has_crew = true;
}

static void give_study(model *m)
{
	if (!m->has_study) {
		dataset_call_on(&m->study, &m->s, TERMS, (emr_id16){{0}}, 0);
		dataset_admit(&m->study, &m->s.eve);
	}
	m->has_study = true;
	m->grants[any(m, GRANTS)] = dataset_join(&m->study).grant;
}

static void take_back(model *m)
{
	emr_id16 *grant = &m->grants[any(m, GRANTS)];
	emr_status status = EMR_OK;

	if (!emr_id16_is_zero(*grant))
		status = emr_share_revoke(begins(m->s.ana), m->s.imaging, *grant);
	*grant = (emr_id16){{0}};
	if (status != EMR_OK)
		assert_status(EMR_DENIED, status); /* its time was over */
}

static void share_something(model *m)
{
	const uint64_t what = any(m, 10);
	sharer by = any(m, 4) == 0 ? THE_SECOND : THE_FIRST;
	emr_id16 grant;

	if (what == 0) {
		give_team(m);
	} else if (what == 1) {
		give_study(m);
	} else if (what < 6) {
		grant = give_lima(m, by);
		if (any(m, 3) != 0)
			read_all(m, grant, by);
		m->grants[any(m, GRANTS)] = grant;
	} else {
		take_back(m);
	}
}

/* ---- rounds ---- */

static void expect_folder(model *m, kit *k)
{
	unsigned wanted[3] = {2, 1, 0}; /* Old and MRI.pdf; CT.pdf */

	for (int place = 0; place < PLACES; place++) {
		const saved what = m->at[place];

		wanted[place % 3] += what.file != 0;
		assert_int_equal(kit_exists(k, path_of(place)), what.file != 0);
		if (what.file != 0)
			kit_expect_text(k, path_of(place), text_of(what));
	}
	for (int i = 0; i < 3; i++)
		assert_int_equal(two_entries_in(k, directory_of(i)), wanted[i]);
}

static void restart_both(model *m)
{
	story_restart(&m->s);
	kit_restart(&m->other);
}

static void look_at_all(model *m)
{
	size_t shown = 0;

	for (int i = 0; i < 5; i++) {
		both_wait(m, 61000);
		assert_ok(emr_view_publish_now(m->s.k.view));
		assert_ok(emr_view_publish_now(m->other.view));
	}
	for (int again = 0; again < 2; again++) {
		expect_folder(m, &m->s.k);
		expect_folder(m, &m->other);
		restart_both(m);
	}
	for (int place = 0; place < PLACES; place++)
		shown += m->at[place].file != 0 && place % 3 != 2;
	assert_int_equal(read_all(m, story_share(&m->s, &m->s.lima, 0, true).grant, EITHER), shown);
}

static void do_something(model *m)
{
	const uint64_t what = any(m, 20);

	if (what < 9)
		change_something(m);
	else if (what < 10)
		bring_back(m);
	else if (what < 14)
		share_something(m);
	else if (what < 15)
		any(m, 2) == 0 ? story_restart(&m->s) : kit_restart(&m->other);
	else if (what < 18)
		assert_ok(emr_view_publish_now(any(m, 2) == 0 ? m->s.k.view : m->other.view));
	else
		both_wait(m, 1 + (int64_t)any(m, any(m, 4) == 0 ? 200000 : 1500));
}

static void go_round(uint64_t seed)
{
	EMR_AUTO_FREE model *m = calloc(1, sizeof *m);

	assert_non_null(m);
	print_message("round %llu\n", (unsigned long long)seed);
	m->seed = seed;
	story_begin(&m->s);
	two_second(&m->other, &m->s.k);
	kit_mkdir(&m->s.k, "Letters");
	kit_mkdir(&m->s.k, ".Trash-0");
	kit_mkdir(&m->s.k, ".Trash-0/files");
	kit_publish_all(&m->s.k);
	kit_publish_all(&m->other);
	for (int step = 0; step < STEPS; step++)
		do_something(m);
	look_at_all(m);
	if (m->has_crew)
		crew_end(&m->crew);
	if (m->has_study)
		called_end(&m->study);
	kit_close(&m->other);
	story_end(&m->s);
}

TEST(whatever_is_shared_and_taken_back_names_and_contents_are_those_of_the_model)
{
	const char *seed = getenv("EMR_MODEL_SEED"), *rounds = getenv("EMR_MODEL_ROUNDS");
	const uint64_t n = rounds != NULL ? strtoull(rounds, NULL, 10) : ROUNDS;
	const uint64_t first = seed != NULL ? strtoull(seed, NULL, 10) : 1;

	for (uint64_t i = 0; i < (seed != NULL && rounds == NULL ? 1 : n); i++)
		go_round(first + i);
}

TESTS(NULL, NULL)
