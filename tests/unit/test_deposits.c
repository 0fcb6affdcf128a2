/* These tests are about a doctor who has nothing but a card and leaves records in ana's Inbox:
 * where a record lies, whose word it is, and what is not shown. */
#include "deposit_kit.h"

#include "compare.h"
#include "contract/codes.h"
#include "edit.h"
#include "share/deposit.h"
#include "settle/whose.h"
#include "signed.h"
#include "tree.h"

#define BETWEEN "\xe2\x88\x95"

static void expect_signature(story *s, const char *path, const char *start)
{
	const char *is = kit_attribute(&s->k, path, "user.emrfs.signature");

	if (strncmp(is, start, strlen(start)) != 0)
		fail_msg("%s: \"%s\", not \"%s...\"", path, is, start);
}

TEST(what_came_while_the_folder_was_closed_is_put_away_too)
{
	DEPOSIT;

	emr_stack_close(&s.k.stack);
	(void)deposit(&d, "a.txt", "one");
	kit_start(&s.k);
	assert_string_equal(deposits_list(&s, "Inbox"), "");
	deposits_arrive(&s);
	assert_string_equal(deposits_list(&s, deposits_today(&s)), "a.txt");
	/* Closed before the place is on the ledger: the journal has it. */
	(void)deposit(&d, "b.txt", "two");
	kit_publish(&s.k);
	kit_restart(&s.k);
	assert_string_equal(deposits_list(&s, deposits_today(&s)), "a.txt,b.txt");
	deposits_arrive(&s);
	assert_string_equal(deposits_list(&s, deposits_today(&s)), "a.txt,b.txt");
	kit_expect_text(&s.k, deposits_path(&s, "b.txt"), "two");
	deposit_end(&s, &d);
}

TEST(names_and_places_that_mislead_are_made_plain)
{
	static const struct {
		leaving what;
		const char *shown;
	} tries[] = {
		{{.name = "../../Imaging/MRI.pdf"}, "unnamed"},
		{{.name = ".."}, "unnamed"},
		{{.name = "."}, "unnamed"},
		{{.name = "\xe2\x80\xaegnp.exe"}, "_gnp.exe"}, /* right-to-left override: U+202E */
		{{.name = "a\0b", .name_len = 3}, "unnamed"},
		{{.name = "line\nbreak"}, "line_break"},
		{{.name = " with  blanks\xc3\xa3.pdf"}, "_with  blanks\xc3\xa3.pdf"},
		{{.name = "\xff\xfe.pdf"}, "__.pdf"},
		{{.name = ".hidden"}, "_hidden"},
		{{.name = "HEAD"}, "_HEAD"}, /* as in shares: it configures no program */
		{{.name = "commondir"}, "_commondir"},
		{{.name = "Desktop.ini"}, "_Desktop.ini"},
		{{.name = "scratch.tmp"}, "scratch.tmp"},
		{{.name = "Thumbs.db"}, "_Thumbs.db_"},
		{{.name = "elsewhere.txt", .parent = {{5, 5, 5}}}, "elsewhere.txt"},
		{{.name = BETWEEN ".." BETWEEN ".ssh" BETWEEN "HEAD" BETWEEN "a" BETWEEN "b"},
			"unnamed/__/_ssh/HEAD/a" BETWEEN "b"},
		{{.name = "a" BETWEEN}, "a/unnamed"},
	};
	DEPOSIT;

	for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
		leaving what = tries[i].what;

		what.text = "x";
		assert_int_equal(deposit_try(&d, &what, NULL), EMR_RESULT_APPLIED);
		deposits_arrive(&s);
		if (!kit_exists(&s.k, deposits_path(&s, tries[i].shown)))
			fail_msg("not \"%s\" but one of: %s", tries[i].shown,
				deposits_list(&s, deposits_today(&s)));
		kit_unlink(&s.k, deposits_path(&s, tries[i].shown));
		deposits_arrive(&s);
	}
	kit_expect_text(&s.k, "Imaging/MRI.pdf", "%PDF a knee");
	deposit_end(&s, &d);
}

