/* This file takes an entry from elsewhere into the local copy only after it has checked
 * everything: its place, signatures, hashes and, by computing them again, the contract's
 * results. */
#include "chain_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "keyring/keyring.h"

static emr_status trouble(
	emr_ledger_trouble *out, emr_status status, uint64_t seq, const char *cause)
{
	*out = (emr_ledger_trouble){.status = status, .seq = seq};
	(void)snprintf(out->cause, sizeof out->cause, "%s", cause);
	return status;
}

/* ---- parts of an entry ---- */

void emr_chain_parts_free(emr_chain_parts *parts)
{
	emr_buf_free(&parts->bytes);
	memset(parts, 0, sizeof *parts);
}

/* The part of one applied item. */
typedef struct wanted_part {
	emr_item item;
	size_t place;	    /* of the item in its batch */
	size_t offset, len; /* in the gathered bytes */
	bool is_given;
} wanted_part;

/* As many as an entry has: an entry of others, of which nothing is kept, wants none. */
typedef struct wanted {
	emr_chain_parts *parts;
	wanted_part *all;
	emr_part_key *keys; /* of each */
	size_t n;
} wanted;

static void wanted_free(wanted *w)
{
	free(w->all);
	free(w->keys);
}

static emr_status gather(void *arg, size_t index, emr_bytes part)
{
	wanted *w = arg;
	wanted_part *one = &w->all[index];

	if (part.data == NULL)
		return EMR_OK;
	if (!emr_item_has_part(&one->item, emr_span_of(part))) {
		w->parts->is_bad = true;
		return EMR_OK;
	}
	one->offset = w->parts->bytes.len;
	one->len = part.len;
	one->is_given = true;
	return emr_buf_append(&w->parts->bytes, part.data, part.len);
}

/* Keys of the parts that applied items of ENTRY have; refused ones left none. */
static emr_status want(const emr_entry *entry, const emr_batch *batch, emr_chain_keep_fn keep,
	void *keep_arg, wanted *w)
{
	for (size_t i = 0; i < batch->count; i++) {
		wanted_part one = {.place = i};
		emr_span pub;

		emr_batch_item_at(batch, i, &one.item, &pub);
		if (entry->results.data[i] > EMR_RESULT_ALREADY || one.item.priv_len == 0)
			continue;
		if (keep && !keep(keep_arg, one.item.domain_id))
			continue;
		if (w->all == NULL) {
			w->all = malloc(batch->count * sizeof *w->all);
			w->keys = malloc(batch->count * sizeof *w->keys);
		}
		if (w->all == NULL || w->keys == NULL)
			return EMR_NO_MEMORY;
		w->all[w->n] = one;
		w->keys[w->n++] = chain_part_key(&one.item, pub);
	}
	return EMR_OK;
}

emr_status emr_chain_fetch(
	void *arg, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *fn_arg)
{
	emr_chain *chain = arg;
	EMR_AUTO_BUF part = {0};
	emr_status status = EMR_OK;

	for (size_t i = 0; status == EMR_OK && i < n; i++) {
		status = emr_chain_part(chain, &keys[i], &part);
		if (status == EMR_OK)
			status = fn(fn_arg, i, emr_buf_view(&part));
		else if (status == EMR_NOT_FOUND || status == EMR_MISSING_DATA ||
			 status == EMR_DAMAGED)
			status = EMR_OK; /* the comparison at the end says so */
	}
	return status;
}

emr_status emr_chain_entry_in_tree(
	emr_chain *chain, uint64_t seq, emr_buf *out_entry, emr_buf *out_items)
{
	uint8_t leaf[32], found[32];
	emr_status status;

	EMR_TRY(emr_chain_entry(chain, seq, out_entry, out_items));
	status = emr_chain_leaf(chain, seq, leaf);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND || status == EMR_DAMAGED ? EMR_OK : status;
	emr_entry_leaf(emr_span_of(emr_buf_view(out_entry)), found);
	return memcmp(leaf, found, sizeof leaf) == 0 ? EMR_OK : EMR_DAMAGED;
}

