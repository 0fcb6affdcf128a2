/* These tests read what others share: how much is asked for, what the owner hears of it, and which
 * programs are let in. */
#include "shared_kit.h"

#include "contract/codes.h"
#include "ledger/act.h"
#include "ledger/ledger.h"

#include "kept.h"
#include "shared.h"
#include "tree.h"

#define SLICES 300

static void share(story *s, viewer *v)
{
	(void)story_share(s, &s->lima, 0, false);
	viewer_run(v, NULL, 0);
	viewer_learn_owner(v);
}

static size_t questions(const viewer *v)
{
	EMR_AUTO_BUF all = {0};

	assert_ok(EMR_ASK_ALL(&all, v->replica, RELEASES, .domain = v->s->imaging));
	return all.len / sizeof(emr_known_release);
}

TEST(a_series_of_300_slices_costs_twelve_questions_at_most)
{
	story s;
	viewer v;
	size_t names;

	story_begin(&s);
	kit_mkdir(&s.k, "Imaging/S");
	for (int i = 0; i < SLICES; i++) {
		kit_text(&s.k, printed("Imaging/S/%03d.dcm", i), printed("slice %d", i));
	}
	kit_publish_all(&s.k);
	assert_ok(emr_store_index_now(s.k.stack.store));
	viewer_open(&v, &s, &s.lima, "lima-folder", CONSULT);
	share(&s, &v);
	assert_non_null(strstr(
		viewer_list(&v, viewer_at(&v, "Imaging/S"), owner_answers), "000.dcm,001.dcm,"));
	names = questions(&v);
	assert_int_equal(names, 1);
	for (int i = 0; i < SLICES; i++) {
		assert_string_equal(viewer_text(&v, viewer_at(&v, printed("Imaging/S/%03d.dcm", i)),
					    owner_answers),
			printed("slice %d", i));
	}
	assert_true(questions(&v) - names <= 12);
	/* backwards and again: everything is here */
	names = questions(&v);
	for (int i = SLICES; i-- > 0;) {
		assert_string_equal(
			viewer_text(&v, viewer_at(&v, printed("Imaging/S/%03d.dcm", i)), NULL),
			printed("slice %d", i));
	}
	assert_int_equal(questions(&v), names);
	viewer_end(&s, &v);
}

/* ---- reports ---- */

typedef struct heard {
	size_t n, released;
	emr_report_row rows[8];
} heard;

static heard audit(story *s)
{
	EMR_AUTO_BUF all = {0};
	heard h = {.n = 0};

	assert_ok(emr_replica_catch_up(s->k.stack.replica, NULL, NULL, NULL));
	assert_ok(emr_share_audit(s->ana, s->imaging, &all, NULL));
	EMR_EACH (const emr_audit_entry, entry, &all) {
		h.released += entry->kind == EMR_AUDIT_RELEASED;
		if (entry->kind != EMR_AUDIT_OPENED)
			continue;
		assert_true(h.n < 8);
		h.rows[h.n++] = entry->opened;
	}
	return h;
}

/* ---- readers that are kept */

static uint64_t node_of(viewer *v, const char *inside)
{
	emr_attr attr;

	assert_ok(viewer_find(v, viewer_at(v, inside), owner_answers, &attr));
	return attr.node;
}

static bool keeps(const viewer *v, uint64_t number)
{
	return tree_has_reader(tree_by_number(v->view, number));
}

static emr_status opens(const viewer *v, uint64_t number)
{
	emr_handle *h = NULL;
	emr_status status = emr_view_open_file(v->view, number, O_RDONLY, &h);

	if (status == EMR_OK)
		emr_view_release(h);
	return status;
}

