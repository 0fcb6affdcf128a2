/* These are the rules for points: making them, which the organisations must have agreed on, giving
 * them to another account, putting them by for a research dataset, and taking back those that
 * nobody was paid (60 MINT, 61 TRANSFER, 51 DATASET_FUND, 58 DATASET_REFUND). No operation makes or
 * loses a point but MINT: all points that go in come out, to the last one. */
#include "judge.h"

#include "contract/pubs_share.h"
#include "contract/rows_share.h"

#include "bytes.h"
#include "declare.h"
#include "rules.h"

/* ---- accounts ---- */

void emr_declare_account(struct key_set *set, const uint8_t key[32])
{
	emr_declare_signer(set, key);
}

void emr_judge_account(struct judge *judge, const uint8_t key[32], uint8_t out_account[32])
{
	emr_row_key row;

	memcpy(out_account, emr_judge_key(judge, key, &row) ? row.root : key, 32);
}

/* Can points lie under ACCOUNT, or would nobody ever find them there: a key that followed another?
 */
static bool may_own(struct judge *judge, const uint8_t account[32])
{
	emr_row_key row;

	return !emr_judge_key(judge, account, &row) || memcmp(row.root, account, 32) == 0;
}

/* The same as emr_judge_account() of the signer, while rows are declared. */
static void declared_account(const struct key_set *set, const uint8_t signer[32], uint8_t out[32])
{
	emr_key_text key;
	emr_row_key row;
	emr_span value;

	emr_key_signer(signer, &key);
	memcpy(out, signer, 32);
	if (emr_declared_value(set, &key, &value) &&
		emr_row_key_parse(value, &row) == EMR_CONTRACT_OK)
		memcpy(out, row.root, 32);
}

/* ---- tokens ---- */

void emr_judge_put_token(
	struct judge *judge, const uint8_t account[32], uint8_t index, uint64_t amount)
{
	emr_row_token row = {
		.head = emr_judge_head(judge, EMR_FAMILY_TOKEN, EMR_STATE_PRESENT, 0, 0),
		.amount = amount};
	uint8_t value[EMR_ROW_TOKEN_BYTES], token[16];
	emr_key_text key;

	emr_token_of(judge->id, index, token);
	emr_key_token(account, token, &key);
	emr_row_token_encode(&row, value);
	emr_judge_put(judge, key.text, value, sizeof value);
}

static size_t count_tokens(const uint8_t tokens[EMR_TOKENS_IN][16])
{
	size_t n = 0;

	while (n < EMR_TOKENS_IN && !is_zero(tokens[n], 16))
		n++;
	return n;
}

/* At least one, each once, what is not used is zero; and the item is named after the first, so that
 * no two can have one id: a token is spent once. */
static bool are_inputs_in_form(const struct judge *judge, const uint8_t tokens[EMR_TOKENS_IN][16])
{
	size_t n = count_tokens(tokens);
	bool is_good = n > 0 && memcmp(judge->item.object_id, tokens[0], 16) == 0;

	for (size_t i = n; i < EMR_TOKENS_IN; i++)
		is_good = is_good && is_zero(tokens[i], 16);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			is_good = is_good && memcmp(tokens[i], tokens[j], 16) != 0;
	return is_good;
}

static void declare_tokens(
	struct key_set *set, const emr_item *item, const uint8_t tokens[EMR_TOKENS_IN][16])
{
	uint8_t account[32];
	emr_key_text key;

	declared_account(set, item->signer_id, account);
	for (size_t i = 0; i < count_tokens(tokens); i++) {
		emr_key_token(account, tokens[i], &key);
		emr_declare(set, &key);
	}
}

static bool sum_add(uint64_t *sum, uint64_t amount)
{
	if (amount > UINT64_MAX - *sum)
		return false;
	*sum += amount;
	return true;
}

/* Sums the worth of the signer's TOKENS; false when one belongs to another, or is spent. */
static bool sum_inputs(
	struct judge *judge, const uint8_t tokens[EMR_TOKENS_IN][16], uint64_t *out_sum)
{
	uint8_t account[32];

