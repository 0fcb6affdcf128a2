/* The author of a deposit or a file chooses its id, and everybody can read all ids on the ledger:
 * these tests choose that of another record, of another person's record, or of something that this
 * computer only shows. */
#include "contract/codes.h"

#include "deposit_kit.h"
#include "pen_kit.h"
#include "shared.h"
#include "tree.h"

static story s;

static void settle(bool restart)
{
	if (restart)
		kit_restart(&s.k);
	kit_settle(&s.k);
}

/* ---- a writer ---- */

static void begin(pen *p)
{
	story_begin(&s);
	kit_mkdir(&s.k, "Psychiatry");
	kit_mkdir(&s.k, "Psychiatry/Notes");
	kit_text(&s.k, "Psychiatry/diary.txt", "nobody else's");
	kit_save(&s.k, "Psychiatry/Notes/first.txt", "nor this");
	(void)pen_writes(&s, p, &s.lima, "lima");
}

static void end(pen *p)
{
	pen_close(p);
	story_end(&s);
}

static void expect_untouched(void)
{
	kit_expect_text(&s.k, "Psychiatry/diary.txt", "nobody else's");
	kit_expect_text(&s.k, "Psychiatry/Notes/first.txt", "nor this");
}

static void applied(const pen *p)
{
	assert_ok(p->status);
	assert_int_equal(p->last.result, EMR_RESULT_APPLIED);
}

TEST(a_record_with_the_id_of_another_is_not_that_one)
{
	emr_place at = {.cver = 1};

	SCENE(pen, p, begin, end);
	at.domain = s.imaging;
	at.object = at.record_id = kit_object_id(&s.k, "Psychiatry/diary.txt");
	for (at.cver = 1; at.cver <= 4; at.cver++) {
		pen_over(&p, &at, s.imaging, "diary.txt", "planted");
		applied(&p);
		settle(false);
		expect_untouched();
	}
	settle(true);
	expect_untouched();
	pen_unlink(&p, s.imaging, at.object);
	applied(&p);
	settle(false);
	expect_untouched();
	settle(true);
	expect_untouched();
	/* Her own record goes on. */
	kit_text(&s.k, "Psychiatry/diary.txt", "written on");
	settle(false);
	settle(true);
	kit_expect_text(&s.k, "Psychiatry/diary.txt", "written on");
}

TEST(nor_a_directory)
{
	emr_id16 notes, top;

	SCENE(pen, p, begin, end);
	notes = kit_object_id(&s.k, "Psychiatry/Notes");
	top = kit_object_id(&s.k, "Psychiatry");
	for (int i = 0; i < 3; i++) {
		pen_describe(&p, EMR_META_DIR, s.imaging, notes, s.imaging, "Notes");
		applied(&p);
		pen_describe(&p, EMR_META_DIR, s.imaging, top, s.imaging, "Psychiatry");
		applied(&p);
		settle(i == 1);
		expect_untouched();
	}
	pen_unlink(&p, s.imaging, notes);
	applied(&p);
	pen_unlink(&p, s.imaging, top);
	applied(&p);
	for (int restart = 0; restart < 2; restart++) {
		settle(restart);
		expect_untouched();
	}
}

/* While she changes hers, and its row is in the journal. */
TEST(not_even_while_it_is_being_changed)
{
	emr_place at = {.cver = 1};

	SCENE(pen, p, begin, end);
	at.domain = s.imaging;
	at.object = at.record_id = kit_object_id(&s.k, "Psychiatry/diary.txt");
	kit_text(&s.k, "Psychiatry/diary.txt", "changed, not sent");
	for (at.cver = 1; at.cver <= 3; at.cver++)
		pen_over(&p, &at, s.imaging, "diary.txt", "planted");
	applied(&p);
	kit_restart(&s.k);
	kit_expect_text(&s.k, "Psychiatry/diary.txt", "changed, not sent");
	settle(false);
	kit_expect_text(&s.k, "Psychiatry/diary.txt", "changed, not sent");
	kit_unlink(&s.k, "Psychiatry/diary.txt");
	settle(true);
	assert_false(kit_exists(&s.k, "Psychiatry/diary.txt"));
}