TEST(a_study_is_one_folder_whoever_of_her_computers_sees_it_first)
{
	DEPOSIT;

	(void)deposit(&d, "Knee" BETWEEN "a.dcm", "one");
	(void)deposit(&d, "Knee" BETWEEN "Scout" BETWEEN "a.dcm", "two");
	deposits_arrive(&s);
	kit_restart(&s.k);
	(void)deposit(&d, "Knee" BETWEEN "b.dcm", "three");
	deposits_arrive(&s);
	assert_string_equal(deposits_list(&s, deposits_today(&s)), "Knee");
	assert_string_equal(deposits_list(&s, deposits_path(&s, "Knee")), "Scout,a.dcm,b.dcm");
	kit_expect_text(&s.k, deposits_path(&s, "Knee/Scout/a.dcm"), "two");
	/* One that she moved away is hers: the next lies where it came. */
	kit_rename(&s.k, deposits_path(&s, "Knee"), "Imaging/Knee");
	(void)deposit(&d, "Knee" BETWEEN "c.dcm", "four");
	(void)deposit(&d, "Knee" BETWEEN "d.dcm", "five");
	deposits_arrive(&s);
	assert_string_equal(deposits_list(&s, deposits_path(&s, "Knee")), "c.dcm,d.dcm");
	deposit_end(&s, &d);
}

/* A directory or link of a stranger's making, or a record that says it is one of hers, is not
 * shown; attributes are the owner's to set. */
TEST(what_is_no_plain_new_file_is_not_shown)
{
	DEPOSIT;
	leaving what = {.name = "link", .text = "x", .type = EMR_META_SYMLINK};
	EMR_AUTO_BUF value = {0};
	emr_attr attr;

	assert_int_equal(deposit_try(&d, &what, NULL), EMR_RESULT_APPLIED);
	what = (leaving){.name = "dir", .text = "x", .type = EMR_META_DIR};
	assert_int_equal(deposit_try(&d, &what, NULL), EMR_RESULT_APPLIED);
	what = (leaving){.name = "MRI.pdf", .text = "x", .record_id = s.imaging};
	assert_int_equal(deposit_try(&d, &what, NULL), EMR_RESULT_APPLIED);
	deposits_arrive(&s);
	assert_string_equal(deposits_list(&s, "Inbox"), "");
	what = (leaving){.name = "tool", .text = "x", .mode = 04777, .attribute = "user.colour"};
	assert_int_equal(deposit_try(&d, &what, NULL), EMR_RESULT_APPLIED);
	deposits_arrive(&s);
	attr = kit_attr(&s.k, deposits_path(&s, "tool"));
	assert_int_equal(attr.mode, 0600);
	assert_status(EMR_NO_ATTRIBUTE,
		emr_view_get_attribute(s.k.view, attr.node, "user.colour", &value));
	kit_restart(&s.k);
	deposits_arrive(&s);
	assert_string_equal(deposits_list(&s, deposits_today(&s)), "tool");
	deposit_end(&s, &d);
}

static char noticed[400];

static void note(void *arg, const char *id, const char *path)
{
	size_t len = strlen(noticed);

	(void)arg;
	if (strcmp(id, "inbox-limit") == 0) /* this kit's copy takes everybody's domains for ana's,
					       and finds the others' unreadable */
		(void)snprintf(noticed + len, sizeof noticed - len, "%s %s\n", id, path);
}

static void note_all(void *arg, const char *id, const char *path)
{
	size_t len = strlen(noticed);

	(void)arg;
	(void)snprintf(noticed + len, sizeof noticed - len, "%s %s\n", id, path);
}

TEST(what_is_beyond_the_limits_is_not_shown_and_told_once)
{
	DEPOSIT;

	story_rules(&s, "deposits-a-day = 2\ndeposit-bytes = 100000\n");
	s.k.options.notice = note;
	noticed[0] = '\0';
	kit_restart(&s.k);
	(void)deposit(&d, "1.txt", "x");
	(void)deposit(&d, "2.txt", "x");
	(void)deposit(&d, "3.txt", "x");
	(void)deposit(&d, "4.txt", "x");
	deposits_arrive(&s);
	assert_string_equal(deposits_list(&s, deposits_today(&s)), "1.txt,2.txt");
	assert_string_equal(noticed, "inbox-limit Inbox/org0\n");
	/* Not by closing the folder either. */
	kit_restart(&s.k);
	deposits_arrive(&s);
	assert_string_equal(deposits_list(&s, deposits_today(&s)), "1.txt,2.txt");
	/* Another day, another count. */
	story_pass(&s, DAY);
	(void)deposit(&d, "5.txt", "x");
	deposits_arrive(&s);
	assert_string_equal(deposits_list(&s, deposits_today(&s)), "5.txt");
	deposit_end(&s, &d);
}

