/* These tests show which person lied and who is told, what strangers to the keys can see, and what
 * survives a ledger that fails. */
#include "story_kit.h"

#include <ftw.h>
#include <pthread.h>

#include "contract/codes.h"

static story s; /* one at a time: the walk over files has no argument */

AROUND_BY(begin, story_begin(&s))
AROUND_BY(end, story_end(&s))

/* ---- an agent that converts something else ---- */

static int liar = -1, turn;

WRAPPED(emr_status, emr_fragment_convert, const emr_fragment *fragment, const uint8_t ctx[32],
	const uint8_t capsule[96], emr_id32 req, uint8_t out_cfrag[EMR_PRE_CFRAG_BYTES])
{
	static uint8_t other_ctx[32], other_capsule[96]; /* of the first thing ever asked for */
	static bool has_other;

	if (!has_other) {
		memcpy(other_ctx, ctx, 32);
		memcpy(other_capsule, capsule, 96);
		has_other = true;
	}
	if (turn == liar)
		return __real_emr_fragment_convert(
			fragment, other_ctx, other_capsule, req, out_cfrag);
	return __real_emr_fragment_convert(fragment, ctx, capsule, req, out_cfrag);
}

static void agents_with_a_liar(story *of)
{
	for (int round = 0; round < AGENTS; round++) {
		for (turn = 0; turn < AGENTS; turn++)
			(void)story_agent(of, turn);
		of->k.clock.boot_ns += 200000000;
	}
	turn = -2;
}

TEST_IN(begin, end, a_lying_agent_is_named_and_asked_no_more)
{
	emr_share_trouble trouble = {0};
	emr_content_reader *reader = NULL;
	emr_shared_word word;
	story_found mri;
	emr_grant_made made;
	emr_shared *shared;
	emr_ask *ask = NULL;
	bool was_caught = false;

	made = story_share(&s, &s.lima, 0, true);
	/* Whose turn it is, the question decides: sooner or later the liar is among the first two.
	 */
	for (int attempt = 0; attempt < 40 && !was_caught; attempt++) {
		emr_status status;

		shared = story_opened(&s, &s.lima, made.grant, all_agents);
		mri = story_find(shared, "MRI.pdf");
		assert_ok(emr_shared_ask_records(shared, &mri.object, 1, &ask, &trouble));
		liar = 1;
		agents_with_a_liar(&s);
		status = ask_wait(s.lima.replica, ask, 0, &trouble);
		was_caught = trouble.liar_count > 0;
		if (was_caught) {
			assert_status(EMR_DENIED, status);
			assert_int_equal(trouble.why, EMR_WHY_LIAR);
			assert_int_equal(trouble.liar_count, 1);
			assert_memory_equal(trouble.liars[0].b, s.agents[1].public.signer_id.b, 32);
			emr_ask_free(ask);
			/* Again, without him. */
			assert_ok(emr_shared_ask_records(shared, &mri.object, 1, &ask, &trouble));
			agents_with_a_liar(&s);
			assert_ok(ask_wait(s.lima.replica, ask, 0, &trouble));
			assert_ok(emr_shared_open_signed(shared, mri.object, &reader, &word));
			emr_content_reader_free(reader);
		} else {
			assert_ok(status);
		}
		liar = -1;
		emr_ask_free(ask);
		emr_shared_free(shared);
	}
	assert_true(was_caught);
}

/* ---- what lies about ---- */

static const char *const words[] = {"Imaging", "MRI.pdf", "CT.pdf", "a knee", "a head", "Silva"};
static size_t files_seen;

static int look_into(const char *path, const struct stat *st, int type, struct FTW *at)
{
	FILE *file;
	char *bytes;

	(void)at;
	if (type != FTW_F || st->st_size == 0)
		return 0;
	file = fopen(path, "re");
	assert_non_null(file);
	bytes = malloc((size_t)st->st_size);
	assert_non_null(bytes);
	assert_int_equal(fread(bytes, 1, (size_t)st->st_size, file), st->st_size);
	(void)fclose(file);
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (memmem(bytes, (size_t)st->st_size, words[i], strlen(words[i])) != NULL)
			fail_msg("%s holds \"%s\"", path, words[i]);
	free(bytes);
	files_seen++;
	return 0;
}

TEST_IN(begin, end, ledger_blocks_and_everybodys_disks_show_no_names)
{
	emr_share_trouble trouble = {0};
	EMR_AUTO_BUF bytes = {0};
	emr_grant_made made;

	made = story_share(&s, &s.lima, 0, true);
	assert_ok(story_read(&s, &s.lima, made.grant, "MRI.pdf", all_agents, &bytes, &trouble));
	files_seen = 0;
	assert_int_equal(nftw(s.k.path, look_into, 16, FTW_PHYS), 0);
	assert_true(files_seen > 20);
}

