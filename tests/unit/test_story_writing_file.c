/* These tests are about a file that is shared by itself, and a writer whose computer checks
 * nothing: the writer may say its bytes, and nobody believes anything else that the writer says of
 * it, or puts beside it, at once and after every start. */
#include "pen_kit.h"

#include "contract/codes.h"
#include "settle/chronicle.h"
#include "settle/history.h"
#include "share/write.h"
#include "shared_kit.h"

static story s;

/* ---- the story */

static void settle_after(bool restart)
{
	if (restart)
		kit_restart(&s.k);
	kit_settle(&s.k);
}

static void give(person *who, emr_id16 domain, uint16_t writes)
{
	emr_grant_order order = {.domain = domain,
		.grantee = who->public.signer_id,
		.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.writes = writes,
		.purposes = 1u << CONSULT,
		.not_after_unix_s = story_now(&s) + 7 * DAY,
		.label = "MRI.pdf",
		.owner_name = "Silva, Ana",
		.owner_born = "1984-03-12"};
	emr_grant_made made;

	assert_ok(emr_share_grant(begins(s.ana), &order, &made));
}

/* Lima may write in Imaging/MRI.pdf, a domain of its own. */
static emr_id16 begin(pen *p)
{
	emr_id16 file;

	story_begin(&s);
	kit_mkdir(&s.k, "Psychiatry");
	kit_save(&s.k, "Psychiatry/diary.txt", "nobody else's");
	assert_ok(emr_view_set_attribute(s.k.view, kit_attr(&s.k, "Imaging/MRI.pdf").node,
		"user.note", emr_bytes_of("hers", 4), 0));
	assert_ok(emr_view_make_domain(s.k.view, "Imaging/MRI.pdf", &file));
	kit_settle(&s.k);
	give(&s.lima, file, EMR_WRITES_ALL);
	pen_open(&s, p, &s.lima, "lima");
	story_see(&s.lima);
	return file;
}

static void end(pen *p)
{
	pen_close(p);
	story_end(&s);
}

static bool add_name(void *arg, const char *name, const emr_attr *attr, uint64_t next)
{
	char *text = arg;

	(void)attr, (void)next;
	if (name[0] != '.')
		(void)snprintf(text + strlen(text), 2000 - strlen(text), "%s%s",
			text[0] != 0 ? "," : "", name);
	return true;
}

static const char *names_in(const char *path)
{
	static char text[2000];

	text[0] = 0;
	assert_ok(
		emr_view_each_entry(s.k.view, kit_attr(&s.k, path).node, 0, false, add_name, text));
	return text;
}

/* Where the file stands, as the ledger has it, for new content with the next number. */
static emr_place next_of(emr_id16 file)
{
	EMR_AUTO_BUF bytes = {0};
	emr_place place;
	emr_meta meta;

	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	assert_ok(emr_facts_get(s.k.stack.facts, file, file, &place, &bytes, &meta));
	place.cver++;
	return place;
}

static emr_meta lie(const emr_place *at, emr_id16 parent, const char *name)
{
	emr_meta meta = {.type = EMR_META_FILE,
		.mode = 06777,
		.mtime_ns = s.k.clock.unix_ns,
		.parent = parent,
		.name = emr_bytes_of(name, strlen(name))};

	memcpy(meta.r_pid, at->r_pid, sizeof meta.r_pid);
	return meta;
}

static void assert_refused(const pen *p)
{
	assert_int_equal(p->last.result, EMR_RESULT_NOT_AUTHORISED);
}

static void assert_applied(const pen *p)
{
	assert_ok(p->last.error);
	assert_int_equal(p->last.result, EMR_RESULT_APPLIED);
}

/* ---- the tests */

#define LIES 5

/* Says to it, with new bytes, everything that he can, in every way. */
static void say(pen *p, emr_id16 file, emr_id16 parent, const char *name, const char *text)
{
	emr_place at = next_of(file);
	emr_meta meta = lie(&at, parent, name);
	EMR_AUTO_BUF attributes = {0};

	assert_ok(emr_xattr_change((emr_bytes){0}, emr_bytes_of("user.emrfs.keep", 15),
		emr_bytes_of("no", 2), false, &attributes, &meta.xattr_count));
	meta.xattrs = emr_buf_view(&attributes);
	pen_claim(p, &at, &meta, text, false);
	assert_applied(p);
	story_see(p->m);
}

typedef struct hers {
	emr_id16 psychiatry;
	size_t in_psychiatry, in_imaging;
	uint16_t mode;
} hers;

static hers remember(void)
{
	emr_id16 psychiatry = kit_object_id(&s.k, "Psychiatry");

	return (hers){.psychiatry = psychiatry,
		.in_psychiatry = pen_live_in(&s, psychiatry),
		.in_imaging = pen_live_in(&s, s.imaging),
		.mode = kit_attr(&s.k, "Imaging/MRI.pdf").mode};
}

