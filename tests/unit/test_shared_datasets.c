/* These tests show what a reader of a dataset sees, and what is left on the reader's computer when
 * a participant has gone. */
#include "datasets_kit.h"
#include "shared_kit.h"

#include <dirent.h>

#include "contract/codes.h"
#include "fetch/fetch.h"

#include "node.h"

#define IDENTIFIED                                                                                 \
	"{\"purpose\":\"To count pixels\",\"who\":\"Researchers\",\"until\":\"2090-01-01\","       \
	"\"data\":\"identified\"}"
#define PAID                                                                                       \
	"{\"purpose\":\"To count pixels\",\"who\":\"Researchers\",\"until\":\"2090-01-01\","       \
	"\"data\":\"identified\",\"price\":20}"
#define COPIES                                                                                     \
	"{\"purpose\":\"To count pixels\",\"who\":\"Researchers\",\"until\":\"2090-01-01\","       \
	"\"data\":\"de-identified\"}"

#define OF_ONE_A_DAY                                                                               \
	"{\"purpose\":\"To count pixels\",\"who\":\"Researchers\",\"until\":\"2090-01-01\","       \
	"\"data\":\"identified\",\"daily-limit\":1}"

#define OF_THREE_A_DAY                                                                             \
	"{\"purpose\":\"To count pixels\",\"who\":\"Researchers\",\"until\":\"2090-01-01\","       \
	"\"data\":\"identified\",\"daily-limit\":3}"

#define BLOCK_BYTES 1000

/* ---- a participant whose client leaves out the joining ---- */

static bool leaves_out_joining;

WRAPPED(emr_status, share_add_join, void *p, emr_id16 domain, emr_id32 root, emr_id16 grant,
	bool *out_joins)
{
	*out_joins = false;
	return leaves_out_joining ? EMR_OK
				  : __real_share_add_join(p, domain, root, grant, out_joins);
}

/* ---- a participant whose client refuses what it could give ---- */

static bool says_limit;

WRAPPED(emr_status, desk_judge, void *d, const void *q, uint8_t *out_code)
{
	emr_status status = __real_desk_judge(d, q, out_code);

	if (says_limit)
		*out_code = EMR_RESULT_LIMIT;
	return status;
}

/* ---- a ledger that lima does not reach ---- */

static bool is_away;

WRAPPED(emr_status, emr_follow_lately, emr_replica *replica)
{
	return is_away ? EMR_OFFLINE : __real_emr_follow_lately(replica);
}

static void ledger_goes_away(story *s)
{
	(void)s;
	is_away = true;
}

/* ---- lima's folder, who reads the dataset ---- */

/* "datasets/knees/PSEUDONYM/Imaging/INSIDE", in a static buffer. */
static const char *in_dataset(viewer *v, const char *inside)
{
	static char path[700];
	char pseudonym[64];

	(void)snprintf(pseudonym, sizeof pseudonym, "%s", viewer_list(v, "datasets/knees", NULL));
	assert_null(strchr(pseudonym, ','));
	(void)snprintf(path, sizeof path, "datasets/knees/%s/Imaging%s%s", pseudonym,
		inside[0] != '\0' ? "/" : "", inside);
	return path;
}

static void dataset_is_read(
	story *s, called *d, viewer *v, const char *terms, uint64_t price, const viewer_more *more)
{
	leaves_out_joining = says_limit = is_away = false;
	dataset_call_on(d, s, terms, (emr_id16){{0}}, price);
	dataset_admit(d, &s->lima);
	viewer_open_with(v, s, &s->lima, "lima-folder", RESEARCH, more);
}

/* D on TERMS for PRICE, in Ana's story s, and Lima's folder V. */
#define DATASET_READ(terms, price)                                                                 \
	AUTO(called_end) called d;                                                                 \
	AUTO(viewer_close) viewer v;                                                               \
	dataset_is_read(&s, &d, &v, terms, price, NULL)

typedef struct reading {
	story s;
	called d;
	viewer v;
	char knee[700], head[700]; /* paths of two files */
} reading;

