/* Keys that were released once are kept, sealed, until their grant ends: a file that was read opens
 * again after a start, by that share alone, and the bytes on the disk tell nobody which file it is.
 Here is also how the directories of people are called. */
#include "shared_kit.h"

#include "base/codec.h"
#include "keyring/sealed.h"
#include "share/read.h"

#include "owner.h"

static void read_names(story *s, viewer *v)
{
	(void)story_share(s, &s->lima, 0, false);
	viewer_run(v, NULL, 0);
	viewer_learn_owner(v);
	viewer_lists(v, "Imaging", owner_answers, "MRI.pdf,Old");
}

static void read_knee(story *s, viewer *v)
{
	read_names(s, v);
	viewer_reads(v, "Imaging/MRI.pdf", owner_answers, "%PDF a knee");
}

/* The keys that are at rest in the folder of V; none is fine. */
static void load_kept(const viewer *v, emr_buf *out)
{
	static const uint8_t head[EMR_SEALED_HEAD_BYTES] = {'E', 'M', 'S', 'K', 1};
	emr_status status =
		emr_sealed_load(v->s->lima.keyring, v->state_fd, "shared-keys", head, 1 << 20, out);

	assert_true(status == EMR_OK || status == EMR_NOT_FOUND);
}

static size_t kept_keys(const viewer *v)
{
	EMR_AUTO_BUF kept = {0};

	load_kept(v, &kept);
	return kept.len / EMR_KEPT_KEY_BYTES;
}

/* V is closed and opened, and nobody answers it. */
static void come_back(story *s, viewer *v)
{
	viewer_close(v);
	viewer_open(v, s, &s->lima, "lima-folder", CONSULT);
	viewer_run(v, NULL, 0);
	viewer_learn_owner(v);
}

TEST(what_was_read_is_there_after_a_start_and_the_rest_is_asked_for)
{
	LIMAS_FOLDER;

	read_knee(&s, &v);
	come_back(&s, &v);
	viewer_lists(&v, "Imaging", NULL, "MRI.pdf,Old");
	assert_string_equal(v.notices, "");
	viewer_reads(&v, "Imaging/MRI.pdf", NULL, "%PDF a knee");
	viewer_reads(&v, "Imaging/Old/CT.pdf", NULL, "!timed out");
	viewer_reads(&v, "Imaging/Old/CT.pdf", owner_answers, "%PDF a head");
	/* nothing of it is left when the share is over */
	come_back(&s, &v);
	assert_int_equal(kept_keys(&v), 3);
	story_pass(&s, 8 * DAY);
	viewer_run(&v, NULL, 0);
	assert_int_equal(kept_keys(&v), 0);
}

/* A second version's key is another one, and the first one's is of no use. */
TEST(a_key_at_rest_of_what_is_shown_no_more_goes)
{
	LIMAS_FOLDER;

	read_knee(&s, &v);
	viewer_close(&v);
	kit_save(&s.k, "Imaging/MRI.pdf", "%PDF the other knee");
	viewer_open(&v, &s, &s.lima, "lima-folder", CONSULT);
	viewer_run(&v, NULL, 0);
	viewer_learn_owner(&v);
	viewer_lists(&v, "Imaging", NULL, "MRI.pdf,Old");
	viewer_reads(&v, "Imaging/MRI.pdf", NULL, "!timed out");
	viewer_close(&v);
	viewer_open(&v, &s, &s.lima, "lima-folder", CONSULT);
	assert_int_equal(kept_keys(&v), 1);
}

TEST(keys_at_rest_go_when_the_share_was_taken_back_while_the_folder_was_closed)
{
	LIMAS_FOLDER;
	size_t n;

	read_knee(&s, &v);
	viewer_close(&v);
	assert_ok(emr_share_revoke_person(begins(s.ana), s.imaging, s.lima.public.signer_id, &n));
	viewer_open(&v, &s, &s.lima, "lima-folder", CONSULT);
	viewer_run(&v, NULL, 0);
	assert_int_equal(kept_keys(&v), 0);
}

/* The folder shows the share that took its place, and nobody tells it that this one was over. */
TEST(keys_at_rest_go_also_when_it_was_shared_again_meanwhile)
{
	LIMAS_FOLDER;
	size_t n;

	read_names(&s, &v);
	viewer_close(&v);
	assert_ok(emr_share_revoke_person(begins(s.ana), s.imaging, s.lima.public.signer_id, &n));
	(void)story_share(&s, &s.lima, 0, false);
	viewer_open(&v, &s, &s.lima, "lima-folder", CONSULT);
	assert_int_equal(kept_keys(&v), 1);
	viewer_run(&v, NULL, 0);
	s.k.clock.boot_ns += 1000000000;
	viewer_run(&v, NULL, 0);
	assert_int_equal(kept_keys(&v), 0);
}

/* The owner gives the same again, and only then ends the one before. CHANGED: another file has a
 * past, so that all of it is wrapped again. */
