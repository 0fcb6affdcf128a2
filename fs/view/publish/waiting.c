/* This file counts what the journal still has for the present ledger. Joining another network
 * wants none of it left, because it would belong to no ledger then. */
#include "edit.h"

static emr_status count_row(void *arg, emr_id16 key, emr_bytes value)
{
	uint64_t *n = arg;
	node_row row;
	emr_status status = row_decode(value, &row);

	(void)key;
	if (status == EMR_OK)
		*n += (row.flags & (ROW_HAS_PLACE | ROW_IS_RESTORED | ROW_IS_FOREIGN)) != 0;
	return status;
}

static emr_status count_any(void *arg, emr_id16 key, emr_bytes value)
{
	(void)key;
	(void)value;
	++*(uint64_t *)arg;
	return EMR_OK;
}

emr_status emr_view_waiting(emr_view *view, uint64_t *out_waiting)
{
	static const uint8_t kinds[] = {
		EMR_ROW_VACATED, EMR_ROW_OUTBOX, EMR_ROW_AWAITING, EMR_ROW_ERASING};
	emr_journal *journal = view->options.journal;
	uint64_t n = 0;

	EMR_TRY(emr_journal_each(journal, EMR_ROW_NODE, count_row, &n));
	for (size_t i = 0; i < sizeof kinds; i++)
		EMR_TRY(emr_journal_each(journal, kinds[i], count_any, &n));
	*out_waiting = n;
	return EMR_OK;
}
