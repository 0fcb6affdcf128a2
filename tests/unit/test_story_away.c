/* Where fewer than two other organisations have an agent, that of the owner's own releases keys
 * while the owner is away, if the owner has said so: these tests show which agents a grant names,
 * and that a colleague is not served without that word. The programs themselves play the rest, also
 * an agent that is not honest (tests/integration/away.sh). */
#include "agents_kit.h"
#include "story_kit.h"

#include "contract/codes.h"

static story s;
static person home; /* ana's organisation; it has no keys of its own here, ana founded it */
static person own;  /* its agent */
static person nina; /* who works there, too */
static emr_agency *office;
static int office_fd;

/* ---- an agent whose program is another ---- */

static const emr_share *blind; /* this one's program does not look who reads */

WRAPPED(emr_status, share_near, emr_share *share, emr_id32 grantee, emr_buf *out_orgs)
{
	return share == blind ? EMR_OK : __real_share_near(share, grantee, out_orgs);
}

/* ---- two organisations, one agent ---- */

static void find_home(void)
{
	emr_bytes bytes = emr_ledger_descriptor(s.k.stack.ledger);
	emr_descriptor network;
	emr_descriptor_org org;
	emr_known_person ana;
	emr_public public;

	memset(&home, 0, sizeof home);
	home.keyring = s.k.stack.keyring;
	assert_int_equal(emr_descriptor_parse((emr_span){bytes.data, bytes.len}, &network), 0);
	assert_int_equal(emr_descriptor_org_at(&network, 0, &org), 0);
	assert_ok(emr_buf_append(&home.ca, org.ca_der.data, org.ca_der.len));
	assert_ok(emr_keyring_public(s.k.stack.keyring, &public));
	assert_ok(emr_replica_person(s.k.stack.replica, public.signer_id, &ana));
	memcpy(home.org.b, ana.row.org, sizeof home.org.b);
}

static void end_agent(int i)
{
	story_does(&s, &s.bosses[i + 1],
		emr_act_key_revoke(s.agents[i].public.signer_id, story_now(&s), 1));
}

static emr_release_tally office_runs(void)
{
	emr_release_tally tally;

	assert_ok(emr_agency_run(office, &tally));
	return tally;
}

static void catch_up(void)
{
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
}

AROUND(begin)
{
	blind = NULL;
	story_begin(&s);
	find_home();
	story_newcomer(&s, &own, &home, EMR_ROLE_AGENT, "own");
	story_newcomer(&s, &nina, &home, EMR_ROLE_CLINICIAN, "nina");
	office_fd = own.state_fd;
	assert_ok(emr_agency_open(own.share, office_fd, &office));
	(void)office_runs();
	catch_up();
}

/* As most networks are: nobody else has an agent. */
static int begin_alone(void **state)
{
	(void)begin(state);
	for (int i = 0; i < AGENTS; i++)
		end_agent(i);
	catch_up();
	return 0;
}

AROUND(end)
{
	emr_agency_close(office);
	story_part(&own);
	story_part(&nina);
	emr_buf_free(&home.ca);
	story_end(&s);
}

static emr_grant_made share_with(const person *with, uint16_t rule)
{
	emr_grant_made made;

	catch_up();
	made = story_share(&s, with, rule, true);
	(void)office_runs();
	return made;
}

static uint16_t rights_of(emr_id16 grant)
{
	emr_known_grant known;

	assert_ok(emr_replica_grant(s.k.stack.replica, s.imaging, grant, &known));
	return known.row.rights;
}

static size_t answered, refused;

static void office_answers(story *the)
{
	for (int turn = 0; turn < 2; turn++) {
		emr_release_tally tally = office_runs();

		answered += tally.answered;
		refused += tally.refused;
		the->k.clock.boot_ns += 400000000;
	}
}

static emr_status reads(
	person *m, emr_id16 grant, const char *name, story_fn answer, emr_share_trouble *trouble)
{
	EMR_AUTO_BUF bytes = {0};

	memset(trouble, 0, sizeof *trouble);
	story_see(m);
	assert_ok(emr_share_keep_received(m->share, true));
	return story_read(&s, m, grant, name, answer, &bytes, trouble);
}

static size_t fragments(void)
{
	size_t n;

	assert_ok(emr_agency_count(office, &n));
	return n;
}

static bool opens_away(person *m, const emr_grant_made *made)
{
	emr_known_grant known;
	bool opens = false;

	story_see(m);
	assert_ok(emr_replica_grant(m->replica, s.imaging, made->grant, &known));
	assert_ok(emr_share_opens_away(m->share, &known, made->agents, made->n, &opens));
	return opens;
}