/* Of Imaging on TERMS, and its names are known; IS_APART: of its folder Old, too, by itself. */
static void reading_begins(reading *r, const char *terms, bool is_apart)
{
	emr_id16 inner;

	story_begin(&r->s);
	dataset_is_read(&r->s, &r->d, &r->v, terms, 0, NULL);
	(void)dataset_join(&r->d);
	if (is_apart)
		assert_ok(emr_view_make_domain(r->s.k.view, "Imaging/Old", &inner));
	for (int i = 0; is_apart && i < 4; i++)
		kit_publish_all(&r->s.k);
	viewer_run(&r->v, NULL, 0);
	(void)snprintf(r->knee, sizeof r->knee, "%s", in_dataset(&r->v, "MRI.pdf"));
	(void)snprintf(r->head, sizeof r->head, "%s", in_dataset(&r->v, "Old/CT.pdf"));
	assert_non_null(strstr(viewer_list(&r->v, in_dataset(&r->v, ""), owner_answers), "MRI"));
	assert_non_null(strstr(viewer_list(&r->v, in_dataset(&r->v, "Old"), owner_answers), "CT"));
}

static void reading_ends(reading *r)
{
	emr_grantee_key_free(r->d.key);
	viewer_end(&r->s, &r->v);
}

static void assert_opens(reading *r, const char *path, const char *word)
{
	assert_string_equal(viewer_attribute(&r->v, path, "user.emrfs.opens"), word);
}

/* ---- a price ---- */

TEST(what_is_granted_and_not_paid_is_not_read)
{
	emr_grant_made made;

	STORY;
	DATASET_READ(PAID, 20);
	dataset_put_by(&d, 100, 1);
	leaves_out_joining = true;
	made = dataset_join(&d);
	viewer_run(&v, NULL, 0);
	assert_string_equal(viewer_list(&v, in_dataset(&v, ""), owner_answers), "!access denied");
	assert_non_null(strstr(v.notices, "unpaid datasets/knees/"));
	assert_ok(emr_share_revoke(begins(s.ana), s.imaging, made.grant));
	leaves_out_joining = false;
	(void)dataset_join(&d);
	viewer_run(&v, NULL, 0);
	assert_string_equal(
		viewer_text(&v, in_dataset(&v, "MRI.pdf"), owner_answers), "%PDF a knee");
}

TEST(a_folder_inside_is_paid_with_the_one_around_it)
{
	emr_grant_order order = {.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.purposes = 1u << RESEARCH,
		.label = "Letters",
		.root_dir = emr_id16_random()};
	emr_grant_made made;
	char beside[700];
	emr_id16 inner;

	STORY;
	kit_mkdir(&s.k, "Letters");
	kit_text(&s.k, "Letters/one.txt", "a letter");
	DATASET_READ(PAID, 20);
	dataset_put_by(&d, 100, 1);
	(void)dataset_join(&d);
	assert_ok(emr_view_make_domain(s.k.view, "Imaging/Old", &inner));
	assert_ok(emr_view_make_domain(s.k.view, "Letters", &order.domain));
	for (int i = 0; i < 4; i++)
		kit_publish_all(&s.k); /* carries the share there, too */
	viewer_run(&v, NULL, 0);
	assert_string_equal(
		viewer_text(&v, in_dataset(&v, "Old/CT.pdf"), owner_answers), "%PDF a head");
	/* A client that says so of what lies in nothing that was paid. */
	order.grantee = d.grantee;
	order.not_after_unix_s = story_now(&s) + 7 * DAY;
	assert_ok(emr_share_grant(begins(s.ana), &order, &made));
	viewer_run(&v, NULL, 0);
	(void)snprintf(beside, sizeof beside, "datasets/knees/%s",
		viewer_list(&v, "datasets/knees", NULL));
	(void)snprintf(beside + strlen(beside), sizeof beside - strlen(beside), "/%s",
		strstr(viewer_list(&v, beside, owner_answers), "Letters"));
	assert_string_equal(viewer_list(&v, beside, owner_answers), "!access denied");
	assert_non_null(strstr(v.notices, "unpaid datasets/knees/"));
}

/* ---- who has left ---- */

typedef struct brought {
	char path[400];
	emr_block_cache *cache;
	emr_fetcher *fetcher;
} brought;

static size_t files_in(const char *path)
{
	DIR *d = opendir(path);
	size_t n = 0;

	assert_non_null(d);
	for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d))
		n += e->d_name[0] != '.';
	(void)closedir(d);
	return n;
}

