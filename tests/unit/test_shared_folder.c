/* Another person's share in the doctor's folder, beyond what shared.sh shows of it. */
#include "shared_kit.h"

#include "shared.h"

/* As a private part on Fabric may, after the entry that says it is there. */
TEST(what_is_shared_by_a_letter_that_comes_late_is_found)
{
	LIMAS_FOLDER;

	viewer_run(&v, NULL, 0);
	(void)story_share(&s, &s.lima, 0, false);
	story_sql(&s, "UPDATE parts SET family=1048 WHERE family=48");
	viewer_run(&v, NULL, 0);
	assert_string_equal(viewer_list(&v, "shared-with-me", NULL), "!not found");
	story_sql(&s, "UPDATE parts SET family=48 WHERE family=1048");
	viewer_run(&v, NULL, 0);
	assert_string_equal(viewer_list(&v, "shared-with-me", NULL), "!not found");
	s.k.clock.boot_ns += INT64_C(1000000000);
	viewer_run(&v, NULL, 0);
	viewer_learn_owner(&v);
	assert_string_equal(viewer_list(&v, v.owner, NULL), "Imaging");
}

static bool note_listed(void *arg, const emr_shared_with_me *share)
{
	static const char *const phases[] = {[EMR_SHARE_OPEN] = "open",
		[EMR_SHARE_EXPIRED] = "expired",
		[EMR_SHARE_REVOKED] = "revoked"};

	return strncat(arg,
		       printed("%s %s %s %s %llu\n", share->path, share->owner, share->right,
			       phases[share->phase], (unsigned long long)share->until_unix_s),
		       999 - strlen(arg)) != NULL;
}

static const char *listed(viewer *v)
{
	static char all[1000];

	all[0] = 0;
	assert_ok(emr_view_each_shared_with_me(v->view, note_listed, all));
	return all;
}

TEST(what_is_shared_stands_in_one_list_with_its_end)
{
	LIMAS_FOLDER;
	char *wanted;
	size_t n = 0;

	viewer_run(&v, NULL, 0);
	assert_string_equal(listed(&v), "");
	(void)story_share(&s, &s.lima, 0, true);
	viewer_run(&v, NULL, 0);
	viewer_learn_owner(&v);
	assert_true(asprintf(&wanted, "%s %s read open %llu\n", viewer_at(&v, "Imaging"),
			    v.owner + strlen("shared-with-me/"),
			    (unsigned long long)(story_now(&s) + 7 * DAY)) > 0);
	assert_string_equal(listed(&v), wanted);
	free(wanted);
	assert_ok(emr_share_revoke_person(begins(s.ana), s.imaging, s.lima.public.signer_id, &n));
	viewer_run(&v, NULL, 0);
	assert_true(asprintf(&wanted, "%s %s read revoked ", viewer_at(&v, "Imaging"),
			    v.owner + strlen("shared-with-me/")) > 0);
	assert_true(strncmp(listed(&v), wanted, strlen(wanted)) == 0);
	assert_true(strtoull(listed(&v) + strlen(wanted), NULL, 10) <= story_now(&s));
	free(wanted);
}

static void read_share(story *s, viewer *v, bool with_agents)
{
	(void)story_share(s, &s->lima, 0, with_agents);
	viewer_run(v, NULL, 0);
	viewer_learn_owner(v);
	assert_string_equal(
		viewer_list(v, viewer_at(v, "Imaging"), with_agents ? all_agents : owner_answers),
		"MRI.pdf,Old");
}

static uint64_t node_of(viewer *v, const char *path)
{
	emr_attr attr;

	assert_ok(viewer_find(v, path, NULL, &attr));
	return attr.node;
}

