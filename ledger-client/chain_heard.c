/* This file tells when somebody else last handed a batch in. The owner's computer holds its own
 * clock against that time before it writes down what no clock takes back. */
#include "chain_private.h"

/* Where there is no index the next submitter would be looked for among all entries each time. */
static emr_status choose_newest(emr_chain *chain, sqlite3_stmt **out)
{
	emr_status status = emr_sql_use(&chain->sql, HAS_SUBMITTERS, out);

	if (status == EMR_OK)
		status = emr_sql_step(*out);
	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	(void)sqlite3_reset(*out);
	return emr_sql_use(
		&chain->sql, status == EMR_OK ? ENTRIES_NEWEST_INDEXED : ENTRIES_NEWEST, out);
}

static emr_status is_in_force(emr_chain *chain, const uint8_t id[32], bool *out_is)
{
	EMR_AUTO_BUF value = {0};
	emr_key_text key;
	emr_row_key row;
	emr_status status;

	*out_is = false;
	emr_key_signer(id, &key);
	status = emr_chain_row(chain, key.text, &value, NULL, NULL);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_OK : status;
	if (emr_row_key_parse(span_of(emr_buf_view(&value)), &row) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	*out_is = row.head.state == EMR_KEY_ACTIVE;
	return EMR_OK;
}

emr_status emr_chain_heard(emr_chain *chain, const uint8_t me[32], uint64_t *out_unix_s)
{
	uint64_t latest = 0;
	sqlite3_stmt *s;
	emr_status status = choose_newest(chain, &s);

	if (status != EMR_OK)
		return status;
	while ((status = emr_sql_step(s)) == EMR_OK) {
		bool is_other = false;
		emr_entry entry;

		/* Entry 0 is nobody's. */
		if (emr_entry_parse(span_of(emr_sql_bytes(s, 1)), &entry) == EMR_CONTRACT_OK &&
			memcmp(entry.submitter_id, me, 32) != 0)
			status = is_in_force(chain, entry.submitter_id, &is_other);
		if (status != EMR_OK)
			break;
		if (is_other && entry.ledger_time_unix_s > latest)
			latest = entry.ledger_time_unix_s;
	}
	(void)sqlite3_reset(s);
	if (status == EMR_NOT_FOUND)
		*out_unix_s = latest;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}