/* ---- a flood ---- */

static size_t looked_at; /* items of a folder */

WRAPPED(bool, emr_asked_next, emr_asking *asked, void *out_row, size_t size)
{
	bool has_one = __real_emr_asked_next(asked, out_row, size);

	looked_at += has_one && asked->question == EMR_QUESTION_RECENT_IN;
	return has_one;
}

static size_t count_items(emr_replica *replica, emr_id16 domain)
{
	emr_replica_listing line;
	size_t n = 0;

	EMR_ASK(asked, replica, RECENT_IN, .domain = domain);
	while (__real_emr_asked_next(&asked, &line, sizeof line))
		n++;
	assert_ok(asked.status);
	return n;
}

/* Work, not time: each item of the Inbox is looked at once, and not once for each deposit. */
TEST(a_flood_costs_one_look_at_the_ledger)
{
	enum { FLOOD = 24 };
	DEPOSIT;
	size_t items;

	story_rules(&s, "deposits-a-day = 3\n");
	for (int i = 0; i < FLOOD; i++) {
		(void)deposit(&d, printed("%d.txt", i), "x");
		if (i == FLOOD / 2)
			deposits_arrive(&s);
	}
	looked_at = 0;
	deposits_arrive(&s);
	assert_string_equal(deposits_list(&s, deposits_today(&s)), "0.txt,1.txt,2.txt");
	items = count_items(s.k.stack.replica, d.inbox);
	assert_true(items > FLOOD);
	assert_in_range(looked_at, 0, items);
	/* Every hidden one is met again at a start. */
	kit_restart(&s.k);
	looked_at = 0;
	deposits_arrive(&s);
	deposits_arrive(&s);
	assert_in_range(looked_at, 1, items + FLOOD / 2);
	assert_string_equal(deposits_list(&s, deposits_today(&s)), "0.txt,1.txt,2.txt");
	deposit_end(&s, &d);
}

TEST(too_large_a_deposit_is_not_shown)
{
	EMR_AUTO_FREE char *large = calloc(1, 300001);
	DEPOSIT;

	memset(large, 'x', 300000);
	story_rules(&s, "deposit-bytes = 100000\n");
	(void)deposit(&d, "large.bin", large);
	(void)deposit(&d, "small.bin", "x");
	deposits_arrive(&s);
	assert_string_equal(deposits_list(&s, deposits_today(&s)), "small.bin");
	deposit_end(&s, &d);
}

/* As somebody does who has the right to write there. */
TEST(the_depositor_reads_nothing_of_it)
{
	DEPOSIT;
	emr_place place = deposit(&d, "secret.txt", "for ana alone");
	EMR_AUTO_BUF bytes = {0};
	emr_content content;
	emr_content_key *key = NULL;
	emr_whose whose;
	emr_place found;
	emr_meta meta;

	deposits_arrive(&s);
	kit_expect_text(&s.k, deposits_path(&s, "secret.txt"), "for ana alone");
	assert_ok(emr_settle_catch_up(d.v.settle, true));
	assert_int_not_equal(emr_facts_open_signed(d.v.facts, emr_ledger_descriptor(d.v.ledger),
				     &place, &content, &key, &whose),
		EMR_OK);
	assert_int_not_equal(
		emr_facts_get(d.v.facts, d.inbox, place.object, &found, &bytes, &meta), EMR_OK);
	deposit_end(&s, &d);
}

/* ---- forged ---- */

static bool forges; /* the next statement */

