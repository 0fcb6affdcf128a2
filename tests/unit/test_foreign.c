/* Dr lima writes in Ana's folder: Ana sees what dr lima does there, and no work of either is lost.
 */
#include "foreign_kit.h"

#include "share/audit.h"
#include "share/write.h"

#include "deposits.h"
#include "shared.h"
#include "tree.h"

static bool journal_is_full;

static emr_id16 give(story *s, viewer *v, uint16_t rights, uint16_t writes)
{
	emr_grant_order order = {.rights = rights,
		.writes = writes,
		.purposes = rights != 0 ? 1u << CONSULT : 0,
		.not_after_unix_s = story_now(s) + 7 * DAY};
	emr_grant_made made;

	assert_ok(story_try_share(s, &s->lima, &order, false, &made));
	viewer_run(v, NULL, 0);
	viewer_learn_owner(v);
	return made.grant;
}

static void may_write(story *s, viewer *v)
{
	(void)give(s, v, EMR_GRANT_LIST | EMR_GRANT_READ, EMR_WRITES_ALL);
}

/* ---- the tests */

TEST(her_key_is_gone_once_there_is_a_working_copy)
{
	LIMAS_FOLDER;
	emr_handle *h;

	may_write(&s, &v);
	h = writer_open_to_change(&v, "Imaging/MRI.pdf");
	assert_true(tree_has_reader(tree_by_number(v.view, h->node->number)));
	assert_ok(emr_view_write(h, 5, emr_bytes_of("Z", 1)));
	assert_false(tree_has_reader(tree_by_number(v.view, h->node->number)));
	kit_close_file(h);
	assert_string_equal(writer_text(&v, "Imaging/MRI.pdf"), "%PDF Z knee");
}

TEST(the_first_on_the_ledger_keeps_the_name_and_both_live)
{
	LIMAS_FOLDER;
	const char *second;
	char copy[300];

	may_write(&s, &v);
	/* she is first: his becomes the copy */
	assert_string_equal(writer_list(&v, "Imaging"), "MRI.pdf,Old");
	writer_put(&v, "Imaging/MRI.pdf", "his knee");
	kit_text(&s.k, "Imaging/MRI.pdf", "her knee");
	kit_publish(&s.k);
	writer_exchange(&v);
	writer_exchange(&v);
	assert_string_equal(writer_text(&v, "Imaging/MRI.pdf"), "her knee");
	kit_expect_text(&s.k, "Imaging/MRI.pdf", "her knee");
	second = strstr(hers(&s, "Imaging"), "MRI (conflict, ");
	assert_non_null(second);
	(void)snprintf(copy, sizeof copy, "Imaging/%.*s",
		(int)(strstr(second, ").pdf") + 5 - second), second);
	kit_expect_text(&s.k, copy, "his knee");
	assert_string_equal(writer_text(&v, copy), "his knee");
	assert_int_equal(writer_pending(&v), 0);
	/* he is first: hers does */
	writer_put(&v, "Imaging/Old/CT.pdf", "his head");
	kit_text(&s.k, "Imaging/Old/CT.pdf", "her head");
	writer_send(&v);
	kit_publish_all(&s.k);
	kit_publish_all(&s.k);
	writer_exchange(&v);
	kit_expect_text(&s.k, "Imaging/Old/CT.pdf", "his head");
	assert_string_equal(writer_text(&v, "Imaging/Old/CT.pdf"), "his head");
	second = strstr(hers(&s, "Imaging/Old"), "CT (conflict, ");
	assert_non_null(second);
	(void)snprintf(copy, sizeof copy, "Imaging/Old/%.*s",
		(int)(strstr(second, ").pdf") + 5 - second), second);
	kit_expect_text(&s.k, copy, "her head");
	assert_string_equal(writer_text(&v, copy), "her head");
}

WRAPPED(emr_status, emr_journal_commit, emr_journal_txn *txn, uint64_t *out_seq)
{
	if (!journal_is_full)
		return __real_emr_journal_commit(txn, out_seq);
	emr_journal_rollback(txn);
	return EMR_NO_SPACE;
}

