/* This file writes, reads and checks restarts: from where a ledger goes on after its host lost
 * entries, and whose statements were heard before. */
#include "ledger/restart.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "contract/codes.h"

/* ---- bytes ---- */

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

	emr_write_u16(&w, (uint16_t)restart->n_heard);
	EMR_TRY(write_note(&w, &restart->said));
	for (size_t i = 0; i < restart->n_heard; i++)
		EMR_TRY(write_note(&w, &restart->heard[i]));
	return w.status;
}

emr_status emr_restart_read(emr_reader *reader, emr_restart *out_restart)
{
	const size_t n = emr_read_u16(reader);

	if (n > EMR_RESTART_HEARD_MAX)
		return EMR_DAMAGED;
	out_restart->n_heard = n;
	for (size_t i = 0; i <= n; i++) {
		const emr_bytes text = emr_read_bytes(reader, emr_read_u32(reader));
		const emr_checkpoint *said = &out_restart->said;
		emr_checkpoint *note = i == 0 ? &out_restart->said : &out_restart->heard[i - 1];

		if (reader->bad)
			return EMR_DAMAGED;
		EMR_TRY(emr_checkpoint_parse_said(text, note));
		if (!emr_id16_equal(note->net_id, said->net_id) ||
			!emr_id16_equal(note->recovery, said->recovery))
			return EMR_DAMAGED;
	}
	return EMR_OK;
}

/* ---- a head that a member brings ---- */

static bool node_of(void *user, unsigned level, uint64_t index, uint8_t out[32])
{
	return emr_chain_subtree(user, level, index, out) == EMR_OK;
}

static emr_status write_head(emr_bytes note, emr_chain *chain, uint64_t at, emr_buf *out)
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
	size_t n;

	*out_head = (emr_restart_head){.note = emr_read_bytes(reader, emr_read_u32(reader))};
	out_head->at = emr_read_u64(reader);
	emr_read_copy(reader, out_head->leaf, out_head->at > 0 ? sizeof out_head->leaf : 0);
	n = emr_read_u8(reader);
	if (n > (out_head->at > 0 ? EMR_MERKLE_PATH_MAX : 0))
		return EMR_DAMAGED;
	emr_read_copy(reader, path, n * sizeof *path);
	if (reader->bad)
		return EMR_DAMAGED;
	EMR_TRY(emr_checkpoint_parse(out_head->note, &out_head->head));
	return out_head->at == 0 || emr_merkle_inclusion_verify(out_head->leaf, out_head->at - 1,
					    out_head->head.size, path, n, out_head->head.root)
		       ? EMR_OK
		       : EMR_DAMAGED;
}

typedef struct bringing {
	emr_chain *chain;
	emr_writer w;
	emr_chain_parts parts; /* stay empty */
} bringing;

/* An emr_chain_fetch_fn: the host reads them in this order. */
static emr_status put_parts(
	void *arg, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *fn_arg)
{
	bringing *b = arg;

	(void)fn;
	(void)fn_arg;
	for (size_t i = 0; i < n; i++) {
		EMR_AUTO_BUF part = {0};

		(void)!emr_chain_part(b->chain, &keys[i], &part);
		emr_write_u32(&b->w, (uint32_t)part.len);
		emr_write_bytes(&b->w, part.data, part.len);
	}
	return b->w.status;
}

static emr_status put_entry(bringing *b, uint64_t seq)
{
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF items = {0};
	emr_ledger_entry entry = {.seq = seq};

	EMR_TRY(emr_required(emr_chain_entry_in_tree(b->chain, seq, &bytes, &items)));
	entry.entry = emr_buf_view(&bytes);
	entry.items = emr_buf_view(&items);
	emr_write_u64(&b->w, seq);
	emr_write_u32(&b->w, (uint32_t)bytes.len);
	emr_write_u32(&b->w, (uint32_t)items.len);
	emr_write_bytes(&b->w, bytes.data, bytes.len);
	emr_write_bytes(&b->w, items.data, items.len);
	return emr_chain_parts_of(&entry, put_parts, b, NULL, NULL, &b->parts);
}

emr_status emr_restart_bring(
	emr_bytes note, emr_chain *chain, uint64_t *io_next, size_t bytes, emr_buf *out)
{
	EMR_AUTO_BUF entries = {0};
	EMR_AUTO_FREE bringing *b = calloc(1, sizeof *b);
	emr_checkpoint head;

	EMR_TRY(b != NULL ? emr_checkpoint_parse(note, &head) : EMR_NO_MEMORY);
	b->chain = chain;
	b->w = emr_writer_of(&entries);
	while (entries.len < bytes && *io_next < head.size)
		EMR_TRY(put_entry(b, (*io_next)++));
	EMR_TRY(write_head(note, chain, *io_next, out));
	return emr_buf_append(out, entries.data, entries.len);
}

