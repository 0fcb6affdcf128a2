/* A person who has a record's key, and may write in the directory of its blocks, changes its bytes
 * there: a reader with a grant, the hospital that left the record, the patient whom it is about.
 * Nobody is shown the changed bytes, whether the record had been read before or not. */
#include "deposit_kit.h"
#include "forge_kit.h"

#include "edit.h"
#include "tree.h"
#include "settle/whose.h"

#define BIG ((size_t)20 << 20)
#define FAR (BIG - 3000000)
#define TRUE_WORD "malignant"
#define FALSE_WORD "is benign"

static const char *blocks_of(const story *s)
{
	static char path[300];

	(void)snprintf(path, sizeof path, "%s/store", s->k.path);
	return path;
}

/* ---- what somebody sees ---- */

typedef struct look {
	emr_status status;
	char word[sizeof TRUE_WORD];
} look;

static look read_word(emr_handle *h, uint64_t at)
{
	look is = {.word = ""};
	size_t got = 0;

	is.status = emr_view_read(h, at, is.word, sizeof is.word - 1, &got);
	if (is.status == EMR_OK)
		assert_int_equal(got, sizeof is.word - 1);
	return is;
}

/* Ana sees the word at AT of PATH. */
static look ana_sees(story *s, const char *path, uint64_t at)
{
	emr_handle *h = NULL;
	look is = {
		.status = emr_view_open_file(s->k.view, kit_attr(&s->k, path).node, O_RDONLY, &h)};

	if (is.status == EMR_OK) {
		is = read_word(h, at);
		emr_view_release(h);
	}
	return is;
}

static look reader_sees(viewer *v, const char *path, uint64_t at)
{
	emr_handle *h = NULL;
	look is = {.status = viewer_open_file(v, viewer_at(v, path), owner_answers, &h)};

	if (is.status == EMR_OK) {
		is = read_word(h, at);
		emr_view_release(h);
	}
	return is;
}

static void expect_true(look is)
{
	assert_ok(is.status);
	assert_string_equal(is.word, TRUE_WORD);
}

/* The end of another's segment that does not fit its hashes is torn, as after a power cut. */
static void expect_refused(look is)
{
	assert_true(is.status == EMR_DAMAGED || is.status == EMR_MISSING_DATA);
	assert_string_not_equal(is.word, FALSE_WORD);
}

/* Bytes that were read before the change may come from memory. */
static void expect_never_forged(look is)
{
	if (is.status == EMR_OK)
		assert_string_equal(is.word, TRUE_WORD);
	else
		expect_refused(is);
}

static bool was_told(const viewer *v, const char *path)
{
	return strstr(v->notices, printed("bad-data %s\n", viewer_at(v, path))) != NULL;
}

/* ---- a reader with a grant ---- */

static const struct {
	const char *path;
	size_t len;
	uint64_t at; /* of the word */
	bool is_read_before;
} files[] = {
	{"Imaging/small-unread.txt", 5000, 700, false},
	{"Imaging/small-read.txt", 5000, 700, true},
	{"Imaging/leaf.bin", 200000, 150000, false},
	{"Imaging/big-unread.bin", BIG, FAR, false},
	{"Imaging/big-read.bin", BIG, FAR, true},
};
#define FILES (sizeof files / sizeof *files)

#define OTHERS 40 /* more than the leaves that are held in memory (held.h) */

static const char *other_path(unsigned i)
{
	static char path[64];

	(void)snprintf(path, sizeof path, "Imaging/other-%u.txt", i);
	return path;
}

static void save_files(story *s)
{
	for (unsigned i = 0; i < OTHERS; i++)
		kit_write(&s->k, other_path(i), (const uint8_t *)"other", 5);
	for (size_t i = 0; i < FILES; i++) {
		EMR_AUTO_FREE uint8_t *bytes = kit_bytes(files[i].len, i + 1);

		memcpy(bytes + files[i].at, TRUE_WORD, strlen(TRUE_WORD));
		kit_write(&s->k, files[i].path, bytes, files[i].len);
	}
	kit_publish_all(&s->k);
	assert_ok(emr_store_index_now(s->k.stack.store));
}

/* Ana's program has the last few blocks in memory, also those of what she has just saved: she reads
 * so many others that they are gone. */
static void read_much(story *s)
{
	char bytes[5];
	size_t got = 0;

	for (unsigned i = 0; i < OTHERS; i++) {
		emr_handle *h = kit_open_file(&s->k, other_path(i), O_RDONLY);

		assert_ok(emr_view_read(h, 0, bytes, sizeof bytes, &got));
		assert_int_equal(got, sizeof bytes);
		emr_view_release(h);
	}
}

