/* These tests show what a copy of the ledger says of points and credit: every movement is told
 * to those whom it concerns, all of them add up to what the tokens are worth, and credit comes
 * from entries alone, for each thing once. */
#include "folk_kit.h"
#include "replica/points.h"

#define MOVEMENTS_MAX 16

/* ---- points ---- */

typedef struct seen {
	emr_movement all[MOVEMENTS_MAX];
	size_t n;
	int64_t sum;
} seen;

static emr_status note_movement(void *arg, const emr_movement *m)
{
	seen *s = arg;

	assert_true(s->n < MOVEMENTS_MAX);
	s->all[s->n++] = *m;
	s->sum += m->is_out ? -(int64_t)m->points : (int64_t)m->points;
	return EMR_OK;
}

typedef struct purse {
	emr_id16 token;
	uint64_t largest, sum;
} purse;

/* The largest of them. */
static emr_status note_token(void *arg, emr_id16 token, uint64_t points)
{
	purse *p = arg;

	if (points > p->largest) {
		p->token = token;
		p->largest = points;
	}
	p->sum += points;
	return EMR_OK;
}

static purse purse_of(member *m, emr_id32 account)
{
	purse p = {.sum = 0};

	folk_see(m);
	assert_ok(emr_replica_tokens(m->replica, account, note_token, &p));
	return p;
}

/* The movements of ACCOUNT as M's copy has them; they are worth what the tokens are. */
static seen movements_of(member *m, emr_id32 account)
{
	seen s = {.n = 0};

	assert_ok(emr_replica_movements(m->replica, &account, 1, note_movement, &s));
	assert_int_equal(s.sum, purse_of(m, account).sum);
	return s;
}

static void expect_movement(const seen *s, size_t i, emr_movement_kind kind, uint64_t points)
{
	assert_true(i < s->n);
	assert_int_equal(s->all[i].kind, kind);
	assert_int_equal(s->all[i].points, points);
	assert_false(emr_id32_is_zero(s->all[i].batch_id));
}

static emr_id32 owner_of_health(void)
{
	emr_domain_public public;

	assert_ok(emr_keyring_domain_public(ana.keyring, health.id, 1, 1, &public));
	return public.signer_id;
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

static emr_id16 fund(emr_id16 dataset, uint16_t n)
{
	purse p = purse_of(&boss, boss.public.signer_id);
	emr_pub_dataset_fund pub = {.n = n, .inputs = 1};

	memcpy(pub.dataset, dataset.b, 16);
	memcpy(pub.tokens[0], p.token.b, 16);
	assert_applied(folk_say(&boss, emr_act_fund(&pub), folk_nothing()));
	return p.token;
}

static void join(emr_id16 dataset, emr_id16 from_fund)
{
	emr_id16 grant = emr_id16_random();
	emr_pub_dataset_join how = {.index = 1};
	uint8_t grantee[32];

	emr_grantee_dataset(dataset.b, grantee);
	assert_applied(folk_own(folk_grant_to(grant, grantee, DAY), folk_part_of(GRANT_PART(0))));
	memcpy(how.grant, grant.b, 16);
	memcpy(how.fund, from_fund.b, 16);
	assert_applied(folk_own(emr_act_join(health.id, dataset, &how), folk_nothing()));
}

/* From the agreement to the patient, and what nobody took back to who paid: each sees his own, and
 * a third person's copy says the same. */
TEST_IN(folk_with_clinic, folk_end, points_can_be_followed_from_the_mint_to_the_patient)
{
	emr_id16 dataset, from;
	emr_pub_transfer pay = {.out = {{.amount = 7}}};
	emr_act handover;
	purse p;
	seen s;

	assert_applied(folk_register_in_clinic(&boss, EMR_ROLE_ORG_ADMIN, "boss.clinic"));
	mint_for_boss(100);
	dataset = dataset_of_boss(10);
	from = fund(dataset, 3);
	join(dataset, from);
	assert_int_equal(
		folk_say(&boss, emr_act_refund(from, 0), folk_nothing()), EMR_RESULT_FUNDS);
	assert_applied(folk_say(&boss, emr_act_dataset_close(dataset), folk_nothing()));
	assert_applied(folk_say(&boss, emr_act_refund(from, 0), folk_nothing()));
	assert_int_equal(folk_say(&boss, emr_act_refund(from, 1), folk_nothing()), EMR_RESULT_GONE);
	s = movements_of(&boss, boss.public.signer_id);
	assert_int_equal(s.n, 3);
	expect_movement(&s, 0, EMR_MOVEMENT_MADE, 100);
	expect_movement(&s, 1, EMR_MOVEMENT_FUNDED, 30);
	expect_movement(&s, 2, EMR_MOVEMENT_REFUNDED, 10);
	assert_true(emr_id16_equal(s.all[2].dataset, dataset));
	/* The patient passes some of it on, under the key of her folder. */
	p = purse_of(&ana, owner_of_health());
	assert_int_equal(p.sum, 10);
	memcpy(pay.tokens[0], p.token.b, 16);
	memcpy(pay.out[0].account, lima.public.signer_id.b, 32);
	pay.out[1].amount = 3;
	memcpy(pay.out[1].account, owner_of_health().b, 32);
	assert_applied(folk_own(emr_act_transfer(&pay), folk_nothing()));
	folk_see(&agent);
	s = movements_of(&agent, owner_of_health());
	assert_int_equal(s.n, 2);
	expect_movement(&s, 0, EMR_MOVEMENT_JOINED, 10);
	expect_movement(&s, 1, EMR_MOVEMENT_SENT, 7);
	s = movements_of(&agent, lima.public.signer_id);
	assert_int_equal(s.n, 1);
	expect_movement(&s, 0, EMR_MOVEMENT_RECEIVED, 7);
	assert_true(emr_id32_equal(s.all[0].other, owner_of_health()));
	/* Points that were paid to her stay hers when somebody else has the domain. */
	assert_ok(emr_act_domain_rotate(ana.keyring, health.id, 2, k.net_id, &handover));
	assert_applied(folk_own(handover, folk_nothing()));
	folk_see(&agent);
	assert_int_equal(movements_of(&agent, owner_of_health()).n, 2);
}

/* Four of six, the largest first; and of a dataset's vouchers each as long as nobody has it. */
TEST_IN(folk_with_clinic, folk_end, the_largest_tokens_and_the_vouchers_that_are_left_are_found)
{
	static const uint64_t parts[] = {5, 40, 10, 1, 30};
	emr_id32 me = boss.public.signer_id;
	bool has_seen[2] = {false};
	emr_id16 dataset, other, from, drawn;
	uint32_t index;
	emr_purse p;

	assert_applied(folk_register_in_clinic(&boss, EMR_ROLE_ORG_ADMIN, "boss.clinic"));
	mint_for_boss(100);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		emr_pub_transfer pub = {.out = {{.amount = parts[i]}}};

		folk_see(&boss);
		assert_ok(emr_replica_purse(boss.replica, me, &p));
		memcpy(pub.tokens[0], p.tokens[0], 16);
		pub.out[1].amount = p.points[0] - parts[i];
		memcpy(pub.out[0].account, me.b, 32);
		if (pub.out[1].amount > 0)
			memcpy(pub.out[1].account, me.b, 32);
		assert_applied(folk_say(&boss, emr_act_transfer(&pub), folk_nothing()));
	}
	folk_see(&boss);
	assert_ok(emr_replica_purse(boss.replica, me, &p));
	assert_int_equal(p.all, 100);
	assert_int_equal(p.n, EMR_TOKENS_IN);
	for (size_t i = 1; i < p.n; i++)
		assert_true(p.points[i - 1] >= p.points[i]);
	dataset = dataset_of_boss(10);
	other = dataset_of_boss(10);
	from = fund(other, 1);
	from = fund(dataset, 2);
	folk_see(&ana);
	for (int i = 0; i < 200 && !(has_seen[0] && has_seen[1]); i++) {
		assert_ok(emr_replica_voucher(ana.replica, dataset, &drawn, &index));
		assert_true(emr_id16_equal(drawn, from) && index < 2);
		has_seen[index] = true;
	}
	assert_true(has_seen[0] && has_seen[1]);
	join(dataset, from); /* takes number 1 */
	folk_see(&ana);
	assert_ok(emr_replica_voucher(ana.replica, dataset, &drawn, &index));
	assert_int_equal(index, 0);
	assert_applied(folk_say(&boss, emr_act_dataset_close(dataset), folk_nothing()));
	assert_applied(folk_say(&boss, emr_act_refund(from, 0), folk_nothing()));
	folk_see(&ana);
	assert_status(EMR_NOT_FOUND, emr_replica_voucher(ana.replica, dataset, &drawn, &index));
}