TEST(what_is_kept_of_anothers_is_not_ones_own_to_say)
{
	LIMAS_FOLDER;
	uint64_t number;

	read_share(&s, &v, false);
	number = node_of(&v, viewer_at(&v, "Imaging/MRI.pdf"));
	assert_string_equal(
		viewer_attribute(&v, viewer_at(&v, "Imaging/MRI.pdf"), "user.emrfs.keep"), "yes");
	assert_ok(emr_view_set_attribute(
		v.view, number, "user.emrfs.keep", emr_bytes_of("yes", 3), 0));
	assert_string_equal(v.notices, "");
	assert_status(EMR_FORBIDDEN, emr_view_set_attribute(v.view, number, "user.emrfs.keep",
					     emr_bytes_of("no", 2), 0));
	assert_non_null(strstr(v.notices, "not-yours-to-drop shared-with-me/"));
	assert_string_equal(
		viewer_attribute(&v, viewer_at(&v, "Imaging/MRI.pdf"), "user.emrfs.keep"), "yes");
}

/* A name that a program looks for begins with "_", an ending by which Windows acts is none, and no
 * file may be started. */
TEST(what_others_share_starts_and_configures_no_program)
{
	static const char *const files[] = {".git/config", ".vimrc", "HEAD", "run.desktop",
		"Report.lnk", ".zarray", ".zarrays"}; /* the last but one is a data format */
	LIMAS_FOLDER;
	emr_attr attr, wanted = {.mode = 0755};

	kit_mkdir(&s.k, "Imaging/.git");
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		kit_text(&s.k, printed("Imaging/%s", files[i]), "!run");
	attr = kit_attr(&s.k, "Imaging/run.desktop");
	assert_ok(emr_view_set_attr(s.k.view, attr.node, EMR_SET_MODE, &wanted, &attr));
	kit_publish_all(&s.k);
	(void)story_share(&s, &s.lima, 0, false);
	viewer_run(&v, NULL, 0);
	viewer_learn_owner(&v);
	assert_string_equal(viewer_list(&v, viewer_at(&v, "Imaging"), owner_answers),
		".zarray,MRI.pdf,Old,Report_lnk,_HEAD,_git,_vimrc,_zarrays,run.desktop");
	viewer_lists(&v, "Imaging/_git", owner_answers, "config");
	viewer_reads(&v, "Imaging/_vimrc", owner_answers, "!run");
	assert_status(EMR_NOT_FOUND,
		viewer_find(&v, viewer_at(&v, "Imaging/.git"), owner_answers, &attr));
	assert_ok(viewer_find(&v, viewer_at(&v, "Imaging/run.desktop"), owner_answers, &attr));
	assert_int_equal(attr.mode & 07777, 0644);
	assert_ok(viewer_find(&v, viewer_at(&v, "Imaging/_git"), owner_answers, &attr));
	assert_int_equal(attr.mode & 0100, 0100);
}

TEST(nobody_answers_and_that_is_said)
{
	LIMAS_FOLDER;

	(void)story_share(&s, &s.lima, 0, true);
	viewer_run(&v, NULL, 0);
	viewer_learn_owner(&v);
	viewer_lists(&v, "Imaging", NULL, "!timed out");
	assert_non_null(strstr(v.notices, "no-release shared-with-me/"));
	assert_non_null(strstr(v.notices, "/Imaging missing=3+owner"));
	v.notices[0] = 0;
	/* an answer that came late serves the next one without another question */
	all_agents(&s);
	viewer_lists(&v, "Imaging", NULL, "MRI.pdf,Old");
	viewer_reads(&v, "Imaging/MRI.pdf", NULL, "!timed out");
	assert_non_null(strstr(v.notices, "/Imaging/MRI.pdf missing=3+owner"));
}

/* The kernel, which had the previous file, is told that it is none any more, and looks once. */
TEST(what_she_saves_while_he_opens_it_is_there)
{
	LIMAS_FOLDER;
	char path[700];
	emr_attr attr;

	read_share(&s, &v, false);
	(void)snprintf(path, sizeof path, "%s", viewer_at(&v, "Imaging/MRI.pdf"));
	assert_ok(viewer_find(&v, path, owner_answers, &attr));
	kit_save(&s.k, "Imaging/MRI.pdf", "%PDF another knee");
	/* names were read a moment ago, which took ten seconds: they are not read again at once,
	 * but for who waits for them */
	v.view->shares->all->build_not_before_ns =
		emr_clock_boot_ns(&s.k.clock.clock) + INT64_C(50000000000);
	assert_status(EMR_NOT_FOUND, viewer_wait(&v, attr.node, EMR_NEED_BYTES, owner_answers));
	assert_string_equal(viewer_text(&v, path, owner_answers), "%PDF another knee");
}

