/* These tests end the key of an agent: the shares through it go on through others, or their owner
 * hears of it. */
#include "story_kit.h"

#include "contract/codes.h"
#include "share/write.h"
#include "share_private.h"

static story s;

AROUND_BY(begin, story_begin(&s))

AROUND_BY(end, story_end(&s))

static void the_later_two(story *the)
{
	story_agents(the, 6);
}

/* Agents [FIRST, FIRST + N) release. */
static emr_grant_made share_by(int first, unsigned n, uint16_t writes)
{
	emr_id32 ids[AGENTS];
	emr_grant_made made;
	emr_grant_order order = {.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.writes = writes,
		.purposes = 1u << CONSULT,
		.not_after_unix_s = story_now(&s) + 7 * DAY,
		.agents = ids,
		.agents_count = n};

	for (unsigned i = 0; i < n; i++)
		ids[i] = s.agents[first + (int)i].public.signer_id;
	assert_ok(story_try_share(&s, &s.lima, &order, true, &made));
	story_agents(&s, 7); /* who has a fragment has it */
	return made;
}

static void end_agent(int i)
{
	story_does(&s, &s.bosses[i + 1],
		emr_act_key_revoke(s.agents[i].public.signer_id, story_now(&s), 1));
}

/* ---- the owner's computer looks ---- */

typedef struct heard {
	size_t n, replaced;
	emr_handover last;
} heard;

static emr_status hear(const emr_nested *tree, size_t n, heard *h)
{
	EMR_AUTO_BUF all = {0};
	emr_status status = emr_share_replace_agents(begins(s.ana), tree, n, &all);

	EMR_EACH (const emr_handover, handover, &all) {
		h->n++;
		h->replaced += handover->is_made;
		h->last = *handover;
	}
	return status;
}

static emr_nested *tree_of(size_t *out_n)
{
	EMR_AUTO_BUF list = {0};
	emr_nested *tree;
	size_t n;

	assert_ok(emr_view_domains_below(s.k.view, (emr_id16){{0}}, &list));
	n = list.len / sizeof(emr_inner_domain);
	tree = calloc(n > 0 ? n : 1, sizeof *tree);
	assert_non_null(tree);
	for (size_t i = 0; i < n; i++) {
		emr_inner_domain d;

		memcpy(&d, list.data + i * sizeof d, sizeof d);
		tree[i] = (emr_nested){.domain = d.domain, .outer = d.outer};
	}
	*out_n = n;
	return tree;
}

static heard look(void)
{
	size_t n;
	EMR_AUTO_FREE emr_nested *tree = tree_of(&n);
	heard h = {0};

	assert_ok(hear(tree, n, &h));
	return h;
}

static void carry_inside(void)
{
	size_t n;
	EMR_AUTO_FREE emr_nested *tree = tree_of(&n);

	assert_ok(emr_share_tie(begins(s.ana), tree, n, NULL));
}

/* ---- what lima has ---- */

typedef struct has {
	emr_id16 domain, grant;
	size_t n;
} has;

static has lima_has(emr_id16 domain)
{
	EMR_AUTO_BUF all = {0};
	has h = {.domain = domain};

	story_see(&s.lima);
	assert_ok(emr_share_received(s.lima.share, &all, NULL));
	EMR_EACH (const emr_received, received, &all) {
		if (!emr_id16_equal(received->grant.domain, domain) ||
			received->phase != EMR_GRANT_IN_FORCE)
			continue;
		h.grant = received->grant.grant;
		h.n++;
	}
	return h;
}

static emr_status lima_reads(emr_id16 grant, story_fn answer)
{
	EMR_AUTO_BUF bytes = {0};
	emr_share_trouble trouble = {0};

	return story_read(&s, &s.lima, grant, "MRI.pdf", answer, &bytes, &trouble);
}

/* ---- a record whose data is with a node that does not answer ---- */

static bool is_away;
static emr_id16 away;

WRAPPED(emr_status, share_vouch, emr_share *share, const emr_row_domain *row,
	const record_facts *record, const emr_content_key *key)
{
	return is_away && emr_id16_equal(record->head.object, away)
		       ? EMR_MISSING_DATA
		       : __real_share_vouch(share, row, record, key);
}

/* ---- a folder that nothing is given in ---- */

static emr_id16 refused;

WRAPPED(emr_status, emr_share_grant, emr_share *share, const emr_grant_order *order,
	emr_grant_made *out_made)
{
	return emr_id16_equal(order->domain, refused)
		       ? EMR_REFUSED
		       : __real_emr_share_grant(share, order, out_made);
}

