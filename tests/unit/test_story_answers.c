/* These tests show which questions are answered, by whom, and when nobody waits for the answer
 * any more. */
#include "story_kit.h"

#include "contract/codes.h"

#include "judge.h"
#include "shared_private.h"

static story s;

/* ---- what comes onto the ledger while an answer goes there ---- */

static void (*meanwhile)(void); /* once, before the next submission */
static bool refuses_next;	/* the next entry, as a whole, for what its time says */

WRAPPED(emr_status, emr_ledger_submit, emr_ledger *ledger, emr_bytes batch,
	emr_ledger_answer *out_answer)
{
	void (*first)(void) = meanwhile;

	meanwhile = NULL;
	if (first != NULL)
		first();
	if (refuses_next) {
		refuses_next = false;
		*out_answer = (emr_ledger_answer){.refusal = EMR_RESULT_TIME_AHEAD};
		return EMR_OK;
	}
	return __real_emr_ledger_submit(ledger, batch, out_answer);
}

/* ---- lima, who asks ---- */

typedef struct reading {
	emr_shared *shared;
	emr_ask *first, *second;
	story_found mri, ct;
} reading;

static reading lima;

static void everybody_answers(story *of)
{
	(void)story_owner(of);
	story_agents(of, 7);
}

/* With the names, and every question so far answered and looked at by everybody. */
static void open_as_lima(const emr_grant_made *made)
{
	lima = (reading){.shared = story_opened(&s, &s.lima, made->grant, everybody_answers)};
	everybody_answers(&s);
	lima.mri = story_find(lima.shared, "MRI.pdf");
	lima.ct = story_find(lima.shared, "CT.pdf");
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

	assert_ok(ask_wait(s.lima.replica, lima.first, 0, &trouble));
	assert_ok(ask_wait(s.lima.replica, lima.second, 0, &trouble));
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

TEST(an_agent_asks_to_be_called_at_once_for_a_question_that_came_while_it_answered)
{
	emr_release_tally tally;

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

/* A reader that asks twice at once gets no more than one that asks after the answer. */
TEST(what_was_asked_together_counts_together)
{
	emr_release_tally tally;

	begin(1);
	story_rules(&s, "slots-a-day = 3\n"); /* the names of two epochs were two */
	lima_asks();
	lima_asks_again();
	tally = story_agent(&s, 0);
	assert_int_equal(tally.answered, 1);
	assert_int_equal(tally.refused, 1);
	end();
}

/* Two of one grant go in two entries, so that the first is refused while the second is looked at.
 */
TEST(an_entry_that_the_ledger_refused_is_no_fault_of_the_questions_in_it)
{
	emr_release_tally tally;

	begin(1);
	lima_asks();
	lima_asks_again();
	refuses_next = true;
	assert_status(EMR_REFUSED, emr_agency_run(s.agencies[0], &tally));
	assert_int_equal(tally.answered, 0);
	tally = story_agent(&s, 0);
	assert_int_equal(tally.answered, 2);
	lima_has_both();
	end();
}

TEST(so_does_the_owner)
{
	emr_release_tally tally;

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

/* ---- questions that have their answer ---- */

static emr_audit_entry what_the_log_says(void)
{
	EMR_AUTO_BUF all = {0};
	emr_audit_entry last = {0};

	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	assert_ok(emr_share_audit(s.ana, s.imaging, &all, NULL));
	EMR_EACH (const emr_audit_entry, entry, &all)
		if (entry->slot.kind == EMR_CAPSULE_CONTENT)
			last = *entry;
	return last;
}

static void lima_has_the_first(void)
{
	emr_share_trouble trouble;

	assert_ok(ask_wait(s.lima.replica, lima.first, 0, &trouble));
}

TEST(the_owner_leaves_what_enough_agents_have_answered)
{
	emr_audit_entry last;

	begin(3);
	lima_asks();
	story_agents(&s, 7);
	assert_int_equal(story_owner(&s).answered, 0);
	last = what_the_log_says();
	assert_int_equal(last.kind, EMR_AUDIT_RELEASED);
	assert_false(last.is_by_owner);
	assert_int_equal(last.given_count, 2);
	lima_has_the_first();
	end();
}

TEST(and_answers_what_too_few_have)
{
	begin(3);
	lima_asks();
	story_agents(&s, 1);
	assert_int_equal(story_owner(&s).answered, 1);
	assert_true(what_the_log_says().is_by_owner);
	lima_has_the_first();
	end();
}

TEST(agents_leave_what_the_owner_has_answered)
{
	begin(3);
	lima_asks();
	assert_int_equal(story_owner(&s).answered, 1);
	for (int i = 0; i < AGENTS; i++)
		assert_int_equal(story_agent(&s, i).answered, 0);
	assert_int_equal(what_the_log_says().given_count, 0);
	lima_has_the_first();
	end();
}

/* Agent 0 says that it gave everything, to a question that was not put to it. */
static void it_says_that_it_gave(void)
{
	const emr_known_release *asked = &lima.first->release;
	emr_act act = emr_act_served(asked->domain, s.agents[0].public.signer_id, asked->req,
		asked->access, EMR_SERVED_FRAGMENTS, 1, 0);
	uint8_t nothing[32 + 80 + 48 + 512] = {0}; /* as long as one answer */

	assert_int_equal(story_says(&s, &s.agents[0], act, emr_bytes_of(nothing, sizeof nothing)),
		EMR_RESULT_APPLIED);
}

TEST(who_lied_to_the_reader_cannot_keep_the_others_from_answering)
{
	begin(3);
	shared_note_liar(lima.shared, s.agents[0].public.signer_id);
	lima_asks();
	it_says_that_it_gave();
	story_agents(&s, 6);
	lima_has_the_first();
	end();
}

/* ---- whose turn it is ---- */

/* Two of three are needed. The third one waits, and which one that is follows from the question:
 * nobody who wants to be asked for something, or to lie about it, can count on being among the two.
 * That all of 40 questions leave out the same, or never this one, happens once in ten million
 * runs. */
TEST(who_answers_at_once_is_another_for_another_question)
{
	bool was_asked_first = false, was_left_out = false;

	begin(3);
	for (int i = 0; i < 40 && !(was_asked_first && was_left_out); i++) {
		bool is_at_once;

		lima_asks();
		is_at_once = story_agent(&s, 0).answered == 1;
		was_asked_first = was_asked_first || is_at_once;
		was_left_out = was_left_out || !is_at_once;
		everybody_answers(&s);
		emr_ask_free(lima.first);
		lima.first = NULL;
	}
	assert_true(was_asked_first);
	assert_true(was_left_out);
	end();
}

/* ---- questions that nobody waits for any more ---- */

TEST(what_was_asked_long_ago_is_left)
{
	begin(1);
	lima_asks();
	story_pass(&s, EMR_ASK_LIFE_S + CLOCKS_S + 1);
	assert_int_equal(story_agent(&s, 0).answered, 0);
	assert_int_equal(story_owner(&s).answered, 0);
	assert_int_equal(what_the_log_says().kind, EMR_AUDIT_ASKED);
	/* The next one is not. */
	lima_asks_again();
	assert_int_equal(story_agent(&s, 0).answered, 1);
	end();
}

TEST(an_agent_that_was_away_for_a_moment_answers)
{
	begin(1);
	lima_asks();
	story_pass(&s, EMR_ASK_LIFE_S - 1);
	assert_int_equal(story_agent(&s, 0).answered, 1);
	lima_has_the_first();
	end();
}

/* A computer whose clock is two hours behind asks now; who looked a moment ago knows that. */
TEST(a_reader_whose_clock_is_slow_is_answered_by_who_was_there)
{
	begin(1);
	story_pass(&s, 10800);
	assert_int_equal(story_agent(&s, 0).answered, 0);
	s.k.clock.unix_ns -= INT64_C(7200000000000);
	lima_asks();
	s.k.clock.unix_ns += INT64_C(7200000000000);
	story_pass(&s, 30);
	assert_int_equal(story_agent(&s, 0).answered, 1);
	lima_has_the_first();
	end();
}

TESTS(NULL, NULL)