emr_status emr_chain_parts_of(const emr_ledger_entry *entry, emr_chain_fetch_fn fetch, void *arg,
	emr_chain_keep_fn keep, void *keep_arg, emr_chain_parts *out_parts)
{
	EMR_AUTO_FREE emr_batch *batch = malloc(sizeof *batch);
	__attribute__((cleanup(wanted_free))) wanted w = {.parts = out_parts};
	emr_entry parsed;

	emr_buf_clear(&out_parts->bytes);
	memset(out_parts->spans, 0, sizeof out_parts->spans);
	out_parts->is_bad = false;
	if (batch == NULL)
		return EMR_NO_MEMORY;
	/* An entry that cannot be parsed has no parts; emr_chain_follow says what is wrong with
	 * it. */
	if (entry->seq == 0 || !emr_entry_open(entry->entry, entry->items, &parsed, batch))
		return EMR_OK;
	EMR_TRY(want(&parsed, batch, keep, keep_arg, &w));
	if (w.n > 0)
		EMR_TRY(fetch(arg, w.keys, w.n, gather, &w));
	for (size_t i = 0; i < w.n; i++)
		if (w.all[i].is_given)
			out_parts->spans[w.all[i].place] =
				(emr_span){out_parts->bytes.data + w.all[i].offset, w.all[i].len};
	return EMR_OK;
}

/* ---- one entry ---- */

/* As a K row has it. */
static emr_status registered_key(emr_chain *chain, const uint8_t id[32], uint8_t out_pk[32])
{
	emr_row_key row;

	EMR_TRY(emr_chain_key_row(chain, id, &row, NULL));
	memcpy(out_pk, row.pk, 32);
	return EMR_OK;
}

/* His own batch's, or his K row's. */
emr_status emr_chain_submitter_key(emr_chain *chain, const uint8_t submitter[32],
	const uint8_t header[EMR_HEADER_BYTES], uint8_t out_pk[32])
{
	emr_header parsed;
	uint8_t id[32];

	EMR_TRY(chain_contract_status(
		emr_header_parse((emr_span){header, EMR_HEADER_BYTES}, &parsed)));
	emr_signer_id(parsed.signer_pk, id);
	if (memcmp(id, submitter, 32) != 0)
		return registered_key(chain, submitter, out_pk);
	memcpy(out_pk, parsed.signer_pk, 32);
	return EMR_OK;
}

static bool parse_both(const emr_ledger_entry *entry, emr_entry *out_entry, emr_header *out_header)
{
	return entry->seq != 0 &&
	       emr_entry_parse(emr_span_of(entry->entry), out_entry) == EMR_CONTRACT_OK &&
	       emr_header_parse((emr_span){out_entry->header, EMR_HEADER_BYTES}, out_header) ==
		       EMR_CONTRACT_OK;
}

emr_status emr_chain_submitter(emr_chain *chain, const emr_ledger_entry *entry, uint8_t out_pk[32])
{
	emr_entry parsed;
	emr_header header;

	return parse_both(entry, &parsed, &header)
		       ? emr_chain_submitter_key(chain, parsed.submitter_id, parsed.header, out_pk)
		       : EMR_NOT_FOUND;
}

static bool is_signed_by(const uint8_t net_id[16], const uint8_t header[EMR_HEADER_BYTES],
	const uint8_t sig[64], const uint8_t pk[32])
{
	uint8_t message[EMR_SUBMIT_MESSAGE_BYTES];
	const size_t label = sizeof message - 32; /* emr_sign_verify puts it there itself */

	emr_submit_message(net_id, header, message);
	return emr_sign_verify(pk, EMR_SIGN_SUBMIT, emr_bytes_of(message + label, 32), sig) ==
	       EMR_OK;
}

emr_status emr_chain_check_submitter(emr_chain *chain, const uint8_t net_id[16],
	const uint8_t header[EMR_HEADER_BYTES], const uint8_t submitter[32], const uint8_t sig[64],
	const emr_chain_checked *checked)
{
	uint8_t pk[32];

	EMR_TRY(emr_chain_submitter_key(chain, submitter, header, pk));
	if (checked && checked->is_handed_in && memcmp(checked->net_id, net_id, 16) == 0 &&
		memcmp(checked->submitter_pk, pk, sizeof pk) == 0)
		return EMR_OK;
	return is_signed_by(net_id, header, sig, pk) ? EMR_OK : EMR_DENIED;
}

