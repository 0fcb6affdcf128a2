/* These tests show what ana's computer signs for others: it wraps the key of no content whose
 * signature does not fit, wherever that is moved, shared, brought back or saved again, and a
 * version that somebody else wrote keeps its author. */
#include "lies_kit.h"
#include "pen_kit.h"
#include "shared_kit.h"

#include "contract/codes.h"
#include "share_private.h"

#define FORGED "the patient signed this"

static story s;
static pen p;
static viewer eve;
static emr_id16 limas; /* a folder of lima's own */

static emr_id16 old_dir(void)
{
	return kit_object_id(&s.k, "Imaging/Old");
}

static void assert_applied(void)
{
	assert_ok(p.status);
	assert_ok(p.last.error);
	assert_int_equal(p.last.result, EMR_RESULT_APPLIED);
}

/* Lima may write in Imaging; eve's folder is open, and nothing is shared with her. */
AROUND(begin)
{
	story_begin(&s);
	assert_ok(emr_store_index_now(s.k.stack.store));
	(void)pen_writes(&s, &p, &s.lima, "lima");
	limas = emr_id16_random();
	pen_dir(&p, limas, limas, "mine", NULL);
	assert_applied();
	viewer_open(&eve, &s, &s.eve, "eve-folder", CONSULT);
}

AROUND(end)
{
	lies_forget();
	viewer_close(&eve);
	pen_close(&p);
	story_end(&s);
}

/* In DIRECTORY: one under a statement by the key of lima's own folder, one by herself, and her word
 * on that again, as another record. */
static void lima_writes(emr_id16 directory)
{
	emr_place again = {.domain = s.imaging, .object = emr_id16_random(), .cver = 1};

	lies_sign_for(limas);
	pen_file(&p, s.imaging, directory, "forged.txt", FORGED, NULL);
	assert_applied();
	lies_remember();
	pen_file(&p, s.imaging, directory, "hers.txt", "what she found", &again.record_id);
	assert_applied();
	memcpy(again.r_pid, lies_r_pid(), sizeof again.r_pid);
	lies_bring_again();
	pen_over(&p, &again, directory, "again.txt", "what she found");
	assert_applied();
	lies_end();
	kit_publish_all(&s.k);
}

