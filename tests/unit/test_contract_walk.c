/* These tests are about long random walks of what people do to each other, with what must hold
 * after every step; and the largest batches of it. */
#include "test_contract_people.h"

#include "crypto/hashsig.h"

#define WALKS 6
#define STEPS 600
#define LAST_STEPS 200	/* in which people also give up keys and close what they keep */
#define RECORD_EVERY 16 /* steps, when cases are recorded */

static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

typedef struct walk {
	people p;
	uint32_t seed;
	uint64_t now;
	bool may_end;
	unsigned results[256];
	unsigned applied[WHAT_COUNT];
	uint64_t points; /* that there must be */
} walk;

static bool one_in(walk *w, uint32_t n)
{
	return next_random(&w->seed) % n == 0;
}

/* Dates move with the walk, so that grants begin and end during it. */
static void set_date(people_item *item, size_t at, uint64_t date)
{
	for (int i = 0; i < 8; i++)
		item->pub[at + (size_t)i] = (uint8_t)(date >> (8 * (7 - i)));
}

static void set_dates(walk *w, enum what what, people_item *item)
{
	uint64_t date = w->now + next_random(&w->seed) % 900 - 100;

	if (what == GRANT) {
		set_date(item, 32, w->now - next_random(&w->seed) % 300);
		set_date(item, 40, date);
	}
	if (what == WRITER_ADD)
		set_date(item, 40, w->now + KIT_DAY * (1 + next_random(&w->seed) % 20));
	if (what == DATASET_ADMIT)
		set_date(item, 48, date);
	if (what == ORG_PROPOSE)
		set_date(item, 8, date);
}

/* Half of the time of the other dataset, so that a domain comes and goes. */
static void other_dataset(walk *w, people_item *item)
{
	people *p = &w->p;
	bool is_team = memcmp(item->item.object_id, p->team, 16) == 0;
	emr_key_text key;

	if (one_in(w, 2))
		return;
	memcpy(item->item.object_id, is_team ? p->study : p->team, 16);
	if (item->item.op == EMR_OP_DATASET_JOIN)
		memcpy(item->pub, is_team ? p->study_grant : p->team_grant, 16);
	emr_key_in_domain("J", p->world.domain, item->item.object_id, &key);
	kit_follow(&p->world.state, key.text, &item->item);
}

/* From one account to another: from the signer's as a rule, or from that of a dataset. */
static void find_points(walk *w, people_item *item)
{
	people *p = &w->p;
	const uint8_t *accounts[WHO_COUNT + 2] = {p->trial_fund, p->past_fund};
	emr_key_text key;

	for (size_t i = 0; i < WHO_COUNT; i++)
		accounts[2 + i] = p->who[i].id;
	if (one_in(w, 3))
		memcpy(item->pub, accounts[next_random(&w->seed) % (WHO_COUNT + 2)], 32);
	memcpy(item->pub + 32, accounts[next_random(&w->seed) % (WHO_COUNT + 2)], 32);
	kit_id16(printed("payment %u", next_random(&w->seed)), item->item.object_id);
	emr_key_account(item->pub, &key);
	kit_follow(&p->world.state, key.text, &item->item);
	set_date(item, 64, 1 + next_random(&w->seed) % (2 * PEOPLE_PRICE));
}

/* The domain joins the trial, and leaves it. */
static void join_the_trial(walk *w, people_item *item)
{
	people *p = &w->p;
	emr_key_text key;

	memcpy(item->item.object_id, p->trial, 16);
	emr_key_in_domain("J", p->world.domain, p->trial, &key);
	kit_follow(&p->world.state, key.text, &item->item);
	if (item->item.op != EMR_OP_DATASET_JOIN)
		return;
	memcpy(item->pub, p->trial_grant, 16);
	if (item->item.version == 1)
		memcpy(item->pub + 16, p->who[PATIENT].id, 32);
}

