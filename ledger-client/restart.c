/* This file writes, reads and checks restarts: from where a ledger goes on after its host lost
 * entries, and who was heard before. */
#include "ledger/restart.h"

#include <stdlib.h>

#include "base/codec.h"
#include "contract/codes.h"
#include "contract/rows.h"

/* ---- bytes ---- */

void emr_restart_said(const emr_restart *restart, emr_checkpoint *out)
{
	*out = (emr_checkpoint){.net_id = restart->net_id,
		.kind = EMR_CHECKPOINT_RESTART,
		.recovery = restart->recovery,
		.size = restart->size,
		.n_sigs = 1};
	memcpy(out->root, restart->root, sizeof out->root);
	out->sigs[0] = restart->sig;
}

void emr_restart_heard_of(const emr_restart *restart, size_t i, emr_checkpoint *out)
{
	const emr_restart_heard *heard = &restart->heard[i];

	emr_restart_said(restart, out);
	out->size = heard->size;
	memcpy(out->root, heard->root, sizeof out->root);
	out->sigs[0] = heard->sig;
}

static emr_status write_note(emr_writer *w, const emr_checkpoint *note)
{
	EMR_AUTO_BUF text = {0};

	EMR_TRY(emr_checkpoint_format(note, &text));
	emr_write_u32(w, (uint32_t)text.len);
	emr_write_bytes(w, text.data, text.len);
	return w->status;
}

emr_status emr_restart_write(const emr_restart *restart, emr_buf *out)
{
	emr_writer w = emr_writer_of(out);
	emr_checkpoint note;

	if (restart->n_heard > EMR_RESTART_HEARD_MAX)
		return EMR_LIMIT;
	emr_restart_said(restart, &note);
	EMR_TRY(write_note(&w, &note));
	emr_write_u16(&w, (uint16_t)restart->n_heard);
	for (size_t i = 0; i < restart->n_heard; i++) {
		emr_restart_heard_of(restart, i, &note);
		EMR_TRY(write_note(&w, &note));
	}
	return w.status;
}

/* One that exactly one has signed. */
static emr_status read_note(emr_reader *r, emr_checkpoint *out)
{
	emr_bytes text = emr_read_bytes(r, emr_read_u32(r));

	if (r->bad)
		return EMR_DAMAGED;
	EMR_TRY(emr_checkpoint_parse_kind(text, EMR_CHECKPOINT_RESTART, out));
	return out->n_sigs == 1 ? EMR_OK : EMR_DAMAGED;
}

static emr_restart_heard *place_of(emr_restart *restart, const uint8_t name_id[8])
{
	for (size_t i = 0; i < restart->n_heard; i++)
		if (memcmp(restart->heard[i].sig.name_id, name_id, 8) == 0)
			return &restart->heard[i];
	return restart->n_heard < EMR_RESTART_HEARD_MAX ? &restart->heard[restart->n_heard] : NULL;
}

emr_status emr_restart_add(emr_restart *restart, const emr_checkpoint *heard)
{
	emr_restart_heard *place;

	if (heard->kind != EMR_CHECKPOINT_RESTART || heard->n_sigs != 1 ||
		!emr_id16_equal(heard->net_id, restart->net_id) ||
		!emr_id16_equal(heard->recovery, restart->recovery))
		return EMR_INVALID;
	place = place_of(restart, heard->sigs[0].name_id);
	if (place == NULL)
		return EMR_LIMIT;
	restart->n_heard += place == &restart->heard[restart->n_heard];
	*place = (emr_restart_heard){.size = heard->size, .sig = heard->sigs[0]};
	memcpy(place->root, heard->root, sizeof place->root);
	return EMR_OK;
}