TEST(a_copy_that_could_not_be_made_is_not_told)
{
	LIMAS_FOLDER;
	const char *first;

	may_write(&s, &v);
	assert_string_equal(writer_list(&v, "Imaging"), "MRI.pdf,Old");
	writer_put(&v, "Imaging/MRI.pdf", "his knee");
	kit_save(&s.k, "Imaging/MRI.pdf", "her knee");
	kit_wait_ms(&s.k, 1000);
	journal_is_full = true;
	viewer_run(&v, owner_answers, 4);
	assert_null(strstr(v.notices, "conflict "));
	journal_is_full = false;
	viewer_run(&v, owner_answers, 4);
	first = strstr(v.notices, "conflict ");
	assert_non_null(first);
	assert_null(strstr(first + 1, "conflict ")); /* its path has a comma there */
}

typedef struct answer {
	bool has_come;
	emr_status status;
} answer;

static void note_answer(void *arg, emr_status status)
{
	*(answer *)arg = (answer){true, status};
}

/* Stands for the kernel: somebody who opens the name waits at every moment. */
TEST(a_name_that_he_gave_opens_while_her_new_bytes_come)
{
	LIMAS_FOLDER;
	emr_attr directory, attr;
	emr_status status = EMR_IO;
	emr_handle *h = NULL;
	char bytes[32];
	size_t got = 0;

	may_write(&s, &v);
	assert_string_equal(writer_list(&v, "Imaging"), "MRI.pdf,Old");
	assert_ok(writer_try_rename(&v, "Imaging/MRI.pdf", "Imaging/knee.pdf"));
	assert_ok(viewer_find(&v, viewer_at(&v, "Imaging"), owner_answers, &directory));
	kit_save(&s.k, "Imaging/MRI.pdf", "her knee");
	kit_wait_ms(&s.k, 1000);
	/* once more where the name led to something else meanwhile, as the kernel asks */
	for (int i = 0; i < 2 && status != EMR_OK; i++) {
		answer a = {false, EMR_OK};

		assert_ok(emr_view_lookup(v.view, directory.node, "knee.pdf", &attr));
		status = emr_view_await(v.view, attr.node, EMR_NEED_BYTES, NULL, note_answer, &a);
		for (int turn = 0; turn < 20 && status == EMR_BUSY && !a.has_come; turn++) {
			emr_view_shared_turn(v.view, NULL);
			if (!a.has_come)
				owner_answers(&s);
		}
		assert_true(status == EMR_OK || a.has_come);
		status = a.status;
		if (status == EMR_OK)
			status = emr_view_open_file(v.view, attr.node, O_RDONLY, &h);
		emr_view_forget(v.view, attr.node, 1);
	}
	assert_ok(status);
	assert_ok(emr_view_read(h, 0, bytes, sizeof bytes, &got));
	emr_view_release(h);
	assert_int_equal(got, 8);
	assert_memory_equal(bytes, "her knee", 8);
}

TEST(what_he_says_of_a_file_goes_on_with_her_new_bytes)
{
	LIMAS_FOLDER;
	emr_attr attr, saved;
	EMR_AUTO_BUF his = {0}, hers_now = {0};

	may_write(&s, &v);
	assert_string_equal(writer_list(&v, "Imaging"), "MRI.pdf,Old");
	assert_ok(viewer_find(&v, viewer_at(&v, "Imaging/MRI.pdf"), owner_answers, &attr));
	assert_ok(emr_view_set_attribute(
		v.view, attr.node, "user.colour", emr_bytes_of("red", 3), 0));
	kit_wait_ms(&s.k, 5000);
	kit_text(&s.k, "Imaging/MRI.pdf", "%PDF b knee"); /* as long as it was */
	saved = kit_attr(&s.k, "Imaging/MRI.pdf");
	kit_publish_all(&s.k);
	for (int i = 0; i < 3; i++)
		writer_exchange(&v);
	assert_ok(viewer_find(&v, viewer_at(&v, "Imaging/MRI.pdf"), owner_answers, &attr));
	assert_int_equal(attr.mtime_ns, saved.mtime_ns);
	assert_ok(emr_view_get_attribute(v.view, attr.node, "user.colour", &his));
	kit_expect_text(&s.k, "Imaging/MRI.pdf", "%PDF b knee");
	attr = kit_attr(&s.k, "Imaging/MRI.pdf");
	assert_int_equal(attr.mtime_ns, saved.mtime_ns);
	assert_ok(emr_view_get_attribute(s.k.view, attr.node, "user.colour", &hers_now));
	assert_true(his.len == 3 && hers_now.len == 3);
}

