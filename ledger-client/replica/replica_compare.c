/* This file looks for rotten bytes: it compares the ledger's entries and private parts against
 * those that were verified here, a portion at a time. It names its findings; replica_mend.c puts
 * them right. */
#include "follow_private.h"

#include <stdio.h>
#include <stdlib.h>

#include "ledger/backend.h"

typedef struct comparing {
	emr_replica *replica;
	emr_chain *own;
	bool may_lack; /* parts come later than their entries */
	uint64_t seq;  /* of the entry at work */
	emr_ledger_trouble *trouble;
	emr_entry parsed;
	emr_batch batch;
	emr_buf entry, items, part; /* of the local copy */
	size_t n;
	uint16_t index[EMR_BATCH_COUNT_MAX]; /* of the items whose parts are looked at */
	emr_part_key keys[EMR_BATCH_COUNT_MAX];
} comparing;

static void comparing_free(comparing **c)
{
	if (*c == NULL)
		return;
	emr_buf_free(&(*c)->entry);
	emr_buf_free(&(*c)->items);
	emr_buf_free(&(*c)->part);
	free(*c);
}

static emr_status found(comparing *c, const char *cause)
{
	return give_trouble(c->trouble, EMR_DAMAGED, c->seq, cause);
}

static emr_status found_own(comparing *c, const char *what)
{
	char cause[sizeof c->trouble->cause];

	(void)snprintf(cause, sizeof cause, "this computer's own copy: %s", what);
	return found(c, cause);
}

/* ---- private parts ---- */

/* One that the ledger gives, or does not give, beside ours. */
static emr_status compare_part(void *arg, size_t i, emr_bytes part)
{
	comparing *c = arg;
	emr_item item;
	emr_span pub;
	uint8_t hash[32];
	emr_status own = emr_chain_part(c->own, &c->keys[i], &c->part);

	emr_batch_item_at(&c->batch, c->index[i], &item, &pub);
	if (part.data != NULL) {
		emr_item_priv_hash(span_of(part), hash);
		if (part.len != item.priv_len || memcmp(hash, item.priv_hash, 32) != 0)
			return found(c, "a private part is damaged");
	} else if (own == EMR_OK && !c->may_lack) {
		return found(c, "a private part is missing");
	}
	/* It has come since, and is taken in by who follows. */
	if (own == EMR_MISSING_DATA && c->may_lack)
		return EMR_OK;
	if (own == EMR_DAMAGED || (own == EMR_MISSING_DATA && part.data != NULL))
		return found_own(c, "a private part is damaged");
	if (own == EMR_OK) {
		emr_item_priv_hash(span_of(emr_buf_view(&c->part)), hash);
		if (memcmp(hash, item.priv_hash, 32) != 0)
			return found_own(c, "a private part is damaged");
	}
	return own == EMR_OK || own == EMR_NOT_FOUND || own == EMR_MISSING_DATA ? EMR_OK : own;
}

/* Parts that another item's hash stands for are looked at with that item. */
static void choose_parts(comparing *c)
{
	c->n = 0;
	for (uint16_t i = 0; i < c->batch.count; i++) {
		emr_item item;
		emr_span pub;

		emr_batch_item_at(&c->batch, i, &item, &pub);
		if (c->parsed.results.data[i] != EMR_RESULT_APPLIED || item.priv_len == 0 ||
			item.op == EMR_OP_RESTORE_PART)
			continue;
		c->index[c->n] = i;
		memcpy(c->keys[c->n].domain.b, item.domain_id, 16);
		memcpy(c->keys[c->n].object.b, item.object_id, 16);
		c->keys[c->n].family = emr_chain_family(&item, pub);
		c->keys[c->n].version = item.version;
		c->n++;
	}
}

/* ---- entries ---- */

static emr_status compare_leaf(comparing *c)
{
	uint8_t leaf[32], node[32];
	emr_status status = emr_chain_leaf(c->own, c->seq, node);

	if (status == EMR_NOT_FOUND || status == EMR_DAMAGED)
		return found_own(c, "a hash of the tree");
	emr_entry_leaf(span_of(emr_buf_view(&c->entry)), leaf);
	if (status == EMR_OK && memcmp(leaf, node, sizeof leaf) != 0)
		return found_own(c, "an entry does not fit its tree");
	return status;
}

static emr_status compare_entry(void *arg, const emr_ledger_entry *entry)
{
	comparing *c = arg;
	emr_status status;

	c->seq = entry->seq;
	status = emr_chain_entry(c->own, c->seq, &c->entry, &c->items);
	if (status == EMR_NOT_FOUND || status == EMR_DAMAGED)
		return found_own(c, "an entry cannot be read");
	if (status == EMR_OK)
		status = compare_leaf(c);
	if (status != EMR_OK)
		return status;
	if (!emr_bytes_equal(emr_buf_view(&c->entry), entry->entry) ||
		!emr_bytes_equal(emr_buf_view(&c->items), entry->items))
		return found(c, "the entry is not the one that this computer has verified");
	if (c->seq == 0)
		return EMR_OK;
	/* Both say the same; an own copy whose items rotted would differ from the root that was
	 * signed. */
	if (!emr_entry_open(entry->entry, entry->items, &c->parsed, &c->batch))
		return found(c, "its items cannot be read");
	choose_parts(c);
	return c->n > 0 ? emr_ledger_fetch(c->replica->ledger, c->keys, c->n, compare_part, c)
			: EMR_OK;
}

