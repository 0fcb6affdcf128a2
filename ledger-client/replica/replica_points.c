/* This file reads points and credit out of the local copy of the ledger: the tokens of an account,
 * what moved them, and the credit of patients, agents and hospitals, recounted from the entries. */
#include "replica/points.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "contract/codes.h"
#include "contract/pubs_share.h"
#include "contract/rows_share.h"
#include "replica/people.h"

/* ---- tokens ---- */

typedef struct token_walk {
	emr_token_fn fn;
	void *arg;
} token_walk;

static emr_status give_token(void *arg, const char *key, emr_bytes value)
{
	const token_walk *w = arg;
	emr_row_token row;
	emr_id16 token;
	size_t len = strlen(key);

	if (len < 32 || emr_unhex(key + len - 32, token.b, sizeof token.b) != EMR_OK ||
		emr_row_token_parse((emr_span){value.data, value.len}, &row) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	return w->fn(w->arg, token, row.amount);
}

emr_status emr_replica_tokens(emr_replica *replica, emr_id32 account, emr_token_fn fn, void *arg)
{
	token_walk w = {.fn = fn, .arg = arg};
	char prefix[2 + 64 + 1] = "T/";

	emr_hex(account.b, sizeof account.b, prefix + 2);
	return emr_replica_each_row(replica, prefix, give_token, &w);
}

/* Keeps the largest, in their order. */
static emr_status keep_token(void *arg, emr_id16 token, uint64_t points)
{
	emr_purse *p = arg;
	size_t at = p->n;

	if (points > UINT64_MAX - p->all)
		return EMR_LIMIT;
	p->all += points;
	while (at > 0 && p->points[at - 1] < points)
		at--;
	if (at == EMR_TOKENS_IN)
		return EMR_OK;
	p->n += p->n < EMR_TOKENS_IN;
	for (size_t i = p->n - 1; i > at; i--) {
		p->points[i] = p->points[i - 1];
		memcpy(p->tokens[i], p->tokens[i - 1], 16);
	}
	p->points[at] = points;
	memcpy(p->tokens[at], token.b, 16);
	return EMR_OK;
}

emr_status emr_replica_purse(emr_replica *replica, emr_id32 account, emr_purse *out)
{
	*out = (emr_purse){.n = 0};
	return emr_replica_tokens(replica, account, keep_token, out);
}

/* ---- vouchers ---- */

typedef struct voucher_walk {
	emr_id16 dataset;
	const emr_id32 *funder;
	emr_voucher_fn fn;
	void *arg;
} voucher_walk;

static emr_status give_voucher(void *arg, const char *key, emr_bytes value)
{
	const voucher_walk *w = arg;
	emr_row_voucher row;
	uint8_t index[4];
	emr_id16 fund;
	char hex[33] = "";

	if (strlen(key) != 2 + 32 + 1 + 8 ||
		emr_row_voucher_parse((emr_span){value.data, value.len}, &row) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	memcpy(hex, key + 2, 32);
	if (emr_unhex(hex, fund.b, sizeof fund.b) != EMR_OK ||
		emr_unhex(key + 2 + 32 + 1, index, sizeof index) != EMR_OK)
		return EMR_DAMAGED;
	if (memcmp(row.dataset, w->dataset.b, 16) != 0 ||
		(w->funder != NULL && memcmp(row.funder, w->funder->b, 32) != 0))
		return EMR_OK;
	return w->fn(w->arg, fund,
		(uint32_t)index[0] << 24 | (uint32_t)index[1] << 16 | (uint32_t)index[2] << 8 |
			index[3]);
}

emr_status emr_replica_vouchers(emr_replica *replica, emr_id16 dataset, const emr_id32 *funder,
	emr_voucher_fn fn, void *arg)
{
	voucher_walk w = {.dataset = dataset, .funder = funder, .fn = fn, .arg = arg};

	return emr_replica_each_row(replica, "V/", give_voucher, &w);
}

typedef struct drawing {
	emr_id16 fund;
	uint32_t index;
	uint64_t n; /* seen so far: each of them is drawn as likely as any other */
} drawing;

static emr_status draw(void *arg, emr_id16 fund, uint32_t index)
{
	drawing *d = arg;
	emr_id16 chance = emr_id16_random();
	uint64_t number;

	memcpy(&number, chance.b, sizeof number);
	if (number % ++d->n == 0) {
		d->fund = fund;
		d->index = index;
	}
	return EMR_OK;
}

emr_status emr_replica_voucher(
	emr_replica *replica, emr_id16 dataset, emr_id16 *out_fund, uint32_t *out_index)
{
	drawing d = {.n = 0};
	emr_status status = emr_replica_vouchers(replica, dataset, NULL, draw, &d);

	if (status == EMR_OK && d.n == 0)
		return EMR_NOT_FOUND;
	*out_fund = d.fund;
	*out_index = d.index;
	return status;
}

/* ---- whose ---- */

static emr_id32 id32_of(const uint8_t b[32])
{
	emr_id32 id;

	memcpy(id.b, b, sizeof id.b);
	return id;
}

static emr_id16 id16_of(const uint8_t b[16])
{
	emr_id16 id;

	memcpy(id.b, b, sizeof id.b);
	return id;
}

/* As the contract has it; *out_person (may be NULL) is left alone where there is no K row. */
static emr_status account_of(
	emr_replica *replica, emr_id32 key, emr_id32 *out_account, emr_known_person *out_person)
{
	emr_known_person person;
	emr_status status = emr_replica_person(replica, key, &person);

	*out_account = key;
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	*out_account = id32_of(person.row.root);
	if (out_person != NULL)
		*out_person = person;
	return EMR_OK;
}

typedef struct owner_look {
	const emr_replica_item *at; /* what was before it counts */
	emr_id32 owner;
	bool is_found;
} owner_look;

static emr_status note_owner(void *arg, const emr_replica_item *item)
{
	owner_look *l = arg;
	bool is_before =
		item->seq < l->at->seq || (item->seq == l->at->seq && item->index < l->at->index);

	if (!is_before || (item->op != EMR_OP_DOMAIN_NEW && item->op != EMR_OP_DOMAIN_ROTATE))
		return EMR_OK;
	l->owner = item->signer_id;
	l->is_found = true;
	if (item->op == EMR_OP_DOMAIN_ROTATE)
		emr_signer_id(item->bytes.data + EMR_ITEM_BYTES, l->owner.b);
	return EMR_OK;
}

/* Whose DOMAIN was when the item AT came: it may have changed hands since. */
static emr_status owner_at(
	emr_replica *replica, emr_id16 domain, const emr_replica_item *at, emr_id32 *out_account)
{
	owner_look look = {.at = at};

	EMR_TRY(emr_replica_history(replica, EMR_FAMILY_DOMAIN, domain, domain, note_owner, &look));
	return look.is_found ? account_of(replica, look.owner, out_account, NULL) : EMR_DAMAGED;
}

/* ---- movements ---- */

typedef struct moving {
	emr_replica *replica;
	const emr_id32 *accounts;
	size_t n;
	emr_movement_fn fn;
	void *arg;
	emr_movement now; /* of the item in hand: where it stands */
	emr_span pub;
} moving;

static bool is_own(const moving *m, emr_id32 account)
{
	for (size_t i = 0; i < m->n; i++)
		if (emr_id32_equal(m->accounts[i], account))
			return true;
	return false;
}

static emr_status tell_movement(moving *m, emr_movement_kind kind, bool is_out, uint64_t points)
{
	m->now.kind = kind;
	m->now.is_out = is_out;
	m->now.points = points;
	return points > 0 ? m->fn(m->arg, &m->now) : EMR_OK;
}

static emr_status note_mint(moving *m)
{
	emr_pub_mint pub;

	if (!emr_pub_mint_parse(m->pub, &pub))
		return EMR_DAMAGED;
	return is_own(m, id32_of(pub.account))
		       ? tell_movement(m, EMR_MOVEMENT_MADE, false, pub.amount)
		       : EMR_OK;
}

static emr_status note_transfer(moving *m, emr_id32 signer)
{
	bool is_mine = is_own(m, signer);
	emr_pub_transfer pub;

	if (!emr_pub_transfer_parse(m->pub, &pub))
		return EMR_DAMAGED;
	for (size_t i = 0; i < EMR_TOKENS_OUT; i++) {
		emr_id32 to = id32_of(pub.out[i].account);

		if (is_own(m, to) == is_mine)
			continue;
		m->now.other = is_mine ? to : signer;
		EMR_TRY(tell_movement(m, is_mine ? EMR_MOVEMENT_SENT : EMR_MOVEMENT_RECEIVED,
			is_mine, pub.out[i].amount));
	}
	return EMR_OK;
}

static emr_status price_of(moving *m, emr_id16 dataset, uint64_t *out_price)
{
	emr_row_dataset row;
	emr_status status = emr_replica_team(m->replica, dataset, &row);

	m->now.dataset = dataset;
	*out_price = status == EMR_OK ? row.price : 0;
	return status == EMR_NOT_FOUND ? EMR_DAMAGED : status;
}

static emr_status note_fund(moving *m)
{
	emr_pub_dataset_fund pub;
	uint64_t price;

	if (!emr_pub_dataset_fund_parse(m->pub, &pub))
		return EMR_DAMAGED;
	EMR_TRY(price_of(m, id16_of(pub.dataset), &price));
	return tell_movement(m, EMR_MOVEMENT_FUNDED, true, pub.n * price);
}

/* The fund says which dataset it was. */
static emr_status note_refund(moving *m, emr_id16 fund)
{
	const emr_part_key key = {.family = EMR_FAMILY_FUND, .version = 1, .object = fund};
	EMR_AUTO_BUF bytes = {0};
	emr_pub_dataset_fund pub;
	emr_replica_item item;
	uint64_t price;
	emr_status status = emr_replica_item_get(m->replica, &key, &bytes, &item);

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_DAMAGED : status;
	if (bytes.len < EMR_ITEM_BYTES ||
		!emr_pub_dataset_fund_parse(
			(emr_span){bytes.data + EMR_ITEM_BYTES, bytes.len - EMR_ITEM_BYTES}, &pub))
		return EMR_DAMAGED;
	EMR_TRY(price_of(m, id16_of(pub.dataset), &price));
	return tell_movement(m, EMR_MOVEMENT_REFUNDED, false, price);
}

static emr_status note_join(
	moving *m, const emr_replica_item *at, emr_id16 domain, emr_id16 dataset)
{
	static const uint8_t none[16] = {0};
	emr_pub_dataset_join pub;
	emr_id32 owner;
	uint64_t price;

	if (!emr_pub_dataset_join_parse(m->pub, &pub))
		return EMR_DAMAGED;
	if (memcmp(pub.fund, none, sizeof none) == 0)
		return EMR_OK;
	EMR_TRY(owner_at(m->replica, domain, at, &owner));
	if (!is_own(m, owner))
		return EMR_OK;
	EMR_TRY(price_of(m, dataset, &price));
	return tell_movement(m, EMR_MOVEMENT_JOINED, false, price);
}

static emr_status note_movement(void *arg, const emr_replica_item *at, const emr_item *item)
{
	moving *m = arg;
	emr_id32 signer = id32_of(item->signer_id);

	if (item->op != EMR_OP_MINT && item->op != EMR_OP_TRANSFER &&
		item->op != EMR_OP_DATASET_FUND && item->op != EMR_OP_DATASET_REFUND &&
		item->op != EMR_OP_DATASET_JOIN)
		return EMR_OK;
	m->now = (emr_movement){
		.seq = at->seq, .at_unix_s = at->ledger_time, .batch_id = at->batch_id};
	m->pub = (emr_span){at->bytes.data + EMR_ITEM_BYTES, at->bytes.len - EMR_ITEM_BYTES};
	EMR_TRY(account_of(m->replica, signer, &signer, NULL));
	if (item->op == EMR_OP_MINT)
		return note_mint(m);
	if (item->op == EMR_OP_TRANSFER)
		return note_transfer(m, signer);
	if (item->op == EMR_OP_DATASET_JOIN)
		return note_join(m, at, id16_of(item->domain_id), id16_of(item->object_id));
	if (!is_own(m, signer))
		return EMR_OK;
	return item->op == EMR_OP_DATASET_FUND ? note_fund(m)
					       : note_refund(m, id16_of(item->object_id));
}

emr_status emr_replica_movements(
	emr_replica *replica, const emr_id32 *accounts, size_t n, emr_movement_fn fn, void *arg)
{
	moving m = {.replica = replica, .accounts = accounts, .n = n, .fn = fn, .arg = arg};

	return emr_replica_items(replica, note_movement, &m);
}

/* ---- credit ---- */

/* One reason for credit; the same one again counts once. */
typedef struct merit {
	emr_id32 account;
	uint8_t kind; /* MERIT_ */
	uint8_t what[48];
	uint64_t count;
} merit;

enum { MERIT_AGENT, MERIT_PATIENT, MERIT_HOSPITAL };

typedef struct crediting {
	emr_replica *replica;
	emr_buf merits; /* merit */
	emr_span pub;
} crediting;

static emr_status note_points(crediting *c, uint8_t kind, emr_id32 account, const void *a,
	size_t a_len, const void *b, size_t b_len, uint64_t count)
{
	merit one;

	memset(&one, 0, sizeof one); /* it is compared as bytes */
	one.account = account;
	one.kind = kind;
	one.count = count;
	memcpy(one.what, a, a_len);
	if (b_len > 0)
		memcpy(one.what + a_len, b, b_len);
	return emr_buf_append(&c->merits, &one, sizeof one);
}

static emr_status note_served(crediting *c, const emr_replica_item *at)
{
	emr_pub_access_served pub;
	emr_id32 agent;

	if (!emr_pub_access_served_parse(c->pub, &pub))
		return EMR_DAMAGED;
	if (pub.mode != EMR_SERVED_FRAGMENTS || pub.count == 0)
		return EMR_OK;
	EMR_TRY(account_of(c->replica, at->signer_id, &agent, NULL));
	return note_points(c, MERIT_AGENT, agent, at->item_id.b, 32, NULL, 0, pub.count);
}

typedef struct team_look {
	const uint8_t *grantee;
	emr_id32 steward;
	bool is_found;
} team_look;

static emr_status compare_team(void *arg, emr_id16 id, const emr_row_dataset *row)
{
	team_look *t = arg;
	uint8_t grantee[32];

	emr_grantee_dataset(id.b, grantee);
	if (memcmp(grantee, t->grantee, sizeof grantee) != 0)
		return EMR_OK;
	t->steward = id32_of(row->steward);
	t->is_found = true;
	return EMR_OK;
}

/* The organisation of a person, or of who keeps a team; EMR_NOT_FOUND. */
static emr_status org_of(emr_replica *replica, const uint8_t grantee[32], emr_id16 *out_org)
{
	team_look t = {.grantee = grantee};
	emr_known_person person;
	emr_status status = emr_replica_person(replica, id32_of(grantee), &person);

	if (status == EMR_NOT_FOUND) {
		status = emr_replica_teams(replica, compare_team, &t);
		if (status == EMR_OK)
			status = t.is_found ? emr_replica_person(replica, t.steward, &person)
					    : EMR_NOT_FOUND;
	}
	if (status == EMR_OK)
		*out_org = id16_of(person.row.org);
	return status;
}

static emr_status note_grant(crediting *c, const emr_replica_item *at, const emr_item *item)
{
	emr_pub_grant pub;
	emr_id16 theirs, ours;
	emr_id32 owner;
	emr_status status;

	if (!emr_pub_grant_parse(c->pub, &pub))
		return EMR_DAMAGED;
	status = org_of(c->replica, pub.grantee, &theirs);
	if (status == EMR_OK)
		status = org_of(c->replica, at->submitter_id.b, &ours);
	if (status == EMR_NOT_FOUND || (status == EMR_OK && emr_id16_equal(theirs, ours)))
		return EMR_OK;
	if (status == EMR_OK)
		status = owner_at(c->replica, id16_of(item->domain_id), at, &owner);
	return status == EMR_OK ? note_points(c, MERIT_PATIENT, owner, item->domain_id, 16,
					  pub.grantee, 32, 1)
				: status;
}

static emr_status note_joined(crediting *c, const emr_replica_item *at, const emr_item *item)
{
	emr_id32 owner;

	EMR_TRY(owner_at(c->replica, id16_of(item->domain_id), at, &owner));
	return note_points(c, MERIT_PATIENT, owner, item->domain_id, 16, item->object_id, 16, 1);
}

static emr_status note_put(crediting *c, const emr_replica_item *at, const emr_item *item)
{
	emr_known_person person = {.row = {.roles = 0}};
	emr_id32 hospital, owner;

	EMR_TRY(account_of(c->replica, id32_of(item->signer_id), &hospital, &person));
	if ((person.row.roles & EMR_ROLE_HOSPITAL) == 0)
		return EMR_OK;
	EMR_TRY(owner_at(c->replica, id16_of(item->domain_id), at, &owner));
	if (emr_id32_equal(owner, hospital))
		return EMR_OK;
	return note_points(
		c, MERIT_HOSPITAL, hospital, item->domain_id, 16, item->object_id, 16, 1);
}

static emr_status note_merit(void *arg, const emr_replica_item *at, const emr_item *item)
{
	crediting *c = arg;

	c->pub = (emr_span){at->bytes.data + EMR_ITEM_BYTES, at->bytes.len - EMR_ITEM_BYTES};
	switch (item->op) {
	case EMR_OP_ACCESS_SERVED:
		return note_served(c, at);
	case EMR_OP_GRANT:
		return note_grant(c, at, item);
	case EMR_OP_DATASET_JOIN:
		return note_joined(c, at, item);
	case EMR_OP_PUT:
		return note_put(c, at, item);
	default:
		return EMR_OK;
	}
}

static int by_merit(const void *a, const void *b)
{
	return memcmp(a, b, offsetof(merit, count));
}

static void count_merit(emr_credit *credit, const merit *one)
{
	if (one->kind == MERIT_AGENT)
		credit->agent += one->count;
	else if (one->kind == MERIT_PATIENT)
		credit->patient += one->count;
	else
		credit->hospital += one->count;
}

emr_status emr_replica_credits(emr_replica *replica, emr_credit_fn fn, void *arg)
{
	crediting c = {.replica = replica};
	emr_status status = emr_replica_items(replica, note_merit, &c);
	merit *all = (merit *)(void *)c.merits.data;
	size_t n = c.merits.len / sizeof *all;

	if (status == EMR_OK && n > 1)
		qsort(all, n, sizeof *all, by_merit);
	for (size_t i = 0; status == EMR_OK && i < n;) {
		emr_credit credit = {.account = all[i].account};
		size_t from = i;

		for (; i < n && emr_id32_equal(all[i].account, credit.account); i++)
			if (i == from || by_merit(&all[i - 1], &all[i]) != 0)
				count_merit(&credit, &all[i]);
		status = fn(arg, &credit);
	}
	emr_buf_free(&c.merits);
	return status;
}