void emr_chain_check_batch(const uint8_t net_id[16], const uint8_t header[EMR_HEADER_BYTES],
	const uint8_t sig[64], const uint8_t *submitter_pk, emr_chain_checked *out_checked)
{
	*out_checked = (emr_chain_checked){.is_batch_signed = emr_header_is_signed(header)};
	if (submitter_pk == NULL)
		return;
	memcpy(out_checked->net_id, net_id, 16);
	memcpy(out_checked->submitter_pk, submitter_pk, 32);
	out_checked->is_handed_in = is_signed_by(net_id, header, sig, submitter_pk);
}

void emr_chain_check(
	const emr_ledger_entry *entry, const uint8_t *submitter_pk, emr_chain_checked *out_checked)
{
	emr_entry parsed;
	emr_header header;

	*out_checked = (emr_chain_checked){false};
	if (!parse_both(entry, &parsed, &header))
		return;
	emr_chain_check_batch(
		header.net_id, parsed.header, parsed.submit_sig, submitter_pk, out_checked);
}

/* The blocks of Fabric are in order, and so are the entries made of them. */
static emr_status check_block(
	emr_chain *chain, const emr_entry *parsed, uint64_t size, emr_ledger_trouble *out)
{
	EMR_AUTO_BUF bytes = {0};
	emr_entry before;

	if (size == 1)
		return EMR_OK;
	EMR_TRY(emr_chain_parsed(chain, size - 1, &bytes, &before));
	return parsed->block > before.block ||
			       (parsed->block == before.block && parsed->tx > before.tx)
		       ? EMR_OK
		       : trouble(out, EMR_DAMAGED, size,
				 "the entry is of an earlier block than the one before");
}

static emr_status check_place(emr_chain *chain, const emr_entry *parsed, enum emr_host host,
	uint64_t size, emr_ledger_trouble *out)
{
	uint8_t leaf[32];

	if (parsed->host != host || parsed->seq != size ||
		(host == EMR_HOST_EMBEDDED && (parsed->block != 0 || parsed->tx != 0)))
		return trouble(out, EMR_DAMAGED, size, "the entry has another number or host");
	EMR_TRY(host == EMR_HOST_FABRIC ? check_block(chain, parsed, size, out) : EMR_OK);
	EMR_TRY(emr_chain_leaf(chain, size - 1, leaf));
	if (memcmp(leaf, parsed->prev_entry, 32) != 0)
		return trouble(out, EMR_DAMAGED, size, "the entry does not fit its predecessor");
	return EMR_OK;
}

/* A registration cannot be judged without the certificate in its part, which another peer may still
 * be bringing to the one that was asked. */
static bool waits_for_part(const emr_batch *batch, const emr_entry *parsed, bool may_wait)
{
	emr_item item;
	emr_span pub;

	if (!may_wait || batch->count != 1 || batch->items[0].part.data != NULL ||
		parsed->results.data[0] != EMR_RESULT_APPLIED)
		return false;
	emr_batch_item_at(batch, 0, &item, &pub);
	return item.op == EMR_OP_KEY_REG || item.op == EMR_OP_KEY_CERT;
}

static emr_status check_submitter(emr_chain *chain, emr_bytes descriptor, const emr_entry *parsed,
	const emr_chain_checked *known, emr_ledger_trouble *out)
{
	uint8_t net_id[16];
	emr_status status;

	emr_descriptor_net_id(emr_span_of(descriptor), net_id);
	status = emr_chain_check_submitter(
		chain, net_id, parsed->header, parsed->submitter_id, parsed->submit_sig, known);
	if (status == EMR_NOT_FOUND)
		return trouble(out, EMR_DAMAGED, parsed->seq, "the submitter is not registered");
	if (status == EMR_DENIED)
		return trouble(out, EMR_DAMAGED, parsed->seq, "the submitter's signature is wrong");
	return status;
}