/* The ledger has so many at least, unless it is damaged at that place. */
static emr_status compare_run(comparing *c, uint64_t from, size_t max, size_t *out_n)
{
	emr_status status =
		emr_ledger_entries(c->replica->ledger, from, max, compare_entry, c, out_n);

	if ((status == EMR_DAMAGED && c->trouble->status == EMR_OK) ||
		(status == EMR_OK && *out_n < max)) {
		c->seq = from + *out_n;
		return found(c, "the entry cannot be read");
	}
	return status;
}

emr_status emr_replica_compare(
	emr_replica *replica, size_t max, uint64_t *io_at, emr_replica_trouble *out_trouble)
{
	__attribute__((cleanup(comparing_free))) comparing *c = calloc(1, sizeof *c);
	emr_ledger_trouble trouble = {.status = EMR_OK};
	uint64_t size = 0;
	size_t n = 0;
	emr_status status;

	EMR_TRY(c ? replica_take(replica, &c->own) : EMR_NO_MEMORY);
	c->replica = replica;
	c->may_lack = emr_ledger_brings_parts_later(replica->ledger);
	c->trouble = &trouble;
	status = emr_chain_size(c->own, &size);
	if (status == EMR_OK && *io_at >= size)
		*io_at = 0;
	if (status == EMR_OK && max > size - *io_at)
		max = (size_t)(size - *io_at);
	if (status == EMR_OK && max > 0)
		status = compare_run(c, *io_at, max, &n);
	replica_give(replica, c->own);
	if (status == EMR_OK)
		*io_at = *io_at + n < size ? *io_at + n : 0;
	*out_trouble = trouble;
	return status;
}

/* ---- what follows from the entries ---- */

void emr_replica_derive_end(struct emr_chain **io_made)
{
	emr_chain_close(*io_made);
	*io_made = NULL;
}

static emr_status name_own(emr_ledger_trouble *out, emr_status status)
{
	const emr_ledger_trouble found = *out;
	char cause[sizeof out->cause];

	if (status != EMR_DAMAGED)
		return status;
	(void)snprintf(cause, sizeof cause, "this computer's own copy: %.90s",
		found.status != EMR_OK ? found.cause : "an entry cannot be read");
	return give_trouble(out, EMR_DAMAGED, found.seq, cause);
}

static emr_status derive_some(
	emr_chain *own, size_t max, emr_chain *made, emr_ledger_trouble *out, bool *out_is_end)
{
	EMR_AUTO_BUF descriptor = {0};
	uint64_t size = 0, at = 0;

	EMR_TRY(emr_chain_size(own, &size));
	EMR_TRY(emr_chain_size(made, &at));
	if (at > size) /* the ledger's newest entries are in it, and this copy has to follow */
		return EMR_BUSY;
	*out_is_end = size <= at + max;
	if (size == 0)
		return EMR_OK;
	EMR_TRY(emr_chain_descriptor(own, &descriptor));
	EMR_TRY(emr_chain_unite(
		own, NULL, emr_buf_view(&descriptor), *out_is_end ? size : at + max, made, out));
	return *out_is_end ? emr_chain_compare_rows(made, own, out) : EMR_OK;
}

emr_status emr_replica_derive(emr_replica *replica, size_t max, struct emr_chain **io_made,
	bool *out_is_end, emr_replica_trouble *out_trouble)
{
	emr_ledger_trouble trouble = {.status = EMR_OK};
	emr_chain *own = NULL;
	bool is_end = false;
	emr_status status = *io_made != NULL ? EMR_OK : emr_chain_open_temporary(io_made);

	if (status == EMR_OK)
		status = replica_take(replica, &own);
	if (status == EMR_OK)
		status = emr_chain_begin_read(own);
	if (status == EMR_OK)
		status = name_own(&trouble, derive_some(own, max, *io_made, &trouble, &is_end));
	if (own != NULL) {
		emr_chain_rollback(own);
		replica_give(replica, own);
	}
	if (status == EMR_OK && is_end) {
		status = emr_ledger_compare(replica->ledger, *io_made, &trouble);
		if (status == EMR_UNSUPPORTED)
			status = EMR_OK;
	}
	*out_is_end = is_end && status == EMR_OK;
	/* Another process, or a ledger that is away, leaves the chain as it is for the moment.
	 * Everything else gives the room back that it takes, and it begins again. */
	if (*out_is_end || (status != EMR_OK && status != EMR_BUSY && status != EMR_INTERRUPTED &&
				   !emr_status_is_away(status)))
		emr_replica_derive_end(io_made);
	*out_trouble = trouble;
	return status;
}

/* ---- what is gone ---- */

typedef struct counting {
	uint64_t n, first;
} counting;

static emr_status count_missing(void *arg, const emr_part_key *key, uint64_t seq)
{
	counting *c = arg;

	(void)key;
	if (c->n++ == 0 || seq < c->first)
		c->first = seq;
	return EMR_OK;
}

emr_status emr_replica_missing(emr_replica *replica, uint64_t *out_n, uint64_t *out_first)
{
	counting c = {.n = 0};
	READING(r, replica);
	emr_status status;

	EMR_TRY(replica_take(replica, &r.chain));
	status = emr_chain_each_missing(r.chain, count_missing, &c);
	*out_n = c.n;
	*out_first = c.first;
	return status;
}