/* ---- the tests ---- */

TEST_IN(begin, end, what_cannot_be_judged_yet_keeps_the_former_share)
{
	emr_grant_made before = share_by(0, 2, 0);
	heard h = {0};

	kit_text(&s.k, "Imaging/Old/CT.pdf", "another"); /* there is a past to be hidden */
	kit_publish_all(&s.k);
	end_agent(0);
	is_away = true;
	away = kit_object_id(&s.k, "Imaging/MRI.pdf");
	for (int i = 0; i < 2; i++) {
		assert_status(EMR_MISSING_DATA, hear(NULL, 0, &h));
		assert_int_equal(h.n, 1); /* told once */
		assert_int_equal(h.replaced, 1);
		assert_int_equal(lima_has(s.imaging).n, 2);
	}
	assert_ok(lima_reads(before.grant, owner_answers)); /* as before */
	is_away = false;
	assert_int_equal(look().n, 0);
	assert_int_equal(lima_has(s.imaging).n, 1);
	assert_ok(lima_reads(h.last.made.grant, the_later_two));
}

static emr_id16 make_inner(const char *path)
{
	emr_id16 domain;

	assert_ok(emr_view_make_domain(s.k.view, path, &domain));
	for (int i = 0; i < 4; i++)
		kit_publish_all(&s.k);
	return domain;
}

static emr_status try_look(heard *h)
{
	size_t n;
	EMR_AUTO_FREE emr_nested *tree = tree_of(&n);

	return hear(tree, n, h);
}

static emr_status lima_reads_in(emr_id16 domain, emr_id16 grant, story_fn answer)
{
	EMR_AUTO_BUF bytes = {0};
	emr_share_trouble trouble = {0};
	emr_id16 imaging = s.imaging;
	emr_status status;

	s.imaging = domain;
	status = story_read(&s, &s.lima, grant, "CT.pdf", answer, &bytes, &trouble);
	s.imaging = imaging;
	return status;
}

/* Of a folder inside, too: what she reads there stays readable by the former grant, until the
 * present one opens it. */
TEST_IN(begin, end, what_cannot_be_judged_yet_inside_keeps_the_former_share)
{
	emr_id16 old = make_inner("Imaging/Old");
	has inside;
	heard h = {0};

	(void)share_by(0, 2, 0);
	carry_inside();
	inside = lima_has(old);
	kit_save(&s.k, "Imaging/Old/another.txt", "first");
	kit_text(&s.k, "Imaging/Old/another.txt", "second"); /* there is a past to be hidden */
	kit_publish_all(&s.k);
	end_agent(0);
	is_away = true;
	away = kit_object_id(&s.k, "Imaging/Old/CT.pdf");
	for (int i = 0; i < 2; i++) {
		assert_status(EMR_MISSING_DATA, try_look(&h));
		carry_inside();
		assert_int_equal(lima_has(s.imaging).n, 1);
		assert_int_equal(lima_has(old).n, 2);
	}
	assert_int_equal(h.n, 1);
	assert_ok(lima_reads_in(old, inside.grant, owner_answers)); /* as before */
	is_away = false;
	assert_int_equal(look().n, 0);
	assert_int_equal(lima_has(old).n, 1);
	assert_ok(lima_reads_in(old, lima_has(old).grant, the_later_two));
}

/* A share that begins at a folder inside has nothing around it: what took its place is none that
 * was moved out, while the former one stands beside it. */
TEST_IN(begin, end, what_was_shared_inside_stays_beside_what_follows_it)
{
	emr_id16 imaging = s.imaging, old = make_inner("Imaging/Old");
	heard h = {0};

	kit_save(&s.k, "Imaging/Old/another.txt", "first");
	s.imaging = old;
	(void)share_by(0, 2, 0);
	s.imaging = imaging;
	kit_save(&s.k, "Imaging/Old/another.txt", "second");
	end_agent(0);
	is_away = true;
	away = kit_object_id(&s.k, "Imaging/Old/CT.pdf");
	for (int i = 0; i < 2; i++) {
		assert_status(EMR_MISSING_DATA, try_look(&h));
		carry_inside();
		assert_int_equal(lima_has(old).n, 2);
	}
	assert_int_equal(h.n, 1);
	is_away = false;
	assert_int_equal(look().n, 0);
	assert_int_equal(lima_has(old).n, 1);
}

