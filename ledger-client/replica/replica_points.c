/* This file reads points out of the local copy of the ledger: what an account has, and what moved
 * it. */
#include "replica/ask.h"

#include "replica_private.h"

emr_status emr_replica_points(emr_replica *replica, emr_id32 account, uint64_t *out_points)
{
	emr_row_account row;
	emr_key_text key;
	emr_status status;

	emr_key_account(account.b, &key);
	status = REPLICA_ROW(replica, key.text, account, &row);
	*out_points = status == EMR_OK ? row.points : 0;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
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

/* EMR_NOT_FOUND: LINE moved nothing into ACCOUNT or out of it. */
static emr_status movement_of(
	emr_replica *replica, emr_id32 account, const emr_replica_listing *line, emr_movement *out)
{
	const emr_replica_item *at = &line->item;
	emr_pub_dataset_join join;
	emr_pub_transfer transfer;
	emr_row_dataset row;
	emr_pub_mint mint;
	emr_id16 dataset;
	bool is_fund;

	*out = (emr_movement){.kind = EMR_MOVEMENT_MADE,
		.seq = at->seq,
		.at_unix_s = at->ledger_time,
		.batch_id = at->batch_id};
	if (at->op == EMR_OP_MINT && emr_pub_mint_parse(pub_of(at), &mint)) {
		out->points = mint.amount;
		return emr_id32_equal(account, EMR_ID32_AT(mint.account)) ? EMR_OK : EMR_NOT_FOUND;
	}
	if (at->op == EMR_OP_DATASET_JOIN && emr_pub_dataset_join_parse(pub_of(at), &join) &&
		emr_id32_equal(account, EMR_ID32_AT(join.account))) {
		EMR_TRY(emr_required(emr_replica_team(replica, line->object, &row)));
		out->kind = EMR_MOVEMENT_JOINED;
		out->dataset = line->object;
		out->points = row.price;
		return EMR_OK;
	}
	if (at->op != EMR_OP_TRANSFER || !emr_pub_transfer_parse(pub_of(at), &transfer))
		return EMR_NOT_FOUND;
	out->is_out = emr_id32_equal(account, EMR_ID32_AT(transfer.from));
	if (!out->is_out && !emr_id32_equal(account, EMR_ID32_AT(transfer.to)))
		return EMR_NOT_FOUND;
	out->other = EMR_ID32_AT(out->is_out ? transfer.to : transfer.from);
	out->points = transfer.amount;
	dataset = EMR_ID16_AT(out->other.b + 16);
	is_fund = emr_id32_equal(emr_fund_of(dataset), out->other);
	if (is_fund)
		out->dataset = dataset;
	if (out->is_out)
		out->kind = is_fund ? EMR_MOVEMENT_FUNDED : EMR_MOVEMENT_SENT;
	else
		out->kind = is_fund ? EMR_MOVEMENT_REFUNDED : EMR_MOVEMENT_RECEIVED;
	return EMR_OK;
}

emr_status emr_replica_movements(emr_replica *replica, emr_id32 account, emr_buf *out)
{
	emr_replica_listing line;
	emr_movement moved;
	EMR_ASK(asked, replica, ITEMS);

	while (emr_next(&asked, &line)) {
		emr_status status = line.result == EMR_RESULT_APPLIED
					    ? movement_of(replica, account, &line, &moved)
					    : EMR_NOT_FOUND;

		if (status != EMR_NOT_FOUND)
			EMR_TRY(status);
		if (status == EMR_OK)
			EMR_TRY(emr_buf_append(out, &moved, sizeof moved));
	}
	return asked.status;
}
