/* This file is the handle through which all others use a ledger, whichever kind it is. It checks
 * arguments, makes proofs of inclusion, and keeps checkpoints. */
#include "ledger/ledger.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "contract/codes.h"
#include "contract/contract.h"
#include "ledger/backend.h"
#include "ledger/chain.h"
#include "ledger/checkpoint.h"

struct emr_ledger {
	const emr_ledger_backend *backend;
	void *self;
	emr_buf descriptor;
	emr_id16 net_id;
	atomic_bool is_distrusted;
	atomic_uint newer_rules; /* than are known here; 0: they are known */
};

emr_status emr_ledger_over(const emr_ledger_backend *backend, void *self, emr_bytes descriptor,
	emr_ledger **out_ledger)
{
	emr_ledger *ledger = calloc(1, sizeof *ledger);

	if (ledger == NULL ||
		emr_buf_append(&ledger->descriptor, descriptor.data, descriptor.len) != EMR_OK) {
		free(ledger);
		backend->close(self);
		return EMR_NO_MEMORY;
	}
	ledger->backend = backend;
	ledger->self = self;
	emr_descriptor_net_id(emr_span_of(descriptor), ledger->net_id.b);
	*out_ledger = ledger;
	return EMR_OK;
}

const emr_ledger_backend *emr_ledger_below(const emr_ledger *ledger, void **out_self)
{
	*out_self = ledger->self;
	return ledger->backend;
}

void emr_ledger_close(emr_ledger *ledger)
{
	if (ledger == NULL)
		return;
	ledger->backend->close(ledger->self);
	emr_buf_free(&ledger->descriptor);
	free(ledger);
}

emr_id16 emr_ledger_net_id(const emr_ledger *ledger)
{
	return ledger->net_id;
}

static bool is_of_channel(const emr_ledger *ledger)
{
	return emr_descriptor_host(emr_span_of(emr_buf_view(&ledger->descriptor))) ==
	       EMR_HOST_FABRIC;
}

const char *emr_ledger_kind(const emr_ledger *ledger)
{
	return is_of_channel(ledger) ? "fabric" : "embedded";
}

bool emr_ledger_brings_parts_later(const emr_ledger *ledger)
{
	return is_of_channel(ledger) || ledger->backend->lacks != NULL;
}

emr_status emr_ledger_lacks(emr_ledger *ledger, uint64_t from, struct emr_chain_lacking *out)
{
	return ledger->backend->lacks != NULL ? ledger->backend->lacks(ledger->self, from, out)
					      : EMR_UNSUPPORTED;
}

emr_status emr_ledger_give(emr_ledger *ledger, const emr_part_key *keys, const emr_bytes *parts,
	size_t n, size_t *out_n)
{
	return ledger->backend->give != NULL
		       ? ledger->backend->give(ledger->self, keys, parts, n, out_n)
		       : EMR_UNSUPPORTED;
}

emr_bytes emr_ledger_descriptor(const emr_ledger *ledger)
{
	return emr_buf_view(&ledger->descriptor);
}

emr_status emr_ledger_absence_of(emr_status cause)
{
	return cause == EMR_DAMAGED || cause == EMR_NEWER_FORMAT || cause == EMR_FORK ||
			       cause == EMR_ROLLBACK
		       ? cause
		       : EMR_OFFLINE;
}

const char *emr_ledger_fault_of(emr_status status)
{
	return emr_status_is_full(status)  ? EMR_LEDGER_FULL
	       : status == EMR_READ_ONLY   ? EMR_LEDGER_STILL
	       : status == EMR_IO	   ? "failed"
	       : status == EMR_NEWER_RULES ? "newer-rules"
					   : NULL;
}

void emr_ledger_look(emr_ledger *ledger, emr_ledger_absence *out_absence)
{
	*out_absence = (emr_ledger_absence){.status = EMR_OK};
	if (ledger->backend->look != NULL)
		ledger->backend->look(ledger->self, out_absence);
}

void emr_ledger_hurry(emr_ledger *ledger)
{
	if (ledger->backend->hurry != NULL)
		ledger->backend->hurry(ledger->self);
}

