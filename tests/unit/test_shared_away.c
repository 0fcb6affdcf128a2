/* A key that only the owner's open folder can release is waited for as long as its computer shows
 * that it is at work, and is refused soon, with one notice, while that folder is closed. */
#include "shared_kit.h"

#include "shared.h"
#include "rotated.h"

/* He has seen the names. */
static void see(story *s, viewer *v, bool with_agents)
{
	(void)story_share(s, &s->lima, 0, with_agents);
	viewer_run(v, NULL, 0);
	viewer_learn_owner(v);
	assert_string_equal(
		viewer_list(v, viewer_at(v, "Imaging"), with_agents ? all_agents : owner_answers),
		"MRI.pdf,Old");
	viewer_lists(v, "Imaging/Old", owner_answers, "CT.pdf");
	v->notices[0] = 0;
}

static void pass(viewer *v, unsigned seconds)
{
	story_pass(v->s, seconds);
	emr_view_shared_turn(v->view, NULL);
}

/* A program opens INSIDE; what it is told goes to OUT when it is. */
static void ask(viewer *v, const char *inside, reply *out)
{
	emr_attr attr;

	*out = (reply){false, EMR_OK};
	assert_ok(viewer_find(v, viewer_at(v, inside), NULL, &attr));
	assert_status(EMR_BUSY,
		emr_view_await(v->view, attr.node, EMR_NEED_BYTES, NULL, viewer_ready, out));
	pass(v, 0);
	assert_false(out->has_come);
}

static unsigned told(const viewer *v)
{
	unsigned n = 0;

	for (const char *at = v->notices; (at = strstr(at, "no-release ")) != NULL; at++)
		n++;
	return n;
}

TEST(a_closed_folder_is_said_within_three_seconds_and_once)
{
	LIMAS_FOLDER;
	reply r;

	see(&s, &v, false);
	ask(&v, "Imaging/MRI.pdf", &r);
	pass(&v, 2);
	assert_false(r.has_come);
	pass(&v, 1);
	assert_true(r.has_come);
	assert_status(EMR_TIMEOUT, r.status);
	assert_int_equal(told(&v), 1);
	assert_non_null(strstr(v.notices, "/Imaging/MRI.pdf missing=0+owner"));
	ask(&v, "Imaging/Old/CT.pdf", &r);
	pass(&v, 3);
	assert_true(r.has_come);
	assert_status(EMR_TIMEOUT, r.status);
	assert_int_equal(told(&v), 1);
	/* It is open again, for a while: the next time is another. */
	pass(&v, 20);
	viewer_reads(&v, "Imaging/MRI.pdf", owner_answers, "%PDF a knee");
	kit_save(&s.k, "Imaging/new.txt", "new");
	assert_ok(emr_store_index_now(s.k.stack.store));
	viewer_run(&v, owner_answers, 2);
	ask(&v, "Imaging/new.txt", &r);
	pass(&v, 3);
	assert_true(r.has_come);
	assert_status(EMR_TIMEOUT, r.status);
	assert_int_equal(told(&v), 2);
}

/* The computer saves, or shares with others, while it comes to no answer. */
TEST(an_owner_at_work_is_waited_for)
{
	LIMAS_FOLDER;
	reply r;

	see(&s, &v, false);
	ask(&v, "Imaging/MRI.pdf", &r);
	(void)story_share(&s, &s.eve, 0, false);
	pass(&v, 3);
	pass(&v, 5);
	assert_false(r.has_come);
	owner_answers(&s);
	pass(&v, 0);
	assert_true(r.has_come);
	assert_ok(r.status);
	assert_int_equal(told(&v), 0);
}

/* WHO, ana by another key, does something that is no answer, while lima waits. */
static void is_waited_for(story *s, viewer *v, person *who)
{
	static const uint8_t x25519[32] = {9};
	reply r;

	ask(v, "Imaging/MRI.pdf", &r);
	story_does(s, who, emr_act_key_kx(who->public.signer_id, x25519));
	pass(v, 3);
	pass(v, 5);
	assert_false(r.has_come);
	pass(v, 2);
	assert_status(EMR_TIMEOUT, r.status);
}

TEST(an_owner_at_another_computer_is_waited_for)
{
	LIMAS_FOLDER;
	AUTO(story_part) person laptop;

	see(&s, &v, false);
	story_device(&s, &laptop, "laptop", false);
	is_waited_for(&s, &v, &laptop);
}