TEST(closed_files_open_at_once_until_they_are_judged_again)
{
	LIMAS_FOLDER;
	uint64_t number, other;

	share(&s, &v);
	assert_int_not_equal(
		viewer_text(&v, viewer_at(&v, "Imaging/Old/CT.pdf"), owner_answers)[0], '!');
	other = node_of(&v, "Imaging/Old/CT.pdf");
	viewer_run(&v, NULL, 2);
	viewer_reads(&v, "Imaging/MRI.pdf", owner_answers, "%PDF a knee");
	number = node_of(&v, "Imaging/MRI.pdf");
	story_pass(&s, 10);
	viewer_run(&v, NULL, 2);
	assert_int_equal(audit(&s).n, 2);
	for (int i = 0; i < 3; i++)
		assert_ok(opens(&v, number));
	assert_int_equal(v.view->index.kept, 2);
	story_pass(&s, 300);
	viewer_run(&v, NULL, 2);
	assert_true(keeps(&v, other));
	assert_int_equal(audit(&s).n, 3); /* once and in one report */
	story_pass(&s, 301);		  /* whose word it is may have changed */
	assert_status(EMR_BUSY, opens(&v, number));
	viewer_run(&v, NULL, 0); /* and also where nobody opens it */
	assert_false(keeps(&v, number));
	assert_false(keeps(&v, other));
	assert_int_equal(v.view->index.kept, 0);
	viewer_reads(&v, "Imaging/MRI.pdf", NULL, "%PDF a knee");
}

static void ledger_goes(const story *s, bool away)
{
	char network[600], elsewhere[620];

	(void)snprintf(network, sizeof network, "%s/network", s->k.stack.path);
	(void)snprintf(elsewhere, sizeof elsewhere, "%s.away", network);
	assert_int_equal(away ? rename(network, elsewhere) : rename(elsewhere, network), 0);
}

/* No program has it open. HOW: 0: it is taken back; 1: its time is over; 2: the same while the
 * ledger is away; 3: there is no word from the ledger for a day. */
static void goes_with_the_right(int how)
{
	const uint64_t late = how == 1 || how == 2 ? 7 * DAY - 300 : 0;
	LIMAS_FOLDER;
	uint64_t number;
	size_t n;

	share(&s, &v);
	story_pass(&s, late);
	viewer_run(&v, owner_answers, 1);
	viewer_reads(&v, "Imaging/MRI.pdf", owner_answers, "%PDF a knee");
	number = node_of(&v, "Imaging/MRI.pdf");
	viewer_run(&v, NULL, 0);
	assert_true(keeps(&v, number));
	assert_ok(opens(&v, number));
	v.told[0] = 0;
	if (how >= 2)
		ledger_goes(&s, true);
	if (how == 0)
		assert_ok(emr_share_revoke_person(
			begins(s.ana), s.imaging, s.lima.public.signer_id, &n));
	story_pass(&s, how == 3 ? DAY + 60 : 300);
	viewer_run(&v, NULL, 0);
	assert_false(keeps(&v, number));
	assert_non_null(strstr(v.told, printed("%llu *\n", (unsigned long long)number)));
	assert_status(how == 0	 ? EMR_ACCESS_REVOKED
		      : how == 3 ? EMR_BUSY
				 : EMR_ACCESS_ENDED,
		opens(&v, number));
	if (how >= 2)
		ledger_goes(&s, false);
}

TEST(a_closed_file_goes_with_the_right_to_it)
{
	for (int how = 0; how < 4; how++)
		goes_with_the_right(how);
}

/* Open files go on, but not for a day without the ledger, and are not opened again by the former
 * grant's keys. */
static void goes_with_the_former_grant(bool is_away)
{
	LIMAS_FOLDER;
	emr_grant_made first = story_share(&s, &s.lima, 0, false);
	emr_handle *h = NULL;
	uint64_t closed, open;
	char bytes[64];
	size_t got = 0;

	viewer_run(&v, NULL, 0);
	viewer_learn_owner(&v);
	viewer_reads(&v, "Imaging/MRI.pdf", owner_answers, "%PDF a knee");
	closed = node_of(&v, "Imaging/MRI.pdf");
	assert_ok(viewer_open_file(&v, viewer_at(&v, "Imaging/Old/CT.pdf"), owner_answers, &h));
	open = h->node->number;
	(void)story_share(&s, &s.lima, 0, false);
	assert_ok(emr_share_revoke(begins(s.ana), s.imaging, first.grant));
	viewer_run(&v, NULL, 0);
	assert_false(keeps(&v, closed));
	assert_ok(emr_view_read(h, 0, bytes, sizeof bytes, &got));
	assert_true(got > 0);
	if (is_away) {
		ledger_goes(&s, true);
		story_pass(&s, DAY + 60);
		viewer_run(&v, NULL, 0);
		assert_int_not_equal(emr_view_read(h, 0, bytes, sizeof bytes, &got), EMR_OK);
		ledger_goes(&s, false);
	}
	emr_view_release(h);
	assert_false(keeps(&v, open));
	viewer_run(&v, owner_answers, 1);
	viewer_reads(&v, "Imaging/MRI.pdf", owner_answers, "%PDF a knee");
}