TEST(names_removals_and_bytes_of_both_sides_meet)
{
	LIMAS_FOLDER;

	may_write(&s, &v);
	kit_save(&s.k, "Imaging/third.txt", "of hers");
	kit_wait_ms(&s.k, 1000);
	viewer_run(&v, owner_answers, 3);
	assert_string_equal(writer_list(&v, "Imaging"), "MRI.pdf,Old,third.txt");
	/* he: a new name, a removal, new bytes; she, first: new bytes, new bytes, a removal */
	assert_ok(writer_try_rename(&v, "Imaging/MRI.pdf", "Imaging/knee.pdf"));
	assert_string_equal(writer_list(&v, "Imaging/Old"), "CT.pdf");
	assert_ok(writer_try_unlink(&v, "Imaging/Old/CT.pdf"));
	writer_put(&v, "Imaging/third.txt", "of his");
	kit_text(&s.k, "Imaging/MRI.pdf", "her knee");
	kit_text(&s.k, "Imaging/Old/CT.pdf", "her head");
	kit_unlink(&s.k, "Imaging/third.txt");
	kit_publish_all(&s.k);
	for (int i = 0; i < 3; i++)
		writer_exchange(&v);
	kit_expect_text(&s.k, "Imaging/knee.pdf", "her knee");
	assert_false(kit_exists(&s.k, "Imaging/MRI.pdf"));
	kit_expect_text(&s.k, "Imaging/Old/CT.pdf", "her head");
	kit_expect_text(&s.k, "Imaging/third.txt", "of his");
	assert_string_equal(writer_list(&v, "Imaging"), "Old,knee.pdf,third.txt");
	assert_string_equal(writer_text(&v, "Imaging/knee.pdf"), "her knee");
	assert_string_equal(writer_text(&v, "Imaging/Old/CT.pdf"), "her head");
	assert_string_equal(writer_text(&v, "Imaging/third.txt"), "of his");
	assert_int_equal(writer_pending(&v), 0);
}

/* ---- a moment in which no node of another's can be made */

static bool no_room;

WRAPPED(emr_status, shared_record_node, emr_view *view, shared_share *share, uint32_t entry,
	node **out_node)
{
	return no_room ? EMR_NO_MEMORY : __real_shared_record_node(view, share, entry, out_node);
}

TEST(a_new_name_survives_a_moment_without_room_for_their_bytes)
{
	LIMAS_FOLDER;

	may_write(&s, &v);
	assert_string_equal(writer_list(&v, "Imaging"), "MRI.pdf,Old");
	assert_ok(writer_try_rename(&v, "Imaging/MRI.pdf", "Imaging/knee.pdf"));
	kit_save(&s.k, "Imaging/MRI.pdf", "her knee");
	no_room = true;
	kit_wait_ms(&s.k, 1000);
	viewer_run(&v, owner_answers, 3);
	no_room = false;
	writer_reopen(&v);
	for (int i = 0; i < 3; i++)
		writer_exchange(&v);
	assert_string_equal(writer_list(&v, "Imaging"), "Old,knee.pdf");
	kit_expect_text(&s.k, "Imaging/knee.pdf", "her knee");
	assert_int_equal(writer_pending(&v), 0);
}