/* One that is a member, or may become one: who was removed does not come back under that id. */
static void a_laboratory(const walk *w, uint8_t out_org[16])
{
	const kit_row *row;
	emr_key_text key;
	unsigned n = 0;

	do {
		char name[32];

		snprintf(name, sizeof name, "laboratory %u", n++);
		kit_id16(name, out_org);
		emr_key_org(out_org, &key);
		row = kit_get(&w->p.world.state, key.text);
	} while (row != NULL && row->value[1] == EMR_ORG_REMOVED);
}

/* New ids for what is made once, so that rows come and go; a kind for each proposal. */
static void vary(walk *w, enum what what, enum who who, people_item *item)
{
	people *p = &w->p;
	char name[32];

	set_dates(w, what, item);
	if (what == ORG_PROPOSE || what == ACCESS_REQ || what == READ_REPORT || what == REQUEST ||
		what == LETTER || what == DATASET_NEW || what == DATASET_SNAPSHOT) {
		snprintf(name, sizeof name, "id %u", next_random(&w->seed) % 500);
		kit_id16(name, item->item.object_id);
		if (what == REQUEST) {
			emr_sha256(name, strlen(name), item->pub);
			emr_object_request(item->pub, p->who[who].id, item->item.object_id);
		}
		kit_follow(&p->world.state, "none", &item->item);
	}
	if ((what == DATASET_JOIN || what == DATASET_LEAVE) && one_in(w, 2))
		join_the_trial(w, item);
	else if (what == DATASET_JOIN || what == DATASET_LEAVE)
		other_dataset(w, item);
	if (what == DATASET_CLOSE && one_in(w, 2)) {
		memcpy(item->item.object_id, p->trial, 16);
		memset(item->item.prev, 0, 32);
		emr_sha256("team", 4, item->item.prev);
	}
	if (what == TRANSFER)
		find_points(w, item);
	if (what == ORG_PROPOSE) {
		item->pub[0] = one_in(w, 6) ? EMR_PROPOSAL_REMOVE : EMR_PROPOSAL_ADMIT;
		memcpy(item->pub + 16, p->clinic, 16);
		if (item->pub[0] == EMR_PROPOSAL_REMOVE || one_in(w, 2))
			a_laboratory(w, item->pub + 16);
		if (item->pub[0] == EMR_PROPOSAL_REMOVE) {
			memset(item->pub + 32, 0, 64);
			item->part = kit_span(NULL, 0);
		}
	}
	if (one_in(w, 20))
		item->pub[next_random(&w->seed) % EMR_PUB_MAX] ^= 1;
	if (one_in(w, 25))
		item->item.version += next_random(&w->seed) % 3 - 1;
	if (one_in(w, 30))
		item->item.epoch++;
}

static void read_id(const char *hex, uint8_t out[16])
{
	for (size_t n = 0; n < 16; n++) {
		unsigned byte;

		assert_int_equal(sscanf(hex + 2 * n, "%2x", &byte), 1);
		out[n] = (uint8_t)byte;
	}
}

/* The newest open things of the state become those that the next items are about. */
static void look_around(walk *w)
{
	people *p = &w->p;
	emr_row_head head;

	for (size_t i = 0; i < p->world.state.count; i++) {
		const kit_row *row = &p->world.state.rows[i];
		uint8_t *id = NULL;
		size_t at = 0;

		if (strncmp(row->key, "Q/", 2) == 0 && one_in(w, 3))
			id = p->request;
		if (strncmp(row->key, "R/", 2) == 0 && one_in(w, 3))
			id = p->access;
		if (strncmp(row->key, "P/", 2) == 0 && one_in(w, 2))
			id = p->proposal;
		if (id == NULL)
			continue;
		assert_int_equal(
			emr_row_head_parse(kit_span(row->value, row->len), &head), EMR_CONTRACT_OK);
		at = strlen(row->key) - 32;
		read_id(row->key + at, id);
	}
}