	emr_judge_account(judge, judge->signer_id, account);
	*out_sum = 0;
	for (size_t i = 0; i < count_tokens(tokens); i++) {
		emr_row_token row;
		emr_key_text key;
		emr_span value;

		emr_key_token(account, tokens[i], &key);
		if (!emr_judge_get(judge, key.text, &value) ||
			!emr_judge_parsed(judge, emr_row_token_parse(value, &row)) ||
			!sum_add(out_sum, row.amount))
			return false;
	}
	return true;
}

static void spend(struct judge *judge, const uint8_t tokens[EMR_TOKENS_IN][16])
{
	uint8_t account[32];
	emr_key_text key;

	emr_judge_account(judge, judge->signer_id, account);
	for (size_t i = 0; i < count_tokens(tokens); i++) {
		emr_key_token(account, tokens[i], &key);
		emr_judge_delete(judge, key.text);
	}
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

	if (!may_own(judge, pub.account))
		return EMR_RESULT_NOT_GRANTEE;
	EMR_JUDGE_TRY(emr_judge_key_in_force(judge));
	emr_mint_subject(pub.account, pub.amount, subject);
	return get_proposal(judge, &row) && row.kind == EMR_PROPOSAL_MINT &&
			       memcmp(row.subject, subject, 32) == 0
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
	emr_judge_put_token(judge, pub.account, 0, pub.amount);
}

/* ---- 61 TRANSFER ---- */

static void transfer_names(struct key_set *set, const emr_item *item, emr_span pub)
{
	emr_pub_transfer transfer = emr_pub_transfer_of(pub);

	(void)item;
	for (size_t i = 0; i < EMR_TOKENS_OUT; i++)
		if (!is_zero(transfer.out[i].account, 32))
			emr_declare_account(set, transfer.out[i].account);
}

static void transfer_follows(struct key_set *set, const emr_item *item, emr_span pub)
{
	emr_pub_transfer transfer = emr_pub_transfer_of(pub);

	declare_tokens(set, item, transfer.tokens);
}

static emr_result transfer_form(struct judge *judge)
{
	emr_pub_transfer pub = emr_pub_transfer_of(judge->pub);
	bool is_good = are_inputs_in_form(judge, pub.tokens) && pub.out[0].amount > 0;

	for (size_t i = 0; i < EMR_TOKENS_OUT; i++)
		is_good = is_good && is_zero(pub.out[i].account, 32) == (pub.out[i].amount == 0);
	return is_good ? EMR_RESULT_APPLIED : EMR_RESULT_FORMAT;
}

/* A person with a K row spends while that is in force: a lost key takes nothing with it. */
static emr_result spender_in_force(struct judge *judge)
{
	emr_row_key key;

	return !emr_judge_key(judge, judge->signer_id, &key) || emr_judge_key_is_active(judge, &key)
		       ? EMR_RESULT_APPLIED
		       : EMR_RESULT_KEY_DEAD;
}

static emr_result transfer_last(struct judge *judge)
{
	emr_pub_transfer pub = emr_pub_transfer_of(judge->pub);
	uint64_t in, out = 0;

	for (size_t i = 0; i < EMR_TOKENS_OUT; i++)
		if (pub.out[i].amount > 0 && !may_own(judge, pub.out[i].account))
			return EMR_RESULT_NOT_GRANTEE;
	EMR_JUDGE_TRY(spender_in_force(judge));
	if (!sum_inputs(judge, pub.tokens, &in) || !sum_add(&out, pub.out[0].amount) ||
		!sum_add(&out, pub.out[1].amount))
		return EMR_RESULT_FUNDS;
	return in == out ? EMR_RESULT_APPLIED : EMR_RESULT_FUNDS;
}

static void transfer_write(struct judge *judge)
{
	emr_pub_transfer pub = emr_pub_transfer_of(judge->pub);

	spend(judge, pub.tokens);
	for (uint8_t i = 0; i < EMR_TOKENS_OUT; i++)
		if (pub.out[i].amount > 0)
			emr_judge_put_token(judge, pub.out[i].account, i, pub.out[i].amount);
}