TEST(the_end_of_a_share_acts_on_what_is_open)
{
	LIMAS_FOLDER;
	emr_handle *h = NULL, *again = NULL;
	char bytes[32], told[64];
	size_t got = 0;
	uint64_t number;

	read_share(&s, &v, false);
	assert_ok(viewer_open_file(&v, viewer_at(&v, "Imaging/MRI.pdf"), owner_answers, &h));
	assert_ok(emr_view_read(h, 0, bytes, sizeof bytes, &got));
	number = h->node->number;
	v.told[0] = 0;
	assert_null(strstr(v.notices, "grant-ending"));
	story_pass(&s, 7 * DAY - DAY / 2);
	viewer_run(&v, NULL, 2);
	assert_non_null(strstr(v.notices, "grant-ending shared-with-me/"));
	assert_null(strstr(strstr(v.notices, "grant-ending") + 1, "grant-ending")); /* once */
	assert_ok(emr_view_read(h, 0, bytes, sizeof bytes, &got));
	/* the clock alone ends it, before anybody has looked at anything */
	story_pass(&s, DAY / 2);
	assert_status(EMR_ACCESS_ENDED, emr_view_read(h, 0, bytes, sizeof bytes, &got));
	assert_status(EMR_ACCESS_ENDED, emr_view_open_file(v.view, number, O_RDONLY, &again));
	viewer_run(&v, NULL, 0);
	(void)snprintf(told, sizeof told, "%llu *\n", (unsigned long long)number);
	assert_non_null(strstr(v.told, told));
	assert_non_null(strstr(v.told, "Imaging\n"));
	assert_non_null(strstr(v.notices, "grant-expired shared-with-me/"));
	assert_status(EMR_ACCESS_ENDED, emr_view_read(h, 0, bytes, sizeof bytes, &got));
	emr_view_release(h);
	assert_non_null(strstr(viewer_list(&v, v.owner, NULL), "Imaging - access ended "));
	story_pass(&s, 31 * DAY);
	viewer_run(&v, NULL, 0);
	assert_string_equal(viewer_list(&v, "", NULL), "Inbox");
}

/* How often the reader was told that keys end. */
static unsigned countdown(const viewer *v)
{
	unsigned n = 0;

	for (const char *at = v->notices; (at = strstr(at, "keys-ending shared-with-me/")) != NULL;
		at++)
		n++;
	return n;
}

TEST(without_the_ledger_open_files_go_on_and_a_day_is_counted_down)
{
	LIMAS_FOLDER;
	static const struct {
		unsigned hours, told;
	} steps[] = {{0, 0}, {1, 1}, {1, 1}, {10, 2}, {8, 3}, {3, 4}};
	char network[600], away[620], bytes[32];
	emr_handle *h = NULL;
	size_t got = 0;

	read_share(&s, &v, false);
	assert_ok(viewer_open_file(&v, viewer_at(&v, "Imaging/MRI.pdf"), owner_answers, &h));
	viewer_run(&v, NULL, 0);
	(void)snprintf(network, sizeof network, "%s/network", s.k.stack.path);
	(void)snprintf(away, sizeof away, "%s.away", network);
	assert_int_equal(rename(network, away), 0);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		story_pass(&s, steps[i].hours * 3600);
		viewer_run(&v, NULL, 0);
		assert_int_equal(countdown(&v), steps[i].told);
		assert_ok(emr_view_read(h, 0, bytes, sizeof bytes, &got));
	}
	story_pass(&s, 2 * 3600); /* more than a day: keys are gone */
	viewer_run(&v, NULL, 0);
	assert_int_not_equal(emr_view_read(h, 0, bytes, sizeof bytes, &got), EMR_OK);
	emr_view_release(h);
	assert_int_equal(countdown(&v), 4);
	/* It is back: what was dropped is asked for again, and the day begins again. */
	assert_int_equal(rename(away, network), 0);
	viewer_run(&v, NULL, 0);
	viewer_reads(&v, "Imaging/MRI.pdf", owner_answers, "%PDF a knee");
	assert_int_equal(rename(network, away), 0);
	story_pass(&s, 3601);
	viewer_run(&v, NULL, 0);
	assert_int_equal(countdown(&v), 5);
	assert_int_equal(rename(away, network), 0);
}