TEST(an_editor_that_keeps_backups_makes_a_version)
{
	LIMAS_FOLDER;

	may_write(&s, &v);
	assert_string_equal(writer_list(&v, "Imaging"), "MRI.pdf,Old");
	assert_ok(writer_try_rename(&v, "Imaging/MRI.pdf", "Imaging/MRI.pdf~"));
	writer_put(&v, "Imaging/MRI.pdf", "%PDF edited");
	for (int i = 0; i < 3; i++)
		writer_exchange(&v);
	kit_expect_text(&s.k, "Imaging/MRI.pdf", "%PDF edited");
	assert_string_equal(kit_attribute(&s.k, "Imaging/MRI.pdf", "user.emrfs.version"), "2");
	assert_null(strstr(hers(&s, "Imaging"), "~"));
	assert_string_equal(writer_text(&v, "Imaging/MRI.pdf~"), "%PDF a knee");
	assert_string_equal(
		viewer_attribute(&v, viewer_at(&v, "Imaging/MRI.pdf~"), "user.emrfs.state"),
		"local");
	/* when nobody gives the old bytes, the new ones do not wait for them for ever */
	assert_string_equal(writer_list(&v, "Imaging/Old"), "CT.pdf");
	assert_ok(writer_try_rename(&v, "Imaging/Old/CT.pdf", "Imaging/Old/CT.pdf~"));
	writer_put(&v, "Imaging/Old/CT.pdf", "%PDF edited, too");
	assert_ok(emr_view_publish_now(v.view));
	story_pass(&s, 61);
	viewer_run(&v, NULL, 1);
	for (int i = 0; i < 2; i++)
		assert_ok(emr_view_publish_now(v.view));
	kit_publish_all(&s.k);
	kit_expect_text(&s.k, "Imaging/Old/CT.pdf", "%PDF edited, too");
	assert_string_equal(kit_attribute(&s.k, "Imaging/Old/CT.pdf", "user.emrfs.version"), "2");
	assert_string_equal(writer_list(&v, "Imaging/Old"), "CT.pdf");
	for (int i = 0; i < 2; i++)
		writer_exchange(&v);
	assert_int_equal(writer_pending(&v), 0);
}

TEST(of_two_equal_names_both_are_seen)
{
	LIMAS_FOLDER;
	char name[300];
	const char *code;

	may_write(&s, &v);
	assert_string_equal(writer_list(&v, "Imaging"), "MRI.pdf,Old");
	writer_put(&v, "Imaging/report.txt", "his");
	kit_save(&s.k, "Imaging/report.txt", "hers");
	viewer_run(&v, owner_answers, 3);
	/* his is not sent yet, and has the name here; hers is the second */
	code = strstr(writer_list(&v, "Imaging"), "report~");
	assert_non_null(code);
	(void)snprintf(name, sizeof name, "Imaging/%.15s", code);
	assert_string_equal(name + strlen(name) - 4, ".txt");
	assert_string_equal(writer_text(&v, name), "hers");
	assert_string_equal(writer_text(&v, "Imaging/report.txt"), "his");
	writer_exchange(&v);
	kit_expect_text(&s.k, "Imaging/report.txt", "hers");
	assert_non_null(strstr(hers(&s, "Imaging"), "report~"));
	assert_non_null(strstr(writer_list(&v, "Imaging"), "report.txt"));
	assert_non_null(strstr(writer_list(&v, "Imaging"), "report~"));
	assert_int_equal(writer_pending(&v), 0);
}

