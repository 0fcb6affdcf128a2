/* These are the rules for points: making them, which the organisations must have agreed on, and
 * sending them from one account to another (60 MINT, 61 TRANSFER). An account has one row with all
 * its points. No operation makes or loses a point but MINT: what one account loses another gets. */
#include "judge.h"

#include "contract/pubs_share.h"
#include "contract/rows_share.h"

#include "bytes.h"
#include "declare.h"
#include "rules.h"

/* ---- accounts ---- */

/* The fund of a dataset, whose id stands behind the zeros: no key has such an id. */
static bool is_fund(const uint8_t account[32])
{
	return is_zero(account, 16);
}

void emr_declare_account(struct key_set *set, const uint8_t account[32])
{
	emr_key_text key;

	emr_key_account(account, &key);
	emr_declare(set, &key);
	if (is_fund(account))
		emr_key_by_object("DS", account + 16, &key);
	else
		emr_key_signer(account, &key);
	emr_declare(set, &key);
}

bool emr_judge_is_account(struct judge *judge, const uint8_t account[32])
{
	emr_row_key row;

	return !is_fund(account) && emr_judge_key(judge, account, &row) &&
	       memcmp(row.root, account, 32) == 0;
}

/* One that nobody has sent anything has no row yet. */
static emr_row_account account_row(struct judge *judge, const uint8_t account[32])
{
	emr_row_account row = {.head = {.family = EMR_FAMILY_ACCOUNT, .state = EMR_STATE_PRESENT}};
	emr_key_text key;
	emr_span value;

	emr_key_account(account, &key);
	if (emr_judge_get(judge, key.text, &value))
		(void)emr_judge_parsed(judge, emr_row_account_parse(value, &row));
	return row;
}

static void put_account(struct judge *judge, const uint8_t account[32], const emr_row_account *row)
{
	uint8_t value[EMR_ROW_ACCOUNT_BYTES];
	emr_key_text key;

	emr_key_account(account, &key);
	emr_row_account_encode(row, value);
	emr_judge_put(judge, key.text, value, sizeof value);
}

static bool has_room(struct judge *judge, const uint8_t account[32], uint64_t points)
{
	return points <= UINT64_MAX - account_row(judge, account).points;
}

static void add_points(struct judge *judge, const uint8_t account[32], uint64_t points)
{
	emr_row_account row = account_row(judge, account);

	row.points += points;
	put_account(judge, account, &row);
}

bool emr_judge_can_pay(
	struct judge *judge, const uint8_t from[32], const uint8_t to[32], uint64_t points)
{
	return points <= account_row(judge, from).points && has_room(judge, to, points);
}

/* The head of a row is that of the payment that went out last: what comes in moves it not, so that
 * nobody hinders a payment by sending something. */
void emr_judge_pay(
	struct judge *judge, const uint8_t from[32], const uint8_t to[32], uint64_t points)
{
	emr_row_account row = account_row(judge, from);

	row.points -= points;
	if (judge->item.op == EMR_OP_TRANSFER)
		row.head = emr_judge_head(judge, EMR_FAMILY_ACCOUNT, EMR_STATE_PRESENT, 0, 0);
	put_account(judge, from, &row);
	add_points(judge, to, points);
}

/* ---- 60 MINT ---- */

static void mint_names(struct key_set *set, const emr_item *item, emr_span pub)
{
	emr_pub_mint mint = emr_pub_mint_of(pub);
	emr_key_text key;

	(void)item;
	emr_key_proposal(mint.proposal, &key);
	emr_declare(set, &key);
	emr_declare_account(set, mint.account);
}

static emr_result mint_form(struct judge *judge)
{
	emr_pub_mint pub = emr_pub_mint_of(judge->pub);

	return pub.amount > 0 && !is_zero(pub.account, 32) &&
			       memcmp(pub.proposal, judge->item.object_id, 16) == 0
		       ? EMR_RESULT_APPLIED
		       : EMR_RESULT_FORMAT;
}

/* Any administrator: what is made, and for whom, was agreed on. */
static emr_result mint_authority(struct judge *judge)
{
	return emr_judge_registered(judge, EMR_ROLE_ORG_ADMIN);
}

static bool get_proposal(struct judge *judge, emr_row_proposal *out_row)
{
	emr_key_text key;
	emr_span value;

	emr_key_proposal(judge->item.object_id, &key);
	return emr_judge_get(judge, key.text, &value) &&
	       emr_judge_parsed(judge, emr_row_proposal_parse(value, out_row));
}

static emr_result mint_state(struct judge *judge)
{
	emr_row_proposal row;

	if (!get_proposal(judge, &row) || row.head.state == EMR_PROPOSAL_OPEN)
		return EMR_RESULT_GONE;
	return row.head.state == EMR_PROPOSAL_USED ? EMR_RESULT_EXISTS : EMR_RESULT_APPLIED;
}