/* A block that this computer brought from a node lies in its cache. */
static void cache_has_block(story *s, brought *b)
{
	const uint8_t bytes[BLOCK_BYTES] = {7};
	const emr_bytes block = emr_bytes_of(bytes, sizeof bytes);
	emr_cid cid = emr_cid_of_block(EMR_CODEC_RAW, block);
	const emr_block_cache_options cache = {
		.path = b->path, .max_bytes = 1 << 20, .max_days = 30, .clock = &s->k.clock.clock};
	emr_fetcher_options fetcher = {
		.store = emr_store_blocks(s->k.stack.store), .clock = &s->k.clock.clock};

	(void)snprintf(b->path, sizeof b->path, "%s/lima-cache", s->k.path);
	assert_ok(emr_block_cache_open(&cache, &b->cache));
	assert_ok(emr_block_cache_put(b->cache, &cid, block));
	assert_int_equal(files_in(b->path), 1);
	fetcher.cache = b->cache;
	assert_ok(emr_fetcher_open(&fetcher, &b->fetcher));
}

TEST(what_was_read_of_who_leaves_is_purged)
{
	story s;
	called d;
	viewer v;
	brought b;
	emr_grant_made made;
	emr_handle *h = NULL;
	char bytes[32], told[64];
	size_t got = 0;

	story_begin(&s);
	cache_has_block(&s, &b);
	dataset_is_read(&s, &d, &v, IDENTIFIED, 0, &(viewer_more){.fetcher = b.fetcher});
	made = dataset_join(&d);
	viewer_run(&v, NULL, 0);
	assert_ok(viewer_open_file(&v, in_dataset(&v, "MRI.pdf"), owner_answers, &h));
	assert_ok(emr_view_read(h, 0, bytes, sizeof bytes, &got));
	(void)snprintf(told, sizeof told, "%llu *\n", (unsigned long long)h->node->number);
	v.told[0] = 0;
	assert_int_equal(files_in(b.path), 1);
	assert_ok(emr_share_revoke(begins(s.ana), s.imaging, made.grant));
	viewer_run(&v, NULL, 0);
	assert_status(EMR_ACCESS_REVOKED, emr_view_read(h, 0, bytes, sizeof bytes, &got));
	assert_non_null(strstr(v.told, told)); /* the kernel forgets its pages */
	assert_int_equal(files_in(b.path), 0);
	assert_non_null(strstr(v.notices, "left datasets/knees/"));
	emr_view_release(h);
	emr_grantee_key_free(d.key);
	viewer_end(&s, &v); /* the view stops its fetcher */
	emr_fetcher_close(b.fetcher);
	emr_block_cache_close(b.cache);
}

/* ---- five things for which nothing opens ---- */

static void steward_says(const called *d, emr_act act)
{
	story_does(d->s, dataset_steward(d), act);
}

/* Of ID it was told once, and of no other end. */
static void assert_one_end(const viewer *v, const char *id)
{
	static const char *const all[] = {"left", "dropped", "closed", "absent", "grant-revoked"};
	char line[64];
	const char *at;

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		(void)snprintf(line, sizeof line, "%s datasets/knees", all[i]);
		at = strstr(v->notices, line);
		if (strcmp(all[i], id) != 0)
			assert_null(at);
		else if (strcmp(id, "grant-revoked") != 0)
			assert_null(strstr(at + 1, line));
	}
}

/* Lima has a file of the dataset open; then ENDS, and nothing of it is read. */
static void reading_is_ended(const char *id, void (*ends)(const called *d))
{
	EMR_AUTO_BUF opens = {0};
	emr_handle *h = NULL;
	char bytes[32];
	size_t got = 0;

	STORY;
	DATASET_READ(IDENTIFIED, 0);
	(void)dataset_join(&d);
	viewer_run(&v, NULL, 0);
	assert_ok(viewer_open_file(&v, in_dataset(&v, "MRI.pdf"), owner_answers, &h));
	ends(&d);
	viewer_run(&v, NULL, 0);
	assert_status(EMR_ACCESS_REVOKED, emr_view_read(h, 0, bytes, sizeof bytes, &got));
	assert_ok(emr_view_get_attribute(v.view, h->node->number, "user.emrfs.opens", &opens));
	assert_int_equal(opens.len, strlen(id));
	assert_memory_equal(opens.data, id, opens.len);
	assert_one_end(&v, id);
	emr_view_release(h);
}

static void reader_is_dropped(const called *d)
{
	steward_says(d, emr_act_drop(d->id, d->s->lima.public.signer_id));
}