TEST(what_is_left_in_a_folder_for_deposits_is_not_seen_again)
{
	LIMAS_FOLDER;
	emr_attr attr, link;

	(void)give(&s, &v, 0, EMR_WRITES_DEPOSIT);
	assert_string_equal(writer_list(&v, "Imaging"), "");
	assert_ok(viewer_find(&v, viewer_at(&v, "Imaging"), NULL, &attr));
	assert_status(EMR_DENIED, emr_view_symlink(v.view, attr.node, "mine", "letter.txt", &link));
	assert_status(EMR_DENIED, emr_view_refuse(v.view, attr.node, "mine", EMR_DENIED));
	assert_non_null(strstr(v.notices, "files-only shared-with-me/"));
	writer_put(&v, "Imaging/.upload.part", "a letter of lima");
	assert_ok(writer_try_rename(&v, "Imaging/.upload.part", "Imaging/letter.txt"));
	assert_string_equal(writer_list(&v, "Imaging"), "letter.txt");
	assert_string_equal(writer_text(&v, "Imaging/letter.txt"), "a letter of lima");
	assert_memory_equal(viewer_attribute(&v, viewer_at(&v, "Imaging"), "user.emrfs.access"),
		"deposit until=", 14);
	writer_exchange(&v);
	kit_expect_text(&s.k, "Imaging/letter.txt", "a letter of lima");
	assert_string_equal(writer_list(&v, "Imaging"), "");
	assert_status(EMR_NOT_FOUND, writer_try_unlink(&v, "Imaging/letter.txt"));
	/* the same name again is another letter, not a new version of one that nobody may change */
	writer_put(&v, "Imaging/letter.txt", "a second letter");
	writer_reopen(&v);
	viewer_run(&v, owner_answers, 2);
	assert_string_equal(writer_list(&v, "Imaging"), "letter.txt");
	writer_exchange(&v);
	assert_string_equal(writer_list(&v, "Imaging"), "");
	kit_expect_text(&s.k, "Imaging/letter.txt", "a letter of lima");
	assert_non_null(strstr(hers(&s, "Imaging"), "letter~"));
	assert_int_equal(writer_pending(&v), 0);
}

/* The changes that `status --wait` waits for: bytes, names and removals in her folder, until the
 * ledger has answered. */
TEST(what_is_on_its_way_to_her_folder_is_waited_for)
{
	LIMAS_FOLDER;

	may_write(&s, &v);
	assert_string_equal(writer_list(&v, "Imaging"), "MRI.pdf,Old");
	assert_int_equal(writer_pending(&v), 0);
	writer_put(&v, "Imaging/report.txt", "of lima");
	assert_ok(writer_try_mkdir(&v, "Imaging/New"));
	assert_ok(writer_try_rename(&v, "Imaging/MRI.pdf", "Imaging/knee.pdf"));
	assert_int_equal(writer_pending(&v), 3);
	assert_ok(writer_try_unlink(&v, "Imaging/Old/CT.pdf"));
	assert_int_equal(writer_pending(&v), 4);
	writer_reopen(&v);
	assert_int_equal(writer_pending(&v), 4);
	for (int i = 0; i < 3; i++)
		writer_exchange(&v);
	assert_int_equal(writer_pending(&v), 0);
	kit_expect_text(&s.k, "Imaging/report.txt", "of lima");
	assert_true(kit_exists(&s.k, "Imaging/knee.pdf"));
	assert_false(kit_exists(&s.k, "Imaging/Old/CT.pdf"));
}

TEST(what_is_left_in_an_inbox_is_waited_for)
{
	LIMAS_FOLDER;

	assert_ok(domains_inbox(s.k.view, &s.imaging));
	(void)give(&s, &v, 0, EMR_WRITES_DEPOSIT);
	writer_put(&v, "Imaging/letter.txt", "a letter");
	assert_int_equal(writer_pending(&v), 1);
	writer_exchange(&v);
	assert_int_equal(writer_pending(&v), 0);
}

