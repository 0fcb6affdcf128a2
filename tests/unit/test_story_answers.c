/* Which questions are answered, by whom, and when nobody waits for the answer any more. */
#include "story_kit.h"

#include "contract/codes.h"

static story s;

/* ---- what comes onto the ledger while an answer goes there ---- */

static void (*meanwhile)(void); /* once, before the next submission */

emr_status __real_emr_ledger_submit(emr_ledger *ledger, emr_bytes batch, emr_ledger_answer *out_answer);
emr_status __wrap_emr_ledger_submit(emr_ledger *ledger, emr_bytes batch, emr_ledger_answer *out_answer);

emr_status __wrap_emr_ledger_submit(emr_ledger *ledger, emr_bytes batch, emr_ledger_answer *out_answer)
{
	void (*first)(void) = meanwhile;

	meanwhile = NULL;
	if (first != NULL)
		first();
	return __real_emr_ledger_submit(ledger, batch, out_answer);
}

/* ---- lima, who asks ---- */

typedef struct sought {
	const char *name;
	emr_id16 object;
} sought;

typedef struct reading {
	emr_shared *shared;
	emr_ask *first, *second;
	sought mri, ct;
} reading;

static reading lima;

static emr_status find(void *arg, const emr_shared_record *record)
{
	sought *f = arg;

	if (record->meta->name.len == strlen(f->name) && memcmp(record->meta->name.data, f->name, record->meta->name.len) == 0)
		f->object = record->object;
	return EMR_OK;
}

static void everybody_answers(void)
{
	(void)story_owner(&s);
	story_agents(&s, 7);
}

/* With the names, and every question so far answered and looked at by everybody. */
static void open_as_lima(const emr_grant_made *made)
{
	emr_share_trouble trouble;
	emr_ask *ask = NULL;

	lima = (reading){.mri = {.name = "MRI.pdf"}, .ct = {.name = "CT.pdf"}};
	story_see(&s.lima);
	assert_ok(emr_shared_open(s.lima.share, s.imaging, made->grant, CONSULT, EMR_READER_PERSON, &lima.shared, &trouble));
	assert_ok(emr_shared_ask_names(lima.shared, &ask, &trouble));
	everybody_answers();
	assert_ok(emr_ask_wait(ask, 0, &trouble));
	emr_ask_free(ask);
	everybody_answers();
	assert_ok(emr_shared_each(lima.shared, find, &lima.mri, NULL));
	assert_ok(emr_shared_each(lima.shared, find, &lima.ct, NULL));
}

static void close_as_lima(void)
{
	emr_ask_free(lima.first);
	emr_ask_free(lima.second);
	emr_shared_free(lima.shared);
}

static void lima_asks(void)
{
	emr_share_trouble trouble;

	assert_ok(emr_shared_ask_records(lima.shared, &lima.mri.object, 1, &lima.first, &trouble));
}

static void lima_asks_again(void)
{
	emr_share_trouble trouble;

	assert_ok(emr_shared_ask_records(lima.shared, &lima.ct.object, 1, &lima.second, &trouble));
}

static void lima_has_both(void)
{
	emr_share_trouble trouble;

	assert_ok(emr_ask_wait(lima.first, 0, &trouble));
	assert_ok(emr_ask_wait(lima.second, 0, &trouble));
}

/* AGENTS of the three release; of more than one, two must. */
static emr_grant_made share_by(unsigned agents)
{
	emr_id32 ids[AGENTS];
	emr_grant_made made;
	emr_grant_order order = {.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.purposes = 1u << CONSULT,
		.not_after_unix_s = story_now(&s) + 7 * DAY,
		.agents = ids,
		.agents_count = agents};

	for (unsigned i = 0; i < agents; i++)
		ids[i] = s.agents[i].public.signer_id;
	assert_ok(story_try_share(&s, &s.lima, &order, true, &made));
	return made;
}

static void begin(unsigned agents)
{
	emr_grant_made made;

	meanwhile = NULL;
	story_begin(&s);
	made = agents > 0 ? share_by(agents) : story_share(&s, &s.lima, 0, false);
	open_as_lima(&made);
}

static void end(void)
{
	close_as_lima();
	story_end(&s);
}

/* ---- questions that come while another is answered ---- */

static void an_agent_asks_to_be_called_at_once_for_a_question_that_came_while_it_answered(void **state)
{
	emr_release_tally tally;

	(void)state;
	begin(1);
	lima_asks();
	meanwhile = lima_asks_again;
	tally = story_agent(&s, 0);
	assert_int_equal(tally.answered, 1);
	assert_int_equal(tally.next_ms, 0);
	tally = story_agent(&s, 0);
	assert_int_equal(tally.answered, 1);
	lima_has_both();
	/* Its own answer was the last thing there: one more look, and then it waits. */
	assert_int_equal(tally.next_ms, 0);
	tally = story_agent(&s, 0);
	assert_int_equal(tally.answered, 0);
	assert_int_equal(tally.next_ms, -1);
	end();
}

static void so_does_the_owner(void **state)
{
	emr_release_tally tally;

	(void)state;
	begin(0);
	lima_asks();
	meanwhile = lima_asks_again;
	tally = story_owner(&s);
	assert_int_equal(tally.answered, 1);
	assert_int_equal(tally.next_ms, 0);
	tally = story_owner(&s);
	assert_int_equal(tally.answered, 1);
	lima_has_both();
	assert_int_equal(story_owner(&s).next_ms, -1);
	end();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_agent_asks_to_be_called_at_once_for_a_question_that_came_while_it_answered),
		cmocka_unit_test(so_does_the_owner),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