WRAPPED(emr_status, emr_statement_make, const emr_keyring *keyring, emr_signer issuer,
	const emr_content *content, const emr_statement_facts *facts,
	uint8_t out_bytes[EMR_STATEMENT_BYTES], uint8_t out_sig[64])
{
	emr_status status =
		__real_emr_statement_make(keyring, issuer, content, facts, out_bytes, out_sig);

	out_sig[7] ^= forges ? 1 : 0;
	forges = false;
	return status;
}

static emr_status try_read(story *s, const char *path)
{
	emr_handle *h = kit_open_file(&s->k, path, O_RDONLY);
	char text[16];
	size_t got;
	emr_status status = emr_view_read(h, 0, text, sizeof text, &got);

	emr_view_release(h);
	return status;
}

TEST(a_forged_signature_opens_nothing_wherever_it_is_moved)
{
	DEPOSIT;

	s.k.options.notice = note_all;
	noticed[0] = '\0';
	kit_restart(&s.k);
	forges = true;
	(void)deposit(&d, "Forged.pdf", "%PDF nobody signed this");
	deposits_arrive(&s);
	expect_signature(&s, deposits_path(&s, "Forged.pdf"), "mismatch by=lima.clinic, org0 at=");
	assert_status(EMR_BAD_SIGNATURE, try_read(&s, deposits_path(&s, "Forged.pdf")));
	assert_non_null(strstr(noticed, "bad-signature Inbox/org0"));
	kit_rename(&s.k, deposits_path(&s, "Forged.pdf"), "Imaging/Forged.pdf");
	deposits_arrive(&s);
	assert_status(EMR_BAD_SIGNATURE, try_read(&s, "Imaging/Forged.pdf"));
	expect_signature(&s, "Imaging/Forged.pdf", "mismatch by=lima.clinic, org0 at=");
	deposit_end(&s, &d);
}

/* The bytes are those that were sealed, and the root that was signed is another's. */
TEST(a_root_that_is_not_that_of_the_bytes_is_found_behind)
{
	const leaving what = {.name = "Other.pdf", .text = "%PDF these bytes", .lies = true};
	DEPOSIT;

	s.k.options.notice = note_all;
	noticed[0] = '\0';
	kit_restart(&s.k);
	assert_int_equal(deposit_try(&d, &what, NULL), EMR_RESULT_APPLIED);
	deposits_arrive(&s);
	kit_expect_text(&s.k, deposits_path(&s, "Other.pdf"),
		"%PDF these bytes"); /* as sealed; not compared yet */
	kit_publish(&s.k);
	expect_signature(&s, deposits_path(&s, "Other.pdf"), "mismatch by=lima.clinic, org0 at=");
	assert_non_null(strstr(noticed, "bad-signature Inbox/org0"));
	deposit_end(&s, &d);
}

static bool leaves_lack;

emr_status __real_emr_content_reader_verify(emr_content_reader *reader);
emr_status __wrap_emr_content_reader_verify(emr_content_reader *reader);
emr_status __wrap_emr_content_reader_verify(emr_content_reader *reader)
{
	return leaves_lack ? EMR_MISSING_DATA : __real_emr_content_reader_verify(reader);
}

/* Eve's folder, in which she opened and closed what was left, when ana shared it. */
static const node *eve_reads(depositor *d, story *s, viewer *eve, const leaving *what)
{
	emr_handle *h = NULL;
	const node *n;

	assert_int_equal(deposit_try(d, what, NULL), EMR_RESULT_APPLIED);
	deposits_arrive(s);
	kit_rename(&s->k, deposits_path(s, what->name), "Imaging/Other.pdf");
	deposits_arrive(s);
	assert_ok(emr_store_index_now(s->k.stack.store));
	viewer_open(eve, s, &s->eve, "eve-folder", CONSULT);
	(void)story_share(s, &s->eve, 0, false);
	viewer_run(eve, NULL, 0);
	viewer_learn(eve);
	assert_ok(viewer_open_file(eve, viewer_at(eve, "Imaging/Other.pdf"), owner_answers, &h));
	n = tree_by_number(eve->view, h->node->number);
	emr_view_release(h);
	assert_true(tree_has_reader(n)); /* as sealed; not compared yet */
	compare_turn(eve->view);
	return n;
}