/* ---- a ledger that fails ---- */

static int fail_at; /* the n-th submission from now, 1 = the next; 0 = none */

WRAPPED(emr_status, emr_ledger_submit, emr_ledger *ledger, emr_bytes batch,
	emr_ledger_answer *out_answer)
{
	if (fail_at > 0 && --fail_at == 0)
		return EMR_IO;
	return __real_emr_ledger_submit(ledger, batch, out_answer);
}

TEST_IN(begin, end, an_interrupted_grant_is_none_and_is_continued)
{
	emr_grant_order order = {.rights = 3, .purposes = 1};
	emr_share_trouble trouble = {0};
	EMR_AUTO_BUF bytes = {0};
	emr_grant_made made = {0};
	emr_status status = EMR_IO;
	int n;

	kit_text(&s.k, "Imaging/MRI.pdf", "%PDF again"); /* a past to hide: several batches */
	kit_publish_all(&s.k);
	order.not_after_unix_s = story_now(&s) + DAY;
	for (n = 1; status != EMR_OK; n++) {
		EMR_AUTO_BUF given = {0};

		fail_at = n;
		status = story_try_share(&s, &s.lima, &order, true, &made);
		fail_at = 0;
		assert_ok(emr_share_given(s.ana, s.imaging, &given));
		assert_int_equal(given.len / sizeof(emr_given), status == EMR_OK);
		if (status != EMR_OK)
			assert_status(EMR_IO, status);
		assert_true(n < 10);
		if (status != EMR_OK) /* so that the next round has the same work before it */
			fail_at = 0;
	}
	assert_true(n > 2);
	assert_ok(story_read(&s, &s.lima, made.grant, "MRI.pdf", owner_answers, &bytes, &trouble));
	assert_int_equal(bytes.len, 10);
}

TEST_IN(begin, end, an_agent_goes_on_where_its_ledger_failed)
{
	emr_share_trouble trouble = {0};
	emr_release_tally tally;
	emr_grant_made made;
	emr_shared *shared;
	story_found mri;
	emr_ask *ask = NULL;

	made = story_share(&s, &s.lima, 0, true);
	shared = story_opened(&s, &s.lima, made.grant, all_agents);
	mri = story_find(shared, "MRI.pdf");
	assert_ok(emr_shared_ask_records(shared, &mri.object, 1, &ask, &trouble));
	for (int i = 0; i < AGENTS; i++) {
		fail_at = 1;
		(void)emr_agency_run(s.agencies[i], &tally);
		assert_int_equal(tally.answered, 0);
	}
	fail_at = 1;
	assert_status(EMR_IO, emr_release_run(s.release, &tally));
	fail_at = 0;
	/* Agents that are started again find their fragments, and the question. */
	for (int i = 0; i < AGENTS; i++) {
		emr_agency_close(s.agencies[i]);
		assert_ok(emr_agency_open(s.agents[i].share, s.agency_fds[i], &s.agencies[i]));
		assert_ok(emr_agency_renew_key(s.agencies[i]));
	}
	story_agents(&s, 7);
	assert_ok(ask_wait(s.lima.replica, ask, 0, &trouble));
	emr_ask_free(ask);
	emr_shared_free(shared);
}

/* ---- two at once ---- */

static void *serve_until_stopped(void *arg)
{
	const int *is_stopped = arg;

	while (!__atomic_load_n(is_stopped, __ATOMIC_ACQUIRE)) {
		emr_release_tally tally;
		uint64_t size;

		if (emr_release_run(s.release, &tally) != EMR_OK)
			return arg;
		(void)emr_ledger_wait(s.k.stack.ledger, UINT64_MAX - 1, 20, &size);
	}
	return NULL;
}

TEST_IN(begin, end, a_reader_waits_while_the_owner_answers)
{
	emr_share_trouble trouble = {0};
	int is_stopped = 0;
	emr_grant_made made;
	emr_shared *shared = NULL;
	emr_ask *ask = NULL;
	pthread_t thread;
	void *result;

	made = story_share(&s, &s.lima, 0, false);
	story_see(&s.lima);
	assert_ok(emr_shared_open(s.lima.share, s.imaging, made.grant, CONSULT, EMR_READER_PERSON,
		&shared, &trouble));
	assert_int_equal(pthread_create(&thread, NULL, serve_until_stopped, &is_stopped), 0);
	assert_ok(emr_shared_ask_names(shared, &ask, &trouble));
	assert_ok(ask_wait(s.lima.replica, ask, 60000, &trouble));
	__atomic_store_n(&is_stopped, 1, __ATOMIC_RELEASE);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_null(result);
	emr_ask_free(ask);
	emr_shared_free(shared);
}

TESTS(NULL, NULL)