/* Whose Inbox is full the sender learns from his own count, before anything is taken. */
TEST(an_inbox_takes_so_many_files_a_day)
{
	LIMAS_FOLDER;
	emr_attr attr;

	kit_wait_for_noon(&s.k);
	story_rules(&s, "deposits-a-day = 3\n");
	assert_ok(domains_inbox(s.k.view, &s.imaging));
	(void)give(&s, &v, 0, EMR_WRITES_DEPOSIT);
	writer_put(&v, "Imaging/1.txt", "one");
	writer_send(&v);
	writer_put(&v, "Imaging/2.txt", "two");
	writer_put(&v, "Imaging/.upload.part", "three");
	assert_status(EMR_QUOTA, writer_try_write(&v, "Imaging/.more.part", "four"));
	assert_ok(writer_try_rename(&v, "Imaging/.upload.part", "Imaging/3.txt"));
	assert_status(EMR_QUOTA, writer_try_write(&v, "Imaging/4.txt", "four"));
	assert_ok(viewer_find(&v, viewer_at(&v, "Imaging"), NULL, &attr));
	assert_status(EMR_QUOTA, emr_view_refuse(v.view, attr.node, "4.txt", EMR_QUOTA));
	assert_non_null(strstr(v.notices, "deposits-full shared-with-me/"));
	/* a file that is there may still be written, or go */
	writer_put(&v, "Imaging/2.txt", "two again");
	assert_ok(writer_try_unlink(&v, "Imaging/3.txt"));
	writer_put(&v, "Imaging/4.txt", "four");
	writer_exchange(&v);
	writer_reopen(&v);
	viewer_run(&v, owner_answers, 2);
	assert_status(EMR_QUOTA, writer_try_write(&v, "Imaging/5.txt", "five"));
	/* Another day, another count. */
	story_pass(&s, DAY);
	viewer_run(&v, owner_answers, 2);
	writer_put(&v, "Imaging/5.txt", "five");
	writer_exchange(&v);
	assert_int_equal(writer_pending(&v), 0);
}

/* A larger one his computer would neither fetch nor show, and nobody would have been told. */
TEST(a_file_that_is_too_large_for_an_inbox_is_not_sent_and_the_sender_is_told)
{
	LIMAS_FOLDER;

	story_rules(&s, "deposit-bytes = 8\n");
	assert_ok(domains_inbox(s.k.view, &s.imaging));
	(void)give(&s, &v, 0, EMR_WRITES_DEPOSIT);
	writer_put(&v, "Imaging/small.txt", "12345678");
	writer_put(&v, "Imaging/large.txt", "123456789");
	writer_exchange(&v);
	assert_int_equal(writer_pending(&v), 1);
	assert_non_null(strstr(v.notices, "deposit-too-large shared-with-me/"));
	assert_non_null(strstr(v.notices, "/Imaging/large.txt"));
	assert_null(strstr(v.notices, "/Imaging/small.txt"));
	writer_put(&v, "Imaging/large.txt", "1234567");
	writer_exchange(&v);
	assert_int_equal(writer_pending(&v), 0);
}

TEST(what_was_not_sent_when_the_right_ends_is_kept)
{
	LIMAS_FOLDER;
	emr_id16 grant = give(&s, &v, EMR_GRANT_LIST | EMR_GRANT_READ, EMR_WRITES_ALL);
	const char *folder;
	char path[300];
	emr_attr attr;

	assert_string_equal(writer_list(&v, "Imaging"), "MRI.pdf,Old");
	writer_put(&v, "Imaging/unsent.txt", "not yet there");
	assert_ok(writer_try_mkdir(&v, "Imaging/Dir"));
	writer_put(&v, "Imaging/Dir/unsent.txt", "nor this");
	writer_put(&v, "Imaging/MRI.pdf", "a third knee");
	assert_ok(writer_try_unlink(&v, "Imaging/Old/CT.pdf"));
	assert_ok(emr_share_revoke(begins(s.ana), s.imaging, grant));
	viewer_run(&v, NULL, 2);
	assert_non_null(strstr(v.notices, "not-sent Imaging (not sent to "));
	folder = strstr(viewer_list(&v, "", NULL), "Imaging (not sent to ");
	assert_non_null(folder);
	(void)snprintf(path, sizeof path, "%.*s", (int)(strchr(folder, ')') + 1 - folder), folder);
	assert_ok(viewer_find(&v, path, NULL, &attr));
	assert_non_null(strstr(viewer_list(&v, path, NULL), "unsent~"));
	assert_non_null(strstr(viewer_list(&v, path, NULL), "MRI.pdf"));
	(void)snprintf(path + strlen(path), 40, "/MRI.pdf");
	assert_string_equal(viewer_text(&v, path, NULL), "a third knee");
	assert_ok(emr_view_publish_now(v.view));
	kit_wait_ms(&s.k, 5000);
	assert_ok(emr_view_publish_now(v.view));
	assert_int_equal(writer_pending(&v), 0);
	kit_publish_all(&s.k);
	kit_expect_text(&s.k, "Imaging/MRI.pdf", "%PDF a knee");
	assert_true(kit_exists(&s.k, "Imaging/Old/CT.pdf"));
	assert_false(kit_exists(&s.k, "Imaging/unsent.txt"));
	writer_reopen(&v);
	assert_string_equal(viewer_text(&v, path, NULL), "a third knee");
}