static emr_status read_all(emr_reader *r, emr_restart *out)
{
	emr_checkpoint note;
	size_t n;

	EMR_TRY(read_note(r, &note));
	out->net_id = note.net_id;
	out->recovery = note.recovery;
	out->size = note.size;
	memcpy(out->root, note.root, sizeof out->root);
	out->sig = note.sigs[0];
	out->time = note.sigs[0].time;
	n = emr_read_u16(r);
	if (r->bad)
		return EMR_DAMAGED;
	for (size_t i = 0; i < n; i++) {
		EMR_TRY(read_note(r, &note));
		EMR_TRY(emr_restart_add(out, &note));
		/* Two of one signer would be one. */
		if (out->n_heard != i + 1)
			return EMR_DAMAGED;
	}
	return EMR_OK;
}

/* The first of BYTES, and how long it is. */
static emr_status parse_first(emr_bytes bytes, emr_restart *out, size_t *out_len)
{
	emr_reader r = emr_reader_of(bytes);
	emr_status status;

	memset(out, 0, sizeof *out);
	status = read_all(&r, out);
	*out_len = bytes.len - r.left;
	if (status == EMR_OK && *out_len > EMR_RESTART_MAX)
		status = EMR_LIMIT;
	return status == EMR_INVALID ? EMR_DAMAGED : status;
}

emr_status emr_restart_parse(emr_bytes bytes, emr_restart *out_restart)
{
	EMR_AUTO_FREE emr_restart *restart = malloc(sizeof *restart);
	size_t len;

	if (restart == NULL)
		return EMR_NO_MEMORY;
	EMR_TRY(parse_first(bytes, restart, &len));
	if (len != bytes.len)
		return EMR_DAMAGED;
	*out_restart = *restart;
	return EMR_OK;
}

emr_status emr_restart_each(emr_bytes all, emr_restart_fn fn, void *arg)
{
	EMR_AUTO_FREE emr_restart *restart = malloc(sizeof *restart);
	emr_status status = restart != NULL ? EMR_OK : EMR_NO_MEMORY;

	while (status == EMR_OK && all.len > 0) {
		size_t len;

		status = parse_first(all, restart, &len);
		if (status == EMR_OK)
			status = fn(arg, emr_bytes_of(all.data, len));
		all = emr_bytes_of(all.data + len, all.len - len);
	}
	return status;
}

/* ---- a head that a member brings ---- */

static bool node_of(void *user, unsigned level, uint64_t index, uint8_t out[32])
{
	return emr_chain_subtree(user, level, index, out) == EMR_OK;
}

emr_status emr_restart_head_write(emr_bytes note, emr_chain *chain, uint64_t at, emr_buf *out)
{
	emr_writer w = emr_writer_of(out);
	emr_merkle_hash path[EMR_MERKLE_PATH_MAX];
	emr_checkpoint head;
	uint8_t leaf[32] = {0};
	size_t n = 0;

	EMR_TRY(emr_checkpoint_parse(note, &head));
	if (at > 0) {
		EMR_TRY(emr_required(emr_chain_leaf(chain, at - 1, leaf)));
		if (!emr_merkle_inclusion(node_of, chain, at - 1, head.size, path, &n))
			return EMR_INVALID;
	}
	emr_write_u32(&w, (uint32_t)note.len);
	emr_write_bytes(&w, note.data, note.len);
	emr_write_u64(&w, at);
	emr_write_bytes(&w, leaf, at > 0 ? sizeof leaf : 0);
	emr_write_u8(&w, (uint8_t)n);
	emr_write_bytes(&w, path, n * sizeof *path);
	return w.status;
}

emr_status emr_restart_head_read(emr_reader *reader, emr_restart_head *out_head)
{
	emr_merkle_hash path[EMR_MERKLE_PATH_MAX];
	emr_restart_head head = {.note = emr_read_bytes(reader, emr_read_u32(reader))};
	size_t n;

	head.at = emr_read_u64(reader);
	if (head.at > 0)
		emr_read_copy(reader, head.leaf, sizeof head.leaf);
	n = emr_read_u8(reader);
	if (n > (head.at > 0 ? EMR_MERKLE_PATH_MAX : 0))
		return EMR_DAMAGED;
	emr_read_copy(reader, path, n * sizeof *path);
	if (reader->bad)
		return EMR_DAMAGED;
	EMR_TRY(emr_checkpoint_parse(head.note, &head.head));
	if (head.at > 0 && !emr_merkle_inclusion_verify(
				   head.leaf, head.at - 1, head.head.size, path, n, head.head.root))
		return EMR_DAMAGED;
	*out_head = head;
	return EMR_OK;
}

