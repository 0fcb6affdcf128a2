/* Rows of listing keys are read once for each domain, and what is new on the ledger after that; a
 * key is opened when a record names it. */
#include "list_keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"
#include "contract/codes.h"
#include "contract/rows.h"
#include "record/format.h"

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

typedef struct looking {
	list_keys *keys;
	emr_replica *replica;
	list_key_entry entry; /* what the row says of every item of it */
} looking;

static bool knows_domain(const list_keys *keys, emr_id16 domain)
{
	for (size_t i = 0; i < keys->ndomains; i++)
		if (emr_id16_equal(keys->domains[i].id, domain))
			return true;
	return false;
}

static emr_status look_at_item(void *arg, const emr_replica_item *item)
{
	looking *l = arg;

	l->entry.id = item->item_id;
	l->entry.version = item->version;
	l->entry.epoch = item->epoch;
	l->entry.writer = item->signer_id;
	return add_key(l->keys, &l->entry);
}

static emr_status look_at_row(void *arg, const char *key, emr_bytes bytes)
{
	looking *l = arg;
	const char *object = strrchr(key, '/');

	(void)bytes;
	if (object == NULL ||
		emr_unhex(object + 1, l->entry.object.b, sizeof l->entry.object.b) != EMR_OK)
		return EMR_DAMAGED;
	return emr_replica_history(
		l->replica, EMR_FAMILY_LISTKEY, l->entry.domain, l->entry.object, look_at_item, l);
}

static emr_status look_at_domain(list_keys *keys, emr_replica *replica, emr_id16 domain)
{
	static const uint8_t no_object[16];
	looking l = {.keys = keys, .replica = replica, .entry = {.domain = domain}};
	list_key_domain *grown = realloc(keys->domains, (keys->ndomains + 1) * sizeof *grown);
	emr_key_text prefix;

	if (grown == NULL)
		return EMR_NO_MEMORY;
	keys->domains = grown;
	emr_key_listkey(domain.b, no_object, &prefix);
	strrchr(prefix.text, '/')[1] = 0;
	EMR_TRY(emr_replica_each_row(replica, prefix.text, look_at_row, &l));
	keys->domains[keys->ndomains++].id = domain;
	return EMR_OK;
}

static emr_status look_at_change(void *arg, const emr_replica_change *change)
{
	looking *l = arg;
	emr_part_key at = {.domain = change->domain,
		.object = change->object,
		.version = change->version,
		.family = EMR_FAMILY_LISTKEY};
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;
	emr_status status;

	if (change->op != EMR_OP_LISTKEY || change->result != EMR_RESULT_APPLIED ||
		!knows_domain(l->keys, change->domain))
		return EMR_OK;
	status = emr_replica_item_get(l->replica, &at, &bytes, &item);
	l->entry.domain = change->domain;
	l->entry.object = change->object;
	return status == EMR_OK ? look_at_item(l, &item) : status;
}

/* The domains that were looked through stay so: of a ledger that grew, its new entries are read. */
static emr_status look_for_keys(list_keys *keys, emr_replica *replica, emr_id16 domain)
{
	looking l = {.keys = keys, .replica = replica};
	emr_replica_position at;

	EMR_TRY(emr_replica_at(replica, &at));
	if (keys->ndomains > 0 && at.size > keys->looked_to)
		EMR_TRY(emr_replica_since(replica, keys->looked_to, look_at_change, &l));
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
