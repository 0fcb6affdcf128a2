/* A share that its owner renames has its new name at the reader, whose programs go on with their
 * open files; no name there ever means two things. */
#include "shared_kit.h"

#include "shared.h"

/* ---- ana's side ---- */

static void ana_renames(story *s, const char *from, const char *to)
{
	kit_rename(&s->k, from, to);
	for (int i = 0; i < 4; i++)
		kit_publish_all(&s->k);
	assert_ok(emr_store_index_now(s->k.stack.store));
	story_pass(s, 2);
}

/* ---- the reader's ---- */

static const char *in(viewer *v, const char *path)
{
	return viewer_list(v, viewer_at(v, path), owner_answers);
}

static const char *beside(viewer *v)
{
	return viewer_list(v, v->owner, owner_answers);
}

static uint64_t node_of(viewer *v, const char *path)
{
	emr_attr attr;

	assert_ok(viewer_find(v, viewer_at(v, path), owner_answers, &attr));
	return attr.node;
}

static void read_on(emr_handle *h, const char *text)
{
	char bytes[32] = "";
	size_t got = 0;

	assert_ok(emr_view_read(h, 0, bytes, sizeof bytes - 1, &got));
	assert_string_equal(bytes, text);
}

/* How many of what V lists beside each other begins with START. */
static unsigned count_beside(viewer *v, const char *start)
{
	unsigned n = 0;

	for (const char *at = beside(v); at != NULL; at = strchr(at, ',')) {
		at += *at == ',';
		n += strncmp(at, start, strlen(start)) == 0;
	}
	return n;
}

/* ---- the tests ---- */

TEST(a_renamed_folder_has_its_new_name_and_open_files_go_on)
{
	LIMAS_FOLDER;
	emr_handle *h = NULL;
	uint64_t before;

	(void)story_share(&s, &s.lima, 0, false);
	viewer_run(&v, NULL, 0);
	viewer_learn(&v);
	assert_string_equal(in(&v, "Imaging"), "MRI.pdf,Old");
	assert_ok(viewer_open_file(&v, viewer_at(&v, "Imaging/MRI.pdf"), owner_answers, &h));
	before = node_of(&v, "Imaging");
	ana_renames(&s, "Imaging", "Scans");
	v.told[0] = 0;
	viewer_run(&v, owner_answers, 2);
	assert_string_equal(beside(&v), "Scans");
	assert_string_equal(in(&v, "Imaging"), "!not found");
	assert_int_equal(node_of(&v, "Scans"), before);
	/* The kernel forgets the old name, and that the new one was lacking. */
	assert_non_null(strstr(v.told, " Imaging\n"));
	assert_non_null(strstr(v.told, " Scans\n"));
	assert_string_equal(in(&v, "Scans"), "MRI.pdf,Old");
	read_on(h, "%PDF a knee");
	emr_view_release(h);
	viewer_reads(&v, "Scans/Old/CT.pdf", owner_answers, "%PDF a head");
	assert_string_equal(v.notices, "");
}

TEST(a_name_that_is_there_already_is_told_apart_until_it_is_free)
{
	LIMAS_FOLDER;

	(void)story_share(&s, &s.lima, 0, false);
	kit_mkdir(&s.k, "Letters");
	kit_text(&s.k, "Letters/GP.txt", "a letter");
	ana_renames(&s, "Letters", "Post");
	ana_shares_domain(&s, ana_makes_domain(&s, "Post"), "Post");
	viewer_run(&v, NULL, 0);
	viewer_learn(&v);
	assert_string_equal(in(&v, "Post"), "GP.txt");
	assert_string_equal(in(&v, "Imaging"), "MRI.pdf,Old");
	ana_renames(&s, "Post", "Scans");
	viewer_run(&v, owner_answers, 2);
	assert_int_equal(count_beside(&v, "Scans"), 1);
	assert_int_equal(count_beside(&v, "Post"), 0);
	/* The two change their names with each other, by way of a third one. */
	ana_renames(&s, "Scans", "Between");
	ana_renames(&s, "Imaging", "Scans");
	ana_renames(&s, "Between", "Imaging");
	viewer_run(&v, owner_answers, 2);
	assert_string_equal(in(&v, "Imaging"), "GP.txt");
	assert_string_equal(in(&v, "Scans"), "MRI.pdf,Old");
	assert_int_equal(count_beside(&v, "Imaging"), 1);
}