/* And for whom it is shared with, also when the file is closed by then. */
TEST(a_root_that_is_not_that_of_the_bytes_opens_nothing_again_for_others)
{
	const leaving what = {.name = "Other.pdf", .text = "%PDF these bytes", .lies = true};
	const node *n;
	viewer eve;
	DEPOSIT;

	n = eve_reads(&d, &s, &eve, &what);
	assert_false(tree_has_reader(n));
	assert_false(signed_stands(eve.view, n)); /* by whichever node it is opened */
	assert_non_null(strstr(eve.notices, "bad-signature shared-with-me/"));
	assert_string_equal(viewer_text(&eve, viewer_at(&eve, "Imaging/Other.pdf"), owner_answers),
		"!bad signature");
	viewer_close(&eve);
	deposit_end(&s, &d);
}

TEST(bytes_that_could_not_be_compared_are_compared_at_the_next_opening)
{
	const leaving what = {.name = "Other.pdf", .text = "%PDF these bytes"};
	const node *n;
	viewer eve;
	DEPOSIT;

	leaves_lack = true;
	n = eve_reads(&d, &s, &eve, &what);
	leaves_lack = false;
	assert_false(tree_has_reader(n));
	viewer_reads(&eve, "Imaging/Other.pdf", NULL, "%PDF these bytes");
	compare_turn(eve.view);
	assert_true(tree_has_reader(n));
	assert_non_null(strstr(viewer_attribute(&eve, viewer_at(&eve, "Imaging/Other.pdf"),
				       "user.emrfs.signature"),
		"valid by="));
	viewer_close(&eve);
	deposit_end(&s, &d);
}

TEST(a_doctor_amends_her_own_deposit_only_with_a_right)
{
	DEPOSIT;
	emr_place place = deposit(&d, "Lab.pdf", "v1");
	leaving again = {.name = "Lab.pdf",
		.text = "v2",
		.object = place.object,
		.record_id = place.record_id,
		.cver = 2};

	/* By her role alone she leaves new records, and nothing else. */
	assert_int_equal(deposit_try(&d, &again, NULL), EMR_RESULT_NOT_AUTHORISED);
	deposit_end(&s, &d);
}

TEST(the_card_alone_says_where_and_only_to_hospitals_and_clinicians)
{
	DEPOSIT;
	EMR_AUTO_BUF card = {0};
	person pharmacist = {0};
	emr_inbox inbox;
	uint64_t now = story_now(&s);
	emr_keyring *ana = s.k.stack.keyring;
	emr_id16 net = emr_ledger_net_id(s.k.stack.ledger);

	assert_ok(emr_card_make_person(
		ana, net, now, now + 9 * DAY, "Silva, Ana", "1984-03-12", &card));
	assert_status(EMR_NOT_FOUND, emr_share_inbox(s.lima.share, emr_buf_view(&card),
					     &inbox)); /* no Inbox behind it */
	assert_ok(emr_buf_append(&card, d.card.data, d.card.len));
	story_see(&s.lima);
	assert_ok(emr_share_inbox(s.lima.share, emr_buf_view(&card), &inbox));
	assert_string_equal(inbox.owner.name, "Silva, Ana");
	assert_true(emr_id16_equal(inbox.writing.domain, d.inbox));
	assert_true(emr_id16_equal(inbox.writing.top, d.inbox));
	assert_true(inbox.writing.by_role);
	assert_true(
		emr_bytes_equal(emr_bytes_of(inbox.card, inbox.card_len), emr_buf_view(&d.card)));
	story_newcomer(&s, &pharmacist, &s.bosses[0], EMR_ROLE_PHARMACIST, "pharmacist");
	assert_status(EMR_DENIED, emr_share_inbox(pharmacist.share, emr_buf_view(&card), &inbox));
	story_part(&pharmacist);
	assert_status(
		EMR_DENIED, emr_share_inbox(s.ana, emr_buf_view(&card), &inbox)); /* her own */
	story_pass(&s, 401 * DAY);
	assert_int_not_equal(emr_share_inbox(s.lima.share, emr_buf_view(&card), &inbox), EMR_OK);
	deposit_end(&s, &d);
}

TESTS(NULL, NULL)
