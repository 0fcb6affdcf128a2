/* When a computer gets the right to read a folder, this file fetches the private parts that
 * belong to it and that were left out before. */
#include "chain_private.h"

#include <stdlib.h>

#include "contract/pubs.h"
#include "contract/pubs_share.h"

/* The grant by which the domain that leaves had joined: the item before LEAVE in its row. */
static emr_status grant_left(emr_chain *chain, const emr_item *leave, emr_id16 *out_grant)
{
	emr_part_key key = {.family = EMR_FAMILY_JOIN,
		.version = leave->version - 1,
		.domain = EMR_ID16_AT(leave->domain_id),
		.object = EMR_ID16_AT(leave->object_id)};
	EMR_AUTO_OPENED join = NULL;
	emr_pub_dataset_join how;
	emr_chain_placed at = {0};
	emr_item item;
	emr_span pub;

	EMR_TRY(emr_required(emr_chain_place(chain, &key, &at)));
	EMR_TRY(chain_item_at(chain, at.seq, at.index, &join, &item, &pub));
	if (!emr_pub_dataset_join_parse(pub, &how))
		return EMR_DAMAGED;
	memcpy(out_grant->b, how.grant, sizeof out_grant->b);
	return EMR_OK;
}

/* Repeats the purge of the applied item, if it did one. */
static emr_status repeat_purge(emr_chain *chain, const emr_item *item, emr_span pub)
{
	emr_part_key key = {.version = 1,
		.domain = EMR_ID16_AT(item->domain_id),
		.object = EMR_ID16_AT(item->object_id)};
	emr_pub_erase erase;

	if (item->op == EMR_OP_DATASET_LEAVE)
		EMR_TRY(grant_left(chain, item, &key.object));
	if (item->op == EMR_OP_REVOKE || item->op == EMR_OP_DATASET_LEAVE) {
		key.family = EMR_FAMILY_KFRAGS;
		return chain_purge_parts(chain, &key, EMR_GRANT_KVER_MAX);
	}
	if (item->op != EMR_OP_ERASE || !emr_pub_erase_parse(pub, &erase))
		return EMR_OK;
	key.family = erase.family;
	key.version = erase.from_version;
	return chain_purge_parts(chain, &key, erase.to_version);
}

static bool counts(const emr_opened_entry *o, size_t i, const uint8_t domain[16], emr_item *item,
	emr_span *pub)
{
	emr_batch_item_at(&o->batch, i, item, pub);
	return o->entry.results.data[i] == EMR_RESULT_APPLIED &&
	       memcmp(item->domain_id, domain, 16) == 0;
}

/* As appending did for domains that were kept: first what must exist, then what was purged. */
static emr_status repeat_entry(
	emr_chain *chain, const emr_opened_entry *o, const uint8_t domain[16])
{
	emr_part_key key;
	emr_item item;
	emr_span pub;

	for (size_t i = 0; i < o->batch.count; i++) {
		if (!counts(o, i, domain, &item, &pub) || item.priv_len == 0)
			continue;
		key = chain_part_key(&item, pub);
		EMR_TRY(chain_expect_part(chain, &key, &item, o->entry.seq));
	}
	for (size_t i = 0; i < o->batch.count; i++)
		if (counts(o, i, domain, &item, &pub))
			EMR_TRY(repeat_purge(chain, &item, pub));
	return EMR_OK;
}

static bool is_domain(void *arg, const uint8_t domain[16])
{
	return memcmp(arg, domain, 16) == 0;
}

typedef struct adopting {
	emr_chain *chain;
	emr_chain_fetch_fn fetch;
	void *fetch_arg;
	uint8_t domain[16];
	emr_chain_parts parts;
	uint64_t filled;
} adopting;

static emr_status fill_entry(adopting *a, const emr_opened_entry *o)
{
	emr_ledger_entry entry = {.seq = o->entry.seq,
		.entry = emr_buf_view(&o->bytes),
		.items = emr_buf_view(&o->items)};
	emr_status status =
		emr_chain_parts_of(&entry, a->fetch, a->fetch_arg, is_domain, a->domain, &a->parts);
	emr_part_key key;
	emr_item item;
	emr_span pub;
	bool is_new = false;

	for (size_t i = 0; status == EMR_OK && i < o->batch.count; i++) {
		if (!counts(o, i, a->domain, &item, &pub) || a->parts.spans[i].data == NULL)
			continue;
		key = chain_part_key(&item, pub);
		status = chain_fill_part(a->chain, &key, bytes_of(a->parts.spans[i]), &is_new);
		a->filled += is_new;
	}
	return status;
}

static emr_status next_entry(adopting *a, uint64_t from, emr_opened_entry *out)
{
	sqlite3_stmt *s;
	uint64_t seq;

	EMR_TRY(emr_sql_use(&a->chain->sql, DOMAIN_NEXT, &s));
	emr_sql_bind(s, 1, a->domain, 16);
	emr_sql_bind_u64(s, 2, from);
	EMR_TRY(emr_sql_step(s));
	seq = emr_sql_u64(s, 0);
	(void)sqlite3_reset(s);
	return emr_chain_open_entry(a->chain, seq, true, out);
}

/* WHAT on every entry that touches the domain, oldest first. */
static emr_status each_entry(
	adopting *a, emr_status (*what)(adopting *a, const emr_opened_entry *o))
{
	EMR_AUTO_OPENED o = calloc(1, sizeof *o);
	uint64_t from = 1;
	emr_status status;

	EMR_TRY(o != NULL ? EMR_OK : EMR_NO_MEMORY);
	while ((status = next_entry(a, from, o)) == EMR_OK) {
		EMR_TRY(what(a, o));
		from = o->entry.seq + 1;
	}
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

static emr_status repeat(adopting *a, const emr_opened_entry *o)
{
	return repeat_entry(a->chain, o, a->domain);
}

emr_status emr_chain_adopt(emr_chain *chain, const uint8_t domain[16], emr_chain_fetch_fn fetch,
	void *arg, uint64_t *out_filled)
{
	EMR_AUTO_FREE adopting *a = calloc(1, sizeof *a);
	emr_status status;

	if (a == NULL)
		return EMR_NO_MEMORY;
	a->chain = chain;
	a->fetch = fetch;
	a->fetch_arg = arg;
	memcpy(a->domain, domain, 16);
	status = each_entry(a, repeat);
	if (status == EMR_OK)
		status = each_entry(a, fill_entry);
	if (status == EMR_OK)
		*out_filled = a->filled;
	emr_chain_parts_free(&a->parts);
	return status;
}

/* A list that cannot be read counts as having them, so that they are missed. */
bool emr_chain_has_parts(void *arg, const uint8_t domain[16])
{
	emr_chain *chain = arg;
	sqlite3_stmt *s = NULL;
	emr_status status = emr_sql_use(&chain->sql, PART_IN, &s);

	if (status != EMR_OK)
		return true;
	emr_sql_bind(s, 1, domain, 16);
	status = emr_sql_step(s);
	(void)sqlite3_reset(s);
	return status != EMR_NOT_FOUND;
}