static const char *path_in(const char *folder, const char *name)
{
	static char path[200];

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static void owner_says(const char *path, const char *start)
{
	const char *is = kit_attribute(&s.k, path, "user.emrfs.signature");

	if (strncmp(is, start, strlen(start)) != 0)
		fail_msg("%s: \"%s\", not \"%s...\"", path, is, start);
}

static void eve_may_read(emr_id16 domain, const char *label)
{
	emr_grant_order order = {.domain = domain,
		.grantee = s.eve.public.signer_id,
		.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.purposes = 1u << CONSULT,
		.not_after_unix_s = story_now(&s) + 7 * DAY,
		.label = label,
		.owner_name = "Silva, Ana",
		.owner_born = "1984-03-12"};
	emr_grant_made made;

	assert_ok(emr_share_grant(begins(s.ana), &order, &made));
	viewer_run(&eve, owner_answers, 3);
	viewer_learn_owner(&eve);
}

/* Whatever she is shown, it is neither the forged words nor anything that is called ana's. */
static void eve_gets_no_forgery(const char *folder)
{
	static const char *const names[] = {"forged.txt", "again.txt"};

	for (size_t i = 0; i < 2; i++) {
		const char *at = viewer_at(&eve, path_in(folder, names[i]));
		const char *is = viewer_text(&eve, at, owner_answers);

		if (is[0] != '!')
			fail_msg("eve reads %s: \"%s\", signature \"%s\"", names[i], is,
				viewer_attribute(&eve, at, "user.emrfs.signature"));
	}
}

/* BY stands in what is said of its signature. */
static void eve_reads(const char *folder, const char *name, const char *text, const char *by)
{
	const char *at = viewer_at(&eve, path_in(folder, name));

	assert_string_equal(viewer_text(&eve, at, owner_answers), text);
	assert_non_null(strstr(viewer_attribute(&eve, at, "user.emrfs.signature"), by));
}

static void owner_sees_them(const char *folder)
{
	owner_says(path_in(folder, "forged.txt"), "mismatch");
	owner_says(path_in(folder, "again.txt"), "mismatch");
	owner_says(path_in(folder, "hers.txt"), "valid");
}

/* With a name, and content that opens for nobody. */
static void lima_leaves_junk(emr_id16 directory)
{
	lies_remember();
	pen_file(&p, s.imaging, s.imaging, "note.txt", "a note", NULL);
	lies_bring_again();
	pen_file(&p, s.imaging, directory, "junk.txt", "a note", NULL);
	assert_applied();
	lies_end();
	kit_publish_all(&s.k);
}

/* ---- a folder inside that is shared ---- */

TEST_IN(begin, end, what_is_forged_is_in_no_share_of_a_folder_inside)
{
	emr_domain_state is;
	emr_id16 domain;

	lima_writes(old_dir());
	owner_sees_them("Imaging/Old");
	lima_leaves_junk(old_dir());
	domain = ana_makes_domain(&s, "Imaging/Old");
	/* It keeps nobody from sharing the others, and is counted. */
	assert_ok(emr_view_domain_state(s.k.view, domain, &is));
	assert_true(is.is_whole);
	assert_int_equal(is.kept_out, 3);
	assert_int_equal(is.failed, 0);
	eve_may_read(domain, "Old");
	eve_gets_no_forgery("Old");
	assert_string_equal(
		viewer_list(&eve, viewer_at(&eve, "Old"), owner_answers), "CT.pdf,hers.txt");
	eve_reads("Old", "CT.pdf", "%PDF a head", "self");
	eve_reads("Old", "hers.txt", "what she found", " by=lima.clinic, org0");
	/* After a restart of hers they lie beside it, in the folder that they never left. */
	kit_restart(&s.k);
	for (int i = 0; i < 4; i++)
		kit_publish_all(&s.k);
	assert_ok(emr_view_domain_state(s.k.view, domain, &is));
	assert_true(is.is_whole);
	assert_false(kit_exists(&s.k, "Imaging/Old/forged.txt"));
	owner_says("Imaging/forged.txt", "mismatch");
	owner_says("Imaging/again.txt", "mismatch");
	eve_gets_no_forgery("Old");
}

/* ---- what is moved ---- */

TEST_IN(begin, end, what_is_forged_does_not_become_good_by_being_moved)
{
	static const char *const names[] = {"forged.txt", "again.txt", "hers.txt"};

	lima_writes(s.imaging);
	owner_sees_them("Imaging");
	kit_mkdir(&s.k, "Other");
	for (size_t i = 0; i < 3; i++) {
		kit_rename(&s.k, path_in("Imaging", names[i]), printed("Other/%s", names[i]));
	}
	kit_text(&s.k, "Other/note.txt", "her own");
	for (int i = 0; i < 4; i++)
		kit_publish_all(&s.k);
	owner_sees_them("Other");
	assert_memory_equal(
		kit_attribute(&s.k, "Other/forged.txt", "user.emrfs.state"), "failed", 6);
	eve_may_read(kit_object_id(&s.k, "Other"), "Other");
	eve_gets_no_forgery("Other");
	eve_reads("Other", "note.txt", "her own", "self");
	eve_reads("Other", "hers.txt", "what she found", " by=lima.clinic, org0");
}

/* ---- what is sealed again for an epoch that knows no past ---- */

static emr_replica_head head_of(const char *path)
{
	emr_replica_head head;

	assert_ok(emr_replica_head_get(
		s.k.stack.replica, s.imaging, kit_object_id(&s.k, path), &head));
	return head;
}

TEST_IN(begin, end, what_is_forged_is_not_sealed_again)
{
	emr_replica_head before, after;
	uint64_t n = 0, left_out = 0;

	lima_writes(s.imaging);
	before = head_of("Imaging/forged.txt");
	assert_ok(emr_share_begin_epoch(begins(s.ana), s.imaging));
	assert_ok(share_hide_past(s.ana, s.imaging, &n, &left_out));
	assert_int_equal(left_out, 2);
	after = head_of("Imaging/forged.txt");
	assert_int_equal(after.version, before.version);
	assert_true(head_of("Imaging/hers.txt").epoch > before.epoch);
	/* A writer of the network's directory takes away the entry that brought it; a reader of now
	 * would have her word alone. */
	story_sql(&s, "UPDATE parts SET part=x'' WHERE family=32 AND version=1");
	kit_publish_all(&s.k);
	eve_may_read(s.imaging, "Imaging");
	eve_gets_no_forgery("Imaging");
	eve_reads("Imaging", "MRI.pdf", "%PDF a knee", "self");
	eve_reads("Imaging", "hers.txt", "what she found", " by=lima.clinic, org0");
}

/* ---- what comes back, and what is saved again ---- */

TEST_IN(begin, end, what_is_forged_is_not_brought_back_as_hers)
{
	emr_restored restored;
	const emr_restore what = {
		.path = "Imaging/forged.txt", .cver = 1, .to = "Imaging/copy.txt"};

	lima_writes(s.imaging);
	assert_status(EMR_BAD_SIGNATURE, emr_view_restore(s.k.view, &what, &restored));
	kit_publish_all(&s.k);
	assert_false(kit_exists(&s.k, "Imaging/copy.txt"));
}

/* A name of scratch leaves its record, and would be another when it gets a proper one. */
TEST_IN(begin, end, what_is_forged_is_not_saved_again_as_hers)
{
	lima_writes(s.imaging);
	kit_rename(&s.k, "Imaging/forged.txt", "Imaging/forged.txt~");
	kit_publish_all(&s.k);
	kit_rename(&s.k, "Imaging/forged.txt~", "Imaging/good.txt");
	for (int i = 0; i < 4; i++)
		kit_publish_all(&s.k);
	owner_says("Imaging/good.txt", "mismatch");
	kit_restart(&s.k);
	owner_says("Imaging/good.txt", "mismatch");
}

TESTS(NULL, NULL)