/* ---- 51 DATASET_FUND ---- */

/* Open, and not over: domains still join it. */
static bool takes_domains(struct judge *judge, const emr_row_dataset *row)
{
	return row->head.state == EMR_DATASET_OPEN && judge->now < row->not_after_unix_s;
}

static void fund_names(struct key_set *set, const emr_item *item, emr_span pub)
{
	emr_key_text key;

	(void)item;
	emr_key_by_object("DS", emr_pub_dataset_fund_of(pub).dataset, &key);
	emr_declare(set, &key);
}

static void fund_follows(struct key_set *set, const emr_item *item, emr_span pub)
{
	emr_pub_dataset_fund fund = emr_pub_dataset_fund_of(pub);

	declare_tokens(set, item, fund.tokens);
}

static emr_result fund_form(struct judge *judge)
{
	emr_pub_dataset_fund pub = emr_pub_dataset_fund_of(judge->pub);

	return pub.n > 0 && are_inputs_in_form(judge, pub.tokens) &&
			       pub.inputs == count_tokens(pub.tokens)
		       ? EMR_RESULT_APPLIED
		       : EMR_RESULT_FORMAT;
}

static emr_result anyone(struct judge *judge)
{
	return emr_judge_registered(judge, 0);
}

static emr_result fund_state(struct judge *judge)
{
	emr_row_dataset row;

	return emr_judge_dataset(judge, emr_pub_dataset_fund_of(judge->pub).dataset, &row) &&
			       takes_domains(judge, &row)
		       ? EMR_RESULT_APPLIED
		       : EMR_RESULT_GONE;
}

static emr_result fund_last(struct judge *judge)
{
	emr_pub_dataset_fund pub = emr_pub_dataset_fund_of(judge->pub);
	emr_row_dataset row;
	uint64_t sum;

	EMR_JUDGE_TRY(emr_judge_key_in_force(judge));
	if (!emr_judge_dataset(judge, pub.dataset, &row) || row.price == 0 ||
		!sum_inputs(judge, pub.tokens, &sum) || sum / pub.n < row.price)
		return EMR_RESULT_FUNDS;
	return pub.n <= EMR_VOUCHERS_MAX && judge->vouchers + pub.n <= EMR_BATCH_VOUCHERS_MAX
		       ? EMR_RESULT_APPLIED
		       : EMR_RESULT_LIMIT;
}

static void fund_write(struct judge *judge)
{
	emr_pub_dataset_fund pub = emr_pub_dataset_fund_of(judge->pub);
	emr_row_voucher voucher = {
		.head = emr_judge_head(judge, EMR_FAMILY_FUND, EMR_STATE_PRESENT, 0, 0)};
	uint8_t value[EMR_ROW_VOUCHER_BYTES];
	emr_row_dataset row;
	emr_key_text key;
	uint64_t sum;

	if (!emr_judge_dataset(judge, pub.dataset, &row) || !sum_inputs(judge, pub.tokens, &sum))
		return;
	voucher.price = row.price;
	memcpy(voucher.dataset, pub.dataset, 16);
	emr_judge_account(judge, judge->signer_id, voucher.funder);
	emr_row_voucher_encode(&voucher, value);
	spend(judge, pub.tokens);
	for (uint32_t i = 0; i < pub.n; i++) {
		emr_key_voucher(judge->item.object_id, i, &key);
		emr_judge_put(judge, key.text, value, sizeof value);
	}
	judge->vouchers += pub.n;
	if (sum > pub.n * row.price)
		emr_judge_put_token(judge, voucher.funder, 0, sum - pub.n * row.price);
}

/* ---- 58 DATASET_REFUND ---- */

static uint32_t refund_index(emr_span bytes)
{
	emr_pub_dataset_refund pub = {0};

	(void)emr_pub_dataset_refund_parse(bytes, &pub);
	return pub.index;
}