TEST(a_dropped_reader_reads_of_himself_and_of_no_participant)
{
	reading_is_ended("dropped", reader_is_dropped);
}

static void dataset_is_closed(const called *d)
{
	reader_is_dropped(d);
	steward_says(d, emr_act_dataset_close(d->id));
}

TEST(a_closed_dataset_is_closed_and_nobody_left_it)
{
	reading_is_ended("closed", dataset_is_closed);
}

static void key_is_revoked(const called *d)
{
	steward_says(d, emr_act_key_revoke(d->s->lima.public.signer_id, 0, 0));
}

TEST(a_reader_whose_key_ended_is_told_of_no_participant_who_left)
{
	reading_is_ended("grant-revoked", key_is_revoked);
}

/* Names are no files, and of reading no Inbox is full. */
TEST(a_daily_limit_is_of_files_and_says_so)
{
	char path[700];
	emr_attr attr;

	STORY;
	DATASET_READ(OF_ONE_A_DAY, 0);
	(void)dataset_join(&d);
	viewer_run(&v, NULL, 0);
	assert_string_equal(
		viewer_text(&v, in_dataset(&v, "MRI.pdf"), owner_answers), "%PDF a knee");
	(void)snprintf(path, sizeof path, "%s", in_dataset(&v, "Old/CT.pdf"));
	assert_string_equal(viewer_text(&v, path, owner_answers), "!quota");
	assert_ok(viewer_find(&v, path, NULL, &attr));
	assert_status(EMR_QUOTA, emr_view_refuse(v.view, attr.node, NULL, EMR_QUOTA));
	assert_non_null(strstr(v.notices, "daily-limit datasets/knees/"));
	assert_null(strstr(v.notices, "deposits-full"));
	assert_string_equal(viewer_attribute(&v, path, "user.emrfs.opens"), "daily-limit");
}

TEST(a_false_word_of_the_limit_marks_no_dataset)
{
	SCENE_OF(reading, r, reading_ends, reading_begins, OF_THREE_A_DAY, false);
	says_limit = true;
	assert_string_equal(viewer_text(&r.v, r.knee, owner_answers), "!timed out"); /* no agents */
	says_limit = false;
	assert_opens(&r, r.head, "any-time");
	assert_null(strstr(r.v.notices, "daily-limit"));
	assert_string_equal(viewer_text(&r.v, r.head, owner_answers), "%PDF a head");
}

/* How long it takes, by the clock that the story moves, until PATH is refused. */
static int64_t refused_after_ns(viewer *v, const char *path)
{
	int64_t began = v->s->k.clock.boot_ns;

	assert_string_equal(viewer_text(v, path, NULL), "!timed out");
	return v->s->k.clock.boot_ns - began;
}

TEST(an_absent_participant_costs_one_wait_and_comes_back_with_an_answer)
{
	SCENE_OF(reading, r, reading_ends, reading_begins, IDENTIFIED, false);
	assert_true(refused_after_ns(&r.v, r.knee) >= EMR_SHARED_ALONE_NS);
	assert_true(refused_after_ns(&r.v, r.head) < EMR_SHARED_ALONE_NS / 2);
	assert_true(refused_after_ns(&r.v, r.knee) < EMR_SHARED_ALONE_NS / 2);
	assert_opens(&r, r.head, "absent");
	assert_one_end(&r.v, "absent");
	/* The question that stands is answered late, which nobody waits for. */
	owner_answers(&r.s);
	viewer_run(&r.v, NULL, 3);
	assert_opens(&r, r.head, "any-time");
	assert_string_equal(viewer_text(&r.v, r.head, owner_answers), "%PDF a head");
}

TEST(a_ledger_that_is_away_makes_nobody_absent)
{
	SCENE_OF(reading, r, reading_ends, reading_begins, IDENTIFIED, false);
	assert_string_equal(viewer_text(&r.v, r.knee, ledger_goes_away), "!offline");
	is_away = false;
	assert_opens(&r, r.knee, "any-time");
	assert_null(strstr(r.v.notices, "absent"));
	assert_string_equal(viewer_text(&r.v, r.knee, owner_answers), "%PDF a knee");
}