/* The answer names the request by its item: that of the R row. */
static void follow_access(const people *p, enum what what, enum who who, people_item *item)
{
	emr_key_text key;
	emr_row_head head;
	const kit_row *row;

	emr_key_in_domain("R", p->world.domain, p->access, &key);
	row = kit_get(&p->world.state, key.text);
	if (what < SERVED_AGENT || what > SERVED_REFUSAL || row == NULL)
		return;
	assert_int_equal(
		emr_row_head_parse(kit_span(row->value, row->len), &head), EMR_CONTRACT_OK);
	memcpy(item->pub, head.item, 32);
	emr_object_served(head.item, p->who[who].id, item->item.object_id);
	emr_key_in_domain("S", p->world.domain, item->item.object_id, &key);
	kit_follow(&p->world.state, key.text, &item->item);
}

/* Half of the time whoever may, so that things happen. */
static enum what likely(walk *w, enum who who)
{
	static const enum what usual[WHO_COUNT][6] = {
		[OWNER] = {GRANT, KFRAGS, WRITER_ADD, APPROVE, SERVED_OWNER, DATASET_JOIN},
		[MANAGER] = {GRANT, WRITER_ADD, SERVED_OWNER, DENY, DATASET_LEAVE, REVOKE},
		[WRITER] = {REQUEST, KEY_KX, DATASET_NEW, TRUSTEE_SET, REQUEST, KEY_KX},
		[GRANTEE] = {ACCESS_REQ, ACCESS_REQ, READ_REPORT, REQUEST, WITHDRAW, REQUEST},
		[PATIENT] = {REQUEST, KEY_KX, TRUSTEE_SET, TRANSFER, TRANSFER, KEY_KX},
		[AGENT] = {SERVED_AGENT, SERVED_AGENT, AGENT_ACK, SERVED_REFUSAL, SERVED_AGENT,
			KEY_KX},
		[GATEWAY] = {AGENT_ACK, REQUEST, KEY_KX, AGENT_ACK, REQUEST, KEY_KX},
		[ADMIN] = {ORG_PROPOSE, ORG_APPROVE, ORG_APPROVE, ORG_APPROVE, MINT, TRANSFER},
		[ADMIN2] = {ORG_PROPOSE, ORG_APPROVE, ORG_APPROVE, ENROL_REVOKE, CERT_REVOKE,
			REQUEST},
		[STEWARD] = {DATASET_NEW, DATASET_ADMIT, TRANSFER, DATASET_SNAPSHOT, TRANSFER,
			DATASET_ADMIT},
		[STRANGER] = {REQUEST, GRANT, ACCESS_REQ, KEY_KX, ORG_APPROVE, REVOKE}};
	enum what what = usual[who][next_random(&w->seed) % 6];

	if (one_in(w, 3))
		what = (enum what)(next_random(&w->seed) % WHAT_COUNT);
	if (w->may_end && one_in(w, 8))
		what = who == OWNER	? DOMAIN_ROTATE
		       : who == ADMIN2	? KEY_REVOKE
		       : who == STEWARD ? DATASET_CLOSE
					: KEY_ROTATE;
	else if (what == KEY_ROTATE || what == KEY_REVOKE || what == DOMAIN_ROTATE ||
		 what == DATASET_CLOSE)
		what = KEY_KX;
	return what;
}

/* ---- what must hold ---- */

static bool is_over(const walk *w)
{
	emr_row_grant row = people_grant(&w->p);

	return row.head.state == EMR_GRANT_REVOKED || w->now >= row.not_after_unix_s;
}

static size_t count_rows(const kit_state *state, const char *prefix, uint8_t wanted)
{
	size_t n = 0;

	for (size_t i = 0; i < state->count; i++)
		n += strncmp(state->rows[i].key, prefix, strlen(prefix)) == 0 &&
		     (wanted == 0 || state->rows[i].value[1] == wanted);
	return n;
}