static void renewed(bool changed, bool was_closed)
{
	LIMAS_FOLDER;
	emr_grant_made first = story_share(&s, &s.lima, 0, false);

	viewer_run(&v, NULL, 0);
	viewer_learn_owner(&v);
	viewer_lists(&v, "Imaging", owner_answers, "MRI.pdf,Old");
	viewer_reads(&v, "Imaging/MRI.pdf", owner_answers, "%PDF a knee");
	if (was_closed)
		viewer_close(&v);
	if (changed)
		kit_save(&s.k, "Imaging/Old/CT.pdf", "%PDF another head");
	(void)story_share(&s, &s.lima, 0, false);
	assert_ok(emr_share_revoke(begins(s.ana), s.imaging, first.grant));
	if (was_closed) {
		viewer_open(&v, &s, &s.lima, "lima-folder", CONSULT);
		viewer_run(&v, NULL, 0);
		viewer_learn_owner(&v);
	}
	/* Names behind a past have another key, which is asked for while who gave it is there. */
	viewer_run(&v, changed ? owner_answers : NULL, 40);
	viewer_lists(&v, "Imaging", changed ? owner_answers : NULL, "MRI.pdf,Old");
	viewer_reads(&v, "Imaging/MRI.pdf", NULL, "%PDF a knee");
	viewer_reads(&v, "Imaging/Old/CT.pdf", NULL, "!timed out");
	/* They are the later one's by now, and go with it. */
	come_back(&s, &v);
	viewer_reads(&v, "Imaging/MRI.pdf", NULL, "%PDF a knee");
	story_pass(&s, 8 * DAY);
	viewer_run(&v, NULL, 0);
	assert_int_equal(kept_keys(&v), 0);
}

TEST(what_was_read_stays_readable_over_a_share_that_was_renewed)
{
	for (int how = 0; how < 4; how++)
		renewed((how & 1) != 0, (how & 2) != 0);
}

static void flip_last(emr_buf *kept)
{
	kept->data[kept->len - 1] ^= 1;
}

/* The last key and the one before it change places, each without what it is bound to. */
static void exchange_last(emr_buf *kept)
{
	enum { SEALED = 72 };
	uint8_t *last = kept->data + kept->len - SEALED, *other = last - EMR_KEPT_KEY_BYTES;
	uint8_t was[SEALED];

	memcpy(was, last, SEALED);
	memcpy(last, other, SEALED);
	memcpy(other, was, SEALED);
}

