/* Ana has lost all keys, and her trustees ask for her: the agents of three organisations give their
 * part when the delay is over, and not before, and not where one of her computers stopped it. */
#include "story_kit.h"

#include "contract/codes.h"
#include "contract/pubs_share.h"
#include "keyring/coowned.h"
#include "keyring/letters.h"
#include "keyring_private.h"
#include "share/devices.h"

#define DELAY (3 * DAY)

typedef struct lost {
	story s;
	person ana, heirs; /* a computer that only reads, of end_reader */
	emr_id16 trustees, request;
	emr_keyring *asks; /* her new computer */
	emr_public asker;
	emr_buf item, part;
} lost;

static void take(emr_trustee *out, const emr_public *public)
{
	out->id = public->signer_id;
	memcpy(out->x25519, public->x25519, sizeof out->x25519);
}

/* Lima and eve, of whom both must help, and two of the three agents. */
static void begin_with(lost *l, bool reads)
{
	const emr_pub_trustee_set what = {
		.t = 2, .n = 2, .agents_t = 2, .agents = AGENTS, .delay_s = DELAY};
	emr_trustee all[2 + AGENTS];
	emr_act act;

	memset(l, 0, sizeof *l);
	story_begin(&l->s);
	story_contract(&l->s, 2);
	l->ana = (person){.keyring = l->s.k.stack.keyring,
		.ledger = l->s.k.stack.ledger,
		.replica = l->s.k.stack.replica};
	assert_ok(emr_keyring_public(l->ana.keyring, &l->ana.public));
	take(&all[0], &l->s.lima.public);
	take(&all[1], &l->s.eve.public);
	for (int i = 0; i < AGENTS; i++)
		take(&all[2 + i], &l->s.agents[i].public);
	if (reads)
		story_device(&l->s, &l->heirs, "executor", true);
	l->trustees = reads ? emr_trustees_executor(l->heirs.public.signer_id) : emr_id16_random();
	act = emr_act_trustee_set(l->trustees, &what);
	assert_ok(emr_act_item(&act, l->ana.public.signer_id, story_now(&l->s), &l->item));
	assert_ok(emr_trustees_part_seal(l->ana.keyring, emr_buf_view(&l->item), all, &l->part));
	assert_int_equal(story_says(&l->s, &l->ana, act, emr_buf_view(&l->part)), 0);
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, story_now(&l->s), &l->asks));
	assert_ok(emr_keyring_public(l->asks, &l->asker));
	assert_ok(emr_replica_catch_up(l->ana.replica, NULL, NULL, NULL));
	/* As it stands on the ledger, with the hash of its part. */
	emr_buf_clear(&l->item);
	assert_ok(emr_replica_item_get(l->ana.replica,
		&(emr_part_key){.family = EMR_FAMILY_TRUSTEES, .object = l->trustees, .version = 1},
		&l->item, &(emr_replica_item){0}));
}

static void begin(lost *l)
{
	begin_with(l, false);
}

static void begin_reader(lost *l)
{
	begin_with(l, true);
}

static void end(lost *l)
{
	emr_keyring_free(l->asks);
	emr_buf_free(&l->item);
	emr_buf_free(&l->part);
	story_end(&l->s);
}

static void end_reader(lost *l)
{
	story_part(&l->heirs);
	end(l);
}

static void ask(lost *l)
{
	l->request = emr_id16_random();
	story_does(
		&l->s, &l->s.lima, emr_act_recover_ask(l->request, l->trustees, l->asker.x25519));
}

static emr_id32 about(const lost *l)
{
	return emr_trustees_about(emr_buf_view(&l->item), l->asker.x25519);
}

/* The answer that agent I has on the ledger for the request. */
static emr_status given(lost *l, int i, emr_buf *out)
{
	emr_part_key at = {.family = EMR_FAMILY_SHARE, .version = 1};

	assert_ok(emr_replica_catch_up(l->ana.replica, NULL, NULL, NULL));
	emr_object_recovery(l->request.b, l->s.agents[i].public.signer_id.b, at.object.b);
	emr_buf_clear(out);
	return emr_replica_part(l->ana.replica, &at, out);
}

static unsigned run_all(lost *l)
{
	EMR_AUTO_BUF part = {0};
	unsigned n = 0;

	for (int i = 0; i < AGENTS; i++) {
		(void)story_agent(&l->s, i);
		n += given(l, i, &part) == EMR_OK;
	}
	return n;
}

static void add(const lost *l, const emr_box_key *box, emr_bytes sealed, emr_trustee_shares *shares)
{
	assert_ok(emr_trustee_shares_add(
		shares, box, emr_buf_view(&l->item), emr_buf_view(&l->part), about(l), sealed));
}

static void add_trustee(
	const lost *l, const person *m, const emr_box_key *box, emr_trustee_shares *shares)
{
	uint8_t sealed[EMR_TRUSTEE_ANSWER_BYTES];
	emr_box_key *own = NULL;

	assert_ok(emr_box_key_identity(m->keyring, &own));
	assert_ok(emr_trustee_answer(own, m->public.signer_id, emr_buf_view(&l->item),
		emr_buf_view(&l->part), l->asker.x25519, about(l), sealed));
	emr_box_key_free(own);
	add(l, box, emr_bytes_of(sealed, sizeof sealed), shares);
}