/* No final state is left again, and no row is ever taken away. */
static void check_finals(const kit_state *before, const kit_state *after)
{
	for (size_t i = 0; i < before->count; i++) {
		const kit_row *old = &before->rows[i], *new = kit_get(after, old->key);
		bool is_final;

		assert_non_null(new);
		is_final =
			(old->key[0] == 'K' && old->value[1] == EMR_KEY_REVOKED) ||
			(strncmp(old->key, "G/", 2) == 0 && old->value[1] == EMR_GRANT_REVOKED) ||
			(strncmp(old->key, "Q/", 2) == 0 && old->value[1] != EMR_REQUEST_OPEN) ||
			(strncmp(old->key, "P/", 2) == 0 && old->value[1] != EMR_PROPOSAL_OPEN &&
				old->value[48] != EMR_PROPOSAL_MINT) ||
			(strncmp(old->key, "DS/", 3) == 0 && old->value[1] == EMR_DATASET_CLOSED) ||
			strncmp(old->key, "SN/", 3) == 0 || strncmp(old->key, "R/", 2) == 0 ||
			strncmp(old->key, "S/", 2) == 0;
		if (is_final)
			assert_memory_equal(old->value, new->value, old->len);
		if (old->key[0] == 'K' && old->value[1] == EMR_KEY_ROTATED)
			assert_int_not_equal(new->value[1], EMR_KEY_ACTIVE);
	}
}

/* Each by another organisation, which has signed it. */
static void check_voices(const people *p, const kit_row *row)
{
	emr_span value = kit_span(row->value, row->len);
	uint8_t proposal[16];
	emr_voice one, other;
	emr_key_text key;

	read_id(row->key + 2, proposal);
	for (size_t i = 0; i < row->value[50]; i++) {
		emr_row_proposal_voice(value, i, &one);
		emr_key_approval(proposal, one.org, &key);
		assert_non_null(kit_get(&p->world.state, key.text));
		for (size_t k = 0; k < i; k++) {
			emr_row_proposal_voice(value, k, &other);
			assert_memory_not_equal(one.org, other.org, 16);
		}
	}
}

static void check_counts(const people *p)
{
	size_t members = count_rows(&p->world.state, "M/", EMR_ORG_MEMBER);

	assert_int_equal(people_network(p).norg, members);
	for (size_t i = 0; i < p->world.state.count; i++) {
		const kit_row *row = &p->world.state.rows[i];

		if (strncmp(row->key, "P/", 2) != 0)
			continue;
		assert_true(row->value[50] <=
			    count_rows(&p->world.state, printed("PA/%s/", row->key + 2), 0));
		check_voices(p, row);
	}
}

/* Checks the applied operations, judged by the state that they met. */
static void check_step(walk *w, enum what what, enum who who, const emr_row_grant *grant)
{
	bool is_manager = who == OWNER || who == MANAGER;

	w->applied[what]++;
	if (what == GRANT || what == REVOKE || what == LETTER)
		assert_true(is_manager);
	if (what == KFRAGS)
		assert_int_equal(who, OWNER);
	if (what == GRANT || what == KFRAGS || what == REVOKE)
		assert_int_equal(grant->head.state, EMR_GRANT_ACTIVE);
	if (what == SERVED_AGENT || what == SERVED_OWNER || what == ACCESS_REQ) {
		assert_int_equal(grant->head.state, EMR_GRANT_ACTIVE);
		assert_true(grant->not_before_unix_s <= w->now && w->now < grant->not_after_unix_s);
	}
	if (what == DATASET_JOIN || what == DATASET_LEAVE)
		assert_true(is_manager);
	if (what == ACCESS_REQ)
		assert_memory_equal(grant->grantee, w->p.who[GRANTEE].id, 32);
}

