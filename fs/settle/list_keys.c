/* A record names its listing key by the item that published it. This file asks for that item and
 * opens the key, once for each. */
#include "list_keys.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/log.h"
#include "contract/codes.h"
#include "record/format.h"
#include "replica/ask.h"

struct list_key_entry {
	emr_id32 id;
	emr_id16 domain;
	emr_list_key *key; /* NULL: its bytes do not open */
};

void list_keys_free(list_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++)
		emr_list_key_free(keys->all[i].key);
	free(keys->all);
	index16_free(&keys->by_id);
	*keys = (list_keys){0};
}

/* EMR_NOT_FOUND, EMR_MISSING_DATA: nothing is known of it that stays so. */
static emr_status open_key(list_key_entry *e, const emr_keyring *keyring, emr_replica *replica)
{
	EMR_AUTO_BUF bytes = {0};
	emr_replica_listing at;
	emr_listkey_part part;
	emr_part_key where;
	emr_status status;

	EMR_ASK(asked, replica, ITEM, .item = e->id);
	if (!emr_next(&asked, &at) || at.item.op != EMR_OP_LISTKEY ||
		!emr_id16_equal(at.domain, e->domain))
		return asked.status == EMR_DAMAGED ? EMR_MISSING_DATA
		       : asked.status == EMR_OK	   ? EMR_NOT_FOUND
						   : asked.status;
	where = (emr_part_key){.domain = at.domain,
		.object = at.object,
		.version = at.item.version,
		.family = EMR_FAMILY_LISTKEY};
	status = emr_replica_part(replica, &where, &bytes);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND || status == EMR_DAMAGED ? EMR_MISSING_DATA : status;
	status = emr_listkey_part_decode(emr_buf_view(&bytes), &part);
	if (status == EMR_OK)
		status = emr_list_key_open(keyring, e->domain, at.item.epoch, at.item.signer_id,
			part.capsule, part.kcheck, &e->key);
	if (status != EMR_DAMAGED && status != EMR_INVALID && status != EMR_LIMIT)
		return status;
	emr_log(EMR_LOG_WARN, "a listing key could not be opened: %s", emr_status_text(status));
	return EMR_OK; /* it stays so */
}

emr_status list_keys_get(list_keys *keys, const emr_keyring *keyring, emr_replica *replica,
	emr_id16 domain, emr_id32 id, const emr_list_key **out_key)
{
	uint32_t at = index16_get(&keys->by_id, EMR_ID16_AT(id.b));
	list_key_entry *e;

	if (at == INDEX16_NONE) {
		at = (uint32_t)keys->count;
		EMR_TRY(emr_array_room(&keys->all, keys->count, &keys->cap, sizeof *keys->all));
		keys->all[at] = (list_key_entry){.id = id, .domain = domain};
		EMR_TRY(open_key(&keys->all[at], keyring, replica));
		keys->count++;
		EMR_TRY(index16_put(&keys->by_id, EMR_ID16_AT(id.b), at));
	}
	e = &keys->all[at];
	if (e->key == NULL || !emr_id32_equal(e->id, id) || !emr_id16_equal(e->domain, domain))
		return EMR_NOT_FOUND;
	*out_key = e->key;
	return EMR_OK;
}
