/* This file reads single things of the verified copy: a row, the head of a record as it is now, an
 * item, a private part, and how far the copy reaches. It asks the ledger nothing. */
#include "opened_private.h"

#include <stdatomic.h>
#include <stdlib.h>

#define SUSPECT_S 600

static _Thread_local const emr_replica_snapshot *present; /* of this thread; NULL: none */
static _Thread_local uint64_t present_number;		  /* of no other one of this process */

static atomic_uint_fast64_t last_number;

emr_status replica_reading_begin(reading *r)
{
	if (present == NULL || present->replica != r->replica)
		return replica_take(r->replica, &r->chain);
	r->chain = present->chain;
	r->is_lent = true;
	return EMR_OK;
}

emr_status emr_replica_snapshot_begin(emr_replica *replica, emr_replica_snapshot *out_snapshot)
{
	emr_chain *chain = NULL;
	emr_status status;

	EMR_TRY(present != NULL ? EMR_OK : replica_take(replica, &chain));
	if (chain == NULL)
		return EMR_OK;
	status = replica_own(replica, emr_chain_begin_read(chain));
	if (status != EMR_OK) {
		replica_give(replica, chain);
		return status;
	}
	*out_snapshot = (emr_replica_snapshot){.replica = replica, .chain = chain};
	present = out_snapshot;
	present_number = atomic_fetch_add(&last_number, 1) + 1;
	return EMR_OK;
}

void emr_replica_snapshot_end(emr_replica_snapshot *snapshot)
{
	if (snapshot->chain == NULL)
		return;
	present = NULL;
	emr_chain_rollback(snapshot->chain);
	replica_give(snapshot->replica, snapshot->chain);
	*snapshot = (emr_replica_snapshot){0};
}

/* ---- rows ---- */

emr_status emr_replica_state_get(emr_replica *replica, const char *key, emr_buf *out_row)
{
	READING(r, replica);
	EMR_TRY(replica_reading_begin(&r));
	return replica_own(replica, emr_chain_row(r.chain, key, out_row, NULL, NULL));
}

/* ---- heads ---- */

emr_status replica_parse_head(emr_span value, emr_replica_head *out)
{
	emr_row_object row;

	EMR_TRY(replica_parsed(emr_row_object_parse(value, &row)));
	out->version = row.head.version;
	out->pversion = row.pversion;
	out->epoch = row.head.epoch;
	out->flags = row.head.flags;
	out->state = row.head.state;
	out->item_id = EMR_ID32_AT(row.head.item);
	out->creator = EMR_ID32_AT(row.creator);
	out->pitem = EMR_ID32_AT(row.pitem);
	return EMR_OK;
}

emr_status emr_replica_head_get(
	emr_replica *replica, emr_id16 domain, emr_id16 object, emr_replica_head *out_head)
{
	emr_replica_head head = {.domain = domain, .object = object};
	EMR_AUTO_BUF row = {0};
	emr_key_text key;
	READING(r, replica);
	emr_status status;

	EMR_TRY(replica_reading_begin(&r));
	emr_key_object(domain.b, object.b, &key);
	status = emr_chain_row(r.chain, key.text, &row, &head.seq, &head.ledger_time);
	if (status == EMR_OK)
		status = replica_parse_head(view_of(&row), &head);
	if (status == EMR_OK)
		*out_head = head;
	return replica_own(replica, status);
}

/* ---- parts and items ---- */

emr_status emr_replica_part(emr_replica *replica, const emr_part_key *key, emr_buf *out_part)
{
	READING(r, replica);
	EMR_TRY(replica_reading_begin(&r));
	return replica_own(replica, emr_chain_part(r.chain, key, out_part));
}

emr_status emr_replica_local_get(emr_replica *replica, const emr_part_key *at, emr_buf *out_sealed)
{
	READING(r, replica);
	EMR_TRY(replica->has_locals ? replica_reading_begin(&r) : EMR_NOT_FOUND);
	return replica_own(replica, emr_chain_local(r.chain, at, out_sealed));
}

