/* An entry is read with what it says: its head, its operations, its time. This file refuses what
 * the tables name and the chain does not have, as damage. */
#include "chain_private.h"

#include <stdlib.h>

bool emr_entry_open(emr_bytes entry, emr_bytes items, emr_entry *out_entry, emr_batch *out_batch)
{
	return emr_entry_parse(emr_span_of(entry), out_entry) == EMR_CONTRACT_OK &&
	       emr_batch_parse_items((emr_span){out_entry->header, EMR_HEADER_BYTES},
		       emr_span_of(items), NULL, 0, out_batch) == EMR_RESULT_APPLIED;
}

void emr_opened_entry_free(emr_opened_entry **opened)
{
	if (*opened == NULL)
		return;
	emr_buf_free(&(*opened)->bytes);
	emr_buf_free(&(*opened)->items);
	free(*opened);
}

emr_status emr_chain_open_entry(
	emr_chain *chain, uint64_t seq, bool with_items, emr_opened_entry *o)
{
	EMR_TRY(emr_required(emr_chain_entry(chain, seq, &o->bytes, &o->items)));
	return emr_entry_open(
		       emr_buf_view(&o->bytes), emr_buf_view(&o->items), &o->entry, &o->batch) &&
			       o->entry.seq == seq && (!with_items || emr_batch_has_root(&o->batch))
		       ? EMR_OK
		       : EMR_DAMAGED;
}

emr_status chain_item_at(emr_chain *chain, uint64_t seq, uint64_t index, emr_opened_entry **out,
	emr_item *out_item, emr_span *out_pub)
{
	*out = calloc(1, sizeof **out);
	EMR_TRY(*out != NULL ? emr_chain_open_entry(chain, seq, true, *out) : EMR_NO_MEMORY);
	if (index >= (*out)->batch.count)
		return EMR_DAMAGED;
	emr_batch_item_at(&(*out)->batch, (size_t)index, out_item, out_pub);
	return EMR_OK;
}

emr_status emr_chain_parsed(
	emr_chain *chain, uint64_t seq, emr_buf *out_bytes, emr_entry *out_entry)
{
	EMR_TRY(emr_required(emr_chain_entry(chain, seq, out_bytes, NULL)));
	return emr_entry_parse(emr_span_of(emr_buf_view(out_bytes)), out_entry) == EMR_CONTRACT_OK
		       ? EMR_OK
		       : EMR_DAMAGED;
}

emr_status emr_chain_time(emr_chain *chain, uint64_t seq, uint64_t *out_unix_s)
{
	EMR_AUTO_BUF bytes = {0};
	emr_descriptor descriptor;
	emr_entry entry;

	if (seq > 0) {
		EMR_TRY(emr_chain_parsed(chain, seq, &bytes, &entry));
		*out_unix_s = entry.ledger_time_unix_s;
		return EMR_OK;
	}
	EMR_TRY(emr_required(emr_chain_entry(chain, 0, &bytes, NULL)));
	if (emr_descriptor_parse(emr_span_of(emr_buf_view(&bytes)), &descriptor) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	*out_unix_s = descriptor.created_unix_s;
	return EMR_OK;
}