static void forge_files(story *s, person *who, emr_id16 grant)
{
	for (size_t i = 0; i < FILES; i++) {
		emr_share_trouble trouble = {0};
		emr_content_reader *his = NULL;

		assert_ok(story_reader(s, who, grant, strchr(files[i].path, '/') + 1, owner_answers,
			&his, &trouble));
		forge(his, blocks_of(s), files[i].at, FALSE_WORD);
		emr_content_reader_free(his);
	}
}

TEST(a_reader_who_seals_a_chunk_again_in_place_changes_nobodys_record)
{
	emr_grant_made made;
	viewer eve, again;

	SCENE(story, s, story_begin, story_end);
	save_files(&s);
	viewer_open(&eve, &s, &s.eve, "eve-folder", CONSULT);
	made = story_share(&s, &s.lima, 0, false);
	(void)story_share(&s, &s.eve, 0, false);
	viewer_run(&eve, NULL, 0);
	viewer_learn_owner(&eve);
	for (size_t i = 0; i < FILES; i++) {
		if (!files[i].is_read_before)
			continue;
		expect_true(ana_sees(&s, files[i].path, files[i].at));
		expect_true(reader_sees(&eve, files[i].path, files[i].at));
	}
	read_much(&s);
	forge_files(&s, &s.lima, made.grant);
	for (size_t i = 0; i < FILES; i++) {
		look ana = ana_sees(&s, files[i].path, files[i].at);
		look other = reader_sees(&eve, files[i].path, files[i].at);

		if (files[i].is_read_before) {
			expect_never_forged(ana);
			expect_never_forged(other);
		} else {
			expect_refused(ana);
			expect_refused(other);
			assert_true(was_told(&eve, files[i].path));
		}
	}
	/* Elsewhere in a large file nothing was changed. */
	assert_ok(ana_sees(&s, "Imaging/big-unread.bin", 5000).status);
	assert_ok(reader_sees(&eve, "Imaging/big-unread.bin", 5000).status);
	viewer_close(&eve);
	story_see(&s.eve);
	viewer_open(&again, &s, &s.eve, "eve-folder", CONSULT);
	viewer_run(&again, NULL, 0);
	viewer_learn_owner(&again);
	for (size_t i = 0; i < FILES; i++) {
		expect_refused(reader_sees(&again, files[i].path, files[i].at));
		assert_true(was_told(&again, files[i].path));
	}
	viewer_close(&again);
	kit_restart(&s.k);
	for (size_t i = 0; i < FILES; i++)
		expect_refused(ana_sees(&s, files[i].path, files[i].at));
}

/* Her own program must not seal his bytes again under her name. */
TEST(what_was_changed_in_place_is_not_saved_again_as_the_owners)
{
	emr_share_trouble trouble = {0};
	emr_content_reader *his = NULL;
	emr_grant_made made;
	emr_handle *h;

	SCENE(story, s, story_begin, story_end);
	save_files(&s);
	read_much(&s);
	made = story_share(&s, &s.lima, 0, false);
	assert_ok(story_reader(
		&s, &s.lima, made.grant, "big-unread.bin", owner_answers, &his, &trouble));
	forge(his, blocks_of(&s), FAR, FALSE_WORD);
	emr_content_reader_free(his);
	h = kit_open_file(&s.k, "Imaging/big-unread.bin", O_RDWR);
	assert_ok(emr_view_write(h, 10, emr_bytes_of("mine", 4)));
	(void)emr_view_flush(h);
	emr_view_release(h);
	kit_publish_all(&s.k);
	expect_refused(ana_sees(&s, "Imaging/big-unread.bin", FAR));
}

/* ---- the hospital that left it, and the patient ---- */

/* "Inbox/org0/DAY/NAME" of now, in a static buffer. */
static const char *today(const story *s, const char *name)
{
	static char path[200];

	(void)snprintf(path, sizeof path, "%s/%s", deposits_today(s), name);
	return path;
}

/* The bytes are compared with what was signed, behind. */
static void expect_valid(story *s, const char *path)
{
	kit_publish(&s->k);
	assert_memory_equal(kit_attribute(&s->k, path, "user.emrfs.signature"), "valid by=", 9);
}

static emr_content_reader *depositors_reader(depositor *d)
{
	emr_content_reader *reader;

	assert_ok(emr_content_reader_open(d->v.records, &d->content, d->key, &reader));
	return reader;
}

