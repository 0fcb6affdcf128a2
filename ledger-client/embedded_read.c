/* This file reads the embedded ledger: entries, private parts, hashes of subtrees. It holds no
 * lock while the caller works with what was read. */
#include "embedded_private.h"

#include <stdlib.h>

#include "ledger/network.h"

#define WALK_ENTRIES 64u /* copied at once, so that no lock is held while they are given away */

/* read_lock held.  Where the disk takes nothing of this mount alone, others write, and this one can
 * hold no lock: the reader is opened again before it reads what was written since. */
static emr_status embedded_catch_up(embedded *e)
{
	emr_chain *again = NULL;

	if (!emr_chain_is_overtaken(e->reader))
		return EMR_OK;
	EMR_TRY(emr_chain_open(
		e->dirfd, EMR_NETWORK_LEDGER, EMR_CHAIN_SHARED, false, EMBEDDED_BUSY_MS, &again));
	emr_chain_close(e->reader);
	e->reader = again;
	return EMR_OK;
}

emr_status embedded_size(void *self, uint64_t *out_size)
{
	embedded *e = self;
	EMR_LOCKED(&e->read_lock);

	EMR_TRY(embedded_check_recovery(e));
	EMR_TRY(emr_chain_in_place(e->reader));
	EMR_TRY(embedded_catch_up(e));
	return emr_chain_seen(e->reader, emr_chain_size(e->reader, out_size));
}

/* A copied run of entries, so that no lock is held while they are given away. */
typedef struct run {
	size_t n;
	emr_buf entries[WALK_ENTRIES];
	emr_buf items[WALK_ENTRIES];
} run;

static void run_free(run **r)
{
	if (*r == NULL)
		return;
	for (size_t i = 0; i < WALK_ENTRIES; i++) {
		emr_buf_free(&(*r)->entries[i]);
		emr_buf_free(&(*r)->items[i]);
	}
	free(*r);
}

/* At most MAX entries from FROM on; each for itself would lock the file again, which takes longer
 * than reading it. */
static emr_status read_some(const embedded *e, uint64_t from, size_t max, run *r)
{
	uint64_t size = 0;
	emr_status status = emr_chain_begin_read(e->reader);

	if (status == EMR_OK)
		status = emr_chain_size(e->reader, &size);
	for (; status == EMR_OK && r->n < max && from + r->n < size; r->n += status == EMR_OK)
		status = emr_chain_entry_in_tree(
			e->reader, from + r->n, &r->entries[r->n], &r->items[r->n]);
	emr_chain_rollback(e->reader);
	return status == EMR_NOT_FOUND ? EMR_DAMAGED : status;
}

/* Fills r->n with what could be read; the status says why there is no more. */
static emr_status read_run(embedded *e, uint64_t from, size_t max, run *r)
{
	emr_status status;
	EMR_LOCKED(&e->read_lock);

	r->n = 0;
	status = embedded_catch_up(e);
	if (status == EMR_OK)
		status = read_some(e, from, max < WALK_ENTRIES ? max : WALK_ENTRIES, r);
	status = emr_chain_seen(e->reader, status);
	if (status == EMR_OFFLINE)
		r->n = 0;
	return status;
}

emr_status embedded_entries(
	void *self, uint64_t from, size_t max, emr_ledger_entry_fn fn, void *arg, size_t *out_n)
{
	embedded *e = self;
	__attribute__((cleanup(run_free))) run *r = calloc(1, sizeof *r);
	emr_status status = EMR_OK;

	if (r == NULL)
		return EMR_NO_MEMORY;
	*out_n = 0;
	while (status == EMR_OK && *out_n < max) {
		emr_status given = EMR_OK;
		status = read_run(e, from, max - *out_n, r);
		if (r->n == 0)
			break;
		for (size_t i = 0; given == EMR_OK && i < r->n; i++) {
			emr_ledger_entry entry = {.seq = from++,
				.entry = emr_buf_view(&r->entries[i]),
				.items = emr_buf_view(&r->items[i])};
			given = fn(arg, &entry);
			*out_n += given == EMR_OK;
		}
		if (given != EMR_OK)
			return given;
	}
	return status;
}

emr_status embedded_fetch(
	void *self, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *arg)
{
	embedded *e = self;
	EMR_AUTO_BUF part = {0};
	emr_status status = EMR_OK;

	for (size_t i = 0; status == EMR_OK && i < n; i++) {
		bool is_there;
		{
			EMR_LOCKED(&e->read_lock);
			status = embedded_catch_up(e);
			if (status == EMR_OK)
				status = emr_chain_seen(
					e->reader, emr_chain_part(e->reader, &keys[i], &part));
		}
		/* Damaged bytes are given, too: the caller has the item that names their hash, and
		 * a message for it. */
		is_there = status == EMR_OK || status == EMR_DAMAGED;
		if (is_there || status == EMR_NOT_FOUND || status == EMR_MISSING_DATA)
			status = fn(arg, i, is_there ? emr_buf_view(&part) : (emr_bytes){0});
	}
	return status;
}

emr_status embedded_lacks(void *self, uint64_t from, emr_chain_lacking *out)
{
	embedded *e = self;

	if (!atomic_exchange(&e->has_index, true)) {
		EMR_LOCKED(&e->write_lock);
		emr_chain_make_lacking_index(e->writer);
	}
	EMR_LOCKED(&e->read_lock);
	EMR_TRY(embedded_catch_up(e));
	return emr_chain_seen(e->reader, emr_chain_lacks(e->reader, from, out));
}

emr_status embedded_find_item(void *self, emr_id32 item_id, uint64_t *out_seq, uint16_t *out_index)
{
	embedded *e = self;
	EMR_LOCKED(&e->read_lock);

	EMR_TRY(embedded_catch_up(e));
	return emr_chain_seen(
		e->reader, emr_chain_find_item(e->reader, item_id.b, out_seq, out_index));
}

emr_status embedded_subtree(void *self, uint32_t level, uint64_t index, uint8_t out_hash[32])
{
	embedded *e = self;
	EMR_LOCKED(&e->read_lock);

	EMR_TRY(embedded_catch_up(e));
	return emr_chain_seen(e->reader, emr_chain_subtree(e->reader, level, index, out_hash));
}

emr_status embedded_note(void *self, emr_buf *out_note)
{
	embedded *e = self;
	EMR_LOCKED(&e->read_lock);

	EMR_TRY(embedded_catch_up(e));
	return emr_chain_seen(e->reader, emr_chain_note(e->reader, out_note));
}
