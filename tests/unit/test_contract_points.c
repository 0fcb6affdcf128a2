/* These tests are about points: nobody makes, loses or spends one twice by any batch. Attacks one
 * by one; the random walk in test_contract_walk.c checks the sum after every step. */
#include "test_contract_people.h"

enum {
	OK = EMR_RESULT_APPLIED,
	BEFORE = EMR_RESULT_ALREADY,
	FORM = EMR_RESULT_FORMAT,
	NO = EMR_RESULT_NOT_AUTHORISED,
	GONE = EMR_RESULT_GONE,
	OTHER = EMR_RESULT_NOT_GRANTEE,
	CHAIN = EMR_RESULT_CONFLICT,
	THERE = EMR_RESULT_EXISTS,
	POOR = EMR_RESULT_FUNDS,
	DEAD = EMR_RESULT_KEY_DEAD,
};

/* ---- several items in one batch ---- */

typedef struct sending {
	people *p;
	enum who who;
	kit_batch batch;
	uint8_t ids[EMR_BATCH_COUNT_MAX][32];
	size_t n;
	int results[EMR_BATCH_COUNT_MAX];
} sending;

static void begin(sending *s, people *p, enum who who)
{
	s->p = p;
	s->who = who;
	s->n = 0;
	kit_begin(&s->batch, &p->who[who], p->world.net_id);
}

static void add(sending *s, const people_item *item)
{
	size_t len = EMR_ITEM_BYTES + item->pub_len;

	kit_add(&s->batch, item->item, kit_span(item->pub, item->pub_len), item->part);
	emr_item_id(kit_span(s->batch.items + s->batch.items_len - len, len), s->ids[s->n++]);
}

/* Judged, and written to the world when the batch as a whole is not refused. */
static void send(sending *s, const char *name)
{
	static kit_run run;
	kit_state parts = {0};
	uint64_t before = people_points(&s->p->world.state);
	uint64_t minted = 0;
	emr_span bytes = kit_end(&s->batch);

	kit_judge(&run, name, bytes, &s->p->world.caller, KIT_NOW, &s->p->world.state, NULL);
	assert_int_equal(run.outcome.kind, EMR_OUTCOME_APPLIED);
	kit_commit(&run, &s->p->world.state, &parts);
	for (size_t i = 0; i < s->n; i++) {
		emr_pub_mint mint;
		emr_item item;
		emr_span pub;

		s->results[i] = run.outcome.results.data[i];
		emr_batch_item_at(&run.batch, i, &item, &pub);
		if (s->results[i] == OK && emr_pub_mint_parse(pub, &mint))
			minted += mint.amount;
	}
	assert_true(people_points(&s->p->world.state) == before + minted);
	kit_run_free(&run);
	kit_state_free(&parts);
	kit_drop(bytes);
}

static int send_one(people *p, const char *name, enum who who, const people_item *item)
{
	static sending s;

	begin(&s, p, who);
	add(&s, item);
	send(&s, name);
	return s.results[0];
}

/* ---- items ---- */

/* In any order of payments: FROM's row says what it follows. */
static people_item transfer_of(
	const people *p, const uint8_t from[32], const uint8_t to[32], uint64_t amount)
{
	people_item item = {.item = {.op = EMR_OP_TRANSFER}, .pub_len = 72};
	emr_pub_transfer pub = {.amount = amount};
	emr_key_text key;

	memcpy(pub.from, from, 32);
	memcpy(pub.to, to, 32);
	kit_id16("a payment", item.item.object_id);
	emr_pub_transfer_encode(&pub, item.pub);
	emr_key_account(from, &key);
	kit_follow(&p->world.state, key.text, &item.item);
	return item;
}

/* Of the world's domain into DATASET by its GRANT; ACCOUNT (may be NULL) is paid. */
static people_item join_of(
	const people *p, const uint8_t dataset[16], const uint8_t grant[16], const uint8_t *account)
{
	people_item item = people_item_of(p, DATASET_JOIN, OWNER);
	emr_pub_dataset_join pub = {.account = {0}};
	emr_key_text key;

	memcpy(pub.grant, grant, 16);
	if (account != NULL)
		memcpy(pub.account, account, 32);
	memcpy(item.item.object_id, dataset, 16);
	emr_pub_dataset_join_encode(&pub, item.pub);
	emr_key_in_domain("J", p->world.domain, dataset, &key);
	kit_follow(&p->world.state, key.text, &item.item);
	return item;
}

