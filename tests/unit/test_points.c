/* These tests show what a copy of the ledger says of points and credit: every movement is told
 * to those whom it concerns, all of them add up to what the account has, and credit comes from
 * entries alone, for each thing once. */
#include "folk_kit.h"
#include "replica/ask.h"

#define MOVEMENTS_MAX 16

/* ---- points ---- */

typedef struct seen {
	emr_movement all[MOVEMENTS_MAX];
	size_t n;
	int64_t sum;
} seen;

static uint64_t points_of(member *m, emr_id32 account)
{
	uint64_t points;

	folk_see(m);
	assert_ok(emr_replica_points(m->replica, account, &points));
	return points;
}

/* The movements of ACCOUNT as M's copy has them; they are what it has. */
static seen movements_of(member *m, emr_id32 account)
{
	seen s = {.n = 0};
	EMR_AUTO_BUF all = {0};

	folk_see(m);
	assert_ok(emr_replica_movements(m->replica, account, &all));
	EMR_EACH (const emr_movement, one, &all) {
		assert_true(s.n < MOVEMENTS_MAX);
		s.all[s.n++] = *one;
		s.sum += one->is_out ? -(int64_t)one->points : (int64_t)one->points;
	}
	assert_int_equal(s.sum, points_of(m, account));
	return s;
}

static void expect_movement(const seen *s, size_t i, emr_movement_kind kind, uint64_t points)
{
	assert_true(i < s->n);
	assert_int_equal(s->all[i].kind, kind);
	assert_int_equal(s->all[i].points, points);
	assert_false(emr_id32_is_zero(s->all[i].batch_id));
}

/* Both organisations agree on POINTS for the boss. */
static void mint_for_boss(uint64_t points)
{
	emr_id16 proposal = emr_id16_random();
	emr_pub_org_propose what = {.kind = EMR_PROPOSAL_MINT, .not_after_unix_s = now + 9 * DAY};
	emr_pub_mint pub = {.amount = points};

	memcpy(pub.proposal, proposal.b, 16);
	memcpy(pub.account, boss.public.signer_id.b, 32);
	emr_mint_subject(pub.account, points, what.subject);
	assert_applied(folk_say(&ana, emr_act_propose(proposal, &what), folk_nothing()));
	assert_applied(folk_say(&ana, emr_act_approve_proposal(proposal, home), folk_nothing()));
	assert_int_equal(folk_say(&ana, emr_act_mint(&pub), folk_nothing()), EMR_RESULT_GONE);
	assert_applied(folk_say(&boss, emr_act_approve_proposal(proposal, clinic), folk_nothing()));
	assert_applied(folk_say(&ana, emr_act_mint(&pub), folk_nothing()));
}

static emr_id16 dataset_of_boss(uint64_t price)
{
	emr_pub_dataset_new what = {
		.price = price, .not_after_unix_s = now + 90 * DAY, .purposes = 1};
	emr_id16 dataset = emr_id16_random();

	memcpy(what.B, boss.public.B, 32);
	assert_ok(emr_keyring_pop(boss.keyring, k.net_id, what.pop));
	assert_applied(folk_say(&boss, emr_act_dataset(dataset, &what), folk_part_of(60)));
	return dataset;
}

static int pay(member *m, emr_id32 from, emr_id32 to, uint64_t points)
{
	return folk_say(m, emr_act_transfer(from, to, points), folk_nothing());
}

static void join(emr_id16 dataset)
{
	emr_id16 grant = emr_id16_random();
	emr_pub_dataset_join how;
	uint8_t grantee[32];

	emr_grantee_dataset(dataset.b, grantee);
	assert_applied(folk_own(folk_grant_to(grant, grantee, DAY), folk_part_of(GRANT_PART(0))));
	memcpy(how.grant, grant.b, 16);
	memcpy(how.account, ana.public.signer_id.b, 32);
	assert_applied(folk_own(emr_act_join(health.id, dataset, &how), folk_nothing()));
}

/* From the agreement to the patient, and what nobody took back to who paid: each sees his own, and
 * a third person's copy says the same. */