/* She can read what lies inside at every moment, also where the ledger takes nothing again. */
TEST_IN(begin, end, what_lies_inside_is_not_ended_before_it_is_given_anew)
{
	emr_id16 old = make_inner("Imaging/Old");
	heard h = {0};

	(void)share_by(0, 2, 0);
	carry_inside();
	end_agent(0);
	refused = old;
	assert_ok(try_look(&h));
	assert_int_equal(h.replaced, 1);
	assert_int_equal(lima_has(old).n, 1);
	refused = (emr_id16){{0}};
	assert_int_equal(look().n, 0);
	assert_int_equal(lima_has(old).n, 1);
	assert_ok(lima_reads_in(old, lima_has(old).grant, the_later_two));
}

static void note_lacking(void *arg, const emr_cid *root)
{
	(void)root;
	(*(unsigned *)arg)++;
}

/* Its data is asked for, so that somebody finds it there when he looks again. */
TEST_IN(begin, end, what_cannot_be_judged_yet_is_asked_for)
{
	unsigned asked = 0;
	heard h = {0};

	s.ana->o.lacks = note_lacking;
	s.ana->o.lacks_arg = &asked;
	(void)share_by(0, 2, 0);
	kit_save(&s.k, "Imaging/Old/CT.pdf", "another");
	assert_int_equal(asked, 0);
	end_agent(0);
	is_away = true;
	away = kit_object_id(&s.k, "Imaging/MRI.pdf");
	assert_status(EMR_MISSING_DATA, try_look(&h));
	assert_in_range(asked, 1, 4);
	asked = 0;
	is_away = false;
	assert_ok(try_look(&h));
	assert_int_equal(asked, 0);
}

TEST_IN(begin, end, others_release_what_too_few_are_left_for)
{
	emr_grant_made before = share_by(0, 2, 0);
	heard h;
	has now;

	assert_ok(lima_reads(before.grant, all_agents));
	end_agent(0);
	assert_status(EMR_TIMEOUT, lima_reads(before.grant, the_later_two));
	h = look();
	assert_int_equal(h.n, 1);
	assert_int_equal(h.replaced, 1);
	assert_int_equal(h.last.gone_n, 1);
	assert_memory_equal(h.last.gone[0].b, s.agents[0].public.signer_id.b, 32);
	assert_int_equal(h.last.made.n, 2);
	assert_int_equal(h.last.made.t, 2);
	now = lima_has(s.imaging);
	assert_int_equal(now.n, 1); /* the former one has ended */
	assert_memory_equal(now.grant.b, h.last.made.grant.b, 16);
	the_later_two(&s);
	assert_ok(lima_reads(now.grant, the_later_two));
	assert_int_equal(look().n, 0);
	assert_int_equal(lima_has(s.imaging).n, 1);
}

/* Nothing can be sent to it: it is as good as gone, and is not chosen again. */
TEST_IN(begin, end, an_agent_that_takes_no_letter_is_replaced)
{
	static const uint8_t of_low_order[32];
	heard h;

	(void)share_by(0, 2, 0);
	story_does(&s, &s.agents[0], emr_act_key_kx(s.agents[0].public.signer_id, of_low_order));
	h = look();
	assert_int_equal(h.replaced, 1);
	assert_memory_equal(h.last.gone[0].b, s.agents[0].public.signer_id.b, 32);
	assert_ok(lima_reads(lima_has(s.imaging).grant, the_later_two));
	assert_int_equal(look().n, 0);
}

TEST_IN(begin, end, a_share_that_enough_are_left_for_stays_as_it_is)
{
	emr_grant_made before = share_by(0, 3, 0);

	end_agent(0);
	assert_int_equal(look().n, 0);
	assert_memory_equal(lima_has(s.imaging).grant.b, before.grant.b, 16);
	assert_ok(lima_reads(before.grant, the_later_two));
}

/* Two had to agree, and one is left: that it may alone is not for this program to say. */
TEST_IN(begin, end, fewer_than_the_owner_was_told_are_hers_to_allow)
{
	emr_grant_made before = share_by(0, 2, 0);
	heard h;

	end_agent(0);
	end_agent(2);
	h = look();
	assert_int_equal(h.n, 1);
	assert_int_equal(h.replaced, 0);
	assert_memory_equal(lima_has(s.imaging).grant.b, before.grant.b, 16);
	assert_int_equal(look().n, 1); /* it is still so */
	/* She does. */
	(void)share_by(1, 1, 0);
	assert_int_equal(look().n, 0);
}