static people_item leave_of(const people *p, const uint8_t dataset[16])
{
	people_item item = people_item_of(p, DATASET_LEAVE, OWNER);
	emr_key_text key;

	memcpy(item.item.object_id, dataset, 16);
	emr_key_in_domain("J", p->world.domain, dataset, &key);
	kit_follow(&p->world.state, key.text, &item.item);
	return item;
}

static uint64_t balance(const people *p, const uint8_t account[32])
{
	const kit_row *row;
	emr_row_account parsed;
	emr_key_text key;

	emr_key_account(account, &key);
	row = kit_get(&p->world.state, key.text);
	if (row == NULL)
		return 0;
	assert_int_equal(
		emr_row_account_parse(kit_span(row->value, row->len), &parsed), EMR_CONTRACT_OK);
	return parsed.points;
}

/* ---- spending ---- */

TEST(a_point_is_spent_once)
{
	static sending s;
	const uint8_t *steward, *patient;
	people_item pay, again;

	SCENE(people, p, people_make, people_free);
	steward = p.who[STEWARD].id;
	patient = p.who[PATIENT].id;
	pay = transfer_of(&p, steward, patient, 600);
	again = pay;
	again.item.version++;
	begin(&s, &p, STEWARD);
	add(&s, &pay);
	memcpy(again.item.prev, s.ids[0], 32);
	add(&s, &again);
	send(&s, "the same points twice in a batch");
	assert_int_equal(s.results[0], OK);
	assert_int_equal(s.results[1], POOR);
	assert_int_equal(balance(&p, patient), 600);
	assert_int_equal(balance(&p, steward), PEOPLE_COIN - 600);
	kit_expect(
		BEFORE, people_again(&p, "the same item in another batch", STEWARD, &pay), "same");
	again = transfer_of(&p, steward, patient, 400);
	kit_expect(OK, send_one(&p, "what is left, whole", STEWARD, &again), "rest");
	assert_int_equal(balance(&p, patient), PEOPLE_COIN);
	people_put_account(&p, steward, PEOPLE_COIN);
	kit_expect(CHAIN, people_again(&p, "a payment of before", STEWARD, &again), "before");
}

/* Received, and spent, and spent again by one batch: the later see what the earlier did. */
TEST(what_a_batch_pays_out_is_gone_in_it)
{
	static sending s;
	people_item items[3];

	SCENE(people, p, people_make, people_free);
	begin(&s, &p, STEWARD);
	for (size_t i = 0; i < 3; i++) {
		items[i] = transfer_of(&p, p.who[STEWARD].id, p.who[AGENT].id, 400);
		items[i].item.version += i;
		if (i > 0)
			memcpy(items[i].item.prev, s.ids[i - 1], 32);
		add(&s, &items[i]);
	}
	send(&s, "three payments for which two are there");
	assert_int_equal(s.results[1], OK);
	assert_int_equal(s.results[2], POOR);
	assert_int_equal(balance(&p, p.who[AGENT].id), 800);
}

TEST(sums_that_do_not_come_out_are_refused)
{
	const uint64_t most = UINT64_MAX;
	const uint8_t nobody[32] = {0};
	const uint8_t *me, *you;
	people_item item;

	SCENE(people, p, people_make, people_free);
	me = p.who[STEWARD].id;
	you = p.who[PATIENT].id;
	people_put_account(&p, p.who[GRANTEE].id, most - 10);
	const struct {
		const char *name;
		const uint8_t *from, *to;
		uint64_t amount;
		int expected;
	} rows[] = {
		{"more than there is", me, you, PEOPLE_COIN + 1, POOR},
		{"nothing", me, you, 0, FORM},
		{"to nobody", me, nobody, 1, FORM},
		{"from nobody", nobody, you, 1, FORM},
		{"to oneself", me, me, 1, FORM},
		{"more than the row of the other holds", me, p.who[GRANTEE].id, 11, POOR},
		{"as much as it holds", me, p.who[GRANTEE].id, 10, OK},
		{"somebody else's", you, me, 1, NO},
		{"to a key that nobody has registered", me, p.who[STRANGER].id, 1, OTHER},
		{"all", me, you, PEOPLE_COIN, OK},
	};

	for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
		item = transfer_of(&p, rows[r].from, rows[r].to, rows[r].amount);
		people_expect(rows[r].expected, &p, rows[r].name, STEWARD, &item);
	}
	item = transfer_of(&p, p.who[STRANGER].id, you, 1);
	people_expect(NO, &p, "from a key without a name", STRANGER, &item);
}