TEST_IN(folk_with_clinic, folk_end, points_can_be_followed_from_the_mint_to_the_patient)
{
	const emr_id32 me = boss.public.signer_id, her = ana.public.signer_id;
	emr_id16 dataset;
	seen s;

	assert_applied(folk_register_in_clinic(&boss, EMR_ROLE_ORG_ADMIN, "boss.clinic"));
	mint_for_boss(100);
	dataset = dataset_of_boss(10);
	assert_applied(pay(&boss, me, emr_fund_of(dataset), 30));
	assert_int_equal(points_of(&agent, emr_fund_of(dataset)), 30);
	join(dataset);
	assert_int_equal(pay(&boss, emr_fund_of(dataset), me, 20), EMR_RESULT_FUNDS);
	assert_applied(folk_say(&boss, emr_act_dataset_close(dataset), folk_nothing()));
	assert_applied(pay(&boss, emr_fund_of(dataset), me, 20));
	assert_int_equal(pay(&boss, emr_fund_of(dataset), me, 1), EMR_RESULT_FUNDS);
	s = movements_of(&boss, boss.public.signer_id);
	assert_int_equal(s.n, 3);
	expect_movement(&s, 0, EMR_MOVEMENT_MADE, 100);
	expect_movement(&s, 1, EMR_MOVEMENT_FUNDED, 30);
	expect_movement(&s, 2, EMR_MOVEMENT_REFUNDED, 20);
	assert_true(emr_id16_equal(s.all[2].dataset, dataset));
	/* The patient passes some of it on. */
	assert_int_equal(points_of(&ana, her), 10);
	assert_applied(pay(&ana, her, lima.public.signer_id, 7));
	s = movements_of(&agent, her);
	assert_int_equal(s.n, 2);
	expect_movement(&s, 0, EMR_MOVEMENT_JOINED, 10);
	expect_movement(&s, 1, EMR_MOVEMENT_SENT, 7);
	s = movements_of(&agent, lima.public.signer_id);
	assert_int_equal(s.n, 1);
	expect_movement(&s, 0, EMR_MOVEMENT_RECEIVED, 7);
	assert_true(emr_id32_equal(s.all[0].other, her));
}

/* ---- credit ---- */

static uint64_t credit_of(member *m, emr_id32 account, uint8_t op)
{
	uint64_t found = 0;
	emr_merit merit;

	folk_see(m);
	EMR_ASK(merits, m->replica, MERITS);
	while (emr_next(&merits, &merit))
		found += emr_id32_equal(merit.account, account) && merit.op == op ? merit.count : 0;
	assert_ok(merits.status);
	return found;
}

static void leave_a_record(member *hospital, emr_id16 record, bool is_first)
{
	emr_act act = {.op = EMR_OP_LISTKEY, .domain = health.id, .version = 1, .epoch = 1};

	emr_object_listkey(hospital->public.signer_id.b, 1, act.object.b);
	if (is_first)
		assert_applied(folk_say(hospital, act, folk_part_of(160)));
	act = (emr_act){
		.op = EMR_OP_PUT, .domain = health.id, .object = record, .version = 1, .epoch = 1};
	assert_applied(folk_say(hospital, act, folk_part_of(828)));
}

TEST_IN(folk_with_clinic, folk_end, credit_is_for_each_thing_once_and_the_same_for_all)
{
	emr_id16 grant = emr_id16_random(), access = emr_id16_random(), record = emr_id16_random();
	emr_pub_grant terms = {.not_before_unix_s = now,
		.not_after_unix_s = now + DAY,
		.purposes = 1,
		.rights = EMR_GRANT_READ,
		.t = 1,
		.n = 1};
	member hospital = {0};
	emr_id32 req;

	memcpy(terms.grantee, lima.public.signer_id.b, 32);
	assert_applied(
		folk_own(emr_act_grant(health.id, grant, 1, &terms), folk_part_of(GRANT_PART(1))));
	assert_int_equal(credit_of(&boss, ana.public.signer_id, EMR_OP_GRANT), 1);
	/* The same doctor again, by another grant, and herself: nothing more. */
	assert_applied(folk_own(folk_grant_to(emr_id16_random(), lima.public.signer_id.b, DAY),
		folk_part_of(GRANT_PART(0))));
	assert_applied(folk_own(folk_grant_to(emr_id16_random(), ana.public.signer_id.b, DAY),
		folk_part_of(GRANT_PART(0))));
	assert_int_equal(credit_of(&boss, ana.public.signer_id, EMR_OP_GRANT), 1);
	assert_applied(folk_ask(&lima, access, grant, (emr_id16){{0}}, &req));
	assert_int_equal(credit_of(&boss, agent.public.signer_id, EMR_OP_ACCESS_SERVED), 0);
	assert_applied(folk_say(&agent,
		emr_act_served(
			health.id, agent.public.signer_id, req, access, EMR_SERVED_FRAGMENTS, 2, 0),
		folk_part_of(160 + 512)));
	assert_int_equal(credit_of(&boss, agent.public.signer_id, EMR_OP_ACCESS_SERVED), 2);
	folk_create(&hospital, "hospital");
	assert_applied(folk_register_in_clinic(&hospital, EMR_ROLE_HOSPITAL, "hospital.clinic"));
	assert_applied(folk_own(emr_act_writer_add(health.id, hospital.public.signer_id,
					EMR_RIGHT_PUT, now + 9 * DAY),
		folk_part_of(592)));
	leave_a_record(&hospital, record, true);
	leave_a_record(&hospital, record, false);
	assert_int_equal(credit_of(&boss, hospital.public.signer_id, EMR_OP_PUT), 1);
	leave_a_record(&hospital, emr_id16_random(), false);
	assert_int_equal(credit_of(&boss, hospital.public.signer_id, EMR_OP_PUT), 2);
	assert_int_equal(credit_of(&lima, hospital.public.signer_id, EMR_OP_PUT), 2);
	folk_close_member(&hospital, false);
}

TESTS(NULL, NULL)