static void all_else_is_hers(const hers *was, const char *text)
{
	kit_expect_text(&s.k, "Imaging/MRI.pdf", text);
	assert_int_equal(kit_attr(&s.k, "Imaging/MRI.pdf").mode, was->mode);
	assert_int_equal(kit_attr(&s.k, "Imaging/MRI.pdf").size_bytes, strlen(text));
	assert_string_equal(kit_attribute(&s.k, "Imaging/MRI.pdf", "user.note"), "hers");
	assert_string_equal(kit_attribute(&s.k, "Imaging/MRI.pdf", "user.emrfs.keep"), "yes");
	assert_string_equal(names_in("Psychiatry"), "diary.txt");
	assert_int_equal(pen_live_in(&s, was->psychiatry), was->in_psychiatry);
	assert_int_equal(pen_live_in(&s, s.imaging), was->in_imaging);
}

TEST(his_bytes_are_under_her_description)
{
	static const char *const names[LIES] = {"Pwned", "../../up", "", ".emrfs", "Inbox"};
	static const char *const texts[LIES] = {
		"his", "his second", "his third one", "his fourth", "his last bytes"};
	pen p;

	for (int away = 0; away < 2; away++) { /* she was there, or starts afterwards */
		emr_id16 file = begin(&p);
		hers was = remember();
		const emr_id16 parents[LIES] = {
			was.psychiatry, file, {{0}}, emr_id16_random(), {{0}}};

		for (size_t i = 0; i < LIES; i++) {
			say(&p, file, parents[i], names[i], texts[i]);
			if (away)
				continue;
			kit_settle(&s.k);
			all_else_is_hers(&was, texts[i]);
		}
		settle_after(true);
		all_else_is_hers(&was, texts[LIES - 1]);
		/* what she says next stands on it */
		kit_text(&s.k, "Imaging/MRI.pdf", "hers again");
		kit_settle(&s.k);
		settle_after(true);
		all_else_is_hers(&was, "hers again");
		end(&p);
	}
}

/* Whom she shares with next must not see what is past: the record is wrapped for a new epoch, under
 * her own signature. */
TEST(sharing_it_with_one_more_does_not_make_his_words_hers)
{
	emr_id16 file;
	hers was;
	AUTO(end) pen p;

	file = begin(&p);
	was = remember();
	say(&p, file, was.psychiatry, "Pwned", "his");
	say(&p, file, (emr_id16){{0}}, "Pwned again", "his bytes");
	kit_settle(&s.k);
	give(&s.eve, file, 0);
	assert_int_equal(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL), EMR_OK);
	for (int restart = 0; restart < 2; restart++) {
		settle_after(restart);
		all_else_is_hers(&was, "his bytes");
		assert_int_equal(strlen(names_in("")), strlen("Inbox,Imaging,Psychiatry"));
	}
}

TEST(neither_a_name_nor_an_end_nor_another_kind_is_his)
{
	emr_id16 file;
	emr_place at;
	emr_meta meta;
	hers was;
	AUTO(end) pen p;

	file = begin(&p);
	was = remember();
	pen_rename_blindly(&p, file, file, was.psychiatry, "Pwned");
	assert_refused(&p);
	pen_describe(&p, EMR_META_DIR, file, file, was.psychiatry, "Pwned");
	assert_refused(&p);
	pen_unlink(&p, file, file);
	assert_refused(&p);
	/* content that is said to be a directory is her file all the same */
	at = next_of(file);
	meta = lie(&at, was.psychiatry, "Pwned");
	meta.type = EMR_META_DIR;
	pen_claim(&p, &at, &meta, "his bytes", false);
	assert_applied(&p);
	kit_settle(&s.k);
	all_else_is_hers(&was, "his bytes");
	/* and what she has removed he does not share again */
	kit_unlink(&s.k, "Imaging/MRI.pdf");
	kit_settle(&s.k);
	story_see(&s.lima);
	at.cver++;
	pen_claim(&p, &at, &meta, "back again", false);
	assert_int_equal(p.last.result, EMR_RESULT_GONE);
	for (int restart = 0; restart < 2; restart++) {
		settle_after(restart);
		assert_false(kit_exists(&s.k, "Imaging/MRI.pdf"));
		assert_string_equal(names_in("Psychiatry"), "diary.txt");
	}
}

static void plant(pen *p, emr_id16 file, const char *name, emr_id16 parent)
{
	pen_file(p, file, parent, name, "planted", NULL);
	assert_applied(p);
}

static emr_status note_bytes(void *arg, const emr_kept *kept)
{
	*(uint64_t *)arg += kept->bytes;
	return EMR_OK;
}

static void eve_sees_the_file_alone(void)
{
	uint64_t bytes = 0;
	AUTO(viewer_close) viewer v;

	assert_ok(emr_store_index_now(s.k.stack.store));
	viewer_open(&v, &s, &s.eve, "eve-folder", CONSULT);
	viewer_run(&v, NULL, 0);
	viewer_learn_owner(&v);
	assert_string_equal(viewer_list(&v, v.owner, owner_answers), "MRI.pdf");
	assert_ok(emr_view_each_kept(v.view, v.owner, note_bytes, &bytes));
	assert_int_equal(bytes, strlen("%PDF a knee"));
}