TEST(who_left_a_record_cannot_change_it_afterwards)
{
	emr_content_reader *hers;
	SCENE(story, s, story_begin, story_end);

	SCENE_OF(depositor, d, depositor_close, depositor_open, &s);
	(void)deposit(&d, "Findings.txt", "It is " TRUE_WORD ".");
	deposits_arrive(&s);
	expect_true(ana_sees(&s, today(&s, "Findings.txt"), 6));
	expect_valid(&s, today(&s, "Findings.txt"));
	hers = depositors_reader(&d);
	forge(hers, blocks_of(&s), 6, FALSE_WORD);
	expect_never_forged(ana_sees(&s, today(&s, "Findings.txt"), 6));
	kit_restart(&s.k);
	expect_refused(ana_sees(&s, today(&s, "Findings.txt"), 6));
	emr_content_reader_free(hers);
	/* One that was never read. */
	(void)deposit(&d, "Unread.txt", "It is " TRUE_WORD ".");
	deposits_arrive(&s);
	hers = depositors_reader(&d);
	forge(hers, blocks_of(&s), 6, FALSE_WORD);
	kit_restart(&s.k);
	expect_refused(ana_sees(&s, today(&s, "Unread.txt"), 6));
	emr_content_reader_free(hers);
}

/* Returns the owner's reader, in her own process. */
static emr_content_reader *owners_reader(story *s, const char *path)
{
	emr_view *view = s->k.view;
	emr_content_reader *reader;
	emr_content_key *key;
	emr_whose whose;
	emr_content content;
	emr_place place;
	uint64_t number = kit_attr(&s->k, path).node;

	pthread_mutex_lock(&view->lock);
	place = node_place(tree_by_number(view, number));
	pthread_mutex_unlock(&view->lock);
	assert_ok(emr_facts_open_signed(s->k.stack.facts, emr_ledger_descriptor(s->k.stack.ledger),
		&place, &content, &key, &whose));
	assert_ok(emr_content_reader_open(s->k.stack.records, &content, key, &reader));
	emr_content_key_free(key);
	return reader;
}

TEST(the_patient_cannot_change_what_a_hospital_signed)
{
	emr_content_reader *hers;
	viewer eve, again;
	SCENE(story, s, story_begin, story_end);

	SCENE_OF(depositor, d, depositor_close, depositor_open, &s);
	(void)deposit(&d, "Read.txt", "It is " TRUE_WORD ".");
	(void)deposit(&d, "Unread.txt", "It is " TRUE_WORD ".");
	deposits_arrive(&s);
	kit_rename(&s.k, today(&s, "Read.txt"), "Imaging/Read.txt");
	kit_rename(&s.k, today(&s, "Unread.txt"), "Imaging/Unread.txt");
	kit_publish_all(&s.k);
	assert_ok(emr_store_index_now(s.k.stack.store));
	viewer_open(&eve, &s, &s.eve, "eve-folder", CONSULT);
	(void)story_share(&s, &s.eve, 0, false);
	viewer_run(&eve, NULL, 0);
	viewer_learn_owner(&eve);
	expect_true(reader_sees(&eve, "Imaging/Read.txt", 6));
	assert_memory_equal(
		viewer_attribute(&eve, viewer_at(&eve, "Imaging/Read.txt"), "user.emrfs.signature"),
		"valid", 5);
	hers = owners_reader(&s, "Imaging/Read.txt");
	forge(hers, blocks_of(&s), 6, FALSE_WORD);
	emr_content_reader_free(hers);
	hers = owners_reader(&s, "Imaging/Unread.txt");
	forge(hers, blocks_of(&s), 6, FALSE_WORD);
	emr_content_reader_free(hers);
	expect_never_forged(reader_sees(&eve, "Imaging/Read.txt", 6));
	expect_refused(reader_sees(&eve, "Imaging/Unread.txt", 6));
	assert_true(was_told(&eve, "Imaging/Unread.txt"));
	viewer_close(&eve);
	story_see(&s.eve);
	viewer_open(&again, &s, &s.eve, "eve-folder", CONSULT);
	viewer_run(&again, NULL, 0);
	viewer_learn_owner(&again);
	expect_refused(reader_sees(&again, "Imaging/Read.txt", 6));
	expect_refused(reader_sees(&again, "Imaging/Unread.txt", 6));
	viewer_close(&again);
}

TESTS(NULL, NULL)