/* ---- whom a chain knows ---- */

static emr_status read_key(const emr_chain_rows *rows, emr_id32 *out_signer, emr_row_key *out_row)
{
	return emr_unhex(rows->key + 2, out_signer->b, sizeof out_signer->b) == EMR_OK &&
			       emr_row_key_parse(emr_span_of(rows->value), out_row) ==
				       EMR_CONTRACT_OK
		       ? EMR_OK
		       : EMR_DAMAGED;
}

/* The member with a key in force in CHAIN who alone has signed NOTE.  EMR_NOT_FOUND. */
static emr_status signer_of(
	const emr_checkpoint *note, emr_chain *chain, emr_id32 *out_signer, emr_row_key *out_row)
{
	char prefix[2 + 16 + 1] = "K/";
	EMR_AUTO_CHAIN_ROWS rows = {.chain = chain, .prefix = prefix};

	emr_hex(note->sigs[0].name_id, 8, prefix + 2);
	/* Others may have an id that begins as its does. */
	while (emr_chain_next_row(&rows)) {
		EMR_TRY(read_key(&rows, out_signer, out_row));
		if (out_row->head.state == EMR_KEY_ACTIVE &&
			emr_checkpoint_verify(note, *out_signer, out_row->log_pk) == EMR_OK)
			return EMR_OK;
	}
	return rows.status == EMR_OK ? EMR_NOT_FOUND : rows.status;
}

/* EMR_ROLLBACK: CHAIN has fewer entries. */
static emr_status fits_chain(const emr_checkpoint *note, emr_chain *chain, bool *out)
{
	uint8_t root[32];
	uint64_t size = 0;

	EMR_TRY(emr_chain_size(chain, &size));
	if (note->size == 0 || note->size > size)
		return EMR_ROLLBACK;
	EMR_TRY(emr_required(emr_chain_root(chain, note->size, root)));
	*out = memcmp(root, note->root, sizeof root) == 0;
	return EMR_OK;
}

/* ---- organisations ---- */

static bool is_administrator(const emr_row_key *row)
{
	return row->head.state == EMR_KEY_ACTIVE && (row->roles & EMR_ROLE_ORG_ADMIN) != 0;
}

static emr_restart_org *org_in(const emr_buf *orgs, const uint8_t id[16])
{
	EMR_EACH (emr_restart_org, org, orgs)
		if (memcmp(org->id.b, id, sizeof org->id.b) == 0)
			return org;
	return NULL;
}

/* The one of an administrator; not that which became a member for the first time behind the
 * restart. */
static emr_status add_org(emr_chain *chain, uint64_t size, const uint8_t id[16], emr_buf *out)
{
	emr_restart_org org = {.is_heard = false};
	emr_row_org row;
	uint64_t seq;

	if (org_in(out, id) != NULL)
		return EMR_OK;
	memcpy(org.id.b, id, sizeof org.id.b);
	EMR_TRY(emr_required(emr_chain_org_row(chain, id, &row, &seq)));
	return row.head.state == EMR_ORG_MEMBER && (row.head.version != 1 || seq < size)
		       ? emr_buf_append(out, &org, sizeof org)
		       : EMR_OK;
}

emr_status emr_restart_orgs(const emr_restart *restart, emr_chain *chain, emr_buf *out)
{
	EMR_AUTO_CHAIN_ROWS keys = {.chain = chain, .prefix = "K/"};
	emr_row_key row;
	emr_id32 signer;

	while (emr_chain_next_row(&keys)) {
		EMR_TRY(read_key(&keys, &signer, &row));
		if (is_administrator(&row))
			EMR_TRY(add_org(chain, restart->said.size, row.org, out));
	}
	EMR_TRY(keys.status);
	for (size_t i = 0; i < restart->n_heard; i++) {
		const emr_status status = signer_of(&restart->heard[i], chain, &signer, &row);
		emr_restart_org *org =
			status == EMR_OK && is_administrator(&row) ? org_in(out, row.org) : NULL;

		if (org != NULL && !org->is_heard &&
			restart->heard[i].size - 1 < restart->said.size)
			EMR_TRY(fits_chain(&restart->heard[i], chain, &org->is_heard));
		EMR_TRY(status == EMR_NOT_FOUND ? EMR_OK : status);
	}
	return EMR_OK;
}