TEST(readers_go_with_the_grant_that_was_replaced)
{
	goes_with_the_former_grant(false);
	goes_with_the_former_grant(true);
}

TEST(a_version_that_was_replaced_does_not_open_after_its_close)
{
	LIMAS_FOLDER;
	uint64_t number, other;

	share(&s, &v);
	viewer_reads(&v, "Imaging/MRI.pdf", owner_answers, "%PDF a knee");
	number = node_of(&v, "Imaging/MRI.pdf");
	assert_ok(opens(&v, number));
	assert_int_not_equal(
		viewer_text(&v, viewer_at(&v, "Imaging/Old/CT.pdf"), owner_answers)[0], '!');
	other = node_of(&v, "Imaging/Old/CT.pdf");
	kit_text(&s.k, "Imaging/Old/CT.pdf", "%PDF another head");
	kit_text(&s.k, "Imaging/MRI.pdf", "%PDF another knee");
	kit_publish_all(&s.k);
	assert_ok(emr_store_index_now(s.k.stack.store));
	v.view->shares->all->build_not_before_ns = INT64_MAX; /* shows what was, for a moment */
	viewer_run(&v, NULL, 0);
	assert_int_equal(node_of(&v, "Imaging/MRI.pdf"), number);
	assert_status(EMR_BUSY, opens(&v, number));
	v.view->shares->all->build_not_before_ns = 0;
	viewer_run(&v, owner_answers, 2);
	assert_int_not_equal(node_of(&v, "Imaging/MRI.pdf"), number);
	assert_int_not_equal(opens(&v, number), EMR_OK);
	assert_true(keeps(&v, other)); /* and after it */
	assert_status(EMR_BUSY, opens(&v, other));
	viewer_reads(&v, "Imaging/MRI.pdf", owner_answers, "%PDF another knee");
}

/* ---- what the owner hears */

TEST(the_owner_hears_what_was_opened_and_how_much_of_it)
{
	viewer v;
	emr_handle *ct = NULL;
	char bytes[64];
	size_t got = 0;
	heard h;

	STORY;
	viewer_begin(&v, &s);
	share(&s, &v);
	viewer_reads(&v, "Imaging/MRI.pdf", owner_answers, "%PDF a knee");
	viewer_reads(&v, "Imaging/MRI.pdf", owner_answers, "%PDF a knee");
	assert_ok(viewer_open_file(&v, viewer_at(&v, "Imaging/Old/CT.pdf"), owner_answers, &ct));
	assert_ok(emr_view_read(ct, 2, bytes, 4, &got));
	emr_view_release(ct);
	viewer_run(&v, NULL, 0);
	assert_int_equal(audit(&s).n, 0); /* gathered for a moment */
	story_pass(&s, 6);
	viewer_run(&v, NULL, 0);
	h = audit(&s);
	assert_int_equal(h.n, 2);
	assert_int_equal(h.rows[0].opens + h.rows[1].opens, 3);
	for (size_t i = 0; i < 2; i++) {
		bool is_mri = h.rows[i].opens == 2;

		assert_int_equal(h.rows[i].reader, EMR_READER_PERSON);
		assert_int_equal(h.rows[i].purpose, CONSULT);
		assert_int_equal(h.rows[i].whole, is_mri);
		assert_int_equal(h.rows[i].bytes, is_mri ? 22 : 4);
		assert_int_equal(h.rows[i].version, 1);
		assert_false(h.rows[i].refused);
	}
	/* what is not sent yet goes when the folder is closed */
	viewer_reads(&v, "Imaging/MRI.pdf", NULL, "%PDF a knee");
	viewer_close(&v);
	assert_int_equal(audit(&s).n, 3);
}

