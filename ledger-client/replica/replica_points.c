/* This file reads points and credit out of the local copy of the ledger: what an account has, what
 * moved it, and the credit of patients, agents and hospitals, recounted from the entries. */
#include "replica/ask.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "contract/codes.h"
#include "contract/pubs_share.h"
#include "contract/rows_share.h"
#include "ledger/act.h"

emr_status emr_replica_points(emr_replica *replica, emr_id32 account, uint64_t *out_points)
{
	EMR_AUTO_BUF bytes = {0};
	emr_row_account row;
	emr_key_text key;
	emr_status status;

	emr_key_account(account.b, &key);
	status = emr_replica_state_get(replica, key.text, &bytes);
	*out_points = 0;
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	if (emr_row_account_parse((emr_span){bytes.data, bytes.len}, &row) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	*out_points = row.points;
	return EMR_OK;
}

emr_status emr_replica_can_pay(emr_replica *replica, emr_id16 dataset, uint64_t price)
{
	uint64_t points;

	EMR_TRY(emr_replica_points(replica, emr_fund_of(dataset), &points));
	return points < price ? EMR_DENIED : EMR_OK;
}

/* ---- whose ---- */

emr_status emr_replica_account(emr_replica *replica, emr_id32 key, emr_id32 *out_account)
{
	emr_known_person person;
	emr_status status = emr_replica_person(replica, key, &person);

	*out_account = status == EMR_OK ? EMR_ID32_AT(person.row.root) : key;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

/* ---- movements ---- */

typedef struct moving {
	emr_replica *replica;
	emr_id32 account;
	emr_movement now; /* of the item in hand: where it stands */
	emr_buf *out;	  /* emr_movement */
} moving;

static bool is_own(const moving *m, const uint8_t account[32])
{
	return memcmp(account, m->account.b, sizeof m->account.b) == 0;
}

static emr_status tell_movement(moving *m, emr_movement_kind kind, bool is_out, uint64_t points)
{
	m->now.kind = kind;
	m->now.is_out = is_out;
	m->now.points = points;
	return emr_buf_append(m->out, &m->now, sizeof m->now);
}

/* The fund of a dataset; m->now.dataset is then which. */
static bool is_fund(moving *m, const uint8_t account[32])
{
	emr_id16 dataset = EMR_ID16_AT(account + 16);

	if (!emr_id32_equal(emr_fund_of(dataset), EMR_ID32_AT(account)))
		return false;
	m->now.dataset = dataset;
	return true;
}

static emr_status note_transfer(moving *m, const emr_pub_transfer *pub)
{
	bool is_out = is_own(m, pub->from);
	const uint8_t *other = is_out ? pub->to : pub->from;

	if (!is_out && !is_own(m, pub->to))
		return EMR_OK;
	m->now.other = EMR_ID32_AT(other);
	if (is_fund(m, other))
		return tell_movement(m, is_out ? EMR_MOVEMENT_FUNDED : EMR_MOVEMENT_REFUNDED,
			is_out, pub->amount);
	return tell_movement(
		m, is_out ? EMR_MOVEMENT_SENT : EMR_MOVEMENT_RECEIVED, is_out, pub->amount);
}

static emr_status note_join(moving *m, emr_id16 dataset)
{
	emr_row_dataset row;
	emr_status status = emr_replica_team(m->replica, dataset, &row);

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_DAMAGED : status;
	m->now.dataset = dataset;
	return tell_movement(m, EMR_MOVEMENT_JOINED, false, row.price);
}

static emr_status note_movement(moving *m, const emr_replica_listing *line)
{
	const emr_replica_item *at = &line->item;
	const emr_span pub = {at->bytes.data + EMR_ITEM_BYTES, at->bytes.len - EMR_ITEM_BYTES};
	emr_pub_dataset_join join;
	emr_pub_transfer transfer;
	emr_pub_mint mint;

	m->now = (emr_movement){
		.seq = at->seq, .at_unix_s = at->ledger_time, .batch_id = at->batch_id};
	if (at->op == EMR_OP_MINT && emr_pub_mint_parse(pub, &mint))
		return is_own(m, mint.account)
			       ? tell_movement(m, EMR_MOVEMENT_MADE, false, mint.amount)
			       : EMR_OK;
	if (at->op == EMR_OP_TRANSFER && emr_pub_transfer_parse(pub, &transfer))
		return note_transfer(m, &transfer);
	if (at->op == EMR_OP_DATASET_JOIN && emr_pub_dataset_join_parse(pub, &join))
		return is_own(m, join.account) ? note_join(m, line->object) : EMR_OK;
	return EMR_OK;
}

emr_status emr_replica_movements(emr_replica *replica, emr_id32 account, emr_buf *out)
{
	moving m = {.replica = replica, .account = account, .out = out};
	emr_replica_listing line;

	EMR_ASK(asked, replica, ITEMS);
	while (emr_next(&asked, &line))
		if (line.result == EMR_RESULT_APPLIED)
			EMR_TRY(note_movement(&m, &line));
	return asked.status;
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
	EMR_TRY(emr_replica_account(c->replica, at->signer_id, &agent));
	return note_points(c, MERIT_AGENT, agent, at->item_id.b, 32, NULL, 0, pub.count);
}

/* The organisation of a person, or of who keeps a team; EMR_NOT_FOUND. */
static emr_status org_of(emr_replica *replica, const uint8_t grantee[32], emr_id16 *out_org)
{
	emr_known_person person;
	emr_known_team team;
	uint8_t theirs[32];
	emr_status status = emr_replica_person(replica, EMR_ID32_AT(grantee), &person);

	EMR_ASK(asked, replica, TEAMS);
	while (status == EMR_NOT_FOUND && emr_next(&asked, &team)) {
		emr_grantee_dataset(team.team.b, theirs);
		if (memcmp(theirs, grantee, sizeof theirs) == 0)
			status =
				emr_replica_person(replica, EMR_ID32_AT(team.row.steward), &person);
	}
	EMR_TRY(asked.status);
	if (status == EMR_OK)
		*out_org = EMR_ID16_AT(person.row.org);
	return status;
}

static emr_status note_grant(crediting *c, const emr_replica_listing *line)
{
	const emr_replica_item *at = &line->item;
	emr_pub_grant pub;
	emr_id16 theirs, ours;
	emr_id32 giver;
	emr_status status;

	if (!emr_pub_grant_parse(c->pub, &pub))
		return EMR_DAMAGED;
	status = org_of(c->replica, pub.grantee, &theirs);
	if (status == EMR_OK)
		status = org_of(c->replica, at->submitter_id.b, &ours);
	if (status == EMR_NOT_FOUND || (status == EMR_OK && emr_id16_equal(theirs, ours)))
		return EMR_OK;
	if (status == EMR_OK)
		status = emr_replica_account(c->replica, at->submitter_id, &giver);
	return status == EMR_OK ? note_points(c, MERIT_PATIENT, giver, line->domain.b, 16,
					  pub.grantee, 32, 1)
				: status;
}

static emr_status note_joined(crediting *c, const emr_replica_listing *line)
{
	emr_id32 giver;

	EMR_TRY(emr_replica_account(c->replica, line->item.submitter_id, &giver));
	return note_points(c, MERIT_PATIENT, giver, line->domain.b, 16, line->object.b, 16, 1);
}

static emr_status note_put(crediting *c, const emr_replica_listing *line)
{
	emr_known_person person;
	emr_status status = emr_replica_person(c->replica, line->item.signer_id, &person);

	if (status != EMR_OK || (person.row.roles & EMR_ROLE_HOSPITAL) == 0)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	return note_points(c, MERIT_HOSPITAL, EMR_ID32_AT(person.row.root), line->domain.b, 16,
		line->object.b, 16, 1);
}

static emr_status note_merit(crediting *c, const emr_replica_listing *line)
{
	const emr_bytes bytes = line->item.bytes;

	c->pub = (emr_span){bytes.data + EMR_ITEM_BYTES, bytes.len - EMR_ITEM_BYTES};
	switch (line->item.op) {
	case EMR_OP_ACCESS_SERVED:
		return note_served(c, &line->item);
	case EMR_OP_GRANT:
		return note_grant(c, line);
	case EMR_OP_DATASET_JOIN:
		return note_joined(c, line);
	case EMR_OP_PUT:
		return note_put(c, line);
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

static emr_status gather_merits(crediting *c)
{
	EMR_ASK(asked, c->replica, ITEMS);
	emr_replica_listing line;

	while (emr_next(&asked, &line))
		if (line.result == EMR_RESULT_APPLIED)
			EMR_TRY(note_merit(c, &line));
	return asked.status;
}

emr_status emr_replica_credits(emr_replica *replica, emr_buf *out)
{
	crediting c = {.replica = replica};
	emr_status status = gather_merits(&c);
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
		status = emr_buf_append(out, &credit, sizeof credit);
	}
	emr_buf_free(&c.merits);
	return status;
}
