/* This keeps the listing keys of a ledger that were opened: each is tried once, whatever it is, so
 * an attacker who publishes many that do not open costs one look at each. */
#pragma once

#include "keyring/content.h"
#include "replica/replica.h"

#include "index16.h"

typedef struct list_key_entry list_key_entry;

/* Of one ledger.  Zeroed memory is an empty one; the caller's lock protects it. */
typedef struct list_keys {
	list_key_entry *all; /* never removed */
	size_t count, cap;
	index16 by_id;
} list_keys;

/* The key that ID, an item of DOMAIN, published; borrowed, and stays where it is until
 * list_keys_free.  EMR_NOT_FOUND: the ledger has none of this id, or its bytes are here and do not
 * open, which is so for ever.  EMR_MISSING_DATA: its bytes are not here (erased, or damaged), or
 * the copy of the ledger is damaged; asked again it is looked for again. */
emr_status list_keys_get(list_keys *keys, const emr_keyring *keyring, emr_replica *replica,
	emr_id16 domain, emr_id32 id, const emr_list_key **out_key);
void list_keys_free(list_keys *keys);