static emr_result mint_last(struct judge *judge)
{
	emr_pub_mint pub = emr_pub_mint_of(judge->pub);
	emr_row_proposal row;
	uint8_t subject[32];

	if (!emr_judge_is_account(judge, pub.account))
		return EMR_RESULT_NOT_GRANTEE;
	EMR_JUDGE_TRY(emr_judge_key_in_force(judge));
	emr_mint_subject(pub.account, pub.amount, subject);
	return get_proposal(judge, &row) && row.kind == EMR_PROPOSAL_MINT &&
			       memcmp(row.subject, subject, 32) == 0 &&
			       has_room(judge, pub.account, pub.amount)
		       ? EMR_RESULT_APPLIED
		       : EMR_RESULT_FUNDS;
}

static void mint_write(struct judge *judge)
{
	emr_pub_mint pub = emr_pub_mint_of(judge->pub);
	uint8_t value[EMR_ROW_PROPOSAL_MAX];
	emr_voice voices[EMR_VOICES_MAX];
	emr_row_proposal row;
	emr_key_text key;
	emr_span old;

	emr_key_proposal(judge->item.object_id, &key);
	if (!get_proposal(judge, &row) || !emr_judge_get(judge, key.text, &old))
		return;
	for (size_t i = 0; i < row.count; i++)
		emr_row_proposal_voice(old, i, &voices[i]);
	row.head.state = EMR_PROPOSAL_USED;
	emr_judge_put(judge, key.text, value, emr_row_proposal_encode(&row, voices, value));
	add_points(judge, pub.account, pub.amount);
}

/* ---- 61 TRANSFER ---- */

static bool transfer_row(const emr_item *item, emr_span pub, emr_key_text *out)
{
	emr_pub_transfer transfer = {.amount = 0};

	(void)item;
	(void)emr_pub_transfer_parse(pub, &transfer);
	emr_key_account(transfer.from, out);
	return true;
}

static void transfer_names(struct key_set *set, const emr_item *item, emr_span pub)
{
	emr_pub_transfer transfer = emr_pub_transfer_of(pub);

	(void)item;
	emr_declare_account(set, transfer.from);
	emr_declare_account(set, transfer.to);
}

static emr_result transfer_form(struct judge *judge)
{
	emr_pub_transfer pub = emr_pub_transfer_of(judge->pub);

	return pub.amount > 0 && !is_zero(pub.from, 32) && !is_zero(pub.to, 32) &&
			       memcmp(pub.from, pub.to, 32) != 0
		       ? EMR_RESULT_APPLIED
		       : EMR_RESULT_FORMAT;
}

/* One's own, by any key of the chain; or what is left of a dataset, by its steward. */
static emr_result transfer_authority(struct judge *judge)
{
	emr_pub_transfer pub = emr_pub_transfer_of(judge->pub);
	emr_row_dataset dataset;
	emr_row_key key;
	bool is_own;

	if (is_fund(pub.from))
		is_own = emr_judge_dataset(judge, pub.from + 16, &dataset) &&
			 emr_judge_is_of_chain(judge, dataset.steward);
	else
		is_own = emr_judge_key(judge, judge->signer_id, &key) &&
			 memcmp(key.root, pub.from, 32) == 0;
	return is_own ? EMR_RESULT_APPLIED : EMR_RESULT_NOT_AUTHORISED;
}

/* Open, and not over: domains still join it. */
static bool takes_domains(struct judge *judge, const uint8_t fund[32], emr_row_dataset *out)
{
	return emr_judge_dataset(judge, fund + 16, out) && out->head.state == EMR_DATASET_OPEN &&
	       judge->now < out->not_after_unix_s;
}

/* While domains may join, what was put by for them stays. */
static emr_result transfer_last(struct judge *judge)
{
	emr_pub_transfer pub = emr_pub_transfer_of(judge->pub);
	emr_row_dataset dataset = {.price = 1};

	if (is_fund(pub.to) && !takes_domains(judge, pub.to, &dataset))
		return EMR_RESULT_GONE;
	if (!is_fund(pub.to) && !emr_judge_is_account(judge, pub.to))
		return EMR_RESULT_NOT_GRANTEE;
	EMR_JUDGE_TRY(emr_judge_key_in_force(judge));
	if (dataset.price == 0 || !emr_judge_can_pay(judge, pub.from, pub.to, pub.amount))
		return EMR_RESULT_FUNDS;
	return is_fund(pub.from) && takes_domains(judge, pub.from, &dataset) ? EMR_RESULT_FUNDS
									     : EMR_RESULT_APPLIED;
}

static void transfer_write(struct judge *judge)
{
	emr_pub_transfer pub = emr_pub_transfer_of(judge->pub);

	emr_judge_pay(judge, pub.from, pub.to, pub.amount);
}

const op_rule emr_rules_points[2] = {
	{
		.op = EMR_OP_MINT,
		.needs = NEED_SIGNER,
		.makes_new = true,
		.names = mint_names,
		.form = mint_form,
		.authority = mint_authority,
		.state = mint_state,
		.last = mint_last,
		.write = mint_write,
	},
	{
		.op = EMR_OP_TRANSFER,
		.needs = NEED_SIGNER,
		.row_key = transfer_row,
		.names = transfer_names,
		.form = transfer_form,
		.authority = transfer_authority,
		.last = transfer_last,
		.write = transfer_write,
	},
};