/* A batch that is refused for today is taken tomorrow: no answer, but a matter of time. */
static emr_status status_of_quota(const emr_ledger_answer *answer)
{
	return answer->refusal == EMR_RESULT_LETTERS_SPENT ? EMR_LETTERS_SPENT
	       : answer->refusal == EMR_RESULT_BYTES_SPENT ? EMR_BYTES_SPENT
							   : EMR_OK;
}

static emr_status may_send(const emr_ledger *ledger, emr_bytes batch)
{
	const unsigned newer = atomic_load(&ledger->newer_rules);

	if (atomic_load(&ledger->is_distrusted))
		return EMR_FORK;
	if (newer > 0)
		return emr_newer_rules(newer, emr_contract_newest());
	return batch.len > EMR_LEDGER_BATCH_MAX ? EMR_LIMIT : EMR_OK;
}

void emr_ledger_distrust(emr_ledger *ledger)
{
	atomic_store(&ledger->is_distrusted, true);
}

void emr_ledger_outgrows(emr_ledger *ledger, uint32_t rules)
{
	atomic_store(&ledger->newer_rules, rules);
}

emr_status emr_ledger_submit(emr_ledger *ledger, emr_bytes batch, emr_ledger_answer *out_answer)
{
	EMR_TRY(may_send(ledger, batch));
	EMR_TRY(ledger->backend->submit(ledger->self, batch, out_answer));
	return status_of_quota(out_answer);
}

emr_status emr_ledger_renew(emr_ledger *ledger, emr_keyring *keyring, emr_bytes certificate,
	emr_bytes batch, emr_ledger_answer *out_answer)
{
	EMR_TRY(may_send(ledger, batch));
	EMR_TRY(ledger->backend->submit(ledger->self, batch, out_answer));
	/* The first operation was taken, or was there. */
	if (out_answer->refusal == 0 && out_answer->n_results > 0 &&
		out_answer->results[0] <= EMR_RESULT_ALREADY)
		EMR_TRY(emr_keyring_tlv_set(keyring, EMR_KEYRING_CERTIFICATE, certificate));
	return status_of_quota(out_answer);
}

emr_status emr_ledger_size(emr_ledger *ledger, uint64_t *out_size)
{
	return ledger->backend->size(ledger->self, out_size);
}

emr_status emr_ledger_entries(emr_ledger *ledger, uint64_t from, size_t max, emr_ledger_entry_fn fn,
	void *arg, size_t *out_n)
{
	*out_n = 0;
	return ledger->backend->entries(ledger->self, from, max, fn, arg, out_n);
}

emr_status emr_ledger_fetch(
	emr_ledger *ledger, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *arg)
{
	return ledger->backend->fetch(ledger->self, keys, n, fn, arg);
}

emr_status emr_ledger_fetch_for(
	void *ledger, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *arg)
{
	return emr_ledger_fetch(ledger, keys, n, fn, arg);
}

emr_status emr_ledger_find_item(
	emr_ledger *ledger, emr_id32 item_id, uint64_t *out_seq, uint16_t *out_index)
{
	return ledger->backend->find_item(ledger->self, item_id, out_seq, out_index);
}

emr_status emr_ledger_wait(emr_ledger *ledger, uint64_t since, int timeout_ms, uint64_t *out_size)
{
	return ledger->backend->wait(ledger->self, since, timeout_ms, out_size);
}

void emr_ledger_wake(emr_ledger *ledger)
{
	ledger->backend->wake(ledger->self);
}

void emr_ledger_stop(emr_ledger *ledger)
{
	if (ledger->backend->stop != NULL)
		ledger->backend->stop(ledger->self);
	emr_ledger_wake(ledger);
}

emr_status emr_ledger_head(emr_ledger *ledger, emr_buf *out_note)
{
	return ledger->backend->head != NULL ? ledger->backend->head(ledger->self, out_note)
					     : EMR_UNSUPPORTED;
}

emr_status emr_ledger_knows(emr_ledger *ledger, const emr_checkpoint *head)
{
	return ledger->backend->knows != NULL ? ledger->backend->knows(ledger->self, head)
					      : EMR_UNSUPPORTED;
}

emr_status emr_ledger_ask(emr_ledger *ledger, const char *what, emr_bytes body, emr_buf *out)
{
	return ledger->backend->ask != NULL ? ledger->backend->ask(ledger->self, what, body, out)
					    : EMR_UNSUPPORTED;
}