static bool refund_row(const emr_item *item, emr_span pub, emr_key_text *out)
{
	emr_key_voucher(item->object_id, refund_index(pub), out);
	return true;
}

static void refund_follows(struct key_set *set, const emr_item *item, emr_span pub)
{
	emr_row_voucher row;
	emr_key_text key;
	emr_span value;

	(void)refund_row(item, pub, &key);
	if (!emr_declared_value(set, &key, &value) ||
		emr_row_voucher_parse(value, &row) != EMR_CONTRACT_OK)
		return;
	emr_key_by_object("DS", row.dataset, &key);
	emr_declare(set, &key);
}

bool emr_judge_voucher(
	struct judge *judge, const uint8_t fund[16], uint32_t index, emr_row_voucher *out_row)
{
	emr_key_text key;
	emr_span value;

	emr_key_voucher(fund, index, &key);
	return emr_judge_get(judge, key.text, &value) &&
	       emr_judge_parsed(judge, emr_row_voucher_parse(value, out_row));
}

static bool voucher_in_hand(struct judge *judge, emr_row_voucher *out_row)
{
	return emr_judge_voucher(judge, judge->item.object_id, refund_index(judge->pub), out_row);
}

/* The payer may take it back, by any key of the same chain. */
static emr_result refund_authority(struct judge *judge)
{
	uint8_t account[32];
	emr_row_voucher row;

	if (!voucher_in_hand(judge, &row)) /* nobody's: refund_state says GONE */
		return EMR_RESULT_APPLIED;
	emr_judge_account(judge, judge->signer_id, account);
	return memcmp(row.funder, account, 32) == 0 ? EMR_RESULT_APPLIED
						    : EMR_RESULT_NOT_AUTHORISED;
}

static emr_result refund_state(struct judge *judge)
{
	return judge->is_row_present ? EMR_RESULT_APPLIED : EMR_RESULT_GONE;
}

/* While domains may join, what was promised to them stays. */
static emr_result refund_last(struct judge *judge)
{
	emr_row_voucher voucher;
	emr_row_dataset row;

	EMR_JUDGE_TRY(emr_judge_key_in_force(judge));
	return voucher_in_hand(judge, &voucher) &&
			       emr_judge_dataset(judge, voucher.dataset, &row) &&
			       !takes_domains(judge, &row)
		       ? EMR_RESULT_APPLIED
		       : EMR_RESULT_FUNDS;
}

static void refund_write(struct judge *judge)
{
	emr_row_voucher row;
	emr_key_text key;

	if (!voucher_in_hand(judge, &row))
		return;
	(void)refund_row(&judge->item, judge->pub, &key);
	emr_judge_delete(judge, key.text);
	emr_judge_put_token(judge, row.funder, 0, row.price);
}

/* Behind that of the fund, version 1: each voucher of it has a place of its own. */
static bool refund_place(const struct judge *judge, uint8_t *out_family, uint64_t *out_version)
{
	*out_family = EMR_FAMILY_FUND;
	*out_version = (uint64_t)refund_index(judge->pub) + 2;
	return true;
}

const op_rule emr_rules_points[4] = {
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
		.makes_new = true,
		.names = transfer_names,
		.follows = transfer_follows,
		.form = transfer_form,
		.last = transfer_last,
		.write = transfer_write,
	},
	{
		.op = EMR_OP_DATASET_FUND,
		.reserved_at = 19,
		.reserved_len = 5,
		.needs = NEED_SIGNER,
		.makes_new = true,
		.names = fund_names,
		.follows = fund_follows,
		.form = fund_form,
		.authority = anyone,
		.state = fund_state,
		.last = fund_last,
		.write = fund_write,
	},
	{
		.op = EMR_OP_DATASET_REFUND,
		.reserved_at = 4,
		.reserved_len = 4,
		.needs = NEED_SIGNER,
		.makes_new = true,
		.row_key = refund_row,
		.follows = refund_follows,
		.authority = refund_authority,
		.state = refund_state,
		.last = refund_last,
		.write = refund_write,
		.place = refund_place,
	},
};