/* A reader who sets the clock back while having it open gains nothing: the end is counted on a
 * clock that nobody sets. */
TEST(a_clock_set_back_prolongs_nothing)
{
	LIMAS_FOLDER;
	emr_handle *h = NULL;
	char bytes[32];
	size_t got = 0;

	read_share(&s, &v, false);
	assert_ok(viewer_open_file(&v, viewer_at(&v, "Imaging/MRI.pdf"), owner_answers, &h));
	assert_ok(emr_view_read(h, 0, bytes, sizeof bytes, &got));
	story_pass(&s, 6 * DAY);
	s.k.clock.unix_ns -= 30 * (int64_t)DAY * 1000000000;
	viewer_run(&v, NULL, 1);
	assert_ok(emr_view_read(h, 0, bytes, sizeof bytes, &got));
	s.k.clock.boot_ns += (int64_t)DAY * 1000000000;
	assert_status(EMR_ACCESS_ENDED, emr_view_read(h, 0, bytes, sizeof bytes, &got));
	emr_view_release(h);
	s.k.clock.unix_ns += 31 * (int64_t)DAY * 1000000000;
}

TEST(what_the_owner_saves_later_is_another_file_under_the_same_name)
{
	LIMAS_FOLDER;
	emr_handle *h = NULL;
	char bytes[32] = "";
	uint64_t before;
	size_t got = 0;

	read_share(&s, &v, false);
	assert_ok(viewer_open_file(&v, viewer_at(&v, "Imaging/MRI.pdf"), owner_answers, &h));
	before = h->node->number;
	v.told[0] = 0;
	kit_text(&s.k, "Imaging/MRI.pdf", "%PDF another knee");
	kit_text(&s.k, "Imaging/new.txt", "new");
	kit_unlink(&s.k, "Imaging/Old/CT.pdf");
	kit_publish_all(&s.k);
	assert_ok(emr_store_index_now(s.k.stack.store));
	story_pass(&s, 1);
	viewer_run(&v, owner_answers, 2);
	assert_non_null(strstr(v.told, " MRI.pdf\n"));
	assert_non_null(strstr(v.told, " new.txt\n")); /* it may be remembered as lacking */
	viewer_lists(&v, "Imaging", NULL, "MRI.pdf,Old,new.txt");
	viewer_lists(&v, "Imaging/Old", NULL, "");
	assert_int_not_equal(node_of(&v, viewer_at(&v, "Imaging/MRI.pdf")), before);
	assert_string_equal(viewer_text(&v, viewer_at(&v, "Imaging/MRI.pdf"), owner_answers),
		"%PDF another knee");
	/* who had it open goes on with what he opened */
	assert_ok(emr_view_read(h, 0, bytes, sizeof bytes - 1, &got));
	assert_string_equal(bytes, "%PDF a knee");
	emr_view_release(h);
}

static void text_of_all(viewer *v, char *out, size_t size)
{
	static const char *const files[] = {"MRI.pdf", "Old/CT.pdf", "new.txt", "Old/new.txt",
		"Older/new.txt", "Older/CT.pdf", "Older/Deep/x.txt"};
	static const char *const directories[] = {
		"Imaging", "Imaging/Old", "Imaging/Older", "Imaging/Older/Deep"};
	size_t len = 0;
	emr_attr attr;

	out[0] = 0;
	for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++)
		len += (size_t)snprintf(out + len, size - len, "%s: %s\n", directories[i],
			viewer_list(v, viewer_at(v, directories[i]), owner_answers));
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		char path[300];

		(void)snprintf(path, sizeof path, "Imaging/%s", files[i]);
		if (viewer_find(v, viewer_at(v, path), owner_answers, &attr) == EMR_OK)
			len += (size_t)snprintf(out + len, size - len, "%s %llu %o %lld: %s\n",
				path, (unsigned long long)attr.size_bytes, (unsigned)attr.mode,
				(long long)attr.mtime_ns,
				viewer_text(v, viewer_at(v, path), owner_answers));
	}
}