/* When a grant is over there is soon another one. */
static void start_again(walk *w)
{
	if (is_over(w) && one_in(w, 4)) {
		people fresh;
		emr_row_grant row;

		people_make(&fresh);
		row = people_grant(&fresh);
		kit_id16(printed("grant %u", next_random(&w->seed)), w->p.grant);
		row.not_after_unix_s = w->now + 500;
		people_put_grant(&w->p, &row);
		people_free(&fresh);
	}
	if (one_in(w, 8)) {
		kit_id16(printed("points %u", next_random(&w->seed)), w->p.points_proposal);
		people_put_points_proposal(
			&w->p, EMR_PROPOSAL_DONE, w->p.who[GRANTEE].id, PEOPLE_MINT);
		people_put_dataset_grant(
			&w->p, w->p.trial_grant, w->p.trial, EMR_GRANT_ACTIVE, w->now + 400);
	}
	if (one_in(w, 6)) { /* a domain that left joins by another grant */
		uint8_t *grant = one_in(w, 2) ? w->p.team_grant : w->p.study_grant;

		kit_id16(printed("grant %u", next_random(&w->seed)), grant);
		people_put_dataset_grant(&w->p, grant,
			grant == w->p.team_grant ? w->p.team : w->p.study, EMR_GRANT_ACTIVE,
			w->now + 400);
	}
}

/* Adds an item of WHO to BATCH; what it is.  After a proposal comes its approval. */
static enum what add_item(walk *w, kit_batch *batch, enum who who, const uint8_t *proposal)
{
	people *p = &w->p;
	enum what what = proposal != NULL ? ORG_APPROVE : likely(w, who);
	people_item item = people_item_of(p, what, who);

	follow_access(p, what, who, &item);
	vary(w, what, who, &item);
	if (proposal != NULL) {
		memcpy(item.item.object_id, proposal, 16);
		kit_follow(&p->world.state, "none", &item.item);
	}
	kit_add(batch, item.item, kit_span(item.pub, item.pub_len), item.part);
	return what;
}

/* One item mostly; more of one signer now and then, of which the later see the earlier. */
static enum what fill(walk *w, kit_batch *batch, enum who who, size_t *out_count)
{
	size_t count = one_in(w, 4) ? 2 + next_random(&w->seed) % 3 : 1;
	enum what what = WHAT_COUNT, first = WHAT_COUNT;
	uint8_t proposal[16];

	for (size_t i = 0; i < count; i++) {
		bool is_next = what == ORG_PROPOSE;

		if (is_next)
			memcpy(proposal, batch->items + batch->items_len - EMR_ITEM_BYTES - 96 + 24,
				16);
		what = add_item(w, batch, who, is_next ? proposal : NULL);
		if (i == 0)
			first = what;
	}
	*out_count = count;
	return first;
}

static void count_results(walk *w, const kit_run *run)
{
	for (size_t i = 0; i < run->outcome.results.len; i++)
		w->results[run->outcome.results.data[i]]++;
}

/* Only MINT makes points, and nothing loses any. */
static void check_points(walk *w, const kit_run *run)
{
	for (size_t i = 0; i < run->outcome.results.len; i++) {
		emr_pub_mint mint;
		emr_item item;
		emr_span pub;

		emr_batch_item_at(&run->batch, i, &item, &pub);
		if (item.op == EMR_OP_MINT && run->outcome.results.data[i] == EMR_RESULT_APPLIED &&
			emr_pub_mint_parse(pub, &mint))
			w->points += mint.amount;
	}
	assert_true(people_points(&w->p.world.state) == w->points);
}

static void take_step(walk *w, bool is_recorded)
{
	static kit_run run;
	people *p = &w->p;
	enum who who = (enum who)(next_random(&w->seed) % WHO_COUNT);
	emr_row_grant grant = people_grant(p);
	kit_state before, parts = {0};
	enum what what;
	kit_batch batch;
	emr_span bytes;
	size_t count;

	kit_begin(&batch, &p->who[who], p->world.net_id);
	batch.header.time_unix_s = w->now - 5;
	batch.header.valid_until_unix_s = w->now + 300;
	what = fill(w, &batch, who, &count);
	bytes = kit_end(&batch);
	kit_judge(&run, is_recorded ? what_names[what] : NULL, bytes, &p->world.caller, w->now,
		&p->world.state, NULL);
	kit_state_copy(&p->world.state, &before);
	if (run.outcome.kind == EMR_OUTCOME_APPLIED) {
		count_results(w, &run);
		kit_commit(&run, &p->world.state, &parts);
		check_points(w, &run);
		if (count == 1 && run.outcome.results.data[0] == EMR_RESULT_APPLIED)
			check_step(w, what, who, &grant);
		else if (count == 1) /* a refused item writes nothing: the batch, and what counts */
			assert_in_range(run.outcome.writes_count, 2, 3);
	}
	check_finals(&before, &p->world.state);
	check_counts(p);
	kit_state_free(&before);
	kit_state_free(&parts);
	kit_run_free(&run);
	kit_drop(bytes);
}