/* While V is closed, its own keyring changes what is at rest: nobody else can. */
static void come_back_changed(story *s, viewer *v, void (*change)(emr_buf *))
{
	static const uint8_t head[EMR_SEALED_HEAD_BYTES] = {'E', 'M', 'S', 'K', 1};
	EMR_AUTO_BUF kept = {0};
	int fd;

	viewer_close(v);
	fd = open(printed("%s/lima-folder", s->k.path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_ok(emr_sealed_load(s->lima.keyring, fd, "shared-keys", head, 1 << 20, &kept));
	change(&kept);
	assert_ok(emr_sealed_save(s->lima.keyring, fd, "shared-keys", head, emr_buf_view(&kept)));
	(void)close(fd);
	viewer_open(v, s, &s->lima, "lima-folder", CONSULT);
	viewer_run(v, NULL, 0);
	viewer_learn_owner(v);
}

/* ALONE: what is listed after it while nobody answers. */
static void opens_nothing(story *s, viewer *v, void (*change)(emr_buf *), const char *alone)
{
	come_back_changed(s, v, change);
	assert_string_equal(viewer_list(v, viewer_at(v, "Imaging"), NULL), alone);
	viewer_lists(v, "Imaging", owner_answers, "MRI.pdf,Old");
	viewer_reads(v, "Imaging/MRI.pdf", NULL, "!timed out");
	viewer_reads(v, "Imaging/MRI.pdf", owner_answers, "%PDF a knee");
}

TEST(kept_names_that_were_changed_are_asked_for_again)
{
	LIMAS_FOLDER;

	read_names(&s, &v);
	/* once for a second's, and a kill after that loses nothing */
	s.k.clock.boot_ns += 1000000000;
	viewer_run(&v, NULL, 0);
	assert_int_equal(kept_keys(&v), 1);
	opens_nothing(&s, &v, flip_last, "!timed out");
}

/* The disk tells of no share, grant or record to one who has no keyring. */
TEST(kept_keys_tell_the_disk_nothing)
{
	LIMAS_FOLDER;
	EMR_AUTO_BUF kept = {0};
	EMR_AUTO_BUF disk = {0};

	read_names(&s, &v);
	s.k.clock.boot_ns += 1000000000;
	viewer_run(&v, NULL, 0);
	load_kept(&v, &kept);
	assert_int_equal(kept.len, EMR_KEPT_KEY_BYTES);
	assert_ok(emr_file_read(v.state_fd, "shared-keys", 1 << 20, &disk));
	for (size_t at = 0; at < kept.len; at += 8) /* ids, end, nonce, key */
		assert_null(memmem(disk.data, disk.len, kept.data + at, 8));
}

static emr_known_grant later;

static void say_later_grant(emr_buf *kept)
{
	for (size_t at = 0; at < kept->len; at += EMR_KEPT_KEY_BYTES) {
		memcpy(kept->data + at + 16, later.grant.b, 16);
		emr_put_u64(kept->data + at + 64, later.row.not_after_unix_s);
	}
}

static emr_shared *opened_by_lima(story *s, const emr_grant_made *made)
{
	emr_share_trouble trouble;
	emr_shared *shared = NULL;

	assert_ok(emr_shared_open(s->lima.share, s->imaging, made->grant, CONSULT,
		EMR_READER_PERSON, &shared, &trouble));
	return shared;
}

/* Of two that are open, for the same version. */
TEST(a_kept_key_opens_nothing_under_another_grant)
{
	emr_grant_made first, second;
	EMR_AUTO_BUF kept = {0};
	emr_replica_head mri;
	emr_share_trouble trouble;
	emr_shared *shared;
	emr_ask *ask = NULL;

	SCENE(story, s, story_begin, story_end);
	first = story_share(&s, &s.lima, 0, false);
	second = story_share(&s, &s.lima, 0, false);
	story_see(&s.lima);
	assert_ok(emr_share_keep_received(s.lima.share, true));
	assert_ok(emr_replica_grant(s.lima.replica, s.imaging, second.grant, &later));
	assert_ok(emr_replica_head_get(
		s.lima.replica, s.imaging, kit_object_id(&s.k, "Imaging/MRI.pdf"), &mri));
	shared = opened_by_lima(&s, &first);
	assert_ok(emr_shared_ask_records(shared, &mri.object, 1, &ask, &trouble));
	owner_answers(&s);
	assert_ok(ask_wait(s.lima.replica, ask, 0, &trouble));
	emr_ask_free(ask);
	assert_ok(emr_shared_save_keys(shared, &kept));
	emr_shared_free(shared);
	say_later_grant(&kept);
	shared = opened_by_lima(&s, &second);
	assert_status(EMR_DAMAGED, emr_shared_load_keys(shared, &kept));
	assert_int_equal(kept.len, 0);
	assert_false(emr_shared_has_key(shared, mri.object, mri.pversion));
	emr_shared_free(shared);
}

static void say_later_end(emr_buf *kept)
{
	for (size_t at = 0; at < kept->len; at += EMR_KEPT_KEY_BYTES)
		emr_put_u64(kept->data + at + 64, emr_get_u64(kept->data + at + 64) + 300 * DAY);
}

TEST(a_kept_key_with_a_later_end_is_none)
{
	LIMAS_FOLDER;

	read_knee(&s, &v);
	opens_nothing(&s, &v, say_later_end, "!timed out");
}

/* Each is sealed to its place: in another's it opens nothing, and is asked for again. */
TEST(kept_keys_that_were_exchanged_are_asked_for_again)
{
	LIMAS_FOLDER;

	read_knee(&s, &v);
	viewer_reads(&v, "Imaging/Old/CT.pdf", owner_answers, "%PDF a head");
	opens_nothing(&s, &v, exchange_last, "MRI.pdf,Old");
}

static const char *directory_of(const char *handle, unsigned number)
{
	static char out[EMR_NAME_MAX + 1];
	emr_owner_called called = {
		.name = "ana, the name in sentences", .code = "LJNFUWS2", .number = number};

	(void)snprintf(called.handle, sizeof called.handle, "%s", handle);
	owner_name_directory(&called, &(emr_card){.name = "Ana Silva"}, out);
	return out;
}

/* A directory is called by the handle alone; a code stands there where the handle tells nobody
 * apart. */
TEST(a_directory_is_a_handle_that_is_nobody_elses)
{
	char longest[EMR_NAME_MAX + 1];

	assert_string_equal(directory_of("ana", 1), "ana");
	assert_string_equal(directory_of("ana", 2), "ana (2)");
	assert_string_equal(directory_of("ana (2)", 1), "ana _2_ (LJNFUWS2)");
	assert_string_equal(directory_of("a/b", 1), "a_b (LJNFUWS2)");
	assert_string_equal(directory_of(".ana", 1), "_ana (LJNFUWS2)");
	assert_string_equal(directory_of("an\xd0\xb0", 0), "an\xd0\xb0 (LJNFUWS2)");
	assert_string_equal(directory_of("", 0), "LJNFUWS2");
	assert_string_equal(directory_of("patient-ljnfuws2", 1), "Ana Silva (LJNFUWS2)");
	memset(longest, 'x', EMR_NAME_MAX);
	longest[EMR_NAME_MAX] = 0;
	assert_string_equal(directory_of(longest, 1) + 120, " (LJNFUWS2)");
}

TESTS(NULL, NULL)