/* V has seen what was there before; who begins now reads all of it at once. */
static void same_as_at_once(story *s, viewer *v)
{
	static char seen[4000], at_once[4000];

	kit_publish_all(&s->k);
	assert_ok(emr_store_index_now(s->k.stack.store));
	story_pass(s, 1);
	viewer_run(v, owner_answers, 2);
	text_of_all(v, seen, sizeof seen);
	viewer_close(v);
	viewer_open(v, s, &s->lima, "lima-folder", CONSULT);
	viewer_run(v, owner_answers, 2);
	viewer_learn_owner(v);
	text_of_all(v, at_once, sizeof at_once);
	assert_string_equal(seen, at_once);
}

/* Only what is new is read: the rest is as it was, wherever it lies now. */
TEST(a_share_that_grows_in_steps_is_what_one_read_at_once_is)
{
	LIMAS_FOLDER;

	read_share(&s, &v, false);
	kit_text(&s.k, "Imaging/new.txt", "new");
	same_as_at_once(&s, &v);
	kit_text(&s.k, "Imaging/MRI.pdf", "%PDF another knee");
	kit_rename(&s.k, "Imaging/new.txt", "Imaging/Old/new.txt");
	same_as_at_once(&s, &v);
	kit_rename(&s.k, "Imaging/Old", "Imaging/Older");
	kit_mkdir(&s.k, "Imaging/Older/Deep");
	kit_text(&s.k, "Imaging/Older/Deep/x.txt", "deep");
	same_as_at_once(&s, &v);
	kit_unlink(&s.k, "Imaging/Older/CT.pdf");
	kit_text(&s.k, "Imaging/Older/new.txt", "newer");
	kit_text(&s.k, "Imaging/new.txt", "another new one");
	same_as_at_once(&s, &v);
	viewer_lists(&v, "Imaging", NULL, "MRI.pdf,Older,new.txt");
}

/* ---- names ---- */

static const char *owner_named(const char *name, const char *says, const char *born)
{
	static char out[EMR_NAME_MAX + 1];
	emr_card card = {.kind = EMR_CARD_DOMAIN};

	(void)snprintf(card.name, sizeof card.name, "%s", says);
	(void)snprintf(card.born, sizeof card.born, "%s", born);
	emr_shared_owner_name(name, "LJNFUWS2", &card, out);
	return out;
}

/* Names that others vouch for stand first, a person's own words stand in brackets that nobody else
 * can write, and no name leads elsewhere. */
TEST(a_name_never_leads_anywhere_else)
{
	char longest[EMR_NAME_MAX + 1];

	assert_string_equal(owner_named("ana", "Silva, Ana", "1984-03-12"),
		"ana (LJNFUWS2) [Silva, Ana 1984-03-12]");
	assert_string_equal(owner_named("Silva, Ana", "silva, ana", "1984-03-12"),
		"Silva, Ana (LJNFUWS2) [1984-03-12]");
	assert_string_equal(owner_named("ana", "Ana", ""), "ana (LJNFUWS2)");
	assert_string_equal(owner_named("", "Silva, Ana", ""), "LJNFUWS2 [Silva, Ana]");
	assert_string_equal(owner_named("", "../../etc", ""), "LJNFUWS2 [_._.._etc]");
	assert_string_equal(owner_named("..", "", ""), "_. (LJNFUWS2)");
	assert_string_equal(owner_named(".ana", "", ""), "_ana (LJNFUWS2)"); /* ls shows it */
	assert_string_equal(owner_named("a/b", "", ""), "a_b (LJNFUWS2)");
	assert_string_equal(owner_named("", "", ""), "LJNFUWS2");
	/* nobody writes a code or the end of the brackets by himself */
	assert_string_equal(
		owner_named("x", "lima (K7QFXYZA)", ""), "x (LJNFUWS2) [lima _K7QFXYZA_]");
	assert_string_equal(
		owner_named("x", "y] lima (K7QFXYZA)", ""), "x (LJNFUWS2) [y_ lima _K7QFXYZA_]");
	/* too long words are cut between letters, and never the code */
	memset(longest, 'x', EMR_NAME_MAX);
	longest[EMR_NAME_MAX] = 0;
	memcpy(longest + 119, "\xc3\xa9", 2);
	assert_string_equal(owner_named(longest, "y", "") + 119, " (LJNFUWS2) [y]");
	/* marks of direction and controls do not come out of a card: such a letter does not open */
	assert_false(emr_card_name_ok("Ana \xe2\x80\xae avliS"));
	assert_false(emr_card_name_ok("Ana\nSilva"));
}