/* A second folder, in which eve may write. */
static emr_id16 share_letters(void)
{
	emr_grant_order order = {.grantee = s.eve.public.signer_id,
		.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.writes = EMR_WRITES_ALL,
		.purposes = 1u << CONSULT,
		.label = "Letters",
		.owner_name = "Silva, Ana",
		.owner_born = "1984-03-12",
		.not_after_unix_s = story_now(&s) + 7 * DAY};
	emr_grant_made made;

	kit_mkdir(&s.k, "Letters");
	kit_publish_all(&s.k);
	assert_ok(emr_view_make_domain(s.k.view, "Letters", &order.domain));
	for (int i = 0; i < 4; i++)
		kit_publish_all(&s.k);
	assert_ok(emr_share_grant(begins(s.ana), &order, &made));
	return order.domain;
}

/* Two people make something by one id, each where he may write, before her computer sees either. */
TEST(of_two_that_come_at_once_the_first_on_the_ledger_is_meant)
{
	const char *const shown[] = {"Imaging/one.txt", "Letters/two.txt"};
	const char *const hidden[] = {"Letters/one.txt", "Imaging/two.txt"};
	emr_place at = {.cver = 1};
	emr_id16 letters;
	pen lima, eve;

	begin(&lima);
	letters = share_letters();
	pen_open(&s, &eve, &s.eve, "eve");
	story_see(&s.eve);
	for (int i = 0; i < 2; i++) {
		at.object = at.record_id = emr_id16_random();
		for (int turn = 0; turn < 2; turn++) {
			pen *p = i == turn ? &lima : &eve;

			at.domain = i == turn ? s.imaging : letters;
			pen_over(p, &at, at.domain, i == 0 ? "one.txt" : "two.txt",
				turn == 0 ? "the first" : "the second");
			applied(p);
		}
		settle(false);
		kit_expect_text(&s.k, shown[i], "the first");
		assert_false(kit_exists(&s.k, hidden[i]));
	}
	settle(true);
	for (int i = 0; i < 2; i++) {
		kit_expect_text(&s.k, shown[i], "the first");
		assert_false(kit_exists(&s.k, hidden[i]));
	}
	pen_close(&eve);
	end(&lima);
}

/* ---- the other way round: who shares a folder chooses ids in it ---- */

static emr_status take(
	void *arg, emr_journal_txn *txn, const emr_change_outcome *outcomes, size_t n)
{
	uint64_t seq;

	assert_int_equal(n, 1);
	*(emr_change_outcome *)arg = outcomes[0];
	return emr_journal_commit(txn, &seq);
}

/* The person of SETTLE puts TEXT there, or makes a directory (NULL). */
static void plant(emr_settle *settle, emr_record_ctx *records, emr_id16 domain, emr_id16 object,
	const char *name, const char *text)
{
	emr_change_outcome outcome = {.error = EMR_NOT_FOUND};
	emr_meta meta = {.type = text != NULL ? EMR_META_FILE : EMR_META_DIR,
		.mode = 0700,
		.n = text != NULL ? strlen(text) : 0,
		.mtime_ns = s.k.clock.unix_ns,
		.parent = domain,
		.name = emr_bytes_of(name, strlen(name))};
	emr_change change = {.kind = text != NULL ? EMR_CHANGE_PUT : EMR_CHANGE_META,
		.domain = domain,
		.object = object,
		.node = object,
		.record_id = object,
		.cver = 1,
		.meta = &meta};
	emr_content content;
	emr_content_key *key;
	emr_staging *staging;

	memcpy(meta.r_pid, emr_id32_random().b, sizeof meta.r_pid);
	if (text != NULL) {
		assert_ok(emr_staging_new(records, emr_id16_random(), NULL, 0, &staging));
		assert_ok(emr_staging_write(staging, 0, text, strlen(text)));
		assert_ok(emr_staging_freeze(staging, &content, &key));
		emr_content_key_free(key);
		emr_staging_discard(staging);
		change.content = &content;
	}
	assert_ok(emr_settle_publish(settle, &change, 1, take, &outcome));
	assert_ok(outcome.error);
	assert_int_equal(outcome.result, EMR_RESULT_APPLIED);
}

static uint64_t top_of(viewer *v, const char *path)
{
	emr_attr attr;

	assert_ok(viewer_find(v, path, owner_answers, &attr));
	assert_ok(viewer_wait(v, attr.node, EMR_NEED_NAMES, owner_answers));
	return attr.node;
}

static emr_status write_new(viewer *v, uint64_t directory, const char *name, const char *text)
{
	emr_handle *h = NULL;
	emr_attr attr;
	emr_status status = emr_view_create(v->view, directory, name, 0600, O_WRONLY, &attr, &h);

	if (status != EMR_OK)
		return status;
	assert_ok(emr_view_write(h, 0, emr_bytes_of(text, strlen(text))));
	kit_close_file(h);
	emr_view_forget(v->view, attr.node, 1);
	return EMR_OK;
}