static emr_status recover(const lost *l, const emr_trustee_shares *shares)
{
	emr_keyring *found = NULL;
	emr_public public;
	emr_status status = emr_trustees_recover(
		shares, emr_buf_view(&l->item), emr_buf_view(&l->part), 1, &found);

	if (status != EMR_OK)
		return status;
	assert_ok(emr_keyring_public(found, &public));
	assert_memory_equal(public.pk, l->ana.public.pk, sizeof public.pk);
	emr_keyring_free(found);
	return EMR_OK;
}

TEST(agents_give_their_part_when_the_delay_is_over)
{
	emr_trustee_shares shares = {.n = 0};
	emr_box_key *box = NULL;
	EMR_AUTO_BUF part = {0};

	SCENE(lost, l, begin, end);
	assert_ok(emr_box_key_identity(l.asks, &box));
	add_trustee(&l, &l.s.lima, box, &shares);
	add_trustee(&l, &l.s.eve, box, &shares);
	assert_status(EMR_NOT_FOUND, recover(&l, &shares)); /* who hurry have nothing */
	assert_int_equal(run_all(&l), 0);
	ask(&l);
	assert_int_equal(run_all(&l), 0);
	story_pass(&l.s, DELAY - 1);
	assert_int_equal(run_all(&l), 0);
	assert_int_equal(emr_trustee_shares_count(&shares, true), 0);
	story_pass(&l.s, 1);
	assert_int_equal(run_all(&l), AGENTS);
	assert_int_equal(run_all(&l), AGENTS);
	assert_ok(given(&l, 2, &part));
	add(&l, box, emr_bytes_of(part.data + 32, part.len - 32), &shares);
	assert_status(EMR_NOT_FOUND, recover(&l, &shares));
	assert_ok(given(&l, 0, &part));
	add(&l, box, emr_bytes_of(part.data + 32, part.len - 32), &shares);
	assert_int_equal(emr_trustee_shares_count(&shares, false), 2);
	assert_int_equal(emr_trustee_shares_count(&shares, true), 2);
	assert_ok(recover(&l, &shares));
	emr_trustee_shares_free(&shares);
	emr_box_key_free(box);
}

TEST(agents_give_nothing_for_a_request_that_was_stopped)
{
	emr_act stop;

	SCENE(lost, l, begin, end);
	ask(&l);
	stop = emr_act_recover_stop(l.request, l.ana.public.signer_id);
	story_does(&l.s, &l.ana, stop);
	story_pass(&l.s, DELAY + 1);
	assert_int_equal(run_all(&l), 0);
	/* Another one has its own delay. */
	ask(&l);
	assert_int_equal(run_all(&l), 0);
}

/* A writer of the ledger could date a request back, or not show it: the delay runs by the agent's
 * clock, too, and over its restarts. */
TEST(an_agent_that_hears_of_a_request_late_waits_from_then_on)
{
	SCENE(lost, l, begin, end);
	ask(&l);
	story_pass(&l.s, DELAY + 1);
	assert_int_equal(run_all(&l), 0);
	story_pass(&l.s, DELAY - 1);
	assert_int_equal(run_all(&l), 0);
	story_pass(&l.s, 1);
	assert_int_equal(run_all(&l), AGENTS);
}

TEST(agents_open_the_computer_of_an_executor_until_it_is_taken_back)
{
	SCENE(lost, l, begin_reader, end_reader);
	ask(&l);
	assert_int_equal(run_all(&l), 0);
	story_pass(&l.s, DELAY);
	assert_int_equal(run_all(&l), AGENTS);
	ask(&l);
	assert_int_equal(run_all(&l), 0);
	assert_ok(emr_share_device_remove(begins(l.s.ana), l.heirs.public.signer_id, NULL));
	story_pass(&l.s, DELAY);
	assert_int_equal(run_all(&l), 0);
}

/* It opens what was saved before it came, and after; it hands in nothing, by whatever program. */
TEST(the_computer_of_an_executor_reads_and_hands_in_nothing)
{
	const emr_act stop = emr_act_recover_stop(emr_id16_random(), (emr_id32){{1}});
	EMR_AUTO_BUF devices = {0};
	unsigned readers = 0;
	bool is_some = false;

	SCENE(lost, l, begin_reader, end_reader);
	assert_ok(emr_share_learn(begins(l.heirs.share), &is_some));
	assert_true(emr_keyring_coowns(l.heirs.keyring, l.s.imaging));
	assert_int_equal(
		story_says(&l.s, &l.heirs, stop, (emr_bytes){0}), 1000 + EMR_RESULT_SUBMITTER);
	assert_ok(emr_share_devices(begins(l.s.ana), &devices));
	EMR_EACH (const emr_device, one, &devices)
		readers += one->only_reads && one->is_active;
	assert_int_equal(readers, 1);
}

/* Enough agents and too few trustees: the letters of one group are none of the other. */
TEST(agents_without_trustees_have_nothing)
{
	emr_trustee_shares shares = {.n = 0};
	emr_box_key *box = NULL;
	EMR_AUTO_BUF part = {0};

	SCENE(lost, l, begin, end);
	assert_ok(emr_box_key_identity(l.asks, &box));
	ask(&l);
	assert_int_equal(run_all(&l), 0);
	story_pass(&l.s, DELAY);
	assert_int_equal(run_all(&l), AGENTS);
	for (int i = 0; i < AGENTS; i++) {
		assert_ok(given(&l, i, &part));
		add(&l, box, emr_bytes_of(part.data + 32, part.len - 32), &shares);
	}
	add_trustee(&l, &l.s.lima, box, &shares);
	assert_status(EMR_NOT_FOUND, recover(&l, &shares));
	emr_trustee_shares_free(&shares);
	emr_box_key_free(box);
}

TESTS(NULL, NULL)
