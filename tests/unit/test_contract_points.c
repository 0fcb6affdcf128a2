/* These tests are about points: nobody makes, loses or spends one twice by any batch. Attacks one
 * by one; the random walk in test_contract_walk.c checks the sum after every step. */
#include "test_contract_people.h"

#include "crypto/hashsig.h"

enum {
	OK = EMR_RESULT_APPLIED,
	FORM = EMR_RESULT_FORMAT,
	NO = EMR_RESULT_NOT_AUTHORISED,
	GONE = EMR_RESULT_GONE,
	OTHER = EMR_RESULT_NOT_GRANTEE,
	LIMIT = EMR_RESULT_LIMIT,
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

typedef struct payment {
	const uint8_t *account;
	uint64_t amount;
} payment;

static people_item transfer_of(const uint8_t tokens[][16], size_t n, payment to, payment rest)
{
	people_item item = {.item = {.op = EMR_OP_TRANSFER, .version = 1}, .pub_len = 144};
	emr_pub_transfer pub = {.out = {{.amount = to.amount}, {.amount = rest.amount}}};

	memcpy(pub.tokens, tokens, n * 16);
	if (to.account != NULL)
		memcpy(pub.out[0].account, to.account, 32);
	if (rest.account != NULL)
		memcpy(pub.out[1].account, rest.account, 32);
	memcpy(item.item.object_id, tokens[0], 16);
	emr_pub_transfer_encode(&pub, item.pub);
	return item;
}

static people_item fund_of(
	const people *p, const uint8_t dataset[16], const uint8_t token[16], uint16_t n)
{
	people_item item = people_item_of(p, DATASET_FUND, STEWARD);
	emr_pub_dataset_fund pub = {.n = n, .inputs = 1};

	memcpy(pub.dataset, dataset, 16);
	memcpy(pub.tokens[0], token, 16);
	memcpy(item.item.object_id, token, 16);
	emr_pub_dataset_fund_encode(&pub, item.pub);
	return item;
}

static people_item refund_of(const people *p, const uint8_t fund[16], uint32_t index)
{
	people_item item = people_item_of(p, DATASET_REFUND, STEWARD);

	memcpy(item.item.object_id, fund, 16);
	emr_pub_dataset_refund_encode(&(emr_pub_dataset_refund){index}, item.pub);
	return item;
}

/* Of the world's domain into the trial, or into DATASET by its GRANT. */
static people_item join_of(const people *p, const uint8_t dataset[16], const uint8_t grant[16],
	const uint8_t fund[16], uint32_t index)
{
	people_item item = people_item_of(p, DATASET_JOIN, OWNER);
	emr_pub_dataset_join pub = {.index = index};
	emr_key_text key;

	memcpy(pub.grant, grant, 16);
	if (fund != NULL)
		memcpy(pub.fund, fund, 16);
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

/* All tokens of ACCOUNT. */
static uint64_t balance(const people *p, const uint8_t account[32])
{
	AUTO(kit_state_free) kit_state own = {0};
	emr_key_text key;
	uint64_t sum;

	emr_key_token(account, p->coin, &key);
	key.text[2 + 64 + 1] = 0;
	for (size_t i = 0; i < p->world.state.count; i++) {
		const kit_row *row = &p->world.state.rows[i];

		if (strncmp(row->key, key.text, strlen(key.text)) == 0)
			kit_put(&own, row->key, row->value, row->len);
	}
	sum = people_points(&own);
	return sum;
}

/* ---- spending ---- */

TEST(a_point_is_spent_once)
{
	static sending s;
	const uint8_t *steward, *patient;
	people_item pay, again;
	uint8_t made[16];

	SCENE(people, p, people_make, people_free);
	steward = p.who[STEWARD].id;
	patient = p.who[PATIENT].id;
	pay = people_item_of(&p, TRANSFER, STEWARD);
	again = transfer_of(&p.coin, 1, (payment){patient, PEOPLE_COIN}, (payment){NULL, 0});
	begin(&s, &p, STEWARD);
	add(&s, &pay);
	add(&s, &again);
	send(&s, "one token twice in a batch");
	assert_int_equal(s.results[0], OK);
	assert_int_equal(s.results[1], POOR);
	assert_int_equal(balance(&p, patient), 300);
	assert_int_equal(balance(&p, steward), PEOPLE_COIN - 300);
	kit_expect(POOR, send_one(&p, "the same in another batch", STEWARD, &again), "another");
	kit_expect(POOR, people_again(&p, "the same item in another batch", STEWARD, &pay), "same");
	emr_token_of(s.ids[0], 1, made); /* the rest of it */
	pay = transfer_of(&made, 1, (payment){patient, 700}, (payment){NULL, 0});
	kit_expect(OK, send_one(&p, "what is left, whole", STEWARD, &pay), "rest");
	assert_int_equal(balance(&p, patient), PEOPLE_COIN);
}

/* Made, and spent, and spent again by one batch: the later see what the earlier did. */
TEST(what_a_batch_makes_it_can_spend_once)
{
	static sending s;
	people_item first, second, third;
	uint8_t made[16];

	SCENE(people, p, people_make, people_free);
	first = people_item_of(&p, TRANSFER, STEWARD);
	begin(&s, &p, STEWARD);
	add(&s, &first);
	emr_token_of(s.ids[0], 1, made);
	second = transfer_of(
		&made, 1, (payment){p.who[AGENT].id, 200}, (payment){p.who[STEWARD].id, 500});
	third = transfer_of(&made, 1, (payment){p.who[PATIENT].id, 700}, (payment){NULL, 0});
	add(&s, &second);
	add(&s, &third);
	send(&s, "spending what the batch made");
	assert_int_equal(s.results[1], OK);
	assert_int_equal(s.results[2], POOR);
	assert_int_equal(balance(&p, p.who[AGENT].id), 200);
}

TEST(sums_that_do_not_come_out_are_refused)
{
	const uint64_t most = UINT64_MAX;
	uint8_t two[4][16];
	const uint8_t *me, *you;

	SCENE(people, p, people_make, people_free);
	me = p.who[STEWARD].id;
	you = p.who[PATIENT].id;
	memset(two, 0, sizeof two);
	memcpy(two[0], p.coin, 16);
	kit_id16("a very large token", two[1]);
	people_put_token(&p, me, two[1], most - 10);
	const struct {
		const char *name;
		size_t inputs;
		payment to, rest;
		int expected;
	} rows[] = {
		{"more than there is", 1, {you, PEOPLE_COIN + 1}, {NULL, 0}, POOR},
		{"less than there is", 1, {you, PEOPLE_COIN - 1}, {NULL, 0}, POOR},
		{"nothing", 1, {you, 0}, {me, PEOPLE_COIN}, FORM},
		{"nothing to nobody", 1, {NULL, 0}, {NULL, 0}, FORM},
		{"to nobody", 1, {NULL, PEOPLE_COIN}, {NULL, 0}, FORM},
		{"no rest, for me", 1, {you, PEOPLE_COIN}, {me, 0}, FORM},
		{"a rest for nobody", 1, {you, 999}, {NULL, 1}, FORM},
		{"payments that wrap round", 1, {you, most}, {me, PEOPLE_COIN + 1}, POOR},
		{"tokens that wrap round", 2, {you, PEOPLE_COIN - 11}, {NULL, 0}, POOR},
		{"all to oneself", 1, {me, PEOPLE_COIN}, {NULL, 0}, OK},
	};

	for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
		people_item item = transfer_of(two, rows[r].inputs, rows[r].to, rows[r].rest);

		kit_expect(rows[r].expected, people_answer(&p, rows[r].name, STEWARD, &item),
			rows[r].name);
	}
}

TEST(inputs_are_different_and_ones_own)
{
	uint8_t tokens[4][16] = {{0}};
	people_item item;
	const uint8_t *you;

	SCENE(people, p, people_make, people_free);
	you = p.who[PATIENT].id;
	memcpy(tokens[0], p.coin, 16);
	memcpy(tokens[1], p.coin, 16);
	item = transfer_of(tokens, 2, (payment){you, 2 * PEOPLE_COIN}, (payment){NULL, 0});
	kit_expect(FORM, people_answer(&p, "one token as two", STEWARD, &item), "two");
	kit_id16("another coin", tokens[1]);
	people_put_token(&p, p.who[ADMIN].id, tokens[1], 5);
	item = transfer_of(tokens, 2, (payment){you, PEOPLE_COIN + 5}, (payment){NULL, 0});
	kit_expect(POOR, people_answer(&p, "another's token", STEWARD, &item), "another's");
	people_put_token(&p, p.who[STEWARD].id, tokens[1], 5);
	kit_expect(OK, people_answer(&p, "two of one's own", STEWARD, &item), "own");
	memset(item.pub + 16, 0, 16);
	memcpy(item.pub + 32, tokens[1], 16);
	kit_expect(FORM, people_answer(&p, "a hole between them", STEWARD, &item), "hole");
	item = people_item_of(&p, TRANSFER, STEWARD);
	item.item.object_id[0] ^= 1;
	kit_expect(FORM, people_answer(&p, "under another id", STEWARD, &item), "id");
	item = people_item_of(&p, TRANSFER, STEWARD);
	item.item.version = 2;
	kit_expect(EMR_RESULT_CONFLICT, people_answer(&p, "as a second version", STEWARD, &item),
		"version");
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
	item = people_item_of(&p, TRANSFER, STEWARD);
	kit_expect(DEAD, people_answer(&p, "spending by the old key", STEWARD, &item), "old");
	p.who[STEWARD] = next;
	item = people_item_of(&p, TRANSFER, STEWARD); /* the rest to the new key */
	kit_expect(OTHER, people_answer(&p, "to a key that followed another", STEWARD, &item),
		"second");
	memcpy(item.pub + 104, first.id, 32);
	kit_expect(OK, send_one(&p, "spending by the new key", STEWARD, &item), "new");
	assert_int_equal(balance(&p, first.id), PEOPLE_COIN - 300);
	people_put_points_proposal(&p, EMR_PROPOSAL_DONE, next.id, PEOPLE_MINT);
	item = people_item_of(&p, MINT, ADMIN);
	memcpy(item.pub + 16, next.id, 32);
	kit_expect(OTHER, people_answer(&p, "points made for such a key", ADMIN, &item), "mint");
	item = refund_of(&p, p.past_fund, 0);
	kit_expect(OK, send_one(&p, "a refund to who paid", STEWARD, &item), "refund");
	assert_int_equal(balance(&p, first.id), PEOPLE_COIN - 300 + PEOPLE_PRICE);
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
	kit_expect(FORM, people_answer(&p, "no points", ADMIN, &other), "none");
	pub.amount = PEOPLE_MINT + 1;
	emr_pub_mint_encode(&pub, other.pub);
	kit_expect(POOR, people_answer(&p, "one more than agreed", ADMIN, &other), "more");
	pub.amount = PEOPLE_MINT;
	memcpy(pub.account, p.who[ADMIN].id, 32);
	emr_pub_mint_encode(&pub, other.pub);
	kit_expect(POOR, people_answer(&p, "for another than agreed", ADMIN, &other), "another");
	item = people_item_of(&p, MINT, ADMIN2);
	kit_expect(OK, send_one(&p, "as agreed", ADMIN2, &item), "agreed");
	assert_int_equal(balance(&p, p.who[GRANTEE].id), PEOPLE_MINT);
	item = people_item_of(&p, MINT, ADMIN);
	kit_expect(THERE, send_one(&p, "once more", ADMIN, &item), "again");
	kit_id16("another proposal of points", p.points_proposal);
	people_put_points_proposal(&p, EMR_PROPOSAL_OPEN, p.who[GRANTEE].id, PEOPLE_MINT);
	kit_expect(GONE, people_try(&p, "what is not agreed yet", MINT, ADMIN), "open");
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
	kit_expect(POOR, people_answer(&p, "points from an admission", ADMIN, &item), "admit");
}

/* ---- datasets ---- */

TEST(a_fund_puts_by_what_its_vouchers_cost)
{
	static sending s;
	people_item item;

	SCENE(people, p, people_make, people_free);
	item = fund_of(&p, p.trial, p.coin, 3);
	begin(&s, &p, STEWARD);
	add(&s, &item);
	send(&s, "a fund of three");
	assert_int_equal(s.results[0], OK);
	assert_int_equal(balance(&p, p.who[STEWARD].id), PEOPLE_COIN - 3 * PEOPLE_PRICE);
	kit_expect(POOR, people_again(&p, "the token again", STEWARD, &item), "again");
	item = refund_of(&p, p.coin, 0);
	kit_expect(POOR, people_answer(&p, "back while domains may join", STEWARD, &item), "open");
	people_put_dataset(&p, p.trial, EMR_DATASET_CLOSED, PEOPLE_PRICE);
	kit_expect(NO, people_answer(&p, "another's fund", ADMIN, &item), "another's");
	for (uint32_t i = 0; i < 4; i++) {
		item = refund_of(&p, p.coin, i);
		kit_expect(i < 3 ? OK : GONE, send_one(&p, "back", STEWARD, &item), "back");
	}
	assert_int_equal(balance(&p, p.who[STEWARD].id), PEOPLE_COIN);
	item = refund_of(&p, p.coin, 1);
	kit_expect(GONE, people_again(&p, "back twice", STEWARD, &item), "twice");
}

TEST(a_fund_has_its_limits)
{
	static sending s;
	people_item item;
	uint8_t coin[16];

	SCENE(people, p, people_make, people_free);
	kit_id16("a chest", coin);
	people_put_token(&p, p.who[STEWARD].id, coin, 256 * PEOPLE_PRICE);
	item = fund_of(&p, p.trial, coin, 257);
	kit_expect(POOR, people_answer(&p, "one voucher too many", STEWARD, &item), "price");
	people_put_token(&p, p.who[STEWARD].id, coin, 257 * PEOPLE_PRICE);
	kit_expect(LIMIT, people_answer(&p, "257 vouchers", STEWARD, &item), "257");
	item = fund_of(&p, p.team, coin, 1);
	kit_expect(POOR, people_answer(&p, "a dataset without a price", STEWARD, &item), "free");
	item = fund_of(&p, p.past, coin, 1);
	kit_expect(GONE, people_answer(&p, "a closed dataset", STEWARD, &item), "closed");
	people_put_dataset(&p, p.trial, EMR_DATASET_OPEN, UINT64_MAX);
	item = fund_of(&p, p.trial, coin, 2);
	kit_expect(POOR, people_answer(&p, "a price that wraps round", STEWARD, &item), "wraps");
	people_put_dataset(&p, p.trial, EMR_DATASET_OPEN, 1);
	begin(&s, &p, STEWARD);
	for (int i = 0; i < 5; i++) {
		kit_id16(printed("chest %d", i), coin);
		people_put_token(&p, p.who[STEWARD].id, coin, 300);
		item = fund_of(&p, p.trial, coin, 256);
		add(&s, &item);
	}
	send(&s, NULL);
	for (int i = 0; i < 5; i++)
		assert_int_equal(s.results[i], i < 4 ? OK : LIMIT);
}

TEST(joining_pays_the_owner_of_the_domain)
{
	people_item item;
	uint64_t steward;

	SCENE(people, p, people_make, people_free);
	steward = balance(&p, p.who[STEWARD].id);
	item = join_of(&p, p.trial, p.trial_grant, NULL, 0);
	kit_expect(POOR, people_answer(&p, "for nothing", OWNER, &item), "nothing");
	item = join_of(&p, p.trial, p.trial_grant, p.trial_fund, 1);
	kit_expect(POOR, people_answer(&p, "a voucher that is not there", OWNER, &item), "none");
	item = join_of(&p, p.trial, p.trial_grant, p.past_fund, 0);
	kit_expect(POOR, people_answer(&p, "another dataset's voucher", OWNER, &item), "another");
	item = join_of(&p, p.team, p.team_grant, p.trial_fund, 0);
	kit_expect(
		POOR, people_answer(&p, "a voucher where nothing is paid", OWNER, &item), "free");
	item = join_of(&p, p.trial, p.trial_grant, p.trial_fund, 0);
	kit_expect(OK, send_one(&p, "joining, by her telephone", MANAGER, &item), "join");
	assert_int_equal(balance(&p, p.who[OWNER].id), PEOPLE_PRICE);
	assert_int_equal(balance(&p, p.who[MANAGER].id), 0);
	assert_int_equal(balance(&p, p.who[STEWARD].id), steward);
	people_put_dataset(&p, p.trial, EMR_DATASET_CLOSED, PEOPLE_PRICE);
	item = refund_of(&p, p.trial_fund, 0);
	kit_expect(GONE, people_answer(&p, "back what was paid", STEWARD, &item), "refund");
}

/* Or one domain would empty a fund by coming and going. */
TEST(a_domain_that_comes_back_is_not_paid_twice)
{
	people_item item;

	SCENE(people, p, people_make, people_free);
	people_put_voucher(&p, p.trial_fund, 1, p.trial, PEOPLE_PRICE, p.who[STEWARD].id);
	item = join_of(&p, p.trial, p.trial_grant, p.trial_fund, 0);
	kit_expect(OK, send_one(&p, "coming", OWNER, &item), "join");
	item = leave_of(&p, p.trial);
	kit_expect(OK, send_one(&p, "going", OWNER, &item), "leave");
	people_put_dataset_grant(&p, p.trial_grant, p.trial, EMR_GRANT_ACTIVE, KIT_NOW + KIT_DAY);
	item = join_of(&p, p.trial, p.trial_grant, p.trial_fund, 1);
	kit_expect(POOR, send_one(&p, "coming again, for pay", OWNER, &item), "paid");
	item = join_of(&p, p.trial, p.trial_grant, NULL, 0);
	kit_expect(OK, send_one(&p, "coming again", OWNER, &item), "again");
	assert_int_equal(balance(&p, p.who[OWNER].id), PEOPLE_PRICE);
}

/* Whatever the dataset says later: what was put by is what is paid. */
TEST(a_voucher_pays_what_was_put_by)
{
	people_item item;

	SCENE(people, p, people_make, people_free);
	people_put_dataset(&p, p.trial, EMR_DATASET_OPEN, 7 * PEOPLE_PRICE);
	item = join_of(&p, p.trial, p.trial_grant, p.trial_fund, 0);
	kit_expect(OK, send_one(&p, "another price since", OWNER, &item), "price");
	assert_int_equal(balance(&p, p.who[OWNER].id), PEOPLE_PRICE);
}

/* The owner of the domain is a funder himself, and wants both. */
TEST(a_voucher_is_paid_or_given_back_and_never_both)
{
	static sending s;
	people_item join, back, close;
	people p;

	for (int joins_first = 0; joins_first < 2; joins_first++) {
		people_make(&p);
		p.who[OWNER] = p.who[STEWARD];
		kit_put_domain(&p.world.state, p.world.domain, &p.who[STEWARD], 0, 1);
		join = join_of(&p, p.trial, p.trial_grant, p.trial_fund, 0);
		back = refund_of(&p, p.trial_fund, 0);
		close = people_item_of(&p, DATASET_CLOSE, STEWARD);
		memcpy(close.item.object_id, p.trial, 16);
		begin(&s, &p, STEWARD);
		if (joins_first)
			add(&s, &join);
		add(&s, &close);
		add(&s, &back);
		if (!joins_first)
			add(&s, &join);
		send(&s, "joining, closing and a refund in one batch");
		assert_int_equal(s.results[0], OK);
		assert_int_equal(s.results[1], OK);
		assert_int_equal(s.results[2], GONE);
		assert_int_equal(balance(&p, p.who[STEWARD].id), PEOPLE_COIN + PEOPLE_PRICE);
		people_free(&p);
	}
}

/* A domain that changed hands in the same batch pays its new owner. */
TEST(the_owner_of_the_moment_is_paid)
{
	static sending s;
	kit_signer next = kit_signer_of("the next owner");
	people_item rotate, join;

	SCENE(people, p, people_make, people_free);
	kit_put_key(&p.world.state, &p.who[OWNER], p.world.org, EMR_ROLE_PATIENT, 1, EMR_KEY_ACTIVE,
		KIT_NOW + KIT_DAY);
	kit_put_writer(&p.world.state, p.world.domain, &p.who[OWNER], EMR_RIGHT_MANAGE, 1,
		KIT_NOW + KIT_DAY);
	rotate = people_item_of(&p, DOMAIN_ROTATE, OWNER);
	join = join_of(&p, p.trial, p.trial_grant, p.trial_fund, 0);
	begin(&s, &p, OWNER);
	add(&s, &rotate);
	add(&s, &join);
	send(&s, "handing over and joining in one batch");
	assert_int_equal(s.results[0], OK);
	assert_int_equal(s.results[1], OK);
	assert_int_equal(balance(&p, next.id), PEOPLE_PRICE);
}

/* 1,024 transfers, and 1,024 vouchers among them, fit the memory that a host sets aside. */
TEST(the_largest_batches_of_points_fit_their_memory)
{
	static sending s;
	uint8_t tokens[4][16];
	people_item item;

	SCENE(people, p, people_make, people_free);
	people_put_dataset(&p, p.trial, EMR_DATASET_OPEN, 1);
	begin(&s, &p, STEWARD);
	for (int i = 0; i < EMR_BATCH_COUNT_MAX; i++) {
		for (size_t t = 0; t < 4; t++) {
			kit_id16(printed("token %d %zu", i, t), tokens[t]);
			people_put_token(&p, p.who[STEWARD].id, tokens[t], 100);
		}
		item = transfer_of(tokens, 4, (payment){p.who[PATIENT].id, 250},
			(payment){p.who[AGENT].id, 150});
		if (i < 4)
			item = fund_of(&p, p.trial, tokens[0], 100);
		add(&s, &item);
	}
	send(&s, NULL);
	for (int i = 0; i < EMR_BATCH_COUNT_MAX; i++)
		assert_int_equal(s.results[i], OK);
}

TESTS(NULL, NULL)