static emr_status write_over(viewer *v, uint64_t directory, const char *name, const char *text)
{
	emr_handle *h = NULL;
	emr_attr attr;
	emr_status status;

	assert_ok(emr_view_lookup(v->view, directory, name, &attr));
	status = emr_view_open_file(v->view, attr.node, O_WRONLY | O_TRUNC, &h);
	if (status != EMR_OK)
		return status;
	assert_ok(emr_view_write(h, 0, emr_bytes_of(text, strlen(text))));
	kit_close_file(h);
	return EMR_OK;
}

static void run(viewer *v)
{
	assert_ok(emr_view_publish_now(v->view));
	kit_wait_ms(&s.k, 60000);
	kit_publish_all(&s.k);
	viewer_run(v, owner_answers, 3);
}

static emr_id16 own_id(viewer *v, const char *path)
{
	emr_id16 id;

	assert_ok(emr_unhex(viewer_attribute(v, path, "user.emrfs.id"), id.b, sizeof id.b));
	return id;
}

static void begin_to_read(viewer *v)
{
	emr_attr attr;

	story_begin(&s);
	assert_ok(emr_store_index_now(s.k.stack.store));
	viewer_open(v, &s, &s.lima, "lima-folder", CONSULT);
	assert_ok(emr_view_mkdir(v->view, EMR_ROOT_NODE, "Private", 0700, &attr));
	assert_ok(write_new(v, attr.node, "own.txt", "lima's own"));
	run(v);
	(void)story_lets_write(&s, &s.lima, false);
}

TEST(who_shares_has_no_part_in_what_is_ones_own)
{
	emr_id16 own, private;
	uint64_t directory;
	viewer v;

	begin_to_read(&v);
	own = own_id(&v, "Private/own.txt");
	private = own_id(&v, "Private");
	plant(s.k.stack.settle, s.k.stack.records, s.imaging, own, "trap.txt", "a trap");
	plant(s.k.stack.settle, s.k.stack.records, s.imaging, private, "Trap", NULL);
	run(&v);
	viewer_learn_owner(&v);
	assert_string_equal(viewer_list(&v, viewer_at(&v, "Imaging"), owner_answers),
		"MRI.pdf,Old,Trap,trap.txt");
	viewer_reads(&v, "Imaging/trap.txt", owner_answers, "a trap");
	directory = top_of(&v, viewer_at(&v, "Imaging"));
	assert_status(EMR_DENIED, write_over(&v, directory, "trap.txt", "into the trap"));
	assert_string_equal(viewer_text(&v, "Private/own.txt", owner_answers), "lima's own");
	/* A file made in the directory is the patient's, also after a restart. */
	directory = top_of(&v, viewer_at(&v, "Imaging/Trap"));
	assert_ok(write_new(&v, directory, "finding.txt", "hers"));
	viewer_close(&v);
	viewer_open(&v, &s, &s.lima, "lima-folder", CONSULT);
	for (int i = 0; i < 3; i++)
		run(&v);
	viewer_learn_owner(&v);
	assert_string_equal(viewer_list(&v, "Private", owner_answers), "own.txt");
	assert_string_equal(viewer_text(&v, "Private/own.txt", owner_answers), "lima's own");
	viewer_lists(&v, "Imaging/Trap", owner_answers, "finding.txt");
	viewer_close(&v);
	story_end(&s);
}

/* ---- what is only shown ---- */

TEST(nothing_is_taken_for_what_is_only_shown)
{
	emr_id16 inbox, taken[2];
	viewer v;

	begin_to_read(&v);
	assert_ok(domains_inbox(v.view, &inbox));
	taken[0] = shared_top_id();
	taken[1] = shared_record_id(s.imaging, s.imaging, 0);
	for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
		plant(v.settle, v.records, inbox, taken[i], "a.txt", "planted");
	for (int restart = 0; restart < 2; restart++) {
		run(&v);
		viewer_learn_owner(&v);
		viewer_lists(&v, "Imaging", owner_answers, "MRI.pdf,Old");
		viewer_close(&v);
		viewer_open(&v, &s, &s.lima, "lima-folder", CONSULT);
	}
	viewer_close(&v);
	story_end(&s);
}

TESTS(NULL, NULL)