TEST(two_shares_of_one_name_have_two_names)
{
	LIMAS_FOLDER;
	emr_id16 mri = ana_makes_domain(&s, "Imaging/MRI.pdf"),
		 ct = ana_makes_domain(&s, "Imaging/Old/CT.pdf");

	ana_shares_domain(&s, mri, "MRI.pdf");
	ana_shares_domain(&s, ct, "CT.pdf");
	viewer_run(&v, NULL, 0);
	viewer_learn(&v);
	viewer_reads(&v, "MRI.pdf", owner_answers, "%PDF a knee");
	viewer_reads(&v, "CT.pdf", owner_answers, "%PDF a head");
	/* Of different folders, so nothing stops her. */
	ana_renames(&s, "Imaging/MRI.pdf", "Imaging/CT.pdf");
	viewer_run(&v, owner_answers, 2);
	viewer_reads(&v, "CT.pdf", owner_answers, "%PDF a head");
	assert_int_equal(count_beside(&v, "CT.pdf"), 1);
	assert_int_equal(count_beside(&v, "CT~"), 1);
	/* The first one goes on: the second is called as its owner calls it. */
	ana_renames(&s, "Imaging/Old/CT.pdf", "Imaging/Old/Head.pdf");
	viewer_run(&v, owner_answers, 2);
	viewer_reads(&v, "CT.pdf", owner_answers, "%PDF a knee");
	viewer_reads(&v, "Head.pdf", owner_answers, "%PDF a head");
	assert_int_equal(count_beside(&v, "CT~"), 0);
}

TEST(what_was_renamed_while_his_folder_was_closed_is_known_before_he_looks)
{
	LIMAS_FOLDER;

	(void)story_share(&s, &s.lima, 0, false);
	viewer_run(&v, NULL, 0);
	viewer_learn(&v);
	assert_string_equal(in(&v, "Imaging"), "MRI.pdf,Old");
	viewer_close(&v);
	ana_renames(&s, "Imaging", "Scans");
	viewer_open(&v, &s, &s.lima, "lima-folder", CONSULT);
	viewer_run(&v, NULL, 0);
	viewer_learn(&v);
	assert_string_equal(viewer_list(&v, v.owner, NULL), "Scans");
	/* And while it is open, before he looks into it. */
	ana_renames(&s, "Scans", "Pictures");
	viewer_run(&v, NULL, 0);
	assert_string_equal(viewer_list(&v, v.owner, NULL), "Pictures");
	viewer_lists(&v, "Pictures", NULL, "MRI.pdf,Old");
}

TEST(a_new_name_shows_as_it_is_or_is_made_plain)
{
	LIMAS_FOLDER;

	(void)story_share(&s, &s.lima, 0, false);
	viewer_run(&v, NULL, 0);
	viewer_learn(&v);
	assert_string_equal(in(&v, "Imaging"), "MRI.pdf,Old");
	ana_renames(&s, "Imaging", "Sc\x1b[2Jans \xe2\x80\xaegpj.\xff");
	viewer_run(&v, owner_answers, 2);
	assert_string_equal(beside(&v), "Sc_[2Jans _gpj._");
	ana_renames(&s, "Sc\x1b[2Jans \xe2\x80\xaegpj.\xff", "Exames S\xc3\xa3o Jos\xc3\xa9");
	viewer_run(&v, owner_answers, 2);
	assert_string_equal(beside(&v), "Exames S\xc3\xa3o Jos\xc3\xa9");
}

TEST(the_note_of_an_end_has_the_last_name)
{
	LIMAS_FOLDER;
	size_t n = 0;

	(void)story_share(&s, &s.lima, 0, false);
	viewer_run(&v, NULL, 0);
	viewer_learn(&v);
	assert_string_equal(in(&v, "Imaging"), "MRI.pdf,Old");
	ana_renames(&s, "Imaging", "Scans");
	viewer_run(&v, owner_answers, 2);
	assert_ok(emr_share_revoke_person(begins(s.ana), s.imaging, s.lima.public.signer_id, &n));
	viewer_run(&v, NULL, 0);
	assert_true(strncmp(beside(&v), "Scans - access ended ", 21) == 0);
}

TESTS(NULL, NULL)