/* ---- whom a grant names ---- */

static emr_left_out_why why_own_is_left_out(const person *grantee, uint16_t rule)
{
	return story_why_left_out(&s, grantee->public.signer_id, rule, own.public.signer_id);
}

TEST_IN(begin_alone, end, nobody_of_ones_own_organisation_is_named_without_the_owners_word)
{
	emr_share_trouble trouble;
	emr_grant_made made;

	made = share_with(&s.lima, EMR_AWAY_OTHERS);
	assert_int_equal(made.n, 0);
	assert_int_equal(made.away, EMR_AWAY_NOBODY);
	assert_int_equal(why_own_is_left_out(&s.lima, EMR_AWAY_OTHERS), EMR_LEFT_OUT_YOURS);
	assert_int_equal(why_own_is_left_out(&s.lima, EMR_AWAY_OWN), EMR_LEFT_OUT_NOT);
	assert_int_equal(fragments(), 0);
	assert_false(opens_away(&s.lima, &made));
	assert_status(EMR_TIMEOUT, reads(&s.lima, made.grant, "MRI.pdf", office_answers, &trouble));
	assert_ok(reads(&s.lima, made.grant, "MRI.pdf", owner_answers, &trouble));
}

/* FIT: by others, own, nobody. */
static void find_fit(bool fit[3])
{
	static const uint16_t rules[3] = {EMR_AWAY_OTHERS, EMR_AWAY_OWN, EMR_AWAY_NOBODY};
	EMR_AUTO_BUF all = {0};

	assert_ok(emr_share_given(s.ana, s.imaging, &all));
	EMR_EACH (const emr_given, given, &all)
		for (int i = 0; i < 3 && given->phase == EMR_GRANT_IN_FORCE; i++)
			assert_ok(emr_share_agents_fit(
				s.ana, s.lima.public.signer_id, rules[i], given, &fit[i]));
}

TEST_IN(begin, end, others_come_first_whatever_the_rule)
{
	emr_grant_made made;
	bool fit[3];

	made = share_with(&s.lima, EMR_AWAY_OWN);
	assert_int_equal(made.n, 3);
	assert_int_equal(made.away, EMR_AWAY_OTHERS);
	assert_int_equal(rights_of(made.grant), EMR_GRANT_LIST | EMR_GRANT_READ);
	assert_int_equal(fragments(), 0);
	find_fit(fit);
	assert_true(fit[0]);
	assert_true(fit[1]);
	assert_false(fit[2]);
}

static void one_answers(story *the)
{
	for (int turn = 0; turn < 2; turn++) {
		(void)story_agent(the, 0);
		the->k.clock.boot_ns += 400000000;
	}
}

TEST_IN(begin, end, beside_one_other_ones_own_is_named_too_and_either_is_enough)
{
	emr_share_trouble trouble;
	emr_grant_made made;
	bool fit[3];

	for (int i = 1; i < AGENTS; i++)
		end_agent(i);
	made = share_with(&s.lima, EMR_AWAY_OTHERS);
	assert_int_equal(made.n, 1);
	assert_int_equal(why_own_is_left_out(&s.lima, EMR_AWAY_OWN), EMR_LEFT_OUT_NOT);
	assert_ok(emr_share_revoke(begins(s.ana), s.imaging, made.grant));
	made = share_with(&s.lima, EMR_AWAY_OWN);
	assert_int_equal(made.n, 2);
	assert_int_equal(made.t, 1);
	assert_int_equal(made.away, EMR_AWAY_OWN);
	find_fit(fit);
	assert_false(fit[0]);
	assert_true(fit[1]);
	(void)story_agent(&s, 0);
	assert_ok(reads(&s.lima, made.grant, "MRI.pdf", office_answers, &trouble));
	assert_ok(reads(&s.lima, made.grant, "CT.pdf", one_answers, &trouble));
}

TEST_IN(begin, end, an_owner_who_says_nobody_names_none)
{
	emr_grant_made made;

	made = share_with(&s.lima, EMR_AWAY_NOBODY);
	assert_int_equal(made.n, 0);
	assert_int_equal(rights_of(made.grant), EMR_GRANT_LIST | EMR_GRANT_READ);
	assert_false(opens_away(&s.lima, &made));
}

/* ---- a reader of the same organisation ---- */