TEST(the_end_of_a_share_does_not_swallow_the_last_report)
{
	LIMAS_FOLDER;
	share(&s, &v);
	viewer_reads(&v, "Imaging/MRI.pdf", owner_answers, "%PDF a knee");
	story_pass(&s, 8 * DAY);
	viewer_run(&v, NULL, 0);
	assert_int_equal(audit(&s).n, 1);
}

/* While there still is a key to report it with; and whoever looks at it is told by name. */
TEST(what_is_open_when_its_share_ends_is_reported_and_told)
{
	emr_handle *twice[2] = {NULL, NULL}, *other = NULL;
	char bytes[64];
	size_t got = 0;
	heard h;

	LIMAS_FOLDER;
	share(&s, &v);
	for (size_t i = 0; i < 2; i++) {
		assert_ok(viewer_open_file(
			&v, viewer_at(&v, "Imaging/MRI.pdf"), owner_answers, &twice[i]));
		assert_ok(emr_view_read(twice[i], 0, bytes, 5, &got));
	}
	assert_ok(viewer_open_file(&v, viewer_at(&v, "Imaging/Old/CT.pdf"), owner_answers, &other));
	story_pass(&s, 8 * DAY);
	viewer_run(&v, NULL, 0);
	h = audit(&s);
	assert_int_equal(h.n, 2);
	assert_int_equal(h.rows[0].opens + h.rows[1].opens, 3);
	assert_int_equal(h.rows[0].bytes + h.rows[1].bytes, 10);
	assert_non_null(strstr(v.notices, "grant-expired shared-with-me/"));
	assert_non_null(strstr(v.notices, "/Imaging/MRI.pdf missing"));
	assert_non_null(strstr(v.notices, "/Imaging/Old/CT.pdf missing"));
	assert_null(strstr(strstr(v.notices, "/Imaging/MRI.pdf") + 1, "/Imaging/MRI.pdf"));
	assert_status(EMR_ACCESS_ENDED, emr_view_read(other, 0, bytes, 5, &got));
	for (size_t i = 0; i < 2; i++)
		emr_view_release(twice[i]);
	emr_view_release(other);
	story_pass(&s, 6);
	viewer_run(&v, NULL, 0);
	assert_int_equal(audit(&s).n, 2); /* not once more */
}

static emr_grant_phase phase_of(story *s)
{
	EMR_AUTO_BUF all = {0};

	assert_ok(emr_share_given(s->ana, s->imaging, &all));
	assert_int_equal(all.len, sizeof(emr_given));
	return ((const emr_given *)(void *)all.data)->phase;
}

/* As with the share itself, and its owner's list says so, too. */
TEST(what_is_open_ends_with_its_readers_key)
{
	emr_handle *open = NULL;
	char bytes[64];
	size_t got = 0;

	LIMAS_FOLDER;
	share(&s, &v);
	assert_ok(viewer_open_file(&v, viewer_at(&v, "Imaging/MRI.pdf"), owner_answers, &open));
	assert_ok(emr_view_read(open, 0, bytes, 5, &got));
	assert_int_equal(phase_of(&s), EMR_GRANT_IN_FORCE);
	story_does(&s, &s.bosses[0], emr_act_key_revoke(s.lima.public.signer_id, story_now(&s), 0));
	viewer_run(&v, NULL, 0);
	assert_status(EMR_ACCESS_REVOKED, emr_view_read(open, 0, bytes, 5, &got));
	emr_view_release(open);
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	assert_int_equal(phase_of(&s), EMR_GRANT_IS_REVOKED);
}

/* ---- programs ---- */

TESTS(NULL, NULL)