TEST(the_end_of_a_share_takes_away_what_the_kernel_has_of_a_changed_file)
{
	LIMAS_FOLDER;
	emr_attr attr, wanted = {.mode = 0600};
	emr_handle *changed = NULL, *cut = NULL;
	char bytes[64], line[2][64];
	size_t got = 0, n = 0;

	may_write(&s, &v);
	assert_ok(viewer_open_file(&v, viewer_at(&v, "Imaging/MRI.pdf"), owner_answers, &changed));
	assert_ok(emr_view_read(changed, 0, bytes, sizeof bytes, &got));
	assert_ok(emr_view_set_attr(v.view, changed->node->number, EMR_SET_MODE, &wanted, &attr));
	assert_ok(viewer_open_file(&v, viewer_at(&v, "Imaging/Old/CT.pdf"), owner_answers, &cut));
	assert_ok(emr_view_read(cut, 0, bytes, sizeof bytes, &got));
	assert_ok(writer_try_unlink(&v, "Imaging/Old/CT.pdf"));
	(void)snprintf(
		line[0], sizeof line[0], "%llu *\n", (unsigned long long)changed->node->number);
	(void)snprintf(line[1], sizeof line[1], "%llu *\n", (unsigned long long)cut->node->number);
	v.told[0] = 0;
	assert_ok(emr_share_revoke_person(begins(s.ana), s.imaging, s.lima.public.signer_id, &n));
	viewer_run(&v, owner_answers, 3);
	viewer_run(&v, owner_answers, 3);
	assert_status(EMR_ACCESS_REVOKED, emr_view_read(changed, 0, bytes, sizeof bytes, &got));
	assert_status(EMR_ACCESS_REVOKED, emr_view_read(cut, 0, bytes, sizeof bytes, &got));
	assert_non_null(strstr(v.told, line[0]));
	assert_non_null(strstr(v.told, line[1]));
	emr_view_release(changed);
	emr_view_release(cut);
}

/* ---- programs that read without him ---- */

static uint64_t number_at(viewer *v, const char *inside)
{
	emr_attr attr;

	assert_ok(viewer_find(v, viewer_at(v, inside), owner_answers, &attr));
	return attr.node;
}

static uint64_t take(viewer *v, const char *inside)
{
	emr_attr attr, wanted = {.mode = 0700};
	uint64_t number = number_at(v, inside);

	assert_ok(emr_view_set_attr(v->view, number, EMR_SET_MODE, &wanted, &attr));
	return number;
}