emr_status emr_restart_check(const emr_restart *restart, emr_chain *chain)
{
	EMR_AUTO_BUF orgs = {0};
	bool fits;

	EMR_TRY(fits_chain(&restart->said, chain, &fits));
	if (!fits)
		return EMR_FORK;
	EMR_TRY(emr_restart_orgs(restart, chain, &orgs));
	EMR_EACH (const emr_restart_org, org, &orgs)
		if (!org->is_heard)
			return EMR_AWAITED;
	return EMR_OK;
}

/* ---- statements, as a host keeps them ---- */

void emr_restart_said_name(const emr_id32 *signer, char out[EMR_RESTART_SAID_NAME_BYTES])
{
	memcpy(out, EMR_RESTART_SAID, sizeof EMR_RESTART_SAID);
	emr_hex(signer->b, sizeof signer->b, out + sizeof EMR_RESTART_SAID - 1);
}

emr_status emr_restart_said_keep(int host_dirfd, emr_chain *chain, emr_bytes note)
{
	char name[EMR_RESTART_SAID_NAME_BYTES];
	EMR_AUTO_BUF before = {0};
	emr_checkpoint said, kept;
	emr_row_key row;
	emr_id32 signer;
	emr_status status = emr_checkpoint_parse_said(note, &said);

	if (status == EMR_OK)
		status = signer_of(&said, chain, &signer, &row);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_DENIED : status;
	emr_restart_said_name(&signer, name);
	if (emr_file_read(host_dirfd, name, EMR_CHECKPOINT_MAX, &before) == EMR_OK &&
		emr_checkpoint_parse_said(emr_buf_view(&before), &kept) == EMR_OK &&
		emr_id16_equal(kept.recovery, said.recovery) &&
		kept.sigs[0].time > said.sigs[0].time)
		return EMR_DENIED;
	return emr_file_replace(host_dirfd, name, note, 0600);
}

emr_status emr_restart_said_gather(int host_dirfd, emr_chain *chain, emr_restart *io_restart)
{
	EMR_AUTO_CHAIN_ROWS keys = {.chain = chain, .prefix = "K/"};
	char name[EMR_RESTART_SAID_NAME_BYTES];
	EMR_AUTO_BUF orgs = {0};
	emr_row_key row;
	emr_id32 signer;

	io_restart->n_heard = 0;
	EMR_TRY(emr_restart_orgs(io_restart, chain, &orgs));
	while (emr_chain_next_row(&keys) && io_restart->n_heard < EMR_RESTART_HEARD_MAX) {
		emr_checkpoint *heard = &io_restart->heard[io_restart->n_heard];
		emr_restart_org *org;
		EMR_AUTO_BUF note = {0};

		EMR_TRY(read_key(&keys, &signer, &row));
		emr_restart_said_name(&signer, name);
		org = is_administrator(&row) ? org_in(&orgs, row.org) : NULL;
		if (org != NULL && !org->is_heard &&
			emr_file_read(host_dirfd, name, EMR_CHECKPOINT_MAX, &note) == EMR_OK &&
			emr_checkpoint_parse_said(emr_buf_view(&note), heard) == EMR_OK &&
			emr_id16_equal(heard->recovery, io_restart->said.recovery) &&
			emr_checkpoint_verify(heard, signer, row.log_pk) == EMR_OK &&
			heard->size - 1 < io_restart->said.size) {
			EMR_TRY(fits_chain(heard, chain, &org->is_heard));
			io_restart->n_heard += org->is_heard;
		}
	}
	return keys.status;
}

/* ---- that a host is in recovery ---- */

emr_status emr_recovery_read(int host_dirfd, emr_recovery *out_recovery)
{
	static const char *const names[] = {EMR_RECOVERY_HEAD, EMR_RECOVERY_SECOND};
	EMR_AUTO_BUF id = {0};

	memset(out_recovery, 0, sizeof *out_recovery);
	EMR_TRY(emr_file_read(host_dirfd, EMR_RECOVERY, sizeof out_recovery->id, &id));
	if (id.len != sizeof out_recovery->id)
		return EMR_DAMAGED;
	memcpy(out_recovery->id.b, id.data, id.len);
	for (size_t i = 0; i < EMR_RECOVERY_HEADS; i++) {
		EMR_AUTO_BUF note = {0};

		(void)!emr_file_read(host_dirfd, names[i], EMR_CHECKPOINT_MAX, &note);
		if (emr_checkpoint_parse(emr_buf_view(&note), &out_recovery->heads[i]) != EMR_OK)
			out_recovery->heads[i].size = 0;
	}
	out_recovery->is_split =
		faccessat(host_dirfd, EMR_RECOVERY_OTHER, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	return EMR_OK;
}