void replica_change_of(
	const emr_entry *entry, const emr_batch *batch, uint16_t index, emr_replica_change *out)
{
	emr_item item;
	emr_span pub;

	emr_batch_item_at(batch, index, &item, &pub);
	*out = (emr_replica_change){.version = item.version,
		.seq = entry->seq,
		.index = index,
		.flags = item.flags,
		.op = item.op,
		.family = emr_chain_family(&item, pub),
		.ledger_time = entry->ledger_time_unix_s,
		.result = entry->results.data[index]};
	memcpy(out->domain.b, item.domain_id, 16);
	memcpy(out->object.b, item.object_id, 16);
	memcpy(out->signer_id.b, item.signer_id, 32);
	emr_item_id(batch->items[index].bytes, out->item_id.b);
}

emr_status replica_describe(const emr_replica *replica, const opened *o, uint16_t index,
	emr_id32 id, emr_replica_item *out)
{
	emr_item item;
	emr_span pub;

	emr_batch_item_at(&o->of.batch, index, &item, &pub);
	/* No byte between the fields is left as it was: tests compare rows as bytes. */
	memset(out, 0, sizeof *out);
	out->batch_id = o->batch_id;
	out->seq = o->of.entry.seq;
	out->ledger_time = o->of.entry.ledger_time_unix_s;
	out->version = item.version;
	out->priv_len = item.priv_len;
	out->epoch = item.epoch;
	out->index = index;
	out->flags = item.flags;
	out->op = item.op;
	emr_item_id(o->of.batch.items[index].bytes, out->item_id.b);
	memcpy(out->signer_id.b, item.signer_id, 32);
	memcpy(out->submitter_id.b, o->of.entry.submitter_id, 32);
	out->is_time_suspect = out->ledger_time > emr_clock_unix_s(replica->clock) + SUSPECT_S;
	out->bytes = emr_bytes_of(
		o->of.batch.items[index].bytes.data, o->of.batch.items[index].bytes.len);
	return emr_id32_equal(id, out->item_id) ||
			       (emr_id32_is_zero(id) && emr_batch_has_root(&o->of.batch))
		       ? EMR_OK
		       : EMR_DAMAGED;
}

/* The item that the index names for KEY.  An index has no sums: what it names must be what was
 * asked for. */
emr_status replica_describe_placed(emr_replica *replica, const opened *o, uint16_t index,
	emr_id32 id, const emr_part_key *key, emr_replica_item *out)
{
	emr_item item;
	emr_span pub;

	if (index >= o->of.batch.count || o->of.entry.results.data[index] != EMR_RESULT_APPLIED)
		return replica_own(replica, EMR_DAMAGED);
	emr_batch_item_at(&o->of.batch, index, &item, &pub);
	if (!emr_chain_has_place(&item, pub, key))
		return replica_own(replica, EMR_DAMAGED);
	return replica_own(replica, replica_describe(replica, o, index, id, out));
}

/* An item that has a part has a place: where it has none the copy is damaged, and nobody is told
 * that there is no such item. */
static emr_status place_of(emr_chain *chain, const emr_part_key *key, emr_chain_placed *out)
{
	EMR_AUTO_BUF part = {0};
	emr_status status = emr_chain_place(chain, key, out);

	if (status != EMR_NOT_FOUND)
		return status;
	EMR_TRY(emr_chain_part(chain, key, &part));
	return EMR_DAMAGED;
}

emr_status emr_replica_item_get(emr_replica *replica, const emr_part_key *key, emr_buf *out_bytes,
	emr_replica_item *out_item)
{
	const opened *o = NULL;
	emr_replica_item item;
	emr_chain_placed at;
	emr_status status;
	READING(r, replica);

	EMR_TRY(replica_reading_begin(&r));
	EMR_TRY(replica_own(replica, place_of(r.chain, key, &at)));
	EMR_TRY(replica_own(replica,
		replica_lend(replica, r.chain, at.seq, r.is_lent ? present_number : 0, &o)));
	status = replica_describe_placed(replica, o, at.index, at.id, key, &item);
	emr_buf_clear(out_bytes);
	if (status == EMR_OK)
		status = emr_buf_append(out_bytes, item.bytes.data, item.bytes.len);
	replica_return(replica, o);
	EMR_TRY(status);
	item.bytes = emr_buf_view(out_bytes);
	*out_item = item;
	return EMR_OK;
}

emr_status replica_first_item(emr_replica *replica, uint8_t family, emr_id16 domain,
	emr_id16 object, emr_buf *bytes, emr_replica_item *out_item)
{
	emr_part_key key = {.family = family, .domain = domain, .object = object, .version = 1};

	return emr_replica_item_get(replica, &key, bytes, out_item);
}

