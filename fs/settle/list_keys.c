/* Rows of listing keys are read once for each domain, and what is new on the ledger after that; a
 * key is opened when a record names it. */
#include "list_keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"
#include "contract/codes.h"
#include "record/format.h"
#include "replica/ask.h"

struct list_key_entry {
	emr_id32 id, writer;
	emr_id16 domain, object;
	uint64_t version;
	uint32_t epoch;
	bool is_closed; /* its bytes do not open */
	emr_list_key *key;
};

struct list_key_domain {
	emr_id16 id;
};

void list_keys_free(list_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++)
		emr_list_key_free(keys->all[i].key);
	free(keys->all);
	free(keys->domains);
	index16_free(&keys->by_id);
	*keys = (list_keys){0};
}

static list_key_entry *find_key(const list_keys *keys, emr_id16 domain, emr_id32 id)
{
	uint32_t at = index16_get(&keys->by_id, EMR_ID16_AT(id.b));
	list_key_entry *e = at != INDEX16_NONE ? &keys->all[at] : NULL;

	return e != NULL && emr_id32_equal(e->id, id) && emr_id16_equal(e->domain, domain) ? e
											   : NULL;
}

static emr_status add_key(list_keys *keys, const list_key_entry *entry)
{
	if (index16_get(&keys->by_id, EMR_ID16_AT(entry->id.b)) != INDEX16_NONE)
		return EMR_OK;
	if (emr_array_room(&keys->all, keys->count, &keys->cap, sizeof *keys->all) != EMR_OK)
		return EMR_NO_MEMORY;
	EMR_TRY(index16_put(&keys->by_id, EMR_ID16_AT(entry->id.b), (uint32_t)keys->count));
	keys->all[keys->count++] = *entry;
	return EMR_OK;
}

/* ---- looking through the ledger ---- */

static bool knows_domain(const list_keys *keys, emr_id16 domain)
{
	for (size_t i = 0; i < keys->ndomains; i++)
		if (emr_id16_equal(keys->domains[i].id, domain))
			return true;
	return false;
}

static emr_status add_item(
	list_keys *keys, emr_id16 domain, emr_id16 object, const emr_replica_item *item)
{
	const list_key_entry entry = {.id = item->item_id,
		.writer = item->signer_id,
		.domain = domain,
		.object = object,
		.version = item->version,
		.epoch = item->epoch};

	return add_key(keys, &entry);
}

static emr_status look_at_domain(list_keys *keys, emr_replica *replica, emr_id16 domain)
{
	list_key_domain *grown = realloc(keys->domains, (keys->ndomains + 1) * sizeof *grown);
	emr_named_object row;
	emr_replica_item item;

	if (grown == NULL)
		return EMR_NO_MEMORY;
	keys->domains = grown;
	EMR_ASK(rows, replica, OBJECTS, .family = EMR_FAMILY_LISTKEY, .domain = domain);
	while (emr_next(&rows, &row)) {
		EMR_ASK(items, replica, HISTORY, .family = EMR_FAMILY_LISTKEY, .domain = domain,
			.object = row.object);
		while (emr_next(&items, &item))
			EMR_TRY(add_item(keys, domain, row.object, &item));
		EMR_TRY(items.status);
	}
	EMR_TRY(rows.status);
	keys->domains[keys->ndomains++].id = domain;
	return EMR_OK;
}

static emr_status look_at_new(list_keys *keys, emr_replica *replica)
{
	EMR_AUTO_BUF bytes = {0};
	emr_replica_change change;
	emr_replica_item item;

	EMR_ASK(asked, replica, SINCE, .at = keys->looked_to);
	while (emr_next(&asked, &change)) {
		const emr_part_key at = {.domain = change.domain,
			.object = change.object,
			.version = change.version,
			.family = EMR_FAMILY_LISTKEY};

		if (change.op != EMR_OP_LISTKEY || change.result != EMR_RESULT_APPLIED ||
			!knows_domain(keys, change.domain))
			continue;
		EMR_TRY(emr_replica_item_get(replica, &at, &bytes, &item));
		EMR_TRY(add_item(keys, change.domain, change.object, &item));
	}
	return asked.status;
}

/* The domains that were looked through stay so: of a ledger that grew, its new entries are read. */
static emr_status look_for_keys(list_keys *keys, emr_replica *replica, emr_id16 domain)
{
	emr_replica_position at;

	EMR_TRY(emr_replica_at(replica, &at));
	if (keys->ndomains > 0 && at.size > keys->looked_to)
		EMR_TRY(look_at_new(keys, replica));
	if (!knows_domain(keys, domain))
		EMR_TRY(look_at_domain(keys, replica, domain));
	keys->looked_to = at.size;
	return EMR_OK;
}

/* ---- opening ---- */

static emr_status open_entry(list_key_entry *e, const emr_keyring *keyring, emr_replica *replica)
{
	emr_part_key at = {.domain = e->domain,
		.object = e->object,
		.version = e->version,
		.family = EMR_FAMILY_LISTKEY};
	EMR_AUTO_BUF bytes = {0};
	emr_listkey_part part;
	emr_status status = emr_replica_part(replica, &at, &bytes);

	if (status == EMR_NOT_FOUND || status == EMR_DAMAGED)
		return EMR_MISSING_DATA;
	if (status != EMR_OK)
		return status;
	status = emr_listkey_part_decode(emr_buf_view(&bytes), &part);
	if (status == EMR_OK)
		status = emr_list_key_open(keyring, e->domain, e->epoch, e->writer, part.capsule,
			part.kcheck, &e->key);
	if (status == EMR_DAMAGED || status == EMR_INVALID || status == EMR_LIMIT) {
		emr_log(EMR_LOG_WARN, "a listing key could not be opened: %s",
			emr_status_text(status));
		e->is_closed = true;
		return EMR_NOT_FOUND;
	}
	return status;
}

emr_status list_keys_get(list_keys *keys, const emr_keyring *keyring, emr_replica *replica,
	emr_id16 domain, emr_id32 id, const emr_list_key **out_key)
{
	list_key_entry *e = find_key(keys, domain, id);
	emr_status status = EMR_OK;

	if (e == NULL) {
		status = look_for_keys(keys, replica, domain);
		e = find_key(keys, domain, id);
	}
	if (status == EMR_DAMAGED || status == EMR_NOT_FOUND)
		return EMR_MISSING_DATA;
	if (status == EMR_OK && (e == NULL || e->is_closed))
		return EMR_NOT_FOUND;
	if (status == EMR_OK && e->key == NULL)
		status = open_entry(e, keyring, replica);
	if (status == EMR_OK)
		*out_key = e->key;
	return status;
}