TEST_IN(begin, end, a_right_to_write_goes_on_with_it)
{
	emr_writing writing;
	heard h;

	(void)share_by(0, 1, EMR_WRITES_ALL);
	end_agent(0);
	h = look();
	assert_int_equal(h.replaced, 1);
	assert_int_equal(h.last.made.t, 2);
	story_see(&s.lima);
	assert_ok(emr_share_writing(s.lima.share, s.imaging, &writing));
	assert_int_equal(writing.rights, EMR_WRITES_ALL);
}

TEST_IN(begin, end, what_lies_inside_goes_on_with_it)
{
	emr_id16 old = make_inner("Imaging/Old");
	has inside;
	heard h;

	(void)share_by(0, 2, 0);
	carry_inside();
	inside = lima_has(old);
	assert_int_equal(inside.n, 1);
	end_agent(0);
	h = look();
	assert_int_equal(h.n, 1); /* one share is told once */
	assert_int_equal(h.replaced, 1);
	assert_int_equal(lima_has(old).n, 1);
	assert_memory_not_equal(lima_has(old).grant.b, inside.grant.b, 16);
	assert_int_equal(look().n, 0);
	assert_int_equal(lima_has(old).n, 1);
}

TEST_IN(begin, end, who_may_not_act_any_more_gets_nothing_anew)
{
	(void)share_by(0, 2, 0);
	end_agent(0);
	story_does(&s, &s.bosses[0], emr_act_key_revoke(s.lima.public.signer_id, story_now(&s), 1));
	assert_int_equal(look().n, 0);
}

/* ---- which agents ---- */

#define MORE 5	    /* agents of one organisation, besides its first */
#define GRANTEES 10 /* that all of them, or nobody but one, are chosen for by chance: 6^-9 */

static bool is_named(const emr_grant_made *made, const person *agent)
{
	for (unsigned i = 0; i < made->n; i++)
		if (emr_id32_equal(made->agents[i], agent->public.signer_id))
			return true;
	return false;
}

/* One of the six agents of the second organisation. */
static int chosen_of(const person *more, const emr_grant_made *made)
{
	int which = -1;

	for (int i = 0; i <= MORE; i++) {
		if (!is_named(made, i == MORE ? &s.agents[0] : &more[i]))
			continue;
		assert_int_equal(which, -1); /* one of an organisation */
		which = i;
	}
	assert_int_not_equal(which, -1);
	return which;
}

/* An agent who makes keys until one has the lowest id is not chosen the more often for it; and what
 * the owner is told before is what is done. */
TEST_IN(begin, end, nobody_is_chosen_for_his_id)
{
	person more[MORE] = {0}, grantees[GRANTEES] = {0};
	unsigned times[MORE + 1] = {0}, kinds = 0;
	emr_grant_order order = {.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.purposes = 1u << CONSULT,
		.domain = s.imaging,
		.label = "Imaging",
		.not_after_unix_s = story_now(&s) + DAY};
	emr_grant_made told, again, made;

	for (int i = 0; i < MORE; i++) {
		story_newcomer(&s, &more[i], &s.bosses[1], EMR_ROLE_AGENT, printed("more%d", i));
	}
	for (int i = 0; i < GRANTEES; i++) {
		story_newcomer(
			&s, &grantees[i], &s.bosses[0], EMR_ROLE_CLINICIAN, printed("reader%d", i));
		order.grantee = grantees[i].public.signer_id;
		assert_ok(emr_share_preview(begins(s.ana), &order, &told));
		assert_ok(emr_share_preview(begins(s.ana), &order, &again));
		assert_int_equal(told.n, AGENTS);
		assert_memory_equal(told.agents, again.agents, told.n * sizeof told.agents[0]);
		times[chosen_of(more, &told)]++;
	}
	for (int i = 0; i <= MORE; i++)
		kinds += times[i] > 0;
	assert_in_range(kinds, 2, MORE + 1);
	assert_ok(emr_share_grant(begins(s.ana), &order, &made));
	assert_int_equal(made.n, told.n);
	assert_memory_equal(made.agents, told.agents, told.n * sizeof told.agents[0]);
	for (int i = 0; i < MORE; i++)
		story_part(&more[i]);
	for (int i = 0; i < GRANTEES; i++)
		story_part(&grantees[i]);
}

TESTS(NULL, NULL)