/* Or anybody could hinder a payment by sending a point. */
TEST(what_comes_in_stands_in_no_payments_way)
{
	people_item pay, point;

	SCENE(people, p, people_make, people_free);
	people_put_account(&p, p.who[PATIENT].id, 5);
	pay = transfer_of(&p, p.who[STEWARD].id, p.who[AGENT].id, 7);
	point = transfer_of(&p, p.who[PATIENT].id, p.who[STEWARD].id, 1);
	kit_expect(OK, send_one(&p, "a point in between", PATIENT, &point), "point");
	kit_expect(OK, send_one(&p, "made before it came", STEWARD, &pay), "pay");
	assert_int_equal(balance(&p, p.who[STEWARD].id), PEOPLE_COIN + 1 - 7);
}

/* The points of a person outlive his key; a key that was followed spends none, and none are sent to
 * the key that followed, where he would never find them. */
TEST(points_stay_with_the_person_when_his_key_changes)
{
	kit_signer first, next = kit_signer_of("the next key");
	people_item item;

	SCENE(people, p, people_make, people_free);
	first = p.who[STEWARD];
	item = people_item_of(&p, KEY_ROTATE, STEWARD);
	kit_expect(OK, people_do(&p, KEY_ROTATE, STEWARD, &item), "rotate");
	item = transfer_of(&p, first.id, p.who[PATIENT].id, 300);
	people_expect(DEAD, &p, "spending by the old key", STEWARD, &item);
	p.who[STEWARD] = next;
	kit_expect(OK, send_one(&p, "spending by the new key", STEWARD, &item), "new");
	assert_int_equal(balance(&p, first.id), PEOPLE_COIN - 300);
	item = transfer_of(&p, first.id, next.id, 300);
	people_expect(OTHER, &p, "to a key that followed another", STEWARD, &item);
	people_put_account(&p, next.id, 1);
	item = transfer_of(&p, next.id, p.who[PATIENT].id, 1);
	people_expect(NO, &p, "from under the new key", STEWARD, &item);
	people_put_points_proposal(&p, EMR_PROPOSAL_DONE, next.id, PEOPLE_MINT);
	item = people_item_of(&p, MINT, ADMIN);
	memcpy(item.pub + 16, next.id, 32);
	people_expect(OTHER, &p, "points made for such a key", ADMIN, &item);
}

/* ---- making ---- */

TEST(points_are_made_as_agreed_and_once)
{
	emr_pub_mint pub = {.amount = 0};
	people_item item, other;

	SCENE(people, p, people_make, people_free);
	memcpy(pub.proposal, p.points_proposal, 16);
	memcpy(pub.account, p.who[GRANTEE].id, 32);
	other = people_item_of(&p, MINT, ADMIN);
	emr_pub_mint_encode(&pub, other.pub);
	people_expect(FORM, &p, "no points", ADMIN, &other);
	pub.amount = PEOPLE_MINT + 1;
	emr_pub_mint_encode(&pub, other.pub);
	people_expect(POOR, &p, "one more than agreed", ADMIN, &other);
	pub.amount = PEOPLE_MINT;
	memcpy(pub.account, p.who[ADMIN].id, 32);
	emr_pub_mint_encode(&pub, other.pub);
	people_expect(POOR, &p, "for another than agreed", ADMIN, &other);
	item = people_item_of(&p, MINT, ADMIN2);
	people_put_account(&p, p.who[GRANTEE].id, UINT64_MAX - PEOPLE_MINT + 1);
	people_expect(POOR, &p, "more than a row holds", ADMIN2, &item);
	people_put_account(&p, p.who[GRANTEE].id, 0);
	kit_expect(OK, send_one(&p, "as agreed", ADMIN2, &item), "agreed");
	assert_int_equal(balance(&p, p.who[GRANTEE].id), PEOPLE_MINT);
	item = people_item_of(&p, MINT, ADMIN);
	kit_expect(THERE, send_one(&p, "once more", ADMIN, &item), "again");
	kit_id16("another proposal of points", p.points_proposal);
	people_put_points_proposal(&p, EMR_PROPOSAL_OPEN, p.who[GRANTEE].id, PEOPLE_MINT);
	people_expect_try(GONE, &p, "what is not agreed yet", MINT, ADMIN);
	people_put_points_proposal(&p, EMR_PROPOSAL_DONE, p.trial_fund, PEOPLE_MINT);
	item = people_item_of(&p, MINT, ADMIN);
	memcpy(item.pub + 16, p.trial_fund, 32);
	people_expect(OTHER, &p, "made for a dataset", ADMIN, &item);
}