/* Its agents may be others. */
TEST(of_an_absent_folder_the_participants_others_are_asked)
{
	SCENE_OF(reading, r, reading_ends, reading_begins, IDENTIFIED, true);
	assert_true(refused_after_ns(&r.v, r.knee) >= EMR_SHARED_ALONE_NS);
	assert_opens(&r, r.head, "any-time");
	assert_true(refused_after_ns(&r.v, r.head) >= EMR_SHARED_ALONE_NS);
	/* To save something is a sign of her, and for that folder alone. */
	kit_save(&r.s.k, "Imaging/new", "saved");
	viewer_run(&r.v, NULL, 3);
	assert_opens(&r, r.knee, "any-time");
	assert_opens(&r, r.head, "absent");
}

TEST(who_is_absent_for_long_is_asked_again_after_pauses_that_grow)
{
	SCENE_OF(reading, r, reading_ends, reading_begins, IDENTIFIED, false);
	assert_true(refused_after_ns(&r.v, r.knee) >= EMR_SHARED_ALONE_NS);
	story_pass(&r.s, 61);
	assert_true(refused_after_ns(&r.v, r.knee) >= EMR_SHARED_ALONE_NS);
	story_pass(&r.s, 61);
	assert_true(refused_after_ns(&r.v, r.knee) < EMR_SHARED_ALONE_NS / 2);
	story_pass(&r.s, 61);
	assert_true(refused_after_ns(&r.v, r.knee) >= EMR_SHARED_ALONE_NS);
}

/* ---- who takes part ---- */

/* Each entry of the ledger names the key that brought it: an id, an entry or a second would lead
 * from a pseudonym to a person. */
TEST(what_lies_in_a_dataset_names_no_entry_of_the_ledger)
{
	static const char *const hidden[] = {
		"user.emrfs.tx", "user.emrfs.id", "user.emrfs.cid", "user.emrfs.owner-id"};
	static const char *const days[] = {
		"user.emrfs.signed-at", "user.emrfs.signature", "user.emrfs.access"};
	EMR_AUTO_BUF listed = {0};
	emr_attr attr;
	char path[700];

	STORY;
	DATASET_READ(IDENTIFIED, 0);
	(void)dataset_join(&d);
	viewer_run(&v, NULL, 0);
	(void)snprintf(path, sizeof path, "%s", in_dataset(&v, "MRI.pdf"));
	assert_string_equal(viewer_text(&v, path, owner_answers), "%PDF a knee");
	for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
		assert_string_equal(viewer_attribute(&v, path, hidden[i]), "!no such attribute");
	for (size_t i = 0; i < sizeof days / sizeof *days; i++)
		assert_non_null(strstr(viewer_attribute(&v, path, days[i]), "T00:00:00Z"));
	assert_ok(viewer_find(&v, path, NULL, &attr));
	assert_int_equal(attr.mtime_ns % (INT64_C(86400) * 1000000000), 0);
	assert_ok(emr_view_list_attributes(v.view, attr.node, &listed));
	assert_int_equal(listed.len, 0);
}

/* ---- what participants may give ---- */

TEST(nothing_in_a_dataset_starts_as_a_program)
{
	emr_attr attr, wanted = {.mode = 0755};

	STORY;
	attr = kit_attr(&s.k, "Imaging/MRI.pdf");
	assert_ok(emr_view_set_attr(s.k.view, attr.node, EMR_SET_MODE, &wanted, &attr));
	assert_int_equal(attr.mode & 0777, 0755);
	kit_publish_all(&s.k);
	DATASET_READ(IDENTIFIED, 0);
	(void)dataset_join(&d);
	viewer_run(&v, NULL, 0);
	assert_ok(viewer_find(&v, in_dataset(&v, "MRI.pdf"), owner_answers, &attr));
	assert_int_equal(attr.mode & 07777, 0644);
}

/* A steward who calls again with the same key of pseudonyms calls another dataset: what is in the
 * one is never shown, or looked at, by the terms of the other. */
TEST(identified_and_deidentified_are_two_datasets_whatever_the_steward_does)
{
	called other;

	STORY;
	DATASET_READ(COPIES, 0);
	dataset_call_on(&other, &s, IDENTIFIED, (emr_id16){{0}}, 0);
	dataset_admit(&other, &s.lima);
	(void)dataset_join(&d);
	(void)dataset_join(&other);
	viewer_run(&v, NULL, 0);
	assert_non_null(strchr(viewer_list(&v, "datasets", NULL), ','));
	emr_grantee_key_free(other.key);
}

TESTS(NULL, NULL)