/* Somebody made keys until the first letters of Ana's code came out, and says that she is Ana:
 * Ana's directory has the name that it had. */
TEST(who_comes_changes_nobodys_directory)
{
	LIMAS_FOLDER;
	shared_owner owners[2] = {{.next = NULL}, {.next = NULL}};
	char before[EMR_NAME_MAX + 1];
	shared_telling told;
	EMR_AUTO_BUF tell = {0};

	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(owners[i].card.name, sizeof owners[i].card.name, "Silva, Ana");
		memset(owners[i].signer_id.b, 0x5a, sizeof owners[i].signer_id.b);
		owners[i].signer_id.b[3] ^= (uint8_t)i;
		owners[i].card.signer_id = owners[i].signer_id;
	}
	assert_null(v.view->shares->owners);
	v.view->shares->owners = owners;
	shared_name_owners(v.view, &tell, 7);
	assert_string_equal(owners[0].name, "LJNFUWS2");
	(void)snprintf(before, sizeof before, "%s", owners[0].name);
	owners[0].next = &owners[1];
	emr_buf_clear(&tell);
	shared_name_owners(v.view, &tell, 7);
	v.view->shares->owners = NULL;
	assert_string_equal(owners[0].name, before);
	assert_string_equal(owners[1].name, "LJNFUW22");
	assert_int_equal(
		tell.len, sizeof told); /* whoever looked before looks again for her alone */
	memcpy(&told, tell.data, sizeof told);
	assert_int_equal(told.node, 7);
	assert_string_equal(told.name, owners[1].name);
}

/* A turn, and how many milliseconds may pass before the next. */
static int64_t pause_after_turn(const viewer *v)
{
	int64_t next_ms = -1;

	emr_view_shared_turn(v->view, &next_ms);
	return next_ms;
}

TEST(nothing_is_looked_at_all_the_time_after_the_end_of_a_share)
{
	LIMAS_FOLDER;
	emr_handle *h = NULL;
	char bytes[32];
	size_t got = 0, n = 0;

	read_share(&s, &v, false);
	assert_ok(viewer_open_file(&v, viewer_at(&v, "Imaging/MRI.pdf"), owner_answers, &h));
	assert_ok(emr_view_read(h, 0, bytes, sizeof bytes, &got));
	assert_ok(emr_share_revoke_person(begins(s.ana), s.imaging, s.lima.public.signer_id, &n));
	viewer_run(&v, NULL, 2);
	emr_view_release(h);
	story_pass(&s, 6);
	(void)pause_after_turn(&v);
	assert_true(pause_after_turn(&v) > 100);
}

TEST(nothing_is_looked_at_all_the_time_while_names_are_asked_for)
{
	LIMAS_FOLDER;
	size_t n = 0;

	read_share(&s, &v, false);
	(void)story_share(&s, &s.eve, 0, false);
	assert_ok(emr_share_revoke_person(begins(s.ana), s.imaging, s.eve.public.signer_id, &n));
	kit_text(&s.k, "Imaging/new.txt", "new"); /* its name has a key that he has not */
	kit_publish_all(&s.k);
	story_pass(&s, 2);
	viewer_run(&v, NULL, 2);
	story_pass(&s, 2);
	(void)pause_after_turn(&v);
	assert_true(pause_after_turn(&v) > 100);
	viewer_run(&v, owner_answers, 3);
	story_pass(&s, 2);
	viewer_run(&v, owner_answers, 3);
	viewer_lists(&v, "Imaging", owner_answers, "MRI.pdf,Old,new.txt");
}

TESTS(NULL, NULL)