emr_status replica_place_of(emr_replica *replica, uint8_t family, emr_id16 domain, emr_id16 object,
	uint64_t version, emr_chain_placed *out)
{
	emr_part_key key = {
		.family = family, .domain = domain, .object = object, .version = version};
	READING(r, replica);

	EMR_TRY(replica_reading_begin(&r));
	return replica_own(replica, emr_required(emr_chain_place(r.chain, &key, out)));
}

emr_status emr_replica_find_batch(
	emr_replica *replica, emr_id32 batch_id, emr_ledger_answer *out_answer)
{
	AUTO_OPENED o = calloc(1, sizeof *o);
	uint64_t seq;
	READING(r, replica);

	EMR_TRY(o != NULL ? replica_take(replica, &r.chain) : EMR_NO_MEMORY);
	EMR_TRY(replica_own(replica, emr_chain_find_batch(r.chain, batch_id.b, &seq)));
	EMR_TRY(replica_own(replica, open_entry(r.chain, seq, o)));
	if (!emr_id32_equal(o->batch_id, batch_id))
		return replica_own(replica, EMR_DAMAGED);
	*out_answer = (emr_ledger_answer){.batch_id = batch_id,
		.seq = seq,
		.is_repeat = 1,
		.ledger_time = o->of.entry.ledger_time_unix_s,
		.n_results = o->of.batch.count};
	memcpy(out_answer->results, o->of.entry.results.data, o->of.entry.results.len);
	return EMR_OK;
}

/* ---- domains, position ---- */

bool replica_row_is_mine(const emr_replica *replica, emr_id16 domain, emr_bytes row)
{
	return replica->is_mine == NULL ||
	       replica->is_mine(replica->is_mine_arg, domain,
		       emr_bytes_of(row.data + EMR_ROW_HEAD_BYTES, row.len - EMR_ROW_HEAD_BYTES));
}

emr_status emr_replica_is_mine(emr_replica *replica, emr_id16 domain, bool *out_is_mine)
{
	EMR_AUTO_BUF row = {0};
	emr_key_text key;
	emr_status status;

	emr_key_domain(domain.b, &key);
	status = emr_replica_state_get(replica, key.text, &row);
	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	if (status == EMR_OK && row.len != EMR_ROW_DOMAIN_BYTES)
		return EMR_DAMAGED;
	*out_is_mine = status == EMR_OK && replica_row_is_mine(replica, domain, emr_buf_view(&row));
	return EMR_OK;
}

static emr_status position_of(emr_replica *replica, emr_chain *chain, emr_replica_position *out)
{
	emr_replica_position p = {.freshness_s = -1};

	EMR_TRY(emr_chain_size(chain, &p.size));
	if (p.size > 0) {
		EMR_TRY(emr_chain_root(chain, p.size, p.root));
		EMR_TRY(emr_required(emr_chain_leaf(chain, p.size - 1, p.last_leaf.b)));
		EMR_TRY(emr_chain_time(chain, p.size - 1, &p.last_time));
	}
	(void)pthread_mutex_lock(&replica->pool_lock);
	if (replica->fresh_ns >= 0)
		p.freshness_s =
			(emr_clock_boot_ns(replica->clock) - replica->fresh_ns) / 1000000000;
	(void)pthread_mutex_unlock(&replica->pool_lock);
	*out = p;
	return EMR_OK;
}

emr_status emr_replica_at(emr_replica *replica, emr_replica_position *out_position)
{
	READING(r, replica);
	emr_status status;

	EMR_TRY(replica_take(replica, &r.chain));
	status = emr_chain_begin_read(r.chain);
	if (status == EMR_OK)
		status = position_of(replica, r.chain, out_position);
	emr_chain_rollback(r.chain);
	return replica_own(replica, status);
}

emr_status emr_replica_root_at(emr_replica *replica, uint64_t size, uint8_t out_root[32])
{
	uint64_t have = 0;
	READING(r, replica);

	EMR_TRY(replica_take(replica, &r.chain));
	EMR_TRY(emr_chain_size(r.chain, &have));
	if (size > have)
		return EMR_NOT_FOUND;
	return replica_own(replica, emr_chain_root(r.chain, size, out_root));
}