static emr_status replay(emr_chain *chain, enum emr_host host, emr_bytes descriptor,
	const emr_entry *parsed, const emr_batch *batch, emr_bytes entry, bool is_signed,
	emr_chain_keep_fn keep, void *keep_arg, emr_ledger_trouble *out)
{
	EMR_AUTO_VERDICT verdict = {0};
	emr_caller caller;
	emr_id32 submitter;
	char cause[120];

	memcpy(submitter.b, parsed->submitter_id, 32);
	EMR_TRY(emr_chain_caller(
		chain, host, descriptor, batch, submitter, parsed->ledger_time_unix_s, &caller));
	caller.recorded = parsed->results;
	caller.is_signed = is_signed;
	EMR_TRY(emr_chain_judge(chain, batch, &caller, parsed->ledger_time_unix_s, &verdict));
	/* A host that is honest refuses it. */
	if (verdict.outcome.kind == EMR_OUTCOME_REFUSED &&
		verdict.outcome.refusal == EMR_RESULT_FORK)
		return trouble(out, EMR_FORK, parsed->seq,
			"its signer has seen another history of the ledger");
	if (verdict.outcome.kind != EMR_OUTCOME_APPLIED) {
		(void)snprintf(cause, sizeof cause, "the batch should not have an entry: %s",
			verdict.outcome.kind == EMR_OUTCOME_KNOWN
				? "it has one already"
				: emr_result_text((uint8_t)verdict.outcome.refusal));
		return trouble(out, EMR_DAMAGED, parsed->seq, cause);
	}
	if (verdict.outcome.results.len != parsed->results.len ||
		memcmp(verdict.outcome.results.data, parsed->results.data, parsed->results.len) !=
			0)
		return trouble(out, EMR_DAMAGED, parsed->seq,
			"the results are not what the contract gives");
	return emr_chain_append(chain, entry, batch, &verdict.outcome, keep, keep_arg);
}

static emr_status follow_descriptor(
	emr_chain *chain, const emr_ledger_entry *entry, emr_ledger_trouble *out)
{
	emr_status status = emr_chain_append_genesis(chain, entry->entry);

	return status == EMR_DAMAGED ? trouble(out, EMR_DAMAGED, 0, "the descriptor is damaged")
				     : status;
}

emr_status emr_chain_follow(emr_chain *chain, const emr_ledger_entry *entry,
	const emr_chain_checked *checked, const emr_span *parts, emr_chain_keep_fn keep,
	void *keep_arg, emr_ledger_trouble *out_trouble)
{
	const emr_chain_checked known = checked ? *checked : (emr_chain_checked){false};
	EMR_AUTO_FREE emr_batch *batch = malloc(sizeof *batch);
	EMR_AUTO_BUF descriptor = {0};
	emr_entry parsed;
	enum emr_host host;
	uint32_t rules;
	uint64_t size;
	emr_status status;

	EMR_TRY(batch ? emr_chain_size(chain, &size) : EMR_NO_MEMORY);
	if (entry->seq != size)
		return trouble(out_trouble, EMR_DAMAGED, size, "the entry is missing");
	if (size == 0)
		return follow_descriptor(chain, entry, out_trouble);
	if (emr_entry_parse(emr_span_of(entry->entry), &parsed) != EMR_CONTRACT_OK)
		return trouble(out_trouble, EMR_DAMAGED, size, "the entry cannot be read");
	EMR_TRY(emr_required(emr_chain_entry(chain, 0, &descriptor, NULL)));
	host = emr_descriptor_host(emr_span_of(emr_buf_view(&descriptor)));
	EMR_TRY(check_place(chain, &parsed, host, size, out_trouble));
	EMR_TRY(check_submitter(chain, emr_buf_view(&descriptor), &parsed, &known, out_trouble));
	/* By rules that are not known here it may have operations that are not, either. */
	status = emr_chain_rules(chain, &rules);
	if (status == EMR_NEWER_RULES)
		return trouble(out_trouble, status, size, "its rules are not known here");
	EMR_TRY(status);
	if (emr_batch_parse_items((emr_span){parsed.header, EMR_HEADER_BYTES},
		    emr_span_of(entry->items), parts, parts ? parsed.count : 0,
		    batch) != EMR_RESULT_APPLIED)
		return trouble(out_trouble, EMR_DAMAGED, size, "its items cannot be read");
	if (waits_for_part(batch, &parsed, host == EMR_HOST_FABRIC || known.is_from_peer))
		return EMR_OFFLINE;
	return replay(chain, host, emr_buf_view(&descriptor), &parsed, batch, entry->entry,
		known.is_batch_signed, keep, keep_arg, out_trouble);
}