TEST(programs_are_kept_out_of_what_a_writer_changed)
{
	LIMAS_FOLDER;
	uint64_t changed, added;
	emr_handle *h = NULL;
	EMR_AUTO_BUF log = {0};
	size_t refused = 0;

	may_write(&s, &v);
	changed = take(&v, "Imaging/MRI.pdf");
	writer_put(&v, "Imaging/report.odt", "healthy");
	added = number_at(&v, "Imaging/report.odt");
	assert_true(emr_view_is_for_people(v.view, changed));
	assert_true(emr_view_is_for_people(v.view, added));
	emr_view_refuse_program(v.view, changed, "tumblerd");
	emr_view_refuse_program(v.view, added, "tumblerd");
	story_pass(&s, 6);
	viewer_run(&v, owner_answers, 1);
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	assert_ok(emr_share_audit(s.ana, s.imaging, &log, NULL));
	EMR_EACH (const emr_audit_entry, entry, &log)
		refused += entry->kind == EMR_AUDIT_OPENED && entry->opened.refused;
	assert_int_equal(refused, 1); /* of hers; what he wrote himself is no business of hers */
	/* a file that has lost its name, and is still open */
	assert_ok(viewer_open_file(&v, viewer_at(&v, "Imaging/MRI.pdf"), owner_answers, &h));
	assert_ok(writer_try_unlink(&v, "Imaging/MRI.pdf"));
	assert_true(emr_view_is_for_people(v.view, changed));
	emr_view_release(h);
}

static void note_of(emr_view *view, uint64_t number, const char *name, const char *value)
{
	assert_ok(
		emr_view_set_attribute(view, number, name, emr_bytes_of(value, strlen(value)), 0));
}

/* Nowhere in what Lima's program has opened: a changed one would show it. */
static bool was_opened(viewer *v, const char *secret)
{
	const shared_share *share;
	emr_attr attr;
	bool is = false;

	assert_ok(viewer_find(v, viewer_at(v, "Imaging"), owner_answers, &attr));
	pthread_mutex_lock(&v->view->lock);
	share = shared_share_of(tree_by_number(v->view, attr.node));
	for (size_t i = 0; i < share->tree->names.count; i++)
		is |= memmem(share->tree->entries[i].attributes.data,
			      share->tree->entries[i].attributes.len, secret,
			      strlen(secret)) != NULL;
	pthread_mutex_unlock(&v->view->lock);
	return is;
}

TEST(what_browsers_and_desktops_note_of_a_file_stays_with_its_owner)
{
	static const char *const notes[] = {"user.xdg.origin.url", "user.xdg.comment",
		"user.baloo.rating", "user.com.apple.metadata:kMDItemWhereFroms",
		"user.DosStream.Zone.Identifier:$DATA", "user.zone.identifier"};
	LIMAS_FOLDER;
	EMR_AUTO_BUF his = {0};
	emr_attr attr;
	uint64_t number;

	may_write(&s, &v);
	number = kit_attr(&s.k, "Imaging/MRI.pdf").node;
	note_of(s.k.view, number, "user.colour", "red");
	for (size_t i = 0; i < sizeof notes / sizeof *notes; i++)
		note_of(s.k.view, number, notes[i], "session=S3CR3T");
	kit_publish_all(&s.k);
	for (int i = 0; i < 3; i++)
		writer_exchange(&v);
	assert_ok(viewer_find(&v, viewer_at(&v, "Imaging/MRI.pdf"), owner_answers, &attr));
	assert_ok(emr_view_list_attributes(v.view, attr.node, &his));
	assert_int_equal(his.len, sizeof "user.colour");
	assert_true(was_opened(&v, "red"));
	assert_false(was_opened(&v, "S3CR3T"));
	/* he changes the file, and notes something himself: hers stays hers, and his goes nowhere
	 */
	writer_put(&v, "Imaging/MRI.pdf", "%PDF by lima");
	note_of(v.view, number_at(&v, "Imaging/MRI.pdf"), "user.xdg.comment", "difficult patient");
	for (int i = 0; i < 3; i++)
		writer_exchange(&v);
	kit_expect_text(&s.k, "Imaging/MRI.pdf", "%PDF by lima");
	for (size_t i = 0; i < sizeof notes / sizeof *notes; i++)
		assert_string_equal(
			kit_attribute(&s.k, "Imaging/MRI.pdf", notes[i]), "session=S3CR3T");
}

TESTS(NULL, NULL)
