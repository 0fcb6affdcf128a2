/* Entries are read again and again. This file keeps the last ones opened, with their operations,
 * so that reading many records does not parse the same entry each time. */
#include "opened_private.h"

#include <stdlib.h>
#include <string.h>

#include "ledger/hash.h"

#define LARGE 4096 /* bytes of items: less is read as quickly as it is found here */

void opened_free(opened **o)
{
	if (*o == NULL)
		return;
	emr_buf_free(&(*o)->of.bytes);
	emr_buf_free(&(*o)->of.items);
	free(*o);
}

emr_status open_entry(emr_chain *chain, uint64_t seq, opened *o)
{
	EMR_TRY(emr_chain_open_entry(chain, seq, false, &o->of));
	emr_batch_id(o->of.entry.header, o->batch_id.b);
	return EMR_OK;
}

/* ---- those that are kept ---- */

/* ENTRY: the header names its items by their root, so the same header has the same items.  NULL:
 * only what was read or compared in SNAPSHOT, in which nothing changes. */
static opened *find_opened(
	emr_replica *replica, uint64_t seq, uint64_t snapshot, const emr_buf *entry)
{
	opened *found = NULL;
	EMR_LOCKED(&replica->entries_lock);

	for (size_t i = 0; i < ENTRIES_KEPT && found == NULL; i++) {
		opened *o = replica->entries[i];

		if (o == NULL || o->of.entry.seq != seq)
			continue;
		if (entry == NULL
				? o->read_in != snapshot
				: !emr_bytes_equal(emr_buf_view(&o->of.bytes), emr_buf_view(entry)))
			continue;
		found = o;
		found->read_in = snapshot;
		found->lent++;
		/* the last used is the first */
		memmove(&replica->entries[1], &replica->entries[0], i * sizeof(opened *));
		replica->entries[0] = found;
	}
	return found;
}

/* In the place of the one that was not used for longest, if nobody has that now. */
static void keep(emr_replica *replica, opened *o)
{
	opened *old;
	EMR_LOCKED(&replica->entries_lock);

	old = replica->entries[ENTRIES_KEPT - 1];
	if (old == NULL || old->lent == 0) {
		memmove(&replica->entries[1], &replica->entries[0],
			(ENTRIES_KEPT - 1) * sizeof(opened *));
		replica->entries[0] = o;
		o->is_kept = true;
		opened_free(&old);
	}
}

emr_status replica_lend(
	emr_replica *replica, emr_chain *chain, uint64_t seq, uint64_t snapshot, const opened **out)
{
	EMR_AUTO_BUF entry = {0};
	opened *o = snapshot != 0 ? find_opened(replica, seq, snapshot, NULL) : NULL;
	emr_status status;

	if (o == NULL) {
		EMR_TRY(emr_required(emr_chain_entry(chain, seq, &entry, NULL)));
		o = find_opened(replica, seq, snapshot, &entry);
	}
	if (o == NULL) {
		o = calloc(1, sizeof *o);
		if (o == NULL)
			return EMR_NO_MEMORY;
		status = open_entry(chain, seq, o);
		if (status != EMR_OK) {
			opened_free(&o);
			return status;
		}
		o->lent = 1;
		o->read_in = snapshot;
		if (o->of.items.len >= LARGE)
			keep(replica, o);
	}
	*out = o;
	return EMR_OK;
}

void replica_return(emr_replica *replica, const opened *lent)
{
	opened *o = (opened *)(uintptr_t)lent;
	bool is_last;

	if (o == NULL)
		return;
	(void)pthread_mutex_lock(&replica->entries_lock);
	o->lent--;
	is_last = !o->is_kept && o->lent == 0;
	(void)pthread_mutex_unlock(&replica->entries_lock);
	if (is_last)
		opened_free(&o);
}

void replica_forget_entries(emr_replica *replica)
{
	EMR_LOCKED(&replica->entries_lock);

	for (size_t i = 0; i < ENTRIES_KEPT; i++) {
		opened *o = replica->entries[i];

		replica->entries[i] = NULL;
		if (o != NULL && o->lent > 0)
			o->is_kept = false; /* it goes when it comes back */
		else
			opened_free(&o);
	}
}