/* ---- credit ---- */

typedef struct credit_look {
	emr_id32 account;
	emr_credit found;
} credit_look;

static emr_status note_credit(void *arg, const emr_credit *credit)
{
	credit_look *l = arg;

	if (emr_id32_equal(credit->account, l->account))
		l->found = *credit;
	return EMR_OK;
}

static emr_credit credit_of(member *m, emr_id32 account)
{
	credit_look l = {.account = account};

	folk_see(m);
	assert_ok(emr_replica_credits(m->replica, note_credit, &l));
	return l.found;
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
	emr_id16 none = {{0}};
	member hospital = {0};
	emr_id32 req;

	memcpy(terms.grantee, lima.public.signer_id.b, 32);
	assert_applied(
		folk_own(emr_act_grant(health.id, grant, 1, &terms), folk_part_of(GRANT_PART(1))));
	assert_int_equal(credit_of(&boss, owner_of_health()).patient, 1);
	/* The same doctor again, by another grant, and herself: nothing more. */
	assert_applied(folk_own(folk_grant_to(emr_id16_random(), lima.public.signer_id.b, DAY),
		folk_part_of(GRANT_PART(0))));
	assert_applied(folk_own(folk_grant_to(emr_id16_random(), ana.public.signer_id.b, DAY),
		folk_part_of(GRANT_PART(0))));
	assert_int_equal(credit_of(&boss, owner_of_health()).patient, 1);
	assert_applied(folk_ask(&lima, access, grant, none, &req));
	assert_int_equal(credit_of(&boss, agent.public.signer_id).agent, 0);
	assert_applied(folk_say(&agent,
		emr_act_served(
			health.id, agent.public.signer_id, req, access, EMR_SERVED_FRAGMENTS, 2, 0),
		folk_part_of(160 + 512)));
	assert_int_equal(credit_of(&boss, agent.public.signer_id).agent, 2);
	folk_create(&hospital, "hospital");
	assert_applied(folk_register_in_clinic(&hospital, EMR_ROLE_HOSPITAL, "hospital.clinic"));
	assert_applied(folk_own(emr_act_writer_add(health.id, hospital.public.signer_id,
					EMR_RIGHT_PUT, now + 9 * DAY),
		folk_part_of(592)));
	leave_a_record(&hospital, record, true);
	leave_a_record(&hospital, record, false);
	assert_int_equal(credit_of(&boss, hospital.public.signer_id).hospital, 1);
	leave_a_record(&hospital, emr_id16_random(), false);
	assert_int_equal(credit_of(&boss, hospital.public.signer_id).hospital, 2);
	assert_int_equal(credit_of(&lima, hospital.public.signer_id).hospital, 2);
	folk_close_member(&hospital, false);
}

TESTS(NULL, NULL)