/* The members admit an organisation whose administrator has, by his own choice, the id that a
 * proposal of points would have there. */
TEST(another_agreement_makes_no_points)
{
	emr_key_text key;
	people_item item;

	SCENE(people, p, people_make, people_free);
	emr_key_proposal(p.points_proposal, &key);
	kit_get(&p.world.state, key.text)->value[48] = EMR_PROPOSAL_ADMIT;
	item = people_item_of(&p, MINT, ADMIN);
	people_expect(POOR, &p, "points from an admission", ADMIN, &item);
}

/* ---- datasets ---- */

TEST(a_fund_is_put_by_and_comes_back_when_nobody_joins_any_more)
{
	uint8_t none[32], free[32], other[32];
	const uint8_t *me;
	people_item item, back;

	SCENE(people, p, people_make, people_free);
	me = p.who[STEWARD].id;
	emr_account_of_dataset(p.team, free);
	emr_account_of_dataset(p.grant, none);
	item = transfer_of(&p, me, free, 1);
	people_expect(POOR, &p, "a dataset without a price", STEWARD, &item);
	item = transfer_of(&p, me, p.past_fund, 1);
	people_expect(GONE, &p, "a closed dataset", STEWARD, &item);
	item = transfer_of(&p, me, none, 1);
	people_expect(GONE, &p, "no dataset", STEWARD, &item);
	item = transfer_of(&p, me, p.trial_fund, 3 * PEOPLE_PRICE);
	kit_expect(OK, send_one(&p, "three folders", STEWARD, &item), "put by");
	assert_int_equal(balance(&p, p.trial_fund), 4 * PEOPLE_PRICE);
	back = transfer_of(&p, p.trial_fund, me, 4 * PEOPLE_PRICE);
	people_expect(POOR, &p, "back while domains may join", STEWARD, &back);
	people_put_dataset(&p, p.trial, EMR_DATASET_CLOSED, PEOPLE_PRICE);
	people_expect(NO, &p, "another's fund", ADMIN, &back);
	item = transfer_of(&p, none, me, 1);
	people_expect(NO, &p, "from no dataset", STEWARD, &item);
	kit_expect(OK, send_one(&p, "back", STEWARD, &back), "back");
	assert_int_equal(balance(&p, me), PEOPLE_COIN + PEOPLE_PRICE);
	item = transfer_of(&p, p.trial_fund, me, 1);
	people_expect(POOR, &p, "more than there was", STEWARD, &item);
	emr_account_of_dataset(p.study, other);
	people_put_dataset(&p, p.study, EMR_DATASET_OPEN, 5);
	item = transfer_of(&p, p.past_fund, other, PEOPLE_PRICE);
	people_expect(OK, &p, "from one fund to the next", STEWARD, &item);
}

TEST(joining_pays_whom_the_owner_names)
{
	const uint8_t *me;
	people_item item;

	SCENE(people, p, people_make, people_free);
	me = p.who[PATIENT].id;
	item = join_of(&p, p.trial, p.trial_grant, NULL);
	people_expect(POOR, &p, "for nothing", OWNER, &item);
	people_expect(POOR, &p, "for nothing, by her telephone", MANAGER, &item);
	item = join_of(&p, p.team, p.team_grant, me);
	people_expect(POOR, &p, "paid where nothing is paid", OWNER, &item);
	item = join_of(&p, p.trial, p.trial_grant, p.who[STRANGER].id);
	people_expect(OTHER, &p, "to who is in no row", OWNER, &item);
	item = join_of(&p, p.trial, p.trial_grant, p.trial_fund);
	people_expect(OTHER, &p, "to the fund itself", OWNER, &item);
	item = join_of(&p, p.trial, p.trial_grant, p.who[MANAGER].id);
	people_expect(NO, &p, "a manager, for himself", MANAGER, &item);
	item = join_of(&p, p.trial, p.trial_grant, me);
	people_put_account(&p, p.trial_fund, PEOPLE_PRICE - 1);
	people_expect(POOR, &p, "one point too few", OWNER, &item);
	people_put_account(&p, p.trial_fund, PEOPLE_PRICE);
	people_put_account(&p, me, UINT64_MAX - PEOPLE_PRICE + 1);
	people_expect(POOR, &p, "more than a row holds", OWNER, &item);
	people_put_account(&p, me, 3);
	kit_expect(OK, send_one(&p, "joining", OWNER, &item), "join");
	assert_int_equal(balance(&p, me), PEOPLE_PRICE + 3);
	assert_int_equal(balance(&p, p.trial_fund), 0);
	people_put_dataset(&p, p.trial, EMR_DATASET_CLOSED, PEOPLE_PRICE);
	item = transfer_of(&p, p.trial_fund, p.who[STEWARD].id, PEOPLE_PRICE);
	people_expect(POOR, &p, "back what was paid", STEWARD, &item);
}