/* ---- whom a chain knows ---- */

static emr_status read_key(
	const char *key, emr_bytes value, emr_id32 *out_signer, emr_row_key *out_row)
{
	return emr_unhex(key + 2, out_signer->b, sizeof out_signer->b) == EMR_OK &&
			       emr_row_key_parse((emr_span){value.data, value.len}, out_row) ==
				       EMR_CONTRACT_OK
		       ? EMR_OK
		       : EMR_DAMAGED;
}

emr_status emr_restart_signer(
	const emr_checkpoint *note, emr_chain *chain, emr_id32 *out_signer, emr_row_key *out_row)
{
	char prefix[2 + 16 + 1] = "K/";
	EMR_AUTO_CHAIN_ROWS rows = {.chain = chain, .prefix = prefix};

	if (note->n_sigs != 1)
		return EMR_NOT_FOUND;
	emr_hex(note->sigs[0].name_id, 8, prefix + 2);
	/* Others may have an id that begins as its does. */
	while (emr_chain_next_row(&rows)) {
		EMR_TRY(read_key(rows.key, rows.value, out_signer, out_row));
		if (out_row->head.state == EMR_KEY_ACTIVE &&
			emr_checkpoint_verify(note, *out_signer, out_row->log_pk) == EMR_OK)
			return EMR_OK;
	}
	return rows.status == EMR_OK ? EMR_NOT_FOUND : rows.status;
}

typedef struct hearing {
	const emr_restart *restart;
	emr_chain *chain;
	emr_restart_org_fn fn;
	void *arg;
	emr_descriptor founders;
	emr_buf orgs;			    /* each that has an administrator in force */
	bool counts[EMR_RESTART_HEARD_MAX]; /* the statement, by the administrator of ... */
	uint8_t of[EMR_RESTART_HEARD_MAX][16];
} hearing;

static void hearing_end(hearing *h)
{
	emr_buf_free(&h->orgs);
}

static emr_status fits_chain(const hearing *h, const emr_restart_heard *heard, bool *out)
{
	uint8_t root[32];
	uint64_t size = 0;

	EMR_TRY(emr_chain_size(h->chain, &size));
	*out = heard->size > 0 && heard->size <= h->restart->size && heard->size <= size;
	if (!*out)
		return EMR_OK;
	EMR_TRY(emr_required(emr_chain_root(h->chain, heard->size, root)));
	*out = memcmp(root, heard->root, sizeof root) == 0;
	return EMR_OK;
}

/* A key's row, whose statement may be among those of the restart. */
static emr_status hear(hearing *h, const char *key, emr_bytes value)
{
	emr_checkpoint note;
	emr_row_key row;
	emr_id32 signer;

	EMR_TRY(read_key(key, value, &signer, &row));
	if (row.head.state != EMR_KEY_ACTIVE || (row.roles & EMR_ROLE_ORG_ADMIN) == 0)
		return EMR_OK;
	for (size_t i = 0; i < h->restart->n_heard; i++) {
		if (memcmp(h->restart->heard[i].sig.name_id, signer.b, 8) != 0)
			continue;
		emr_restart_heard_of(h->restart, i, &note);
		if (emr_checkpoint_verify(&note, signer, row.log_pk) != EMR_OK)
			continue;
		memcpy(h->of[i], row.org, 16);
		EMR_TRY(fits_chain(h, &h->restart->heard[i], &h->counts[i]));
	}
	return emr_buf_append(&h->orgs, row.org, 16);
}