TEST_IN(begin_alone, end, a_colleague_is_served_by_that_word_alone)
{
	emr_share_trouble trouble;
	emr_grant_made made;

	made = share_with(&nina, EMR_AWAY_OWN);
	assert_int_equal(made.away, EMR_AWAY_OWN);
	assert_int_equal(fragments(), 1);
	assert_ok(reads(&nina, made.grant, "MRI.pdf", office_answers, &trouble));
}

/* Whom the order names, whatever the rule; by an owner's program that does not look. */
static emr_grant_made forced(const person *with, const person *agent, uint16_t rule)
{
	emr_grant_order order = {.rights = (uint16_t)(EMR_GRANT_LIST | EMR_GRANT_READ | rule),
		.purposes = 1u << CONSULT,
		.not_after_unix_s = story_now(&s) + 7 * DAY,
		.agents = &agent->public.signer_id,
		.agents_count = 1};
	emr_grant_made made;

	catch_up();
	blind = s.ana;
	assert_ok(story_try_share(&s, with, &order, true, &made));
	blind = NULL;
	return made;
}

TEST_IN(begin_alone, end, without_it_a_colleagues_fragment_is_not_taken)
{
	emr_grant_made made;

	made = forced(&nina, &own, EMR_AWAY_OTHERS);
	assert_int_equal(rights_of(made.grant) & EMR_GRANT_OWN_AGENTS, 0);
	(void)office_runs();
	assert_int_equal(fragments(), 0);
	assert_false(opens_away(&nina, &made));
}

TEST_IN(begin_alone, end, without_it_a_colleague_is_not_answered)
{
	emr_share_trouble trouble;
	emr_grant_made made;

	made = forced(&nina, &own, EMR_AWAY_OTHERS);
	blind = own.share; /* an agent that takes what it should not, */
	(void)office_runs();
	assert_int_equal(fragments(), 1);
	blind = nina.share; /* and a reader that asks whom she should not */
	answered = refused = 0;
	assert_status(EMR_TIMEOUT, reads(&nina, made.grant, "MRI.pdf", office_answers, &trouble));
	assert_true(trouble.is_owner_missing); /* she may still say yes herself */
	assert_int_equal(trouble.missing_count, 0);
	assert_int_equal(answered, 0);
	assert_true(refused > 0);
}

/* The word is about the owner's organisation: the reader's is another, and honest agents of it look
 * by themselves. */
TEST_IN(begin, end, by_that_word_no_agent_of_the_readers_organisation_takes_a_fragment)
{
	emr_grant_made made;
	AUTO(story_part) person rita;
	size_t n = 0;

	story_newcomer(&s, &rita, &s.bosses[1], EMR_ROLE_CLINICIAN, "rita");
	(void)story_agent(&s, 0);
	made = forced(&rita, &s.agents[0], EMR_AWAY_OWN);
	assert_true((rights_of(made.grant) & EMR_GRANT_OWN_AGENTS) != 0);
	(void)story_agent(&s, 0);
	assert_ok(emr_agency_count(s.agencies[0], &n));
	assert_int_equal(n, 0);
	assert_false(opens_away(&rita, &made));
}

/* The same of whom a grant names. */
TEST_IN(begin_alone, end, the_readers_organisation_is_named_by_no_rule)
{
	emr_grant_made made;
	AUTO(story_part) person rita, office_of_rita;

	story_newcomer(&s, &rita, &s.bosses[0], EMR_ROLE_CLINICIAN, "rita");
	story_newcomer(&s, &office_of_rita, &s.bosses[0], EMR_ROLE_AGENT, "clinic-agent");
	made = share_with(&rita, EMR_AWAY_OWN);
	assert_int_equal(made.n, 1);
	assert_memory_equal(made.agents[0].b, own.public.signer_id.b, 32);
}

/* ---- an owner who narrows the rule ---- */

TEST_IN(begin_alone, end, what_stands_by_another_rule_is_given_again)
{
	bool fit[3];
	emr_grant_made made;

	made = share_with(&s.lima, EMR_AWAY_OWN);
	find_fit(fit);
	assert_false(fit[0]);
	assert_true(fit[1]);
	assert_false(fit[2]);
	assert_ok(emr_share_revoke(begins(s.ana), s.imaging, made.grant));
	(void)share_with(&s.lima, EMR_AWAY_NOBODY);
	find_fit(fit);
	assert_true(fit[0]); /* there is none of others */
	assert_false(fit[1]);
	assert_true(fit[2]);
}

TESTS(NULL, NULL)
