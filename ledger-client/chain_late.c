/* A private part may come later than its entry, or from the computer that saved it. This file finds
 * those that a chain still lacks, and puts those of a batch that was sent from here in their place.
 * A part whose hash does not fit is not taken. */
#include "chain_private.h"

#include <stdlib.h>

emr_part_key chain_part_key_of_row(sqlite3_stmt *s)
{
	emr_part_key key = {.family = (uint8_t)emr_sql_u64(s, 0), .version = emr_sql_u64(s, 3)};
	emr_bytes domain = emr_sql_bytes(s, 1), object = emr_sql_bytes(s, 2);

	if (domain.len == sizeof key.domain.b && object.len == sizeof key.object.b) {
		memcpy(key.domain.b, domain.data, domain.len);
		memcpy(key.object.b, object.data, object.len);
	}
	return key;
}

/* A full portion may end inside of an entry, which is then the next one's first. */
static uint64_t next_of(size_t n, uint64_t first, uint64_t last)
{
	if (n < EMR_CHAIN_LACKING_MAX)
		return 0;
	return last > first ? last : last + 1;
}

void emr_chain_make_lacking_index(emr_chain *chain)
{
	(void)!emr_sql_run(&chain->sql, chain_lacking); /* without it, it takes longer */
}

emr_status emr_chain_lacks(emr_chain *chain, uint64_t from, emr_chain_lacking *out)
{
	uint64_t first = 0, last = 0;
	sqlite3_stmt *s = NULL;
	emr_status status = emr_sql_use(&chain->sql, PARTS_LACKING, &s);

	out->n = 0;
	if (status != EMR_OK)
		return status;
	emr_sql_bind_u64(s, 1, from);
	emr_sql_bind_u64(s, 2, EMR_CHAIN_LACKING_MAX);
	while ((status = emr_sql_step(s)) == EMR_OK) {
		last = emr_sql_u64(s, 4);
		first = out->n == 0 ? last : first;
		out->keys[out->n++] = chain_part_key_of_row(s);
	}
	(void)sqlite3_reset(s);
	out->next = next_of(out->n, first, last);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

emr_status emr_chain_lacks_last(emr_chain *chain, uint64_t *out_seq)
{
	sqlite3_stmt *s = NULL;

	EMR_TRY(emr_sql_use(&chain->sql, PART_LACKING_LAST, &s));
	EMR_TRY(emr_sql_step(s));
	*out_seq = emr_sql_u64(s, 0);
	(void)sqlite3_reset(s);
	return EMR_OK;
}

emr_status emr_chain_lacks_of(emr_chain *chain, uint64_t seq, bool *out_does)
{
	sqlite3_stmt *s = NULL;
	emr_status status;

	EMR_TRY(emr_sql_use(&chain->sql, PART_LACKING_OF, &s));
	emr_sql_bind_u64(s, 1, seq);
	status = emr_sql_step(s);
	(void)sqlite3_reset(s);
	*out_does = status == EMR_OK;
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

emr_status emr_chain_fill_batch(emr_chain *chain, emr_bytes batch)
{
	EMR_AUTO_FREE emr_batch *sent = malloc(sizeof *sent);
	emr_part_key key;
	emr_item item;
	emr_span pub;
	bool is_new;

	if (sent == NULL)
		return EMR_NO_MEMORY;
	if (emr_batch_parse(emr_span_of(batch), sent) != EMR_RESULT_APPLIED)
		return EMR_INVALID;
	for (size_t i = 0; i < sent->count; i++) {
		emr_batch_item_at(sent, i, &item, &pub);
		key = chain_part_key(&item, pub);
		if (sent->items[i].part.len > 0)
			EMR_TRY(chain_fill_part(
				chain, &key, bytes_of(sent->items[i].part), &is_new));
	}
	return EMR_OK;
}