TEST(an_owner_with_a_later_key_is_waited_for)
{
	LIMAS_FOLDER;
	EMR_AUTO_KEYRING next = NULL;
	person ana = {.keyring = s.k.stack.keyring,
		.ledger = s.k.stack.ledger,
		.replica = s.k.stack.replica};
	char path[400];
	emr_ledger_options ledger = {.path = path, .clock = &s.k.clock.clock};
	emr_public now;
	emr_act act;

	see(&s, &v, false);
	(void)snprintf(path, sizeof path, "%s/network", s.k.path);
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, story_now(&s), &next));
	assert_ok(emr_keyring_public(ana.keyring, &now));
	act = rotated_key(now.signer_id, next, emr_ledger_net_id(ana.ledger));
	story_does(&s, &ana, act);
	ledger.submitter = ana.keyring = next;
	assert_ok(emr_keyring_public(next, &ana.public));
	assert_ok(emr_ledger_open(&ledger, &ana.ledger));
	is_waited_for(&s, &v, &ana);
	emr_ledger_close(ana.ledger);
}

TEST(a_slow_ledger_gives_the_owner_more_time)
{
	const int64_t s = INT64_C(1000000000);

	assert_int_equal(emr_shared_patience_ns(0, 0), EMR_SHARED_ALONE_NS);
	assert_int_equal(emr_shared_patience_ns(2 * s, 0), 6 * s);
	assert_int_equal(emr_shared_patience_ns(0, 2 * s), 6 * s);
	assert_int_equal(emr_shared_patience_ns(0, 60 * s), EMR_SHARED_ALONE_NS);
}

TEST(an_owner_who_was_late_is_given_more_time)
{
	LIMAS_FOLDER;
	reply r;

	see(&s, &v, false);
	ask(&v, "Imaging/MRI.pdf", &r);
	pass(&v, 3);
	assert_status(EMR_TIMEOUT, r.status);
	owner_answers(&s);
	pass(&v, 1);
	ask(&v, "Imaging/Old/CT.pdf", &r);
	pass(&v, 4);
	assert_false(r.has_come);
	owner_answers(&s);
	pass(&v, 1);
	assert_true(r.has_come);
	assert_ok(r.status);
}

TEST(a_ledger_that_is_away_says_nothing_of_the_owner)
{
	LIMAS_FOLDER;
	char network[600], away[620];
	reply r;

	see(&s, &v, false);
	ask(&v, "Imaging/MRI.pdf", &r);
	(void)snprintf(network, sizeof network, "%s/network", s.k.stack.path);
	(void)snprintf(away, sizeof away, "%s.away", network);
	assert_int_equal(rename(network, away), 0);
	pass(&v, 3);
	assert_false(r.has_come);
	assert_int_equal(rename(away, network), 0);
	owner_answers(&s);
	pass(&v, 1);
	assert_true(r.has_come);
	assert_ok(r.status);
}

TEST(agents_are_waited_for_as_ever)
{
	LIMAS_FOLDER;
	reply r;

	see(&s, &v, true);
	ask(&v, "Imaging/MRI.pdf", &r);
	pass(&v, 3);
	pass(&v, 6);
	assert_false(r.has_come);
	pass(&v, 1);
	assert_true(r.has_come);
	assert_status(EMR_TIMEOUT, r.status);
}

static bool note_opens(void *arg, const emr_shared_with_me *share)
{
	*(const char **)arg = emr_opens_word(share->opens_away);
	return strstr(share->path, "/Imaging") == NULL;
}

TEST(it_is_said_beforehand_when_it_opens)
{
	static const char *const words[] = {"while-open", "any-time"};

	for (int with_agents = 0; with_agents < 2; with_agents++) {
		LIMAS_FOLDER;
		const char *listed = NULL;

		see(&s, &v, with_agents != 0);
		assert_string_equal(
			viewer_attribute(&v, viewer_at(&v, "Imaging/MRI.pdf"), "user.emrfs.opens"),
			words[with_agents]);
		assert_ok(emr_view_each_shared_with_me(v.view, note_opens, &listed));
		assert_string_equal(listed, words[with_agents]);
	}
}

TESTS(NULL, NULL)
