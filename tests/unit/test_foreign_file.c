/* Dr lima writes in a single file that Ana shares: only its bytes are dr lima's to say, and nothing
 * of it that dr lima closed is lost. */
#include "foreign_kit.h"

#include "share/give.h"
#include "share/write.h"

/* Ana's computer takes in what there is, and says what it has to say. */
static void she_settles(story *s)
{
	for (int i = 0; i < 4; i++)
		kit_publish_all(&s->k);
}

static emr_id16 make_inner(story *s)
{
	emr_id16 domain;

	assert_ok(emr_view_make_domain(s->k.view, "Imaging/MRI.pdf", &domain));
	she_settles(s);
	assert_ok(emr_store_index_now(s->k.stack.store));
	return domain;
}

static emr_id16 give(story *s, viewer *v, emr_id16 domain, uint16_t writes)
{
	emr_grant_order order = {.domain = domain,
		.grantee = s->lima.public.signer_id,
		.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.writes = writes,
		.purposes = 1u << CONSULT,
		.not_after_unix_s = story_now(s) + 7 * DAY,
		.label = "MRI.pdf",
		.owner_name = "Silva, Ana",
		.owner_born = "1984-03-12"};
	emr_grant_made made;

	assert_ok(emr_share_grant(begins(s->ana), &order, &made));
	viewer_run(v, NULL, 0);
	viewer_learn_owner(v);
	return made.grant;
}

static void may_write(story *s, viewer *v)
{
	(void)give(s, v, make_inner(s), EMR_WRITES_ALL);
}

static const char *beside(viewer *v)
{
	return viewer_list(v, v->owner, owner_answers);
}

static const char *at_his_top(viewer *v)
{
	return viewer_list(v, "", NULL);
}

/* "FILE (not sent to TIME)/FILE" in his own folder. */
static const char *kept_path(viewer *v)
{
	static char path[300];
	const char *folder = strstr(at_his_top(v), "MRI.pdf (not sent to ");

	assert_non_null(folder);
	(void)snprintf(
		path, sizeof path, "%.*s/MRI.pdf", (int)(strchr(folder, ')') + 1 - folder), folder);
	return path;
}

TEST(what_was_not_sent_when_she_removes_it_is_kept)
{
	LIMAS_FOLDER;

	may_write(&s, &v);
	writer_put(&v, "MRI.pdf", "a third knee");
	kit_unlink(&s.k, "Imaging/MRI.pdf");
	kit_wait_ms(&s.k, 5000);
	she_settles(&s);
	writer_exchange(&v);
	writer_exchange(&v);
	assert_non_null(strstr(v.notices, "not-sent MRI.pdf (not sent to "));
	assert_string_equal(viewer_text(&v, printed("%s", kept_path(&v)), NULL), "a third knee");
	assert_int_equal(writer_pending(&v), 0);
	assert_false(kit_exists(&s.k, "Imaging/MRI.pdf"));
	assert_string_equal(beside(&v), "");
}

TEST(a_file_of_its_own_in_a_folder_for_writing)
{
	LIMAS_FOLDER;
	emr_nested tree[1];

	(void)story_lets_write(&s, &s.lima, false);
	tree[0] = (emr_nested){.domain = make_inner(&s), .outer = s.imaging};
	assert_ok(emr_share_tie(begins(s.ana), tree, 1, NULL));
	viewer_run(&v, NULL, 0);
	(void)snprintf(v.owner, sizeof v.owner, "shared-with-me/%s",
		viewer_list(&v, "shared-with-me", NULL));
	assert_string_equal(writer_list(&v, "Imaging"), "Old,MRI.pdf");
	writer_put(&v, "Imaging/MRI.pdf", "his knee");
	assert_string_equal(writer_list(&v, "Imaging"), "Old,MRI.pdf");
	assert_string_equal(writer_text(&v, "Imaging/MRI.pdf"), "his knee");
	/* its name is the owner's, also in a folder that he may change */
	assert_status(EMR_DENIED, writer_try_unlink(&v, "Imaging/MRI.pdf"));
	assert_status(EMR_DENIED, writer_try_rename(&v, "Imaging/MRI.pdf", "Imaging/knee.pdf"));
	writer_put(&v, "Imaging/lu1a2b3c.tmp", "saved by a rename");
	assert_status(EMR_DENIED, writer_try_rename(&v, "Imaging/lu1a2b3c.tmp", "Imaging/MRI.pdf"));
	writer_exchange(&v);
	kit_expect_text(&s.k, "Imaging/MRI.pdf", "his knee");
	assert_string_equal(writer_text(&v, "Imaging/MRI.pdf"), "his knee");
	/* Listed, what is only his stays, also while the kernel knows nothing of it. */
	assert_non_null(strstr(writer_list(&v, "Imaging"), "MRI.pdf"));
	assert_non_null(strstr(writer_list(&v, "Imaging"), "lu1a2b3c.tmp"));
	assert_string_equal(writer_text(&v, "Imaging/lu1a2b3c.tmp"), "saved by a rename");
	/* and hers when it is still there after a while */
	assert_int_equal(writer_pending(&v), 1);
	story_pass(&s, 60);
	writer_exchange(&v);
	assert_int_equal(writer_pending(&v), 0);
	kit_expect_text(&s.k, "Imaging/lu1a2b3c.tmp", "saved by a rename");
}

TESTS(NULL, NULL)