emr_status emr_ledger_stand_in(emr_ledger *ledger, emr_ledger_standing *io)
{
	return ledger->backend->stand_in != NULL ? ledger->backend->stand_in(ledger->self, io)
						 : EMR_UNSUPPORTED;
}

emr_status emr_ledger_verify(emr_ledger *ledger, emr_ledger_trouble *out_trouble)
{
	emr_status status;

	*out_trouble = (emr_ledger_trouble){.status = EMR_OK};
	status = ledger->backend->verify(ledger->self, out_trouble);
	if (status != EMR_OK && out_trouble->status == EMR_OK)
		out_trouble->status = status;
	return status;
}

emr_status emr_embedded_take(emr_ledger *ledger, emr_id32 submitter, const uint8_t submit_sig[64],
	emr_bytes batch, emr_ledger_answer *out_answer)
{
	if (ledger->backend->take == NULL)
		return EMR_UNSUPPORTED;
	EMR_TRY(batch.len > EMR_LEDGER_BATCH_MAX ? EMR_LIMIT
						 : ledger->backend->take(ledger->self, submitter,
							   submit_sig, batch, out_answer));
	return status_of_quota(out_answer);
}

emr_status emr_ledger_mend(emr_ledger *ledger, struct emr_chain *own, uint64_t size,
	const uint8_t root[32], emr_ledger_trouble *out_trouble, bool *out_was_damaged)
{
	*out_was_damaged = false;
	return ledger->backend->mend == NULL ? EMR_UNSUPPORTED
					     : ledger->backend->mend(ledger->self, own, size, root,
						       out_trouble, out_was_damaged);
}

/* ---- tree ---- */

typedef struct source {
	emr_ledger *ledger;
	emr_status status; /* why the last node was not given */
} source;

static bool node_of(void *user, unsigned level, uint64_t index, uint8_t out[32])
{
	source *s = user;

	s->status = s->ledger->backend->subtree(s->ledger->self, level, index, out);
	return s->status == EMR_OK;
}

static emr_status check_size(emr_ledger *ledger, uint64_t size)
{
	uint64_t now;

	EMR_TRY(emr_ledger_size(ledger, &now));
	return size == 0 || size > now ? EMR_INVALID : EMR_OK;
}

/* Why a proof below a checked size could not be made: a node is missing that must exist, or could
 * not be read. */
static emr_status tree_status(const source *s)
{
	return s->status == EMR_OK || s->status == EMR_NOT_FOUND ? EMR_DAMAGED : s->status;
}

emr_status emr_ledger_root(emr_ledger *ledger, uint64_t size, uint8_t out_root[32])
{
	source s = {.ledger = ledger};
	emr_merkle_frontier frontier = {0};
	uint8_t hash[32];

	EMR_TRY(check_size(ledger, size));
	for (unsigned level = 63; level-- > 0;) {
		if ((size >> level & 1) == 0)
			continue;
		if (!node_of(&s, level, frontier.size >> level, hash) ||
			!emr_merkle_append_subtree(&frontier, level, hash))
			return tree_status(&s);
	}
	emr_merkle_frontier_root(&frontier, out_root);
	return EMR_OK;
}

emr_status emr_ledger_inclusion(
	emr_ledger *ledger, uint64_t seq, uint64_t size, emr_ledger_path *out_path)
{
	source s = {.ledger = ledger};
	emr_ledger_path path;

	EMR_TRY(check_size(ledger, size));
	if (seq >= size)
		return EMR_INVALID;
	if (!emr_merkle_inclusion(node_of, &s, seq, size, path.hashes, &path.n))
		return tree_status(&s);
	*out_path = path;
	return EMR_OK;
}

/* ---- proof of one item ---- */

void emr_ledger_proof_free(emr_ledger_proof *proof)
{
	emr_buf_free(&proof->item);
	emr_buf_free(&proof->entry);
	*proof = (emr_ledger_proof){0};
}