TEST(what_he_puts_beside_it_is_nowhere)
{
	emr_id16 file;
	hers was;
	AUTO(end) pen p;

	file = begin(&p);
	give(&s.eve, file, 0);
	was = remember();
	for (int restart = 0; restart < 2;
		restart++) { /* she is there when it comes, or starts afterwards */
		plant(&p, file, "in-file.txt", file);
		plant(&p, file, "at-top.txt", (emr_id16){{0}});
		plant(&p, file, "in-imaging.txt", s.imaging);
		plant(&p, file, "nowhere.txt", emr_id16_random());
		pen_dir(&p, file, file, "dir", NULL);
		assert_applied(&p);
		if (restart == 0)
			eve_sees_the_file_alone();
		settle_after(restart);
		assert_int_equal(strlen(names_in("")), strlen("Inbox,Imaging,Psychiatry"));
		assert_int_equal(strlen(names_in("Imaging")), strlen("Old,MRI.pdf"));
		all_else_is_hers(&was, "%PDF a knee");
	}
}

TEST(other_readers_see_her_description_too)
{
	emr_id16 file;
	emr_place at;
	emr_meta meta;
	emr_attr attr;
	uint16_t mode;
	AUTO(end) pen p;
	AUTO(viewer_close) viewer v;

	file = begin(&p);
	mode = kit_attr(&s.k, "Imaging/MRI.pdf").mode;
	give(&s.eve, file, 0);
	at = next_of(file);
	meta = lie(&at, kit_object_id(&s.k, "Psychiatry"), "Pwned");
	pen_claim(&p, &at, &meta, "his bytes", false);
	assert_applied(&p);
	/* her computer has said nothing of it yet */
	assert_ok(emr_store_index_now(s.k.stack.store));
	viewer_open(&v, &s, &s.eve, "eve-folder", CONSULT);
	viewer_run(&v, NULL, 0);
	viewer_learn_owner(&v);
	assert_string_equal(viewer_list(&v, v.owner, owner_answers), "MRI.pdf");
	assert_ok(viewer_find(&v, viewer_at(&v, "MRI.pdf"), owner_answers, &attr));
	assert_int_equal(attr.mode & 07777, mode);
	assert_int_equal(attr.size_bytes, strlen("his bytes"));
	assert_string_equal(viewer_attribute(&v, viewer_at(&v, "MRI.pdf"), "user.note"), "hers");
	viewer_reads(&v, "MRI.pdf", owner_answers, "his bytes");
}

static void put_line(char text[4000], const char *line, size_t len)
{
	(void)snprintf(text + strlen(text), 4000 - strlen(text), "%.*s\n", (int)len, line);
}

static void note_names(emr_id16 record_id, char text[4000])
{
	EMR_AUTO_VERSIONS all = emr_facts_record_history(s.k.stack.facts, record_id);
	emr_version v;

	while (emr_versions_next(&all, &v)) {
		put_line(text, (const char *)v.meta->name.data, v.meta->name.len);
		assert_true(emr_id16_equal(v.meta->parent, s.imaging));
	}
	assert_ok(all.status);
}

static void note_paths(emr_chronicle *chronicle, char text[4000])
{
	EMR_AUTO_EVENTS events = emr_chronicle_events(chronicle);
	emr_event event;

	while (emr_events_next(&events, &event)) {
		if (event.path != NULL)
			put_line(text, event.path, strlen(event.path));
		if (event.from != NULL)
			put_line(text, event.from, strlen(event.from));
	}
}

TEST(the_past_and_the_log_have_her_name_for_it)
{
	emr_chronicle *chronicle;
	char text[4000] = "";
	emr_id16 file;
	emr_place at, place;
	emr_meta meta;
	AUTO(end) pen p;

	file = begin(&p);
	at = next_of(file);
	meta = lie(&at, kit_object_id(&s.k, "Psychiatry"), "Pwned");
	pen_claim(&p, &at, &meta, "his bytes", false);
	assert_applied(&p);
	kit_settle(&s.k);
	kit_rename(&s.k, "Imaging/MRI.pdf", "Imaging/knee.pdf");
	kit_settle(&s.k);
	assert_ok(emr_view_place(s.k.view, "Imaging/knee.pdf", &place));
	note_names(place.record_id, text);
	assert_string_equal(text, "MRI.pdf\nMRI.pdf\nMRI.pdf\nMRI.pdf\nknee.pdf\n");
	text[0] = 0;
	assert_ok(emr_chronicle_new(s.k.stack.facts, s.k.stack.replica, &chronicle));
	assert_ok(emr_chronicle_catch_up(chronicle, NULL));
	note_paths(chronicle, text);
	emr_chronicle_free(chronicle);
	assert_null(strstr(text, "Pwned"));
	assert_non_null(strstr(text, "Imaging/MRI.pdf\nImaging/knee.pdf\nImaging/MRI.pdf\n"));
}

TESTS(NULL, NULL)