/* One that nobody speaks for is not waited for. */
static bool has_administrator(const hearing *h, const uint8_t org[16])
{
	for (size_t i = 0; i < h->orgs.len; i += 16)
		if (memcmp(h->orgs.data + i, org, 16) == 0)
			return true;
	return false;
}

/* Whether it became a member for the first time behind the restart. */
static bool is_later(const hearing *h, const uint8_t org[16], const emr_row_org *row, uint64_t seq)
{
	emr_descriptor_org founder;

	return row->head.version == 1 && seq >= h->restart->size &&
	       !emr_descriptor_find(&h->founders, org, &founder);
}

static emr_status ask_org(const hearing *h, const char *key, emr_bytes value, uint64_t seq)
{
	uint8_t org[16];
	emr_row_org row;

	if (emr_unhex(key + 2, org, sizeof org) != EMR_OK ||
		emr_row_org_parse((emr_span){value.data, value.len}, &row) != EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	if (row.head.state != EMR_ORG_MEMBER || !has_administrator(h, org) ||
		is_later(h, org, &row, seq))
		return EMR_OK;
	for (size_t i = 0; i < h->restart->n_heard; i++)
		if (h->counts[i] && memcmp(h->of[i], org, sizeof org) == 0)
			return h->fn(h->arg, org, &h->restart->heard[i]);
	return h->fn(h->arg, org, NULL);
}

emr_status emr_restart_each_org(
	const emr_restart *restart, emr_chain *chain, emr_restart_org_fn fn, void *arg)
{
	EMR_AUTO_BUF descriptor = {0};
	__attribute__((cleanup(hearing_end)))
	hearing h = {.restart = restart, .chain = chain, .fn = fn, .arg = arg};
	EMR_AUTO_CHAIN_ROWS keys = {.chain = chain, .prefix = "K/"};
	EMR_AUTO_CHAIN_ROWS orgs = {.chain = chain, .prefix = "M/"};

	EMR_TRY(emr_chain_descriptor(chain, &descriptor));
	if (emr_descriptor_parse((emr_span){descriptor.data, descriptor.len}, &h.founders) !=
		EMR_CONTRACT_OK)
		return EMR_DAMAGED;
	while (emr_chain_next_row(&keys))
		EMR_TRY(hear(&h, keys.key, keys.value));
	EMR_TRY(keys.status);
	while (emr_chain_next_row(&orgs))
		EMR_TRY(ask_org(&h, orgs.key, orgs.value, orgs.seq));
	return orgs.status;
}

/* ---- a restart ---- */

static emr_status must_be_heard(void *arg, const uint8_t org[16], const emr_restart_heard *heard)
{
	(void)arg;
	(void)org;
	return heard != NULL ? EMR_OK : EMR_AWAITED;
}

emr_status emr_restart_check(const emr_restart *restart, const emr_id32 *host_key, emr_chain *chain)
{
	EMR_AUTO_BUF descriptor = {0};
	emr_checkpoint said;
	emr_id16 net_id;
	uint8_t root[32];
	uint64_t size = 0;

	EMR_TRY(emr_chain_descriptor(chain, &descriptor));
	emr_descriptor_net_id((emr_span){descriptor.data, descriptor.len}, net_id.b);
	emr_restart_said(restart, &said);
	if (!emr_id16_equal(net_id, restart->net_id) ||
		(host_key != NULL &&
			emr_checkpoint_verify(
				&said, emr_checkpoint_host_id(host_key->b), host_key->b) != EMR_OK))
		return EMR_BAD_SIGNATURE;
	EMR_TRY(emr_chain_size(chain, &size));
	if (restart->size == 0 || restart->size > size)
		return EMR_ROLLBACK;
	EMR_TRY(emr_required(emr_chain_root(chain, restart->size, root)));
	if (memcmp(root, restart->root, sizeof root) != 0)
		return EMR_FORK;
	return emr_restart_each_org(restart, chain, must_be_heard, NULL);
}