static emr_status prove_item(void *arg, const emr_ledger_entry *entry)
{
	emr_ledger_proof *proof = arg;
	EMR_AUTO_FREE emr_batch *batch = malloc(sizeof *batch);
	EMR_AUTO_FREE emr_merkle_hash *leaves = NULL;
	emr_entry parsed;
	emr_status status;

	if (batch == NULL)
		return EMR_NO_MEMORY;
	if (entry->seq != proof->seq)
		return EMR_NOT_FOUND;
	if (!emr_entry_open(entry->entry, entry->items, &parsed, batch))
		return EMR_DAMAGED;
	if (proof->index >= batch->count)
		return EMR_INVALID;
	leaves = calloc(batch->count, sizeof *leaves);
	if (leaves == NULL)
		return EMR_NO_MEMORY;
	for (size_t i = 0; i < batch->count; i++)
		emr_entry_leaf(batch->items[i].bytes, leaves[i].b);
	if (!emr_merkle_inclusion_of(leaves, batch->count, proof->index, proof->item_path.hashes,
		    &proof->item_path.n))
		return EMR_INVALID;
	status = emr_buf_append(&proof->item, batch->items[proof->index].bytes.data,
		batch->items[proof->index].bytes.len);
	if (status == EMR_OK)
		status = emr_buf_append(&proof->entry, entry->entry.data, entry->entry.len);
	proof->result = parsed.results.data[proof->index];
	return status;
}

emr_status emr_ledger_prove(emr_ledger *ledger, uint64_t seq, uint16_t index, uint64_t size,
	emr_ledger_proof *out_proof)
{
	emr_ledger_proof proof = {.seq = seq, .index = index, .size = size};
	size_t n = 0;
	emr_status status;

	if (seq == 0)
		return EMR_INVALID; /* the descriptor has no items */
	status = emr_ledger_inclusion(ledger, seq, size, &proof.log_path);
	if (status == EMR_OK)
		status = emr_ledger_entries(ledger, seq, 1, prove_item, &proof, &n);
	if (status == EMR_OK && n == 0)
		status = EMR_NOT_FOUND;
	if (status != EMR_OK) {
		emr_ledger_proof_free(&proof);
		return status;
	}
	*out_proof = proof;
	return EMR_OK;
}

/* ---- checkpoint ---- */

emr_status emr_ledger_checkpoint(emr_ledger *ledger, emr_buf *out_note)
{
	return ledger->backend->note(ledger->self, out_note);
}

static void unite(emr_checkpoint *into, const emr_checkpoint *other)
{
	for (size_t i = 0; i < other->n_sigs && into->n_sigs < EMR_CHECKPOINT_SIGS_MAX; i++) {
		bool is_there = false;
		for (size_t j = 0; j < into->n_sigs; j++)
			if (memcmp(into->sigs[j].name_id, other->sigs[i].name_id, 8) == 0)
				is_there = true;
		if (!is_there)
			into->sigs[into->n_sigs++] = other->sigs[i];
	}
}

/* One try: EMR_CONFLICT when another process left one meanwhile. */
static emr_status leave_once(emr_ledger *ledger, const emr_checkpoint *checkpoint)
{
	EMR_AUTO_BUF old_note = {0};
	EMR_AUTO_BUF note = {0};
	emr_checkpoint united = *checkpoint;
	emr_checkpoint old;
	emr_status status = ledger->backend->note(ledger->self, &old_note);

	if (status != EMR_OK && status != EMR_NOT_FOUND)
		return status;
	if (status == EMR_OK && emr_checkpoint_parse(emr_buf_view(&old_note), &old) == EMR_OK) {
		if (old.size > checkpoint->size)
			return EMR_ROLLBACK;
		if (old.size == checkpoint->size && memcmp(old.root, checkpoint->root, 32) == 0)
			unite(&united, &old);
	}
	EMR_TRY(emr_checkpoint_format(&united, &note));
	return ledger->backend->replace_note(
		ledger->self, emr_buf_view(&old_note), emr_buf_view(&note));
}

emr_status emr_ledger_leave_checkpoint(emr_ledger *ledger, emr_bytes note)
{
	emr_checkpoint checkpoint;
	uint8_t root[32];
	emr_status status;

	EMR_TRY(emr_checkpoint_parse(note, &checkpoint));
	if (!emr_id16_equal(checkpoint.net_id, ledger->net_id))
		return EMR_INVALID;
	EMR_TRY(emr_ledger_root(ledger, checkpoint.size, root));
	if (memcmp(root, checkpoint.root, 32) != 0)
		return EMR_FORK;
	for (int i = 0; i < 16; i++) {
		status = leave_once(ledger, &checkpoint);
		if (status != EMR_CONFLICT)
			return status;
	}
	return EMR_BUSY;
}