/* Or one domain would empty a fund by coming and going. */
TEST(a_domain_that_comes_back_is_not_paid_twice)
{
	const uint8_t *me;
	people_item item;

	SCENE(people, p, people_make, people_free);
	me = p.who[PATIENT].id;
	people_put_account(&p, p.trial_fund, 2 * PEOPLE_PRICE);
	item = join_of(&p, p.trial, p.trial_grant, me);
	kit_expect(OK, send_one(&p, "coming", OWNER, &item), "join");
	item = leave_of(&p, p.trial);
	kit_expect(OK, send_one(&p, "going", OWNER, &item), "leave");
	people_put_dataset_grant(&p, p.trial_grant, p.trial, EMR_GRANT_ACTIVE, KIT_NOW + KIT_DAY);
	item = join_of(&p, p.trial, p.trial_grant, me);
	kit_expect(POOR, send_one(&p, "coming again, for pay", OWNER, &item), "paid");
	item = join_of(&p, p.trial, p.trial_grant, NULL);
	kit_expect(OK, send_one(&p, "coming again", OWNER, &item), "again");
	assert_int_equal(balance(&p, me), PEOPLE_PRICE);
}

/* The owner of the domain is the steward, too, and wants both. */
TEST(points_of_a_fund_are_paid_or_given_back_and_never_both)
{
	static sending s;
	people_item join, back, close;
	people p;

	for (int joins_first = 0; joins_first < 2; joins_first++) {
		people_make(&p);
		p.who[OWNER] = p.who[STEWARD];
		kit_put_domain(&p.world.state, p.world.domain, &p.who[STEWARD], 0, 1);
		join = join_of(&p, p.trial, p.trial_grant, p.who[STEWARD].id);
		back = transfer_of(&p, p.trial_fund, p.who[STEWARD].id, PEOPLE_PRICE);
		close = people_item_of(&p, DATASET_CLOSE, STEWARD);
		memcpy(close.item.object_id, p.trial, 16);
		begin(&s, &p, STEWARD);
		if (joins_first)
			add(&s, &join);
		add(&s, &close);
		add(&s, &back);
		if (!joins_first)
			add(&s, &join);
		send(&s, "joining, closing and taking back in one batch");
		assert_int_equal(s.results[0], OK);
		assert_int_equal(s.results[1], OK);
		assert_int_equal(s.results[2], joins_first ? POOR : GONE);
		assert_int_equal(balance(&p, p.who[STEWARD].id), PEOPLE_COIN + PEOPLE_PRICE);
		people_free(&p);
	}
}

/* 1,024 transfers, each from one of the signer's to another of 1,024, fit the memory that a host
 * sets aside. */
TEST(the_largest_batches_of_points_fit_their_memory)
{
	static sending s;
	people_item item;

	SCENE(people, p, people_make, people_free);
	people_put_account(&p, p.who[STEWARD].id, EMR_BATCH_COUNT_MAX);
	begin(&s, &p, STEWARD);
	for (size_t i = 0; i < EMR_BATCH_COUNT_MAX; i++) {
		kit_signer to = kit_signer_of(printed("payee %zu", i));

		kit_put_key(&p.world.state, &to, p.world.org, EMR_ROLE_PATIENT, EMR_HOW_CERTIFICATE,
			EMR_KEY_ACTIVE, KIT_NOW + KIT_DAY);
		item = transfer_of(&p, p.who[STEWARD].id, to.id, 1);
		item.item.version += i;
		if (i > 0)
			memcpy(item.item.prev, s.ids[i - 1], 32);
		add(&s, &item);
	}
	send(&s, NULL);
	for (size_t i = 0; i < EMR_BATCH_COUNT_MAX; i++)
		assert_int_equal(s.results[i], OK);
}

TESTS(NULL, NULL)