/* Drops rows that only grow and that nobody reads, so that the walk stays quick. */
static void tidy(kit_state *state)
{
	static const char *const letters[] = {"b/", "i/", "H/", "X/", "Y/", "S/", "TR/"};

	for (size_t n = state->count; n-- > 0;)
		for (size_t l = 0; l < sizeof letters / sizeof letters[0]; l++)
			if (strncmp(state->rows[n].key, letters[l], strlen(letters[l])) == 0) {
				kit_delete(state, state->rows[n].key);
				break;
			}
}

static void walk_on(walk *w, uint32_t seed)
{
	w->seed = seed;
	w->now = KIT_NOW;
	people_make(&w->p);
	w->points = people_points(&w->p.world.state);
	for (int i = 0; i < STEPS; i++) {
		w->may_end = i > STEPS - LAST_STEPS;
		look_around(w);
		take_step(w, i % RECORD_EVERY == 0);
		start_again(w);
		w->now += next_random(&w->seed) % 40;
		if (i % 60 == 59)
			tidy(&w->p.world.state);
	}
	people_free(&w->p);
}

TEST(a_random_walk_keeps_what_must_hold)
{
	EMR_AUTO_FREE walk *w = calloc(1, sizeof *w);
	unsigned kinds = 0;

	assert_non_null(w);
	for (uint32_t i = 0; i < WALKS; i++)
		walk_on(w, 19700120 + i);
	for (int i = 0; i < 256; i++)
		kinds += w->results[i] > 0;
	assert_true(w->results[EMR_RESULT_APPLIED] > WALKS * STEPS / 8);
	assert_true(kinds >= 12);
	for (int what = 0; what < WHAT_COUNT; what++)
		if (w->applied[what] == 0)
			fail_msg("never applied: %s", what_names[what]);
}

/* 1,024 items of WHAT, each in a domain of its own, so that no two share a row. */
static void largest_batch(enum what what, enum who who)
{
	static kit_run run;
	kit_batch batch;
	emr_span bytes;

	SCENE(people, p, people_make, people_free);
	kit_begin(&batch, &p.who[who], p.world.net_id);
	for (int i = 0; i < EMR_BATCH_COUNT_MAX; i++) {
		people_item item;
		emr_row_grant grant = people_grant(&p);

		kit_id16(printed("domain %d", i), p.world.domain);
		kit_put_domain(&p.world.state, p.world.domain, &p.who[OWNER], 0, 1);
		people_put_request(&p, EMR_REQUEST_OPEN);
		people_put_grant(&p, &grant);
		item = people_item_of(&p, what, who);
		if (what == WRITER_ADD)
			item.part = kit_part(1, 592);
		kit_add(&batch, item.item, kit_span(item.pub, item.pub_len), item.part);
	}
	bytes = kit_end(&batch);
	kit_judge(&run, NULL, bytes, &p.world.caller, KIT_NOW, &p.world.state, NULL);
	assert_int_equal(run.outcome.kind, EMR_OUTCOME_APPLIED);
	for (int i = 0; i < EMR_BATCH_COUNT_MAX; i++)
		assert_int_equal(run.outcome.results.data[i], EMR_RESULT_APPLIED);
	kit_run_free(&run);
	kit_drop(bytes);
}

TEST(the_largest_batches_fit_their_memory)
{
	largest_batch(APPROVE, OWNER);
	largest_batch(WRITER_ADD, OWNER);
	largest_batch(ACCESS_REQ, GRANTEE);
	largest_batch(GRANT, OWNER);
}

TESTS(NULL, NULL)
